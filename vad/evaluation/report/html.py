"""An evaluation as one page of HTML that needs nothing beside itself."""

from __future__ import annotations

import math
from html import escape
from importlib import resources

from vad.evaluation.evaluate import Evaluation
from vad.evaluation.metrics import METRICS
from vad.evaluation.report import curves
from vad.evaluation.report.worst import LENGTH, Stretch, clock, draw, worst
from vad.evaluation.results import Group, RecordingResult
from vad.evaluation.tables import COLUMNS, metric_rows, rows, shown, summary
from vad.formats import printable

STRETCHES = 8
BARS = 60  # recordings that are drawn; the table has all
MISSED = "<span class='named'><span class='key missed'></span>missed</span>"
ALARMED = "<span class='named'><span class='key alarmed'></span>falsely found</span>"
CARDS = ("deter", "miss", "false_alarm", "dcf", "roc_auc", "eer")


def to_html(evaluation: Evaluation) -> str:
    """The page."""
    whole = evaluation.whole
    about = evaluation.about
    what = about.get("model", {}).get("name") or about.get("hypothesis") or "labels"
    thresholds = {name: about["settings"][name] for name in ("onset", "offset") if "settings" in about}
    title = f"How well {printable(str(what))} finds speech"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p class='about'>{_about(evaluation)}</p>",
        _cards(whole),
        _notes(evaluation),
        _bars(whole),
        _stretches(whole, thresholds),
        _curves(whole, thresholds),
        _figures(whole),
        _groups(evaluation),
        _recordings(whole),
        _settings(evaluation),
    ]
    style = (resources.files("vad.evaluation.report") / "report.css").read_text("utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _about(evaluation: Evaluation) -> str:
    about = evaluation.about
    if about.get("reference") == about.get("audio"):
        about = {key: value for key, value in about.items() if key != "reference"}
    places = [f"{key} <code>{_safe(about[key])}</code>" for key in ("audio", "reference", "hypothesis") if key in about]
    return f"{_safe(summary(evaluation))}; {', '.join(places)}."


def _cards(whole: Group) -> str:
    """The figures that one looks at first."""
    cards = []
    for name in CARDS:
        value = whole.pooled[name]
        if math.isnan(value):
            continue
        low, high = whole.intervals.get(name, (math.nan, math.nan))
        between = "" if math.isnan(low) else f"95 %: {shown(name, low, False)} to {shown(name, high, False)}"
        says = METRICS[name].meaning.format(**whole.settings.weights._asdict())
        cards.append(
            f"<div class='card'><h3>{METRICS[name].title}</h3><b>{shown(name, value)}</b>"
            f"<i>{between}</i><p>{_safe(says)}</p></div>"
        )
    return f"<section class='cards'>{''.join(cards)}</section>"


def _notes(evaluation: Evaluation) -> str:
    """What a reader should know, and what failed."""
    lines = [f"<li>{_safe(note)}</li>" for note in evaluation.notes]
    lines += [f"<li class='bad'>not measured: {_safe(problem)}</li>" for problem in evaluation.problems]
    return f"<ul class='notes'>{''.join(lines)}</ul>" if lines else ""


def _bars(whole: Group) -> str:
    """A bar per recording: the share of its time that is wrong, and how."""
    ordered = sorted((m for m in whole.recordings if m.seconds.sum()), key=lambda m: -_wrong(m))
    if len(ordered) < 2:
        return ""
    longest = max(_wrong(m) for m in ordered) or 1.0
    lines = []
    for m in ordered[:BARS]:
        total = m.seconds.sum()
        missed, alarmed = (100 * float(m.seconds[n] / total) for n in (1, 2))
        title = f"{m.name}: {missed:.1f} % of its time missed, {alarmed:.1f} % falsely found"
        lines.append(
            f"<div class='bar' title='{_safe(title)}'><span>{_safe(m.name)}</span><div>"
            f"<i class='missed' style='width:{missed / longest:.2f}%'></i>"
            f"<i class='alarmed' style='width:{alarmed / longest:.2f}%'></i></div><b>{100 * _wrong(m):.1f} %</b></div>"
        )
    left = f"<p>The {BARS} worst of {len(ordered)}; the table below has all.</p>" if len(ordered) > BARS else ""
    return (
        "<section><h2>Recordings</h2><p>The share of each recording's time that is wrong: "
        f"{MISSED} is speech that was not found, {ALARMED} is other sound that was taken for speech. "
        f"The longest bar is {100 * longest:.0f} %.</p>{''.join(lines)}{left}</section>"
    )


def _wrong(m: RecordingResult) -> float:
    """The share of time in error."""
    return float(m.seconds[1:3].sum() / m.seconds.sum())


def _stretches(whole: Group, thresholds: dict[str, float]) -> str:
    """Pictures of the worst stretches."""
    recordings = whole.recordings
    found = worst(recordings, STRETCHES, whole.settings.collar)
    if not found:
        return "<section><h2>The worst stretches</h2><p>There are none: nothing is wrong.</p></section>"
    lanes = ["the reference", "what was found", f"and where the two differ: {MISSED}, {ALARMED}"]
    if any(m.scores is not None for m in recordings):
        lanes.insert(0, "the detector's score for each moment")
    if any(m.path for m in recordings):
        lanes.insert(0, "the sound (as loud as the picture allows)")
    dashed = " The dashed lines are the thresholds: speech starts above the upper one and ends below the lower one."
    return (
        f"<section><h2>The worst stretches</h2><p>Where most goes wrong, within {LENGTH:g} seconds each. "
        f"Top to bottom: {', '.join(lanes)}.{dashed if thresholds else ''} "
        "HypothesisSource to these before believing either side: references err, too.</p>"
        + "".join(_stretch(stretch, thresholds) for stretch in found)
        + "</section>"
    )


def _stretch(stretch: Stretch, thresholds: dict[str, float]) -> str:
    missed, alarmed = (sum(s.duration for s in spans) for spans in (stretch.missed, stretch.alarms))
    where = f"{_safe(stretch.recording.name)}, {clock(stretch.start)} to {clock(stretch.end)}"
    wrong = [f"{s:.1f} s {how}" for s, how in ((missed, "missed"), (alarmed, "falsely found")) if s >= 0.05]
    return f"<figure><figcaption><b>{where}</b>: {', '.join(wrong)}</figcaption>{draw(stretch, thresholds)}</figure>"


def _curves(whole: Group, thresholds: dict[str, float]) -> str:
    """What other thresholds would do."""
    curve = whole.curve
    if curve is None:
        why = "no recording has scores; give --audio and a detector in place of labels"
        if any(m.ranks is not None for m in whole.recordings):
            why = "the reference must hold both speech and silence"
        return f"<section><h2>Other thresholds</h2><p>Curves cannot be drawn: {why}.</p></section>"
    point = (whole.pooled["false_alarm"], whole.pooled["miss"])
    weights = whole.settings.weights
    dashed = "; dashed, the thresholds in use" if thresholds else ""
    here = "<span class='key here'></span>"
    return (
        "<section><h2>Other thresholds</h2><p>Every 10 ms has a score. Where speech begins is a choice: a low "
        "threshold finds more speech and more that is none. The curves show all choices, frame by frame; "
        f"{here}is what the segments above amount to.</p><div class='pair'>"
        "<figure><figcaption><b>ROC</b>: the nearer to the upper left corner, the better; the dashed line is "
        f"guessing</figcaption>{curves.roc(curve, point)}</figure>"
        "<figure><figcaption><b>DET</b>: the same with miss upwards, low rates enlarged; nearer to the lower left "
        f"is better</figcaption>{curves.det(curve, point)}</figure></div>"
        "<figure><figcaption><b>Thresholds</b>: <span class='key missed'></span>miss, "
        "<span class='key alarmed'></span>false alarm, <span class='key first'></span>their weighted mean, "
        f"{weights.miss:g} to {weights.false_alarm:g}, lowest at the dot{dashed}</figcaption>"
        f"{curves.thresholds(curve, weights, thresholds)}</figure></section>"
    )


def _figures(whole: Group) -> str:
    """Every figure, with what it is."""
    return f"<section><h2>All figures</h2>{_table(metric_rows(whole), words=True)}</section>"


def _groups(evaluation: Evaluation) -> str:
    if not evaluation.groups:
        return ""
    return f"<section><h2>Groups</h2>{_table(rows('group', evaluation.groups.items()))}</section>"


def _recordings(whole: Group) -> str:
    """The figures of each recording."""
    titles = {head: METRICS[name].title for name, head in COLUMNS.items()}
    legend = "; ".join(f"{head}: {title}" for head, title in titles.items() if not title.startswith(head))
    return f"<section><h2>Each recording</h2><p>{legend}</p>{_table(rows('recording', whole.each))}</section>"


def _settings(evaluation: Evaluation) -> str:
    """How it was measured."""
    about, settings = evaluation.about, evaluation.whole.settings
    lines = [
        f"Nothing within {settings.collar:g} s of a boundary of the reference is scored."
        if settings.collar
        else "All time counts, up to the boundaries.",
    ]
    if evaluation.whole.intervals:
        lines.append(
            f"Intervals hold 95 % of the figures of {settings.resamples} draws of the recordings with replacement "
            f"(bootstrap, seed {settings.seed}): they say how far other recordings of this kind could differ."
        )
    if "model" in about:
        chosen = [f"{k} {'no limit' if v is None else f'{v:g}'}" for k, v in about.get("settings", {}).items()]
        how = ", ".join(chosen) or "at its own defaults"
        lines.append(f"Model {about['model']['name']} {about['model']['version']}; {how}.")
    return f"<section><h2>How it was measured</h2>{''.join(f'<p>{_safe(line)}</p>' for line in lines)}</section>"


def _table(content: list[list[str]], words: bool = False) -> str:
    """Rows as a table, the first one its head; with `words`, the last column is text."""
    head, *body = content
    kind = " class='words'" if words else ""
    heads = "".join(f"<th>{_safe(cell)}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>" for row in body)
    return f"<div class='wide'><table{kind}><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"


def _safe(value: object) -> str:
    """Text that is nothing but text."""
    return escape(printable(str(value)), quote=True)
