"""Label files of every format, intact and damaged, and what is read from them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import strategies as st

from vad.batch.inputs import Input
from vad.batch.output import OneFile
from vad.errors import FormatError
from vad.formats import FORMATS, Document
from vad.segments import Segment

Times = list[tuple[float, float]]
Read = Callable[..., list[Document]]

ALONE = ["text", "uem", "kaldi", "pyannote"]  # hold speech and no text
SPANS = [(0.5, 1.25), (2.0, 3.5)]


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


def joined(segments: list[Segment]) -> list[Segment]:
    """`segments`, those that touch made one."""
    out: list[Segment] = []
    for segment in segments:
        if out and segment.start - out[-1].end < 1e-4:
            out[-1] = Segment(out[-1].start, segment.end)
        else:
            out.append(segment)
    return out


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


def written(kind: str, *documents: Document) -> str:
    """What a file with these documents holds."""
    text = io.StringIO()
    shared = OneFile(text, FORMATS[kind], len(documents) > 1)
    for document in documents:
        shared.write(Input(document.recording, Path("a")), [document])
    shared.close()
    return text.getvalue()


@st.composite
def recordings(draw: st.DrawFn) -> Document:
    """Segments in order, to the millisecond, some touching, in a recording of up to weeks."""
    at = draw(st.sampled_from([0, 0, 1, 359_999_000, 10**9]))
    segments = []
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 9_000), st.integers(1, 90_000)), max_size=8)):
        segments.append(Segment((at + gap) / 1000, (at + gap + length) / 1000))
        at += gap + length
    return Document("talk.wav", None, (at + draw(st.integers(0, 5_000))) / 1000, segments)
