"""Log-mel features: equal to those of librosa and torchaudio, and the same for any pieces of the sound."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
import torchaudio
from hypothesis import given, settings
from hypothesis import strategies as st

from vad.features import FeatureStream, LogMel

FEATURES = LogMel()
NOISE = np.random.default_rng(1).standard_normal(16_000 * 3).astype(np.float32) * np.float32(0.1)


def test_filterbank_is_librosas_slaney_mel() -> None:
    expected = librosa.filters.mel(
        sr=FEATURES.sample_rate,
        n_fft=FEATURES.window,
        n_mels=FEATURES.n_mels,
        fmin=FEATURES.low,
        fmax=FEATURES.high,
    )
    np.testing.assert_allclose(FEATURES.filterbank.T, expected, atol=1e-7)


def test_frames_are_torchaudios_mel_spectrogram() -> None:
    spectrogram = torchaudio.transforms.MelSpectrogram(
        FEATURES.sample_rate,
        n_fft=FEATURES.window,
        hop_length=FEATURES.hop,
        f_min=FEATURES.low,
        f_max=FEATURES.high,
        n_mels=FEATURES.n_mels,
        center=False,
        norm="slaney",
        mel_scale="slaney",
    )
    energy = spectrogram(torch.from_numpy(np.pad(NOISE, (FEATURES.lead, FEATURES.window)))).numpy()
    ours = FEATURES(NOISE)
    np.testing.assert_allclose(ours, np.log(energy.T[: len(ours)] + FEATURES.floor), atol=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 80, 159, 160, 161, 399, 400, 401, 16_001])
def test_there_is_a_frame_for_every_begun_hop(samples: int) -> None:
    assert FEATURES(NOISE[:samples]).shape == (-(-samples // 160), FEATURES.n_mels)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=30), st.integers(0, 20_000))
def test_frames_do_not_depend_on_the_pieces(pieces: list[int], length: int) -> None:
    sound = NOISE[:length]
    stream, frames, at = FeatureStream(FEATURES), [], 0
    for piece in [*pieces, length]:
        frames.append(stream.push(sound[at : at + piece]))
        at += piece
    frames.append(stream.finish())
    assert np.array_equal(np.concatenate(frames), FEATURES(sound))


def test_one_sample_at_a_time_gives_the_same_frames() -> None:
    stream = FeatureStream(FEATURES)
    frames = [stream.push(NOISE[i : i + 1]) for i in range(2000)]
    assert np.array_equal(np.concatenate([*frames, stream.finish()]), FEATURES(NOISE[:2000]))


def test_a_tone_has_the_most_energy_in_its_own_band() -> None:
    time = np.arange(16_000) / 16_000
    for hertz in (200, 1000, 3000, 6000):
        frame = FEATURES((0.1 * np.sin(2 * np.pi * hertz * time)).astype(np.float32))[50]
        centre = np.fft.rfftfreq(FEATURES.window, 1 / 16_000)[FEATURES.filterbank[:, frame.argmax()].argmax()]
        assert abs(centre - hertz) < 0.05 * hertz + 40


def test_ten_times_the_amplitude_adds_the_logarithm_of_a_hundred() -> None:
    np.testing.assert_allclose(FEATURES(NOISE * np.float32(10)) - FEATURES(NOISE), np.log(100), atol=1e-3)


def test_digital_silence_is_a_number() -> None:
    np.testing.assert_allclose(FEATURES(np.zeros(1600, np.float32)), np.log(1e-7), atol=1e-3)


def test_settings_survive_a_round_trip_and_unknown_or_impossible_ones_are_refused() -> None:
    assert LogMel.from_dict(FEATURES.to_dict()) == FEATURES
    with pytest.raises(ValueError, match="expected"):
        LogMel.from_dict({**FEATURES.to_dict(), "colour": 1})
    with pytest.raises(ValueError, match="impossible"):
        LogMel.from_dict({**FEATURES.to_dict(), "high": 9000.0})


@pytest.mark.parametrize("shift", [1, 5, 17, 36])
def test_a_frame_is_the_same_in_any_place_of_a_block(shift: int) -> None:
    features = LogMel()
    hops = np.random.default_rng(0).standard_normal(160 * 200).astype(np.float32)
    here = features.frames(hops, 100)
    there = features.frames(hops[160 * shift :], 100 - shift)
    assert np.array_equal(here[shift:], there)


@pytest.mark.parametrize("features", [LogMel(), LogMel(n_mels=128), LogMel(8000, 80, 200, 23, 20.0, 3800.0)])
def test_the_bands_are_those_of_the_filterbank(features: LogMel) -> None:
    sound = np.random.default_rng(1).standard_normal(features.hop * 70).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(sound, features.window)[:: features.hop]
    power = np.abs(np.fft.rfft(windows * features.taper)) ** 2
    expected = np.log(power @ features.filterbank + features.floor)
    assert features.frames(sound, len(windows)) == pytest.approx(expected, abs=1e-4)
