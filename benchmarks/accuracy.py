"""Accuracy beside other detectors: `python -m benchmarks accuracy SET...` prints a Markdown table.

A SET is a folder of sound with labels beside it. Per set: AUC pooled over 10 ms frames, and in
brackets the detection cost (.75 miss + .25 false alarm) in percent at each detector's own defaults.
A set without any speech gives the share of time and the segments per hour that were taken for
speech. `--condition telephone` has every recording go through 8 kHz and G.711 first, `--condition
quiet` plays it at -50 dB below full scale. `vad compare SET` says more of one set as it is.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import click
import numpy as np
import soxr

from vad.detector import Detector
from vad.errors import ModelError
from vad.evaluation.compare import Comparison, compare
from vad.evaluation.peers import PEERS, RATE, System, open_system
from vad.features import Float32
from vad.labels.labelled_set import read_labelled
from vad.model.pretrained import DEFAULT
from vad.segments import Segment
from vad.settings import EvaluationSettings


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="SET...")
@click.option("--condition", type=click.Choice(["plain", "telephone", "quiet"]), default="plain")
@click.option("--model", "models", multiple=True, default=(DEFAULT,), show_default=True, metavar="MODEL")
@click.option("--latency", metavar="LATENCY", help="Of the models, as in a stream.")
@click.option("--peers/--no-peers", default=True, show_default=True)
def main(folders: tuple[str, ...], condition: str, models: tuple[str, ...], latency: str | None, peers: bool) -> None:
    """Print the table."""
    systems: dict[str, System] = {name: InStream(name, latency) if latency else open_system(name) for name in models}
    for name in PEERS if peers else ():
        try:
            systems[name] = open_system(name)
        except ModelError as error:
            print(error, file=sys.stderr)
    print(f"| set | {' | '.join(systems)} |\n|---{'|---' * len(systems)}|")
    for folder in folders:
        recordings = read_labelled(Path(folder)).recordings
        change = functools.partial(through, condition=condition)
        found = compare(recordings, [], systems, EvaluationSettings(resamples=0), change=change)
        print(f"| {Path(folder).name} | {' | '.join(cell(found, name) for name in systems)} |", flush=True)


class InStream:
    """A model with a latency."""

    def __init__(self, model: str, latency: str) -> None:
        self._detector, self._latency = Detector(model), latency

    def scores(self, samples: Float32) -> Float32:
        """A score per frame."""
        return self._detector.scores(samples, sample_rate=RATE, latency=self._latency)

    def segments(self, samples: Float32) -> list[Segment]:
        """At the thresholds in the weights file."""
        return self._detector.detect(samples, sample_rate=RATE, latency=self._latency)


def through(samples: Float32, condition: str) -> Float32:
    """The recording `(sample,)` as it would be under `condition`."""
    if condition == "telephone":
        from vad.training.mixing.channel import TELEPHONE, mu_law
        from vad.training.mixing.levels import fit

        coded = mu_law(np.clip(soxr.resample(samples, RATE, TELEPHONE), -1, 1))
        return fit(soxr.resample(coded, TELEPHONE, RATE), len(samples))
    if condition == "quiet":
        quiet = samples * (10 ** (-50 / 20) / np.sqrt(np.mean(np.square(samples))))
        stepped: Float32 = (np.round(quiet * 32768) / 32768).astype(np.float32)
        return stepped
    return samples


def cell(found: Comparison, name: str) -> str:
    """The cell of the table for one detector and one set."""
    metrics = found.groups[name].pooled
    if not metrics["segments"]:
        hours = found.seconds / 3600
        return f"{100 * found.speech[name] / found.seconds:.2f} %, {found.segments[name] / hours:.0f}/h"
    return f"{metrics['roc_auc']:.3f} ({100 * metrics['dcf']:.1f})"


if __name__ == "__main__":
    main()
