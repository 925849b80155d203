"""Label files that the package writes are read back; tables, encodings and errors of label files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings

from labelfiles import ALONE, Read, joined, recordings, refused, times, written
from vad.errors import FormatError
from vad.formats import FORMATS, Document, read_labels
from vad.formats.parsing import NON_SPEECH, is_speech
from vad.segments import Segment

NAMED = ["json", "jsonl", "csv", "tsv", "rttm", "uem"]


class TestRoundTrip:
    @pytest.mark.parametrize("kind", FORMATS)
    @settings(max_examples=30)  # of each format
    @given(given=recordings())
    def test_what_we_write_comes_back(self, read_as: Read, kind: str, given: Document) -> None:
        (found,) = read_as(written(kind, given), f"talk{FORMATS[kind].extension}")
        expected = joined(given.segments)
        assert [s.start for s in found.segments] == pytest.approx([s.start for s in expected], rel=0, abs=1e-5)
        assert [s.end for s in found.segments] == pytest.approx([s.end for s in expected], rel=0, abs=1e-5)
        says_duration = kind in ("json", "textgrid")
        last = given.segments[-1].end if given.segments else 0.0
        assert found.duration == pytest.approx(given.duration if says_duration else last, rel=0, abs=1e-5)

    @pytest.mark.parametrize("kind", NAMED)
    def test_recording_and_channel_come_back(self, read_as: Read, kind: str) -> None:
        one = Document("dir/my talk.wav", 2, 9.0, [Segment(1.0, 2.5)])
        (found,) = read_as(written(kind, one), f"x{FORMATS[kind].extension}")
        assert (found.recording, found.channel) == (one.uri if kind in ("rttm", "uem") else one.recording, 2)
        assert found.segments == one.segments and found.speakers == ()

    @pytest.mark.parametrize("kind", ["text", *NAMED])
    def test_several_recordings_and_channels_come_back(self, read_as: Read, kind: str) -> None:
        given = [
            Document("a.wav", 1, 9.0, [Segment(1.0, 2.5), Segment(3.0, 4.0)]),
            Document("a.wav", 2, 9.0, [Segment(0.5, 0.75)]),
            Document("b c.wav", 1, 9.0, [Segment(1.0, 2.0)]),
        ]
        found = read_as(written(kind, *given), f"x{FORMATS[kind].extension}")
        names = [d.uri if kind in ("rttm", "uem") else d.recording for d in given]
        assert [(d.recording, d.channel) for d in found] == list(zip(names, (1, 2, 1), strict=True))
        assert [d.segments for d in found] == [d.segments for d in given]

    @pytest.mark.parametrize("kind", [k for k in FORMATS if k not in ALONE])
    def test_silences_are_no_speech(self, read_as: Read, kind: str) -> None:
        silences = Document("talk.wav", 1, 3.0, [Segment(1.0, 2.0)], "silence")
        assert times(read_as(written(kind, silences), f"x{FORMATS[kind].extension}")) == []

    @pytest.mark.parametrize("kind", [k for k in FORMATS if k != "json"])
    def test_a_file_without_labels_is_one_recording_without_speech(self, read_as: Read, kind: str) -> None:
        (found,) = read_as(FORMATS[kind].head + FORMATS[kind].write(Document("", None, 0.0, [])), "x", kind)
        assert (found.recording, found.channel, found.segments) == ("", None, [])

    def test_json_names_a_recording_without_speech(self, read_as: Read) -> None:
        (found,) = read_as(written("json", Document("a.wav", 2, 7.0, [])), "x.json")
        assert (found.recording, found.channel, found.duration, found.segments) == ("a.wav", 2, 7.0, [])


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
    def test_the_times_have_many_names(self, read_as: Read, name: str, head: str) -> None:
        separator = next(mark for mark in "\t;," if mark in head)
        row = {2: "0.5 0.75" if "duration" in head else "0.5 1.25", 3: "0.5 0.75 1.25"}[head.count(separator) + 1]
        assert times(read_as(head + "\n" + row.replace(" ", separator) + "\n", name)) == [(0.5, 1.25)]

    @pytest.mark.parametrize("label", ["label", "text", "event_label"])
    @pytest.mark.parametrize("file", ["file", "recording", "audio", "filename"])
    def test_labels_and_recordings_have_many_names(self, read_as: Read, label: str, file: str) -> None:
        text = (
            f"{file},onset,offset,{label},channel,speaker\na.wav,1,2,hi,2,Ann\na.wav,2,3,noise,2,Bob\nb.wav,1,2,,1,\n"
        )
        one, two = read_as(text, "x.csv")
        assert (one.recording, one.channel, one.speakers, one.segments) == ("a.wav", 2, ("Ann",), [(1, 2)])
        assert (two.recording, two.channel, two.segments, two.duration) == ("b.wav", 1, [], 2)

    @pytest.mark.parametrize("separator", [",", ";", "\t", " ", "   "])
    @pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "unknown"])
    def test_a_table_needs_no_head(self, read_as: Read, separator: str, name: str) -> None:
        rows = [["0.5", "1.25"], ["2", "3.5", "hi"], ["4", "5", "silence"]]
        if separator == ";":
            rows[0] = ["0,5", "1,25"]
        if separator == ";" and name in ("a.txt", "unknown"):
            return  # a comma within a number is told from one between numbers by the extension
        text = "\n\n".join(separator.join(row) for row in rows)
        assert times(read_as(text, name)) == [(0.5, 1.25), (2, 3.5)]

    def test_a_reference_of_ours(self, read_as: Read) -> None:
        assert times(read_as("0.880\t1.890\n1.970\t3.230\n", "talk.tsv")) == [(0.88, 1.89), (1.97, 3.23)]
        assert times(read_as("", "talk.tsv")) == []

    def test_text_names_recordings_and_channels(self, read_as: Read) -> None:
        one, two = read_as("my talk.wav[2]\t1.0\t2.0\nb.wav\t3\t4\n", "a.txt")
        assert (one.recording, one.channel, two.recording, two.channel) == ("my talk.wav", 2, "b.wav", None)


class TestSpeech:
    def test_overlap_and_touch_make_one_stretch_in_order(self, read_as: Read) -> None:
        assert times(read_as("4 5\n1 3 a\n2 2.5 b\n3 3.5 c\n", "a.txt")) == [(1, 3.5), (4, 5)]

    @pytest.mark.parametrize("text", ["SIL", "<eps>", "[noise]", "Non-Speech", "non speech", "(Music)", "_", "#", " "])
    def test_these_are_no_speech(self, text: str) -> None:
        assert not is_speech(text)

    @pytest.mark.parametrize(
        "text", ["speech", "hello", "h", "s", "<unk>", "spn", "0", "silences are golden", "\u8a71"]
    )
    def test_these_are(self, text: str) -> None:
        assert is_speech(text)

    @pytest.mark.parametrize(
        ("name", "text", "speech"),
        [
            ("a.ctm", "a 1 {0} 1 music\na 1 {1} 1 [music]\na 1 {2} 1 SIL\n", [0]),
            (
                "a.srt",
                "1\n00:00:0{0},000 --> 00:00:0{0},900\nsilence\n\n2\n00:00:0{1},000 --> 00:00:0{1},900\n(silence)\n\n"
                "3\n00:00:0{2},000 --> 00:00:0{2},900\nAPPLAUSE\n",
                [0],
            ),
            ("a.txt", "{0} 1 Silence!\n{1} 3 silence\n", [0]),
            (
                "a.rttm",
                "SPEAKER a 1 {0} 1 <NA> <NA> NT <NA>\nSPEAKER a 1 {1} 1 <NA> <NA> noise <NA>\n"
                "SPEAKER a 1 {2} 1 <NA> <NA> [breath] <NA>\n",
                [0],
            ),
        ],
    )
    def test_words_of_a_transcript_and_initials_are_speech(
        self, read_as: Read, name: str, text: str, speech: list[int]
    ) -> None:
        (found,) = read_as(text.format(0, 2, 4), name)
        assert [segment.start for segment in found.segments] == speech

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
            ("a.txt", "16000 1600000\n", "look like samples or milliseconds; write"),
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
            ("a.srt", "1\n0 --> 1\nx\n", "line 2: write times like"),
            ("a.vtt", "00:00:02.000 --> 00:00:03.000\nx\n", "line 1: WebVTT begins with WEBVTT"),
            ("a.json", "", "is no JSON, or truncated"),
            ("a.json", '{"segments": [{"start": 1, "e', "is no JSON, or truncated"),
            ("a.json", '{"name": 1}', "needs the columns start and end"),
            ("a.json", '[{"start": 1, "end": 2}, {"start": 1}]', "entry 2: needs the columns"),
            ("a.json", '[{"start": NaN, "end": 2}]', "entry 1: the time 'nan' is not finite"),
            ("a.json", '[{"start": 1, "end": 1e999}]', "entry 1: the time 'inf' is not finite"),
            ("a.json", '[{"start": 1, "end": true}]', "entry 1: 'True' is not a time"),
            ("a.json", '[{"start": 16000, "end": 1600000}]', "look like samples or milliseconds; write"),
            ("a.json", "[" * 100_000, ""),
            ("a.json", '{"output":' * 5000 + "1" + "}" * 5000, ""),
            ("a.json", '[{"start": 1, "end": ' + "9" * 5000 + "}]", ""),
            ("a.jsonl", '{"start": 1, "end": 2}\n{"start": 1, ', "line 2: is no JSON, or truncated"),
            ("a.jsonl", '{"start": 1, "end": 2}\n{"start": 3, "end": 2}', "line 2: ends at 2 s, before"),
            ("a.TextGrid", "hello", "ends before the last interval"),
            ("a.TextGrid", '"ooTextFile" "Pitch 1"', "is no TextGrid"),
            ("a.TextGrid", '"ooTextFile" "TextGrid" 0 1 <exists> 1 "IntervalTier" "a" 0 1 5 0 1 "x"', "truncated"),
            ("a.TextGrid", '"ooTextFile"\n"TextGrid"\n0 "x"', "line 3: has the text 'x' in the place of a number"),
            ("a.eaf", "hello", "is no XML"),
            ("a.eaf", "<ANNOTATION_DOCUMENT><TIER>", "is no XML, or truncated"),
            ("a.eaf", "<html></html>", "no ANNOTATION_DOCUMENT"),
            ("a.eaf", '<!DOCTYPE x [<!ENTITY a "b">]><ANNOTATION_DOCUMENT/>', "document type"),
            ("a.mp3", "hello", "has no known label format; name the format: text, json"),
        ],
    )
    def test_a_wrong_file_is_refused_with_the_reason(self, read_as: Read, name: str, content: str, reason: str) -> None:
        assert reason in refused(read_as, content, name)

    def test_an_unknown_format_is_refused_with_the_known_ones(self, read_as: Read) -> None:
        assert "there is no label format x; choose one of text, json" in refused(read_as, "0 1", "a.txt", "x")

    @pytest.mark.parametrize("name", ["a.txt", "a.json", "a.TextGrid", "a.eaf", "a.srt"])
    def test_what_is_no_text_is_refused(self, read_as: Read, name: str) -> None:
        assert "is not text" in refused(read_as, b"RIFF\0\0\0\0WAVEfmt " + bytes(range(256)), name)
        assert "cannot be unpacked" in refused(read_as, gzip.compress(b"0 1\n" * 99)[:-12], name)
        assert "begins like UTF-16" in refused(read_as, b"\xff\xfea", name)

    @pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.eaf"])
    def test_what_must_be_unicode_is_refused_in_latin_1(self, read_as: Read, name: str) -> None:
        content = '<ANNOTATION_DOCUMENT a="\xe9"/>' if name == "a.eaf" else '{"start": 1, "end": 2, "label": "\xe9"}'
        assert "is not UTF-8" in refused(read_as, content.encode("latin-1"), name)

    def test_folders_and_missing_files_are_refused(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "missing.txt", tmp_path / "a\0b.txt", tmp_path / ("x" * 999)):
            with pytest.raises(FormatError, match="cannot be read"):
                read_labels(path)


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("kind", NAMED)
    def test_any_unicode(self, read_as: Read, kind: str, encoding: str) -> None:
        given = Document("Gespr\xe4ch \u8a71.wav", 1, 3.0, [Segment(1.0, 2.0)])
        text = written(kind, given).replace("\n", "\r\n")
        (found,) = read_as(text.encode(encoding), f"x{FORMATS[kind].extension}")
        assert found.recording in (given.recording, given.uri) and found.segments == given.segments

    @pytest.mark.parametrize("kind", ["csv", "tsv", "rttm", "uem"])
    def test_latin_1(self, read_as: Read, kind: str) -> None:
        given = Document("caf\xe9.wav", 1, 3.0, [Segment(1.0, 2.0)])
        (found,) = read_as(written(kind, given).encode("latin-1"), f"x{FORMATS[kind].extension}")
        assert found.recording in (given.recording, given.uri)

    def test_line_ends_that_windows_doubled(self, read_as: Read) -> None:
        lines = ["1", "00:00:01,000 --> 00:00:02,000", "Hello", "you", "", "2", "00:00:03,000 --> 00:00:04,000", "Bye"]
        (found,) = read_as("\r\r\n".join(lines), "a.srt")
        assert [x.text for x in found.labels] == ["Hello\nyou", "Bye"]

    def test_windows_1252(self, read_as: Read) -> None:
        cue = "1\r\n00:00:01,000 --> 00:00:02,000\r\nIt\u2019s a caf\xe9\u2026\r\n"
        (found,) = read_as(cue.encode("cp1252"), "a.srt")
        assert found.labels[0].text == "It\u2019s a caf\xe9\u2026"

    def test_windows_1252_adds_no_lines(self, read_as: Read) -> None:
        assert times(read_as("0 1 wait\x85 1 0\n2 3 \xa0x\n".encode("latin-1"), "a.txt")) == [(0, 1), (2, 3)]
