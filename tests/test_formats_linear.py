"""Readers of labels are linear: four times the input is about four times the work."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable

import pytest

from vad.errors import FormatError
from vad.formats import FORMATS

SIZE = 12_000
ROW = 12  # characters; files of many rows hold so many fewer
FACTOR = 4  # of input; quadratic work would be 16 times as much
CUE = "00:01.000 --> 00:02.000\n"
SRT = "1\n00:00:01,000 --> 00:00:02,000\n{}"
GRID = '"ooTextFile" "TextGrid" 0 9 1 "IntervalTier" "a" 0 9 {} '
SLOTS = '<TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="1"/><TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="2"/>'
EAF = f'<ANNOTATION_DOCUMENT><TIME_ORDER>{SLOTS}</TIME_ORDER><TIER TIER_ID="x">{{}}</TIER></ANNOTATION_DOCUMENT>'
ALIGNED = '<ALIGNABLE_ANNOTATION TIME_SLOT_REF1="a" TIME_SLOT_REF2="b"><ANNOTATION_VALUE>x</ANNOTATION_VALUE>'
ANNOTATION = f"<ANNOTATION>{ALIGNED}</ALIGNABLE_ANNOTATION></ANNOTATION>"

# Files that grow with n: ordinary ones, and those that a pattern, a nesting or a repetition could make costly.
GROWING: dict[str, list[Callable[[int], str]]] = {
    "text": [lambda n: "1\t2\thi\n" * (n // ROW), lambda n: "a[" * n + "1]\t1\t2\n", lambda n: "1 2 " + "x " * n],
    "json": [
        lambda n: "[" + '{"start": 1, "end": 2}, ' * (n // ROW) + "[1, 2]]",
        lambda n: "[" + '{"file": "a", "segments": []}, ' * (n // ROW) + '{"segments": []}]',
        lambda n: '[{"start": 1, "end": 2, ' + ", ".join(f'"key{k}": 1' for k in range(n)) + "}]",
    ],
    "jsonl": [lambda n: '{"start": 1, "end": 2}\n' * (n // ROW), lambda n: "\n" * 9 * n + "[]"],
    "csv": [
        lambda n: "start,end\n" + "1,2\n" * (n // ROW),
        lambda n: "start;end\n1,5" + " " * n + "x;2\n",
        lambda n: "start,end,label\n" + '1,2,"a""b"\n' * (n // ROW),
        lambda n: "start,end" + ",x" * n + "\n1,2" + ",y" * n,
    ],
    "tsv": [lambda n: "start\tend\n" + "1\t2\n" * (n // ROW)],
    "rttm": [lambda n: "".join(f"SPEAKER a{k} 1 1 2 <NA> <NA> b{k} <NA> <NA>\n" for k in range(n // ROW))],
    "textgrid": [
        lambda n: GRID.format(n // ROW) + '1 2 "a" ' * (n // ROW),
        lambda n: GRID.format(1) + '0 1 "' + '""' * n,
        lambda n: GRID.format(1) + '0 1 "' + 'x""' * n + '"',
        lambda n: GRID.format(1) + "- x" * n,
    ],
    "audacity": [lambda n: "1\t2\thi\n\\\t1\t2\n" * (n // ROW)],
    "srt": [
        lambda n: "1\n00:00:01,000 --> 00:00:02,000\nhi\n\n" * (n // ROW),
        lambda n: SRT.format("<b>" * 5 * n),
        lambda n: SRT.format("<b" + " " * n),
        lambda n: SRT.format("<font" * n),
        lambda n: SRT.format("{\\" * n),
    ],
    "vtt": [
        lambda n: "WEBVTT\n\n" + f"{CUE}hi\n\n" * (n // ROW),
        lambda n: f"WEBVTT\n\n{CUE}<v " + " " * n,
        lambda n: f"WEBVTT\n\n{CUE}" + "<v a>" * (n // ROW),
        lambda n: f"WEBVTT\n\n{CUE}" + "<b>" * 5 * n,
        lambda n: f"WEBVTT\n\n{CUE}<v." + "a." * n,
        lambda n: f"WEBVTT\n\n{CUE}" + "&amp" * n,
        lambda n: "WEBVTT\n\n" + " " * n + "00:01.000 -->" + " " * n + "00:02.000" + " " * n + "\nhi",
        lambda n: "WEBVTT\n\n00:01." + "1" * n + " --> 00:02.000\nhi",
    ],
    "lab": [lambda n: "1.0 2.5 a b c\n" * (n // ROW)],
    "uem": [lambda n: "talk 1 1.0 2.5\n" * (n // ROW)],
    "elan": [
        lambda n: EAF.format(ANNOTATION * (n // ROW)),
        lambda n: EAF.format("&lt;" * n),
        lambda n: EAF.format(f'<a b="{"x" * 10 * n}"/>'),
    ],
    "ctm": [lambda n: "talk 1 1.0 1.5 hi\n" * (n // ROW)],
    "kaldi": [lambda n: "".join(f"u{k} a{k} 1.0 2.5\n" for k in range(n // ROW))],
    "lhotse": [lambda n: '{"recording_id": "a", "start": 1, "duration": 2, "channel": 0}\n' * (n // ROW)],
    "pyannote": [lambda n: '{"diarization": [' + '{"start": 1, "end": 2, "speaker": "a"}, ' * (n // ROW) + "[1, 2]]}"],
}
CASES = [pytest.param(kind, make, id=f"{kind}-{n}") for kind, cases in GROWING.items() for n, make in enumerate(cases)]


def work(kind: str, text: str) -> float:
    """Processor time to read or refuse `text`: the lower of two."""
    costs = []
    gc.disable()  # a collection goes through all modules that other tests have imported
    try:
        for _ in range(2):
            began = time.process_time()
            with contextlib.suppress(FormatError):
                FORMATS[kind].read(text)
            costs.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(costs)


def test_every_format_grows() -> None:
    assert GROWING.keys() == FORMATS.keys()


@pytest.mark.parametrize(("kind", "make"), CASES)
def test_work_grows_like_the_input(kind: str, make: Callable[[int], str]) -> None:
    small, large = (work(kind, make(n)) for n in (SIZE, FACTOR * SIZE))
    # 5 ms hide what is too cheap to tell from noise; quadratic readers took 50 ms and more here
    assert large < 2.2 * FACTOR * small + 0.005
