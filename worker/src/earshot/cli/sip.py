"""`earshot sip …`: trunk, rule, call. Each is a file of its own."""

import click

from . import sip_call, sip_rule, sip_trunk


@click.group("sip")
def command() -> None:
    """Telephone: trunks, rules and calls.

    A trunk is the way to a telephone provider or exchange, inbound or outbound. A rule says which
    room an inbound call comes into. Needs redis; calls need the SIP service too:
    docker compose --profile sip up -d.

    \b
    Examples:
      earshot sip trunk list
      earshot sip rule list
      earshot sip call list
    """


command.add_command(sip_trunk.command)
command.add_command(sip_rule.command)
command.add_command(sip_call.command)
