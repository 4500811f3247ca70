"""scripts/lib/livekit.sh: livekit-server from the folder of built ones, and what is said when there is none."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts" / "lib").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "lib" / "livekit.sh", tmp_path / "scripts" / "lib")
    return tmp_path


def run(checkout: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    head = 'set -euo pipefail; say() { echo "earshot: $*" >&2; }; . scripts/lib/livekit.sh\n'
    return subprocess.run(
        ["/bin/bash", "-c", head + script],
        cwd=checkout, capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": str(checkout), "EARSHOT_TOOLS": str(checkout / "kept")} | environment,
    )  # fmt: skip


def kept(checkout: Path, version: str) -> Path:
    path = checkout / "kept" / f"v1.13.5-{os.uname().machine}" / "livekit-server"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho livekit-server version {version}\n")
    path.chmod(0o755)
    return path


def test_a_built_one_is_taken(checkout: Path) -> None:
    kept(checkout, "1.13.5")
    done = run(
        checkout,
        "livekit_settled || livekit_get; livekit_settled && .tools/livekit-server --version",
    )
    assert (done.stdout, done.stderr, done.returncode) == ("livekit-server version 1.13.5\n", "", 0)


def test_an_old_one_is_replaced(checkout: Path) -> None:
    kept(checkout, "1.13.5")
    (checkout / ".tools").mkdir()
    old = checkout / ".tools" / "livekit-server"
    old.write_text("#!/bin/sh\necho livekit-server version 1.12.0\n")
    old.chmod(0o755)
    assert run(checkout, "livekit_get").returncode == 0
    assert "1.13.5" in old.read_text()


def test_none_to_be_had_is_no_failure_and_is_said_once(checkout: Path) -> None:
    done = run(
        checkout, "livekit_settled || livekit_get; livekit_settled && echo settled", UV="/bin/false"
    )
    assert (done.stdout, done.returncode) == ("settled\n", 0)
    assert "there is no `earshot up` yet" in done.stderr
    assert "Install Go 1.26 or newer" in done.stderr
    # until something changes
    assert run(checkout, "livekit_settled && echo settled").stdout == "settled\n"


def test_another_source_than_the_pinned_one_is_refused(checkout: Path) -> None:
    tools = checkout / "bin"
    tools.mkdir()
    go = tools / "go"
    go.write_text(
        '#!/bin/sh\n[ "$1" = env ] && echo go1.27.0 || echo \'{"Sum": "h1:another", "Dir": "/nowhere"}\'\n'
    )
    go.chmod(0o755)
    done = run(checkout, "livekit_get", PATH=f"{tools}:/usr/bin:/bin")
    assert done.returncode == 0
    assert "another livekit-server than the pinned one came" in done.stderr
    assert not (checkout / ".tools" / "livekit-server").exists()
