"""Wrong options and odd file names: one clear line, before anything is computed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conftest import COMMAND, DOUBLE, RATE, ROOT, SEGMENT_OF_SOUND, SOUND, detect, error_line, invoke, run, write_wav
from vad import AudioError, Detector, SettingError


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
            (["--min-speech", "-1"], "--min-speech="),
            (["--min-silence", "-0.01"], "--min-silence="),
            (["--pad-start", "-1"], "--pad-start="),
            (["--pad-end", "inf"], "--pad-end="),
            (["--max-speech", "0"], "--max-speech="),
            (["--max-speech", "0.3", "--pad-start", "0.3"], "--max-speech="),
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
            (["--summary", "--format", "csv"], "--summary: stands in place of the segments"),
            ([""], "an input without a name"),
        ],
    )
    def test_the_option_is_named(self, good: Path, arguments: list[str], named: str) -> None:
        result = detect(good, *arguments, status=2)
        assert result.stdout == ""
        assert named in error_line("\n".join(x for x in result.stderr.splitlines() if x.startswith("Error")))

    def test_a_template_with_an_unknown_field(self, good: Path, tmp_path: Path) -> None:
        detect(good, "-o", tmp_path / "{nope}.txt", status=2)

    def test_scores_with_an_unknown_extension(self, good: Path, tmp_path: Path) -> None:
        detect(good, "--scores", tmp_path / "scores.doc", status=2)

    def test_no_input(self) -> None:
        result = detect(status=2)
        assert "INPUT" in result.stderr

    def test_an_unknown_command(self) -> None:
        result = invoke("frobnicate", status=2)
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
        assert "\x1b" not in error_line(detect(path, status=1).stderr)
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
        done = run("detect", *DOUBLE, path, *how)
        assert done.stderr == ""

    def test_a_name_that_standard_output_cannot_encode_is_done(self, tmp_path: Path) -> None:
        for name in ("ünï.wav", "b.wav"):
            write_wav(tmp_path / name)
        done = run("detect", *DOUBLE, tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"})
        assert done.stderr == ""
        assert len(done.stdout.splitlines()) == 2

    def test_a_name_with_a_null_byte_is_an_error_like_any_other(self, tmp_path: Path, energy: Detector) -> None:
        with pytest.raises(AudioError):
            energy.detect("a\0b.wav")

    @pytest.mark.parametrize(
        ("content", "status"),
        [(b"\xff\xfe\x00\n", 2), (b"caf\xe9.wav\n", 1), (b"a\0b.wav\n", 2), (b"*/\0[a]\n", 2)],
    )
    def test_a_list_of_inputs_that_is_no_list_is_an_error(self, tmp_path: Path, content: bytes, status: int) -> None:
        names = tmp_path / "list"
        names.write_bytes(content)
        assert error_line(detect("--from-file", names, status=status).stderr.splitlines()[-1])

    def test_of_a_list_that_is_no_text_nothing_is_done(self, tmp_path: Path) -> None:
        write_wav(tmp_path / "good.wav")
        (tmp_path / "list").write_bytes(str(tmp_path).encode() + b"\na\0b\n")
        result = detect("--from-file", tmp_path / "list", status=2)
        assert result.stdout == ""
        assert "'a\\x00b': not a file name" in result.stderr

    def test_bare_samples_without_raw_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.raw"
        path.write_bytes(SOUND.tobytes())
        result = detect(path, status=1)
        assert str(path) in error_line(result.stderr)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train", "-o", "{0}/file", "--audio", "{0}"), "--output {0}/file: is a file"),
        (("train", "-o", "{0}/out", "--audio", "{0}", "--noise", "{0}/nope"), "--noise {0}/nope: does not exist"),
        (("train", "-o", "{0}/out", "--audio", "{0}", "--corpus", "{0}"), "Give either --audio or --corpus"),
        (
            ("train", "-o", "{0}/out", "--audio", "{0}", "--dev-share", "0.5"),
            "--dev-share: chooses dev recordings for a",
        ),
        (
            ("train", "-o", "{0}/out", "--corpus", "{0}", "r.toml", "--seed", "2"),
            "--seed: belongs to --audio; a corpus",
        ),
        (
            ("train", str(ROOT / "recipes/mini/recipe.toml"), "-o", "{0}/out", "--audio", "{0}", "--keep-anyway"),
            "--keep-anyway: is for adapting a model, without a RECIPE",
        ),
        (("stream", "{0}/file", "--exec-timeout", "3"), "--exec-timeout: ends what --exec runs"),
        (("evaluate", "--audio", "{0}", "--audio", "{0}"), "--audio: given 2 times; only one is possible"),
        (("stream", "{0}/file", "--exec", "true", "--exec-timeout", "-1"), "--exec-timeout=-1: give seconds above 0"),
        (("evaluate", "--audio", "{0}", "--step", "3"), "--step: divides the numbers of a column"),
    ],
)
def test_options_that_do_not_go_together(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = invoke(*(argument.format(tmp_path) for argument in arguments), status=2)
    assert says.format(tmp_path) in refused.stderr and not (tmp_path / "out").exists()


def test_a_closed_standard_output_is_an_error_where_it_is_used(tmp_path: Path) -> None:
    write_wav(tmp_path / "good.wav")
    command = " ".join([str(COMMAND), "detect", *map(str, DOUBLE), str(tmp_path / "good.wav")])
    for more, status, message in (("", 1, "standard output: cannot be written"), (f"-o {tmp_path}/a.txt", 0, "")):
        done = subprocess.run(f"{command} {more} >&-", shell=True, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == status and message in done.stderr and "Traceback" not in done.stderr
    assert (tmp_path / "a.txt").read_text()


@pytest.mark.skipif(os.name != "posix", reason="streams closed as a POSIX shell closes them")
@pytest.mark.parametrize("command", ["detect -", "stream -", "stream - --raw", "plot - -o a.png"])
def test_a_closed_standard_input_is_an_error_of_one_line(tmp_path: Path, command: str) -> None:
    command = " ".join([str(COMMAND), command, *map(str, DOUBLE)])
    done = subprocess.run(f"{command} <&-", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("Error: stdin: ")
    assert "Bad file descriptor" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="streams closed as a POSIX shell closes them")
@pytest.mark.parametrize("command", ["detect", "stream -f text"])
def test_where_standard_error_is_closed_the_result_is_the_same(tmp_path: Path, command: str) -> None:
    path = write_wav(tmp_path / "good.wav")
    command = " ".join([str(COMMAND), command, *map(str, DOUBLE), str(path)])
    done = subprocess.run(f"{command} 2>&-", shell=True, stdout=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, SEGMENT_OF_SOUND)
