"""Sound files and the labels that belong to them, found by name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from vad.batch import Input, find
from vad.errors import FormatError, RecipeError
from vad.extensions import EXTENSIONS
from vad.formats import FORMATS, Document, holds_labels, read_labels


@dataclass
class Matches:
    """Which labels belong to which sound, and what was left over; paths as they were named."""

    labelled: dict[str, list[Document]] = field(default_factory=dict)  # by the path of the sound
    places: dict[str, str] = field(default_factory=dict)  # path of each sound within the folder that was named
    orphans: list[str] = field(default_factory=list)  # labels that belong to no sound, and why
    problems: list[str] = field(default_factory=list)  # labels that cannot be used, and why

    @property
    def unlabelled(self) -> list[str]:
        """Sound files without labels, by their place within the folder."""
        return [place for path, place in self.places.items() if path not in self.labelled]


def match(audio: Path, labels: Path | None = None, format: str | None = None) -> Matches:
    """Find sound and labels and bring them together.

    `audio` is a folder or a file; `labels` the folder with a file per recording, or one file that
    names many; None where they lie beside the sound. Names match with their folders
    (`a/x.wav`, `a/x.txt`), or else without, or else up to their first dot
    (`ES2002a.Mix-Headset.wav`, `ES2002a`). Raises `RecipeError` where there is nothing to match.
    """
    if not audio.exists():
        raise RecipeError(f"{audio}: does not exist; name a sound file or a folder that holds some")
    sounds, errors = find([str(audio)])
    if errors:
        raise RecipeError(str(errors[0]))
    home = labels or (audio if audio.is_dir() else audio.parent)
    return match_inputs(sounds, home, format, beside=labels is None and audio.is_file())


def match_inputs(sounds: list[Input], home: Path, format: str | None = None, beside: bool = False) -> Matches:
    """What `match` does, for `sounds` that were found already and labels in the folder or file `home`.

    With `beside`, labels below the folder and of other names are no concern.
    """
    matches = Matches(places={one.path: one.relative.as_posix() for one in sounds})
    names = Names(sounds)
    files = list(_label_files(home, format))
    if beside:
        files = [file for file in files if file.parent == home and names.find(file.stem)]
    for file in files:
        _take(file, home, format, names, matches)
    if not files:
        known = ", ".join(sorted({f.suffix for f in FORMATS.values()} - {".uem"}))
        raise RecipeError(f"{home}: no labels ({known}); name the folder or file that holds them")
    if not matches.labelled:
        left = (matches.problems + matches.orphans)[0]
        raise RecipeError(
            f"{home}: no labels for any of the {len(sounds)} sound files, like {sounds[0].relative} ({left}); "
            "labels are named like the sound or name it"
        )
    return matches


class Names:
    """Sound files by the names that labels may call them: the more exact first."""

    def __init__(self, sounds: list[Input]) -> None:
        self._tables: list[dict[str, list[str]]] = [defaultdict(list) for _ in range(3)]
        for one in sounds:
            for table, name in zip(self._tables, _names(one.relative.as_posix()), strict=True):
                table[name].append(one.path)
        self.only = sounds[0].path if len(sounds) == 1 else None

    def find(self, name: str) -> list[str]:
        """The sound files that `name` may mean; more than one where it is not clear."""
        return next((t[n] for t, n in zip(self._tables, _names(name), strict=True) if n in t), [])


def _take(file: Path, home: Path, format: str | None, names: Names, matches: Matches) -> None:
    """Add the labels of `file` to `matches`."""
    own = file.relative_to(home).as_posix() if file != home else file.name
    own = own.removesuffix(".gz").removesuffix(Path(own.removesuffix(".gz")).suffix)
    try:
        documents = read_labels(file, format)
    except FormatError as error:
        if file == home:
            raise RecipeError(str(error)) from error
        (matches.problems if names.find(own) else matches.orphans).append(str(error))
        return
    if names.only and file == home and not any(d.recording for d in documents):  # one sound, one file: no names
        matches.labelled[names.only] = documents
        return
    before = set(matches.labelled)
    for document in documents:
        name = document.recording or own
        found = names.find(name)
        if not found:
            matches.orphans.append(f"{file}: no sound named {name!r}")
        elif len(found) > 1:
            matches.orphans.append(f"{file}: {name!r} may mean {found[0]} or {found[1]}")
        elif found[0] in before:
            matches.problems.append(f"{file}: {found[0]} has labels already; these are left out")
        else:
            matches.labelled.setdefault(found[0], []).append(document)


def _label_files(home: Path, format: str | None) -> Iterator[Path]:
    """`home` itself, or the files in it and below that look like labels."""
    if not home.is_dir():
        if not home.exists():
            raise RecipeError(f"{home}: does not exist; name the labels, a file or a folder")
        yield home
        return
    for path in sorted(home.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(home).parts)
        counts = format is None and holds_labels(path, "uem")  # says what counts, not what is speech
        if path.is_file() and holds_labels(path, format) and not hidden and not counts:
            yield path


def _names(path: str) -> tuple[str, str, str]:
    """A name with its folders, without, and up to its first dot; no extension, spaces as in RTTM."""
    plain = PurePath(path)
    if plain.suffix.lower() in EXTENSIONS:
        plain = plain.with_suffix("")
    whole, last = re.sub(r"\s+", "_", plain.as_posix()), re.sub(r"\s+", "_", plain.name)
    return whole, last, last.split(".")[0]
