"""Streams: their events are the results of `detect`, whatever the chunks, as soon as they are certain."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import mmap
import threading
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import cffi
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import DATA, RATE, bursts
from vad import AudioError, Detector, Segment, SettingError
from vad.audio.resample import AudioWarning, resampling_delay
from vad.events import End, Event, Score, Start, clip_events, segments_of, to_json
from vad.grid import Grid
from vad.segmenter import Segmenter
from vad.settings import LATENCIES, Segmentation, parse_latency
from vad.stream import Stream

TALK = soundfile.read(DATA / "talk.flac", dtype="int16")[0][: RATE * 12]


def cut(samples: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    """`samples` in pieces of these lengths, the rest in one."""
    cuts = np.cumsum(lengths)
    return np.split(samples, cuts[cuts < len(samples)])


def events_of(stream: Stream, chunks: list[Any]) -> list[Event]:
    return [event for chunk in chunks for event in stream.push(chunk)] + stream.finish()


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


class TestEqualToDetect:
    @settings(max_examples=12, deadline=None)
    @given(
        st.lists(st.sampled_from([0, 1, 7, 112, 160, 1600]) | st.integers(0, 160_000), max_size=25),
        st.sampled_from([0.03, *LATENCIES.values()]),
        st.sampled_from([8_000, 16_000, 44_100]),
    )
    def test_scores_and_segments_are_those_of_detect_bit_for_bit_whatever_the_chunks(
        self, detector: Detector, lengths: list[int], latency: float, rate: int
    ) -> None:
        samples = TALK[: RATE * 4]
        stream = detector.stream(sample_rate=rate, latency=latency, scores=True, preset="recall")
        events = events_of(stream, cut(samples, lengths))
        scores = np.array([e.score for e in events if isinstance(e, Score)], np.float32)
        assert np.array_equal(scores, detector.scores(samples, sample_rate=rate, latency=latency))
        assert segments_of(events) == detector.detect(samples, sample_rate=rate, latency=latency, preset="recall")

    @settings(max_examples=8, deadline=None)
    @given(st.lists(st.integers(0, 30_000), max_size=25))
    def test_all_events_are_the_same_in_the_same_order_whatever_the_chunks(
        self, detector: Detector, lengths: list[int]
    ) -> None:
        def run(chunks: list[np.ndarray]) -> list[Event]:
            return events_of(detector.stream(sample_rate=RATE, scores=True, max_speech=2), chunks)

        assert run(cut(TALK, lengths)) == run([TALK])

    @pytest.mark.parametrize(("count", "rate"), [(RATE + 5, RATE), (95_994, 15_999)])
    def test_a_last_frame_of_less_than_a_millisecond_has_a_score(self, energy: Detector, count: int, rate: int) -> None:
        stream = energy.stream(sample_rate=rate, scores=True)
        scores = [e.score for e in events_of(stream, cut(TALK[:count], [999] * 9)) if isinstance(e, Score)]
        assert scores == energy.scores(TALK[:count], sample_rate=rate, latency=0.3).tolist()
        assert stream.score == scores[-1]

    def test_sample_by_sample(self, energy: Detector) -> None:
        samples = bursts((0.2, 0.5), seconds=0.7)
        stream = energy.stream(sample_rate=RATE, latency="lowest")
        assert segments_of(events_of(stream, list(samples[:, None]))) == energy.detect(samples, sample_rate=RATE)

    @pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, np.int32])
    def test_any_type_of_sample(self, energy: Detector, kind: type) -> None:
        samples = bursts((0.5, 1), seconds=2)
        if np.issubdtype(kind, np.integer):
            samples = samples * np.iinfo(kind).max
        events = events_of(energy.stream(sample_rate=RATE), cut(samples.astype(kind), [999] * 20))
        assert [e[0] for e in events] == [pytest.approx(0.49), Segment(0.49, 1.01)]

    def test_bytes_cut_within_a_sample_and_several_channels(self, energy: Detector) -> None:
        both = np.stack([bursts((0.5, 1), seconds=2), np.zeros(2 * RATE)], 1)
        data = (both * 32767).astype("<i2").tobytes()
        pieces = [data[i : i + 777] for i in range(0, len(data), 777)]
        found = [
            segments_of(events_of(energy.stream(sample_rate=RATE, raw_channels=2, channel=channel), pieces))
            for channel in (1, 2, "mix")
        ]
        assert found[0] == found[2] == [Segment(0.49, 1.01)]
        assert found[1] == []
        assert segments_of(events_of(energy.stream(sample_rate=RATE, channel=1), cut(both, [1, 2, 3]))) == found[0]

    def test_many_streams_share_a_detector(self, detector: Detector) -> None:
        sounds = [np.roll(TALK[: RATE * 3], 4_000 * i) for i in range(12)]
        expected = [detector.detect(s, sample_rate=RATE, latency=0.1) for s in sounds]
        streams = [detector.stream(sample_rate=RATE, latency=0.1) for _ in sounds]
        found: list[list[Event]] = [[] for _ in sounds]
        start = threading.Barrier(len(sounds))

        def work(number: int) -> None:
            start.wait()
            found[number] = events_of(streams[number], cut(sounds[number], [800] * 100))

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(sounds))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [segments_of(events) for events in found] == expected
        assert len({tuple(e) for e in expected}) > 1


class TestLatency:
    @pytest.mark.parametrize("latency", [0.03, 0.04, 0.1, 0.2, 0.5, 1.0])
    def test_a_score_comes_within_the_latency_and_sees_no_later_sound(self, detector: Detector, latency: float) -> None:
        stream = detector.stream(sample_rate=RATE, latency=latency)
        assert stream.latency <= latency
        for _ in range(150):
            stream.push(TALK[:160])
            assert stream.duration - stream.scored <= stream.latency + 0.01 + 1e-9  # what follows is pushed in 10 ms
        assert stream.duration - stream.scored >= stream.geometry.right * 0.01

    def test_sound_later_than_the_latency_changes_no_score(self, detector: Detector) -> None:
        stream = detector.stream(sample_rate=RATE, latency=0.1)
        stop = RATE * 3
        other = TALK.copy()
        other[stop:] = 0
        before, after = (detector.scores(s, sample_rate=RATE, latency=0.1) for s in (TALK, other))
        scored = int((3 - stream.latency) * 100)
        assert np.array_equal(before[:scored], after[:scored])
        assert not np.array_equal(before[: scored + 10], after[: scored + 10])

    @pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
    def test_the_latency_includes_that_of_the_resampler(self, energy: Detector, rate: int) -> None:
        stream = energy.stream(sample_rate=rate, latency=0.1)
        late = 0.0
        for _ in range(300):
            stream.push(np.zeros(rate // 100))
            late = max(late, stream.duration - stream.scored)
        assert 0.1 < late <= stream.latency + 0.011
        assert stream.latency == pytest.approx(0.0975 + resampling_delay(rate, RATE))
        assert stream.header()["latency"] == round(stream.latency, 4)

    @pytest.mark.parametrize("rate", [1_000, 8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
    def test_the_resampler_is_never_later_than_its_delay(self, rate: int) -> None:
        from vad.audio.resample import Resampler

        resampler, given, late = Resampler("x", rate, RATE), 0, 0.0
        for _ in range(200):
            late = max(late, resampler.samples / rate - given / RATE)
            given += resampler.push(np.zeros((rate // 50, 1), np.float32)).shape[1]
        assert late <= resampling_delay(rate, RATE) + 1 / 50

    @pytest.mark.parametrize(
        ("text", "seconds"), [("lowest", 0.04), ("100ms", 0.1), ("0.1s", 0.1), ("0.1", 0.1), (" 40ms", 0.04), (1, 1.0)]
    )
    def test_a_latency_can_be_written_in_many_ways(self, text: str | float, seconds: float) -> None:
        assert parse_latency(text) == pytest.approx(seconds)

    @pytest.mark.parametrize("wrong", ["fast", "", "-1", "nan", "inf", "0", 0.02, "10ms", "1e9", "ms"])
    def test_an_impossible_latency_is_refused_in_one_line(self, energy: Detector, wrong: str | float) -> None:
        with pytest.raises(SettingError, match=r"^latency=.*(give|at least).*lowest, balanced, accurate$"):
            energy.stream(sample_rate=RATE, latency=wrong)


class TestStarts:
    def test_a_start_comes_when_speech_has_lasted_for_min_speech(self, energy: Detector) -> None:
        stream = energy.stream(sample_rate=RATE, latency=0.0275, min_speech=0.2, pad_start=0.1)
        samples = bursts((0.5, 1.5), seconds=2)
        for at in range(0, len(samples), 160):
            if events := stream.push(samples[at : at + 160]):
                break
        assert events == [Start(pytest.approx(0.39))]
        assert stream.duration - (0.49 + 0.2) == pytest.approx(stream.latency, abs=0.021)

    def test_each_start_is_followed_by_its_end(self, detector: Detector) -> None:
        for options in ({}, {"max_speech": 0.5}, {"preset": "asr"}, {"min_speech": 0.0, "min_silence": 0.0}):
            events = events_of(detector.stream(sample_rate=RATE, **options), cut(TALK, [5_000] * 99))
            assert len(events) >= 2
            assert [type(e) for e in events] == [Start, End] * (len(events) // 2)
            for start, end in zip(events[::2], events[1::2], strict=True):
                assert isinstance(end, End)
                assert start[0] == end.segment.start
                assert 0 < end.score <= 1

    scores = st.lists(st.tuples(st.sampled_from([0.0, 0.3, 0.4, 0.6, 1.0]), st.integers(1, 30)), max_size=20)
    frames = st.integers(0, 20)

    @given(scores, frames, frames, frames, frames, st.none() | st.integers(1, 40))
    def test_nothing_is_retracted_and_nothing_settled_changes(
        self, runs: list[tuple[float, int]], speech: int, silence: int, before: int, after: int, longest: int | None
    ) -> None:
        limit = {} if longest is None else {"max_speech": (before + after + max(speech, 10) + longest) / 100}
        chosen = Segmentation(
            min_speech=speech / 100, min_silence=silence / 100, pad_start=before / 100, pad_end=after / 100, **limit
        )
        values = np.repeat(np.array([r[0] for r in runs], np.float32), [r[1] for r in runs])
        machine = Segmenter(chosen, Grid())
        settled, open_from = 0, None
        for frame in range(len(values) + 1):
            events = machine.end() if frame == len(values) else machine.advance(values[frame : frame + 1])
            for event in events:
                if isinstance(event, Start):
                    assert open_from is None
                    assert round(event.time * 100) >= settled
                    open_from = event.time
                else:
                    assert event.segment.start == open_from
                    assert round(event.segment.end * 100) >= settled
                    open_from = None
            assert frame == len(values) or machine.settled >= settled
            settled = machine.settled
        assert open_from is None

    def test_the_score_of_a_segment_is_the_mean_over_its_speech(self) -> None:
        values = np.array([0, 0.6, 0.8, 0.1, 1.0, 0, 0, 0, 0, 0], np.float32)
        machine = Segmenter(Segmentation(min_speech=0, min_silence=0.02, pad_start=0.01, pad_end=0.01), Grid())
        start, end = [*machine.advance(values[:3]), *machine.advance(values[3:])]
        assert (start, end) == (Start(0.0), End(Segment(0.0, 0.06), pytest.approx((0.6 + 0.8 + 0.1 + 1) / 4)))


class TestLongStreams:
    def test_an_hour_equals_detect_and_takes_no_memory(self, energy: Detector) -> None:
        minute = bursts((1, 2), (10, 40), (50, 50.5), seconds=60)
        stream = energy.stream(sample_rate=RATE, latency=1.0)
        events: list[Event] = []
        gc.collect()
        tracemalloc.start()
        for number in range(60):
            for chunk in np.split(minute, 12):
                events += stream.push(chunk)
            if number == 0:
                first = tracemalloc.get_traced_memory()[0]
        grown = tracemalloc.get_traced_memory()[0] - first
        tracemalloc.stop()
        events += stream.finish()
        assert grown < 200_000  # bytes, mostly of the events; an hour of frames is 92 MB
        expected = [s for i in range(60) for s in ((60 * i + 0.99, 60 * i + 2.01), (60 * i + 9.99, 60 * i + 40.01))]
        found = [s for s in segments_of(events) if s.duration > 0.8]
        assert found == [Segment(pytest.approx(a), pytest.approx(b)) for a, b in expected]

    def test_after_an_hour_of_digital_silence_the_first_word_is_found(self, energy: Detector) -> None:
        stream = energy.stream(sample_rate=RATE, latency=1.0)
        silence = np.zeros(RATE * 60, np.int16)
        assert [event for _ in range(60) for event in stream.push(silence)] == []
        events = [*stream.push(bursts((0.5, 0.8), seconds=1)), *stream.finish()]
        assert events == [Start(3600.49), End(Segment(3600.49, 3600.81), pytest.approx(0.9, abs=0.1))]


class TestUse:
    def test_a_finished_stream_takes_nothing_more(self, energy: Detector) -> None:
        stream = energy.stream(sample_rate=RATE)
        assert stream.finish() == []
        assert stream.finish() == []
        with pytest.raises(SettingError, match="finished"):
            stream.push(np.zeros(10))

    def test_bytes_that_end_within_a_sample_are_warned_of(self, energy: Detector) -> None:
        stream = energy.stream(sample_rate=RATE, raw_channels=2)
        stream.push(bytes(4 * RATE + 3))
        with pytest.warns(AudioWarning, match="^stream: ends within a sample, with 3 of its 4"):
            stream.finish()
        assert stream.duration == 1.0

    @pytest.mark.parametrize(
        ("options", "chunk", "message"),
        [
            ({"sample_rate": 10}, None, "sample_rate"),
            ({"raw_dtype": "int7"}, None, "int7"),
            ({"channel": "each"}, None, "analyse"),
            ({"channel": "left"}, None, "channel='left'"),
            ({"onset": 2}, None, "onset"),
            ({}, np.zeros((2, 2, 2)), "shape"),
            ({}, np.zeros(3, complex), "dtype"),
            ({"channel": 2}, np.zeros(9), "no channel 2"),
            ({}, np.zeros((1, 80)), "80 channels; transpose"),
        ],
    )
    def test_wrong_use_is_refused_in_one_line(
        self, energy: Detector, options: dict[str, Any], chunk: np.ndarray | None, message: str
    ) -> None:
        with pytest.raises((AudioError, SettingError), match=message) as caught:
            energy.stream(**{"sample_rate": RATE, **options}).push(chunk)
        assert "\n" not in str(caught.value)

    def test_many_channels_are_taken_where_they_are_stated(self, energy: Detector) -> None:
        both = np.repeat(bursts((0.5, 1), seconds=2)[:, None], 64, axis=1)
        stream = energy.stream(sample_rate=RATE, raw_channels=64)
        assert segments_of(events_of(stream, cut(both, [1, 20, 999]))) == [Segment(0.49, 1.01)]

    def test_a_memoryview_of_another_type_than_bytes_is_an_array(self, energy: Detector) -> None:
        sound = bursts((0.5, 1), seconds=2)
        for chunk in (memoryview(sound), memoryview((sound * 32767).astype("<i2")), (sound * 32767).astype("<i2").data):
            assert segments_of(events_of(energy.stream(sample_rate=RATE), [chunk])) == [Segment(0.49, 1.01)]

    def test_buffers_of_bytes_are_bytes(self, energy: Detector) -> None:
        content = (bursts((0.5, 1), seconds=2) * 32767).astype("<i2").tobytes()
        with mmap.mmap(-1, len(content)) as mapped:
            mapped[:] = content
            buffer = cffi.FFI().buffer(cffi.FFI().from_buffer(content))  # what `sounddevice.RawInputStream` gives
            for chunk in (buffer, mapped, (ctypes.c_ubyte * len(content)).from_buffer_copy(content)):
                assert segments_of(events_of(energy.stream(sample_rate=RATE), [chunk])) == [Segment(0.49, 1.01)]

    def test_a_chunk_that_is_refused_takes_no_time(self, energy: Detector) -> None:
        stream = energy.stream(sample_rate=RATE, channel=2)
        with pytest.raises(AudioError, match="no channel 2"):
            stream.push(np.zeros(160))
        assert stream.duration == 0

    def test_samples_that_are_no_numbers_give_one_warning_per_stream(self, energy: Detector) -> None:
        stream = energy.stream(sample_rate=RATE)
        with pytest.warns(AudioWarning, match=r"stream: .* the first before 0\.01 s") as given:
            for _ in range(20):
                stream.push(np.full(160, np.nan))
        assert len(given) == 1

    def test_async_for(self, energy: Detector) -> None:
        async def chunks() -> AsyncIterator[np.ndarray]:
            for chunk in cut(bursts((0.5, 1), seconds=2), [4_000] * 5):
                yield chunk
                await asyncio.sleep(0)

        async def collect() -> list[Event]:
            return [event async for event in energy.stream(sample_rate=RATE).follow(chunks())]

        assert [type(e) for e in asyncio.run(collect())] == [Start, End]

    @pytest.mark.parametrize("by", ["cancel", "cancel twice", "cancel all", "break"])
    def test_what_was_found_when_the_caller_stopped_is_given_by_finish(self, energy: Detector, by: str) -> None:
        sound = bursts((0.5, 1), (1.5, 2), seconds=3)
        stream = energy.stream(sample_rate=RATE)
        working, go_on, push = threading.Event(), threading.Event(), stream.push

        def slow_push(chunk: Any) -> list[Event]:
            working.set()
            assert go_on.wait(30)
            return push(chunk)

        async def chunks() -> AsyncIterator[np.ndarray]:
            yield sound

        async def collect(got: list[Event]) -> None:
            async for event in stream.follow(chunks()):
                got.append(event)
                if by == "break":
                    break

        async def stop() -> list[Event]:
            got: list[Event] = []
            task = asyncio.create_task(collect(got))
            await asyncio.to_thread(working.wait)
            if by != "break":
                for one in asyncio.all_tasks() - {asyncio.current_task()} if by == "cancel all" else {task}:
                    one.cancel()
                if by == "cancel twice":
                    await asyncio.sleep(0.01)
                    task.cancel()
                asyncio.get_running_loop().call_later(0.05, go_on.set)
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert stream.duration == 3  # no thread works on the stream any more
            else:
                go_on.set()
                await task
            return got + stream.finish()

        stream.push = slow_push  # type: ignore[method-assign]
        assert asyncio.run(stop()) == events_of(energy.stream(sample_rate=RATE), [sound])

    def test_events_as_json(self) -> None:
        assert to_json(Start(1.5)) == {"event": "start", "time": 1.5}
        assert to_json(End(Segment(1.5, 2.0), 0.9)) == {
            "event": "end", "start": 1.5, "end": 2.0, "duration": 0.5, "score": 0.9
        }  # fmt: skip
        assert to_json(Score(0.01, 0.123456)) == {"event": "score", "time": 0.01, "score": 0.1235}

    def test_no_event_lies_beyond_the_end(self) -> None:
        events = [Start(1.0), End(Segment(1.0, 2.0), 0.5), Start(1.6)]
        assert clip_events(events, 1.5) == [Start(1.0), End(Segment(1.0, 1.5), 0.5)]
