"""The training loop: mixtures in, averaged weights out; a kill at any instant loses minutes."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from vad.errors import RecipeError
from vad.evaluation.frames import detection_error_rate, roc_auc
from vad.features import Float32, LogMel
from vad.model.runtime import keep_memory
from vad.network.causal import AnyNetwork, build
from vad.training.checkpoint import Checkpoint, Start, read_checkpoint, read_earlier, read_network, stale
from vad.training.corpus import Corpus, read_corpus
from vad.training.dataset import CACHE, batches, dev_mixtures, statistics
from vad.training.distributed import World
from vad.training.mixing.levels import FULL_SCALE
from vad.training.mixing.mixer import Mixer
from vad.training.objective import loss_of
from vad.training.recipe import Recipe
from vad.training.sequences import sequences
from vad.training.settings import LoopSettings, falls_from
from vad.training.teachers import read_teachers

KERNELS = "64"  # that oneDNN keeps; its 1024 fill gigabytes where each step has sequences of another length


@dataclass(frozen=True)
class Progress:
    """Where training stands, given after every evaluation."""

    step: int
    steps: int
    loss: float  # mean since the evaluation before, in nats per frame
    dev_auc: float  # of the averaged weights on dev mixtures at 10 dB
    dev_error: float  # detection error rate of the same at a score of one half
    learning_rate: float  # of the last step
    gradient: float  # median norm of the gradient before it is clipped
    steps_per_second: float


def train_stages(
    recipe: Recipe, corpus: Path, output: Path, init_from: str | Path | None = None, resume: bool = False
) -> Iterator[Progress]:
    """`train` for each stage of the recipe, the last in `output`, those before in its folders `stage-1` and so on.

    Steps are counted over all stages. With `resume` it goes on in the stage that was interrupted.
    """
    cached = replace(recipe, corpus=replace(recipe.corpus, cache=recipe.corpus.cache or str(output / CACHE)))
    stages = cached.stages()
    for stage in stages[1:] if not resume else ():  # what is wrong with their teachers is said before the first stage
        read_teachers(stage.loop.teacher, stage.features)
    done, steps = 0, sum(stage.loop.steps for stage in stages)
    for number, stage in enumerate(stages, 1):
        place = output if number == len(stages) else output / f"stage-{number}"
        path = checkpoint_path(place, resume)
        if place == output or not path.exists() or read_checkpoint(path)["step"] < stage.loop.steps:
            for p in train(stage, corpus, place, init_from, resume):
                yield replace(p, step=done + p.step, steps=steps)
        init_from = path
        done += stage.loop.steps


def train(
    recipe: Recipe,
    corpus: Path | tuple[Corpus, Corpus],
    output: Path,
    init_from: str | Path | None = None,
    resume: bool = False,
) -> Iterator[Progress]:
    """Train into `output` on a corpus folder, or on what was read already, the sound of train and of dev.

    With `resume` it goes on from the checkpoint in `output` where there is one.

    `init_from` is a checkpoint or a model (its path or name) whose weights a fresh start begins
    with. Afterwards `checkpoint.pt` in `output` holds the weights to keep (`read_kept`). Under
    `torchrun` the processes share the work. Raises `RecipeError` where a checkpoint is in the way
    or belongs to another recipe or network, a teacher hears the past only, the loss is no number, or most
    gradients overflow.
    """
    loop, path = recipe.loop, checkpoint_path(output, resume)
    teachers = read_teachers(loop.teacher, recipe.features)  # draws random numbers, so before the seed is set
    output.mkdir(parents=True, exist_ok=True)
    keep_memory()
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)
    torch.set_num_threads(loop.threads)
    torch.manual_seed(loop.seed)
    with World.open(loop) as world:
        with world.first_alone():
            corpora = read_splits(recipe, corpus, output) if isinstance(corpus, Path) else corpus
        dev = dev_mixtures(recipe, corpora[1])
        mixer = Mixer(corpora[0], recipe.mixture)
        earlier = read_earlier(path, recipe) if path.exists() else None
        start = Start(**earlier["start"]) if earlier else begin(recipe, corpora[0], mixer, init_from, teachers)
        if start.hardness is not None:
            mixer.weigh(1 + recipe.mixture.hard_negatives * start.hardness.numpy())
        network = build(recipe.features.n_mels, recipe.network).to(world.device)
        network.load_state_dict(start.weights)
        training = Training(recipe, world, network)
        checkpoint = Checkpoint(path, recipe, network, training.averaged, training.optimiser, start)
        first, history = checkpoint.load(earlier) if earlier else (0, [])
        log = SummaryWriter(output / "tensorboard", purge_step=first + 1) if world.first else None
        done: list[tuple[float, float]] = []  # loss and norm of the gradient of the steps since the last evaluation
        for step, batch in enumerate(batches(mixer, recipe, first, world), first + 1):
            if stale(history) >= loop.patience > 0:
                break
            if not done:
                since = time.monotonic()  # mixing the first crops took minutes
            done.append(training.step(batch, step))
            if step % loop.evaluate_every == 0 or step == loop.steps:
                speed = len(done) / (time.monotonic() - since)
                losses, norms = np.array(done).T
                loss, gradient = float(np.mean(losses)), float(np.median(norms))
                if not math.isfinite(gradient):
                    raise RecipeError(f"most gradients up to step {step} overflow: lower loop.learning_rate")
                auc, error = grade(training.averaged, *dev)
                progress = Progress(step, loop.steps, loss, auc, error, learning_rate(step, loop), gradient, speed)
                history.append(asdict(progress))
                if log:
                    checkpoint.save(step, history)
                    for name, value in history[-1].items():
                        log.add_scalar(name, value, step)
                yield progress
                done = []
                training.loss.reset()
        if log:
            log.close()


def read_splits(recipe: Recipe, corpus: Path, output: Path) -> tuple[Corpus, Corpus]:
    """The sound of train and of dev in a corpus folder, decoded below `output`."""
    grid = recipe.features.grid
    train, dev = (read_corpus(corpus, split, grid, recipe.corpus, output / CACHE) for split in ("train", "dev"))
    return train, dev


class Training:
    """What a step changes: the network, its averaged weights, and the state of the optimiser and the loss."""

    def __init__(self, recipe: Recipe, world: World, network: AnyNetwork) -> None:
        loop = recipe.loop
        self._recipe, self._world, self._network = recipe, world, network
        self.averaged = copy.deepcopy(network).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(network.parameters(), loop.learning_rate, weight_decay=loop.weight_decay)
        self.loss = loss_of(network, loop, world)
        self._shared = world.share(network)

    def step(self, batch: tuple[Tensor, Tensor, Tensor], step: int) -> tuple[float, float]:
        """Change the weights by one batch of `batches`; its loss in nats per frame, and the norm of the gradient.

        A gradient that overflows leaves the weights as they are: through the thousands of steps of a long sequence it
        can grow without bound (Bengio et al. 1994). Raises `RecipeError` where the loss is no number.
        """
        loop = self._recipe.loop
        self.optimiser.param_groups[0]["lr"] = learning_rate(step, loop)
        features, target, weight = (
            part.to(self._world.device) for part in sequences(batch, step, self._recipe.features, loop)
        )
        loss = self.loss(self._shared, features, target, weight, step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), loop.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
            blend(self.averaged, self._network, min(loop.average, step / (step + 10)))
        elif not torch.isfinite(loss):
            raise RecipeError(
                f"the loss at step {step} is no number: "
                "lower loop.learning_rate, or check the recordings with vad data check"
            )
        return loss.item(), norm.item()


def checkpoint_path(output: Path, resume: bool) -> Path:
    """Where the checkpoint stands in `output`; `RecipeError` where one is in the way, unless it is to be resumed."""
    path = output / "checkpoint.pt"
    if path.exists() and not resume:
        raise RecipeError(f"{path}: holds an earlier training; continue it with resume, or name a new folder", "resume")
    return path


def begin(
    recipe: Recipe, corpus: Corpus, mixer: Mixer, init_from: str | Path | None, teachers: Sequence[AnyNetwork]
) -> Start:
    """The weights of `init_from`, or fresh ones with the band statistics of the mixtures.

    The network of `init_from`, or else of the first teacher, also says which backgrounds are hard.
    """
    network, hard = read_network(init_from, recipe) if init_from else None, None
    if recipe.mixture.hard_negatives:
        knowing = [network] if network else teachers
        if not knowing:
            raise RecipeError("mixture.hard_negatives: found with a trained network; set init_from, too", "init_from")
        hard = torch.from_numpy(hardness(knowing[0], corpus, recipe.features))
    if not network:
        network = build(recipe.features.n_mels, recipe.network)
        mean, deviation = statistics(mixer, recipe)
        network.mean.copy_(torch.from_numpy(mean))
        network.scale.copy_(torch.from_numpy(1 / deviation))
    return Start(network.state_dict(), hard)


def hardness(network: AnyNetwork, corpus: Corpus, features: LogMel) -> Float32:
    """How far the network takes each background for speech, `(background,)`: its mean score."""
    mels = (features(samples * FULL_SCALE) for samples in corpus.backgrounds)
    return np.array([score(network, torch.from_numpy(mel)[None]).mean() for mel in mels], np.float32)


def grade(network: AnyNetwork, features: Tensor, target: Float32) -> tuple[float, float]:
    """AUC, and detection error rate at a score of one half, on mixtures."""
    truth, scores = target > 0.5, score(network, features)
    return roc_auc(truth, scores), detection_error_rate(truth, scores > 0.5)


def learning_rate(step: int, loop: LoopSettings) -> float:
    """Linear warm-up, a constant, and over the last `decay` of the steps a cosine to zero.

    With `decay = 1` it is the cosine of Loshchilov & Hutter (2017), which ends where it was planned to;
    with less (Hu et al. 2024) a longer training is the same but for its end.
    """
    if step <= loop.warmup:
        return loop.learning_rate * step / loop.warmup
    first = falls_from(loop)
    done = max(0.0, step - first) / max(1.0, loop.steps - first)
    return loop.learning_rate * (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def blend(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights towards the trained ones (Polyak & Juditsky 1992)."""
    for kept, new in zip(averaged.parameters(), network.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)


@torch.no_grad()
def score(network: AnyNetwork, features: Tensor) -> NDArray[np.float32]:
    """Scores `(crop, frame)` of `(crop, frame, mel)` features."""
    device = network.mean.device
    logits = [network.whole(part.to(device)).cpu() for part in torch.split(features, 64)]
    return torch.sigmoid(torch.cat(logits)).numpy()
