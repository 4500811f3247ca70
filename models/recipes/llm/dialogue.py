"""Synthetic dialogues of the starter assistant, built turn by turn.

Messages are in OpenAI form, with tool calls as {"role": "assistant", "tool": (name, arguments)}; an assistant's
message has "expect", every answer that counts as right, and "intent". `held` takes sentence frames, names, topics
and facts that training never uses.
"""

import json
import random
from collections.abc import Callable
from typing import Any

from .. import grammar
from ..grammar import DEVICES, ROOMS, num
from .noise import heard
from .personas import setting, tool_definition
from .phrases import PLAIN, WORDS, fact, frame, loose_words, person, pick, topic
from .sayings import (
    ELSEWHERE,
    ERRORS,
    FAILED,
    GREETINGS,
    NEEDS,
    OPERATORS,
    PLAIN_SHARE,
    QUESTIONS_ABOUT,
    RARE,
    SUM_ERRORS,
    TIMER_CANCELLED,
    TIMER_ERRORS,
    TIMER_NONE,
    TIMES_IN_WORDS,
    UNABLE,
    WEIGHTS,
    clock,
    date,
    document,
    dressed,
    number_text,
    operand,
    result,
    time_told,
)
from .template import Message


class Dialogue:
    """Knows what was said, so that later turns can refer to it."""

    def __init__(self, tools: list[str], agent: str | None, held: bool) -> None:
        self._have, self._agent, self._held = set(tools), agent, held
        self.messages: list[Message] = []
        self._intent = ""
        self._name: str | None = None
        self._last: str | None = None
        self._result: int | float | None = None
        self._jokes = 0

    def greet_first(self) -> None:
        """The agent speaks first: given, not learnt."""
        own = f"Hello, I am {self._agent or 'Earshot'}. How can I help you?"
        self._say(pick([own, *GREETINGS]))
        self.messages[-1]["given"] = True

    def turn(self) -> None:
        if random.random() < PLAIN_SHARE:
            intents = list(PLAIN)
            return self._plain(random.choices(intents, [RARE.get(k, 1.0) for k in intents])[0])
        if self._held:
            weights = dict.fromkeys(WEIGHTS, 1.0) | {"math": 2.0, "timer": 2.0, "search": 1.5}
        else:  # a tool that is there is asked for more often than one that is not
            weights = {
                k: w if k not in NEEDS or NEEDS[k] in self._have else w * 0.35
                for k, w in WEIGHTS.items()
            }
        self._do(random.choices(list(weights), list(weights.values()))[0])

    # ------------------------------------------------------------ the parts of a turn
    def _do(self, intent: str) -> None:
        self._intent = intent
        turn: Callable[[], None] = getattr(self, f"_turn_{intent}")
        turn()

    def _small_talk(self) -> None:
        """A turn without tools."""
        x = random.random()
        if x < 0.5:
            return self._do(pick(["who", "iam", "visit", "device", "joke"]))
        self._plain(pick(["greet", "how", "priv", "cap", "stop"]))

    def _plain(self, intent: str) -> None:
        self._intent = intent
        self._ask(intent)
        also = {"thanks": [PLAIN["bye"]], "no": [PLAIN["bye"]]}.get(intent, [])
        self._say(PLAIN[intent], *also)

    def _user(self, text: str) -> None:
        self.messages.append({"role": "user", "content": text[0].upper() + text[1:]})

    def _noisy(self, form: str) -> str:
        return heard(form) if not self._held or random.random() < 0.3 else form

    def _ask(self, intent: str, *slots: str, dress: bool = False) -> None:
        form = frame(intent, self._held)
        if not self._held and (dress or random.random() < 0.5):
            form = dressed(form)
        self._user(self._noisy(form).format(*slots))

    def _say(self, text: str, *also: str) -> None:
        self.messages.append({
            "role": "assistant", "content": text, "expect": [text, *also], "intent": self._intent,
        })  # fmt: skip
        self._last = text

    def _call(self, name: str, arguments: dict[str, Any], result: Any) -> None:
        self.messages.append(
            {"role": "assistant", "tool": (name, arguments), "intent": self._intent}
        )
        text = result if isinstance(result, str) else json.dumps(result)
        self.messages.append({"role": "tool", "content": text})

    # ------------------------------------------------------------ turns with tools
    def _turn_time(self) -> None:
        self._ask("time", dress=True)
        if "get_current_time" not in self._have:
            return self._say("I cannot see a clock right now.")
        if random.random() < 0.04:
            self._call("get_current_time", {}, pick(ERRORS))
            return self._say(FAILED)
        t, d = clock(), date()
        self._call("get_current_time", {}, time_told(t, d, {"time": t}))
        self._say(f"It is {t}.")

    def _turn_date(self) -> None:
        self._ask("date", dress=True)
        if "get_current_time" not in self._have:
            return self._say("I cannot see a calendar right now.")
        t, d = clock(), date()
        self._call("get_current_time", {}, time_told(t, d, {"date": d}))
        self._say(f"Today is {d}.")

    def _turn_math(self) -> None:
        a, b = operand(), operand()
        op = pick("+-*/")
        word = OPERATORS[op][0] if random.random() < 0.8 else pick(OPERATORS[op])
        if random.random() < 0.18:
            c, op2 = random.randint(0, 100), pick("+-*")
            first = f"{number_text(a)} {OPERATORS[op][0]} {number_text(b)}"
            self._ask("math", f"{first} {OPERATORS[op2][0]} {number_text(c)}")
            return self._sum(f"{a} {op} {b} {op2} {c}", op, b)
        typed = random.random() < 0.05
        text = f"{a} {op} {b}" if typed else f"{number_text(a)} {word} {number_text(b)}"
        self._ask("math", text)
        self._sum(f"{a} {op} {b}", op, b, a)

    def _turn_math_more(self) -> None:
        follows = self._last is not None and self._last.startswith("The answer is")
        follows = follows and self._result is not None and "calculate" in self._have
        if not follows or random.random() < 0.5:  # a whole sum after a sum starts anew
            return self._do("math")
        b, op = random.randint(1, 100), pick("+-*/")
        self._ask("math_more", f"{OPERATORS[op][0]} {number_text(b)}")
        self._sum(f"{self._result} {op} {b}", op, b)

    def _sum(self, expression: str, op: str, b: int, a: int | None = None) -> None:
        if "calculate" not in self._have:
            return self._say("I need a calculator for that.")
        arguments = {"expression": expression}
        if op == "/" and b == 0:
            self._call("calculate", arguments, {"error": "division by zero"})
            return self._say("You cannot divide by zero.")
        if random.random() < 0.03:
            self._call("calculate", arguments, pick(ERRORS + SUM_ERRORS))
            return self._say(FAILED)
        r = result(op, b, a)
        told = [{"result": str(r)}, str(r), {"expression": expression, "result": r}]
        self._call("calculate", arguments, pick([{"result": r}] * 5 + told))
        self._result = r
        self._say(f"The answer is {r}.")

    def _turn_timer(self) -> None:
        n, unit = random.randint(1, 60), pick(["seconds", "minutes", "minutes", "hours"])
        if random.random() < 0.1:
            n = random.randint(61, 999)
        x = random.random()
        if x < 0.1:
            n, unit, text = pick(TIMES_IN_WORDS)
            self._ask("timer", text, dress=True)
        elif x < 0.27:
            self._ask("timer_one", f"{number_text(n)} {unit[:-1]}", dress=True)
        else:
            said_unit = unit if n > 1 or random.random() < 0.3 else unit[:-1]
            self._ask("timer", f"{number_text(n)} {said_unit}", dress=True)
        if "set_timer" not in self._have:
            return self._say("I cannot set timers here.")
        arguments = {"amount": n, "unit": unit}
        if random.random() < 0.03:
            self._call("set_timer", arguments, pick(ERRORS + TIMER_ERRORS))
            return self._say(FAILED)
        told = {"status": "started"}
        also = ["started", "ok", f"Timer set for {n} {unit}.", {**told, **arguments}]
        self._call("set_timer", arguments, pick([told] * 4 + also))
        said = f"Your timer is set for {n} {unit if n > 1 else unit[:-1]}."
        self._say(said, f"Your timer is set for {n} {unit}.")

    def _turn_cancel(self) -> None:
        self._ask("cancel", dress=True)
        if "cancel_timer" not in self._have:
            return self._say("There is no timer running.")
        done = random.random() < 0.6
        told = TIMER_CANCELLED if done else TIMER_NONE
        self._call("cancel_timer", {}, pick(told))
        self._say("The timer is cancelled." if done else "There is no timer running.")

    def _turn_search(self) -> None:
        about = topic(self._held)
        self._ask("search", about, dress=True)
        self._found(about)

    def _turn_where(self) -> None:
        x = random.random()
        if x < 0.25:
            about = person(self._held)
            form = pick(["Where can I find {}?", "Where is {}?"])
            self._user(self._noisy(form).format(about))
        elif x < 0.45:
            text, about = pick(list(QUESTIONS_ABOUT.items()))
            self._user(text)
        else:
            about = f"the {pick(WORDS['nouns']) if random.random() < 0.7 else pick(ROOMS)}"
            self._ask("where", about)
        self._found(about)

    def _found(self, about: str) -> None:
        if "search_documents" not in self._have:
            return self._say(f"I have no documents about {about}.")
        arguments = {"query": about.removeprefix("the ")}
        x = random.random()
        if x < 0.2:
            told = [{"text": ""}] * 4 + [{"results": []}, "nothing found"]
            self._call("search_documents", arguments, pick(told))
            return self._say(f"I found nothing about {about}.")
        text = fact(about, self._held)
        if x < 0.6:
            source = document()
            told = {"text": text, "source": source}
            self._call("search_documents", arguments, pick([told] * 3 + [{"results": [told]}]))
            return self._say(f"{text} That is in {source}.", text)
        also = [text, {"results": [{"text": text}]}]
        self._call("search_documents", arguments, pick([{"text": text}] * 3 + also))
        self._say(text)

    # ------------------------------------------------------------ turns without tools
    def _turn_iam(self) -> None:
        self._name = person(self._held)
        self._ask("iam", self._name)
        self._say(f"Nice to meet you, {self._name}.", f"Hello {self._name}, how can I help you?")

    def _turn_whoami(self) -> None:
        if self._name is None and random.random() < 0.75:
            self._turn_iam()
            for _ in range(random.choice([0, 1, 1, 2])):
                self._small_talk()
            self._intent = "whoami"
        self._ask("whoami")
        known = f"Your name is {self._name}."
        self._say(known if self._name else "I do not know your name yet.")

    def _turn_visit(self) -> None:
        name = person(self._held)
        self._ask("visit", name)
        self._say(f"I will let {name} know that you are here.")

    def _turn_repeat(self) -> None:
        if self._last is None or len(self._last) > 200:
            self._small_talk()
            self._intent = "repeat"
        if self._last is None or len(self._last) > 200:
            return
        self._ask("repeat")
        self._say(self._last)

    def _turn_who(self) -> None:
        self._ask("name")
        name = self._agent or "Earshot"
        self._say(f"My name is {name}. I am a voice assistant that runs on this machine.")

    def _turn_count(self) -> None:
        n = random.randint(3, 20)
        self._ask("count", number_text(n))
        self._say(", ".join(num(i) for i in range(1, n + 1)).capitalize() + ".")

    def _turn_device(self) -> None:
        room, device = pick(ROOMS), pick(DEVICES)
        form = frame("device", self._held)
        self._user(form.format(on=pick(["on", "off"]), r=room, d=device))
        self._say(f"I cannot switch the {device} in the {room} yet.")

    def _turn_joke(self) -> None:
        self._ask("joke")
        jokes = WORDS["jokes"]
        self._say(jokes[self._jokes % len(jokes)], *jokes)
        self._jokes += 1

    def _turn_unable(self) -> None:
        self._user(grammar.G[pick(["alarm", "color", "temp", "list", "book", "num"])]())
        self._say(UNABLE, ELSEWHERE)

    def _turn_elsewhere(self) -> None:
        if random.random() < 0.2 and not self._held:
            words = grammar.words()
            text = " ".join(pick(words) for _ in range(random.randint(2, 7))) + pick(".?")
            self._user(text)
        else:
            self._ask("elsewhere", pick(WORDS["things"]), pick(WORDS["things"]))
        self._say(ELSEWHERE, UNABLE)

    def _turn_echo(self) -> None:
        """Pure copying: the densest lesson there is for it."""
        if random.random() < 0.3:
            text = " and ".join(person(self._held) for _ in range(random.randint(1, 3)))
        else:
            text = loose_words(2, 9)
        text = text[0].upper() + text[1:]
        self._user(pick(["Repeat after me: {}.", "Say this: {}.", "Please say: {}."]).format(text))
        self._say(f"{text}.")


def messages(
    tools: list[str], agent: str | None, held: bool = False, turns: int | None = None
) -> list[Message]:
    dialogue = Dialogue(tools, agent, held)
    if random.random() < 0.2:
        dialogue.greet_first()
    for _ in range(turns or random.choices([1, 2, 3, 4, 5, 6], [3, 3, 2, 1.5, 1, 1])[0]):
        dialogue.turn()
    return dialogue.messages


def conversation(held: bool = False) -> tuple[str, list[dict[str, Any]], list[Message]]:
    """(system prompt, tool definitions, messages)"""
    prompt, tools, agent = setting(held)
    return prompt, [tool_definition(n) for n in tools], messages(tools, agent, held)
