"""The rival: an agent as one writes it first from the stock libraries, on the same models.

`WhisperModel.transcribe` behind LiveKit's StreamAdapter, `Llama.create_chat_completion`,
`PiperVoice.synthesize` sentence by sentence, LiveKit's defaults for turns. Same persona, same tools,
same number of threads for each model. A copy of the models in every job process.

    LIVEKIT_URL=… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=… python -m earshot.bench.call_stock CALLS
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    Agent,
    AgentServer,
    AgentSession,
    APIConnectionError,
    APIConnectOptions,
    JobContext,
    JobProcess,
    llm,
    room_io,
    stt,
    tts,
)
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import shortuuid
from livekit.plugins import silero

from ..agent import Assistant
from ..cores import CoreShares
from ..models import load_profile
from ..session import stay_local
from ..settings import load
from .answering import called
from .stock_llama import llama
from .stt import Stock as StockSTT

AGENT = "stock"
MOST_TOKENS = 256
CALL = "<tool_call>"


class StockLLM(llm.LLM[None]):
    """`create_chat_completion`, streamed from a thread; one request at a time, as Llama demands."""

    def __init__(self, path: str, threads: int) -> None:
        super().__init__()
        self.llama: Any = llama(path, n_ctx=4096, threads=threads)
        self.lock = threading.Lock()

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        return _Completion(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _Completion(llm.LLMStream):
    async def _run(self) -> None:
        model = self._llm
        assert isinstance(model, StockLLM)
        loop, stop = asyncio.get_running_loop(), threading.Event()
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        messages = self._chat_ctx.to_provider_format("openai")[0]
        tools = llm.ToolContext(self._tools).parse_function_tools("openai", strict=False)

        def decode() -> None:
            try:
                with model.lock:
                    for text in _deltas(model.llama, messages, tools):
                        if stop.is_set():
                            return
                        loop.call_soon_threadsafe(queue.put_nowait, text)
            finally:
                loop.call_soon_threadsafe(queue.put_nowait, None)

        working = asyncio.create_task(asyncio.to_thread(decode))
        try:
            await self._pass_on(queue)
            await working
        except ValueError as e:
            raise APIConnectionError(str(e)) from e
        finally:
            stop.set()

    async def _pass_on(self, queue: asyncio.Queue[str | None]) -> None:
        """Text goes on at once, unless it may be a tool call: that is passed on whole."""
        held, speaks = "", False
        while (text := await queue.get()) is not None:
            held += text
            if speaks or not (CALL.startswith(held.strip()) or held.strip().startswith(CALL)):
                speaks = True
                self._emit(llm.ChoiceDelta(role="assistant", content=held))
                held = ""
        if call := called(held):
            name, arguments = call
            tool = llm.FunctionToolCall(
                name=name, arguments=json.dumps(arguments), call_id=shortuuid("call_")
            )
            self._emit(llm.ChoiceDelta(role="assistant", tool_calls=[tool]))
        elif held:
            self._emit(llm.ChoiceDelta(role="assistant", content=held))

    def _emit(self, delta: llm.ChoiceDelta) -> None:
        self._event_ch.send_nowait(llm.ChatChunk(id=shortuuid(), delta=delta))


def _deltas(llama: Any, messages: Any, tools: Any) -> Iterator[str]:
    for chunk in llama.create_chat_completion(
        messages, tools=tools or None, temperature=0, max_tokens=MOST_TOKENS, stream=True
    ):
        if text := chunk["choices"][0]["delta"].get("content"):
            yield text


class StockTTS(tts.TTS[None]):
    """`PiperVoice.synthesize`: LiveKit hands it one sentence after the other."""

    def __init__(self, path: str, threads: int) -> None:
        import onnxruntime as ort  # type: ignore[import-untyped]
        from piper import PiperVoice

        self.voice = PiperVoice.load(path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.voice.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=self.voice.config.sample_rate,
            num_channels=1,
        )

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Sentence(tts=self, input_text=text, conn_options=conn_options)


class _Sentence(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        speaker = self._tts
        assert isinstance(speaker, StockTTS)
        output_emitter.initialize(
            request_id=shortuuid(),
            sample_rate=speaker.sample_rate,
            num_channels=1,
            mime_type="audio/pcm",
        )

        def synthesize() -> list[bytes]:
            return [chunk.audio_int16_bytes for chunk in speaker.voice.synthesize(self._input_text)]

        for pcm in await asyncio.to_thread(synthesize):
            output_emitter.push(pcm)
        output_emitter.flush()


class StockAgent(Agent):
    """Our persona and tools, without what we do about interruptions."""

    def __init__(self) -> None:
        persona = load().persona
        ours = Assistant(persona, None)
        super().__init__(instructions=ours.instructions, tools=ours.tools)
        self._greeting = persona.greeting.replace("{name}", persona.name)

    async def on_enter(self) -> None:
        if self._greeting:
            self.session.say(self._greeting)


def prewarm(process: JobProcess) -> None:
    """Loads a copy of the models into a job process, and runs each once."""
    import numpy as np

    stay_local()
    settings = load()
    profile = load_profile(settings.profile, settings.models_dir)
    threads = CoreShares.of_this_machine()
    recogniser = StockSTT(profile.stt, threads.stt)
    recogniser.transcribe(np.zeros(16_000, np.float32))
    language = StockLLM(str(profile.llm), threads.llm)
    list(_deltas(language.llama, [{"role": "user", "content": "Hello."}], None))
    voice = StockTTS(str(profile.voice), threads.voice)
    list(voice.voice.synthesize("Warm up."))
    process.userdata.update(stt=recogniser, llm=language, tts=voice, vad=silero.VAD.load())


async def entrypoint(job: JobContext) -> None:
    """One call."""
    models = job.proc.userdata
    session: AgentSession[None] = AgentSession(
        stt=stt.StreamAdapter(stt=models["stt"], vad=models["vad"]),
        llm=models["llm"],
        tts=models["tts"],
        vad=models["vad"],
        turn_handling={"turn_detection": "vad", "interruption": {"mode": "vad"}},
    )
    options = room_io.RoomOptions(
        audio_input=room_io.AudioInputOptions(sample_rate=16_000)  # what Whisper takes
    )
    await session.start(StockAgent(), room=job.room, room_options=options, record=False)


def serve(calls: int) -> None:
    """Runs the worker, ready for that many calls, until it is told to stop."""
    stay_local()
    server = AgentServer(
        setup_fnc=prewarm,
        load_fnc=_no_load,
        num_idle_processes=calls,
        initialize_process_timeout=180.0,
        host="127.0.0.1",
        port=0,
    )
    server.rtc_session(entrypoint, agent_name=AGENT)
    asyncio.run(server.run())


def _no_load(_: AgentServer) -> float:
    return 0.0  # the processor is busy with models: by the default the server would be refused


def main() -> None:
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else 1)


if __name__ == "__main__":
    # by its own name, so that the job processes find it
    os.execv(
        sys.executable,
        [sys.executable, "-c", f"from {__spec__.name} import main; main()", *sys.argv[1:]],
    )
