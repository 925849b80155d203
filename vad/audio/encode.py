"""Containers and sample types: how a file stores its samples, and how a part of it is written without loss."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from vad.atomic import explain
from vad.audio.media import MEDIA, MediaFile, SoundWriter
from vad.errors import FormatError, SettingError

if TYPE_CHECKING:
    from vad.audio.picture import Look

# libsndfile's lossless subtypes, each with the numpy type that holds its samples exactly.
ARRAYS = {"FLOAT": "float32", "DOUBLE": "float64"}
ARRAYS |= dict.fromkeys(("PCM_S8", "PCM_U8", "PCM_16", "ULAW", "ALAW", "ALAC_16"), "int16")
ARRAYS |= dict.fromkeys(("PCM_24", "PCM_32", "ALAC_20", "ALAC_24", "ALAC_32"), "int32")
# Subtypes that hold the same samples to the bit, for containers that do not have a subtype.
EQUIVALENTS = {
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
FALLBACKS = ("FLOAT", "PCM_24", "PCM_16")  # for containers that have none of these
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
CONTAINERS = {".aif": "AIFF", ".aifc": "AIFF", ".snd": "AU", ".sph": "NIST", ".oga": "OGG", ".opus": "OGG"}
FLAC_CHANNELS = 8
WRITTEN = (".wav", ".flac", ".aiff", ".caf", ".w64", ".au", ".ogg", ".opus", ".mp3", *MEDIA)
SYSTEM_ERROR = 2  # libsndfile's SF_ERR_SYSTEM
TRIALS = 16  # writes after which a disk is not full


@dataclass(frozen=True)
class Encoding:
    """The container and the sample type of a file, in libsndfile's names.

    What FFmpeg reads has no container, and what it writes an extension of `MEDIA` in its place.
    """

    container: str
    subtype: str
    lossless: bool

    def extension(self, source: Path, channels: int) -> str:
        """The extension of a lossless part of `source`: its own, or else `.flac` or `.wav`."""
        if self.lossless and soundfile.check_format(self.container or "?", self.subtype) and source.suffix:
            return source.suffix
        return ".flac" if channels <= FLAC_CHANNELS and self.subtype not in ("FLOAT", "DOUBLE") else ".wav"


PLAIN = Encoding("", "PCM_16", False)  # of samples that come from no file: arrays, raw bytes, a microphone


def encoding_for(path: Path, encoding: Encoding = PLAIN, source: Path | None = None) -> Encoding:
    """The encoding of `path`, for samples that `source` holds in `encoding`; `lossless` says whether they stay equal.

    Raises `SettingError` where sound cannot be written with the extension of `path`.
    """
    if path.suffix.lower() in MEDIA:
        return Encoding(path.suffix.lower(), MediaFile.subtype, False)
    found = _encoding_for(path, encoding, source)
    if not soundfile.check_format(found.container, found.subtype):
        raise SettingError(f"{path}: sound cannot be written as {path.suffix or 'that'}; use {', '.join(WRITTEN)}")
    return found


def create(
    file: Path,
    sample_rate: int,
    channels: int,
    encoding: Encoding,
    *,
    name: Path,
    look: Look | None = None,
    growing: bool = False,
) -> SoundWriter:
    """A new sound file with this `encoding`, and with pictures that `look` so; `name` stands for it in errors.

    One that is `growing` can be played although it is not complete.
    Raises `FormatError` or libsndfile's errors, which `explain_sound` explains.
    """
    if encoding.container in MEDIA:
        return MediaFile(file, MEDIA[encoding.container], sample_rate, channels, name=name, look=look, growing=growing)
    how = {"format": encoding.container, "subtype": encoding.subtype}
    file_of_libsndfile: SoundWriter = soundfile.SoundFile(file, "w", sample_rate, channels, **how)
    return file_of_libsndfile


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
    for subtype in (encoding.subtype, *EQUIVALENTS.get(encoding.subtype, ())):
        if soundfile.check_format(container, subtype):
            return Encoding(container, subtype, encoding.lossless)
    fitting = [subtype for subtype in FALLBACKS if soundfile.check_format(container, subtype)]
    return Encoding(container, (*fitting, soundfile.default_subtype(container))[0], False)


def to_subtype(samples: NDArray[Any], subtype: str) -> NDArray[Any]:
    """`samples` in the numpy type that libsndfile stores as `subtype` without changing a value.

    libsndfile multiplies floats by 2**(bits - 1) - 1 and divides integers by 2**(bits - 1), so floats
    are converted here. Lossy encoders take -1..1 only; the MP3 encoder aborts the process otherwise.
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
def explain_sound(path: Path, file: Path | None = None) -> Iterator[None]:
    """`vad.atomic.explain`, extended to the errors of libsndfile; `file` is what is written, if not `path` itself."""
    try:
        with explain(str(path)):
            yield
    except soundfile.LibsndfileError as error:
        reason = _system_reason(file or path) if error.code == SYSTEM_ERROR else ""
        raise FormatError(f"{path}: cannot be written ({reason or libsndfile_reason(error)})") from error


def _system_reason(path: Path) -> str:
    """Why the system refuses to lengthen a file, which libsndfile does not pass on; empty where it does not refuse."""
    try:
        with path.open("r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                for _ in range(TRIALS):
                    file.write(bytes(1 << 16))
            finally:
                with contextlib.suppress(OSError):  # a device has no length
                    file.truncate(size)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return str(error.strerror)
    return ""


def libsndfile_reason(error: soundfile.LibsndfileError) -> str:
    """The reason in an error of libsndfile, without its prefix."""
    return str(error.error_string).removeprefix("Error : ").rstrip(".")
