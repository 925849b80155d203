"""General sound: short recordings of many people, so that an adapted model does not forget what it knew.

`general/general.jsonl` says where each recording stands in `general.opus`, who made it and under which licence.
They have no labels: their targets are the scores of the model that is adapted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from vad.audio.decode import read
from vad.audio.resample import to_int16
from vad.data.corpus_index import read_index
from vad.features import LogMel
from vad.network.causal import AnyNetwork
from vad.training.corpus import Clip
from vad.training.loop import score
from vad.training.mixing.levels import FULL_SCALE

FOLDER = Path(__file__).parent / "general"
INDEX = FOLDER / "general.jsonl"


def general_clips(network: AnyNetwork, features: LogMel) -> list[Clip]:
    """The recordings, with the scores of `network` as targets."""
    rate, clips = features.grid.sample_rate, []
    sounds = {name: read(FOLDER / name, rate) for name in {line["file"] for line in read_index(INDEX)}}
    for line in read_index(INDEX):
        first = round(line["start"] * rate)
        part = sounds[line["file"]][first : first + round(line["duration"] * rate)]
        samples = to_int16(part)
        target = score(network, torch.from_numpy(features(samples * FULL_SCALE))[None])[0]
        clips.append(Clip(line["source"], line["speaker"], samples, target, np.ones_like(target)))
    return clips
