"""`earshot status`."""

import asyncio
import json

import click


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def command(as_json: bool) -> int:
    """Show what runs: addresses, services, calls, last errors.

    Exit status: 0 = a caller would be answered, 1 = not now, 2 = a mistake in the settings.
    """
    from ..credentials import load_or_create
    from ..endpoints import read, run_dir
    from ..errors import NotRunningError
    from ..settings import load
    from ..up import report
    from ..up.stack import runs

    settings = load()
    try:
        if not runs(settings.state_dir):
            raise NotRunningError(f"`earshot up` does not run with {settings.state_dir}")
        endpoints = read(settings.state_dir)
    except NotRunningError as e:
        if as_json:
            click.echo(json.dumps({"ready": False, "running": False, "why": str(e)}))
        else:
            click.echo(str(e))
        return 1
    services = report.recall(run_dir(settings.state_dir))
    calls = asyncio.run(report.calls(endpoints))
    found = report.make(endpoints, services, calls, report.look(endpoints, services))
    if as_json:
        click.echo(json.dumps({"running": True, **found}))
    else:
        from rich.console import Console

        from ..up.screen import render

        # the owner of the file asks at a terminal; JSON is kept and passed on, and holds no secret
        code = (
            load_or_create(settings.state_dir, own_keys=not settings.livekit.url).access_code
            if found["page_lan"]
            else ""
        )
        head = "ready" if found["ready"] else "not ready"
        Console().print(render(found, head=head, access_code=code))
    return 0 if found["ready"] else 1
