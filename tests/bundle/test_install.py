"""Installing beside what runs, interrupted or not, and going back."""

import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from earshot.bundle import keys
from earshot.bundle.install import Steps, install, rollback
from earshot.bundle.site import Site
from earshot.errors import BundleError, OutputError
from earshot.models import load_profile
from earshot.progress import Progress

from .conftest import HERE, Earshot, Make, write_models


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "opt"


def put(bundle: Path, public: Path, to: Path, **options: object) -> None:
    install(bundle, keys.public(public), to, Progress(), **options)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_the_first_version(
    earshot: Earshot, make: Make, public: Path, to: Path, tmp_path: Path
) -> None:
    ran = earshot("bundle", "install", make(), "--key", public, "--to", to)
    assert ran.status == 0, ran.err
    assert names(to) == ["current", "versions"]
    assert (to / "current").readlink() == Path("versions/0.1.0")
    assert (to / "current/compose.yaml").read_text() == "services: {}\n"
    load_profile("tiny", to / "current/models").verify(tmp_path / "other.json")
    ran = earshot("bundle", "install", tmp_path / "earshot-0.1.0.tar", "--key", public, "--to", to)
    assert ran.status == 0 and "0.1.0 runs already; nothing was changed" in ran.out


def test_upgrade_and_back(earshot: Earshot, make: Make, public: Path, to: Path) -> None:
    for version in ("0.1.0", "0.2.0"):
        put(make(version), public, to)
    assert (Site(to).current, Site(to).previous) == ("0.2.0", "0.1.0")
    ran = earshot("bundle", "rollback", "--to", to)
    assert ran.status == 0 and "0.1.0, before: 0.2.0" in ran.out
    assert (Site(to).current, Site(to).previous) == ("0.1.0", "0.2.0")
    earshot("bundle", "rollback", "--to", to)
    assert Site(to).current == "0.2.0"
    put(make("0.10.0"), public, to)
    assert names(to / "versions") == [".lock", "0.10.0", "0.2.0"]  # 0.1.0 made room


def test_nothing_to_go_back_to(earshot: Earshot, make: Make, public: Path, to: Path) -> None:
    ran = earshot("bundle", "rollback", "--to", to)
    assert ran.status == 2 and "nothing is installed there" in ran.err
    put(make(), public, to)
    ran = earshot("bundle", "rollback", "--to", to)
    assert ran.status == 2 and "no version before 0.1.0 is here" in ran.err


def test_an_older_one_only_if_told(earshot: Earshot, make: Make, public: Path, to: Path) -> None:
    put(make("0.10.0"), public, to)
    old = make("0.9.0")
    ran = earshot("bundle", "install", old, "--key", public, "--to", to)
    assert ran.status == 2 and "0.9.0 is older than 0.10.0, which runs" in ran.err
    assert Site(to).installed() == ["0.10.0"]
    assert earshot("bundle", "install", old, "--key", public, "--to", to, "--downgrade").status == 0
    assert Site(to).current == "0.9.0"


def test_the_same_version_with_other_contents(
    make: Make, public: Path, to: Path, tree: Path
) -> None:
    put(make(), public, to)
    (tree / "docs" / "bundle.md").write_text("changed")
    with pytest.raises(BundleError, match=r"version 0\.1\.0 runs already, with other contents"):
        put(make(name="other.tar"), public, to)


def test_another_architecture(make: Make, public: Path, to: Path) -> None:
    with pytest.raises(BundleError, match=f"made for riscv64; this machine is {HERE}"):
        put(make(architecture="riscv64"), public, to)
    assert not to.exists()


def test_a_damaged_bundle_leaves_nothing(make: Make, public: Path, to: Path) -> None:
    bundle = make()
    data = bytearray(bundle.read_bytes())
    data[-3000] ^= 1  # in the last piece: all others are unpacked by then
    bundle.write_bytes(data)
    with pytest.raises(BundleError, match="damaged or altered"):
        put(bundle, public, to)
    assert names(to / "versions") == [".lock"] and Site(to).current is None


def test_the_wrong_key_writes_nothing(make: Make, to: Path, tmp_path: Path) -> None:
    other = keys.generate(tmp_path / "other.key")
    with pytest.raises(BundleError, match="not signed by this key"):
        put(make(), other, to)
    assert not to.exists()


def test_room_is_checked_first(
    make: Make, public: Path, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.bundle.install.SPARE_BYTES", 10**18)
    with pytest.raises(OutputError, match=r"are needed, .* are free"):
        put(make(), public, to)
    assert names(to / "versions") == [".lock"]


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))


def test_a_full_disk(earshot: Earshot, make: Make, public: Path, to: Path) -> None:
    """The limit on file sizes stands in for the disk."""
    bundle = make()
    command = [sys.executable, "-m", "earshot", "bundle", "install", str(bundle), "--key",
               str(public), "--to", str(to)]  # fmt: skip
    ran = subprocess.run(command, preexec_fn=_limited, capture_output=True, text=True)
    assert ran.returncode == 2 and "Traceback" not in ran.stderr
    assert "tiny.gguf: cannot be written: File too large" in ran.stderr.splitlines()[-1]
    assert names(to / "versions") == [".lock"]
    put(bundle, public, to)


