"""What several tests share: commands, sample recordings, a model whose answer is known, synthetic sounds."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from hypothesis import settings

from vad import Detector
from vad.cli import main
from vad.formats import Document, read_labels

ROOT = Path(__file__).parent.parent
DATA = ROOT / "data"
COMMAND = Path(sys.executable).with_name("vad")
ENERGY = ROOT / "tests" / "doubles" / "energy.onnx"
DOUBLE = ("--model", ENERGY)  # the options of a command that uses the model double
RATE = 16_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--autoplay-policy=no-user-gesture-required"),
]

Write = Callable[..., Path]  # the fixture write_bursts

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun in the background of a shell: programs would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of torch: threads wait for each other where tests keep the cores busy
settings.register_profile("anywhere", deadline=None)  # no assertion about time
settings.load_profile("anywhere")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Let pytest-xdist run the whole suite in two processes, unless `-n` gives another number; files run in one."""
    if "PYTEST_XDIST_WORKER" in os.environ:  # one of the two
        return
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS
    if whole and config.getoption("numprocesses", None) is None and not config.getoption("usepdb"):
        config.option.numprocesses, config.option.dist = 2, "worksteal"


def bursts(*spans: tuple[float, float], seconds: float, rate: int = RATE) -> np.ndarray:
    """Silence of `seconds` with a 1 kHz tone in each span (start, end): float32, `(sample,)`."""
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 1000 * time)
    loud = np.zeros(len(time), bool)
    for start, end in spans:
        loud |= (time >= start) & (time < end)
    return (tone * loud).astype(np.float32)


SOUND = bursts((0.2, 0.8), seconds=1)
SEGMENT_OF_SOUND = "0.190\t0.810\n"  # what the model double detects in it: every frame whose window touches the tone


