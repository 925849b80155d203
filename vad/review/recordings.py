"""The recordings of a review: which they are, what is known of each, and what belongs to it."""

from __future__ import annotations

import hashlib
import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vad.batch.inputs import find
from vad.errors import AudioError, RecipeError
from vad.evaluation.results import Hypothesis, RecordingResult, evaluate_recording
from vad.formats import printable, speech_of
from vad.labels.labelled_set import LabelledRecording
from vad.labels.matching import match_inputs
from vad.review.corrections import Correction
from vad.review.journal import Journal
from vad.review.pictures import Pictures
from vad.review.pyramid import Layer
from vad.scores import Scores
from vad.segments import Segment, total

DOUBTFUL = (0.2, 0.8)  # scores between these say little
SHORTEST = 0.1  # seconds of doubt in a row that are worth a look
NEAR = 0.3  # seconds between two doubtful stretches that are one place to look at


@dataclass
class Recording:
    """A recording and what is known of it so far."""

    id: str  # what the page calls it: no path ever comes from there
    path: Path
    place: str  # its place within the folder that was named
    reference: list[Segment] | None  # from labels that were there before; None where there are none
    revision: int = 0  # raised whenever something below changes
    opened: int = 0  # when it was last opened; what was opened last is worked on first
    error: str = ""
    duration: float = 0.0  # seconds; 0 until it was read
    scores: Scores | None = None
    score_layer: Layer | None = None  # as they are drawn
    unsure: float = 0.0  # mean of 4 p (1 - p) over the scores p: 0 where all are certain, 1 where all are 0.5
    detected: list[Segment] = field(default_factory=list)  # with the settings that the review began with
    pictures: Pictures | None = None
    busy: str = ""  # what is being done with it

    def truth(self, correction: Correction) -> list[Segment] | None:
        """What is taken for right: what was corrected, else the labels, else nothing is known."""
        return correction.speech if correction.begun else self.reference

    def compare(self, correction: Correction, segments: list[Segment]) -> RecordingResult | None:
        """How `segments` agree with what is taken for right; None where nothing is known."""
        truth = self.truth(correction)
        if truth is None or not self.duration:
            return None
        reference = LabelledRecording(self.place, str(self.path), truth, correction.scored(self.duration))
        return evaluate_recording(reference, Hypothesis(self.duration, segments))

    def row(self, correction: Correction) -> dict[str, Any]:
        """What the list shows."""
        differs = None
        if self.scores is not None and (result := self.compare(correction, self.detected)):
            _, miss, alarm, _ = result.seconds
            differs = float((miss + alarm) / max(result.seconds.sum(), 1e-9))
        return {
            "id": self.id,
            "name": printable(self.place),
            "revision": self.revision,
            "duration": self.duration,
            "speech": total(self.detected) / self.duration if self.scores is not None and self.duration else None,
            "unsure": self.unsure if self.scores is not None else None,
            "differs": differs,
            "labelled": self.reference is not None,
            "state": correction.state,
            "busy": self.busy,
            "error": printable(self.error),
        }


class Library:
    """The recordings in `inputs`, files and folders, with the labels found in `labels` or beside them.

    Raises `AudioError` where there are none, `RecipeError` where `labels` do not exist or cannot be read.
    """

    def __init__(self, inputs: list[str], labels: Path | None, journal: Journal) -> None:
        self._journal = journal
        self._revisions = itertools.count(1)
        self.notes: list[str] = []
        self._roots = [Path(os.path.realpath(name)) for name in inputs]
        sounds, errors = find(inputs)
        self.notes += [str(error) for error in errors]
        sounds = [one for one in sounds if self.inside(Path(one.path)) or self._leaves(one.path)]
        if not sounds:
            raise errors[0] if errors else AudioError(f"{inputs[0]}: no recordings; name a file or folder of sound")
        references: dict[str, list[Segment]] = {}
        home = labels or (Path(inputs[0]) if Path(inputs[0]).is_dir() else Path(inputs[0]).parent)
        try:
            matches = match_inputs(sounds, home, beside=labels is None and not Path(inputs[0]).is_dir())
            references = {path: speech_of(documents) for path, documents in matches.labelled.items()}
            self.notes += matches.problems
        except RecipeError:
            if labels:
                raise
        self.recordings: dict[str, Recording] = {}
        places = set()
        for one in sounds:
            place = one.relative.as_posix()
            if place in places:  # two folders were named, and hold files of one name
                place = Path(one.path).as_posix()
            places.add(place)
            self.add(Path(one.path), place, references.get(one.path))

    def add(self, path: Path, place: str, reference: list[Segment] | None = None) -> Recording:
        """Another recording at the end of the list."""
        key = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        recording = Recording(key, path, place, reference)
        self.recordings[key] = recording
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
        recording.revision = next(self._revisions)

    def correction(self, recording: Recording) -> Correction:
        """The corrections of a recording, as they stand."""
        return self._journal.of(recording.place)

    def _leaves(self, path: str) -> bool:
        self.notes.append(f"{path}: is a link to a file outside of what was named; it is left out")
        return False


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
