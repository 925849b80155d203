"""Scores and segments drawn under each other: one character is one frame of 10 ms.

Scores: `#` is 1, `.` is 0, `-` lies between offset and onset, a digit is so many tenths.
Segments: the first is drawn as `a`, the second as `b`, and so on; `.` is silence.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vad.errors import SettingError
from vad.grid import Grid
from vad.segmenter import Segmenter, State
from vad.segments import Segment
from vad.settings import Segmentation

GRID = Grid()
LEVELS = {"#": 1.0, "-": 0.4, ".": 0.0, **{str(d): d / 10 for d in range(10)}}
STATES = {State.SILENCE: "_", State.MAYBE_SPEECH: "m", State.SPEECH: "s", State.MAYBE_SILENCE: "q"}


def scores_of(picture: str) -> np.ndarray:
    return np.array([LEVELS[c] for c in picture], np.float32)


def segmenter(**frames: int) -> Segmenter:
    """A segmenter with the default thresholds; durations in frames, those not given are 0."""
    given = {"min_speech": 0, "min_silence": 0, **frames}
    return Segmenter(Segmentation(**{name: count / 100 for name, count in given.items()}), GRID)


def segment(scores: np.ndarray, settings: Segmentation) -> list[Segment]:
    whole = Segmenter(settings, GRID)
    return whole.push(scores) + whole.finish()


def drawn(picture: str, **frames: int) -> str:
    """The segments of the scores in `picture`, as a picture."""
    machine = segmenter(**frames)
    found = machine.push(scores_of(picture)) + machine.finish()
    line = ""
    for number, (start, end) in enumerate(found):
        line += "." * (round(start * 100) - len(line)) + "abcdefgh"[number] * round((end - start) * 100)
    return line + "." * (len(picture) - len(line))


def test_speech_starts_at_onset_and_ends_below_offset() -> None:
    scores = "..--..##--..--#--.."
    expect = "......aaaa....bbb.."
    assert drawn(scores) == expect


def test_a_score_equal_to_a_threshold_is_speech() -> None:
    settings = Segmentation(onset=0.5, offset=0.25, min_speech=0, min_silence=0)
    scores = np.array([0.49, 0.5, 0.25, 0.24, 0.25], np.float32)
    assert segment(scores, settings) == [Segment(0.01, 0.03)]


def test_a_pause_shorter_than_min_silence_is_bridged() -> None:
    scores = "..####.##..#...#"
    expect = "..aaaaaaaaaa...b"
    assert drawn(scores, min_silence=3) == expect


def test_speech_shorter_than_min_speech_is_dropped() -> None:
    scores = "###..####..##"
    expect = ".....aaaa...."
    assert drawn(scores, min_speech=4) == expect


def test_pauses_are_bridged_before_short_speech_is_dropped() -> None:
    scores = "..##.##..##.."
    expect = "..aaaaa......"
    assert drawn(scores, min_speech=4, min_silence=2) == expect


def test_the_end_of_the_recording_ends_speech_before_an_open_pause() -> None:
    scores = "....####..."
    expect = "....aaaa..."
    assert drawn(scores, min_speech=4, min_silence=5) == expect
    scores = "....####"
    expect = "....aaaa"
    assert drawn(scores, min_speech=4, min_silence=5) == expect


def test_short_speech_at_the_end_of_the_recording_is_dropped() -> None:
    scores = "....###"
    expect = "......."
    assert drawn(scores, min_speech=4) == expect


def test_padding_widens_segments() -> None:
    scores = ".....##......"
    expect = "...aaaaaaa..."
    assert drawn(scores, pad_start=2, pad_end=3) == expect


def test_padding_never_leaves_the_recording() -> None:
    scores = "..##."
    expect = "aaaaa"
    assert drawn(scores, pad_start=3, pad_end=3) == expect


def test_padding_does_not_save_short_speech() -> None:
    scores = "....##......"
    expect = "............"
    assert drawn(scores, min_speech=4, pad_start=2, pad_end=2) == expect


def test_where_paddings_meet_the_later_segment_starts_where_the_earlier_ends() -> None:
    scores = "##....##..."
    expect = "aaaabbbbbb."
    assert drawn(scores, pad_start=3, pad_end=2) == expect


def test_dropped_speech_does_not_change_the_padding_of_the_next() -> None:
    scores = "..#....####"
    expect = "..aaaaaaaaa"
    assert drawn(scores, min_speech=2, pad_start=5) == expect


def test_a_pause_that_pad_end_fills_is_no_pause() -> None:
    scores = "##..###....."
    expect = "aaaaaaaaaaa."
    assert drawn(scores, pad_end=4) == expect
    scores = "##....##...."
    expect = "aaaaa.bbbbb."
    assert drawn(scores, pad_end=3) == expect


def test_a_pause_that_pad_end_fills_exactly_is_no_pause() -> None:
    scores = "##...##...."
    expect = "aaaaaaaaaa."
    assert drawn(scores, pad_end=3) == expect


def test_long_speech_is_cut_at_the_lowest_score_of_its_later_half() -> None:
    scores = "..##5####6#8#####.."
    expect = "..aaaaaaabbbbbbbb.."
    assert drawn(scores, max_speech=10) == expect


def test_speech_of_exactly_max_speech_is_not_cut() -> None:
    scores = "..####6#####.."
    expect = "..aaaaaaaaaa.."
    assert drawn(scores, max_speech=10) == expect


def test_max_speech_includes_the_padding() -> None:
    scores = "....######6####...."
    expect = "..aaaaaaaaaaaaaaaa."
    assert drawn(scores, pad_start=2, pad_end=3, max_speech=16) == expect
    scores = "....######6#####...."
    expect = "..aaaaaaaabbbbbbbbb."
    assert drawn(scores, pad_start=2, pad_end=3, max_speech=16) == expect


def test_long_speech_is_cut_in_a_bridged_pause_if_there_is_one() -> None:
    scores = "#######..######"
    expect = "aaaaaaa..bbbbbb"
    assert drawn(scores, min_silence=4, max_speech=10) == expect


def test_the_longest_pause_is_where_a_cut_is_heard_least() -> None:
    scores = "#####...####.####"
    expect = "aaaaa...bbbbbbbbb"
    assert drawn(scores, min_silence=4, max_speech=14) == expect
    scores = "#####.#####..####"
    expect = "aaaaaaaaaaa..bbbb"
    assert drawn(scores, min_silence=4, max_speech=14) == expect


def test_a_cut_at_the_edge_of_what_may_be_cut_takes_the_whole_pause() -> None:
    scores = "#" * 19 + "." * 12 + "#" * 15
    expect = "a" * 19 + "." * 12 + "b" * 15
    assert drawn(scores, min_speech=1, min_silence=15, max_speech=20) == expect


def test_a_cut_at_the_start_of_a_pause_leaves_no_pause_to_cut_in() -> None:
    scores = "#" * 10 + "." * 12 + "#" * 30
    settings = Segmentation(min_speech=0.19, min_silence=0.15, max_speech=0.2)
    assert all(end > start for start, end in segment(scores_of(scores), settings))


def test_pieces_on_both_sides_of_a_pause_share_it_and_do_not_touch() -> None:
    scores = "#" * 20 + "." * 12 + "#" * 20
    expect = "a" * 22 + "." * 8 + "b" * 22
    assert drawn(scores, pad_start=4, pad_end=4, min_silence=20, max_speech=44) == expect
    scores = "#" * 20 + "." * 25 + "#" * 20
    expect = "a" * 24 + "." * 17 + "b" * 24
    assert drawn(scores, pad_start=4, pad_end=4, min_silence=30, max_speech=50) == expect


def test_very_long_speech_is_cut_several_times() -> None:
    scores = "######6#####6#####6######"
    expect = "aaaaaabbbbbbccccccddddddd"
    assert drawn(scores, max_speech=10) == expect


def test_the_four_states_follow_the_scores() -> None:
    machine = segmenter(min_speech=2, min_silence=2)
    assert machine.state is State.SILENCE
    states, scores = "", "..#..###.#...#"
    expect = "__mm_mssqsq__m"
    for score in scores:
        machine.push(scores_of(score))
        states += STATES[machine.state]
    assert states == expect
    machine.finish()
    assert machine.state is State.SILENCE


def test_a_segment_comes_with_the_frame_that_makes_its_end_certain() -> None:
    machine = segmenter(min_silence=3)
    came = [machine.push(scores_of(score)) for score in "###...."]
    assert came == [[], [], [], [], [], [Segment(0.0, 0.03)], []]


def test_no_scores_give_no_segments() -> None:
    machine = segmenter()
    assert machine.push(scores_of("")) == []
    assert machine.finish() == []


@st.composite
def some_scores(draw: st.DrawFn) -> np.ndarray:
    """Runs of equal scores, some of them just at a threshold."""
    level = st.sampled_from([0.0, 0.3, 0.35, 0.4, 0.5, 0.6, 1.0]) | st.floats(0, 1, width=32)
    runs = draw(st.lists(st.tuples(level, st.integers(1, 25)), max_size=20))
    return np.repeat(np.array([r[0] for r in runs], np.float32), np.array([r[1] for r in runs], int))


@st.composite
def some_settings(draw: st.DrawFn) -> Segmentation:
    """Any valid settings, to the millisecond."""
    onset = draw(st.integers(0, 100))
    offset = draw(st.integers(0, onset))
    min_speech, min_silence, pad_start, pad_end = (draw(st.integers(0, 200)) for _ in range(4))
    shortest = pad_start + pad_end + max(min_speech, 100)
    max_speech = draw(st.none() | st.integers(shortest + 1, shortest + 300))
    return Segmentation(
        onset=onset / 100,
        offset=offset / 100,
        min_speech=min_speech / 1000,
        min_silence=min_silence / 1000,
        pad_start=pad_start / 1000,
        pad_end=pad_end / 1000,
        max_speech=math.inf if max_speech is None else max_speech / 1000,
    )


@given(some_scores(), some_settings())
def test_segments_are_in_order_inside_the_recording_and_never_too_long(
    scores: np.ndarray, settings: Segmentation
) -> None:
    at = 0.0
    for start, end in segment(scores, settings):
        assert at <= start < end
        assert end - start <= settings.max_speech + GRID.frame_seconds / 2 + 1e-9
        assert (start, end) == (round(start, 3), round(end, 3))
        at = end
    assert at <= GRID.to_seconds(len(scores)) + 1e-9


@given(some_scores(), some_settings(), st.lists(st.integers(0, 500)))
def test_segments_do_not_depend_on_the_pieces(scores: np.ndarray, settings: Segmentation, cuts: list[int]) -> None:
    machine = Segmenter(settings, GRID)
    found = [s for piece in np.split(scores, sorted(cuts)) for s in machine.push(piece)]
    assert found + machine.finish() == segment(scores, settings)


@given(some_scores(), some_settings())
def test_segments_do_not_depend_on_pushing_frame_by_frame(scores: np.ndarray, settings: Segmentation) -> None:
    machine = Segmenter(settings, GRID)
    found = [s for frame in range(len(scores)) for s in machine.push(scores[frame : frame + 1])]
    assert found + machine.finish() == segment(scores, settings)


def naive(scores: np.ndarray, onset: float, offset: float, min_speech: int, min_silence: int) -> list[Segment]:
    """Threshold, bridge, drop: one after the other, over the whole recording; durations in frames."""
    runs: list[list[int]] = []
    speaking = False
    for frame, score in enumerate(scores):
        speaking = bool(score >= onset or (speaking and score >= offset))
        if speaking and (not runs or frame - runs[-1][1] >= max(1, min_silence)):
            runs.append([frame, frame + 1])
        elif speaking:
            runs[-1][1] = frame + 1
    return [Segment(start / 100, end / 100) for start, end in runs if end - start >= min_speech]


@given(some_scores(), st.sampled_from([(0.5, 0.35), (0.5, 0.5), (0.9, 0.1)]), st.integers(0, 30), st.integers(0, 30))
def test_without_padding_it_is_threshold_then_bridge_then_drop(
    scores: np.ndarray, thresholds: tuple[float, float], min_speech: int, min_silence: int
) -> None:
    settings = Segmentation(*thresholds, min_speech=min_speech / 100, min_silence=min_silence / 100)
    assert segment(scores, settings) == naive(scores, *thresholds, min_speech, min_silence)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("offset", {"onset": 0.4, "offset": 0.5}),
        ("onset", {"onset": 1.1}),
        ("max_speech", {"max_speech": 0.09}),
        ("max_speech", {"max_speech": 0.5, "min_speech": 0.3, "pad_start": 0.2, "pad_end": 0.1}),
        *((name, {name: -0.01}) for name in Segmentation.__dataclass_fields__),
        *((name, {name: math.nan}) for name in Segmentation.__dataclass_fields__),
        *((name, {name: math.inf}) for name in Segmentation.__dataclass_fields__ if name != "max_speech"),
    ],
)
def test_invalid_settings_are_refused_by_name(option: str, values: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=f"^{option}=") as caught:
        Segmentation(**values)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_the_smallest_max_speech_that_the_error_names_is_accepted() -> None:
    with pytest.raises(SettingError, match=r"at least 0\.3$"):
        Segmentation(pad_start=0.1, pad_end=0.1, max_speech=0.2)
    assert Segmentation(pad_start=0.1, pad_end=0.1, max_speech=0.3).max_speech == 0.3


@pytest.mark.parametrize("name", ["min_speech", "min_silence", "pad_end", "max_speech"])
def test_a_duration_that_is_too_long_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingError, match=name):
        Segmentation(**{name: 1e308})
