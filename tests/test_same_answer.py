"""The same sound gives the same speech, whatever the file format, the interface and the number of jobs.

Equal samples give equal segments; rounded or resampled ones may move an end by a frame, 10 ms.
`.ci/run` runs these tests with the lowest and the highest versions of the dependencies.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from conftest import RATE, run
from vad import Detector, Segment
from vad.events import segments_of

FRAME = 0.01
Segments = list[Segment]


@pytest.fixture(scope="module")
def sound(talk: Path) -> np.ndarray:
    """Ten seconds of a talker, int16 `(sample,)`: two segments, of which one is cut off at the end."""
    return soundfile.read(talk, dtype="int16")[0][: 10 * RATE]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="module")
def expected(detector: Detector, sound: np.ndarray) -> Segments:
    found = detector.detect(sound, sample_rate=RATE)
    assert len(found) >= 2
    return found


def from_text(text: str) -> Segments:
    """The segments of `vad detect` or `vad stream -f text`, which may name the file before them."""
    return [Segment(*map(float, line.split("\t")[-2:])) for line in text.splitlines()]


def vad(*arguments: Any, content: bytes | None = None) -> Segments:
    return from_text(run(*arguments, "-q", input=content, text=False).stdout.decode())


def wav(samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    content = io.BytesIO()
    soundfile.write(content, samples, rate, subtype, format=kind)
    return content.getvalue()


SAME_SAMPLES: dict[str, Callable[[np.ndarray], bytes]] = {
    "wav": wav,
    "flac": lambda x: wav(x, kind="FLAC"),
    "aiff": lambda x: wav(x, kind="AIFF"),
    "caf": lambda x: wav(x, kind="CAF"),
    "24 bits": lambda x: wav(x, subtype="PCM_24"),
    "24 bits, flac": lambda x: wav(x, subtype="PCM_24", kind="FLAC"),
    "float": lambda x: wav((x / 32768).astype(np.float32), subtype="FLOAT"),
    "double": lambda x: wav(x / 32768, subtype="DOUBLE"),
    "stereo": lambda x: wav(np.stack([x, x], 1)),
}
OTHER_SAMPLES: dict[str, Callable[[np.ndarray], bytes]] = {
    "48 kHz": lambda x: wav(soxr.resample(x / 32768, RATE, 48_000), 48_000),
    "44.1 kHz": lambda x: wav(soxr.resample(x / 32768, RATE, 44_100), 44_100),
    "48 kHz, stereo, flac": lambda x: wav(
        np.tile(soxr.resample(x / 32768, RATE, 48_000)[:, None], 2), 48_000, "PCM_24", "FLAC"
    ),
}


@pytest.mark.parametrize("how", [*SAME_SAMPLES, *OTHER_SAMPLES])
def test_in_any_file_format(
    detector: Detector, sound: np.ndarray, expected: Segments, tmp_path: Path, how: str
) -> None:
    path = tmp_path / "talk.audio"
    path.write_bytes({**SAME_SAMPLES, **OTHER_SAMPLES}[how](sound))
    found = detector.detect(path)
    if how in SAME_SAMPLES:
        assert found == expected
    else:
        assert np.abs(np.array(found) - np.array(expected)).max() <= FRAME + 1e-9


INTERFACES: dict[str, Callable[[Detector, np.ndarray, Path], Segments]] = {
    "array of int16": lambda d, x, _: d.detect(x, sample_rate=RATE),
    "array of float32": lambda d, x, _: d.detect((x / 32768).astype(np.float32), sample_rate=RATE),
    "array of float64, stereo": lambda d, x, _: d.detect(np.stack([x, x], 1) / 32768, sample_rate=RATE),
    "path": lambda d, _, path: d.detect(path),
    "file object": lambda d, _, path: d.detect(path.open("rb")),
    "scores, then segments": lambda d, x, _: d.segment(d.scores(x, sample_rate=RATE)),
    "vad detect FILE": lambda _, __, path: vad("detect", path),
    "vad detect -": lambda _, __, path: vad("detect", "-", content=path.read_bytes()),
    "vad detect --raw -": lambda _, x, __: vad("detect", "--raw", "-", content=x.tobytes()),
}


@pytest.mark.parametrize("how", INTERFACES)
def test_by_any_interface(detector: Detector, sound: np.ndarray, expected: Segments, tmp_path: Path, how: str) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(wav(sound))
    assert INTERFACES[how](detector, sound, path) == expected


STREAMED = ["one piece", "chunks", "bytes", "vad stream FILE", "vad stream - --raw", "vad detect --latency"]


@pytest.mark.parametrize("how", STREAMED)
def test_by_any_kind_of_stream(detector: Detector, sound: np.ndarray, tmp_path: Path, how: str) -> None:
    """A stream has less right context than a recording: its result is that of `detect(latency=...)`."""
    path = tmp_path / "talk.wav"
    path.write_bytes(wav(sound))
    expected = detector.detect(sound, sample_rate=RATE, latency=0.3)
    assert len(expected) >= 2
    if how == "vad stream FILE":
        assert vad("stream", path, "-f", "text", "--latency", "0.3") == expected
    elif how == "vad stream - --raw":
        assert vad("stream", "-", "--raw", "-f", "text", "--latency", "0.3", content=sound.tobytes()) == expected
    elif how == "vad detect --latency":
        assert vad("detect", path, "--latency", "0.3") == expected
    else:
        stream = detector.stream(sample_rate=RATE, latency=0.3)
        cuts = {"one piece": [len(sound)], "chunks": [1, 7, 160, 5_000, 33_333], "bytes": [512] * 400}[how]
        pieces = np.split(sound, [at for at in np.cumsum(cuts) if at < len(sound)])
        events = [e for p in pieces for e in stream.push(p.tobytes() if how == "bytes" else p)] + stream.finish()
        assert segments_of(events) == expected


def test_with_one_job_or_many(sound: np.ndarray, expected: Segments, tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.wav").write_bytes(wav(sound))
    one = vad("detect", tmp_path, "--jobs", "1")
    assert one == expected * 4
    assert vad("detect", tmp_path, "--jobs", "3") == one
