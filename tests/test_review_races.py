"""The page of `vad review` where answers are late, lost or in another order, and people faster than the server."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_review_page import (
    Server,
    corrected,
    drag,
    folder,
    listening,
    make_recordings,
    open_recording,
    place,
    serving,
    shown,
    until,
)

__all__ = ["folder", "listening"]  # fixtures

CASES = (
    *("late", "lost", "twice", "back", "early", "refused", "away", "poll", "order", "open", "unload"),
    *("before", "edge", "hole", "undo"),
)
CHANGE = "**/change"
DETAIL = "**/api/recordings/*"
SEGMENTS = "**/segments"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tests share, each with recordings of its own."""
    home = tmp_path_factory.mktemp("races") / "sound"
    for case in CASES:
        make_recordings(home / case)
    (home / "broken.flac").write_bytes(b"no sound")
    with serving(home, output=home.with_name("work")) as started:
        yield started


@contextlib.contextmanager
def held(page: Any, address: str, answered: bool = False) -> Iterator[list[Callable[[], None]]]:
    """What is asked for at an address waits to the end of the block, before the server has `answered` or after that."""
    waiting: list[Callable[[], None]] = []
    over = False

    def hold(route: Any) -> None:
        if over:
            route.continue_()
        elif answered:
            answer = route.fetch()
            waiting.append(lambda: route.fulfill(response=answer))
        else:
            waiting.append(route.continue_)

    page.route(address, hold)
    yield waiting
    over = True
    for go_on in waiting:
        go_on()


def some(page: Any, waiting: list[Any], count: int = 1) -> None:
    """Wait until so many are held."""
    for _ in range(6000):
        if len(waiting) >= count:
            return
        page.wait_for_timeout(10)
    raise AssertionError("nothing was asked for")


def numbered(page: Any, address: str, answer: Callable[[Any, int], None]) -> None:
    """Have `answer` answer what is asked for at an address: each route with its number, counted from 1."""
    numbers = itertools.count(1)
    page.route(address, lambda route: answer(route, next(numbers)))


def begin_to_open(page: Any, name: str) -> None:
    """As a click in the list, without waiting for anything."""
    page.evaluate(f"void review.recordings.open({row(name)}.id)")


def kept(page: Any) -> list[list[float]]:
    """The corrections that the server has."""
    return page.evaluate("fetch(review.recording.address).then((r) => r.json()).then((r) => r.correction.speech)")


def row(name: str) -> str:
    """The row of a recording in the list of the page."""
    return f"[...review.list.rows.values()].find((row) => row.name === {name!r})"


def text(page: Any, name: str) -> str:
    return page.locator(f"#{name}").text_content()


