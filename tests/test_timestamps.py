"""Time stamps of frames: which gaps are silence, which differences are none."""

from __future__ import annotations

import random

import pytest

from vad.audio.timestamps import MAX_GAP, RESET, TOLERANCE, Clock

FRAME = 0.02


def place(stamps: list[float | None], clock: Clock | None = None) -> list[float]:
    """Where frames of `FRAME` seconds with these time stamps lie, in seconds."""
    clock = clock or Clock()
    places = []
    for number, stamp in enumerate(stamps):
        if not clock.follows(stamp, FRAME):
            assert stamp is not None
            clock.gap(stamp, FRAME, stamps[number + 1] if number + 1 < len(stamps) else None)
        places.append(round(clock.seconds - FRAME, 6))
    return places


def steady(count: int, start: float = 0.0) -> list[float | None]:
    return [start + FRAME * number for number in range(count)]


def test_frames_that_follow_each_other_follow_each_other() -> None:
    assert place(steady(100)) == pytest.approx(steady(100))
    assert place(steady(100, 1234.5)) == pytest.approx(steady(100))
    assert place([None] * 100) == pytest.approx(steady(100))


def test_a_gap_stays_a_gap() -> None:
    clock = Clock()
    assert place(steady(10) + steady(10, 5.2), clock) == pytest.approx(steady(10) + steady(10, 5.2))
    assert clock.filled == pytest.approx(5)


def test_what_time_stamps_are_rounded_by_is_no_gap() -> None:
    chance = random.Random(1)
    clock = Clock()
    jitter = [(stamp or 0) + chance.uniform(-0.4, 0.4) * TOLERANCE for stamp in steady(1000)]
    assert place(list(jitter), clock) == pytest.approx(steady(1000))
    assert clock.filled == 0


def test_single_packets_that_are_missing_add_up() -> None:
    """Every tenth packet is lost: no frame is further from its place than the tolerance."""
    stamps = [stamp for number, stamp in enumerate(steady(1000)) if number % 10]
    places = place(stamps)
    first = stamps[0] or 0
    assert (
        max(abs(place - (stamp or 0) + first) for place, stamp in zip(places, stamps, strict=True)) <= TOLERANCE + 1e-9
    )


@pytest.mark.parametrize("wrong", [-1e9, -5.0, 3.0, 100.0, 1e300, float("inf"), float("nan")])
def test_a_single_wrong_time_stamp_changes_nothing(wrong: float) -> None:
    clock = Clock()
    stamps = steady(100)
    stamps[50] = wrong
    assert place(stamps, clock) == pytest.approx(steady(100))
    assert clock.filled == 0


@pytest.mark.parametrize("jump", [-1000.0, -RESET - 2.1, MAX_GAP + 100, 1e9])
def test_another_time_line_goes_on_where_the_first_ends(jump: float) -> None:
    clock = Clock()
    places = place(steady(100) + steady(100, 2 + jump) + steady(10, 4 + jump + 1), clock)
    assert places == pytest.approx(steady(200) + steady(10, 5))
    assert clock.filled == pytest.approx(1)


def test_a_little_back_loses_no_sound_and_moves_nothing() -> None:
    assert place(steady(100) + steady(100, 1.8) + steady(5, 5)) == pytest.approx(steady(200) + steady(5, 5))


def test_random_time_stamps_are_bounded() -> None:
    chance = random.Random(2)
    clock = Clock()
    place([chance.uniform(-1e6, 1e6) for _ in range(10_000)], clock)
    assert clock.filled == 0


@pytest.mark.parametrize(("first", "place_of_it"), [(0.0, 0), (0.2, 0), (-3, 0), (5.0, 5), (MAX_GAP + 9, 0)])
def test_a_first_frame_that_comes_late_comes_late(first: float, place_of_it: float) -> None:
    """Decoders hold some sound back, and a time line may begin anywhere."""
    clock = Clock(expected=0.0)
    assert place(steady(10, first), clock) == pytest.approx(steady(10, place_of_it))
