"""The three contracts of the plugins, kept by an engine in another process.

What gRPC raises never gets out: see failures. A request waits for an engine that is being
restarted, within its own time. Cancelling the one who waits cancels the work.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from livekit.plugins import faster_whisper, llama_cpp, piper

from . import engine_pb2_grpc, failures, wire
from .channel import MAX_MESSAGE_BYTES
from .failures import Family

GENERATE_S = 600.0
"""For a reply whose request names no time."""
WARM_S = 10.0
SYNTHESIS_S, SYNTHESIS_S_PER_CHAR = 60.0, 0.2
"""Three times as long as it takes to say it: a reader may take the audio as it is played."""

_M = TypeVar("_M", bound=Message)


class _Remote:
    """What the three have in common."""

    def __init__(self, channel: grpc.aio.Channel, family: Family) -> None:
        self._channel = channel
        self._family = family
        self._closed = False
        self._calls: set[Any] = set()

    async def aclose(self) -> None:
        """Ends this client's requests with ClosedError; the engine's model stays."""
        self._closed = True
        for call in list(self._calls):
            call.cancel()

    def _pack(self, pack: Callable[[], _M]) -> _M:
        if self._closed:
            raise self._family.closed("the engine's client was closed")
        try:
            message = pack()
        except (TypeError, ValueError) as e:
            raise self._family.wrong(f"the request cannot be sent: {e}") from e
        if (size := message.ByteSize()) > MAX_MESSAGE_BYTES:
            raise self._family.wrong(
                f"the request has {size} bytes; expected {MAX_MESSAGE_BYTES} at most"
            )
        return message

    @contextlib.contextmanager
    def _mapped(self, call: Any) -> Iterator[None]:
        """Around everything that is awaited of a call."""
        self._calls.add(call)
        try:
            yield
        except grpc.aio.AioRpcError as e:
            raise failures.from_status(e, self._family) from e
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # gRPC says so too when the call was cancelled, and nobody else's task
            raise self._family.closed("the engine's client was closed") from None
        finally:
            self._calls.discard(call)
            call.cancel()

    async def _one(self, method: Any, message: Message, timeout_s: float) -> Any:
        call = method(message, timeout=timeout_s, wait_for_ready=True)
        with self._mapped(call):
            return await call

    async def _many(
        self, method: Any, message: Message, timeout_s: float
    ) -> AsyncGenerator[Any, None]:
        call = method(message, timeout=timeout_s, wait_for_ready=True)
        with self._mapped(call):
            while (response := await call.read()) is not grpc.aio.EOF:
                yield response


class RemoteTranscriber(_Remote):
    """A `faster_whisper.Transcriber`."""

    def __init__(self, channel: grpc.aio.Channel, model: str) -> None:
        super().__init__(channel, failures.TRANSCRIBER)
        self._stub: Any = engine_pb2_grpc.TranscriberStub(channel)  # type: ignore[no-untyped-call]
        self._model = model

    @property
    def model(self) -> str:
        return self._model

    async def transcribe(
        self, request: faster_whisper.TranscriptionRequest
    ) -> faster_whisper.Transcript:
        """See `faster_whisper.Transcriber`."""
        request.check()
        message = self._pack(lambda: wire.pack_transcription(request))
        answer = await self._one(self._stub.Transcribe, message, request.timeout_s)
        return wire.unpack_transcript(answer)

    async def align(
        self, request: faster_whisper.TranscriptionRequest, transcript: faster_whisper.Transcript
    ) -> tuple[faster_whisper.Word, ...]:
        """See `faster_whisper.Transcriber`."""
        request.check()
        message = self._pack(lambda: wire.pack_align(request, transcript))
        answer = await self._one(self._stub.Align, message, request.timeout_s)
        return wire.unpack_words(answer)


class RemoteGenerator(_Remote):
    """A `llama_cpp.Generator`."""

    def __init__(self, channel: grpc.aio.Channel, model: str) -> None:
        super().__init__(channel, failures.GENERATOR)
        self._stub: Any = engine_pb2_grpc.GeneratorStub(channel)  # type: ignore[no-untyped-call]
        self._model = model

    @property
    def model(self) -> str:
        return self._model

    async def generate(
        self, request: llama_cpp.GenerateRequest
    ) -> AsyncGenerator[llama_cpp.Event, None]:
        """See `llama_cpp.Generator`."""
        message = self._pack(lambda: wire.pack_generate(request))
        timeout_s = GENERATE_S if request.timeout_s is None else request.timeout_s
        answers = self._many(self._stub.Generate, message, timeout_s)
        async with contextlib.aclosing(answers):
            async for answer in answers:
                yield wire.unpack_event(answer)

    async def warm(self, request: llama_cpp.WarmRequest) -> int:
        """See `llama_cpp.Generator`."""
        message = self._pack(lambda: wire.pack_warm(request))
        timeout_s = WARM_S if request.timeout_s is None else request.timeout_s
        answer = await self._one(self._stub.Warm, message, timeout_s)
        return int(answer.tokens)


class RemoteSynthesizer(_Remote):
    """A `piper.Synthesizer`."""

    def __init__(self, channel: grpc.aio.Channel, info: piper.VoiceInfo) -> None:
        super().__init__(channel, failures.SYNTHESIZER)
        self._stub: Any = engine_pb2_grpc.SynthesizerStub(channel)  # type: ignore[no-untyped-call]
        self._info = info

    @property
    def info(self) -> piper.VoiceInfo:
        return self._info

    async def synthesize(
        self, request: piper.SynthesisRequest
    ) -> AsyncGenerator[piper.SpeechChunk, None]:
        """See `piper.Synthesizer`."""
        self._info.check(request)
        message = self._pack(lambda: wire.pack_synthesis(request))
        timeout_s = SYNTHESIS_S + SYNTHESIS_S_PER_CHAR * len(request.text)
        answers = self._many(self._stub.Synthesize, message, timeout_s)
        async with contextlib.aclosing(answers):
            async for answer in answers:
                yield wire.unpack_chunk(answer)
