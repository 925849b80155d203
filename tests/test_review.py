"""`vad review`, without a browser: pictures, journal, corrections, and who may ask the server for what."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from conftest import COMMAND, ENERGY, RATE, all_files_closed, bursts, invoke, wait
from vad import Detector
from vad.audio.sound import Sound
from vad.errors import AudioError, FormatError, SettingError
from vad.features import LogMel
from vad.formats import FORMATS, read_labels
from vad.labels.matching import match, read_uem
from vad.review import label_files, server, worker
from vad.review.cache import Cache
from vad.review.corrections import Conflict, Correction
from vad.review.journal import Journal
from vad.review.label_files import write_all, write_uem
from vad.review.project import Project
from vad.review.pyramid import FACTOR, LEVELS, TILE, Layer, is_whole
from vad.review.recordings import Library, Recording, doubts, to_segments
from vad.review.routes import make_app
from vad.review.score_files import ScoreFiles
from vad.scores import Scores
from vad.segments import Segment

TOKEN = "a-token-of-the-test"
HOST = "127.0.0.1:8000"
MANY = 3 * TILE


@pytest.fixture(autouse=True)
def no_head_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser wants its first picture before the scores."""
    monkeypatch.setattr(worker, "HEAD_START", 0.0)


@pytest.fixture
def folder(write_bursts: Callable[..., Path], tmp_path: Path) -> Path:
    """Two recordings, one with labels beside it, and one with a hostile name in a folder."""
    write_bursts("sound/a.wav", (0.5, 1.5), (2.0, 2.5))
    write_bursts("sound/b.wav", (1.0, 2.0))
    write_bursts("sound/deep/<img src=x onerror=alert(1)>.wav", (1.0, 2.0))
    (tmp_path / "sound/a.txt").write_text("0.5\t1.5\n")
    return tmp_path / "sound"


