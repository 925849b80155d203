"""`vad convert`: labels keep what both formats can hold, and a warning names what is lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pympi
import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st
from praatio import textgrid
from pyannote.core import Annotation, Segment
from pyannote.database.util import load_rttm

from conftest import DATA, run
from labelfiles import SAMPLES, mutated, written
from vad.batch.inputs import Input
from vad.errors import FormatError
from vad.formats import FORMATS, Document, Label, Labels, load, read_labels
from vad.formats.parsing import build_documents, word
from vad.labels.convert import losses, plain_name, prepare

BOTH = ["json", "jsonl", "csv", "tsv", "textgrid", "elan", "lhotse", "vtt"]  # hold a text and a speaker
CAPTIONS = ["text", "audacity", "lab", "srt"]
SPEAKERS = ["rttm", "pyannote"]
TURNS = (
    Label(0.86, 6.11, "good morning", speaker="Ann"),
    Label(5.5, 6.75, "hi", speaker="Bob"),
    Label(6.75, 8.0, "and\nwelcome", speaker="Ann"),
)


def document(*labels: Label, name: str = "talk.wav", duration: float = 0.0) -> Document:
    (one,) = build_documents((label._replace(recording=name) for label in labels), name, None, duration)
    return one


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Document], Document]:
    """`again(format, document)` writes a document to a file and reads it back."""
    folder = tmp_path_factory.mktemp("again")

    def run(kind: str, given: Document) -> Document:
        path = folder / f"talk{FORMATS[kind].extension}"
        path.write_text(written(kind, given), "utf-8", newline="")
        (found,) = read_labels(path, kind)
        return found

    return run


TEXTS = st.text(st.sampled_from("abcxyz 12\"'&;,:>|\\/\n\t\xe9\u8a71\u200c\U0001f600")).map(str.strip)
NAMES = st.sampled_from(["Ann", "Bob Smith", "\u8a71", 'O\'Neil & "Co"', "7", "a;b,c"])


@st.composite
def drawn_documents(draw: st.DrawFn, texts: bool = True, speakers: bool = True) -> Document:
    """Labels to the millisecond, which may overlap, with texts and speakers."""
    times = draw(st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 9_000)), min_size=1, max_size=8))
    labels = []
    for start, length in times:
        text = draw(TEXTS) if texts else ""
        speaker = draw(NAMES) if speakers else ""
        labels.append(
            Label(start / 1000, (start + length) / 1000, f"say {text}" if text else "speech", speaker=speaker)
        )
    return document(*labels)


def rows(found: Document, *fields: Callable[[Label], str]) -> list[tuple[object, ...]]:
    return sorted((round(x.start, 3), round(x.end, 3), *(flat(field(x)) for field in fields)) for x in found.labels)


def times(found: Document) -> list[tuple[float, float]]:
    return [(round(start, 5), round(end, 5)) for start, end in found.segments]


class TestRoundTrip:
    def test_every_format_is_in_one_of_the_tests(self) -> None:
        assert {*BOTH, *CAPTIONS, *SPEAKERS, "ctm", "kaldi", "uem"} == set(FORMATS)

    @pytest.mark.parametrize("kind", BOTH)
    @settings(max_examples=25)
    @given(given=drawn_documents())
    def test_texts_and_speakers_come_back(
        self, again: Callable[[str, Document], Document], kind: str, given: Document
    ) -> None:
        found = again(kind, given)
        fields = (lambda x: x.text, lambda x: x.speaker or x.tier)
        assert rows(found, *fields) == rows(given, *fields)
        assert times(found) == times(given)

    @pytest.mark.parametrize("kind", CAPTIONS)
    @settings(max_examples=25)
    @given(given=drawn_documents())
    def test_speakers_stand_before_texts_where_there_is_one_place(
        self, again: Callable[[str, Document], Document], kind: str, given: Document
    ) -> None:
        assert rows(again(kind, given), lambda x: x.text) == rows(given, lambda x: x.caption)

    @pytest.mark.parametrize("kind", SPEAKERS)
    @settings(max_examples=25)
    @given(given=drawn_documents(texts=False))
    def test_speakers_come_back(self, again: Callable[[str, Document], Document], kind: str, given: Document) -> None:
        def name(x: Label) -> str:
            return word(x.speaker) if kind == "rttm" else x.speaker

        assert rows(again(kind, given), name) == rows(given, name)

    @settings(max_examples=25)
    @given(given=drawn_documents(speakers=False))
    def test_words_come_back(self, again: Callable[[str, Document], Document], given: Document) -> None:
        assert rows(again("ctm", given), lambda x: x.text) == rows(given, lambda x: word(x.text))

    @pytest.mark.parametrize("kind", ["kaldi", "uem"])
    @settings(max_examples=25)
    @given(given=drawn_documents())
    def test_speech_comes_back(self, again: Callable[[str, Document], Document], kind: str, given: Document) -> None:
        assert times(again(kind, given)) == times(given)

    @pytest.mark.parametrize("kind", [*BOTH, *CAPTIONS])
    def test_other_sounds_stay_and_are_no_speech(self, again: Callable[[str, Document], Document], kind: str) -> None:
        found = again(kind, document(Label(0, 1, "hello"), Label(1, 2, "[noise]"), Label(2.5, 3, "music")))
        music = "[music]" if kind in ("ctm", "srt", "vtt") else "music"  # in a transcript, others are words
        assert [x.text for x in found.labels] == ["hello", "[noise]", music] and found.segments == [(0, 1)]

    @pytest.mark.parametrize("kind", sorted(k for k in FORMATS if "points" in FORMATS[k].holds))
    def test_points_stay(self, again: Callable[[str, Document], Document], kind: str) -> None:
        found = again(kind, document(Label(0, 1, "hello"), Label(1.5, 1.5, "click"), duration=3))
        assert rows(found, lambda x: x.text) == [(0, 1, "hello"), (1.5, 1.5, "click")]

    def test_points_stay_on_their_tiers(self, again: Callable[[str, Document], Document]) -> None:
        found = again("textgrid", document(Label(1, 1, "H*", tier="tones"), Label(1, 1, "4", tier="breaks")))
        assert [(x.start, x.text, x.tier) for x in found.labels] == [(1, "H*", "tones"), (1, "4", "breaks")]

    @pytest.mark.parametrize("kind", ["text", "csv", "textgrid", "audacity", "lab", "rttm", "kaldi", "uem", "json"])
    def test_times_keep_microseconds(self, again: Callable[[str, Document], Document], kind: str) -> None:
        found = again(kind, document(Label(0.123457, 1.000001)))
        assert found.segments == [pytest.approx((0.123457, 1.000001), abs=1e-9)]

    def test_italics_stay_from_subtitles_to_subtitles_and_nowhere_else(self, tmp_path: Path) -> None:
        path = tmp_path / "a.srt"
        path.write_text("1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<i>Hi</i> & <font color=red>bye</font> <3\n")
        (found,) = read_labels(path)
        assert "\n<i>Hi</i> & bye <3\n" in written("srt", found)
        assert "\n<i>Hi</i> &amp; bye &lt;3\n" in written("vtt", found)
        assert written("audacity", found) == "1.000000\t2.000000\tHi & bye <3\n"

    def test_nothing_in_a_text_ends_a_cue(self, again: Callable[[str, Document], Document]) -> None:
        given = document(Label(0, 1, "one\n\n2\n00:00:01,000 --> 00:00:02,000\nx\n\n"), Label(1, 2, "--> <v Bob>"))
        for kind in ("srt", "vtt"):
            assert [(x.start, x.end) for x in again(kind, given).labels] == [(0, 1), (1, 2)]


class TestHostility:
    @pytest.mark.parametrize("kind", FORMATS)
    @settings(max_examples=25)
    @given(data=st.data())
    def test_whatever_was_read_can_be_written_and_read_again(
        self, again: Callable[[str, Document], Document], kind: str, data: st.DataObject
    ) -> None:
        try:
            found = FORMATS[kind].read(data.draw(mutated(SAMPLES[kind])))
        except (FormatError, RecursionError):
            return
        target = data.draw(st.sampled_from(sorted(FORMATS)))
        for one in found:
            (back,) = prepare(Labels(FORMATS[target], [again(target, one)]), Input("a", Path("a")))
            speech = [s for s in one.segments if s.duration >= 0.001 and s.end < 1e9]
            assert all(
                any(b.start <= s.start + 0.001 and s.end <= b.end + 0.001 for b in back.segments) for s in speech
            )


class TestOtherPrograms:
    def test_praat_has_a_tier_for_each_speaker(self, tmp_path: Path) -> None:
        path = tmp_path / "a.TextGrid"
        path.write_text(written("textgrid", document(*TURNS, Label(7, 7.5, "aside", speaker="Ann"), duration=9)))
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
        assert grid.tierNames == ("Ann", "Bob", "Ann (2)") and grid.maxTimestamp == 9
        assert [tuple(x) for x in grid.getTier("Ann").entries] == [
            (0.86, 6.11, "good morning"),
            (6.75, 8, "and\nwelcome"),
        ]
        assert [tuple(x) for x in grid.getTier("Ann (2)").entries] == [(7, 7.5, "aside")]

    def test_elan_has_a_tier_for_each_speaker(self, tmp_path: Path) -> None:
        path = tmp_path / "a.eaf"
        path.write_text(written("elan", document(*TURNS, Label(7, 7.5, "a < b & c", speaker='Eve "E"'))))
        eaf = pympi.Eaf(str(path))
        assert set(eaf.get_tier_names()) == {"Ann", "Bob", 'Eve "E"'}
        assert sorted(eaf.get_annotation_data_for_tier("Ann"))[0][:3] == (860, 6110, "good morning")
        assert eaf.get_annotation_data_for_tier('Eve "E"')[0][2] == "a < b & c"
        assert eaf.get_parameters_for_tier("Bob")["PARTICIPANT"] == "Bob"

    def test_webvtt_has_voices(self) -> None:
        captions = list(webvtt.from_string(written("vtt", document(*TURNS))))
        assert [(c.voice, c.text) for c in captions] == [
            ("Ann", "good morning"),
            ("Bob", "hi"),
            ("Ann", "and\nwelcome"),
        ]

    def test_pyannote_has_speakers(self, tmp_path: Path) -> None:
        (tmp_path / "a.rttm").write_text(written("rttm", document(*TURNS)))
        annotation = load_rttm(tmp_path / "a.rttm")["talk"]
        assert annotation.labels() == ["Ann", "Bob"] and annotation.label_duration("Bob") == pytest.approx(1.25)
        again = Annotation(uri="talk")
        for turn in json.loads(written("pyannote", document(*TURNS)))["diarization"]:
            again[Segment(turn["start"], turn["end"])] = turn["speaker"]
        assert again.labels() == annotation.labels() and again.get_timeline() == annotation.get_timeline()


class TestPreparing:
    def read(self, tmp_path: Path, text: str, name: str, **how: object) -> list[Document]:
        (tmp_path / name).write_text(text)
        path = tmp_path / name
        return prepare(load(path), Input(str(path), Path(name)), **how)  # type: ignore[arg-type]

    def test_texts_can_be_speakers(self, tmp_path: Path) -> None:
        (found,) = self.read(tmp_path, "0\t1\tAnn\n1\t2\tsilence\n2\t3\tspeech\n", "a.txt", speakers="text")
        assert [(x.text, x.speaker) for x in found.labels] == [("speech", "Ann"), ("silence", ""), ("speech", "")]

    def test_tiers_can_be_speakers_and_be_chosen(self, tmp_path: Path) -> None:
        text = written("textgrid", document(*TURNS))
        (found,) = self.read(tmp_path, text, "a.TextGrid", speakers="tier", tiers=["Bob"])
        assert [(x.text, x.speaker) for x in found.labels] == [("hi", "Bob")] and found.segments == [(5.5, 6.75)]
        with pytest.raises(FormatError, match="has no tier Eve, but Ann, Bob"):
            self.read(tmp_path, text, "a.TextGrid", tiers=["Eve"])

    def test_the_tier_of_detected_speech_can_be_chosen(self, tmp_path: Path) -> None:
        text = written("textgrid", Document("a", None, 3.0, read_labels(DATA / "talk.tsv")[0].segments[:1]))
        (found,) = self.read(tmp_path, text, "a.TextGrid", tiers=["speech"])
        assert found.segments == [(0.88, 1.89)]
        with pytest.raises(FormatError, match="has no tier words, but speech"):
            self.read(tmp_path, text, "a.TextGrid", tiers=["words"])

    def test_a_file_that_names_no_recording_names_it(self, tmp_path: Path) -> None:
        (found,) = self.read(tmp_path, "0\t1\n", "my.talk.txt")
        assert found.recording == "my.talk"
        assert plain_name(Path("x/a.supervisions.jsonl.gz")) == "a" and plain_name(Path("segments")) == "segments"

    def test_channel_1_alone_stands_for_all_where_a_number_must_be(self, tmp_path: Path) -> None:
        one = "SPEAKER talk 1 0 1 <NA> <NA> Ann <NA> <NA>\n"
        assert [d.channel for d in self.read(tmp_path, one, "a.rttm")] == [None]
        both = one + one.replace("talk 1", "talk 2")
        assert [d.channel for d in self.read(tmp_path, both, "b.rttm")] == [1, 2]
        assert [d.channel for d in self.read(tmp_path, "start,end,channel\n0,1,1\n", "a.csv")] == [1]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("json", []),
        ("textgrid", []),
        (
            "rttm",
            ["rttm holds no text: that of 1 label ", "speech alone: 1 label of other", "needs durations: 1 label "],
        ),
        ("srt", ["srt has no place for speakers: those stand before the text of 1 label", "needs durations"]),
        ("uem", ["no text", "speech alone", "those of 1 label are left out", "needs durations"]),
    ],
)
def test_a_warning_names_what_is_lost(kind: str, expected: list[str]) -> None:
    given = document(Label(0, 1, "hi", speaker="Ann"), Label(1, 2, "[noise]"), Label(3, 3, "speech"))
    found = losses([given], FORMATS[kind])
    assert len(found) == len(expected) and all(part in line for part, line in zip(expected, found, strict=True))


def test_a_warning_names_the_tiers_that_are_mixed() -> None:
    given = document(Label(0, 1, "hi", tier="words"), Label(0, 0.5, "h", tier="phones"))
    (found,) = losses([given], FORMATS["csv"])
    assert found.startswith("csv has no place for tiers: phones, words stand together")
    assert not losses([given], FORMATS["elan"]) and not losses([document(given.labels[0])], FORMATS["csv"])


def convert(*arguments: object, status: int = 0, give: str = "") -> subprocess.CompletedProcess[str]:
    return run("convert", *arguments, status=status, input=give)


class TestCommand:
    def test_folders_pipes_and_failures(self, tmp_path: Path) -> None:
        (tmp_path / "in" / "deep").mkdir(parents=True)
        (tmp_path / "in" / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHi\n")
        (tmp_path / "in" / "deep" / "b.v1.txt").write_text("1 2 x\n")
        (tmp_path / "in" / "broken.rttm").write_text("hello\n")
        (tmp_path / "in" / "sound.wav").write_text("")
        done = convert(tmp_path / "in", tmp_path / "out", "--to", "json", status=1)
        assert done.stderr.startswith(f"Error: {tmp_path}/in/broken.rttm: line 1") and done.stderr.count("\n") == 1
        made = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*"))
        assert made == ["a.json", "deep/b.v1.json"]
        done = convert("-", "-", "--to", "text", give=(tmp_path / "out" / "a.json").read_text())
        assert done.stdout == "1.000\t2.000\tHi\n"

    def test_several_recordings(self, tmp_path: Path) -> None:
        text = "SPEAKER a.Mix 1 1 2 <NA> <NA> Ann <NA> <NA>\nSPEAKER ../../b 1 1 2 <NA> <NA> Bob <NA> <NA>\n"
        (tmp_path / "all.rttm").write_text(text)
        convert(tmp_path / "all.rttm", tmp_path / "out", "--to", "srt", "-q")
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.Mix.srt", "b.srt"]
        refused = convert(tmp_path / "all.rttm", tmp_path / "one.srt", status=2).stderr
        assert "srt holds one recording" in refused and not (tmp_path / "one.srt").exists()
        assert "is the input itself" in convert(tmp_path / "all.rttm", tmp_path / "all.rttm", status=1).stderr
        assert "give --to" in convert(tmp_path / "all.rttm", "-", status=2).stderr
        assert "Give an OUTPUT, too" in convert(tmp_path / "all.rttm", status=2).stderr
        third = "SPEAKER a 1 21.810 0.990 <NA> <NA> Ann <NA> <NA>\n"
        assert json.loads(convert("-", "-", "--to", "json", give=third).stdout)["duration"] == 22.8
        assert (tmp_path / "all.rttm").read_text() == text
