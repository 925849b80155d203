"""Sound through FFmpeg, by PyAV: the first audio track of any container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from vad.audio.encode import Encoding
from vad.audio.sound import ReadUntilError, Sound, damaged, reason
from vad.errors import AudioError
from vad.features import Float32

DEPTHS = {"s32": "PCM_24", "flt": "FLOAT"}  # of what FFmpeg decodes


def open_av(file: BinaryIO, name: str) -> Sound:
    """By FFmpeg: the first audio track of any container."""
    import av  # half the start-up time of a program that needs it only now and then

    source = ReadUntilError(file)  # PyAV would print what went wrong, and lose what was read before
    container = _open(source, name)
    if not container.streams.audio:
        raise AudioError(f"{name}: holds no audio track")
    track = container.streams.audio[0]
    codec = track.codec_context
    if not codec or not codec.sample_rate or not codec.channels:
        raise AudioError(f"{name}: its audio track is in no format that FFmpeg can decode")
    rate, channels, layout = codec.sample_rate, codec.channels, codec.layout
    length = _length(container, track)

    def blocks() -> Iterator[Float32]:
        # channels side by side: of planes PyAV reaches but eight, and crashes at the ninth
        packed = av.AudioResampler("flt", layout, rate)
        done = 0
        failure: Exception | None = None
        with container:
            packets = container.demux(track)
            while True:
                try:
                    packet = next(packets)
                    frames = [f for frame in packet.decode() for f in packed.resample(frame)]
                except StopIteration:
                    break
                except (av.InvalidDataError, av.EOFError) as error:  # skip what is damaged, as players do
                    failure = error
                    continue
                except (av.FFmpegError, ValueError) as error:
                    failure = error
                    break
                for frame in frames:
                    block = np.array(frame.to_ndarray().reshape(-1, channels), np.float32)
                    done += len(block)
                    yield block
        failure = source.failure or failure
        if length and done < length - rate:
            failure = failure or EOFError(f"{length / rate:.2f} s were announced")
        if failure and not (done or source.failure or file.seekable()):
            raise AudioError(f"{name}: cannot be read from a pipe ({reason(failure)}); give it as a file") from failure
        if failure:
            damaged(name, done / rate, failure)

    depth = DEPTHS.get(codec.format.name.rstrip("p") if codec.format else "", "PCM_16")
    encoding = Encoding("", depth if codec.codec.lossless else "PCM_16", codec.codec.lossless)
    return Sound(name, rate, channels, length, blocks(), encoding)


def _open(source: ReadUntilError, name: str) -> Any:
    """The container of a file."""
    import av

    # tags need not be Unicode: what PyAV 19 takes for granted, older ones have to be told
    how: dict[str, Any] = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "ignore"}
    # a playlist would make FFmpeg open what it names: other files, servers, ports
    how["container_options"] = {"protocol_whitelist": "none"}
    try:
        # from a pipe in small pieces: whoever listens live shall not wait until a large one is full
        return av.open(source, "r", buffer_size=32_768 if source.seekable() else 2_048, **how)
    except (av.FFmpegError, ValueError) as error:
        if source.failure:
            raise AudioError(f"{name}: cannot be read ({reason(source.failure)})") from source.failure
        raise AudioError(f"{name}: not a sound file that libsndfile or FFmpeg can read ({reason(error)})") from error


def _length(container: Any, track: Any) -> int | None:
    """Samples per channel, as the container says; None where it does not."""
    import av

    rate = track.codec_context.sample_rate
    if track.duration and track.time_base:
        return int(track.duration * track.time_base * rate)
    return int(container.duration / av.time_base * rate) if container.duration else None
