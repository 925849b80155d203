"""Label files that other programs write are read."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pympi
import pytest
import srt
import webvtt
from praatio import textgrid
from pyannote.core import Annotation
from pyannote.core import Segment as Span

from labelfiles import SPANS, Read, times
from vad.formats import FORMATS
from vad.labels.convert import losses


class TestOtherPrograms:
    @pytest.mark.parametrize("kind", ["short_textgrid", "long_textgrid"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    def test_praat(self, read_as: Read, tmp_path: Path, kind: Any, encoding: str) -> None:
        grid = textgrid.Textgrid()
        grid.addTier(textgrid.IntervalTier("Zo\xeb", [(0.5, 1.0, 'say "item [2]" \xe9'), (2, 3, "sil")], 0, 4))
        grid.addTier(textgrid.IntervalTier("Bob", [(0.9, 1.25, "intervals [9]:"), (2.0, 3.5, "a\nb")], 0, 4))
        grid.addTier(textgrid.PointTier("clicks", [(3.75, "click")], 0, 4))
        grid.save(str(tmp_path / "a"), format=kind, includeBlankSpaces=True)
        text = (tmp_path / "a").read_text("utf-8")
        found = read_as(text.encode(encoding), "a.TextGrid")
        assert times(found) == SPANS
        assert found[0].duration == 4

    def test_a_table_of_praat_keeps_its_tiers(self, read_as: Read) -> None:
        (found,) = read_as("tmin\ttier\ttext\ttmax\n0.5\tword\thi\t1\n0.5\tphone\th\t0.7\n", "a.tsv")
        assert [(x.end, x.text, x.tier) for x in found.labels] == [(0.7, "h", "phone"), (1, "hi", "word")]

    def test_elan(self, read_as: Read, tmp_path: Path) -> None:
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
            (found,) = read_as(content, name)
            assert times([found]) == SPANS
            assert found.speakers == ("Ann", "Bob") and found.duration == 5

    def test_elan_annotations_without_times_of_their_own(self, read_as: Read) -> None:
        # as ELAN writes a time subdivision (word), a symbolic subdivision (gloss) and an association (free, first)
        def annotation(name: str, text: str, **references: str) -> str:
            kind = "REF" if "ANNOTATION_REF" in references else "ALIGNABLE"
            attributes = " ".join(f'{key}="{value}"' for key, value in references.items())
            return (
                f'<ANNOTATION><{kind}_ANNOTATION ANNOTATION_ID="{name}" {attributes}><ANNOTATION_VALUE>{text}'
                f"</ANNOTATION_VALUE></{kind}_ANNOTATION></ANNOTATION>"
            )

        tiers = {
            "free": annotation("a5", "I go home", ANNOTATION_REF="a1"),
            "utt": annotation("a1", "me ko fie", TIME_SLOT_REF1="t1", TIME_SLOT_REF2="t3"),
            "word": annotation("a2", "me", TIME_SLOT_REF1="t1", TIME_SLOT_REF2="t2")
            + annotation("a3", "ko fie", TIME_SLOT_REF1="t2", TIME_SLOT_REF2="t3"),
            "gloss": annotation("a6", "go", ANNOTATION_REF="a3")
            + annotation("a7", "home", ANNOTATION_REF="a3", PREVIOUS_ANNOTATION="a6"),
        }
        times = '<TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="t2"/>'
        times += '<TIME_SLOT TIME_SLOT_ID="t3" TIME_VALUE="2000"/>'
        body = "".join(f'<TIER TIER_ID="{name}">{content}</TIER>' for name, content in tiers.items())
        (found,) = read_as(
            f"<ANNOTATION_DOCUMENT><TIME_ORDER>{times}</TIME_ORDER>{body}</ANNOTATION_DOCUMENT>", "a.eaf"
        )
        assert [(x.start, x.end, x.tier, x.text, x.speaker) for x in found.labels] == [
            (1, 1.5, "word", "me", "word"),
            (1, 2, "utt", "me ko fie", "utt"),
            (1, 2, "free", "I go home", "utt"),
            (1.5, 1.75, "gloss", "go", "word"),
            (1.5, 2, "word", "ko fie", "word"),
            (1.75, 2, "gloss", "home", "word"),
        ]

    def test_srt(self, read_as: Read) -> None:
        cues = [srt.Subtitle(i, *(timedelta(seconds=t) for t in s), "Hi\n<i>you</i>") for i, s in enumerate(SPANS)]
        cues.append(srt.Subtitle(9, timedelta(seconds=5), timedelta(seconds=6), "[Music]"))
        assert times(read_as(srt.compose(cues), "a.srt")) == SPANS
        assert times(read_as(srt.compose(cues).replace("\n", "\r\n"), "unknown")) == SPANS

    def test_webvtt(self, read_as: Read) -> None:
        vtt = webvtt.WebVTT()
        for start, end in SPANS:
            vtt.captions.append(webvtt.Caption(f"00:00:{start:06.3f}", f"00:00:{end:06.3f}", "<v Bob>Hi"))
        assert times(read_as(vtt.content, "a.vtt")) == SPANS
        assert times(read_as(vtt.content, "unknown")) == SPANS

    def test_webvtt_with_all_it_may_have(self, read_as: Read) -> None:
        text = (
            "WEBVTT - a title\nKind: captions\n\nNOTE not\nspoken\n\nSTYLE\n::cue { color: red }\n\n"
            "intro\n00:00.500 --> 00:01.250 align:left position:10%\nHi\n\n00:02.000 --> 00:03.500\n- Ho"
        )
        assert times(read_as(text, "a.vtt")) == SPANS

    def test_pyannote_rttm(self, read_as: Read) -> None:
        annotation = Annotation(uri="talk")
        annotation[Span(0.5, 1.0)], annotation[Span(0.75, 1.25)], annotation[Span(2, 3.5)] = "Ann", "Bob", "Ann"
        for name in ("a.rttm", "unknown.txt"):
            (found,) = read_as(annotation.to_rttm(), name)
            assert times([found]) == SPANS
            assert (found.recording, found.channel, found.speakers) == ("talk", 1, ("Ann", "Bob"))

    def test_pyannote_lab(self, read_as: Read) -> None:
        annotation = Annotation()
        annotation[Span(0.5, 1.25)], annotation[Span(2, 3.5)], annotation[Span(4, 5)] = "Ann", "Bob", "noise"
        assert times(read_as(annotation.to_lab(), "a.lab")) == SPANS

    def test_pyannote_json(self, read_as: Read) -> None:
        spans = [{"start": start, "end": end} for start, end in SPANS]
        tracks = [{"segment": span, "track": "_", "label": "Ann"} for span in spans]
        (found,) = read_as(json.dumps({"pyannote": "Annotation", "content": tracks, "uri": "talk"}), "a.json")
        assert times([found]) == SPANS and (found.recording, found.speakers) == ("talk", ("Ann",))
        assert {label.caption for label in found.labels} == {"Ann"} and not losses([found], FORMATS["rttm"])
        (found,) = read_as(json.dumps({"content": [tracks[0], tracks[1] | {"label": "noise"}]}), "a.json")
        assert times([found]) == SPANS[:1] and [label.text for label in found.labels] == ["speech", "noise"]
        for content in (
            {"pyannote": "Timeline", "content": spans},
            {"timeline": spans},
            {"jobId": "1", "output": {"diarization": [span | {"speaker": "A"} for span in spans]}},
        ):
            assert times(read_as(json.dumps(content), "a.json")) == SPANS

    def test_lhotse(self, read_as: Read) -> None:
        one = {"id": "u1", "recording_id": "talk", "start": 0.5, "duration": 0.75, "channel": 0, "speaker": "Ann"}
        two = {"id": "u2", "recording_id": "talk", "start": 2, "duration": 1.5, "channel": [0], "text": "so it is"}
        both = {"id": "u3", "recording_id": "b", "start": 2, "duration": 1.5, "channel": [0, 1]}
        text = "".join(json.dumps(row) + "\n" for row in (one, two, both))
        for content, name in ((text.encode(), "supervisions.jsonl"), (gzip.compress(text.encode()), "x.jsonl.gz")):
            talk, other = read_as(content, name)
            assert times([talk]) == SPANS
            assert (talk.recording, talk.channel, talk.speakers) == ("talk", 1, ("Ann",))
            assert (other.recording, other.channel) == ("b", None)

    def test_nemo(self, read_as: Read) -> None:
        rows = [{"audio_filepath": "/a/talk.wav", "offset": s, "duration": e - s, "text": "hi"} for s, e in SPANS]
        (found,) = read_as("\n".join(map(json.dumps, rows)), "manifest.json")
        assert times([found]) == SPANS and found.recording == "/a/talk.wav"

    def test_whisper(self, read_as: Read) -> None:
        segments = [{"id": 0, "start": s, "end": e, "text": " Hi.", "tokens": [1]} for s, e in SPANS]
        assert times(read_as(json.dumps({"text": " Hi.", "segments": segments, "language": "en"}), "a.json")) == SPANS

    def test_silero_and_pairs(self, read_as: Read) -> None:
        assert times(read_as(json.dumps([{"start": s, "end": e} for s, e in SPANS]), "a.json")) == SPANS
        assert times(read_as(json.dumps(SPANS), "a.json")) == SPANS
        assert times(read_as('[{"start": 1, "end": 3}]', "a.json")) == [(1, 3)]

    def test_kaldi(self, read_as: Read) -> None:
        text = "talk-1 talk 0.50 1.25\ntalk-2 talk 2 3.5\nb-1 b 0 1\n"
        for name in ("segments", "a.segments", "unknown"):
            talk, other = read_as(text, name)
            assert times([talk]) == SPANS and (talk.recording, other.recording) == ("talk", "b")

    def test_ctm(self, read_as: Read) -> None:
        text = ";; comment\ntalk A 0.5 0.25 so 0.9\ntalk A 0.75 0.5 it\ntalk A 1.5 0.2 <eps>\ntalk A * * <ALT>\n"
        text += "talk A 2.0 1.5 is\ntalk B 0 1 yes\n"
        for name in ("a.ctm", "unknown.txt"):
            first, second = read_as(text, name)
            assert times([first]) == SPANS and (first.channel, second.channel) == (1, 2)

    def test_uem(self, read_as: Read) -> None:
        for name in ("a.uem", "unknown"):
            (found,) = read_as("talk 1 0.5 1.25\ntalk 1 2.000 3.500\n", name)
            assert times([found]) == SPANS and (found.recording, found.channel) == ("talk", 1)
        assert read_as("talk NA 0.5 1.25\n", "a.uem")[0].channel is None

    def test_rttm_with_all_it_may_have(self, read_as: Read) -> None:
        text = (
            ";; a comment\nSPKR-INFO talk 1 <NA> <NA> <NA> unknown Ann <NA>\n"
            "SPEAKER talk 1 0.5 0.75 <NA> <NA> Ann <NA>\nNON-SPEECH talk 1 1.5 0.2 <NA> noise <NA> <NA>\n"
            "LEXEME talk 1 7 1 hi lex Ann 0.9\nSPEAKER talk 1 2 1.5 <NA> <NA> <NA> <NA> <NA>\n"
        )
        (found,) = read_as(text, "a.rttm")
        assert times([found]) == SPANS and found.speakers == ("Ann",)

    def test_htk(self, read_as: Read) -> None:
        text = "0 5000000 sil -12.5\n5000000 12500000 hh -11\n12500000 20000000 sp\n20000000 35000000 ax\n"
        (found,) = read_as(text, "a.lab")
        assert times([found]) == SPANS and found.duration == 3.5
        assert times(read_as("0 1 a\n3 4 b", "a.lab")) == [(0, 1), (3, 4)]

    def test_audacity(self, read_as: Read) -> None:
        text = "0.500000\t1.250000\t\n\\\t100.0\t900.0\n2.000000\t3.500000\tBob says hi\n4.0\t4.0\tpoint\n"
        for name in ("Label Track.txt", "unknown"):
            (found,) = read_as(text, name)
            assert times([found]) == SPANS and found.duration == 4

    def test_ava_speech(self, read_as: Read) -> None:
        text = "-5KQ66B,0.5,1.25,CLEAN_SPEECH\n-5KQ66B,1.25,2.0,NO_SPEECH\n-5KQ66B,2.0,3.5,SPEECH_WITH_MUSIC\n"
        (found,) = read_as(text, "a.csv")
        assert times([found]) == SPANS and found.recording == "-5KQ66B"
