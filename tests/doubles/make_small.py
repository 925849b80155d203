"""Makes `small.onnx`: all operators of a trained detector in a few kilobytes, with random weights, to be damaged."""

from dataclasses import replace
from pathlib import Path

import onnx
import torch
from make_energy import DESCRIPTION

from vad.features import LogMel
from vad.network.bilstm import Network, NetworkSettings
from vad.network.to_onnx import to_onnx

FEATURES = LogMel(n_mels=4)


def main() -> None:
    torch.manual_seed(0)
    network = Network(FEATURES.n_mels, NetworkSettings(channels=2, hidden=2, layers=1))
    model = to_onnx(network, replace(DESCRIPTION, name="small", features=FEATURES))
    onnx.save(model, Path(__file__).with_name("small.onnx"))


if __name__ == "__main__":
    main()
