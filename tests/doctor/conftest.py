"""What these tests share: a running stack, and the command as a person runs it."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from earshot.caller.stack import Stack

if TYPE_CHECKING:
    from .network import Here

ROOT = Path(__file__).parents[2]
SESSION = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="session")
def livekit_server() -> str:
    built = ROOT / ".tools" / "livekit-server"
    found = shutil.which("livekit-server") or (str(built) if built.exists() else "")
    if not found:
        pytest.skip("livekit-server is not built: scripts/setup")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(
    livekit_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """`earshot up`, ready."""
    folder = tmp_path_factory.mktemp("doctor")
    async with Stack(folder / "state") as running:
        yield running
        print(f"logs: {folder / 'state' / 'logs'}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def here(
    livekit_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["Here"]:
    """A livekit-server of this machine, and nothing else."""
    from .network import on_loopback

    async with on_loopback(livekit_server, tmp_path_factory.mktemp("livekit")) as running:
        yield running


class Result:
    """What the command found and how it ended."""

    def __init__(self, status: int, output: str, errors: str) -> None:
        self.status, self.output, self.errors = status, output, errors

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        """By check; of several, the worst."""
        found: dict[str, dict[str, Any]] = {}
        order = ("grey", "green", "yellow", "red")
        for finding in json.loads(self.output)["findings"]:
            before = found.get(finding["check"])
            if before is None or order.index(finding["colour"]) > order.index(before["colour"]):
                found[finding["check"]] = finding
        return found

    @property
    def causes(self) -> dict[str, str]:
        """check -> cause, of those that are not right."""
        return {c: f["cause"] for c, f in self.findings.items() if f["cause"]}


async def doctor(
    *arguments: str,
    state: Path | None = None,
    within: Sequence[str] = (),
    environment: dict[str, str] | None = None,
    given: str = "",
) -> Result:
    """`earshot doctor ARGUMENTS`.

    Args:
        within: what the command is run by: ("ip", "netns", "exec", NAME).
        given: standard input.
    """
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("EARSHOT_", "LIVEKIT_"))}
    if state:
        variables["EARSHOT_STATE_DIR"] = str(state)
    process = await asyncio.create_subprocess_exec(
        *within, sys.executable, "-m", "earshot", "doctor", *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**variables, **(environment or {})},
    )  # fmt: skip
    output, errors = await process.communicate(given.encode())
    return Result(process.returncode or 0, output.decode(), errors.decode())
