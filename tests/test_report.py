"""The report of `vad evaluate`: what the page holds, and how a browser shows it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from conftest import ENERGY, RATE, Write, bursts, invoke

LANES = 5  # sound, score, reference, hypothesis, errors


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def recordings(write_bursts: Write, tmp_path: Path) -> Path:
    """Three recordings in two folders; the labels of two are half right."""
    for name in ("a/x", "a/y", "b/a-recording-whose-name-is-longer-than-a-narrow-page-is-wide"):
        write_bursts(f"set/{name}.wav", (1, 2))
        (tmp_path / f"set/{name}.tsv").write_text("1\t2\n" if name == "a/x" else "0.5\t1.5\n")
    return tmp_path / "set"


@pytest.fixture
def report(recordings: Path, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    invoke("evaluate", "--audio", recordings, "--model", ENERGY, "--report", path, "--by", "folder")
    return path


def test_it_shows_curves_bars_and_the_worst_stretches(report: Path) -> None:
    text = report.read_text("utf-8")
    page = Page(text)
    assert not page.open
    assert page.tags.count("audio") == 2
    assert page.tags.count("svg") == 3 + 2 * LANES  # ROC, DET, thresholds; two stretches with errors
    assert page.tags.count("table") == 3
    assert text.count('class="bar"') == 3
    for words in ("a/y, 0:00 to 0:03", "missed", "AUC", "equal error rate", "bootstrap"):
        assert words in text


def test_the_sound_of_a_stretch_is_in_the_page(report: Path) -> None:
    (sound, _) = re.findall(r'src="data:audio/ogg;base64,([^"]*)"', report.read_text("utf-8"))
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound)))
    assert len(samples) / rate == pytest.approx(3, abs=0.05)
    level = [np.abs(samples[int(at * rate) : int((at + 0.5) * rate)]).max() for at in (0.25, 1.25, 2.25)]
    assert level[1] > 0.6 and level[0] < level[1] / 5 and level[2] < level[1] / 5


def test_the_sound_is_that_of_the_channel_that_is_measured(tmp_path: Path) -> None:
    first, second = bursts((0.2, 0.8), seconds=3), bursts((2.0, 2.8), seconds=3)
    soundfile.write(tmp_path / "call.wav", np.stack([first, second], axis=1), RATE)
    (tmp_path / "call.tsv").write_text("0.5\t1.5\n")
    page = tmp_path / "report.html"
    invoke("evaluate", "--audio", tmp_path, "--model", ENERGY, "--channel", 2, "--report", page)
    (sound,) = re.findall(r'src="data:audio/ogg;base64,([^"]*)"', page.read_text("utf-8"))
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound)))
    assert np.abs(samples[:rate]).max() < 0.1 and np.abs(samples[2 * rate :]).max() > 0.5


def test_it_needs_no_network_and_runs_no_script_but_its_own(report: Path) -> None:
    text = report.read_text("utf-8")
    page = Page(text)
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert not [a for a in page.attributes if a[0] == "href" or a[0].startswith("on")]
    assert all(str(value).startswith("data:audio/ogg;base64,") for name, value in page.attributes if name == "src")
    assert "url(" not in text
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; media-src data:;\nscript-src 'sha256-{allowed}'" in text


def test_names_stay_text(tmp_path: Path) -> None:
    name = "<script>alert('x')&"
    spans = [{"start": 1, "end": 2}]
    for which, file in (("reference", name), ("found", name), ("reference2", "b\"'><img src=x>")):
        (tmp_path / f"{which}.json").write_text(json.dumps({"file": file, "duration": 5, "segments": spans}))
    (tmp_path / "other.json").write_text(
        json.dumps({"file": "b\"'><img src=x>${title}", "duration": 5, "segments": [{"start": 3, "end": 4}]})
    )
    (tmp_path / "reference3.json").write_text((tmp_path / "other.json").read_text())
    for pair in (("reference", "found"), ("reference2", "reference2"), ("reference3", "other")):
        both = ("--reference", tmp_path / f"{pair[0]}.json", "--hypothesis", tmp_path / f"{pair[1]}.json")
        invoke("evaluate", *both, "--report", tmp_path / "report.html", "--force")
        text = (tmp_path / "report.html").read_text("utf-8")
        assert Page(text).tags.count("script") == 1 and "img" not in Page(text).tags
        assert "alert" not in text.partition("<script>")[2]
    assert "img src=x&gt;${title}" in text


@pytest.mark.parametrize("width", [400, 800, 1280, 1920])
def test_it_fits_the_window(browser: Any, report: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(report.as_uri())
    sizes = "e => [e.clientWidth, e.scrollWidth]"
    shown, needed = page.locator("html").evaluate(sizes)
    assert needed <= shown == width
    for table in page.locator(".wide").all():
        shown, needed = table.evaluate(sizes)
        assert needed <= shown
    for label in page.locator("svg text").all():
        size = label.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        a, b = label.evaluate("e => [e.getScreenCTM().a, e.getScreenCTM().b]")
        assert size * np.hypot(a, b) >= 9  # pixels
    page.close()


def test_a_click_into_a_picture_plays_from_there(browser: Any, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(report.as_uri())
    strip = page.locator(".strip").first
    page.wait_for_function("document.querySelector('audio').duration > 0")
    strip.click(position={"x": strip.bounding_box()["width"] / 2, "y": 10})
    page.wait_for_function("document.querySelector('audio').currentTime > 1.5")
    at = page.locator(".cursor").first.evaluate("e => [e.hidden, parseFloat(e.style.getPropertyValue('--at'))]")
    assert at[0] is False and 0.49 < at[1] <= 1
    assert not errors
    page.close()
