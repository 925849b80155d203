"""What is read from outside, each with real samples and with what must hold for any input."""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import os
import tempfile
import unicodedata
import warnings
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from vad import Detector, VadError
from vad.audio.decode import AudioWarning, open_sound
from vad.audio.timestamps import MAX_GAP, Clock
from vad.batch.inputs import Input
from vad.batch.journal import Journal
from vad.batch.naming import name_output
from vad.errors import AudioError, FormatError, ModelError, RecipeError, SettingError
from vad.events import segments_of
from vad.formats import FORMATS, read_labels
from vad.live.hooks import CommandRunner
from vad.live.recorder import UtteranceRecorder
from vad.settings import DTYPES, Raw

ROOT = Path(__file__).parents[2]
ENERGY = ROOT / "tests" / "doubles" / "energy.onnx"
RATE = 16_000
ENOUGH = 100  # blocks that are decoded of one input
MOST = 1 << 25  # bytes that one block may hold


@dataclass(frozen=True)
class Target:
    """Something that is read. `check` raises where an input is answered neither well nor with `VadError`."""

    seeds: Callable[[], list[bytes]]
    check: Callable[[bytes], None]


@functools.cache
def _folder() -> Path:
    """A folder for the inputs, in memory where the system has that."""
    place = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="vad-fuzz-", dir=place if place.is_dir() else None))


