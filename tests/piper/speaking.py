"""What the tests of this folder do with a Synthesizer."""

from typing import Any

import numpy as np
import numpy.typing as npt
from livekit.plugins.piper import SpeechChunk, SynthesisRequest, Synthesizer, WordTiming


def quiet(text: str, **more: Any) -> SynthesisRequest:
    """A request that always gives the same samples."""
    return SynthesisRequest(text, noise_scale=0.0, noise_w=0.0, **more)


async def chunks(synthesizer: Synthesizer, request: SynthesisRequest) -> list[SpeechChunk]:
    return [chunk async for chunk in synthesizer.synthesize(request)]


async def speak(
    synthesizer: Synthesizer, request: SynthesisRequest
) -> tuple[npt.NDArray[np.float64], list[WordTiming]]:
    """(samples in [-1, 1], words)"""
    got = await chunks(synthesizer, request)
    return samples(b"".join(c.pcm for c in got)), [w for c in got for w in c.words]


def samples(pcm: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2").astype(float) / 32768
