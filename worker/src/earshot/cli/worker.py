"""`earshot worker`."""

import click


@click.command("worker")
def command() -> int:
    """Take calls and serve the page; `earshot up` starts it with all it needs.

    Expects a livekit-server (setting livekit.url, else the one that `earshot up` starts) and an
    engine on STATE_DIR/run/engine.sock. SIGTERM lets running calls end for `calls.drain_s`.
    """
    import asyncio

    from ..log import configure, tell_ignored
    from ..settings import load, of_services
    from ..worker import work

    settings = load()
    configure(settings.log)
    tell_ignored(of_services())
    asyncio.run(work(settings))
    return 0
