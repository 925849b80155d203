"""Which blend and which thresholds an adapted model gets, and whether it is better than the model it began with.

A candidate is a blend of base and adapted weights with an onset and an offset. Its cost on the user's recordings is
the detection cost of the scores of models that were not trained on them. Three things keep it from being the best on
these few recordings alone:

- the general sound, with noise and without speech, too: there its decisions may differ from those of the base model
  by at most `elsewhere`, as a detection cost with the decisions of the base model for a reference. A setting that
  finds nothing, or everything, is out, and so is one that takes noise for speech. A reference by labels would not do:
  what a low onset gains in noise would make up for the pauses that it loses in clean speech;
- a pull to the thresholds of the base model, the stronger the less sound there is: to move them by a factor of e in
  odds must gain `PULL` of detection cost with `ENOUGH` minutes of sound, with half of it twice as much;
- cross-fitting: what the verdict says of a recording comes from the candidate that the recordings of the other folds
  choose.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vad.evaluation.metrics import rates
from vad.evaluation.overlap import Floats
from vad.evaluation.results import percentile_interval
from vad.features import Float32
from vad.network.causal import AnyNetwork
from vad.settings import CostWeights, Segmentation
from vad.training.adapt import Adaptation, Weights
from vad.training.loop import score
from vad.training.mixing.levels import FULL_SCALE
from vad.training.mixing.mixer import Mixer
from vad.training.seeds import Draw
from vad.tuning.search import OFFSET_SHARES, ONSETS, Trials, TuningRecording

SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)  # of the adapted weights in the blend
PULL, ENOUGH = 0.005, 5.0  # of detection cost; minutes
PIECE = 30.0  # seconds; the unit of the bootstrap, as recordings may be few and long
CROPS = 64  # of general speech in noise, and half as many of noise alone
DRAWS = 1000
NEW_NOISE_WEIGHT = 12.0  # of noise alone taken for speech beside a false alarm between speech: no user expects more


@dataclass(frozen=True)
class Piece:
    """A part of a recording: features `(frame, mel)`, whether each frame is speech, and its fold (-1: general)."""

    features: torch.Tensor
    truth: NDArray[np.bool_]
    fold: int = -1


@dataclass(frozen=True)
class Candidate:
    """Seconds `(piece, 4)` of hit, miss, false alarm and correct rejection of a blend with some thresholds."""

    share: float
    settings: Segmentation
    own: Floats
    general: Floats

    def cost(self, weights: CostWeights, which: NDArray[np.bool_]) -> float:
        """The detection cost of the own pieces `which`, pooled."""
        return _dcf(self.own[which].sum(0), weights)

    def elsewhere(self, weights: CostWeights) -> float:
        """The detection cost on general sound, and beside it that of noise alone; the base model is the reference."""
        spoken, noise = (part.sum(0) for part in self.general_sets)
        alarms = float(noise[2] / max(noise.sum(), 1e-9))
        return _dcf(spoken, weights) + NEW_NOISE_WEIGHT * weights.false_alarm * alarms

    @property
    def general_sets(self) -> tuple[Floats, Floats]:
        """Seconds on general sound: where there is speech, and on noise alone."""
        with_speech = self.general[:, :2].sum(1) > 0
        return self.general[with_speech], self.general[~with_speech]


@dataclass(frozen=True)
class Verdict:
    """Detection costs before and after, on the recordings left out and on general sound; `low` and `high` of the gain
    are its 95 % interval, from a paired bootstrap of the pieces of recordings."""

    recordings: int
    minutes: float
    share: float
    before: dict[str, float]
    after: dict[str, float]
    general: tuple[float, float]
    low: float
    high: float

    @property
    def gain(self) -> float:
        """By how much the detection cost is lower than before."""
        return self.before["dcf"] - self.after["dcf"]

    @property
    def better(self) -> bool:
        """Whether the gain is above zero with all of its interval."""
        return self.low > 0

    def lines(self) -> list[str]:
        """A table and a sentence."""
        names = {"dcf": "DCF %", "miss": "miss %", "false_alarm": "false alarm %", "deter": "DetER %"}
        rows = [f"{'':<8}" + "".join(f"{title:>19}" for title in [*names.values(), "change elsewhere %"])]
        for name, values, general in (("before", self.before, 0), ("after", self.after, 1)):
            shown = [100 * v for v in (*(values[key] for key in names), self.general[general])]
            rows.append(f"{name:<8}" + "".join(f"{v:>19.1f}" for v in shown))
        about = f"{self.recordings} recordings ({self.minutes:.1f} min), each left out once"
        low, gain, high = (round(100 * v, 1) + 0.0 for v in (self.low, self.gain, self.high))  # never -0.0
        interval = f"(95 %: {low:.1f} .. {high:.1f})"
        if self.better:
            return [about, *rows, f"better by {gain:.1f} points {interval}"]
        return [
            about,
            *rows,
            f"not better: {gain:+.1f} points {interval}; the model before stays the better one",
        ]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self) | {"gain": self.gain, "better": self.better}


class Judge:
    """Tries the candidates of an adaptation and chooses among them; `elsewhere` is how far the decisions on general
    sound may move."""

    def __init__(self, adaptation: Adaptation, elsewhere: float) -> None:
        self._adaptation, self._elsewhere = adaptation, elsewhere
        self._grid = adaptation.recipe.features.grid
        self.own = own_pieces(adaptation)
        self.general = general_pieces(adaptation)
        self._folds = np.array([piece.fold for piece in self.own])
        self.minutes = sum(len(p.truth) for p in self.own) * self._grid.frame_seconds / 60
        weights = adaptation.trained()
        self.scores = {share: self._scores(weights, share) for share in SHARES}
        pieces = [*self.own, *self.general]
        self._trials = {
            share: Trials(
                [TuningRecording.of_frames(s, p.truth, self._grid) for s, p in zip(scores, pieces, strict=True)],
                self._grid,
            )
            for share, scores in self.scores.items()
        }

    def _scores(self, weights: list[Weights], share: float) -> list[Float32]:
        """Of the own pieces by the model of their fold, of general sound by the mean of all."""
        folds = [self._adaptation.blended([each], share) for each in weights]
        mean = self._adaptation.blended(weights, share)
        return [_score(folds[p.fold], p) for p in self.own] + [_score(mean, p) for p in self.general]

    def candidate(self, share: float, settings: Segmentation) -> Candidate:
        """A blend with thresholds, tried on all pieces."""
        seconds = self._trials[share](settings)
        return Candidate(share, settings, seconds[: len(self.own)], seconds[len(self.own) :])

    def choose(self, base: Candidate, weights: CostWeights, shares: Sequence[float], without: int = -1) -> Candidate:
        """The candidate of the lowest cost on all folds but `without` that general sound allows; perhaps the base."""
        which = self._folds != without
        limit = base.elsewhere(weights) + self._elsewhere
        pull = PULL * ENOUGH / max(self.minutes, 1e-9)
        best, lowest = base, base.cost(weights, which)
        for share in shares:
            for settings in thresholds(base.settings):
                one = self.candidate(share, settings)
                cost = one.cost(weights, which) + pull * _distance(settings, base.settings)
                if cost < lowest and one.elsewhere(weights) <= limit:
                    best, lowest = one, cost
        return best

    def judge(self, weights: CostWeights) -> tuple[Candidate, Verdict]:
        """The candidate for the default settings, and the verdict on it."""
        base = self.candidate(0.0, Segmentation(**_pair(self._adaptation.about.thresholds["default"])))
        chosen = self.choose(base, weights, SHARES)
        after = base.own.copy()
        for fold in range(self._adaptation.count):
            of = self._folds == fold
            after[of] = self.choose(base, weights, SHARES, without=fold).own[of]
        draws = np.random.default_rng(1).integers(len(after), size=(DRAWS, len(after)))
        gains = [_dcf(base.own[d].sum(0), weights) - _dcf(after[d].sum(0), weights) for d in draws]
        low, high = percentile_interval(np.array(gains))
        return chosen, Verdict(
            self._adaptation.recordings,
            round(self.minutes, 2),
            chosen.share,
            _metrics(base.own, weights),
            _metrics(after, weights),
            (base.elsewhere(weights), chosen.elsewhere(weights)),
            low,
            high,
        )


def own_pieces(adaptation: Adaptation) -> list[Piece]:
    """The user's recordings, in pieces of equal length."""
    features, pieces = adaptation.recipe.features, []
    for clip, fold in zip(adaptation.own, adaptation.folds, strict=True):
        mel = torch.from_numpy(features(clip.samples * FULL_SCALE))
        count = -(-len(mel) // features.grid.to_frames(PIECE))
        for part, truth in zip(mel.tensor_split(count), np.array_split(clip.target > 0.5, count), strict=True):
            pieces.append(Piece(part, truth, fold))
    return pieces


def general_pieces(adaptation: Adaptation) -> list[Piece]:
    """The same crops in every run: general sound 15 dB and more over noise, the user's and made, and noise alone.

    Speech is what the base model takes for it.
    """
    recipe, onset = adaptation.recipe, adaptation.about.thresholds["default"]["onset"]
    corpus = replace(adaptation.backgrounds, speech=adaptation.general, real=[])
    pieces = []
    for no_speech, count in ((0.0, CROPS), (1.0, CROPS // 2)):
        settings = replace(recipe.mixture, real=0.0, no_speech=no_speech, parts=0.0, snr_low=15.0, snr_high=40.0)
        mixer = Mixer(corpus, settings)
        for number in range(count):
            crop = mixer((Draw.DEV, 1, number))
            features = torch.from_numpy(recipe.features(crop.samples))
            pieces.append(Piece(features, score(adaptation.network, features[None])[0] > onset))
    return pieces


def thresholds(base: Segmentation) -> Iterable[Segmentation]:
    """The base's own, and a grid of onsets and offsets."""
    yield base
    for onset in ONSETS[2:-2]:  # from 0.1 to 0.9
        for share in OFFSET_SHARES[2:]:  # from 0.6 to 1
            yield replace(base, onset=onset, offset=round(onset * share, 3))


def _score(network: AnyNetwork, piece: Piece) -> Float32:
    scores: Float32 = score(network, piece.features[None])[0]
    return scores


def _dcf(seconds: Floats, weights: CostWeights) -> float:
    """Detection cost; a share of nothing counts nothing."""
    hit, miss, alarm, rejection = seconds
    return float(
        weights.miss * miss / max(hit + miss, 1e-9) + weights.false_alarm * alarm / max(alarm + rejection, 1e-9)
    )


def _metrics(seconds: Floats, weights: CostWeights) -> dict[str, float]:
    found = rates(seconds.sum(0), weights)
    return {name: float(found[name]) for name in ("dcf", "deter", "miss", "false_alarm")}


def _pair(thresholds: dict[str, float]) -> dict[str, float]:
    return {name: thresholds[name] for name in ("onset", "offset")}


def _distance(one: Segmentation, other: Segmentation) -> float:
    """How far the thresholds of two settings lie apart: the mean of onset and offset, in log odds."""
    pairs = ((one.onset, other.onset), (one.offset, other.offset))
    return float(np.mean([abs(logit(a) - logit(b)) for a, b in pairs]))


def logit(share: float) -> float:
    """The log odds of a share, kept away from 0 and 1."""
    held = min(max(share, 1e-3), 1 - 1e-3)
    return math.log(held / (1 - held))
