"""After training: tuned thresholds, the weights file, safetensors, and a model card."""

from __future__ import annotations

import json
import math
import shutil
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from vad.atomic import temporary_folder
from vad.data.corpus_index import INDICES, read_index
from vad.detector import Detector
from vad.errors import RecipeError
from vad.evaluation.frames import frame_mask
from vad.evaluation.metrics import rates
from vad.evaluation.overlap import Floats
from vad.labels.labelled_set import read_labelled
from vad.model.pretrained import Description
from vad.network.causal import AnyNetwork
from vad.network.to_onnx import export
from vad.settings import CostWeights, Segmentation
from vad.training.card import DevSet, write_card
from vad.training.checkpoint import read_checkpoint, read_kept
from vad.training.corpus import BACKGROUNDS, REAL, Corpus, may_hold_speech, read_corpus, wanted
from vad.training.dataset import CACHE, DEV_SNR, dev_mixtures
from vad.training.loop import score
from vad.training.mixing.levels import FULL_SCALE
from vad.training.recipe import Recipe
from vad.tuning.search import Trials, TuningRecording, search

NOISE_WEIGHT = 4.0  # of falsely found noise beside that of a false alarm between speech: nobody expects anything there
MIXTURES = {"dev speakers, noise at 10 dB": DEV_SNR, "noise alone": -math.inf}
LATENCIES = ("lowest", 0.1, 0.2, "balanced", "accurate")  # that the card tells the AUC of
MISS_WEIGHT = {"default": 0.75, "recall": 0.95, "precision": 0.4}  # of DCF; false alarms have the rest


def finish(recipe: Recipe, corpus: Path, output: Path) -> Path:
    """Make `model.onnx`, `model.safetensors`, `model.md` and plots from the checkpoint in `output`.

    Thresholds are chosen on the dev mixtures, on noise alone, and on recordings as they are: the
    hand-labelled sets below `corpus/labelled`, or where there are none the dev recordings; each
    set counts the same. The decoded recordings are removed afterwards.
    """
    network = read_kept(output / "checkpoint.pt", recipe)
    thresholds = {"default": _thresholds(Segmentation())}
    description = Description(recipe.name, "1", recipe.features, thresholds, asdict(recipe), {})
    with temporary_folder() as scratch:  # `output` gets its model when that is complete
        export(network, description, scratch / "model.onnx")
        detector = Detector(scratch / "model.onnx")

    held_out = read_corpus(corpus, "dev", recipe.features.grid, recipe.corpus, output / CACHE)
    sets = []
    for name, snr in MIXTURES.items():
        features, targets = dev_mixtures(recipe.stages()[-1], held_out, snr)
        sets.append(DevSet(name, list(score(network, features)), list(targets > 0.5)))
    as_recorded = recorded_sets(corpus, held_out, detector)
    sets += as_recorded
    grid = recipe.features.grid
    pairs = [pair for s in sets for pair in zip(s.scores, s.truth, strict=True)]
    trials = Trials([TuningRecording.of_frames(scores, truth, grid) for scores, truth in pairs], grid)
    tuned = in_order({preset: choose(trials, sets, weight) for preset, weight in MISS_WEIGHT.items()})
    found = by_set(trials(tuned["default"]), sets)
    results = {s.name: s.metrics(seconds) for s, seconds in zip(sets, found, strict=True)}
    description = replace(
        description,
        thresholds={preset: _thresholds(settings) for preset, settings in tuned.items()},
        training={
            "data": sources(recipe, corpus),
            "results": results,
            "latencies": [
                {"latency": detector.latency(at), "auc": aucs(recorded_sets(corpus, held_out, detector, at))}
                for at in LATENCIES
            ],
        },
    )
    return publish(network, description, sets, read_checkpoint(output / "checkpoint.pt")["history"], output)


def publish(
    network: AnyNetwork, description: Description, sets: list[DevSet], history: list[dict[str, Any]], output: Path
) -> Path:
    """Write the model, its weights as safetensors and its card; its path. The decoded recordings are removed."""
    path = output / "model.onnx"
    export(network, description, path)
    save_file(network.state_dict(), output / "model.safetensors", {"recipe": json.dumps(description.recipe)})
    write_card(description, sets, history, output)
    shutil.rmtree(output / CACHE, ignore_errors=True)
    return path


def recorded_sets(
    corpus: Path, held_out: Corpus, detector: Detector, latency: float | str | None = None
) -> list[DevSet]:
    """The recordings as they are: the labelled sets, or where there are none the dev recordings."""
    sets = labelled_sets(corpus / "labelled", detector, latency)
    return list(sets) or [_recordings(held_out, detector, latency)]


