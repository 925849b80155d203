"""A little of what `python tests/fuzz` does for long: the same damage in every run, to all that is read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.damage import damaged
from fuzz.targets import TARGETS, check, chosen

ROOT = Path(__file__).parent
RISKY = {"model"}  # to an interpreter: looked at in a process of its own
COUNT = {"checkpoint": 60, "recipe": 300}


@pytest.mark.parametrize("name", [name for name in chosen([]) if name not in RISKY])
def test_damaged_input_is_answered_well_or_refused(name: str) -> None:
    seeds = TARGETS[name].seeds()
    for content in seeds:
        check(name, content)
    for number in range(COUNT.get(name, 200)):
        check(name, damaged(seeds, f"{name} test {number}"))


def test_damage_is_foretold_by_its_number() -> None:
    assert damaged([b"abc" * 100], "1") == damaged([b"abc" * 100], "1") != damaged([b"abc" * 100], "2")


def test_the_long_run_finds_nothing_in_models_and_says_so(tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "fuzz", "model", "--count", "300", "--keep", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("model: 300 inputs in ")


def test_what_the_long_run_finds_is_kept_and_it_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "fuzz", "itself", "--count", "100", "--keep", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    kept = list(tmp_path.iterdir())
    assert len(kept) > 1 and all(b"\0" in path.read_bytes() for path in kept)
    assert f"itself: 100 inputs in 0 s, {len(kept)} findings" in re.sub("in [0-9]+ s", "in 0 s", done.stdout)
