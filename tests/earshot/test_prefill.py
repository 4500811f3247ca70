"""What is read ahead is what the reply's prompt will begin with."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from earshot.agent import Assistant
from earshot.prefill import Prefill, read_instructions
from earshot.settings import PersonaSettings
from livekit.agents import AgentSession
from livekit.plugins import llama_cpp

PERSONA = PersonaSettings(name="Nova", greeting="")


class Recorder:
    """A generator that notes what it is asked, and says "Hello."."""

    model = "recorder"

    def __init__(self) -> None:
        self.warmed: list[llama_cpp.WarmRequest] = []
        self.asked: list[llama_cpp.GenerateRequest] = []

    async def warm(self, request: llama_cpp.WarmRequest) -> int:
        self.warmed.append(request)
        return 0

    async def generate(
        self, request: llama_cpp.GenerateRequest
    ) -> AsyncGenerator[llama_cpp.Event, None]:
        self.asked.append(request)
        yield llama_cpp.TextDelta("Hello.")
        yield llama_cpp.Done("stop", llama_cpp.Usage())

    async def aclose(self) -> None: ...


async def test_the_worker_reads_what_calls_begin_with() -> None:
    recorder = Recorder()
    model = llama_cpp.LLM(recorder)
    await read_instructions(Assistant(PERSONA, None), model)  # before there is a call
    (first,) = recorder.warmed
    session: AgentSession[None] = AgentSession(llm=model)
    prefill = Prefill(session, model)
    await session.start(Assistant(PERSONA, None), record=False)
    await prefill.instructions()
    await session.run(user_input="Who are you?")
    while len(recorder.warmed) < 4:  # the answer is read on while the caller listens
        await asyncio.sleep(0.001)
    await prefill.instructions()
    await prefill.aclose()
    await session.aclose()
    (asked,) = recorder.asked
    system: Any = asked.messages[0]
    assert system["role"] == "system" and "Nova" in system["content"]
    assert len(asked.tools) == len(PERSONA.tools)
    for warmed in recorder.warmed:
        assert (warmed.messages[0], warmed.tools) == (system, asked.tools)
    assert all(w.timeout_s is not None and w.timeout_s > 60 for w in recorder.warmed[:3])
    assert first.messages == [system]
    # and after a restart of the engine all that was said
    for warmed in (recorder.warmed[3], recorder.warmed[-1]):
        assert [m["role"] for m in warmed.messages] == ["system", "user", "assistant"]
