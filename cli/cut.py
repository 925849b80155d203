"""What `vad split` and `vad trim` share: where to cut."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from vad.errors import FormatError, SettingError, VadError
from vad.formats import speech_of
from vad.segments import Segment, clip, drop, invert, merge, pad
from vad.settings import Segmentation

from . import options as shared
from .console import Console

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.batch.task import Analysis
    from vad.cutting.cutter import Written

DETECTING = ("model", "onset", "offset", "max_speech")  # what labels leave nothing to say about


class Where(NamedTuple):
    """What to cut out of a recording."""

    segments: list[Segment]
    duration: float  # of the recording, in seconds
    notes: list[str]  # what is to be said of it


Cut = Callable[["Input", Path, Where], "Written"]


def cutting(command: shared.F) -> shared.F:
    """The options that say what to cut, and how to treat what is there."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="No progress and no warnings, only errors."),
        shared.jobs,
        click.option("--force", is_flag=True, help="Overwrite files that exist."),
        shared.one_channel,
        shared.model,
        shared.segmentation,
        click.option("--invert", "inverted", is_flag=True, help="The silences instead of the speech."),
        shared.labels_format,
        click.option(
            "--labels",
            type=click.Path(path_type=Path),
            metavar="FILE|DIR",
            help="Cut where these labels say, of any format; labels that overlap are merged.  [default: detect]",
        ),
    ):
        command = option(command)
    return command


def run(inputs: tuple[str, ...], options: dict[str, Any], cut: Cut) -> None:
    """Find out where to cut each of `inputs` and `cut` it; ends the program where one failed."""
    from vad.batch.inputs import find
    from vad.batch.pool import open_pool, run_tasks

    found, errors = find(inputs)
    with contextlib.ExitStack() as stack:
        console = stack.enter_context(Console(options["quiet"]))
        for error in errors:
            console.error(error)
        paths = {one.path: stack.enter_context(_on_disk(one)) for one in found}
        where = _by_labels(found, options, console) if options["labels"] else _by_detection(options)
        task = Find(where, paths, options["inverted"])
        pool = stack.enter_context(open_pool(1 if options["labels"] else options["jobs"], found))
        for count, done in enumerate(run_tasks(found, task, pool), 1):
            one = done.source
            try:
                with console.result(done) as result:
                    for note in result.notes:
                        console.warn(f"{one.path}: {note}")
                    if result.segments:
                        _say_losses(one, cut(one, paths[one.path], result), console)
                    else:
                        what = "silence" if options["inverted"] else "speech"
                        console.warn(f"{one.path}: no {what}, nothing to write")
            except SettingError:
                raise
            except VadError as error:
                console.error(error)
            console.to(count / len(found), f"{count} of {len(found)}")
    if console.failed:
        raise SystemExit(1)


@contextlib.contextmanager
def _on_disk(one: Input) -> Iterator[Path]:
    """A file that can be read twice: once to find the speech, once to cut it out."""
    path = Path(one.path)
    if one.path != "-" and not path.is_fifo():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="vad-") as folder:
        copy = Path(folder, "stdin")
        with copy.open("wb") as file, path.open("rb") if one.path != "-" else sys.stdin.buffer as pipe:
            shutil.copyfileobj(pipe, file)
        yield copy


@dataclass(frozen=True)
class Find:
    """Finds out where to cut a recording, in this process or another."""

    where: Callable[[Input, Path], Where]
    paths: dict[str, Path]  # of the files to be read in place of what was named
    inverted: bool

    def __call__(self, one: Input) -> Where:
        """Where to cut `one`."""
        found = self.where(one, self.paths[one.path])
        return found._replace(segments=invert(found.segments, found.duration)) if self.inverted else found


@dataclass(frozen=True)
class ByDetection:
    """Cuts where a detector finds speech."""

    analysis: Analysis

    def __call__(self, one: Input, path: Path) -> Where:
        """Where the speech of the recording in `path` is."""
        from vad.audio.decode import decoded_duration
        from vad.batch.inputs import Input

        found = self.analysis(Input(str(path), one.relative))[0]
        duration = decoded_duration(path)
        # the detector knows milliseconds; the last segment goes to the last sample
        reaching = [s._replace(end=duration) if s.end >= found.duration else s for s in found.segments]
        return Where(reaching, duration, [])


def _by_detection(options: dict[str, Any]) -> ByDetection:
    from vad.batch.task import Analysis, load

    settings = load(options["model"]).settings(options["preset"], **shared.settings(options))
    return ByDetection(Analysis(options["model"], settings, options["channel"]))


def _by_labels(found: list[Input], options: dict[str, Any], console: Console) -> Callable[[Input, Path], Where]:
    """What finds the speech in labels."""
    from vad.audio.decode import decoded_duration
    from vad.labels.matching import match_inputs

    given = [name for name in DETECTING if options[name] is not None]
    given += ["preset"] * (options["preset"] != "default") + ["channel"] * (options["channel"] != "mix")
    if given:
        raise SettingError(f"--{given[0].replace('_', '-')}: has no meaning with --labels, which say where to cut")
    names = ("min_speech", "min_silence", "pad_start", "pad_end")
    how = Segmentation(**{name: options[name] or 0.0 for name in names})  # refuses what makes no sense
    home: Path = options["labels"]
    matches = match_inputs(found, home, options["labels_format"])
    for problem in [*matches.problems, *matches.orphans]:
        console.warn(problem)

    def look_up(one: Input, path: Path) -> Where:
        if one.path not in matches.labelled:
            raise FormatError(f"{one.path}: has no labels in {home}; name them like the recording")
        duration = decoded_duration(path)
        segments = drop(merge(speech_of(matches.labelled[one.path]), how.min_silence), how.min_speech)
        inside = [s for s in clip(segments, duration) if s.duration > 0]
        padded = clip(pad(inside, how.pad_start, how.pad_end), duration)
        return Where(padded, duration, _beyond(segments, duration))

    return look_up


def _beyond(segments: list[Segment], duration: float) -> list[str]:
    """What to say of labels that reach past the end by more than a rounding."""
    after = sum(s.start >= duration for s in segments)
    last = max((s.end for s in segments), default=0.0)
    if last <= duration + 0.01:
        return []
    left = f", {after} of which begin there and are left out" if after else ""
    return [f"labels reach to {last:.2f} s, past the end at {duration:.2f} s{left}; are they of this recording?"]


def _say_losses(one: Input, written: Written, console: Console) -> None:
    """Say where the samples that were written are not those of the recording."""
    if written.lossless:
        return
    kind = written.parts[0].path.suffix
    if written.encoding.lossless:
        console.warn(f"{one.path}: {kind} cannot hold its {written.encoding.subtype} samples without loss; use .wav")
    else:
        console.warn(f"{one.path}: is compressed with loss; decoded, and written as {kind}")
