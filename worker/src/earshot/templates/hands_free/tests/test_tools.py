"""The tools, called as the model would call them."""

import asyncio

import pytest
import tools


@pytest.fixture(autouse=True)
def three_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "checklist", tools.Checklist(["one", "two", "three"]))


def test_through_the_list() -> None:
    said = [asyncio.run(tools.next_step()) for _ in range(4)]
    assert [s.get("text") for s in said] == ["one", "two", "three", None]
    assert said[0] == {"step": 1, "of": 3, "text": "one"}
    assert said[3] == {"done": True}


def test_again_and_back() -> None:
    asyncio.run(tools.next_step())
    asyncio.run(tools.next_step())
    assert asyncio.run(tools.repeat_step())["text"] == "two"
    assert asyncio.run(tools.previous_step())["text"] == "one"
    assert asyncio.run(tools.previous_step())["text"] == "one"
