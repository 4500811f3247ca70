"""Tools' results as notes under the question that they answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livekit.agents import llm


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool returned."""

    tool: str
    arguments: Mapping[str, Any]
    value: Any
    """As read from its JSON; text, where it was none."""
    failed: bool
    """The tool raised an error, which `value` tells."""

    def words(self, languages: Sequence[str] = ()) -> str:
        """The result as a model reads it with the fewest tokens.

        Args:
            languages: of the conversation, as "en"; () = any.
        """
        if isinstance(self.value, dict):
            shown = {k: v for k, v in self.value.items() if v not in ("", None)}
            if self.tool == "get_current_time" and "time" in shown:
                shown["time"] = _clock(str(shown["time"]), languages)
            return "; ".join(f"{k}: {v}" for k, v in shown.items())
        return str(self.value)


def results(chat_ctx: llm.ChatContext) -> list[Result]:
    """What the tools have returned since the user spoke last, in their order."""
    items = chat_ctx.items
    since = next(
        (i for i in range(len(items) - 1, -1, -1) if isinstance(items[i], llm.ChatMessage)), -1
    )
    return _paired(items[since + 1 :])


def noted(chat_ctx: llm.ChatContext, languages: Sequence[str] = ()) -> llm.ChatContext:
    """The conversation without calls: each result stands under the question that it answers.

    A question's text never changes again once it has its notes, so the model's cache stays good.

    Args:
        languages: as in `Result.words`.
    """
    made = llm.ChatContext()
    waiting: list[llm.ChatItem] = []
    for item in chat_ctx.items:
        if isinstance(item, llm.FunctionCall | llm.FunctionCallOutput):
            waiting.append(item)
            continue
        _note(made, waiting, languages)
        waiting = []
        if isinstance(item, llm.ChatMessage):
            made.items.append(item)
    _note(made, waiting, languages)
    return made


def _note(made: llm.ChatContext, items: list[llm.ChatItem], languages: Sequence[str]) -> None:
    found = _paired(items)
    asked = made.items[-1] if made.items else None
    if not found or not isinstance(asked, llm.ChatMessage):
        return
    notes = "\n".join(f"[{r.tool}: {r.words(languages) or 'nothing found'}]" for r in found)
    if asked.role == "user":
        text = f"{asked.text_content or ''}\n\n{notes}"
        made.items[-1] = asked.model_copy(update={"content": [text]})
    else:  # the agent spoke before it used the tool
        made.add_message(role="user", content=notes)


def _paired(items: list[llm.ChatItem]) -> list[Result]:
    calls = {i.call_id: i for i in items if isinstance(i, llm.FunctionCall)}
    return [
        Result(o.name, _object(calls[o.call_id].arguments), _value(o.output), o.is_error)
        for o in items
        if isinstance(o, llm.FunctionCallOutput) and o.call_id in calls
    ]


def _clock(time: str, languages: Sequence[str]) -> str:
    """English has twelve hours: told "10:37" alone, a model of 0.5B said "10:37 PM"."""
    try:
        at = datetime.strptime(time, "%H:%M")
    except ValueError:
        return time
    english = f"{at:%I:%M %p}".lstrip("0")
    if list(languages) == ["en"]:
        return english
    return time if languages and "en" not in languages else f"{time} ({english})"


def _object(text: str) -> dict[str, Any]:
    value = _value(text)
    return value if isinstance(value, dict) else {}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
