"""What is computed beside the page: pictures of what is opened, scores of all recordings."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vad.audio.decode import Channel, open_sound
from vad.detector import Detector
from vad.errors import VadError
from vad.evaluation.overlap import to_spans
from vad.grid import floor_milliseconds
from vad.model.pretrained import sha256
from vad.review.cache import Cache
from vad.review.pictures import Pictures, score_layer
from vad.review.recordings import Library, Recording
from vad.review.score_files import ScoreFiles
from vad.scores import Scores
from vad.settings import Segmentation

HEAD_START = 1.0  # seconds at most without scoring after a recording is opened: its first picture comes first
FIRST_PICTURE = 0.5  # seconds that the answer waits for it


class Unwanted(Exception):
    """Something else shall be done now, or nothing any more."""


class Work:
    """Threads that make pictures and scores: the scores one recording after the other, the last opened first.

    `settings` are those by which the list counts speech.
    """

    def __init__(self, library: Library, cache: Cache, detector: Detector, settings: Segmentation) -> None:
        self._library, self._cache = library, cache
        self._pictures = ThreadPoolExecutor(2, thread_name_prefix="pictures")
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._queue: deque[Recording] = deque()  # to be scored, the first one next
        self._opened = itertools.count(1)
        self._drawing = threading.Lock()
        self._closed = False
        self._begin_at = time.monotonic() + 2 * HEAD_START  # with the scores: the page comes first
        self._files = ScoreFiles()
        self.use(detector, settings)
        self._scoring = threading.Thread(target=self._score_all, name="scores", daemon=True)
        self._scoring.start()

    def use(self, detector: Detector, settings: Segmentation) -> None:
        """Score all recordings by this detector from now on."""
        with self._lock:
            self.detector, self.settings = detector, settings
            self._model = sha256(detector.path)[:16]
            for recording in list(self._library.recordings.values()):
                recording.scored, recording.score_layer, recording.detected = False, None, to_spans([])
                recording.error = ""
                self._library.changed(recording)
            self._queue = deque(self._library.recordings.values())
            self._more.notify()

    def open(self, recording: Recording) -> None:
        """Make the pictures of a recording that somebody looks at, and its scores before those of others.

        Waits a moment for the first picture, so that the page need not ask again.
        """
        with self._lock:
            recording.opened = next(self._opened)
            self._begin_at = time.monotonic() + HEAD_START
            self._queue.appendleft(recording)
            begin = recording.pictures is None and not recording.error
            if begin:
                recording.pictures = self._begin(recording)
            self._more.notify()
        if begin and recording.pictures and not recording.pictures.complete:
            self._pictures.submit(self._guard(recording, self._picture))
            recording.pictures.begun.wait(FIRST_PICTURE)

    def shown(self) -> None:
        """The page has the first picture of what was opened: go on with the scores."""
        with self._lock:
            self._begin_at = 0.0
            self._more.notify()

    def scores(self, recording: Recording) -> Scores | None:
        """Its scores by the detector at work, which are then drawn, too; None where there are none yet."""
        if not recording.scored:
            return None
        with self._lock:
            detector, model = self.detector, self._model
        path = self._score_path(recording, model)
        scores = self._files.read(path, detector)
        with self._drawing:
            if scores is not None and recording.opened and recording.score_layer is None:
                layer = score_layer(path.parent, path.stem, scores)
                with self._lock:
                    if model == self._model:  # no other was chosen meanwhile
                        recording.score_layer = layer
        return scores

    def add(self, recording: Recording) -> None:
        """Score another recording, before the others."""
        with self._lock:
            self._queue.appendleft(recording)
            self._more.notify()

    def close(self) -> None:
        """End what is being done."""
        with self._lock:
            self._closed = True
            self._more.notify()
        self._pictures.shutdown(cancel_futures=True)
        self._scoring.join()

    def _begin(self, recording: Recording) -> Pictures | None:
        try:
            with open_sound(recording.path) as sound:
                length = floor_milliseconds((sound.length or 0) / sound.sample_rate)
            recording.duration = recording.duration or length
            return Pictures(self._folder(recording), self.detector.description.features, recording.channel)
        except (VadError, OSError) as error:
            self._fail(recording, error)
            return None

    def _picture(self, recording: Recording) -> None:
        def check(_: object) -> None:
            if self._closed:
                raise Unwanted

        assert recording.pictures
        with open_sound(recording.path) as sound:
            recording.pictures.build(sound, check)

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
        while self._queue:
            recording = self._queue.popleft()
            if not recording.scored and not recording.error:
                return recording
        return None

    def _score(self, recording: Recording) -> None:
        with self._lock:
            detector, settings, model = self.detector, self.settings, self._model
        path = self._score_path(recording, model)
        recording.busy = "scoring"
        self._library.changed(recording)
        scores = self._files.read(path, detector)
        if scores is None:
            scores = self._compute(recording, detector)
            self._files.write(path, scores)
        detected = to_spans(detector.segment(scores, **vars(settings)))
        values = np.asarray(scores)
        with self._lock:
            recording.busy = ""
            if model != self._model:  # another model was chosen meanwhile
                return
            recording.duration = recording.duration or scores.duration or 0.0
            recording.unsure = float(np.mean(4 * values * (1 - values))) if len(values) else 0.0
            recording.detected, recording.scored = detected, True
        self._library.changed(recording)

    def _compute(self, recording: Recording, detector: Detector) -> Scores:
        """Its scores; raises `Unwanted` where somebody has opened another recording since this one."""

        def check(_: object) -> None:
            with self._lock:
                while not self._closed and (wait := self._begin_at - time.monotonic()) > 0:
                    self._more.wait(wait)
                first = self._queue[0] if self._queue else recording
                other = first.opened > recording.opened and not first.scored and not first.error
                if self._closed or detector is not self.detector or other:
                    self._queue.insert(1, recording)
                    raise Unwanted

        with open_sound(recording.path) as sound:
            channel: Channel = recording.channel or "mix"
            found = detector.analyse(sound, detector.settings(), channel, keep_scores=True, on_block=check)[0]
        assert found.scores is not None
        return found.scores

    def _folder(self, recording: Recording) -> Path:
        if recording.folder is None:
            recording.folder = self._cache.folder(recording.path)
        return recording.folder

    def _score_path(self, recording: Recording, model: str) -> Path:
        return self._folder(recording) / f"scores-{model}{recording.suffix}.npz"

    def _guard(self, recording: Recording, task: Callable[[Recording], None]) -> Callable[[], None]:
        """`task`, of which errors are shown at the recording."""

        def run() -> None:
            try:
                task(recording)
            except Unwanted:
                recording.busy = ""
            except (VadError, OSError) as error:
                self._fail(recording, error)
            self._library.changed(recording)

        return run

    def _fail(self, recording: Recording, error: Exception) -> None:
        recording.error, recording.busy = str(error).removeprefix(f"{recording.path}: "), ""
        self._library.changed(recording)
