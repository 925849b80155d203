"""Any recording comes out as the same samples, whatever container, rate, depth or pipe it came in."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import vad.audio.decode
from conftest import RATE
from vad.audio.decode import AudioWarning, Channel, Sound, from_array, open_sound, read
from vad.errors import AudioError
from vad.settings import DTYPES, Raw

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


EXACT = [
    ("wav", "WAV", "PCM_U8", 1 / 128),
    ("wav", "WAV", "PCM_16", 1 / 2**15),
    ("wav", "WAV", "PCM_24", 1 / 2**22),
    ("wav", "WAV", "PCM_32", 1e-7),
    ("wav", "WAV", "FLOAT", 0),
    ("wav", "WAV", "DOUBLE", 0),
    ("wav", "WAV", "ULAW", 0.01),
    ("wav", "WAV", "ALAW", 0.01),
    ("wav", "WAVEX", "PCM_16", 1 / 2**15),
    ("rf64", "RF64", "PCM_16", 1 / 2**15),
    ("flac", "FLAC", "PCM_S8", 1 / 128),
    ("flac", "FLAC", "PCM_16", 1 / 2**15),
    ("flac", "FLAC", "PCM_24", 1 / 2**22),
    ("aiff", "AIFF", "PCM_16", 1 / 2**15),
    ("aiff", "AIFF", "FLOAT", 0),
    ("caf", "CAF", "PCM_16", 1 / 2**15),
    ("caf", "CAF", "ALAC_16", 1 / 2**15),
    ("w64", "W64", "PCM_16", 1 / 2**15),
    ("au", "AU", "PCM_16", 1 / 2**15),
    ("sph", "NIST", "PCM_16", 1 / 2**15),
]


@pytest.mark.parametrize(("extension", "kind", "subtype", "tolerance"), EXACT, ids=[f"{k}-{s}" for _, k, s, _ in EXACT])
def test_lossless_files_give_the_samples_that_were_written(
    tmp_path: Path, extension: str, kind: str, subtype: str, tolerance: float
) -> None:
    path = tmp_path / f"a.{extension}"
    if not soundfile.check_format(kind, subtype):
        pytest.skip(f"this libsndfile cannot write {kind} {subtype}")
    soundfile.write(path, sweep(), RATE, subtype, format=kind)
    sound = open_sound(path)
    assert (sound.sample_rate, sound.channels, sound.length) == (RATE, 1, len(sweep()))
    decoded = rows(sound)
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, sweep()[None], rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("name", "subtype", "rate", "alike"),
    [
        ("a.ogg", "VORBIS", 16_000, 0.995),
        ("a.ogg", "VORBIS", 44_100, 0.995),
        ("a.opus", "OPUS", 48_000, 0.995),
        ("a.opus", "OPUS", 16_000, 0.995),
        ("a.mp3", "MPEG_LAYER_III", 16_000, 0.99),
        ("a.mp3", "MPEG_LAYER_III", 44_100, 0.99),
        ("a.wav", "IMA_ADPCM", 16_000, 0.995),
        ("a.wav", "GSM610", 16_000, 0.98),
    ],
)
def test_lossy_files_sound_alike_and_begin_and_end_in_time(
    tmp_path: Path, name: str, subtype: str, rate: int, alike: float
) -> None:
    path = tmp_path / name
    kind = {".ogg": "OGG", ".opus": "OGG", ".mp3": "MP3", ".wav": "WAV"}[path.suffix]
    if not soundfile.check_format(kind, subtype):
        pytest.skip(f"this libsndfile cannot write {kind} {subtype}")
    soundfile.write(path, sweep(rate), rate, subtype, format=kind)
    decoded = rows(open_sound(path))[0]
    late, correlation, level = compare(decoded, sweep())
    assert abs(late) <= 2
    assert correlation > alike
    assert level == pytest.approx(1, abs=0.06)
    assert len(decoded) / RATE == pytest.approx(SECONDS, abs=0.03)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "video", "late", "alike"),
    [
        ("a.m4a", "aac", 16_000, None, 2, 0.99),
        ("a.m4a", "aac", 44_100, None, 2, 0.99),
        ("a.m4a", "alac", 16_000, None, 0, 0.9999),
        ("a.aac", "aac", 16_000, None, 1024, 0.99),  # bare AAC does not tell its encoder's delay
        ("a.mp4", "aac", 44_100, "mpeg4", 2, 0.99),
        ("a.mov", "pcm_s16le", 16_000, "mpeg4", 0, 0.9999),
        ("a.mkv", "aac", 16_000, "mpeg4", 2, 0.99),
        ("a.mka", "flac", 16_000, None, 0, 0.9999),
        ("a.webm", "libopus", 48_000, None, 2, 0.99),
        ("a.webm", "libopus", 48_000, "libvpx", 2, 0.99),
        ("a.wma", "wmav2", 44_100, None, 800, 0.99),
        ("a.amr", "libopencore_amrnb", 8_000, None, 160, 0.85),
        ("a.3gp", "libopencore_amrnb", 8_000, None, 160, 0.85),
        ("a.ac3", "ac3", 48_000, None, 100, 0.99),
        ("a.wv", "wavpack", 16_000, None, 0, 0.999),
    ],
)
def test_what_libsndfile_cannot_read_comes_by_ffmpeg(
    tmp_path: Path, name: str, codec: str, rate: int, video: str | None, late: int, alike: float
) -> None:
    path = tmp_path / name
    write_av(path, sweep(), codec, rate, video, bits=12_200 if "amr" in codec else 128_000)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.SoundFile(path)
    sound = open_sound(path)
    decoded = rows(sound)[0]
    assert (sound.sample_rate, sound.channels) == (rate, 1)
    delay, correlation, level = compare(decoded, sweep())
    assert abs(delay) <= late
    assert correlation > alike
    assert level == pytest.approx(1, abs=0.35 if "amr" in codec else 0.06)
    assert len(decoded) / RATE == pytest.approx(SECONDS, abs=0.12)
    assert sound.length is None or sound.length / rate == pytest.approx(SECONDS, abs=0.12)


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.txt", "a", "a.flac.part", "a b ünï 音.wav"])
def test_the_content_counts_and_not_the_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    soundfile.write(path, sweep(), RATE, "FLOAT", format="WAV")
    np.testing.assert_array_equal(rows(open_sound(path))[0], sweep())


def test_a_wav_named_raw_is_a_wav(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    soundfile.write(tmp_path / "a.wav", sweep(), RATE, "FLOAT")
    (tmp_path / "a.wav").rename(path)
    np.testing.assert_array_equal(rows(open_sound(path))[0], sweep())


def test_a_file_name_need_not_be_unicode(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system has Unicode names only")
    soundfile.write(tmp_path / "a.wav", sweep(), RATE, "FLOAT")
    (tmp_path / "a.wav").replace(path)
    np.testing.assert_array_equal(rows(open_sound(path))[0], sweep())


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
    count = data.draw(st.integers(0, 3 * block if block > 50 else 200))
    samples = np.random.default_rng(count).uniform(-1, 1, (count, 2)).astype(np.float32)
    whole = rows(from_array(samples, rate), "each")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vad.audio.decode, "BLOCK", block)
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
    monkeypatch.setattr(vad.audio.decode, "BLOCK", block)
    np.testing.assert_allclose(rows(open_sound(path)), whole, rtol=0, atol=1e-6)
    assert capfd.readouterr().err == ""  # some decoders talk past Python


def test_no_block_is_longer_than_was_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vad.audio.decode, "BLOCK", 1000)
    path = tmp_path / "a.wav"
    soundfile.write(path, sweep(), RATE)
    for sound in (open_sound(path), from_array(sweep(), RATE)):
        assert max(block.shape[1] for block in sound.blocks(RATE)) == 1000


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
                arrays.array_shapes(min_dims=1, max_dims=2, max_side=40),
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
        ],
    )
    def test_what_is_not_sound_is_refused(self, samples: Any, message: str) -> None:
        with pytest.raises(AudioError, match=f"mine: .*{message}"):
            from_array(samples, RATE, "mine")

    @pytest.mark.parametrize("rate", [0, -16_000, 1, 999, 1_000_001, float("nan"), float("inf")])
    def test_a_rate_that_cannot_be_is_refused(self, rate: float) -> None:
        with pytest.raises(AudioError, match="sample_rate"):
            from_array(np.zeros(3), rate)


class TestRaw:
    @given(
        content=st.binary(max_size=100),
        dtype=st.sampled_from(DTYPES),
        channels=st.integers(1, 3),
        block=st.integers(1, 5),
    )
    @pytest.mark.filterwarnings("ignore::vad.audio.decode.AudioWarning")  # any bytes: some are NaN
    def test_all_whole_samples_come_and_a_partial_one_at_the_end_does_not(
        self, content: bytes, dtype: str, channels: int, block: int
    ) -> None:
        kind = np.dtype(dtype).newbyteorder("<")
        count = len(content) // (kind.itemsize * channels)
        expected = np.frombuffer(content[: count * kind.itemsize * channels], kind).reshape(-1, channels)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vad.audio.decode, "BLOCK", block)
            sound = open_sound(io.BytesIO(content), Raw(RATE, channels, dtype))
            decoded = rows(sound, "each")
        assert sound.length is None
        assert sound.samples == count
        np.testing.assert_array_equal(decoded, rows(from_array(expected, RATE), "each"))

    @pytest.mark.parametrize("name", ["a.raw", "a.pcm", "a.wav"])
    def test_a_file_of_bare_samples_is_read_as_said(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        expected = np.round(sweep() * 32767).astype("<i2")
        path.write_bytes(expected.tobytes() + b"\x7f")
        decoded = rows(open_sound(path, Raw(RATE, 1, "int16")))[0]
        np.testing.assert_array_equal(decoded, expected / np.float32(32768))

    def test_samples_that_trickle_in_are_put_together(self) -> None:
        class Trickle(io.RawIOBase):
            """Gives three bytes at a time, so that most reads end within a sample."""

            content = io.BytesIO(sweep()[:1000].tobytes())

            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any) -> int:
                piece = self.content.read(min(3, len(buffer)))
                buffer[: len(piece)] = piece
                return len(piece)

        sound = open_sound(Trickle(), Raw(48_000, 1, "float32"))  # type: ignore[arg-type]
        np.testing.assert_array_equal(rows(sound), rows(from_array(sweep()[:1000], 48_000)))

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (Raw(dtype="int24"), "no sample type 'int24'; valid are uint8"),
            (Raw(channels=0), "0 channels"),
            (Raw(sample_rate=0), "sample rate of 0 Hz"),
            (Raw(sample_rate=2_000_000), "sample rate of 2000000 Hz"),
        ],
    )
    def test_a_description_that_cannot_be_is_refused(self, raw: Raw, message: str) -> None:
        with pytest.raises(AudioError, match=message):
            open_sound(io.BytesIO(b"\0\0"), raw)


class TestPipes:
    @pytest.mark.parametrize(
        ("kind", "subtype", "alike"),
        [
            ("WAV", "PCM_16", 0.99999),
            ("WAV", "FLOAT", 0.99999),
            ("FLAC", "PCM_16", 0.99999),
            ("AIFF", "PCM_16", 0.99999),
            ("OGG", "VORBIS", 0.995),
            ("OGG", "OPUS", 0.995),
            ("MP3", "MPEG_LAYER_III", 0.99),
        ],
    )
    @pytest.mark.parametrize("way", ["pipe", "BytesIO"])
    def test_a_container_from_a_pipe_is_the_same_sound(self, kind: str, subtype: str, alike: float, way: str) -> None:
        content = io.BytesIO()
        soundfile.write(content, sweep(48_000), 48_000, subtype, format=kind)
        content.seek(0)
        with pipe(content.getvalue()) if way == "pipe" else contextlib.nullcontext(content) as file:
            sound = open_sound(file)
            decoded = rows(sound)[0]
        assert (sound.sample_rate, sound.channels) == (48_000, 1)
        late, correlation, level = compare(decoded, sweep())
        assert abs(late) <= (600 if kind == "MP3" else 2)  # an MP3's length of delay may stand at its end
        assert correlation > alike
        assert level == pytest.approx(1, abs=0.06)
        assert sound.duration == pytest.approx(SECONDS, abs=0.1)

    def test_a_wav_whose_writer_did_not_know_its_length_is_read_to_the_end(self) -> None:
        content = io.BytesIO()
        soundfile.write(content, sweep(), RATE, "PCM_16", format="WAV")
        header = bytearray(content.getvalue())
        header[4:8] = header[40:44] = b"\xff" * 4
        with pipe(bytes(header)) as file:
            decoded = rows(open_sound(file))[0]
        np.testing.assert_allclose(decoded, sweep(), rtol=0, atol=2**-15)

    def test_bare_samples_from_a_pipe(self) -> None:
        with pipe(sweep().tobytes()) as file:
            np.testing.assert_array_equal(rows(open_sound(file, Raw(RATE, 1, "float32")))[0], sweep())

    @pytest.mark.parametrize("content", [b"", b"\n", b"no sound at all " * 400])
    def test_a_pipe_without_sound_is_refused(self, content: bytes) -> None:
        with pipe(content) as file, pytest.raises(AudioError, match="not a sound file"):
            open_sound(file)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_a_pipe_with_a_name_is_a_pipe(self) -> None:
        content = io.BytesIO()
        soundfile.write(content, sweep(), RATE, "FLOAT", format="WAV")
        with pipe(content.getvalue()) as file:  # what <(command) of a shell is
            decoded = rows(open_sound(f"/dev/fd/{file.fileno()}"))[0]
        np.testing.assert_array_equal(decoded, sweep())


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
        monkeypatch.setattr(vad.audio.decode, "BLOCK", RATE // 2)
        sound = from_array(sweep(), RATE)
        assert [sound.duration for _ in sound.blocks(RATE)] == [0.5, 1.0, 1.5]


def test_read_gives_a_whole_recording(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sweep(), RATE, "FLOAT")
    np.testing.assert_array_equal(read(tmp_path / "a.wav", RATE), sweep())
    soundfile.write(tmp_path / "none.wav", [], RATE)
    assert read(tmp_path / "none.wav", RATE).shape == (0,)


def test_the_first_sound_track_of_several_is_read(tmp_path: Path) -> None:
    path = tmp_path / "two.mka"
    with av.open(str(path), "w") as file:
        tracks: list[Any] = [file.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]
        for track, level in zip(tracks, (1000, 2000), strict=True):
            frame = av.AudioFrame.from_ndarray(np.full((1, 1000), level, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = RATE, 0
            file.mux(track.encode(frame))
            file.mux(track.encode())
    np.testing.assert_allclose(rows(open_sound(path)), np.full((1, 1000), 1000 / 32768))
