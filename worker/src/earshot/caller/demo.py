"""`earshot up --demo`: a scripted caller asks three questions when no person is there."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit import rtc

from ..audio_file import Samples
from ..errors import CallError
from ..talk.wav_file import WavFile
from .caller import Answer, Caller
from .speech import RATE_HZ, Speech
from .ticket import from_page

HERE = Path(__file__).parent
QUESTIONS = (
    ("What is your name?", HERE / "questions" / "name.wav"),
    ("What is five plus three?", HERE.parent / "talk" / "question.wav"),
    ("What time is it?", HERE / "questions" / "time.wav"),
)
AGENT_WITHIN_S = 30.0
PAUSE_S = 0.7
"""between an answer and the next question, as a person leaves"""
FRAME = RATE_HZ // 100


async def demo(page_url: str, out: Path | None, as_json: bool) -> int:
    """Holds the call and prints it as it goes.

    Args:
        page_url: of a running stack, "http://127.0.0.1:8080".
        out: where a WAV of everything that the caller heard goes; None = nowhere.
        as_json: JSON lines instead of a dialogue.

    Returns:
        0 if every question was answered by voice, else 1.

    Raises:
        OutputError: `out` cannot be written; told before anything is done.
    """
    wav = WavFile(out) if out else None
    show = _Json() if as_json else _Dialogue()
    answers: list[Answer] = []
    heard: Samples | None = None
    try:
        try:
            async with Caller(await from_page(page_url)) as caller:
                await caller.agent(AGENT_WITHIN_S)
                await caller.greeting()
                show.greeting(caller.seen.said("agent"))
                for text, path in QUESTIONS:
                    await asyncio.sleep(PAUSE_S)
                    answer = await caller.ask(Speech.open(path, text))
                    answers.append(answer)
                    show.answer(answer)
                heard = caller.recording(caller.joined_at)
        except CallError as e:
            show.failure(str(e))
            return 1
        if wav is not None and heard is not None:
            wav.write(rtc.AudioFrame(heard.tobytes(), RATE_HZ, 1, len(heard)))
        show.end(answers, out)
        return 0
    finally:
        if wav is not None:
            wav.close(keep=heard is not None)


@dataclass(frozen=True)
class _Dialogue:
    """For people."""

    def greeting(self, text: str) -> None:
        print(f"  agent   {text}")

    def answer(self, answer: Answer) -> None:
        print(f"  caller  {answer.heard}")
        for tool in (answer.turn or {}).get("tools", []):
            arguments = ", ".join(f"{k}: {v}" for k, v in tool["arguments"].items())
            print(f"          {tool['name']}({arguments})")
        print(f"  agent   {answer.reply}  [{answer.latency_s * 1000:.0f} ms]", flush=True)

    def failure(self, message: str) -> None:
        print(f"earshot: {message}", file=sys.stderr)

    def end(self, answers: list[Answer], out: Path | None) -> None:
        waits = sorted(a.latency_s for a in answers)
        print(
            f"\n{len(answers)} questions answered, {waits[len(waits) // 2] * 1000:.0f} ms (median)"
            " from the last sound of the question to the first of the answer, at the caller"
        )
        if out is not None:
            print(f"what the caller heard: {out}")


@dataclass(frozen=True)
class _Json:
    """For programs."""

    def greeting(self, text: str) -> None:
        self._line("demo_greeting", reply=text)

    def answer(self, answer: Answer) -> None:
        self._line(
            "demo_answer",
            asked=answer.spoken.speech.text,
            heard=answer.heard,
            tools=(answer.turn or {}).get("tools", []),
            reply=answer.reply,
            latency_ms=round(answer.latency_s * 1000, 1),
        )

    def failure(self, message: str) -> None:
        self._line("demo_failed", message=message)

    def end(self, answers: list[Answer], out: Path | None) -> None:
        self._line("demo_done", answers=len(answers), output=None if out is None else str(out))

    def _line(self, event: str, **content: Any) -> None:
        print(json.dumps({"event": event, **content}, ensure_ascii=False), flush=True)