def test_the_old_version_stays_until_the_new_one_answers(
    make: Make, public: Path, to: Path
) -> None:
    put(make("0.1.0"), public, to)
    did: list[str] = []
    steps = Steps(
        prepare=lambda v: did.append(f"prepare {v.name}"),
        start=lambda v: did.append(f"start {v.name}"),
        check=lambda v: did.append(f"check {v.name}") or False,  # type: ignore[func-returns-value]
    )
    with pytest.raises(BundleError, match=r"0\.2\.0 does not answer: version 0\.1\.0 goes on"):
        put(make("0.2.0"), public, to, steps=steps)
    assert did == ["prepare 0.2.0", "start 0.2.0", "check 0.2.0", "start 0.1.0"]
    assert Site(to).current == "0.1.0"
    put(make("0.2.0"), public, to)  # run again: what was unpacked is used
    assert Site(to).current == "0.2.0"


def test_commands_of_the_shell(
    earshot: Earshot, make: Make, public: Path, to: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    start = ("--start", f'basename "$PWD" >>{log}')
    assert earshot("bundle", "install", make("0.1.0"), "--key", public, "--to", to, *start,
                   "--check", "test -f compose.yaml").status == 0  # fmt: skip
    ran = earshot("bundle", "install", make("0.2.0"), "--key", public, "--to", to, *start,
                  "--check", "exit 1", "--check-s", "1")  # fmt: skip
    assert ran.status == 2 and "0.2.0 does not answer: version 0.1.0 goes on" in ran.err
    assert log.read_text().split() == ["0.1.0", "0.2.0", "0.1.0"]
    ran = earshot("bundle", "install", tmp_path / "earshot-0.2.0.tar", "--key", public, "--to", to,
                  "--start", "case $PWD in *0.2.0) exit 3;; esac")  # fmt: skip
    assert ran.status == 2 and "(exit status 3): version 0.1.0 goes on" in ran.err
    assert Site(to).current == "0.1.0"


def test_what_the_site_has_of_its_own_comes_along(
    make: Make, public: Path, to: Path, tree: Path, tmp_path: Path
) -> None:
    shipped = tree / "models/manifest.toml"
    big = shipped.read_text().replace("profiles.tiny", "profiles.big").replace("tiny/", "big/")
    source = 'repository = "me/big"\nrevision = "main"\nlicence = "CC0-1.0"\n'
    shipped.write_text(shipped.read_text() + big.replace('licence = "CC0-1.0"\n', source))
    put(make("0.1.0"), public, to)
    models = to / "versions/0.1.0/models"
    shutil.copytree(models / "tiny", models / "big")  # fetched, or from a larger bundle
    (models / "big/llm/of-an-older-version.gguf").write_bytes(b"left behind")
    (models / "weights").mkdir()
    (models / "weights/lock.json").write_text('{"big/llm": {"files": {"tiny.gguf": "00"}}}')
    mine = (models / "manifest.toml").read_text().split("[profiles.big")[0]
    (models / "local.toml").write_text(mine.replace("profiles.tiny", "profiles.me"))
    put(make("0.2.0"), public, to)
    now = to / "current/models"
    assert (now / "big/llm/tiny.gguf").samefile(models / "big/llm/tiny.gguf")
    assert not (now / "big/llm/of-an-older-version.gguf").exists()
    assert "big/llm" in (now / "weights/lock.json").read_text()
    assert load_profile("me", now).own
    load_profile("big", now).verify(tmp_path / "other.json")
    rollback(to)
    put(make("0.2.0"), public, to)  # complete already, own additions and all
    assert Site(to).current == "0.2.0"


def test_a_profile_of_ones_own_is_carried(
    make: Make, public: Path, to: Path, tree: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_models(elsewhere, "mine", b"own")
    text = (elsewhere / "manifest.toml").read_text().replace('path = "', f'path = "{elsewhere}/')
    (tree / "models/local.toml").write_text(text)
    put(make(profiles=("mine", "tiny")), public, to)
    shutil.rmtree(elsewhere)
    profile = load_profile("mine", to / "current/models")
    profile.verify(tmp_path / "fresh.json")
    assert profile.own and (to / "current").resolve() in profile.llm.resolve().parents


def test_killed_at_any_time_it_can_be_run_again(
    make: Make, public: Path, to: Path, tree: Path
) -> None:
    put(make("0.1.0"), public, to)
    with (tree / "docs/large.md").open("wb") as f:
        f.truncate(80_000_000)
    bundle = make("0.2.0")
    command = [sys.executable, "-m", "earshot", "bundle", "install", str(bundle), "--key",
               str(public), "--to", str(to), "--check", "sleep 5"]  # fmt: skip
    seen = set()
    for wait_for in ("part", "complete"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        part, folder = Site(to).part("0.2.0"), Site(to).folder("0.2.0")
        while not (part if wait_for == "part" else folder).exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.kill()
        process.wait()
        seen |= {wait_for}
        assert Site(to).current == "0.1.0"
        assert wait_for == "complete" or not folder.exists()
    put(bundle, public, to)
    assert Site(to).current == "0.2.0" and names(to / "versions") == [".lock", "0.1.0", "0.2.0"]
    assert (to / "current/docs/large.md").stat().st_size == 80_000_000


def test_what_was_unpacked_earlier_is_not_trusted(make: Make, public: Path, to: Path) -> None:
    put(make("0.1.0"), public, to)
    with pytest.raises(BundleError):
        put(make("0.2.0"), public, to, steps=Steps(check=lambda v: False))
    (to / "versions/0.2.0/compose.yaml").write_text("services: {evil: {}}\n")
    put(make("0.2.0"), public, to)
    assert (to / "current/compose.yaml").read_text() == "services: {}\n"


def test_two_at_once(make: Make, public: Path, to: Path) -> None:
    with (
        Site(to).alone(),
        pytest.raises(BundleError, match="another installation is under way"),
    ):
        put(make(), public, to)


def test_a_folder_that_cannot_be_written(make: Make, public: Path, to: Path) -> None:
    to.write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        put(make(), public, to)
