"""`earshot settings`."""

import click

from ..settings import load
from ..settings_table import table


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="The values in force, as JSON.")
@click.option("--table", "as_table", is_flag=True, help="The Markdown table of docs/settings.md.")
def command(as_json: bool, as_table: bool) -> None:
    """Show every setting, its value and its meaning.

    Settings come from the environment (EARSHOT_PERSONA__LANGUAGE=en), then from earshot.toml in the
    current folder (or where EARSHOT_CONFIG points), then from the defaults.
    """
    settings = load()
    if as_table:
        click.echo(table())
    elif as_json:
        click.echo(settings.model_dump_json(indent=2))
    else:
        for key, value in _flat(settings.model_dump(mode="json")):
            click.echo(f"{key} = {value!r}")


def _flat(values: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((prefix + key, value))
    return rows
