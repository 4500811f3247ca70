"""Small talk with a language model: does it answer, each time something else, and remember what it was told?

    scripts/bench conversation [--profile starter] [--guard 4] [--json]

The conversations stand in conversations.toml. Sense is for people to judge: --json prints every answer.
"""

import asyncio
import difflib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
from livekit.plugins import llama_cpp

from ..models import load_profile
from ..settings import load

MOST_TOKENS = 80
NEARLY = 0.9
"""Of two answers, so much the same, to different questions: one answer."""
_NOT_SPEECH = re.compile(r"[{}<>|]|`{3}|\[[A-Za-z][^\]]* [^\]]*\]|\w_\w|</|\w\([^)]*[=\"']")


@dataclass
class Said:
    question: str
    answer: str
    recalled: bool | None
    """Whether it holds what the caller had said before; None where nothing was asked for."""
    repeats: bool
    """Nearly what was answered to another question of the conversation."""
    speech: bool


@dataclass
class Figures:
    said: list[Said] = field(default_factory=list)
    unanswered: int = 0

    def line(self) -> str:
        """What was measured, in one line."""
        recalls = [s.recalled for s in self.said if s.recalled is not None]
        return (
            f"{len(self.said)} turns: {sum(s.repeats for s in self.said)} answers given before,"
            f" {sum(recalls)} of {len(recalls)} facts recalled,"
            f" {sum(not s.speech for s in self.said)} not speech, {self.unanswered} unanswered"
        )


def conversations() -> list[dict[str, Any]]:
    """[{"name", "turns": [{"say", "recall"?}]}]"""
    path = Path(__file__).with_name("conversations.toml")
    found: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["conversation"]
    return found


def measure(generator: llama_cpp.Generator, instructions: str, guard: float) -> Iterator[Said]:
    """Every turn of every conversation, greedy."""
    for conversation in conversations():
        messages: list[dict[str, Any]] = [{"role": "system", "content": instructions}]
        answers: list[str] = []
        for turn in conversation["turns"]:
            messages.append({"role": "user", "content": turn["say"]})
            answer = asyncio.run(_answer(generator, messages, guard))
            messages.append({"role": "assistant", "content": answer})
            wanted = turn.get("recall")
            yield Said(
                question=turn["say"],
                answer=answer,
                recalled=any(w in answer.lower() for w in wanted) if wanted else None,
                repeats=bool(answer) and any(_same(answer, other) for other in answers),
                speech=not _NOT_SPEECH.search(answer),
            )
            answers.append(answer)


async def _answer(
    generator: llama_cpp.Generator, messages: list[dict[str, Any]], guard: float
) -> str:
    request = llama_cpp.GenerateRequest(
        messages=list(messages), max_tokens=MOST_TOKENS, repetition_guard=guard
    )
    text = ""
    try:
        async for event in generator.generate(request):
            if isinstance(event, llama_cpp.TextDelta):
                text += event.text
    except llama_cpp.NoAnswerError:
        return ""
    return text


def _same(answer: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, answer, other).ratio() > NEARLY


@click.command()
@click.option("--profile", default="starter", help="Whose language model talks.")
@click.option("--guard", default=4.0, help="repetition_guard; 0: none.")
@click.option("--json", "as_json", is_flag=True, help="Every answer.")
def command(profile: str, guard: float, as_json: bool) -> None:
    """Small talk: answers given before, facts recalled, what is not speech."""
    settings = load({"profile": profile})
    chosen = load_profile(settings.profile, settings.models_dir)
    persona = settings.persona
    generator = llama_cpp.LocalGenerator(chosen.llm)
    figures = Figures()
    try:
        for said in measure(generator, persona.instructions.replace("{name}", persona.name), guard):
            figures.said.append(said)
            figures.unanswered += not said.answer
            if as_json:
                click.echo(json.dumps(asdict(said), ensure_ascii=False))
    finally:
        generator.close()
    click.echo(figures.line(), err=as_json)
