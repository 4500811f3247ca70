"""A version that runs in containers: how it is prepared, started, asked, and forgotten.

    /opt/earshot/.env        settings and secrets of the site, which all versions share:
    /opt/earshot/.earshot    each version's folder has a link to them

`init` is run from the version's own image, so that the configuration fits its servers and the
machine needs no Python for it. Knows nothing of how a version was unpacked.
"""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import BundleError, CallError
from ..init.env_file import EnvFile
from . import images
from .install import Steps
from .site import Site

SHARED = (".env", ".earshot")
UP_S = 600
"""for `up --wait`: the health checks give up earlier"""
PAGE_PORT = "EARSHOT_NETWORK__PAGE_PORT"


@dataclass(frozen=True)
class Containers:
    """The containers of a site."""

    site: Site
    say: Callable[[str], None]
    check_s: float = 300.0
    """How long a version may take to answer a call."""

    def steps(self) -> Steps:
        return Steps(images.load, self.start, self.answers, self.forget)

    def start(self, version: Path) -> None:
        """`init` and `up --wait`: returns when every health check is content.

        Raises:
            BundleError: one of them failed.
        """
        if not self._concerned(version):
            return
        self._share(version)
        self._init(version)
        self.say(f"starting {version.name}")
        _run(version, "compose", "up", "--detach", "--wait", "--no-build", "--remove-orphans")

    def answers(self, version: Path) -> bool:
        """Whether a caller is answered by voice, through the published ports."""
        if not self._concerned(version):
            return True
        self.say(f"calling {version.name}")
        port = EnvFile(version / ".env").get(PAGE_PORT)
        code = (version / ".earshot/worker/secrets/access-code").read_text().strip()
        end = time.monotonic() + self.check_s
        while True:
            try:
                asyncio.run(_asked(f"http://127.0.0.1:{port}", code))
                return True
            except CallError as e:
                if time.monotonic() > end:
                    self.say(f"no answer: {e}")
                    return False
                time.sleep(1.0)

    def forget(self, version: Path) -> None:
        """Removes those of its images that no other version names."""
        kept = {
            image
            for name in self.site.installed()
            if (folder := self.site.folder(name)) != version
            for image in _images(folder)
        }
        for image in _images(version) - kept:
            subprocess.run(["docker", "image", "rm", image], capture_output=True)

    def _concerned(self, version: Path) -> bool:
        """Whether it brought images, or one before it did."""
        return (version / images.FOLDER).is_dir() or (self.site.root / ".earshot").is_dir()

    def _share(self, version: Path) -> None:
        root = self.site.root
        (root / ".earshot").mkdir(mode=0o700, exist_ok=True)
        (root / ".env").touch(mode=0o600)
        for name in SHARED:
            link = version / name
            if not link.is_symlink():
                link.symlink_to(Path("../..") / name)

    def _init(self, version: Path) -> None:
        image = images.services(version).get("worker", {}).get("image")
        if not image:
            raise BundleError(f"{version / images.COMPOSE_FILE}: its service worker has no image")
        where = f"/site/versions/{version.name}"
        out = _run(
            version, "run", "--rm", "--network", "host", "--user", f"{os.getuid()}:{os.getgid()}",
            "--volume", f"{self.site.root.resolve()}:/site", "--workdir", where,
            image, "init", "--yes",
        )  # fmt: skip
        for line in out.splitlines():
            if line.startswith(("address", "written")):
                self.say(line)


def _images(version: Path) -> set[str]:
    try:
        return {str(s["image"]) for s in images.services(version).values() if "image" in s}
    except BundleError:
        return set()


async def _asked(page: str, code: str) -> None:
    """Raises: CallError."""
    from ..caller.caller import Caller
    from ..caller.demo import QUESTIONS
    from ..caller.speech import Speech
    from ..caller.ticket import from_page

    text, path = QUESTIONS[0]
    async with Caller(await from_page(page, code=code)) as caller:
        await caller.agent(30.0)
        with contextlib.suppress(CallError):  # a persona may have none
            await caller.greeting(10.0)
        await caller.ask(Speech.open(path, text), 30.0)


def _run(version: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments], cwd=version, capture_output=True, text=True, timeout=UP_S,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError as e:
        raise BundleError("docker is not installed here; expected it, or --start") from e
    except subprocess.TimeoutExpired as e:
        raise BundleError(f"docker {arguments[0]}: not done after {UP_S} s") from e
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BundleError(f"docker {' '.join(arguments[:2])}: {last}")
    return done.stdout
