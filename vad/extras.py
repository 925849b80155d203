"""How to install an extra (an optional part of this package), from where the package itself came."""

from __future__ import annotations

import importlib.metadata
import json
import shlex
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

NAME = "vad-bilstm"


def install_command(extra: str) -> str:
    """The command that adds `extra`, like "pip install 'vad-bilstm[train]'".

    A package that was installed from a folder, an archive or a repository is installed from there
    again (PEP 610), because it may be on no index.
    """
    try:
        package = importlib.metadata.distribution(NAME)
        origin = json.loads(package.read_text("direct_url.json") or "{}")
        installer = (package.read_text("INSTALLER") or "").strip()
    except (importlib.metadata.PackageNotFoundError, OSError, ValueError):
        origin, installer = {}, ""
    return f"{_installer(installer)} {_requirement(origin, extra)}"


def _installer(name: str) -> str:
    """The program that manages this environment."""
    folders = Path(sys.prefix).parts
    if "pipx" in folders:
        return "pipx install --force"
    if "uv" in folders and "tools" in folders:
        return "uv tool install --force"
    return "uv pip install" if name == "uv" else "pip install"


def _requirement(origin: dict[str, object], extra: str) -> str:
    """What to install, for the origin that `direct_url.json` describes."""
    url = str(origin.get("url", ""))
    match origin:
        case {"dir_info": {"editable": True}}:
            return f"-e {shlex.quote(f'{_folder(url)}[{extra}]')}"
        case {"dir_info": dict()}:
            return shlex.quote(f"{_folder(url)}[{extra}]")
        case {"vcs_info": {"vcs": str(system)}}:
            return shlex.quote(f"{NAME}[{extra}] @ {system}+{url}")
        case {"archive_info": dict()}:
            return shlex.quote(f"{NAME}[{extra}] @ {url}")
    return shlex.quote(f"{NAME}[{extra}]")


def _folder(url: str) -> str:
    return url2pathname(urlsplit(url).path)
