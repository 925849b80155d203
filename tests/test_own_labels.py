"""Labels that this package wrote are never taken for a reference, unless they are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import DOUBLE, Write, invoke
from vad.formats import FORMATS, Document, load
from vad.segments import Segment

MARKED = ("json", "vtt", "srt", "elan")  # formats in which a file shows who wrote it
OTHERS = ("text", "csv", "rttm", "textgrid", "audacity", "lab")


@pytest.fixture
def sound(write_bursts: Write) -> Path:
    """A recording in a folder of its own."""
    return write_bursts("set/a.wav", (1, 2))


def detect(sound: Path, kind: str) -> Path:
    """Labels of `vad detect` beside the recording."""
    path = sound.with_suffix(FORMATS[kind].extension)
    invoke("detect", *DOUBLE, sound, "-f", kind, "-o", path)
    return path


@pytest.mark.parametrize("kind", MARKED)
def test_a_file_of_vad_detect_says_so(sound: Path, kind: str) -> None:
    assert load(detect(sound, kind)).detected


def test_events_of_vad_stream_say_so(sound: Path) -> None:
    path = sound.with_suffix(".jsonl")
    path.write_text(invoke("stream", *DOUBLE, sound).stdout)
    assert load(path).detected


@pytest.mark.parametrize("kind", [*MARKED, *OTHERS])
def test_labels_of_people_do_not(tmp_path: Path, kind: str) -> None:
    words = Document("a.wav", None, 3.0, [Segment(1, 2)], label="hello")
    path = tmp_path / f"a{FORMATS[kind].extension}"
    path.write_text(FORMATS[kind].head + FORMATS[kind].write(words))
    assert not load(path, kind).detected


@pytest.mark.parametrize("kind", MARKED)
def test_they_are_left_out_beside_other_labels_and_the_reference_is_named(sound: Path, kind: str) -> None:
    own, reference = detect(sound, kind), sound.with_suffix(".tsv")
    reference.write_text("1.0\t1.8\n")
    done = invoke("evaluate", *DOUBLE, "--audio", sound.parent)
    assert f"label files that vad wrote: 1 left out, like {own}" in done.stderr
    assert f"reference {reference}\n" in done.stdout
    assert json.loads(invoke("evaluate", *DOUBLE, "--audio", sound, "-f", "json").stdout)["reference"] == str(reference)


@pytest.mark.parametrize("command", ["evaluate --audio", "tune", "data check"])
def test_alone_they_are_no_reference(sound: Path, command: str) -> None:
    own = detect(sound, "srt")
    model = () if command == "data check" else DOUBLE
    done = invoke(*command.split(), sound.parent, *model, status=1)
    assert f"{own} was written by vad" in done.stdout + done.stderr


def test_a_comparison_has_no_reference_then(sound: Path) -> None:
    detect(sound, "json")
    assert "0 of 1 recordings with a reference" in invoke("compare", sound, "--systems", DOUBLE[1]).stdout


@pytest.mark.parametrize("kind", ["json", "text"])
def test_named_they_are_used_with_a_warning(sound: Path, kind: str) -> None:
    own = detect(sound, kind)
    warning = "the reference is exactly what was detected"
    done = invoke("evaluate", *DOUBLE, "--audio", sound, "--reference", own)
    assert warning in done.stderr and f"reference {own}\n" in done.stdout
    assert warning in invoke("compare", sound, "--systems", DOUBLE[1], "--reference", own).stderr


def test_labels_that_differ_from_the_detector_give_no_warning(sound: Path) -> None:
    sound.with_suffix(".tsv").write_text("1.0\t1.8\n")
    assert "exactly what was detected" not in invoke("evaluate", *DOUBLE, "--audio", sound).stderr
