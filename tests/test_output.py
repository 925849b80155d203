"""Places that results go to (`vad.batch.output`), and recordings that names stand for (`vad.batch.inputs`)."""

from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vad.atomic import replacing, write
from vad.batch.inputs import Input, find
from vad.batch.naming import is_folder, is_template, name_output
from vad.batch.output import ManyFiles, OneFile, check_scores_target, open_output, write_scores
from vad.detector import Detection
from vad.errors import AudioError, FormatError, SettingError, VadError
from vad.formats import FORMATS, Document
from vad.segments import Segment

MANY = [name for name, kind in FORMATS.items() if kind.many]
SINGLE = [name for name, kind in FORMATS.items() if not kind.many]


def source(path: str, relative: str | None = None) -> Input:
    return Input(path, Path(relative or Path(path).name))


def document(name: str, channel: int | None = None, shared: bool = True) -> Document:
    return Document(name, channel, 3.0, [Segment(1.0, 2.0)], shared=shared)


def detection(channel: int | None = None) -> Detection:
    return Detection("a.wav", channel, 0.03, [], np.array([0.25, 0.5, 1.0], np.float32))


def files(folder: Path) -> list[str]:
    """Everything in `folder` that is no folder, hidden files included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def one_line(error: pytest.ExceptionInfo[VadError], *parts: str) -> None:
    message = str(error.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message


# One file or standard output


def test_standard_output_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with open_output(None, FORMATS["text"], True) as output:
        output.write(source("a.wav"), [document("a.wav")])
        output.write(source("b.wav"), [document("b.wav")])
    assert capsys.readouterr().out == "a.wav\t1.000\t2.000\nb.wav\t1.000\t2.000\n"


def test_results_are_handed_on_as_they_come() -> None:
    pipe = io.BytesIO()
    output = OneFile(io.TextIOWrapper(pipe, "utf-8"), FORMATS["text"], several=False)
    output.write(source("a.wav"), [document("a.wav", shared=False)])
    assert pipe.getvalue() == b"1.000\t2.000\n"


def test_one_file_holds_all_recordings_under_one_head(tmp_path: Path) -> None:
    target = tmp_path / "new" / "all.csv"
    with open_output(str(target), FORMATS["csv"], True) as output:
        output.write(source("a.wav"), [document("a.wav", 1), document("a.wav", 2)])
        output.write(source("\xe9.wav"), [document("\xe9.wav")])
    assert target.read_bytes().decode("utf-8").split("\n") == [
        "file,channel,start,end,duration,label,speaker,score",
        "a.wav,1,1.000,2.000,1.000,speech,,",
        "a.wav,2,1.000,2.000,1.000,speech,,",
        "\xe9.wav,,1.000,2.000,1.000,speech,,",
        "",
    ]
    assert files(tmp_path) == ["new/all.csv"]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_json_of_several_recordings_is_one_array(count: int) -> None:
    text = io.StringIO()
    output = OneFile(text, FORMATS["json"], several=True)
    for number in range(count):
        output.write(source("a.wav"), [document(f"{number}.wav")])
    output.close()
    assert [entry["file"] for entry in json.loads(text.getvalue())] == [f"{number}.wav" for number in range(count)]


def test_json_of_one_recording_is_one_object(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    with open_output(str(target), FORMATS["json"], False) as output:
        output.write(source("a.wav"), [document("a.wav")])
    assert json.loads(target.read_text())["file"] == "a.wav"


def test_json_of_several_channels_of_one_recording_opens(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    with open_output(str(target), FORMATS["json"], True) as output:
        output.write(source("a.wav"), [document("a.wav", 1), document("a.wav", 2)])
    assert [entry["channel"] for entry in json.loads(target.read_text())] == [1, 2]


def test_where_no_recording_could_be_read_an_earlier_file_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "all.csv"
    target.write_text("before")
    with open_output(str(target), FORMATS["csv"], True, force=True):
        pass
    assert target.read_text() == "before"
    assert files(tmp_path) == ["all.csv"]


@pytest.mark.parametrize("kind", SINGLE)
@pytest.mark.parametrize("target", [None, "all.x"])
def test_formats_of_one_recording_refuse_several_in_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, target: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError) as caught, open_output(target, FORMATS[kind], True):
        pass
    one_line(caught, kind, "name a folder")
    assert files(tmp_path) == []


@pytest.mark.parametrize("kind", SINGLE)
@pytest.mark.parametrize("target", ["labels", "{stem}.labels"])
def test_formats_of_one_recording_take_several_in_files_of_their_own(tmp_path: Path, kind: str, target: str) -> None:
    with open_output(str(tmp_path / target), FORMATS[kind], True) as output:
        output.write(source("a.wav"), [document("a.wav")])
        output.write(source("b.wav"), [document("b.wav")])
    assert len(files(tmp_path)) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line() -> None:
    with pytest.raises(FormatError) as caught, open_output("/dev/full", FORMATS["csv"], False) as output:
        output.write(source("a.wav"), [document("a.wav")])
    one_line(caught, "/dev/full: cannot be written (No space left on device)")
    with pytest.raises(FormatError) as caught, open_output("/dev/full", FORMATS["csv"], False):
        pass
    one_line(caught, "/dev/full: cannot be written (No space left on device)")


def test_a_closed_pipe_is_no_format_error() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        OneFile(Closed(), FORMATS["text"], False).write(source("a.wav"), [document("a.wav")])


def test_a_place_where_nothing_can_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("old")
    for target in ("file.txt/a.csv", "file.txt/{stem}.csv", "file.txt/folder/"):
        with pytest.raises(FormatError) as caught, open_output(str(tmp_path / target), FORMATS["csv"], False) as output:
            output.write(source("a.wav"), [document("a.wav")])
        one_line(caught, "file.txt", "cannot be written")
    assert files(tmp_path) == ["file.txt"]
    assert (tmp_path / "file.txt").read_text() == "old"


# A file is replaced when the new one is complete


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as file:
        file.write(b"half of the n")
        file.flush()
        assert path.read_bytes() == b"old"
        raise error
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["a.csv"]


def test_a_failure_leaves_no_file_where_there_was_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError), replacing(tmp_path / "a.csv") as file:
        file.write(b"half")
        raise ValueError
    assert files(tmp_path) == []


def test_a_complete_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old and longer")
    with replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert files(tmp_path) == ["a.csv"]


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    with replacing(tmp_path / "x" / "y" / "a.csv") as file:
        file.write(b"new")
    assert files(tmp_path) == ["x/y/a.csv"]


def test_a_dash_is_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("-"), b"\x00new")
    assert capfd.readouterr().out == "\0new"
    assert files(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_is_one_line_that_names_the_file() -> None:
    with pytest.raises(FormatError) as caught:
        write(Path("/dev/full"), b"new")
    one_line(caught, "/dev/full: cannot be written", "space")


def test_an_interrupted_run_leaves_the_old_labels(tmp_path: Path) -> None:
    target = tmp_path / "all.json"
    target.write_text("[]")
    opened = open_output(str(target), FORMATS["json"], True, force=True)
    with pytest.raises(KeyboardInterrupt), opened as output:
        output.write(source("a.wav"), [document("a.wav")])
        raise KeyboardInterrupt
    assert target.read_text() == "[]"
    assert files(tmp_path) == ["all.json"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    with replacing(tmp_path / "link.csv") as file:
        file.write(b"new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


# A file per recording


def test_a_folder_gets_the_tree_of_the_recordings(tmp_path: Path) -> None:
    output = ManyFiles(str(tmp_path / "out"), FORMATS["vtt"])
    output.write(source("in/x/a.wav", "x/a.wav"), [document("in/x/a.wav")])
    output.write(source("in/y/a.wav", "y/a.wav"), [document("in/y/a.wav", 1), document("in/y/a.wav", 2)])
    assert files(tmp_path) == ["out/x/a.vtt", "out/y/a.ch1.vtt", "out/y/a.ch2.vtt"]
    assert (tmp_path / "out/x/a.vtt").read_text() == "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nspeech\n\n"


@pytest.mark.parametrize("target", ["out/", "{stem}.csv", "same.{channel}.csv"])
def test_two_recordings_never_share_an_output(tmp_path: Path, target: str) -> None:
    output = ManyFiles(f"{tmp_path}/{target}", FORMATS["csv"])
    output.write(source("x/a.wav"), [document("first")])
    with pytest.raises(FormatError) as caught:
        output.write(source("y/a.mp3"), [document("second")])
    one_line(caught, "x/a.wav", "y/a.mp3", "{dir}")
    (path,) = files(tmp_path)
    assert "first" in (tmp_path / path).read_text()


def test_two_channels_never_share_an_output(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"\{channel\}"):
        ManyFiles(f"{tmp_path}/{{stem}}.csv", FORMATS["csv"]).write(
            source("a.wav"), [document("a.wav", 1), document("a.wav", 2)]
        )


def test_a_recording_is_never_overwritten_by_its_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    with pytest.raises(FormatError, match=r"a\.wav"):
        ManyFiles("{dir}/{name}", FORMATS["text"]).write(source(str(path)), [document(str(path))])
    assert path.read_bytes() == b"RIFF"


@pytest.mark.parametrize(
    ("target", "channel", "expected"),
    [
        ("out", None, "out/x/a.b.csv"),
        ("out", 2, "out/x/a.b.ch2.csv"),
        ("{dir}/{stem}.csv", None, "in/x/a.b.csv"),
        ("{name}.csv", 2, "a.b.wav.csv"),
        ("{ext}/{stem}-{channel}.csv", 2, "wav/a.b-2.csv"),
        ("{stem}-{channel}.csv", None, "a.b-mix.csv"),
    ],
)
def test_outputs_are_named_after_their_recording(target: str, channel: int | None, expected: str) -> None:
    assert name_output(target, source("in/x/a.b.wav", "x/a.b.wav"), channel, ".csv") == Path(expected)


def test_standard_input_is_called_stdin() -> None:
    ((stdin,), _) = find(["-"])
    assert name_output("out", stdin, None, ".csv") == Path("out/stdin.csv")
    assert name_output("{stem}.csv", stdin, None, ".csv") == Path("stdin.csv")


def test_braces_in_the_name_of_a_recording_are_no_fields() -> None:
    assert name_output("{stem}.csv", source("{dir}.wav"), None, ".csv") == Path("{dir}.csv")


@pytest.mark.parametrize("target", ["{nonsense}.csv", "{}.csv", "{0}.csv", "{stem", "{stem.x}.csv", "{stem[9]}.csv"])
def test_a_template_with_unknown_fields_is_refused_with_the_valid_ones(target: str) -> None:
    with pytest.raises(SettingError) as caught:
        name_output(target, source("a.wav"), None, ".csv")
    one_line(caught, target, "{dir}", "{name}", "{stem}", "{ext}", "{channel}")


def test_a_template_with_an_item_is_refused_too() -> None:
    with pytest.raises(SettingError):
        name_output("{stem[x]}.csv", source("a.wav"), None, ".csv")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("new", True),
        ("new/", True),
        ("new.d/", True),
        ("there.d", True),
        ("there", False),
        ("new.csv", False),
        ("there/new.csv", False),
        ("-", False),
    ],
)
def test_a_name_without_extension_is_a_folder_unless_it_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, expected: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.d").mkdir()
    Path("there").touch()
    assert is_folder(target) is expected


def test_a_template_has_a_brace() -> None:
    assert is_template("out/{stem}.csv")
    assert not is_template("out/stem.csv")


# Scores


def test_scores_as_npz_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_scores(str(path), source("a.wav"), detection(), 0.01)
    with np.load(path, allow_pickle=False) as content:
        assert content["scores"].dtype == np.float32
        assert content["scores"].tolist() == [0.25, 0.5, 1.0]
        assert content["frame_seconds"] == 0.01


def test_scores_as_csv_have_a_row_per_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_scores(str(path), source("a.wav"), detection(), 0.01)
    assert path.read_text() == "start,score\n0.000,0.250000\n0.010,0.500000\n0.020,1.000000\n"


def test_scores_go_to_folders_and_templates_too(tmp_path: Path) -> None:
    write_scores(str(tmp_path / "out"), source("in/x/a.wav", "x/a.wav"), detection(2), 0.01)
    write_scores(str(tmp_path / "{stem}.csv"), source("b.wav"), detection(), 0.01)
    assert files(tmp_path) == ["b.csv", "out/x/a.ch2.npz"]


@pytest.mark.parametrize("target", ["a.wav", "{stem}", "{stem}.txt", "-"])
def test_scores_have_no_other_extension(target: str) -> None:
    with pytest.raises(SettingError) as caught:
        check_scores_target(target, False)
    one_line(caught, ".npz", ".csv")


@pytest.mark.parametrize(("target", "fits"), [("a.npz", False), ("out/", True), ("{stem}.csv", True)])
def test_scores_of_several_recordings_need_several_files(target: str, fits: bool) -> None:
    check_scores_target(target, False)
    if fits:
        check_scores_target(target, True)
    else:
        with pytest.raises(SettingError, match="folder"):
            check_scores_target(target, True)


def test_scores_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file.txt").touch()
    with pytest.raises(FormatError) as caught:
        write_scores(str(tmp_path / "file.txt" / "a.npz"), source("a.wav"), detection(), 0.01)
    one_line(caught, "a.npz", "cannot be written")


# Recordings


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of (empty) recordings and other things, and the current folder."""
    names = "b.wav a.MP3 notes.txt x/c.flac x/deep/d.ogg .hidden.wav .git/e.wav x/.f.wav empty/readme.md [1].wav"
    for name in names.split():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_stands_for_the_sound_in_it_and_below_without_hidden_files(tree: Path) -> None:
    found, errors = find(["in"])
    relative = ["[1].wav", "a.MP3", "b.wav", "x/c.flac", "x/deep/d.ogg"]
    assert found == [Input(f"in/{name}", Path(name)) for name in relative]
    assert errors == []


