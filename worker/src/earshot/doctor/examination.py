"""Runs checks in order, each within its time, and leaves out those that can't be right any more."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence

from .checks import Check
from .finding import Finding, grey, red
from .target import Target

WITHIN_S = 180.0


async def examine(
    target: Target,
    checks: Sequence[Check],
    begin: Callable[[Check], None] = lambda check: None,
    within_s: float = WITHIN_S,
) -> AsyncIterator[Finding]:
    """Findings as they come.

    Args:
        begin: told of each check when it begins.
        within_s: for all of them together; what is left then is grey.
    """
    deadline = time.monotonic() + within_s
    bad: set[str] = set()
    for check in checks:
        # "stack:running": the stack may be unwell, as long as it runs
        if why := [need for need in check.needs if need in bad]:
            yield grey(check.name, f"not looked at: {why[0].partition(':')[0]} comes first")
            bad |= {check.name, f"{check.name}:running"}
            continue
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            yield grey(check.name, f"not looked at: {within_s:.0f} s are over")
            bad.add(check.name)
            continue
        begin(check)
        async for finding in _run(check, target, min(check.limit_s, left_s)):
            if finding.colour == "red":
                bad.add(check.name)
                if finding.cause == "not_running":
                    bad.add(f"{check.name}:running")
            yield finding


async def _run(check: Check, target: Target, limit_s: float) -> AsyncIterator[Finding]:
    findings = check.run(target)
    deadline = time.monotonic() + limit_s
    try:
        while True:
            try:
                async with asyncio.timeout(max(0.1, deadline - time.monotonic())):
                    finding = await anext(findings)
            except StopAsyncIteration:
                return
            except TimeoutError:
                yield red(check.name, "too_slow", f"not done within {limit_s:.0f} s")
                return
            except Exception as e:  # one broken check must not hide what the others find
                yield red(check.name, "doctor_broken", f"{type(e).__name__}: {e}")
                return
            yield finding
    finally:
        close = getattr(findings, "aclose", None)
        if close is not None:
            await close()
