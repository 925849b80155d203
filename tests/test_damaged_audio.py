"""Sound files that are damaged, odd or none at all give a result or one clear line, never a traceback."""

from __future__ import annotations

import io
import json
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conftest import DOUBLE, RATE, SEGMENT_OF_SOUND, SOUND, detect, error_line, run, write_wav
from vad import AudioError, Detector, VadError
from vad.audio.decode import AudioWarning


def encoded(kind: str) -> bytes:
    """Eight seconds of noise as a file of this kind, long enough to be cut anywhere."""
    noise = np.random.default_rng(0).normal(0, 0.1, 8 * RATE).clip(-1, 1)
    content = io.BytesIO()
    if kind == "m4a":
        with av.open(content, "w", format="mp4") as file:
            track: Any = file.add_stream("aac", rate=RATE, layout="mono")
            samples = np.round(noise * 32000).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate, frame.pts = RATE, 0
            file.mux(track.encode(frame))
            file.mux(track.encode())
    else:
        soundfile.write(content, noise, RATE, format=kind.upper())
    return content.getvalue()


def film(path: Path) -> None:
    """A video without a sound track."""
    with av.open(str(path), "w", format="mp4") as file:
        track: Any = file.add_stream("mpeg4", rate=10)
        track.width, track.height, track.pix_fmt = 64, 64, "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        picture.pts = 0
        file.mux(track.encode(picture))
        file.mux(track.encode())


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty.wav": (lambda path: path.touch(), "empty"),
    "empty": (lambda path: path.touch(), "empty"),
    "missing.wav": (lambda path: None, "No such file"),
    "missing-[1].wav": (lambda path: None, "no sound files in this pattern"),
    "folder.wav/": (lambda path: path.mkdir(), "no sound files in this folder"),
    "text.wav": (lambda path: path.write_text("Not a sound at all.\n" * 50), "not a sound file"),
    "text.txt": (lambda path: path.write_text("hello\n"), "not a sound file"),
    "zeros.wav": (lambda path: path.write_bytes(bytes(5000)), "not a sound file"),
    "noise.bin": (lambda path: path.write_bytes(np.random.default_rng(1).bytes(5000)), "not a sound file"),
    "header.wav": (lambda path: path.write_bytes(encoded("wav")[:20]), "not a sound file"),
    "header.flac": (lambda path: path.write_bytes(encoded("flac")[:20]), ""),
    "header.ogg": (lambda path: path.write_bytes(encoded("ogg")[:40]), ""),
    "half.m4a": (lambda path: path.write_bytes(encoded("m4a")[:4000]), "not a sound file"),  # its index is lost
    "slow.wav": (lambda path: write_wav(path, rate=1), "sample rate of 1 Hz"),
    "film.mp4": (film, "no audio track"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_line_says_which_input_failed_and_the_others_are_done(tmp_path: Path, name: str) -> None:
    make, reason = REFUSED[name]
    bad, first, last = tmp_path / name, tmp_path / "first.wav", tmp_path / "last.wav"
    make(bad)
    write_wav(first)
    write_wav(last)
    result = detect(first, bad, last, status=1)
    line = error_line(result.stderr)
    assert str(bad) in line
    assert reason in line
    assert result.stdout == f"{first}\t{SEGMENT_OF_SOUND}{last}\t{SEGMENT_OF_SOUND}"


@pytest.mark.parametrize("name", [name for name in REFUSED if not name.endswith("/") and "[" not in name])
def test_the_library_raises_one_kind_of_error_with_one_line(tmp_path: Path, energy: Detector, name: str) -> None:
    make, reason = REFUSED[name]
    bad = tmp_path / name
    make(bad)
    with pytest.raises(AudioError) as caught:
        energy.detect(bad)
    assert str(bad) in str(caught.value)
    assert reason in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_is_no_recording_to_the_library(tmp_path: Path, energy: Detector) -> None:
    with pytest.raises(AudioError, match=re.escape(str(tmp_path))):
        energy.detect(tmp_path)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.wav"
    write_wav(path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("permissions do not bind this user")
    result = detect(path, status=1)
    assert f"{path}: Permission denied" in error_line(result.stderr)


ODD: dict[str, tuple[Callable[[Path], object], float]] = {
    "none.wav": (lambda path: write_wav(path, []), 0),
    "one.wav": (lambda path: write_wav(path, [0.5]), 0),
    "5ms.wav": (lambda path: write_wav(path, SOUND[:80]), 0.005),
    "none-44.wav": (lambda path: write_wav(path, [], 44_100), 0),
    "one-44.wav": (lambda path: write_wav(path, [0.5], 44_100), 0),
    "none.ogg": (lambda path: soundfile.write(path, [], RATE), 0),
    "fast.wav": (lambda path: write_wav(path, SOUND, 768_000), 0.02),
    "wide.wav": (lambda path: write_wav(path, np.tile(SOUND[:, None], 64)), 1),
    "silence.wav": (lambda path: write_wav(path, np.zeros(RATE)), 1),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_but_sound_is_done_without_a_word(tmp_path: Path, name: str) -> None:
    make, seconds = ODD[name]
    path = tmp_path / name
    make(path)
    result = detect(path, "-f", "json")
    assert result.stderr in ("", f"{path}: no speech found\n")
    content = json.loads(result.stdout)
    assert content["duration"] == seconds
    assert all(0 <= s["start"] < s["end"] <= seconds for s in content["segments"])
    assert bool(content["segments"]) == (name == "wide.wav")


@pytest.mark.parametrize("channel", ["1", "64", "each"])
def test_each_of_64_channels_can_be_had(tmp_path: Path, channel: str) -> None:
    path = tmp_path / "wide.wav"
    write_wav(path, np.tile(SOUND[:, None], 64))
    result = detect(path, "--channel", channel)
    expected = (
        "".join(f"{path}[{n}]\t{SEGMENT_OF_SOUND}" for n in range(1, 65)) if channel == "each" else SEGMENT_OF_SOUND
    )
    assert result.stdout == expected


def test_a_missing_channel_is_an_error_of_that_input_alone(tmp_path: Path) -> None:
    mono, stereo = tmp_path / "mono.wav", tmp_path / "stereo.wav"
    write_wav(mono)
    write_wav(stereo, np.stack([SOUND, SOUND], 1))
    result = detect(mono, stereo, "--channel", "2", status=1)
    assert f"{mono}: no channel 2" in error_line(result.stderr)
    assert result.stdout == f"{stereo}[2]\t{SEGMENT_OF_SOUND}"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_warned_of_and_count_as_silence(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "nan.wav"
    samples = SOUND.copy()
    samples[12_000:12_800] = bad  # 0.75 to 0.8 s
    write_wav(path, samples, subtype="FLOAT")
    result = detect(path)
    assert result.stderr.startswith(f"Warning: {path}: NaN or infinite samples")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == "0.190\t0.760\n"
    assert detect(path, "-q").stderr == ""


class TestTruncated:
    @pytest.mark.parametrize("share", [0.2, 0.4, 0.95])
    @pytest.mark.parametrize(
        "kind",
        [
            "wav",
            "mp3",
            "ogg",
            "flac",
        ],
    )
    def test_the_part_that_is_left_is_used(self, tmp_path: Path, kind: str, share: float) -> None:
        path = tmp_path / f"cut.{kind}"
        content = encoded(kind)
        path.write_bytes(content[: int(len(content) * share)])
        result = detect(path, "-f", "json")
        document = json.loads(result.stdout)
        assert 8 * share - 1.2 < document["duration"] <= 8 * share + 0.2
        (segment,) = document["segments"]
        assert (segment["start"], segment["end"]) == (0, pytest.approx(document["duration"], abs=0.05))

    @pytest.mark.parametrize(
        "kind",
        [
            "flac",
            "mp3",
        ],
    )
    def test_what_is_known_to_be_missing_is_warned_of(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / f"cut.{kind}"
        content = encoded(kind)
        path.write_bytes(content[: int(len(content) * 0.7)])
        assert detect(path).stderr.startswith(f"Warning: {path}: damaged")

    @pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "ogg", "m4a"])
    @pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.9, 0.99])
    def test_every_cut_gives_a_result_or_one_line(self, tmp_path: Path, kind: str, share: float) -> None:
        path = tmp_path / f"cut.{kind}"
        content = encoded(kind)
        path.write_bytes(content[: int(len(content) * share)])
        result = detect(path, status=None)
        if result.exit_code:
            assert str(path) in error_line(result.stderr, after_warnings=True)
        else:
            lines = result.stderr.splitlines()
            assert all(line.startswith(f"Warning: {path}: ") or line == f"{path}: no speech found" for line in lines)


# The mutation is (where, byte) in the first 200 bytes, where the headers are, and a length to cut to.
mutations = st.tuples(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=8),
    st.sampled_from([None, 60, 200, 1000]),
)


