"""The picture of a video, read beside its sound."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from vad.audio.ffmpeg import first_time, open_container
from vad.audio.sound import ReadUntilError

TIME_BASE = Fraction(1, 90_000)  # seconds; of time stamps, as fine as those of broadcasts
TURNS = {90: "cclock", -90: "clock", 180: "clock clock", -180: "clock clock"}  # FFmpeg's `transpose`


class Look(NamedTuple):
    """The size and the speed of a picture."""

    width: int  # pixels, even
    height: int
    rate: Fraction  # frames per second, about
    aspect: Fraction  # of a pixel
    time_base: Fraction = TIME_BASE


class Pictures:
    """The frames of the first film in the file `path`, upright, from the beginning to the end.

    Times are those of the sound, as `vad.audio.decode` reads it. What cannot be decoded is skipped, as
    the sound warns of damage. Raises `AudioError` where FFmpeg cannot open the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = ReadUntilError(path.open("rb"), str(path), owned=True)
        self._container = open_container(self._file, str(path))
        self._zero = first_time(self._container)
        films = [film for film in self._container.streams.video if not _is_cover(film)]
        self._frames = self._decode(films[0]) if films else iter(())
        self._next = next(self._frames, None)
        self._now: Any = None  # the last frame taken
        self.look = _look(films[0], self._next) if films and self._next else None

    def close(self) -> None:
        """Close the file."""
        self._frames = iter(())
        self._container.close()
        self._file.close()

    def at(self, seconds: float) -> Any:
        """The frame that is shown at this time; None before the first."""
        while self._next and self._time(self._next) <= seconds:
            self._take()
        return self._now

    def until(self, seconds: float) -> Iterator[tuple[float, Any]]:
        """The frames that follow, up to this time, and when each is shown, in seconds."""
        while self._next and self._time(self._next) < seconds:
            self._take()
            yield self._time(self._now), self._now

    def _take(self) -> None:
        self._now, self._next = self._next, next(self._frames, None)

    def _time(self, frame: Any) -> float:
        return float(frame.time) - self._zero

    def _decode(self, film: Any) -> Iterator[Any]:
        import av

        film.thread_type = "AUTO"
        graph: Any = None
        packets = self._container.demux(film)
        while True:
            try:
                frames = next(packets).decode()
            except (StopIteration, av.EOFError):
                return
            except av.InvalidDataError:
                continue
            except (av.FFmpegError, ValueError):
                return
            for frame in frames:
                if frame.time is None:
                    continue
                if frame.rotation not in TURNS:
                    yield frame
                    continue
                graph = graph or _turning(frame)
                graph.vpush(frame)
                yield graph.vpull()


def _look(film: Any, frame: Any) -> Look:
    """The look of `film`, whose upright frames are like `frame`."""
    turned = frame.width != film.codec_context.width
    aspect = Fraction(film.sample_aspect_ratio or 1)
    rate = Fraction(film.average_rate or 25)
    return Look(max(2, frame.width // 2 * 2), max(2, frame.height // 2 * 2), rate, 1 / aspect if turned else aspect)


def _turning(frame: Any) -> Any:
    """A graph of FFmpeg's filters that turns frames like this one upright."""
    import av

    graph = av.filter.Graph()
    last = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    for turn in TURNS[frame.rotation].split():
        step = graph.add("transpose", turn)
        last.link_to(step)
        last = step
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def _is_cover(film: Any) -> bool:
    """Whether a film is the cover of an album: one picture."""
    import av

    return bool(film.disposition & av.stream.Disposition.attached_pic)
