"""Which server, which key, and what is said when it is not to be had."""

import asyncio
import os
import socket
import ssl
import stat
import sys
from pathlib import Path

import pytest
from earshot import credentials
from earshot.endpoints import Endpoints
from earshot.errors import CredentialsError, NotRunningError
from earshot.operator import projects
from earshot.operator.connection import resolve
from earshot.up.stack import alone

from ..livekit_server import free_port
from .conftest import KEY, SECRET, Earshot


@pytest.fixture
def office(nowhere: Path) -> projects.Projects:
    """A project that is in use."""
    found = projects.Projects(
        {"office": projects.Project("wss://office.example", "APIo", "s" * 40)}
    )
    projects.save(found)
    return found


def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_URL", "http://env.example:7880/")
    monkeypatch.setenv("LIVEKIT_API_KEY", "APIe")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "secret")


def test_the_first_that_is_given_wins(
    office: projects.Projects, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(monkeypatch)
    assert resolve(project="office").url == "wss://office.example"
    by_url = resolve("wss://other.example/")
    assert (by_url.url, by_url.api_key, by_url.origin) == ("wss://other.example", "APIe", "--url")
    found = resolve()
    assert (found.url, found.http_url) == ("ws://env.example:7880", "http://env.example:7880")
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.delenv(name)
    # of a project that has the address, the key is known
    assert resolve("https://office.example:443").api_key == "APIo"
    with pytest.raises(CredentialsError, match="its key is not known"):
        resolve("ws://elsewhere")
    with pytest.raises(NotRunningError, match="`earshot up` does not run"):
        resolve()
    office.use = "office"
    projects.save(office)
    assert resolve().origin == "project office"


def test_what_runs_here_is_found(nowhere: Path) -> None:
    state = nowhere / "state"
    with alone(state):
        keys = credentials.load_or_create(state)
        Endpoints(
            page="", livekit="ws://10.0.0.1:7880", livekit_internal="ws://127.0.0.1:7777",
            engine="", health="", metrics="",
        ).write(state)  # fmt: skip
        found = resolve()
        assert (found.url, found.api_key, found.origin) == (
            "ws://127.0.0.1:7777", keys.api_key, "earshot up",
        )  # fmt: skip
        assert keys.api_secret not in repr(found)
        assert resolve("ws://localhost:7777").api_key == keys.api_key


def test_the_compose_stack_of_this_folder_is_found(nowhere: Path) -> None:
    keys = credentials.load_or_create(nowhere / ".earshot" / "worker")
    (nowhere / ".env").write_text("A=1\nEARSHOT_NETWORK__LIVEKIT_PORT=7999\n")
    found = resolve()
    assert (found.url, found.api_key) == ("ws://127.0.0.1:7999", keys.api_key)
    assert found.origin == "docker compose in this folder"


def test_the_server_of_the_settings_is_found(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials.load_or_create(nowhere / "state")
    monkeypatch.setenv("EARSHOT_LIVEKIT__URL", "ws://livekit:7880")
    assert resolve().url == "ws://livekit:7880"


@pytest.mark.parametrize("url", ["livekit.example", "ftp://x", "ws://", "ws://x:port", "ws://u@x"])
def test_not_an_address(nowhere: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    environment(monkeypatch)
    with pytest.raises(CredentialsError, match="--url"):
        resolve(url)


def test_half_of_a_key(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch)
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    for url in (None, "ws://x"):
        with pytest.raises(CredentialsError, match="LIVEKIT_API_SECRET"):
            resolve(url)
    monkeypatch.delenv("LIVEKIT_URL")
    with pytest.raises(CredentialsError, match="neither LIVEKIT_URL nor --url"):
        resolve()
    with pytest.raises(CredentialsError, match="one of them"):
        resolve("ws://x", "office")


async def test_each_failure_is_one_line_with_a_status_of_its_own(
    there: Path, earshot: Earshot, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(status: int, words: str, *more: str) -> None:
        result = await earshot("room", "list", *more)
        assert (result.status, result.out) == (status, ""), result
        assert words in result.err and result.err.count("\n") == 1, result.err
        assert SECRET not in result.err

    await fails(2, "expected ws://HOST:PORT", "--url", "ftp://x")
    await fails(5, "does not answer", "--url", f"ws://127.0.0.1:{free_port()}")
    await fails(5, "", "--url", server_url.replace("ws", "wss", 1))
    await fails(2, "no project 'x'", "--project", "x")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "another-secret-of-sufficient-length!!")
    await fails(4, "does not take the key 'APIoperator'")
    monkeypatch.setenv("LIVEKIT_API_KEY", "APInobody")
    await fails(4, "does not take the key 'APInobody'")


async def test_a_server_that_is_none_or_never_answers(
    there: Path, earshot: Earshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    import http.server
    import threading

    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    other = await earshot("room", "list", "--url", f"http://127.0.0.1:{web.server_port}")
    web.shutdown()
    web.server_close()
    assert other.status in (1, 5) and other.err.count("\n") == 1, other
    monkeypatch.setattr(
        "earshot.operator.server.run.__kwdefaults__", {"service": "", "timeout_s": 0.3}
    )
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        silent = await earshot("room", "list", "--url", f"ws://127.0.0.1:{deaf.getsockname()[1]}")
    assert silent.status == 5 and "did not answer within 0.3 s" in silent.err


async def test_projects(
    nowhere: Path, earshot: Earshot, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / "secret.txt").write_text(SECRET + "\n")
    added = await earshot(
        "project", "add", "lab", "--url", server_url, "--api-key", KEY,
        "--secret-file", "secret.txt", "--use",
    )  # fmt: skip
    assert added.status == 0, added.err
    assert stat.S_IMODE(projects.path().stat().st_mode) == 0o600
    assert (await earshot("room", "list")).status == 0
    listed = await earshot("project", "list")
    assert "in use" in listed.out and f"commands talk to {server_url} (project lab)" in listed.out
    for result in (added, listed, await earshot("project", "list", "--json")):
        assert SECRET not in result.out + result.err
    again = await earshot(
        "project", "add", "lab", "--url", server_url, "--api-key", KEY, "--secret-file", "-",
        stdin=SECRET,
    )  # fmt: skip
    assert again.status == 2 and "--replace" in again.err
    assert (await earshot("project", "use", "nobody")).status == 2
    assert (await earshot("project", "use", "--none")).status == 0
    assert (await earshot("room", "list")).status == 2
    assert (await earshot("room", "list", "--project", "lab")).status == 0
    would = await earshot("project", "remove", "lab", "--dry-run")
    assert would.status == 0 and "lab" in projects.load().by_name
    assert (await earshot("project", "remove", "lab", "--yes")).status == 0
    assert not projects.load().by_name
    bad = await earshot("project", "add", "a b", "--url", server_url, "--api-key", "k")
    assert bad.status == 2 and "no name" in bad.err


async def test_a_file_that_others_may_read_is_refused(
    office: projects.Projects, earshot: Earshot
) -> None:
    projects.path().chmod(0o640)
    refused = await earshot("room", "list", "--project", "office")
    assert refused.status == 2 and "mode 640, expected 600" in refused.err
    projects.path().chmod(0o600)
    projects.path().write_text("projects: {office: {url: 7}}")
    wrong = await earshot("project", "list")
    assert wrong.status == 2 and "expected url, api_key, api_secret" in wrong.err
    projects.path().write_text(": :\n  -")
    assert (await earshot("project", "list")).status == 2


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody trusts, and its key."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "site")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "site.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "site.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "site.pem", folder / "site.key"


async def test_a_site_with_an_authority_of_its_own(
    there: Path, earshot: Earshot, server_url: str
) -> None:
    pem, key = certificate(there)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, key)
    port = int(server_url.rpartition(":")[2])

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                target.write(data)

        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.wait(
                [
                    asyncio.create_task(copy(reader, outer)),
                    asyncio.create_task(copy(inner, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            outer.close()
            writer.close()

    site = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    async with site:
        url = f"wss://127.0.0.1:{site.sockets[0].getsockname()[1]}"
        unknown = await earshot("room", "list", "--url", url)
        assert unknown.status == 5 and "SSL_CERT_FILE" in unknown.err, unknown
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "earshot", "room", "list", "--url", url,
            env={**os.environ, "SSL_CERT_FILE": str(pem)},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, err