class TestChanges:
    def test_an_answer_from_before_a_change_takes_nothing_back(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "late/b.wav")
            with page.expect_response(DETAIL), held(page, DETAIL, answered=True) as asked:
                page.evaluate("void review.recording.refresh()")
                some(page, asked)
                drag(page, 2.2, 2.6)
                made = corrected(page)
                assert len(made) == 3
            page.wait_for_timeout(50)
            assert corrected(page) == made
            drag(page, 4.5, 5)
            assert len(corrected(page)) == 4
            assert text(page, "saved") == "saved"

    def test_what_the_server_did_not_hear_is_said_again(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "lost/b.wav")
            failed: list[Any] = []
            page.route(CHANGE, lambda route: (failed.append(route), route.abort()))
            drag(page, 4.5, 5.0)
            some(page, failed)
            until(page, "document.getElementById('message').textContent.includes('does not answer')")
            drag(page, 5.3, 5.6)
            page.wait_for_timeout(50)
            assert text(page, "saved") == "saving …"
            page.unroute(CHANGE)
            drag(page, 2.3, 2.7)
            until(page, "document.getElementById('saved').textContent === 'saved'")
            assert corrected(page) == kept(page) and len(corrected(page)) == 5

    def test_a_change_whose_answer_is_lost_is_made_once(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "twice/b.wav")
            lost: list[Any] = []

            def lose(route: Any) -> None:
                lost.append(route.fetch())
                if len(lost) in (1, 3):
                    route.abort()
                else:
                    route.fulfill(response=lost[-1])

            page.route(CHANGE, lose)
            drag(page, 4.5, 5.0)
            drag(page, 5.3, 5.6)
            some(page, lost, 5)  # begin and the first change twice
            until(page, "document.getElementById('saved').textContent === 'saved'")
            page.unroute(CHANGE)
            assert corrected(page) == kept(page) and len(corrected(page)) == 4
            assert page.evaluate("review.recording.correction.undo") == 2

    def test_the_page_goes_on_with_a_server_that_was_started_again(
        self, browser: Any, folder: Path, tmp_path: Path
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        output = tmp_path / "work"
        with serving(folder, "--port", port, output=output) as first, shown(browser, first.address) as page:
            open_recording(page, "b.wav")
            drag(page, 4.5, 5.0)
            corrected(page)
            first.program.kill()
            first.program.wait()
            drag(page, 5.3, 5.6)
            until(page, "document.getElementById('message').textContent.includes('does not answer')")
            with serving(folder, "--port", port, output=output) as second:
                until(page, "document.getElementById('message').textContent.includes('the token')")
                assert text(page, "saved") == "saving …"
                page.context.new_page().goto(second.address)
                until(page, "document.getElementById('saved').textContent === 'saved'")
                assert len(corrected(page)) == 4 and corrected(page) == kept(page)
                until(page, f"{row('b.wav')}.unsure !== null")
                page.evaluate("review.recording.setState('done')")
                until(page, f"{row('b.wav')}.state === 'done'")

    def test_who_comes_back_sees_what_was_still_on_its_way(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "back/b.wav")
            with held(page, CHANGE) as changes:
                drag(page, 4.5, 5.0)
                some(page, changes)
                begin_to_open(page, "back/a.wav")
                until(page, "review.recording.about?.name === 'back/a.wav'")
                begin_to_open(page, "back/b.wav")
                page.wait_for_timeout(50)
            until(page, "review.recording.about?.name === 'back/b.wav' && review.recording.detected !== undefined")
            until(page, "review.recording.correction.undo === 1")
            drag(page, 5.3, 5.6)
            assert len(corrected(page)) == 4 and corrected(page) == kept(page)

    def test_nothing_is_done_before_it_is_known_what_was_detected(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            with held(page, SEGMENTS) as asked:
                begin_to_open(page, "early/b.wav")
                some(page, asked)
                page.locator("#stage").focus()
                page.keyboard.press("d")
                drag(page, 4.5, 5.0)
                page.wait_for_timeout(50)
            until(page, "review.recording.detected?.length === 2")
            assert page.evaluate("review.recording.about.name") == "early/b.wav"
            assert corrected(page) == page.evaluate("review.recording.detected") and kept(page) == []
            page.keyboard.press("d")
            until(page, f"{row('early/b.wav')}.state === 'done'")

    def test_where_done_is_refused_the_page_stays_and_says_so(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "refused/b.wav")
            page.evaluate(
                "fetch(`${review.recording.address}/change`, { method: 'POST',"
                " body: JSON.stringify({ kind: 'begin', version: 0, segments: [[1, 2]] }) })"
            )
            page.keyboard.press("d")
            until(page, "document.getElementById('message').textContent.includes('another tab')")
            assert corrected(page) == [[1, 2]]
            assert page.evaluate("review.recording.about.name") == "refused/b.wav"
            assert "another tab" in text(page, "message")

    def test_who_went_elsewhere_is_not_fetched_back_by_done(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "away/b.wav")
            with held(page, CHANGE) as changes:
                page.keyboard.press("d")
                some(page, changes)
                open_recording(page, "away/a.wav")
            until(page, f"{row('away/b.wav')}.state === 'done'")
            page.wait_for_timeout(50)
            assert page.evaluate("review.recording.about?.name") == "away/a.wav"

    def test_saved_is_what_is_saved_when_it_was_opened_too(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            with held(page, "**/tiles/peaks/**") as tiles, held(page, CHANGE) as changes:
                begin_to_open(page, "open/a.wav")
                until(page, "review.recording.about?.name === 'open/a.wav'")
                some(page, tiles)
                drag(page, 2.5, 3.0)
                some(page, changes)
                tiles.pop(0)()
                until(page, "review.recording.detected !== undefined")
                assert text(page, "saved") == "saving …"
            until(page, "document.getElementById('saved').textContent === 'saved'")

    def test_the_page_is_not_left_unasked_while_it_saves(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "unload/b.wav")
            asked: list[str] = []
            page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
            with held(page, CHANGE) as changes:
                drag(page, 4.5, 5.0)
                some(page, changes)
                open_recording(page, "unload/a.wav")
                page.evaluate("void setTimeout(() => location.reload())")
                some(page, asked)
            open_recording(page, "unload/b.wav")
            assert len(corrected(page)) == 3 and asked == ["beforeunload"]
            page.reload()
            assert asked == ["beforeunload"]

    def test_an_edge_follows_the_pointer_while_answers_come(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "edge/b.wav")
            page.mouse.move(*place(page, 2.0))
            page.mouse.down()
            page.mouse.move(*place(page, 2.2))
            page.evaluate("review.recording.refresh()")
            page.mouse.move(*place(page, 2.4))
            page.evaluate("review.recording.refresh()")
            assert page.evaluate("review.model.lanes.yours[0][1]") == pytest.approx(2.4, abs=0.02)
            page.mouse.up()
            assert corrected(page)[0][1] == pytest.approx(2.4, abs=0.02)

    def test_what_is_undone_is_seen_at_once_and_can_be_changed(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "undo/b.wav")
            before = corrected(page)
            drag(page, 2.0, 2.5)
            after = corrected(page)
            with held(page, CHANGE) as changes:
                page.keyboard.press("Control+z")
                some(page, changes)
                assert page.evaluate("review.model.lanes.yours") == before
                page.keyboard.press("Control+Shift+Z")
                assert page.evaluate("review.model.lanes.yours") == after
                page.keyboard.press("Control+z")
                drag(page, 2.0, 2.3)
            assert corrected(page)[0][1] == pytest.approx(2.3, abs=0.02) and corrected(page) == kept(page)
            page.reload()  # the page has made none of these
            until(page, "window.review?.recording?.detected !== undefined")
            drag(page, 4.5, 5.0)
            for key, counts in (("z", (1, 1)), ("z", (0, 2)), ("Shift+Z", (1, 1)), ("Shift+Z", (2, 0))):
                page.keyboard.press(f"Control+{key}")
                assert corrected(page) == kept(page)
                assert page.evaluate("[review.recording.correction.undo, review.recording.correction.redo]") == [
                    *counts
                ]


class TestPictures:
    def test_what_is_read_is_asked_for_until_it_is_there(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:

            def answer(route: Any, number: int) -> None:
                if number in {1, 3}:  # the opening, and a look at what is still read
                    route.abort()
                elif number == 2:
                    answer = route.fetch()
                    route.fulfill(response=answer, json={**answer.json(), "complete": False})
                else:
                    route.continue_()

            numbered(page, DETAIL, answer)
            begin_to_open(page, "poll/b.wav")
            until(page, "review.recording.about?.complete && review.recording.detected !== undefined")
            assert text(page, "name") == "poll/b.wav" and text(page, "progress") == ""

    def test_a_piece_that_could_not_be_had_comes_later(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            failed: list[Any] = []
            page.route("**/tiles/mel/0/0", lambda route: (failed.append(route), route.abort()))
            begin_to_open(page, "hole/b.wav")
            some(page, failed)
            page.unroute("**/tiles/mel/0/0")
            until(page, "review.recording.tiles?.mel.kept.has('0/0')")

    def test_nothing_of_the_recording_before_is_shown(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "before/a.wav")
            drag(page, 2.5, 3.0)
            corrected(page)
            until(page, "document.querySelector('#metric-deter td').textContent !== '\\u2013'")
            with held(page, DETAIL) as asked:
                begin_to_open(page, "before/b.wav")
                some(page, asked)
                assert text(page, "name") == "before/b.wav"
                assert [text(page, name) for name in ("saved", "facts", "places")] == ["", "", ""]
                assert page.locator("#metric-deter td").first.text_content() == "\u2013"
            until(page, "review.recording.detected !== undefined")


class TestList:
    def test_an_older_answer_does_not_replace_a_newer_one(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            open_recording(page, "order/b.wav")
            with held(page, "**/api/recordings?since=0", answered=True) as lists:
                page.evaluate("(review.list.revision = 0, void review.list.update())")
                some(page, lists)
                drag(page, 4.5, 5.0)
                corrected(page)
                page.evaluate("(review.list.revision = 1, review.list.update())")
                until(page, f"{row('order/b.wav')}.state === 'corrected'")
            page.wait_for_timeout(50)
            assert page.evaluate(f"{row('order/b.wav')}.state") == "corrected"


class TestPanels:
    def test_a_microphone_that_opens_too_late_is_closed(self, browser: Any, listening: str) -> None:
        with shown(browser, listening) as page:
            page.locator("#open-live").click()
            with held(page, "**/api/live/start") as starts:
                page.locator("#live-start").click()
                some(page, starts)
                page.keyboard.press("Escape")
            until(page, "review.live.running !== undefined")
            assert not page.evaluate("review.live.running")
            until(page, "fetch('/api/live').then((r) => r.json()).then((status) => !status.running)")

    def test_an_answer_about_the_microphone_before_is_of_no_use(self, browser: Any, listening: str) -> None:
        with shown(browser, listening) as page:
            page.locator("#open-live").click()
            page.locator("#live-start").click()
            until(page, "review.live.columns?.length > 20")
            with held(page, "**/api/live?since=0&*", answered=True) as looks:
                page.evaluate("review.live.next = 0")
                some(page, looks)
                page.locator("#live-stop").click()
                until(page, "review.recording.about?.name.startsWith('live/')")
                page.locator("#open-live").click()
                page.locator("#live-start").click()
                until(page, "review.live.running && review.live.columns.length === 0")
                some(page, looks, 2)
            until(page, "review.live.columns.length > 0")
            page.wait_for_timeout(50)
            assert page.evaluate("review.live.first") >= 0
            page.locator("#live-stop").click()
            until(page, "!document.getElementById('live').open")

    def test_the_panel_stays_where_the_new_model_is_refused(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:
            page.locator("#open-teach").click()
            page.evaluate("review.teach.use(false)")
            assert page.locator("#teach").is_visible() and "no model" in text(page, "teach-error")

    def test_a_training_is_followed_though_an_answer_is_lost(self, browser: Any, server: Server) -> None:
        with shown(browser, server.address) as page:

            def answer(route: Any, number: int) -> None:
                if number == 2:
                    route.abort()
                else:
                    route.fulfill(json={"done": 2, "running": number == 1, "step": 30, "steps": 100})

            numbered(page, "**/api/teach", answer)
            page.locator("#open-teach").click()
            until(page, "document.getElementById('open-teach').textContent === 'Teaching 30 %'")
            until(page, "document.getElementById('open-teach').textContent === 'Teach'")