def test_a_pattern_stands_for_its_files(tree: Path) -> None:
    assert find(["in/*.wav"])[0] == [source("in/[1].wav"), source("in/b.wav")]
    assert [i.path for i in find(["in/**/*.flac"])[0]] == ["in/x/c.flac"]
    assert find(["in/x*"])[0] == []


def test_a_pattern_leaves_out_what_has_no_name_of_sound_unless_that_is_all(tree: Path) -> None:
    for name in ("b.srt", "b.vtt", "take.pcm", "take.raw"):
        (tree / "in" / name).touch()
    skipped: list[str] = []
    assert find(["in/b.*"], on_skip=skipped.append) == ([source("in/b.wav")], [])
    assert skipped == ["in/b.srt", "in/b.vtt"]
    found, errors = find(["in/take.*", "in/b.srt"], on_skip=skipped.append)
    assert [one.path for one in found] == ["in/take.pcm", "in/take.raw", "in/b.srt"] and not errors
    assert len(skipped) == 2


def test_a_file_that_looks_like_a_pattern_is_a_file(tree: Path) -> None:
    assert find(["in/[1].wav"]) == ([source("in/[1].wav")], [])


def test_a_file_may_be_called_anything_and_may_be_missing(tree: Path) -> None:
    found, errors = find(["in/notes.txt", "in/.hidden.wav", "missing.wav", "-"])
    assert [i.path for i in found] == ["in/notes.txt", "in/.hidden.wav", "missing.wav", "-"]
    assert errors == []


