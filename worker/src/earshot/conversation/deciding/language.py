"""The sentences of one language, compiled, and what a match of one of them calls."""

import functools
import importlib.resources
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

import yaml
from hassil import Intents as Templates
from hassil import RecognizeResult, recognize_all

from ...settings import ToolName
from ...tools.calculator import calculate
from . import home_assistant, own
from .call import Call
from .durations import Durations
from .frame import Frame
from .sums import Sums
from .words import TEXT2NUM, digits, split

LONGEST = 60  # words: nobody asks for a timer in more
_SUMS: dict[str, dict[str, Any]] = {
    "said": {"tight": ""},
    "asked": {"tight": "-"},
    "sum": {"tight": "-/"},
    "list": {"and_adds": True},
    "a": {"single": True},
    "b": {"single": True},
    "things": {"counted": True},
}
_SLOTS = (*_SUMS, "duration", "duration_any", "query", own.ANY)
_ANY_WORDS = 8
_THING_WORDS = 3
_OURS = frozenset(get_args(ToolName))
_RAW = "search_documents"  # its words stay as they were said; the others' numbers become digits


@functools.cache
def languages() -> frozenset[str]:
    """The languages of our own files."""
    folder = importlib.resources.files("earshot.languages")
    return frozenset(f.name for f in folder.iterdir() if (f / "intents.yaml").is_file())