def _recordings(held_out: Corpus, detector: Detector, latency: float | str | None) -> DevSet:
    """The dev recordings."""
    rate, clips = held_out.grid.sample_rate, held_out.speech
    scores = [detector.scores(clip.samples * FULL_SCALE, sample_rate=rate, latency=latency) for clip in clips]
    return DevSet("dev recordings", scores, [clip.target > 0.5 for clip in clips])


def labelled_sets(folder: Path, detector: Detector, latency: float | str | None = None) -> Iterable[DevSet]:
    """A set for each folder in `folder` that holds sound with labels beside it; a warning for any other."""
    for place in sorted(p for p in folder.glob("*") if p.is_dir()):
        try:
            recordings = read_labelled(place).recordings
        except RecipeError as error:
            warnings.warn(str(error), stacklevel=2)
            continue
        scores = [detector.scores(one.path, latency=latency) for one in recordings]
        truth = [frame_mask(one.reference, len(s), detector.grid) for one, s in zip(recordings, scores, strict=True)]
        yield DevSet(place.name, scores, truth)


def aucs(sets: list[DevSet]) -> dict[str, float | None]:
    """The AUC of each set, None where it has none."""
    return {s.name: round(s.auc, 4) if math.isfinite(s.auc) else None for s in sets}


def choose(trials: Trials, sets: list[DevSet], miss_weight: float) -> Segmentation:
    """The onset and offset of the lowest cost, tried on the recordings of all `sets`, one set after the other.

    It is the mean detection cost of the sets with speech, and beside it the share of noise alone
    that is taken for speech, which weighs `NOISE_WEIGHT` times what a false alarm weighs.
    """

    def cost(seconds: Floats) -> float:
        metrics = rates(by_set(seconds, sets), CostWeights(miss_weight, 1 - miss_weight))
        costs, alarms = metrics["dcf"], metrics["false_alarm"][np.isnan(metrics["miss"])]
        costs = costs[~np.isnan(costs)]
        noise = alarms.mean() if len(alarms) else 0.0
        return float((costs.mean() if len(costs) else 0.0) + NOISE_WEIGHT * (1 - miss_weight) * noise)

    return search(trials, cost, Segmentation(), free=("onset", "offset"))


def in_order(tuned: dict[str, Segmentation]) -> dict[str, Segmentation]:
    """So that `recall` detects all that `default` does, and `default` all that `precision` does."""
    one = tuned["default"]
    low, high = tuned["recall"], tuned["precision"]
    return tuned | {
        "recall": replace(low, onset=min(low.onset, one.onset), offset=min(low.offset, one.offset)),
        "precision": replace(high, onset=max(high.onset, one.onset), offset=max(high.offset, one.offset)),
    }


def by_set(seconds: Floats, sets: list[DevSet]) -> Floats:
    """`(set, 4)`, the sums over the recordings of each set in `seconds` `(recording, 4)`."""
    return np.add.reduceat(seconds, np.cumsum([0, *(len(s.scores) for s in sets[:-1])]), axis=0)


def _thresholds(settings: Segmentation) -> dict[str, float]:
    """The part of the settings that belongs to a model."""
    return {"onset": settings.onset, "offset": settings.offset}


def sources(recipe: Recipe, corpus: Path) -> list[dict[str, Any]]:
    """What of the corpus is used: source, licence, recordings and hours of each."""
    real = recipe.corpus.real < 1 or any(stage.mixture.real for stage in recipe.stages())
    used = INDICES | ({"real": REAL} if real else {})
    return summed(
        (kind, line)
        for kind, index in used.items()
        for line in wanted(read_index(corpus / index, missing_ok=True), recipe.corpus)
        if kind not in BACKGROUNDS or not may_hold_speech(line, recipe.corpus)
    )


def summed(lines: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Source, licence, recordings and hours of the `lines` of indices, each with the kind of the index."""
    count: Counter[tuple[str, str, str]] = Counter()
    seconds: Counter[tuple[str, str, str]] = Counter()
    for kind, line in lines:
        key = (kind, line.get("source") or "unnamed", line.get("licence") or "not stated")
        count[key] += 1
        seconds[key] += line.get("duration", line.get("seconds", 0.0))
    return [
        {"kind": k, "source": s, "licence": c, "recordings": n, "hours": round(seconds[k, s, c] / 3600, 2)}
        for (k, s, c), n in count.items()
    ]
