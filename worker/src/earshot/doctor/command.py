"""`earshot doctor`: target, checks and output, together."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import click

from ..errors import CredentialsError
from ..text_file import NotTextError, read_input
from .checks import checks
from .examination import examine
from .finding import Finding
from .report import check, compose, save
from .screen import Json, Text, show_count
from .target import Target, here, of_page, of_server


@dataclass(frozen=True)
class Options:
    """What stood on the command line."""

    page: str = ""
    url: str = ""
    code_file: Path | None = None
    token_file: Path | None = None
    call: bool = True
    within_s: float = 180.0
    as_json: bool = False
    report: Path | None = None
    egress: bool = False
    for_s: float = 0.0
    """How long packets are counted; 0 = while a spoken question is asked and answered."""


def doctor(options: Options) -> int:
    """Examines, shows, and returns 1 if anything is red; with `egress`, if anything left."""
    target = _target(options)
    if options.egress:
        return asyncio.run(_egress(target, options))
    findings: list[Finding] = []
    if options.report:
        check(options.report)

    async def run() -> None:
        with Json() if options.as_json else Text() as screen:
            chosen = checks(target, call=options.call)
            async for finding in examine(target, chosen, screen.begin, options.within_s):
                findings.append(finding)
                screen.show(finding)
        screen.end(target, findings)
        if options.report:
            save(options.report, await compose(target, findings))
            click.echo(f"written: {options.report}; look through it before you send it", err=True)

    asyncio.run(run())
    return 1 if any(finding.colour == "red" for finding in findings) else 0


async def _egress(target: Target, options: Options) -> int:
    from .egress import counting

    async with counting(target) as count:
        if options.for_s:
            if not options.as_json:
                click.echo(f"counting packets for {options.for_s:g} s …", err=True)
            await asyncio.sleep(options.for_s)
        else:
            if not options.as_json:
                click.echo("counting packets while a spoken question is asked …", err=True)
            asked = [c for c in checks(target) if c.name in ("token", "agent")]
            said = [finding async for finding in examine(target, asked)]
            count.answered = said[-1].check == "answer" and said[-1].colour != "red"
            if not count.answered:
                click.echo(f"no answer: {said[-1].check}: {said[-1].said}", err=True)
    show_count(count, json_only=options.as_json)
    return 0 if count.clean else 1


def _target(options: Options) -> Target:
    if options.page:
        target = of_page(options.page)
    elif options.url:
        from ..operator.connection import check_url, resolve

        if options.token_file:  # what a caller has, without the server's key
            target = of_server(check_url(options.url, "--url"), "", "")
        else:
            server = resolve(options.url)
            target = of_server(server.url, server.api_key, server.api_secret)
    else:
        target = here()
    if options.code_file:
        target.code = _read(options.code_file, "--code-file")
    if options.token_file:
        target.token = _read(options.token_file, "--token-file")
        target.livekit = target.livekit or (target.endpoints.livekit if target.endpoints else "")
        if not target.livekit:
            raise click.UsageError("--token-file needs --url, or a stack that runs here")
    return target


def _read(path: Path, option: str) -> str:
    """A secret is no argument: everybody on a machine may read its command lines."""
    try:
        text = read_input(path)
    except (OSError, NotTextError) as e:
        raise CredentialsError(f"{option} {path}: {getattr(e, 'strerror', '') or e}") from e
    if not text.strip():
        raise CredentialsError(f"{option} {path}: empty")
    return text.strip()
