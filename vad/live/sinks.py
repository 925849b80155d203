"""Everything that receives the sound and the events of a live stream."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from vad.events import Event
from vad.features import Float32
from vad.live.hooks import CommandRunner
from vad.live.recorder import StreamRecorder, UtteranceRecorder
from vad.live.writer import EventWriter
from vad.stream import Stream


@dataclass(frozen=True)
class Sinks:
    """A writer of events and, where wanted, files of sound and a program for each utterance."""

    writer: EventWriter
    whole: StreamRecorder | None
    recorder: UtteranceRecorder | None
    keep: bool  # the files of utterances, which events then name
    commands: CommandRunner | None

    def take(
        self,
        block: Float32,
        events: list[Event],
        live: Stream,
        around: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        """Take a block `(sample, channel)` and its events, which are written within `around()`."""
        if self.whole:
            self.whole.take(block)
        utterances = self.recorder.take(block, events, live.settled) if self.recorder else []
        if events:
            with around():
                files = {u.segment: u.path for u in utterances} if self.keep else {}
                self.writer.write(events, live.duration, files)
        if self.commands:
            for utterance in utterances:
                self.commands.run(utterance.path, utterance.segment)
