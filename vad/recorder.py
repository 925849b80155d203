"""The sound of a stream as files: each utterance as its own, or all of it.

An utterance is written while it lasts, so that a long one needs no memory: a sample waits only as
long as nobody knows where it belongs.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import soundfile

from vad.atomic import scratch
from vad.batch import Input
from vad.errors import AudioError, SettingError
from vad.events import End, Event, Start
from vad.exact import to_subtype
from vad.features import Float32
from vad.output import fill, is_folder, is_template, literal, spare
from vad.segments import Segment

FIELDS = ("number", "start", "end", "duration", "clock")
NAME = "{number:04d}_{start:.3f}-{end:.3f}.wav"


class Utterance(NamedTuple):
    """A segment that was written."""

    path: Path
    segment: Segment


class Recorder:
    """Writes a file per segment, padding included, at the rate and with the channels of the source.

    `target` is a folder, or a template for names with `FIELDS` in braces, whose extension says the
    format of the sound (`.wav`, `.flac`, `.ogg`, ...). Raises `SettingError` where it makes no name.
    """

    def __init__(self, target: str | Path, sample_rate: int) -> None:
        text = str(target)
        if not is_template(text) and not is_folder(text):
            raise SettingError(f"--save {target}: one name for all utterances; give a folder, or add {{number}}")
        self._template = text if is_template(text) else str(Path(literal(text), NAME))
        self._rate = sample_rate
        self._waiting: list[Float32] = []
        self._from = 0  # number of the first sample that waits
        self._number = 0
        self._open: soundfile.SoundFile | None = None
        self._scratch: IO[bytes] | None = None  # where it is being written
        self._began = time.strftime("%Y%m%dT%H%M%S")
        first = self._name(Segment(0.0, 1.0))
        check_extension(first)
        self._number = 1
        if self._name(Segment(2.0, 4.0)) == first:
            raise SettingError(f"--save {target}: names all utterances alike; use {{number}} or {{start}}")
        self._number = 0

    def take(self, block: Float32, events: list[Event], settled: float) -> list[Utterance]:
        """Take `(sample, channel)` and what a stream said to it; give the utterances that are complete.

        `settled` is that of the stream, in seconds.
        """
        if len(block):
            self._waiting.append(block)
        written = []
        for event in events:
            if isinstance(event, Start):
                self._drop(self._sample(event.time))
                self._begin(block.shape[1])
            elif isinstance(event, End):
                self._write(self._sample(event.segment.end))
                written.append(self._complete(event.segment))
        if self._open:
            self._write(self._sample(settled))
        else:
            self._drop(self._sample(settled))
        return written

    def close(self) -> None:
        """Give up what is not complete."""
        if self._open and self._scratch:
            with contextlib.suppress(OSError):
                self._open.close()
            self._open = None
            Path(self._scratch.name).unlink(missing_ok=True)
            self._scratch.close()

    def _sample(self, seconds: float) -> int:
        return round(seconds * self._rate)

    def _name(self, segment: Segment) -> Path:
        values = (self._number, segment.start, segment.end, segment.duration, self._began)
        return Path(fill(self._template, dict(zip(FIELDS, values, strict=True)), "--save "))

    def _begin(self, channels: int) -> None:
        self._number += 1
        final = self._name(Segment(0.0, 1.0))
        with explain(final):
            self._scratch = scratch(final.parent)
        self._open = create(Path(self._scratch.name), self._rate, channels, final.suffix)

    def _complete(self, segment: Segment) -> Utterance:
        assert self._open and self._scratch
        path = self._name(segment)
        with explain(path):
            self._open.close()
            path.parent.mkdir(parents=True, exist_ok=True)
            Path(self._scratch.name).replace(path)
        self._open = None
        self._scratch.close()
        return Utterance(path, segment)

    def _write(self, until: int) -> None:
        assert self._open
        for piece in self._until(until):
            put(self._open, piece, Path(self._template).parent)

    def _drop(self, until: int) -> None:
        self._until(until)

    def _until(self, until: int) -> list[Float32]:
        """Take away, and give, the samples that wait before number `until`."""
        taken = []
        while self._waiting and self._from < until:
            block = self._waiting[0][: until - self._from]
            taken.append(block)
            self._from += len(block)
            if len(block) == len(self._waiting[0]):
                self._waiting.pop(0)
            else:
                self._waiting[0] = self._waiting[0][len(block) :]
        return taken


class Whole:
    """Writes all of a stream to one file, whose extension says the format.

    Raises `SettingError` where there is no such format, `FormatError` where `path` is the `source`.
    """

    def __init__(self, path: Path, sample_rate: int, source: str) -> None:
        check_extension(path)
        spare(path, Input(source, Path(source)))
        self._path, self._rate = path, sample_rate
        self._file: soundfile.SoundFile | None = None

    def take(self, block: Float32) -> None:
        """Append `(sample, channel)`."""
        if self._file is None:
            self._file = create(self._path, self._rate, block.shape[1], self._path.suffix)
        put(self._file, block, self._path)

    def close(self) -> None:
        """Complete the file."""
        if self._file:
            with explain(self._path):
                self._file.close()


def check_extension(path: Path) -> None:
    """Raise `SettingError` where the extension of `path` is no format that sound can be written in."""
    known = soundfile.available_formats()
    if path.suffix[1:].upper() not in known or path.suffix.lower() == ".raw":
        raise SettingError(f"{path}: sound cannot be written as {path.suffix or 'that'}; use .wav, .flac or .ogg")


def create(path: Path, sample_rate: int, channels: int, extension: str) -> soundfile.SoundFile:
    """A sound file of the format that `extension` says, its folder made; `AudioError` where that fails."""
    with explain(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return soundfile.SoundFile(path, "w", sample_rate, channels, format=extension[1:].upper())


def put(file: soundfile.SoundFile, block: Float32, place: Path) -> None:
    """Append `(sample, channel)`."""
    with explain(place):
        file.write(to_subtype(block, file.subtype))


@contextlib.contextmanager
def explain(path: Path) -> Iterator[None]:
    """Turn a failed write to `path` into one line."""
    try:
        yield
    except OSError as error:
        raise AudioError(f"{path}: cannot be written ({error.strerror or error})") from error
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: cannot be written ({error.error_string.rstrip('.')})") from error
