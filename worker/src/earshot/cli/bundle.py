"""`earshot bundle …`: keygen, create, verify, install, rollback."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .path_type import UserPath

if TYPE_CHECKING:
    from ..bundle.install import Steps

KEY = UserPath()


@click.group("bundle")
def command() -> None:
    """Carry Earshot to a machine without a network.

    A bundle is one signed tar file: images, compose files, models, wheels, documents, the licence
    and the checksum of each.

    \b
    earshot bundle keygen -o site.key
    earshot bundle create --key site.key --profiles small -o earshot.tar
    earshot bundle verify earshot.tar --key site.key.pub
    earshot bundle install earshot.tar --key site.key.pub --to /opt/earshot
    """


@command.command("keygen", short_help="Make the key that signs bundles.")
@click.option("-o", "--output", type=KEY, required=True, metavar="KEY", help="Where to write it.")
def keygen(output: Path) -> None:
    """Make the key that signs bundles: KEY (mode 600) and KEY.pub.

    KEY stays where bundles are made; KEY.pub goes to the target by another way than the bundle.
    """
    from ..bundle import keys

    public = keys.generate(output)
    click.echo(f"{output}: the private key; keep it here")
    click.echo(f"{public}: its public half, {keys.fingerprint(keys.public(public))}")


@command.command("create")
@click.option("--key", type=KEY, required=True, metavar="KEY", help="The private key.")
@click.option(
    "-o", "--output", type=UserPath(), metavar="FILE",
    help="Default: earshot-VERSION.tar.",
)  # fmt: skip
@click.option(
    "--profiles", metavar="NAMES",
    help="Whose models are carried, separated by commas; default: the setting `profile`.",
)  # fmt: skip
@click.option("--no-images", is_flag=True, help="Without Docker images.")
@click.option(
    "--compose-profiles", metavar="NAMES", default="tls", show_default=True,
    help="Profiles of compose.yaml whose images are carried too.",
)  # fmt: skip
@click.option(
    "--wheelhouse", type=UserPath(), metavar="FOLDER",
    help="Carry these wheels too: what ours depend on.",
)  # fmt: skip
def create(
    key: Path,
    output: Path | None,
    profiles: str | None,
    no_images: bool,
    compose_profiles: str,
    wheelhouse: Path | None,
) -> None:
    """Make a bundle of this checkout. The same contents give the same bytes."""
    from ..bundle import keys
    from ..bundle.create import Contents
    from ..bundle.create import create as make
    from ..models import sha256
    from ..progress import for_people, size
    from ..settings import load
    from ..settings_file import home
    from ..version import __version__

    settings = load()
    private = keys.private(key)
    names = profiles.split(",") if profiles else [settings.profile]
    contents = Contents(
        root=home(),
        models_dir=settings.models_dir,
        version=__version__,
        profiles=tuple(dict.fromkeys(name.strip() for name in names)),
        with_images=not no_images,
        compose_profiles=tuple(filter(None, map(str.strip, compose_profiles.split(",")))),
        wheelhouse=wheelhouse,
    )
    output = output or Path(f"earshot-{__version__}.tar")
    with for_people() as progress:
        manifest = make(contents, private, output, settings.state_dir / "checksums.json", progress)
    click.echo(f"{output}: {size(output.stat().st_size)}, {len(manifest.pieces)} pieces")
    click.echo(f"sha256 {sha256(output)}")
    click.echo(f"signed by {keys.fingerprint(private.public_key())}")


@command.command("verify", short_help="Check signature and every checksum.")
@click.argument("file", type=UserPath())
@click.option("--key", type=KEY, required=True, metavar="KEY.pub", help="The public key.")
def verify(file: Path, key: Path) -> None:
    """Check a bundle: its signature, every checksum, nothing extra, nothing missing.

    Nothing is unpacked. Exit status: 0 = whole and signed by this key, 2 = not.
    """
    from ..bundle import keys
    from ..bundle.archive import Bundle, Nowhere
    from ..progress import for_people, size

    public = keys.public(key)
    with Bundle(file, public) as bundle, for_people() as progress:
        manifest = bundle.manifest
        progress.begin(f"verifying {file.name}", manifest.total_bytes)
        bundle.walk(Nowhere(progress.advance))
    click.echo(f"{file}: whole, and signed by {keys.fingerprint(public)}")
    click.echo(
        f"earshot {manifest.version} for {manifest.architecture}, profiles"
        f" {', '.join(manifest.profiles)}: {len(manifest.pieces)} pieces,"
        f" {size(manifest.total_bytes)}"
    )


START = click.option(
    "--start", metavar="COMMAND",
    help="Shell command that makes a version run, run in its folder; instead of containers.",
)  # fmt: skip
CHECK = click.option(
    "--check", metavar="COMMAND",
    help="Shell command that succeeds when it answers, run in its folder; instead of a call.",
)  # fmt: skip
CHECK_S = click.option(
    "--check-s", type=click.FloatRange(1, 3600), default=300.0, show_default=True,
    metavar="SECONDS", help="How long it may take to answer.",
)  # fmt: skip


@command.command("install", short_help="Install beside what runs, then switch.")
@click.argument("file", type=UserPath())
@click.option("--key", type=KEY, required=True, metavar="KEY.pub", help="The public key.")
@click.option(
    "--to", type=UserPath(), required=True, metavar="DIR",
    help="The folder of all versions.",
)  # fmt: skip
@click.option("--downgrade", is_flag=True, help="Take a version older than the one that runs.")
@START
@CHECK
@CHECK_S
def install(
    file: Path,
    key: Path,
    to: Path,
    downgrade: bool,
    start: str | None,
    check: str | None,
    check_s: float,
) -> None:
    """Install a bundle beside what runs, and switch to it when it answers.

    Checks the signature, the room on the disk, the architecture and the version first. Unpacks into
    DIR/versions/VERSION, loads the images, starts it, asks it, and only then lets DIR/current point
    to it. If it was interrupted, run it again. The version before stays for `bundle rollback`.

    With images in the bundle, starting is `init` and `docker compose up`, and asking is a call; DIR
    has .env and .earshot, which all versions share. Without, nothing is started.
    """
    from ..bundle import keys
    from ..bundle.install import install as put
    from ..progress import for_people

    public = keys.public(key)
    with for_people() as progress:
        done = put(
            file, public, to, progress, steps=_steps(to, start, check, check_s), downgrade=downgrade
        )
    if done.before == done.version:
        click.echo(f"{done.version} runs already; nothing was changed")
        return
    click.echo(
        f"{to / 'current'}: {done.version}" + (f", before: {done.before}" * bool(done.before))
    )
    for version in done.removed:
        click.echo(f"removed: {version}")


@command.command("rollback", short_help="Go back to the version before.")
@click.option(
    "--to", type=UserPath(), required=True, metavar="DIR",
    help="The folder of all versions.",
)  # fmt: skip
@START
@CHECK
@CHECK_S
def rollback(to: Path, start: str | None, check: str | None, check_s: float) -> None:
    """Go back to the version that ran before; a second time: forward again."""
    from ..bundle.install import rollback as back

    done = back(to, steps=_steps(to, start, check, check_s))
    click.echo(f"{to / 'current'}: {done.version}, before: {done.before}")


def _steps(to: Path, start: str | None, check: str | None, check_s: float) -> "Steps":
    from dataclasses import replace

    from ..bundle.containers import Containers
    from ..bundle.install import Steps
    from ..bundle.site import Site

    steps = Containers(Site(to), lambda line: click.echo(line, err=True), check_s).steps()
    if start:
        steps = Steps(prepare=steps.prepare, start=_shell(start, None), forget=steps.forget)
    if check:
        steps = replace(steps, check=_answering(check, check_s))
    return steps


def _shell(line: str, timeout_s: float | None) -> Callable[[Path], None]:
    from ..errors import BundleError

    def run(version: Path) -> None:
        if done := subprocess.run(
            ["/bin/sh", "-c", line], cwd=version, timeout=timeout_s
        ).returncode:
            raise BundleError(f"--start failed in {version} (exit status {done})")

    return run


def _answering(line: str, timeout_s: float) -> Callable[[Path], bool]:
    """Asks every second until it succeeds, or the time is over."""
    import time

    def ask(version: Path) -> bool:
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            try:
                if not subprocess.run(
                    ["/bin/sh", "-c", line], cwd=version, timeout=left
                ).returncode:
                    return True
            except subprocess.TimeoutExpired:
                return False
            time.sleep(min(1.0, max(0.0, end - time.monotonic())))
        return False

    return ask