@pytest.fixture
def project(folder: Path, tmp_path: Path) -> Iterator[Project]:
    made = Project([str(folder)], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
    yield made
    made.close()


@pytest.fixture
def client(project: Project) -> TestClient:
    """The page of `project`, for whoever has come with the token."""
    return opened(project)


def opened(project: Project) -> TestClient:
    client = TestClient(
        make_app(project, TOKEN, frozenset([HOST]), 8000),
        base_url=f"http://{HOST}",
        headers={"origin": f"http://{HOST}"},
        follow_redirects=False,
    )
    client.get("/", params={"token": TOKEN})
    return client


def named(client: TestClient, name: str) -> str:
    """The address of a recording, once it has its scores and pictures."""
    for _ in range(2400):
        row = next(r for r in client.get("/api/recordings").json()["recordings"] if r["name"] == name)
        about = client.get(f"/api/recordings/{row['id']}?open").json()
        if about["error"] or (about["complete"] and about["unsure"] is not None):
            return f"/api/recordings/{row['id']}"
        time.sleep(0.05)
    raise AssertionError(f"{name} is not read")


class TestPictures:
    @given(st.lists(st.integers(0, 3000), max_size=6), st.integers(0, 2**32 - 1))
    def test_every_level_holds_the_largest_of_its_items_however_they_arrive(self, sizes: list[int], seed: int) -> None:
        import tempfile

        rng = np.random.default_rng(seed)
        pieces = [rng.integers(0, 256, (size, 2), np.uint8) for size in sizes]
        items = np.concatenate([np.empty((0, 2), np.uint8), *pieces])
        with tempfile.TemporaryDirectory() as folder:
            layer = Layer(Path(folder), "x", 2)
            for piece in pieces:
                layer.push(piece)
            layer.finish()
            for level in range(LEVELS):
                step = FACTOR**level
                wanted = [items[at : at + step].max(0) for at in range(0, len(items), step)]
                held = b"".join(layer.read(level, tile) for tile in range(-(-layer.counts[level] // TILE)))
                assert np.array_equal(np.frombuffer(held, np.uint8).reshape(-1, 2), np.array(wanted).reshape(-1, 2))

    def test_what_is_read_can_be_shown_before_the_end(self, tmp_path: Path) -> None:
        layer = Layer(tmp_path, "x", 1)
        layer.push(np.arange(200, dtype=np.uint8)[:, None])
        assert layer.read(0, 0) == bytes(range(200))
        assert layer.read(1, 0)[:3] == bytes([3, 7, 11])
        layer.close()

    def test_a_layer_that_waits_holds_no_files(self, tmp_path: Path) -> None:
        layer = Layer(tmp_path, "x", 1)
        assert not list(tmp_path.iterdir()) and layer.read(0, 0) == b""
        layer.push(np.zeros((1, 1), np.uint8))
        layer.finish()
        assert is_whole(tmp_path, "x", 1, layer.counts)

    def test_a_tone_is_in_the_peaks_and_in_its_bands(self, client: TestClient) -> None:
        address = named(client, "a.wav")
        peaks = np.frombuffer(client.get(address + "/tiles/peaks/0/0").content, np.uint8).reshape(-1, 2)
        loud = peaks.max(1) > 100
        assert loud[200:600].all() and not loud[:198].any()  # 0.5 to 1.5 s, in bins of 2.5 ms
        mel = np.frombuffer(client.get(address + "/tiles/mel/0/0").content, np.uint8).reshape(-1, LogMel().n_mels)
        assert abs(int(mel[100].argmax()) - 20) < 6  # 1 kHz is the 15th mel of 42
        assert mel[100].max() > mel[20].max()

    def test_the_second_opening_reads_what_the_first_has_kept(self, client: TestClient, project: Project) -> None:
        address = named(client, "b.wav")
        first = client.get(address + "/tiles/mel/1/0").content
        recording = next(r for r in project.library.recordings.values() if r.place == "b.wav")
        from vad.review.pictures import Pictures

        again = Pictures(project.cache.folder(recording.path), project.detector.description.features)
        assert again.complete and again.layers["mel"].read(1, 0) == first
        kept = project.cache.folder(recording.path)
        next(kept.glob("mel-*.3.bin")).unlink()  # somebody makes room
        assert not Pictures(kept, project.detector.description.features).complete

    def test_doubtful_scores_are_places_and_sure_ones_are_not(self) -> None:
        scores = np.array([0.0] * 50 + [0.5] * 20 + [1.0] * 60 + [0.6] * 5 + [0.9] * 40 + [0.4] * 15)
        assert doubts(scores, 0.01) == [(0.5, 0.7), (1.75, 1.9)]

    def test_the_cache_drops_what_was_used_longest_ago(self, tmp_path: Path) -> None:
        cache = Cache(tmp_path / "cache")
        for number in range(3):
            file = tmp_path / f"{number}.wav"
            file.write_bytes(b"x" * number)
            place = cache.folder(file)
            (place / "data").write_bytes(b"x" * 1000)
            os.utime(place, (number, number))
        Cache(tmp_path / "cache", limit=2500)
        assert len(list((tmp_path / "cache").iterdir())) == 2
        assert not any(f.stat().st_mtime == 0 for f in (tmp_path / "cache").iterdir())


class TestScoreFiles:
    def test_many_recordings_need_the_memory_of_few(self, tmp_path: Path) -> None:
        detector = Detector(ENERGY)
        about = detector.description
        files = ScoreFiles(limit=10_000)
        for number in range(5):
            values = np.full(1000, number / 10, np.float32)
            scores = Scores(values, detector.grid, about.identity, about.thresholds, 10.0)
            files.write(tmp_path / f"{number}.npz", scores)
        assert sum(one.nbytes for one in files._recent.values()) <= 10_000
        for number in range(5):
            read = files.read(tmp_path / f"{number}.npz", detector)
            assert read is not None and read.duration == 10.0 and (np.asarray(read) == np.float32(number / 10)).all()

    def test_two_reviews_may_write_the_scores_of_one_recording(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        savez, both = np.savez, threading.Barrier(2)
        monkeypatch.setattr(np, "savez", lambda *a, **b: (savez(*a, **b), both.wait(10)))
        detector = Detector(ENERGY)
        about = detector.description
        scores = Scores(np.ones(100, np.float32), detector.grid, about.identity, about.thresholds, 1.0)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda files: files.write(tmp_path / "x.npz", scores), (ScoreFiles(), ScoreFiles())))
        assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]

    def test_damaged_scores_are_none(self, tmp_path: Path) -> None:
        (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 cut off")
        assert ScoreFiles().read(tmp_path / "x.npz", Detector(ENERGY)) is None
        assert ScoreFiles().read(tmp_path / "y.npz", Detector(ENERGY)) is None


class TestWork:
    @pytest.fixture
    def begun(self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
        """A project of three recordings, of which the first is begun, and waits."""
        monkeypatch.setattr(worker, "HEAD_START", 1000.0)
        project = Project([str(folder)], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
        while not next(iter(project.library.recordings.values())).busy:
            time.sleep(0.01)
        yield project
        project.close()

    @pytest.fixture
    def scored(self, begun: Project, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The recordings that have been scored, in that order."""
        order: list[str] = []
        changed = begun.library.changed

        def noted(recording: Recording) -> None:
            changed(recording)
            if recording.scored and recording.id not in order:
                order.append(recording.id)

        monkeypatch.setattr(begun.library, "changed", noted)
        return order

    def test_what_is_opened_is_scored_before_what_was_begun(self, begun: Project, scored: list[str]) -> None:
        first, second, third = begun.library.recordings.values()
        begun.work.open(third)
        begun.work.shown()
        wait(lambda: len(scored) == 3)
        assert scored == [third.id, first.id, second.id]

    def test_two_that_are_open_do_not_wait_for_each_other(self, begun: Project, scored: list[str]) -> None:
        first, _, third = begun.library.recordings.values()
        begun.work.open(first)
        begun.work.open(third)
        begun.work.shown()
        wait(lambda: first.id in scored)
        assert scored[:2] == [third.id, first.id]

    def test_scores_of_the_model_before_are_not_drawn(
        self, project: Project, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        named(client, "a.wav")
        recording = next(r for r in project.library.recordings.values() if r.place == "a.wav")
        other = Detector(project.write_weights({"settings": {"onset": 0.7}}))
        draw = worker.score_layer

        def slow(*given: object) -> Layer:
            layer = draw(*given)
            project.work.use(other, other.settings())
            return layer

        monkeypatch.setattr(worker, "score_layer", slow)
        recording.score_layer = None
        project.work.scores(recording)
        assert recording.score_layer is None

    def test_it_ends_in_the_middle_of_a_recording(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker, "HEAD_START", 1000.0)
        project = Project([str(folder)], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
        first = next(iter(project.library.recordings.values()))
        while not first.busy:
            time.sleep(0.01)
        project.close()
        assert not project.work._scoring.is_alive() and not first.scored and not first.error


class TestLibrary:
    def test_labels_beside_the_sound_are_found_in_every_folder(
        self, folder: Path, tmp_path: Path, write_bursts: Callable[..., Path]
    ) -> None:
        write_bursts("more/c.wav", (1.0, 2.0))
        (tmp_path / "more/c.txt").write_text("1.0\t2.0\n")
        write_bursts("alone/d.wav", (1.0, 2.0))
        (tmp_path / "alone/d.txt").write_text("1.0\t1.5\n")
        inputs = [str(folder), str(tmp_path / "more"), str(tmp_path / "alone/d.wav")]
        library = Library(inputs, None, Journal(tmp_path / "journal.jsonl"))
        labelled = {r.place: r.reference.tolist() for r in library.recordings.values() if r.reference is not None}
        assert labelled == {"a.wav": [[0.5, 1.5]], "c.wav": [[1.0, 2.0]], "d.wav": [[1.0, 1.5]]}

    def test_labels_that_were_detected_or_are_damaged_are_no_reference_but_a_note(self, folder: Path, tmp_path) -> None:
        invoke("detect", "--model", ENERGY, folder / "b.wav", "-f", "json", "-o", folder / "b.json")
        (folder / "a.txt").write_text("0.5\tsoon\n")
        library = Library([str(folder)], None, Journal(tmp_path / "journal.jsonl"))
        assert all(recording.reference is None for recording in library.recordings.values())
        damaged, written = library.notes
        assert str(folder / "a.txt") in damaged and "soon" in damaged
        assert str(folder / "b.json") in written and "1 left out" in written

    def test_recordings_that_differ_in_their_extension_have_labels_of_their_own(
        self, write_bursts: Callable[..., Path], tmp_path: Path
    ) -> None:
        write_bursts("twins/talk.wav", (0.5, 1.5))
        write_bursts("twins/talk.flac", (1.0, 2.0))
        write_bursts("twins/other.wav", (1.0, 2.0))
        home = str(tmp_path / "twins")
        project = Project([home], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
        client = opened(project)
        spans = {"talk.flac": (1.0, 2.0), "talk.wav": (0.5, 1.5), "other.wav": (0.8, 2.0)}
        for name, span in spans.items():
            client.post(named(client, name) + "/change", json=begin([list(span)]))
        client.post(named(client, "talk.wav") + "/change", json=change(1, [], [[2.0, 3.0]], "unsure"))
        names = sorted(path.name for path in project.places.labels.iterdir())
        assert names == ["other.txt", "talk.flac.txt", "talk.wav.txt"]
        for kind in set(FORMATS) - {"uem"}:
            written = tmp_path / kind
            write_all(project.corrected(), kind, written, overwrite=False)
            found = match(tmp_path / "twins", written).labelled
            assert {Path(path).name: d[0].segments[0] for path, d in found.items()} == spans
        listed = read_uem(project.places.uem, {name: name for name in spans})
        assert listed == {"talk.flac": [(0, 3)], "talk.wav": [(0, 2)], "other.wav": [(0, 3)]}
        assert client.post("/api/labels", json={"format": "text", "beside": True}).json()["files"] == 3
        project.close()
        again = Library([home], None, Journal(tmp_path / "journal.jsonl"))
        assert {r.place: to_segments(r.reference)[0] for r in again.recordings.values()} == spans

    @pytest.fixture
    def call(self, tmp_path: Path) -> Path:
        """Two persons on two channels, with labels that say who speaks where, and a recording of one channel."""
        (tmp_path / "calls").mkdir()
        sides = np.stack([bursts((0.5, 1.5), seconds=4), bursts((2.0, 3.0), seconds=4)], 1)
        soundfile.write(tmp_path / "calls/call.wav", sides, RATE)
        (tmp_path / "calls/call.csv").write_text("file,channel,start,end\ncall.wav,1,0.5,1.5\ncall.wav,2,2.0,2.8\n")
        soundfile.write(tmp_path / "calls/memo.wav", bursts((1.0, 2.0), seconds=3), RATE)
        return tmp_path / "calls"

    def test_each_channel_of_a_call_is_a_recording_of_its_own(self, call: Path, tmp_path: Path) -> None:
        cache = Cache(tmp_path / "cache")
        project = Project([str(call)], tmp_path / "work", model=ENERGY, channel="each", cache=cache)
        client = opened(project)
        names = [r["name"] for r in client.get("/api/recordings").json()["recordings"]]
        assert names == ["call.wav[1]", "call.wav[2]", "memo.wav"]
        one, two = (named(client, f"call.wav[{n}]") for n in (1, 2))
        assert client.get(one).json()["reference"] == [[0.5, 1.5]]
        assert client.get(two).json()["reference"] == [[2.0, 2.8]]
        found = client.post(two + "/segments", json={}).json()["segments"]
        assert [tuple(s) for s in found] == Detector(ENERGY).detect(call / "call.wav", channel=2)
        peaks = np.frombuffer(client.get(two + "/tiles/peaks/0/0").content, np.uint8).reshape(-1, 2).max(1)
        assert peaks[900:1100].min() > 100 and not peaks[250:550].any()  # bins of 2.5 ms: the other person is not there
        heard, _ = soundfile.read(io.BytesIO(client.get(two + "/sound").content))
        assert heard.ndim == 1 and not heard[: RATE * 3 // 2].any() and heard.any()
        client.post(two + "/change", json=begin([[2.0, 3.0]]))
        client.post(two + "/change", json=change(1, [], [[3.5, 4.0]], "unsure"))
        assert read_labels(project.places.labels / "call.ch2.txt")[0].segments == [(2.0, 3.0)]
        assert not (project.places.labels / "call.ch1.txt").exists()
        assert project.places.uem.read_text() == "call.ch2 1 0.000 3.500\n"
        assert client.get(one).json()["state"] == "unseen"
        project.close()

    def test_a_channel_that_is_not_there_is_named(self, call: Path, tmp_path: Path) -> None:
        project = Project([str(call)], tmp_path / "work", model=ENERGY, channel=2, cache=Cache(tmp_path / "cache"))
        client = opened(project)
        assert "no channel 2" in client.get(named(client, "memo.wav[2]")).json()["error"]
        assert not client.get(named(client, "call.wav[2]")).json()["error"]
        assert client.get(named(client, "memo.wav[2]") + "/sound").status_code == 422
        project.close()


def begin(segments: list[list[float]]) -> dict[str, object]:
    return {"kind": "begin", "version": 0, "segments": segments}


def change(version: int, remove: list[list[float]], add: list[list[float]], layer: str = "speech") -> dict[str, object]:
    return {"kind": "change", "version": version, "layer": layer, "remove": remove, "add": add}


class TestJournal:
    def test_changes_undo_and_redo_survive_in_the_file(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path / "journal.jsonl")
        entries = [begin([[1, 2]]), change(1, [[1, 2]], [[1, 2.5]]), change(2, [], [[3, 4]])]
        entries += [{"kind": "undo", "version": 3}, {"kind": "undo", "version": 4}, {"kind": "redo", "version": 5}]
        for entry in entries:
            journal.append("a.wav", entry, 10.0)
        before = journal.of("a.wav")
        assert before.speech == [(1, 2.5)]
        journal.close()
        after = Journal(tmp_path / "journal.jsonl").of("a.wav")
        assert after == before
        assert (len(after.done), len(after.undone)) == (1, 1)

    @given(st.integers(0, 400))
    def test_cut_anywhere_it_holds_the_changes_whose_lines_are_whole(self, cut: int) -> None:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "journal.jsonl")
            journal = Journal(path)
            journal.append("a", begin([]), 10.0)
            for n in range(3):
                journal.append("a", change(n + 1, [], [[n, n + 0.5]]), 10.0)
            journal.close()
            data = path.read_bytes()[:cut]
            path.write_bytes(data)
            again = Journal(path)
            assert again.of("a").version == data.count(b"\n")
            again.append("b", begin([[0, 1]]), 10.0)
            again.close()
            assert Journal(path).of("b").speech == [(0, 1)]

    def test_a_killed_program_loses_nothing_it_called_saved(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        script = (
            "import sys; from pathlib import Path; from vad.review.journal import Journal\n"
            f"j = Journal(Path({str(path)!r})); j.append('a', {begin([])}, 1e6)\n"
            "for n in range(1, 10**6):\n"
            "    add = [[n, n + .5]]\n"
            "    j.append('a', {'kind': 'change', 'version': n, 'layer': 'speech', 'remove': [], 'add': add}, 1e6)\n"
            "    print(n, flush=True)\n"
        )
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout
            for _ in range(50):
                saved = int(program.stdout.readline())
            program.kill()
        assert len(Journal(path).of("a").speech) >= saved

    def test_an_older_version_is_refused_and_changes_nothing(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path / "journal.jsonl")
        journal.append("a", begin([[1, 2]]), 10.0)
        journal.append("a", change(1, [[1, 2]], []), 10.0)
        size = (tmp_path / "journal.jsonl").stat().st_size
        with pytest.raises(Conflict, match="another tab"):
            journal.append("a", change(1, [], [[5, 6]]), 10.0)
        assert journal.of("a").speech == [] and (tmp_path / "journal.jsonl").stat().st_size == size

    @pytest.mark.parametrize(
        "entry, reason",
        [
            (change(1, [], [[1.5, 3]]), "overlaps"),
            (change(1, [], [[9, 11]]), "leaves the recording"),
            (change(1, [], [[4, 3]]), "overlaps"),
            (change(1, [], [["x", 3]]), "pairs of seconds"),  # type: ignore[list-item]
            (change(1, [], [[float("nan"), 3]]), "overlaps"),
            (change(1, [[0, 1]], []), "no segment from"),
            (change(1, [], [], "other"), "layer="),
            ({"kind": "state", "version": 1, "state": "x"}, "state="),
            ({"kind": "undo", "version": 1}, "nothing is left"),
            ({"kind": "paint", "version": 1}, "kind="),
            (begin([]), "another tab"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, tmp_path: Path, entry: dict[str, object], reason: str) -> None:
        journal = Journal(tmp_path / "journal.jsonl")
        journal.append("a", begin([[1, 2]]), 10.0)
        with pytest.raises(SettingError, match=reason):
            journal.append("a", entry, 10.0)
        assert journal.of("a").version == 1

    def test_an_entry_that_is_said_again_is_made_once(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        journal = Journal(path)
        journal.append("a", begin([[1, 2]]), 10.0)
        journal.append("a", change(1, [[1, 2]], [[1, 2.5]]), 10.0)
        size = path.stat().st_size
        assert journal.append("a", change(1, [[1, 2]], [[1, 2.5]]), 10.0).version == 2
        journal.close()  # and the program is killed before the page has heard of it
        again = Journal(path)
        assert again.append("a", change(1, [[1, 2]], [[1, 2.5]]), 10.0).speech == [(1, 2.5)]
        assert path.stat().st_size == size
        with pytest.raises(Conflict):
            again.append("a", begin([[1, 2]]), 10.0)

    def test_a_line_that_is_cut_by_a_full_disk_is_not_called_saved(self, tmp_path: Path) -> None:
        resource = pytest.importorskip("resource")
        path = tmp_path / "journal.jsonl"
        journal = Journal(path)
        journal.append("a", begin([[1, 2]]), 10.0)
        size, limits = path.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, limits[1]))
        try:
            with pytest.raises(FormatError, match="cannot be written"):
                journal.append("a", change(1, [], [[3, 4]]), 10.0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert journal.of("a").version == 1 and path.stat().st_size == size
        journal.append("a", change(1, [], [[3, 4]]), 10.0)
        journal.close()
        assert Journal(path).of("a").speech == [(1, 2), (3, 4)]

    def test_two_programs_do_not_share_one(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path / "journal.jsonl")
        with pytest.raises(SettingError, match="another vad review"):
            Journal(tmp_path / "journal.jsonl")
        journal.close()

    def test_a_damaged_line_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "journal.jsonl").write_text('{"recording": "a"}\n')
        with pytest.raises(FormatError, match="line 1 is damaged"):
            Journal(tmp_path / "journal.jsonl")

    @given(st.data())
    def test_undoing_all_brings_the_beginning_back(self, data: st.DataObject) -> None:
        correction = Correction()
        correction.apply(begin([[n, n + 0.5] for n in range(5)]))
        before = list(correction.speech)
        count = data.draw(st.integers(0, 6))
        for _ in range(count):
            gone = (
                data.draw(st.lists(st.sampled_from(correction.speech), max_size=2, unique=True))
                if correction.speech
                else []
            )
            new = [[s.start + 0.01, s.end] for s in gone]
            entry = change(correction.version, [list(s) for s in gone], new)
            correction.check(entry, 10.0)
            correction.apply(entry)
        after = list(correction.speech)
        for kind in ["undo"] * count + ["redo"] * count + ["undo"] * count:
            correction.apply({"kind": kind})
            if kind == "redo" and len(correction.done) == count:
                assert correction.speech == after
        assert correction.speech == before


class TestServer:
    def test_the_list_says_what_is_known(self, client: TestClient) -> None:
        address = named(client, "a.wav")
        rows = {r["name"]: r for r in client.get("/api/recordings").json()["recordings"]}
        assert rows["a.wav"]["labelled"] and rows["a.wav"]["state"] == "unseen"
        assert rows["a.wav"]["speech"] == pytest.approx(0.5, abs=0.05)
        assert rows["a.wav"]["differs"] == pytest.approx(0.5 / 3, abs=0.03)  # the labels lack the second burst
        assert rows["b.wav"]["differs"] is None
        assert client.get(address).json()["duration"] == 3.0
        newest = max(r["revision"] for r in rows.values())
        named(client, "b.wav")
        assert all(r["revision"] > newest for r in client.get(f"/api/recordings?since={newest}").json()["recordings"])

    def test_the_list_keeps_nothing_back_that_changes_while_it_is_made(
        self, client: TestClient, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("a.wav", "b.wav"):
            named(client, name)
        first, second, third = project.library.recordings.values()
        since = client.get("/api/recordings").json()["revision"]
        project.library.changed(second)
        make = Recording.row

        def row(recording: Recording, correction: Correction) -> dict[str, Any]:
            if recording is second:
                project.library.changed(first)  # too late for this answer
                project.library.changed(third)
            return make(recording, correction)

        with monkeypatch.context() as patched:
            patched.setattr(Recording, "row", row)
            answer = client.get(f"/api/recordings?since={since}").json()
        names = [r["name"] for r in answer["recordings"]]
        later = client.get(f"/api/recordings?since={answer['revision']}").json()["recordings"]
        assert first.name not in names and first.name in [r["name"] for r in later]

    def test_a_page_takes_the_list_of_a_later_run_for_newer(self, folder: Path, tmp_path: Path) -> None:
        first, second = (Library([str(folder)], None, Journal(tmp_path / f"{n}.jsonl")) for n in range(2))
        assert max(r.revision for r in second.recordings.values()) > max(r.revision for r in first.recordings.values())

    def test_two_pages_do_not_end_the_evaluation_of_each_other(
        self, client: TestClient, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        named(client, "a.wav")
        evaluate = project._evaluate

        def meanwhile(page: str) -> dict[str, Any]:
            def other(*given: Any) -> Any:
                monkeypatch.setattr(project, "_evaluate", evaluate)
                project.evaluate({"page": page})
                return evaluate(*given)

            monkeypatch.setattr(project, "_evaluate", other)
            return project.evaluate({"page": "one"})

        assert meanwhile("other")["recordings"] == 1
        assert meanwhile("one")["recordings"] == 0

    def test_changes_made_at_once_leave_the_newest_uem(
        self, client: TestClient, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        addresses = [named(client, name) for name in ("a.wav", "b.wav")]
        for address in addresses:
            client.post(address + "/change", json=begin([]))
        first, other = threading.Event(), threading.Event()
        write = label_files.write

        def slow(path: Path, content: bytes) -> None:
            if path == project.places.uem and not first.is_set():
                first.set()
                other.wait(0.1)
            write(path, content)

        monkeypatch.setattr(label_files, "write", slow)
        entry = change(1, [], [[2.0, 3.0]], "unsure")
        with ThreadPoolExecutor(1) as pool:
            one = pool.submit(client.post, addresses[0] + "/change", json=entry)
            first.wait(60)
            client.post(addresses[1] + "/change", json=entry)
            other.set()
            one.result()
        found = {document.recording: document.segments for document in read_labels(project.places.uem)}
        assert found == {"a": [(0, 2)], "b": [(0, 2)]}

    def test_settings_give_the_segments_of_the_detector(
        self, client: TestClient, folder: Path, project: Project
    ) -> None:
        address = named(client, "a.wav")
        given = {"preset": "recall", "settings": {"min_silence": 0.8}}
        answer = client.post(address + "/segments", json=given).json()
        wanted = project.detector.detect(folder / "a.wav", preset="recall", min_silence=0.8)
        assert [tuple(s) for s in answer["segments"]] == wanted
        assert answer["options"] == "--preset recall --min-silence 0.8"
        assert answer["metrics"]["miss"] == 0.0 and answer["metrics"]["false_alarm"] > 0.2
        assert client.post("/api/evaluate", json=given).json()["recordings"] == 1
        refused = client.post(address + "/segments", json={"settings": {"onset": 3}})
        assert refused.status_code == 422 and "onset=3" in refused.text

    def test_a_change_is_in_the_label_file_at_once(self, client: TestClient, project: Project, folder: Path) -> None:
        address = named(client, "a.wav")
        assert client.post(address + "/change", json=begin([[0.5, 1.5]])).json()["version"] == 1
        answer = client.post(address + "/change", json=change(1, [[0.5, 1.5]], [[0.4, 1.4], [2.0, 2.5]])).json()
        assert answer["speech"] == [[0.4, 1.4], [2.0, 2.5]]
        client.post(address + "/change", json=change(2, [], [[2.8, 3.0]], "unsure"))
        labels = project.places.labels / "a.txt"
        assert read_labels(labels)[0].segments == [(0.4, 1.4), (2.0, 2.5)]
        assert read_labels(project.places.uem)[0].segments == [(0.0, 2.8)]
        assert (folder / "a.txt").read_text() == "0.5\t1.5\n"
        conflict = client.post(address + "/change", json=change(1, [], [[2.6, 2.7]]))
        assert conflict.status_code == 409 and "another tab" in conflict.text

    @pytest.mark.parametrize("name", list(FORMATS))
    def test_labels_are_written_in_every_format(self, client: TestClient, project: Project, name: str) -> None:
        client.post(named(client, "a.wav") + "/change", json=begin([[0.5, 1.5], [2.0, 2.5]]))
        answer = client.post("/api/labels", json={"format": name}).json()
        assert answer["files"] == 1
        written = project.places.labels / f"a{FORMATS[name].extension}"
        assert read_labels(written, name)[0].segments == [(0.5, 1.5), (2.0, 2.5)]

    def test_labels_beside_the_sound_replace_nothing_unasked(self, client: TestClient, folder: Path) -> None:
        client.post(named(client, "a.wav") + "/change", json=begin([[1.0, 2.0]]))
        refused = client.post("/api/labels", json={"format": "text", "beside": True})
        assert refused.status_code == 422 and "would be overwritten" in refused.text
        assert (folder / "a.txt").read_text() == "0.5\t1.5\n"
        assert client.post("/api/labels", json={"format": "text", "beside": True, "overwrite": True}).status_code == 200
        assert (folder / "a.txt").read_text() == "1.000\t2.000\n"

    def test_two_recordings_of_one_name_keep_their_own_unsure_stretches(self, tmp_path: Path) -> None:
        recordings = [
            Recording(str(n), tmp_path / p, p, None, duration=9.0) for n, p in enumerate(("x/a.wav", "y z/a.wav"))
        ]
        corrections = [Correction(unsure=[Segment(n, n + 1)]) for n in range(2)]
        write_uem(zip(recordings, corrections, strict=True), tmp_path / "scored.uem")
        listed = read_uem(tmp_path / "scored.uem", {r.id: r.place for r in recordings})
        assert listed == {"0": [(1, 9)], "1": [(0, 1), (2, 9)]}

    def test_weights_are_written_with_the_settings(self, client: TestClient) -> None:
        path = client.post("/api/weights", json={"settings": {"onset": 0.7, "min_silence": 0.4}}).json()["path"]
        written = Detector(path)
        assert (written.settings().onset, written.settings().min_silence) == (0.7, 0.4)
        assert written.description.version.endswith("+tuned")
        assert client.post("/api/weights", json={}).json()["path"] != path

    def test_sound_comes_in_ranges(self, client: TestClient, folder: Path) -> None:
        address = named(client, "a.wav")
        part = client.get(address + "/sound", headers={"range": "bytes=100-199"})
        assert part.status_code == 206
        assert part.content == (folder / "a.wav").read_bytes()[100:200]

    def test_sound_that_no_browser_plays_is_converted_once(self, folder: Path, tmp_path: Path) -> None:
        from vad.review.playback import playable

        samples = np.random.default_rng(1).uniform(-0.5, 0.5, (8000, 3)).astype(np.float32)
        soundfile.write(folder / "c.aiff", samples, 8000)
        cache = Cache(tmp_path / "cache")
        path = playable(folder / "c.aiff", cache)
        read, rate = soundfile.read(path)
        assert rate == 8000 and np.abs(read - samples.mean(1)).max() < 1e-4
        before = path.stat().st_mtime_ns
        assert playable(folder / "c.aiff", cache).stat().st_mtime_ns == before
        assert playable(folder / "a.wav", cache) == folder / "a.wav"

    def test_a_conversion_that_fails_leaves_nothing(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from vad.review.playback import playable

        def fail(sound: Sound) -> Iterator[np.ndarray]:
            yield np.zeros((100, 1), np.float32)
            raise AudioError("damaged")

        cache, path = Cache(tmp_path / "cache"), folder / "a.wav"
        monkeypatch.setattr(Sound, "native_blocks", fail)
        with pytest.raises(AudioError, match="damaged"):
            playable(path, cache, channel=1)
        assert list(cache.folder(path).iterdir()) == []

    def test_a_recording_without_the_channel_is_closed(self, folder: Path, tmp_path: Path) -> None:
        from vad.review.playback import playable

        with all_files_closed(folder), pytest.raises(AudioError) as caught:  # its traceback holds the sound
            playable(folder / "a.wav", Cache(tmp_path / "cache"), channel=7)
        assert "no channel 7" in str(caught.value)

    @pytest.mark.parametrize("channels", [1, 2])
    def test_flac_is_sent_as_wav_from_any_byte(self, folder: Path, tmp_path: Path, channels: int) -> None:
        samples = np.random.default_rng(1).integers(-(2**15), 2**15, (50_001, channels), np.int16)
        soundfile.write(folder / "d.flac", samples, RATE)
        project = Project([str(folder / "d.flac")], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
        client = opened(project)
        address = named(client, "d.flac") + "/sound"
        whole = client.get(address)
        read, rate = soundfile.read(io.BytesIO(whole.content), dtype="int16", always_2d=True)
        assert rate == RATE and np.array_equal(read, samples)
        size = len(whole.content)
        for start, stop in ((0, 10), (0, size), (30, 50), (45, 46), (size // 2 + 1, size), (size - 1, size)):
            part = client.get(address, headers={"range": f"bytes={start}-{stop - 1}"})
            assert part.status_code == 206 and part.content == whole.content[start:stop]
            assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
        assert client.get(address, headers={"range": f"bytes={size - 5}-"}).content == whole.content[-5:]
        for wrong in (f"bytes={size}-", "bytes=9-8"):
            assert client.get(address, headers={"range": wrong}).status_code == 416
        assert client.get(address, headers={"range": "bytes=0-1,5-6"}).status_code == 206
        project.close()

    def test_a_damaged_file_says_so_and_the_rest_goes_on(self, folder: Path, tmp_path: Path) -> None:
        (folder / "bad.flac").write_bytes(b"no sound at all")
        project = Project([str(folder)], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
        client = TestClient(make_app(project, TOKEN, frozenset([HOST]), 8000), base_url=f"http://{HOST}")
        client.get("/", params={"token": TOKEN})
        assert "no format" in client.get(named(client, "bad.flac")).json()["error"]
        assert not client.get(named(client, "b.wav")).json()["error"]
        project.close()


def test_it_ends_when_it_is_interrupted(folder: Path, tmp_path: Path) -> None:
    command = [COMMAND, "review", folder, "-o", tmp_path / "work", "--cache", tmp_path / "cache", "--model", ENERGY]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*map(str, command), "--no-open"], **pipes) as program:
        assert program.stdout and program.stderr
        try:
            browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            with browser.open(program.stdout.readline().strip()) as answer:
                assert b"vad review" in answer.read()
            program.send_signal(signal.SIGINT)
            assert program.wait(60) == 0
            assert program.stderr.read() == ""
        finally:
            program.kill()


class TestSafety:
    def test_a_server_for_all_knows_its_names(self) -> None:
        assert server._names("127.0.0.1")[0] == "127.0.0.1" and "[::1]" in server._names("localhost")
        assert "0.0.0.0" not in server._names("0.0.0.0") and socket.gethostname().lower() in server._names("0.0.0.0")

    def test_the_token_opens_and_nothing_else_does(self, project: Project) -> None:
        client = TestClient(
            make_app(project, TOKEN, frozenset([HOST]), 8000), base_url=f"http://{HOST}", follow_redirects=False
        )
        for path in ("/", "/?token=wrong", "/page/main.js", "/api/recordings", "/api/project"):
            assert client.get(path).status_code == 403
        assert client.get("/api/project", params={"token": TOKEN}).status_code == 403  # the page alone takes it
        answer = client.get("/", params={"token": TOKEN})
        assert answer.status_code == 303 and answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        assert client.get("/").status_code == 200

    @pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1:8001", "", "localhost.evil.example:8000"])
    def test_other_names_of_this_machine_are_refused(self, client: TestClient, host: str) -> None:
        assert client.get("/api/project", headers={"host": host}).status_code == 421

    @pytest.mark.parametrize(
        "origin",
        ["http://evil.example", "null", "http://127.0.0.1:8001", f"https://{HOST}", f"http://{HOST}@evil", None],
    )
    def test_pages_of_others_change_nothing(self, client: TestClient, origin: str | None) -> None:
        if origin is None:
            del client.headers["origin"]
        else:
            client.headers["origin"] = origin
        assert client.post("/api/labels", json={"format": "text"}).status_code == 403

    def test_every_answer_has_a_strict_policy(self, client: TestClient) -> None:
        for path in ("/", "/page/main.js", "/api/project", "/nothing"):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize(
        "path",
        [
            "/page/../server.py",
            "/page/%2e%2e/server.py",
            "/page/..%2fserver.py",
            "/page//etc/passwd",
            "/api/recordings/..%2f..%2fetc%2fpasswd/sound",
            "/api/recordings/%00/sound",
        ],
    )
    def test_no_path_leads_anywhere_else(self, client: TestClient, path: str) -> None:
        assert client.get(path).status_code == 404

    @pytest.mark.parametrize(
        "method, path", [("PUT", "/api/project"), ("DELETE", "/"), ("TRACE", "/"), ("OPTIONS", "/api/labels")]
    )
    def test_other_methods_do_nothing(self, client: TestClient, method: str, path: str) -> None:
        assert client.request(method, path).status_code == 405

    def test_numbers_without_measure_are_refused(self, client: TestClient) -> None:
        address = named(client, "a.wav")
        assert client.get(address + f"/tiles/mel/0/{10**20}").content == b""
        assert client.get(address + "/tiles/mel/99/0").status_code == 404
        assert client.get(address + "/tiles/../0/0").status_code == 404
        assert client.get("/api/recordings?since=" + "9" * 300).status_code == 200
        for device in (10**30, -1, True, "x"):
            assert client.post("/api/live/start", json={"device": device}).status_code == 422
        for wrong in ('{"onset": true}', '{"onset": 1e999}', '{"min_speech": 1e308}', '{"onset": NaN}'):
            answer = client.post(address + "/segments", content=f'{{"settings": {wrong}}}')
            assert answer.status_code == 422
        many = ",".join(f"{n}-{n}" for n in range(2000))
        assert client.get(address + "/sound", headers={"range": f"bytes={many}"}).status_code in (200, 206, 400, 416)
        assert client.get(address + "/sound", headers={"range": "bytes=99999999-"}).status_code == 416

    @pytest.mark.parametrize(
        "entry",
        [
            '{"kind": "begin", "version": 0, "segments": [[0, 1e999]]}',
            '{"kind": "begin", "version": 0, "segments": [[NaN, 1]]}',
            '{"kind": "begin", "version": 0, "segments": {"a": 1}}',
            '{"kind": "begin", "version": 0, "segments": [[0, 1, 2]]}',
            '{"kind": "begin", "version": 0, "segments": [["<b>", 1]]}',
            '{"kind": "begin", "version": false, "segments": []}',
            '{"kind": "begin"}',
            '{"kind": ["begin"], "version": 0}',
            '{"kind": "change", "version": 0, "layer": {}, "add": []}',
        ],
    )
    def test_no_entry_harms_the_journal(self, client: TestClient, project: Project, entry: str) -> None:
        answer = client.post(named(client, "a.wav") + "/change", content=entry)
        assert answer.status_code in (409, 422) and project.places.journal.read_bytes() == b""

    def test_an_entry_speaks_of_its_own_recording(self, client: TestClient, project: Project) -> None:
        entry = {**begin([[1.0, 2.0]]), "recording": "b.wav", "time": "never", "more": "x" * 1000}
        assert client.post(named(client, "a.wav") + "/change", json=entry).status_code == 200
        line = json.loads(project.places.journal.read_text())
        assert line["recording"] == "a.wav" and line["time"] != "never" and "more" not in line

    def test_links_out_of_the_folder_are_left_out(self, folder: Path, tmp_path: Path, write_bursts) -> None:
        outside = write_bursts("elsewhere/secret.wav", (0, 1))
        (folder / "link.wav").symlink_to(outside)
        (folder / "inner.wav").symlink_to(folder / "b.wav")
        project = Project([str(folder)], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
        places = {r.place for r in project.library.recordings.values()}
        assert "inner.wav" in places and "link.wav" not in places
        assert any("link.wav" in note for note in project.library.notes)
        client = TestClient(make_app(project, TOKEN, frozenset([HOST]), 8000), base_url=f"http://{HOST}")
        client.get("/", params={"token": TOKEN})
        address = named(client, "b.wav")
        (folder / "b.wav").unlink()
        (folder / "b.wav").symlink_to(outside)  # after the list was made
        assert client.get(address + "/sound").status_code == 403
        project.close()

    def test_requests_have_a_limit(self, client: TestClient) -> None:
        assert client.post("/api/labels", content=b" " * (17 << 20)).status_code == 413

        def drops() -> Iterator[bytes]:  # whose length no header says
            for _ in range(17):
                yield b" " * (1 << 20)

        assert client.post("/api/labels", content=drops()).status_code == 413

    @pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'"x"'])
    def test_what_is_no_object_is_refused(self, client: TestClient, content: bytes) -> None:
        assert client.post("/api/evaluate", content=content).status_code == 400

    def test_nothing_there_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(AudioError, match="no sound"):
            Project([str(tmp_path / "empty")], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))

    def test_the_page_asks_no_other_machine(self) -> None:
        from vad.review.routes import FILES

        assert {"index.html", "main.js", "style.css"} <= set(FILES)
        for content, _ in FILES.values():
            text = content.decode().replace("http://www.w3.org/2000/svg", "")
            assert "http:" not in text and "https:" not in text and "//cdn" not in text

    def test_the_page_asks_for_all_its_modules_at_once(self) -> None:
        from vad.review.routes import FILES, PAGE

        modules = {name for name in FILES if name.endswith(".js")} - {"main.js"}
        asked = (PAGE / "index.html").read_text("utf-8")
        assert modules == {name for name in modules if f'modulepreload" href="/page/{name}"' in asked}

    def test_the_journal_names_recordings_as_they_are(self, client: TestClient, project: Project) -> None:
        name = "deep/<img src=x onerror=alert(1)>.wav"
        client.post(named(client, name) + "/change", json=begin([[1.0, 2.0]]))
        line = json.loads(project.places.journal.read_text().splitlines()[0])
        assert line["recording"] == name
        assert (project.places.labels / "deep/<img src=x onerror=alert(1)>.txt").exists()
