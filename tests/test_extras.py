"""Hints how to install an extra: they work from where the package came."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from vad import extras

FOLDER = {"dir_info": {}, "url": "file:///home/ann/my%20code/vad"}
EDITABLE = {"dir_info": {"editable": True}, "url": "file:///home/ann/vad"}
REPOSITORY = {"url": "https://example.org/vad", "vcs_info": {"vcs": "git", "commit_id": "1234"}}
ARCHIVE = {"url": "file:///tmp/vad_bilstm-0.1.0-py3-none-any.whl", "archive_info": {"hashes": {}}}


class Package:
    """An installed package with some of the files of its metadata."""

    def __init__(self, origin: object, installer: str) -> None:
        self._files = {"direct_url.json": json.dumps(origin) if origin else None, "INSTALLER": f"{installer}\n"}

    def read_text(self, name: str) -> str | None:
        return self._files[name]


@pytest.mark.parametrize(
    ("origin", "installer", "prefix", "command"),
    [
        (None, "pip", "/usr", "pip install 'vad-bilstm[mic]'"),
        (None, "uv", "/home/ann/.venv", "uv pip install 'vad-bilstm[mic]'"),
        (None, "uv", "/home/ann/.local/share/uv/tools/vad-bilstm", "uv tool install --force 'vad-bilstm[mic]'"),
        (None, "pip", "/home/ann/.local/pipx/venvs/vad-bilstm", "pipx install --force 'vad-bilstm[mic]'"),
        (FOLDER, "pip", "/usr", "pip install '/home/ann/my code/vad[mic]'"),
        (EDITABLE, "pip", "/usr", "pip install -e '/home/ann/vad[mic]'"),
        (REPOSITORY, "pip", "/usr", "pip install 'vad-bilstm[mic] @ git+https://example.org/vad'"),
        (ARCHIVE, "pip", "/usr", "pip install 'vad-bilstm[mic] @ file:///tmp/vad_bilstm-0.1.0-py3-none-any.whl'"),
    ],
)
def test_the_command_installs_from_where_the_package_came(
    monkeypatch: pytest.MonkeyPatch, origin: object, installer: str, prefix: str, command: str
) -> None:
    checkout = Package(None, "")
    monkeypatch.setattr("importlib.metadata.distributions", lambda name: [checkout, Package(origin, installer)])
    monkeypatch.setattr(sys, "prefix", prefix)
    assert extras.install_command("mic") == command


def test_without_metadata_the_index_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "NAME", "no-such-package")
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert extras.install_command("mic") == "pip install 'no-such-package[mic]'"


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "vad", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: python -m vad [OPTIONS] COMMAND")


def test_exporting_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"from vad.cli import main; main(['export', '--waveform', '-o', {str(tmp_path / 'vad.onnx')!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "vad.onnx").stat().st_size > 500_000
