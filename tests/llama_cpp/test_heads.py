"""The state after instructions and tools, kept on disk: what is restored, and what must never be."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import recurrent
from asking import Answer, ask
from dialogues import TOOLS, assistant, system, user
from livekit.plugins.llama_cpp import LocalGenerator, WarmRequest
from livekit.plugins.llama_cpp.context import Context
from livekit.plugins.llama_cpp.fingerprint import fingerprint
from livekit.plugins.llama_cpp.heads import HeadStore
from livekit.plugins.llama_cpp.model import Model

ROUTING = system("Choose the one tool that the caller needs. " * 12)
GREETED = [system(), assistant("Hello, this is Earshot."), user("What time is it?")]
ASKED = [system(), user("What is five plus three?")]
KEY = b"k" * 32

# one process from start to end: warms, answers, and tells what it found
TALK = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from asking import ask
from dialogues import TOOLS, system, user
from livekit.plugins.llama_cpp import LocalGenerator, WarmRequest

async def talk(model, folder):
    generator = LocalGenerator(model, threads=1, cache_dir=Path(folder))
    warmed = await generator.warm(WarmRequest(messages=[system()], tools=TOOLS))
    answer = await ask(generator, [system(), user("What is five plus three?")])
    await generator.aclose()
    print(json.dumps([warmed, answer.usage.cached_tokens, answer.said]))

asyncio.run(talk(*sys.argv[2:]))
"""


