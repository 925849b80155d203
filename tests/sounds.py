"""Sounds made for the tests of vad.audio, and what they are compared by."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import pytest
import soxr

from conftest import RATE
from vad.audio.decode import Channel, Sound

SECONDS = 1.5


def sweep(rate: int = RATE) -> np.ndarray:
    """A tone that rises from 200 to 1400 Hz with a beating level: no piece of it resembles another."""
    time = np.arange(round(SECONDS * rate)) / rate
    tone = np.sin(2 * np.pi * (200 * time + 400 * time**2)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))
    return (0.3 * tone).astype(np.float32)


def tone(hertz: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def rows(sound: Sound, channel: Channel = "mix", rate: int = RATE) -> np.ndarray:
    """All of a sound, `(row, sample)`."""
    empty = np.empty((sound.rows(channel), 0), np.float32)
    return np.concatenate([empty, *sound.blocks(rate, channel)], axis=1)


def compare(decoded: np.ndarray, expected: np.ndarray) -> tuple[int, float, float]:
    """By how many samples `decoded` comes late, its correlation with `expected` then, and its level against it."""
    size = 1 << (len(decoded) + len(expected)).bit_length()
    product = np.fft.irfft(np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(expected, size)), size)
    late = int(np.argmax(product))
    late -= size if late > size // 2 else 0
    a, b = decoded[max(0, late) :], expected[max(0, -late) :]
    a, b = a[: len(b)], b[: len(a)]
    return late, float(np.corrcoef(a, b)[0, 1]), float(np.dot(a, b) / np.dot(b, b))


def write_av(
    path: Path,
    samples: np.ndarray,
    codec: str,
    rate: int,
    video: str | None = None,
    container: str | None = None,
    bits: int = 128_000,
) -> None:
    """Encode mono `samples` of 16 kHz by FFmpeg, behind a small film where `video` names its codec."""
    for name in filter(None, (codec, video)):
        try:
            av.Codec(name, "w")
        except ValueError:
            pytest.skip(f"this PyAV has no encoder {name}")
    samples = soxr.resample(samples, RATE, rate) if rate != RATE else samples
    with av.open(str(path), "w", format=container) as file:
        if video:
            film: Any = file.add_stream(video, rate=10)
            film.width, film.height, film.pix_fmt = 64, 64, "yuv420p"
        track: Any = file.add_stream(codec, rate=rate)
        track.layout, track.bit_rate = "mono", bits
        if video:
            for number in range(round(10 * SECONDS)):
                picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 10 * number, np.uint8), format="rgb24")
                picture.pts, picture.time_base = number, Fraction(1, 10)
                file.mux(film.encode(picture))
            file.mux(film.encode())
        frame = av.AudioFrame.from_ndarray(np.round(samples[None] * 32767).astype(np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = rate, 0
        file.mux(track.encode(frame))
        file.mux(track.encode())


@contextlib.contextmanager
def pipe(content: bytes) -> Iterator[BinaryIO]:
    """The reading end of a pipe that `content` is written to."""
    out, into = os.pipe()

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), open(into, "wb") as file:
            file.write(content)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    with open(out, "rb") as file:
        yield file
    writer.join(timeout=10)
