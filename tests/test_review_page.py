"""The page of `vad review` in a real browser: Chromium, driven by Playwright; skipped where there is none."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import soundfile
import uvicorn

from conftest import COMMAND, ENERGY, RATE, bursts
from vad.audio.decode import open_sound
from vad.formats import read_labels
from vad.live.loop import SoundReader
from vad.review.cache import Cache
from vad.review.project import Project
from vad.review.routes import make_app

CASES = ("show", "play", "drag", "edge", "sliders", "places", "snap", "tabs", "touch", "focus")
HOSTILE = '<img src=x onerror="document.title=1">&amp;.wav'


@dataclass
class Server:
    """A running `vad review`."""

    program: subprocess.Popen[str]
    address: str
    output: Path


@contextlib.contextmanager
def serving(*arguments: object, output: Path) -> Iterator[Server]:
    """`vad review` of recordings, ended by force: whatever it calls saved must be saved."""
    command = [COMMAND, "review", *map(str, arguments), "-o", output, "--cache", output.with_name("cache"), "--no-open"]
    with subprocess.Popen([*command, "--model", ENERGY], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        try:
            yield Server(program, program.stdout.readline().strip(), output)
        finally:
            program.kill()


def until(page: Any, condition: str) -> None:
    """Wait until an expression is true on the page; its policy lets no string be run by itself."""
    for _ in range(2400):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never came true: {condition}")


@contextlib.contextmanager
def shown(browser: Any, address: str, **how: Any) -> Iterator[Any]:
    """The page, once a recording and its scores are there; nothing may go wrong on it meanwhile."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, **how)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(address)
    until(page, "window.review?.recording?.detected !== undefined")
    yield page
    context.close()
    assert [e for e in errors if not e.startswith("Failed to load resource")] == []  # refusals are shown on the page


def make_recordings(folder: Path) -> None:
    """Two recordings, the first with labels that differ from what is loud."""
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "a.wav", bursts((1, 2), (4, 5), (7, 8), seconds=10), RATE)
    (folder / "a.txt").write_text("1.0\t2.0\n4.0\t5.5\n")
    soundfile.write(folder / "b.wav", bursts((1, 2), (3, 4), seconds=6), RATE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tests share, each with recordings of its own, and one recording with a hostile name."""
    folder = tmp_path_factory.mktemp("shared") / "sound"
    for case in CASES:
        make_recordings(folder / case)
    soundfile.write(folder / HOSTILE, bursts((1, 2), seconds=3), RATE)
    with serving(folder, output=folder.with_name("work")) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Recordings of one test."""
    make_recordings(tmp_path / "sound")
    return tmp_path / "sound"


def open_recording(page: Any, name: str) -> None:
    page.locator("#search").fill(name)
    page.locator("#recordings button").filter(has_text=name).first.click()
    page.locator("#search").fill("")
    page.locator("#stage").focus()
    until(page, f"review.recording.about?.name === {name!r} && review.recording.detected !== undefined")


def corrected(page: Any) -> list[list[float]]:
    """What the lane of corrections shows, once all is saved."""
    until(page, "review.recording.unsaved === 0")
    return page.evaluate("review.recording.model.lanes.yours")


def place(page: Any, seconds: float, lane: str = "yours") -> tuple[float, float]:
    """Where a time lies on the screen, in a lane."""
    x = page.evaluate(f"review.view.x({seconds})")
    box = page.evaluate(f"review.timeline.boxes()['{lane}']")
    stage = page.locator("#stage").bounding_box()
    return stage["x"] + x, stage["y"] + box["top"] + box["height"] / 2


def drag(page: Any, start: float, end: float, lane: str = "yours") -> None:
    page.mouse.move(*place(page, start, lane))
    page.mouse.down()
    page.mouse.move(*place(page, (start + end) / 2, lane))
    page.mouse.move(*place(page, end, lane))
    page.mouse.up()


def touch(page: Any, *paths: list[tuple[float, float]]) -> None:
    """Fingers that go down one after the other, move together along their paths, and leave."""
    session = page.context.new_cdp_session(page)
    points = [
        [{"x": path[n][0], "y": path[n][1], "id": i} for i, path in enumerate(paths)] for n in range(len(paths[0]))
    ]
    for count in range(1, len(paths) + 1):
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[0][:count]})
    for now in points[1:]:
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": now})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def between(start: tuple[float, float], end: tuple[float, float], steps: int = 6) -> list[tuple[float, float]]:
    return [tuple(a + (b - a) * n / steps for a, b in zip(start, end, strict=True)) for n in range(steps + 1)]


