"""Samples to events: `Chain`, the stages one after the other, and `Stream`, which takes chunks of live sound."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vad.audio.resample import (
    FEW_CHANNELS,
    Resampler,
    from_bytes,
    incomplete,
    is_bytes,
    resampling_delay,
    to_array,
    to_float,
)
from vad.errors import AudioError, SettingError
from vad.events import Event, Score, clip_events
from vad.features import BLOCK, FeatureStream, Float32, LogMel
from vad.geometry import Geometry, latency_of
from vad.grid import floor_milliseconds
from vad.scorer import CausalScorer, Scorer
from vad.segmenter import Segmenter, State
from vad.settings import Raw, Segmentation

Chunk = ArrayLike | bytes | bytearray | memoryview


class ChainResult(NamedTuple):
    """The scores and events that a piece of sound completes."""

    scores: Float32  # (frame,)
    events: list[Event]


class Chain:
    """Samples to events, for one channel: features, scorer and segmenter, one after the other.

    Files and streams go through the same chain; a file is a stream that is pushed whole. With
    `score_events` there is also a `Score` among the events for each frame.
    """

    def __init__(
        self, features: LogMel, scorer: Scorer | CausalScorer, settings: Segmentation, score_events: bool = False
    ) -> None:
        self._features = FeatureStream(features)
        self._scorer = scorer
        self._segmenter = Segmenter(settings, features.grid)
        self._grid, self._score_events = features.grid, score_events
        self.frames = 0  # scored so far

    @property
    def state(self) -> State:
        """The state of the segmenter after the last frame."""
        return self._segmenter.state

    @property
    def settled(self) -> int:
        """The first frame that no result can be given for yet: see `Segmenter.settled`."""
        return self._segmenter.settled

    def push(self, samples: Float32) -> ChainResult:
        """Take samples `(sample,)` at the model's rate."""
        # frames that cannot be scored yet wait, and are computed together with the next ones
        frames = self._features.push(samples, at_least=min(self._scorer.missing, BLOCK))
        return self._segment(self._scorer.push(frames)) if len(frames) else ChainResult(np.empty(0, np.float32), [])

    def finish(self, duration: float) -> ChainResult:
        """The last results; no segment lies beyond `duration`, the length of the recording in seconds."""
        first = self._segment(self._scorer.push(self._features.finish()))
        last = self._segment(self._scorer.finish())
        events = [*first.events, *last.events, *self._segmenter.end()]
        return ChainResult(np.concatenate([first.scores, last.scores]), clip_events(events, duration))

    def _segment(self, scores: Float32) -> ChainResult:
        """The events of the next `scores`."""
        first, self.frames = self.frames, self.frames + len(scores)
        if not self._score_events:
            return ChainResult(scores, self._segmenter.advance(scores))
        events: list[Event] = []
        for number, score in enumerate(scores.tolist()):
            events.append(Score(round(self._grid.to_seconds(first + number), 3), score))
            events += self._segmenter.advance(scores[number : number + 1])
        return ChainResult(scores, events)


