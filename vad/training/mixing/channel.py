"""What lies between the air and the file: telephone lines, radios, codecs, recorders, lost packets.

Each takes and gives `(sample,)` float32 at `rate` samples per second, of equal length and in step.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
import soundfile
import soxr
from scipy import signal

from vad.features import Float32
from vad.training.mixing.levels import active_power, fit, gain

TELEPHONE = 8_000  # samples per second
LOSSY = {"MP3": "MPEG_LAYER_III", "OGG": "VORBIS"}


def telephone(sound: Float32, rng: np.random.Generator, rate: int) -> Float32:
    """Eight thousand samples a second, through G.711 companding, ADPCM, or neither."""
    narrow = _with_level(soxr.resample(sound, rate, TELEPHONE, "LQ"), rng)
    kind = rng.random()
    if kind < 0.5:
        narrow = mu_law(narrow)
    elif kind < 0.7:
        narrow = _coded(narrow, TELEPHONE, "WAV", "IMA_ADPCM")
    return fit(soxr.resample(narrow, TELEPHONE, rate, "LQ"), len(sound))


def radio(sound: Float32, noise: Float32, rng: np.random.Generator, rate: int) -> Float32:
    """Speech radio before its band: steady `noise` 3 to 25 dB below the sound, fading, and often overdriven."""
    level = gain(-rng.uniform(3, 25)) * np.sqrt((active_power(sound) + 1e-12) / (active_power(noise) + 1e-12))
    moments = np.arange(0, len(sound) + rate, rate)
    fading = gain(rng.normal(0, rng.uniform(0, 4), len(moments)))
    noisy: Float32 = sound + noise * (np.interp(np.arange(len(sound)), moments, fading) * level).astype(np.float32)
    if rng.random() < 0.6:
        peak = np.quantile(np.abs(noisy), 0.99) + 1e-9
        noisy = np.tanh(noisy * np.float32(gain(rng.uniform(0, 18)) / peak))
    return noisy


def lossy(sound: Float32, rng: np.random.Generator, rate: int) -> Float32:
    """Through MP3 or Vorbis at a low rate and back."""
    kind = str(rng.choice(list(LOSSY)))
    compression = min(rng.uniform(0.6, 1.0), 0.999)  # LAME refuses more than 0.9999
    return fit(_coded(_with_level(sound, rng), rate, kind, LOSSY[kind], compression), len(sound))


def automatic_gain(sound: Float32, rng: np.random.Generator, rate: int) -> Float32:
    """A recorder that turns up what is quiet, within 0.05 to 1 s: pauses come out louder than they were."""
    hop = rate // 100
    power = np.mean(np.square(sound[: len(sound) // hop * hop].reshape(-1, hop)), 1)
    keep = np.exp(-0.01 / rng.uniform(0.05, 1.0))
    power = signal.lfilter([1 - keep], [1, -keep], power, zi=[keep * power.mean()])[0]
    floor = power.max() * gain(2 * rng.uniform(-50, -20)) + 1e-12
    gains = (power + floor) ** (-0.5 * rng.uniform(0.3, 0.9))
    at = np.arange(len(sound)) / hop
    smooth: Float32 = np.interp(at, np.arange(len(gains)) + 0.5, gains).astype(np.float32)
    return sound * smooth


def drop_packets(sound: Float32, rng: np.random.Generator, rate: int) -> Float32:
    """Packets of 10 to 60 ms that never arrive: silence in their place, or the packet before, if any, once more."""
    size = int(rng.uniform(0.01, 0.06) * rate)
    packets = sound[: len(sound) // size * size].reshape(-1, size).copy()
    lost = np.flatnonzero(rng.random(len(packets)) < rng.uniform(0.005, 0.1))
    if rng.random() < 0.5:
        packets[lost] = 0
    else:
        packets[lost] = np.vstack([np.zeros_like(packets[:1]), packets[:-1]])[lost] * np.float32(0.7)
    return np.concatenate([packets.ravel(), sound[packets.size :]])


def clip(sound: Float32, rng: np.random.Generator) -> Float32:
    """Driven beyond what the recorder can take."""
    limit = np.quantile(np.abs(sound), rng.uniform(0.9, 0.999)) + 1e-9
    return np.clip(sound, -limit, limit)


def mu_law(sound: Float32) -> Float32:
    """Through the 8-bit companding of ITU-T G.711 (mu-law, 255) and back."""
    coded = np.sign(sound) * np.log1p(255 * np.abs(sound)) / np.log(256)
    coded = np.round(coded * 127) / 127
    decoded: Float32 = (np.sign(coded) * np.expm1(np.abs(coded) * np.log(256)) / 255).astype(np.float32)
    return decoded


def _coded(sound: Float32, rate: int, kind: str, subtype: str, compression: float | None = None) -> Float32:
    """Written by libsndfile and read again; as it was, with a warning, where libsndfile fails."""
    file = io.BytesIO()
    try:
        soundfile.write(file, sound, rate, format=kind, subtype=subtype, compression_level=compression)
        file.seek(0)
        decoded: Float32 = soundfile.read(file, dtype="float32")[0]
    except soundfile.LibsndfileError as error:  # one sound among millions shall not end a training of hours
        warnings.warn(f"{kind} {subtype} failed ({error}); the sound goes on uncoded", stacklevel=2)
        return sound
    return decoded


def _with_level(sound: Float32, rng: np.random.Generator) -> Float32:
    """With a peak of -30 to 0 dB, as coders of integers want it."""
    return sound * np.float32(gain(rng.uniform(-30, 0)) / (np.abs(sound).max() + 1e-9))
