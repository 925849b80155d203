"""After training: tuned thresholds, the weights file, safetensors, and a model card."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from vad.detector import Detector
from vad.evaluation import detection_cost, read_reference, roc_auc, to_frames
from vad.features import Float32
from vad.grid import Grid
from vad.network.export import export
from vad.pretrained import Description
from vad.segmenter import Segmenter
from vad.settings import Segmentation
from vad.training.corpus import INDICES, read_index
from vad.training.loop import dev_mixtures, logits, read_averaged
from vad.training.recipe import Recipe

ONSETS = np.arange(0.10, 0.951, 0.05)
HOLD = 0.7  # offset as a share of onset
MISS_WEIGHT = {"default": 0.75, "recall": 0.95, "precision": 0.4}  # of DCF; false alarms have the rest


@dataclass(frozen=True)
class DevSet:
    """Recordings with a reference, and what the model makes of them; frames all along."""

    name: str
    scores: list[Float32]
    truth: list[NDArray[np.bool_]]

    @property
    def auc(self) -> float:
        """Pooled over the frames of all recordings."""
        return roc_auc(np.concatenate(self.truth), np.concatenate(self.scores))


def finish(recipe: Recipe, corpus: Path, output: Path) -> Path:
    """Make `model.onnx`, `model.safetensors` and `model.md` from the checkpoint in `output`.

    Thresholds are chosen on the dev mixtures and on the hand-labelled sets below
    `corpus/labelled`, each set counting the same.
    """
    network = read_averaged(output / "checkpoint.pt", recipe)
    thresholds = {"default": _thresholds(Segmentation())}
    description = Description(recipe.name, "1", recipe.features, thresholds, asdict(recipe), {})
    path = output / "model.onnx"
    export(network, description, path)

    features, targets = dev_mixtures(recipe, corpus)
    mixed = torch.sigmoid(torch.from_numpy(logits(network, features))).numpy()
    sets = [DevSet("dev speakers, 10 dB noise", list(mixed), list(targets > 0.5))]
    sets += read_labelled(corpus / "labelled", Detector(path))
    grid = recipe.features.grid
    tuned = {preset: choose(sets, weight, grid) for preset, weight in MISS_WEIGHT.items()}
    results = {s.name: {"auc": round(s.auc, 4), "dcf": round(dcf([s], tuned["default"], 0.75, grid), 4)} for s in sets}
    training = {"data": sources(corpus), "results": results}
    description = replace(
        description,
        thresholds={preset: _thresholds(settings) for preset, settings in tuned.items()},
        training=training,
    )
    export(network, description, path)
    save_file(network.state_dict(), output / "model.safetensors", {"recipe": json.dumps(asdict(recipe))})
    (output / "model.md").write_text(card(description), "utf-8")
    return path


def read_labelled(folder: Path, detector: Detector) -> list[DevSet]:
    """The sets `folder/SET/x.flac` with `x.tsv` (start and end of speech in seconds)."""
    sets = []
    for place in sorted(p for p in folder.glob("*") if p.is_dir()):
        scores, truth = [], []
        for sound in sorted(place.glob("*.flac")):
            scores.append(detector.scores(sound))
            reference = read_reference(sound.with_suffix(".tsv"))
            truth.append(to_frames(reference, len(scores[-1]), detector.grid))
        sets.append(DevSet(place.name, scores, truth))
    return sets


def choose(sets: list[DevSet], miss_weight: float, grid: Grid) -> Segmentation:
    """The thresholds with the lowest detection cost, averaged over the sets."""
    candidates = [Segmentation(round(float(x), 2), round(float(x) * HOLD, 3)) for x in ONSETS]
    return min(candidates, key=lambda settings: dcf(sets, settings, miss_weight, grid))


def dcf(sets: list[DevSet], settings: Segmentation, miss_weight: float, grid: Grid) -> float:
    """The detection cost at `settings`, averaged over the sets."""
    costs = []
    for s in sets:
        found = [_decide(scores, settings, grid) for scores in s.scores]
        costs.append(detection_cost(np.concatenate(s.truth), np.concatenate(found), miss_weight))
    return float(np.nanmean(costs))


def _thresholds(settings: Segmentation) -> dict[str, float]:
    """The part of the settings that belongs to a model."""
    return {"onset": settings.onset, "offset": settings.offset}


def _decide(scores: Float32, settings: Segmentation, grid: Grid) -> NDArray[np.bool_]:
    """Which frames lie within a segment."""
    segmenter = Segmenter(settings, grid)
    return to_frames(segmenter.push(scores) + segmenter.finish(), len(scores), grid)


def sources(corpus: Path) -> list[dict[str, Any]]:
    """What the corpus is made of: source, licence, recordings and hours of each."""
    count: Counter[tuple[str, str, str]] = Counter()
    seconds: Counter[tuple[str, str, str]] = Counter()
    for kind, index in INDICES.items():
        for line in read_index(corpus / index):
            key = (kind, line["source"], line["licence"])
            count[key] += 1
            seconds[key] += line.get("duration", line.get("seconds", 0.0))
    return [
        {"kind": k, "source": s, "licence": c, "recordings": n, "hours": round(seconds[k, s, c] / 3600, 2)}
        for (k, s, c), n in count.items()
    ]


def card(about: Description) -> str:
    """The model card: what it is, what it learned from, how well it does."""
    rows = "".join(
        f"| {d['kind']} | {d['source']} | {d['recordings']} | {d['hours']} | {d['licence']} |\n"
        for d in about.training["data"]
    )
    figures = "".join(
        f"| {name} | {r['auc']:.3f} | {100 * r['dcf']:.1f} % |\n" for name, r in about.training["results"].items()
    )
    presets = "".join(f"| {name} | {t['onset']} | {t['offset']} |\n" for name, t in about.thresholds.items())
    network = ", ".join(f"{key} {value}" for key, value in about.recipe["network"].items())
    return (
        f"# {about.name}\n\nSpeech activity detector, made by `vad train` from the recipe `{about.name}`.\n"
        f"Network: strided convolution and bidirectional LSTM ({network}) on {about.features.n_mels} "
        "log-mel bands; a score per 10 ms.\n\n"
        "## How well it does\n\nDev sets, which also chose the thresholds; AUC pooled over 10 ms frames, "
        "DCF = .75 miss + .25 false alarm at the default thresholds.\n\n"
        f"| set | AUC | DCF |\n|---|---|---|\n{figures}\n"
        f"| preset | onset | offset |\n|---|---|---|\n{presets}\n"
        "## What it learned from\n\nMixtures of these recordings, drawn anew at every step. The recordings "
        "themselves are not in the weights file; their licences are:\n\n"
        f"| kind | source | recordings | hours | licence |\n|---|---|---|---|---|\n{rows}"
    )