def test_each_recording_comes_once_in_the_order_named(tree: Path) -> None:
    found, _ = find(["in/x/c.flac", "in/b.wav", "in/x", "in/*.wav", "in/b.wav"])
    assert [i.path for i in found] == ["in/x/c.flac", "in/b.wav", "in/x/deep/d.ogg", "in/[1].wav"]


def test_each_recording_comes_once_however_it_is_spelled(tree: Path) -> None:
    assert len(find(["in/b.wav", "./in/b.wav", "in//b.wav", str(tree / "in/b.wav")])[0]) == 1


@pytest.mark.parametrize(("name", "what"), [("in/empty", "folder"), ("in/*.nothing", "pattern")])
def test_a_folder_or_pattern_without_sound_is_an_error_beside_the_others(tree: Path, name: str, what: str) -> None:
    found, errors = find([name, "in/b.wav"])
    assert [i.path for i in found] == ["in/b.wav"]
    assert [str(e) for e in errors] == [f"{name}: no sound files in this {what}; name one that holds some"]
    assert isinstance(errors[0], AudioError)


def test_a_folder_that_cannot_be_read_is_an_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def scandir(path: str) -> Any:
        if Path(path).name == "x":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    for name in ("in", "in/x"):
        found, errors = find([name])
        assert bool(found) == (name == "in") and not any("/x/" in one.path for one in found)
        assert [str(e) for e in errors] == ["in/x: this folder cannot be read (Permission denied)"]
