"""`earshot up`: a plan, a stack and an output, together."""

import asyncio
import os
import sys
import webbrowser
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from ..errors import EarshotError, StackError
from ..settings import Settings, load
from .outputs import JsonLines, Lines, Output, print_json
from .plan import Plan, PortsBusyError, prepare
from .service import Event
from .stack import Stack, alone


@dataclass(frozen=True)
class Options:
    """What stood on the command line."""

    auto_ports: bool = False
    lan: bool = False
    profile: str | None = None
    as_json: bool = False
    open_page: bool = False
    demo: bool = False
    """A scripted caller holds one call, then everything stops."""
    answer: Path | None = None
    """Where what that caller heard is written."""
    fetch: bool = False
    """Models that are asked for and missing are fetched; at a terminal they are offered."""


def up(options: Options) -> int:
    """Runs the stack until it is told to stop. Returns the exit status.

    Raises:
        EarshotError: it can't start, or a service gave up.
    """
    try:
        settings = load(_overrides(options))
        if options.fetch:
            from .choosing import choose

            settings = choose(settings, options.profile, _at_terminal(options))
        try:
            with alone(settings.state_dir):
                return _up(settings, options)
        except OSError as e:
            raise StackError(f"{e.filename or settings.state_dir}: {e.strerror or e}") from e
    except EarshotError as e:
        if options.as_json:
            busy = [asdict(port) for port in e.ports] if isinstance(e, PortsBusyError) else []
            print_json("error", {"message": str(e), **({"ports": busy} if busy else {})})
        if isinstance(e, PortsBusyError):
            for port in e.ports:
                click.echo(f"earshot: in use: {port}", err=True)
        raise


def _up(settings: Settings, options: Options) -> int:
    plan = prepare(settings, auto_ports=options.auto_ports)

    async def run() -> int:
        opened: set[str] = set()
        calling: asyncio.Task[int] | None = None

        def tell(event: Event) -> None:
            nonlocal calling
            try:
                output.tell(event)
            except OSError:
                _silence()
            if event.kind == "ready" and options.open_page and event.data["page"] not in opened:
                opened.add(event.data["page"])
                # a browser may take its time to start
                asyncio.get_running_loop().run_in_executor(
                    None, webbrowser.open, plan.endpoints.page
                )
            if event.kind == "ready" and options.demo and calling is None:
                calling = asyncio.create_task(_demo(stack, options))

        stack = Stack(plan, tell)
        with _output(plan, options, stack) as output:
            await stack.run()
        if calling is None:
            return 0
        calling.cancel()  # there is nothing left of it, unless it was stopped in the middle
        (result,) = await asyncio.gather(calling, return_exceptions=True)
        if isinstance(result, EarshotError):
            raise result
        return result if isinstance(result, int) else 1

    return asyncio.run(run())


async def _demo(stack: Stack, options: Options) -> int:
    from ..caller.demo import demo

    try:
        return await demo(stack.endpoints.page, options.answer, options.as_json)
    finally:
        stack.stop()


def _silence() -> None:
    """Whoever read our output is gone (a closed pipe or terminal): that ends no call."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _output(plan: Plan, options: Options, stack: Stack) -> Output:
    if options.as_json:
        return JsonLines()
    if options.demo or not sys.stdout.isatty():
        return Lines(plan)
    from .screen import Screen

    return Screen(plan, stack.report)


def _at_terminal(options: Options) -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and not (options.as_json or options.demo)


def _overrides(options: Options) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if options.lan:
        values["network"] = {"listen": "lan"}
    if options.profile:
        values["profile"] = options.profile
    return values
