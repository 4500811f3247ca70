"""One real request to each model, so that the first caller doesn't pay for first touches."""

import asyncio

import numpy as np
from livekit.plugins import faster_whisper, llama_cpp, piper

from ..errors import ModelError
from ..session import PLUGIN_ERRORS, Models

SPOKEN = "Hello, how can I help you?"


async def warm(models: Models) -> None:
    """
    Raises:
        ModelError: a model doesn't do what it is there for.
    """
    try:
        await asyncio.gather(
            _hear(models.transcriber), _answer(models.generator), _speak(models.synthesizer)
        )
    except PLUGIN_ERRORS as e:
        raise ModelError(f"the models are loaded, but don't work: {e}") from e


async def _hear(transcriber: faster_whisper.Transcriber) -> None:
    silence = np.zeros(faster_whisper.transcriber.SAMPLE_RATE_HZ, np.float32)
    request = faster_whisper.TranscriptionRequest(
        "warm-up", "warm-up", silence, languages=(), timeout_s=120.0
    )
    await transcriber.transcribe(request)


async def _answer(generator: llama_cpp.Generator) -> None:
    request = llama_cpp.GenerateRequest(
        messages=[{"role": "user", "content": "Hello."}], max_tokens=1, timeout_s=120.0
    )
    async for _ in generator.generate(request):
        pass


async def _speak(synthesizer: piper.Synthesizer) -> None:
    async for _ in synthesizer.synthesize(piper.SynthesisRequest(SPOKEN)):
        pass
