"""The door: slots are held by processes, and freed by the kernel."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from earshot.admission import Admission

HOLD = """
import sys, time
from pathlib import Path
from earshot.admission import Admission
assert Admission(Path(sys.argv[1]), 1).try_enter()
print("in", flush=True)
time.sleep(60)
"""


def test_as_many_as_there_are_slots(tmp_path: Path) -> None:
    door = Admission(tmp_path / "slots", 2)
    first, second = door.try_enter(), door.try_enter()
    assert first and second
    assert door.try_enter() is None
    assert door.calls == 2
    first.release()
    first.release()
    assert door.calls == 1
    assert door.try_enter() is not None


def test_who_comes_later_finds_the_slots(tmp_path: Path) -> None:
    Admission(tmp_path, 3)
    Admission(tmp_path, 2)
    door = Admission(tmp_path)
    assert door.try_enter() and door.try_enter()
    assert door.try_enter() is None


def test_a_killed_process_frees_its_slot(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "in\n"
        door = Admission(tmp_path, 1)
        assert door.try_enter() is None
        holder.send_signal(signal.SIGKILL)
    assert door.try_enter() is not None


async def test_those_who_wait_enter_in_turn(tmp_path: Path) -> None:
    door = Admission(tmp_path, 1)
    slot = door.try_enter()
    assert slot
    told: dict[str, list[int]] = {"a": [], "b": []}
    entered: list[str] = []

    async def wait(name: str) -> None:
        mine = await door.enter(told[name].append)
        entered.append(name)
        mine.release()

    a = asyncio.create_task(wait("a"))
    await asyncio.sleep(0.05)
    b = asyncio.create_task(wait("b"))
    await asyncio.sleep(0.15)
    assert door.waiting == 2
    assert (told["a"], told["b"]) == ([1], [2])
    slot.release()
    assert door.try_enter() is None, "a free slot is for who waits, not for who comes"
    await asyncio.wait_for(asyncio.gather(a, b), 5)
    assert entered == ["a", "b"]
    assert door.waiting == 0


async def test_who_gives_up_leaves_the_line(tmp_path: Path) -> None:
    door = Admission(tmp_path, 1)
    slot = door.try_enter()
    assert slot
    waiting = asyncio.create_task(door.enter(lambda position: None))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert door.waiting == 0
    slot.release()
    assert door.try_enter() is not None


def test_who_died_in_a_call_leaves_a_note(tmp_path: Path) -> None:
    door = Admission(tmp_path, 2)
    living = door.try_enter()
    assert living
    living.note("the living")
    noting = (
        HOLD.replace("assert Admission", "slot = Admission")
        .replace('print("in"', 'slot.note("the dead"); print("in"')
        .replace(", 1)", ", 2)")
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", noting, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "in\n"
        assert door.abandoned() == []
        holder.send_signal(signal.SIGKILL)
    assert door.abandoned() == ["the dead"]
    assert door.abandoned() == []
    living.release()
    assert door.abandoned() == []
