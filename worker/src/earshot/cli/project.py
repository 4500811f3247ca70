"""`earshot project …`: add, list, use, remove."""

import sys

import click

from ..operator.options import agreed, destroys, json_option


@click.group("project")
def command() -> None:
    """Servers with a name, and the keys to them.

    They are kept in ~/.config/earshot/projects.yaml (mode 600). Which server a command talks to,
    the first that is given: --project; --url; LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET;
    the project in use; what runs here.

    \b
    Examples:
      earshot project list
      earshot room list --project office
    """


@command.command("add", short_help="Remember a server and its key.")
@click.argument("name")
@click.option("--url", required=True, metavar="URL", help="ws://HOST:PORT or wss://…")
@click.option("--api-key", metavar="KEY", help="Default: LIVEKIT_API_KEY, else it is asked for.")
@click.option(
    "--secret-file", metavar="FILE",
    help="Where the secret is; - = standard input. Default: LIVEKIT_API_SECRET, else asked for.",
)  # fmt: skip
@click.option("--use", is_flag=True, help="Talk to it where no other server is named.")
@click.option("--replace", is_flag=True, help="Where there is one of this name already.")
def add(
    name: str,
    url: str,
    api_key: str | None,
    secret_file: str | None,
    use: bool,
    replace: bool,
) -> None:
    """Remember a server and its key as NAME.

    The secret is no option: everybody on a machine may read its command lines.

    \b
    Examples:
      earshot project add office --url ws://10.0.0.5:7880 --api-key APIx --secret-file secret.txt
    """
    import os

    from ..errors import CredentialsError
    from ..operator import projects
    from ..operator.connection import KEY, SECRET, check_url
    from ..operator.requests import read_secret

    projects.check_name(name)
    address = check_url(url, "--url")
    found = projects.load()
    if name in found.by_name and not replace:
        raise CredentialsError(f"there is a project {name!r} already: give --replace")
    key = api_key or os.environ.get(KEY) or _ask("API key", "--api-key", hidden=False)
    if secret_file is not None:
        secret = read_secret(secret_file)
    else:
        secret = os.environ.get(SECRET) or _ask("API secret", "--secret-file", hidden=True)
    if not key.strip() or not secret:
        raise click.UsageError("neither key nor secret may be empty")
    found.by_name[name] = projects.Project(address, key.strip(), secret)
    if use:
        found.use = name
    projects.save(found)
    click.echo(f"{name}: {address}, key {key.strip()}" + (", in use" if use else ""))


def _ask(what: str, option: str, *, hidden: bool) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what} was expected: give {option}")
    answer: str = click.prompt(what, hide_input=hidden)
    return answer


@command.command("list", short_help="Show them; which server commands talk to now.")
@json_option
def list_(as_json: bool) -> None:
    """Show the projects, and which server commands talk to now. No secret is shown.

    \b
    Examples:
      earshot project list
      earshot project list --json
    """
    from ..errors import EarshotError
    from ..operator import connection, projects
    from ..operator.tables import show, show_json

    found = projects.load()
    try:
        now = connection.resolve()
        current = {"url": now.url, "api_key": now.api_key, "origin": now.origin}
        words = f"commands talk to {now.url} ({now.origin})"
    except EarshotError as e:
        current, words = None, f"commands talk to nobody: {e}"
    if as_json:
        names = found.by_name.items()
        rows = [{"name": n, "url": p.url, "api_key": p.api_key} for n, p in names]
        show_json({"use": found.use, "projects": rows, "now": current})
        return
    show(
        ("project", "", "server", "key"),
        [
            (name, "in use" if name == found.use else "", p.url, p.api_key)
            for name, p in found.by_name.items()
        ],
        none="no projects",
    )
    click.echo(words)


@command.command("use", short_help="Talk to one where no other server is named.")
@click.argument("name", required=False)
@click.option("--none", "nothing", is_flag=True, help="None of them: what runs here.")
def use_(name: str | None, nothing: bool) -> None:
    """Talk to the project NAME where no other server is named.

    \b
    Examples:
      earshot project use office
      earshot project use --none
    """
    from ..operator import projects

    if bool(name) == nothing:
        raise click.UsageError("the name of a project was expected, or --none")
    found = projects.load()
    if name:
        found.get(name)
    found.use = name or ""
    projects.save(found)
    click.echo(f"commands talk to {name}" if name else "commands talk to what runs here")


@command.command("remove", short_help="Forget a server and its key.")
@click.argument("name")
@destroys
def remove(name: str, yes: bool, dry_run: bool) -> None:
    """Forget the project NAME and its key.

    \b
    Examples:
      earshot project remove office --dry-run
      earshot project remove office --yes
    """
    from ..operator import projects

    found = projects.load()
    found.get(name)
    if not agreed(f"forget the project {name} and its key", yes=yes, dry_run=dry_run):
        return
    del found.by_name[name]
    if found.use == name:
        found.use = ""
    projects.save(found)
    click.echo(f"{name}: forgotten")
