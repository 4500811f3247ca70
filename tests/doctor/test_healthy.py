"""A stack that is well: every line is green, for people and for programs."""

from earshot.caller.stack import Stack

from .conftest import SESSION, doctor

CHECKS = [
    "settings", "secrets", "models", "processor", "machine", "address", "ports", "stack", "redis",
    "engine", "livekit", "page", "microphone", "token", "clock", "keys", "signalling", "audio", "relay",
    "tone", "agent", "hearing", "answer",
]  # fmt: skip


@SESSION
async def test_all_green_from_the_settings_to_an_answer_by_voice(stack: Stack) -> None:
    result = await doctor("--json", state=stack.state_dir)
    # how fast the answer comes on a machine that does other things too is no matter of this test
    assert set(result.causes.items()) <= {("answer", "answer_slow")}, result.output
    assert list(result.findings) == CHECKS
    assert {f["colour"] for c, f in result.findings.items() if c != "answer"} == {"green"}
    assert "answered by voice" in result.findings["answer"]["said"]
    assert result.status == 0
    for secret in (stack.credentials.api_secret, stack.credentials.access_code):
        assert secret not in result.output


@SESSION
async def test_for_people_a_line_each_and_a_sum(stack: Stack) -> None:
    result = await doctor("--no-call", state=stack.state_dir)
    lines = result.output.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == CHECKS[:-3]
    assert all(line.startswith("✓ ") for line in lines[:-1]), result.output
    assert lines[-1] == "all green, 20 checks"
    assert result.status == 0
