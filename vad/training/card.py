"""The model card: the model, its training data, its accuracy in tables and plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vad.evaluation.frames import curve, roc_auc
from vad.evaluation.metrics import rates
from vad.evaluation.overlap import Floats
from vad.features import Float32
from vad.model.pretrained import Description
from vad.plotting.style import save, style
from vad.settings import COST_WEIGHTS, GOALS, to_segmentation
from vad.training.settings import listed

THRESHOLDS = np.linspace(0, 1, 101)
HEAD = "| kind | source | recordings | hours | licence |\n|---|---|---|---|---|\n"
INNER = slice(5, -5)  # of the thresholds: the curves are shown whole between 0.05 and 0.95


@dataclass(frozen=True)
class DevSet:
    """Recordings with a reference, and what the model makes of them; frames all along."""

    name: str
    scores: Sequence[Float32]
    truth: list[NDArray[np.bool_]]

    @cached_property
    def pooled(self) -> tuple[NDArray[np.bool_], Float32]:
        """Truth and scores of the frames of all recordings, `(frame,)` each."""
        return np.concatenate(self.truth), np.concatenate(self.scores)

    @property
    def auc(self) -> float:
        """Pooled over the frames of all recordings."""
        return roc_auc(*self.pooled)

    def metrics(self, seconds: Floats) -> dict[str, float]:
        """Metrics of segments whose durations are `seconds` `(4,)`, as in `rates`; undefined metrics are left out."""
        of_segments = rates(seconds, COST_WEIGHTS)
        named = {"auc": self.auc, **{name: float(of_segments[name]) for name in GOALS}}
        return {name: round(value, 4) for name, value in named.items() if np.isfinite(value)}


def write_card(about: Description, sets: list[DevSet], history: list[dict[str, Any]], folder: Path) -> None:
    """`model.md` and its pictures in `folder/plots`."""
    (folder / "plots").mkdir(exist_ok=True)
    with_speech = [s for s in sets if 0 < s.pooled[0].mean() < 1]
    pictures = {
        "loss": lambda axes: _loss(axes, history),
        "roc": lambda axes: _roc(axes, with_speech),
        "scores": lambda axes: _histogram(axes, with_speech),
        "thresholds": lambda axes: _thresholds(axes, with_speech, about.thresholds["default"]),
    }
    for name, draw in pictures.items():
        with style():
            figure = Figure((6, 4), layout="constrained")
            draw(figure.add_subplot())  # type: ignore[no-untyped-call]
            save(figure, folder / "plots" / f"{name}.png")
    shown = " ".join(f"![{name}](plots/{name}.png)" for name in pictures)
    (folder / "model.md").write_text(f"{card(about)}\n## Pictures\n\n{shown}\n", "utf-8")


def card(about: Description) -> str:
    """The text of the card."""
    results = "".join(
        f"| {name} | {_number(r.get('auc'))} | {' | '.join(_percent(r.get(c)) for c in GOALS)} |\n"
        for name, r in about.training["results"].items()
    )
    way = "causal LSTM" if about.recipe["network"]["delays"] else "bidirectional LSTM"
    network = ", ".join(f"{key} {value}" for key, value in about.recipe["network"].items())
    notes = f"## Notes\n\n{about.recipe['about'].strip()}\n\n" if about.recipe.get("about") else ""
    base, verdict = about.training.get("base"), about.training.get("verdict")
    made = f"by adapting `{base['name']}` {base['version']}" if base else f"from the recipe `{about.name}`"
    earlier = (
        f"\n`{base['name']}`, which it began with, was trained on these:\n\n{HEAD}{_rows(base['data'])}" if base else ""
    )
    judged = "\n".join(["```", *verdict, "```", "", ""]) if verdict else ""
    return (
        f"# {about.name}\n\nSpeech activity detector, made by `vad train` {made}.\n"
        f"Network: strided convolution and {way} ({network}) on {about.features.n_mels} "
        f"log-mel bands; a score per {1000 * about.features.grid.frame_seconds:g} ms.\n\n"
        f"## Accuracy\n\n{judged}Dev sets, on which the thresholds were chosen, too; AUC pooled over frames, the rest "
        "at the default thresholds: DCF = .75 miss + .25 false alarm, "
        "DetER = (missed time + false-alarm time) / time of speech.\n\n"
        f"| set | AUC | DCF | DetER | miss | false alarm |\n|---|---|---|---|---|---|\n{results}\n"
        f"{_presets(about)}{_latencies(about)}{notes}"
        f"## Training data\n\n{_mixtures(about.recipe)} The weights file does not hold the recordings. "
        "Their licences:\n\n"
        f"{HEAD}{_rows(about.training['data'])}{earlier}"
    )


def _mixtures(recipe: dict[str, Any]) -> str:
    """How the recordings became training sound and targets; of several stages, the largest numbers."""
    stages = recipe.get("stage") or [recipe]
    reuse = max(stage["mixture"].get("reuse", 1) for stage in stages)
    replay = max(stage["loop"].get("replay", 1) for stage in stages)
    how = [f"speech and noise are rendered for {reuse} of them at a time"] if reuse > 1 else []
    how += [f"each is trained on about {replay} times"] if replay > 1 else []
    names = [name for stage in stages for name in listed(stage["loop"].get("teacher", ()))]
    teachers = dict.fromkeys(Path(name).name for name in names)
    opinions = f" Part of the targets are scores of {', '.join(teachers)}." if teachers else ""
    return f"Mixtures of these recordings{'; ' + ' and '.join(how) if how else ', drawn anew at every step'}.{opinions}"


def _rows(data: list[dict[str, Any]]) -> str:
    """The rows of a table of sources."""
    return "".join(
        f"| {d['kind']} | {d['source']} | {d['recordings']} | {d['hours']} | {d['licence']} |\n" for d in data
    )


def _presets(about: Description) -> str:
    """The settings that the model has of its own: a row per preset, a column per setting."""
    names = list(dict.fromkeys(name for settings in about.thresholds.values() for name in settings))
    lines = "".join(
        f"| {preset} | {' | '.join(f'{getattr(settings, name):g}' for name in names)} |\n"
        for preset, settings in ((preset, to_segmentation(about.thresholds, preset)) for preset in about.thresholds)
    )
    return f"| preset | {' | '.join(names)} |\n|---{'|---' * len(names)}|\n{lines}\n"


def _latencies(about: Description) -> str:
    """The AUC in a stream: a row per latency, a column per set."""
    rows = about.training["latencies"]
    if not rows:
        return ""
    names = list(rows[0]["auc"])
    lines = "".join(
        f"| {1000 * row['latency']:.1f} ms | {' | '.join(_number(row['auc'][name]) for name in names)} |\n"
        for row in rows
    )
    return (
        f"AUC in a stream of each latency:\n\n| latency | {' | '.join(names)} |\n|---{'|---' * len(names)}|\n{lines}\n"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"


def _loss(axes: Axes, history: list[dict[str, Any]]) -> None:
    steps, other = [h["step"] for h in history], axes.twinx()
    lines = axes.plot(steps, [h["loss"] for h in history], "o-", ms=3, label="training loss (nats per frame)")
    lines += other.plot(steps, [h["dev_auc"] for h in history], "o-", ms=3, color="C1", label="dev AUC")
    axes.set(xlabel="step", ylabel="loss", title="Training")
    other.set_ylabel("AUC")
    _legend(axes, lines)


def _roc(axes: Axes, sets: list[DevSet]) -> None:
    for s in sets:
        if found := curve(*s.pooled):
            miss, false_alarm = found.at(THRESHOLDS)
            axes.plot(false_alarm, 1 - miss, label=f"{s.name}: AUC {s.auc:.3f}")
    axes.set(xlabel="false alarm", ylabel="1 - miss", xlim=(0, 0.5), ylim=(0.5, 1), title="ROC")
    _legend(axes)


def _histogram(axes: Axes, sets: list[DevSet]) -> None:
    truth = np.concatenate([s.pooled[0] for s in sets])
    scores = np.concatenate([s.pooled[1] for s in sets])
    bins = [n / 50 for n in range(51)]
    for name, these in (("speech", scores[truth]), ("no speech", scores[~truth])):
        axes.hist(these, bins, density=True, histtype="step", log=True, label=name)
    axes.set(xlabel="score", ylabel="density", title="Scores")
    _legend(axes)


def _thresholds(axes: Axes, sets: list[DevSet], chosen: dict[str, float]) -> None:
    highest = 0.0
    for s in sets:
        if found := curve(*s.pooled):
            miss, false_alarm = found.at(THRESHOLDS)
            error = 100 * (miss + false_alarm * (1 - found.speech) / found.speech)
            axes.plot(THRESHOLDS, error, label=s.name)
            highest = max(highest, float(error[INNER].max()))
    label = f"default onset {chosen['onset']:g}, offset {chosen['offset']:g}:\nlowest cost of misses and false alarms"
    axes.axvline(chosen["onset"], color="0.5", ls="--", label=label)
    axes.set(xlabel="threshold on the scores", ylabel="DetER, %", title="Detection error rate")
    axes.set(xlim=(0, 1), ylim=(0, 1.05 * highest or 1))
    _legend(axes)


def _legend(axes: Axes, lines: Sequence[Artist] | None = None) -> None:
    """A legend beside the curves, so that it hides none."""
    shown = axes.get_legend_handles_labels()[0] if lines is None else lines
    axes.figure.legend(handles=shown, loc="outside lower center", ncols=2, fontsize="small")
