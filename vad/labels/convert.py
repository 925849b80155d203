"""Labels from one format to another, and what the other format cannot hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from vad.batch.inputs import Input
from vad.errors import FormatError
from vad.formats import Document, Format, Label, Labels, by_extension
from vad.formats.parsing import build_documents, means_speech
from vad.formats.tiers import tier_of
from vad.wording import pluralize

SpeakersFrom = Literal["text", "tier"]


def prepare(
    found: Labels, source: Input, speakers: SpeakersFrom | None = None, tiers: Sequence[str] = ()
) -> list[Document]:
    """The documents of a file, ready to be written.

    `tiers` are the tiers to keep; none means all. `speakers` tells where the names of the speakers
    are, in a format without a place for them: in the `text` of the labels, or in the names of the
    tiers. A recording without a name gets the name of the file. Raises `FormatError` for a tier
    that does not exist.
    """
    existing = {tier_of(label) for document in found.documents for label in document.labels}
    for tier in tiers:
        if tier not in existing:
            raise FormatError(f"{source.path}: has no tier {tier}, but {', '.join(sorted(existing)) or 'no labels'}")
    prepared = []
    for document, channel in zip(found.documents, found.channels, strict=True):
        one = document
        if tiers or speakers:
            kept = (label for label in one.labels if not tiers or tier_of(label) in tiers)
            (one,) = build_documents(
                (_spoken_by(label, speakers) for label in kept), one.recording, one.channel, one.duration
            )
        recording = one.recording or plain_name(source.relative)
        prepared.append(replace(one, recording=recording, channel=channel))
    return prepared


def _spoken_by(label: Label, speakers: SpeakersFrom | None) -> Label:
    """`label` with its speaker taken from the text or the tier."""
    if speakers == "text" and means_speech(label):
        return label._replace(text="speech", speaker=label.words or label.speaker, markup="")
    if speakers == "tier":
        return label._replace(speaker=label.tier or label.speaker)
    return label


def output_input(document: Document, source: Input, several: bool) -> Input:
    """The input that an output is named after: the file or, if it names `several` recordings, the recording."""
    if several:
        name = f"{document.uri}.labels"
        return Input(str(Path(source.path).with_name(name)), source.relative.with_name(name))
    return replace(source, relative=source.relative.with_name(f"{plain_name(source.relative)}.labels"))


def plain_name(path: Path) -> str:
    """The name of a label file without its extension."""
    name = path.name[:-3] if path.suffix.lower() == ".gz" else path.name
    try:
        return name[: -len(by_extension(Path(name)).extension)]
    except FormatError:
        return Path(name).stem


def losses(written: Iterable[Document], kind: Format) -> list[str]:
    """The parts of `written` that the format `kind` cannot hold, a line each."""
    labels = [label for document in written for label in document.labels]
    speech = [label for label in labels if means_speech(label)]
    lines = []

    def add(count: int, reason: str) -> None:
        if count:
            lines.append(f"{kind.name} {reason.format(pluralize(count, 'label'))}")

    if "text" not in kind.holds:
        add(sum(bool(label.words) for label in speech), "holds no text: that of {} is left out")
        add(len(labels) - len(speech), "holds speech alone: {} of other sounds left out")
    if "speakers" not in kind.holds:
        fate = "stand before the text of {}" if "captions" in kind.holds else "of {} are left out"
        add(sum(bool(label.speaker) for label in labels), f"has no place for speakers: those {fate}")
    tiers = dict.fromkeys(label.tier for label in labels if label.tier and label.tier != label.speaker)
    if "tiers" not in kind.holds and len({tier_of(label) for label in labels}) > 1 and tiers:
        lines.append(
            f"{kind.name} has no place for tiers: {', '.join(tiers)} stand together; `vad convert --tier` chooses one"
        )
    if "points" not in kind.holds:
        add(sum(label.end <= label.start for label in labels), "needs durations: {} without one left out")
    return lines
