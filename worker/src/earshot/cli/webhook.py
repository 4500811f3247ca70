"""`earshot webhook`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..operator.options import server_options

if TYPE_CHECKING:
    from ..operator.connection import Connection


@click.group("webhook")
def command() -> None:
    """What livekit-server tells by webhooks."""


@command.command("listen", short_help="Verify webhooks and show them as they come.")
@server_options
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8090, show_default=True, metavar="N",
    help="Where to listen; 0 = a free one.",
)  # fmt: skip
@click.option(
    "--address", default="127.0.0.1", show_default=True, metavar="IP",
    help="An address of this machine that the server reaches, if it runs elsewhere.",
)  # fmt: skip
@click.option("--count", type=click.IntRange(1), metavar="N", help="Stop after so many.")
@click.option("--json", "as_json", is_flag=True, help="Each as a line of JSON.")
def listen(
    connection: Connection, port: int, address: str, count: int | None, as_json: bool
) -> None:
    """Verify webhooks and show them as they come.

    Checks the signature, the body's sha256 and the age of each, and shows those that it refuses
    with the reason. Which server's key they have to be signed with is chosen as everywhere:
    by --url, --project, or what runs here. Prints the lines for that server's livekit.yaml; with
    `earshot up`, set `livekit.webhooks` instead. Ctrl-C ends it.

    \b
    earshot webhook listen --port 8090
    earshot webhook listen --json | jq -r 'select(.event == "room_finished").room.name'
    """
    import asyncio
    import contextlib

    from ..web.hosts import address_of, is_loopback
    from ..webhook.listen import Listener
    from ..webhook.verify import Verifier

    at = address_of(address)
    if at is None:
        raise click.UsageError(f"--address {address!r}: an IP address of this machine was expected")
    listener = Listener(
        Verifier(connection.api_key, connection.api_secret),
        lambda line: click.echo(line),
        as_json=as_json,
        senders="machine" if is_loopback(at) else "all",
        count=count or 0,
    )

    def ready(bound: int) -> None:
        host = "127.0.0.1" if at.is_unspecified else f"[{at}]" if at.version == 6 else str(at)
        url = f"http://{host}:{bound}"
        click.echo(f"listening on {url} for webhooks of {connection.url}", err=True)
        click.echo(
            f"livekit.yaml:   webhook: {{api_key: {connection.api_key}, urls: [{url}]}}", err=True
        )
        click.echo(f"`earshot up`:   EARSHOT_LIVEKIT__WEBHOOKS='[\"{url}\"]'", err=True)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(listener.run(address, port, ready))
