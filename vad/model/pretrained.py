"""Weights files: where they are, whether they are whole, and what they say of themselves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vad.atomic import write
from vad.errors import ModelError
from vad.features import LogMel
from vad.model.onnxfile import with_metadata
from vad.settings import Segmentation

FORMAT = 1  # of the metadata below; raised when an older reader would misunderstand
DEFAULT = "speech-1"
FOLDER = Path(__file__).parent.parent / "weights"


@dataclass(frozen=True)
class Description:
    """What the metadata of a weights file says."""

    name: str
    version: str
    features: LogMel
    thresholds: dict[str, dict[str, float]]  # {preset: {"onset": ..., "offset": ..., and what else was tuned}}
    recipe: dict[str, Any]  # the settings it was trained with
    training: dict[str, Any]  # a summary of the data, and how well it did

    @property
    def stride(self) -> int:
        """Frames per step of the network; files of the first version do not say it, and have 2."""
        stride: int = self.recipe.get("network", {}).get("stride", 2)
        return stride

    @property
    def identity(self) -> dict[str, str]:
        """What a result says of the model that made it."""
        return {"name": self.name, "version": self.version}

    def to_metadata(self) -> dict[str, str]:
        """As the key-value strings of an ONNX file."""
        content = {**vars(self), "features": self.features.to_dict()}
        return {"vad": json.dumps({"format": FORMAT, **content})}

    @classmethod
    def from_metadata(cls, metadata: dict[str, str], path: Path) -> Description:
        """From the key-value strings of an ONNX file; `ModelError` where they are not ours."""
        try:
            content = json.loads(metadata["vad"])
            if content.pop("format") > FORMAT:
                raise ModelError(f"{path}: made for a newer version of this package; upgrade it")
            if not (content["name"] + content["version"]).isprintable():
                raise ValueError("its name holds control characters")
            if not all(isinstance(content[name], dict) for name in ("recipe", "training")):
                raise ValueError("its recipe or training is no table")
            stride = content["recipe"].get("network", {}).get("stride", 2)
            if type(stride) is not int or not 1 <= stride <= 100:
                raise ValueError("its stride is no number of frames")
            content["features"] = LogMel.from_dict(content["features"])
            for thresholds in content["thresholds"].values():
                Segmentation(**thresholds)
            if not {"onset", "offset"} <= content["thresholds"]["default"].keys():
                raise KeyError("default thresholds")
            return cls(**content)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"no {error} in its metadata" if isinstance(error, KeyError) else str(error)
            raise ModelError(f"{path}: an ONNX file, but not a speech detector of this package ({reason})") from error


def find(model: str | Path | None = None) -> Path:
    """The weights file for a path or the name of a model in the package (`None`: the default).

    Raises `ModelError` where there is none, or where the package's own file is damaged.
    """
    path = Path(model or DEFAULT)
    if path.is_dir() and (path / "model.onnx").is_file():
        return path / "model.onnx"
    if path.is_file():
        return path
    own = FOLDER / f"{path}.onnx"
    if path.name != str(path) or not own.is_file():
        if path.is_dir():
            raise ModelError(f"{path}: a folder without model.onnx; name one that `vad train` has finished, or a file")
        names = ", ".join(sorted(p.stem for p in FOLDER.glob("*.onnx")))
        raise ModelError(f"{path}: no such weights file; give the path of one, or a model of the package ({names})")
    return _checked(own)


def find_live(path: Path) -> Path | None:
    """The causal network that lies beside the weights file `path` as `STEM-live.onnx`, if there is one."""
    live = path.with_name(f"{path.stem}-live{path.suffix}")
    if not live.is_file():
        return None
    return _checked(live) if live.parent == FOLDER else live


def _checked(own: Path) -> Path:
    """A weights file of the package, which must be whole."""
    if sha256(own) != own.with_suffix(".sha256").read_text("ascii").split()[0]:
        raise ModelError(f"{own}: damaged (its sha256 is wrong); install the package again")
    return own


def copy_described(source: Path, target: Path, description: Description) -> None:
    """Write the weights of `source` to `target` with `description` in place of theirs.

    Raises `ModelError` where `target` is in the package, whose models stay as they are.
    """
    if target.resolve().parent == FOLDER.resolve():
        raise ModelError(f"{target}: is a model of the package; name another file")
    write(target, with_metadata(source.read_bytes(), description.to_metadata()))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