@pytest.mark.parametrize(
    "kind",
    [
        "wav",
        "flac",
        "ogg",
        "mp3",
        "m4a",
    ],
)
def test_a_damaged_header_gives_a_result_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, energy: Detector, kind: str
) -> None:
    content, path = encoded(kind), tmp_path_factory.mktemp("damaged") / f"a.{kind}"

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(mutation=mutations)
    def check(mutation: tuple[list[tuple[int, int]], int | None]) -> None:
        places, length = mutation
        damaged = bytearray(content)
        for where, value in places:
            damaged[where] = value
        path.write_bytes(damaged[:length])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AudioWarning)
            try:
                segments = energy.detect(path)
            except VadError as error:
                assert str(path) in str(error)
                assert len(str(error).splitlines()) == 1
            else:
                assert all(0 <= start < end for start, end in segments)

    check()


@given(content=st.binary(min_size=1, max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(b"RIFF\xff\xff\xff\xffWAVEfmt ")
@example(b"fLaC")
@example(b"OggS" + bytes(60))
@example(b"ID3\x04\0\0\0\0\0\0")
@example(b"\xff\xfb" * 100)
@pytest.mark.parametrize("kind", ["wav", "mp3", "bin"])
def test_any_bytes_give_a_result_or_one_error(tmp_path: Path, energy: Detector, kind: str, content: bytes) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)
        try:
            energy.detect(path)
        except VadError as error:
            assert str(path) in str(error)


class TestProcess:
    """What only a process of its own shows: decoders in C that talk past Python, and the exit."""

    def test_the_good_is_written_though_the_bad_fails(self, tmp_path: Path) -> None:
        good, bad = tmp_path / "good.wav", tmp_path / "bad.wav"
        write_wav(good)
        bad.write_text("no sound")
        done = run("detect", *DOUBLE, bad, good, tmp_path / "missing.wav", status=1)
        assert done.stdout == f"{good}\t{SEGMENT_OF_SOUND}"
        first, second = done.stderr.splitlines()
        assert first.startswith(f"Error: {bad}: not a sound file")
        assert second.startswith(f"Error: {tmp_path / 'missing.wav'}: No such file")

    @pytest.mark.parametrize("content", [b"", b"no sound at all\n" * 100])
    def test_standard_input_without_sound_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "in").write_bytes(content)
        with (tmp_path / "in").open() as given_in:
            done = run("detect", *DOUBLE, "-", stdin=given_in, status=1)
        assert done.stdout == ""
        assert "stdin" in error_line(done.stderr)

    @pytest.mark.parametrize(
        "kind",
        [
            "flac",
            "mp3",
            "ogg",
            "m4a",
        ],
    )
    def test_a_truncated_file_is_talked_of_by_us_alone(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / f"half.{kind}"
        content = encoded(kind)
        path.write_bytes(content[: len(content) // 2])
        done = run("detect", *DOUBLE, path, status=None)
        assert done.returncode in (0, 1)
        assert all(line.startswith((f"Error: {path}", f"Warning: {path}")) for line in done.stderr.splitlines())

    def test_garbage_is_talked_of_by_us_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "garbage.mp3"
        path.write_bytes(np.random.default_rng(3).bytes(1000))
        done = run("detect", *DOUBLE, path, status=1)
        assert str(path) in error_line(done.stderr)
