"""No command replaces a file that exists, unless it is told to by --force."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import DOUBLE, Write, invoke
from vad.atomic import check_free
from vad.errors import FormatError

BEFORE = "the work of hours"


@pytest.fixture
def home(write_bursts: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a recording, its reference, a time map, and labels of the trimmed file."""
    write_bursts("a.wav", (1, 2), (2.4, 2.8))
    (tmp_path / "a.tsv").write_text("1.0\t2.0\n2.4\t2.8\n")
    (tmp_path / "b.tsv").write_text("0.2\t0.8\n")
    monkeypatch.chdir(tmp_path)
    invoke("trim", *DOUBLE, "a.wav", "-o", "cut/short.wav")
    return tmp_path


COMMANDS = [
    (("detect", *DOUBLE, "a.wav", "-o", "x.srt"), "x.srt"),
    (("detect", *DOUBLE, "a.wav", "--scores", "x.npz"), "x.npz"),
    (("detect", *DOUBLE, "a.wav", "--scores", "out"), "out/a.npz"),
    (("convert", "a.tsv", "x.srt"), "x.srt"),
    (("convert", "a.tsv", "out", "--to", "rttm"), "out/a.rttm"),
    (("remap", "b.tsv", "cut/short.map.json", "-o", "x.srt"), "x.srt"),
    (("split", *DOUBLE, "a.wav", "-o", "x-{number}.wav"), "x-2.wav"),
    (("trim", *DOUBLE, "a.wav", "-o", "x.wav"), "x.wav"),
    (("trim", *DOUBLE, "a.wav", "-o", "x.wav"), "x.map.json"),
    (("plot", *DOUBLE, "a.wav", "-o", "x.png"), "x.png"),
    (("evaluate", *DOUBLE, "--audio", "a.wav", "-o", "x.csv", "-f", "csv"), "x.csv"),
    (("evaluate", *DOUBLE, "--audio", "a.wav", "--report", "x.html"), "x.html"),
    (("tune", *DOUBLE, "a.wav", "--write", "x.onnx"), "x.onnx"),
    (("tune", *DOUBLE, "a.wav", "--plot", "x.png"), "x.png"),
    (("export", "-o", "x.onnx"), "x.onnx"),
    (("stream", *DOUBLE, "a.wav", "--save-all", "x.wav"), "x.wav"),
    (("data", "label", *DOUBLE, "a.wav", "-o", "x.rttm"), "x.rttm"),
]


@pytest.mark.parametrize(("arguments", "target"), COMMANDS, ids=[f"{a[0]} {a[-1]} {t}" for a, t in COMMANDS])
def test_a_file_that_exists_is_kept_without_force(home: Path, arguments: tuple[str, ...], target: str) -> None:
    path = home / target
    path.parent.mkdir(exist_ok=True)
    path.write_text(BEFORE)
    done = invoke(*arguments, status=1)
    assert f"Error: {target}: exists; name another place, or replace it with --force" in done.stderr
    assert path.read_text() == BEFORE
    invoke(*arguments, "--force")
    assert path.read_bytes() != BEFORE.encode()


def test_a_folder_that_holds_some_of_the_labels_is_refused_before_the_work(home: Path, write_bursts: Write) -> None:
    write_bursts("b.wav", (1, 2))
    (home / "out").mkdir()
    (home / "out" / "b.txt").write_text(BEFORE)
    done = invoke("detect", *DOUBLE, "a.wav", "b.wav", "-o", "out", status=2)
    assert (
        "out: holds the output of 1 of 2 inputs, like b.wav; --resume leaves them out, --force replaces" in done.stderr
    )
    assert [path.name for path in (home / "out").iterdir()] == ["b.txt"]
    invoke("detect", *DOUBLE, "a.wav", "b.wav", "-o", "out", "--resume")
    assert (home / "out" / "b.txt").read_text() == BEFORE and (home / "out" / "a.txt").exists()
    invoke("detect", *DOUBLE, "a.wav", "b.wav", "-o", "out", "--force")
    assert (home / "out" / "b.txt").read_text() == (home / "out" / "a.txt").read_text().splitlines(True)[0]


def test_what_holds_nothing_is_written_to(tmp_path: Path) -> None:
    for path in (Path("-"), Path("/dev/null"), tmp_path, tmp_path / "new"):
        check_free(path)
    (tmp_path / "empty").touch()
    with pytest.raises(FormatError):
        check_free(tmp_path / "empty")
