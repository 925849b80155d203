"""`vad doctor`: what is installed, and what of it works."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Iterator

import click

from vad import __version__
from vad.errors import ModelError, VadError
from vad.extras import install_command

from ..command import command

NEEDED = ("numpy", "onnxruntime", "soundfile", "soxr", "av", "click")
EXTRAS = {
    "train": ("torch", "torchaudio", "librosa", "onnx", "safetensors", "tensorboard"),
    "data": ("lhotse",),
    "mic": ("sounddevice",),
    "plot": ("matplotlib", "librosa"),
    "cluster": ("distributed", "fsspec"),
    "review": ("starlette", "uvicorn"),
    "export": ("onnx",),
}
CODECS = ("pcm_s16le", "flac", "mp3", "aac", "opus", "vorbis", "amrnb", "g729", "wmav2", "alac", "ac3")


@command()
def doctor() -> None:
    """Show what is installed and what of it works: packages, codecs, microphones, model.

    Exit status 1 where something that `vad detect` needs does not work.
    """
    failed = False
    for name, check, needed in CHECKS:
        try:
            lines = list(check())
        except (VadError, ImportError, OSError) as error:
            lines = [f"{'fails' if needed else 'none'}: {error}"]
            failed |= needed
        for number, line in enumerate(lines):
            click.echo(f"{'' if number else name:<12} {line}")
    if failed:
        raise click.ClickException("vad detect cannot work here; install the package again in a new environment")


def _system() -> Iterator[str]:
    yield f"vad {__version__}, Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} cores"
    yield sys.prefix


def _packages() -> Iterator[str]:
    yield ", ".join(f"{name} {importlib.metadata.version(name)}" for name in NEEDED)


def _extras() -> Iterator[str]:
    for extra, names in EXTRAS.items():
        missing = [name for name in names if not importlib.util.find_spec(name)]
        remedy = f"without {', '.join(missing)}; {install_command(extra)}"
        found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names if name not in missing)
        yield f"[{extra}] {remedy if missing else found}"


def _model() -> Iterator[str]:
    import numpy as np

    from vad import Detector

    detector = Detector()
    for latency in (None, "balanced"):
        scores = detector.scores(np.zeros(16_000, np.float32), sample_rate=16_000, latency=latency)
        best = detector.for_latency(latency)
        if len(scores) != 100 or not np.isfinite(scores).all():
            raise ModelError(f"{best.path}: gives no scores with this ONNX Runtime")
        yield f"{best.description.name} {best.description.version} works: {best.path}"


def _codecs() -> Iterator[str]:
    import av
    import soundfile

    yield f"libsndfile {soundfile.__libsndfile_version__}: {', '.join(soundfile.available_formats())}"
    can = [name for name in CODECS if name in av.codecs_available]
    cannot = [name for name in CODECS if name not in can]
    yield f"FFmpeg in PyAV {av.__version__}: {', '.join(can)}{'; not ' + ', '.join(cannot) if cannot else ''}"


def _microphones() -> Iterator[str]:
    from vad.audio.microphone import devices

    found = [f"{d.index}: {d.name}, {d.sample_rate} Hz{' (default)' if d.default else ''}" for d in devices()]
    yield from found or ["none: PortAudio finds no input device"]


def _accelerator() -> Iterator[str]:
    if not importlib.util.find_spec("torch"):
        yield "unknown without torch; only training could use one"
        return
    import torch

    count = torch.cuda.device_count()
    yield ", ".join(torch.cuda.get_device_name(n) for n in range(count)) if count else "none; training takes the CPU"


CHECKS: tuple[tuple[str, Callable[[], Iterator[str]], bool], ...] = (
    ("system", _system, True),
    ("packages", _packages, True),
    ("extras", _extras, False),
    ("model", _model, True),
    ("codecs", _codecs, True),
    ("microphones", _microphones, False),
    ("GPU", _accelerator, False),
)
