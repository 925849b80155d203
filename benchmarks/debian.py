"""A larger corpus: `python -m benchmarks debian CORPUS OUT`.

OUT becomes a corpus with all of CORPUS, by symbolic links, and with the recordings of the Debian packages that
`debian.toml` lists and the instruments of their soundfonts. It needs `apt-get` and `dpkg-deb` of Debian 12, `apt-get
install fluidsynth` for the instruments, and `pip install silero-vad onnxruntime mido`, the first for a second opinion
on the speech. Packages that OUT/packages holds already are not fetched again.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile as sf
import torch
from numpy.typing import NDArray

from benchmarks.instruments import SILENT, phrases
from vad import Detector
from vad.audio.decode import read
from vad.data.corpus_index import INDICES, Region, update_index
from vad.errors import VadError
from vad.evaluation.frames import mask_segments
from vad.evaluation.peers import RATE
from vad.features import Float32
from vad.grid import Grid

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGES = Path(__file__).with_name("debian.toml")
GRID = Grid()
GAP = 0.1  # seconds between the recordings of a file
LONGEST_FILE = 600.0  # seconds
LONGEST_RECORDING = 60.0  # seconds; of longer ones the middle is taken
SPEECH_MINUTES = 120.0  # of a package at most
MUSIC = 20.0  # seconds; a background that lasts longer goes to the music
LEAST_SPEECH = 0.15  # share of a recording of speech
LEAST_AGREEMENT = 0.7  # share of its frames on which the two detectors agree
LEAST_RANGE = 20.0  # dB between its speech and the rest
SUFFIXES = {".ogg", ".oga", ".wav", ".opus", ".flac", ".mp3", ".au", ".aif", ".aiff"}
SOUNDFONTS = {".sf2", ".sf3"}


class Package:
    """A Debian package, unpacked in `folder`."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        if not folder.exists():
            self._fetch()

    def _fetch(self) -> None:
        """Keep its sounds and its licence."""
        with tempfile.TemporaryDirectory(dir=self.folder.parent) as scratch:
            unpacked = Path(scratch) / "unpacked"
            try:
                subprocess.run(["apt-get", "download", "-qq", self.name], cwd=scratch, check=True)
                for archive in Path(scratch).glob("*.deb"):
                    subprocess.run(["dpkg-deb", "--extract", archive, unpacked], check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                remedy = "use Debian 12, after `apt-get update`"
                raise click.ClickException(f"{self.name}: not fetched ({error}); {remedy}") from error
            for file in unpacked.rglob("*"):
                kept = file.suffix.lower() in SUFFIXES | SOUNDFONTS or file.name == "copyright"
                if not file.is_dir() and not kept:
                    file.unlink()
            shutil.move(unpacked, self.folder)

    @cached_property
    def licence(self) -> str:
        """The licences that its `copyright` names, of all of its files."""
        stated = (self.folder / f"usr/share/doc/{self.name}/copyright").read_text(errors="replace")
        named = sorted(set(re.findall(r"^License: *(\S+)", stated, re.MULTILINE)))
        return ", ".join(named) or "free (Debian main), see the package's copyright"

    def files(self, suffixes: set[str]) -> list[str]:
        """Those of its files that end so, relative to its folder, in an order that only their names decide."""
        files = [f for f in self.folder.rglob("*") if f.suffix.lower() in suffixes and not f.is_symlink()]
        names = [str(file.relative_to(self.folder)) for file in files]
        return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())

    def recordings(
        self, minutes: float, wanted: Callable[[str], object] = lambda name: True
    ) -> Iterator[tuple[str, Float32]]:
        """`minutes` of its sounds, of those whose names are wanted."""
        left = minutes * 60
        for file in filter(wanted, self.files(SUFFIXES)):
            try:
                samples = read(self.folder / file, RATE)
            except VadError:  # a name of sound need not hold any
                continue
            spare = max(0, len(samples) - int(LONGEST_RECORDING * RATE))
            samples = samples[spare // 2 : len(samples) - (spare - spare // 2)]
            if len(samples) < 0.1 * RATE or np.max(np.abs(samples)) < SILENT:
                continue
            left -= len(samples) / RATE
            if left < 0:
                return
            yield file, samples


class Opinions:
    """What Silero VAD and speech-1 make of a recording with a second of near silence around it."""

    def __init__(self) -> None:
        try:
            from silero_vad import load_silero_vad
        except ImportError as error:
            remedy = "`pip install silero-vad onnxruntime`"
            raise click.ClickException(f"the second opinion needs Silero VAD ({error}); {remedy}") from error

        self._silero, self._speech_1 = load_silero_vad(onnx=True), Detector("speech-1")

    def __call__(self, samples: Float32) -> dict[str, Float32]:
        """The scores of each, `(frame,)`, per 10 ms."""
        around = np.random.default_rng(0).normal(0, 3e-4, len(samples) + 2 * RATE).astype(np.float32)
        around[RATE : RATE + len(samples)] += samples / max(1.0, float(np.max(np.abs(samples))))
        frames = slice(100, 100 + -(-len(samples) // 160))
        blocks = self._silero.audio_forward(torch.from_numpy(around)[None], RATE)[0].numpy()
        middle = np.arange(len(blocks)) * 3.2 + 1.6 - 3  # frames; its scores come 30 ms late
        silero = np.interp(np.arange(len(around) // 160 + 1), middle, blocks).astype(np.float32)
        own = np.asarray(self._speech_1.scores(around, sample_rate=RATE), np.float32)
        return {"silero": silero[frames], "speech-1": own[frames]}


class Files:
    """FLAC files in which recordings stand one after another, as a corpus has them."""

    def __init__(self, out: Path, name: str) -> None:
        self._out, self._name, self._count = out, name, 0
        self._parts: list[Float32] = []
        self._length = 0

    def add(self, samples: Float32) -> tuple[Path, float]:
        """The file that a recording stands in, and where it begins there (seconds)."""
        if self._length + len(samples) > LONGEST_FILE * RATE:
            self.close()
        start = self._length / RATE
        padded = np.pad(samples, (0, int(GAP * RATE) + -len(samples) % 160))
        self._parts.append(padded)
        self._length += len(padded)
        return self._path(), start

    def close(self) -> None:
        """Write what there is."""
        if self._parts:
            sf.write(self._path(), np.concatenate(self._parts), RATE)
            self._parts, self._length, self._count = [], 0, self._count + 1

    def _path(self) -> Path:
        return self._out / f"debian/{self._name}-{self._count:02}.flac"


class Builder:
    """Writes the sounds of packages below `out`, and collects the lines of its indices."""

    def __init__(self, out: Path) -> None:
        self._out, self._opinions = out, Opinions()
        self.lines: dict[str, list[dict[str, Any]]] = {"speech": [], "noise": [], "music": []}
        self.scores: dict[str, NDArray[np.uint8]] = {}  # `FILE:NAME` of `teacher.npz`

    def so_far(self) -> str:
        """How many backgrounds there are."""
        return f"{len(self.lines['noise'])} of noise, {len(self.lines['music'])} of music so far"

    def background(self, package: Package, minutes: float, but: str | None) -> None:
        """Noise and music, each with the share that the detectors take for speech, but for what a pattern finds."""
        sounds = package.recordings(minutes, lambda name: not (but and re.search(but, name)))
        self._backgrounds(package, "background", (samples for _, samples in sounds), ask=True)

    def silent(self, package: Package, minutes: float, pattern: str) -> None:
        """The sounds that the pattern finds, in which nobody speaks."""
        sounds = package.recordings(minutes, lambda name: re.search(pattern, name))
        self._backgrounds(package, "silent", (samples for _, samples in sounds), ask=False)

    def instruments(self, package: Package) -> None:
        """A phrase of each instrument of a package's soundfonts."""
        fonts = [package.folder / name for name in package.files(SOUNDFONTS)]
        if not fonts:
            raise click.ClickException(f"{package.name}: no soundfont; remove {package.folder} to fetch it again")
        sounds = (samples for font in fonts for samples in phrases(font))
        self._backgrounds(package, "instruments", sounds, ask=False)

    def _backgrounds(self, package: Package, what: str, sounds: Iterable[Float32], *, ask: bool) -> None:
        """`sounds`; with `ask` the detectors say how much of each is speech, else their source is named apart."""
        files = Files(self._out, f"{package.name}-{what}")
        source = f"debian:{package.name}" if ask else f"debian:{package.name}/{what}"
        for samples in sounds:
            file, start = files.add(samples)
            region = Region(file, start, len(samples) / RATE, source, package.licence)
            line = region.line(self._out)
            if ask:
                found = np.mean([*self._opinions(samples).values()], axis=0) > 0.5
                line["teacher_speech"] = round(float(np.mean(found)), 3)
            self.lines["music" if region.duration > MUSIC else "noise"].append(line)
        files.close()

    def speech(self, package: Package, pattern: str) -> None:
        """The recordings whose path `pattern` finds, where they are clean and the detectors agree."""
        files = Files(self._out, f"{package.name}-speech")
        placed: dict[str, list[tuple[int, Float32]]] = {}
        for path, samples in package.recordings(SPEECH_MINUTES):
            who = re.search(pattern, path)
            if not who:
                continue
            opinions = self._opinions(samples)
            silero, own = opinions.values()
            target = (silero + own) / 2 > 0.5
            agree = float(np.mean((silero > 0.5) == (own > 0.5)))
            if target.mean() < LEAST_SPEECH or agree < LEAST_AGREEMENT or level_range(samples, target) < LEAST_RANGE:
                continue
            speaker = ":".join([package.name, *(group for group in who.groups() if group)])
            split = "dev" if hashlib.sha256(speaker.encode()).digest()[0] < 20 else "train"
            file, start = files.add(samples)
            source, licence = f"debian:{package.name}", package.licence
            spans = tuple(mask_segments(target, GRID))
            region = Region(file, start, len(samples) / RATE, source, licence, spans, speaker, split)
            self.lines["speech"].append(line := region.line(self._out) | {"agree": round(agree, 3)})
            for name, scores in opinions.items():
                placed.setdefault(f"{line['file']}:{name}", []).append((round(start * 100), scores))
        files.close()
        self.scores |= {key: on_file(parts) for key, parts in placed.items()}


def level_range(samples: Float32, speech: NDArray[np.bool_]) -> float:
    """Decibels from what is no speech, or where there is hardly any from the quietest frames, to the loud speech."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    level = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-9)
    rest = level[~speech[: len(level)]]
    quiet = np.median(rest) if len(rest) > 5 else np.quantile(level, 0.05)
    return float(np.quantile(level, 0.9) - quiet)


def on_file(parts: list[tuple[int, Float32]]) -> NDArray[np.uint8]:
    """The scores of a file, * 255, from those of its recordings, each with its first frame."""
    whole = np.zeros(max(start + len(scores) for start, scores in parts), np.uint8)
    for start, scores in parts:
        whole[start : start + len(scores)] = np.round(255 * scores)
    return whole


@click.command()
@click.argument("corpus", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
def main(corpus: Path, out: Path) -> None:
    """Make OUT: all of CORPUS, with the sounds of Debian packages."""
    wanted = tomllib.loads(PACKAGES.read_text())
    for folder in ("packages", "debian"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    builder = Builder(out)

    def package(name: str) -> Package:
        return Package(name, out / "packages" / name)

    for name, pattern in wanted["speech"].items():
        builder.speech(package(name), pattern)
        click.echo(f"{name}: {len(builder.lines['speech'])} recordings of speech so far")
    minutes, silent = wanted["background"]["minutes"], wanted["silent"]
    for name in wanted["background"]["packages"]:
        builder.background(package(name), minutes, silent.get(name))
        click.echo(f"{name}: {builder.so_far()}")
    for name, pattern in silent.items():
        builder.silent(package(name), minutes, pattern)
        click.echo(f"{name}: {builder.so_far()}")
    for name in wanted["instruments"]["packages"]:
        builder.instruments(package(name))
        click.echo(f"{name}: {builder.so_far()}")

    changed = {INDICES[kind] for kind in builder.lines} | {"teacher.npz"}
    for entry in corpus.iterdir():
        (out / entry.name).unlink(missing_ok=True)
        (out / entry.name).symlink_to(entry.resolve()) if entry.name not in changed else shutil.copy(entry, out)
    for kind, lines in builder.lines.items():
        update_index(out / INDICES[kind], lines)
    with np.load(corpus / "teacher.npz") as teachers:
        np.savez_compressed(out / "teacher.npz", allow_pickle=False, **{**teachers, **builder.scores})
