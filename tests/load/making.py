"""Made-up turns, calls and results."""

from typing import Any

from earshot.load.machine import Load, Machine
from earshot.load.records import Call, Heard, Turn
from earshot.load.result import Result, Step


def turn(latency_s: float | None = 0.5, **more: Any) -> Turn:
    return Turn("What is five plus three?", 1.0, latency_s, **more)


def call(*turns: Turn, **more: Any) -> Call:
    given: dict[str, Any] = {"outcome": "held", "join_s": 0.2, "agent_s": 0.4, **more}
    return Call(0, audio=Heard(48_000, 480, 50, 0, 1.0, 60.0), turns=list(turns), **given)


def step(calls: int, *held: Call, cpu_others: float = 0.0) -> Step:
    load = Load(10.0, 0.5 + cpu_others, 0.1, 0.4, 2_000_000_000, 1_000_000_000)
    return Step(calls, load, list(held))


def result(*steps: Step, **more: Any) -> Result:
    given: dict[str, Any] = {
        "began": "2026-01-02T03:04:05+00:00", "earshot": "0.1.0", "server": "ws://127.0.0.1:7880",
        "here": True, "machine": Machine("A processor", 2, 8_000_000_000), "for_s": 60.0,
        "interrupt_every": 4, "questions": 11, **more,
    }  # fmt: skip
    return Result(steps=list(steps), **given)
