"""Keys: what is written, and what is no key."""

import subprocess
from pathlib import Path

import pytest
from earshot.bundle import keys
from earshot.errors import SignatureError

from .conftest import Earshot


def test_keygen(earshot: Earshot, tmp_path: Path) -> None:
    key, public = tmp_path / "k", tmp_path / "k.pub"
    ran = earshot("bundle", "keygen", "-o", key)
    assert ran.status == 0 and keys.fingerprint(keys.public(public)) in ran.out
    assert key.stat().st_mode & 0o777 == 0o600 and public.stat().st_mode & 0o777 == 0o644
    for arguments in (["-in", key], ["-pubin", "-in", public]):
        ran_ = subprocess.run(
            ["openssl", "pkey", *arguments, "-noout", "-text"], capture_output=True, text=True
        )
        assert "ED25519" in ran_.stdout
    before = key.read_bytes()
    ran = earshot("bundle", "keygen", "-o", key)
    assert ran.status == 2 and "never written over" in ran.err and key.read_bytes() == before


def test_a_key_that_others_may_read_signs_nothing(key: Path) -> None:
    key.chmod(0o640)
    with pytest.raises(SignatureError, match="chmod 600"):
        keys.private(key)


def test_what_is_no_key(key: Path, public: Path, tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match="a private key; expected its public half"):
        keys.public(key)
    public.chmod(0o600)
    with pytest.raises(SignatureError, match="not a private key"):
        keys.private(public)
    rsa = tmp_path / "rsa"
    subprocess.run(["openssl", "genrsa", "-out", rsa, "1024"], check=True, capture_output=True)
    rsa.chmod(0o600)
    with pytest.raises(SignatureError, match="not an ed25519 key"):
        keys.private(rsa)
    subprocess.run(
        ["openssl", "rsa", "-in", rsa, "-pubout", "-out", tmp_path / "rsa.pub"],
        check=True,
        capture_output=True,
    )
    with pytest.raises(SignatureError, match="not an ed25519 key"):
        keys.public(tmp_path / "rsa.pub")
    public.write_text("no key")
    with pytest.raises(SignatureError, match="not a public key"):
        keys.public(public)
    with pytest.raises(SignatureError, match="cannot be read"):
        keys.public(tmp_path / "none")
