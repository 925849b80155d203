"""A recipe: TOML tables read into frozen dataclasses, where each default and its reason stand."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from vad.errors import RecipeError
from vad.features import LogMel
from vad.model import pretrained
from vad.network.export import from_onnx
from vad.network.model import NetworkSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")

SHARES = ("average", "decay", "silence", "masks", "short", "carry", "teacher_share", "teacher_from")  # of the loop
LARGEST = 2**63 - 1  # whole number that TOML promises to hold


@dataclass(frozen=True)
class CorpusSettings:
    """What of a corpus is used, and how far its labels are believed."""

    without: tuple[str, ...] = ()  # sources that are left out
    silver_weight: float = 0.5  # share of the energy labels in the target; the teachers have the rest
    only: tuple[str, ...] = ()  # sources besides which all are left out; none: no others are
    never_speech: tuple[str, ...] = ()  # sources of noise that is no speech, though detectors may take it for speech
    trust_from: float = 0.5  # at this agreement with the teachers silver labels count nothing
    trust_to: float = 0.9  # from this agreement on they count in full
    real: float = 1.0  # least agreement of a real recording (`real.jsonl`) that is used as a talker; 1: none is
    cache: str = ""  # folder of decoded recordings that runs share; none: the output's, removed in the end

    def __post_init__(self) -> None:
        _check(
            self, {"silver_weight": (0, 1), "real": (0, 1), "trust_from": (0, self.trust_to - 1e-6), "trust_to": (0, 1)}
        )


@dataclass(frozen=True)
class SoundSettings:
    """How often each kind of sound is drawn for a background, relative to the others."""

    recorded: float = 0.70  # noise and music of the corpus
    coloured: float = 0.16  # Gaussian noise with a slope
    hum: float = 0.06  # mains or a machine, and clicks
    breaths: float = 0.04
    calls: float = 0.04  # gliding tones
    siren: float = 0.0  # sweeps and two tones
    beeps: float = 0.0  # of devices, and ring tones
    engine: float = 0.0  # harmonics that wander
    bark: float = 0.0  # bursts of harmonics and noise with formants: dogs, birds, toys
    knocks: float = 0.0  # decaying resonances: steps, knocks, dishes
    weather: float = 0.0  # noise that swells and gusts: wind, rain, waves
    crackle: float = 0.0  # fire, paper, a bad contact
    feedback: float = 0.0  # a tone that builds up
    notes: float = 0.0  # notes and chords of one instrument

    def __post_init__(self) -> None:
        _check(self, {f.name: (0, 1e6) for f in dataclasses.fields(self)})


@dataclass(frozen=True)
class MixtureSettings:
    """How training sound is made; every share is a probability per crop unless it says otherwise."""

    seconds: float = 5.0  # length of a crop
    scene_change: float = 0.0  # crops that turn into another somewhere, as sound does that was cut
    no_speech: float = 0.22  # crops without any speech
    conversation: float = 0.0  # crops with speech in which several talkers take turns
    second_talker: float = 0.15  # other crops with speech that have a second talker over the first
    distant_talker: float = 0.0  # the same with a talker far behind the first
    speed: float = 0.0  # talkers 0.84 to 1.2 and backgrounds 0.67 to 1.5 times as fast, and as high
    near_speech: float = 0.0  # least target of what is near speech, as a share of that speech's; see `Talkers`
    long_pause: float = 0.35  # share of the pauses that are long (seconds) rather than natural (tenths)
    room: float = 0.5  # crops in a room
    babble: float = 0.0  # share of the backgrounds in which many talk at once, which is not speech
    sounds: SoundSettings = field(default_factory=SoundSettings)
    real: float = 0.0  # crops that are a stretch of a real recording, with the speech that it has
    real_talkers: float = 0.3  # share of the talkers who come from real recordings, where there are any
    reuse: int = 1  # how often rendered speech and a rendered background are used, with other partners and settings
    parts: float = 0.0  # crops in parts: with both, with speech alone, noise alone or neither, joined hard
    noise_gate: float = 0.0  # crops whose microphone is off between utterances: exact zeros
    zeros: float = 0.0  # crops whose parts with neither are exact zeros, and in part the whole crop
    hard_negatives: float = 0.0  # a background taken for speech throughout is drawn 1 + this times as often
    telephone: float = 0.2  # crops limited to the telephone band, most of them companded or coded
    lossy: float = 0.0  # other crops through a codec for music
    automatic_gain: float = 0.0  # crops whose quiet passages were turned up
    lost_packets: float = 0.0  # crops with gaps
    clipping: float = 0.05  # crops driven into clipping
    snr_low: float = -8.0  # dB, the weakest talker over noise
    snr_high: float = 35.0
    level_low: float = -62.0  # dB below full scale, RMS of the whole crop
    level_high: float = -12.0

    def __post_init__(self) -> None:
        amounts = {"seconds": (0.5, 600), "hard_negatives": (0, 1e6), "snr_low": (-100, self.snr_high)}
        amounts |= {"snr_high": (-100, 100), "level_low": (-100, self.level_high), "level_high": (-100, 0)}
        shares = {f.name: (0, 1) for f in dataclasses.fields(self) if f.name != "sounds"} | {"reuse": (1, 100)}
        _check(self, shares | amounts)


@dataclass(frozen=True)
class LoopSettings:
    """How the network is trained."""

    steps: int = 8_000
    batch: int = 64  # crops per step
    learning_rate: float = 2e-3  # peak; a cosine leads to zero
    warmup: int = 200  # steps
    decay: float = 1.0  # share of the steps, the last ones, in which the learning rate falls to zero; before: constant
    weight_decay: float = 1e-2
    clip: float = 1.0  # largest norm of the gradient
    average: float = 0.999  # decay of the averaged weights, which are the ones kept
    shortest: float = 0.0  # seconds; the crops of a step, one after another, are cut in sequences of equal length
    longest: float = 0.0  # anew, between these two; 0: they stay as they are
    replay: int = 1  # how often a batch is trained on, each time with other sequences, masks and equalisers
    equaliser: float = 0.0  # dB by which the spectrum of a sequence is raised or lowered, smoothly, at most
    silence: float = 0.0  # share of the sequences of which a stretch is digital silence, however long
    masks: float = 0.0  # share of the sequences with masked bands and masked moments (SpecAugment)
    short: float = 0.0  # share of the steps whose crops are cut in windows that end early, as in a stream
    short_tail: float = 3.0  # weight of the last frames of such windows, the ones with no sound after them
    carry: float = 0.5  # share of the crops that a causal network takes for the continuation of another
    teacher: str = ""  # a model (path or name) whose scores are blended into the targets; none: ""
    teacher_share: float = 0.5  # of them in the blend
    teacher_from: float = 0.0  # least target of the frames in which they are blended; above 0 silence stays silence
    evaluate_every: int = 500  # steps
    patience: int = 0  # evaluations without a better dev AUC after which training ends; 0: never
    dev_crops: int = 256  # mixtures of dev speakers that are evaluated
    threads: int = 1  # of torch
    workers: int = 2  # processes that mix
    seed: int = 1

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("steps", "batch", "evaluate_every", "dev_crops", "threads", "replay"), (1, math.inf))
        amounts = dict.fromkeys(
            ("learning_rate", "warmup", "weight_decay", "clip", "short_tail", "equaliser"), (0, math.inf)
        )
        amounts |= {"longest": (0, math.inf), "shortest": (0, self.longest)}
        amounts |= dict.fromkeys(("patience", "workers", "seed"), (0, math.inf))
        _check(self, counts | amounts | dict.fromkeys(SHARES, (0, 1)))


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out of training, but for the sound itself."""

    name: str
    about: str = ""  # goes into the model card: what the model is for, its limits, whom to thank
    features: LogMel = field(default_factory=LogMel)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    mixture: MixtureSettings = field(default_factory=MixtureSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        sizes = dict.fromkeys(("channels", "hidden", "layers"), (1, 10_000))
        sizes |= {"stride": (1, 16), "kernel": (self.network.stride, 100)}
        _check(self.network, sizes | {"delays": (0, 1000)})
        if self.network.delays and self.loop.longest:
            raise RecipeError("loop.longest: a causal network goes on from crop to crop; leave it out")
        try:
            LogMel.from_dict(self.features.to_dict())
        except ValueError as error:
            raise RecipeError(str(error)) from error


def falls_from(loop: LoopSettings) -> float:
    """The step up to which the learning rate is constant after the warm-up."""
    return max(loop.warmup, loop.steps * (1 - loop.decay))


def _check(settings: Any, bounds: Mapping[str, tuple[float, float]]) -> None:
    """Raise `RecipeError` where a setting lies outside of its bounds, or is no number."""
    for name, (low, high) in bounds.items():
        value = getattr(settings, name)
        if not low <= value <= high:
            raise RecipeError(
                f"{name} = {value}: must be {low:g} to {high:g}"
                if high < math.inf
                else f"{name} = {value}: must be {low:g} or more"
            )


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
    return _build(Recipe, _overridden(tables, overrides), str(path))


def changed(recipe: Recipe, overrides: tuple[str, ...]) -> Recipe:
    """`recipe` with the overrides of `read_recipe`."""
    return _build(Recipe, _overridden(dataclasses.asdict(recipe), overrides), recipe.name)


def adapting(name: str, model: str | Path) -> Recipe:
    """How `model` (a path or a name) learns from a few hours of somebody's own recordings.

    They are used much as they are, and a small learning rate keeps what the model knows already.
    """
    description = from_onnx(pretrained.find(model))[1]
    return Recipe(
        name,
        features=description.features,
        network=NetworkSettings(**description.recipe["network"]),
        mixture=MixtureSettings(no_speech=0.1, second_talker=0.05, room=0.2, telephone=0.05, snr_low=5.0),
        loop=LoopSettings(
            steps=600, batch=32, learning_rate=3e-4, warmup=50, evaluate_every=50, patience=4, dev_crops=128
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
    try:
        return cls(**made)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from error


def _required(f: dataclasses.Field[Any]) -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING


def _plain(value: Any, kind: str, where: str) -> Any:
    """A number, string or list of strings, of the `kind` that the dataclass declares."""
    if type(value) is int and abs(value) > LARGEST:
        raise RecipeError(f"{where}: a number of {len(str(value))} digits; no setting is as large")
    if kind == "float" and type(value) is int:
        return float(value)
    if kind == "tuple[str, ...]" and isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if type(value).__name__ != kind:
        raise RecipeError(f"{where} = {value!r}: expected {'list of strings' if kind.startswith('tuple') else kind}")
    return value
