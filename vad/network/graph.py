"""A network's graph in the making: nodes and constants, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor

from vad.model.runtime import INPUT
from vad.network.causal import AnyNetwork


class Graph:
    """Collects nodes and constants under running names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Append a node; the name of its first output comes back."""
        output = output or self._name(operator)
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def several(self, count: int, operator: str, *inputs: str, **attributes: Any) -> list[str]:
        """Append a node; the names of its first `count` outputs come back."""
        outputs = [f"{self._name(operator)}_{n}" for n in range(count)]
        self.nodes.append(helper.make_node(operator, list(inputs), outputs, **attributes))
        return outputs

    def joined(self, *sizes: int | str) -> str:
        """A shape, of sizes that are known and such that the graph works out."""
        return self.add("Concat", *(self.integers([s]) if isinstance(s, int) else s for s in sizes), axis=0)

    def normalised(self, network: AnyNetwork) -> str:
        """The input in units of each band's deviation from its mean."""
        return self.add("Mul", self.add("Sub", INPUT, self.constant(network.mean)), self.constant(network.scale))

    def convolved(self, x: str, weight: str, bias: str, stride: int, pads: tuple[int, int]) -> str:
        """Frames `(window, frame, mel)` to steps `(step, window, channel)`."""
        x = self.add("Transpose", x, perm=[0, 2, 1])  # (window, mel, frame)
        x = self.add("Relu", self.add("Conv", x, weight, bias, strides=[stride], pads=pads))
        return self.add("Transpose", x, perm=[2, 0, 1])

    def head(self, x: str, network: AnyNetwork) -> str:
        """The last layer's logits, `(step, window, output)`."""
        x = self.add("MatMul", x, self.constant(network.head.weight.T))
        return self.add("Add", x, self.constant(network.head.bias))

    def constant(self, value: Tensor | NDArray[np.float32] | None) -> str:
        """Keep weights as float32; their name comes back."""
        assert value is not None
        return self._keep(np.ascontiguousarray(value.detach() if isinstance(value, Tensor) else value, np.float32))

    def integers(self, values: list[int]) -> str:
        """Keep whole numbers; their name comes back."""
        return self._keep(np.array(values, np.int64))

    def _name(self, operator: str) -> str:
        return f"{operator.lower()}_{len(self.nodes)}"

    def _keep(self, value: NDArray[np.generic]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name
