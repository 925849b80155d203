"""The sound of a live stream as files: one file for each utterance, or one file for the whole stream.

An utterance is written while it lasts, so that a long one takes no memory. A sample stays in memory
only until the stream knows whether it belongs to an utterance.
"""

from __future__ import annotations

import contextlib
import io
import time
from pathlib import Path
from typing import IO, NamedTuple

import soundfile

from vad.atomic import check_free, free_path, scratch
from vad.audio.encode import Encoding, create, encoding_for, explain_sound, libsndfile_reason, to_subtype
from vad.audio.media import MEDIA, SoundWriter
from vad.batch.inputs import Input
from vad.batch.naming import check_not_input, escape_template, fill_template, is_folder, is_template
from vad.errors import FormatError, SettingError
from vad.events import End, Event, Start
from vad.features import Float32
from vad.segments import Segment

FIELDS = ("number", "start", "end", "duration", "clock")
NAME = "{number:04d}_{start:.3f}-{end:.3f}.wav"


class Utterance(NamedTuple):
    """An utterance and its sound file."""

    path: Path
    segment: Segment


class UtteranceRecorder:
    """Writes a file for each segment, padding included, with the rate and the channels of the source.

    `target` is a folder, or a template for file names with `FIELDS` in braces; its extension selects
    the format of the sound (`.wav`, `.flac`, `.ogg`, ...). A file that exists stays, unless `force`:
    numbers go on, and a name without a number gets one, as in `name-2.wav`. Raises `SettingError` for
    a target that does not give each utterance a name of its own.
    """

    def __init__(self, target: str | Path, sample_rate: int, force: bool = False) -> None:
        text = str(target)
        if text == "-":
            raise SettingError(
                "target -: standard output has the events; give a folder, or a template like {number}.wav",
                "target",
            )
        if not is_template(text) and not is_folder(text):
            raise SettingError(
                f"target {target}: one name for all utterances; give a folder, or add {{number}}", "target"
            )
        self._template = text if is_template(text) else str(Path(escape_template(text), NAME))
        self._rate, self._force = sample_rate, force
        self._waiting: list[Float32] = []
        self._from = 0  # index of the first sample of `_waiting`
        self._number = 0
        self._open: SoundWriter | None = None
        self._scratch: IO[bytes] | None = None  # the file behind `_open`
        self._began = time.strftime("%Y%m%dT%H%M%S")
        first = self._name(Segment(0.0, 1.0))
        self._encoding = encoding_at(first, sample_rate)
        self._number = 1
        if self._name(Segment(2.0, 4.0)) == first:
            raise SettingError(f"target {target}: names all utterances alike; use {{number}} or {{start}}", "target")
        self._number = 0

    def take(self, block: Float32, events: list[Event], settled: float) -> list[Utterance]:
        """Take a block `(sample, channel)` and the events that it completed; the utterances that are now complete.

        `settled` is `Stream.settled`, in seconds.
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
        """Remove an utterance that is not complete."""
        if self._open:
            with contextlib.suppress(OSError, FormatError):
                self._open.close()
            self._open = None
        if self._scratch:
            Path(self._scratch.name).unlink(missing_ok=True)
            self._scratch.close()
            self._scratch = None

    def _sample(self, seconds: float) -> int:
        return round(seconds * self._rate)

    def _name(self, segment: Segment) -> Path:
        values = (self._number, segment.start, segment.end, segment.duration, self._began)
        return Path(fill_template(self._template, dict(zip(FIELDS, values, strict=True)), "target"))

    def _begin(self, channels: int) -> None:
        self._number += 1
        final = self._name(Segment(0.0, 1.0))
        with explain_sound(final):
            self._scratch = scratch(final.parent)
        with explain_sound(final, Path(self._scratch.name)):
            self._open = create(Path(self._scratch.name), self._rate, channels, self._encoding, name=final)

    def _complete(self, segment: Segment) -> Utterance:
        assert self._open and self._scratch
        path = self._free_name(segment)
        with explain_sound(path, Path(self._scratch.name)):
            self._open.close()
            path.parent.mkdir(parents=True, exist_ok=True)
            Path(self._scratch.name).replace(path)
        self._scratch.close()
        self._open = self._scratch = None
        return Utterance(path, segment)

    def _free_name(self, segment: Segment) -> Path:
        path = self._name(segment)
        while path.exists() and not self._force:
            self._number += 1
            following = self._name(segment)
            if following == path:
                return free_path(path)
            path = following
        return path

    def _write(self, until: int) -> None:
        assert self._open
        for piece in self._until(until):
            append(self._open, piece, Path(self._template).parent)

    def _drop(self, until: int) -> None:
        self._until(until)

    def _until(self, until: int) -> list[Float32]:
        """The waiting samples before index `until`; they are removed from `_waiting`."""
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


class StreamRecorder:
    """Writes the whole stream to one file, whose extension selects the format.

    Raises `SettingError` for an unknown format, `FormatError` where `path` is the `source` itself.
    """

    def __init__(self, path: Path, sample_rate: int, source: str, force: bool = False) -> None:
        self._encoding = encoding_at(path, sample_rate)
        check_not_input(path, Input(source, Path(source)))
        check_free(path, force)
        self._path, self._rate = path, sample_rate
        self._file: SoundWriter | None = None

    def take(self, block: Float32) -> None:
        """Append `(sample, channel)`."""
        if self._file is None:
            with explain_sound(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                channels = block.shape[1]
                self._file = create(self._path, self._rate, channels, self._encoding, name=self._path, growing=True)
        append(self._file, block, self._path)

    def close(self) -> None:
        """Complete the file."""
        if self._file:
            with explain_sound(self._path):
                self._file.close()


def encoding_at(path: Path, sample_rate: int) -> Encoding:
    """The encoding of a file `path` with this sample rate; `SettingError` where its format cannot hold that rate."""
    encoding = encoding_for(path)
    if encoding.container in MEDIA:  # resampled where need be
        return encoding
    try:
        how = {"format": encoding.container, "subtype": encoding.subtype}
        soundfile.SoundFile(io.BytesIO(), "w", sample_rate, 1, **how).close()
    except soundfile.LibsndfileError as error:
        raise SettingError(
            f"{path}: {sample_rate} Hz cannot be written so ({libsndfile_reason(error)}); use .wav or .flac"
        ) from error
    return encoding


def append(file: SoundWriter, block: Float32, name: Path) -> None:
    """Write `(sample, channel)` at the end of `file`; a failure is a `FormatError` that names `name`."""
    with explain_sound(name, Path(file.name)):
        file.write(to_subtype(block, file.subtype))
