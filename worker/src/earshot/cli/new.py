"""`earshot new`."""

from pathlib import Path

import click

from .path_type import UserPath


@click.command("new")
@click.argument("name", required=False)
@click.option(
    "--template", default="plain", show_default=True, metavar="TEMPLATE",
    help="What to begin with; --list shows them.",
)  # fmt: skip
@click.option(
    "--in", "parent", type=UserPath(), default=Path(), metavar="DIR",
    help="Where the folder is made; default: here.",
)  # fmt: skip
@click.option("--list", "list_", is_flag=True, help="Show the templates, and make nothing.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def command(name: str | None, template: str, parent: Path, list_: bool, as_json: bool) -> None:
    """Make a project: persona, tools, documents, tests.

    A folder NAME with an earshot.toml, tools in Python, tests that hold typed and spoken
    conversations with the agent offline, an override for docker compose, and a README. Nothing
    that is there already is changed.

    \b
    earshot new --list
    earshot new front-desk --template receptionist
    cd front-desk && pytest && earshot up
    """
    import json

    from ..settings import load
    from ..templates.project import TEMPLATES, create

    if list_:
        if as_json:
            click.echo(json.dumps(TEMPLATES))
        else:
            width = max(map(len, TEMPLATES))
            for key, meaning in TEMPLATES.items():
                click.echo(f"{key:<{width}}  {meaning}")
        return
    if name is None:
        raise click.UsageError("expected the NAME of the project (or --list)")
    project = create(name, template, parent, load())
    if as_json:
        click.echo(json.dumps({"folder": str(project.folder), "files": project.files}))
        return
    click.echo(f"{project.folder}: {len(project.files)} files, from the template {template}")
    click.echo(f"next: cd {project.folder} && earshot talk --text 'Hello.'   (README.md says more)")
