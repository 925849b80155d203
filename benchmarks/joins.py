"""Sets of what confused earlier models: `python -m benchmarks joins SET... FOLDER`.

A SET is a folder of sound with labels beside it. FOLDER gets two sets made of its recordings:
`between`, where 5 to 20 s of noise as loud as the speech follow on some speech, and some speech on them
(the noise is `data/dishes.flac`, or with `--noise` the backgrounds of another folder of sound), and
`padded`, with 100 s of digital silence before each recording and 60 s after it.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import soundfile

from benchmarks.cuts import excerpt
from vad.audio.decode import read
from vad.evaluation.peers import RATE
from vad.features import Float32
from vad.labels.labelled_set import LabelledRecording, read_labelled
from vad.segments import Segment

COUNT = 24  # recordings of `between`
BEFORE, AFTER = 100.0, 60.0  # seconds of silence
DISHES = Path(__file__).parent.parent / "data" / "dishes.flac"


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="SET...")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--noise", type=click.Path(exists=True, path_type=Path), help="A folder of sound without speech.")
def main(folders: tuple[str, ...], folder: Path, noise: Path | None) -> None:
    """Write the sets."""
    sets = [read_labelled(Path(name)).recordings for name in folders]
    paths = sorted(p for p in noise.iterdir() if p.suffix in (".flac", ".wav")) if noise else [DISHES]
    noises = [read(path, RATE) for path in paths]
    rng = np.random.default_rng(6)
    for number in range(COUNT):
        recordings = sets[number % len(sets)]
        recording = recordings[rng.integers(len(recordings))]
        write(folder / "between" / f"{number:02}", *between(recording, noises[number % len(noises)], rng))
    for name, recordings in zip(folders, sets, strict=True):
        for recording in recordings:
            write(folder / "padded" / f"{Path(name).name}-{Path(recording.path).stem}", *padded(recording))


def between(recording: LabelledRecording, noise: Float32, rng: np.random.Generator) -> tuple[Float32, list[Segment]]:
    """Two excerpts of a recording with noise between them, `(sample,)`, and the speech, in seconds."""
    (first, speech), (last, more) = excerpt(recording, rng), excerpt(recording, rng)
    length = int(rng.uniform(5, 20) * RATE)
    middle = np.resize(noise[int(rng.integers(max(1, len(noise) - length))) :], length).astype(np.float64)
    middle = middle * (np.std(first) / (np.std(middle) + 1e-9)) * 10 ** (rng.uniform(-10, 5) / 20)
    offset = (len(first) + length) / RATE
    sound = np.concatenate([first, np.clip(middle, -1, 1), last]).astype(np.float32)
    return sound, [*speech, *(Segment(s.start + offset, s.end + offset) for s in more)]


def padded(recording: LabelledRecording) -> tuple[Float32, list[Segment]]:
    """A recording with digital silence around it, `(sample,)`, and the speech, in seconds."""
    silence = (int(BEFORE * RATE), int(AFTER * RATE))
    sound = np.pad(read(Path(recording.path), RATE), silence).astype(np.float32)
    return sound, [Segment(s.start + BEFORE, s.end + BEFORE) for s in recording.reference]


def write(path: Path, sound: Float32, speech: list[Segment]) -> None:
    """A recording of a set: `path` with the suffixes of sound and labels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path.with_suffix(".flac"), sound, RATE)
    lines = (f"{s.start:.6f}\t{s.end:.6f}\n" for s in speech)
    path.with_suffix(".tsv").write_text("".join(lines), "ascii")


if __name__ == "__main__":
    main()
