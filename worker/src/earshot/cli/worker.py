"""`earshot worker`."""

import click


@click.command("worker")
def command() -> int:
    """Take calls and serve the page; `earshot up` starts it with all it needs.

    Expects a livekit-server (setting livekit.url, else the one that `earshot up` starts) and an
    engine on STATE_DIR/run/engine.sock. SIGTERM lets running calls end for `calls.drain_s`.
    """
    import asyncio

    from ..log import configure
    from ..settings import load
    from ..worker import work

    settings = load()
    configure(settings.log)
    asyncio.run(work(settings))
    return 0
