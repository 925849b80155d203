"""Sound for the browser: the file itself where it plays and seeks it exactly, else a copy made once."""

from __future__ import annotations

import threading
from pathlib import Path

import soundfile

from vad.audio.decode import open_sound
from vad.audio.resample import missing_channel
from vad.review.cache import Cache

# What Chromium, Firefox and Safari play and seek to the sample; MP3 and MP4 may be off by a frame or by seconds.
PLAYED = {".wav": "audio/wav", ".flac": "audio/flac"}
SUBTYPES = ("PCM_16", "PCM_24", "PCM_U8", "FLOAT")
MOST_CHANNELS = 2

_making = threading.Lock()


def playable(path: Path, cache: Cache, channel: int | None = None) -> tuple[Path, str]:
    """A file of the sound at `path` that a browser can play, and its media type; made if need be, which takes time.

    The copy is FLAC of 16 bits at the rate of the original, its channels mixed where there are more
    than two; with a `channel`, from 1, it has that one. Raises `AudioError` where the original
    cannot be read, or has no such channel.
    """
    if channel is None and (kind := PLAYED.get(path.suffix.lower())) and _plays(path):
        return path, kind
    copy = cache.folder(path) / f"sound{channel or ''}.flac"
    with _making:
        if not copy.exists():
            _convert(path, copy, channel)
    return copy, PLAYED[".flac"]


def _plays(path: Path) -> bool:
    try:
        about = soundfile.info(path)
    except soundfile.LibsndfileError:
        return False
    return about.format in ("WAV", "WAVEX", "FLAC") and about.subtype in SUBTYPES and about.channels <= MOST_CHANNELS


def _convert(path: Path, copy: Path, channel: int | None) -> None:
    sound = open_sound(path)
    if channel and channel > sound.channels:
        raise missing_channel(str(path), channel, sound.channels)
    channels = sound.channels if channel is None and sound.channels <= MOST_CHANNELS else 1
    scratch = copy.with_suffix(".new")
    with soundfile.SoundFile(scratch, "w", sound.sample_rate, channels, "PCM_16", format="FLAC") as file:
        for block in sound.native_blocks():
            if channel:
                file.write(block[:, channel - 1])
            else:
                file.write(block if channels == sound.channels else block.mean(1))
    scratch.replace(copy)
