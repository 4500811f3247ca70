"""Profiles: which files make up the STT model, the LLM and the voice, and whether they are whole.

Knows nothing of what is inside the files: that is the plugins' part.
"""

from .manifest import load_profile, load_profiles
from .profile import KINDS, Kind, Model, ModelFile, Profile, Source, sha256

__all__ = [
    "KINDS",
    "Kind",
    "Model",
    "ModelFile",
    "Profile",
    "Source",
    "load_profile",
    "load_profiles",
    "sha256",
]
