"""The tools, called as the model would call them."""

import asyncio
import stat
from pathlib import Path

import pytest
import tools


def test_people_are_found() -> None:
    (anna,) = asyncio.run(tools.find_person("anna"))["people"]
    assert anna["room"] == "2.14"
    assert asyncio.run(tools.find_person("Nobody"))["people"] == []
    assert asyncio.run(tools.find_person(""))["people"] == []


def test_a_message_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "MESSAGES", tmp_path / "messages")
    told = asyncio.run(tools.take_message("Jonas Lind", "The parcel is here."))
    assert told == {"status": "kept", "for": "Jonas Lind"}
    (message,) = (tmp_path / "messages").iterdir()
    assert message.read_text() == "For Jonas Lind\n\nThe parcel is here.\n"
    assert stat.S_IMODE(message.stat().st_mode) == 0o600


def test_no_message_for_strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "MESSAGES", tmp_path / "messages")
    assert "error" in asyncio.run(tools.take_message("Nobody", "Hello."))
    assert not (tmp_path / "messages").exists()