class Stream:
    """Takes samples in chunks of any length, gives events as soon as they are certain.

    `Detector.stream` makes it. It starts no thread and shares nothing but the weights, so each stream
    may be used in a thread of its own; one thread at a time. The events depend on the sound alone,
    never on the chunks.

    `latency` is the longest time in seconds between a sound and its score: that of the block, its
    right context and the feature window, and of the resampler where the rate is not the model's. A
    `Start` comes `min_speech` after that, an `End` `min_silence`, or `pad_end` where that is longer.
    """

    def __init__(self, chain: Chain, resampler: Resampler, features: LogMel, geometry: Geometry, raw: Raw) -> None:
        self._chain, self._resampler, self._features, self._raw = chain, resampler, features, raw
        self._rest = b""
        self._finished = False
        self._unread: deque[Event] = deque()  # events that `follow` has found and not given
        self.geometry = geometry
        self.latency = latency_of(geometry, features) + resampling_delay(raw.sample_rate, features.sample_rate)
        self.score = 0.0  # of the last frame scored, 0..1

    @property
    def sample_rate(self) -> int:
        """The rate of the samples that `push` takes, in Hz."""
        return self._raw.sample_rate

    @property
    def duration(self) -> float:
        """Seconds of sound pushed so far."""
        return self._resampler.samples / self._raw.sample_rate

    @property
    def scored(self) -> float:
        """Seconds of sound scored so far."""
        return self._features.grid.to_seconds(self._chain.frames)

    @property
    def settled(self) -> float:
        """The time in seconds before which no later event starts or ends."""
        return self._features.grid.to_seconds(self._chain.settled)

    @property
    def state(self) -> State:
        """The state of the segmenter after the last frame."""
        return self._chain.state

    def header(self) -> dict[str, Any]:
        """The sample rate, latency and geometry of the stream, as values for JSON."""
        return {"sample_rate": self.sample_rate, "latency": round(self.latency, 4), "frames": vars(self.geometry)}

    def push(self, chunk: Chunk) -> list[Event]:
        """Take the next samples, give the events that are now certain.

        `chunk` is an array `(sample,)` or `(sample, channel)` of floats of -1..1 or integers, or
        bytes of little-endian samples, channels interleaved, also in other buffers, like those of
        sounddevice; a memoryview of another type is an array.
        Raises `AudioError` for anything else, also for `(channel, sample)`: more than 32 channels, or
        `raw_channels` where that is more. Raises `SettingError` after `finish`.
        """
        if self._finished:
            raise SettingError("the stream is finished; start another with Detector.stream")
        (samples,) = self._resampler.push(self._block(chunk))
        return self._read() + self._take(self._chain.push(samples))

    def finish(self) -> list[Event]:
        """The last events: the sound ends here, and an open segment with it."""
        if self._finished:
            return self._read()
        self._finished = True
        if self._rest:
            incomplete("stream", self._rest, self._raw)
        (samples,) = self._resampler.finish()
        events = self._read() + self._take(self._chain.push(samples))
        return events + self._take(self._chain.finish(floor_milliseconds(self.duration)))

    async def follow(self, chunks: AsyncIterable[Chunk]) -> AsyncIterator[Event]:
        """The events of all `chunks`, and of their end: `async for event in stream.follow(chunks)`.

        The work is done in another thread, so that it does not block the event loop. A task that is
        cancelled ends when the chunk in work is done. The events that it has not given are then the
        first of the next `push`, or of `finish`.
        """
        async for chunk in chunks:
            await self._in_thread(self.push, chunk)
            while self._unread:
                yield self._unread.popleft()
        await self._in_thread(self.finish)
        while self._unread:
            yield self._unread.popleft()

    async def _in_thread(self, work: Callable[..., list[Event]], *arguments: Chunk) -> None:
        """Keep the events of `work` in `_unread`, also where the caller is cancelled: a thread cannot be."""
        import asyncio

        def keep() -> None:
            self._unread = deque(work(*arguments))

        # a future of the executor, not a task: the end of `asyncio.run` cancels all tasks
        running = asyncio.get_running_loop().run_in_executor(None, keep)
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            while not running.done():  # also where the caller is cancelled again
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([running])
            raise

    def _read(self) -> list[Event]:
        unread, self._unread = self._unread, deque()
        return list(unread)

    def _take(self, result: ChainResult) -> list[Event]:
        if len(result.scores):
            self.score = float(result.scores[-1])
        return result.events

    def _block(self, chunk: Chunk) -> Float32:
        """`chunk` as float32 `(sample, channel)`; the bytes of an incomplete sample wait for the next chunk."""
        if is_bytes(chunk):
            block, self._rest = from_bytes(self._rest + bytes(chunk), self._raw.dtype, self._raw.channels)
            return block
        if self._rest:
            raise AudioError("stream: an array after bytes that end within a sample; push arrays or bytes, not both")
        array = to_array(chunk, "stream")
        if (channels := array.shape[1]) > max(FEW_CHANNELS, self._raw.channels):
            remedy = f"transpose to (sample, channel), or make the stream with raw_channels={channels}"
            raise AudioError(f"stream: a chunk of {channels} channels; {remedy}")
        return to_float(array)
