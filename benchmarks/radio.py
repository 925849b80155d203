"""Sound unlike any that the model was trained on: `python -m benchmarks radio CORPUS FOLDER`.

Dev speakers of CORPUS talk over a bad radio: a band of 400 to 2400 Hz, overdriven, noisy, with a
key click before each transmission, a beep and a burst of noise after it, and bursts of data
between. FOLDER gets `train` and `test`, of different speakers, each with `audio` and with Audacity
labels in `labels`, as a user would have them. `python -m benchmarks radio FOLDER/test MODEL...`
scores models on them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import numpy as np
import soundfile
from scipy import signal

from vad import Detector
from vad.data.corpus_index import read_index
from vad.evaluation.frames import detection_cost, detection_error_rate, frame_mask, mask_segments, roc_auc
from vad.evaluation.peers import RATE, Array
from vad.grid import Grid
from vad.labels.labelled_set import read_labelled
from vad.training.corpus import Clip, read_corpus
from vad.training.settings import CorpusSettings

TEST = 8  # speakers
TRANSMISSIONS = 14  # of each speaker
BAND = signal.butter(4, [400, 2400], "band", fs=RATE, output="sos")
GRID = Grid()


@click.command()
@click.argument("place", type=click.Path(path_type=Path), metavar="CORPUS|FOLDER/test")
@click.argument("others", nargs=-1, required=True, metavar="FOLDER|MODEL...")
def main(place: Path, others: tuple[str, ...]) -> None:
    """Make the recordings of a corpus, or print how models do on those that were made."""
    if (place / "audio").is_dir():
        for model in others:
            print(score(place, model))
    else:
        make(place, Path(others[0]))


def make(corpus: Path, folder: Path) -> None:
    """Write the recordings and their labels."""
    dev = {str(line["source"]) for line in read_index(corpus / "speech.jsonl") if line["split"] == "dev"}
    with tempfile.TemporaryDirectory() as cache:
        clips = read_corpus(corpus, "dev", GRID, CorpusSettings(only=tuple(dev)), Path(cache)).speech
        rng = np.random.default_rng(4)
        speakers = sorted({clip.speaker for clip in clips})
        for number, speaker in enumerate(speakers):
            place = folder / ("test" if number >= len(speakers) - TEST else "train")
            for kind in ("audio", "labels"):
                (place / kind).mkdir(parents=True, exist_ok=True)
            samples, spans = traffic([c for c in clips if c.speaker == speaker][:TRANSMISSIONS], rng)
            name = speaker.replace(":", "-")
            soundfile.write(place / "audio" / f"{name}.wav", samples, RATE)
            text = "".join(f"{start:.6f}\t{end:.6f}\tspeech\n" for start, end in spans)
            (place / "labels" / f"{name}.txt").write_text(text, "ascii")


def traffic(clips: list[Clip], rng: np.random.Generator) -> tuple[Array, list[tuple[float, float]]]:
    """One speaker's transmissions as samples, and where they speak, in seconds."""
    parts, spans, at = [_noise(rng, rng.uniform(1, 3), 0.004)], [], 0.0
    for clip in clips:
        parts.append(_noise(rng, 0.08, 0.5))
        at = sum(len(part) for part in parts) / RATE
        spans += [(at + start, at + end) for start, end in mask_segments(clip.target > 0.5, GRID)]
        speech = np.tanh(6 * clip.samples / (np.abs(clip.samples).max() + 1))
        speech = signal.sosfilt(BAND, speech) / 2
        parts += [speech + _noise(rng, len(speech) / RATE, 0.12), _tone(rng.choice([880, 1200, 1500]), 0.25)]
        parts += [_noise(rng, rng.uniform(0.2, 0.6), 0.5), _noise(rng, rng.uniform(0.5, 3), 0.004)]
        if rng.random() < 0.3:
            bits = np.repeat(rng.choice([1200, 1800], 1200), 13)[: int(rng.uniform(0.4, 1) * RATE)]
            parts += [0.4 * np.sin(2 * np.pi * np.cumsum(bits) / RATE), _noise(rng, 0.5, 0.004)]
    return np.clip(np.concatenate(parts), -1, 1), spans


def score(folder: Path, model: str) -> str:
    """How well a model does on the recordings of `folder`, in one line."""
    detector = Detector(model)
    truth, scores, found = [], [], []
    for one in read_labelled(folder / "audio", folder / "labels").recordings:
        scores.append(detector.scores(one.path))
        frames = len(scores[-1])
        truth.append(frame_mask(one.reference, frames, GRID))
        found.append(frame_mask(detector.detect(one.path), frames, GRID))
    reference, hypothesis, ranks = np.concatenate(truth), np.concatenate(found), np.concatenate(scores)
    return (
        f"{model}: AUC {roc_auc(reference, ranks):.3f}, DCF {detection_cost(reference, hypothesis):.1%}, "
        f"DetER {detection_error_rate(reference, hypothesis):.1%}, miss {(~hypothesis[reference]).mean():.1%}, "
        f"false alarm {hypothesis[~reference].mean():.1%} of {len(hypothesis) / 6000:.0f} min"
    )


def _noise(rng: np.random.Generator, seconds: float, level: float) -> Array:
    noise: Array = level * signal.sosfilt(BAND, rng.standard_normal(round(seconds * RATE)))
    return noise


def _tone(hertz: float, seconds: float) -> Array:
    tone: Array = 0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return tone


if __name__ == "__main__":
    main()
