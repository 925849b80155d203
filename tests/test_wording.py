"""How messages are worded."""

from __future__ import annotations

from vad.wording import pluralize


def test_only_one_is_singular() -> None:
    assert [pluralize(count, "segment") for count in (0, 1, 2)] == ["0 segments", "1 segment", "2 segments"]
