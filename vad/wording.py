"""How messages are worded."""

from __future__ import annotations


def pluralize(count: int, noun: str) -> str:
    """A count of things whose plural ends in s: `1 segment`, `2 segments`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
