"""Every recipe of the repository can be read and has its README."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import ROOT
from vad.training.recipe import read_recipe


@pytest.mark.parametrize("path", sorted(ROOT.glob("recipes/*/*.toml")), ids=lambda path: path.parent.name)
def test_every_recipe_can_be_read(path: Path) -> None:
    assert path.parent.name.startswith(read_recipe(path).name)
    assert (path.parent / "README.md").exists()
    assert not list(path.parent.rglob("*.py"))
