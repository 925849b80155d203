"""Training sound: talkers, pauses, rooms, noise, channel and level, drawn from a seed.

`Mixer(corpus, settings)(seed)` gives one crop as waveform and soft labels; equal seeds give equal
crops, in whatever process and order they are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from vad.features import Float32
from vad.training.corpus import Clip, Corpus
from vad.training.recipe import MixtureSettings

ROOMS = 300  # simulated rooms in the bank
FULL_SCALE = np.float32(1 / 32768)


class Mixer:
    """Makes crops of `settings.seconds` from a corpus."""

    def __init__(self, corpus: Corpus, settings: MixtureSettings) -> None:
        self._settings = settings
        self._grid = corpus.grid
        self._samples = corpus.grid.to_samples(settings.seconds)
        self._frames = corpus.grid.frame_count(self._samples)
        self._padded = fft.next_fast_len(self._samples + corpus.grid.sample_rate, real=True)
        self._hz: Float32 = np.fft.rfftfreq(self._padded, 1 / corpus.grid.sample_rate).astype(np.float32)
        self._log_hz = np.log(np.maximum(self._hz, 1))
        self._talkers = _by_talker(corpus.speech)
        self._talker_share = np.sqrt([sum(len(c.samples) for c in t) for t in self._talkers])
        self._talker_share /= self._talker_share.sum()
        self._backgrounds = corpus.backgrounds
        lengths = np.array([len(b) for b in corpus.backgrounds], float)
        self._background_share = np.sqrt(np.minimum(lengths, 60 * corpus.grid.sample_rate))
        self._background_share /= self._background_share.sum()
        rng = np.random.default_rng(0)
        simulated = [_simulate_room(rng, corpus.grid.sample_rate) for _ in range(ROOMS)]
        self._rooms = [self._spectrum(room) for room in simulated + 4 * corpus.rooms]

    def __call__(self, seed: tuple[int, ...]) -> tuple[Float32, Float32]:
        """One crop: `(sample,)` waveform and `(frame,)` probability of speech."""
        s = self._settings
        rng = np.random.default_rng(seed)
        target = np.zeros(self._frames, np.float32)
        mixed = np.zeros(self._samples, np.float32)
        if rng.random() >= s.no_speech:
            mixed, target = self._talk(rng)
            if rng.random() < s.second_talker:
                other, second = self._talk(rng)
                mixed += other * _gain(rng.uniform(-12, 3))
                target = np.maximum(target, second)
            if s.distant_talker and rng.random() < s.distant_talker:
                behind, _ = self._talk(rng)
                mixed += self._shape(behind, rng, 1.0) * _gain(rng.uniform(-35, -18))
        mixed = self._shape(mixed, rng, s.room)
        power = _active_power(mixed)
        noise = self._noise(rng)
        snr = rng.uniform(s.snr_low, s.snr_high)
        if power > 0:
            noise *= np.sqrt(power / (_active_power(noise) + 1e-12)) * _gain(-snr)
        mixed = self._channel(mixed + noise, rng)
        return self._level(mixed, rng), target

    def _talk(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """A talker's recordings strung together with natural and long pauses."""
        sound = np.zeros(self._samples, np.float32)
        target = np.zeros(self._frames, np.float32)
        clips = self._talkers[rng.choice(len(self._talkers), p=self._talker_share)]
        hop = self._grid.hop
        at = -int(rng.uniform(0, 3) * self._grid.sample_rate) if rng.random() < 0.6 else self._pause(rng)
        gain = 1.0
        while at < self._samples:
            clip = clips[rng.integers(len(clips))]
            at = at // hop * hop
            if at + len(clip.samples) > 0:
                if rng.random() < 0.3:
                    gain = _gain(rng.uniform(-9, 3))
                _put(sound, _faded(clip.samples, rng) * gain, at)
                _put(target, clip.target, at // hop)
            at += len(clip.samples) + self._pause(rng)
        return sound, target

    def _pause(self, rng: np.random.Generator) -> int:
        """Samples of silence between two recordings."""
        long = rng.random() < self._settings.long_pause
        seconds = rng.uniform(0.5, 4) if long else rng.exponential(0.2)
        return self._grid.to_samples(seconds)

    def _noise(self, rng: np.random.Generator) -> Float32:
        """A background of up to three recorded or synthetic sounds; now and then a mere hiss."""
        total = np.zeros(self._samples, np.float32)
        for _ in range(rng.choice([1, 2, 3], p=[0.55, 0.3, 0.15])):
            kind = rng.random()
            if kind < 0.7:
                one = self._recorded(rng)
            elif kind < 0.9:
                one = self._coloured(rng)
            else:
                one = _hum(rng, self._samples, self._grid.sample_rate) + _clicks(rng, self._samples)
            if rng.random() < 0.25:
                one *= _switched(rng, self._samples, self._grid.sample_rate)
            total += one * np.float32(_gain(rng.uniform(-15, 0)) / (np.sqrt(_active_power(one)) + 1e-6))
        return self._shape(total, rng, 0.3 * self._settings.room)

    def _recorded(self, rng: np.random.Generator) -> Float32:
        """Recorded noise or music: a stretch of a long sound, or short ones strung together."""
        sound = np.zeros(self._samples, np.float32)
        at = 0
        while at < self._samples:
            noise = self._backgrounds[rng.choice(len(self._backgrounds), p=self._background_share)]
            room = self._samples - at
            start = int(rng.integers(len(noise) - room)) if len(noise) > room else 0
            part = noise[start : start + room] * FULL_SCALE
            sound[at : at + len(part)] += part / (np.sqrt(np.mean(np.square(part))) + np.float32(1e-4))
            at += len(part) + int(rng.exponential(0.5) * self._grid.sample_rate)
        return sound

    def _coloured(self, rng: np.random.Generator) -> Float32:
        """Gaussian noise with a spectrum falling by -3..9 dB per octave."""
        white = rng.standard_normal(self._padded, np.float32)
        slope = np.exp(np.float32(-rng.uniform(-0.5, 1.5)) * np.maximum(self._log_hz, np.log(40)))
        return self._filtered(white, slope)

    def _shape(self, sound: Float32, rng: np.random.Generator, share: float) -> Float32:
        """A room, with probability `share`, and a tone control."""
        curves: list[NDArray[np.complex64] | Float32] = []
        if rng.random() < share:
            curves.append(self._rooms[rng.integers(len(self._rooms))])
        if rng.random() < 0.5:
            points = np.sort(rng.uniform(np.log(80), np.log(8000), 4))
            tone = np.interp(self._log_hz, points, rng.uniform(-8, 8, 4))
            curves.append(_gain(tone).astype(np.float32))
        return self._filtered(sound, *curves)

    def _channel(self, sound: Float32, rng: np.random.Generator) -> Float32:
        """A telephone line or a microphone: band limits, companding, clipping."""
        telephone = rng.random() < self._settings.telephone
        if telephone:
            sound = self._filtered(sound, self._band(rng.uniform(50, 350), rng.uniform(3200, 3950)))
        elif rng.random() < 0.3:
            sound = self._filtered(sound, self._band(rng.uniform(0, 120), rng.uniform(3800, 8000)))
        if telephone and rng.random() < 0.5:
            sound = _mu_law(sound * np.float32(_gain(rng.uniform(-30, 0)) / (np.abs(sound).max() + 1e-9)))
        if rng.random() < self._settings.clipping:
            limit = np.quantile(np.abs(sound), rng.uniform(0.9, 0.999)) + 1e-9
            sound = np.clip(sound, -limit, limit)
        return sound

    def _level(self, sound: Float32, rng: np.random.Generator) -> Float32:
        """Any loudness, with the steps of 16-bit sound as a file would have."""
        level = rng.uniform(self._settings.level_low, self._settings.level_high)
        if rng.random() < 0.03:
            level = -95.0  # next to digital silence
        sound = sound * np.float32(_gain(level) / (np.sqrt(np.mean(np.square(sound))) + 1e-9))
        if rng.random() < 0.7:
            dither = rng.random(len(sound), np.float32) if rng.random() < 0.5 else np.float32(0.5)
            sound = np.floor(sound / FULL_SCALE + dither) * FULL_SCALE
        return np.clip(sound, -1, 1).astype(np.float32)

    def _spectrum(self, sound: Float32) -> NDArray[np.complex64]:
        spectrum: NDArray[np.complex64] = fft.rfft(sound[: self._padded], self._padded)
        return spectrum

    def _filtered(self, sound: Float32, *curves: NDArray[np.complex64] | Float32) -> Float32:
        """`sound` through filters given by their frequency responses."""
        if not curves:
            return sound
        spectrum = self._spectrum(sound)
        for curve in curves:
            spectrum *= curve
        filtered: Float32 = fft.irfft(spectrum, self._padded)[: self._samples]
        return filtered

    def _band(self, low: float, high: float) -> Float32:
        """The response of a band from `low` to `high` Hz, with soft edges."""
        return _sigmoid((self._hz - low) / 15) * _sigmoid((high - self._hz) / 40)


def _by_talker(speech: list[Clip]) -> list[list[Clip]]:
    """Recordings grouped by speaker; a speaker known by source alone stands for that source."""
    talkers: dict[str, list[Clip]] = {}
    for clip in speech:
        talkers.setdefault(clip.speaker or clip.source, []).append(clip)
    return list(talkers.values())


def _put(into: Float32, part: Float32, at: int) -> None:
    """Add `part` to `into` from index `at` on, cutting what reaches beyond either end."""
    first, last = max(at, 0), min(at + len(part), len(into))
    if first < last:
        into[first:last] += part[first - at : last - at]


def _faded(samples: NDArray[np.int16], rng: np.random.Generator) -> Float32:
    """A recording at unit speech level, its background faded in and out over 10..50 ms."""
    sound = samples * FULL_SCALE
    sound /= np.float32(np.sqrt(_active_power(sound)) + 1e-4)
    fade = min(int(rng.integers(160, 800)), len(sound) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    sound[:fade] *= ramp
    sound[len(sound) - fade :] *= ramp[::-1]
    return sound


def _active_power(sound: Float32) -> float:
    """Mean power of the louder half of the 20 ms pieces that are not silent."""
    pieces = np.mean(np.square(sound[: len(sound) // 320 * 320].reshape(-1, 320)), 1)
    pieces = pieces[pieces > 1e-10]
    return float(np.mean(np.sort(pieces)[len(pieces) // 2 :])) if len(pieces) else 0.0


def _gain(decibels: Any) -> Any:
    """Decibels, a number or an array, as a factor of amplitude."""
    return 10 ** (decibels / 20)


def _sigmoid(x: NDArray[Any]) -> Float32:
    value: Float32 = (1 / (1 + np.exp(-np.clip(x, -50, 50)))).astype(np.float32)
    return value


def _simulate_room(rng: np.random.Generator, rate: int) -> Float32:
    """Exponentially decaying noise after a direct sound and a few early echoes (Polack 1988)."""
    rt60 = rng.uniform(0.1, 1.1)
    time = np.arange(int(min(rt60, 0.95) * rate)) / rate
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / rt60)
    tail[: int(rng.uniform(0.002, 0.02) * rate)] = 0
    for _ in range(rng.integers(2, 8)):
        tail[int(rng.uniform(0.001, 0.04) * rate)] += rng.uniform(-5, 5)
    tail *= _gain(-rng.uniform(-2, 18)) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1
    response: Float32 = (tail / np.sqrt(np.sum(np.square(tail)))).astype(np.float32)
    return response


def _hum(rng: np.random.Generator, samples: int, rate: int) -> Float32:
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


def _clicks(rng: np.random.Generator, samples: int) -> Float32:
    """Short decaying bursts: keys, taps, crackle."""
    sound = np.zeros(samples, np.float32)
    for at in rng.integers(0, samples, rng.poisson(6)):
        length = int(rng.integers(8, 800))
        burst = rng.standard_normal(length, np.float32) * np.exp(-5 * np.arange(length) / length)
        _put(sound, (burst * rng.uniform(0.5, 6)).astype(np.float32), int(at))
    return sound


def _switched(rng: np.random.Generator, samples: int, rate: int) -> Float32:
    """A gain that jumps or glides between off and on a few times."""
    times = np.sort(rng.uniform(0, samples, int(rng.integers(2, 8))))
    values = rng.uniform(-45, 0, len(times))
    glide = np.interp(np.arange(0, samples, 160), times, values)
    if rng.random() < 0.5:
        glide = values[np.searchsorted(times, np.arange(0, samples, 160)) % len(values)]
    gains: Float32 = np.repeat(_gain(glide), 160)[:samples].astype(np.float32)
    return gains


def _mu_law(sound: Float32) -> Float32:
    """Through the 8-bit companding of ITU-T G.711 (mu-law, 255) and back."""
    coded = np.sign(sound) * np.log1p(255 * np.abs(sound)) / np.log(256)
    coded = np.round(coded * 127) / 127
    decoded: Float32 = (np.sign(coded) * np.expm1(np.abs(coded) * np.log(256)) / 255).astype(np.float32)
    return decoded
