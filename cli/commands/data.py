"""`vad data`: from recordings and labels of any origin to what `vad train` reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vad.data.import_settings import EVIDENCE, KINDS, OUTSIDE, ImportSettings
from vad.formats import Document, printable
from vad.wording import pluralize

from ..command import command, option
from ..console import Console
from ..corpus_options import DevOptions, LabelledOptions, SourceOptions, SplitOptions
from ..options import JobsOptions, MessageOptions, force_option, label_format, output_format
from ..types import PATH

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.data.check import CheckReport

FEW = 40  # recordings that are all listed; of more only those with remarks


@dataclass(frozen=True)
class ReportOptions:
    """How the report is written."""

    title = "Output"
    format: str = option(
        "--format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format."
    )


@dataclass(frozen=True)
class CorpusOptions:
    """Where the corpus goes."""

    title = "Output"
    output: Path = option(
        "-o", "--output", required=True, type=PATH, metavar="CORPUS", help="Corpus folder, made or added to."
    )


@dataclass(frozen=True)
class LabelOptions:
    """How recordings are labelled, and where the labels go."""

    title = "Output"
    output: str = option(
        "-o", "--output", required=True, metavar="FILE|DIR|TEMPLATE", help="Where labels go, as in detect."
    )
    format: str | None = output_format("-f", "--format", help="Label format.  [default: as -o says]")
    force: bool = force_option()
    model: str | None = option(
        "--model", metavar="MODEL", help="Let this detector label, in place of energy (speech-1, a file)."
    )


@dataclass(frozen=True)
class ImportOptions:
    """How manifests are read."""

    title = "What is imported"
    kind: str = option(
        "--as", type=click.Choice(KINDS), default=ImportSettings.kind, show_default=True, help="Kind of recordings."
    )
    by: str = option(
        "--speech",
        type=click.Choice(EVIDENCE),
        default=ImportSettings.by,
        show_default=True,
        help="What counts as speech: each supervision, its aligned words, or the loud parts of it.",
    )
    outside: str = option(
        "--outside",
        type=click.Choice(OUTSIDE),
        default=ImportSettings.outside,
        show_default=True,
        help="What lies outside of supervisions; unknown is left out.",
    )


@click.group()
def data() -> None:
    """Check, label and import data for training."""


@command()
@click.argument("audio", type=PATH)
@click.argument("labels", type=PATH, required=False)
def check(
    audio: Path, labels: Path | None, source: LabelledOptions, splits: SplitOptions, output: ReportOptions
) -> None:
    """Report what looks wrong with AUDIO and LABELS before training.

    AUDIO is a file or folder; LABELS a folder with a file per recording, or one file that names
    many; without it, labels lie beside the sound. Every recording is decoded to its end. Reported
    are files that do not match, labels after the end, clipped, silent and repeated recordings,
    how much of each split is speech, and labels that seem to lie too late or too early.

    Exit status: 0 training can begin, 1 something would stop it.
    """
    from vad.data.check import check as run
    from vad.data.check import to_json

    report = run(audio, labels, uem=source.uem, format=source.labels_format, splitting=splits.splitting())
    if output.format == "json":
        click.echo(json.dumps(to_json(report), indent=2, ensure_ascii=False))
    else:
        click.echo(printable_lines(_table(report)))
    if report.error:
        raise SystemExit(1)


@command()
@click.argument("audio", type=PATH)
@click.argument("labels", type=PATH, required=False)
def gather(
    audio: Path,
    labels: Path | None,
    *,
    source: LabelledOptions,
    splits: SplitOptions,
    about: SourceOptions,
    output: CorpusOptions,
) -> None:
    """Make a corpus folder of AUDIO and LABELS.

    `vad train --corpus` reads it; AUDIO and LABELS are those of `vad data check`. The sound stays
    where it is: CORPUS/speech.jsonl lists it, with the labels and the split. Gathering a source of
    the same name again replaces it; other sources in CORPUS stay.
    """
    from vad.data.gather import gather as run

    gathered = run(
        audio,
        labels,
        uem=source.uem,
        format=source.labels_format,
        splitting=splits.splitting(),
        source=about.name,
        licence=about.licence,
    )
    with Console(quiet=False) as console:
        for text in gathered.notes:
            console.warn(text)
    path = gathered.write(output.output, keep=True)
    minutes = {side: f"{gathered.seconds(side) / 60:.1f} min" for side in ("train", "dev")}
    click.echo(f"{path}: train {minutes['train']}, dev {minutes['dev']}", err=True)


@command()
@click.argument("inputs", nargs=-1, required=True, metavar="AUDIO...")
def label(inputs: tuple[str, ...], output: LabelOptions, scale: JobsOptions, messages: MessageOptions) -> None:
    """Label clean recordings by energy, or by a detector.

    Levels of 10 ms are compared with the recording's own floor (5th percentile) and speech level
    (95th): speech starts 40 % of the way up and ends below 30 %; pauses under 100 ms are filled,
    bursts under 60 ms dropped, 20 ms added at both ends. Recordings with less than 20 dB between
    floor and level are refused. Such labels follow pauses closely, and cannot tell a breath or a
    slammed door from speech. With --model a detector labels instead, also in noise.
    """
    from vad.batch.inputs import find
    from vad.batch.output import open_output
    from vad.batch.pool import open_pool
    from vad.batch.run import run_batch
    from vad.data.labelling import DetectorLabeller, label_by_energy

    labeller = DetectorLabeller(output.model) if output.model else label_by_energy
    kind = label_format(output.format, output.output)
    found, errors = find(inputs)
    with messages.console() as console:
        console.errors(errors)
        several = len(found) + len(errors) > 1
        with (
            open_output(output.output, kind, several, force=output.force) as target,
            open_pool(scale.jobs, found) as pool,
        ):

            def deliver(one: Input, document: Document) -> float:
                target.write(one, [document])
                return document.duration

            console.summary(run_batch(found, labeller, deliver, console, pool=pool))


@command("import")
@click.argument("source", type=PATH)
def import_(
    source: Path,
    *,
    options: ImportOptions,
    splits: DevOptions,
    about: SourceOptions,
    output: CorpusOptions,
    messages: MessageOptions,
) -> None:
    """Make a corpus folder of lhotse or Kaldi data.

    SOURCE is a folder with PREFIX_recordings_PART.jsonl.gz and PREFIX_supervisions_PART.jsonl.gz,
    as `lhotse prepare` makes it, one recordings manifest of it, or a folder with wav.scp and
    segments. Parts named train and dev become the splits, and parts named test are never used;
    without a part of both names, speakers are divided. With --as, SOURCE may be a folder of mere
    sound files; all else needs the [data] extra. Importing the same source again replaces it; other
    sources in CORPUS stay.
    """
    from vad.data.importing import import_source

    settings = ImportSettings(
        options.kind, options.by, options.outside, about.licence, about.name or None, splits.splitting()
    )
    imported = import_source(source, output.output, settings)
    with messages.console() as console:
        for note in imported.notes:
            console.warn(note)
    click.echo(f"{imported.path}: {imported.summary}", err=True)


for _command in (check, gather, label, import_):
    data.add_command(_command)


def printable_lines(lines: list[str]) -> str:
    """Lines that cannot harm a terminal, joined."""
    return "\n".join(printable(line) for line in lines)


def _table(report: CheckReport) -> list[str]:
    """The report as text: recordings, splits, and what looks wrong."""
    if report.error:
        return [f"stops training: {report.error}", *(f"! {warning}" for warning in report.warnings)]
    shown = report.recordings
    if len(shown) > FEW:
        shown = [r for r in shown if r.remarks]
    width = max((len(r.file) for r in shown), default=4)
    lines = [f"{'file':<{width}} {'seconds':>9} {'Hz':>6} ch {'speech':>7} {'segments':>8} split"] if shown else []
    for r in shown:
        share = r.speech / max(r.duration, 1e-9)
        about = f"{r.duration:>9.2f} {r.sample_rate:>6} {r.channels:>2} {share:>7.1%} {r.segments:>8} {r.split}"
        lines.append(f"{r.file:<{width}} {about}")
        lines += [f"  ! {remark}" for remark in r.remarks]
    if left := len(report.recordings) - len(shown):
        lines.append(f"... and {pluralize(left, 'recording')} without remarks")
    lines += ["", f"{'split':<5} {'files':>6} {'speakers':>8} {'minutes':>8} {'speech':>7}"]
    for name, split in report.splits.items():
        share = split["speech"] / max(split["seconds"], 1e-9)
        lines.append(
            f"{name:<5} {split['files']:>6} {split['speakers']:>8} {split['seconds'] / 60:>8.2f} {share:>7.1%}"
        )
    notes = [
        *_some("sound without labels", report.unlabelled),
        *_some("labels without sound", report.orphans),
        *_some("labelled, but not in the UEM", report.unlisted),
    ]
    return [*lines, "", *notes, *(f"! {warning}" for warning in report.warnings)] if notes or report.warnings else lines


def _some(what: str, items: list[str]) -> list[str]:
    """How many there are, and the first few by name."""
    more = f", and {len(items) - 5} more" if len(items) > 5 else ""
    return [f"! {what}: {len(items)} ({', '.join(items[:5])}{more})"] if items else []