def talk(model: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", TALK, str(Path(__file__).parent), str(model), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> Any:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(out.splitlines()[-1])


async def once(model: Path, folder: Path | None, *questions: Any, **options: Any) -> list[Answer]:
    """Answers of a generator of their own."""
    generator = LocalGenerator(model, threads=1, cache_dir=folder, **options)
    answers = [await ask(generator, messages) for messages in questions]
    await generator.aclose()
    return answers


async def warmed(model: Path, folder: Path, *prompts: Any) -> int:
    generator = LocalGenerator(model, threads=1, cache_dir=folder)
    for messages, tools in prompts or [([system()], TOOLS)]:
        tokens = await generator.warm(WarmRequest(messages=messages, tools=tools))
    await generator.aclose()
    return tokens


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.head"))


async def test_a_new_process_reads_only_what_was_said(starter: Path, tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    (anew,) = await once(starter, None, ASKED)
    head = await warmed(starter, folder)
    assert len(files(folder)) == 1
    tokens, cached, said = await asyncio.to_thread(lambda: told(talk(starter, folder)))
    assert (tokens, cached) == (head, head)
    assert said == json.loads(json.dumps(anew.said))
    # without a warm-up too, and whoever speaks first
    for answer in await once(starter, folder, ASKED, GREETED):
        assert answer.usage.cached_tokens >= head - 3
    assert files(folder)[0].stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_a_reply_keeps_its_head_as_a_warm_up_does(starter: Path, tmp_path: Path) -> None:
    await once(starter, tmp_path, GREETED, ASKED)
    assert len(files(tmp_path)) == 1
    (answer,) = await once(starter, tmp_path, ASKED)
    assert answer.usage.cached_tokens > answer.usage.prompt_tokens - 24


async def test_several_heads_survive_eviction(starter: Path, tmp_path: Path) -> None:
    """An agent's own head and the one that chooses its tools, in a context that is too small."""
    generator = LocalGenerator(starter, threads=1, n_ctx=1024, cache_dir=tmp_path)
    heads = {}
    for name, messages, tools in (("agent", system(), TOOLS), ("routing", ROUTING, [])):
        heads[name] = await generator.warm(WarmRequest(messages=[messages], tools=tools))
    for turn in range(6):
        for other in ("Iris", "Max", "Otto"):
            prompt = f"You are {other}. " + "Be polite. " * 40
            await ask(generator, [system(prompt), user(f"Tell me a long story, {turn}.")], tools=[])
        ours = await ask(generator, ASKED)
        routed = await ask(generator, [ROUTING, user("Hello.")], tools=[], max_tokens=4)
        assert ours.usage.cached_tokens >= heads["agent"] - 3
        assert routed.usage.cached_tokens >= heads["routing"] - 3
        assert ours.said == ("", [("calculate", '{"expression": "5 + 3"}')])
    await generator.aclose()


async def test_another_prompt_shares_what_is_the_same(starter: Path, tmp_path: Path) -> None:
    head = await warmed(starter, tmp_path)
    fewer = [system(), user("What is five plus three?")]
    generator = LocalGenerator(starter, threads=1, cache_dir=tmp_path)
    answer = await ask(generator, fewer, tools=TOOLS[:3])
    assert 64 < answer.usage.cached_tokens < head
    expected = LocalGenerator(starter, threads=1)
    assert answer.said == (await ask(expected, fewer, tools=TOOLS[:3])).said
    await generator.aclose()
    await expected.aclose()


def context(model: Model, cells: int = 1024) -> Context:
    return Context(model, cells=cells, sequences=2, threads=1, batch_tokens=64)


def test_what_a_state_depends_on(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "model.gguf"
    shutil.copy2(starter, copy)

    def key(cells: int = 1024) -> bytes:
        model = Model(copy)
        kv = context(model, cells)
        try:
            return fingerprint(model, kv)
        finally:
            kv.close()
            model.close()

    before = key()
    assert key() == before
    assert key(cells=2048) != before
    stat = copy.stat()
    os.utime(copy, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert key() != before
    with copy.open("r+b") as file:  # the last weights, at the same size and time
        file.seek(-4, os.SEEK_END)
        file.write(b"\1\2\3\4")
    os.utime(copy, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert key() != before
    shutil.copy2(starter, copy)
    assert key() == before
    with monkeypatch.context() as patch:
        patch.setattr("llama_cpp.__version__", "0.0.0")
        assert key() != before
    with monkeypatch.context() as patch:
        patch.setattr("llama_cpp.llama_print_system_info", lambda: b"CPU : AVX9 = 1")
        assert key() != before


async def test_another_context_reads_anew(starter: Path, tmp_path: Path) -> None:
    await warmed(starter, tmp_path)
    (answer,) = await once(starter, tmp_path, ASKED, n_ctx=2048)
    assert answer.usage.cached_tokens == 0
    assert len(files(tmp_path)) == 2  # either finds its own


DAMAGES = {
    "empty": lambda data: b"",
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"x",
    "magic": lambda data: b"X" + data[1:],
    "digest": lambda data: data[:9] + bytes([data[9] ^ 1]) + data[10:],
    "key": lambda data: data[:45] + bytes([data[45] ^ 1]) + data[46:],
    "count": lambda data: data[:72] + bytes([data[72] ^ 1]) + data[73:],
    "tokens": lambda data: data[:120] + bytes([data[120] ^ 1]) + data[121:],
    "state": lambda data: data[:-900] + bytes([data[-900] ^ 1]) + data[-899:],
    "something else": lambda data: b"a note that somebody left here",
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_file_is_not_used(
    damage: str, starter: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    head = await warmed(starter, tmp_path)
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    with caplog.at_level(logging.WARNING):
        first, second = await once(starter, tmp_path, ASKED, ASKED)
    assert first.usage.cached_tokens == 0
    assert first.said == second.said == ("", [("calculate", '{"expression": "5 + 3"}')])
    (warning,) = [r.getMessage() for r in caplog.records if "removed" in r.getMessage()]
    assert str(file) in warning
    (answer,) = await once(starter, tmp_path, ASKED)  # it was made anew
    assert answer.usage.cached_tokens >= head - 3


async def test_a_whole_file_that_llama_cannot_read(starter: Path, tmp_path: Path) -> None:
    await warmed(starter, tmp_path)
    (file,) = files(tmp_path)
    model = Model(starter)
    kv = context(model, 4096)
    store = HeadStore(tmp_path, key=fingerprint(model, kv), max_bytes=1 << 30)
    kv.close()
    model.close()
    (head,) = store._heads.values()
    state = store.load(head)
    assert state is not None
    store.save(head.tokens, state[: len(state) // 2])
    store.close()
    (answer,) = await once(starter, tmp_path, ASKED)
    assert answer.usage.cached_tokens == 0
    assert answer.said == ("", [("calculate", '{"expression": "5 + 3"}')])
    assert files(tmp_path) == [file]


def test_bounded(tmp_path: Path) -> None:
    """The least recently used goes, whatever model it belongs to; a stranger's file stays."""
    (tmp_path / "notes.txt").write_text("x" * 10_000)
    room = 5000  # for three

    def save(token: int, key: bytes = KEY, size: int = 1000) -> None:
        for path in files(tmp_path):  # a clock of seconds would do, too
            os.utime(path, ns=(0, path.stat().st_mtime_ns - 10**9))
        store = HeadStore(tmp_path, key=key, max_bytes=room)
        store.save([token] * 64, bytes(size))
        store.close()

    def found() -> list[int]:
        store = HeadStore(tmp_path, key=KEY, max_bytes=room)
        return [t for t in range(9) if store.find([t] * 64, beyond=0, whole=True)]

    for token in (1, 2):
        save(token)
    save(1, key=b"x" * 32)
    assert found() == [1, 2]
    store = HeadStore(tmp_path, key=KEY, max_bytes=room)
    used = store.find([1] * 64, beyond=0, whole=True)
    assert used is not None and store.load(used) == bytes(1000)
    save(3)
    assert found() == [1, 3]
    save(4)
    assert found() == [1, 3, 4] and len(files(tmp_path)) == 3
    save(5, size=6000)  # larger than all there may be
    assert found() == [1, 3, 4] and (tmp_path / "notes.txt").exists()


def test_one_models_heads_are_nothing_to_another(tmp_path: Path) -> None:
    store = HeadStore(tmp_path, key=KEY, max_bytes=1 << 20)
    store.save([1] * 64, b"state")
    store.close()
    other = HeadStore(tmp_path, key=KEY[:8] + b"x" * 24, max_bytes=1 << 20)
    assert other.find([1] * 64, beyond=0, whole=False) is None
    other.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from livekit.plugins.llama_cpp.heads import HeadStore
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
store = HeadStore(Path(sys.argv[1]), key=b"k" * 32, max_bytes=1 << 30)
store.save([1] * 64, bytes(1 << 20))
store.close()
"""


def test_killed_while_writing(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    assert killed.returncode == -9
    (part,) = tmp_path.iterdir()
    assert not files(tmp_path)
    store = HeadStore(tmp_path, key=KEY, max_bytes=1 << 30)
    assert store.find([1] * 64, beyond=0, whole=False) is None
    assert part.exists()  # its writer may still be at it
    os.utime(part, (1, 1))
    HeadStore(tmp_path, key=KEY, max_bytes=1 << 30).close()
    assert not part.exists()
    store.save([1] * 64, b"state")
    store.close()
    assert len(files(tmp_path)) == 1


def test_two_processes_at_once(starter: Path, tmp_path: Path) -> None:
    first = [told(p) for p in [talk(starter, tmp_path) for _ in range(2)]]
    (file,) = files(tmp_path)
    again = [told(p) for p in [talk(starter, tmp_path) for _ in range(2)]]
    assert first == again and files(tmp_path) == [file]


async def test_gone_while_in_use(starter: Path, tmp_path: Path) -> None:
    """Another process needed the room."""
    await warmed(starter, tmp_path)
    generator = LocalGenerator(starter, threads=1, cache_dir=tmp_path)
    for file in files(tmp_path):
        file.unlink()
    answer = await ask(generator, ASKED)
    assert answer.usage.cached_tokens == 0 and answer.calls
    await generator.aclose()
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("kind", ["a file", "below a file"])
async def test_a_folder_that_cannot_be(
    kind: str, starter: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "taken"
    path.write_text("")
    folder = path if kind == "a file" else path / "prompts"
    with caplog.at_level(logging.WARNING):
        (answer,) = await once(starter, folder, ASKED)
    assert answer.calls
    assert sum("read anew" in r.getMessage() for r in caplog.records) == 1


async def test_a_model_that_cannot_be_cut_back(starter: Path, tmp_path: Path) -> None:
    path = tmp_path / "recurrent.gguf"
    recurrent.write(path, starter)
    folder = tmp_path / "prompts"

    async def chosen(kept: Path | None) -> list[Answer]:
        """Random weights say nothing of their own, but they do prefer one word to another."""
        generator = LocalGenerator(path, threads=1, cache_dir=kept)
        words = ["one", "two", "three", "four", "five", "six", "seven"]
        answers = [await ask(generator, m, choices=words) for m in (ASKED, GREETED, ASKED)]
        await generator.aclose()
        return answers

    without = await chosen(None)
    head = await warmed(path, folder)
    assert len(files(folder)) == 1
    found = await chosen(folder)
    assert [a.text for a in found] == [a.text for a in without]
    assert all(a.usage.cached_tokens >= head - 3 for a in found)
    assert len(files(folder)) == 1
