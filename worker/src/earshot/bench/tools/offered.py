"""The tools that a case is offered, as the product offers them: Earshot's five, or a template's."""

import functools
import importlib.resources
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...agent import Assistant
from ...conversation.deciding import described
from ...settings import PersonaSettings
from ...tools.own import load_tools
from .cases import BUILT_IN


@functools.cache
def offered(name: str) -> tuple[list[dict[str, Any]], Mapping[str, Sequence[str]]]:
    """(tools in OpenAI's form, the sentences that the template brings)"""
    if name == BUILT_IN:
        return described(Assistant(PersonaSettings(), None).tools), {}
    template = importlib.resources.files("earshot.templates") / name.replace("-", "_")
    text = (template / "earshot.toml").read_text("utf-8").replace("{{models_dir}}", "")
    settings = tomllib.loads(text)
    with tempfile.TemporaryDirectory() as folder, importlib.resources.as_file(template) as here:
        for file in here.iterdir():
            if file.is_file():
                (Path(folder) / file.name).write_bytes(file.read_bytes())
        own = load_tools(Path(folder) / settings["tools"]["module"])
    persona = PersonaSettings(tools=settings["persona"]["tools"])
    tools = described(Assistant(persona, None, own).tools)
    return tools, settings["tools"].get("sentences", {})
