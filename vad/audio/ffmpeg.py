"""Sound through FFmpeg, by PyAV: the first audio track of any container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from vad.audio.encode import Encoding
from vad.audio.frame_buffer import FrameBuffer
from vad.audio.headers import mp3_length
from vad.audio.sound import ReadUntilError, Sound, damaged, silence_filled
from vad.audio.timestamps import MAX_GAP, TOLERANCE, Clock
from vad.clock import parse_clock
from vad.errors import AudioError, reason
from vad.features import Float32

DEPTHS = {"s32": "PCM_24", "flt": "FLOAT"}  # the subtype that holds the samples of a lossless codec
FROM_ZERO = ("mov", "matroska")  # containers whose time begins at 0, not with their first packet
ESTIMATED = (
    "aac",
    "ac3",
    "eac3",
    "dts",
    "mp3",
    "amr",
    "amrnb",
    "amrwb",
    "loas",
    "mpegts",
    "mpeg",
)  # length by bit rate
DISCONTINUOUS = 0x200  # FFmpeg's AVFMT_TS_DISCONT: time stamps of the container may jump
MAX_JUMP = 10.0  # seconds that are a gap in such a container, as in ffmpeg's -dts_delta_threshold
LONGEST = 1e8  # seconds; a header that states more is damaged
MP4_BEFORE = (b"ftyp", b"free", b"skip", b"wide", b"uuid", b"pnot")  # boxes before the table of contents or the sound
MP4_LOOK = 1 << 16  # bytes that are searched for either
TAGS = (b"ID3", b"TAG", b"APE")  # how texts in an MP3 begin, which is in its middle where files are joined


def open_av(file: BinaryIO, name: str, owned: bool, encoding: Encoding | None = None) -> Sound:
    """Open the first audio track of a container, in a file or a pipe; an `owned` file is closed with the sound.

    `encoding` is that of the file where it is known. Raises `AudioError` where FFmpeg finds no sound.
    """
    source = ReadUntilError(file, name, owned)
    try:
        source.refuse_empty()
        if not source.seekable():
            source = _readable_pipe(source)
        track = _Track(open_container(source, name), source, name)
    except BaseException:
        source.close()
        raise
    depth = DEPTHS.get(track.sample_type, "PCM_16") if track.lossless else "PCM_16"
    encoding = encoding or Encoding("", depth, track.lossless)
    return Sound(name, track.rate, track.channels, track.length, track.blocks(), encoding, release=track.close)


def _readable_pipe(source: ReadUntilError) -> ReadUntilError:
    """A pipe as FFmpeg can read it; MP4 whose table of contents follows the sound goes to a temporary file first."""
    at = 0
    while (box := source.peek(at + 8)[at:])[4:] in MP4_BEFORE and at < MP4_LOOK:
        at += max(8, int.from_bytes(box[:4], "big"))
    return source.spooled() if (at and box[4:] != b"moov") or box[4:] == b"mdat" else source


def open_container(source: ReadUntilError, name: str) -> Any:
    """The container in a file; `AudioError` where FFmpeg cannot open it."""
    import av  # takes half of the start-up time of a program that rarely needs it

    # tags need not be Unicode: versions of PyAV before 19 have to be told
    how: dict[str, Any] = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "ignore"}
    # a playlist would make FFmpeg open the files, servers and ports that it names
    how["container_options"] = {"protocol_whitelist": "none"}
    try:
        # small pieces from a pipe: a live stream must not wait until a large buffer is full
        return av.open(source, "r", buffer_size=32_768 if source.seekable() else 2_048, **how)
    except (av.FFmpegError, ValueError) as error:
        if source.failure:
            raise AudioError(f"{name}: cannot be read ({reason(source.failure)})") from source.failure
        raise AudioError(f"{name}: not a sound file that libsndfile or FFmpeg can read ({reason(error)})") from error


def first_time(container: Any) -> float:
    """The time stamp at which a recording begins, in seconds."""
    begins = 0 if container.format.name.split(",")[0] in FROM_ZERO else container.start_time
    return (begins or 0) / 1_000_000


class _Track:
    """The first audio track of a container, as blocks of samples of one rate and channel count."""

    def __init__(self, container: Any, source: ReadUntilError, name: str) -> None:
        self._container, self._source, self._name = container, source, name
        if not container.streams.audio:
            raise AudioError(f"{name}: holds no audio track")
        self._track = container.streams.audio[0]
        codec = self._track.codec_context
        if not codec or not codec.sample_rate or not codec.channels:
            raise AudioError(f"{name}: its audio track is in no format that FFmpeg can decode")
        self.rate, self.channels = int(codec.sample_rate), int(codec.channels)
        self.sample_type = codec.format.name.rstrip("p") if codec.format else ""
        self.lossless = bool(codec.codec.lossless)
        self._format = container.format.name.split(",")[0]
        self._zero = first_time(container)
        self._start = self._start_offset()
        self._seekable = bool(source.seekable())
        seconds, reliable = self._stated_seconds()
        self.length = None if seconds is None else int(seconds * self.rate)  # samples per channel
        self._stated = self.length if reliable else self._mp3_length()  # by a header, not by an estimate
        self._failure: Exception | None = None

    def close(self) -> None:
        """Close the container and the file."""
        self._container.close()
        self._source.close()

    def blocks(self) -> Iterator[Float32]:
        """All samples, `(sample, channel)`; gaps in the time stamps are silence."""
        jumps = bool(int(self._container.format.flags) & DISCONTINUOUS)
        clock = Clock(MAX_JUMP if jumps else MAX_GAP, self._zero + self._start)
        done = 0
        try:
            for block in self._timed(clock):
                done += len(block)
                yield block
        finally:
            self.close()
        self._report(done, clock)

    def _timed(self, clock: Clock) -> Iterator[Float32]:
        """Blocks of frames in their places."""
        buffer = FrameBuffer(self._name, self.rate, self.channels)
        if self._start > TOLERANCE:
            clock.fill(self._start)
            yield from buffer.silence(self._start)
        held: Any = None  # a frame whose time stamp waits for that of the next
        for frame in self._frames():
            if frame is None:
                yield from buffer.take()
                continue
            if held is not None:
                yield from _place(held, frame.time, clock, buffer)
                held = None
            if clock.follows(frame.time, frame.samples / frame.sample_rate):
                yield from buffer.add(frame)
            else:
                held = frame
        if held is not None:
            yield from _place(held, None, clock, buffer)
        yield from buffer.finish()

    def _frames(self) -> Iterator[Any]:
        """Decoded frames, and None before a read that has to wait; damaged packets are skipped, as players do."""
        import av

        packets = self._container.demux(self._track)
        packet: Any = None
        while True:
            if not self._seekable and not self._source.ready():
                yield None
            try:
                packet = next(packets)
                frames = packet.decode()
            except StopIteration:
                return
            except (av.InvalidDataError, av.EOFError) as error:
                if packet is None or bytes(packet)[:3] not in TAGS:
                    self._failure = error
                continue
            except (av.FFmpegError, ValueError, IndexError) as error:  # IndexError: of a stream that appears later
                self._failure = error
                return
            for frame in frames:
                if frame.samples and frame.sample_rate:
                    yield frame

    def _report(self, done: int, clock: Clock) -> None:
        """Warn of damage and of gaps; an error where nothing was decoded."""
        failure = self._source.failure or self._failure
        if self._stated and done < self._stated - self.rate // 2:
            failure = failure or EOFError(f"its header states {self._stated / self.rate:.2f} s")
        if failure and not (done or self._source.failure or self._seekable):
            raise AudioError(
                f"{self._name}: cannot be read from a pipe ({reason(failure)}); give it as a file"
            ) from failure
        if failure:
            damaged(self._name, done / self.rate, failure)
        if clock.filled:
            silence_filled(self._name, clock.filled)

    def _start_offset(self) -> float:
        """Seconds from the beginning of the container's time to that of the track."""
        if self._track.start_time is None or not self._track.time_base:
            return 0.0
        start = float(self._track.start_time * self._track.time_base) - self._zero
        return start if 0 < start <= MAX_GAP else 0.0

    def _mp3_length(self) -> int | None:
        """Samples per channel that an MP3 states."""
        return mp3_length(self._source.file) if self._format == "mp3" and self._seekable else None

    def _stated_seconds(self) -> tuple[float | None, bool]:
        """How long the track is, and whether its header states that length."""
        track, container = self._track, self._container
        reliable = self._format not in ESTIMATED
        if self._format == "matroska":  # its own length is that of the longest track
            seconds = _clock_seconds(track.metadata.get("DURATION", ""))
            if seconds:
                return seconds, True
        elif track.duration and track.time_base:
            return float(track.duration * track.time_base) + self._start, reliable
        if not container.duration:
            return None, False
        return container.duration / 1_000_000, reliable and len(container.streams) == 1


def _place(frame: Any, following: float | None, clock: Clock, buffer: FrameBuffer) -> Iterator[Float32]:
    """Add a frame whose time stamp is not that of the samples so far, behind silence where it comes later."""
    gap = clock.gap(frame.time, frame.samples / frame.sample_rate, following)
    if gap:
        yield from buffer.silence(gap)
    yield from buffer.add(frame)


def _clock_seconds(text: str) -> float | None:
    """Seconds of `hours:minutes:seconds`, as Matroska states the length of a track."""
    try:
        total = parse_clock(text)
    except ValueError:
        return None
    return total if 0 < total < LONGEST else None
