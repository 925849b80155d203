"""Places for labels and scores: standard output, one file, a folder, or files named by a template."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np

from vad.atomic import Discard, check_free, explain, replacing, write
from vad.audio.resample import Channel
from vad.batch.inputs import Input
from vad.batch.journal import Journal
from vad.batch.naming import check_not_input, is_folder, is_template, name_output
from vad.batch.task import Analysis
from vad.detector import Detection
from vad.errors import FormatError, SettingError
from vad.formats import Document, Format
from vad.settings import Raw, Segmentation


class Output(Protocol):
    """A place for the documents of one recording after the other."""

    def write(self, source: Input, documents: list[Document]) -> None:
        """Write the documents of a recording; raises `FormatError` where that fails."""

    def is_done(self, source: Input) -> bool:
        """Whether an earlier run has written all documents of a recording."""


@dataclass(frozen=True)
class Provenance:
    """Everything that the results of a run depend on."""

    model: dict[str, Any]  # its identity: name, version and the like
    weights: str  # SHA-256
    settings: Segmentation
    latency: float | None = None  # seconds
    channel: Channel = "mix"
    inverted: bool = False
    raw: Raw | None = None

    @classmethod
    def of(cls, task: Analysis, inverted: bool = False) -> Provenance:
        """The provenance of what `task` finds."""
        detector = task.detector
        latency = detector.latency(task.latency) if task.latency else None
        identity = detector.description.identity
        return cls(identity, task.digest, task.settings, latency, task.channel, inverted, task.raw)

    @property
    def about(self) -> dict[str, Any]:
        """The part that label files hold."""
        latency = {} if self.latency is None else {"latency": self.latency}
        return {"model": self.model, "settings": asdict(self.settings), **latency}


@dataclass(frozen=True)
class Run:
    """A run over many recordings, which another run can continue."""

    provenance: Provenance
    resume: bool = False  # continue an earlier run
    order: Sequence[Input] | None = None  # of the recordings in one file; None as they finish


@contextlib.contextmanager
def open_output(
    target: str | None, kind: Format, several: bool, run: Run | None = None, *, force: bool = False
) -> Iterator[Output]:
    """A place for labels: `target` is a file, a folder, a template, or None or "-" for standard output.

    `several` says whether there is more than one document. With a `run`, one file for several
    recordings is written from a `Journal` beside it, which stays where the run is interrupted.
    Files that exist are replaced with `force`, and those of the run that is continued.

    Raises `FormatError` where a file exists, `SettingError` where one file cannot hold several
    documents, for a template with unknown fields, and where `run` cannot continue.
    """
    if target in (None, "-"):
        with contextlib.closing(OneFile(sys.stdout, kind, several)) as output:
            yield output
    elif is_template(target) or is_folder(target):
        name_output(target, Input("a.wav", Path("a.wav")), None, "")
        yield ManyFiles(target, kind, run, force or (run is not None and run.resume))
    elif several and kind.many and run and (Path(target).is_file() or not Path(target).exists()):
        unfinished = Path(f"{target}.unfinished")
        check_free(Path(target), force or (run.resume and unfinished.exists()))
        with explain(target):
            journal = Journal(unfinished, {"format": kind.name, **asdict(run.provenance)}, run.resume)
        with journal:
            yield Journaled(journal, kind)
            if not journal.failed:
                with _one_file(Path(target), kind, several) as output:
                    for texts in journal.texts([one.path for one in run.order] if run.order else None):
                        output.append(texts)
                journal.remove()
    else:
        check_free(Path(target), force)
        with _one_file(Path(target), kind, several) as output:
            yield output


@contextlib.contextmanager
def _one_file(path: Path, kind: Format, several: bool) -> Iterator[OneFile]:
    """A `OneFile` that takes the place of `path` when it is complete."""
    with replacing(path) as file:
        stream = io.TextIOWrapper(file, "utf-8", newline="")
        with contextlib.closing(OneFile(stream, kind, several, path)) as output:
            yield output
        if output.failed or not output.wrote:
            raise Discard
        stream.detach()


class OneFile:
    """All documents one after another in one file or on standard output."""

    def __init__(self, stream: TextIO, kind: Format, several: bool, path: Path | None = None) -> None:
        if several and not kind.many:
            raise SettingError(
                f"{kind.name} holds one recording and channel per file; "
                "name a folder, or a template like {stem}.{channel}"
            )
        self._stream, self._kind, self._several, self._path = stream, kind, several, path
        self._opening, self._between, self._closing = kind.brackets if several else ("", "", "")
        self.failed = False
        self.wrote = False

    def write(self, source: Input, documents: list[Document]) -> None:
        """Append `documents`; `FormatError` where that fails."""
        if self._path:
            check_not_input(self._path, source)
        self.append([self._kind.write(replace(document, shared=self._several)) for document in documents])

    def append(self, texts: list[str]) -> None:
        """Append documents that are text already."""
        for text in texts:
            self._put((self._between if self.wrote else self._kind.head + self._opening) + text)
            self.wrote = True

    def is_done(self, source: Input) -> bool:
        """Never: the file is written from its beginning."""
        return False

    def close(self) -> None:
        """Write what stands around the documents."""
        if not self.wrote:
            self._put(self._kind.head + self._opening)
        self._put(self._closing)

    def _put(self, text: str) -> None:
        if self.failed:  # reported when it first failed
            return
        self.failed = True
        with explain(str(self._path or "standard output")):
            self._stream.write(text)
            self._stream.flush()
        self.failed = False


class Journaled:
    """All documents in a journal, from which one file is written when they are complete."""

    def __init__(self, journal: Journal, kind: Format) -> None:
        self._journal, self._kind = journal, kind

    def write(self, source: Input, documents: list[Document]) -> None:
        """Add `documents`; `FormatError` where that fails."""
        texts = [self._kind.write(replace(document, shared=True)) for document in documents]
        with explain(str(self._journal.path)):
            self._journal.add(source.path, texts)

    def is_done(self, source: Input) -> bool:
        """Whether its documents are in the journal."""
        return source.path in self._journal


class ManyFiles:
    """A file per recording and channel: in a folder, or named by a template."""

    def __init__(self, target: str, kind: Format, run: Run | None = None, force: bool = False) -> None:
        self._target, self._kind, self._run, self._force = target, kind, run, force
        self._written: dict[Path, tuple[str, int | None]] = {}

    def write(self, source: Input, documents: list[Document]) -> None:
        """Write a file per document; `FormatError` where it would replace that of another document.

        The file of the first document is written last: where it exists, all do.
        """
        for document in reversed(documents):
            path = name_output(self._target, source, document.channel, self._kind.extension)
            here = (source.path, document.channel)
            if self._written.setdefault(path, here) != here:
                raise FormatError(
                    f"{source.path}: would overwrite {path}, the output of {self._written[path][0]}; "
                    "use a template with {name}, {dir} and {channel}"
                )
            check_not_input(path, source)
            check_free(path, self._force)
            write(path, (self._kind.head + self._kind.write(document)).encode("utf-8"))

    def is_done(self, source: Input) -> bool:
        """Whether the file of its first channel exists, which is written last."""
        channel = self._run.provenance.channel if self._run else "mix"
        first = channel if isinstance(channel, int) else {"mix": None, "each": 1}[channel]
        path = name_output(self._target, source, first, self._kind.extension)
        here = (source.path, first)
        return path.exists() and self._written.setdefault(path, here) == here


def check_scores_target(target: str, several: bool, force: bool = False) -> None:
    """Raise `SettingError` where scores cannot go to `target`: a file, a folder or a template.

    Raises `FormatError` where the file exists, unless `force` allows to replace it.
    """
    separate = is_template(target) or is_folder(target)
    if several and not separate:
        raise SettingError(f"scores {target}: one file for several recordings or channels; give a folder", "scores")
    path = name_output(target, Input("a.wav", Path("a.wav")), None, ".npz", "scores") if separate else Path(target)
    if path.suffix not in (".npz", ".csv"):
        raise SettingError(f"scores {target}: written as .npz or .csv; choose one of these extensions", "scores")
    if not separate:
        check_free(path, force)


def write_scores(target: str, source: Input, detection: Detection, frame_seconds: float, force: bool = False) -> None:
    """Frame scores as `.npz` (`scores`, `frame_seconds`) or `.csv` (`start,score`), by extension.

    `target` is a file, a folder (`.npz` then) or a template. Raises `FormatError` where the file
    exists, unless `force` allows to replace it.
    """
    assert detection.scores is not None
    path = Path(target)
    if is_template(target) or is_folder(target):
        path = name_output(target, source, detection.channel, ".npz")
    check_not_input(path, source)
    check_free(path, force)
    with replacing(path) as file, explain(str(path)):
        if path.suffix == ".npz":
            np.savez(file, scores=detection.scores, frame_seconds=frame_seconds)
        else:
            starts = np.arange(len(detection.scores)) * frame_seconds
            table = np.column_stack([starts, detection.scores])
            np.savetxt(file, table, ("%.3f", "%.6f"), ",", header="start,score", comments="")
