"""What may happen to a machine while the program runs, and what is promised all the same; the table is in README.md."""

from __future__ import annotations

import ast
import io
import json
import random
import resource
import signal
import subprocess
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from conftest import COMMAND, DOUBLE, ENERGY, RATE, ROOT, bursts, start, write_wav
from vad import AudioError, Detector, ModelError
from vad.atomic import replacing, scratch
from vad.audio.decode import AudioWarning, open_sound
from vad.batch.inputs import Input
from vad.batch.task import Analysis
from vad.settings import Raw, Segmentation

SIGNALS = [signal.SIGTERM, signal.SIGKILL]
SPANS = [(0.2 + 0.5 * n, 0.5 + 0.5 * n) for n in range(60)]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute with sixty utterances."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, bursts(*SPANS, seconds=31), RATE)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty short recordings."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(20):
        soundfile.write(folder / f"{number:02}.wav", bursts((0.1, 0.2 + number / 30), seconds=1), RATE)
    return folder


def end(process: subprocess.Popen[bytes], status: int = 0) -> str:
    """Standard error of a run to its end."""
    with process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == status, said
    assert b"Traceback" not in said
    return said.decode()


def files(folder: Path) -> dict[str, bytes]:
    """All files and what they hold, but for what nobody has finished."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith(".vad-")}


def kill(process: subprocess.Popen[bytes], out: Path, number: int, chance: random.Random) -> None:
    """End a process at some instant after it has begun to write to `out`."""
    until = time.monotonic() + 120
    before = len(list(out.glob("*")))
    while process.poll() is None and time.monotonic() < until and len(list(out.glob("*"))) <= before:
        time.sleep(0.001)
    assert process.poll() is None or out.exists(), process.communicate()
    time.sleep(chance.random() / 50)
    process.send_signal(number)
    process.communicate(timeout=60)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
class TestKilled:
    def test_detect_leaves_whole_files_and_the_next_run_does_the_rest(
        self, folder: Path, tmp_path: Path, number: signal.Signals
    ) -> None:
        whole, cut, chance = tmp_path / "whole", tmp_path / "cut", random.Random(number)
        end(start("detect", folder, "-j", "1", "-o", whole, *DOUBLE))
        for _ in range(2):
            kill(start("detect", folder, "-j", "1", "-o", cut, "--resume", *DOUBLE), cut, number, chance)
            assert files(cut).items() <= files(whole).items()
        end(start("detect", folder, "-o", cut, "--resume", *DOUBLE))
        assert files(cut) == files(whole)
        assert not list(cut.glob(".vad-*"))

    def test_split_leaves_whole_files_and_the_next_run_does_all(
        self, long: Path, tmp_path: Path, number: signal.Signals
    ) -> None:
        whole, cut, chance = tmp_path / "whole", tmp_path / "cut", random.Random(number)
        end(start("split", long, "-o", whole, *DOUBLE))
        assert len(files(whole)) == len(SPANS)
        kill(start("split", long, "-o", cut, *DOUBLE), cut, number, chance)
        assert files(cut).items() <= files(whole).items()
        end(start("split", long, "-o", cut, "--force", *DOUBLE))
        assert files(cut) == files(whole)
        assert not list(cut.glob(".vad-*"))

    def test_stream_leaves_whole_utterances_and_whole_lines(
        self, long: Path, tmp_path: Path, number: signal.Signals
    ) -> None:
        out, events, everything = tmp_path / "out", tmp_path / "events", tmp_path / "all.wav"
        with events.open("wb") as stdout:
            how = ("stream", long, "--save", out, "--save-all", everything, "--pad-start", "0")
            kill(start(*how, *DOUBLE, stdout=stdout), out, number, random.Random(number))
        lines = events.read_bytes().split(b"\n")
        said = [json.loads(line) for line in lines[:-1]]  # each is whole
        assert lines[-1] == b""
        for event in said:
            if event["event"] == "end":  # what was said to be saved is
                assert Path(event["file"]).is_file()
        for name in files(out):
            last = number == signal.SIGTERM and name == max(files(out))  # a stream that is told to end, ends well
            assert (0 if last else 0.31) < soundfile.info(out / name).duration < 0.34
        before = open_sound(long)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AudioWarning)  # whoever is killed leaves a header without a length
            assert 0 < sum(map(len, open_sound(everything).native_blocks())) <= (before.length or 0)
        end(start("stream", long, "--save", out, "--force", *DOUBLE))
        assert len([name for name in files(out) if name.startswith("0060")]) == 1
        assert not list(out.glob(".vad-*"))


class TestDisk:
    @pytest.mark.parametrize(
        ("how", "limit"), [(["detect", "--scores", "scores"], 300), (["split"], 5_000), (["stream", "--save"], 5_000)]
    )
    def test_one_that_is_full_costs_lines_and_leaves_nothing_half_written(
        self, folder: Path, tmp_path: Path, how: list[str], limit: int
    ) -> None:
        """Files that may not grow are as good as a full disk."""
        out = tmp_path / "out"
        source = folder / "19.wav" if how[0] == "stream" else folder
        target = [out] if how[0] == "stream" else ["-o", out]
        process = start(
            *(how[0], source, *how[1:], *target),
            *DOUBLE,
            cwd=tmp_path,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        said = end(process, 1)
        assert all(line.startswith(("Error: ", "Warning: ")) or "latency" in line for line in said.splitlines()), said
        assert "File too large" in said or "cannot be written" in said
        for place in (out, tmp_path / "scores"):
            for path in place.glob("*") if place.exists() else []:
                assert not path.name.startswith(".vad-")
                assert path.stat().st_size < limit


class TestNames:
    @pytest.mark.parametrize(
        "how",
        [
            ["detect", "-f", "textgrid", "-o", "out"],
            ["detect", "-f", "textgrid", "-o", "out", "--jobs", "2"],
            ["detect", "-o", "out", "-f", "textgrid", "--resume"],
            ["detect", "-o", "out/{stem}.speech.json"],
            ["detect", "--scores", "out/{stem}.scores.npz"],
            ["split", "-o", "out"],
            ["split", "-o", "out", "--jobs", "2"],
            ["trim", "-o", "out"],
        ],
        ids=" ".join,
    )
    def test_one_that_is_too_long_costs_its_recording_alone(self, tmp_path: Path, how: list[str]) -> None:
        """The name of the recording is as long as it can be, that of the output longer."""
        (tmp_path / "in").mkdir()
        for name in ("a" * 251 + ".wav", "z.wav"):
            write_wav(tmp_path / "in" / name)
        said = end(start(*how[:1], "in", *how[1:], *DOUBLE, cwd=tmp_path), 1)
        assert len(said.splitlines()) == 1 and "File name too long" in said
        assert [name for name in files(tmp_path / "out") if name.startswith("z")]

    def test_labels_are_converted_for_all_others(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        for name in ("a" * 251 + ".txt", "z.txt"):
            (tmp_path / "in" / name).write_text("1 2 speech\n")
        said = end(start("convert", "in", "out", "--to", "textgrid", cwd=tmp_path), 1)
        assert len(said.splitlines()) == 1 and "File name too long" in said
        assert list(files(tmp_path / "out")) == ["z.TextGrid"]


class TestReading:
    class Failing(io.BytesIO):
        """A file of which a part cannot be read."""

        name = "failing"

        def __init__(self, content: bytes, good: int) -> None:
            super().__init__(content)
            self._good = good

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= self._good:
                raise OSError(5, "Input/output error")
            return super().read(min(size or 0, self._good - self.tell()))

    @pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3", "OGG", "raw"])
    def test_what_came_before_an_error_is_used_and_the_error_is_said(
        self, energy: Detector, kind: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        samples = np.tile(bursts((0.2, 0.8), seconds=1), 20)
        content = io.BytesIO()
        if kind == "raw":
            content.write((samples * 32767).astype("<i2").tobytes())
        else:
            soundfile.write(content, samples, RATE, format=kind)
        file = self.Failing(content.getvalue(), len(content.getvalue()) // 2)
        sound = open_sound(file, Raw() if kind == "raw" else None)
        with pytest.warns(AudioWarning, match="failing: damaged, .*Input/output error"):
            (found,) = energy.analyse(sound, energy.settings())
        assert 4 < found.duration < 12
        assert len(found.segments) == pytest.approx(found.duration, abs=1)
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize("raw", [None, Raw()])
    def test_nothing_that_can_be_read_is_one_error(self, raw: Raw | None) -> None:
        with pytest.raises(AudioError, match=r"failing: .*Input/output error"):
            list(open_sound(self.Failing(bytes(1000), 0), raw).native_blocks())


class TestModel:
    @pytest.mark.parametrize("how", ["removed", "emptied", "overwritten"])
    def test_one_that_is_replaced_while_in_use_stays_what_it_was(self, tmp_path: Path, how: str) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(ENERGY.read_bytes())
        detector = Detector(path)
        if how == "removed":
            path.unlink()
        else:
            path.write_bytes(b"" if how == "emptied" else bytes(len(ENERGY.read_bytes())))
        sound = bursts((0.2, 0.8), seconds=1)
        assert detector.detect(sound, sample_rate=RATE) == Detector(ENERGY).detect(sound, sample_rate=RATE)

    def test_other_processes_do_not_go_on_with_another(self, folder: Path, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(ENERGY.read_bytes())
        task = Analysis(str(path), Segmentation())
        assert task(Input(str(folder / "10.wav"), Path("10.wav")))
        object.__setattr__(task, "digest", "that of another")
        with pytest.raises(ModelError, match="has been replaced"):
            task(Input(str(folder / "10.wav"), Path("10.wav")))


class TestTwoAtOnce:
    @pytest.mark.parametrize("target", ["out", "all.csv"])
    def test_all_outputs_are_whole(self, folder: Path, tmp_path: Path, target: str) -> None:
        """Of two that make one file of many, one may be told to wait for the other."""
        place, alone = tmp_path / "two" / target, tmp_path / "one" / target
        end(start("detect", folder, "-o", alone, *DOUBLE))
        processes = [start("detect", folder, "-o", place, "--force", *DOUBLE) for _ in range(2)]
        ends = []
        for process in processes:
            _, said = process.communicate(timeout=120)
            ends.append(process.returncode)
            assert process.returncode == 0 or b"unfinished" in said, said
        assert 0 in ends
        if target == "out":
            assert files(place) == files(alone)
        else:
            assert place.read_bytes() == alone.read_bytes()
        assert not list(place.parent.rglob(".vad-*"))

    def test_the_last_to_finish_wins_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        with replacing(path) as first, replacing(path) as second:
            first.write(b"first " * 1000)
            second.write(b"second")
        assert path.read_bytes() == b"first " * 1000

    def test_a_scratch_file_of_the_living_is_spared_and_of_the_dead_is_not(self, tmp_path: Path) -> None:
        command = f"from pathlib import Path; from vad.atomic import scratch; scratch(Path({str(tmp_path)!r}))"
        subprocess.run([COMMAND.with_name("python"), "-c", f"{command}; import os; os._exit(0)"], check=True)
        (dead,) = tmp_path.iterdir()
        with scratch(tmp_path) as file:
            assert not dead.exists()
            subprocess.run([COMMAND.with_name("python"), "-c", f"{command}.close()"], check=True)
            assert Path(file.name).exists()


def test_no_duration_is_taken_from_a_clock_that_may_jump() -> None:
    """The time of day is written down, and nowhere reckoned with."""
    uses = []
    for path in [*ROOT.glob("vad/**/*.py"), *ROOT.glob("cli/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name = f"{node.value.id}.{node.attr}"
                if name in ("time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today"):
                    uses.append(f"{path.relative_to(ROOT)}: {name}")
    stamps = {f"vad/{name}.py: datetime.now" for name in ("live/writer", "formats/elan", "review/journal")}
    assert set(uses) <= stamps, set(uses) - stamps
