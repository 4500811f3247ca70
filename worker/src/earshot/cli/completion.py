"""`earshot completion`."""

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print what a shell needs to complete commands, options and their values.

    \b
    bash: eval "$(earshot completion bash)" in ~/.bashrc
    zsh:  eval "$(earshot completion zsh)" in ~/.zshrc, after compinit
    fish: earshot completion fish > ~/.config/fish/completions/earshot.fish

    \b
    Examples:
      earshot completion bash
      earshot completion zsh
      earshot completion fish
    """
    from click.shell_completion import get_completion_class

    from . import cli

    kind = get_completion_class(shell)
    assert kind is not None  # click has these three
    # not `source()`: it would look for a bash on this machine, and the text may go elsewhere
    completer = kind(cli, {}, "earshot", "_EARSHOT_COMPLETE")
    click.echo(completer.source_template % completer.source_vars())
