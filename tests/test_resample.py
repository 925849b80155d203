"""Resampling keeps pitch, level and time, and blocks leave no trace."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import vad.audio.libsndfile
from conftest import RATE
from sounds import rows, sweep, tone
from vad.audio.decode import from_array, open_sound
from vad.settings import Raw


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("source", ["array", "file"])
def test_a_tone_keeps_its_pitch_level_and_purity_when_resampled(tmp_path: Path, rate: int, source: str) -> None:
    samples = tone(1000, rate)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, rate, "FLOAT")
    sound = open_sound(path) if source == "file" else from_array(samples, rate)
    decoded = rows(sound)[0]
    assert len(decoded) == pytest.approx(RATE, abs=1)
    assert sound.duration == 1
    inner = np.arange(800, 15_200)  # away from where the tone is switched on and off
    phase = 2 * np.pi * 1000 * inner / RATE
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)
    (sine, cosine), *_ = np.linalg.lstsq(basis, decoded[inner], rcond=None)
    assert np.hypot(sine, cosine) == pytest.approx(0.5, rel=1e-3)
    assert abs(np.arctan2(cosine, sine)) < 0.01  # in time, too: a hundredth of a radian is 1.6 us
    rest = decoded[inner] - basis @ (sine, cosine)
    assert np.sqrt(np.mean(rest**2)) < 0.5e-3  # -60 dB


@pytest.mark.parametrize(("hertz", "rate"), [(10_000, 48_000), (10_000, 44_100), (10_000, 22_050), (30_000, 96_000)])
def test_what_lies_above_the_band_disappears_and_is_not_folded_into_it(hertz: int, rate: int) -> None:
    decoded = rows(from_array(tone(hertz, rate), rate))[0][800:-800]
    assert np.sqrt(np.mean(decoded**2)) < 1e-3 * 0.5 / np.sqrt(2)  # -60 dB


@settings(max_examples=25, deadline=None)
@given(block=st.integers(1, 5000), rate=st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]), data=st.data())
def test_block_borders_leave_no_trace(block: int, rate: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 3 * block if block > 50 else 200))
    samples = np.random.default_rng(count).uniform(-1, 1, (count, 2)).astype(np.float32)
    whole = rows(from_array(samples, rate), "each")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vad.audio.libsndfile, "BLOCK", block)
        cut = rows(from_array(samples, rate), "each")
        raw = rows(open_sound(io.BytesIO(samples.tobytes()), Raw(rate, 2, "float32")), "each")
    np.testing.assert_array_equal(cut, whole)
    np.testing.assert_array_equal(raw, whole)


@pytest.mark.parametrize("block", [160, 1153, 16_000])
@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
def test_block_borders_leave_no_trace_in_a_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    kind: str,
    subtype: str,
    block: int,
) -> None:
    path = tmp_path / "sound"
    soundfile.write(path, sweep(24_000), 24_000, subtype, format=kind)
    whole = rows(open_sound(path))
    capfd.readouterr()
    monkeypatch.setattr(vad.audio.libsndfile, "BLOCK", block)
    np.testing.assert_allclose(rows(open_sound(path)), whole, rtol=0, atol=1e-6)
    assert capfd.readouterr().err == ""  # some decoders talk past Python


def test_no_block_is_longer_than_was_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vad.audio.libsndfile, "BLOCK", 1000)
    path = tmp_path / "a.wav"
    soundfile.write(path, sweep(), RATE)
    for sound in (open_sound(path), from_array(sweep(), RATE)):
        assert max(block.shape[1] for block in sound.blocks(RATE)) == 1000
