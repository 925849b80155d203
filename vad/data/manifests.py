"""Lhotse manifests and Kaldi data directories: found by name, read by lhotse.

https://lhotse.readthedocs.io/en/latest/corpus.html, https://kaldi-asr.org/doc/data_prep.html
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vad.audio.decode import duration_of
from vad.errors import RecipeError
from vad.extras import install_command

NAME = re.compile(r"(?P<before>.*?)[_-]?recordings[_-]?(?P<part>.*)\.jsonl(\.gz)?")
HELD_OUT = re.compile(r"(^|[-_.])(test|eval)", re.IGNORECASE)  # parts for evaluation, never used for training
SPLITS = {
    "train": re.compile(r"(^|[-_.])train", re.IGNORECASE),
    "dev": re.compile(r"(^|[-_.])(dev|valid(?!ated))", re.IGNORECASE),
}
# The errors that lhotse raises for damaged or unusual manifests.
BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, AssertionError, RuntimeError)


@dataclass(frozen=True)
class Part:
    """The recordings of one manifest, and their supervisions."""

    name: str  # like "train-clean-100"
    corpus: str  # like "librispeech"
    recordings: Any  # lhotse.RecordingSet
    supervisions: dict[str, list[Any]]  # lhotse.SupervisionSegment by the recording's id

    @property
    def split(self) -> str | None:
        """The split that the name contains."""
        return next((split for split, named in SPLITS.items() if named.search(self.name)), None)


def read_parts(source: Path) -> list[Part]:
    """Read every part in `source` that is not held out for testing: manifests, or Kaldi data directories.

    Raises `RecipeError` if there is none, if one is damaged, and if lhotse is not installed.
    """
    try:
        import lhotse
    except ImportError as error:
        raise RecipeError(f"{source}: importing needs {error.name}; {install_command('data')}") from error

    if not source.exists():
        raise RecipeError(f"{source}: does not exist; name a folder of manifests or a Kaldi data directory")
    found = find_manifests(source)
    if not found:
        raise RecipeError(
            f"{source}: neither PREFIX_recordings_PART.jsonl.gz nor wav.scp in it; make manifests with `lhotse prepare`"
        )
    parts = []
    for path in found:
        name = NAME.fullmatch(path.name)
        part = name["part"] if name else path.name
        if HELD_OUT.search(part):
            continue
        try:
            recordings, supervisions = _read_manifests(lhotse, path) if name else _read_kaldi(lhotse, path)
        except BROKEN as error:
            raise RecipeError(f"{path}: lhotse cannot read it ({' '.join(str(error).split())})") from error
        by_recording: dict[str, list[Any]] = {}
        for supervision in supervisions or ():
            by_recording.setdefault(supervision.recording_id, []).append(supervision)
        parts.append(Part(part, (name["before"] if name else "") or source.stem, recordings, by_recording))
    if not parts:
        raise RecipeError(f"{source}: only parts for testing, which are not trained on; add parts named train or dev")
    return parts


def find_manifests(source: Path) -> list[Path]:
    """Recordings manifests and Kaldi data directories, in `source` and below."""
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    return [f for f in files if NAME.fullmatch(f.name)] + [f.parent for f in files if f.name == "wav.scp"]


def _read_manifests(lhotse: Any, path: Path) -> tuple[Any, Any]:
    """A recordings manifest, and the supervisions beside it, if any."""
    supervisions = path.with_name(path.name.replace("recordings", "supervisions"))
    recordings = lhotse.RecordingSet.from_file(path)
    return recordings, lhotse.SupervisionSet.from_file(supervisions) if supervisions.exists() else None


def _read_kaldi(lhotse: Any, path: Path) -> tuple[list[Any], list[Any]]:
    """A Kaldi data directory; `wav.scp` must name files: commands are not run.

    Lhotse's own reader requires transcripts, which are not needed here. Without `segments`,
    utterances are whole recordings.
    """
    files = dict(_read_table(path / "wav.scp"))
    speakers = dict(_read_table(path / "utt2spk")) if (path / "utt2spk").exists() else {}
    recordings = []
    for name, file in files.items():
        if file.endswith("|"):
            raise ValueError(f"wav.scp runs a command, {file!r}; write the sound to files first")
        duration, rate = duration_of(file), 1000  # the samples are not read by lhotse
        source = lhotse.AudioSource("file", [0], file)
        recordings.append(lhotse.Recording(name, [source], rate, round(duration * rate), duration))
    if (path / "segments").exists():
        spans = [(utterance, *rest.split()) for utterance, rest in _read_table(path / "segments")]
    else:
        spans = [(r.id, r.id, "0", str(r.duration)) for r in recordings]
    lengths = {r.id: r.duration for r in recordings}
    supervisions = []
    for utterance, recording, start, end in spans:
        stop = float(end) if float(end) >= 0 else lengths.get(recording, math.inf)  # -1: to its end
        if not 0 <= float(start) <= stop:
            raise ValueError(f"segments has {utterance} from {start} to {end} s")
        supervisions.append(
            lhotse.SupervisionSegment(
                utterance, recording, float(start), stop - float(start), speaker=speakers.get(utterance)
            )
        )
    return recordings, supervisions


def _read_table(path: Path) -> list[tuple[str, str]]:
    """The lines of a Kaldi table: a key and the rest."""
    pairs = [line.split(maxsplit=1) for line in path.read_text("utf-8").splitlines() if line.strip()]
    if not pairs:
        raise ValueError(f"{path.name} is empty")
    return [(key, rest.strip()) for key, rest in pairs]
