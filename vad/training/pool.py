"""Crops that are trained on several times: the last that were mixed, of which each step draws its own.

Mixing a crop takes longer than training on it. A pool of many crops, each drawn several times among others, gives
more steps than mixing alone would, and no step the same crops as the one before.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from vad.training.distributed import World
from vad.training.seeds import Draw
from vad.training.sequences import Step
from vad.training.settings import LoopSettings


class CropPool:
    """The crops of the last renderings, each of `reuse` batches, on the device that trains.

    What it holds at a step depends on the step alone, so that a training that was interrupted goes on to the same
    weights: it begins with the `oldest` rendering that is still in the pool.
    """

    def __init__(self, loop: LoopSettings, reuse: int, world: World) -> None:
        self._loop, self._device = loop, world.device
        self._steps_each = reuse * loop.replay
        self._batch = len(world.part(loop.batch))
        self._each = self._batch * reuse  # crops of a rendering
        self._renderings = max(1, loop.pool // (loop.batch * reuse))
        self._kept: list[Tensor] = []

    def oldest(self, step: int) -> int:
        """Number of the first rendering that is in the pool at `step`, counted from 0."""
        return max(0, step // self._steps_each + 1 - self._renderings)

    def drawn(self, first: int, rendered: Iterator[Step]) -> Iterator[Step]:
        """The batches from step `first` on, of the renderings from `oldest(first)` on, each `(batch, crop, ...)`."""
        mixed = self.oldest(first)  # how many renderings there were before the next
        for step in range(first, self._loop.steps):
            while mixed <= step // self._steps_each:
                self._keep(next(rendered), mixed % self._renderings)
                mixed += 1
            rng = np.random.default_rng((Draw.POOL, self._loop.seed, step))
            crops = min(mixed, self._renderings) * self._each
            drawn = torch.from_numpy(rng.choice(crops, self._batch, replace=False)).to(self._device)
            features, target, weight = (part[drawn] for part in self._kept)
            yield features, target, weight

    def _keep(self, rendered: Step, place: int) -> None:
        """Put a rendering in place of an old one."""
        for n, part in enumerate(rendered):
            crops = part.flatten(0, 1)
            if len(self._kept) == n:
                shape = (self._renderings * self._each, *crops.shape[1:])
                self._kept.append(torch.empty(shape, dtype=crops.dtype, device=self._device))
            self._kept[n][place * self._each :][: self._each] = crops.to(self._device)
