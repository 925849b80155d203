"""Makes `small.onnx`: all operators of a trained detector in a few kilobytes, with random weights, to be damaged."""

from pathlib import Path

import onnx
import torch

from vad.features import LogMel
from vad.network.export import to_onnx
from vad.network.model import Network, NetworkSettings
from vad.pretrained import Description

FEATURES = LogMel(n_mels=4)
DESCRIPTION = Description(
    name="small",
    version="1",
    features=FEATURES,
    thresholds={"default": {"onset": 0.5, "offset": 0.35}},
    recipe={},
    training={},
)


def main() -> None:
    torch.manual_seed(0)
    network = Network(FEATURES.n_mels, NetworkSettings(channels=2, hidden=2, layers=1))
    onnx.save(to_onnx(network, DESCRIPTION), Path(__file__).with_name("small.onnx"))


if __name__ == "__main__":
    main()
