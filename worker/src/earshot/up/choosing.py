"""Which models, before the start: what `earshot up --fetch` offers, fetches and remembers.

Nothing is fetched that nobody asked for: a profile is named on the command line, or a key is
pressed at a terminal.
"""

import click

from ..choice import remember
from ..errors import EarshotError
from ..models import Profile, load_profile
from ..models.fetch import fetch, missing
from ..models.hub import Hub
from ..models.offer import REAL, contacts, cost, described, short
from ..models.sources import ORIGINS
from ..progress import for_people
from ..settings import Settings, load

FAULT = (
    "The models that come with Earshot show that everything runs. They have never heard a person:"
    " most of what people say is misunderstood."
)
KEYS = "y: take them, from now on   n: never ask again   any other key: not now"


def choose(settings: Settings, named: str | None, at_terminal: bool) -> Settings:
    """The settings, with the profile that is wanted, fetched where it was missing.

    Args:
        named: given on the command line: it is fetched without a question, and remembered.
        at_terminal: somebody sees what is written and may press a key.

    Raises:
        EarshotError: a profile named on the command line is unknown, or cannot be fetched.
    """
    if named:
        _take(load_profile(named, settings.models_dir), settings)
        return settings
    if not at_terminal:
        return settings
    current = load_profile(settings.profile, settings.models_dir)
    if "profile" in settings.model_fields_set:  # somebody has decided
        if current.present or not any(model.fetched for model in current.models):
            return settings
        click.echo(f"Profile {current.name!r} is wanted, but not all of it is here.")
        return _offer(current, settings)
    if not current.demonstration:
        return settings
    click.echo(FAULT)
    return _offer(load_profile(REAL, settings.models_dir), settings)


def _offer(profile: Profile, settings: Settings) -> Settings:
    with for_people() as progress:
        work = missing(profile, progress)
    price = f"{short(work)}; {cost(work)}, once." if work else "they are here already."
    click.echo(f"Real models (profile {profile.name}): {price}")
    click.echo(f"{KEYS} ", nl=False)
    key = click.getchar().lower()
    click.echo(key if key.isprintable() else "")
    if key == "n":
        remember(settings.state_dir, settings.profile)
    if key != "y":
        return settings
    try:
        _take(profile, settings)
    except EarshotError as e:
        click.echo(f"earshot: {e}", err=True)
        click.echo(f"Starting with {settings.profile!r}; what has arrived is kept.")
        return settings
    return load({"profile": profile.name, "network": settings.network.model_dump()})


def _take(profile: Profile, settings: Settings) -> None:
    if not profile.present:
        with for_people() as progress:
            work = missing(profile, progress)
        hub = Hub()
        click.echo(contacts(work, hub, ORIGINS), err=True)
        for line in described(work, ORIGINS):
            click.echo(line, err=True)
        with for_people() as progress:
            fetch(work, settings.models_dir, hub, progress)
    remember(settings.state_dir, profile.name)
