"""The tools, called as the model would call them."""

import asyncio

import tools


def test_the_documents_are_listed() -> None:
    told = asyncio.run(tools.list_documents())
    assert told["count"] == len(told["documents"])
    assert "visitor guide" in told["documents"]
