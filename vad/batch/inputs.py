"""Many recordings: find what files, folders and patterns stand for."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vad.batch.remote import is_url, search
from vad.errors import AudioError, SettingError
from vad.settings import EXTENSIONS


@dataclass(frozen=True)
class Input:
    """A recording to work on."""

    path: str  # as it was named, perhaps a URL; "-" is standard input
    relative: Path  # its place within the folder that was named
    size: int | None = field(default=None, compare=False)  # bytes, where that is known


def holds_sound(path: Path) -> bool:
    """Whether a file is called as sound is."""
    return path.suffix.lower() in EXTENSIONS


def find(
    names: Iterable[str], wanted: Callable[[Path], bool] = holds_sound, what: str = "sound"
) -> tuple[list[Input], list[AudioError]]:
    """The recordings that files, folders (searched to their depth), patterns and URLs of these stand for.

    Each comes once, in the order named. A file that does not exist is kept, and fails when it is
    opened; the errors are those of folders and patterns that hold no sound. Where other files are
    meant, `wanted` knows those in a folder, and `what` says what they hold. Raises `SettingError` for
    what can be no name at all.
    """
    names = list(names)
    for name in names:
        if "\0" in name:  # its list is no text, and any line of it may stand for the whole disk
            raise SettingError(f"{name[:40]!r}: is no name of a file; a list of inputs is a text, a name a line")
    found: dict[str, Input] = {}
    errors = []
    for name in names:
        if is_url(name):
            try:
                here = _search_url(name, wanted)
            except AudioError as error:
                errors.append(error)
                continue
        elif os.path.isdir(name):
            here = _search(name, wanted)
        elif glob.has_magic(name) and not os.path.exists(name):
            paths = sorted(glob.glob(name, recursive=True))
            here = [Input(path, Path(Path(path).name), _size(path)) for path in paths if Path(path).is_file()]
        else:
            here = [Input(name, Path("stdin" if name == "-" else Path(name).name), _size(name))]
        if not here:
            place = "pattern" if glob.has_magic(name) and not os.path.isdir(name) else "folder"
            errors.append(AudioError(f"{name}: no {what} files in this {place}; name one that holds some"))
        for one in here:
            found.setdefault(one.path if one.path == "-" or is_url(one.path) else os.path.abspath(one.path), one)
    return list(found.values()), errors


def _search(folder: str, wanted: Callable[[Path], bool]) -> list[Input]:
    """Files that are `wanted` in `folder` and below, hidden ones left out."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        inside = os.path.relpath(where, folder)
        for file in sorted(files):
            path, relative = Path(where, file), Path(inside, file)
            if wanted(path) and not file.startswith("."):
                found.append(Input(str(path), relative, _size(str(path))))
    return found


def _search_url(url: str, wanted: Callable[[Path], bool]) -> list[Input]:
    """The file at `url`, or those of its pattern, or those that are `wanted` in its folder."""
    if wanted(Path(url)) and "*" not in url:
        return [Input(url, Path(Path(url).name))]  # as named: nobody asks the network before it is its turn
    found = [Input(path, Path(relative), size) for path, relative, size in search(url)]
    return [one for one in found if one.path == url or "*" in url or wanted(one.relative)]


def _size(path: str) -> int | None:
    """Bytes of an ordinary file."""
    with contextlib.suppress(OSError, ValueError):
        status = Path(path).stat()
        return status.st_size if stat.S_ISREG(status.st_mode) else None
    return None
