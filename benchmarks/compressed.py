"""Compressed sound beside its decoding alone, and beside other packages; a part of `benchmarks speed`."""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr

from benchmarks.job import FILE_JOBS, RATE

VAD = str(Path(sys.executable).with_name("vad"))
NEEDS = {"silero-file": "silero_vad", "auditok": "auditok"}
TITLES = {"silero-file": "Silero", "auditok": "auditok"}
KINDS = {  # container, encoder, sample rate and bit rate of the stereo files
    "MP3, 44.1 kHz": ("mp3", "libmp3lame", 44_100, 128_000),
    "M4A, 44.1 kHz": ("m4a", "aac", 44_100, 128_000),
    "MP3, 48 kHz": ("mp3", "libmp3lame", 48_000, 128_000),
    "M4A, 48 kHz": ("m4a", "aac", 48_000, 128_000),
    "Opus, 48 kHz": ("opus", "libopus", 48_000, 64_000),
}


def compressed(folder: Path, wav: Path, runs: int, measure: Callable[[list[str]], Any]) -> str:
    """A table of processor time: decoding alone, `vad detect`, and its ratio to decoding plus `vad detect` of WAV.

    `wav` is the sound at 16 kHz, mono; the files have it in two channels. `measure` runs a command.
    """
    decoder = shutil.which("ffmpeg")
    if not decoder:
        return "ffmpeg is not installed: no table of compressed sound"
    peers = [name for name in FILE_JOBS if importlib.util.find_spec(NEEDS[name])]
    files = {kind: encode(wav, folder / f"{number}", how) for number, (kind, how) in enumerate(KINDS.items())}
    commands = {("WAV", "vad"): [VAD, "detect", "--jobs", "1", str(wav)]}
    for kind, path in files.items():
        commands[kind, "ffmpeg"] = [decoder, "-v", "error", "-threads", "1", "-i", str(path), "-f", "null", "-"]
        commands[kind, "vad"] = [VAD, "detect", "--jobs", "1", str(path)]
        commands |= {(kind, peer): [sys.executable, "-m", "benchmarks.job", peer, str(path)] for peer in peers}
    spent: dict[tuple[str, str], list[float]] = {}
    for _ in range(runs):
        for which, command in commands.items():
            spent.setdefault(which, []).append(measure(command).cpu)
    cpu = {which: statistics.median(each) for which, each in spent.items()}
    titles = [TITLES[peer] for peer in peers]
    lines = [f"| stereo | {' | '.join(['decoding', 'vad', 'vad / (decoding + vad for WAV)', *titles])} |"]
    lines.append(f"|---{'|---' * (3 + len(peers))}|")
    lines.append(f"| WAV, 16 kHz, mono | | {cpu['WAV', 'vad']:.2f} s | |{' |' * len(peers)}")
    for kind in files:
        ours, alone = cpu[kind, "vad"], cpu[kind, "ffmpeg"]
        others = [f"{cpu[kind, peer]:.2f} s ({cpu[kind, peer] / ours:.1f} x)" for peer in peers]
        ratio = ours / (alone + cpu["WAV", "vad"])
        lines.append(f"| {' | '.join([kind, f'{alone:.2f} s', f'{ours:.2f} s', f'{ratio:.2f}', *others])} |")
    return "\n".join(lines)


def encode(wav: Path, stem: Path, kind: tuple[str, str, int, int]) -> Path:
    """The sound of `wav` in two channels, the second softer, as one of `KINDS`; the path of the file."""
    container, codec, rate, bits = kind
    path = stem.with_suffix(f".{container}")
    resampler = soxr.ResampleStream(RATE, rate, 1, "float32")
    with av.open(str(path), "w") as file, soundfile.SoundFile(wav) as source:
        track: Any = file.add_stream(codec, rate=rate, layout="stereo")
        track.bit_rate = bits
        at = 0
        while len(block := source.read(RATE, "float32")):
            sound = resampler.resample_chunk(block, last=len(block) < RATE)
            packed = np.round(np.stack([sound, 0.5 * sound]) * 32767).clip(-32768, 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed.T).reshape(1, -1), "s16", "stereo")
            frame.sample_rate, frame.pts = rate, at
            at += len(sound)
            file.mux(track.encode(frame))
        file.mux(track.encode())
    return path
