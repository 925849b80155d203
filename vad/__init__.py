"""Speech activity detection: finds the speech in recordings and live sound.

from vad import Detector
segments = Detector().detect("talk.mp3")  # [Segment(start=0.41, end=3.27), ...]
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vad.detector import Detection, Detector
    from vad.errors import AudioError, FormatError, ModelError, RecipeError, SettingError, VadError
    from vad.events import End, Score, Start
    from vad.scores import Scores
    from vad.segments import Segment
    from vad.settings import Segmentation
    from vad.stream import Stream

__version__ = "0.1.0"

# ONNX Runtime reports to its maker from version 1.29 on, unless this is set before it is imported. "0" lets it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "AudioError",
    "Detection",
    "Detector",
    "End",
    "FormatError",
    "ModelError",
    "RecipeError",
    "Score",
    "Scores",
    "Segment",
    "Segmentation",
    "SettingError",
    "Start",
    "Stream",
    "VadError",
]

_HOMES = {
    "Detection": "detector",
    "Detector": "detector",
    "End": "events",
    "Score": "events",
    "Scores": "scores",
    "Segment": "segments",
    "Segmentation": "settings",
    "Start": "events",
    "Stream": "stream",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that `vad --help` loads neither numpy nor ONNX Runtime."""
    if name not in __all__:
        raise AttributeError(f"module 'vad' has no attribute {name!r}")
    return getattr(importlib.import_module(f"vad.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
