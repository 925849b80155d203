"""The layers of the design: who may import whom, and that using a model loads no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent

# A shelf (a folder of `vad/`, or a file at its top) imports only shelves of its own row and of the rows above,
# and never in a circle. The rows: words, stages, the detector, its uses, labelled data, making a model, commands.
ROWS = """
clock wording errors extras grid segments settings atomic events scores
audio features geometry model scorer segmenter formats
stream detector compat
batch cutting labels live plotting
evaluation tuning data review
network training
cli
__main__
"""
LAYERS = {module: number for number, row in enumerate(ROWS.strip().splitlines()) for module in row.split()}
TORCH = ("network", "training")
MAKING = {"torch", "torchaudio", "librosa", "scipy", "onnx", "pydantic", "safetensors", "lhotse", "tomllib", "tomli"}
USING = {"numpy", "onnxruntime", "soundfile", "soxr", "av", "click"}
PEERS = {"silero_vad", "ten_vad", "webrtcvad", "torch"}  # other detectors, and what they need
OTHERS = "vad/evaluation/peers.py"  # the only file that loads them, when asked
PICTURES = {"matplotlib", "librosa"}  # the [plot] extra
DRAWING = ("plotting", "tuning")  # who loads it
PAGE = {"starlette", "uvicorn"}  # the [review] extra, of that shelf alone
DEVICES = ("detector", "vad.network.torch_runtime")  # another than the processor, if asked
EXTRAS = {  # each loaded by one module and only when it is used
    "sounddevice": "vad/audio/portaudio.py",
    "fsspec": "vad/batch/inputs.py",
    "distributed": "vad/batch/dask_pool.py",
}


def modules() -> list[Path]:
    return sorted(p for top in ("vad", "cli") for p in (ROOT / top).rglob("*.py") if p != ROOT / "vad/__init__.py")


def layer_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "cli" if parts[0] == "cli" else parts[1]


def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports, anywhere in it; siblings of the command line left out."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{a.name}" if node.module == "vad" else node.module for a in node.names}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_the_layers(path: Path) -> None:
    here = layer_name(path)
    if here == "weights":
        assert not imported(path)
        return
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "vad":
            there = rest.split(".")[0]
            if there in LAYERS:
                below = LAYERS[there] <= LAYERS[here]
                assert below or (here, name) == DEVICES, f"{here} imports {there}"
        elif top in EXTRAS:
            assert path == ROOT / EXTRAS[top], f"{path} imports {top}"
        elif path == ROOT / OTHERS and top in PEERS:
            pass
        elif top in PICTURES and here in DRAWING:
            continue
        elif top in PAGE:
            assert here == "review", f"{here} imports {top}"
        elif top in MAKING:
            allowed = (here, top) == ("data", "lhotse") or (path.name, top) == ("doctor.py", "torch")
            assert here in TORCH or allowed, f"{here} imports {top}"
        else:
            assert top in USING or top in sys.stdlib_module_names or here in TORCH, f"{here} imports {top}"


def test_no_shelves_import_each_other_in_a_circle() -> None:
    below: dict[str, set[str]] = {shelf: set() for shelf in LAYERS}
    for path in modules():
        here = layer_name(path)
        names = {name for name in imported(path) if name.startswith("vad.") and (here, name) != DEVICES}
        below.setdefault(here, set()).update({name.split(".")[1] for name in names} - {here})
    while free := {shelf for shelf, others in below.items() if not others & below.keys()}:
        below = {shelf: others for shelf, others in below.items() if shelf not in free}
    assert not below


def test_every_module_has_a_layer() -> None:
    assert {layer_name(p) for p in modules()} - {"weights"} == set(LAYERS)


def test_every_package_is_installed_and_nothing_beside_vad() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    folders = {p.parent.relative_to(ROOT) for p in (ROOT / "vad").rglob("__init__.py")}
    assert set(settings["packages"]) == {".".join(f.parts) for f in folders} | {"vad.cli", "vad.cli.commands"}
    assert settings["package-dir"] == {"vad.cli": "cli", "vad.cli.commands": "cli/commands"}


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(out.stdout.split())


def test_detecting_loads_nothing_of_the_training_side() -> None:
    loaded = loaded_after(
        "from vad import Detector; Detector().detect('data/talk.flac'); import vad.cli.commands.detect"
    )
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "torchaudio", "librosa", "scipy", "onnx", "matplotlib"}


def test_reading_labels_loads_nothing_but_the_standard_library() -> None:
    loaded = loaded_after(
        "from pathlib import Path; from vad.formats import read_labels as r; r(Path('data/talk.tsv'))"
    )
    assert "vad.formats" in loaded
    assert not loaded & (USING | MAKING | {"praatio", "pympi", "srt", "webvtt"} - {"tomllib"})


def test_preparing_data_loads_no_torch_and_its_help_nothing_heavy() -> None:
    loaded = loaded_after("from vad.cli.commands import data")
    assert not loaded & {"numpy", "onnxruntime", "soundfile", "lhotse"}
    loaded = loaded_after("import vad.data.check, vad.data.importing")
    assert not loaded & {"torch", "librosa", "scipy", "onnx", "lhotse"}


def test_measuring_and_its_report_load_nothing_of_the_training_side(tmp_path: Path) -> None:
    arguments = ["evaluate", "--audio", "data/talk.flac", "--report", str(tmp_path / "report.html"), "-q"]
    loaded = loaded_after(f"from vad.cli import main\ntry: main({arguments})\nexcept SystemExit: pass")
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "torchaudio", "librosa", "scipy", "onnx", "matplotlib"}
    assert (tmp_path / "report.html").exists()


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_after(
        "from vad.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        "from vad.cli.commands import compare, convert, detect, evaluate, remap, split, trim"
    )
    assert "click" in loaded
    assert not loaded & {"numpy", "onnxruntime", "soundfile", "soxr", "av"}


def test_the_public_names_are_these() -> None:
    import vad

    assert sorted(vad.__all__) == [
        "AudioError",
        "Detection",
        "Detector",
        "End",
        "FormatError",
        "ModelError",
        "RecipeError",
        "Score",
        "Scores",
        "Segment",
        "Segmentation",
        "SettingError",
        "Start",
        "Stream",
        "VadError",
    ]
    assert all(getattr(vad, name).__module__.startswith("vad.") for name in vad.__all__)
