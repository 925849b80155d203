"""Sound that FFmpeg encodes through PyAV, alone or with a picture: M4A, MP4, MOV, Matroska, WebM."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vad.audio.resample import to_float
from vad.errors import FormatError, reason

if TYPE_CHECKING:
    from vad.audio.picture import Look

LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1", "7.1")  # of channels, by their number
QUICKTIME = ("ipod", "mp4", "mov")  # containers with a table of contents, which players want at the beginning
WHOLE = {"movflags": "+faststart"}  # the table is moved there when the file is complete
# or there is one for each fragment of a second
GROWING = {"movflags": "+delay_moov+default_base_moof", "frag_duration": "1000000", "flush_packets": "1"}
X264 = {"crf": "20", "preset": "fast"}  # hardly to be told from the original
VP9 = {"crf": "31", "b": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"}


class Media(NamedTuple):
    """A container, and FFmpeg's encoders for what is in it."""

    container: str
    sound: str
    picture: str = ""  # empty where it holds none
    how: Mapping[str, str] = MappingProxyType({})  # options of the encoder of the picture


MEDIA = {
    ".m4a": Media("ipod", "aac"),
    ".mp4": Media("mp4", "aac", "libx264", X264),
    ".m4v": Media("mp4", "aac", "libx264", X264),
    ".mov": Media("mov", "aac", "libx264", X264),
    ".mkv": Media("matroska", "aac", "libx264", X264),
    ".webm": Media("webm", "libopus", "libvpx-vp9", VP9),
}


class SoundWriter(Protocol):
    """An open sound file: a `soundfile.SoundFile`, or a `MediaFile`."""

    name: str
    subtype: str
    channels: int

    def __enter__(self) -> SoundWriter: ...

    def __exit__(self, *_: object) -> None: ...

    def write(self, samples: NDArray[Any]) -> None:
        """Append samples `(sample, channel)`."""

    def close(self) -> None:
        """Complete the file."""


class MediaFile:
    """A file that is written like a `soundfile.SoundFile`, with pictures between the samples if `look` is given.

    A `growing` file can be played up to its last second at any time, even if it is never completed.
    A sample rate that the encoder does not have is resampled. `name` stands for the file in errors:
    `FormatError` where FFmpeg cannot write it.
    """

    subtype = "AAC"  # any that libsndfile does not have

    def __init__(
        self,
        file: Path,
        media: Media,
        sample_rate: int,
        channels: int,
        *,
        name: Path,
        look: Look | None = None,
        growing: bool = False,
    ) -> None:
        import av  # takes half of the start-up time of a program that rarely needs it

        self.name, self.channels = str(file), channels
        self._shown, self._av = name, av
        self._rate, self._samples = sample_rate, 0
        self._picture: Any = None
        self._last = -1  # time stamp of the last picture
        if channels > len(LAYOUTS):
            raise FormatError(f"{name}: cannot hold {channels} channels; use .wav")
        self._layout = LAYOUTS[channels - 1]
        try:
            options = dict(GROWING if growing else WHOLE) if media.container in QUICKTIME else {}
            self._container = av.open(str(file), "w", format=media.container, options=options)
            rates = sorted(av.Codec(media.sound, "w").audio_rates or [sample_rate])
            rate = next((r for r in rates if r >= sample_rate), rates[-1])
            if look:
                self._picture = self._container.add_stream(media.picture, rate=look.rate, options=dict(media.how))
                self._picture.width, self._picture.height, self._picture.pix_fmt = look.width, look.height, "yuv420p"
                self._picture.codec_context.time_base = look.time_base
                self._picture.codec_context.sample_aspect_ratio = look.aspect
            self._sound = self._container.add_stream(media.sound, rate=rate, layout=self._layout)
        except (av.FFmpegError, ValueError) as error:
            raise self._error(error) from error

    def __enter__(self) -> MediaFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_picture(self) -> bool:
        """Whether `write_picture` may be called."""
        return self._picture is not None

    def write(self, samples: NDArray[Any]) -> None:
        """Append samples `(sample, channel)` of any depth."""
        if not len(samples):
            return
        block = to_float(samples)
        frame = self._av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), "fltp", self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._samples, Fraction(1, self._rate)
        self._samples += len(block)
        self._encode(self._sound, frame)

    def write_picture(self, frame: Any, seconds: float) -> None:
        """Append a frame of FFmpeg's that is shown from `seconds` on; one that comes too soon is left out."""
        base = self._picture.codec_context.time_base
        stamp = round(seconds / base)
        if stamp <= self._last:
            return
        self._last = stamp
        frame = frame.reformat(self._picture.width, self._picture.height, "yuv420p")
        frame.pts, frame.time_base, frame.pict_type = stamp, base, 0
        self._encode(self._picture, frame)

    def close(self) -> None:
        """Complete the file."""
        for track in filter(None, (self._picture, self._sound)):
            self._encode(track, None)
        try:
            self._container.close()
        except self._av.FFmpegError as error:
            raise self._error(error) from error

    def _encode(self, track: Any, frame: Any) -> None:
        try:
            self._container.mux(track.encode(frame))
        except (self._av.FFmpegError, ValueError) as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> FormatError:
        return FormatError(f"{self._shown}: cannot be written ({reason(error)})")
