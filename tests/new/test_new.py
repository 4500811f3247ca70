"""`earshot new`: the real command, and what it makes is at work at once, without a network."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from earshot.settings import Settings, load
from earshot.templates.project import TEMPLATES, create

ALONE = ("unshare", "--user", "--map-root-user", "--net")


def run(*command: str | Path, cwd: Path, status: int = 0, **environment: str) -> str:
    """What it prints; the environment of a person, without settings."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, **environment},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def earshot(*arguments: str | Path, cwd: Path, status: int = 0, **environment: str) -> str:
    return run(sys.executable, "-m", "earshot", *arguments, cwd=cwd, status=status, **environment)


def test_the_list(tmp_path: Path) -> None:
    lines = earshot("new", "--list", cwd=tmp_path).splitlines()
    assert [line.split()[0] for line in lines] == list(TEMPLATES)
    assert json.loads(earshot("new", "--list", "--json", cwd=tmp_path)) == TEMPLATES


@pytest.mark.parametrize("template", TEMPLATES)
def test_its_tests_pass_out_of_the_box_and_offline(tmp_path: Path, template: str) -> None:
    alone = ALONE if not subprocess.run([*ALONE, "true"], capture_output=True).returncode else ()
    told = earshot("new", "front-desk", "--template", template, cwd=tmp_path)
    folder = tmp_path / "front-desk"
    assert f"cd {folder.name}" in told
    assert {p.name for p in tmp_path.iterdir()} == {"front-desk"}
    inner = ("-m", "pytest", "-q", "-W", "error", "--basetemp", tmp_path / "inner")
    done = run(*alone, sys.executable, *inner, cwd=folder)
    assert " passed" in done and "failed" not in done and "skipped" not in done
    # nothing is left to be filled in, and everything that it writes is in its own folder
    for path in folder.rglob("*"):
        if path.is_file() and ".state" not in path.parts and path.suffix != ".pyc":
            assert "{{" not in path.read_text(errors="replace"), path
    assert (folder / ".state").is_dir()


@pytest.mark.parametrize("template", TEMPLATES)
def test_its_override_is_one_of_compose(tmp_path: Path, template: str) -> None:
    root = Path(__file__).parents[2]
    folder = create("p", template, tmp_path, Settings()).folder
    services = yaml.safe_load((root / "compose.yaml").read_text())["services"]
    override = yaml.safe_load((folder / "compose.override.yaml").read_text())["services"]
    assert set(override) == {"worker"} <= set(services)
    worker = override["worker"]
    assert worker["environment"] == {"EARSHOT_CONFIG": "/project/earshot.toml"}
    targets = [volume["target"] for volume in worker["volumes"]]
    assert targets[0] == "/project"
    for target in targets[1:]:  # a mount point inside a read-only mount has to be there already
        assert (folder / Path(target).relative_to("/project")).is_dir()
    assert not {v["target"] for v in services["worker"]["volumes"]} & set(targets)
    if docker := shutil.which("docker"):
        site = tmp_path / "site"
        site.mkdir()
        shutil.copy(root / "compose.yaml", site)
        ports = ("PAGE_PORT", "LIVEKIT_PORT", "RTC_TCP_PORT", "RTC_UDP_PORT", "TURN_PORT")
        lines = [f"EARSHOT_NETWORK__{port}={n}" for n, port in enumerate(ports, 7000)]
        lines += ["EARSHOT_NETWORK__ADDRESS=192.0.2.1", "RUN_AS=1000:1000"]
        (site / ".env").write_text("\n".join(lines))
        files = ("-f", "compose.yaml", "-f", str(folder / "compose.override.yaml"))
        found = subprocess.run([docker, "compose", "version"], capture_output=True)
        if found.returncode == 0:
            told = run(docker, "compose", *files, "config", cwd=site, PROJECT=str(folder))
            assert f"source: {folder}" in told


@pytest.mark.parametrize(
    "name", ["", "-x", ".hidden", "a/b", "../up", "a b", "9lives", "x" * 41, "naïve", "a\nb"]
)
def test_names_are_checked(tmp_path: Path, name: str) -> None:
    told = earshot("new", "--", name, cwd=tmp_path, status=2)
    assert "letters, digits" in told
    assert len(told.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("taken", "dangling"):
        assert "something already" in earshot("new", name, cwd=tmp_path, status=2)
    assert list(taken.iterdir()) == []
    assert "there are: plain" in earshot("new", "x", "--template", "y", cwd=tmp_path, status=2)
    assert "not a folder" in earshot("new", "x", "--in", "missing", cwd=tmp_path, status=2)
    assert "expected the NAME" in earshot("new", cwd=tmp_path, status=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dangling", "taken"]


def test_where_the_models_are_is_said_only_where_it_must_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = create("a", "plain", tmp_path, Settings()).folder
    assert "models_dir" not in (usual / "earshot.toml").read_text()
    elsewhere = tmp_path / 'mo"dels'
    made = create("b", "plain", tmp_path, Settings(models_dir=elsewhere)).folder
    monkeypatch.chdir(made)
    assert load().models_dir == elsewhere
    assert load().state_dir == made / ".state"
    assert load().tools.module == made / "tools.py"
