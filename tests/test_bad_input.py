"""Whatever is handed in, the answer is a result or one clear line, never a traceback."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conftest import COMMAND, ENERGY, RATE, bursts
from vad import AudioError, Detector, ModelError, SettingError, VadError
from vad.audio.decode import AudioWarning
from vad.cli import main
from vad.features import LogMel
from vad.model.pretrained import Description

SOUND = bursts((0.2, 0.8), seconds=1)
GOOD = "0.190\t0.810\n"  # what the model double finds in it: every frame whose window touches the tone

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


def detect(*arguments: str | Path) -> Result:
    """`vad detect` with the model double, in this process."""
    return CliRunner().invoke(main, ["detect", "--model", str(ENERGY), *map(str, arguments)])


def shell(*arguments: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
    """`vad` as a process of its own."""
    how = {"stdout": subprocess.PIPE, "stdin": subprocess.DEVNULL, **how}
    command = [str(COMMAND), *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60, check=False, **how)


def complaint(stderr: str, warned: bool = False) -> str:
    """The one line on standard error; with `warned`, warnings may stand before it."""
    lines = [line for line in stderr.splitlines() if not (warned and line.startswith("Warning: "))]
    assert len(lines) == 1, stderr
    assert lines[0].startswith("Error: ")
    assert "Traceback" not in stderr
    return lines[0]


def assert_no_traceback(result: Result) -> None:
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception


def write_wav(path: Path, samples: Any = SOUND, rate: int = RATE, subtype: str = "PCM_16") -> None:
    soundfile.write(path, samples, rate, subtype, format="WAV")


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
    result = detect(first, bad, last)
    assert_no_traceback(result)
    assert result.exit_code == 1
    line = complaint(result.stderr)
    assert str(bad) in line
    assert reason in line
    assert result.stdout == f"{first}\t{GOOD}{last}\t{GOOD}"


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
    result = detect(path)
    assert result.exit_code == 1
    assert f"{path}: Permission denied" in complaint(result.stderr)


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
    assert_no_traceback(result)
    assert (result.exit_code, result.stderr) == (0, "")
    content = json.loads(result.stdout)
    assert content["duration"] == seconds
    assert all(0 <= s["start"] < s["end"] <= seconds for s in content["segments"])
    assert bool(content["segments"]) == (name == "wide.wav")


@pytest.mark.parametrize("channel", ["1", "64", "each"])
def test_each_of_64_channels_can_be_had(tmp_path: Path, channel: str) -> None:
    path = tmp_path / "wide.wav"
    write_wav(path, np.tile(SOUND[:, None], 64))
    result = detect(path, "--channel", channel)
    assert result.exit_code == 0, result.stderr
    expected = "".join(f"{path}[{n}]\t{GOOD}" for n in range(1, 65)) if channel == "each" else GOOD
    assert result.stdout == expected


def test_a_missing_channel_is_an_error_of_that_input_alone(tmp_path: Path) -> None:
    mono, stereo = tmp_path / "mono.wav", tmp_path / "stereo.wav"
    write_wav(mono)
    write_wav(stereo, np.stack([SOUND, SOUND], 1))
    result = detect(mono, stereo, "--channel", "2")
    assert result.exit_code == 1
    assert f"{mono}: no channel 2" in complaint(result.stderr)
    assert result.stdout == f"{stereo}[2]\t{GOOD}"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_warned_of_and_count_as_silence(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "nan.wav"
    samples = SOUND.copy()
    samples[12_000:12_800] = bad  # 0.75 to 0.8 s
    write_wav(path, samples, subtype="FLOAT")
    result = detect(path)
    assert_no_traceback(result)
    assert result.exit_code == 0
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
            pytest.param("flac"),
        ],
    )
    def test_the_part_that_is_left_is_used(self, tmp_path: Path, kind: str, share: float) -> None:
        path = tmp_path / f"cut.{kind}"
        content = encoded(kind)
        path.write_bytes(content[: int(len(content) * share)])
        result = detect(path, "-f", "json")
        assert_no_traceback(result)
        assert result.exit_code == 0, result.stderr
        document = json.loads(result.stdout)
        assert 8 * share - 1.2 < document["duration"] <= 8 * share + 0.2
        assert document["segments"] == [{"start": 0, "end": pytest.approx(document["duration"], abs=0.05)}]

    @pytest.mark.parametrize(
        "kind",
        [
            "flac",
            pytest.param("mp3"),
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
        result = detect(path)
        assert_no_traceback(result)
        if result.exit_code:
            assert str(path) in complaint(result.stderr, warned=True)
        else:
            assert all(line.startswith(f"Warning: {path}: ") for line in result.stderr.splitlines())


# The mutation is (where, byte) in the first 200 bytes, where the headers are, and a length to cut to.
mutations = st.tuples(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=8),
    st.sampled_from([None, 60, 200, 1000]),
)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            "wav",
        ),
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


class TestUsage:
    """Wrong usage: exit status 2, said before anything is computed."""

    @pytest.fixture
    def good(self, tmp_path: Path) -> Path:
        write_wav(tmp_path / "good.wav")
        return tmp_path / "good.wav"

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (["--offset", "0.8", "--onset", "0.5"], "offset"),
            (["--offset", "0.9"], "offset"),
            (["--onset", "1.5"], "onset"),
            (["--onset", "nan"], "onset"),
            (["--onset", "-0.1"], "onset"),
            (["--onset", "high"], "--onset"),
            (["--min-speech", "-1"], "min_speech"),
            (["--min-silence", "-0.01"], "min_silence"),
            (["--pad-start", "-1"], "pad_start"),
            (["--pad-end", "inf"], "pad_end"),
            (["--max-speech", "0"], "max_speech"),
            (["--max-speech", "0.3", "--pad-start", "0.3"], "max_speech"),
            (["--preset", "podcast"], "podcast"),
            (["--format", "doc"], "doc"),
            (["-o", "a.doc"], "a.doc"),
            (["--channel", "0"], "'0'"),
            (["--channel", "left"], "'left'"),
            (["--dtype", "int24"], "int24"),
            (["--jobs", "0"], "jobs"),
            (["--rate", "0"], "rate"),
            (["--rate", "8000"], "give --raw"),
            (["--dtype", "float32"], "give --raw"),
            (["--from-file", "no/such/list"], "no/such/list"),
            (["--frobnicate"], "--frobnicate"),
        ],
    )
    def test_the_option_is_named(self, good: Path, arguments: list[str], named: str) -> None:
        result = detect(good, *arguments)
        assert_no_traceback(result)
        assert (result.exit_code, result.stdout) == (2, "")
        assert named in complaint("\n".join(x for x in result.stderr.splitlines() if x.startswith("Error")))

    def test_a_template_with_an_unknown_field(self, good: Path, tmp_path: Path) -> None:
        assert detect(good, "-o", tmp_path / "{nope}.txt").exit_code == 2

    def test_scores_with_an_unknown_extension(self, good: Path, tmp_path: Path) -> None:
        assert detect(good, "--scores", tmp_path / "scores.doc").exit_code == 2

    def test_no_input(self) -> None:
        result = detect()
        assert result.exit_code == 2
        assert "INPUT" in result.stderr

    def test_an_unknown_command(self) -> None:
        result = CliRunner().invoke(main, ["frobnicate"])
        assert result.exit_code == 2
        assert "frobnicate" in result.stderr

    @pytest.mark.parametrize(
        "wrong", [{"preset": "podcast"}, {"min_speach": 1}, {"onset": 0.2, "offset": 0.3}, {"pad_end": -1}]
    )
    def test_the_library_raises_setting_error(self, energy: Detector, wrong: dict[str, Any]) -> None:
        with pytest.raises(SettingError, match=str(next(iter(wrong.values()))) + "|min_speach"):
            energy.detect(SOUND, sample_rate=RATE, **wrong)

    def test_samples_need_a_rate_and_files_have_one(self, energy: Detector, good: Path) -> None:
        with pytest.raises(SettingError, match="sample_rate"):
            energy.detect(SOUND)
        with pytest.raises(SettingError, match="sample_rate"):
            energy.detect(good, sample_rate=RATE)


class TestNames:
    def test_control_characters_in_a_name_do_not_reach_the_terminal(self, tmp_path: Path) -> None:
        path = tmp_path / "\x1b[31mred\n.wav"
        path.touch()
        assert "\x1b" not in complaint(detect(path).stderr)
        write_wav(path)
        other = tmp_path / "other.wav"
        write_wav(other)
        result = detect(path, other)
        assert "\x1b" not in result.stdout
        assert len(result.stdout.splitlines()) == 2

    def test_control_characters_in_a_summary_do_not_reach_the_terminal(self, tmp_path: Path) -> None:
        path = tmp_path / "\x1b[31mred\n.wav"
        write_wav(path)
        result = detect(path, "--summary")
        assert result.exit_code == 0
        assert "\x1b" not in result.stdout
        assert len(result.stdout.splitlines()) == 1

    @pytest.mark.parametrize("how", [[], ["--summary"]], ids=["segments", "summary"])
    def test_a_name_that_is_not_unicode_is_done(self, tmp_path: Path, how: list[str]) -> None:
        path = tmp_path / os.fsdecode(b"caf\xe9.wav")
        try:
            path.touch()
        except OSError:
            pytest.skip("this file system has Unicode names only")
        write_wav(tmp_path / "a.wav")
        (tmp_path / "a.wav").replace(path)
        done = shell("detect", "--model", ENERGY, path, *how)
        assert (done.returncode, done.stderr) == (0, "")

    def test_a_name_that_standard_output_cannot_encode_is_done(self, tmp_path: Path) -> None:
        for name in ("ünï.wav", "b.wav"):
            write_wav(tmp_path / name)
        done = shell("detect", "--model", ENERGY, tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"})
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 2

    def test_a_name_with_a_null_byte_is_an_error_like_any_other(self, tmp_path: Path, energy: Detector) -> None:
        with pytest.raises(AudioError):
            energy.detect("a\0b.wav")

    @pytest.mark.parametrize(
        "content",
        [
            b"\xff\xfe\x00\n",
            b"caf\xe9.wav\n",
            b"a\0b.wav\n",
            b"*/\0[a]\n",
        ],
    )
    def test_a_list_of_inputs_that_is_no_list_is_an_error(self, tmp_path: Path, content: bytes) -> None:
        names = tmp_path / "list"
        names.write_bytes(content)
        result = detect("--from-file", names)
        assert_no_traceback(result)
        assert result.exit_code in (1, 2)

    def test_of_a_list_that_is_no_text_nothing_is_done(self, tmp_path: Path) -> None:
        write_wav(tmp_path / "good.wav")
        (tmp_path / "list").write_bytes(str(tmp_path).encode() + b"\na\0b\n")
        result = detect("--from-file", tmp_path / "list")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "'a\\x00b': is no name of a file" in result.stderr

    def test_bare_samples_without_raw_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.raw"
        path.write_bytes(SOUND.tobytes())
        result = detect(path)
        assert_no_traceback(result)
        assert str(path) in complaint(result.stderr)


def describe(**changes: Any) -> str:
    """The metadata of the model double, with changes."""
    thresholds = {"default": {"onset": 0.5, "offset": 0.35}}
    about = Description("strange", "1", LogMel(), thresholds, {}, {}).to_metadata()["vad"]
    return json.dumps({**json.loads(about), **changes})


def write_onnx(path: Path, metadata: dict[str, str], inputs: str = "features", shape: str = "scores") -> Path:
    """A network that takes the largest of 64 bands; `shape` says what is wrong with its scores."""
    onnx = pytest.importorskip("onnx", reason="onnx makes the models of this test")
    kind, helper = onnx.TensorProto.FLOAT, onnx.helper
    taken = helper.make_tensor_value_info(inputs, kind, ["window", "frame", 64])
    if shape == "scores":
        nodes, rank = [helper.make_node("ReduceMax", [inputs], ["loud"], axes=[2], keepdims=0)], 2
        nodes.append(helper.make_node("Sigmoid", ["loud"], ["scores"]))
    elif shape == "one per window":
        nodes, rank = [helper.make_node("ReduceMax", [inputs], ["scores"], axes=[1, 2], keepdims=0)], 1
    else:
        nodes, rank = [helper.make_node("Sigmoid", [inputs], ["scores"])], 3
    given_out = helper.make_tensor_value_info("scores", kind, [f"d{i}" for i in range(rank)])
    graph = helper.make_graph(nodes, "strange", [taken], [given_out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "tail cut": lambda content: content[:-30],
    "random": lambda content: np.random.default_rng(2).bytes(4000),
    "text": lambda content: b"This is not a model.\n" * 20,
    "zeros": lambda content: bytes(1000),
}


class TestModels:
    @pytest.mark.parametrize("damage", DAMAGED)
    @pytest.mark.parametrize("command", ["detect", "info"])
    def test_a_damaged_file_is_named(self, tmp_path: Path, damage: str, command: str) -> None:
        path, good = tmp_path / "model.onnx", tmp_path / "good.wav"
        path.write_bytes(DAMAGED[damage](ENERGY.read_bytes()))
        write_wav(good)
        arguments = ["info", path] if command == "info" else ["detect", "--model", path, good]
        result = CliRunner().invoke(main, [*map(str, arguments)])
        assert_no_traceback(result)
        assert (result.exit_code, result.stdout) == (1, "")
        assert str(path) in complaint(result.stderr)
        with pytest.raises(ModelError, match=re.escape(str(path))):
            Detector(path)

    def test_a_damaged_file_is_one_line_of_a_real_process(self, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(ENERGY.read_bytes()[:200])
        done = shell("info", path)
        assert (done.returncode, done.stdout) == (1, "")
        assert str(path) in complaint(done.stderr)

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(places=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
    def test_a_model_with_wrong_bytes_works_or_is_refused(
        self, tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]]
    ) -> None:
        content = bytearray(ENERGY.read_bytes())
        for where, value in places:
            content[where % len(content)] = value
        path = tmp_path_factory.getbasetemp() / "mutated.onnx"
        path.write_bytes(content)
        try:
            Detector(path).detect(SOUND, sample_rate=RATE)
        except VadError as error:
            assert len(str(error).splitlines()) == 1

    @pytest.mark.parametrize("name", ["no-such-model", "no/such/model.onnx", "../energy", "speech-1.onnx.bak"])
    def test_an_unknown_model_is_named_with_those_there_are(self, tmp_path: Path, name: str) -> None:
        write_wav(tmp_path / "good.wav")
        result = CliRunner().invoke(main, ["detect", "--model", name, str(tmp_path / "good.wav")])
        assert_no_traceback(result)
        assert (result.exit_code, result.stdout) == (1, "")
        assert re.search(rf"{re.escape(name)}: no such weights file.*model of the package", complaint(result.stderr))

    def test_a_folder_without_a_model_is_named(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(main, ["info", str(tmp_path)])
        assert_no_traceback(result)
        assert result.exit_code == 1
        assert f"{tmp_path}: a folder without model.onnx" in complaint(result.stderr)

    def test_a_folder_made_by_training_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / "model.onnx").write_bytes(ENERGY.read_bytes())
        assert Detector(tmp_path).description.name == "energy"

    @pytest.mark.parametrize("inputs", ["features", "mel"])
    def test_somebody_elses_network_is_not_ours(self, tmp_path: Path, inputs: str) -> None:
        path = write_onnx(tmp_path / "foreign.onnx", {"author": "somebody"}, inputs)
        result = CliRunner().invoke(main, ["info", str(path)])
        assert_no_traceback(result)
        assert result.exit_code == 1
        assert f"{path}: an ONNX file, but not a speech detector of this package" in complaint(result.stderr)

    def test_our_own_metadata_on_a_sound_network_is_taken(self, tmp_path: Path) -> None:
        path = write_onnx(tmp_path / "ours.onnx", {"vad": describe()})
        assert Detector(path).scores(SOUND, sample_rate=RATE).shape == (100,)

    def test_a_newer_format_says_so(self, tmp_path: Path) -> None:
        path = write_onnx(tmp_path / "newer.onnx", {"vad": describe(format=99)})
        with pytest.raises(ModelError, match="newer version"):
            Detector(path)

    @pytest.mark.parametrize(
        "metadata",
        [
            "",
            "not JSON",
            "[]",
            "null",
            "3",
            "{}",
            describe(format="one"),
            describe(format=None),
            describe(unknown=1),
            describe(features=None),
            pytest.param(
                describe(features={}),
            ),
            describe(thresholds=None),
            describe(thresholds={}),
            describe(thresholds={"default": {"onset": 0.5}}),
            describe(thresholds={"default": None}),
            describe(features={**LogMel().to_dict(), "hop": "wide"}),
        ],
    )
    def test_metadata_that_is_not_ours_is_refused(self, tmp_path: Path, metadata: str) -> None:
        path = write_onnx(tmp_path / "strange.onnx", {"vad": metadata})
        with pytest.raises(ModelError, match=r"strange\.onnx"):
            Detector(path)

    @pytest.mark.parametrize(
        "changes",
        [
            {"thresholds": {"default": {"onset": "high", "offset": 0.3}}},
            {"thresholds": {"default": ["onset", "offset"]}},
            {"thresholds": {"default": {"onset": 0.5, "offset": 0.3, "middle": 0.4}}},
            {"thresholds": {"default": {"onset": 0.5, "offset": None}}},
            {"thresholds": {"default": {"onset": 5, "offset": 0.3}}},
            {"thresholds": {"default": {"onset": 0.3, "offset": 0.5}}},
            {"features": {**LogMel().to_dict(), "hop": 160.5}},
            {"features": {**LogMel().to_dict(), "n_mels": 0}},
            {"features": {**LogMel().to_dict(), "n_mels": -1}},
            {"features": {**LogMel().to_dict(), "n_mels": "64"}},
            {"features": {**LogMel().to_dict(), "floor": "low"}},
            {"features": {**LogMel().to_dict(), "floor": None}},
            {"features": {**LogMel().to_dict(), "floor": 1e-300}},
            {"features": {**LogMel().to_dict(), "sample_rate": 16000.5}},
            {"features": {**LogMel().to_dict(), "window": 400.5}},
            {"features": {**LogMel().to_dict(), "hop": 0}},
            {"features": {**LogMel().to_dict(), "high": 9000}},
            {"features": {**LogMel().to_dict(), "n_mels": 40}},
        ],
        ids=lambda changes: json.dumps(changes)[:90],
    )
    def test_metadata_with_values_that_cannot_be_is_refused(self, tmp_path: Path, changes: dict[str, Any]) -> None:
        path = write_onnx(tmp_path / "strange.onnx", {"vad": describe(**changes)})
        with pytest.raises(ModelError, match=r"strange\.onnx"):
            Detector(path).detect(SOUND, sample_rate=RATE)

    @pytest.mark.parametrize("shape", ["one per window", "one per band"])
    def test_a_network_that_gives_no_score_per_frame_is_refused(self, tmp_path: Path, shape: str) -> None:
        path = write_onnx(tmp_path / "strange.onnx", {"vad": describe()}, shape=shape)
        with pytest.raises(ModelError):
            Detector(path).detect(SOUND, sample_rate=RATE)


class TestOutput:
    @pytest.fixture
    def good(self, tmp_path: Path) -> Path:
        write_wav(tmp_path / "good.wav")
        return tmp_path / "good.wav"

    @full
    @pytest.mark.parametrize("how", [["-o", "/dev/full"], ["-f", "json"], ["--summary"]])
    def test_a_full_disk_is_one_line(self, good: Path, how: list[str]) -> None:
        with open("/dev/full", "w") as out:
            done = shell("detect", "--model", ENERGY, good, *how, stdout=out if "-o" not in how else subprocess.PIPE)
        assert "No space left" in complaint(done.stderr)
        assert done.returncode == 1

    @full
    def test_a_full_disk_is_one_line_of_info(self) -> None:
        with open("/dev/full", "w") as out:
            done = shell("info", ENERGY, stdout=out)
        assert "No space left" in complaint(done.stderr)
        assert done.returncode == 1

    @pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
    @pytest.mark.parametrize("how", [[], ["-f", "json"], ["--summary"], ["-j", "2"]], ids=" ".join)
    def test_a_reader_that_goes_away_is_no_error(self, good: Path, tmp_path: Path, how: list[str]) -> None:
        other = tmp_path / "other.wav"
        write_wav(other)
        arguments = [str(COMMAND), "detect", "--model", str(ENERGY), str(good), str(other), *how]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout and process.stderr
            process.stdout.close()  # as `head` does, only earlier
            assert process.stderr.read() == ""
            process.wait(60)
        assert process.returncode in (0, 1, -13)

    @pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
    def test_head_takes_what_it_wants(self, good: Path) -> None:
        line = f"'{COMMAND}' detect --model '{ENERGY}' '{good}' | head -c1"
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True)
        assert (done.stdout, done.stderr) == ("0", "")

    @pytest.mark.parametrize("target", ["good.wav/out.txt", "good.wav/{stem}.txt"])
    def test_a_place_that_cannot_be_written_is_one_line(self, good: Path, tmp_path: Path, target: str) -> None:
        result = detect(good, "-o", tmp_path / target)
        assert_no_traceback(result)
        assert result.exit_code == 1
        assert "good.wav" in complaint(result.stderr)

    def test_a_failed_write_leaves_the_earlier_file_alone(self, tmp_path: Path) -> None:
        out = tmp_path / "out.txt"
        out.write_text("precious")
        result = detect(tmp_path / "missing.wav", "-o", out, "--onset", "2")
        assert result.exit_code == 2
        assert out.read_text() == "precious"

    def test_when_no_input_could_be_read_the_earlier_file_is_left_alone(self, tmp_path: Path) -> None:
        out = tmp_path / "out.json"
        out.write_text("[]")
        result = detect(tmp_path / "missing.wav", "-o", out)
        assert result.exit_code == 1
        assert json.loads(out.read_text()) == []

    def test_two_recordings_never_share_a_file_unnoticed(self, tmp_path: Path) -> None:
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            write_wav(tmp_path / folder / "same.wav")
        one, other = tmp_path / "a" / "same.wav", tmp_path / "b" / "same.wav"
        result = detect(one, other, "-o", tmp_path / "out")
        assert result.exit_code == 1
        assert str(other) in complaint(result.stderr)
        assert (tmp_path / "out" / "same.txt").read_text().endswith(GOOD)

    def test_two_recordings_never_share_a_file_of_scores_unnoticed(self, tmp_path: Path, good: Path) -> None:
        other = tmp_path / "other.wav"
        write_wav(other)
        result = detect(good, other, "--scores", tmp_path / "scores.npz")
        assert result.exit_code in (1, 2)
        assert "scores" in complaint(result.stderr)

    def test_channels_never_share_a_file_of_scores_unnoticed(self, tmp_path: Path) -> None:
        path = tmp_path / "stereo.wav"
        write_wav(path, np.stack([SOUND, SOUND], 1))
        result = detect(path, "--channel", "each", "--scores", tmp_path / "scores.npz")
        assert result.exit_code in (1, 2)
        assert "scores" in complaint(result.stderr)

    @pytest.mark.parametrize(
        "template",
        [
            "out.srt",
            pytest.param("{stem}.txt"),
        ],
    )
    def test_channels_never_share_a_file_of_labels_unnoticed(self, tmp_path: Path, template: str) -> None:
        path = tmp_path / "stereo.wav"
        write_wav(path, np.stack([SOUND, np.zeros_like(SOUND)], 1))
        result = detect(path, "--channel", "each", "-o", tmp_path / template)
        assert result.exit_code in (1, 2)
        assert "channel" in complaint(result.stderr)


class TestProcess:
    """What only a process of its own shows: decoders in C that talk past Python, and the exit."""

    def test_the_good_is_written_though_the_bad_fails(self, tmp_path: Path) -> None:
        good, bad = tmp_path / "good.wav", tmp_path / "bad.wav"
        write_wav(good)
        bad.write_text("no sound")
        done = shell("detect", "--model", ENERGY, bad, good, tmp_path / "missing.wav")
        assert done.returncode == 1
        assert done.stdout == f"{good}\t{GOOD}"
        first, second = done.stderr.splitlines()
        assert first.startswith(f"Error: {bad}: not a sound file")
        assert second.startswith(f"Error: {tmp_path / 'missing.wav'}: No such file")

    @pytest.mark.parametrize("content", [b"", b"no sound at all\n" * 100])
    def test_standard_input_without_sound_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "in").write_bytes(content)
        with (tmp_path / "in").open() as given_in:
            done = shell("detect", "--model", ENERGY, "-", stdin=given_in)
        assert (done.returncode, done.stdout) == (1, "")
        assert "stdin" in complaint(done.stderr)

    def test_no_bare_samples_are_no_speech(self) -> None:
        done = shell("detect", "--model", ENERGY, "--raw", "-")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    @pytest.mark.parametrize(
        "kind",
        [
            "flac",
            pytest.param("mp3"),
            "ogg",
            "m4a",
        ],
    )
    def test_a_truncated_file_is_talked_of_by_us_alone(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / f"half.{kind}"
        content = encoded(kind)
        path.write_bytes(content[: len(content) // 2])
        done = shell("detect", "--model", ENERGY, path)
        assert done.returncode in (0, 1)
        assert all(line.startswith((f"Error: {path}", f"Warning: {path}")) for line in done.stderr.splitlines())

    def test_garbage_is_talked_of_by_us_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "garbage.mp3"
        path.write_bytes(np.random.default_rng(3).bytes(1000))
        done = shell("detect", "--model", ENERGY, path)
        assert done.returncode == 1
        assert str(path) in complaint(done.stderr)


def test_ctrl_c_ends_even_a_read_that_waits() -> None:
    command = [str(COMMAND), "detect", "--model", str(ENERGY), "-", "--raw", "--verbose"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"energy.onnx" in process.stderr.readline()  # it is about to read
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stderr.split() == [b"Aborted!"]
