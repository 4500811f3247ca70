"""The services of engine.proto, on the model halves.

Cancelling a call, or its deadline, cancels the coroutine that serves it, and with that the work:
the model halves see to it themselves. Responses are written, not yielded: a generator that gRPC
drops in the middle would be closed whenever its turn comes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import structlog
from livekit.plugins import faster_whisper, llama_cpp, piper

from . import engine_pb2 as pb
from . import engine_pb2_grpc, failures, wire
from .failures import Family

LONGEST_CALL_S = 24 * 3600.0

_log = structlog.get_logger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]


class Calls:
    """Counts what is in progress, and turns what goes wrong into a status."""

    def __init__(self) -> None:
        self.open = 0

    @contextlib.asynccontextmanager
    async def serve(self, context: Context, family: Family) -> AsyncIterator[float]:
        """Around one call; gives the seconds that it may take."""
        timeout_s = await deadline(context)
        self.open += 1
        try:
            yield timeout_s
        except grpc.aio.AbortError:
            raise
        except Exception as e:
            if not isinstance(e, family.base):
                _log.exception("a request failed unexpectedly")
            await context.abort(*failures.to_status(e, family))
        finally:
            self.open -= 1


async def deadline(context: Context) -> float:
    """Seconds left to a call; one without a deadline is refused."""
    timeout_s = context.time_remaining()
    if timeout_s is None or timeout_s > LONGEST_CALL_S:
        await context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"a call needs a deadline, of {LONGEST_CALL_S:.0f} s at most",
        )
    return timeout_s


class TranscriberService(engine_pb2_grpc.TranscriberServicer):
    def __init__(self, transcriber: faster_whisper.Transcriber, calls: Calls) -> None:
        self._transcriber = transcriber
        self._calls = calls

    async def Transcribe(self, message: pb.TranscriptionRequest, context: Context) -> pb.Transcript:
        async with self._calls.serve(context, failures.TRANSCRIBER) as timeout_s:
            request = wire.unpack_transcription(message, timeout_s)
            return wire.pack_transcript(await self._transcriber.transcribe(request))

    async def Align(self, message: pb.AlignRequest, context: Context) -> pb.Words:
        async with self._calls.serve(context, failures.TRANSCRIBER) as timeout_s:
            request = wire.unpack_transcription(message.request, timeout_s)
            transcript = wire.unpack_transcript(message.transcript)
            return wire.pack_words(await self._transcriber.align(request, transcript))


class GeneratorService(engine_pb2_grpc.GeneratorServicer):
    def __init__(self, generator: llama_cpp.Generator, calls: Calls) -> None:
        self._generator = generator
        self._calls = calls

    async def Generate(self, message: pb.GenerateRequest, context: Context) -> None:
        async with self._calls.serve(context, failures.GENERATOR) as timeout_s:
            request = wire.unpack_generate(message, timeout_s)
            async with contextlib.aclosing(self._generator.generate(request)) as events:
                async for event in events:
                    await context.write(wire.pack_event(event))

    async def Warm(self, message: pb.WarmRequest, context: Context) -> pb.Warmed:
        async with self._calls.serve(context, failures.GENERATOR) as timeout_s:
            request = wire.unpack_warm(message, timeout_s)
            return pb.Warmed(tokens=await self._generator.warm(request))


class SynthesizerService(engine_pb2_grpc.SynthesizerServicer):
    def __init__(self, synthesizer: piper.Synthesizer, calls: Calls) -> None:
        self._synthesizer = synthesizer
        self._calls = calls

    async def Synthesize(self, message: pb.SynthesisRequest, context: Context) -> None:
        async with self._calls.serve(context, failures.SYNTHESIZER) as timeout_s:
            request = wire.unpack_synthesis(message)
            async with (
                asyncio.timeout(timeout_s),
                contextlib.aclosing(self._synthesizer.synthesize(request)) as chunks,
            ):
                async for chunk in chunks:
                    await context.write(wire.pack_chunk(chunk))


class EngineService(engine_pb2_grpc.EngineServicer):
    def __init__(
        self,
        health: Callable[[], pb.HealthReport],
        status: Callable[[], Awaitable[pb.StatusReport]],
    ) -> None:
        self._health = health
        self._status = status

    async def Health(self, message: pb.HealthRequest, context: Context) -> pb.HealthReport:
        await deadline(context)
        return self._health()

    async def Status(self, message: pb.StatusRequest, context: Context) -> pb.StatusReport:
        await deadline(context)
        return await self._status()
