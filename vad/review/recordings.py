"""The recordings of a review: which they are, what is known of each, and what belongs to it."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vad.audio.decode import Channel, open_sound
from vad.batch.inputs import Input, find
from vad.errors import AudioError
from vad.evaluation.overlap import Floats, to_spans
from vad.evaluation.results import Hypothesis, RecordingResult, evaluate_recording
from vad.formats import Document, printable, speech_of
from vad.labels.labelled_set import LabelledRecording
from vad.labels.matching import match_inputs
from vad.review.corrections import Correction
from vad.review.journal import Journal
from vad.review.pictures import Pictures
from vad.review.pyramid import Layer
from vad.segments import Segment

DOUBTFUL = (0.2, 0.8)  # scores between these say little
SHORTEST = 0.1  # seconds of doubt in a row that are worth a look
NEAR = 0.3  # seconds between two doubtful stretches that are one place to look at


@dataclass
class Recording:
    """A recording, or one channel of it, and what is known of it so far.

    Segments are arrays `(segment, 2)` of seconds: a list of them takes ten times the memory.
    """

    id: str  # what the page calls it: no path ever comes from there
    path: Path
    place: str  # its place within the folder that was named
    reference: Floats | None  # from labels that were there before; None where there are none
    channel: int | None = None  # from 1; None for the mean of all
    has_twin: bool = False  # whether another recording has this place but for the extension
    folder: Path | None = None  # of the cache, once something is kept there
    revision: int = 0  # raised whenever something below changes
    opened: int = 0  # larger the later somebody has looked at it; 0 for never
    error: str = ""
    duration: float = 0.0  # seconds; 0 until it was read
    scored: bool = False  # whether the detector at work has scored it
    score_layer: Layer | None = None  # the scores as they are drawn
    unsure: float = 0.0  # mean of 4 p (1 - p) over the scores p: 0 where all are certain, 1 where all are 0.5
    detected: Floats = field(default_factory=lambda: to_spans([]))  # with the settings that the review began with
    pictures: Pictures | None = None
    busy: str = ""  # what is being done with it

    @property
    def name(self) -> str:
        """What the list and the journal call it."""
        return f"{self.place}[{self.channel}]" if self.channel else self.place

    @property
    def suffix(self) -> str:
        """What the name of a file about it has after the name of the recording, as those of `vad detect` have."""
        return f".ch{self.channel}" if self.channel else ""

    @property
    def label_name(self) -> str:
        """The place of its label files, without their extension; that of the sound is part of it where it must be."""
        place = PurePosixPath(self.place.lstrip("/"))
        return str(place if self.has_twin else without_extension(place)) + self.suffix

    def truth(self, correction: Correction) -> list[Segment] | None:
        """What is taken for right: what was corrected, else the labels, else nothing is known."""
        if correction.begun:
            return correction.speech
        return None if self.reference is None else to_segments(self.reference)

    def compare(self, correction: Correction, segments: list[Segment]) -> RecordingResult | None:
        """How `segments` agree with what is taken for right; None where nothing is known."""
        truth = self.truth(correction)
        if truth is None or not self.duration:
            return None
        reference = LabelledRecording(self.name, str(self.path), truth, correction.scored(self.duration))
        return evaluate_recording(reference, Hypothesis(self.duration, segments))

    def row(self, correction: Correction) -> dict[str, Any]:
        """What the list shows."""
        differs = None
        if self.scored and (result := self.compare(correction, to_segments(self.detected))):
            _, miss, alarm, _ = result.seconds
            differs = float((miss + alarm) / max(result.seconds.sum(), 1e-9))
        return {
            "id": self.id,
            "name": printable(self.name),
            "revision": self.revision,
            "duration": self.duration,
            "speech": float(np.diff(self.detected).sum()) / self.duration if self.scored and self.duration else None,
            "unsure": self.unsure if self.scored else None,
            "differs": differs,
            "labelled": self.reference is not None,
            "state": correction.state,
            "busy": self.busy,
            "error": printable(self.error),
        }


class Library:
    """The recordings in `inputs`, files and folders, with the labels found in `labels` or beside them.

    With `channel="each"` every channel of a recording is one of the list. Raises `AudioError` where
    there are none, `RecipeError` where `labels` do not exist or cannot be read.
    """

    def __init__(self, inputs: list[str], labels: Path | None, journal: Journal, channel: Channel = "mix") -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self.revision = time.monotonic_ns() // 1000  # above those of a run before, which pages may know
        self.notes: list[str] = []
        self._roots = [Path(os.path.realpath(name)) for name in inputs]
        sounds, errors = find(inputs)
        self.notes += [str(error) for error in errors]
        sounds = [one for one in sounds if self.inside(Path(one.path)) or self._leaves(one.path)]
        if not sounds:
            raise errors[0] if errors else AudioError(f"{inputs[0]}: no recordings; name a file or folder of sound")
        found, problems = find_references(sounds, inputs, labels)
        self.notes += problems
        self.recordings: dict[str, Recording] = {}
        places = set()
        for one in sounds:
            place = one.relative.as_posix()
            if place in places:  # two folders were named, and hold files of one name
                place = Path(one.path).as_posix()
            places.add(place)
            for number in channels_of(one.path, channel):
                self.add(Path(one.path), place, found.get(one.path), number)
        alike = Counter(map(without_extension, places))
        for recording in self.recordings.values():
            recording.has_twin = alike[without_extension(recording.place)] > 1

    def add(
        self, path: Path, place: str, documents: list[Document] | None = None, channel: int | None = None
    ) -> Recording:
        """Another recording at the end of the list; of its labels, those of other channels are left out."""
        reference = None if documents is None else to_spans(speech_of(documents, channel or "mix"))
        recording = Recording("", path, place, reference, channel)
        recording.id = hashlib.sha256(recording.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self.recordings[recording.id] = recording
        self.changed(recording)
        return recording

    def inside(self, path: Path) -> bool:
        """Whether a file lies, all links followed, in what was named when the review began."""
        real = PurePath(os.path.realpath(path))
        return any(real == root or root in real.parents for root in self._roots)

    def admit(self, folder: Path) -> None:
        """Let recordings lie in `folder`, too."""
        self._roots.append(Path(os.path.realpath(folder)))

    def changed(self, recording: Recording) -> None:
        """Let the pages hear of it."""
        with self._lock:
            self.revision = recording.revision = self.revision + 1

    def correction(self, recording: Recording) -> Correction:
        """The corrections of a recording, as they stand."""
        return self._journal.of(recording.name)

    def _leaves(self, path: str) -> bool:
        self.notes.append(f"{path}: is a link to a file outside of what was named; it is left out")
        return False


def find_references(
    sounds: list[Input], inputs: list[str], labels: Path | None
) -> tuple[dict[str, list[Document]], list[str]]:
    """The labels of each recording, by its path, in `labels` or beside it, and labels that cannot be used, and why.

    Beside it, labels of a detector are none. Raises `RecipeError` where there are none in `labels`.
    """
    if labels:
        matches = match_inputs(sounds, labels)
        return matches.labelled, matches.problems
    folders = [Path(name) for name in inputs if os.path.isdir(name)]
    homes: dict[Path, list[Input]] = defaultdict(list)
    for one in sounds:
        path = Path(one.path)
        homes[next((folder for folder in folders if folder in path.parents), path.parent)].append(one)
    found: dict[str, list[Document]] = {}
    problems: list[str] = []
    for home, own in homes.items():
        matches = match_inputs(own, home, beside=home not in folders, detected=False, needed=False)
        found |= matches.labelled
        problems += matches.problems
        if written := matches.detected:
            problems.append(f"label files that vad wrote: {len(written)} left out, like {written[0]}")
    return found, problems


def without_extension(place: str | PurePosixPath) -> PurePosixPath:
    """The place of a recording without the extension of its file."""
    return PurePosixPath(place).with_suffix("")


def channels_of(path: str, channel: Channel) -> Iterable[int | None]:
    """The channels of a recording to look at: with `each` all, unless there is but one."""
    if channel == "mix":
        return [None]
    if channel != "each":
        return [channel]
    try:
        with open_sound(path) as sound:
            return range(1, sound.channels + 1) if sound.channels > 1 else [None]
    except AudioError:
        return [None]  # what opens it will say why


def to_segments(spans: Floats) -> list[Segment]:
    """Segments of an array `(segment, 2)` of starts and ends."""
    return [Segment(*span) for span in spans.tolist()]


def doubts(scores: ArrayLike, frame: float) -> list[Segment]:
    """The stretches worth a look for their scores `(frame,)` alone: doubtful, and neither click nor edge.

    `frame` is the seconds of one.
    """
    values, (low, high) = np.asarray(scores), DOUBTFUL
    inside = np.concatenate([[False], (values > low) & (values < high), [False]])
    edges = np.flatnonzero(np.diff(inside.astype(np.int8))).reshape(-1, 2)
    places: list[Segment] = []
    for start, end in edges.tolist():
        if (end - start) * frame < SHORTEST:
            continue
        found = Segment(round(start * frame, 3), round(end * frame, 3))
        if places and found.start - places[-1].end < NEAR:
            places[-1] = Segment(places[-1].start, found.end)
        else:
            places.append(found)
    return places
