"""Weights files: where to find them, whether they are intact, and their description."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vad.atomic import write
from vad.errors import ModelError
from vad.features import LogMel
from vad.model.onnxfile import with_metadata
from vad.settings import Segmentation

FORMAT = 1  # version of the metadata; to be raised when older versions of the package would misread it
DEFAULT = "speech-1"
TUNED = "+tuned"  # after the version of weights whose settings were changed
FOLDER = Path(__file__).parent.parent / "weights"


@dataclass(frozen=True)
class Description:
    """The metadata of a weights file."""

    name: str
    version: str
    features: LogMel
    thresholds: dict[str, dict[str, float]]  # {preset: {"onset": 0.5, "offset": 0.3, ...}}
    recipe: dict[str, Any]  # the settings of the training
    training: dict[str, Any]  # a summary of the data, and the results

    @property
    def stride(self) -> int:
        """Frames per step of the network: 2 where the recipe, an older one, does not give it."""
        stride: int = self.recipe.get("network", {}).get("stride", 2)
        return stride

    @property
    def identity(self) -> dict[str, str]:
        """Name and version, as results give them."""
        return {"name": self.name, "version": self.version}

    def to_metadata(self) -> dict[str, str]:
        """The description as metadata of an ONNX file."""
        content = {**vars(self), "features": self.features.to_dict()}
        return {"vad": json.dumps({"format": FORMAT, **content})}

    @classmethod
    def from_metadata(cls, metadata: dict[str, str], path: Path) -> Description:
        """The description in the metadata of the ONNX file `path`. Raises `ModelError` where there is none."""
        try:
            content = json.loads(metadata["vad"])
            if content.pop("format") > FORMAT:
                raise ModelError(f"{path}: made for a newer version of this package; upgrade it")
            if not (content["name"] + content["version"]).isprintable():
                raise ValueError("its name holds control characters")
            if not all(isinstance(content[name], dict) for name in ("recipe", "training")):
                raise ValueError("its recipe or training is not a table")
            stride = content["recipe"].get("network", {}).get("stride", 2)
            if type(stride) is not int or not 1 <= stride <= 100:
                raise ValueError("its stride is not a number of frames")
            content["features"] = LogMel.from_dict(content["features"])
            for thresholds in content["thresholds"].values():
                Segmentation(**thresholds)
            if not {"onset", "offset"} <= content["thresholds"]["default"].keys():
                raise KeyError("default thresholds")
            return cls(**content)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            reason = f"no {error} in its metadata" if isinstance(error, KeyError) else str(error)
            if isinstance(error, RecursionError):
                reason = "its metadata is nested too deeply"
            raise ModelError(f"{path}: an ONNX file, but not a speech detector of this package ({reason})") from error


def find(model: str | Path | None = None) -> Path:
    """The weights file for a path or the name of a model in the package (`None`: the default).

    A name of the package, as a `str`, means that model in every folder; a file or folder of the same
    name is `./NAME` or a `Path`. Raises `ModelError` where there is none, or where the package's own
    file is damaged.
    """
    names = sorted(p.stem for p in FOLDER.glob("*.onnx"))
    if model is None or model in names:
        return _checked(FOLDER / f"{model or DEFAULT}.onnx")
    path = Path(model)
    if path.is_file():
        return path
    if model == "" or not path.is_dir():  # an empty path would be this folder
        remedy = f"give the path of one, or a model of the package ({', '.join(names)})"
        raise ModelError(f"model {model or repr(model)}: no such weights file; {remedy}", "model")
    if not (path / "model.onnx").is_file():
        raise ModelError(
            f"model {path}: a folder without model.onnx; name one that `vad train` has finished, or a file", "model"
        )
    return path / "model.onnx"


def find_live(path: Path) -> Path | None:
    """The causal network beside the weights file `path`, in `STEM-live.onnx`, if there is one."""
    live = path.with_name(f"{path.stem}-live{path.suffix}")
    if not live.is_file():
        return None
    return _checked(live) if live.parent == FOLDER else live


def _checked(own: Path) -> Path:
    """A weights file of the package. Raises `ModelError` where its SHA-256 is wrong."""
    if sha256(own) != own.with_suffix(".sha256").read_text("ascii").split()[0]:
        raise ModelError(f"{own}: damaged (its sha256 is wrong); install the package again")
    return own


def copy_described(source: Path, target: Path, description: Description) -> None:
    """Write a copy of the weights file `source` to `target`, with `description` instead of its own.

    Raises `ModelError` where `target` is a model of the package.
    """
    if target.resolve().parent == FOLDER.resolve():
        raise ModelError(f"{target}: is a model of the package; name another file")
    write(target, with_metadata(source.read_bytes(), description.to_metadata()))


def write_tuned(source: Path, target: Path, about: Description, preset: str, settings: Segmentation) -> None:
    """Write a copy of the weights file `source`, described by `about`, in which `preset` has other `settings`.

    Raises `ModelError` where `target` is a model of the package.
    """
    limited = {name: value for name, value in asdict(settings).items() if value != math.inf}
    version = about.version if about.version.endswith(TUNED) else about.version + TUNED
    described = replace(about, version=version, thresholds={**about.thresholds, preset: limited})
    copy_described(source, target, described)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
