"""`earshot engine`."""

import os
from pathlib import Path

import click

from .path_type import UserPath


@click.command("engine")
@click.option(
    "--socket", type=UserPath(), metavar="PATH",
    help="Where to listen; default: run/engine.sock in `state_dir`. Its folder must be private.",
)  # fmt: skip
@click.option("--profile", metavar="NAME", help="Which models; overrides the setting `profile`.")
def command(socket: Path | None, profile: str | None) -> int:
    """Load the models once, for the calls of this machine.

    Listens when they are warm. Stops on SIGTERM, within 5 s.
    """
    # threads that spin while they wait starve the other models on the same cores; the OpenMP
    # libraries of CTranslate2 and llama.cpp read this once, when they are loaded
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from ..engine.process import run
    from ..settings import load

    return run(load({"profile": profile} if profile else None), socket)
