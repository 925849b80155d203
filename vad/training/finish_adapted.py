"""The end of an adaptation: the verdict, and the model where it is better."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vad.atomic import write
from vad.data.corpus_index import read_index
from vad.formats import json
from vad.model.pretrained import Description
from vad.settings import COST_WEIGHTS, Segmentation
from vad.training.adapt import Adaptation
from vad.training.card import DevSet
from vad.training.finish import publish, sources, summed
from vad.training.general_sound import INDEX
from vad.training.verdict import Candidate, Judge, Verdict, logit
from vad.tuning.search import LOWEST

VERDICT = "verdict.json"  # in the output


def finish_adapted(
    adaptation: Adaptation, corpus: Path, elsewhere: float, keep_anyway: bool
) -> tuple[Path | None, Verdict]:
    """Judge the adaptation, and write its model if it is better, or in any case: its path, None where it is not.

    `elsewhere` is how far the decisions on general sound may move, as in `verdict`.
    """
    judge = Judge(adaptation, elsewhere)
    chosen, verdict = judge.judge(COST_WEIGHTS)
    write(adaptation.output / VERDICT, json.to_text(verdict.to_json()).encode("utf-8"))
    if not (verdict.better or keep_anyway):
        return None, verdict
    if keep_anyway and not chosen.share:
        chosen = judge.candidate(0.5, chosen.settings)
    recipe, base = adaptation.recipe, adaptation.about
    default = base.thresholds["default"]
    thresholds = {name: moved(values, default, chosen.settings) for name, values in base.thresholds.items()}
    training: dict[str, Any] = {
        "base": {**base.identity, "data": base.training.get("data", [])},
        "data": sources(recipe, corpus) + summed(("general", line) for line in read_index(INDEX)),
        "results": {},
        "latencies": [],
        "verdict": verdict.lines(),
    }
    sets = dev_sets(judge, chosen)
    parts = (chosen.own, *chosen.general_sets)
    training["results"] = {s.name: s.metrics(part.sum(0)) for s, part in zip(sets, parts, strict=True)}
    description = Description(recipe.name, "1", recipe.features, thresholds, asdict(recipe), training)
    network = adaptation.blended(adaptation.trained(), chosen.share)
    return publish(network, description, sets, adaptation.history(), adaptation.output), verdict


def dev_sets(judge: Judge, chosen: Candidate) -> list[DevSet]:
    """The recordings, each with the scores of the model not trained on it; general sound; noise alone."""
    scored = list(zip(judge.scores[chosen.share], [*judge.own, *judge.general], strict=True))
    own, general = scored[: len(judge.own)], scored[len(judge.own) :]
    spoken = [pair for pair in general if pair[1].truth.any()]
    noise = [pair for pair in general if not pair[1].truth.any()]
    names = {"recordings, left out": own, "general sound, by the model before": spoken, "noise alone": noise}
    return [DevSet(name, [s for s, _ in pairs], [p.truth for _, p in pairs]) for name, pairs in names.items()]


def moved(before: dict[str, float], default: dict[str, float], chosen: Segmentation) -> dict[str, float]:
    """The settings of a preset, its onset and offset moved in log odds as those of the `default` were, to `chosen`.

    So the presets keep their order, and the default becomes what was chosen.
    """
    onset, offset = (
        round(1 / (1 + math.exp(logit(default[name]) - logit(before[name]) - logit(getattr(chosen, name)))), 3)
        for name in ("onset", "offset")
    )
    return {**before, "onset": onset, "offset": min(onset, max(LOWEST, offset))}
