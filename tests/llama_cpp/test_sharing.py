"""One generator under many callers: room, deadlines, threads, failures."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from asking import Answer, ask
from dialogues import system, user
from livekit.plugins.llama_cpp import (
    ClosedError,
    DeadlineError,
    LocalGenerator,
    OverloadedError,
    PromptTooLongError,
    WarmRequest,
)

STORY = "Tell me a long story."


async def test_a_conversation_that_outgrows_the_context(starter: Path) -> None:
    generator = LocalGenerator(starter, threads=1, n_ctx=1024)
    messages = [system()]
    cached = []
    for turn in range(40):
        messages.append(user(f"Hello number {turn}. " + "Thank you very much. " * 4))
        answer = await ask(generator, messages)
        assert answer.usage.prompt_tokens + answer.usage.completion_tokens <= 1024
        cached.append(answer.usage.cached_tokens / answer.usage.prompt_tokens)
        messages.append(answer.message)
    # turns are dropped many at a time: nearly every turn still finds its cache
    assert sum(share > 0.75 for share in cached) >= 32
    with pytest.raises(PromptTooLongError, match="expected at most"):
        await ask(generator, [system(), user("word " * 2000)])
    await generator.aclose()


async def test_more_callers_than_there_is_room_for(starter: Path) -> None:
    generator = LocalGenerator(starter, threads=1, max_active=2, max_queued=3)
    results = await asyncio.gather(
        *(ask(generator, [system(), user(STORY)]) for _ in range(9)), return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, OverloadedError)]
    answers = [r for r in results if isinstance(r, Answer)]
    assert (len(answers), len(refused)) == (5, 4)
    assert all(error.retryable for error in refused)
    assert len({a.text for a in answers}) == 1
    assert (await ask(generator, [system(), user("Hello.")])).text
    await generator.aclose()


async def test_what_is_under_way(starter: Path) -> None:
    generator = LocalGenerator(starter, threads=1, max_active=2)
    assert (generator.active, generator.queued, generator.stalled_s) == (0, 0, 0.0)
    tasks = [asyncio.create_task(ask(generator, [system(), user(STORY)])) for _ in range(5)]
    seen = set()
    while not tasks[0].done():
        await asyncio.sleep(0.001)
        seen.add((generator.active, generator.queued))
    assert (5, 3) in seen
    await asyncio.gather(*tasks)
    while generator.active:
        await asyncio.sleep(0.001)
    assert generator.stalled_s < 1.0
    await generator.aclose()


async def test_waiting_for_cells_and_not_for_slots(starter: Path) -> None:
    """Replies whose cells don't fit side by side come one after the other."""
    generator = LocalGenerator(starter, threads=1, n_ctx=1024, max_active=4)
    answers = await asyncio.gather(
        *(ask(generator, [system(f"You are {n}."), user(STORY)]) for n in ("A", "B", "C", "D"))
    )
    assert all(a.text.startswith("Once upon a time") for a in answers)
    await generator.aclose()


async def test_an_evicted_conversation_comes_back(starter: Path) -> None:
    generator = LocalGenerator(starter, threads=1, n_ctx=1024)
    talk = [system("You are Nova."), user(STORY)]
    first = await ask(generator, talk)
    talk += [first.message, user("Thank you.")]
    for name in ("Iris", "Max", "Otto", "Ruby"):
        await ask(generator, [system(f"You are {name}."), user(STORY)])
    back = await ask(generator, talk)
    assert back.usage.cached_tokens > first.usage.prompt_tokens
    await generator.aclose()
    poor = LocalGenerator(starter, threads=1, n_ctx=1024, pool_bytes=0)
    assert (await ask(poor, talk)).said == back.said
    await poor.aclose()


async def test_deadlines(generator: LocalGenerator) -> None:
    with pytest.raises(DeadlineError) as caught:
        await ask(generator, [system(), user(STORY)], timeout_s=0.02)
    assert caught.value.retryable
    assert (await ask(generator, [system(), user("Hello.")], timeout_s=30)).text


async def test_closing_ends_everybody(starter: Path) -> None:
    generator = LocalGenerator(starter, threads=1)
    running = [asyncio.ensure_future(ask(generator, [system(), user(STORY)])) for _ in range(6)]
    await asyncio.sleep(0.05)
    await generator.aclose()
    results = await asyncio.gather(*running, return_exceptions=True)
    assert all(isinstance(r, ClosedError | Answer) for r in results)
    assert any(isinstance(r, ClosedError) for r in results)
    for call in (ask(generator, [user("Hello.")]), generator.warm(WarmRequest(messages=[]))):
        with pytest.raises(ClosedError):
            await call
    await generator.aclose()
    assert not any(t.name == "llama-cpp" and not t.daemon for t in threading.enumerate())


def test_event_loops_of_several_threads(generator: LocalGenerator) -> None:
    answers: list[Answer] = []

    def talk() -> None:
        answers.append(asyncio.run(ask(generator, [system(), user("Hello.")])))

    threads = [threading.Thread(target=talk) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.text for a in answers} == {"Hello, how can I help you?"}


async def test_a_failed_evaluation_fails_one_request_only(
    starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """llama.cpp refuses every batch in which one caller's prompt is."""
    generator = LocalGenerator(starter, threads=1)
    context = generator._engine._context
    decode = context.decode
    poison = generator._model.tokenize("zzz")[0]

    def failing(rows: Any) -> int:
        return -3 if any(row.token == poison for row in rows) else decode(rows)

    monkeypatch.setattr(context, "decode", failing)
    results = await asyncio.gather(
        ask(generator, [user("Hello.")]),
        ask(generator, [user("zzz")]),
        ask(generator, [user("Good morning.")]),
        return_exceptions=True,
    )
    assert [type(r).__name__ for r in results] == ["Answer", "DecodeError", "Answer"]
    assert (await ask(generator, [user("Hello.")])).text
    await generator.aclose()
