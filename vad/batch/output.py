"""Where results go: standard output, one file, a folder, or files named by a template."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np

from vad.atomic import Discard, explain, replacing, write
from vad.batch.inputs import Input
from vad.batch.ledger import Ledger
from vad.batch.naming import is_folder, is_template, name_output, spare
from vad.detector import Detection
from vad.errors import FormatError, SettingError
from vad.formats import Document, Format


class Output(Protocol):
    """Takes the documents of one recording after the other."""

    def write(self, source: Input, documents: list[Document]) -> None:
        """Write what was found in a recording; raises `FormatError` where that cannot be."""

    def holds(self, source: Input) -> bool:
        """Whether an earlier run has written all that there is of a recording."""


@dataclass(frozen=True)
class Run:
    """A run over many recordings, that may be cut short and continued by another."""

    how: dict[str, Any]  # what results depend on
    resume: bool = False  # whether to continue
    order: Sequence[Input] | None = None  # of the recordings in one file; None as they come


@contextlib.contextmanager
def open_output(target: str | None, kind: Format, several: bool, run: Run | None = None) -> Iterator[Output]:
    """Where labels go: `target` is a file, a folder, a template, or None or "-" for standard output.

    `several` says whether more than one document is to come. With a `run`, one file for several
    recordings is made of a `Ledger` beside it, which is left where the run is cut short. Raises
    `SettingError` where one file cannot hold them, for a template with unknown fields, and where
    `run` cannot continue.
    """
    if target in (None, "-"):
        with contextlib.closing(Shared(sys.stdout, kind, several)) as shared:
            yield shared
    elif is_template(target) or is_folder(target):
        name_output(target, Input("a.wav", Path("a.wav")), None, "")
        yield Separate(target, kind, run)
    elif several and kind.many and run and (Path(target).is_file() or not Path(target).exists()):
        with explain(target):
            ledger = Ledger(Path(f"{target}.unfinished"), {"format": kind.name, **run.how}, run.resume)
        with ledger:
            yield Kept(ledger, kind)
            if not ledger.failed:
                with _one_file(Path(target), kind, several) as shared:
                    for texts in ledger.texts([one.path for one in run.order] if run.order else None):
                        shared.append(texts)
                ledger.remove()
    else:
        with _one_file(Path(target), kind, several) as shared:
            yield shared


@contextlib.contextmanager
def _one_file(path: Path, kind: Format, several: bool) -> Iterator[Shared]:
    """A `Shared` that takes the place of `path` when it is complete."""
    with replacing(path) as file:
        stream = io.TextIOWrapper(file, "utf-8", newline="")
        with contextlib.closing(Shared(stream, kind, several, path)) as shared:
            yield shared
        if shared.failed or not shared.wrote:
            raise Discard
        stream.detach()


class Shared:
    """All documents one after another in one file or on standard output."""

    def __init__(self, stream: TextIO, kind: Format, several: bool, path: Path | None = None) -> None:
        if several and not kind.many:
            raise SettingError(
                f"{kind.name} holds one recording and channel per file; give -o FOLDER or a template like {{stem}}"
            )
        self._stream, self._kind, self._several, self._path = stream, kind, several, path
        self._opening, self._between, self._closing = kind.brackets if several else ("", "", "")
        self.failed = False
        self.wrote = False

    def write(self, source: Input, documents: list[Document]) -> None:
        """Append `documents`; `FormatError` where that fails."""
        if self._path:
            spare(self._path, source)
        self.append([self._kind.write(replace(document, shared=self._several)) for document in documents])

    def append(self, texts: list[str]) -> None:
        """Append documents that are written down already."""
        for text in texts:
            self._put((self._between if self.wrote else self._kind.head + self._opening) + text)
            self.wrote = True

    def holds(self, source: Input) -> bool:
        """Never: what is begun is written from its beginning."""
        return False

    def close(self) -> None:
        """Write what stands around the recordings."""
        if not self.wrote:
            self._put(self._kind.head + self._opening)
        self._put(self._closing)

    def _put(self, text: str) -> None:
        if self.failed:  # and said so
            return
        self.failed = True
        with explain(str(self._path or "standard output")):
            self._stream.write(text)
            self._stream.flush()
        self.failed = False


class Kept:
    """All documents in a ledger, of which one file is made when they are complete."""

    def __init__(self, ledger: Ledger, kind: Format) -> None:
        self._ledger, self._kind = ledger, kind

    def write(self, source: Input, documents: list[Document]) -> None:
        """Note `documents`; `FormatError` where that fails."""
        texts = [self._kind.write(replace(document, shared=True)) for document in documents]
        with explain(str(self._ledger.path)):
            self._ledger.add(source.path, texts)

    def holds(self, source: Input) -> bool:
        """Whether its documents are in the ledger."""
        return source.path in self._ledger


class Separate:
    """A file per recording and channel: in a folder, or where a template says."""

    def __init__(self, target: str, kind: Format, run: Run | None = None) -> None:
        self._target, self._kind, self._run = target, kind, run
        self._written: dict[Path, tuple[str, int | None]] = {}

    def write(self, source: Input, documents: list[Document]) -> None:
        """Write a file per document; `FormatError` where it is that of another.

        The first comes last: where it exists, all do.
        """
        for document in reversed(documents):
            path = name_output(self._target, source, document.channel, self._kind.extension)
            here = (source.path, document.channel)
            if self._written.setdefault(path, here) != here:
                raise FormatError(
                    f"{source.path}: would overwrite {path}, the output of {self._written[path][0]}; "
                    "use a template with {name}, {dir} and {channel}"
                )
            spare(path, source)
            write(path, (self._kind.head + self._kind.write(document)).encode("utf-8"))

    def holds(self, source: Input) -> bool:
        """Whether there is the file of its first channel, which is written last."""
        channel = self._run.how["channel"] if self._run else "mix"
        first = channel if isinstance(channel, int) else {"mix": None, "each": 1}[channel]
        path = name_output(self._target, source, first, self._kind.extension)
        here = (source.path, first)
        return path.exists() and self._written.setdefault(path, here) == here


def check_scores_target(target: str, several: bool) -> None:
    """Raise `SettingError` where scores cannot go to `target`: a file, a folder or a template."""
    separate = is_template(target) or is_folder(target)
    if several and not separate:
        raise SettingError(f"--scores {target}: one file for several recordings or channels; give a folder")
    path = name_output(target, Input("a.wav", Path("a.wav")), None, ".npz") if separate else Path(target)
    if path.suffix not in (".npz", ".csv"):
        raise SettingError(f"--scores {target}: scores are written as .npz or .csv; choose one of these extensions")


def write_scores(target: str, source: Input, detection: Detection, frame_seconds: float) -> None:
    """Frame scores as `.npz` (`scores`, `frame_seconds`) or `.csv` (`start,score`), by extension.

    `target` is a file, a folder (`.npz` then) or a template.
    """
    assert detection.scores is not None
    path = Path(target)
    if is_template(target) or is_folder(target):
        path = name_output(target, source, detection.channel, ".npz")
    spare(path, source)
    with replacing(path) as file, explain(str(path)):
        if path.suffix == ".npz":
            np.savez(file, scores=detection.scores, frame_seconds=frame_seconds)
        else:
            starts = np.arange(len(detection.scores)) * frame_seconds
            table = np.column_stack([starts, detection.scores])
            np.savetxt(file, table, ("%.3f", "%.6f"), ",", header="start,score", comments="")
