"""Background sounds and room responses, made from a random generator alone.

Each gives `(sample,)` float32 of no particular level; the mixer sets that.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import fft, signal

from vad.features import Float32
from vad.training.mixing.levels import gain, put

TABLE = 4096  # points of a period of a wave that is looked up


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


def siren(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """A tone with harmonics that sweeps up and down, or jumps between two pitches."""
    time = np.arange(samples, dtype=np.float32) / rate
    low = rng.uniform(250, 1500)
    high = min(low * rng.uniform(1.2, 3), rate / 4)
    turn: Float32 = ((time * rng.uniform(0.2, 8) + rng.uniform(0, 1)) % 1).astype(np.float32)
    shape = rng.random()
    if shape < 0.4:
        path: Float32 = (turn < 0.5).astype(np.float32)  # two tones
    elif shape < 0.7:
        path = np.abs(2 * turn - 1)  # up and down
    else:
        path = turn  # up alone
    return _harmonics((low * (high / low) ** path).astype(np.float32), rng, rate)


def beeps(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Beeps of equal length at a steady pace, or in bursts, of one or two pitches: devices, ring tones, a clock."""
    sound = np.zeros(samples, np.float32)
    length = int(rng.uniform(0.03, 0.6) * rate)
    time = np.arange(length) / rate
    edge = np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.003 * rate))
    tones = []
    for _ in range(2):
        pitches = np.exp(rng.uniform(np.log(300), np.log(4000), int(rng.integers(1, 3))))
        tones.append(np.sum([np.sin(2 * np.pi * pitch * time) for pitch in pitches], 0) * edge)
    gap, burst, rest = rng.uniform(0.02, 0.8), int(rng.integers(1, 9)), rng.uniform(0, 3)
    at, number = int(rng.uniform(0, 2) * rate), 0
    while at < samples:
        put(sound, tones[number % 2].astype(np.float32), at)
        number += 1
        at += length + int((gap + (rest if number % burst == 0 else 0)) * rate)
    return sound


