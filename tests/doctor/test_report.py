"""The file to send: everything that helps, and none of what is secret."""

import json
import stat
from pathlib import Path

import pytest
from earshot import credentials
from earshot.caller.stack import Stack
from earshot.doctor.redaction import GONE, Redaction
from earshot.doctor.report import compose
from earshot.doctor.target import here

from .conftest import SESSION, doctor
from .test_services import standing

CODE = "abcd-efgh-jkmn-pqrs"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYWxsZXIifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    "text",
    [
        "token={token}", "/rtc?access_token={token}&x=1", "Authorization: Bearer s3cretvalue99",
        "requirepass s3cretvalue99", "password: s3cretvalue99", '{{"apiSecret":"s3cretvalue99"}}',
        "redis://user:s3cretvalue99@host:1", "a=ice-pwd:s3cretvalue99", "AUTH s3cretvalue99",
        "api_key=s3cretvalue99", "X-Access-Code: s3cretvalue99",
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_removed(text: str) -> None:
    found = Redaction([]).text(text.format(token=TOKEN))
    assert "s3cretvalue99" not in found
    assert TOKEN not in found and "c2lnbmF0dXJl" not in found
    assert GONE in found


@pytest.mark.parametrize(
    "form", [CODE, CODE.upper(), CODE.replace("-", ""), CODE.replace("-", " "), f"<{CODE}>"]
)
def test_a_known_secret_is_removed_in_every_form(form: str) -> None:
    assert Redaction([CODE]).text(f"typed {form}!").count(GONE) == 1
    assert "pqrs" not in Redaction([CODE]).text(form).lower()


def test_harmless_text_stays() -> None:
    text = "worker ready after 3.2 s on 127.0.0.1:8080; tokens: 12; the password was accepted"
    assert Redaction([CODE, "secret"]).text(text) == text


def test_of_a_log_line_no_words_of_a_call_stay() -> None:
    line = json.dumps({"level": "info", "event": "turn", "turn": 3, "stt": 96.5,
                       "transcript": "my number is five", "user_transcript": "words"})  # fmt: skip
    kept = json.loads(Redaction([]).line(line))
    assert kept == {"level": "info", "event": "turn", "turn": 3, "stt": 96.5,
                    "transcript": GONE, "user_transcript": GONE}  # fmt: skip


async def test_each_secret_that_is_planted_is_gone(tmp_path: Path) -> None:
    secrets = credentials.load_or_create(tmp_path)
    planted = [secrets.api_key, secrets.api_secret, secrets.access_code, secrets.redis_password]
    logs = tmp_path / "logs"
    logs.mkdir()
    lines = [f"plain {value} end" for value in planted]
    lines += [json.dumps({"event": f"got {value}", "other": value}) for value in planted]
    lines += [f"invalid token: {TOKEN}, error: signature", secrets.access_code.replace("-", "")]
    lines += [json.dumps({"event": "heard", "text": "the words of a caller"})]
    (logs / "worker.log").write_text("\n".join(lines) + "\n")
    why = f"livekit said {secrets.api_secret}"
    with standing(tmp_path, redis=f"user:{secrets.redis_password}@127.0.0.1:1") as target:
        assert target.endpoints is not None
        text = await compose(target, [])
        assert why not in text
    for value in (*planted, TOKEN, secrets.access_code.replace("-", ""), "the words of a caller"):
        assert value not in text
    found = json.loads(text)
    assert len(found["logs"]["worker.log"]) == len(lines)
    assert found["settings"]["persona"]["instructions"].endswith("characters)")


@SESSION
async def test_a_report_of_a_running_stack(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    result = await doctor("--report", str(path), state=stack.state_dir)
    assert result.status == 0, result.output
    assert str(path) in result.errors
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    found = json.loads(text)
    assert found["colour"] in ("green", "yellow")  # a slow answer
    assert {"livekit", "faster-whisper", "python"} <= set(found["versions"])
    assert set(found["logs"]) >= {"livekit.log", "engine.log", "worker.log"}
    assert any("earshot" in line or "python" in line for line in found["metrics"])
    assert found["machine"]["cores"] > 0
    secrets = stack.credentials
    for value in (
        secrets.api_key, secrets.api_secret, secrets.access_code, secrets.redis_password,
        "five plus three", "eight",
    ):  # fmt: skip
        assert value not in text
    assert here(stack.state_dir).running


async def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    result = await doctor("--report", str(tmp_path / "none" / "file"), state=tmp_path / "state")
    assert result.status == 2
    assert result.errors.startswith("earshot: ")
