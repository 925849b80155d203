"""What several tests share: sample recordings, a foretellable model, sounds made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vad import Detector

ROOT = Path(__file__).parent.parent
DATA = ROOT / "data"
ENERGY = ROOT / "tests" / "doubles" / "energy.onnx"
RATE = 16_000


def bursts(*spans: tuple[float, float], seconds: float, rate: int = RATE) -> np.ndarray:
    """Silence of `seconds` with a 1 kHz tone in each span (start, end): float32, `(sample,)`."""
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 1000 * time)
    loud = np.zeros(len(time), bool)
    for start, end in spans:
        loud |= (time >= start) & (time < end)
    return (tone * loud).astype(np.float32)


@pytest.fixture(scope="session")
def talk() -> Path:
    """A real recording of a talker, 25 s, with a reference in `talk.tsv`."""
    return DATA / "talk.flac"


@pytest.fixture(scope="session")
def energy() -> Detector:
    """A detector that takes loud for speech."""
    return Detector(ENERGY)


@pytest.fixture
def write_bursts(tmp_path: Path) -> Callable[..., Path]:
    """`write_bursts("a.wav", (1, 2), seconds=3)` makes a file with a tone from 1 to 2 s."""

    def write(name: str, *spans: tuple[float, float], seconds: float = 3.0, rate: int = RATE) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, bursts(*spans, seconds=seconds, rate=rate), rate)
        return path

    return write
