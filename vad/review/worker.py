"""What is computed beside the page: pictures of what is opened, scores of all recordings."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vad.audio.decode import open_sound
from vad.detector import Detector
from vad.errors import VadError
from vad.grid import floor_milliseconds
from vad.model.pretrained import sha256
from vad.review.cache import Cache
from vad.review.pictures import Pictures, score_layer
from vad.review.recordings import Library, Recording
from vad.scores import Scores
from vad.settings import Segmentation


class Work:
    """Threads that make pictures and scores: the scores one recording after the other, the last opened first.

    `settings` are those by which the list counts speech.
    """

    def __init__(self, library: Library, cache: Cache, detector: Detector, settings: Segmentation) -> None:
        self._library, self._cache = library, cache
        self._pictures = ThreadPoolExecutor(2, thread_name_prefix="pictures")
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._opened = 0
        self._closed = False
        self._failed: set[tuple[str, str]] = set()  # recording, model
        self.use(detector, settings)
        threading.Thread(target=self._score_all, name="scores", daemon=True).start()

    def use(self, detector: Detector, settings: Segmentation) -> None:
        """Score all recordings by this detector from now on."""
        with self._lock:
            self.detector, self.settings = detector, settings
            self._model = sha256(detector.path)[:16]
            for recording in list(self._library.recordings.values()):
                recording.scores, recording.score_layer, recording.detected = None, None, []
                self._library.changed(recording)
            self._more.notify()

    def open(self, recording: Recording) -> None:
        """Make the pictures of a recording that somebody looks at, and its scores before those of others."""
        with self._lock:
            self._opened += 1
            recording.opened = self._opened
            begin = recording.pictures is None and not recording.error
            if begin:
                recording.pictures = self._begin(recording)
            self._more.notify()
        if begin and recording.pictures and not recording.pictures.complete:
            self._pictures.submit(self._guard(recording, self._picture))

    def wake(self) -> None:
        """Look again for recordings without scores."""
        with self._lock:
            self._more.notify()

    def close(self) -> None:
        """Begin nothing new."""
        with self._lock:
            self._closed = True
            self._more.notify()
        self._pictures.shutdown(wait=False, cancel_futures=True)

    def _begin(self, recording: Recording) -> Pictures | None:
        try:
            sound = open_sound(recording.path)
            recording.duration = recording.duration or floor_milliseconds((sound.length or 0) / sound.sample_rate)
            return Pictures(self._cache.folder(recording.path), self.detector.description.features)
        except (VadError, OSError) as error:
            self._fail(recording, error)
            return None

    def _picture(self, recording: Recording) -> None:
        assert recording.pictures
        recording.pictures.build(open_sound(recording.path))

    def _score_all(self) -> None:
        while True:
            with self._lock:
                while not (recording := self._next()) and not self._closed:
                    self._more.wait()
                if self._closed:
                    return
            assert recording
            self._guard(recording, self._score)()

    def _next(self) -> Recording | None:
        waiting = [
            r
            for r in list(self._library.recordings.values())
            if r.scores is None and not r.error and (r.id, self._model) not in self._failed
        ]
        return max(waiting, key=lambda r: r.opened, default=None)

    def _score(self, recording: Recording) -> None:
        with self._lock:
            detector, settings, model = self.detector, self.settings, self._model
        folder = self._cache.folder(recording.path)
        recording.busy = "scoring"
        self._library.changed(recording)
        scores = _load(folder / f"scores-{model}.npz", detector)
        if scores is None:
            scores = detector.scores(recording.path)
            _keep(folder / f"scores-{model}.npz", scores)
        detected = detector.segment(scores, **vars(settings))
        layer = score_layer(folder, f"scores-{model}", scores)
        with self._lock:
            recording.busy = ""
            if model != self._model:  # another model was chosen meanwhile
                return
            recording.duration = recording.duration or scores.duration or 0.0
            values = np.asarray(scores)
            recording.unsure = float(np.mean(4 * values * (1 - values))) if len(values) else 0.0
            recording.detected, recording.scores, recording.score_layer = detected, scores, layer
        self._library.changed(recording)

    def _guard(self, recording: Recording, task: Callable[[Recording], None]) -> Callable[[], None]:
        """`task`, of which errors are shown at the recording."""

        def run() -> None:
            try:
                task(recording)
            except (VadError, OSError) as error:
                self._fail(recording, error)
            self._library.changed(recording)

        return run

    def _fail(self, recording: Recording, error: Exception) -> None:
        recording.error, recording.busy = str(error), ""
        self._failed.add((recording.id, self._model))
        self._library.changed(recording)


def _load(path: Path, detector: Detector) -> Scores | None:
    """Scores of `detector` kept earlier; None where there are none, or they are damaged."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            duration, values = float(kept["duration"]), kept["scores"]
            return Scores(
                values, detector.grid, detector.description.identity, detector.description.thresholds, duration
            )
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


def _keep(path: Path, scores: Scores) -> None:
    scratch = path.with_suffix(".new")
    with scratch.open("wb") as file:
        np.savez(file, scores=np.asarray(scores), duration=np.float64(scores.duration or 0.0))
    scratch.replace(path)
