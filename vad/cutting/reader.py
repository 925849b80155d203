"""A recording that is read from its beginning to its end, and copied in parts: its samples, and its picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vad.audio.decode import Sound
from vad.audio.encode import Encoding, to_subtype
from vad.audio.media import MEDIA, MediaFile, SoundWriter
from vad.audio.picture import Look, Pictures


class Reader:
    """Copies parts of the `sound` in `path`, which come in order; with its picture where an encoding holds one."""

    def __init__(self, sound: Sound, path: Path, encodings: Sequence[Encoding] = ()) -> None:
        self._sound, self._blocks = sound, sound.native_blocks()
        self._rest: NDArray[Any] = np.empty((0, sound.channels), np.float32)
        self._at = 0  # the first sample of the rest
        seen = not sound.encoding.container and any(_holds_picture(encoding) for encoding in encodings)
        self._pictures = Pictures(path) if seen else None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pictures:
            self._pictures.close()

    def look(self, encoding: Encoding) -> Look | None:
        """The size and the speed of the picture for a file with this encoding; None for sound alone."""
        return self._pictures.look if self._pictures and _holds_picture(encoding) else None

    def copy(self, start: int, end: int, file: SoundWriter, at: int = 0) -> int:
        """Append the samples `[start, end)` to `file`, in which they begin at `at`; how many there were."""
        rate, done = self._sound.sample_rate, 0
        video = file if isinstance(file, MediaFile) and file.has_picture else None
        film = self._pictures
        if video and film and (frame := film.at(start / rate)):
            video.write_picture(frame, at / rate)
        for block in self.between(start, end):
            file.write(to_subtype(block, file.subtype))
            done += len(block)
            if video and film:
                for time, frame in film.until((start + done) / rate):
                    video.write_picture(frame, time + (at - start) / rate)
        return done

    def between(self, start: int, end: int) -> Iterator[NDArray[Any]]:
        """Blocks `(sample, channel)` with the samples `[start, end)`; fewer where the sound ends first."""
        while self._at < end:
            if not len(self._rest):
                block = next(self._blocks, None)
                if block is None:
                    return
                self._rest = block
            taken = self._rest[: end - self._at]
            wanted = taken[max(0, start - self._at) :]
            self._at += len(taken)
            self._rest = self._rest[len(taken) :]
            if len(wanted):
                yield wanted


def _holds_picture(encoding: Encoding) -> bool:
    return encoding.container in MEDIA and bool(MEDIA[encoding.container].picture)