def test_it_shows_what_is_detected_and_how_labels_differ(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        open_recording(page, "show/a.wav")
        assert page.evaluate("review.recording.detected.length") == 3
        kinds = page.evaluate(
            "review.recording.model.lanes.differs.filter((d) => d.end - d.start > 0.05).map((d) => d.kind)"
        )
        assert kinds == ["miss", "alarm"]
        until(page, "review.recording.tiles.mel.kept.size > 0")
        until(  # colours: a picture, no empty ground
            page,
            "(() => { const c = document.getElementById('picture'), b = review.timeline.boxes().spectrogram;"
            "const d = c.getContext('2d').getImageData(0, b.top, c.width, b.height).data;"
            "return new Set(new Uint32Array(d.buffer)).size > 20 })()",
        )
        until(page, "document.querySelector('#metric-miss td').textContent.startsWith('19.')")


def test_it_plays_the_speech_and_the_cursor_follows(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        open_recording(page, "play/b.wav")
        page.locator("#mode").select_option("speech")
        page.locator("#speed").select_option("2")
        page.locator("#stage").focus()
        page.keyboard.press("Space")
        until(page, "review.recording.model.cursor > 3.1")  # after the pause
        page.evaluate("review.player.stop()")
        page.mouse.click(*place(page, 1.5))
        page.keyboard.press("Shift+Space")
        until(page, "!review.player.playing && Math.abs(review.recording.model.cursor - 2) < 0.2")


def test_the_keys_stay_with_the_timeline_when_the_mouse_is_used(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        open_recording(page, "focus/b.wav")
        page.locator("#speed").select_option("0.5")
        page.locator("#next-place").click()
        page.mouse.click(*place(page, 1.5))
        page.locator("#unsure").click()
        page.keyboard.press("Space")
        until(page, "review.player.playing")
        page.keyboard.press("Space")
        assert not page.evaluate("review.player.playing")
        assert page.evaluate("review.recording.correction.undo") == 1
        page.keyboard.press("/")
        page.keyboard.type("focus/a")
        page.keyboard.press("Enter")
        until(page, "review.recording.about?.name === 'focus/a.wav'")
        page.keyboard.press("Space")
        until(page, "review.player.playing")


def test_segments_are_dragged_drawn_split_merged_and_deleted_and_all_is_undone(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        open_recording(page, "drag/b.wav")
        before = corrected(page)
        drag(page, 2.0, 2.5)
        assert corrected(page)[0][1] == pytest.approx(2.5, abs=0.02)
        drag(page, 4.6, 5.4)
        assert corrected(page)[2] == pytest.approx([4.6, 5.4], abs=0.03)
        page.mouse.click(*place(page, 1.5))
        page.keyboard.press("s")
        assert len(corrected(page)) == 4
        page.keyboard.press("m")
        page.mouse.click(*place(page, 5.0))
        page.keyboard.press("Delete")
        assert len(corrected(page)) == 2 and corrected(page)[0][1] == pytest.approx(2.5, abs=0.02)
        page.keyboard.press("[")
        changed = corrected(page)
        steps = page.evaluate("review.recording.correction.undo")
        for _ in range(steps):
            page.keyboard.press("Control+z")
        until(page, "review.recording.correction.undo === 0")
        assert corrected(page) == before
        for _ in range(steps):
            page.keyboard.press("Control+Shift+Z")
        until(page, "review.recording.correction.redo === 0")
        assert corrected(page) == changed


def test_fingers_drag_edges_draw_and_zoom(browser: Any, server: Server) -> None:
    with shown(browser, server.address, has_touch=True) as page:
        open_recording(page, "touch/b.wav")
        grip = page.evaluate("10 / review.view.scale")  # beside the edge: a finger is no needle
        touch(page, between(place(page, 2.0 + grip), place(page, 2.5 + grip)))
        until(page, "review.recording.correction.undo === 1")
        assert corrected(page)[0][1] == pytest.approx(2.5, abs=0.01)
        touch(page, between(place(page, 4.6), place(page, 5.4)))
        until(page, "review.recording.correction.undo === 2")
        assert corrected(page)[2] == pytest.approx([4.6, 5.4], abs=0.01)
        page.touchscreen.tap(*place(page, 1.5))
        until(page, "review.model.selected !== null")
        assert page.evaluate("review.model.selected[0]") == pytest.approx(corrected(page)[0][0])
        before, scale = corrected(page), page.evaluate("review.view.scale")
        touch(page, between(place(page, 2.8), place(page, 2.0)), between(place(page, 4.2), place(page, 5.0)))
        until(page, f"Math.abs(review.view.scale / {scale * 3 / 1.4} - 1) < 0.02")
        assert page.evaluate("(review.view.start + review.view.end) / 2") == pytest.approx(3.5, abs=0.6)
        here = page.evaluate("review.view.start")
        touch(page, between(place(page, 3.8), place(page, 3.5)), between(place(page, 4.2), place(page, 3.9)))
        until(page, f"Math.abs(review.view.start - {here + 0.3}) < 0.03")
        touch(page, between(place(page, 3.9, "ruler"), place(page, 3.7, "ruler")))
        until(page, f"Math.abs(review.view.start - {here + 0.5}) < 0.03")
        assert corrected(page) == before and page.evaluate("review.model.selection") is None


def test_an_edge_does_not_pass_its_neighbour(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        open_recording(page, "edge/b.wav")
        second = corrected(page)[1][0]
        drag(page, 2.0, 3.8)
        assert corrected(page)[0][1] == second


def test_sliders_change_segments_metrics_and_the_command(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        open_recording(page, "sliders/a.wav")
        page.locator("#set-min_silence").fill("2.5")
        until(page, "review.recording.detected.length === 1")
        until(page, "document.getElementById('command').textContent === 'vad detect --min-silence 2.5'")
        until(page, "document.querySelector('#metric-false_alarm td').textContent.startsWith('6')")
        page.locator("#preset").select_option("asr")
        until(page, "review.recording.detected.length === 3")


def test_corrections_survive_a_kill_and_a_reload(browser: Any, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "work"
    with serving(folder, output=output) as first, shown(browser, first.address) as page:
        open_recording(page, "a.wav")
        page.keyboard.press("n")
        page.keyboard.press("t")
        drag(page, 2.0, 2.2)
        kept = corrected(page)
        until(page, "document.getElementById('saved').textContent === 'saved'")
        first.program.kill()
    with serving(folder, output=output) as second, shown(browser, second.address) as page:
        open_recording(page, "a.wav")
        assert corrected(page) == kept
        assert page.evaluate("review.recording.correction.undo") == 2
        page.reload()
        until(page, "window.review?.recording?.detected !== undefined")
        assert page.evaluate("review.recording.about.name") == "a.wav"
        assert corrected(page) == kept
    assert [list(s) for s in read_labels(output / "labels" / "a.txt")[0].segments] == kept
    assert (folder / "a.txt").read_text() == "1.0\t2.0\n4.0\t5.5\n"


def test_places_are_taken_toggled_and_left_out(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        open_recording(page, "places/a.wav")
        assert corrected(page) == [[1, 2], [4, 5.5]]
        page.evaluate("review.navigation.go(3)")
        page.keyboard.press("n")
        assert page.evaluate("review.recording.model.selection") == pytest.approx([5, 5.5], abs=0.02)  # the miss
        page.keyboard.press("a")
        assert corrected(page)[1] == pytest.approx([4, 5], abs=0.02)
        page.keyboard.press("n")
        assert page.evaluate("review.recording.model.selection") == pytest.approx([7, 8], abs=0.02)  # the false alarm
        page.keyboard.press("t")
        assert corrected(page)[2] == pytest.approx([7, 8], abs=0.02)
        page.keyboard.press("t")
        assert len(corrected(page)) == 2
        page.keyboard.press("u")
        corrected(page)
    unsure = next(d for d in read_labels(server.output / "scored.uem") if d.recording == "places/a").segments
    assert unsure[0] == pytest.approx((0, 7), abs=0.02) and unsure[1] == pytest.approx((8, 10), abs=0.02)


def test_edges_snap_to_where_the_score_turns(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        open_recording(page, "snap/b.wav")
        page.evaluate("review.view.set(0, 400)")  # near enough for single scores
        until(page, "review.recording.tiles.scores.kept.has('0/0')")
        assert page.evaluate("review.editing.snapped(1.05)") == 1.05
        page.keyboard.press("g")
        snapped = page.evaluate("review.editing.snapped(1.05)")
        score = page.evaluate("[...review.recording.tiles.scores.kept.get('0/0').data].filter((_, n) => n % 2)")
        frame = round(snapped * 100)
        assert (score[frame] - score[frame - 1]) * (score[frame + 1] - score[frame]) <= 0


def test_what_cannot_be_read_says_why(browser: Any, folder: Path, tmp_path: Path) -> None:
    (folder / "broken.flac").write_bytes(b"no sound")
    with serving(folder, output=tmp_path / "work") as server, shown(browser, server.address) as page:
        page.locator("#search").fill("broken")
        page.keyboard.press("Enter")
        until(page, "document.getElementById('problem').textContent.includes('cannot be read')")
        assert page.locator("#problem").is_visible() and page.locator("#done").is_disabled()
        for key in "ntaismu[]dzf":  # nothing is there to change
            page.keyboard.press(key)
        open_recording(page, "b.wav")
        assert not page.locator("#problem").is_visible()
        page.keyboard.press("Control+z")
        until(page, "document.getElementById('message').textContent === 'nothing is left to undo'")


def test_a_small_window_shows_the_list_or_the_settings(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        page.set_viewport_size({"width": 820, "height": 600})
        until(page, "document.body.className.includes('no-list') && document.body.className.includes('no-settings')")
        page.locator("#toggle-list").click()
        page.locator("#toggle-settings").click()
        assert page.locator("#settings").is_visible() and not page.locator("#list").is_visible()
        page.set_viewport_size({"width": 1280, "height": 800})
        until(page, "!document.body.className.includes('no-list')")


def test_a_long_list_makes_the_rows_that_are_seen(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        page.evaluate(
            "(() => { const { list } = review; const row = [...list.rows.values()][0];"
            "for (let n = 0; n < 5000; n++) list.rows.set(`x${n}`, { ...row, id: `x${n}`, name: `extra ${n}` });"
            "list.show(); })()"
        )
        page.locator("#order").select_option("name")
        assert page.locator("#recordings li").count() < 60
        page.locator(".scrolling").evaluate("(list) => (list.scrollTop = list.scrollHeight)")
        until(page, "document.querySelector('#recordings li:last-child').ariaPosInSet > 4900")
        page.locator("#recordings button").last.focus()
        page.keyboard.press("Home")
        until(page, "document.activeElement.closest('li')?.ariaPosInSet === '1'")
        page.keyboard.press("ArrowDown")
        until(page, "document.activeElement.closest('li')?.ariaPosInSet === '2'")


def test_two_tabs_do_not_overwrite_each_other(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as one:
        open_recording(one, "tabs/b.wav")
        other = one.context.new_page()
        other.goto(server.address)
        until(other, "window.review?.recording?.detected !== undefined")
        open_recording(other, "tabs/b.wav")
        drag(one, 2.0, 2.5)
        kept = corrected(one)
        drag(other, 4.6, 5.4)
        until(other, "document.getElementById('message').textContent.includes('another tab')")
        until(other, f"JSON.stringify(review.recording.model.lanes.yours) === '{str(kept).replace(' ', '')}'")
        until(other, "document.getElementById('saved').textContent === 'saved'")
        drag(other, 4.6, 5.4)
        assert len(corrected(other)) == 3


def test_names_with_markup_are_text_and_strangers_see_nothing(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        open_recording(page, HOSTILE)
        assert page.locator("#name").inner_text() == HOSTILE
        assert page.locator("#recordings img").count() == 0
        assert page.title() != "1"
    context = browser.new_context()
    stranger = context.new_page()
    assert stranger.goto(server.address.partition("?")[0]).status == 403
    assert "recordings" not in stranger.content()
    context.close()


def test_times_carry_into_minutes_and_hours(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        asked = [(59.7, 0), (119.5, 0), (3599.99, 1), (59.94, 1), (7325.25, 2), (0, 0)]
        load = "const { clock } = await import('/page/view.js')"
        clocks = page.evaluate(f"async (asked) => {{ {load}; return asked.map((one) => clock(...one)); }}", asked)
        assert clocks == ["1:00", "2:00", "1:00:00.0", "0:59.9", "2:02:05.25", "0:00"]


def test_everything_has_a_name_and_a_key(browser: Any, server: Server) -> None:
    with shown(browser, server.address) as page:
        page.locator("#stage").focus()
        page.keyboard.press("?")
        assert page.locator("#help").is_visible() and page.locator("#keys dt").count() > 30
        page.keyboard.press("Escape")
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, input, select')].filter((e) => !(e.textContent.trim()"
            " || e.getAttribute('aria-label') || e.labels?.length)).map((e) => e.id)"
        )
        assert nameless == []
        known = page.evaluate(
            "import('/page/keys.js').then(({ KEYS }) => KEYS.flatMap(([, rows]) => rows.map(([, action]) => action))"
            ".filter((action) => !review.does(action)))"
        )
        assert known == []
        page.keyboard.press("d")  # done, and on to the next
        until(page, "[...review.list.rows.values()].some((row) => row.state === 'done')")


@pytest.fixture
def listening(folder: Path, tmp_path: Path, talk: Path) -> Iterator[str]:
    """The address of a page whose microphone is a file, at the pace of its sound."""
    project = Project([str(folder)], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        app = make_app(
            project,
            "token",
            frozenset([f"127.0.0.1:{port}"]),
            port,
            lambda device, rate: SoundReader(open_sound(talk), realtime=True),
        )
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{port}/?token=token"
        server.should_exit = True
        thread.join()
    project.close()


def test_the_microphone_is_seen_and_what_was_said_can_be_corrected(browser: Any, listening: str) -> None:
    with shown(browser, listening) as page:
        page.locator("#open-live").click()
        page.locator("#live-start").click()
        until(page, "document.getElementById('live-state').textContent === 'speech'")
        until(page, "document.getElementById('live-clock').textContent > '0:01.5'")
        until(page, "review.live.scores.filter((score) => score !== undefined).length > 80")
        page.locator("#live-stop").click()
        until(page, "review.recording.about?.name.startsWith('live/') && review.recording.detected?.length > 0")
        assert not page.locator("#live").is_visible()
        before = len(corrected(page))
        page.evaluate("review.select([0.01, 0.2])")
        page.keyboard.press("i")
        assert corrected(page)[0][0] <= 0.01 and len(corrected(page)) >= before


def test_nothing_is_taught_before_something_is_done(browser: Any, folder: Path, tmp_path: Path) -> None:
    soundfile.write(folder / "c.wav", bursts((1, 2), seconds=3), RATE)
    with serving(folder, output=tmp_path / "work") as server, shown(browser, server.address) as page:
        page.locator("#open-teach").click()
        until(page, "document.getElementById('teach-done').textContent === '0 recordings are done'")
        assert page.locator("#teach-start").is_disabled()
        page.keyboard.press("Escape")
        for done in (1, 2):
            page.locator("#done").click()
            until(page, f"[...review.list.rows.values()].filter((row) => row.state === 'done').length === {done}")
            until(page, "review.recording.correction?.state === 'unseen' && review.recording.detected !== undefined")
        page.locator("#open-teach").click()
        until(page, "document.getElementById('teach-done').textContent === '2 recordings are done'")
        assert page.locator("#teach-start").is_enabled()


def test_the_verdict_of_a_training_is_shown(browser: Any, server: Server) -> None:
    verdict = {
        "before": {"dcf": 0.08, "miss": 0.1, "false_alarm": 0.02, "deter": 0.12},
        "after": {"dcf": 0.062, "miss": 0.07, "false_alarm": 0.03, "deter": 0.1},
        "general": [0.0, 0.004],
        **{"recordings": 6, "minutes": 9.5, "gain": 0.018, "low": 0.006, "high": 0.03, "better": True},
    }
    worse = {**verdict, "gain": -0.004, "low": -0.01, "high": 0.002, "better": False}
    with shown(browser, server.address) as page:
        page.evaluate("document.getElementById('teach').showModal()")
        status = {"done": 6, "running": False, "step": 100, "steps": 100, "lines": ["x"], "error": "", "model": "m"}
        page.evaluate("(status) => review.teach.show(status)", {**status, "verdict": verdict})
        text = page.locator("#teach-summary").inner_text()
        assert text.startswith("The new model is better by 1.8 points of detection cost (95 %: 0.6 to 3.0)")
        assert page.locator("#teach-metrics tbody tr").last.inner_text().split("\t")[1:] == ["0.0 %", "0.4 %"]
        page.evaluate("(status) => review.teach.show(status)", {**status, "verdict": worse})
        assert page.locator("#teach-summary").inner_text().startswith("The new model is not better: a gain of -0.4")
        assert page.locator("#teach-use").inner_text() == "Use the new model all the same"


def test_ten_hours_are_shown_at_once_and_anywhere(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    hours, second = 10, bursts((0.2, 0.7), seconds=1)
    data = (second * 32767).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(data * 60)
    with path.open("r+b") as file:  # a hole on the disk, which reads as silence
        size = hours * 3600 * RATE * 2
        file.truncate(44 + size)
        for at, value in ((4, 36 + size), (40, size)):
            file.seek(at)
            file.write(int(value).to_bytes(4, "little"))
        file.seek(44 + 300 * RATE * 2)
        file.write(data * 10)
    with serving(path, output=tmp_path / "work") as server:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.goto(server.address)
        until(page, "window.review?.recording?.tiles?.mel.kept.size > 0")
        assert not page.evaluate("review.recording.about.complete")  # the beginning is shown while the rest is read
        until(page, "review.recording.about.read > 310")
        page.evaluate("review.view.set(300, 400)")
        until(page, "review.recording.tiles.peaks.kept.has(`0/${Math.floor(301 * 400 / 1024)}`)")
        tile = page.evaluate("[...review.recording.tiles.peaks.kept.get(`0/${Math.floor(301 * 400 / 1024)}`).data]")
        assert max(tile) > 100
        page.evaluate("review.view.set(0, 0)")  # all of it
        assert page.evaluate("review.view.end") >= 36_000 - 1
        context.close()
