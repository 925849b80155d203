"""A recipe: TOML tables read into frozen dataclasses, where each default and its reason stand."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vad.errors import RecipeError
from vad.features import LogMel
from vad.network.model import NetworkSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")


@dataclass(frozen=True)
class CorpusSettings:
    """What of a corpus is used, and how far its labels are believed."""

    silver_weight: float = 0.5  # share of the energy labels in the target; the teachers have the rest
    trust_from: float = 0.5  # at this agreement with the teachers silver labels count nothing
    trust_to: float = 0.9  # from this agreement on they count in full


@dataclass(frozen=True)
class MixtureSettings:
    """How training sound is made; every share is a probability per crop."""

    seconds: float = 5.0  # length of a crop
    no_speech: float = 0.22  # crops without any speech
    second_talker: float = 0.15  # crops with a second talker over the first
    distant_talker: float = 0.0  # crops with a talker far behind the first, who does not count as speech
    room: float = 0.5  # crops in a room
    telephone: float = 0.2  # crops limited to the telephone band
    clipping: float = 0.05  # crops driven into clipping
    long_pause: float = 0.35  # pauses that are long (seconds) rather than natural (tenths)
    snr_low: float = -8.0  # dB, speech over noise
    snr_high: float = 35.0
    level_low: float = -62.0  # dB below full scale, RMS of the whole crop
    level_high: float = -12.0


@dataclass(frozen=True)
class LoopSettings:
    """How the network is trained."""

    steps: int = 8_000
    batch: int = 64  # crops per step
    learning_rate: float = 2e-3  # peak; cosine to zero after the warm-up
    warmup: int = 200  # steps
    weight_decay: float = 1e-2
    clip: float = 1.0  # largest norm of the gradient
    average: float = 0.999  # decay of the averaged weights, which are the ones kept
    evaluate_every: int = 500  # steps
    dev_crops: int = 256  # mixtures of dev speakers that are evaluated
    threads: int = 1  # of torch
    workers: int = 2  # processes that mix
    seed: int = 1


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out of training, but for the sound itself."""

    name: str
    features: LogMel = field(default_factory=LogMel)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    mixture: MixtureSettings = field(default_factory=MixtureSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)


def read_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe; `overrides` are `table.key=value`, the value written as in TOML.

    Raises `RecipeError` naming the valid keys where one is unknown.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}; name a recipe.toml that exists") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not a TOML file ({error})") from error
    for override in overrides:
        _override(tables, override)
    return _build(Recipe, tables, str(path))


def _override(tables: dict[str, Any], override: str) -> None:
    """Set `table.key=value` in place."""
    key, _, value = override.partition("=")
    *path, last = key.strip().split(".")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{override!r}: write table.key=value, with the value as in TOML") from error
    for name in path:
        tables = tables.setdefault(name, {})
        if not isinstance(tables, dict):
            raise RecipeError(f"{override!r}: {name!r} is a value, not a table")
    tables[last] = parsed


def _build(cls: type[T], values: Any, where: str) -> T:
    """Fill dataclass `cls` from the table `values`, tables within it likewise."""
    assert dataclasses.is_dataclass(cls)
    known = {f.name: f for f in dataclasses.fields(cls)}
    if not isinstance(values, dict):
        raise RecipeError(f"{where}: expected a table with {', '.join(known)}, found {values!r}")
    made: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise RecipeError(f"{where}: unknown key {key!r}; valid are {', '.join(known)}")
        default = known[key].default_factory
        if default is not dataclasses.MISSING and dataclasses.is_dataclass(default):
            made[key] = _build(default, value, f"{where} [{key}]")
        else:
            made[key] = _plain(value, str(known[key].type), f"{where}: {key}")
    missing = [n for n, f in known.items() if n not in made and _required(f)]
    if missing:
        raise RecipeError(f"{where}: {missing[0]!r} is missing")
    return cls(**made)


def _required(f: dataclasses.Field[Any]) -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING


def _plain(value: Any, kind: str, where: str) -> Any:
    """A number or string of the `kind` that the dataclass declares."""
    if kind == "float" and type(value) is int:
        return float(value)
    if type(value).__name__ != kind:
        raise RecipeError(f"{where} = {value!r}: expected {kind}")
    return value
