"""The names and docstrings of the code use the terms of the field, not words that only their authors know."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT

# No part of the name of a module, class, function, parameter, variable or attribute; better words beside them.
NOT_IN_NAMES = {
    "counted": "scored region",
    "figures": "metrics",
    "hear": "on_block",
    "heard": "sound, segments, ...",
    "intake": "resample",
    "ledger": "journal",
    "lesson": "loss, objective",
    "lessons": "losses",
    "loud": "active",
    "outcome": "result",
    "owed": "pending",
    "phantom": "false-alarm segment",
    "phantoms": "false-alarm segments",
    "said": "message, warning, label",
    "talk": "console, reporter",
    "taught": "teacher, distillation",
    "team": "distributed",
    "told": "options",
}
# Nor any of these in docstrings, comments and messages, where some of the others are usual words.
NOT_IN_PROSE = NOT_IN_NAMES.keys() - {"counted", "hear", "loud", "owed", "said", "talk", "told"}
FILES = sorted(file for top in ("cli", "vad") for file in (ROOT / top).rglob("*.py"))


def words(name: str) -> set[str]:
    """The words of a name: `find_loud_parts`, `FindLoudParts` -> find, loud, parts."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def names(tree: ast.AST) -> Iterator[str]:
    """Every name that the code gives to something."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_are_terms_of_the_field(path: Path) -> None:
    given = {path.stem, *names(ast.parse(path.read_text("utf-8")))}
    found = {name: NOT_IN_NAMES[word] for name in sorted(given) for word in words(name) & NOT_IN_NAMES.keys()}
    assert not found, f"better words: {found}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_prose_uses_the_terms_of_the_field(path: Path) -> None:
    found = [
        line.strip()
        for line in path.read_text("utf-8").splitlines()
        if NOT_IN_PROSE & set(re.findall(r"[a-z]+", line.lower()))
    ]
    assert not found
