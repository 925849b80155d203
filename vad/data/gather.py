"""Sound and labels to `speech.jsonl`, the index that training reads.

sound + labels --match by name--> recordings --UEM--> regions --split--> train | dev
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from vad.audio.decode import duration_of
from vad.data.corpus_index import SHORTEST, Region, cut, update_index, write_index
from vad.data.splitting import DEFAULT, Splitting, only_speaker
from vad.errors import AudioError, RecipeError
from vad.formats import speech_of
from vad.labels.extent import other_unit
from vad.labels.labelled_set import left_out
from vad.labels.matching import Matches, match, read_uem
from vad.segments import Segment
from vad.wording import pluralize

FEW, LITTLE = 5, 5.0  # recordings and minutes below which little can be expected of training
FULL = 0.98  # share of speech above which there is hardly any non-speech to learn from


@dataclass
class Gathered:
    """Labelled regions, each in `train` or `dev`, and what was left out or looks wrong."""

    regions: list[Region]
    matches: Matches
    unreadable: list[str] = field(default_factory=list)  # sound files that cannot be read, and why
    misread: list[str] = field(default_factory=list)  # sound files whose labels have another unit, and which
    overlong: list[str] = field(default_factory=list)  # sound files whose labels continue after their end
    unlisted: list[str] = field(default_factory=list)  # labelled sound files that the UEM does not list
    warnings: list[str] = field(default_factory=list)

    def seconds(self, split: str) -> float:
        """The sound of `split`, in seconds."""
        return sum(r.duration for r in self.regions if r.split == split)

    def speech(self, split: str) -> float:
        """The speech of `split`, in seconds."""
        return sum(s.duration for r in self.regions if r.split == split for s in r.speech or ())

    @property
    def notes(self) -> list[str]:
        """Notes for a person, a line each."""
        lines = left_out(self.matches, self.unlisted, self.matches.unlabelled)
        if self.overlong:
            lines.append(
                f"{len(self.overlong)} recordings end before their labels, which are cut, like {self.overlong[0]}"
            )
        return [*lines, *self.matches.problems, *self.unreadable, *self.warnings]

    def shifted(self, seconds: float) -> Gathered:
        """The same with labels later by `seconds`, or earlier.

        Where they come from outside of a region they are unknown: the region becomes shorter.
        """
        regions = []
        for region in self.regions:
            length = region.duration - abs(seconds)
            if length >= SHORTEST:
                first = max(0.0, seconds)  # the first time with labels, from the start of the region
                speech = cut([Segment(s + seconds, e + seconds) for s, e in region.speech or ()], first, first + length)
                regions.append(replace(region, start=region.start + first, duration=length, speech=speech))
        return replace(self, regions=regions)

    def write(self, folder: Path, *, keep: bool = False) -> Path:
        """Write `folder/speech.jsonl`, atomically, and return its path.

        `keep=True` keeps the recordings of other sources that it lists.
        """
        path = folder / "speech.jsonl"
        (update_index if keep else write_index)(path, [region.line(folder) for region in self.regions])
        return path


def gather(
    audio: Path,
    labels: Path | None = None,
    *,
    uem: Path | None = None,
    format: str | None = None,
    splitting: Splitting = DEFAULT,
    source: str = "",
    licence: str = "not stated",
    divided: bool = True,
) -> Gathered:
    """Match sound and labels, and `divide` them into `train` and `dev`, unless they are not to be `divided` yet.

    `audio` and `labels` are those of `match`; `format` is that of the labels, if their names do not
    tell. With `uem`, only the regions listed there are used, each as a region of its own. The
    speaker is the match of `splitting.speaker_pattern`, else the only one that the labels name,
    else the folder if there are several, else the file. `source` (default: the name of the sound's
    folder) and `licence` are for the model card. Sound that cannot be read is left out and listed.

    Raises `RecipeError` if no labels belong to any of the sound, and what `divide` raises.
    """
    matches = match(audio, labels, format)
    listed = read_uem(uem, matches.places) if uem else None
    gathered = Gathered([], matches)
    speakers = _speakers(matches, splitting)
    source = source or audio.resolve().name
    for path, documents in matches.labelled.items():
        try:
            duration = duration_of(path)
        except AudioError as error:
            gathered.unreadable.append(str(error))
            continue
        segments = speech_of(documents)
        if note := other_unit(segments, duration):
            gathered.misread.append(f"{path}: {note}")
            continue
        if segments and segments[-1].end > duration + 0.1:
            gathered.overlong.append(f"{path} ({segments[-1].end - duration:.2f} s)")
        spans = [Segment(0.0, duration)] if listed is None else listed.get(path, [])
        if not spans:
            gathered.unlisted.append(path)
        for start, stop in spans:
            end = min(stop, duration)
            if end - start >= SHORTEST:
                speech = cut(segments, start, end)
                gathered.regions.append(Region(Path(path), start, end - start, source, licence, speech, speakers[path]))
    if divided:
        divide(gathered, audio, uem, splitting)
    return gathered


def divide(gathered: Gathered, audio: Path, uem: Path | None = None, splitting: Splitting = DEFAULT) -> None:
    """Assign the regions of `audio` to splits; raises `RecipeError` if they are of no use for training."""
    if gathered.misread:
        more = len(gathered.misread) - 1
        raise RecipeError(gathered.misread[0] + (f" ({pluralize(more, 'recording')} more like it)" if more else ""))
    _check_any(gathered, audio, uem)
    if not splitting.dev_share:
        gathered.regions = [replace(region, split="train") for region in gathered.regions]
        return
    _divide(gathered, splitting)
    _check_sides(gathered, audio, splitting)


def _speakers(matches: Matches, splitting: Splitting) -> dict[str, str]:
    """The speaker of each recording; its own path if the speaker is unknown."""
    folders = {Path(place).parent for place in matches.places.values()}
    pattern, places = splitting.speaker_pattern, [matches.places[path] for path in matches.labelled]
    if pattern and not any(map(splitting.speaker, places)):
        raise RecipeError(f"speaker_pattern={pattern!r}: matches no recording, like {places[0]}", "speaker_pattern")
    speakers = {}
    for path, documents in matches.labelled.items():
        place = Path(matches.places[path])
        parent = place.parent.as_posix() if len(folders) > 1 else "."
        own = place.with_suffix("").as_posix() if parent == "." else parent
        speakers[path] = (
            splitting.speaker(place.as_posix())
            or only_speaker(name for document in documents for name in document.speakers)
            or own
        )
    return speakers


def _divide(gathered: Gathered, splitting: Splitting) -> None:
    """Assign each region to a split: by speaker or, if there is only one, by file, or by time."""
    by = splitting.by
    if by == "speaker" and len({r.speaker for r in gathered.regions}) == 1:
        by = "file"
        if len({r.file for r in gathered.regions}) > 1:
            gathered.warnings.append("all recordings are by one speaker: dev files are others, but the speaker is not")
    if by == "file" and len({r.file for r in gathered.regions}) == 1:
        by = "time"
        gathered.warnings.append(
            f"one recording alone: its first {1 - splitting.dev_share:.0%} trains, the rest is dev, by the same "
            "speaker in the same place; metrics on dev will be too good"
        )
    if by == "time":
        gathered.regions = [part for region in gathered.regions for part in _halve(region, splitting.dev_share)]
        return
    places = {Path(path): place for path, place in gathered.matches.places.items()}
    units = [r.speaker if by == "speaker" else places[r.file] for r in gathered.regions]
    talking = [unit for r, unit in zip(gathered.regions, units, strict=True) if r.speech]
    sides = splitting.split(units, talking)
    gathered.regions = [replace(r, split=sides[unit]) for r, unit in zip(gathered.regions, units, strict=True)]


def _halve(region: Region, dev_share: float) -> list[Region]:
    """The beginning of a region for train, its end for dev."""
    speech, at = region.speech or (), region.duration * (1 - dev_share)
    first = replace(region, duration=at, speech=cut(speech, 0, at), split="train")
    rest = region.duration - at
    last = replace(region, start=region.start + at, duration=rest, speech=cut(speech, at, region.duration), split="dev")
    return [first, last]


def _check_any(gathered: Gathered, audio: Path, uem: Path | None) -> None:
    """Raise `RecipeError` if there are no regions or no speech; warn if all is speech."""
    if not gathered.regions and gathered.unreadable:
        raise RecipeError(f"{audio}: none of the labelled sound can be read ({gathered.unreadable[0]})")
    if not gathered.regions and not uem:
        raise RecipeError(f"{audio}: none of the labelled sound lasts {SHORTEST} s; give longer recordings")
    if not gathered.regions:
        raise RecipeError(
            f"{uem}: lists nothing of the labelled sound in {audio}; its names must be those of the files"
        )
    speech = sum(s.duration for r in gathered.regions for s in r.speech or ())
    total = sum(r.duration for r in gathered.regions)
    if not speech:
        raise RecipeError(f"{audio}: the labels hold no speech at all; training needs both speech and other sound")
    recordings = len({r.file for r in gathered.regions})
    if recordings < FEW or total < 60 * LITTLE:
        gathered.warnings.append(
            f"{total / 60:.1f} min of sound in {pluralize(recordings, 'recording')}: expect little of "
            f"training, and no narrow interval of what it gains; {LITTLE:g} min in {FEW} recordings are a beginning"
        )
    if speech >= FULL * total:
        gathered.warnings.append(
            f"{speech / total:.1%} is labelled as speech: pauses seem not to be labelled; "
            "`vad data label` finds them where recordings are clean"
        )


def _check_sides(gathered: Gathered, audio: Path, splitting: Splitting) -> None:
    """Raise `RecipeError` if a split has no speech; warn if dev is far from its share."""
    count = Counter(r.split for r in gathered.regions)
    for split in ("train", "dev"):
        if not gathered.speech(split):
            raise RecipeError(
                f"{audio}: no speech in the {count[split]} recordings of {split}; "
                "another seed, split or dev_share may divide the recordings better"
            )
    share = gathered.seconds("dev") / (gathered.seconds("dev") + gathered.seconds("train"))
    if not splitting.dev_share / 2 <= share <= splitting.dev_share * 2:
        gathered.warnings.append(
            f"dev is {share:.0%} of the sound ({count['dev']} of {count.total()} recordings or parts) instead of "
            f"{splitting.dev_share:.0%}: recordings are few or unequal; another seed may divide them better"
        )
