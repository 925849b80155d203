"""What FFmpeg writes: compressed sound, and video that is cut with its picture."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from conftest import RATE, all_files_closed, bursts, invoke, write_wav
from vad.audio.decode import read
from vad.audio.encode import WRITTEN, create, encoding_for
from vad.audio.media import MEDIA, QUICKTIME
from vad.audio.picture import Pictures
from vad.cutting.timemap import read_map

SPEECH = ((0.5, 1.5), (2.5, 3.0))
STEP = 8  # of the grey from one picture to the next
FILMS = [ext for ext, media in MEDIA.items() if media.picture]


def write_film(path: Path, start: float = 0.0, rate: int = 10) -> Path:
    """Four seconds of bursts and, from `start` on, a film whose pictures get lighter; their left edge is white."""
    with av.open(str(path), "w") as file:
        film: Any = file.add_stream("mpeg4", rate=rate)
        film.width, film.height, film.pix_fmt, film.bit_rate = 64, 32, "yuv420p", 4_000_000
        track: Any = file.add_stream("aac", rate=RATE, layout="mono")
        for number in range(round((4 - start) * rate)):
            grey = np.full((32, 64, 3), min(255, STEP * (number + round(start * rate))), np.uint8)
            grey[:, :8] = 255
            picture = av.VideoFrame.from_ndarray(grey, format="rgb24")
            picture.pts, picture.time_base = number + round(start * rate), Fraction(1, rate)
            file.mux(film.encode(picture))
        file.mux(film.encode())
        sound = np.round(bursts(*SPEECH, seconds=4)[None] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(sound, "s16", "mono")
        frame.sample_rate, frame.pts = RATE, 0
        file.mux(track.encode(frame))
        file.mux(track.encode())
    return path


def greys(path: Path) -> list[tuple[float, int]]:
    """The pictures of a film: when each is shown, and its number."""
    with av.open(str(path)) as file:
        return [
            (round(float(frame.time), 2), round(frame.to_ndarray(format="gray")[:, 16:].mean() / STEP))
            for frame in file.decode(video=0)
        ]


def turning(a: int, b: int, c: int, d: int) -> list[int]:
    """The matrix in the header of a track, row by row."""
    return [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]


def labels(tmp_path: Path, *spans: tuple[float, float]) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("".join(f"{start}\t{end}\n" for start, end in spans))
    return path


@pytest.mark.parametrize("extension", WRITTEN)
def test_every_format_that_the_error_names_is_written(tmp_path: Path, extension: str) -> None:
    path = write_wav(tmp_path / "a.wav", bursts((0.2, 0.8), seconds=1), RATE)
    out = tmp_path / f"short{extension}"
    invoke("trim", path, "--labels", labels(tmp_path, (0.1, 0.4), (0.6, 0.9)), "-o", out)
    sound = read(out, RATE)
    assert len(sound) / RATE == pytest.approx(0.6, abs=0.05)  # MP3 ends with a whole frame
    assert abs(sound[: RATE // 20]).max() < 0.1 < abs(sound[RATE // 5 : RATE // 2]).max()


def test_the_error_names_every_format_that_can_be_written(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav")
    message = invoke("trim", path, "--labels", labels(tmp_path, (0, 1)), "-o", tmp_path / "a.xyz", status=2).output
    assert f"sound cannot be written as .xyz; use {', '.join(WRITTEN)}" in message


@pytest.mark.parametrize(("rate", "channels"), [(11_025, 1), (37_800, 2), (192_000, 1), (22_050, 6)])
def test_compressed_sound_has_the_length_and_the_channels_of_its_source(
    tmp_path: Path, rate: int, channels: int
) -> None:
    tone = np.stack([bursts((0, 1), seconds=1, rate=rate)] * channels, 1)
    soundfile.write(tmp_path / "a.wav", tone, rate)
    invoke("trim", tmp_path / "a.wav", "--labels", labels(tmp_path, (0.25, 0.75)), "-o", tmp_path / "a.m4a")
    with av.open(str(tmp_path / "a.m4a")) as file:
        track = file.streams.audio[0]
        assert track.codec_context.channels == channels
        assert float(track.duration * track.time_base) == pytest.approx(0.5, abs=0.002)


def test_more_channels_than_a_format_holds_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((RATE, 9)), RATE)
    arguments = ("--labels", labels(tmp_path, (0, 1)), "-o", tmp_path / "a.m4a")
    message = invoke("trim", tmp_path / "a.wav", *arguments, status=1).output
    assert "a.m4a: cannot hold 9 channels; use .wav" in message
    assert not list(tmp_path.glob("*.m4a"))


class TestFilm:
    @pytest.mark.parametrize("extension", FILMS)
    def test_the_picture_is_cut_where_the_sound_is(self, tmp_path: Path, extension: str) -> None:
        path, out = write_film(tmp_path / "film.mp4"), tmp_path / f"short{extension}"
        invoke("trim", path, "--labels", labels(tmp_path, (0.5, 1.5), (2.55, 3.05)), "--gap", "0.2", "-o", out)
        shown = greys(out)
        # at 0: the sixth; the cut is within the twenty-sixth, which stays until the next is due
        assert [number for _, number in shown] == [*range(5, 15), *range(25, 31)]
        assert [time for time, _ in shown] == pytest.approx(
            [*np.arange(0, 1, 0.1), 1.2, *np.arange(1.25, 1.7, 0.1)], abs=0.011
        )
        assert [(round(p.start, 2), round(p.at, 2)) for p in read_map(tmp_path / "short.map.json").pieces] == [
            (0.5, 0.0), (2.55, 1.2),
        ]  # fmt: skip
        sound = read(out, RATE)
        assert abs(sound[: RATE - 800]).reshape(-1, 400).max(1).min() > 0.2
        assert abs(sound[RATE + 800 : RATE + 2400]).max() < 0.05

    def test_each_piece_is_a_film(self, tmp_path: Path) -> None:
        path = write_film(tmp_path / "film.mp4")
        invoke("split", path, "--labels", labels(tmp_path, *SPEECH), "-o", tmp_path / "{number}.mkv")
        assert [number for _, number in greys(tmp_path / "1.mkv")] == [*range(5, 15)]
        assert [number for _, number in greys(tmp_path / "2.mkv")] == [*range(25, 30)]

    def test_a_film_that_begins_after_the_sound_begins_there(self, tmp_path: Path) -> None:
        path = write_film(tmp_path / "film.mkv", start=1.0)
        invoke("trim", path, "--labels", labels(tmp_path, (0.5, 1.5)), "-o", tmp_path / "short.mkv")
        assert greys(tmp_path / "short.mkv") == [(pytest.approx(0.5 + n / 10, abs=0.011), 10 + n) for n in range(5)]

    @pytest.mark.parametrize(
        ("matrix", "white"), [((0, 1, -1, 0), "top"), ((-1, 0, 0, -1), "right"), ((0, -1, 1, 0), "bottom")]
    )
    def test_a_film_of_a_telephone_stands_upright(
        self, tmp_path: Path, matrix: tuple[int, int, int, int], white: str
    ) -> None:
        path = write_film(tmp_path / "film.mp4")
        upright, turned = (struct.pack(">9i", *turning(*m)) for m in ((1, 0, 0, 1), matrix))
        movie, film, rest = path.read_bytes().split(upright, 2)
        path.write_bytes(upright.join([movie, film + turned + rest]))
        invoke("trim", path, "--labels", labels(tmp_path, (0.5, 1.5)), "-o", tmp_path / "short.mp4")
        with av.open(str(tmp_path / "short.mp4")) as file:
            frame = next(file.decode(video=0))
            picture = frame.to_ndarray(format="gray").astype(int)
        assert (frame.rotation, picture.shape) == (0, (32, 64) if white == "right" else (64, 32))
        edges = {"top": picture[:4], "bottom": picture[-4:], "left": picture[:, :4], "right": picture[:, -4:]}
        assert max(edges, key=lambda edge: edges[edge].mean()) == white

    def test_sound_alone_makes_a_file_of_sound_alone(self, tmp_path: Path) -> None:
        path = write_film(tmp_path / "film.mp4")
        invoke("trim", path, "--labels", labels(tmp_path, *SPEECH), "-o", tmp_path / "a.m4a")
        invoke("trim", tmp_path / "a.m4a", "--labels", labels(tmp_path, (0, 1)), "-o", tmp_path / "b.mp4")
        for name in ("a.m4a", "b.mp4"):
            with av.open(str(tmp_path / name)) as file:
                assert [track.type for track in file.streams] == ["audio"]


def test_a_film_that_is_closed_is_no_open_file(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mkv")
    with all_files_closed(tmp_path):
        pictures = Pictures(path)
        pictures.close()


def test_a_stream_saves_compressed_sound(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", bursts((0.5, 1), seconds=2))
    double = Path(__file__).parent / "doubles" / "energy.onnx"
    target = tmp_path / "{number}.m4a"
    invoke("stream", "--model", double, path, "--save", target, "--save-all", tmp_path / "all.m4a")
    assert len(read(tmp_path / "1.m4a", RATE)) / RATE == pytest.approx(0.92, abs=0.064)  # a frame of AAC
    assert len(read(tmp_path / "all.m4a", RATE)) / RATE == pytest.approx(2, abs=0.064)


@pytest.mark.parametrize("extension", [ext for ext, media in MEDIA.items() if media.container in QUICKTIME])
def test_a_file_that_is_never_completed_holds_all_but_the_last_second(tmp_path: Path, extension: str) -> None:
    path, killed = tmp_path / f"a{extension}", tmp_path / f"b{extension}"
    with create(path, RATE, 1, encoding_for(path), name=path, growing=True) as file:
        for _ in range(50):
            file.write(bursts((0.02, 0.1), seconds=0.1)[:, None])
        killed.write_bytes(path.read_bytes())
    assert 3.5 < len(read(killed, RATE)) / RATE < 5


def test_other_formats_are_chosen_as_before(tmp_path: Path) -> None:
    assert encoding_for(tmp_path / "a.FLAC").container == "FLAC"
    assert encoding_for(tmp_path / "a.M4A").container == ".m4a"
