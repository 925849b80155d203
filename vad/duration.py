"""How long a recording is, without decoding it where its header knows."""

from __future__ import annotations

from vad.audio import open_sound
from vad.errors import AudioError
from vad.grid import Grid


def duration_of(path: str) -> float:
    """Seconds; `AudioError` where the file cannot be read or holds no sound."""
    sound = open_sound(path)
    if sound.length:
        return sound.length / sound.sample_rate
    for _ in sound.blocks(Grid().sample_rate):
        pass
    if not sound.samples:
        raise AudioError(f"{path}: holds no sound")
    return sound.duration
