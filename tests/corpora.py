"""Corpora in miniature, and files of labels and indexes as a corpus has them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from conftest import DATA, RATE, bursts

PAUSED = ((0.5, 1.2), (1.6, 2.4))  # where the tone of most recordings here is


def make_labelled(folder: Path) -> tuple[Path, Path]:
    """Ten recordings by five speakers in a folder each, and Audacity labels of the same names."""
    rng = np.random.default_rng(0)
    for number in range(10):
        place = f"s{number // 2}/{number}"
        sound = bursts(*PAUSED, seconds=3) + 1e-4 * rng.standard_normal(3 * RATE)  # no two alike
        (folder / f"audio/{place}.wav").parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"audio/{place}.wav", sound, RATE)
        label(folder / f"labels/{place}.txt", *PAUSED)
    return folder / "audio", folder / "labels"


def label(path: Path, *spans: tuple[float, float]) -> Path:
    """Write Audacity labels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{start:.6f}\t{end:.6f}\tspeech\n" for start, end in spans))
    return path


def lines(path: Path) -> list[dict[str, object]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def make_corpora(folder: Path) -> None:
    """LibriSpeech, MUSAN and VoxConverse in miniature, with the manifests that lhotse makes of them."""
    from lhotse.recipes import prepare_librispeech, prepare_musan, prepare_voxconverse

    talk, dishes = (soundfile.read(DATA / name)[0] for name in ("talk.flac", "dishes.flac"))
    talk = talk[4 * RATE :]  # longer pauses

    def write(name: str, sound: np.ndarray) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, sound, RATE)

    for part, reader in (("train-clean-5", "19"), ("train-clean-5", "26"), ("dev-clean-2", "84"), ("test-clean", "61")):
        place = f"LibriSpeech/{part}/{reader}/198"
        for n in range(2):
            sound = bursts((0.5, 1.5), (2, 3), seconds=4) + 1e-4 * dishes[: 4 * RATE]
            write(f"{place}/{reader}-198-{n:04}.flac", sound)
        text = "".join(f"{reader}-198-{n:04} HELLO WORLD\n" for n in range(2))
        (folder / place / f"{reader}-198.trans.txt").write_text(text)
    for n in range(3):
        write(f"musan/noise/free-sound/noise-free-sound-{n:04}.wav", dishes[n * RATE : (n + 2) * RATE])
        write(f"musan/music/fma/music-fma-{n:04}.wav", dishes[n * RATE : (n + 3) * RATE])
        write(f"musan/speech/librivox/speech-librivox-{n:04}.wav", talk[: 2 * RATE])
    annotations = "".join(f"music-fma-{n:04} rock {'Y' if n == 1 else 'N'} band\n" for n in range(3))
    (folder / "musan/music/fma/ANNOTATIONS").write_text(annotations)
    for part, names in (("dev", ("abjxc", "afjiv", "akthc")), ("test", ("aepyx",))):
        for name in names:
            write(f"voxconverse/{part}/{name}.wav", talk[: 5 * RATE])
            turns = ((0.4, 2.0, "spk00"), (2.2, 1.5, "spk01"), (3.0, 0.5, "spk00"))
            (folder / f"voxconverse/{part}/{name}.rttm").write_text(
                "".join(f"SPEAKER {name} 1 {at} {long} <NA> <NA> {who} <NA> <NA>\n" for at, long, who in turns)
            )
    parts = ["train-clean-5", "dev-clean-2", "test-clean"]
    prepare_librispeech(folder / "LibriSpeech", output_dir=folder / "manifests/librispeech", dataset_parts=parts)
    prepare_musan(folder / "musan", folder / "manifests/musan")
    prepare_voxconverse(folder / "voxconverse", folder / "manifests/voxconverse")
