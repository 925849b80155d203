"""The microphone as a moving picture: spectrogram, scores and events, saved to be corrected afterwards.

The page asks for what has come since it last asked, some ten times a second. A column stands for a frame.
"""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vad.atomic import free_path
from vad.audio.microphone import Microphone, devices
from vad.audio.resample import Resampler
from vad.errors import SettingError, VadError
from vad.events import Event, Score, to_json
from vad.features import FeatureStream
from vad.live.loop import Limits, Source, run
from vad.live.recorder import StreamRecorder
from vad.review.pictures import to_bytes
from vad.review.project import Project
from vad.review.pyramid import Bytes
from vad.stream import Stream

KEPT = 6000  # frames that a page which asks seldom can still get
LATENCY = "balanced"
MOST_DEVICES = 10_000
FORGOTTEN = 60.0  # seconds without a page that asks, after which the microphone is closed

OpenSource = Callable[[str | int | None, int], Source]


class Live:
    """One microphone at a time for a review; `open_source` opens another source in its place."""

    def __init__(self, project: Project, open_source: OpenSource = Microphone) -> None:
        self._project, self._open = project, open_source
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._turn = threading.RLock()  # of one request to start or stop at a time
        self._thread: threading.Thread | None = None
        self._path: Path | None = None
        self._clear()

    def devices(self) -> list[dict[str, Any]]:
        """The microphones of this machine; `AudioError` where PortAudio is missing."""
        return [{"index": d.index, "name": d.name, "default": d.default} for d in devices()]

    def start(self, given: dict[str, Any]) -> None:
        """Listen to the `device`, by its index; None for the default. Raises `AudioError` where there is none."""
        device = given.get("device")
        if device is not None and (type(device) is not int or not 0 <= device < MOST_DEVICES):
            raise SettingError(f"device={device!r}: give the number of a device")
        with self._turn, contextlib.ExitStack() as undo:
            if self._thread and self._thread.is_alive():
                raise SettingError("the microphone is open already; stop it first")
            self.stop()  # what a page that is gone has left
            project, detector = self._project, self._project.detector
            _, settings = project.settings(given, detector.for_latency(LATENCY))
            source = self._open(device, detector.grid.sample_rate)
            undo.callback(source.close)
            stream = detector.stream(sample_rate=source.sample_rate, latency=LATENCY, scores=True, **vars(settings))
            path = free_path(project.places.live / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}.flac")
            recorder = StreamRecorder(path, source.sample_rate, source.name)
            self._clear()
            self._stopped.clear()
            self._asked = time.monotonic()
            thread = threading.Thread(target=self._listen, args=(source, stream, recorder), daemon=True)
            thread.start()
            self._thread, self._path = thread, path
            undo.pop_all()  # the thread closes the source

    def stop(self) -> str | None:
        """Stop, and give the id of the new recording; None where there is no sound in it."""
        with self._turn:
            self._stopped.set()  # one that is about to start would clear it
            if self._thread:
                self._thread.join(10)
            path, self._path = self._path, None
            if path is None or not path.exists():
                return None
            self._project.library.admit(path.parent)
            recording = self._project.add_live(path)
            self._project.work.add(recording)
            return recording.id

    def status(self, since: int, scored: int = 0) -> dict[str, Any]:
        """What has come: columns from frame `since` on, scores, which come later, from `scored` on, and events."""
        self._asked = time.monotonic()
        with self._lock:
            first = min(max(since, self._first), self._first + len(self._mel))
            mel = np.array(self._mel[first - self._first :], np.uint8)
            return {
                "running": bool(self._thread and self._thread.is_alive() and not self._stopped.is_set()),
                "first": first,
                "bands": self._project.detector.description.features.n_mels,
                "frame": self._project.detector.grid.frame_seconds,
                "mel": base64.b64encode(mel.tobytes()).decode(),
                "scores": self._scores[max(scored - self._first, 0) :],
                "scored": self._first + len(self._scores),
                "events": [to_json(event) for event in self._events[-50:]],
                "seconds": round(self._seconds, 2),
                "error": self._error,
            }

    def _clear(self) -> None:
        self._first = 0  # frame of the first column kept
        self._mel: list[Bytes] = []  # (mel,) each
        self._scores: list[float] = []
        self._events: list[Event] = []
        self._seconds = 0.0
        self._error = ""

    def _listen(self, source: Source, stream: Stream, recorder: StreamRecorder) -> None:
        features = self._project.detector.description.features
        columns = FeatureStream(features)
        resampler = Resampler(source.name, source.sample_rate, features.sample_rate)
        try:
            with contextlib.closing(source), contextlib.closing(recorder):
                for block, events in run(source, stream, Limits(), self._over):
                    if len(block):
                        recorder.take(block)
                        self._take(to_bytes(columns.push(resampler.push(block)[0])))
                    self._report(events, stream.duration)
        except (VadError, OSError) as error:
            self._error = str(error)

    def _over(self) -> bool:
        return self._stopped.is_set() or time.monotonic() - self._asked > FORGOTTEN

    def _take(self, columns: Bytes) -> None:
        with self._lock:
            self._mel.extend(columns)

    def _report(self, events: list[Event], seconds: float) -> None:
        with self._lock:
            self._seconds = seconds
            for event in events:
                if isinstance(event, Score):
                    self._scores.append(round(event.score, 3))
                else:
                    self._events.append(event)
            if (gone := min(len(self._mel), len(self._scores)) - KEPT) > 0:
                del self._mel[:gone], self._scores[:gone]
                self._first += gone
