"""Sound through libsndfile: WAV, FLAC, Ogg, AIFF, CAF, ..., also chained, unfinished and truncated files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from vad.audio.byte_ranges import FilePart, find_links
from vad.audio.encode import ARRAYS, Encoding
from vad.audio.ffmpeg import open_av
from vad.audio.headers import SoundData, find_sound_data
from vad.audio.resample import Conformer, to_float
from vad.audio.sound import Sound, damaged
from vad.errors import AudioError
from vad.features import Float32

BLOCK = 163_840  # samples read at once: at 16 kHz four blocks of features
SLACK = 0.01  # seconds that a header may state too much
FULL_OPUS = 48_000  # Hz; at this rate FFmpeg decodes Opus in half the time that libsndfile takes


def block_rows(channels: int) -> int:
    """Samples per channel in a block: a file may have a thousand channels."""
    return BLOCK // max(1, channels // 8)


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is read forward only: the base class seeks after each block, which breaks MP3 and slows Ogg."""

    def seekable(self) -> bool:
        return False


def open_file(file: BinaryIO, path: Path, name: str, native: bool) -> Sound:
    """Open the file at `path`, or else let FFmpeg do so; `file` is that file, which is closed with the sound.

    With `native`, blocks have the type of the file's samples. Raises `AudioError` where neither reads it.
    """
    regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    data = find_sound_data(file) if regular else None
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    patched = data is not None and (data.unfinished or (data.truncated and file.read(4) == b"caff"))
    try:
        if data is not None and patched:
            opened = _ForwardFile(FilePart(file, 0, size, data.patches))
        else:
            opened = _ForwardFile(os.fsencode(path))
            file.close()
    except (soundfile.LibsndfileError, TypeError):  # TypeError: for a name in .raw soundfile wants bare samples
        file.seek(0)
        return open_av(file, name, owned=True)
    return _releasing(_from_libsndfile(opened, name, native, data), file)


def open_ogg(file: BinaryIO, path: Path, name: str, native: bool) -> Sound:
    """As `open_file`, for an Ogg file, all links of which are one recording (RFC 3533, section 4)."""
    links = find_links(file)
    first = _open_link(file, path, name, native, links.spans[0])
    cut = None if links.complete or not first.encoding.container else EOFError("its last page is missing")
    if len(links.spans) == 1 and not cut:
        return first

    def blocks() -> Iterator[Float32]:
        done = 0
        for block in _joined(first, path, name, native, links.spans):
            done += len(block)
            yield block
        if cut:
            damaged(name, done / first.sample_rate, cut)

    length = first.length if len(links.spans) == 1 else None
    sound = Sound(name, first.sample_rate, first.channels, length, blocks(), first.encoding, release=first.close)
    return _releasing(sound, file)


def _releasing(sound: Sound, file: BinaryIO) -> Sound:
    """`sound`, which from now on closes `file`, too."""
    release = sound.release

    def close() -> None:
        if release:
            release()
        file.close()

    sound.release = close
    return sound


def _joined(first: Sound, path: Path, name: str, native: bool, spans: list[tuple[int, int]]) -> Iterator[Float32]:
    """The samples of all links, at the rate and with the channels of the first."""
    yield from first.native_blocks()
    for span in spans[1:]:
        with path.open("rb") as file:
            try:
                link = _open_link(file, path, name, native, span)
            except AudioError as error:
                damaged(name, first.duration, error)
                return
            kinds = (link.sample_rate, link.channels), (first.sample_rate, first.channels)
            conformer = Conformer(*kinds) if kinds[0] != kinds[1] else None
            for block in link.native_blocks():
                yield conformer.push(block) if conformer else block
            if conformer:
                yield conformer.finish()


def _open_link(file: BinaryIO, path: Path, name: str, native: bool, span: tuple[int, int]) -> Sound:
    """Open a link of an Ogg file with libsndfile, or else with FFmpeg."""
    whole = span == (0, os.fstat(file.fileno()).st_size)
    part: BinaryIO = file if whole else FilePart(file, *span)  # type: ignore[assignment]
    try:
        opened = _ForwardFile(os.fsencode(path) if whole else part)
    except (soundfile.LibsndfileError, TypeError):
        part.seek(0)
        return open_av(part, name, owned=True)
    if opened.subtype == "OPUS" and opened.samplerate == FULL_OPUS:
        encoding = _encoding(opened)
        if whole:
            opened.close()
        part.seek(0)
        return open_av(part, name, owned=True, encoding=encoding)
    if whole:
        file.close()
    return _from_libsndfile(opened, name, native, None)


def _encoding(file: _ForwardFile) -> Encoding:
    return Encoding(file.format, file.subtype, file.subtype in ARRAYS)


def _from_libsndfile(file: _ForwardFile, name: str, native: bool, data: SoundData | None) -> Sound:
    encoding = _encoding(file)
    dtype = ARRAYS.get(file.subtype, "float32") if native else "float32"
    length = file.frames if file.frames < 1 << 60 else None  # a header that is written to a pipe may not know
    whole = dtype == "float32" and file.subtype == "PCM_16"  # numpy makes the same floats of it in less time
    missing = _missing(file, data)

    def blocks() -> Iterator[Float32]:
        done, rows = 0, block_rows(file.channels)
        with file:
            while True:
                buffer = np.zeros((rows, file.channels), "int16" if whole else dtype)
                try:
                    block = file.read(out=buffer)
                except soundfile.LibsndfileError as error:
                    block = buffer[: max(0, file.tell() - done)]  # the samples before the damage
                    done += len(block)
                    yield to_float(block) if whole else block
                    damaged(name, done / file.samplerate, error)
                    return
                if not len(block):
                    break
                done += len(block)
                yield to_float(block) if whole else block
        if missing:
            damaged(name, done / file.samplerate, missing)

    return Sound(name, file.samplerate, file.channels, length, blocks(), encoding, release=file.close)


def _missing(file: _ForwardFile, data: SoundData | None) -> EOFError | None:
    """What to warn of where the header and the bytes of a file do not agree."""
    if data is None or not data.available:
        return None
    if data.unfinished:
        return EOFError("its header states no length: the recording was not finished")
    if data.truncated and data.stated is not None:
        seconds = file.frames / file.samplerate * data.stated / data.available
        if (seconds - file.frames / file.samplerate) > SLACK:
            return EOFError(f"its header states {seconds:.2f} s")
    return None
