"""`earshot …`: one file per group of commands, imported when its command runs.

Errors that a user can mend are printed as one line on standard error. Exit statuses, everywhere:

    0    done
    1    not so, or the server could not do it
    2    a mistake in the command, in a setting or in a file
    3    no such room, participant, track, …
    4    the server takes neither the key nor the token
    5    the server, or a service behind it, does not answer
    130  stopped by Ctrl-C
"""

import importlib
import os
import sys
from typing import NoReturn

import click

from ..errors import EarshotError
from ..version import __version__

SERVER_COMMANDS = {
    "project": "Servers with a name, and the keys to them.",
    "token": "Make tokens; see what a token allows.",
    "room": "List, make, change and end rooms.",
    "participant": "Who is in a room; change, mute or remove them.",
    "track": "What is published in a room; mute, subscribe.",
    "data": "Send data to the participants of a room.",
    "dispatch": "Call agents into a room.",
    "rpc": "Call a method of a participant.",
    "egress": "Record rooms, or stream them elsewhere.",
    "ingress": "Bring streams into a room.",
    "sip": "Telephone: trunks, rules and calls.",
}
"""What an operator asks of a livekit-server: the running one, or another."""

COMMANDS = {
    "up": "Start everything that a call needs, and keep it running.",
    "status": "Show what runs: addresses, services, calls, last errors.",
    "doctor": "Find what is wrong, why, and what to do.",
    "talk": "Hold a conversation, without a server.",
    "engine": "Load the models once, for the calls of this machine.",
    "worker": "Take calls and serve the page; `earshot up` starts it.",
    "models": "List, fetch and check models, or add your own.",
    "bundle": "Carry Earshot to a machine without a network.",
    "load-test": "Measure many calls at once, with callers that speak.",
    "init": "Prepare this folder for docker compose.",
    "settings": "Show every setting, its value and its meaning.",
    "new": "Make a project: persona, tools, documents, tests.",
    "calls": "The log of calls: list, show, export, erase.",
    "webhook": "Verify livekit-server's webhooks and show them.",
    "completion": "Print what a shell needs to complete commands.",
    **SERVER_COMMANDS,
}


class LazyGroup(click.Group):
    """Knows the commands' names and one-liners; imports a command's module when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".{cmd_name.replace('-', '_')}", __name__)
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        ours = [item for item in COMMANDS.items() if item[0] not in SERVER_COMMANDS]
        with formatter.section("Commands"):
            formatter.write_dl(ours)
        with formatter.section("Commands to a livekit-server"):
            formatter.write_dl(list(SERVER_COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="earshot")
def cli() -> None:
    """A voice agent that never leaves earshot: fully local, on LiveKit."""


def main() -> None:
    """The entry point."""
    try:
        status = cli.main(prog_name="earshot", standalone_mode=False)
    except EarshotError as e:
        fail(str(e), e.exit_status)
    except click.exceptions.NoArgsIsHelpError as e:  # its message is the whole help
        print(e.format_message(), file=sys.stderr)
        sys.exit(e.exit_code)
    except click.ClickException as e:
        fail(e.format_message())
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (click.Abort, KeyboardInterrupt):
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


def fail(message: str, status: int = 2) -> NoReturn:
    print(f"earshot: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)
