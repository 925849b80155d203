"""What `vad split`, `vad trim` and `vad play` share: their options, and where they cut."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from vad.atomic import temporary_folder
from vad.errors import FormatError
from vad.formats import speech_of
from vad.segments import Segment, clip, drop, invert, merge, pad
from vad.settings import Segmentation

from .command import option, refuse
from .console import Console
from .options import JobsOptions, MessageOptions, OneChannelOptions, SpeechOptions, labels_format

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.batch.task import Analysis
    from vad.cutting.cutter import Written

# Options that have no meaning with --labels.
WITH_MODEL = ("model", "preset", "onset", "offset", "max_speech", "channel")


class Cuts(NamedTuple):
    """The segments to cut out of a recording."""

    segments: list[Segment]
    duration: float  # of the recording, in seconds
    notes: list[str]  # warnings about it


Cut = Callable[["Input", Path, Cuts], "Written | None"]


@dataclass(frozen=True)
class LabelOptions:
    """The labels that say where to cut."""

    title = "Input"
    labels: Path | None = option(
        "--labels",
        type=click.Path(path_type=Path),
        metavar="FILE|DIR",
        help="Cut where these labels say, of any format; labels that overlap are merged.  [default: detect]",
    )
    labels_format: str | None = labels_format("--labels-format", "the labels")


@dataclass(frozen=True)
class InputOptions(OneChannelOptions, LabelOptions):
    """The labels that say where to cut, and the channel to analyse."""


@dataclass(frozen=True)
class CutOptions(SpeechOptions):
    """What to cut out."""

    inverted: bool = option("--invert", "--silences", is_flag=True, help="The silences instead of the speech.")


@dataclass(frozen=True)
class CuttingOptions:
    """What the commands share."""

    source: InputOptions
    speech: CutOptions
    scale: JobsOptions
    messages: MessageOptions

    def run(self, inputs: tuple[str, ...], cut: Cut) -> None:
        """Find where to cut each of `inputs`, and `cut` it."""
        from vad.batch.inputs import find
        from vad.batch.pool import open_pool
        from vad.batch.run import run_batch

        source, speech = self.source, self.speech
        found, errors = find(inputs)
        with self.messages.console() as console, contextlib.ExitStack() as stack:
            console.errors(errors)
            find_cuts = (
                _by_labels(found, source.labels, source, speech, console)
                if source.labels
                else _by_model(source, speech)
            )
            nothing = "silence" if speech.inverted else "speech"
            copies = Copies(stack.enter_context(temporary_folder()))

            def deliver(one: Input, found: tuple[Path, Cuts]) -> float:
                path, cuts = found
                try:
                    for note in cuts.notes:
                        console.warn(f"{one.path}: {note}")
                    if not cuts.segments:
                        console.warn(f"{one.path}: no {nothing} found")
                    elif written := cut(one, path, cuts):
                        _warn_of_losses(one, written, console)
                finally:
                    copies.remove(path)
                return cuts.duration

            pool = stack.enter_context(open_pool(1 if source.labels else self.scale.jobs, found))
            totals = run_batch(found, FindCuts(find_cuts, copies, speech.inverted), deliver, console, pool=pool)
            console.summary(totals)


@dataclass(frozen=True)
class Copies:
    """Copies of what URLs and pipes hold, which is read twice: once to find the speech, once to cut it out."""

    folder: Path

    @contextlib.contextmanager
    def file_of(self, one: Input) -> Iterator[Path]:
        """The file of a recording, or a copy, which is removed if the `with` block raises."""
        from vad.batch.inputs import fetch, is_url

        if not one.is_pipe and not is_url(one.path):
            yield Path(one.path)
            return
        place = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            yield _copy_pipe(one, place / "stdin") if one.is_pipe else fetch(one.path, place)
        except BaseException:
            shutil.rmtree(place)
            raise

    def remove(self, path: Path) -> None:
        """Remove a copy; other files stay."""
        if self.folder in path.parents:
            shutil.rmtree(path.parent)


def _copy_pipe(one: Input, copy: Path) -> Path:
    """Copy a pipe to the end; returns `copy`."""
    with copy.open("wb") as file, sys.stdin.buffer if one.path == "-" else Path(one.path).open("rb") as pipe:
        shutil.copyfileobj(pipe, file)
    return copy


@dataclass(frozen=True)
class FindCuts:
    """A task that finds where to cut a recording."""

    find: Callable[[Input, Path], Cuts]  # in the file to read for an input
    copies: Copies
    inverted: bool

    def __call__(self, one: Input) -> tuple[Path, Cuts]:
        """The file of `one`, perhaps a copy, and where to cut it."""
        with self.copies.file_of(one) as path:
            cuts = self.find(one, path)
            return path, cuts._replace(segments=invert(cuts.segments, cuts.duration)) if self.inverted else cuts


@dataclass(frozen=True)
class DetectedCuts:
    """Cuts where a detector finds speech."""

    analysis: Analysis

    def __call__(self, one: Input, path: Path) -> Cuts:
        """The speech of the recording in `path`."""
        from vad.audio.decode import decoded_duration, open_sound

        with open_sound(path, name=one.name) as sound:
            found = self.analysis.analyse(sound)[0]
        duration = decoded_duration(path, one.name)
        # a detection is in milliseconds; the last segment reaches to the last sample
        segments = [s._replace(end=duration) if s.end >= found.duration else s for s in found.segments]
        return Cuts(segments, duration, [])


def _by_model(source: InputOptions, speech: CutOptions) -> DetectedCuts:
    from vad.batch.task import Analysis, load

    if speech.inverted:
        speech = replace(speech, max_speech=speech.unlimited())
    settings = speech.settings(load(speech.model))
    return DetectedCuts(Analysis(speech.model, settings, source.channel))


def _by_labels(
    found: list[Input], home: Path, source: InputOptions, speech: CutOptions, console: Console
) -> Callable[[Input, Path], Cuts]:
    """Look cuts up in the labels at `home`."""
    from vad.audio.decode import decoded_duration
    from vad.labels.extent import past_end
    from vad.labels.matching import match_inputs

    refuse(WITH_MODEL, "has no meaning with --labels, which say where to cut")
    names = ("min_speech", "min_silence", "pad_start", "pad_end")
    settings = Segmentation(**{name: speech.changes[name] or 0.0 for name in names})
    matches = match_inputs(found, home, source.labels_format)
    for problem in [*matches.problems, *matches.orphans]:
        console.warn(problem)

    def look_up(one: Input, path: Path) -> Cuts:
        if one.path not in matches.labelled:
            raise FormatError(f"{one.path}: has no labels in {home}; name them like the recording")
        duration = decoded_duration(path, one.name)
        segments = drop(merge(speech_of(matches.labelled[one.path]), settings.min_silence), settings.min_speech)
        inside = [s for s in clip(segments, duration) if s.duration > 0]
        padded = clip(pad(inside, settings.pad_start, settings.pad_end), duration)
        return Cuts(padded, duration, past_end(segments, duration))

    return look_up


def _warn_of_losses(one: Input, written: Written, console: Console) -> None:
    """Warn where the samples in the new files are not those of the recording."""
    if written.lossless:
        return
    kind = written.parts[0].path.suffix
    if written.encoding.lossless:
        console.warn(f"{one.path}: {kind} cannot hold its {written.encoding.subtype} samples without loss; use .wav")
    else:
        console.warn(f"{one.path}: is compressed with loss; decoded, and written as {kind}")
