"""The starter voice: a small network that flite's voice slt taught, and a vocoder made of ONNX operations."""
