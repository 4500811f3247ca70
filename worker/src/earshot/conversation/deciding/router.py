"""The language model's choice of a tool: one evaluation behind a cached dialogue of examples.

The tool's arguments are written by the same model behind the same dialogue, inside the grammar of
their schema. Knows nothing of sentences that need no model (`intents.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from livekit.agents import llm
from livekit.plugins import llama_cpp

from .examples import TALK, Example, examples, woven

_INSTRUCTIONS = (
    "Choose the one function that answers what the user said. Reply with its name only.\n"
)
_FOR_TALK = 2.0
"""Logits. A call that nobody wanted is worse than one that has to be asked for again: on 146 to 195
utterances 0.5B decided as well with as without it, 1.5B better (144 instead of 132 of 146), and the
two made one such call together instead of 15."""
_TALK = "just talk: greetings, opinions, stories, general knowledge"


class Router:
    """Chooses among the tools of one conversation.

    Args:
        model: who chooses.
        tools: in OpenAI's form.
        languages: as "en"; () = any.
        own: examples for tools beside the built-in ones.
    """

    def __init__(
        self,
        model: llama_cpp.LLM,
        tools: Sequence[Mapping[str, Any]],
        languages: Sequence[str] = ("en",),
        own: Iterable[Example] = (),
    ) -> None:
        self._model = model
        functions = [tool["function"] for tool in tools]
        self._schemas = {f["name"]: f.get("parameters") or {} for f in functions}
        options = {f["name"]: f.get("description", "") for f in functions} | {TALK: _TALK}
        self._choices = list(options)
        self._bias = [_FOR_TALK if name == TALK else 0.0 for name in options]
        self._head = llm.ChatContext()
        lines = "\n".join(f"{name}: {_first_line(what)}" for name, what in options.items())
        self._head.add_message(role="system", content=_INSTRUCTIONS + lines)
        for example in woven(examples(languages, self._schemas), list(own)):
            self._head.add_message(role="user", content=example.said)
            self._head.add_message(role="assistant", content=example.reply)

    async def choose(self, heard: str) -> str | None:
        """The tool that what was heard needs; None: it is to be talked about.

        Raises:
            APIError: the model can't be asked.
        """
        chosen = await self._model.choose(
            self._asked(heard), self._choices, bias=self._bias, head=len(self._head.items)
        )
        return None if chosen == TALK else chosen

    async def arguments(self, tool: str, heard: str) -> dict[str, Any]:
        """The tool's arguments as the model understands them.

        Raises:
            APIError: the model can't be asked, or wrote no end.
        """
        schema = self._schemas[tool]
        if not schema.get("properties"):
            return {}
        return await self._model.fill(
            self._asked(heard), schema, written=f"{tool} ", head=len(self._head.items)
        )

    async def warm(self, heard: str, timeout_s: float) -> None:
        """Reads the examples, and what has been heard so far, into the model's cache.

        Raises:
            APIError: the model can't be asked.
        """
        head = len(self._head.items)
        await self._model.warm(self._head, heard=heard, head=head, timeout_s=timeout_s)

    def _asked(self, heard: str) -> llm.ChatContext:
        asked = self._head.copy()
        asked.add_message(role="user", content=heard)
        return asked


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]
