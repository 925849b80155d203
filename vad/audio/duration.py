"""How long a recording is."""

from __future__ import annotations

from pathlib import Path

from vad.audio.decode import open_exact, open_sound
from vad.errors import AudioError


def duration_of(path: str) -> float:
    """Seconds, as the header says, decoded only where it does not know.

    Raises `AudioError` where the file cannot be read or holds no sound.
    """
    sound = open_sound(path)
    if sound.length:
        return sound.length / sound.sample_rate
    for _ in sound.originals():
        pass
    if not sound.samples:
        raise AudioError(f"{path}: holds no sound")
    return sound.duration


def decoded_duration(path: Path) -> float:
    """Seconds that `open_exact` gives, whatever the header says; `AudioError` where the file cannot be read."""
    sound = open_exact(path)
    for _ in sound.originals():
        pass
    return sound.duration
