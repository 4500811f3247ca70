"""The tools that a case is offered, as the product offers them: Earshot's five, or a template's."""

import functools
import importlib.resources
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit.agents import llm

from ...agent import Assistant
from ...conversation.deciding import described
from ...settings import PersonaSettings
from ...tools.own import load_tools
from .cases import BUILT_IN


@dataclass(frozen=True)
class Offered:
    instructions: str
    tools: list[llm.Tool]
    described: list[dict[str, Any]]
    """The same in OpenAI's form."""
    sentences: Mapping[str, Sequence[str]]
    """Those that the template brings."""


@functools.cache
def offered(name: str) -> Offered:
    if name == BUILT_IN:
        return _of(Assistant(PersonaSettings(), None), {})
    template = importlib.resources.files("earshot.templates") / name.replace("-", "_")
    text = (template / "earshot.toml").read_text("utf-8").replace("{{models_dir}}", "")
    settings = tomllib.loads(text)
    with tempfile.TemporaryDirectory() as folder, importlib.resources.as_file(template) as here:
        for file in here.iterdir():
            if file.is_file():
                (Path(folder) / file.name).write_bytes(file.read_bytes())
        own = load_tools(Path(folder) / settings["tools"]["module"])
    persona = PersonaSettings(
        instructions=settings["persona"]["instructions"], tools=settings["persona"]["tools"]
    )
    return _of(Assistant(persona, None, own), settings["tools"].get("sentences", {}))


def _of(agent: Assistant, sentences: Mapping[str, Sequence[str]]) -> Offered:
    tools = llm.ToolContext(agent.tools).flatten()
    return Offered(str(agent.instructions), tools, described(agent.tools), sentences)
