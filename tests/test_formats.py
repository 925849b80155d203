"""Each format is opened with the program that it is for, or with a parser that is not ours."""

from __future__ import annotations

import csv
import io
import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pympi
import pytest
import srt
import webvtt
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lhotse import SupervisionSegment, SupervisionSet, validate
from praatio import textgrid
from pyannote.database.util import load_rttm, load_uem

from labelfiles import ALONE, Times, recordings, written
from vad.errors import FormatError
from vad.formats import FORMATS, Document, Label, by_extension
from vad.formats.csv import plain_cell
from vad.segments import Segment


def document(*segments: tuple[float, float], name: str = "talk.wav", duration: float = 10.0, **more: Any) -> Document:
    return Document(name, more.pop("channel", None), duration, [Segment(*s) for s in segments], **more)


def read_rows(text: str, separator: str = ",") -> Times:
    return [(float(row["start"]), float(row["end"])) for row in table(text, separator)]


def table(text: str, separator: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True))


def read_rttm(text: str) -> Times:
    # pandas, which pyannote reads with, refuses a file without lines
    annotations = load_rttm(io.StringIO(text)) if text else {}
    return [(s.start, s.end) for a in annotations.values() for s in a.itersegments()]


def read_uem(text: str) -> Times:
    timelines = load_uem(io.StringIO(text)) if text else {}
    return [(s.start, s.end) for timeline in timelines.values() for s in timeline]


def read_vtt(text: str) -> Times:
    captions = webvtt.from_string(text)
    return [(seconds(c.start), seconds(c.end)) for c in captions]


def read_ctm(text: str) -> Times:
    with tempfile.NamedTemporaryFile("w", suffix=".ctm") as file:
        file.write(text)
        file.flush()
        whole = SupervisionSet.from_segments([SupervisionSegment("u", text.partition(" ")[0], 0.0, 1e9)])
        (aligned,) = whole.with_alignment_from_ctm(file.name)
    return [(word.start, word.end) for word in (aligned.alignment or {}).get("word", [])]


def read_supervisions(text: str) -> Times:
    found = [SupervisionSegment.from_dict(json.loads(line)) for line in text.splitlines()]
    if found:  # lhotse cannot validate a set without any
        validate(SupervisionSet.from_segments(found))
    return [(one.start, one.end) for one in found]


def read_kaldi(text: str) -> Times:
    rows = [line.split(" ") for line in text.splitlines()]
    assert rows == sorted(rows) and len({row[0] for row in rows}) == len(rows), "Kaldi needs sorted, unique names"
    return [(float(start), float(end)) for _, _, start, end in rows]


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def split(text: str, separator: str) -> Times:
    return [(float(start), float(end)) for start, end, *_ in (line.split(separator) for line in text.splitlines())]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Times]:
    """`read(format, text)`: the segments that another program finds in `text`."""
    folder = tmp_path_factory.mktemp("formats")
    path = folder / "a.TextGrid"

    def read_textgrid(text: str) -> Times:
        path.write_text(text, "utf-8")
        (tier,) = textgrid.openTextgrid(str(path), includeEmptyIntervals=False).tiers
        return [(interval.start, interval.end) for interval in tier.entries]

    def read_elan(text: str) -> Times:
        (folder / "a.eaf").write_text(text, "utf-8")
        eaf = pympi.Eaf(str(folder / "a.eaf"))
        return [(a / 1000, b / 1000) for a, b, _ in sorted(eaf.get_annotation_data_for_tier("speech"))]

    readers: dict[str, Callable[[str], Times]] = {
        "text": lambda text: split(text, "\t"),
        "json": lambda text: [(s["start"], s["end"]) for s in json.loads(text)["segments"]],
        "jsonl": lambda text: [(s["start"], s["end"]) for s in map(json.loads, text.splitlines())],
        "csv": read_rows,
        "tsv": lambda text: read_rows(text, "\t"),
        "rttm": read_rttm,
        "textgrid": read_textgrid,
        "audacity": lambda text: split(text, "\t"),
        "srt": lambda text: [(c.start.total_seconds(), c.end.total_seconds()) for c in srt.parse(text)],
        "vtt": read_vtt,
        "lab": lambda text: split(text, " "),
        "uem": read_uem,
        "elan": read_elan,
        "ctm": read_ctm,
        "kaldi": read_kaldi,
        "lhotse": read_supervisions,
        "pyannote": lambda text: [(turn["start"], turn["end"]) for turn in json.loads(text)["diarization"]],
    }
    assert list(readers) == list(FORMATS)
    return lambda kind, text: readers[kind](text)


every_format = pytest.mark.parametrize("kind", FORMATS)


@every_format
@settings(max_examples=30)  # of each format
@given(given=recordings())
def test_segments_come_back_from_every_format(read: Callable[[str, str], Times], kind: str, given: Document) -> None:
    found = read(kind, written(kind, given))
    assert len(found) == len(given.segments)
    for (start, end), segment in zip(found, given.segments, strict=True):
        assert start == pytest.approx(segment.start, rel=0, abs=1e-5)
        assert end == pytest.approx(segment.end, rel=0, abs=1e-5)


