"""How a file holds its samples, so that what is cut out of it is held alike, to the bit; and writing them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from vad.atomic import explain
from vad.errors import FormatError, SettingError

# For each way to hold samples without loss, the type of an array that holds all of it.
ARRAYS = {"FLOAT": "float32", "DOUBLE": "float64"}
ARRAYS |= dict.fromkeys(("PCM_S8", "PCM_U8", "PCM_16", "ULAW", "ALAW", "ALAC_16"), "int16")
ARRAYS |= dict.fromkeys(("PCM_24", "PCM_32", "ALAC_20", "ALAC_24", "ALAC_32"), "int32")
# What holds the same to the bit where a container does not know a subtype.
SAME = {
    "PCM_S8": ("PCM_U8", "PCM_16", "PCM_24"),
    "PCM_U8": ("PCM_S8", "PCM_16", "PCM_24"),
    "PCM_16": ("PCM_24", "PCM_32", "ALAC_16"),
    "PCM_24": ("PCM_32", "ALAC_24"),
    "PCM_32": ("ALAC_32",),
    "FLOAT": ("DOUBLE",),
    "ULAW": ("PCM_16",),
    "ALAW": ("PCM_16",),
    "ALAC_16": ("PCM_16",),
    "ALAC_20": ("PCM_24", "PCM_32"),
    "ALAC_24": ("PCM_24", "PCM_32"),
    "ALAC_32": ("PCM_32",),
}
NEAREST = ("FLOAT", "PCM_24", "PCM_16")  # where none does
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
CONTAINERS = {".aif": "AIFF", ".aifc": "AIFF", ".snd": "AU", ".sph": "NIST", ".oga": "OGG", ".opus": "OGG"}
FLAC_CHANNELS = 8


@dataclass(frozen=True)
class Encoding:
    """A container and its samples, in libsndfile's names; the container is empty where FFmpeg reads it."""

    container: str
    subtype: str
    lossless: bool

    def extension(self, source: Path, channels: int) -> str:
        """Of what is cut out of `source` without loss: the same, or `.flac` or `.wav`."""
        if self.lossless and soundfile.check_format(self.container or "?", self.subtype) and source.suffix:
            return source.suffix
        return ".flac" if channels <= FLAC_CHANNELS and self.subtype not in ("FLOAT", "DOUBLE") else ".wav"


PLAIN = Encoding("", "PCM_16", False)  # of what is in no file: arrays, bare samples, a microphone's


def encoding_for(path: Path, encoding: Encoding = PLAIN, source: Path | None = None) -> Encoding:
    """How to write samples of this `encoding`, those of `source`, to `path`; `lossless` says whether they stay.

    Raises `SettingError` where the extension of `path` is no format that sound can be written in.
    """
    found = _encoding_for(path, encoding, source)
    if not soundfile.check_format(found.container, found.subtype):
        raise SettingError(f"{path}: sound cannot be written as {path.suffix or 'that'}; use .wav, .flac or .ogg")
    return found


def _encoding_for(path: Path, encoding: Encoding, source: Path | None) -> Encoding:
    extension = path.suffix.lower()
    container = CONTAINERS.get(extension, extension[1:].upper())
    if source and encoding.container and extension == source.suffix.lower():
        container = encoding.container
    if container not in soundfile.available_formats() or container == "RAW":
        return Encoding("", "", False)
    if extension == ".opus":
        return Encoding(container, "OPUS", False)
    if container in ("OGG", "MP3"):
        return Encoding(container, soundfile.default_subtype(container), False)
    for subtype in (encoding.subtype, *SAME.get(encoding.subtype, ())):
        if soundfile.check_format(container, subtype):
            return Encoding(container, subtype, encoding.lossless)
    fitting = [subtype for subtype in NEAREST if soundfile.check_format(container, subtype)]
    return Encoding(container, (*fitting, soundfile.default_subtype(container))[0], False)


def to_subtype(samples: NDArray[Any], subtype: str) -> NDArray[Any]:
    """`samples` as libsndfile takes them to `subtype` without a change.

    It would multiply floats by one less than it divides integers by. Coders with a loss hold -1..1;
    that of MP3 ends the whole program where it is given anything else.
    """
    if samples.dtype.kind != "f" or subtype in ("FLOAT", "DOUBLE"):
        return samples
    if subtype not in BITS:
        held: NDArray[Any] = np.nan_to_num(samples, posinf=0, neginf=0).clip(-1, 1)
        return held
    bits = BITS[subtype]
    scaled = np.rint(np.nan_to_num(samples.astype(np.float64)) * 2.0 ** (bits - 1))
    whole = np.clip(scaled, -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1).astype(np.int64)
    return (whole << (32 - bits)).astype(np.int32)


@contextlib.contextmanager
def explain_sound(path: Path) -> Iterator[None]:
    """As `explain` of `vad.atomic`, for what libsndfile says, too."""
    try:
        with explain(str(path)):
            yield
    except soundfile.LibsndfileError as error:
        raise FormatError(f"{path}: cannot be written ({said(error)})") from error


def said(error: soundfile.LibsndfileError) -> str:
    """What libsndfile says went wrong, without what it puts around."""
    return str(error.error_string).removeprefix("Error : ").rstrip(".")
