"""Recordings at URLs: found and fetched by fsspec, which knows `s3://`, `gs://`, `https://`, `file://` and more."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vad.errors import AudioError


def is_url(name: str) -> bool:
    """Whether `name` is a URL."""
    return "://" in name


def search(url: str) -> list[tuple[str, str, int | None]]:
    """The files that a URL, a folder's or a pattern stands for: URL, place within the folder, and bytes if known.

    Raises `AudioError` where it cannot be looked at.
    """
    with _explained(url):
        system, root = _system(url)
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


@contextlib.contextmanager
def fetched(name: str) -> Iterator[str]:
    """The path of a recording: `name` itself, or of a URL a copy for as long as the context lasts.

    Raises `AudioError` where it cannot be fetched.
    """
    if not is_url(name):
        yield name
        return
    with tempfile.TemporaryDirectory(prefix="vad-") as folder:
        path = str(Path(folder, Path(name).name or "sound"))
        with _explained(name):
            system, place = _system(name)
            system.get_file(place, path)
        yield path


def _system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    import fsspec

    system, path = fsspec.core.url_to_fs(url)
    return system, str(path)


@contextlib.contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what goes wrong with a URL into one line; every file system has errors of its own."""
    try:
        yield
    except ImportError as error:
        own = "pip install 'vad-bilstm[cluster]'"
        remedy = own if error.name == "fsspec" else "or pip install what serves it, as s3fs does s3://"
        raise AudioError(f"{url}: {error}; {remedy}") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise AudioError(f"{url}: cannot be read ({reason})") from error