def wait(condition: Callable[[], Any]) -> None:
    """Until it is true, two minutes at most."""
    for _ in range(2400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("never came true")


@contextlib.contextmanager
def all_files_closed(folder: Path) -> Iterator[None]:
    """No file below `folder` is open at the end, without the garbage collector."""
    files = Path("/proc/self/fd")
    if not files.exists():
        pytest.skip("no /proc to see open files in")
    gc.disable()
    try:
        yield
        assert not [path for file in files.iterdir() if folder in (path := file.resolve()).parents]
    finally:
        gc.enable()


def write_wav(path: Path, samples: Any = SOUND, rate: int = RATE, subtype: str = "PCM_16") -> Path:
    """Write a WAV file, whatever its name; its path."""
    soundfile.write(path, samples, rate, subtype, format="WAV")
    return path


def invoke(*arguments: object, status: int | None = 0, stdin: str | bytes | None = None) -> Result:
    """Run `vad` in this process; it ends with exit status `status` (`None`: any status), without a traceback."""
    result = CliRunner().invoke(main, list(map(str, arguments)), input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert status is None or result.exit_code == status, result.output
    return result


def detect(*arguments: object, status: int | None = 0, stdin: str | bytes | None = None) -> Result:
    """Run `vad detect` with the model double in this process; see `invoke`."""
    return invoke("detect", *DOUBLE, *arguments, status=status, stdin=stdin)


def run(*arguments: object, status: int | None = 0, **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run `vad` in a process of its own; see `invoke`. `options` are those of `subprocess.run`, `text` by default."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 120}
    streams |= {} if "input" in options else {"stdin": subprocess.DEVNULL}
    done = subprocess.run([COMMAND, *map(str, arguments)], check=False, **(streams | options))
    assert status is None or done.returncode == status, done.stderr
    assert "Traceback" not in str(done.stderr)
    return done


def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start `vad` in a process of its own and return at once. `options` are those of `subprocess.Popen`."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([str(COMMAND), *map(str, arguments)], **(streams | options))


def spans(text: str) -> list[tuple[float, float]]:
    """The segments of plain text."""
    return [(float(start), float(end)) for start, end in (line.split("\t")[-2:] for line in text.splitlines())]


def near(*expected: tuple[float, float]) -> list[Any]:
    """These segments, up to the frames whose window touches the tone."""
    return [pytest.approx(span, abs=0.0201) for span in expected]


def error_line(stderr: str, after_warnings: bool = False) -> str:
    """The one line of an error on standard error; warnings may stand before it only `after_warnings`."""
    lines = [line for line in stderr.splitlines() if not (after_warnings and line.startswith("Warning: "))]
    assert len(lines) == 1, stderr
    assert lines[0].startswith("Error: ")
    return lines[0]


def write_causal(path: Path, delays: int) -> Path:
    """An untrained causal network of 8 bands, written to `path`; the test is skipped where torch is not installed."""
    torch = pytest.importorskip("torch")

    from vad.features import LogMel
    from vad.model.pretrained import Description
    from vad.network.bilstm import NetworkSettings
    from vad.network.causal import CausalNetwork
    from vad.network.to_onnx import export

    torch.manual_seed(0)
    about = Description(path.stem, "1", LogMel(n_mels=8), {"default": {"onset": 0.5, "offset": 0.3}}, {}, {})
    export(CausalNetwork(8, NetworkSettings(8, 8, 2, delays)), about, path)
    return path


def on_a_terminal(command: list[str]) -> tuple[subprocess.CompletedProcess[str], bytes]:
    """Run `command` with a terminal for its standard error; how it ended, and what the terminal was shown."""
    ours, theirs = os.openpty()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=60, check=True)
    os.write(theirs, b"end")
    shown = b""
    while not shown.endswith(b"end"):
        shown += os.read(ours, 1 << 16)
    os.close(ours)
    os.close(theirs)
    return done, shown


@pytest.fixture(scope="session")
def talk() -> Path:
    """A real recording of a talker, 25 s, with a reference in `talk.tsv`."""
    return DATA / "talk.flac"


@pytest.fixture(scope="session")
def energy() -> Detector:
    """A detector that takes loud for speech."""
    return Detector(ENERGY)


@pytest.fixture
def write_bursts(tmp_path: Path) -> Write:
    """`write_bursts("a.wav", (1, 2), seconds=3)` makes a file with a tone from 1 to 2 s."""

    def write(name: str, *spans: tuple[float, float], seconds: float = 3.0, rate: int = RATE) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, bursts(*spans, seconds=seconds, rate=rate), rate)
        return path

    return write


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder of the usual shape, made of the sample recordings."""
    folder = tmp_path_factory.mktemp("corpus")
    for name in ("talk.flac", "dishes.flac"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    spans = [tuple(map(float, line.split())) for line in (DATA / "talk.tsv").read_text().splitlines()]

    def recording(start: float, end: float, split: str) -> dict[str, object]:
        inside = [[max(a, start) - start, min(b, end) - start] for a, b in spans if a < end and b > start]
        return {"file": "talk.flac", "start": start, "duration": end - start, "speech": inside, "split": split} | {
            "source": "mfa", "speaker": "", "licence": "MIT", "agree": 1.0
        }  # fmt: skip

    def write(name: str, lines: list[dict[str, object]]) -> None:
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))

    write("speech.jsonl", [recording(0, 6, "train"), recording(6, 14, "train"), recording(14, 24, "dev")])
    noise = {"file": "dishes.flac", "source": "picovoice", "licence": "Apache-2.0", "duration": 6.0}
    write("noise.jsonl", [noise | {"start": 0.0}, noise | {"start": 6.0}])
    voices = noise | {"file": "talk.flac", "start": 0.0, "may_contain_voices": True}
    write("music.jsonl", [voices, noise | {"file": "talk.flac", "start": 0.0, "teacher_speech": 0.9}])
    response = np.zeros(1600)
    response[[100, 300, 900]] = 0.5, 0.3, -0.1
    soundfile.write(folder / "room.wav", response, 16_000)
    write("rir.jsonl", [{"file": "room.wav", "source": "made", "licence": "CC0-1.0", "seconds": 0.1}])
    labelled = folder / "labelled" / "talk"
    labelled.mkdir(parents=True)
    for name in ("talk.flac", "talk.tsv"):
        (labelled / name).write_bytes((DATA / name).read_bytes())
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of recordings and one of their labels."""
    from corpora import make_labelled

    return make_labelled(tmp_path)


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of published corpora in miniature, with their manifests."""
    from corpora import make_corpora

    folder = tmp_path_factory.mktemp("corpora")
    make_corpora(folder)
    return folder


@pytest.fixture(scope="session")
def read_as(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Document]]:
    """`read_as(content, name, format)`: the documents in a label file of that name with that content."""
    folder = tmp_path_factory.mktemp("labels")

    def read(content: str | bytes, name: str = "unknown", format: str | None = None) -> list[Document]:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return read_labels(path, format)

    return read


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt install chromium")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
