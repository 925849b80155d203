"""Any recording gives the same samples, whatever its container, sample rate, bit depth or pipe."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import vad.audio.libsndfile
from conftest import RATE
from sounds import SECONDS, compare, pipe, rows, sweep, write_av
from vad.audio.decode import AudioWarning, from_array, open_sound, read
from vad.errors import AudioError
from vad.settings import DTYPES, Raw

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


class TestRaw:
    @given(
        content=st.binary(min_size=1, max_size=100),
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
            patch.setattr(vad.audio.libsndfile, "BLOCK", block)
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
        with pytest.warns(AudioWarning, match=r"a\.(raw|pcm|wav): ends within a sample, with 1 of its 2"):
            decoded = rows(open_sound(path, Raw(RATE, 1, "int16")))[0]
        np.testing.assert_array_equal(decoded, expected / np.float32(32768))

    def test_a_file_object_has_the_name_that_it_is_given(self) -> None:
        with pytest.raises(AudioError, match=r"^call 7: not a sound file"):
            open_sound(io.BytesIO(b"no sound"), name="call 7")

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

    @pytest.mark.parametrize(
        ("content", "says"),
        [(b"", "the input is empty"), (b"\n", "not a sound file"), (b"no sound " * 400, "not a sound")],
    )
    def test_a_pipe_without_sound_is_refused(self, content: bytes, says: str) -> None:
        with pipe(content) as file, pytest.raises(AudioError, match=says):
            open_sound(file)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_a_pipe_with_a_name_is_a_pipe(self) -> None:
        content = io.BytesIO()
        soundfile.write(content, sweep(), RATE, "FLOAT", format="WAV")
        with pipe(content.getvalue()) as file:  # what <(command) of a shell is
            decoded = rows(open_sound(f"/dev/fd/{file.fileno()}"))[0]
        np.testing.assert_array_equal(decoded, sweep())


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
