"""Manifests to the index of a corpus folder: labels, backgrounds, and splits."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vad.audio.decode import duration_of, read
from vad.batch.inputs import find
from vad.data.corpus_index import INDICES, SHORTEST, Region, cut, intersect, update_index
from vad.data.import_settings import ImportSettings
from vad.data.labelling import detect_by_energy
from vad.data.manifests import Part, find_manifests, read_parts
from vad.data.splitting import only_speaker
from vad.errors import AudioError, RecipeError
from vad.grid import Grid
from vad.segments import Segment, merge

PAUSE = 0.1  # seconds; shorter gaps between aligned words are speech


@dataclass
class Imported:
    """The index that was written, a summary of it, and notes about what was left out."""

    path: Path
    summary: str
    notes: list[str]


def import_source(source: Path, folder: Path, settings: ImportSettings) -> Imported:
    """Write `source` into the index of `folder`; it replaces an earlier import of the same name.

    Raises `RecipeError` if `source` cannot be read, or nothing of it can be used.
    """
    left_out: list[str] = []
    if settings.kind != "speech" and not find_manifests(source):
        lines = _sound_files(source, settings, folder, left_out)
    elif settings.kind == "speech":
        parts = read_parts(source)
        if not any(part.supervisions for part in parts):
            raise RecipeError(
                f"{source}: recordings without supervisions; set kind to noise, music or rir, or label them", "kind"
            )
        lines = [region.line(folder) for region in _divide(_label(parts, settings, left_out), settings)]
    else:
        parts = _of_kind(read_parts(source), settings.kind, source)
        lines = [line for part in parts for line in _backgrounds(part, settings, folder, left_out)]
    if not lines:
        why = left_out[0] if left_out else "it is empty"
        raise RecipeError(f"{source}: none of its recordings can be used ({why})")
    path = folder / INDICES[settings.kind]
    update_index(path, lines)
    notes = left_out[:5] + ([f"and {len(left_out) - 5} more recordings left out"] if len(left_out) > 5 else [])
    return Imported(path, _summarise(lines), notes)


def _of_kind(parts: list[Part], kind: str, source: Path) -> list[Part]:
    """The parts to use: those named like `kind`, or else all except speech."""
    silent = {f"{part.corpus} {part.name}": part for part in parts if "speech" not in f"{part.corpus} {part.name}"}
    chosen = [part for name, part in silent.items() if kind in name] or list(silent.values())
    if not chosen:
        raise RecipeError(f"{source}: holds speech, which cannot serve as {kind}")
    return chosen


def _label(parts: list[Part], settings: ImportSettings, left_out: list[str]) -> list[Region]:
    """The labelled regions of all parts; their split is that of the name of their part, or empty."""
    by_name = {"train", "dev"} <= {part.split for part in parts}
    regions: list[Region] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for part in parts:
            if by_name and not part.split:
                left_out.append(f"part {part.name!r} is neither train nor dev")
                continue
            for found in pool.map(lambda recording, part=part: _regions(recording, part, settings), part.recordings):
                if isinstance(found, str):
                    left_out.append(found)
                else:
                    regions += [replace(r, split=part.split or "") if by_name else r for r in found]
    return regions


def _regions(recording: Any, part: Part, settings: ImportSettings) -> list[Region] | str:
    """The regions of one recording, or why there are none."""
    supervisions = part.supervisions.get(recording.id)
    if supervisions is None:
        return f"{recording.id}: has no supervisions"
    regions: list[Region] = []
    try:
        for path, channels in _files(recording):
            chosen = [s for s in supervisions if channels is None or _channels(s) & channels]
            if chosen:
                regions += _cut(path, recording, chosen, part, settings)
    except AudioError as error:
        return str(error)
    return regions


def _cut(path: Path, recording: Any, supervisions: list[Any], part: Part, settings: ImportSettings) -> list[Region]:
    """A region for the whole file, or with `outside = "unknown"` for each supervised part."""
    supervised = merge(Segment(max(0.0, s.start), min(s.end, recording.duration)) for s in supervisions)
    speech = supervised
    if settings.by == "word":
        speech = merge((word for s in supervisions for word in _words(s, recording.id)), PAUSE)
    elif settings.by == "energy":
        grid = Grid()
        speech = intersect(detect_by_energy(read(path, grid.sample_rate), grid, str(path)), supervised)
    spans = supervised if settings.outside == "unknown" else [Segment(0.0, recording.duration)]
    speaker = f"{part.corpus}:{only_speaker(s.speaker for s in supervisions if s.speaker) or recording.id}"
    base = Region(path, 0.0, 0.0, settings.name or part.corpus, settings.licence, (), speaker)
    return [
        replace(base, start=start, duration=end - start, speech=cut(speech, start, end))
        for start, end in spans
        if end - start >= SHORTEST
    ]


def _words(supervision: Any, name: str) -> list[Segment]:
    """The times of the words of a supervision; raises `AudioError` if they are not aligned."""
    aligned = (supervision.alignment or {}).get("word")
    if aligned is None:
        raise AudioError(f"{name}: its supervisions have no aligned words; set by to supervision or energy", "by")
    return [Segment(word.start, word.end) for word in aligned if word.symbol.strip() not in ("", "<eps>", "SIL")]


def _files(recording: Any) -> list[tuple[Path, set[int] | None]]:
    """The files of a recording; with their channels if there are several files."""
    if recording.transforms:
        raise AudioError(f"{recording.id}: its manifest changes the sound; import it before such changes")
    for source in recording.sources:
        if source.type != "file":
            raise AudioError(f"{recording.id}: its sound is a {source.type}, not a file; save it to one first")
        if not Path(source.source).exists():
            raise AudioError(f"{source.source}: does not exist; prepare the manifests again at the place of the sound")
    several = len(recording.sources) > 1
    return [(Path(s.source).resolve(), set(s.channels) if several else None) for s in recording.sources]


def _channels(supervision: Any) -> set[int]:
    """The channels of a supervision."""
    return {supervision.channel} if isinstance(supervision.channel, int) else set(supervision.channel)


def _divide(regions: list[Region], settings: ImportSettings) -> list[Region]:
    """Assign regions without a split to one, by speaker."""
    undecided = [r for r in regions if not r.split]
    sides = settings.splitting.split([r.speaker for r in undecided], [r.speaker for r in undecided if r.speech])
    return [r if r.split else replace(r, split=sides[r.speaker]) for r in regions]


def _backgrounds(part: Part, settings: ImportSettings, folder: Path, left_out: list[str]) -> list[dict[str, Any]]:
    """Whole recordings without labels; music with vocals, according to its manifest, is marked."""
    lines = []
    for recording in part.recordings:
        try:
            files = _files(recording)
        except AudioError as error:
            left_out.append(str(error))
            continue
        sings = any((s.custom or {}).get("vocals") for s in part.supervisions.get(recording.id, []))
        for path, _ in files:
            region = Region(path, 0.0, recording.duration, settings.name or part.corpus, settings.licence)
            lines.append(
                region.line(folder) | {"name": recording.id} | ({"may_contain_singing": True} if sings else {})
            )
    return lines


def _sound_files(source: Path, settings: ImportSettings, folder: Path, left_out: list[str]) -> list[dict[str, Any]]:
    """Sound files without a manifest, as backgrounds."""
    found, errors = find([str(source)])
    if errors:
        raise RecipeError(f"{source}: neither manifests nor sound files in it")
    lines = []
    for one in found:
        try:
            region = Region(
                Path(one.path), 0.0, duration_of(one.path), settings.name or source.resolve().name, settings.licence
            )
            lines.append(region.line(folder) | {"name": one.relative.as_posix()})
        except AudioError as error:
            left_out.append(str(error))
    return lines


def _summarise(lines: list[dict[str, Any]]) -> str:
    """The amount of imported sound, by split."""
    seconds: Counter[str] = Counter()
    for line in lines:
        seconds[line.get("split", "in all")] += line["duration"]
    shares = [f"{name} {total / 60:.1f} min" for name, total in sorted(seconds.items(), reverse=True)]
    return f"{len(lines)} recordings or parts of them; {', '.join(shares)}"
