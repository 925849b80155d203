"""Recordings and the labels that belong to them, found by name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePath

from vad.audio.decode import Channel
from vad.batch.inputs import Input, find
from vad.errors import FormatError, RecipeError
from vad.formats import FORMATS, Document, holds_labels, load, speech_of
from vad.segments import Segment
from vad.settings import EXTENSIONS

OF_CHANNEL = re.compile(r"(.+)\.ch([1-9]\d*)")  # as `vad detect --channel each` names its files


@dataclass
class Matches:
    """The labels of each recording, and the labels that are left over; paths as given."""

    sounds: list[Input] = field(default_factory=list)
    labelled: dict[str, list[Document]] = field(default_factory=dict)  # by the path of the sound
    orphans: list[str] = field(default_factory=list)  # labels without a recording, and why
    problems: list[str] = field(default_factory=list)  # labels that cannot be read or used, and why
    damaged: dict[str, str] = field(default_factory=dict)  # recordings whose labels cannot be read, and why
    detected: list[str] = field(default_factory=list)  # label files of a detector, which are no reference
    files: list[Path] = field(default_factory=list)  # label files that are used

    @cached_property
    def places(self) -> dict[str, str]:
        """The path of each sound within the given folder, by its path."""
        return {one.path: one.relative.as_posix() for one in self.sounds}

    @property
    def unlabelled(self) -> list[str]:
        """Sound files that have no labels, not even damaged ones, by their path within the folder."""
        return [place for path, place in self.places.items() if path not in {**self.labelled, **self.damaged}]


def match(audio: Path, labels: Path | None = None, format: str | None = None) -> Matches:
    """Find sound and labels, and match them by name.

    `audio` is a folder or a file; `labels` is a folder with a file per recording, or one file that
    names many; None if labels are beside the sound. Names match with their folders
    (`a/x.wav`, `a/x.txt`), or else without, or else up to their first dot
    (`ES2002a.Mix-Headset.wav`, `ES2002a`). `x.wav.txt` belongs to `x.wav`, also where there is
    `x.flac`. `x.ch1.txt` and `x.ch2.txt` are the labels of the two channels of `x.wav`. Beside the
    sound, files that `vad` wrote are left out.
    Raises `RecipeError` if nothing matches.
    """
    if not audio.exists():
        raise RecipeError(f"{audio}: does not exist; name a sound file or a folder that holds some")
    sounds, errors = find([str(audio)])
    if errors:
        raise RecipeError(str(errors[0]))
    home = labels or (audio if audio.is_dir() else audio.parent)
    beside = labels is None and audio.is_file()
    return match_inputs(sounds, home, format, beside=beside, detected=labels is not None)


def match_inputs(
    sounds: list[Input],
    home: Path,
    format: str | None = None,
    *,
    beside: bool = False,
    detected: bool = True,
    needed: bool = True,
) -> Matches:
    """Match `sounds` with the labels in the folder or file `home`, like `match`.

    `beside=True` ignores labels of other names, and labels in folders below `home`;
    `detected=False` leaves out files that `vad detect` or `vad stream` wrote; `needed=False` raises
    nothing where nothing matches.
    """
    matches, names = Matches(sounds), Names(sounds)
    files = list(_label_files(home, format))
    if beside:
        files = [file for file in files if file.parent == home and names.find(file.stem)]
    for file in files:
        _take(file, home, format, names, matches, detected=detected)
    if not needed:
        return matches
    if not files and beside:
        raise RecipeError(f"{sounds[0].path}: has no labels beside it that are named like it; name the labels")
    if not files:
        known = ", ".join(sorted({f.suffix for f in FORMATS.values()} - {".uem"}))
        raise RecipeError(f"{home}: no labels ({known}); name the folder or file that holds them")
    if not matches.labelled:
        written = [
            f"{file} was written by vad; to use it all the same, name it as the labels" for file in matches.detected
        ]
        left = (matches.problems + written + matches.orphans)[0]
        raise RecipeError(
            f"{home}: no labels for any of the {len(sounds)} sound files, like {sounds[0].relative} ({left}); "
            "labels are named like the sound or name it"
        )
    return matches


def match_labels(
    reference: Path, hypothesis: Path, formats: tuple[str | None, str | None] = (None, None)
) -> tuple[dict[str, list[Document]], Matches]:
    """Match two sets of labels without sound: the labels of each reference recording, and the hypothesis.

    Both are a folder or a file, matched like in `match`; `formats` are their formats, if the names
    do not tell. Two files with one recording each match whatever their names, unless both name the
    recording. Raises `RecipeError` if nothing matches.
    """
    named: dict[str, list[Document]] = {}
    problems = []
    for file in _label_files(reference, formats[0]):
        try:
            documents = load(file, formats[0]).of_channels
        except FormatError as error:
            if file == reference:
                raise RecipeError(str(error)) from error
            problems.append(str(error))
            continue
        for document in documents:
            named.setdefault(document.recording or _recording_name(file, reference), []).append(document)
    if not named:
        raise RecipeError(
            problems[0] if problems else f"{reference}: no labels; name the folder or file that holds them"
        )
    recordings = [Input(name, Path(name)) for name in named]
    matches, names = Matches(recordings, problems=problems), Names(recordings)
    take_all(hypothesis, formats[1], names, matches)
    nameless = names.only and reference.is_file() and not any(document.recording for document in named[names.only])
    if names.only and nameless and not matches.labelled and hypothesis.is_file():
        documents = load(hypothesis, formats[1]).of_channels
        if len({document.recording for document in documents}) == 1:
            matches.labelled[names.only], matches.orphans = documents, []
    if not matches.labelled:
        left = (matches.problems[len(problems) :] + matches.orphans or ["there are no labels in it"])[0]
        raise RecipeError(f"{hypothesis}: nothing in it belongs to a recording of {reference} ({left})")
    return named, matches


def read_uem(path: Path, places: dict[str, str], channel: Channel = "mix") -> dict[str, list[Segment]]:
    """The scored regions of each recording in `places`, by its path; `path` is a UEM file or a folder of them.

    Of a `channel` those of this channel alone, of "mix" those of all. Raises `FormatError` for a damaged UEM, and
    for a name that may mean several recordings.
    """
    names = Names([Input(file, Path(place)) for file, place in places.items()])
    listed: dict[str, list[Document]] = {}
    files = sorted(path.rglob("*.uem")) if path.is_dir() else [path]
    for file in files:
        for document in load(file, "uem").of_channels:
            found, named = names.find_one(document.recording, file)
            for recording in found:
                listed.setdefault(recording, []).append(replace(document, channel=named or document.channel))
    return {recording: speech_of(documents, channel) for recording, documents in listed.items()}


class Names:
    """Recordings by the names that labels may use for them; exact names have priority."""

    def __init__(self, sounds: list[Input]) -> None:
        self._tables: list[dict[str, list[str]]] = [defaultdict(list) for _ in range(4)]
        for one in sounds:
            for table, name in zip(self._tables, _names(one.relative.as_posix()), strict=True):
                table[name].append(one.path)
        self.only = sounds[0].path if len(sounds) == 1 else None

    def find(self, name: str) -> list[str]:
        """The recordings that `name` may mean; more than one if it is ambiguous."""
        return self.find_channel(name)[0]

    def find_channel(self, name: str) -> tuple[list[str], int | None]:
        """The recordings that `name` may mean, and the channel that it names, like 2 in `call.ch2`."""
        keys = zip(self._tables, _names(name), strict=True)
        exact, whole, last, first = ((table.get(key, []), None) for table, key in keys)
        channel = OF_CHANNEL.fullmatch(name)
        of_channel = (self.find(channel[1]), int(channel[2])) if channel else ([], None)
        return next((found for found in (exact, whole, last, of_channel, first) if found[0]), ([], None))

    def find_one(self, name: str, where: Path) -> tuple[list[str], int | None]:
        """`find_channel`; raises `FormatError` if `name`, which stands in the file `where`, is ambiguous."""
        found, channel = self.find_channel(name)
        if len(found) > 1:
            raise FormatError(f"{where}: {name!r} may mean {found[0]} or {found[1]}; name it with its folder")
        return found, channel


def take_all(home: Path, format: str | None, names: Names, matches: Matches) -> None:
    """Add the labels in `home`, a file or a folder, to `matches`."""
    for file in _label_files(home, format):
        _take(file, home, format, names, matches)


def _take(file: Path, home: Path, format: str | None, names: Names, matches: Matches, *, detected: bool = True) -> None:
    """Add the labels of `file` to `matches`; `detected=False` leaves out what `vad` wrote."""
    own = _recording_name(file, home)
    by_file, channel_by_file = names.find_channel(own)
    try:
        labels = load(file, format)
    except FormatError as error:
        if file == home:
            raise RecipeError(str(error)) from error
        matches.damaged.update(dict.fromkeys(by_file, str(error)))
        (matches.problems if by_file else matches.orphans).append(str(error))
        return
    if labels.detected and not detected:
        matches.detected.append(str(file))
        return
    documents = labels.of_channels
    if names.only and file == home and not any(d.recording for d in documents):  # one sound, one file: no names
        matches.labelled[names.only] = documents
        matches.files.append(file)
        return
    before, used = set(matches.labelled), False
    for document in documents:
        name = document.recording or own
        found, channel = names.find_channel(name)
        channel = channel or channel_by_file or document.channel
        if len(found) > 1:  # the name of the file may say more
            found = [one for one in found if [one] == by_file] or found
        if not found:
            matches.orphans.append(f"{file}: no sound named {name!r}")
        elif len(found) > 1:
            matches.orphans.append(f"{file}: {name!r} may mean {found[0]} or {found[1]}")
        elif found[0] in before and not _other_channel(channel, matches.labelled[found[0]]):
            matches.problems.append(f"{file}: {found[0]} has labels already; these are left out")
        else:
            matches.labelled.setdefault(found[0], []).append(replace(document, channel=channel))
            used = True
    if used:
        matches.files.append(file)


def _other_channel(channel: int | None, taken: list[Document]) -> bool:
    """Whether labels of `channel` can stand beside those `taken`: all name a channel, and none the same."""
    return channel is not None and not {None, channel} & {document.channel for document in taken}


def _recording_name(file: Path, home: Path) -> str:
    """The name of the recording that the labels in `file` belong to: its path within `home`, without extension."""
    own = file.relative_to(home).as_posix() if file != home else file.name
    own = own.removesuffix(".gz")
    known = [kind.extension for kind in FORMATS.values() if own.endswith(kind.extension)]
    return own.removesuffix(max(known, key=len, default=Path(own).suffix))  # .pyannote.json, not .json


def _label_files(home: Path, format: str | None) -> Iterator[Path]:
    """`home` itself, or the label files in it and below, by their extensions."""
    if not home.is_dir():
        if not home.exists():
            raise RecipeError(f"{home}: does not exist; name the labels, a file or a folder")
        yield home
        return
    for path in sorted(home.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(home).parts)
        uem = format is None and holds_labels(path, "uem")  # scored regions, not speech
        if path.is_file() and holds_labels(path, format) and not hidden and not uem:
            yield path


def _names(path: str) -> tuple[str, str, str, str]:
    """A name as it is; without its extension; without its folders; and up to its first dot. Spaces are as in RTTM."""
    exact, plain = re.sub(r"\s+", "_", path), PurePath(path)
    if plain.suffix.lower() in EXTENSIONS:
        plain = plain.with_suffix("")
    whole, last = re.sub(r"\s+", "_", plain.as_posix()), re.sub(r"\s+", "_", plain.name)
    return exact, whole, last, last.split(".")[0]
