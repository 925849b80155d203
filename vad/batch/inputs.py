"""The recordings that files, folders, patterns and URLs stand for.

URLs are listed and fetched by fsspec, which knows `s3://`, `gs://`, `https://`, `file://` and more.
"""

from __future__ import annotations

import contextlib
import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vad.atomic import temporary_folder
from vad.errors import AudioError, SettingError, reason
from vad.extras import install_command
from vad.settings import EXTENSIONS


@dataclass(frozen=True)
class Input:
    """A recording to work on."""

    path: str  # as the user named it, perhaps a URL; "-" is standard input
    relative: Path  # its place within the folder that was named
    size: int | None = field(default=None, compare=False)  # bytes; None where unknown

    @property
    def name(self) -> str:
        """The path, as messages and the names of outputs have it."""
        return "stdin" if self.path == "-" else self.path

    @property
    def is_pipe(self) -> bool:
        """Whether it is a pipe: only this process can read it, and only once."""
        with contextlib.suppress(OSError, ValueError):
            return self.path == "-" or Path(self.path).is_fifo()
        return False


def holds_sound(path: Path) -> bool:
    """Whether a file has an extension of sound or video."""
    return path.suffix.lower() in EXTENSIONS


def find(
    names: Iterable[str],
    wanted: Callable[[Path], bool] = holds_sound,
    what: str = "sound",
    on_skip: Callable[[str], None] = lambda path: None,
) -> tuple[list[Input], list[AudioError]]:
    """The recordings that `names` stand for: files, folders (searched recursively), patterns and URLs.

    Each recording comes once, in the order named. A file that does not exist is kept, and fails
    when it is opened. The errors name folders that cannot be read, and folders and patterns that
    hold no sound. To find other files, `wanted` selects the files of a folder and `what` names
    their kind in errors. It selects those of a pattern, too, where it wants any of them (`talk.*`
    is not the subtitles beside the sound, `*.pcm` is what it says); `on_skip` is called with the
    path of each other file. A file that is named itself is always an input. Raises `SettingError`
    for a name with a zero byte, which no file can have.
    """
    names = list(names)
    for name in names:
        if not name:
            raise SettingError("an input without a name; is a variable of the script empty?")
        if "\0" in name:  # a list of inputs that is no text: any line of it may stand for the whole disk
            raise SettingError(
                f"{name[:40]!r}: not a file name; a list of inputs is a text file with one name per line"
            )
    found: dict[str, Input] = {}
    errors = []
    for name in names:
        if is_url(name):
            try:
                here = _search_url(name, wanted, on_skip)
            except AudioError as error:
                errors.append(error)
                continue
        elif os.path.isdir(name):
            here, unreadable = _search_folder(name, wanted)
            errors += unreadable
            if unreadable and not here:
                continue
        elif glob.has_magic(name) and not os.path.exists(name):
            paths = sorted(glob.glob(name, recursive=True))
            files = [Input(path, Path(Path(path).name), _size(path)) for path in paths if Path(path).is_file()]
            here = _select(files, wanted, on_skip)
        else:
            here = [Input(name, Path("stdin" if name == "-" else Path(name).name), _size(name))]
        if not here:
            place = "pattern" if glob.has_magic(name) and not os.path.isdir(name) else "folder"
            errors.append(AudioError(f"{name}: no {what} files in this {place}; name one that holds some"))
        for one in here:
            found.setdefault(one.path if one.path == "-" or is_url(one.path) else os.path.abspath(one.path), one)
    return list(found.values()), errors


def is_url(name: str) -> bool:
    """Whether `name` is a URL."""
    return "://" in name


@contextlib.contextmanager
def fetched(name: str) -> Iterator[str]:
    """The path of a recording on this machine: `name` itself, or a temporary copy of what a URL names.

    Raises `AudioError` where the URL cannot be fetched.
    """
    if not is_url(name):
        yield name
        return
    with temporary_folder() as folder:
        yield str(fetch(name, folder))


def fetch(url: str, folder: Path) -> Path:
    """A copy in `folder` of what a URL names. Raises `AudioError` where it cannot be fetched."""
    path = folder / (Path(url).name or "sound")
    with _url_errors(url):
        system, place = _file_system(url)
        system.get_file(place, str(path))
    return path


def _search_folder(folder: str, wanted: Callable[[Path], bool]) -> tuple[list[Input], list[AudioError]]:
    """The `wanted` files in `folder` and below, without hidden ones, and the folders that cannot be read."""
    found, refused = [], list[OSError]()
    for where, folders, files in os.walk(folder, onerror=refused.append):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        inside = os.path.relpath(where, folder)
        for file in sorted(files):
            path, relative = Path(where, file), Path(inside, file)
            if wanted(path) and not file.startswith("."):
                found.append(Input(str(path), relative, _size(str(path))))
    return found, [AudioError(f"{one.filename}: this folder cannot be read ({one.strerror})") for one in refused]


def _select(files: list[Input], wanted: Callable[[Path], bool], on_skip: Callable[[str], None]) -> list[Input]:
    """Those of the files of a pattern that are `wanted`, or all where none is."""
    chosen = [one for one in files if wanted(one.relative)]
    if not chosen:
        return files
    for one in files if len(chosen) < len(files) else []:
        if not wanted(one.relative):
            on_skip(one.path)
    return chosen


def _search_url(url: str, wanted: Callable[[Path], bool], on_skip: Callable[[str], None]) -> list[Input]:
    """The file at `url`, the files of its pattern, or the `wanted` files in its folder."""
    if wanted(Path(url)) and "*" not in url:
        return [Input(url, Path(Path(url).name))]  # a file by its name: the network is not needed yet
    found = [Input(path, Path(relative), size) for path, relative, size in _list_url(url)]
    if "*" in url:
        return _select(found, wanted, on_skip)
    return [one for one in found if one.path == url or wanted(one.relative)]


def _list_url(url: str) -> list[tuple[str, str, int | None]]:
    """The files of a URL that names a folder or a pattern: URL, place within the folder, bytes if known.

    Raises `AudioError` where it cannot be listed.
    """
    with _url_errors(url):
        system, root = _file_system(url)
        if "*" in root:
            found = system.glob(root, detail=True)
        elif system.isdir(root):
            found = system.find(root, detail=True)
        else:
            return [(url, Path(root).name, None)]
    files = [(name, about) for name, about in sorted(found.items()) if about.get("type") != "directory"]
    return [
        (
            system.unstrip_protocol(name),
            Path(name).name if "*" in root else name.removeprefix(root).lstrip("/"),
            about.get("size"),
        )
        for name, about in files
    ]


def _file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path in it."""
    import fsspec

    system, path = fsspec.core.url_to_fs(url)
    return system, str(path)


@contextlib.contextmanager
def _url_errors(url: str) -> Iterator[None]:
    """Turn any error about a URL into one line: every file system raises errors of its own."""
    try:
        yield
    except ImportError as error:
        own = install_command("cluster")
        remedy = own if error.name == "fsspec" else "or pip install what serves it, as s3fs does s3://"
        raise AudioError(f"{url}: {error}; {remedy}") from error
    except Exception as error:
        raise AudioError(f"{url}: cannot be read ({reason(error)})") from error


def _size(path: str) -> int | None:
    """Bytes of an ordinary file; None for anything else."""
    with contextlib.suppress(OSError, ValueError):
        status = Path(path).stat()
        return status.st_size if stat.S_ISREG(status.st_mode) else None
    return None
