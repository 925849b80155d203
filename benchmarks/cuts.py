"""Excerpts of labelled sets, joined as in sound that was cut: `python -m benchmarks cuts SET... FOLDER`.

FOLDER gets eight recordings of four minutes: 4 to 15 s of any recording of any SET, each up to 15 dB
quieter or 5 dB louder than it was, one after the other. Their labels are those of the excerpts.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import soundfile

from vad.audio.decode import read
from vad.evaluation.peers import RATE
from vad.features import Float32
from vad.labels.labelled_set import LabelledRecording, read_labelled
from vad.segments import Segment, merge

COUNT = 8
LENGTH = 240.0  # seconds


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="SET...")
@click.argument("folder", type=click.Path(path_type=Path))
def main(folders: tuple[str, ...], folder: Path) -> None:
    """Write the set."""
    rng = np.random.default_rng(5)
    sets = [read_labelled(Path(name)).recordings for name in folders]
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(COUNT):
        sounds: list[Float32] = []
        labels: list[Segment] = []
        end = 0.0
        while end < LENGTH:
            recordings = sets[rng.integers(len(sets))]
            sound, segments = excerpt(recordings[rng.integers(len(recordings))], rng)
            sounds.append(sound)
            labels += [Segment(s.start + end, s.end + end) for s in segments]
            end += len(sound) / RATE
        soundfile.write(folder / f"{number:02}.flac", np.concatenate(sounds), RATE)
        lines = (f"{s.start:.6f}\t{s.end:.6f}\n" for s in merge(labels))
        (folder / f"{number:02}.tsv").write_text("".join(lines), "ascii")


def excerpt(recording: LabelledRecording, rng: np.random.Generator) -> tuple[Float32, list[Segment]]:
    """A stretch of a recording, `(sample,)`, and where there is speech in it, in seconds from its start."""
    whole = read(Path(recording.path), RATE)
    length = int(rng.uniform(4, 15) * RATE)
    first = int(rng.integers(max(1, len(whole) - length)))
    sound = np.clip(whole[first : first + length] * 10 ** (rng.uniform(-15, 5) / 20), -1, 1).astype(np.float32)
    start, end = first / RATE, first / RATE + len(sound) / RATE
    inside = [Segment(max(s.start, start), min(s.end, end)) for s in recording.reference]
    return sound, [Segment(s.start - start, s.end - start) for s in inside if s.start < s.end]


if __name__ == "__main__":
    main()
