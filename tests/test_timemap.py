"""`vad remap`: labels made on a trimmed file stand where they belong in the original."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conftest import DATA, invoke
from vad.cutting.timemap import Piece, TimeMap, read_map, remap, select
from vad.errors import FormatError
from vad.formats import Document, Label, read_labels
from vad.formats.parsing import build_documents

#                       original: ..AAAA..BB....C    cut with a gap of 1: AAAA.BB.C
PIECES = [Piece(2, 6, 0), Piece(8, 10, 5), Piece(14, 15, 8)]
MAP = TimeMap("talk.wav", 15.0, "short.wav", 9.0, PIECES)


def document(*labels: Label) -> Document:
    return build_documents(labels)[0]


def moved(*labels: Label, whole: bool | None = None) -> list[tuple[float, float, str]]:
    return [(x.start, x.end, x.text) for x in remap(document(*labels), MAP, whole).document.labels]


@pytest.mark.parametrize(
    ("start", "end", "parts"),
    [
        (0, 4, [(2, 6)]),
        (1, 3, [(3, 5)]),
        (4, 5, []),
        (4.5, 5.5, [(8, 8.5)]),
        (3, 4.5, [(5, 6)]),
        (3, 6, [(5, 6), (8, 9)]),
        (0, 9, [(2, 6), (8, 10), (14, 15)]),
        (8.5, 40, [(14.5, 15)]),
        (9, 9.5, []),
        (5.5, 5.5, [(8.5, 8.5)]),
        (4.5, 4.5, []),
    ],
)
def test_times_go_back(start: float, end: float, parts: list[tuple[float, float]]) -> None:
    assert [(piece.start, piece.end) for piece in MAP.to_original(start, end)] == parts


def test_without_a_gap_an_edge_belongs_to_the_piece_that_the_label_is_in() -> None:
    tight = TimeMap("a", 15.0, "b", 6.0, [Piece(2, 6, 0), Piece(8, 10, 4)])
    assert [p[:2] for p in tight.to_original(3, 4)] == [(5, 6)] and [p[:2] for p in tight.to_original(4, 5)] == [(8, 9)]


@st.composite
def maps(draw: st.DrawFn) -> TimeMap:
    """Pieces of whole milliseconds, with or without a gap."""
    gap, at, time, pieces = draw(st.integers(0, 500)), 0, 0, []
    for silence, length in draw(st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), min_size=1, max_size=9)):
        time += silence
        pieces.append(Piece(time / 1000, (time + length) / 1000, at / 1000))
        time, at = time + length, at + length + gap
    return TimeMap("a", time / 1000, "b", (at - gap) / 1000, pieces)


@given(time_map=maps(), data=st.data())
def test_what_lies_in_one_piece_is_moved_with_it(time_map: TimeMap, data: st.DataObject) -> None:
    piece = data.draw(st.sampled_from(time_map.pieces))
    length = round(1000 * (piece.end - piece.start))
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, length)] * 2)))
    assume(first < last)
    (found,) = time_map.to_original(piece.at + first / 1000, piece.at + last / 1000)
    assert found[:2] == pytest.approx((piece.start + first / 1000, piece.start + last / 1000))


@given(time_map=maps())
def test_all_of_the_cut_file_is_all_that_was_kept(time_map: TimeMap) -> None:
    parts = time_map.to_original(0, time_map.cut_duration)
    assert [tuple(p[:2]) for p in parts] == [pytest.approx(p[:2]) for p in time_map.pieces]


@given(time_map=maps())
def test_what_is_written_is_read_again(time_map: TimeMap, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "read-again.map.json"
    path.write_text(time_map.to_json())
    assert read_map(path) == time_map


def test_labels_with_a_text_stay_whole_and_others_are_divided() -> None:
    assert moved(Label(3, 6)) == [(5, 6, "speech"), (8, 9, "speech")]
    assert moved(Label(3, 6, "hello you")) == [(5, 9, "hello you")]
    assert moved(Label(3, 6), whole=True) == [(5, 9, "speech")]
    assert moved(Label(3, 6, "hello you"), whole=False) == [(5, 6, "hello you"), (8, 9, "hello you")]


def test_the_command_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "a.map.json").write_text(MAP.to_json())
    (tmp_path / "a.txt").write_text("3\t6\n4.1\t4.9\n")
    for option, shown in ((), "5.000\t6.000\n8.000\t9.000\n"), (("--whole",), "5.000\t9.000\n"):
        done = invoke("remap", tmp_path / "a.txt", tmp_path / "a.map.json", *option)
        assert done.stdout == shown and "left out that lie in the silence between the pieces: 1" in done.stderr


def test_what_lies_between_the_pieces_is_counted() -> None:
    back = remap(document(Label(4.2, 4.8, "hm"), Label(0, 1, "hi", speaker="Ann")), MAP)
    assert back.lost == 1 and back.document.recording == "talk.wav" and back.document.duration == 15
    assert [(x.text, x.speaker) for x in back.document.labels] == [("hi", "Ann")]


def test_labels_of_another_file_are_refused() -> None:
    late, other = document(Label(9.5, 10)), [Document("x", None, 1.0, []), Document("y", None, 1.0, [])]
    with pytest.raises(FormatError, match=r"a\.srt: has a label at 9\.5 s, after the end of short\.wav \(9 s\)"):
        select([late], MAP, Path("a.srt"))
    with pytest.raises(FormatError, match=r"names 'x', 'y', but not short\.wav"):
        select(other, MAP, Path("a.rttm"))
    mine = Document("short", 1, 1.0, [])
    assert select([*other, mine], MAP, Path("a.rttm")) == [mine]


@pytest.mark.parametrize(
    "change",
    [
        {"pieces": []},
        {"pieces": [{"start": 1, "end": 2}]},
        {"pieces": [{"start": 1, "end": 2, "at": float("nan")}]},
        {"pieces": [{"start": 2, "end": 1, "at": 0}]},
        {"pieces": [{"start": 5, "end": 6, "at": 0}, {"start": 1, "end": 2, "at": 1}]},
        {"pieces": 5},
        {"cut": None},
        {"original": {"file": "a", "duration": "x"}},
    ],
)
def test_a_damaged_map_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "a.map.json"
    path.write_text(MAP.to_json())
    assert read_map(path) == MAP
    path.write_text(json.dumps(json.loads(MAP.to_json()) | change))
    with pytest.raises(FormatError, match=r"a\.map\.json: (not a|a damaged) time map"):
        read_map(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b"null", b"[" * 9999])
def test_anything_else_is_no_map(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(FormatError, match="not a time map"):
        read_map(tmp_path / "a")
    with pytest.raises(FormatError, match="cannot be read"):
        read_map(tmp_path / "missing")


def test_subtitles_of_a_trimmed_recording_go_back(tmp_path: Path) -> None:
    short, labels = tmp_path / "short.flac", DATA / "talk.tsv"
    invoke("trim", DATA / "talk.flac", "--labels", labels, "-o", short, "--gap", "0.2")
    time_map = read_map(tmp_path / "short.map.json")
    cues = [f"{i}\n{clock(p.at)} --> {clock(p.until)}\n<i>word</i> {i}\n" for i, p in enumerate(time_map.pieces)]
    (tmp_path / "short.srt").write_text("\n".join(cues))
    invoke("remap", tmp_path / "short.srt", tmp_path / "short.map.json", "-o", tmp_path / "talk.srt")
    (found,) = read_labels(tmp_path / "talk.srt")
    assert found.segments == [pytest.approx(s) for s in read_labels(labels)[0].segments]
    assert found.labels[3].markup == "<i>word</i> 3"
    done = invoke("remap", tmp_path / "short.srt", tmp_path / "short.map.json", "-f", "rttm")
    assert done.stdout.startswith("SPEAKER talk 1 0.880 1.010 ") and "rttm holds no text" in done.stderr
    (tmp_path / "b.txt").write_text("0\t51\n")
    assert "labels reach to 51.00 s" in invoke("remap", tmp_path / "b.txt", tmp_path / "short.map.json").stderr
    (tmp_path / "b.txt").write_text("50\t51\n")
    refused = invoke("remap", tmp_path / "b.txt", tmp_path / "short.map.json", status=1)
    assert "belongs to other labels" in refused.stderr


def clock(seconds: float) -> str:
    return f"00:00:{seconds:06.3f}".replace(".", ",")
