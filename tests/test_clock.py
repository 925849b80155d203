"""Times in hours, minutes and seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vad.clock import clock, parse_clock, timestamp


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (75, "1:15"), (3599.6, "1:00:00"), (3723, "1:02:03")]
)
def test_people_read_as_few_fields_as_there_are(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_a_long_recording_has_hours_from_its_beginning() -> None:
    assert clock(75.25, 1, longest=3600) == "0:01:15.2"


def test_programs_read_every_field() -> None:
    assert timestamp(3723.4567) == "01:02:03.457"
    assert timestamp(360_000) == "100:00:00.000"


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_again(milliseconds: int) -> None:
    assert parse_clock(timestamp(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-6)
    assert parse_clock(clock(milliseconds / 1000, 3)) == pytest.approx(milliseconds / 1000, abs=1e-6)


@pytest.mark.parametrize("text", ["", "90", "1:", ":30", "1:2:3:4", "-1:30", "1:30 ", "1:nan", "a:b", "1:."])
def test_other_text_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        parse_clock(text)
