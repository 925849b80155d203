"""An evaluation as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import hashlib
import math

from vad.clock import clock
from vad.evaluation.evaluate import Evaluation
from vad.evaluation.metrics import METRICS
from vad.evaluation.report import curves
from vad.evaluation.report.lanes import draw_lanes, read_wave, sound_url, ticks
from vad.evaluation.report.template import Html, read, render
from vad.evaluation.report.worst import LENGTH, Stretch, worst_stretches
from vad.evaluation.results import Group, RecordingResult
from vad.evaluation.tables import COLUMNS, meaning, metric_columns, metric_rows, show, summary
from vad.formats import printable

STRETCHES = 8
BARS = 60  # recordings with a bar; the table has all
CARDS = ("deter", "miss", "false_alarm", "dcf", "roc_auc", "eer")


def to_html(evaluation: Evaluation) -> str:
    """The page."""
    whole, about = evaluation.whole, evaluation.about
    what = about.get("model", {}).get("name") or about.get("hypothesis") or "labels"
    thresholds = {name: about["settings"][name] for name in ("onset", "offset") if "settings" in about}
    legend = "; ".join(
        f"{head}: {METRICS[name].title}" for name, head in COLUMNS.items() if not METRICS[name].title.startswith(head)
    )
    sections = [
        _cards(whole),
        _notes(evaluation),
        _bars(whole),
        _stretches(whole, thresholds),
        _curves(whole, thresholds),
        render("section", title="All metrics", content=_table(metric_rows(whole), kind="words")),
        _groups(evaluation),
        render(
            "section",
            title="Each recording",
            content=[render("paragraph", text=legend), _table(metric_columns("recording", whole.each))],
        ),
        _settings(evaluation),
    ]
    script = read("report.js")
    return render(
        "page",
        title=f"How well {printable(str(what))} detects speech",
        style=read("report.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        about=_about(evaluation),
        sections=Html("\n".join(section for section in sections if section)),
    )


def _about(evaluation: Evaluation) -> Html:
    """What was evaluated."""
    about = evaluation.about
    kinds = [kind for kind in ("audio", "hypothesis") if kind in about]  # the summary names the reference
    places = Html(", ".join(render("place", kind=kind, path=about[kind]) for kind in kinds))
    return render("about", summary=summary(evaluation), places=places)


def _cards(whole: Group) -> Html:
    """The most important metrics."""
    cards = []
    for name in CARDS:
        value = whole.pooled[name]
        if math.isnan(value):
            continue
        low, high = whole.intervals.get(name, (math.nan, math.nan))
        interval = "" if math.isnan(low) else f"95 %: {show(name, low, False)} to {show(name, high, False)}"
        what = meaning(name, whole.settings.weights)
        cards.append(
            render("card", title=METRICS[name].title, value=show(name, value), interval=interval, meaning=what)
        )
    return render("cards", cards=cards)


def _notes(evaluation: Evaluation) -> Html:
    """Notes for the reader, and recordings that failed."""
    lines = [render("note", text=note) for note in evaluation.notes]
    lines += [render("problem", text=problem) for problem in evaluation.problems]
    return render("notes", notes=lines) if lines else Html()


def _bars(whole: Group) -> Html:
    """A bar per recording: the share of its time in error."""
    ordered = sorted((r for r in whole.recordings if r.seconds.sum()), key=lambda r: -_error_share(r))
    if len(ordered) < 2:
        return Html()
    longest = max(_error_share(r) for r in ordered) or 1.0
    bars = []
    for r in ordered[:BARS]:
        missed, alarmed = (100 * float(r.seconds[n] / r.seconds.sum()) for n in (1, 2))
        bars.append(
            render(
                "bar",
                name=r.name,
                missed=f"{missed:.1f}",
                alarmed=f"{alarmed:.1f}",
                missed_width=f"{missed / longest:.2f}",
                alarmed_width=f"{alarmed / longest:.2f}",
                errors=f"{100 * _error_share(r):.1f}",
            )
        )
    more = render("more_bars", shown=BARS, count=len(ordered)) if len(ordered) > BARS else Html()
    return render("bars", bars=bars, longest=f"{100 * longest:.0f}", more=more)


def _error_share(result: RecordingResult) -> float:
    """The share of the scored time in error."""
    return float(result.seconds[1:3].sum() / result.seconds.sum())


def _stretches(whole: Group, thresholds: dict[str, float]) -> Html:
    """Pictures of the stretches with the most errors."""
    found = worst_stretches(whole.recordings, STRETCHES, whole.settings.collar)
    if not found:
        return render("no_stretches")
    return render(
        "stretches",
        length=f"{LENGTH:g}",
        sound=render("sound_lane") if any(r.path for r in whole.recordings) else "",
        scores=render("score_lane") if any(r.scores is not None for r in whole.recordings) else "",
        thresholds=render("threshold_lines") if thresholds else "",
        player=render("player_note") if any(r.path for r in whole.recordings) else "",
        stretches=[_stretch(stretch, thresholds) for stretch in found],
    )


def _stretch(stretch: Stretch, thresholds: dict[str, float]) -> Html:
    missed, alarmed = (sum(s.duration for s in spans) for spans in (stretch.missed, stretch.alarms))
    errors = [f"{s:.1f} s {what}" for s, what in ((missed, "missed"), (alarmed, "false alarm")) if s >= 0.05]
    wave = read_wave(stretch)
    lanes = draw_lanes(stretch, wave, thresholds)
    return render(
        "stretch",
        name=stretch.recording.name,
        start=clock(stretch.start),
        end=clock(stretch.end),
        errors=", ".join(errors),
        player="" if wave is None else render("player", sound=sound_url(wave)),
        lanes=[render("lane", name=lane.name, height=lane.height, picture=Html(lane.picture)) for lane in lanes],
        ticks=[render("tick", at=f"{tick.at:.4f}", text=tick.text) for tick in ticks(stretch)],
    )


def _curves(whole: Group, thresholds: dict[str, float]) -> Html:
    """The results of other thresholds."""
    curve = whole.curve
    if curve is None:
        reason = "no recording has scores; give --audio and a detector in place of labels"
        if any(r.scores is not None for r in whole.recordings):
            reason = "the reference must hold both speech and other sound"
        return render("no_curves", reason=reason)
    point = (whole.pooled["false_alarm"], whole.pooled["miss"])
    weights = whole.settings.weights
    return render(
        "curves",
        roc=Html(curves.roc(curve, point)),
        det=Html(curves.det(curve, point)),
        thresholds=Html(curves.thresholds(curve, weights, thresholds)),
        miss_weight=f"{weights.miss:g}",
        false_alarm_weight=f"{weights.false_alarm:g}",
        dashed="; dashed, the thresholds in use" if thresholds else "",
    )


def _groups(evaluation: Evaluation) -> Html:
    if not evaluation.groups:
        return Html()
    return render("section", title="Groups", content=_table(metric_columns("group", evaluation.groups.items())))


def _settings(evaluation: Evaluation) -> Html:
    """How the recordings were evaluated."""
    about, settings = evaluation.about, evaluation.whole.settings
    lines = [
        f"Time within {settings.collar:g} s of a reference boundary is not scored."
        if settings.collar
        else "All time is scored, up to the boundaries.",
    ]
    if evaluation.whole.intervals:
        lines.append(
            f"Intervals hold 95 % of the values of {settings.resamples} draws of the recordings with replacement "
            f"(bootstrap, seed {settings.seed}): they tell how far other recordings of this kind could differ."
        )
    if "model" in about:
        chosen = [
            f"{k} {'no limit' if v in (None, math.inf) else f'{v:g}'}" for k, v in about.get("settings", {}).items()
        ]
        how = ", ".join(chosen) or "at its own defaults"
        lines.append(f"Model {about['model']['name']} {about['model']['version']}; {how}.")
    paragraphs = [render("paragraph", text=line) for line in lines]
    return render("section", title="How the recordings were evaluated", content=paragraphs)


def _table(content: list[list[str]], kind: str = "numbers") -> Html:
    """Rows as a table, the first one its head; in a table of the kind "words" the last column is text."""
    head, *body = content
    rows = [
        render("row", cells=[render("cell", head=name, text=cell) for name, cell in zip(head, row, strict=True)])
        for row in body
    ]
    return render("table", kind=kind, head=[render("head_cell", text=cell) for cell in head], rows=rows)
