"""Sound that containers hide: chained files, unfinished headers, missing ends, changes of format, gaps in time."""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from conftest import COMMAND, ENERGY, RATE, all_files_closed, bursts, run
from sounds import compare, pipe, rows, sweep, write_av
from vad import AudioError, Detector
from vad.audio.decode import AudioWarning, decoded_duration, duration_of, open_native, open_sound

KINDS = [("ogg", "OGG", "VORBIS", RATE), ("opus", "OGG", "OPUS", RATE), ("opus", "OGG", "OPUS", 48_000)]


def encoded(kind: str, subtype: str, rate: int = RATE, channels: int = 1, samples: np.ndarray | None = None) -> bytes:
    content = io.BytesIO()
    sound = sweep(rate) if samples is None else samples
    soundfile.write(content, np.tile(sound[:, None], channels), rate, subtype, format=kind)
    return content.getvalue()


def native(path: Path) -> np.ndarray:
    return np.concatenate(list(open_sound(path).native_blocks()))


@contextlib.contextmanager
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class TestChained:
    @pytest.mark.parametrize(("extension", "kind", "subtype", "rate"), KINDS)
    def test_all_links_are_read(self, tmp_path: Path, extension: str, kind: str, subtype: str, rate: int) -> None:
        one, three = tmp_path / f"one.{extension}", tmp_path / f"three.{extension}"
        one.write_bytes(encoded(kind, subtype, rate))
        three.write_bytes(3 * one.read_bytes())
        with no_warning():
            np.testing.assert_array_equal(native(three), np.tile(native(one), (3, 1)))
            assert decoded_duration(three) == duration_of(str(three)) == pytest.approx(4.5)

    def test_links_of_other_rates_and_channels_keep_pitch_and_length(self, tmp_path: Path) -> None:
        path = tmp_path / "mixed.ogg"
        path.write_bytes(
            encoded("OGG", "VORBIS") + encoded("OGG", "VORBIS", 44_100, 2) + encoded("OGG", "OPUS", 48_000)
        )
        sound = open_sound(path)
        assert (sound.sample_rate, sound.channels) == (RATE, 1)
        samples = np.concatenate(list(sound.native_blocks()))[:, 0]
        assert len(samples) == pytest.approx(3 * 1.5 * RATE, abs=30)
        for part in np.array_split(samples, 3):
            late, correlation, level = compare(part, sweep())
            assert abs(late) <= 20 and correlation > 0.99 and level == pytest.approx(1, abs=0.06)

    def test_through_a_pipe_too(self) -> None:
        with pipe(2 * encoded("OGG", "VORBIS")) as file:
            assert rows(open_sound(file)).shape[1] == pytest.approx(3 * RATE, abs=600)

    def test_what_is_no_sound_behind_the_first_link_is_said(self, tmp_path: Path) -> None:
        path = tmp_path / "a.ogg"
        path.write_bytes(encoded("OGG", "VORBIS") + b"OggS\0\2" + bytes(100))
        with pytest.warns(AudioWarning, match="damaged, 1.50 s could be read"):
            assert len(native(path)) == 1.5 * RATE

    def test_all_links_are_what_vad_detect_reads(self, tmp_path: Path) -> None:
        sound = bursts((0.2, 0.5), seconds=1)
        path = tmp_path / "a.ogg"
        path.write_bytes(2 * encoded("OGG", "VORBIS", samples=sound))
        done = subprocess.run([COMMAND, "detect", "--model", ENERGY, path], capture_output=True, text=True, check=True)
        assert len(done.stdout.splitlines()) == 2 and done.stderr == ""


UNFINISHED = {  # positions and widths of the lengths in a header of each kind
    "WAV": lambda content: [(4, 4), (content.index(b"data") + 4, 4)],
    "RF64": lambda content: [(20, 8), (28, 8), (36, 8)],
    "W64": lambda content: [(16, 8), (content.index(b"data\xf3") + 16, 8)],
    "AU": lambda content: [(8, 4)],
    "AIFF": lambda content: [(4, 4), (content.index(b"COMM") + 10, 4), (content.index(b"SSND") + 4, 4)],
    "CAF": lambda content: [(content.index(b"data") + 4, 8)],
}


