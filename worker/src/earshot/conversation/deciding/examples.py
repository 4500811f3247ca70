"""Worked examples: what somebody says, and the tool that it needs, if any.

Shown to the language model as a dialogue, they are what makes a small one choose well: of 128
utterances Qwen2.5-Coder 0.5B got 54 right with descriptions of the tools alone, 81 with examples in
its instructions, and 123 with the same examples as turns of a dialogue.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice

from hassil import parse_sentence
from hassil.sample import sample_sentence

TALK = "talk"
"""The answer where no tool is needed."""
FOREIGN = ("en", "de", "fr")
"""Languages of the examples where any language may be spoken."""
SHORT = 17
"""Examples of each language beside English."""
SAMPLED = 200
READINGS = 3
"""Examples of each sentence of one's own."""


@dataclass(frozen=True, slots=True)
class Example:
    said: str
    reply: str
    """"talk", or a tool's name, with its arguments as JSON behind it if it has any."""

    @property
    def tool(self) -> str:
        return self.reply.split(" ", 1)[0]


def examples(languages: Sequence[str], tools: Collection[str]) -> list[Example]:
    """Those of a few languages, for the tools that there are.

    Args:
        languages: as "en"; () = any. Those without examples are left out: English is always there,
            as models know it best.
    """
    wanted = [*dict.fromkeys([*(languages or FOREIGN), "en"])]
    found: list[Example] = []
    for code in wanted:
        read = [e for e in _read(code) if e.tool == TALK or e.tool in tools]
        found = _woven(found, read if code == "en" else read[:SHORT])
    return found


def of_sentences(sentences: Mapping[str, Iterable[str]]) -> list[Example]:
    """Examples of one's own tools: a few readings of each of their sentences, as far as those need
    no argument to be made up."""
    return [
        Example(said, tool)
        for tool, texts in sentences.items()
        for sentence in texts
        for said in _readings(sentence)
    ]


def _readings(sentence: str) -> list[str]:
    """Of what a template matches some that differ: "when do you open", "what time do you open"."""
    every = islice(sample_sentence(parse_sentence(sentence), expand_lists=False), SAMPLED)
    whole = [" ".join(text.split()) for text in every if "{" not in text]
    return whole[:: max(1, len(whole) // READINGS)][:READINGS]


def woven(into: Sequence[Example], more: Sequence[Example]) -> list[Example]:
    """Both lists, each evenly spread: a run of one tool at the end would be echoed."""
    return _woven(list(into), list(more))


def _woven(a: list[Example], b: list[Example]) -> list[Example]:
    places = [(i + 0.5) / len(x) for x in (a, b) for i in range(len(x))]
    return [e for _, e in sorted(zip(places, [*a, *b], strict=True), key=lambda pair: pair[0])]


def _read(code: str) -> list[Example]:
    file = files("earshot").joinpath("languages", code, "examples.txt")
    if not file.is_file():
        return []
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    pairs = (line.split(" => ", 1) for line in lines if line and not line.startswith("#"))
    return [Example(said, reply) for said, reply in pairs]
