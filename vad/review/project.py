"""One review: its recordings, its detector, its journal, and where it writes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vad.atomic import free_path
from vad.audio.decode import Channel
from vad.detector import Detector
from vad.errors import FormatError, SettingError
from vad.evaluation.results import Group, RecordingResult
from vad.formats import FORMATS, printable
from vad.formats.json import finite
from vad.grid import floor_milliseconds
from vad.model.pretrained import write_tuned
from vad.review.cache import Cache
from vad.review.corrections import Correction
from vad.review.journal import Journal
from vad.review.label_files import label_path, write_labels, write_uem
from vad.review.recordings import Library, Recording, doubts
from vad.review.worker import Work
from vad.settings import DEFAULT_EVALUATION, PRESETS, Segmentation
from vad.tuning.summary import to_options

SHOWN = ("deter", "miss", "false_alarm", "dcf", "f1", "minutes")


@dataclass(frozen=True)
class Places:
    """Where a review writes; all below one folder."""

    home: Path

    @property
    def journal(self) -> Path:
        """Every change, a line each."""
        return self.home / "journal.jsonl"

    @property
    def labels(self) -> Path:
        """A label file for each corrected recording."""
        return self.home / "labels"

    @property
    def uem(self) -> Path:
        """What of the corrected recordings counts: all but what is unsure."""
        return self.home / "scored.uem"

    @property
    def models(self) -> Path:
        """Models trained on the corrections, and weights with other settings."""
        return self.home / "models"

    @property
    def live(self) -> Path:
        """Recordings of the microphone."""
        return self.home / "live"


class Project:
    """A review of `inputs`, files and folders of sound; what it writes goes to the folder `home`.

    Raises `VadError`s of its parts: no recordings, labels that cannot be read, a journal in use.
    """

    def __init__(
        self,
        inputs: list[str],
        home: Path,
        *,
        labels: Path | None = None,
        model: str | Path | None = None,
        format: str = "text",
        channel: Channel = "mix",
        cache: Cache,
    ) -> None:
        if format not in FORMATS:
            raise SettingError(f"format={format!r}: valid are {', '.join(FORMATS)}")
        self.format, self.places, self.cache, self.inputs = format, Places(home), cache, inputs
        detector = Detector(model)
        self.journal = Journal(self.places.journal)
        self.library = Library(inputs, labels, self.journal, channel)
        if self.places.live.exists():
            self.library.admit(self.places.live)
            for path in sorted(self.places.live.glob("*.flac")):
                self.add_live(path)
        self.at_end: list[Callable[[], object]] = []
        self._wishes: dict[str, object] = {}  # the last evaluation that each page has asked for
        self._writing = threading.Lock()  # of label files: who writes last writes the newest state
        self.work = Work(self.library, cache, detector, detector.settings())

    @property
    def detector(self) -> Detector:
        """The detector at work."""
        return self.work.detector

    def close(self) -> None:
        """Stop working."""
        for end in self.at_end:
            end()
        self.work.close()
        self.journal.close()

    def add_live(self, path: Path) -> Recording:
        """A recording of the microphone, in the list."""
        return self.library.add(path, f"live/{path.name}")

    def corrected(self) -> Iterator[tuple[Recording, Correction]]:
        """The recordings with corrections."""
        for recording in list(self.library.recordings.values()):
            correction = self.library.correction(recording)
            if correction.begun:
                yield recording, correction

    def change(self, recording: Recording, entry: dict[str, Any]) -> dict[str, Any]:
        """Make a change, save it in the journal, and write the label files of it; the state after it.

        Raises what `Journal.append` does. Where a label file cannot be written, the change is saved
        all the same, and the `warning` of the answer says so.
        """
        if not recording.duration:
            raise SettingError("this recording is still being read; try again in a moment")
        correction = self.journal.append(recording.name, entry, recording.duration)
        kind, warning = FORMATS[self.format], ""
        try:
            with self._writing:
                write_labels(recording, correction, kind, label_path(recording, kind, self.places.labels))
                if entry.get("layer") == "unsure" or entry["kind"] in ("begin", "undo", "redo"):
                    write_uem(self.corrected(), self.places.uem)
        except FormatError as error:
            warning = printable(f"{error}; the correction itself is saved")
        self.library.changed(recording)
        return {**correction.plain(), "warning": warning}

    def settings(self, given: dict[str, Any], detector: Detector | None = None) -> tuple[str, Segmentation]:
        """The preset and the settings of plain values, on top of those of `detector`, or else of the one at work.

        Raises `SettingError` where they are none.
        """
        preset = given.get("preset", "default")
        changes = given.get("settings", {})
        if not isinstance(preset, str) or not isinstance(changes, dict):
            raise SettingError("settings are {preset: NAME, settings: {NAME: NUMBER}}")
        if not all(v is None or (type(v) in (int, float) and math.isfinite(v)) for v in changes.values()):
            raise SettingError("settings are numbers")
        return preset, (detector or self.detector).settings(preset, **changes)

    def segments(self, recording: Recording, given: dict[str, Any]) -> dict[str, Any]:
        """What the detector finds in one recording with these settings, and how well that fits."""
        preset, settings = self.settings(given)
        scores = self.work.scores(recording)
        if scores is None:
            return {"segments": None}
        found = self.detector.segment(scores, **vars(settings))
        result = recording.compare(self.library.correction(recording), found)
        return {
            "segments": found,
            "metrics": plain_metrics([result]) if result else None,
            "options": to_options(settings, self.detector.settings(preset), preset),
            "settings": plain_settings(settings),
        }

    def evaluate(self, given: dict[str, Any]) -> dict[str, Any]:
        """How well these settings do on all recordings that are corrected or have labels.

        Where the same `page` asks for others meanwhile, what is found so far is given up, with no recordings.
        """
        _, settings = self.settings(given)
        page, wish = str(given.get("page", "")), object()
        self._wishes[page] = wish
        results = []
        for recording in list(self.library.recordings.values()):
            if self._wishes[page] is not wish:
                return {"recordings": 0, "metrics": None}
            if result := self._evaluate(recording, settings):
                results.append(result)
        return {"recordings": len(results), "metrics": plain_metrics(results) if results else None}

    def write_weights(self, given: dict[str, Any]) -> Path:
        """A copy of the weights with these settings for the preset, in the folder of models."""
        preset, settings = self.settings(given)
        path = free_path(self.places.models / f"{self.detector.path.stem}-tuned.onnx")
        write_tuned(self.detector.path, path, self.detector.description, preset, settings)
        return path

    def detail(self, recording: Recording) -> dict[str, Any]:
        """All that the page needs to show a recording."""
        pictures = recording.pictures
        correction = self.library.correction(recording)
        layers = {name: layer.counts for name, layer in pictures.layers.items()} if pictures else {}
        scores = self.work.scores(recording)
        if scores is not None and recording.score_layer:
            layers["scores"] = recording.score_layer.counts
        read = pictures.duration if pictures else 0.0
        if pictures and pictures.complete:
            recording.duration = floor_milliseconds(pictures.duration)
        frame = self.detector.grid.frame_seconds
        return {
            **recording.row(correction),
            "read": read,
            "complete": bool(pictures and pictures.complete),
            "layers": layers,
            "bands": self.detector.description.features.n_mels,
            "frame": frame,
            "reference": None if recording.reference is None else recording.reference.tolist(),
            "correction": correction.plain(),
            "doubts": doubts(scores, frame) if scores is not None else [],
        }

    def about(self) -> dict[str, Any]:
        """What the page needs to know from its start."""
        return {
            "name": printable(Path(self.inputs[0]).resolve().name),
            "home": printable(str(self.places.home)),
            "model": f"{self.detector.description.name} {self.detector.description.version}",
            "presets": {name: plain_settings(self.detector.settings(name)) for name in PRESETS},
            "formats": list(FORMATS),
            "format": self.format,
            "notes": [printable(note) for note in self.library.notes],
        }

    def _evaluate(self, recording: Recording, settings: Segmentation) -> RecordingResult | None:
        correction = self.library.correction(recording)
        if not recording.scored or not (correction.begun or recording.reference is not None):
            return None
        scores = self.work.scores(recording)
        return (
            scores if scores is None else recording.compare(correction, self.detector.segment(scores, **vars(settings)))
        )


def plain_metrics(results: list[RecordingResult]) -> dict[str, float | None]:
    """The metrics that the page shows, pooled; None where undefined."""
    pooled = Group(results, replace(DEFAULT_EVALUATION, resamples=0)).pooled
    return {name: None if math.isnan(pooled[name]) else round(pooled[name], 6) for name in SHOWN}


def plain_settings(settings: Segmentation) -> dict[str, float | None]:
    """Settings as plain values; None for no limit."""
    plain: dict[str, float | None] = finite(asdict(settings))
    return plain
