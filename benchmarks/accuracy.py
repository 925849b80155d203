"""Accuracy beside other detectors: `python -m benchmarks.accuracy SET...` prints a Markdown table.

A SET is a folder of `x.flac` or `x.wav` with `x.tsv` (start and end of speech in seconds; all else
is no speech). Per set: AUC pooled over 10 ms frames, and in brackets the detection cost (.75 miss +
.25 false alarm) in percent at each detector's own defaults. A set without any speech gives the
share of time and the segments per hour that were taken for speech. `--condition telephone` has every
recording go through 8 kHz and G.711 first, `--condition quiet` plays it at -50 dB below full scale.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
import soxr

from benchmarks.peers import RATE, SYSTEMS, Array, System
from vad.audio import read
from vad.evaluation import detection_cost, roc_auc, to_frames
from vad.formats import read_labels, speech_of
from vad.grid import Grid
from vad.segments import Segment

GRID = Grid()


@click.command()
@click.argument("folders", nargs=-1, metavar="SET...")
@click.option("--condition", type=click.Choice(["plain", "telephone", "quiet"]), default="plain")
def main(folders: tuple[str, ...], condition: str) -> None:
    """Print the table."""
    systems = {}
    for name, make in SYSTEMS.items():
        try:
            systems[name] = make()
        except ImportError as error:
            print(f"{name}: not installed ({error})", file=sys.stderr)
    print(f"| set | {' | '.join(systems)} |\n|---{'|---' * len(systems)}|")
    for folder in folders:
        cells = (measure(system, Path(folder), condition) for system in systems.values())
        print(f"| {Path(folder).name} | {' | '.join(cells)} |", flush=True)


def through(samples: Array, condition: str) -> Array:
    """The recording `(sample,)` as it would be under `condition`."""
    if condition == "telephone":
        from vad.training import channel

        coded = channel.mu_law(np.clip(soxr.resample(samples, RATE, channel.TELEPHONE), -1, 1))
        return channel.fit(soxr.resample(coded, channel.TELEPHONE, RATE), len(samples))
    if condition == "quiet":
        quiet = samples * (10 ** (-50 / 20) / np.sqrt(np.mean(np.square(samples))))
        stepped: Array = (np.round(quiet * 32768) / 32768).astype(np.float32)
        return stepped
    return samples


def measure(system: System, folder: Path, condition: str) -> str:
    """The cell of the table for one detector and one set."""
    truth, scores, found, segments = [], [], [], 0
    for sound in sorted([*folder.glob("*.flac"), *folder.glob("*.wav")]):
        samples = through(read(sound, RATE), condition)
        frames = GRID.frame_count(len(samples))
        labels = read_labels(sound.with_suffix(".tsv"))
        truth.append(to_frames(speech_of(labels), frames, GRID))
        scores.append(system.scores(samples)[:frames])
        spans = [Segment(*span) for span in system.segments(samples)]
        segments += len(spans)
        found.append(to_frames(spans, frames, GRID))
    reference, said = np.concatenate(truth), np.concatenate(found)
    if not reference.any():
        return f"{100 * said.mean():.2f} %, {segments / len(said) * 360_000:.0f}/h"
    return f"{roc_auc(reference, np.concatenate(scores)):.3f} ({100 * detection_cost(reference, said):.1f})"


if __name__ == "__main__":
    main()
