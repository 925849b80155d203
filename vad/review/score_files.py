"""Scores of recordings on the disk; those used last also in memory, so that many hours need no more than few."""

from __future__ import annotations

import threading
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np

from vad.atomic import explain, replacing
from vad.detector import Detector
from vad.scores import Scores

LIMIT = 64 << 20  # bytes of scores in memory: five hours


class ScoreFiles:
    """Scores by their files; `limit` is the bytes that stay in memory."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit, self._lock = limit, threading.Lock()
        self._recent: OrderedDict[Path, Scores] = OrderedDict()

    def read(self, path: Path, detector: Detector) -> Scores | None:
        """Scores that `detector` has made; None where there are none, or they are damaged."""
        with self._lock:
            if path in self._recent:
                self._recent.move_to_end(path)
                return self._recent[path]
        scores = _read(path, detector)
        if scores is not None:
            self._remember(path, scores)
        return scores

    def write(self, path: Path, scores: Scores) -> None:
        """Keep scores; raises `FormatError` where they cannot be written."""
        with replacing(path) as file, explain(str(path)):
            np.savez(file, scores=np.asarray(scores), duration=np.float64(scores.duration or 0.0))
        self._remember(path, scores)

    def _remember(self, path: Path, scores: Scores) -> None:
        with self._lock:
            self._recent[path] = scores
            while sum(one.nbytes for one in self._recent.values()) > self._limit and len(self._recent) > 1:
                self._recent.popitem(last=False)


def _read(path: Path, detector: Detector) -> Scores | None:
    about = detector.description
    try:
        with np.load(path, allow_pickle=False) as kept:
            duration, values = float(kept["duration"]), kept["scores"]
            return Scores(values, detector.grid, about.identity, about.thresholds, duration)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
