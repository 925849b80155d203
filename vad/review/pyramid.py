"""Pictures of recordings of any length: values per bin at several resolutions, computed once, kept on disk.

A `Layer` holds bytes `(bin, value)`. Level 0 has a bin per item that is pushed; each level above has a
bin for four bins of the level below, with the largest of each value. So a picture of any stretch at any
zoom needs a few thousand bins. Levels are appended to files while the recording is read: memory does not
grow with its length, and what has been read can be shown at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

FACTOR = 4  # bins of one level that make a bin of the next
LEVELS = 9  # the last has a bin for 4**8 items
TILE = 1024  # bins that are read at once


class Layer:
    """Bins `(bin, value)` uint8 of one kind, in a file per level: `NAME.LEVEL.bin` in `folder`.

    `counts` are the bins of each level, those of a finished layer where it is opened to be read only.
    """

    def __init__(self, folder: Path, name: str, values: int, counts: list[int] | None = None) -> None:
        self.name, self.values = name, values
        self.counts = counts or [0] * LEVELS
        self._paths = [level_path(folder, name, level) for level in range(LEVELS)]
        self._rests = [np.empty((0, values), np.uint8) for _ in range(LEVELS)]  # bins not yet in the level above
        self._files: list[IO[bytes]] = []  # open from the first push on: many layers may wait for it

    def push(self, items: Bytes) -> None:
        """Append items `(item, value)`."""
        self._append(0, items)

    def finish(self) -> None:
        """Append the last bins of each level, which stand for fewer than four bins, and close the files."""
        for level in range(1, LEVELS):
            if len(rest := self._rests[level - 1]):
                self._rests[level - 1] = rest[:0]
                self._append(level, rest.max(0, keepdims=True))
        self.close()

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def read(self, level: int, tile: int) -> bytes:
        """The bins of a tile, `TILE` or, at the end, fewer; value after value, bin after bin."""
        stop = min((tile + 1) * TILE, self.counts[level])
        if stop <= tile * TILE:
            return b""
        with self._paths[level].open("rb") as file:
            file.seek(tile * TILE * self.values)
            return file.read((stop - tile * TILE) * self.values)

    def _append(self, level: int, bins: Bytes) -> None:
        if not len(bins):
            return
        self._files = self._files or [path.open("wb") for path in self._paths]
        self._files[level].write(np.ascontiguousarray(bins).tobytes())
        self._files[level].flush()
        self.counts[level] += len(bins)
        if level + 1 == LEVELS:
            return
        rest = np.concatenate([self._rests[level], bins])
        whole = len(rest) // FACTOR
        self._rests[level] = rest[whole * FACTOR :].copy()
        self._append(level + 1, rest[: whole * FACTOR].reshape(whole, FACTOR, self.values).max(1))


def level_path(folder: Path, name: str, level: int) -> Path:
    """The file of a level of a layer."""
    return folder / f"{name}.{level}.bin"


def is_whole(folder: Path, name: str, values: int, counts: list[int]) -> bool:
    """Whether the files of a finished layer have these `counts` of bins; `OSError` where one is missing."""
    sizes = [level_path(folder, name, level).stat().st_size for level in range(LEVELS)]
    return sizes == [count * values for count in counts]


def size_of(folder: Path) -> int:
    """Bytes of the files in `folder`."""
    return sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())
