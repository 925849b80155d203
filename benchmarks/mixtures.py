"""Sets of mixtures of held-out speakers and noise: `python -m benchmarks mixtures CORPUS FOLDER`.

CORPUS is a corpus folder as `vad train` takes it. FOLDER gets three sets of 48 mixtures of 10 s:
`noisy10` and `noisy0` (speech 10 and 0 dB over noise) and `nonspeech` (noise and music alone). Their
labels are those of training: energy blended with two detectors, of which Silero is one.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import soundfile

from vad.evaluation.frames import mask_segments
from vad.evaluation.peers import RATE
from vad.grid import Grid
from vad.training.corpus import read_corpus
from vad.training.mixing.mixer import Mixer
from vad.training.settings import CorpusSettings, MixtureSettings

COUNT = 48
TALKING = ("Picovoice/speech-to-intent-benchmark",)  # noise in which people talk, unmarked
PLAIN = MixtureSettings(seconds=10.0, second_talker=0.0, clipping=0.0, level_low=-40.0, faint=0.0)
SETS: dict[str, dict[str, Any]] = {
    "noisy10": {"snr_low": 10.0, "snr_high": 10.0, "no_speech": 0.0},
    "noisy0": {"snr_low": 0.0, "snr_high": 0.0, "no_speech": 0.0},
    "nonspeech": {"no_speech": 1.0},
}


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def main(corpus: Path, folder: Path) -> None:
    """Write the sets."""
    with tempfile.TemporaryDirectory() as cache:
        held_out = read_corpus(corpus, "dev", Grid(), CorpusSettings(without=TALKING), Path(cache))
    for name, settings in SETS.items():
        mixer = Mixer(held_out, replace(PLAIN, **settings))
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(COUNT):
            samples, target, _ = mixer((9, number))
            soundfile.write(folder / name / f"{number:02}.flac", samples, RATE)
            labels = "".join(f"{start}\t{end}\n" for start, end in mask_segments(target > 0.5, Grid()))
            (folder / name / f"{number:02}.tsv").write_text(labels, "ascii")


if __name__ == "__main__":
    main()