@every_format
@pytest.mark.parametrize("duration", [0.0, 3.0])
def test_no_speech_is_an_empty_file_that_opens(read: Callable[[str, str], Times], kind: str, duration: float) -> None:
    assert read(kind, written(kind, document(duration=duration))) == []


HOSTILE = "\n\r\t\0\x1b\x07\x7f\x85,;\"'\\ /.|{}#<>&%\xa0\u200b\u2028\u202e\ufeff\ud800\udcff\xe9\u8a71\U0001f600"


def names(characters: str) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(characters), max_size=12).map(lambda name: name + ".wav")


THREE = [(0.0, 1.0), (1.5, 2.0), (3.0, 4.25)]


@pytest.mark.parametrize("kind", [name for name in FORMATS if name not in ("rttm", "uem")])
@settings(max_examples=40)  # of each format
@given(name=names(HOSTILE))
@example(name="a\nb\t1\t2\n.wav")
@example(name="\x1b]0;owned\x07.wav")
def test_no_recording_name_breaks_a_parser_or_adds_rows(
    read: Callable[[str, str], Times], kind: str, name: str
) -> None:
    text = written(kind, document(*THREE, name=name))
    assert read(kind, text) == THREE
    assert all(c.isprintable() or c in "\n\t" for c in text)
    text.encode("utf-8")


@pytest.mark.parametrize("kind", ["rttm", "uem"])
@given(name=names(HOSTILE.replace('"', "")))
@example(name="a b\n c.wav")
def test_no_recording_name_breaks_rttm_and_uem(read: Callable[[str, str], Times], kind: str, name: str) -> None:
    given = document(*THREE, name=name)
    text = written(kind, given)
    assert read(kind, text) == THREE
    assert {len(line.split()) for line in text.splitlines()} == {10 if kind == "rttm" else 4}
    load = load_rttm if kind == "rttm" else load_uem
    assert list(load(io.StringIO(text))) == [given.uri]


@pytest.mark.parametrize("kind", ["rttm", "uem"])
def test_a_quote_in_a_name_does_not_break_rttm_and_uem(read: Callable[[str, str], Times], kind: str) -> None:
    assert read(kind, written(kind, document(*THREE, name='"talk.wav'))) == THREE


@pytest.mark.parametrize(("kind", "separator"), [("csv", ","), ("tsv", "\t")])
@given(name=names(HOSTILE))
def test_tables_keep_the_printable_name_in_its_column(kind: str, separator: str, name: str) -> None:
    given = document(*THREE, name=name)
    rows = table(written(kind, given), separator)
    assert [plain_cell(row["file"]) for row in rows] == [given.name] * 3
    assert [list(row) for row in rows] == [
        ["file", "channel", "start", "end", "duration", "label", "speaker", "score"]
    ] * 3


@pytest.mark.parametrize(("kind", "separator"), [("csv", ","), ("tsv", "\t")])
@pytest.mark.parametrize(
    "text", ["=cmd|'/C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "'=1", "'hi", "- Yes. - No.", "-5", "+.5"]
)
def test_no_cell_of_a_table_is_a_formula_and_none_is_changed(kind: str, separator: str, text: str) -> None:
    labels = (Label(1.0, 2.0, text, speaker=text),)
    content = written(kind, document((1.0, 2.0), name=text, labels=labels))
    (row,) = table(content, separator)
    for cell in (row["file"], row["label"], row["speaker"]):
        assert cell == text if text in ("'hi", "-5", "+.5") else cell == f"'{text}"
    ((label,),) = (found.labels for found in FORMATS[kind].read(content))
    assert (label.recording, label.text, label.speaker) == (text, text, text)


@pytest.mark.parametrize("kind", ["text", "csv", "tsv", "json", "jsonl"])
@given(name=names(HOSTILE))
def test_several_recordings_stay_apart_whatever_their_names(kind: str, name: str) -> None:
    one = document(*THREE, name=name, shared=True)
    text = written(kind, one, document((5.0, 6.0), name="b.wav", shared=True))
    rows = {
        "text": lambda: [line.split("\t")[0] for line in text.splitlines()],
        "csv": lambda: [plain_cell(row["file"]) for row in table(text, ",")],
        "tsv": lambda: [plain_cell(row["file"]) for row in table(text, "\t")],
        "jsonl": lambda: [json.loads(line)["file"] for line in text.splitlines()],
        "json": lambda: [entry["file"] for entry in json.loads(text) for _ in entry["segments"]],
    }[kind]()
    assert rows == [one.name] * 3 + ["b.wav"]


def test_names_that_are_harmless_stay_as_they_are() -> None:
    assert document(name="dir/Gespr\xe4ch 1, 'a' \u8a71.wav").name == "dir/Gespr\xe4ch 1, 'a' \u8a71.wav"
    assert document(name="dir/Gespr\xe4ch 1.b.wav").uri == "Gespr\xe4ch_1.b"
    assert document(name="").uri == "_"


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_subtitles_count_more_than_99_hours(read: Callable[[str, str], Times], kind: str) -> None:
    text = written(kind, document((359_999.5, 360_000.25), duration=400_000))
    assert "99:59:59" in text and "100:00:00" in text
    assert read(kind, text) == [(359_999.5, 360_000.25)]


def test_subtitles_look_as_players_expect() -> None:
    given = document((0.041, 3.27), (3661.0, 3662.5), duration=4000)
    assert written("srt", given) == (
        "1\n00:00:00,041 --> 00:00:03,270\nspeech\n\n2\n01:01:01,000 --> 01:01:02,500\nspeech\n\n"
    )
    assert written("vtt", given) == (
        "WEBVTT\n\n00:00:00.041 --> 00:00:03.270\nspeech\n\n01:01:01.000 --> 01:01:02.500\nspeech\n\n"
    )


def test_textgrid_covers_the_recording_with_labels_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    text = written("textgrid", document((1.0, 2.0), (2.0, 2.5), duration=4.0))
    starts = [line.split()[-1] for line in text.splitlines() if "xmin" in line]
    assert starts == ["0", "0", "0.000", "1.000", "2.000", "2.500"], "Praat needs the intervals in order"
    path.write_text(text, "utf-8")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 4)
    assert [tuple(i) for i in grid.tiers[0].entries] == [
        (0.0, 1.0, ""),
        (1.0, 2.0, "speech"),
        (2.0, 2.5, "speech"),
        (2.5, 4.0, ""),
    ]


