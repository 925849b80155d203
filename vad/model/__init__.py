"""Weights files: what they may hold, where they lie, and ONNX Runtime that runs them."""
