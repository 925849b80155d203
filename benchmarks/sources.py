"""Sets of the sources that a recipe leaves out: `python -m benchmarks sources RECIPE.toml CORPUS FOLDER`.

FOLDER gets `real` (the real recordings of those sources; labels are the detectors' mean opinion), `noise`
(their noise and music, a file per source) and `noisy10`, `noisy0`, `noisy-5` (speech of those sources in that
noise, 10, 0 and -5 dB above it). So a model is measured on sources that it never met, in the
sense of leave-one-source-out, as long as it was trained by that recipe.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from benchmarks.joins import write
from vad.evaluation.frames import mask_segments
from vad.evaluation.peers import RATE
from vad.features import Float32
from vad.grid import Grid
from vad.segments import Segment
from vad.training.corpus import Clip, Corpus, read_corpus
from vad.training.mixing.levels import FULL_SCALE
from vad.training.mixing.mixer import Mixer
from vad.training.recipe import read_recipe
from vad.training.settings import CorpusSettings, MixtureSettings

COUNT = 36  # mixtures of each kind
PLAIN = MixtureSettings(seconds=10.0, no_speech=0.0, second_talker=0.0, clipping=0.0, level_low=-40.0, faint=0.0)
LEVELS = {"noisy10": 10.0, "noisy0": 0.0, "noisy-5": -5.0}  # dB of speech over noise
TALKING = "Picovoice/speech-to-intent-benchmark"  # noise in which people talk, unmarked
LONGEST = 120.0  # seconds of a recording


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path), metavar="RECIPE.toml")
@click.argument("corpus", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
def main(recipe: Path, corpus: Path, folder: Path) -> None:
    """Write the sets."""
    settings = read_recipe(recipe).corpus
    without = tuple(source for source in settings.without if source != TALKING)
    only = CorpusSettings(
        without=(TALKING,), only=without, never_speech=without, silver_weight=0.0, cache=settings.cache
    )
    held_out = read_corpus(corpus, "train", Grid(), only, folder / "cache")
    for number, clip in enumerate(held_out.real):
        write(folder / "real" / f"{number:03}", *labelled(clip))
    for number, noise in enumerate(in_minutes(held_out)):
        write(folder / "noise" / f"{number:02}", noise, [])
    for name, snr in LEVELS.items():
        mixer = Mixer(held_out, replace(PLAIN, snr_low=snr, snr_high=snr))
        for number in range(COUNT):
            samples, target, _ = mixer((9, number))
            write(folder / name / f"{number:02}", samples, mask_segments(target > 0.5, Grid()))


def labelled(clip: Clip) -> tuple[Float32, list[Segment]]:
    """At most the first two minutes of a recording, `(sample,)`, and its speech, in seconds."""
    length = int(LONGEST * RATE)
    speech = clip.target[: Grid().frame_count(length)] > 0.5
    return clip.samples[:length] * FULL_SCALE, mask_segments(speech, Grid())


def in_minutes(corpus: Corpus) -> list[Float32]:
    """The backgrounds one after another, in recordings of a minute."""
    whole = np.concatenate(corpus.backgrounds) * FULL_SCALE
    return np.array_split(whole, -(-len(whole) // (60 * RATE)))


if __name__ == "__main__":
    main()