def test_the_label_is_written_wherever_there_is_room_for_one() -> None:
    for kind in FORMATS:
        assert ("silence" in written(kind, document((1.0, 2.0), label="silence"))) == (kind not in ALONE), kind


def test_rttm_names_recording_channel_and_label() -> None:
    assert written("rttm", document((1.0, 2.5), name="dir/my talk.wav", channel=2)) == (
        "SPEAKER my_talk 2 1.000 1.500 <NA> <NA> speech <NA> <NA>\n"
    )


def test_mixed_channels_are_channel_1_where_a_number_must_stand_and_empty_where_not() -> None:
    mixed = document((1.0, 2.5))
    assert written("rttm", mixed).split()[2] == "1"
    assert written("uem", mixed) == "talk 1 1.000 2.500\n"
    assert table(written("csv", mixed), ",")[0]["channel"] == ""
    assert json.loads(written("json", mixed))["channel"] is None
    assert json.loads(written("jsonl", mixed))["channel"] is None


def test_the_channel_is_written_where_one_was_chosen() -> None:
    second = document((1.0, 2.5), channel=2, shared=True)
    assert written("uem", second) == "talk 2 1.000 2.500\n"
    assert FORMATS["text"].write(second) == "talk.wav[2]\t1.000\t2.500\n"
    assert table(written("csv", second), ",")[0]["channel"] == "2"
    assert json.loads(written("json", second))["channel"] == 2
    assert json.loads(written("jsonl", second))["channel"] == 2


def test_text_names_the_recording_only_beside_others() -> None:
    assert written("text", document((1.0, 2.5))) == "1.000\t2.500\n"
    assert written("text", document((1.0, 2.5)), document((3.0, 4.0), name="b.wav")) == (
        "talk.wav\t1.000\t2.500\nb.wav\t3.000\t4.000\n"
    )


def test_json_says_what_made_it_and_knows_no_infinity() -> None:
    about = {"model": {"name": "speech-1"}, "settings": {"onset": 0.5, "max_speech": math.inf}}

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    content = json.loads(written("json", document((1.0, 2.5), about=about)), parse_constant=refuse)
    assert content == {
        "file": "talk.wav",
        "channel": None,
        "duration": 10.0,
        "label": "speech",
        "model": {"name": "speech-1"},
        "settings": {"onset": 0.5, "max_speech": None},
        "segments": [{"start": 1.0, "end": 2.5}],
    }


def test_head_stands_once_before_several_recordings() -> None:
    text = written("csv", document((1.0, 2.0)), document((3.0, 4.0), name="b.wav"))
    assert text.splitlines() == [
        "file,channel,start,end,duration,label,speaker,score",
        "talk.wav,,1.000,2.000,1.000,speech,,",
        "b.wav,,3.000,4.000,1.000,speech,,",
    ]


@every_format
def test_every_format_has_an_extension_that_leads_back(kind: str) -> None:
    extension = FORMATS[kind].extension
    expected = "text" if extension == ".txt" else kind
    assert by_extension(Path(f"dir.x/talk{extension}")).name == expected
    assert by_extension(Path(f"talk{extension.upper()}")).name == expected


@pytest.mark.parametrize("name", ["talk.wav", "talk", ".csv", "talk.csv.bak"])
def test_an_unknown_extension_is_refused_with_the_valid_ones(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        by_extension(Path(name))
    message = str(caught.value)
    assert message.startswith(f"{name}: ") and "\n" not in message
    assert all(kind.extension in message for kind in FORMATS.values())
