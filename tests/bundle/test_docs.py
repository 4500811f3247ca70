"""The lines of docs/bundle.md, executed one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lines_of_the_page(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "bundle.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", page, re.S)
    assert len(blocks) == 6
    lines = "\n".join(["set -eux", *blocks]).replace("/opt/earshot", str(tmp_path / "opt"))
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "EARSHOT_STATE_DIR": str(tmp_path / "state"),
    }
    ran = subprocess.run(
        ["/bin/sh", "-c", lines], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "Signature Verified Successfully" in ran.stdout
    # the fingerprint by hand is the one that keygen told
    told = re.search(r"public half, ([0-9a-f ]+)", ran.stdout)
    assert told and ran.stdout.count(told[1].strip()) >= 3
    assert (tmp_path / "opt/current/docs/bundle.md").read_text() == page


def test_openssl_finds_an_altered_manifest(tmp_path: Path) -> None:
    from earshot.bundle import keys

    public = keys.generate(tmp_path / "k")
    (tmp_path / "m").write_bytes(b"pieces")
    (tmp_path / "s").write_bytes(keys.private(tmp_path / "k").sign(b"pieces"))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin"]
    command += ["-in", str(tmp_path / "m"), "-sigfile", str(tmp_path / "s")]
    assert subprocess.run(command, capture_output=True).returncode == 0
    (tmp_path / "m").write_bytes(b"Pieces")
    assert subprocess.run(command, capture_output=True).returncode != 0
