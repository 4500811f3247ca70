"""Ten spoken turns on published models: the time, sums, a timer, a document's fact, small talk."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .spoken import is_speech, says_84

Turn = dict[str, Any]


def used(turn: Turn) -> list[str]:
    return [tool["name"] for tool in turn["tools"]]


def tells_the_time(turn: Turn) -> bool:
    """Within five minutes, on a clock of 24 hours, or of 12 with the right half of the day."""
    found = re.search(r"(\d{1,2}):(\d{2})(?: ?([AP])\.?M)?", turn["reply"], re.IGNORECASE)
    if not found or used(turn) != ["get_current_time"]:
        return False
    now = datetime.now()
    recent = [now - timedelta(minutes=m) for m in range(6)]
    half = (found[3] or "").upper()
    hour = int(found[1]) % 12 + 12 * (half == "P") if half else int(found[1])
    return any((hour, int(found[2])) == (m.hour, m.minute) for m in recent)


def starts_a_timer(turn: Turn) -> bool:
    started = [t for t in turn["tools"] if t["name"] == "set_timer"]
    wanted = {"amount": 3, "unit": "minutes"}
    says = re.search(r"\b3\b|three", turn["reply"]) is not None
    return len(started) == 1 and started[0]["arguments"].items() >= wanted.items() and says


def small_talk(turn: Turn) -> bool:
    return not turn["tools"]


def contains(*words: str, tool: str = "") -> Callable[[Turn], bool]:
    def right(turn: Turn) -> bool:
        said = turn["reply"].lower()
        return any(w in said for w in words) and (not tool or tool in used(turn))

    return right


DIALOGUE: list[tuple[str, str, Callable[[Turn], bool]]] = [
    ("Hello, how are you?", "slt", small_talk),
    ("What time is it?", "slt", tells_the_time),
    ("What is twelve times seven?", "rms", lambda turn: says_84(turn["reply"])),
    ("Set a timer for three minutes.", "slt", starts_a_timer),
    ("Cancel the timer.", "rms", contains("cancel", "stopped", tool="cancel_timer")),
    ("Where do visitors park?", "slt", contains("garage", tool="search_documents")),
    ("I like apples and pears.", "rms", small_talk),
    ("What is your name?", "slt", contains("earshot")),
    ("What day is it today?", "slt", contains(f"{datetime.now():%A}".lower())),
    ("Thank you, that is all.", "rms", small_talk),
]


def test_ten_turns(say: Any, real_settings: dict[str, str], folder: Path) -> None:
    questions = []
    for text, voice, _ in DIALOGUE:
        say(text, voice)
        questions.append(str(folder / f"{abs(hash((text, voice)))}.wav"))
    clean = {k: v for k, v in os.environ.items() if not k.startswith("EARSHOT_")}
    done = subprocess.run(
        [sys.executable, "-m", "earshot", "talk", "--json", *questions],
        capture_output=True, text=True, timeout=280,
        env={**clean, **real_settings, "EARSHOT_STATE_DIR": str(folder / "talk")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    turns = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(turns) == len(DIALOGUE)
    wrong = [
        (text, turn["heard"], used(turn), turn["reply"])
        for (text, _, right), turn in zip(DIALOGUE, turns, strict=True)
        if not right(turn) or not is_speech(turn["reply"])
    ]
    assert not wrong
    assert len({turn["reply"] for turn in turns}) == len(turns)
