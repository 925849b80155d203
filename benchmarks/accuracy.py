"""Accuracy beside other detectors: `python -m benchmarks.accuracy SET...` prints a Markdown table.

A SET is a folder of `x.flac` or `x.wav` with `x.tsv` (start and end of speech in seconds; all else
is no speech). Per set: AUC pooled over 10 ms frames, and in brackets the detection cost (.75 miss +
.25 false alarm) in percent at each detector's own defaults. A set without any speech gives the
share of time and the segments per hour that were taken for speech.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.peers import RATE, SYSTEMS, System
from vad.audio import read
from vad.evaluation import detection_cost, read_reference, roc_auc, to_frames
from vad.grid import Grid
from vad.segments import Segment

GRID = Grid()


def main(folders: list[str]) -> None:
    systems = {}
    for name, make in SYSTEMS.items():
        try:
            systems[name] = make()
        except ImportError as error:
            print(f"{name}: not installed ({error})", file=sys.stderr)
    print(f"| set | {' | '.join(systems)} |\n|---{'|---' * len(systems)}|")
    for folder in folders:
        cells = (measure(system, Path(folder)) for system in systems.values())
        print(f"| {Path(folder).name} | {' | '.join(cells)} |", flush=True)


def measure(system: System, folder: Path) -> str:
    """The cell of the table for one detector and one set."""
    truth, scores, found, segments = [], [], [], 0
    for sound in sorted([*folder.glob("*.flac"), *folder.glob("*.wav")]):
        samples = read(sound, RATE)
        frames = GRID.frame_count(len(samples))
        truth.append(to_frames(read_reference(sound.with_suffix(".tsv")), frames, GRID))
        scores.append(system.scores(samples)[:frames])
        spans = [Segment(*span) for span in system.segments(samples)]
        segments += len(spans)
        found.append(to_frames(spans, frames, GRID))
    reference, said = np.concatenate(truth), np.concatenate(found)
    if not reference.any():
        return f"{100 * said.mean():.2f} %, {segments / len(said) * 360_000:.0f}/h"
    return f"{roc_auc(reference, np.concatenate(scores)):.3f} ({100 * detection_cost(reference, said):.1f})"


if __name__ == "__main__":
    main(sys.argv[1:])
