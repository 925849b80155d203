"""Sounds made from nothing but a random generator: hum, clicks, breaths, calls, and rooms.

Each gives `(sample,)` float32 of no particular level; the mixer sets that.
"""

from __future__ import annotations

import numpy as np

from vad.features import Float32
from vad.training.mixing.levels import gain, put


def hum(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Mains or machine hum: harmonics of 40..400 Hz, some with a slow warble."""
    time = np.arange(samples, dtype=np.float32) / rate
    pitch = np.float32(rng.choice([50.0, 60.0, rng.uniform(40, 400)]))
    phase = np.float32(2 * np.pi) * pitch * time
    if rng.random() < 0.4:
        warble = np.float32(2 * np.pi * rng.uniform(0.2, 6)) * time
        phase += np.float32(rng.uniform(0, 3)) * np.sin(warble)
    partials = [np.float32(rng.uniform(0, 1) / k) * np.sin(k * phase) for k in range(1, int(rng.integers(2, 12)))]
    total: Float32 = np.sum(partials, 0, np.float32)
    return total


def clicks(rng: np.random.Generator, samples: int) -> Float32:
    """Short decaying bursts: keys, taps, crackle."""
    sound = np.zeros(samples, np.float32)
    for at in rng.integers(0, samples, rng.poisson(6)):
        length = int(rng.integers(8, 800))
        burst = rng.standard_normal(length, np.float32) * np.exp(-5 * np.arange(length) / length)
        put(sound, (burst * rng.uniform(0.5, 6)).astype(np.float32), int(at))
    return sound


def breaths(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Now and then a swelling of noise of 0.2..0.8 s, sometimes in pairs: in and out."""
    sound = np.zeros(samples, np.float32)
    at = int(rng.uniform(0, 2) * rate)
    while at < samples:
        length = int(rng.uniform(0.2, 0.8) * rate)
        swell = np.hanning(length) ** rng.uniform(0.35, 1.5) * rng.uniform(0.2, 1)
        put(sound, rng.standard_normal(length, np.float32) * swell.astype(np.float32), at)
        at += length + int((rng.uniform(0.05, 0.4) if rng.random() < 0.3 else rng.uniform(0.8, 4)) * rate)
    return sound


def calls(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Gliding tones, as birds, alarms and squeaks have: repeated, with few harmonics."""
    sound = np.zeros(samples, np.float32)
    low, high = np.sort(rng.uniform(np.log(400), np.log(7000), 2))
    length = int(rng.uniform(0.04, 0.5) * rate)
    gap = rng.uniform(0.02, 0.8)
    shape = np.hanning(length) ** rng.uniform(0.15, 1)
    at = int(rng.uniform(0, 1) * rate)
    while at < samples:
        path = np.interp(np.arange(length), np.linspace(0, length, 4), rng.uniform(low, high, 4))
        phase = 2 * np.pi * np.cumsum(np.exp(path)) / rate
        call = np.sin(phase) + rng.uniform(0, 0.5) * np.sin(2 * phase) * (path < np.log(rate / 4))
        put(sound, (call * shape * rng.uniform(0.3, 1)).astype(np.float32), at)
        at += length + int(rng.exponential(gap) * rate) + 1
    return sound


def switched(rng: np.random.Generator, samples: int) -> Float32:
    """A gain that jumps or glides between off and on a few times."""
    times = np.sort(rng.uniform(0, samples, int(rng.integers(2, 8))))
    values = rng.uniform(-45, 0, len(times))
    glide = np.interp(np.arange(0, samples, 160), times, values)
    if rng.random() < 0.5:
        glide = values[np.searchsorted(times, np.arange(0, samples, 160)) % len(values)]
    gains: Float32 = np.repeat(gain(glide), 160)[:samples].astype(np.float32)
    return gains


def room(rng: np.random.Generator, rate: int) -> Float32:
    """A response: exponentially decaying noise after a direct sound and a few early echoes (Polack 1988)."""
    rt60 = rng.uniform(0.1, 1.1)
    time = np.arange(int(min(rt60, 0.95) * rate)) / rate
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / rt60)
    tail[: int(rng.uniform(0.002, 0.02) * rate)] = 0
    for _ in range(rng.integers(2, 8)):
        tail[int(rng.uniform(0.001, 0.04) * rate)] += rng.uniform(-5, 5)
    tail *= gain(-rng.uniform(-2, 18)) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1
    response: Float32 = (tail / np.sqrt(np.sum(np.square(tail)))).astype(np.float32)
    return response
