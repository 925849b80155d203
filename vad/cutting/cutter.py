"""Cut a recording into a file per segment, or into one file; samples are copied unchanged where the format can."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vad.atomic import check_free, replacing, write
from vad.audio.decode import Sound, open_native
from vad.audio.encode import BITS, Encoding, create, encoding_for, explain_sound
from vad.audio.media import SoundWriter
from vad.audio.picture import Look
from vad.batch.inputs import Input
from vad.batch.naming import (
    check_not_input,
    escape_template,
    fill_template,
    is_folder,
    is_template,
    name_fields,
    name_output,
)
from vad.cutting.reader import Reader
from vad.cutting.timemap import Piece, TimeMap
from vad.errors import FormatError, SettingError
from vad.grid import Grid
from vad.segments import Segment, merge

NAME = "{stem}-{number:04}-{start:.2f}.{ext}"
WAV_LIMIT = 0xF0000000  # bytes; a longer WAV becomes RF64, the same for more than 4 GiB


class Part(NamedTuple):
    """A segment of the original in a file."""

    path: Path
    segment: Segment


@dataclass(frozen=True)
class Written:
    """The files cut out of a recording, and whether they hold its samples without loss."""

    parts: list[Part]
    lossless: bool
    encoding: Encoding  # of the original


class Cutter:
    """Cuts recordings; in one run no two write the same file.

    Existing files are overwritten only with `force`. Methods raise `AudioError` where the recording
    cannot be read, `FormatError` where a file exists or cannot be written, and `SettingError` where
    `target` gives no name for it.
    """

    def __init__(self, target: str, force: bool = False) -> None:
        self._target, self._force = target, force
        self._taken: dict[Path, str] = {}

    def split(self, source: Input, path: Path, segments: Sequence[Segment]) -> Written:
        """Write a file for each of `segments`, which are in order and do not touch, of the sound in `path`.

        The target is a folder, or a template with the fields {dir}, {name}, {stem}, {ext} (that of
        the original, or flac), {number}, {start}, {end} and {duration}. All names are checked
        before the first file is written.
        """
        with open_native(path, source.name) as sound:
            parts = [Part(self._name(source, sound, n, s), s) for n, s in enumerate(segments, 1)]
            if len({part.path for part in parts}) < len(parts):
                raise SettingError(
                    f"{self._target}: gives several segments the same name; use {{number}} or {{start}}", "target"
                )
            encodings = [self._take(part.path, source, sound) for part in parts]
            with Reader(sound, path, encodings) as reader:
                for part, encoding in zip(parts, encodings, strict=True):
                    start, end = _span(part.segment, sound)
                    with _writing(part.path, encoding, sound, end - start, reader.look(encoding)) as file:
                        reader.copy(start, end, file)
            return Written(parts, all(e.lossless for e in encodings), sound.encoding)

    def join(
        self, source: Input, path: Path, segments: Sequence[Segment], duration: float, gap: float = 0.0
    ) -> tuple[TimeMap, Written]:
        """Write one file with all `segments` of the sound in `path`, `gap` seconds of digital silence between them.

        Segments that touch become one. The `TimeMap` is written beside the file, as `.map.json`.
        `duration` is that of the sound, in seconds.
        """
        with open_native(path, source.name) as sound:
            target = Path(self._target)
            if is_template(self._target) or is_folder(self._target):
                extension = sound.encoding.extension(Path(source.path), sound.channels)
                target = name_output(self._target, source, None, extension)
            encoding = self._take(target, source, sound)
            beside = target.with_suffix(".map.json")
            self._claim(beside, source)
            grid = Grid(sound.sample_rate)
            spans, silence = [_span(segment, sound) for segment in merge(segments)], grid.to_samples(gap)
            total = sum(end - start for start, end in spans) + silence * (len(spans) - 1)
            pieces, at = list[Piece](), 0
            with (
                Reader(sound, path, [encoding]) as reader,
                _writing(target, encoding, sound, total, reader.look(encoding)) as file,
            ):
                for start, end in spans:
                    if pieces:
                        at += silence
                        _write_silence(file, silence)
                    copied = reader.copy(start, end, file, at)
                    pieces.append(Piece(*(samples / sound.sample_rate for samples in (start, start + copied, at))))
                    at += copied
            time_map = TimeMap(source.path, duration, str(target), at / sound.sample_rate, pieces)
            write(beside, time_map.to_json().encode("utf-8"))
            whole = Part(target, Segment(0.0, time_map.cut_duration))
            return time_map, Written([whole], encoding.lossless, sound.encoding)

    def _name(self, source: Input, sound: Sound, number: int, segment: Segment) -> Path:
        template = self._target
        if not is_template(template):
            if not is_folder(template):
                raise SettingError(
                    f"{template}: one name for all segments; give a folder, or a template with {{number}}",
                    "target",
                )
            template = str(Path(escape_template(template), escape_template(str(source.relative.parent)), NAME))
        extension = sound.encoding.extension(Path(source.path), sound.channels)
        values = name_fields(source) | {"ext": extension[1:]}
        times = {"start": segment.start, "end": segment.end, "duration": segment.duration}
        return Path(fill_template(template, values | {"number": number} | times))

    def _take(self, path: Path, source: Input, sound: Sound) -> Encoding:
        """The encoding for `path`, which from now on belongs to `source`."""
        encoding = encoding_for(path, sound.encoding, Path(source.path))
        self._claim(path, source)
        return encoding

    def _claim(self, path: Path, source: Input) -> None:
        other = self._taken.setdefault(path, source.path)
        if other != source.path:
            raise FormatError(
                f"{source.path}: would overwrite {path}, cut out of {other}; use a template with {{name}} and {{dir}}"
            )
        check_not_input(path, source)
        check_free(path, self._force)


def _span(segment: Segment, sound: Sound) -> tuple[int, int]:
    """The first sample, and the one after the last."""
    grid = Grid(sound.sample_rate)
    return grid.to_samples(segment.start), grid.to_samples(segment.end)


@contextlib.contextmanager
def _writing(path: Path, encoding: Encoding, sound: Sound, samples: int, look: Look | None) -> Iterator[SoundWriter]:
    """A sound file that takes the place of `path` when it is complete."""
    size = samples * sound.channels * BITS.get(encoding.subtype, 64) / 8
    if encoding.container in ("WAV", "WAVEX") and size > WAV_LIMIT:
        encoding = replace(encoding, container="RF64")
    with (
        replacing(path) as place,
        explain_sound(path, Path(place.name)),
        create(Path(place.name), sound.sample_rate, sound.channels, encoding, name=path, look=look) as file,
    ):
        yield file


def _write_silence(file: SoundWriter, samples: int) -> None:
    for start in range(0, samples, 1 << 16):
        file.write(np.zeros((min(1 << 16, samples - start), file.channels), np.int16))
