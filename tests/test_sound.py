"""Channels, sample types, samples that are not finite, and durations of a Sound."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import vad.audio.libsndfile
from conftest import RATE
from sounds import rows, sweep, tone
from vad.audio.decode import AudioWarning, Sound, from_array, open_sound
from vad.errors import AudioError
from vad.settings import DTYPES, Raw


class TestChannels:
    STEREO = np.stack([sweep(), 0.5 * sweep()[::-1]], axis=1)

    @pytest.fixture(params=["array", "libsndfile", "ffmpeg", "raw"])
    def sound(self, request: pytest.FixtureRequest, tmp_path: Path) -> Sound:
        content = io.BytesIO()
        soundfile.write(content, self.STEREO, RATE, "FLOAT", format="WAV")
        path = tmp_path / "a.wav"
        path.write_bytes(content.getvalue())
        if request.param == "array":
            return from_array(self.STEREO, RATE)
        if request.param == "libsndfile":
            return open_sound(path)
        if request.param == "ffmpeg":
            return open_sound(io.BytesIO(content.getvalue()))
        return open_sound(io.BytesIO(self.STEREO.tobytes()), Raw(RATE, 2, "float32"))

    def test_mix_is_the_mean_of_all(self, sound: Sound) -> None:
        assert sound.rows("mix") == 1
        np.testing.assert_allclose(rows(sound, "mix"), self.STEREO.mean(1)[None], atol=1e-7)

    @pytest.mark.parametrize("number", [1, 2])
    def test_a_number_is_that_channel_counted_from_1(self, sound: Sound, number: int) -> None:
        assert sound.rows(number) == 1
        np.testing.assert_array_equal(rows(sound, number), self.STEREO.T[number - 1 : number])

    def test_each_is_a_row_per_channel(self, sound: Sound) -> None:
        assert sound.rows("each") == 2
        np.testing.assert_array_equal(rows(sound, "each"), self.STEREO.T)

    @pytest.mark.parametrize("number", [0, 3, -1])
    def test_a_channel_that_is_not_there_is_refused(self, sound: Sound, number: int) -> None:
        with pytest.raises(AudioError, match=rf"no channel {number}; it has 2"):
            next(sound.blocks(RATE, number))

    def test_channels_stay_apart_when_resampled(self) -> None:
        both = np.stack([tone(500, 48_000), np.zeros(48_000, np.float32)], axis=1)
        decoded = rows(from_array(both, 48_000), "each")
        assert np.abs(decoded[0]).max() > 0.49
        assert not decoded[1].any()


class TestArrays:
    @pytest.mark.parametrize(
        ("dtype", "values", "expected"),
        [
            ("uint8", [0, 64, 128, 255], [-1, -0.5, 0, 127 / 128]),
            ("int16", [-(2**15), 0, 2**14, 2**15 - 1], [-1, 0, 0.5, 1 - 2**-15]),
            (">i2", [-(2**15), 0, 2**14, 2**15 - 1], [-1, 0, 0.5, 1 - 2**-15]),
            ("int32", [-(2**31), 0, 2**30], [-1, 0, 0.5]),
            ("float16", [-1, 0, 0.5], [-1, 0, 0.5]),
            ("float32", [-1, 0, 0.5, 2], [-1, 0, 0.5, 2]),
            ("float64", [-1, 0, 0.5, 2], [-1, 0, 0.5, 2]),
        ],
    )
    def test_integers_are_scaled_to_one_and_floats_are_left_alone(
        self, dtype: str, values: list[float], expected: list[float]
    ) -> None:
        decoded = rows(from_array(np.array(values, dtype), RATE))
        assert decoded.dtype == np.float32
        np.testing.assert_allclose(decoded, [expected], rtol=0, atol=1e-9)

    @given(
        samples=st.sampled_from(DTYPES).flatmap(
            lambda dtype: arrays.arrays(
                dtype,
                arrays.array_shapes(min_dims=1, max_dims=2, max_side=32),
                elements={"min_value": -1, "max_value": 1} if dtype.startswith("float") else None,
            )
        )
    )
    def test_any_depth_and_shape_comes_out_between_minus_one_and_one(self, samples: np.ndarray) -> None:
        sound = from_array(samples, RATE)
        decoded = rows(sound, "each")
        assert decoded.T.shape == (samples if samples.ndim == 2 else samples[:, None]).shape
        assert sound.length == sound.samples == len(samples)
        assert np.abs(decoded).max(initial=0) <= 1

    def test_the_callers_array_is_not_changed(self) -> None:
        samples = np.array([0.5, np.nan, -0.5], np.float32)
        kept = samples.copy()
        with pytest.warns(AudioWarning):
            rows(from_array(samples, RATE))
        np.testing.assert_array_equal(samples, kept)

    def test_lists_and_strided_views_are_taken(self) -> None:
        np.testing.assert_allclose(rows(from_array([0.5, -0.5], RATE)), [[0.5, -0.5]])
        np.testing.assert_array_equal(rows(from_array(sweep()[::-2], RATE))[0], sweep()[::-2])

    @pytest.mark.parametrize("shape", [(0,), (0, 2)])
    @pytest.mark.parametrize("rate", [RATE, 48_000])
    def test_no_samples_are_no_sound_and_no_error(self, shape: tuple[int, ...], rate: int) -> None:
        sound = from_array(np.zeros(shape), rate)
        assert rows(sound).shape == (1, 0)
        assert (sound.duration, sound.length) == (0, 0)

    @pytest.mark.parametrize(
        ("samples", "message"),
        [
            (np.float32(1), "shape"),
            (np.zeros((2, 2, 2)), "shape"),
            (np.zeros((2, 0)), "shape"),
            (np.zeros(3, np.int64), "dtype int64"),
            (np.zeros(3, np.uint16), "dtype uint16"),
            (np.zeros(3, np.complex64), "dtype complex64"),
            (np.zeros(3, bool), "dtype bool"),
            (["a", "b"], "dtype"),
            ([None, 1.0], "dtype object"),
            ([[1.0], [1.0, 2.0]], "shape"),
            (np.zeros((1, RATE)), "16000 channels of 1 sample; transpose"),
            (np.zeros((2, 100)), "100 channels of 2 samples; transpose"),
            (b"\0\0", "numpy.frombuffer"),
            (bytearray(2), "numpy.frombuffer"),
            (memoryview(b"\0\0"), "numpy.frombuffer"),
        ],
    )
    def test_what_is_not_sound_is_refused(self, samples: Any, message: str) -> None:
        with pytest.raises(AudioError, match=f"mine: .*{message}"):
            from_array(samples, RATE, "mine")

    @pytest.mark.parametrize("kind", ["float32", "bfloat16"])
    def test_a_tensor_that_numpy_cannot_hold_is_refused(self, kind: str) -> None:
        torch = pytest.importorskip("torch")
        tensor = torch.zeros(3, dtype=getattr(torch, kind), requires_grad=True)
        with pytest.raises(AudioError, match="mine: not an array"):
            from_array(tensor if kind == "float32" else tensor.detach(), RATE, "mine")

    def test_a_memoryview_of_another_type_than_bytes_is_an_array(self) -> None:
        np.testing.assert_array_equal(rows(from_array(memoryview(sweep()), RATE)), rows(from_array(sweep(), RATE)))

    def test_a_file_opened_as_text_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        soundfile.write(path, sweep(), RATE)
        with path.open(encoding="latin-1") as file, pytest.raises(AudioError, match=r"a\.wav: .*binary mode"):
            open_sound(file)  # type: ignore[arg-type]

    @pytest.mark.parametrize("rate", [0, -16_000, 1, 999, 1_000_001, float("nan"), float("inf")])
    def test_a_rate_that_cannot_be_is_refused(self, rate: float) -> None:
        with pytest.raises(AudioError, match="sample_rate"):
            from_array(np.zeros(3), rate)

    def test_a_rate_is_rounded(self) -> None:
        assert 16_000 * 1.1 / 1.1 < 16_000  # where a program calculates
        assert from_array(np.zeros(3), 16_000 * 1.1 / 1.1).sample_rate == 16_000


class TestNotNumbers:
    BAD = (np.nan, np.inf, -np.inf)

    @pytest.mark.parametrize("bad", BAD)
    @pytest.mark.parametrize("rate", [RATE, 48_000])
    def test_they_count_as_silence_and_do_not_spread(self, bad: float, rate: int) -> None:
        samples = sweep(rate)
        samples[100] = bad
        silenced = np.where(np.isfinite(samples), samples, 0)
        with pytest.warns(AudioWarning, match="mine: NaN or infinite") as said:
            decoded = rows(from_array(samples, rate, "mine"))
        assert len(said) == 1
        np.testing.assert_array_equal(decoded, rows(from_array(silenced, rate)))

    def test_in_one_channel_they_leave_the_other_alone(self) -> None:
        samples = np.stack([sweep(), sweep()], axis=1)
        samples[5, 0] = np.nan
        with pytest.warns(AudioWarning):
            decoded = rows(from_array(samples, RATE), "each")
        np.testing.assert_array_equal(decoded[1], sweep())
        assert decoded[0, 5] == 0

    def test_numbers_beyond_float32_count_as_silence(self) -> None:
        with pytest.warns(AudioWarning):
            assert rows(from_array(np.array([0.25, 1e300]), RATE)).tolist() == [[0.25, 0]]

    @pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
    def test_a_file_of_nothing_else_is_silence(self, tmp_path: Path, subtype: str) -> None:
        path = tmp_path / "nan.wav"
        soundfile.write(path, np.resize(self.BAD, 500), RATE, subtype)
        with pytest.warns(AudioWarning, match=r"nan\.wav"):
            decoded = rows(open_sound(path))
        np.testing.assert_array_equal(decoded, np.zeros((1, 500), np.float32))


class TestDuration:
    @given(count=st.integers(0, 3000), rate=st.sampled_from([8_000, 11_025, 16_000, 44_100]))
    def test_it_is_exact(self, count: int, rate: int) -> None:
        sound = from_array(np.zeros(count, np.int16), rate)
        decoded = rows(sound)
        assert sound.duration == count / rate
        assert decoded.shape[1] == pytest.approx(count * RATE / rate, abs=1)

    @pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
    def test_it_is_that_of_the_samples_in_a_file(self, tmp_path: Path, name: str) -> None:
        soundfile.write(tmp_path / name, np.zeros(44_101), 44_100)
        sound = open_sound(tmp_path / name)
        assert sound.duration == 0
        assert sound.length == 44_101
        rows(sound)
        assert sound.duration == 44_101 / 44_100

    def test_it_grows_as_blocks_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(vad.audio.libsndfile, "BLOCK", RATE // 2)
        sound = from_array(sweep(), RATE)
        assert [sound.duration for _ in sound.blocks(RATE)] == [0.5, 1.0, 1.5]
