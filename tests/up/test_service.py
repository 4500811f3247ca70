"""A process that is kept running: real small processes that die, hang and refuse to go."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from earshot.engine import running as running_note
from earshot.engine.running import Running
from earshot.errors import StackError
from earshot.up import probes
from earshot.up.logs import Log, last_errors
from earshot.up.service import Event, Patience, Service, Spec

from .conftest import left

STANDIN = Path(__file__).with_name("standin.py")


def spec(port: int, *manners: str, **changes: Any) -> Spec:
    values: dict[str, Any] = {
        "name": "standin",
        "command": (sys.executable, "-I", "-S", str(STANDIN), str(port), *manners),
        "probe": probes.http(port),
        "start_timeout_s": 10.0,
        "stop_timeout_s": 0.5,
        "probe_interval_s": 0.05,
        "probe_timeout_s": 0.3,
    }
    return Spec(**(values | changes))


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[asyncio.Task[None]]:
    kept = asyncio.create_task(service.keep())
    try:
        yield kept
    finally:
        kept.cancel()
        await asyncio.gather(kept, return_exceptions=True)
        await service.stop()


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def test_ready_when_it_answers_and_gone_when_stopped(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    service = Service(spec(free_port()), tmp_path)
    async with running(service):
        await service.ready.wait()
        assert psutil.pid_exists(service.status.pid)
        assert left(mark)
    assert service.status.state == "stopped"
    assert not left(mark)
    assert "here I am" in (tmp_path / "standin.log").read_text()


async def test_alive_but_not_ready_is_left_alone(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    service = Service(spec(free_port(), "unready", start_timeout_s=0.5), tmp_path)
    async with running(service):
        await until(lambda: service.status.state == "unready")
        pid = service.status.pid
        await asyncio.sleep(1)
        assert (service.status.pid, service.status.why) == (pid, "all the models are asleep")
        assert not service.ready.is_set()


async def test_in_doubt_while_what_it_needs_is_down(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    service = Service(spec(free_port(), probe_interval_s=60.0), tmp_path)
    async with running(service):
        await service.ready.wait()
        service.doubt("livekit")
        assert (service.status.state, service.status.why) == ("unready", "waits for livekit")
        await asyncio.sleep(0.5)
        assert not service.ready.is_set()
        service.trust("livekit")
        async with asyncio.timeout(10):
            await service.ready.wait()


async def test_who_waits_for_others_is_not_dead(
    tmp_path: Path, free_port: Callable[..., int], mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "_SLOW_S", 0.05)
    port = free_port()
    probe = probes.http(port, "/readyz", alive="/healthz")
    service = Service(spec(port, "slow", probe=probe), tmp_path)
    async with running(service):
        await until(lambda: service.status.why == "slow to answer")
        await asyncio.sleep(1)
        assert (service.status.state, service.status.restarts) == ("unready", 0)


@pytest.mark.parametrize(
    ("blow", "why"),
    [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGSTOP, "stopped answering")],
)
async def test_started_anew_when_it_dies_or_hangs(
    tmp_path: Path, free_port: Callable[..., int], mark: str, blow: signal.Signals, why: str
) -> None:
    events: list[Event] = []
    service = Service(spec(free_port()), tmp_path, events.append)
    async with running(service):
        await service.ready.wait()
        first = service.status.pid
        os.kill(first, blow)
        await until(lambda: service.status.restarts == 1 and service.ready.is_set())
        assert service.status.pid != first
        assert not psutil.pid_exists(first)
    told = [event for event in events if event.kind == "restarting"]
    assert len(told) == 1
    assert why in told[0].data["why"]


async def test_the_same_fault_again_and_again_is_given_up(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    """However far apart: patience for failures in a short time never ends here."""
    Running("small.gguf", "zen4", "A Processor").leave(tmp_path)
    events: list[Event] = []
    service = Service(
        spec(
            free_port(),
            "die-after=0.3:SIGILL",
            explain=lambda fault: running_note.explain(tmp_path, fault),
        ),
        tmp_path,
        events.append,
        Patience(delays_s=[0.0] * 50, same_fault=3),
    )
    async with running(service) as kept:
        with pytest.raises(StackError) as caught:
            await kept
    assert service.status.restarts == 2
    assert [event.kind for event in events].count("restarting") == 2
    line = str(caught.value)
    assert "\n" not in line
    for part in ("was killed by SIGILL", "small.gguf", "A Processor", "zen4", "llm.variant"):
        assert part in line
    assert "killed by SIGILL, the last of 3 failures, given up: small.gguf" in line


async def test_a_fault_once_in_a_while_is_forgiven(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    service = Service(
        spec(free_port(), "die-after=0.3:SIGSEGV"),
        tmp_path,
        patience=Patience(delays_s=[0.0] * 50, same_fault=2, forgiven_s=0.2),
    )
    async with running(service) as kept:
        await until(lambda: service.status.restarts > 3)
        assert not kept.done()


def test_a_death_without_a_note_is_told_with_fewer_words(tmp_path: Path) -> None:
    assert running_note.explain(tmp_path, "SIGILL") == ""
    (tmp_path / "llm.json").write_text('{"model": 1')
    assert running_note.explain(tmp_path, "SIGILL") == ""


async def test_what_it_started_ends_with_it(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    service = Service(spec(free_port(), "child"), tmp_path)
    async with running(service):
        await service.ready.wait()
        child = psutil.Process(service.status.pid).children()[0]
        os.kill(service.status.pid, signal.SIGKILL)
        await until(lambda: service.status.restarts == 1 and service.ready.is_set())
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert not left(mark)


async def test_who_does_not_go_is_killed(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    service = Service(spec(free_port(), "stubborn"), tmp_path)
    async with running(service):
        await service.ready.wait()
    assert not left(mark)


async def test_given_up_loudly(tmp_path: Path, free_port: Callable[..., int], mark: str) -> None:
    events: list[Event] = []
    patience = Patience(delays_s=(0.01, 0.01))
    service = Service(spec(free_port(), "exit=3"), tmp_path, events.append, patience)
    async with running(service) as kept:
        with pytest.raises(
            StackError,
            match=r"standin ended with exit code 3, the last of 3 failures.*here I am \| .*I can't.*standin\.log",
        ):
            await asyncio.wait_for(kept, 30)
    assert service.status.state == "failed"
    assert [e.data["log"][-1] for e in events if e.kind == "gave_up"] == ["stand-in: I can't"]


async def test_no_second_try_where_it_is_hopeless(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    service = Service(spec(free_port(), "exit=2", hopeless=frozenset({2})), tmp_path)
    async with running(service) as kept:
        with pytest.raises(StackError, match=r"standin ended with exit code 2, given up"):
            await asyncio.wait_for(kept, 30)


async def test_one_that_never_answers_is_given_up(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    slow = spec(free_port(), "no-answer", start_timeout_s=0.3)
    service = Service(slow, tmp_path, patience=Patience(delays_s=(0.01,)))
    async with running(service) as kept:
        with pytest.raises(
            StackError, match=r"did not answer within 0\.3 s of its start: port \d+: "
        ):
            await asyncio.wait_for(kept, 30)
    assert not left(mark)


async def test_old_failures_are_forgotten(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    patience = Patience(delays_s=(0.01,), window_s=0.5)
    service = Service(spec(free_port(), "die-after=0.7"), tmp_path, patience=patience)
    async with running(service) as kept:
        await until(lambda: service.status.restarts == 3)
        assert not kept.done()


async def test_a_program_that_is_not_there(tmp_path: Path, mark: str) -> None:
    patience = Patience(delays_s=())
    missing = spec(1, command=("/nowhere/earshot-program",))
    async with running(Service(missing, tmp_path, patience=patience)) as kept:
        with pytest.raises(StackError, match="/nowhere/earshot-program: No such file"):
            await asyncio.wait_for(kept, 30)


def test_kill_9_of_the_parent_leaves_nothing(
    tmp_path: Path, free_port: Callable[..., int], mark: str
) -> None:
    code = f"""