class TestHeaders:
    @pytest.mark.parametrize("kind", UNFINISHED)
    @pytest.mark.parametrize("subtype", ["PCM_16", "PCM_32"])
    def test_a_recorder_that_died_leaves_its_sound(self, tmp_path: Path, kind: str, subtype: str) -> None:
        path = tmp_path / "a"
        soundfile.write(path, sweep(), RATE, subtype, format=kind)
        whole = np.concatenate(list(open_native(path).native_blocks()))
        content = bytearray(path.read_bytes())
        for at, width in UNFINISHED[kind](content):
            content[at : at + width] = bytes(width)
        path.write_bytes(content)
        sound = open_native(path)
        with pytest.warns(AudioWarning, match="damaged, 1.50 s could be read .its header states no length"):
            np.testing.assert_array_equal(np.concatenate(list(sound.native_blocks())), whole)

    @pytest.mark.parametrize(("codec", "rate"), [("ac3", 48_000), ("g722", RATE), ("adpcm_yamaha", RATE)])
    def test_also_in_a_codec_that_ffmpeg_alone_reads(self, tmp_path: Path, codec: str, rate: int) -> None:
        path = tmp_path / "a.wav"
        write_av(path, np.tile(sweep(), 8), codec, rate)
        whole = native(path)
        content = bytearray(path.read_bytes())
        for at, width in UNFINISHED["WAV"](content):
            content[at : at + width] = bytes(width)
        path.write_bytes(content)
        with no_warning():
            np.testing.assert_array_equal(native(path), whole)

    def test_the_length_of_an_empty_recording(self, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        soundfile.write(path, np.zeros(0), RATE, "PCM_16")
        content = bytearray(path.read_bytes() + b"LIST" + struct.pack("<I", 400) + bytes(400))
        content[4:8] = struct.pack("<I", len(content) - 8)
        path.write_bytes(content)
        with no_warning():
            assert sum(map(len, open_sound(path).native_blocks())) == 0

    @pytest.mark.parametrize("kind", [*UNFINISHED, "FLAC", "OGG", "MP3"])
    def test_a_missing_end_is_said(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / f"a.{kind.lower()}"
        soundfile.write(path, np.tile(sweep(), 40), RATE, format=kind)
        with no_warning():
            native(path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.warns(AudioWarning, match=r"damaged, [23]\d\.\d\d s could be read"):
            assert 20 * RATE < len(native(path)) < 40 * RATE

    @pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
    def test_a_length_that_its_writer_did_not_know_is_no_damage(self, tmp_path: Path, size: int) -> None:
        path = tmp_path / "a.wav"
        soundfile.write(path, sweep(), RATE, "PCM_16")
        content = bytearray(path.read_bytes())
        content[4:8] = content[40:44] = struct.pack("<I", size)
        path.write_bytes(content)
        with no_warning():
            assert len(native(path)) == len(sweep())


def mux(
    path: Path, codec: str = "pcm_s16le", start: float = 0.0, lost: tuple[float, float] = (0, 0), film: float = 0.0
) -> None:
    """A tone of 4 s in a container: from `start` on, without packets between the times `lost`, beside a film."""
    with av.open(str(path), "w") as file:
        pictures: Any = file.add_stream("mpeg4", rate=10) if film else None
        track: Any = file.add_stream(codec, rate=RATE, layout="mono")
        if film:
            pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
            for number in range(round(10 * film)):
                picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
                picture.pts = number
                file.mux(pictures.encode(picture))
            file.mux(pictures.encode())
        sound = np.round(32767 * bursts((0.5, 1), (3, 3.5), seconds=4)).astype(np.int16)
        packets = []
        for at in range(0, len(sound), 1024):
            frame = av.AudioFrame.from_ndarray(sound[None, at : at + 1024], "s16", "mono")
            frame.sample_rate, frame.pts = RATE, at
            packets += track.encode(frame)
        packets += track.encode()
        for packet in packets:
            time = float(packet.pts * packet.time_base)
            if not lost[0] <= time < lost[1]:
                shift = round(start / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                file.mux(packet)


class TestTime:
    @pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov", "a.ts"])
    def test_a_track_that_begins_late_begins_late(self, tmp_path: Path, energy: Detector, name: str) -> None:
        path = tmp_path / name
        mux(path, "aac" if name.endswith(("4", "s")) else "pcm_s16le", start=5, film=10)
        with pytest.warns(AudioWarning, match=r"leave (4\.9|5\.0)\d s without sound"):
            found = energy.detect(path)
        assert [round(s.start, 1) for s in found] == pytest.approx([5.5, 8.0], abs=0.11)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert len(energy.scores(path)) == pytest.approx(900, abs=15)
            assert decoded_duration(path) == pytest.approx(9, abs=0.15)
        assert duration_of(str(path)) == pytest.approx(9, abs=0.2)

    @pytest.mark.parametrize("name", ["a.mka", "a.m4a"])
    def test_also_where_it_is_the_only_track(self, tmp_path: Path, energy: Detector, name: str) -> None:
        path = tmp_path / name
        mux(path, "aac", start=5)
        with pytest.warns(AudioWarning, match="without sound"):
            found = energy.detect(path)
        assert [round(s.start, 1) for s in found] == pytest.approx([5.5, 8.0], abs=0.11)

    @pytest.mark.parametrize("way", ["file", "pipe"])
    def test_lost_packets_are_silence(self, tmp_path: Path, energy: Detector, way: str) -> None:
        path = tmp_path / "a.mkv"
        mux(path, lost=(1.1, 2.9))
        with pytest.warns(AudioWarning, match=r"leave 1\.\d\d s without sound"):
            if way == "pipe":
                with pipe(path.read_bytes()) as file:
                    sound = open_sound(file)
                    found = energy.analyse(sound, energy.settings())[0].segments
            else:
                found = energy.detect(path)
        assert [round(s.start, 1) for s in found] == [0.5, 3.0]

    def test_pieces_are_cut_by_the_same_clock(self, tmp_path: Path) -> None:
        path, out = tmp_path / "a.mkv", tmp_path / "out"
        mux(path, lost=(1.1, 2.9))
        command = [COMMAND, "split", path, "-o", out, "--model", ENERGY]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        assert [round(float(start), 1) for _, start, _ in lines] == [0.5, 3.0]
        for name, start, end in lines:
            samples, rate = soundfile.read(name)
            assert len(samples) / rate == pytest.approx(float(end) - float(start), abs=0.01)
            assert np.abs(samples).max() > 0.25

    def test_a_longer_track_of_another_kind_is_no_damage(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mkv"
        mux(path, film=30)
        with no_warning():
            assert len(native(path)) == 4 * RATE


class TestChanges:
    def test_mp3_of_other_rates_and_channels_goes_on(self, tmp_path: Path, energy: Detector) -> None:
        path = tmp_path / "a.mp3"
        parts = [(44_100, 1), (22_050, 2)]
        sounds = [bursts((0.5, 1), seconds=2, rate=rate) for rate, _ in parts]
        path.write_bytes(
            b"".join(encoded("MP3", "MPEG_LAYER_III", *kind, sound) for kind, sound in zip(parts, sounds, strict=True))
        )
        with no_warning():
            found = energy.detect(path)
        assert [round(s.start, 1) for s in found] == pytest.approx([0.5, 2.5], abs=0.16)

    def test_ac3_that_becomes_surround_goes_on(self, tmp_path: Path) -> None:
        content = io.BytesIO()
        for layout, channels in (("mono", 1), ("5.1", 6)):
            part = io.BytesIO()
            with av.open(part, "w", format="ac3") as file:
                track: Any = file.add_stream("ac3", rate=48_000, layout=layout)
                sound = np.tile(sweep(48_000), (channels, 1)).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(sound, "fltp", layout)
                frame.sample_rate, frame.pts = 48_000, 0
                file.mux(track.encode(frame))
                file.mux(track.encode())
            content.write(part.getvalue())
        path = tmp_path / "a.ac3"
        path.write_bytes(content.getvalue())
        with no_warning():
            samples = rows(open_sound(path))[0]
        assert len(samples) == pytest.approx(3 * RATE, abs=3000)
        assert compare(samples[-len(samples) // 2 :], sweep())[1] > 0.9

    def test_a_tag_between_two_mp3s_is_no_damage(self, tmp_path: Path) -> None:
        one = encoded("MP3", "MPEG_LAYER_III")
        tag = b"ID3\4\0\0\0\0\0\x20TIT2\0\0\0\x16\0\0\3" + b"x" * 21
        path = tmp_path / "a.mp3"
        path.write_bytes(tag + one + tag + one)
        with no_warning():
            assert len(native(path)) > 2.9 * RATE


class TestPipes:
    @pytest.mark.parametrize("flags", ["", "faststart", "frag_keyframe+empty_moov"])
    def test_mp4_comes_through_a_pipe(self, tmp_path: Path, flags: str) -> None:
        path = tmp_path / "a.m4a"
        with av.open(str(path), "w", options={"movflags": flags} if flags else {}) as file:
            track: Any = file.add_stream("aac", rate=RATE, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.round(sweep()[None] * 32767).astype(np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = RATE, 0
            file.mux(track.encode(frame))
            file.mux(track.encode())
        with pipe(path.read_bytes()) as file:
            np.testing.assert_array_equal(rows(open_sound(file)), rows(open_sound(path)))

    def test_mp4_that_has_to_be_copied_and_cannot_be(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any) -> Any:
            raise OSError(28, "No space left on device")

        path = tmp_path / "a.m4a"
        mux(path, "aac")
        monkeypatch.setattr("tempfile.TemporaryFile", type("Full", (io.BytesIO,), {"write": fail}))
        with pipe(path.read_bytes()) as file, pytest.raises(AudioError, match=r"copy in .*No space left on device"):
            open_sound(file)

    @pytest.mark.parametrize("raw", [[], ["--raw"]])
    def test_an_empty_one_is_called_empty(self, raw: list[str]) -> None:
        done = subprocess.run(
            [COMMAND, "detect", "-", *raw, "--model", ENERGY], input=b"", capture_output=True, check=False
        )
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr == b"Error: stdin: the input is empty; give one that holds sound\n"

    @pytest.mark.parametrize("raw", [[], ["--raw"]])
    @pytest.mark.parametrize("command", ["detect", "stream"])
    def test_an_empty_file_as_standard_input_is_called_empty(self, command: str, raw: list[str]) -> None:
        done = run(command, "-", *raw, "--model", ENERGY, status=1)  # from /dev/null
        assert done.stderr.splitlines()[-1] == "Error: stdin: the input is empty; give one that holds sound"


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("how", ["read", "not read", "left in the middle", "no such channel"])
@pytest.mark.parametrize("kind", ["MP3", "OGG", "WAV", "links", "unfinished"])
def test_no_file_is_left_to_the_garbage_collector(tmp_path: Path, kind: str, how: str) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    soundfile.write(path, np.tile(sweep(), 20), RATE, format={"links": "OGG", "unfinished": "WAV"}.get(kind, kind))
    if kind == "links":
        path.write_bytes(path.read_bytes() * 2)
    elif kind == "unfinished":
        content = path.read_bytes()
        path.write_bytes(content.replace(content[40:44], bytes(4)))
    with all_files_closed(tmp_path), no_warning(), contextlib.suppress(AudioError, AudioWarning):
        sound = open_sound(path)
        if how == "no such channel":
            next(sound.blocks(RATE, 7))
        elif how == "not read":
            sound.close()
        for block in sound.blocks(RATE) if how not in ("not read", "no such channel") else ():
            if how != "read" and len(block):
                break


def test_mp3_whose_channels_change_within_does_not_crash(tmp_path: Path) -> None:
    """In a process of its own: PyAV's queue of frames takes any channel count, and then reads past its planes."""
    path = tmp_path / "a.mp3"
    path.write_bytes(encoded("MP3", "MPEG_LAYER_III", channels=2) + encoded("MP3", "MPEG_LAYER_III") * 2)
    done = subprocess.run([COMMAND, "detect", "--summary", "--model", ENERGY, path], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"a.mp3: 4." in done.stdout