def _file(name: str, content: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(content)
    return path


def _line(error: VadError) -> None:
    assert len(str(error).splitlines()) == 1, repr(str(error))


# Labels


def _labels(kind: str) -> Target:
    def seeds() -> list[bytes]:
        from labelfiles import SAMPLES

        sample = SAMPLES[kind].encode()
        return [sample, sample * 3, ROOT.joinpath("data/talk.tsv").read_bytes() if kind in ("text", "tsv") else sample]

    def check(content: bytes) -> None:
        number = zlib.crc32(content)
        path = _file(("labels", f"labels{FORMATS[kind].extension}")[number & 1], content)
        try:
            documents = read_labels(path, None if number & 1 else kind)
        except FormatError as error:
            assert str(error).isprintable(), repr(str(error))
            return
        for document in documents:
            ends = [time for segment in document.segments for time in segment]
            assert ends == sorted(ends) and all(0 <= time <= document.duration < float("inf") for time in ends)
            other = list(FORMATS.values())[number // 2 % len(FORMATS)]
            text = other.write(document)
            assert all(unicodedata.category(c) not in ("Cc", "Cs") or c in "\n\t" for c in text), repr(text)

    return Target(seeds, check)


# Sound


def _sound(kind: str) -> bytes:
    """A fifth of a second of a tone in two channels."""
    tone = 0.3 * np.sin(np.arange(RATE // 5) / 3)
    content = io.BytesIO()
    if kind in soundfile.available_formats():
        soundfile.write(content, np.stack([tone, -tone], 1), RATE, format=kind)
        return content.getvalue()
    with av.open(content, "w", format=kind.lower()) as file:
        track: Any = file.add_stream("aac" if kind != "WEBM" else "libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray((tone[None] * 32767).astype(np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        file.mux(track.encode(frame))
        file.mux(track.encode())
    return content.getvalue()


class _Pipe(io.BytesIO):
    """Standard input, as it were."""

    name = "<stdin>"

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise OSError("a pipe")


def _audio(kind: str) -> Target:
    def check(content: bytes) -> None:
        way = zlib.crc32(content) % 4
        name = f"sound.{kind.lower()}" if way else "sound"
        source: Any = _Pipe(content) if way == 1 else _file(name, content)
        try:
            sound = open_sound(source)
            for block in itertools.islice(sound.blocks(RATE), ENOUGH):
                assert block.dtype == np.float32 and block.shape[0] == 1 and np.isfinite(block).all()
                assert block.nbytes <= MOST
        except AudioError as error:
            _line(error)

    return Target(lambda: [_sound(kind)], check)


def _several(kind: str, codec: str) -> bytes:
    """Pictures and two tracks of sound, the first of which begins late and lacks packets."""
    content = io.BytesIO()
    with av.open(content, "w", format=kind) as file:
        film: Any = file.add_stream("mpeg2video" if kind == "mpegts" else "mpeg4", rate=25)
        film.width, film.height, film.pix_fmt = 16, 16, "yuv420p"
        tracks: list[Any] = [file.add_stream(codec, rate=RATE, layout="mono") for _ in range(2)]
        for number in range(5):
            picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            picture.pts = number
            file.mux(film.encode(picture))
        file.mux(film.encode())
        for late, track in zip((RATE, 0), tracks, strict=True):
            for at in range(0, 8 * 1024, 1024):
                tone = np.round(9000 * np.sin(np.arange(at, at + 1024) / 3)).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(tone[None], "s16", "mono")
                frame.sample_rate, frame.pts = RATE, at + late * (1 + (at > 3000))
                file.mux(track.encode(frame))
            file.mux(track.encode())
    return content.getvalue()


def _several_seeds() -> list[bytes]:
    kinds = [("matroska", "pcm_s16le"), ("matroska", "aac"), ("mp4", "aac"), ("mov", "pcm_s16le"), ("mpegts", "aac")]
    return [_several(*kind) for kind in [*kinds, ("avi", "pcm_s16le"), ("nut", "pcm_s16le")]]


def _chained_seeds() -> list[bytes]:
    def opus(rate: int) -> bytes:
        content = io.BytesIO()
        soundfile.write(content, np.zeros(rate // 5), rate, "OPUS", format="OGG")
        return content.getvalue()

    vorbis, mp3 = _sound("OGG"), _sound("MP3")
    return [2 * vorbis, vorbis + opus(RATE) + opus(48_000), 2 * opus(48_000), 2 * mp3, mp3 + _sound("WAV")]


def _stamps(content: bytes) -> None:
    """Any time stamps at all: sound stays in order, and gaps are bounded."""
    stamps = np.frombuffer(content[: len(content) // 8 * 8], "<f8").tolist()
    clock, frame = Clock(expected=stamps[0] if len(stamps) % 2 else None), 0.02
    before = 0.0
    for stamp, following in itertools.zip_longest(stamps, stamps[1:]):
        gap = 0.0 if clock.follows(stamp, frame) else clock.gap(stamp, frame, following)
        assert 0 <= gap <= MAX_GAP
        assert before + frame <= clock.seconds + 1e-6 <= before + frame + MAX_GAP + 1e-3
        before = clock.seconds


def _stamp_seeds() -> list[bytes]:
    steady = np.arange(40) * 0.02
    return [times.astype("<f8").tobytes() for times in (steady, steady + 1e5, np.r_[steady, steady + 9], -steady)]


PLAYLISTS = [
    b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
    b"ffconcat version 1.0\nfile sound.wav\n",
    b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    b'<Representation id="1"><BaseURL>sound.wav</BaseURL></Representation></AdaptationSet></Period></MPD>',
]


# Bare samples


@functools.cache
def _energy() -> Detector:
    return Detector(ENERGY)


def _raw(content: bytes) -> None:
    """In one piece and in chunks, as a file and as a stream: the same answer."""
    how, content = bytes([*content[:4], 0, 0, 0, 0][:4]), content[4:]
    rates = (8_000, RATE, 44_100, 11_025)
    raw = Raw(rates[how[0] % 4], how[1] % 8 + 1, DTYPES[how[2] % len(DTYPES)])
    stream = {"sample_rate": raw.sample_rate, "raw_channels": raw.channels, "raw_dtype": raw.dtype, "latency": 0.5}
    whole, cut = _energy().stream(**stream), _energy().stream(**stream)  # type: ignore[arg-type]
    step = how[3] + 1
    expected = [*whole.push(content), *whole.finish()]
    events = [e for at in range(0, len(content), step) for e in cut.push(content[at : at + step])] + cut.finish()
    assert segments_of(events) == segments_of(expected)
    if how[3] % 4 or not content:  # an empty file is refused, an empty stream is not
        return
    sound = open_sound(_file("sound.raw", content), raw)
    best = _energy()
    (detection,) = best.analyse(sound, best.settings(), latency=0.5)
    assert detection.segments == segments_of(expected)


def _raw_seeds() -> list[bytes]:
    tone = (20_000 * np.sin(np.arange(RATE // 4) / 3)).astype("<i2").tobytes()
    return [b"\1\0\1\xc0" + bytes(600) + tone[:900], b"\0\1\3\xff" + tone[:1600], b"\1\0\4\xfe" + tone[:2400]]


# Models


def _model(content: bytes) -> None:
    path = _file("model.onnx", content)
    try:
        detector = Detector(path)
        scores = detector.scores(np.zeros(RATE // 4, np.float32), sample_rate=RATE)
    except ModelError as error:
        _line(error)
    else:
        assert scores.ndim == 1


def _models() -> list[bytes]:
    return [ENERGY.read_bytes(), ENERGY.with_name("small.onnx").read_bytes()]


def _checkpoint(content: bytes) -> None:
    from vad.training.checkpoint import read_checkpoint

    with contextlib.suppress(RecipeError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read_checkpoint(_file("checkpoint.pt", content))


def _checkpoints() -> list[bytes]:
    import torch

    content = io.BytesIO()
    torch.save({"kept": {"weight": torch.zeros(3)}, "step": 3, "history": [{"dev_auc": 0.5}]}, content)
    return [content.getvalue()]


# Recipes


def _recipe(content: bytes) -> None:
    from vad.training.recipe import Recipe, changed, read_recipe

    try:
        read_recipe(_file("recipe.toml", content))
    except RecipeError as error:
        _line(error)
    try:
        changed(Recipe("damaged"), tuple(content.decode("latin-1").split("\n")[:3]))
    except RecipeError as error:
        _line(error)


def _recipes() -> list[bytes]:
    return [path.read_bytes() for path in sorted(ROOT.glob("recipes/*/*.toml"))]


# Names and templates


def _names(content: bytes) -> None:
    """No name of a recording leads out of the folder that was chosen, and no template does more than name."""
    name, _, template = content.decode("utf-8", "surrogateescape").partition("\n")
    name = name.replace("\0", "").rsplit("/", 1)[-1]
    if name not in ("", ".", ".."):
        source = Input(f"in/{name}", Path(name))
        assert name_output("out", source, None, ".txt").parent == Path("out")
        assert name_output("out/{stem}.txt", source, 1, "").parent == Path("out")
    for make in (
        lambda: name_output(template + "{stem}", Input("in/a.wav", Path("a.wav")), 1, ".txt"),
        lambda: UtteranceRecorder(f"{template}{{number}}.wav", RATE),
        lambda: CommandRunner(f"{template} {{file}}", print, print).close(),
    ):
        with contextlib.suppress(SettingError):
            make()


def _name_seeds() -> list[bytes]:
    return [
        b"talk.wav\n{dir}/{stem}.{channel}",
        b"..wav\n{number:04d}_{start:.3f}",
        "ü .flac\necho '{file}' \"{start:>9}\"".encode(),
    ]


def _journal(content: bytes) -> None:
    path = _file("journal.unfinished", content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Journal(path, {"a": 1}, resume=True) as journal:
                journal.add("b.wav", ["2"])
                assert all(isinstance(text, str) for texts in journal.texts() for text in texts)
                assert journal.texts(["b.wav"])
    except SettingError as error:
        _line(error)


AUDIO = ("WAV", "FLAC", "OGG", "MP3", "MP4", "CAF", "AIFF", "AU", "W64", "RF64")
TARGETS: dict[str, Target] = {
    **{f"labels-{kind}": _labels(kind) for kind in FORMATS},
    **{f"audio-{kind.lower()}": _audio(kind) for kind in AUDIO},
    "audio-streams": Target(_several_seeds, _audio("MKV").check),
    "audio-chained": Target(_chained_seeds, _audio("OGG").check),
    "audio-stamps": Target(_stamp_seeds, _stamps),
    "audio-playlists": Target(lambda: PLAYLISTS, _audio("WAV").check),
    "raw": Target(_raw_seeds, _raw),
    "model": Target(_models, _model),
    "checkpoint": Target(_checkpoints, _checkpoint),
    "recipe": Target(_recipes, _recipe),
    "names": Target(_name_seeds, _names),
    "journal": Target(lambda: [b'{"a": 1}\n["a.wav", ["1", "2"]]\n["c.wav", []]\n'], _journal),
}

ITSELF = "itself"  # brings its process down at a zero, to see what becomes of that
TARGETS[ITSELF] = Target(lambda: [b"harmless" * 9], lambda content: os.abort() if b"\0" in content else None)


def chosen(names: Iterable[str]) -> list[str]:
    """Targets that begin with any of `names`; all where there is none."""
    wanted = tuple(names)
    return [name for name in TARGETS if (name.startswith(wanted) if wanted else name != ITSELF)]


def check(name: str, content: bytes) -> None:
    """Have the target `name` read `content`."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (AudioWarning, ResourceWarning):
            warnings.simplefilter("ignore", kind)
        TARGETS[name].check(content)


def clean() -> None:
    """Remove what the checks have written."""
    for path in _folder().iterdir():
        path.unlink()
    _folder().rmdir()
    _folder.cache_clear()
