"""Labelled sets: sound with its reference, and labels with labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vad import RecipeError, Segment
from vad.batch.inputs import Input
from vad.evaluation.evaluate import evaluate_sound
from vad.evaluation.results import Hypothesis
from vad.formats import FORMATS, Document
from vad.labels.labelled_set import read_labelled
from vad.labels.matching import match_labels

Write = Callable[..., Path]
ONE = "0.5\t1.2\n"


def test_each_recording_has_its_name_its_reference_and_what_counts(write_bursts: Write, tmp_path: Path) -> None:
    for name in ("a/x", "a/y", "b/x", "b/unlabelled"):
        write_bursts(f"{name}.wav")
    for name in ("a/x", "a/y", "b/x", "b/nobody"):
        (tmp_path / f"{name}.tsv").write_text(ONE)
    found = read_labelled(tmp_path)
    assert [one.name for one in found.recordings] == ["a/x", "a/y", "b/x"]
    assert found.recordings[0].path == str(tmp_path / "a" / "x.wav")
    assert found.recordings[0].reference == [Segment(0.5, 1.2)]
    assert found.recordings[0].scored_regions is None
    assert len(found.notes) == 2
    assert "b/unlabelled.wav" in found.notes[0] and "nobody" in found.notes[1]

    uem = tmp_path / "all.uem"
    uem.write_text("a/x 1 0 1\na/x 1 2 3\na/y 1 0 1\n")
    found = read_labelled(tmp_path, uem=uem)
    assert [one.scored_regions for one in found.recordings] == [[Segment(0, 1), Segment(2, 3)], [Segment(0, 1)]]
    assert "b/x" in found.notes[2]
    uem.write_text("other 1 0 1\n")
    with pytest.raises(RecipeError, match="lists nothing"):
        read_labelled(tmp_path, uem=uem)


def test_one_file_may_name_all_recordings(write_bursts: Write, tmp_path: Path) -> None:
    write_bursts("sound/a.wav")
    write_bursts("sound/b.wav")
    rttm = tmp_path / "all.rttm"
    rttm.write_text("".join(f"SPEAKER {name} 1 0.5 1.0 <NA> <NA> x <NA> <NA>\n" for name in "ab"))
    assert [one.reference for one in read_labelled(tmp_path / "sound", rttm).recordings] == [[Segment(0.5, 1.5)]] * 2


def test_the_work_on_recordings_is_divided_by_their_sizes(write_bursts: Write, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ONE)
    size, sizes = write_bursts("a.wav").stat().st_size, []

    def find_nothing(one: Input) -> Hypothesis:
        sizes.append(one.size)
        return Hypothesis(3.0, [])

    evaluate_sound(read_labelled(tmp_path), find_nothing)
    assert sizes == [size]


class TestChannels:
    @pytest.fixture
    def calls(self, write_bursts: Write, tmp_path: Path) -> Path:
        """Two recordings, and labels of each channel of one of them."""
        write_bursts("call.wav")
        write_bursts("my.call.wav")
        (tmp_path / "call.ch1.tsv").write_text("0.5\t1.2\n")
        (tmp_path / "call.ch2.tsv").write_text("1.0\t2.0\n")
        return tmp_path

    def test_the_labels_of_all_channels_are_the_reference_of_their_mean(self, calls: Path) -> None:
        found = read_labelled(calls)
        assert [(one.name, one.reference) for one in found.recordings] == [("call", [Segment(0.5, 2.0)])]
        assert not found.problems and found.reference == f"2 files in {calls}"

    def test_a_channel_has_its_own_labels_and_those_of_no_channel(self, calls: Path) -> None:
        (calls / "my.call.rttm").write_text("SPEAKER my.call 1 0.5 1.0 <NA> <NA> x <NA> <NA>\n")  # 1: of all, here
        references = [[one.reference for one in read_labelled(calls, channel=n).recordings] for n in (1, 2)]
        assert references == [[[Segment(0.5, 1.2)], [Segment(0.5, 1.5)]], [[Segment(1.0, 2.0)], [Segment(0.5, 1.5)]]]

    def test_a_channel_has_its_own_regions_and_those_of_no_channel(self, calls: Path) -> None:
        uem = calls / "part.uem"
        uem.write_text("call 1 0 1\ncall 2 1 3\n")
        regions = [read_labelled(calls, uem=uem, channel=n).recordings[0].scored_regions for n in (1, 2, "mix")]
        assert regions == [[Segment(0, 1)], [Segment(1, 3)], [Segment(0, 3)]]
        uem.write_text("call 1 0 1\n")
        assert read_labelled(calls, uem=uem, channel=2).recordings[0].scored_regions == [Segment(0, 1)]

    def test_a_recording_of_that_name_comes_first(self, calls: Path, write_bursts: Write) -> None:
        write_bursts("call.ch2.wav")
        found = read_labelled(calls).recordings
        assert [(one.name, one.reference) for one in found] == [
            ("call.ch2", [Segment(1.0, 2.0)]),
            ("call", [Segment(0.5, 1.2)]),
        ]

    @pytest.mark.parametrize("name", ["csv", "rttm", "kaldi"])
    def test_the_file_may_name_recording_and_channel_itself(self, calls: Path, name: str) -> None:
        for channel in (1, 2):
            (calls / f"call.ch{channel}.tsv").unlink()
            document = Document("call.wav", channel, 4.0, [Segment(channel, channel + 0.5)])
            kind = FORMATS[name]
            (calls / f"call.ch{channel}{kind.extension}").write_text(kind.head + kind.write(document))
        references = [[one.reference for one in read_labelled(calls, channel=n).recordings] for n in ("mix", 1, 2)]
        assert references == [[[(1, 1.5), (2, 2.5)]], [[(1, 1.5)]], [[(2, 2.5)]]]

    def test_a_channel_has_one_label_file(self, calls: Path) -> None:
        (calls / "call.ch2.txt").write_text("3.0\t4.0\n")
        found = read_labelled(calls)
        assert len(found.problems) == 1 and "has labels already" in found.problems[0]


class TestLabelsAndLabels:
    def test_recordings_match_by_name_whatever_the_format(self, tmp_path: Path) -> None:
        for name in ("reference/a.tsv", "reference/b.tsv", "hypothesis/a.x.tsv", "hypothesis/c.tsv"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(ONE)
        (tmp_path / "hypothesis" / "b.rttm").write_text("SPEAKER b 1 0.5 1.0 <NA> <NA> x <NA> <NA>\n")
        named, matches = match_labels(tmp_path / "reference", tmp_path / "hypothesis")
        assert set(named) == set(matches.labelled) == {"a", "b"}
        assert len(matches.orphans) == 1 and "'c'" in matches.orphans[0]

    def test_two_files_of_one_recording_belong_together(self, tmp_path: Path) -> None:
        mine, theirs = tmp_path / "mine.tsv", tmp_path / "theirs.rttm"
        mine.write_text(ONE)
        theirs.write_text("SPEAKER talk 1 0.5 1.0 <NA> <NA> x <NA> <NA>\n")
        for pair in ((mine, theirs), (theirs, mine), (mine, mine)):
            named, matches = match_labels(*pair)
            assert set(named) == set(matches.labelled)

    def test_a_file_of_many_recordings_is_searched_for_the_one(self, tmp_path: Path) -> None:
        (tmp_path / "a.tsv").write_text(ONE)
        many = tmp_path / "all.rttm"
        many.write_text("".join(f"SPEAKER {name} 1 {at} 1.0 <NA> <NA> x <NA> <NA>\n" for at, name in enumerate("bca")))
        assert match_labels(tmp_path / "a.tsv", many)[1].labelled["a"][0].segments == [Segment(2, 3)]

    def test_nothing_in_common_is_one_line(self, tmp_path: Path) -> None:
        for name in "ab":
            (tmp_path / f"{name}.rttm").write_text(f"SPEAKER {name} 1 0.5 1.0 <NA> <NA> x <NA> <NA>\n")
        with pytest.raises(RecipeError, match="nothing in it belongs to a recording of"):
            match_labels(tmp_path / "a.rttm", tmp_path / "b.rttm")