def engine(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Harmonics of a pitch that wanders: motors, drills, insects."""
    knots = max(3, int(samples / rate * rng.uniform(0.3, 4)))
    wander = np.exp(np.cumsum(rng.normal(0, rng.uniform(0.02, 0.3), knots)))
    pitch = np.exp(rng.uniform(np.log(25), np.log(400))) * np.clip(wander, 0.4, 2.5)
    hertz = np.interp(np.arange(samples), np.linspace(0, samples, knots), pitch).astype(np.float32)
    rough = rng.standard_normal(samples, np.float32) * np.float32(rng.uniform(0, 0.3))
    tone = _harmonics(hertz, rng, rate)
    return tone * (1 + rough)


def bark(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Short bursts of harmonics and noise with peaks like formants: dogs, birds, toys, cries."""
    sound = np.zeros(samples, np.float32)
    pitch = np.exp(rng.uniform(np.log(150), np.log(2500)))
    noisy, pace = rng.uniform(0, 0.8), rng.uniform(0.1, 1.5)
    centres = np.exp(rng.uniform(np.log(400), np.log(5000), 3))
    shape = _envelope(rng)
    at = int(rng.uniform(0, 1) * rate)
    while at < samples:
        length = int(rng.uniform(0.04, 0.5) * rate)
        bend = np.interp(np.linspace(0, 1, length), [0, 0.3, 1], rng.uniform(0.7, 1.3, 3)).astype(np.float32)
        phase = np.cumsum(np.float32(pitch) * bend) / np.float32(rate) % 1
        burst = (1 - 2 * phase) * (1 - noisy) + noisy * rng.standard_normal(length, np.float32)
        size = fft.next_fast_len(length, real=True)
        spectrum = fft.rfft(burst, size)
        hertz = np.fft.rfftfreq(size, 1 / rate).astype(np.float32)
        spectrum *= sum(np.exp(-np.square((hertz - c) / (0.15 * c + 80))) for c in centres) + 0.03
        put(sound, (fft.irfft(spectrum, size)[:length] * shape(length) * rng.uniform(0.4, 1)).astype(np.float32), at)
        at += length + int(rng.exponential(pace) * rate) + 1
    return sound


def knocks(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Decaying resonances, at a pace or at random: steps, knocks, dishes, bells."""
    sound = np.zeros(samples, np.float32)
    pace, steady = rng.uniform(0.08, 1.5), rng.random() < 0.5
    low, high = np.sort(np.exp(rng.uniform(np.log(80), np.log(6000), 2)))
    decay = np.exp(rng.uniform(np.log(0.01), np.log(0.4)))
    time = np.arange(int(min(5 * decay, 1.5) * rate), dtype=np.float32) / rate
    ring = np.exp(-time / np.float32(decay))
    hits = []
    for _ in range(3):
        modes = rng.uniform(low, high + 1, int(rng.integers(2, 7))).astype(np.float32)
        tone = np.sum([np.sin(2 * np.pi * mode * time) * np.float32(rng.uniform(0.1, 1)) for mode in modes], 0)
        tone[: rate // 200] += rng.standard_normal(len(tone[: rate // 200]), np.float32) * np.float32(rng.uniform(0, 3))
        hits.append((tone * ring).astype(np.float32))
    at = int(rng.uniform(0, 1) * rate)
    while at < samples:
        put(sound, hits[rng.integers(3)] * np.float32(rng.uniform(0.2, 1)), at)
        at += int((pace * rng.uniform(0.9, 1.1) if steady else rng.exponential(pace)) * rate) + 1
    return sound


def crackle(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Single pulses of very different size, few or dense: fire, paper, a bad contact."""
    count = int(samples / rate * np.exp(rng.uniform(np.log(3), np.log(300))))
    sound = np.zeros(samples, np.float32)
    size = np.exp(rng.normal(0, rng.uniform(0.5, 1.5), count)) * rng.choice([-1, 1], count)
    sound[rng.integers(0, samples, count)] = size.astype(np.float32)
    return signal.lfilter([1.0], [1.0, np.float32(-rng.uniform(0.2, 0.95))], sound).astype(np.float32)  # type: ignore[no-any-return]


def gusts(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """A gain that swells and falls, slowly as wind and waves do or fast as rain on a roof: `(sample,)`."""
    knots = max(4, int(samples / rate * np.exp(rng.uniform(np.log(0.2), np.log(20)))))
    levels = rng.normal(0, rng.uniform(2, 10), knots)
    smooth: Float32 = gain(np.interp(np.arange(samples), np.linspace(0, samples, knots), levels)).astype(np.float32)
    return smooth


def feedback(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """A tone that builds up and stays, now and then."""
    sound = np.zeros(samples, np.float32)
    at = int(rng.uniform(0, 2) * rate)
    while at < samples:
        length = int(rng.uniform(0.3, 4) * rate)
        time = np.arange(length, dtype=np.float32) / rate
        rise = np.minimum(1, np.exp((time - rng.uniform(0.1, 2)) * np.float32(rng.uniform(2, 10))))
        tone = np.sin(np.float32(2 * np.pi * np.exp(rng.uniform(np.log(300), np.log(5000)))) * time) * rise
        put(sound, tone.astype(np.float32), at)
        at += length + int(rng.exponential(2) * rate)
    return sound


def notes(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """Notes and chords of one instrument, plucked or blown, in a scale."""
    sound = np.zeros(samples, np.float32)
    root, plucked = np.exp(rng.uniform(np.log(60), np.log(700))), rng.random() < 0.5
    overtones = [
        np.float32(rng.uniform(0.1, 1) / k ** rng.uniform(0.3, 1.5)) for k in range(1, int(rng.integers(2, 9)))
    ]
    scale, pace = np.array([0, 2, 4, 5, 7, 9, 11, 12]), np.exp(rng.uniform(np.log(0.12), np.log(1.5)))
    at = 0
    while at < samples:
        length = int(pace * rng.choice([0.5, 1, 1, 2]) * rate)
        time = np.arange(int(length * rng.uniform(0.7, 1.5)), dtype=np.float32) / rate
        body = np.exp(-time / np.float32(0.5 * pace)) if plucked else np.minimum(1, time / np.float32(0.03))
        body = body * np.minimum(1, (time[-1:] - time) / np.float32(0.02))
        for step in rng.choice(scale, 1 if rng.random() < 0.7 else 3):
            pitch = root * 2 ** (step / 12)
            wave = sum(
                a * np.sin(np.float32(2 * np.pi * pitch * k) * time)
                for k, a in enumerate(overtones, 1)
                if pitch * k < rate / 2
            )
            put(sound, (wave * body * np.float32(rng.uniform(0.4, 1))).astype(np.float32), at)
        at += length if rng.random() < 0.9 else length + int(rng.uniform(0, 2) * rate)
    return sound


def _harmonics(hertz: Float32, rng: np.random.Generator, rate: int) -> Float32:
    """A sum of harmonics of a pitch `(sample,)`, those above half the rate left out."""
    top = max(1, min(int(rng.integers(1, 16)), int(rate / 2 / hertz.max())))
    tilt = rng.uniform(0, 1.5)
    turn = np.arange(TABLE) * (2 * np.pi / TABLE)
    table = np.sum([k**-tilt * rng.uniform(0.2, 1) * np.sin(k * turn) for k in range(1, top + 1)], 0)
    place = np.cumsum(hertz * (TABLE / rate), dtype=np.float64).astype(np.int64) % TABLE
    wave: Float32 = table.astype(np.float32)[place]
    return wave


def _envelope(rng: np.random.Generator) -> Callable[[int], Float32]:
    """The shape of a burst: how fast it begins and how it ends, for any length."""
    begin, end = rng.uniform(0.02, 0.4), rng.uniform(0.1, 0.6)

    def shape(length: int) -> Float32:
        return np.interp(np.linspace(0, 1, length), [0, begin, 1 - end, 1], [0, 1, 0.8, 0]).astype(np.float32)

    return shape


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
