"""The work of one detector as a process of its own: `python -m benchmarks.job NAME FILE...`.

Prints the segments of each 16 kHz mono WAV or FLAC, on one thread. Each detector takes the fastest
way that its package offers. Without files it starts, loads its model and ends. `--stream` prints
instead the microseconds of one core that 32 ms of live sound cost, in chunks of the size that the
detector likes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

RATE = 16_000
STREAMED = 20  # seconds of the file that are streamed

Spans = Iterable[tuple[float, float]]
Job = tuple[Callable[[str], Spans], Callable[[Any], object], int, str]


def silero_sequence() -> Job:
    """Blocks of 16 s in one call of ONNX Runtime, which it has for files alone."""
    from silero_vad import get_speech_timestamps_sequence, load_silero_vad

    model = load_silero_vad(sequence=True)
    find = lambda path: _pairs(get_speech_timestamps_sequence(_read(path), model, return_seconds=True))  # noqa: E731
    return find, _none, 0, "float32"


def silero() -> Job:
    """Its README's way, with ONNX Runtime: a call per 32 ms."""
    import torch
    from silero_vad import get_speech_timestamps, load_silero_vad

    model = load_silero_vad(onnx=True)

    def find(path: str) -> Spans:
        return _pairs(get_speech_timestamps(torch.from_numpy(_read(path)), model, return_seconds=True))

    return find, lambda chunk: model(torch.from_numpy(chunk), RATE).item(), 512, "float32"


def ten() -> Job:
    """A call per 16 ms, which is all there is."""
    from ten_vad import TenVad

    detector = TenVad(256)
    find = lambda path: _runs([detector.process(c)[1] for c in _chunks(_read(path, "int16"), 256)], 0.016)  # noqa: E731
    return find, detector.process, 256, "int16"


def webrtc() -> Job:
    """A call per 30 ms, the longest it takes."""
    import webrtcvad

    detector = webrtcvad.Vad(2)

    def find(path: str) -> Spans:
        sound = _read(path, "int16").tobytes()
        return _runs([detector.is_speech(sound[i : i + 960], RATE) for i in range(0, len(sound) - 959, 960)], 0.03)

    return find, lambda chunk: detector.is_speech(chunk.tobytes(), RATE), 480, "int16"


def ours() -> Job:
    """`vad stream` from Python, with its default latency, in pieces of 32 ms."""
    from vad import Detector

    detector = Detector()
    stream = detector.stream(sample_rate=RATE)
    return lambda path: [(s.start, s.end) for s in detector.detect(path)], stream.push, 512, "float32"


def silero_file() -> Job:
    """Silero's README from beginning to end: its own way to read a file of any kind."""
    import torch
    from silero_vad import get_speech_timestamps, load_silero_vad, read_audio

    torch.set_num_threads(1)
    model = load_silero_vad(onnx=True)
    find = lambda path: _pairs(get_speech_timestamps(read_audio(path), model, return_seconds=True))  # noqa: E731
    return find, _none, 0, "float32"


def auditok() -> Job:
    """auditok's README from beginning to end: the energy of what ffmpeg decodes for it."""
    from auditok import split

    return lambda path: [(region.start, region.end) for region in split(path)], _none, 0, "float32"


FILE_JOBS = {"silero-file": silero_file, "auditok": auditok}  # from a file of any kind
JOBS = {"vad": ours, "silero-sequence": silero_sequence, "silero": silero, "ten": ten, "webrtc": webrtc}


def stream(job: Job, path: str) -> float:
    """Microseconds of process time per 32 ms; `nan` where there is no such way."""
    _, push, size, dtype = job
    if not size:
        return float("nan")
    chunks = list(_chunks(_read(path, dtype)[: STREAMED * RATE], size))
    for chunk in chunks[:10]:
        push(chunk)
    began = time.process_time()
    for chunk in chunks[10:]:
        push(chunk)
    return (time.process_time() - began) / (len(chunks) - 10) * 512 / size * 1e6


def _read(path: str, dtype: str = "float32") -> Any:
    import soundfile

    return soundfile.read(path, dtype=dtype)[0]


def _none(chunk: Any) -> None:
    pass


def _chunks(samples: Any, size: int) -> Iterator[Any]:
    """Whole chunks of `samples`."""
    return iter(samples[: len(samples) // size * size].reshape(-1, size))


def _pairs(found: list[dict[str, float]]) -> Spans:
    return [(span["start"], span["end"]) for span in found]


def _runs(speech: list[Any], seconds: float) -> Spans:
    """Stretches of true chunks, in seconds."""
    edges = np.flatnonzero(np.diff(np.array(speech, int), prepend=0, append=0))
    return [(start * seconds, end * seconds) for start, end in edges.reshape(-1, 2).tolist()]


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    job = (JOBS | FILE_JOBS)[name]()
    if arguments[:1] == ["--stream"]:
        print(stream(job, arguments[1]))
    else:
        for path in arguments:
            for start, end in job[0](path):
                print(f"{path}\t{start:.3f}\t{end:.3f}")