class Language:
    """One language.

    Args:
        code: "en"; one without a file has the sentences of home-assistant-intents.
        tools: the tools that there are: {name: JSON schema of the arguments}.
        sentences: further sentences by tool, checked (see `own`).
    """

    def __init__(
        self,
        code: str,
        tools: Mapping[str, Mapping[str, Any]],
        sentences: Mapping[str, Sequence[str]],
    ) -> None:
        self._code = code
        self._tools = tools
        self._own = frozenset(sentences)
        data = _data(code, tools)
        self._more = {word: int(n) for word, n in data.get("numbers", {}).items()}
        self._frame = Frame(**{"fillers": (), **data["frame"]})
        self._decimal: str = data.get("decimal", ".")
        self._points = frozenset(data.get("points", []))
        self._sums = Sums(data.get("sums", {}), self._decimal)
        self._durations = Durations(data.get("durations", {}), self._decimal)
        self._nobody = frozenset(data.get("pronouns", []))
        self._determiners = frozenset(data.get("determiners", []))
        self._no_query = frozenset(data.get("no_query", []))
        ours: dict[str, Any] = data["intents"]
        raw = {name: ours.pop(name) for name in (_RAW,) if name in ours}
        for name, texts in sentences.items():
            given = {"sentences": list(texts), "lists": own.lists(tools[name])}
            raw.setdefault(name, {"data": []})["data"].append(given)
        common = {k: data[k] for k in ("language", "lists", "expansion_rules", "settings")}
        self._counted = Templates.from_dict({**common, "intents": ours})
        self._raw = Templates.from_dict({**common, "intents": raw})
        for said in ("hello there", *data.get("examples", {}).values()):
            self.match(said)  # hassil reads and compiles when it first needs something

    def match(self, text: str) -> Call | None:
        """The call that an utterance is for, if that is sure."""
        said = split(text)
        if not said or len(said) > LONGEST:
            return None
        fluent = self._frame.fluent(said)
        return self._match(said) or (self._match(fluent) if fluent != said else None)

    def _match(self, said: list[str]) -> Call | None:
        return self._wish(self._digits(said), self._counted) or self._wish(said, self._raw)

    def quantified(self, text: str) -> bool:
        """Whether a number or a unit of time is in it; "one of those" is no number."""
        found = self._digits(split(text))
        return any(w[:1].isdigit() and w != "1" for w in found) or self._durations.mentioned(found)

    def _digits(self, words: Sequence[str]) -> list[str]:
        if self._code not in TEXT2NUM and self._code not in languages():
            return [w.lower() for w in words]  # hassil knows their numbers
        found = digits(words, self._code, self._more)
        for at in range(len(found) - 3, -1, -1):  # "3 point 5"
            a, point, b = found[at : at + 3]
            if point in self._points and a.isdecimal() and b.isdecimal():
                found[at : at + 3] = [f"{a}{self._decimal}{b}"]
        # "add 17, 25 and 9"
        for at in range(1, len(found) - 1):
            if found[at] == "," and found[at - 1][-1].isdecimal() and found[at + 1][0].isdecimal():
                found[at] = self._sums.and_ or ","
        return found

    def _wish(self, words: Sequence[str], templates: Templates) -> Call | None:
        if not templates.intents:
            return None
        for before, wish in self._frame.wishes(words):
            if call := self._call(wish, templates):
                # two wishes in one: the model's to sort out
                others = (self._call(clause, templates) for clause in before)
                return None if any(c and c != call for c in others) else call
        return None

    def _call(self, words: Sequence[str], templates: Templates) -> Call | None:
        for core in self._frame.cores(words):
            found = sorted(
                recognize_all(" ".join(core), templates),
                key=lambda r: r.text_chunks_matched,
                reverse=True,
            )
            calls = [call for result in found if (call := self._meant(result))]
            if calls:
                # what can be read in two ways is not sure
                return calls[0] if all(_agree(calls[0], c) for c in calls[1:]) else None
        return None

    def _meant(self, result: RecognizeResult) -> Call | None:
        name = result.intent.name
        slots = {e.name: str(e.value).strip() for e in result.entities_list}
        if any(not s or s.lower() in self._nobody for s in slots.values()):
            return None
        query = slots.get("query", "")
        if query.split(" ")[0].lower() in self._no_query or self._frame.is_polite(query):
            return None
        if len(slots.pop(own.ANY, "").split()) > _ANY_WORDS:
            return None
        if name in self._own and name not in _OURS:
            if any(self._a_thing(text) for text in slots.values()):
                return None
            given = own.arguments(slots, self._tools[name], self._code, self._more)
        elif name == "calculate":
            given = self._calculated(slots, result.intent_metadata or {})
        elif name == "set_timer":
            given = self._timed(slots)
        else:
            given = dict(slots)
        return None if given is None else Call(name, given)

    def _a_thing(self, text: str) -> bool:
        """ "the meeting": where names are asked for, such a few words are something else."""
        words = text.lower().split()
        return len(words) <= _THING_WORDS and words[0] in self._determiners

    def _calculated(
        self, slots: Mapping[str, str], metadata: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        form = metadata.get("expression", "")
        made = {name: self._sums.expression(text, **_SUMS[name]) for name, text in slots.items()}
        if not all(made.values()):
            return None
        if not form:
            (expression,) = made.values()
            return {"expression": expression}
        if "things" in made:
            made["a"] = made.pop("things")
        inner = {n: f"({e})" if e and " " in e else e for n, e in made.items()}
        if any(f"{{{name}}}" in form and name not in inner for name in _SUMS):
            return None
        return {"expression": form.format(**inner)}

    def _timed(self, slots: Mapping[str, str]) -> dict[str, Any] | None:
        text = slots.get("duration") or slots.get("duration_any")
        if text:
            exact = "duration" in slots
            found = (self._durations.duration if exact else self._durations.leading)(text)
            return found and {"amount": found[0], "unit": found[1]}
        # those of home-assistant-intents
        parts = {u: float(slots[u]) for u in ("hours", "minutes", "seconds") if u in slots}
        if not parts:
            return None
        unit = list(parts)[-1]
        one = {"hours": 3600, "minutes": 60, "seconds": 1}
        return {"amount": int(sum(n * one[u] for u, n in parts.items()) / one[unit]), "unit": unit}


def _agree(one: Call, other: Call) -> bool:
    """Whether two readings of a sentence come to the same."""
    if one.name != other.name:
        return False
    if one.name == "calculate":
        sums = (calculate(str(c.arguments["expression"])) for c in (one, other))
        return next(sums) == next(sums)
    return one.name != "set_timer" or one.arguments == other.arguments


def _data(code: str, tools: Iterable[str]) -> dict[str, Any]:
    """What hassil takes, without what the tools don't need, and the words of the language."""
    if code not in languages():
        theirs = home_assistant.sentences(code, tools)
        skip = theirs.pop("skip_words")
        return theirs | {"frame": {"before": skip, "after": skip, "reported": []}}
    file = importlib.resources.files("earshot.languages") / code / "intents.yaml"
    data: dict[str, Any] = yaml.load(file.read_text("utf-8"), yaml.CBaseLoader)
    intents = {
        tool: {"data": list(_blocks(sentences))}
        for tool, sentences in data.pop("sentences").items()
        if tool in set(tools)
    }
    return data | {
        "language": code,
        "settings": {},
        "intents": intents,
        "lists": {name: {"wildcard": True} for name in _SLOTS},
        "expansion_rules": data.get("rules", {}),
    }


def _blocks(sentences: Sequence[str | Mapping[str, Sequence[str]]]) -> Iterator[dict[str, Any]]:
    """A list of sentences, or sentences by the expression that they stand for."""
    plain = [s for s in sentences if isinstance(s, str)]
    if plain:
        yield {"sentences": plain}
    for form in sentences:
        if not isinstance(form, str):
            for expression, texts in form.items():
                yield {"sentences": texts, "metadata": {"expression": expression}}
