"""`earshot …`: one file per group of commands, imported when its command runs.

Errors that a user can mend are printed as one line on standard error, and the exit status is 2.
"""

import importlib
import sys
from typing import NoReturn

import click

from ..errors import EarshotError
from ..version import __version__

COMMANDS = {
    "up": "Start everything that a call needs, and keep it running.",
    "status": "Show what runs: addresses, services, calls, last errors.",
    "doctor": "Find what is wrong, why, and what to do.",
    "talk": "Hold a conversation, without a server.",
    "engine": "Load the models once, for the calls of this machine.",
    "worker": "Take calls and serve the page; `earshot up` starts it.",
    "models": "List, fetch and check models, or add your own.",
    "bundle": "Carry Earshot to a machine without a network.",
    "init": "Prepare this folder for docker compose.",
    "settings": "Show every setting, its value and its meaning.",
    "calls": "The log of calls: list, show, export, erase.",
    "webhook": "Verify livekit-server's webhooks and show them.",
}


class LazyGroup(click.Group):
    """Knows the commands' names and one-liners; imports a command's module when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".{cmd_name}", __name__)
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="earshot")
def cli() -> None:
    """A voice agent that never leaves earshot: fully local, on LiveKit."""


def main() -> None:
    """The entry point."""
    try:
        status = cli.main(prog_name="earshot", standalone_mode=False)
    except EarshotError as e:
        fail(str(e))
    except click.ClickException as e:
        fail(e.format_message())
    except (click.Abort, KeyboardInterrupt):
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


def fail(message: str) -> NoReturn:
    print(f"earshot: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)
