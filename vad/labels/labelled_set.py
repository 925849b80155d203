"""A labelled set: recordings with their reference and their scored regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vad.audio.decode import Channel
from vad.batch.inputs import Input
from vad.errors import RecipeError
from vad.formats import Document, speech_of
from vad.formats.parsing import other_sounds
from vad.labels.matching import Matches, match, read_uem
from vad.segments import Segment


@dataclass(frozen=True)
class LabelledRecording:
    """A recording with its reference."""

    name: str  # its path within the given folder, without extension
    path: str  # of the sound, as given
    reference: list[Segment]  # speech, in order, without overlap
    scored_regions: list[Segment] | None  # the regions that a UEM lists; None if the whole recording is scored
    channel: Channel = "mix"  # of the sound, that the reference belongs to
    size: int | None = None  # bytes of the sound; None where unknown


@dataclass(frozen=True)
class LabelledSet:
    """Recordings with labels, in the order of their paths, and notes about what was left out."""

    recordings: list[LabelledRecording]
    notes: list[str]  # sound without labels, labels without sound, and the like
    problems: list[str]  # labels that cannot be read or used, and why
    reference: str  # the label file, or how many in which folder

    @property
    def inputs(self) -> list[Input]:
        """The recordings for `run_tasks`, in the same order."""
        return [Input(one.path, Path(one.name), one.size) for one in self.recordings]


def read_labelled(
    audio: Path,
    labels: Path | None = None,
    *,
    uem: Path | None = None,
    format: str | None = None,
    channel: Channel = "mix",
) -> LabelledSet:
    """The labelled recordings of `audio`, a file or a folder.

    `labels` are a folder with a file per recording, or one file that names many, in any format
    (`format`, if the name does not tell); None if they are beside the sound. With `uem`, a file or a
    folder, only the regions listed there are scored, and recordings not listed are left out. Of a
    channel, the labels and regions of that channel alone count; of "mix" those of all.
    Raises `RecipeError` if no labels belong to any of the sound, and `FormatError` for a UEM
    that is damaged or ambiguous. Does not decode: a file that is not audio fails when it is opened.
    """
    matches = match(audio, labels, format)
    listed = read_uem(uem, matches.places, channel) if uem else None
    recordings = [
        LabelledRecording(
            one.relative.with_suffix("").as_posix(),
            one.path,
            speech_of(matches.labelled[one.path], channel),
            None if listed is None else listed.get(one.path, []),
            channel,
            one.size,
        )
        for one in matches.sounds
        if one.path in matches.labelled
    ]
    unlisted = [one.name for one in recordings if one.scored_regions == []]
    recordings = [one for one in recordings if one.scored_regions != []]
    if not recordings:
        raise RecipeError(
            f"{uem}: lists nothing of the labelled sound in {audio}; its names must be those of the files"
        )
    files = matches.files
    home = labels or (audio if audio.is_dir() else audio.parent)
    reference = str(files[0]) if len(files) == 1 else f"{len(files)} files in {home}"
    return LabelledSet(recordings, left_out(matches, unlisted, matches.unlabelled), matches.problems, reference)


def left_out(matches: Matches, unlisted: Sequence[str] = (), unlabelled: Sequence[str] = ()) -> list[str]:
    """Notes for a person: labels without a recording and of other sounds; recordings `unlabelled`, and `unlisted` in
    the UEM."""
    counts = {
        "sound files without labels": unlabelled,
        "labels that belong to no recording": matches.orphans,
        "label files that vad wrote": matches.detected,
        "recordings that the UEM does not list": unlisted,
    }
    lines = [f"{what}: {len(items)} left out, like {items[0]}" for what, items in counts.items() if items]
    return lines + sounds_note(matches.labelled)


def sounds_note(labelled: Mapping[str, Iterable[Document]]) -> list[str]:
    """A note about the labels that mean no speech, of the documents of each recording; none without any."""
    sounds = [label.text for documents in labelled.values() for one in documents for label in other_sounds(one)]
    return [f"labels of other sounds: {len(sounds)} count as no speech, like {sounds[0]!r}"] if sounds else []
