"""Secrets: made once, private, the same for every process, never shown."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from earshot import credentials, endpoints
from earshot.errors import CredentialsError, NotRunningError


def test_made_once_and_private(tmp_path: Path) -> None:
    first = credentials.load_or_create(tmp_path)
    assert credentials.load_or_create(tmp_path) == first
    assert len(first.api_secret) >= 43
    assert len(first.redis_password) >= 43
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    files = sorted((tmp_path / "secrets").iterdir())
    assert [f.name for f in files] == ["access-code", "keys.yaml", "redis-password"]
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_two_installations_share_nothing(tmp_path: Path) -> None:
    a, b = (credentials.load_or_create(tmp_path / name) for name in "ab")
    assert not {a.api_key, a.api_secret, a.access_code, a.redis_password} & {
        b.api_key, b.api_secret, b.access_code, b.redis_password
    }  # fmt: skip


def test_repr_hides_secrets(tmp_path: Path) -> None:
    secret = credentials.load_or_create(tmp_path)
    for value in (secret.api_secret, secret.access_code, secret.redis_password):
        assert value not in repr(secret)


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from earshot.credentials import load_or_create as c;"
        "k = c(pathlib.Path(sys.argv[1])); print(k.api_secret, k.access_code, k.redis_password)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in started}) == 1
    assert len(list((tmp_path / "secrets").iterdir())) == 3  # nothing half-made is left


@pytest.mark.parametrize("name", ["keys.yaml", "access-code", "redis-password"])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, name: str) -> None:
    credentials.load_or_create(tmp_path)
    (tmp_path / "secrets" / name).chmod(0o640)
    with pytest.raises(
        CredentialsError, match=rf"{name}: others may read it \(mode 640, expected 600\)"
    ):
        credentials.load_or_create(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("a: [", "not YAML"),
        ("just words", "expected a line"),
        ("k: short", "too short"),
    ],
)
def test_keys_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    credentials.load_or_create(tmp_path)
    (tmp_path / "secrets" / "keys.yaml").write_text(text)
    with pytest.raises(CredentialsError, match=message):
        credentials.load_or_create(tmp_path)


def test_keys_of_a_foreign_server_are_the_operators(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=r"keys\.yaml: not there; with livekit\.url set"):
        credentials.load_or_create(tmp_path, own_keys=False)
    path = tmp_path / "secrets" / "keys.yaml"
    path.write_text(f"theirs: {'s' * 40}\n")
    path.chmod(0o600)
    assert credentials.load_or_create(tmp_path, own_keys=False).api_key == "theirs"


def test_endpoints_round_trip(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match="does not run"):
        endpoints.read(tmp_path)
    here = endpoints.Endpoints(
        page="http://127.0.0.1:1",
        livekit="ws://127.0.0.1:2",
        livekit_internal="ws://127.0.0.1:2",
        engine=str(endpoints.run_dir(tmp_path) / "engine.sock"),
        health="http://127.0.0.1:3",
        metrics="http://127.0.0.1:4/metrics",
        ports={"page_port": 1},
        pids={"up": 5},
    )
    here.write(tmp_path)
    assert endpoints.read(tmp_path) == here
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    endpoints.remove(tmp_path)
    endpoints.remove(tmp_path)
    with pytest.raises(NotRunningError):
        endpoints.read(tmp_path)
