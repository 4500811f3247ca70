"""What the agent can do beside searching: tell what there is to search in."""

import asyncio
from pathlib import Path

from earshot.tools.documents import SUFFIXES, spoken_name
from livekit.agents import function_tool

FOLDER = Path(__file__).with_name("documents")
MOST = 20


def names() -> list[str]:
    """The documents, as a voice can say them."""
    files = (p for p in sorted(FOLDER.rglob("*")) if p.suffix.lower() in SUFFIXES)
    return [spoken_name(path) for path in files]


@function_tool
async def list_documents() -> dict[str, object]:
    """Lists the documents that can be searched."""
    found = await asyncio.to_thread(names)
    return {"documents": found[:MOST], "count": len(found)}
