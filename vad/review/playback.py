"""Sound for the browser: always WAV, which all browsers play and seek to the sample."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import soundfile

from vad.atomic import replacing
from vad.audio.decode import open_sound
from vad.audio.encode import explain_sound
from vad.review.cache import Cache

# WAV is sent as it is; FLAC is decoded where the browser wants it, as Chromium fails to seek in the last second of
# some; all else, like MP3, whose places may be off by a frame or by seconds, becomes FLAC in the cache.
FORMATS = {".wav": ("WAV", "WAVEX"), ".flac": ("FLAC",)}
SUBTYPES = ("PCM_16", "PCM_24", "PCM_U8", "FLOAT")
MOST_CHANNELS = 2
HEADER = 44  # bytes of a WAV file before its samples
LARGEST = (1 << 32) - HEADER - 8  # bytes of samples that its header can state
BLOCK = 16_384  # samples read at once

_making = threading.Lock()


def playable(path: Path, cache: Cache, channel: int | None = None) -> Path:
    """A file, WAV or FLAC, of the sound at `path` for the browser; made if need be, which takes time.

    The copy is FLAC of 16 bits at the rate of the original, its channels mixed where there are more
    than two; with a `channel`, from 1, it has that one. Raises `AudioError` where the original
    cannot be read, or has no such channel, and `FormatError` where the copy cannot be written.
    """
    if channel is None and _plays(path):
        return path
    copy = cache.folder(path) / f"sound{channel or ''}.flac"
    with _making:
        if not copy.exists():
            _convert(path, copy, channel)
    return copy


class Wave:
    """The sound of a FLAC file as the bytes of a WAV file of 16 bits, without making it."""

    def __init__(self, path: Path) -> None:
        self._path, about = path, soundfile.info(path)
        self._frame = 2 * about.channels  # bytes
        data = min(about.frames * self._frame, LARGEST // self._frame * self._frame)
        self.size = HEADER + data
        form = (1, about.channels, about.samplerate, about.samplerate * self._frame, self._frame, 16)
        self._head = struct.pack("<4sI4s", b"RIFF", self.size - 8, b"WAVE")
        self._head += struct.pack("<4sIHHIIHH", b"fmt ", 16, *form) + struct.pack("<4sI", b"data", data)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to `stop`, in pieces."""
        if start < HEADER:
            yield self._head[start:stop]
            start = HEADER
        with soundfile.SoundFile(self._path) as file:
            while start < stop:
                first, skipped = divmod(start - HEADER, self._frame)
                file.seek(first)
                piece = file.read(BLOCK, "int16", always_2d=True).astype("<i2").tobytes()[skipped:][: stop - start]
                if not piece:
                    return
                yield piece
                start += len(piece)


def _plays(path: Path) -> bool:
    try:
        about = soundfile.info(path)
    except soundfile.LibsndfileError:
        return False
    named = about.format in FORMATS.get(path.suffix.lower(), ())
    return named and about.subtype in SUBTYPES and about.channels <= MOST_CHANNELS


def _convert(path: Path, copy: Path, channel: int | None) -> None:
    sound = open_sound(path)
    if channel:
        sound.rows(channel)  # raises where there is no such channel
    channels = sound.channels if channel is None and sound.channels <= MOST_CHANNELS else 1
    with (
        replacing(copy) as place,
        explain_sound(copy, Path(place.name)),
        soundfile.SoundFile(place.name, "w", sound.sample_rate, channels, "PCM_16", format="FLAC") as file,
    ):
        for block in sound.native_blocks():
            if channel:
                file.write(block[:, channel - 1])
            else:
                file.write(block if channels == sound.channels else block.mean(1))
