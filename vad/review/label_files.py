"""Corrections as label files, in any format, and as a UEM that leaves out what is unsure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from vad.atomic import write
from vad.errors import SettingError
from vad.formats import FORMATS, Document, Format, printable
from vad.review.corrections import Correction
from vad.review.recordings import Recording


def label_path(recording: Recording, kind: Format, folder: Path) -> Path:
    """The label file of a recording in `folder`, at the same place within it as the sound within its own."""
    return folder / (recording.label_name + kind.extension)


def beside(recording: Recording, kind: Format) -> Path:
    """The label file beside the sound."""
    return recording.path.with_name(PurePosixPath(recording.label_name).name + kind.extension)


def write_labels(recording: Recording, correction: Correction, kind: Format, path: Path) -> None:
    """Write the corrected segments of one recording to `path`; `FormatError` where that fails."""
    document = Document(recording.place, recording.channel, recording.duration, correction.speech)
    write(path, (kind.head + kind.write(document)).encode("utf-8", "surrogateescape"))


def write_all(
    corrected: Iterable[tuple[Recording, Correction]], name: str, folder: Path | None, overwrite: bool
) -> list[Path]:
    """Write the labels of all that is corrected to `folder`, or where that is None beside the sound.

    Raises `SettingError` where the format is unknown, or a file is there already and `overwrite` is
    not set; then nothing is written. The files are given back.
    """
    if name not in FORMATS:
        raise SettingError(f"format={name!r}: valid are {', '.join(FORMATS)}")
    kind = FORMATS[name]
    pairs = list(corrected)
    paths = [label_path(r, kind, folder) if folder else beside(r, kind) for r, _ in pairs]
    if folder is None and not overwrite and (there := [path for path in paths if path.exists()]):
        many = f"{len(there)} label files" if len(there) > 1 else "a label file"
        raise SettingError(f"{there[0]}: {many} beside the sound would be overwritten; tick Overwrite if you want that")
    if twice := [path for path, count in Counter(paths).items() if count > 1]:
        raise SettingError(f"{twice[0]}: two recordings would have this label file; their names differ too little")
    for (recording, correction), path in zip(pairs, paths, strict=True):
        write_labels(recording, correction, kind, path)
    return paths


def write_uem(corrected: Iterable[tuple[Recording, Correction]], path: Path) -> None:
    """Write what of each recording counts, in place of what was written before.

    Recordings in folders go by their place, as two of them may have one name.
    """
    text = ""
    for recording, correction in corrected:
        place = PurePosixPath(recording.label_name)
        name = f"{place.name}{PurePosixPath(recording.place).suffix}"
        document = Document(name, None, recording.duration, correction.scored(recording.duration))
        folder = "_".join(place.parent.as_posix().split())
        prefix = "" if folder == "." else f"{printable(folder)}/"
        text += "".join(f"{prefix}{line}\n" for line in FORMATS["uem"].write(document).splitlines())
    write(path, text.encode())
