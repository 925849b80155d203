"""Every change of every recording, appended to one file the moment it is made.

A line of JSON each, flushed to the disk before the page hears that it is saved. A line counts when it is
whole: what a killed program left behind it is cut off. Whoever opens the journal replays it.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from vad.atomic import explain, lock
from vad.errors import FormatError, SettingError
from vad.review.corrections import Correction

KINDS = ("begin", "change", "undo", "redo", "state")
PARTS = ("kind", "version", "segments", "layer", "remove", "add", "state")  # of an entry; all else is left out


class Journal:
    """The corrections of all recordings, by their place, kept in the file at `path`.

    Raises `SettingError` where another program has it open, `FormatError` where it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self.corrections: dict[str, Correction] = {}
        with explain(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b", buffering=0)
        if lock(self._file) is False:
            self._file.close()
            raise SettingError(f"{path}: another vad review has it open; use its page, or end it first")
        self._replay()

    def of(self, place: str) -> Correction:
        """The correction of a recording; an empty one where nothing was done yet."""
        return self.corrections.get(place) or Correction()

    def append(self, place: str, entry: dict[str, Any], duration: float) -> Correction:
        """Check, write down and make a change; the state after it.

        `entry` holds `kind`, the `version` that it changes, and what the kind needs. An entry that has just
        been made, and whose answer may be lost, changes nothing. Raises `Conflict` where the recording has
        another version, `SettingError` where the change makes no sense, `FormatError` where it cannot be
        written; then nothing has changed.
        """
        if entry.get("kind") not in KINDS:
            raise SettingError(f"kind={entry.get('kind')!r}: valid are {', '.join(KINDS)}")
        entry = _parts(entry)
        with self._lock:
            correction = self.of(place)
            if correction.last == entry:  # the page did not hear that it was made
                return correction
            correction.check(entry, duration)
            line = {"recording": place, "time": datetime.now().astimezone().isoformat(timespec="seconds"), **entry}
            self._write(json.dumps(line, ensure_ascii=True, allow_nan=False).encode() + b"\n")
            correction.apply(entry)
            self.corrections[place] = correction
            return correction

    def close(self) -> None:
        """Let others open it."""
        self._file.close()

    def _write(self, line: bytes) -> None:
        before = os.fstat(self._file.fileno()).st_size
        try:
            with explain(str(self._path)):
                if self._file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(self._file.fileno())
        except FormatError:
            os.ftruncate(self._file.fileno(), before)
            raise

    def _replay(self) -> None:
        self._file.seek(0)
        good = 0
        lines = self._file.read().split(b"\n")
        for number, line in enumerate(lines[:-1], 1):
            try:
                entry = json.loads(line)
                self.corrections.setdefault(entry["recording"], Correction()).apply(_parts(entry))
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise FormatError(
                    f"{self._path}: line {number} is damaged; restore the file, or move it away"
                ) from error
            good += len(line) + 1
        if lines[-1]:  # the program was killed while it wrote this line, and told nobody that it is saved
            os.ftruncate(self._file.fileno(), good)


def _parts(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in PARTS if name in entry}
