"""Earshot: a voice agent that never leaves earshot."""

import os

from .version import __version__

# ONNX Runtime 1.32 reports to its maker: a name lookup as soon as a model is loaded. Set before it
# is imported; every process of ours inherits it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__all__ = ["__version__"]
