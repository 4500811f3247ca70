"""Sure intents: whole utterances against sentence templates, without a model.

A sentence matches as a whole or not at all; polite words around it, and clauses before it, may be
there. What is not sure is None: a false call is worse than one that the model decides.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from livekit.agents import llm

from ...errors import ToolsError
from . import home_assistant, own
from .call import Call
from .language import Language, languages

KEPT = 4  # languages beside the configured ones; a detected one takes 0.1 s at first


def known(language: str) -> bool:
    """Whether there are sentences in it."""
    return language in languages() or language in home_assistant.languages()


class Intents:
    """The sentences for the tools of one conversation. Not thread-safe.

    Compiles the sentences of the languages given, which takes 0.1 s each: make it in a thread, or
    before the loop runs.

    Args:
        tools: what the model is offered, in OpenAI's form ({"function": {"name", "parameters"}}).
        languages: those of the conversation, as "en"; those without sentences are left out. Empty:
            whatever language is heard.
        own: further sentences by tool, in any of these languages.

    Raises:
        ToolsError: a sentence of one's own that can't be used.
    """

    def __init__(
        self,
        tools: Sequence[Mapping[str, Any]],
        languages: Iterable[str] = ("en",),
        own: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._tools = _schemas(tools)
        self._own = own or {}
        check(self._own, tools)
        wanted = list(languages)
        self._fixed = [code for code in wanted if known(code)]
        self._any = not wanted
        self._made: OrderedDict[str, Language] = OrderedDict()
        for code in self._fixed or ["en"]:
            self._language(code)

    def match(self, text: str, language: str | None = None) -> Call | None:
        """The call that an utterance is for, if that is sure.

        Args:
            text: as the recogniser wrote it, or as somebody typed it.
            language: what was spoken, where that is known; else each configured one is tried.
        """
        code = (language or "").lower().split("-")[0]
        if code and known(code) and (code in self._fixed or self._any):
            return self._language(code).match(text)
        for each in self._fixed or list(self._made):
            if call := self._language(each).match(text):
                return call
        return None

    def quantified(self, text: str) -> bool:
        """Whether it says how much or how long, in any of the languages: "half an hour"."""
        return any(made.quantified(text) for made in self._made.values())

    def _language(self, code: str) -> Language:
        if code not in self._made:
            self._made[code] = Language(code, self._tools, self._own)
            while len(self._made) > KEPT + len(self._fixed):
                self._made.popitem(last=False)
        self._made.move_to_end(code)
        return self._made[code]


def described(tools: Sequence[llm.Tool | llm.Toolset]) -> list[dict[str, Any]]:
    """Tools as a model is offered them, in OpenAI's form: what `Intents` takes."""
    return llm.ToolContext(list(tools)).parse_function_tools("openai", strict=False)


def check(sentences: Mapping[str, Sequence[str]], tools: Sequence[Mapping[str, Any]]) -> None:
    """Whether sentences of one's own can be used with these tools (see `described`).

    Raises:
        ToolsError: they can't; one line says which and why.
    """
    schemas = _schemas(tools)
    for tool, texts in sentences.items():
        if tool not in schemas:
            names = ", ".join(schemas) or "none"
            raise ToolsError(f"tools.sentences: there is no tool {tool!r}; there are: {names}")
        own.check(tool, texts, schemas[tool])


def _schemas(tools: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    functions = (tool["function"] for tool in tools)
    return {f["name"]: f.get("parameters") or {} for f in functions}
