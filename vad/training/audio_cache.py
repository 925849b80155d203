"""Recordings decoded once and kept as bare samples, so that training starts at once and any corpus fits.

A cache is `NAME.int16`, the samples of all recordings one after another, and `NAME.json`, which
says where each one stands and what it was made from. It is mapped into memory, not read: the
processes that mix share it, and the system keeps what it has room for.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vad.atomic import explain, replacing
from vad.audio.decode import read
from vad.audio.resample import to_int16
from vad.errors import AudioError, RecipeError


class Cut(NamedTuple):
    """A stretch of a file, in seconds."""

    file: str
    start: float
    duration: float


def decoded(cuts: list[Cut], sample_rate: int, cache: Path) -> list[NDArray[np.int16]]:
    """The samples `(sample,)` of each cut, mono at `sample_rate`, kept beside `cache`.

    A file that cannot be read is named in a warning, and its cuts are empty. Raises `RecipeError`
    where none can.
    """
    key = _key(cuts, sample_rate)
    index, bare = cache.with_suffix(".json"), cache.with_suffix(".int16")
    try:
        kept = json.loads(index.read_text("ascii"))
        ends = kept["ends"]
        if kept["key"] != key or bare.stat().st_size != 2 * ends[-1]:
            raise ValueError
    except (OSError, ValueError, LookupError, TypeError):
        ends = _decode(cuts, sample_rate, bare)
        with replacing(index) as file, explain(str(index)):
            file.write(json.dumps({"key": key, "ends": ends}).encode("ascii"))
    if not ends or not ends[-1]:
        raise RecipeError(f"{cuts[0].file if cuts else cache}: no recording of the corpus can be read")
    samples = np.asarray(np.memmap(bare, np.int16, "r"))
    return np.split(samples, ends[:-1])


def _decode(cuts: list[Cut], sample_rate: int, bare: Path) -> list[int]:
    """Write the samples of all cuts to `bare`; where each one ends, in samples."""
    bare.parent.mkdir(parents=True, exist_ok=True)
    name, sound, end = "", np.empty(0, np.int16), 0
    ends, failed = [], 0
    with replacing(bare) as file, explain(str(bare)):
        for cut in cuts:
            if cut.file != name:  # the cuts of a file stand together
                name = cut.file
                try:
                    sound = to_int16(read(Path(name), sample_rate))
                except AudioError as error:
                    warnings.warn(f"{error} (left out of training)", stacklevel=2)
                    sound, failed = np.empty(0, np.int16), failed + 1
            first = round(cut.start * sample_rate)
            part = sound[first : first + round(cut.duration * sample_rate)]
            file.write(part.tobytes())
            end += len(part)
            ends.append(end)
    if failed:
        warnings.warn(f"{failed} files were left out of training", stacklevel=2)
    return ends


def _key(cuts: list[Cut], sample_rate: int) -> str:
    """What a cache was made from: changes when a recording does."""
    sizes = {}
    for name in {cut.file for cut in cuts}:
        try:
            about = Path(name).stat()
            sizes[name] = (about.st_size, about.st_mtime_ns)
        except OSError:
            sizes[name] = (0, 0)
    content = json.dumps([sample_rate, cuts, sorted(sizes.items())])
    return hashlib.sha256(content.encode()).hexdigest()
