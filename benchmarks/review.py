"""How soon `vad review` shows a recording, and how smoothly it scrolls, in Chromium without a graphics card."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile

RATE = 16_000
TALK = Path(__file__).parent.parent / "data" / "talk.flac"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
ZOOMS = {"20 s on the screen": 20.0, "5 min": 300.0, "1 h": 3600.0}
# Scroll on by a sixtieth of a third of the screen per frame; the times between frames, and of drawing, in ms.
SCROLL = """
async ([seconds, frames]) => {
  const { view, timeline } = review;
  view.set(view.duration / 3, view.width / seconds);
  await new Promise((done) => setTimeout(done, 1500));
  const [between, drawing] = [[], []];
  const paint = timeline.paint.bind(timeline);
  timeline.paint = () => { const begun = performance.now(); paint(); drawing.push(performance.now() - begun); };
  let last = await new Promise(requestAnimationFrame);
  for (let n = 0; n < frames; n++) {
    view.set(view.start + seconds / 180);
    const now = await new Promise(requestAnimationFrame);
    between.push(now - last);
    last = now;
  }
  delete timeline.paint;
  return [between, drawing];
}
"""


@click.command()
@click.option("--hours", type=float, multiple=True, default=(1.0, 10.0), show_default=True)
@click.option("--width", default=1280, show_default=True, help="Pixels of the window.")
@click.option("--frames", default=300, show_default=True)
@click.option("--picture", type=click.Path(path_type=Path), help="Also save a picture of the page here.")
def main(hours: tuple[float, ...], width: int, frames: int, picture: Path | None) -> None:
    """Measure the page of `vad review` with a recording of each length."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise click.ClickException("needs Chromium: apt install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for length in hours:
            path = _make(Path(folder), length)
            with _serving(path) as address:
                page = browser.new_page(viewport={"width": width, "height": width * 9 // 16})
                page.wait_for_timeout(3000)  # a new window of Chromium is busy with itself at first
                began = time.monotonic()
                page.goto(address)
                _until(page, "window.review?.recording?.tiles?.mel.kept.size > 0")
                first = time.monotonic() - began
                _until(page, "review.recording.about.complete && review.recording.detected !== undefined")
                whole = time.monotonic() - began
                print(f"{length:g} h: first picture after {first:.2f} s, read and scored after {whole:.1f} s")
                for name, seconds in ZOOMS.items():
                    _print(name, *page.evaluate(SCROLL, [seconds, frames]))
                if picture:
                    page.screenshot(path=picture)
                page.close()
        browser.close()


def _make(folder: Path, hours: float) -> Path:
    """A WAV file of the sample recording over and over."""
    samples, _ = soundfile.read(TALK, dtype="int16")
    path = folder / f"{hours:g}.wav"
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        for _ in range(round(hours * 3600 * RATE / len(samples))):
            file.write(samples)
    return path


@contextmanager
def _serving(path: Path) -> Iterator[str]:
    command = [str(Path(sys.executable).with_name("vad")), "review", str(path), "--no-open"]
    command += ["-o", str(path.with_suffix(".work")), "--cache", str(path.with_suffix(".cache"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        yield program.stdout.readline().strip()
        program.terminate()


def _until(page: Any, condition: str) -> None:
    while not page.evaluate(condition):
        page.wait_for_timeout(20)


def _print(name: str, between: list[float], drawing: list[float]) -> None:
    middle, high = np.percentile(between, [50, 95])
    draw, draw_high = np.percentile(drawing, [50, 95])
    print(
        f"  scrolling, {name:<20} between frames {middle:5.1f} ms (95 %: {high:5.1f}), "
        f"drawing {draw:4.1f} ms (95 %: {draw_high:4.1f})"
    )


if __name__ == "__main__":
    main()