import asyncio, pathlib, sys
from earshot.up import probes
from earshot.up.service import Service, Spec
port = {free_port()}
command = (sys.executable, "-I", "-S", {str(STANDIN)!r}, str(port), "stubborn")
async def main():
    service = Service(Spec("standin", command, probes.http(port)), pathlib.Path({str(tmp_path)!r}))
    kept = asyncio.create_task(service.keep())
    await service.ready.wait()
    print("ready", flush=True)
    await kept
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout and parent.stdout.readline() == "ready\n"
        assert len(left(mark)) == 2
        parent.kill()
    deadline = time.monotonic() + 20
    while left(mark):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_log_has_a_bounded_size(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.log", size_max_bytes=1000)
    for i in range(1000):
        log.write(f"line {i}\n".encode())
    log.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2000
    assert (tmp_path / "x.log").read_text().endswith("line 999\n")
    assert log.last_lines(2) == ["line 998", "line 999"]


def test_errors_of_any_program_are_found(tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text(
        '{"event": "fine", "level": "info", "timestamp": "2026-01-01T00:00:00Z"}\n'
        '{"event": "broke", "level": "error", "timestamp": "2026-01-01T00:00:02Z", '
        '"exception": "Traceback\\n  File\\nOSError: no disk"}\n'
    )
    (tmp_path / "livekit.log").write_text(
        '{"level":"error","ts":1767225601.5,"msg":"no worker","error":"none there"}\nnot json\n'
    )
    (tmp_path / "engine.log").write_text("earshot: the model is gone\n")
    assert [(e["service"], e["text"]) for e in last_errors(tmp_path)] == [
        ("engine", "earshot: the model is gone"),
        ("livekit", "no worker: none there"),
        ("worker", "broke: OSError: no disk"),
    ]
