"""Recordings at URLs, and workers of a Dask cluster, of which one is killed."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from conftest import DOUBLE, RATE, bursts, detect, start
from vad.batch.inputs import fetched, find
from vad.errors import AudioError
from vad.extras import install_command

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 160 short recordings, of which one is broken."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(160):
        start = 0.1 + number % 7 / 10
        soundfile.write(folder / f"{number:03}.wav", bursts((start, start + 0.4), seconds=1.5), RATE)
    (folder / "150.wav").write_text("no sound")
    return folder


# Who asks a dead worker for a result is patient by default.
HASTY = os.environ | {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s", "OPENBLAS_NUM_THREADS": "1"}


def start_dask(module: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.{module}", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=HASTY)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler with two workers, each a process of its own."""
    about = tmp_path / "scheduler.json"
    local = ("--host", "127.0.0.1", "--no-dashboard")
    processes = [start_dask("dask_scheduler", "--port", "0", "--scheduler-file", about, *local)]
    worker = ("--scheduler-file", about, "--nthreads", "1", "--no-nanny", "--local-directory", tmp_path, *local)
    workers = [start_dask("dask_worker", *worker) for _ in range(2)]
    try:
        until = time.monotonic() + 60
        while not (about.exists() and about.stat().st_size) and time.monotonic() < until:
            time.sleep(0.05)
        yield json.loads(about.read_text())["address"], workers
    finally:
        for process in [*workers, *processes]:
            process.kill()
            process.wait()


def test_every_recording_comes_once_though_a_worker_is_killed(
    many: Path, tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    out = tmp_path / "all.csv"
    with start("detect", *DOUBLE, f"file://{many}", "--cluster", address, "-o", out, env=HASTY) as process:
        journal = tmp_path / "all.csv.unfinished"
        while process.poll() is None and not (journal.exists() and journal.stat().st_size > 5000):
            time.sleep(0.002)
        assert process.poll() is None  # some are done, others are not
        workers[0].kill()
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    (line,) = [line for line in stderr.decode().splitlines() if line.startswith("Error")]
    assert f"file://{many}/150.wav: " in line
    found = [row["file"] for row in csv.DictReader(out.open())]
    assert found == [f"file://{many}/{number:03}.wav" for number in range(160) if number != 150]
    detect(many, "-o", tmp_path / "here.csv", "--jobs", "1", status=1)
    assert (tmp_path / "here.csv").read_text() == out.read_text().replace("file://", "")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "tcp://x:y"])
def test_where_no_scheduler_is_one_line_says_so(many: Path, address: str) -> None:
    done = detect(many / "001.wav", "--cluster", address, status=1)
    assert done.stderr.startswith(f"Error: --cluster {address}: no scheduler answers there")
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def memory(many: Path) -> Iterator[str]:
    """A folder in memory with sound and other things."""
    system = fsspec.filesystem("memory")
    for name in ("a.wav", "sub/b.wav", "notes.txt"):
        system.pipe(f"/store/{name}", (many / "001.wav").read_bytes())
    yield "memory://store"
    system.rm("/store", recursive=True)


def test_folders_patterns_and_files_may_be_urls(memory: str) -> None:
    found, errors = find([memory])
    assert [str(one.relative) for one in found] == ["a.wav", "sub/b.wav"]
    assert all(one.path.startswith("memory://") and one.size for one in found)
    assert not errors
    assert [str(one.relative) for one in find([f"{memory}/*.wav"])[0]] == ["a.wav"]
    assert [one.path for one in find(["https://127.0.0.1:1/x.wav"])[0]] == ["https://127.0.0.1:1/x.wav"]  # not asked


def test_a_recording_at_a_url_is_fetched_for_as_long_as_it_is_read(memory: str, many: Path) -> None:
    with fetched(f"{memory}/a.wav") as path:
        assert Path(path).read_bytes() == (many / "001.wav").read_bytes()
    assert not Path(path).exists()
    with fetched("plain.wav") as path:
        assert path == "plain.wav"


@pytest.mark.parametrize("url", ["memory://store/missing.wav", "nonsense://x/a.wav", "https://127.0.0.1:1/x.wav"])
def test_what_cannot_be_fetched_is_one_line(url: str) -> None:
    with pytest.raises(AudioError) as caught, fetched(url):
        pass
    assert str(caught.value).startswith(f"{url}: ")
    assert "\n" not in str(caught.value)


def test_a_url_without_fsspec_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    found, errors = find(["s3://bucket/calls"])
    assert not found and install_command("cluster") in str(errors[0])


def test_a_url_without_its_file_system_names_the_package() -> None:
    fsspec.register_implementation("shelf", "no_such_module.Shelf", errtxt="Install no_such_module", clobber=True)
    found, errors = find(["shelf://bucket/calls"])
    assert not found and "Install no_such_module; or pip install what serves it" in str(errors[0])


def test_a_folder_at_a_url_without_sound_is_an_error_beside_the_others(memory: str) -> None:
    found, errors = find([f"{memory}/*.nothing", "nonsense://x", f"{memory}/a.wav"])
    assert [one.path for one in found] == [f"{memory}/a.wav"]
    assert [str(error).partition(": ")[0] for error in errors] == [f"{memory}/*.nothing", "nonsense://x"]


def test_a_broken_recording_goes_by_its_url(many: Path) -> None:
    done = detect(f"file://{many}/150.wav", status=1)
    assert done.stderr.startswith(f"Error: file://{many}/150.wav: not a sound file")
