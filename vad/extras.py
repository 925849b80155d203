"""How to install an extra (an optional part of this package), from where the package itself came."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

NAME = "vad-bilstm"


def install_command(extra: str) -> str:
    """The command that adds `extra`, like "pip install 'vad-bilstm[train]'".

    A package that was installed from a folder, an archive or a repository is installed from there
    again (PEP 610), because it may be on no index.
    """
    origin, installer = _installation()
    return f"{_installer(installer)} {_requirement(origin, extra)}"


def _installation() -> tuple[dict[str, object], str]:
    """The content of `direct_url.json` of the installed package, and the program that installed it; or nothing.

    A checkout in the working folder looks like an installation, too, but has no installer.
    """
    import importlib.metadata  # loaded here because it takes a tenth of the time of a short run
    import json

    for package in importlib.metadata.distributions(name=NAME):
        try:
            if installer := (package.read_text("INSTALLER") or "").strip():
                return json.loads(package.read_text("direct_url.json") or "{}"), installer
        except (OSError, ValueError):
            continue
    return {}, ""


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
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    return url2pathname(urlsplit(url).path)
