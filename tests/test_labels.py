"""Labels are read back from what we write, from what other programs write, and from nothing else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pympi
import pytest
import srt
import webvtt
from hypothesis import example, given, settings
from hypothesis import strategies as st
from praatio import textgrid
from pyannote.core import Annotation
from pyannote.core import Segment as Span
from test_formats import ALONE, recordings, written

from vad.errors import FormatError
from vad.formats import FORMATS, Document, read_labels
from vad.formats.labels import NON_SPEECH, is_speech
from vad.segments import Segment

Times = list[tuple[float, float]]
Read = Callable[..., list[Document]]

SPANS = [(0.5, 1.25), (2.0, 3.5)]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """`read(content, name, format)`: the documents in a file of that name with that content."""
    folder = tmp_path_factory.mktemp("labels")

    def run(content: str | bytes, name: str = "unknown", format: str | None = None) -> list[Document]:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return read_labels(path, format)

    return run


def times(documents: list[Document]) -> Times:
    """The segments of the one document, to the tenth of a millisecond."""
    (document,) = documents
    return [(round(s.start, 4), round(s.end, 4)) for s in document.segments]


def refused(read: Read, content: str | bytes, name: str, format: str | None = None) -> str:
    """The reason why a file is refused: one line that begins with its name."""
    with pytest.raises(FormatError) as caught:
        read(content, name, format)
    before, found, reason = str(caught.value).partition(f"{name}: ")
    assert found and "\n" not in before + reason
    return reason


NAMED = ["json", "jsonl", "csv", "tsv", "rttm", "uem"]


class TestRoundTrip:
    @pytest.mark.parametrize("kind", FORMATS)
    @given(given=recordings())
    def test_what_we_write_comes_back(self, read: Read, kind: str, given: Document) -> None:
        (found,) = read(written(kind, given), f"talk{FORMATS[kind].extension}")
        expected = joined(given.segments)
        assert [s.start for s in found.segments] == pytest.approx([s.start for s in expected], rel=0, abs=1e-5)
        assert [s.end for s in found.segments] == pytest.approx([s.end for s in expected], rel=0, abs=1e-5)
        says_duration = kind in ("json", "textgrid")
        last = given.segments[-1].end if given.segments else 0.0
        assert found.duration == pytest.approx(given.duration if says_duration else last, rel=0, abs=1e-5)

    @pytest.mark.parametrize("kind", NAMED)
    def test_recording_and_channel_come_back(self, read: Read, kind: str) -> None:
        one = Document("dir/my talk.wav", 2, 9.0, [Segment(1.0, 2.5)])
        (found,) = read(written(kind, one), f"x{FORMATS[kind].extension}")
        assert (found.recording, found.channel) == (one.uri if kind in ("rttm", "uem") else one.recording, 2)
        assert found.segments == one.segments and found.speakers == ()

    @pytest.mark.parametrize("kind", ["text", *NAMED])
    def test_several_recordings_and_channels_come_back(self, read: Read, kind: str) -> None:
        given = [
            Document("a.wav", 1, 9.0, [Segment(1.0, 2.5), Segment(3.0, 4.0)]),
            Document("a.wav", 2, 9.0, [Segment(0.5, 0.75)]),
            Document("b c.wav", 1, 9.0, [Segment(1.0, 2.0)]),
        ]
        found = read(written(kind, *given), f"x{FORMATS[kind].extension}")
        names = [d.uri if kind in ("rttm", "uem") else d.recording for d in given]
        assert [(d.recording, d.channel) for d in found] == list(zip(names, (1, 2, 1), strict=True))
        assert [d.segments for d in found] == [d.segments for d in given]

    @pytest.mark.parametrize("kind", [k for k in FORMATS if k not in ALONE])
    def test_silences_are_no_speech(self, read: Read, kind: str) -> None:
        silences = Document("talk.wav", 1, 3.0, [Segment(1.0, 2.0)], "silence")
        assert times(read(written(kind, silences), f"x{FORMATS[kind].extension}")) == []

    @pytest.mark.parametrize("kind", [k for k in FORMATS if k != "json"])
    def test_a_file_without_labels_is_one_recording_without_speech(self, read: Read, kind: str) -> None:
        (found,) = read(FORMATS[kind].head + FORMATS[kind].write(Document("", None, 0.0, [])), "x", kind)
        assert (found.recording, found.channel, found.segments) == ("", None, [])

    def test_json_names_a_recording_without_speech(self, read: Read) -> None:
        (found,) = read(written("json", Document("a.wav", 2, 7.0, [])), "x.json")
        assert (found.recording, found.channel, found.duration, found.segments) == ("a.wav", 2, 7.0, [])


def joined(segments: list[Segment]) -> list[Segment]:
    """`segments`, those that touch made one."""
    out: list[Segment] = []
    for segment in segments:
        if out and segment.start - out[-1].end < 1e-4:
            out[-1] = Segment(out[-1].start, segment.end)
        else:
            out.append(segment)
    return out


class TestOtherPrograms:
    @pytest.mark.parametrize("kind", ["short_textgrid", "long_textgrid"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    def test_praat(self, read: Read, tmp_path: Path, kind: Any, encoding: str) -> None:
        grid = textgrid.Textgrid()
        grid.addTier(textgrid.IntervalTier("Zo\xeb", [(0.5, 1.0, 'say "item [2]" \xe9'), (2, 3, "sil")], 0, 4))
        grid.addTier(textgrid.IntervalTier("Bob", [(0.9, 1.25, "intervals [9]:"), (2.0, 3.5, "a\nb")], 0, 4))
        grid.addTier(textgrid.PointTier("clicks", [(3.75, "click")], 0, 4))
        grid.save(str(tmp_path / "a"), format=kind, includeBlankSpaces=True)
        text = (tmp_path / "a").read_text("utf-8")
        found = read(text.encode(encoding), "a.TextGrid")
        assert times(found) == SPANS
        assert found[0].duration == 4

    def test_elan(self, read: Read, tmp_path: Path) -> None:
        eaf = pympi.Eaf(author="")
        eaf.add_tier("Ann")
        eaf.add_tier("Bob")
        eaf.add_annotation("Ann", 500, 1000, "\xe9t\xe9 & <b>")
        eaf.add_annotation("Bob", 900, 1250, "yes")
        eaf.add_annotation("Bob", 2000, 3500, "no")
        eaf.add_annotation("Bob", 4000, 5000, "")
        eaf.to_file(str(tmp_path / "a.eaf"))
        content = (tmp_path / "a.eaf").read_bytes()
        for name in ("a.eaf", "unknown"):
            (found,) = read(content, name)
            assert times([found]) == SPANS
            assert found.speakers == ("Ann", "Bob") and found.duration == 5

    def test_srt(self, read: Read) -> None:
        cues = [srt.Subtitle(i, *(timedelta(seconds=t) for t in s), "Hi\n<i>you</i>") for i, s in enumerate(SPANS)]
        cues.append(srt.Subtitle(9, timedelta(seconds=5), timedelta(seconds=6), "[Music]"))
        assert times(read(srt.compose(cues), "a.srt")) == SPANS
        assert times(read(srt.compose(cues).replace("\n", "\r\n"), "unknown")) == SPANS

    def test_webvtt(self, read: Read) -> None:
        vtt = webvtt.WebVTT()
        for start, end in SPANS:
            vtt.captions.append(webvtt.Caption(f"00:00:{start:06.3f}", f"00:00:{end:06.3f}", "<v Bob>Hi"))
        assert times(read(vtt.content, "a.vtt")) == SPANS
        assert times(read(vtt.content, "unknown")) == SPANS

    def test_webvtt_with_all_it_may_have(self, read: Read) -> None:
        text = (
            "WEBVTT - a title\nKind: captions\n\nNOTE not\nspoken\n\nSTYLE\n::cue { color: red }\n\n"
            "intro\n00:00.500 --> 00:01.250 align:left position:10%\nHi\n\n00:02.000 --> 00:03.500\n- Ho"
        )
        assert times(read(text, "a.vtt")) == SPANS

    def test_pyannote_rttm(self, read: Read) -> None:
        annotation = Annotation(uri="talk")
        annotation[Span(0.5, 1.0)], annotation[Span(0.75, 1.25)], annotation[Span(2, 3.5)] = "Ann", "Bob", "Ann"
        for name in ("a.rttm", "unknown.txt"):
            (found,) = read(annotation.to_rttm(), name)
            assert times([found]) == SPANS
            assert (found.recording, found.channel, found.speakers) == ("talk", 1, ("Ann", "Bob"))

    def test_pyannote_lab(self, read: Read) -> None:
        annotation = Annotation()
        annotation[Span(0.5, 1.25)], annotation[Span(2, 3.5)], annotation[Span(4, 5)] = "Ann", "Bob", "noise"
        assert times(read(annotation.to_lab(), "a.lab")) == SPANS

    def test_pyannote_json(self, read: Read) -> None:
        spans = [{"start": start, "end": end} for start, end in SPANS]
        tracks = [{"segment": span, "track": "_", "label": "Ann"} for span in spans]
        (found,) = read(json.dumps({"pyannote": "Annotation", "content": tracks, "uri": "talk"}), "a.json")
        assert times([found]) == SPANS and (found.recording, found.speakers) == ("talk", ("Ann",))
        for content in (
            {"pyannote": "Timeline", "content": spans},
            {"timeline": spans},
            {"jobId": "1", "output": {"diarization": [span | {"speaker": "A"} for span in spans]}},
        ):
            assert times(read(json.dumps(content), "a.json")) == SPANS

    def test_lhotse(self, read: Read) -> None:
        one = {"id": "u1", "recording_id": "talk", "start": 0.5, "duration": 0.75, "channel": 0, "speaker": "Ann"}
        two = {"id": "u2", "recording_id": "talk", "start": 2, "duration": 1.5, "channel": [0], "text": "so it is"}
        both = {"id": "u3", "recording_id": "b", "start": 2, "duration": 1.5, "channel": [0, 1]}
        text = "".join(json.dumps(row) + "\n" for row in (one, two, both))
        for content, name in ((text.encode(), "supervisions.jsonl"), (gzip.compress(text.encode()), "x.jsonl.gz")):
            talk, other = read(content, name)
            assert times([talk]) == SPANS
            assert (talk.recording, talk.channel, talk.speakers) == ("talk", 1, ("Ann",))
            assert (other.recording, other.channel) == ("b", None)

    def test_nemo(self, read: Read) -> None:
        rows = [{"audio_filepath": "/a/talk.wav", "offset": s, "duration": e - s, "text": "hi"} for s, e in SPANS]
        (found,) = read("\n".join(map(json.dumps, rows)), "manifest.json")
        assert times([found]) == SPANS and found.recording == "/a/talk.wav"

    def test_whisper(self, read: Read) -> None:
        segments = [{"id": 0, "start": s, "end": e, "text": " Hi.", "tokens": [1]} for s, e in SPANS]
        assert times(read(json.dumps({"text": " Hi.", "segments": segments, "language": "en"}), "a.json")) == SPANS

    def test_silero_and_pairs(self, read: Read) -> None:
        assert times(read(json.dumps([{"start": s, "end": e} for s, e in SPANS]), "a.json")) == SPANS
        assert times(read(json.dumps(SPANS), "a.json")) == SPANS
        assert times(read('[{"start": 1, "end": 3}]', "a.json")) == [(1, 3)]

    def test_kaldi(self, read: Read) -> None:
        text = "talk-1 talk 0.50 1.25\ntalk-2 talk 2 3.5\nb-1 b 0 1\n"
        for name in ("segments", "a.segments", "unknown"):
            talk, other = read(text, name)
            assert times([talk]) == SPANS and (talk.recording, other.recording) == ("talk", "b")

    def test_ctm(self, read: Read) -> None:
        text = ";; comment\ntalk A 0.5 0.25 so 0.9\ntalk A 0.75 0.5 it\ntalk A 1.5 0.2 <eps>\ntalk A * * <ALT>\n"
        text += "talk A 2.0 1.5 is\ntalk B 0 1 yes\n"
        for name in ("a.ctm", "unknown.txt"):
            first, second = read(text, name)
            assert times([first]) == SPANS and (first.channel, second.channel) == (1, 2)

    def test_uem(self, read: Read) -> None:
        for name in ("a.uem", "unknown"):
            (found,) = read("talk 1 0.5 1.25\ntalk 1 2.000 3.500\n", name)
            assert times([found]) == SPANS and (found.recording, found.channel) == ("talk", 1)
        assert read("talk NA 0.5 1.25\n", "a.uem")[0].channel is None

    def test_rttm_with_all_it_may_have(self, read: Read) -> None:
        text = (
            ";; a comment\nSPKR-INFO talk 1 <NA> <NA> <NA> unknown Ann <NA>\n"
            "SPEAKER talk 1 0.5 0.75 <NA> <NA> Ann <NA>\nNON-SPEECH talk 1 1.5 0.2 <NA> noise <NA> <NA>\n"
            "LEXEME talk 1 7 1 hi lex Ann 0.9\nSPEAKER talk 1 2 1.5 <NA> <NA> <NA> <NA> <NA>\n"
        )
        (found,) = read(text, "a.rttm")
        assert times([found]) == SPANS and found.speakers == ("Ann",)

    def test_htk(self, read: Read) -> None:
        text = "0 5000000 sil -12.5\n5000000 12500000 hh -11\n12500000 20000000 sp\n20000000 35000000 ax\n"
        (found,) = read(text, "a.lab")
        assert times([found]) == SPANS and found.duration == 3.5
        assert times(read("0 1 a\n3 4 b", "a.lab")) == [(0, 1), (3, 4)]

    def test_audacity(self, read: Read) -> None:
        text = "0.500000\t1.250000\t\n\\\t100.0\t900.0\n2.000000\t3.500000\tBob says hi\n4.0\t4.0\tpoint\n"
        for name in ("Label Track.txt", "unknown"):
            (found,) = read(text, name)
            assert times([found]) == SPANS and found.duration == 4

    def test_ava_speech(self, read: Read) -> None:
        text = "-5KQ66B,0.5,1.25,CLEAN_SPEECH\n-5KQ66B,1.25,2.0,NO_SPEECH\n-5KQ66B,2.0,3.5,SPEECH_WITH_MUSIC\n"
        (found,) = read(text, "a.csv")
        assert times([found]) == SPANS and found.recording == "-5KQ66B"


class TestTables:
    @pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "unknown"])
    @pytest.mark.parametrize(
        "head",
        [
            *("start,end", "Start,End", "onset,offset", "begin,stop", "start_time,end_time", "tmin,tmax"),
            *("start,stop", "Begin Time (s),End Time (s)", "start,duration,end", "onset,duration", "start;end"),
            *("start\tend", "offset\tduration", "offset,duration,end", "start_s;duration_s"),
        ],
    )
    def test_the_times_have_many_names(self, read: Read, name: str, head: str) -> None:
        separator = next(mark for mark in "\t;," if mark in head)
        row = {2: "0.5 0.75" if "duration" in head else "0.5 1.25", 3: "0.5 0.75 1.25"}[head.count(separator) + 1]
        assert times(read(head + "\n" + row.replace(" ", separator) + "\n", name)) == [(0.5, 1.25)]

    @pytest.mark.parametrize("label", ["label", "text", "event_label"])
    @pytest.mark.parametrize("file", ["file", "recording", "audio", "filename"])
    def test_labels_and_recordings_have_many_names(self, read: Read, label: str, file: str) -> None:
        text = (
            f"{file},onset,offset,{label},channel,speaker\na.wav,1,2,hi,2,Ann\na.wav,2,3,noise,2,Bob\nb.wav,1,2,,1,\n"
        )
        one, two = read(text, "x.csv")
        assert (one.recording, one.channel, one.speakers, one.segments) == ("a.wav", 2, ("Ann",), [(1, 2)])
        assert (two.recording, two.channel, two.segments, two.duration) == ("b.wav", 1, [], 2)

    @pytest.mark.parametrize("separator", [",", ";", "\t", " ", "   "])
    @pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "unknown"])
    def test_a_table_needs_no_head(self, read: Read, separator: str, name: str) -> None:
        rows = [["0.5", "1.25"], ["2", "3.5", "hi"], ["4", "5", "silence"]]
        if separator == ";":
            rows[0] = ["0,5", "1,25"]
        if separator == ";" and name in ("a.txt", "unknown"):
            return  # a comma within a number is told from one between numbers by the extension
        text = "\n\n".join(separator.join(row) for row in rows)
        assert times(read(text, name)) == [(0.5, 1.25), (2, 3.5)]

    def test_a_reference_of_ours(self, read: Read) -> None:
        assert times(read("0.880\t1.890\n1.970\t3.230\n", "talk.tsv")) == [(0.88, 1.89), (1.97, 3.23)]
        assert times(read("", "talk.tsv")) == []

    def test_text_names_recordings_and_channels(self, read: Read) -> None:
        one, two = read("my talk.wav[2]\t1.0\t2.0\nb.wav\t3\t4\n", "a.txt")
        assert (one.recording, one.channel, two.recording, two.channel) == ("my talk.wav", 2, "b.wav", None)


class TestSpeech:
    def test_overlap_and_touch_make_one_stretch_in_order(self, read: Read) -> None:
        assert times(read("4 5\n1 3 a\n2 2.5 b\n3 3.5 c\n", "a.txt")) == [(1, 3.5), (4, 5)]

    @pytest.mark.parametrize("text", ["SIL", "<eps>", "[noise]", "Non-Speech", "non speech", "(Music)", "_", "#", " "])
    def test_these_are_no_speech(self, text: str) -> None:
        assert not is_speech(text)

    @pytest.mark.parametrize(
        "text", ["speech", "hello", "h", "s", "<unk>", "spn", "0", "silences are golden", "\u8a71"]
    )
    def test_these_are(self, text: str) -> None:
        assert is_speech(text)

    def test_names_of_non_speech_are_written_as_they_are_compared(self) -> None:
        assert not any(is_speech(name) for name in NON_SPEECH)


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("a.txt", "0 1\n2 1\n", "line 2: ends at 1 s, before it starts at 2 s"),
            ("a.txt", "0 1\n-1 1\n", "line 2: the time -1 is negative"),
            ("a.txt", "0 nan\n", "line 1: the time 'nan' is not finite"),
            ("a.txt", "0 inf\n", "line 1: the time 'inf' is not finite"),
            ("a.txt", "0 1\nhello\n", "line 2: needs start and end in seconds, and is 'hello'"),
            ("a.txt", "16000 1600000\n", "look like samples; divide"),
            ("a.lab", "0 1 a\n1 x b\n", "line 2: 'x' is not a time"),
            ("a.csv", "start,end\n0,1\n1,x\n", "line 3: 'x' is not a time"),
            ("a.csv", "start,end\n0\n", "line 2: has 1 columns"),
            ("a.csv", "name,age\nBob,x\n", "line 1: needs the columns start and end"),
            ("a.csv", "start_sample,end_sample\n1,2\n", "divide them by the sample rate"),
            ("a.csv", 'start,end,label\n0,1,"a\n2,3,b\n', "line 3: unexpected end of data"),
            ("a.rttm", "hello world\n", "line 1: 'hello' is no type of RTTM"),
            ("a.rttm", "SPEAKER a 1\n", "line 1: has 3 fields"),
            ("a.rttm", "SPEAKER a 1 1 -1 <NA> <NA> x <NA> <NA>\n", "line 1: the time -1 is negative"),
            ("a.rttm", "SPEAKER a 1 1e308 1e308 <NA> <NA> x <NA> <NA>\n", "line 1: the time inf is not finite"),
            ("a.uem", "talk 1 0\n", "line 1: has 3 fields"),
            ("a.ctm", "talk 1 0 1\n", "line 1: has 4 fields"),
            ("segments", "u talk 0 -1\n", "line 1: the time -1 is negative"),
            ("a.srt", "1\n00:00:02,000 --> 00:00:01,000\nx\n", "line 2: ends at 1 s, before"),
            ("a.srt", "1\n00:00 -> 1\nx\n", "has no line like"),
            ("a.srt", "1\n0 --> 1\nx\n", "line 2: times are written"),
            ("a.vtt", "00:00:02.000 --> 00:00:03.000\nx\n", "line 1: WebVTT begins with WEBVTT"),
            ("a.json", "", "is no JSON, or cut short"),
            ("a.json", '{"segments": [{"start": 1, "e', "is no JSON, or cut short"),
            ("a.json", '{"name": 1}', "needs the columns start and end"),
            ("a.json", '[{"start": 1, "end": 2}, {"start": 1}]', "entry 2: needs the columns"),
            ("a.json", '[{"start": NaN, "end": 2}]', "entry 1: the time 'nan' is not finite"),
            ("a.json", '[{"start": 1, "end": 1e999}]', "entry 1: the time 'inf' is not finite"),
            ("a.json", '[{"start": 1, "end": true}]', "entry 1: 'True' is not a time"),
            ("a.json", '[{"start": 16000, "end": 1600000}]', "look like samples; divide"),
            ("a.json", "[" * 100_000, ""),
            ("a.json", '{"output":' * 5000 + "1" + "}" * 5000, ""),
            ("a.json", '[{"start": 1, "end": ' + "9" * 5000 + "}]", ""),
            ("a.jsonl", '{"start": 1, "end": 2}\n{"start": 1, ', "line 2: is no JSON, or cut short"),
            ("a.jsonl", '{"start": 1, "end": 2}\n{"start": 3, "end": 2}', "line 2: ends at 2 s, before"),
            ("a.TextGrid", "hello", "ends before the last interval"),
            ("a.TextGrid", '"ooTextFile" "Pitch 1"', "is no TextGrid"),
            ("a.TextGrid", '"ooTextFile" "TextGrid" 0 1 <exists> 1 "IntervalTier" "a" 0 1 5 0 1 "x"', "cut short"),
            ("a.TextGrid", '"ooTextFile"\n"TextGrid"\n0 "x"', "line 3: has the text 'x' where a number belongs"),
            ("a.eaf", "hello", "is no XML"),
            ("a.eaf", "<ANNOTATION_DOCUMENT><TIER>", "is no XML, or cut short"),
            ("a.eaf", "<html></html>", "no ANNOTATION_DOCUMENT"),
            ("a.eaf", '<!DOCTYPE x [<!ENTITY a "b">]><ANNOTATION_DOCUMENT/>', "document type"),
            ("a.mp3", "hello", "is of no known label format; say which it is: text, json"),
        ],
    )
    def test_a_wrong_file_is_refused_with_the_reason(self, read: Read, name: str, content: str, reason: str) -> None:
        assert reason in refused(read, content, name)

    def test_an_unknown_format_is_refused_with_the_known_ones(self, read: Read) -> None:
        assert "there is no label format x; choose of text, json" in refused(read, "0 1", "a.txt", "x")

    @pytest.mark.parametrize("name", ["a.txt", "a.json", "a.TextGrid", "a.eaf", "a.srt"])
    def test_what_is_no_text_is_refused(self, read: Read, name: str) -> None:
        assert "is not text" in refused(read, b"RIFF\0\0\0\0WAVEfmt " + bytes(range(256)), name)
        assert "cannot be unpacked" in refused(read, gzip.compress(b"0 1\n" * 99)[:-12], name)
        assert "begins as UTF-16" in refused(read, b"\xff\xfea", name)

    @pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.eaf"])
    def test_what_must_be_unicode_is_refused_in_latin_1(self, read: Read, name: str) -> None:
        content = '<ANNOTATION_DOCUMENT a="\xe9"/>' if name == "a.eaf" else '{"start": 1, "end": 2, "label": "\xe9"}'
        assert "is not UTF-8" in refused(read, content.encode("latin-1"), name)

    def test_folders_and_missing_files_are_refused(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "missing.txt", tmp_path / "a\0b.txt", tmp_path / ("x" * 999)):
            with pytest.raises(FormatError, match="cannot be read"):
                read_labels(path)


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("kind", NAMED)
    def test_any_unicode(self, read: Read, kind: str, encoding: str) -> None:
        given = Document("Gespr\xe4ch \u8a71.wav", 1, 3.0, [Segment(1.0, 2.0)])
        text = written(kind, given).replace("\n", "\r\n")
        (found,) = read(text.encode(encoding), f"x{FORMATS[kind].extension}")
        assert found.recording in (given.recording, given.uri) and found.segments == given.segments

    @pytest.mark.parametrize("kind", ["csv", "tsv", "rttm", "uem"])
    def test_latin_1(self, read: Read, kind: str) -> None:
        given = Document("caf\xe9.wav", 1, 3.0, [Segment(1.0, 2.0)])
        (found,) = read(written(kind, given).encode("latin-1"), f"x{FORMATS[kind].extension}")
        assert found.recording in (given.recording, given.uri)

    def test_windows_1252_adds_no_lines(self, read: Read) -> None:
        assert times(read("0 1 wait\x85 1 0\n2 3 \xa0x\n".encode("latin-1"), "a.txt")) == [(0, 1), (2, 3)]


SAMPLES = {
    "text": "talk.wav[2]\t1.0\t2.5\n",
    "json": '[{"file": "a", "channel": 1, "duration": 3, "segments": [{"start": 1, "end": 2.5}]}, {"segments": []}]',
    "jsonl": '{"recording_id": "a", "start": 1, "duration": 2.5, "channel": [0]}\n',
    "csv": "file,start,end,label\na,1,2.5,hi\n",
    "tsv": "1.0\t2.5\n3\t4\thi\n",
    "rttm": "SPEAKER talk 1 1.0 1.5 <NA> <NA> Ann <NA> <NA>\n",
    "textgrid": '"ooTextFile"\n"TextGrid"\n0\n3\n<exists>\n1\n"IntervalTier"\n"a"\n0\n3\n1\n1.0\n2.5\n"hi"\n',
    "audacity": "1.0\t2.5\thi\n\\\t1\t2\n",
    "srt": "1\n00:00:01,000 --> 00:00:02,500\nhi\n\n",
    "vtt": "WEBVTT\n\n00:01.000 --> 00:02.500\nhi\n\n",
    "lab": "0 10000000 sil\n10000000 25000000 hi\n",
    "uem": "talk 1 1.0 2.5\n",
    "elan": '<ANNOTATION_DOCUMENT><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="1000"/></TIME_ORDER><TIER>'
    '<ANNOTATION><ALIGNABLE_ANNOTATION TIME_SLOT_REF1="a" TIME_SLOT_REF2="a"/></ANNOTATION></TIER>'
    "</ANNOTATION_DOCUMENT>",
    "ctm": "talk 1 1.0 1.5 hi\n",
    "kaldi": "u talk 1.0 2.5\n",
    "lhotse": '{"id": "u", "recording_id": "talk", "start": 1.0, "duration": 1.5, "channel": 0, "speaker": "Ann"}\n',
    "pyannote": '{"diarization": [{"start": 1.0, "end": 2.5, "speaker": "Ann"}]}\n',
}
PIECES = ["-1", "nan", "1e999", "9" * 30, "9" * 5000, '"', "\n", "\t", " ", "\0", "[", "{", "-->", "<", ";;", "\x85"]
PIECES += ["_", "\ud800", "\u0663", ",", ":", "&x;", "true", "null", "\ufeff", "\\", "]]>", "16000"]


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """`text` with pieces put in, taken out, and cut off."""
    for _ in range(draw(st.integers(1, 4))):
        at, until = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        text = text[:at] + draw(st.sampled_from([*PIECES, text[at:until] * 2])) + text[until:]
    return text


class TestHostility:
    def test_every_format_has_a_sample(self) -> None:
        assert SAMPLES.keys() == FORMATS.keys()

    @pytest.mark.parametrize("kind", FORMATS)
    @pytest.mark.parametrize("explicit", [True, False])
    @settings(max_examples=60)
    @given(data=st.data())
    def test_any_text_is_documents_or_an_error(
        self, read: Read, kind: str, explicit: bool, data: st.DataObject
    ) -> None:
        content = data.draw(mutated(SAMPLES[kind]) | st.text() | st.binary())
        name = "unknown" if explicit else f"x{FORMATS[kind].extension}"
        check(read, content, name, kind if explicit else None)

    @given(content=st.one_of(st.text(), *map(mutated, SAMPLES.values())))
    @example(content="\x1c")
    def test_any_text_of_unknown_format(self, read: Read, content: str) -> None:
        check(read, content, "unknown", None)

    @pytest.mark.parametrize("kind", FORMATS)
    def test_nothing_keeps_a_reader_busy(self, read: Read, kind: str) -> None:
        for content in ("0" * 99_999, "1:" * 50_000 + "-->", '"' * 99_999, "1\n00:00 --> 00:01\n" + "<" * 99_999):
            check(read, content, "unknown", kind)


def check(read: Read, content: str | bytes, name: str, kind: str | None) -> None:
    """What is read is sound, or the error is one line."""
    try:
        documents = read(content, name, kind)
    except FormatError as error:
        assert str(error).isprintable()
        return
    assert documents
    for document in documents:
        ends = [time for segment in document.segments for time in segment]
        assert ends == sorted(ends) and all(0 <= time < float("inf") for time in ends)
        assert max(ends, default=0) <= document.duration < float("inf")
        assert isinstance(document.recording, str) and isinstance(document.channel, (int, type(None)))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_content_tells_the_format(read: Read, kind: str) -> None:
    sample = SAMPLES[kind]
    if kind == "lab":  # in a file of another name, its times could be samples
        assert "look like samples" in refused(read, sample, "unknown")
        return
    assert read(sample, "unknown") == read(sample, "unknown", kind)
    assert read(sample, "x.txt") == read(sample, "unknown", kind)
