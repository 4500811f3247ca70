"""Earshot: a voice agent that never leaves earshot."""

from .version import __version__

__all__ = ["__version__"]
