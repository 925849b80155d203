"""A labelled set: recordings, what is said in them, and what of them counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath

from vad.errors import RecipeError
from vad.formats import speech_of
from vad.labels.matching import Matches, match, read_uem
from vad.segments import Segment


@dataclass(frozen=True)
class LabelledRecording:
    """A recording with its reference."""

    name: str  # its place within the folder that was named, without extension
    path: str  # of the sound, as it was named
    reference: list[Segment]  # speech in seconds, in order and apart
    scored_regions: list[Segment] | None  # the stretches that a UEM lists; None where all of it counts


@dataclass(frozen=True)
class LabelledSet:
    """Recordings with labels, in the order of their places, and what was left out."""

    recordings: list[LabelledRecording]
    notes: list[str]  # a line each: sound without labels, labels without sound, and the like
    problems: list[str]  # labels that cannot be read or used, and why


def read_labelled(
    audio: Path, labels: Path | None = None, *, uem: Path | None = None, format: str | None = None
) -> LabelledSet:
    """The labelled recordings of `audio`, a file or a folder.

    `labels` are a folder with a file per recording, or one file that names many, in any format
    (`format` where its name does not say it); None where they lie beside the sound. With `uem`, a
    file or a folder, only the stretches listed there count, and recordings not listed are left
    out. Raises `RecipeError` where no labels belong to any of the sound, and `FormatError` for a
    damaged UEM. Nothing is decoded yet: a file that is no sound fails when it is opened.
    """
    matches = match(audio, labels, format)
    listed = read_uem(uem, matches.places) if uem else None
    recordings = [
        LabelledRecording(
            PurePath(place).with_suffix("").as_posix(),
            path,
            speech_of(matches.labelled[path]),
            None if listed is None else listed.get(path, []),
        )
        for path, place in matches.places.items()
        if path in matches.labelled
    ]
    unlisted = [one.name for one in recordings if one.scored_regions == []]
    recordings = [one for one in recordings if one.scored_regions != []]
    if not recordings:
        raise RecipeError(
            f"{uem}: lists nothing of the labelled sound in {audio}; its names must be those of the files"
        )
    return LabelledSet(recordings, left_out(matches, unlisted), matches.problems)


def left_out(matches: Matches, unlisted: list[str]) -> list[str]:
    """What was not matched and what the UEM does not list, as lines for a person."""
    counts = {
        "sound files without labels are": matches.unlabelled,
        "labels that belong to no recording are": matches.orphans,
        "recordings that the UEM does not list are": unlisted,
    }
    return [f"{len(items)} {what} left out, like {items[0]}" for what, items in counts.items() if items]
