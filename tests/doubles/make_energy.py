"""Makes `energy.onnx`: a detector without training, whose score is high where sound is loud.

Its score depends on one frame alone, so tests that use it can foretell their segments.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from vad.features import LogMel
from vad.model.pretrained import Description

FEATURES = LogMel()
DESCRIPTION = Description(
    name="energy",
    version="1",
    features=FEATURES,
    thresholds={"default": {"onset": 0.5, "offset": 0.35}},
    recipe={},
    training={},
)


def main() -> None:
    inputs = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["window", "frame", FEATURES.n_mels])
    outputs = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["window", "frame"])
    threshold = helper.make_tensor("threshold", TensorProto.FLOAT, [], [-14.0])
    nodes = [
        helper.make_node("ReduceMax", ["features"], ["level"], axes=[2], keepdims=0),
        helper.make_node("Sub", ["level", "threshold"], ["above"]),
        helper.make_node("Sigmoid", ["above"], ["scores"]),
    ]
    graph = helper.make_graph(nodes, "energy", [inputs], [outputs], [threshold])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, DESCRIPTION.to_metadata())
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, Path(__file__).with_name("energy.onnx"))


if __name__ == "__main__":
    main()
