"""The folder on disk where pictures, scores and converted sound are kept, and its limit."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from vad.review.pyramid import size_of

LIMIT = 8 << 30  # bytes, from which on the folders that were not used for the longest time are removed


def default_folder() -> Path:
    """Where programs keep what can be computed again, on this system."""
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local"))
    elif sys.platform == "darwin":
        home = Path.home() / "Library/Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "vad-review"


class Cache:
    """A folder with a folder for each state of each file: a file that changes gets another."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep(limit)

    def folder(self, path: Path) -> Path:
        """The folder for the file at `path` as it is now; made, and marked as used."""
        status = path.stat()
        key = f"{os.path.realpath(path)}\0{status.st_size}\0{status.st_mtime_ns}"
        folder = self._folder / hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        folder.mkdir(exist_ok=True)
        os.utime(folder)
        return folder

    def _sweep(self, limit: int) -> None:
        """Remove the folders used longest ago until what remains is within `limit` bytes."""
        folders = sorted((f for f in self._folder.iterdir() if f.is_dir()), key=lambda f: -f.stat().st_mtime)
        total = 0
        for folder in folders:
            total += size_of(folder)
            if total > limit:
                shutil.rmtree(folder, ignore_errors=True)
