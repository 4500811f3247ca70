"""Sentences of home-assistant-intents, for the languages that have no file of ours."""

import functools
import re
from collections.abc import Iterable
from typing import Any

import home_assistant_intents

TOOLS = {
    "HassGetCurrentTime": "get_current_time",
    "HassGetCurrentDate": "get_current_time",
    "HassStartTimer": "set_timer",
    "HassCancelTimer": "cancel_timer",
}
_NUMBERS = frozenset({"timer_seconds", "timer_minutes", "timer_hours", "timer_half"})


@functools.cache
def languages() -> frozenset[str]:
    """Codes without a region."""
    return frozenset(code.split("-")[0] for code in home_assistant_intents.get_languages())


def sentences(language: str, tools: Iterable[str]) -> dict[str, Any]:
    """What hassil takes: the intents by the names of our tools, with the rules that they need.

    What names an area or a device of a house, or has a command in it, is left out.
    """
    code = next(
        c for c in sorted(home_assistant_intents.get_languages()) if c.split("-")[0] == language
    )
    found = home_assistant_intents.get_intents(code) or {}
    rules, lists = found.get("expansion_rules", {}), found.get("lists", {})
    intents: dict[str, Any] = {}
    used: set[str] = set()
    wanted = set(tools)
    for theirs, ours in TOOLS.items():
        if ours not in wanted:
            continue
        for data in found.get("intents", {}).get(theirs, {}).get("data", []):
            for sentence in data["sentences"]:
                needed = _rules(sentence, rules)
                named = _lists(sentence).union(*(_lists(rules[r]) for r in needed))
                if named <= _NUMBERS and not data.get("requires_context"):
                    used |= needed
                    intents.setdefault(ours, {"data": [{"sentences": []}]})
                    intents[ours]["data"][0]["sentences"].append(sentence)
    return {
        "language": code,
        "settings": found.get("settings", {}),
        "intents": intents,
        "lists": {name: lists[name] for name in _NUMBERS if name in lists},
        "expansion_rules": {name: rules[name] for name in used},
        "skip_words": found.get("skip_words", []),
    }


def _rules(sentence: str, rules: dict[str, str]) -> set[str]:
    """The rules that a sentence uses, and those that they use."""
    found: set[str] = set()
    left = [sentence]
    while left:
        for name in re.findall(r"<([^<>]+)>", left.pop()):
            if name not in found and name in rules:
                found.add(name)
                left.append(rules[name])
    return found


def _lists(text: str) -> set[str]:
    return {name.split(":")[0] for name in re.findall(r"{([^{}]+)}", text)}
