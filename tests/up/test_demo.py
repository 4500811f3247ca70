"""`earshot up --demo`: the real stack, a real call, and nothing left of it."""

import json
import subprocess
import sys
import wave
from pathlib import Path


def test_a_scripted_caller_is_answered(tmp_path: Path) -> None:
    answer = tmp_path / "answer.wav"
    command = [sys.executable, "-m", "earshot", "up", "--demo", "--ports", "auto", "--json"]
    done = subprocess.run(
        [*command, "-o", str(answer)], capture_output=True, text=True, timeout=115,
        env={"PATH": "/usr/bin:/usr/sbin:/bin", "EARSHOT_STATE_DIR": str(tmp_path / "state")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [e["event"] for e in events]
    assert kinds.index("ready") < kinds.index("demo_greeting") < kinds.index("demo_answer")
    assert kinds[-1] == "stopped"
    answers = {e["asked"]: e["reply"] for e in events if e["event"] == "demo_answer"}
    assert len(answers) == 3
    assert "8" in answers["What is five plus three?"]
    with wave.open(str(answer)) as wav:
        assert wav.getnframes() / wav.getframerate() > 5
