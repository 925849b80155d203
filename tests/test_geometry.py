"""Geometries: as much context as the latency allows, in whole steps of the network."""

from __future__ import annotations

import pytest

from vad.features import LogMel
from vad.geometry import OFFLINE, Geometry, bidirectional_geometry, causal_geometry, latency_of

FEATURES = LogMel()


def test_latency_is_block_context_and_the_lead_of_the_last_window() -> None:
    assert latency_of(Geometry(200, 4, 5), FEATURES) == 0.0975


def test_longer_latency_means_more_context() -> None:
    geometries = [bidirectional_geometry(latency, FEATURES) for latency in (0.03, 0.05, 0.1, 0.2, 0.5, 2, 20)]
    assert sorted(geometries, key=lambda g: (g.block, g.right)) == geometries


@pytest.mark.parametrize("latency", [0.05, 0.06, 0.1, 0.2, 0.3, 0.5, 3, 60, None])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_geometries_are_whole_steps_and_keep_the_latency(latency: float | None, stride: int) -> None:
    geometry = bidirectional_geometry(latency, FEATURES, stride)
    assert geometry.left % stride == geometry.block % stride == 0
    assert geometry.left <= OFFLINE.left and geometry.block <= OFFLINE.block and geometry.right <= OFFLINE.right
    if latency is not None:
        assert latency_of(geometry, FEATURES) <= latency
        if latency < 10:
            assert latency_of(geometry, FEATURES) > latency - 0.01


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_the_lowest_latency_is_at_least_a_step(stride: int) -> None:
    for geometry in (
        bidirectional_geometry("lowest", FEATURES, stride),
        causal_geometry("lowest", FEATURES, stride, 6),
    ):
        assert geometry.block >= stride
        assert latency_of(geometry, FEATURES) <= max(0.04, latency_of(Geometry(0, stride, 0), FEATURES))


@pytest.mark.parametrize("latency", [0.05, 0.1, 0.2, 0.3, 0.5, 3, 60])
@pytest.mark.parametrize("delays", [1, 6, 24])
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_geometries_of_causal_networks_keep_the_latency_and_use_it(latency: float, delays: int, stride: int) -> None:
    geometry = causal_geometry(latency, FEATURES, stride, delays)
    longest = stride * (delays - 1)
    assert geometry.right % stride == geometry.block % stride == 0
    assert geometry.right <= longest
    assert latency_of(geometry, FEATURES) <= latency
    if latency < 30:
        assert latency_of(geometry, FEATURES) > latency - 0.01 * 2 * stride
    assert causal_geometry(None, FEATURES, stride, delays).right == longest
