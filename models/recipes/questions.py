"""Held-out questions with what counts as a right answer, for the whole agent: heard, understood, done, said.

Frames and settings of voices that training never uses; names, topics and rooms are known ones.
"""

import random
import re
from typing import Any

from . import grammar
from .llm import phrases, sayings
from .stt.held_out import people, several
from .stt.spoken import spoken

SEED = 970_041
DOCUMENTS: dict[str, str] = phrases.WORDS["facts"]
"""what the agent can search: {topic: text}"""
KINDS = {
    "math": 12, "timer": 9, "timer_one": 4, "time": 6, "date": 6, "search": 8, "where": 3, "cancel": 4,
    "iam": 6, "visit": 6, "name": 4, "greet": 3, "how": 3, "cap": 3, "priv": 5, "joke": 3, "stop": 2,
    "thanks": 3, "bye": 3, "count": 3, "device": 3, "elsewhere": 4, "yes": 2, "no": 2, "sing": 1,
}  # fmt: skip
COUNT = 100
PLACES = ("the elevator", "the printer", "parking")


def question(kind: str) -> dict[str, Any]:
    """{"text": as it is said, "kind", "reply": a regular expression, "tool": [name, arguments] or None}"""
    form = random.choice(phrases.FRAMES[kind]["held_out"])
    tool: list[Any] | None = None
    slot, values = "", {}
    if kind == "math":
        a, b, op = random.randint(0, 100), random.randint(1, 100), random.choice("+-*")
        slot = f"{grammar.num(a)} {sayings.OPERATORS[op][0]} {grammar.num(b)}"
        tool = ["calculate", {"expression": f"{a} {op} {b}"}]
        reply = rf"The answer is {dict(zip('+-*', (a + b, a - b, a * b), strict=True))[op]}\."
    elif kind.startswith("timer"):
        amount, unit = random.randint(2, 60), random.choice(["seconds", "minutes", "hours"])
        slot = f"{grammar.num(amount)} {unit if kind == 'timer' else unit[:-1]}"
        tool = ["set_timer", {"amount": amount, "unit": unit}]
        reply = (
            rf"Your timer is set for {amount} {unit}\.|Sorry, that did not work\."
            if amount > 24 and unit == "hours"  # more than a day is refused
            else rf"Your timer is set for {amount} {unit}\."
        )
    elif kind in ("time", "date"):
        tool = ["get_current_time", {}]
        reply = r"It is \d\d:\d\d\." if kind == "time" else r"Today is \w+, \w+ \d+, \d{4}\."
    elif kind in ("search", "where"):
        slot = random.choice(PLACES if kind == "where" else sorted(DOCUMENTS))
        tool = ["search_documents", {"query": slot.removeprefix("the ")}]
        reply = re.escape(DOCUMENTS[slot]) + ".*"
    elif kind == "cancel":
        tool = ["cancel_timer", {}]
        reply = r"The timer is cancelled\.|There is no timer running\."
    elif kind in ("iam", "visit"):
        slot = random.choice(grammar.NAMES)
        reply = (
            rf"(Nice to meet you, {slot}\.|Hello {slot}, how can I help you\?)"
            if kind == "iam"
            else rf"I will let {slot} know that you are here\."
        )
    elif kind == "name":
        reply = r"My name is Earshot\..*"
    elif kind == "count":
        n = random.randint(3, 12)
        slot = grammar.num(n)
        reply = re.escape(", ".join(grammar.num(i) for i in range(1, n + 1)).capitalize()) + r"\."
    elif kind == "device":
        values = {"on": random.choice(["on", "off"]), "r": random.choice(grammar.ROOMS),
                  "d": random.choice(grammar.DEVICES)}  # fmt: skip
        reply = rf"I cannot switch the {values['d']} in the {values['r']} yet\."
    elif kind == "elsewhere":
        slot = random.choice(phrases.WORDS["things"])
        reply = "|".join(map(re.escape, (sayings.ELSEWHERE, sayings.UNABLE)))
    elif kind == "joke":
        reply = "|".join(map(re.escape, phrases.WORDS["jokes"]))
    else:
        reply = re.escape(phrases.PLAIN[kind])
        if kind in ("thanks", "no"):
            reply += "|" + re.escape(phrases.PLAIN["bye"])
    text = spoken(form.format(slot, slot, **values))
    return {"text": text, "kind": kind, "reply": reply, "tool": tool}


def make(share: float = 1.0) -> tuple[list[dict[str, Any]], list[Any]]:
    """(questions in random order, their sounds: int16 at 16 kHz); `share`: of their full number."""
    random.seed(SEED)
    kinds = [k for kind, n in KINDS.items() for k in [kind] * n]
    random.shuffle(kinds)
    questions = [question(k) for k in kinds[: max(3, round(COUNT * share))]]
    return questions, [several(1, lambda t=q["text"]: t, people())[0].audio for q in questions]  # type: ignore[misc]
