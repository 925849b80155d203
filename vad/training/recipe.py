"""A recipe: TOML tables read into the dataclasses of `settings`, with an error that helps where one is wrong."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import field, replace
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, InstanceOf, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from vad.errors import RecipeError
from vad.features import LogMel
from vad.model import pretrained
from vad.network.bilstm import NetworkSettings
from vad.network.to_onnx import from_onnx
from vad.training.sequences import MULTIPLE
from vad.training.settings import ONLY_THESE, CorpusSettings, LoopSettings, MixtureSettings, SoundSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def _features(table: Any) -> Any:
    """The feature settings of a table; what it leaves out stays as it is."""
    return LogMel.from_dict({**LogMel().to_dict(), **table}) if isinstance(table, dict) else table


@dataclass(frozen=True, config=ONLY_THESE)
class Stage:
    """A part of a training; what its tables leave out is as in the stage before, and in the first as in the recipe."""

    mixture: MixtureSettings = field(default_factory=MixtureSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)


@dataclass(frozen=True, config=ONLY_THESE)
class Recipe:
    """Everything that decides what comes out of training, but for the sound itself."""

    name: str
    about: str = ""  # goes into the model card: what the model is for, its limits, whom to thank
    features: Annotated[InstanceOf[LogMel], BeforeValidator(_features)] = field(default_factory=LogMel)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    mixture: MixtureSettings = field(default_factory=MixtureSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    stage: tuple[Stage, ...] = ()  # one after another, each begun with the weights of the one before; none: only one

    def __post_init__(self) -> None:
        LogMel.from_dict(self.features.to_dict())  # raises ValueError where they are impossible
        for loop in (self.loop, *(stage.loop for stage in self.stage)):
            if loop.longest and self.network.delays:
                raise ValueError("loop.longest: a causal network goes on from crop to crop; leave it out")
            if loop.longest and self.features.grid.to_frames(loop.shortest) < MULTIPLE:
                raise ValueError(f"loop.shortest = {loop.shortest}: must be {MULTIPLE} frames or more, like 0.1")

    def stages(self) -> list[Recipe]:
        """A recipe without stages for each stage."""
        return [replace(self, mixture=stage.mixture, loop=stage.loop, stage=()) for stage in self.stage] or [self]


def read_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe; `overrides` are `table.key=value`, the value written as in TOML.

    Raises `RecipeError` naming the valid keys where one is unknown.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}; name a recipe.toml that exists") from error
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise RecipeError(f"{path}: not a TOML file ({' '.join(str(error).split())})") from error
    return _recipe(_overridden(tables, overrides), str(path))


def changed(recipe: Recipe, overrides: tuple[str, ...]) -> Recipe:
    """`recipe` with the overrides of `read_recipe`."""
    return _recipe(_overridden(dataclasses.asdict(recipe), overrides), " ".join(overrides))


ADAPTING_SOUNDS = SoundSettings(
    recorded=0.4, siren=0.03, beeps=0.03, engine=0.03, bark=0.04, knocks=0.03, weather=0.03, crackle=0.03, notes=0.03
)


def adapting(name: str, model: str | Path) -> Recipe:
    """How `model` (a path or a name) learns from minutes to hours of somebody's own recordings.

    Half of the crops are stretches of them, as they are or with some noise added. The steps are those of each fold.
    """
    description = from_onnx(pretrained.find(model))[1]
    return Recipe(
        name,
        features=description.features,
        network=NetworkSettings(**description.recipe["network"]),
        mixture=MixtureSettings(
            seconds=4.0,
            no_speech=0.15,
            real=0.5,
            real_noise=0.3,
            parts=0.3,
            zeros=0.2,
            sounds=ADAPTING_SOUNDS,
        ),
        loop=LoopSettings(
            steps=100, batch=16, learning_rate=3e-4, warmup=10, average=0.95, evaluate_every=25, dev_crops=32, workers=1
        ),
    )


def _overridden(tables: dict[str, Any], overrides: tuple[str, ...]) -> dict[str, Any]:
    for override in overrides:
        _override(tables, override)
    return tables


def _override(tables: dict[str, Any], override: str) -> None:
    """Set `table.key=value` in place."""
    key, _, value = override.partition("=")
    *path, last = key.strip().split(".")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{override!r}: write table.key=value, with the value as in TOML") from error
    for name in path:
        tables = tables.setdefault(name, {})
        if not isinstance(tables, dict):
            raise RecipeError(f"{override!r}: {name!r} is a value, not a table")
    tables[last] = parsed


def _recipe(tables: dict[str, Any], where: str) -> Recipe:
    """The recipe of `tables`; `RecipeError` with the first thing that is wrong with them."""
    if isinstance(stages := tables.get("stage"), (list, tuple)):
        first = {name: tables.get(name, {}) for name in ("mixture", "loop")}
        tables = {**tables, "stage": list(accumulate(stages, _merged, initial=first))[1:]}
    try:
        return TypeAdapter(Recipe).validate_python(tables)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
    *path, key = wrong["loc"] or ("",)
    if wrong["type"] == "value_error":  # of a whole table
        path, key = list(wrong["loc"]), ""
    table = where + "".join(f" [{name}]" for name in path)
    if wrong["type"] == "unexpected_keyword_argument":
        raise RecipeError(f"{table}: unknown key {key!r}; valid are {', '.join(_keys(path))}")
    if wrong["type"] == "missing":
        raise RecipeError(f"{table}: {key!r} is missing")
    if wrong["type"] == "tuple_type":
        kind = "tables, each headed [[stage]]" if key == "stage" else "a list"
        raise RecipeError(f"{table}: {key} = {_short(wrong['input'])}: must be {kind}")
    if wrong["type"] == "dataclass_type":
        raise RecipeError(f"{where}: {key} = {_short(wrong['input'])}: must be a table of {', '.join(_keys([key]))}")
    reason = str(wrong.get("ctx", {}).get("error", wrong["msg"])).replace("Input should be", "must be")
    raise RecipeError(f"{table}: {key} = {_short(wrong['input'])}: {reason}" if key else f"{table}: {reason}")


def _merged(table: Any, over: Any) -> Any:
    """`table` with the values of `over`, and so in the tables within."""
    if not (isinstance(table, dict) and isinstance(over, dict)):
        return over
    return {name: _merged(table.get(name), over[name]) if name in over else table[name] for name in {**table, **over}}


def _keys(path: Sequence[int | str]) -> list[str]:
    """The keys that the table at `path` may have."""
    settings: Any = Recipe("", stage=(Stage(),))
    for name in path:
        settings = settings[0] if isinstance(name, int) else getattr(settings, name)
    return [f.name for f in dataclasses.fields(settings)]


def _short(value: object) -> str:
    """A value as it stands in the recipe, if it is short."""
    text = str(value) if isinstance(value, (bool, int, float)) else repr(value)
    return text if len(text) <= 60 else f"{text[:20]}... ({len(text)} characters)"
