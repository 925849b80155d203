"""The processes of one training: a single one, or as many as `torchrun` has started."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from vad.errors import RecipeError
from vad.training.settings import LoopSettings


@dataclass(frozen=True)
class World:
    """This process is number `rank` of `size`, and computes on `device`."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    @contextlib.contextmanager
    def open(cls, loop: LoopSettings) -> Iterator[World]:
        """Connect to the other processes, and disconnect in the end. Each takes the same share of every batch."""
        rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        if loop.batch % size:
            raise RecipeError(f"loop.batch = {loop.batch} cannot be shared by {size} processes; make it a multiple")
        gpu = torch.cuda.is_available()
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if gpu else torch.device("cpu")
        if size > 1:
            distributed.init_process_group("nccl" if gpu else "gloo", device_id=device if gpu else None)
        try:
            yield cls(rank, size, device)
        finally:
            if size > 1:
                distributed.destroy_process_group()

    @property
    def first(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.rank == 0

    @contextlib.contextmanager
    def first_alone(self) -> Iterator[None]:
        """The first process runs the block, then the others, who find what it has written."""
        if not self.first:
            distributed.barrier()
        yield
        if self.first and self.size > 1:
            distributed.barrier()

    def share(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over all processes."""
        return DistributedDataParallel(network) if self.size > 1 else network

    def part(self, batch: int) -> range:
        """The crops of a batch that belong to this process: every `size`-th."""
        return range(self.rank, batch, self.size)
