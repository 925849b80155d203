from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vad.grid import Grid, floor_milliseconds

grids = st.builds(Grid, st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]), st.integers(40, 1024))


def test_the_default_frame_is_ten_milliseconds() -> None:
    assert Grid().frame_seconds == 0.01
    assert Grid().to_seconds(123) == 1.23


@pytest.mark.parametrize(
    ("seconds", "frames"), [(0, 0), (0.004, 0), (0.005, 1), (0.0149, 1), (0.3, 30), (3600, 360_000)]
)
def test_seconds_become_the_nearest_frame(seconds: float, frames: int) -> None:
    assert Grid().to_frames(seconds) == frames


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (160, 1), (161, 2), (320, 2)])
def test_a_partial_frame_counts(samples: int, frames: int) -> None:
    assert Grid().frame_count(samples) == frames


@given(grids, st.integers(0, 10**7))
def test_frames_survive_the_way_through_seconds(grid: Grid, frames: int) -> None:
    assert grid.to_frames(grid.to_seconds(frames)) == frames


@given(grids, st.integers(0, 10**9))
def test_samples_survive_the_way_through_seconds(grid: Grid, samples: int) -> None:
    assert grid.to_samples(samples / grid.sample_rate) == samples


@given(grids, st.integers(0, 10**9))
def test_frames_cover_the_samples_and_no_frame_is_empty(grid: Grid, samples: int) -> None:
    count = grid.frame_count(samples)
    assert (count - 1) * grid.hop < samples <= count * grid.hop


@given(st.floats(0, 1e6))
def test_floor_milliseconds_stays_within_and_loses_less_than_one(seconds: float) -> None:
    floored = floor_milliseconds(seconds)
    assert seconds - 0.001 - 1e-9 <= floored <= seconds + 1e-6
    assert floored == round(floored, 3)


@given(st.integers(0, 10**9))
def test_floor_milliseconds_keeps_whole_milliseconds(milliseconds: int) -> None:
    assert floor_milliseconds(milliseconds / 1000) == milliseconds / 1000
