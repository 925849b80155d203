"""Weights files: where they are, what they contain, and ONNX Runtime, which runs them."""
