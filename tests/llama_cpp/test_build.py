"""Which build of llama.cpp's CPU code a model is run with: real processes, real deaths."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from livekit.plugins.llama_cpp import ModelError, cpu, native, variants, verdicts
from livekit.plugins.llama_cpp.build import choose_build

SOURCE = Path(__file__).with_name("variant.c")
NEVER, SCORING, LOADING, HANGING = range(4)

Run = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.skipif(
    not variants.names(), reason="this llama.cpp was built without variants"
)


@pytest.fixture
def run(tmp_path: Path, starter: Path) -> Run:
    """Chooses in a process of its own, in a llama.cpp with bad variants beside the good ones."""

    def choose(
        bad: dict[str, int],
        *,
        only: Sequence[str] | None = None,
        wish: str = "auto",
        more: str = "",
    ) -> dict[str, Any]:
        folder = tmp_path / "lib"
        folder.mkdir(exist_ok=True)
        for file in native.folder.glob("*.so*"):
            name = file.name.removeprefix("libggml-cpu-").removesuffix(".so")
            link = folder / file.name
            link.unlink(missing_ok=True)
            if only is None or name == file.name.removesuffix(".so") or name in only:
                link.symlink_to(file)
        for name, dies_at in bad.items():
            target = folder / f"libggml-cpu-{name}.so"
            if not target.exists():
                command = ["cc", f"-DDIES_AT={dies_at}", "-shared", "-fPIC", str(SOURCE)]
                subprocess.run([*command, "-o", str(target)], check=True)
        code = f"""
            import json, logging, sys
            logging.basicConfig(level=logging.WARNING)
            from livekit.plugins.llama_cpp import LlamaCppError, trial
            from livekit.plugins.llama_cpp.build import choose_build
            attempts, attempt = [], trial.attempt
            def counted(*args, **kwargs):
                attempts.append(attempt(*args, **kwargs))
                return attempts[-1]
            trial.attempt = counted
            {more}
            try:
                found = choose_build({str(starter)!r}, wish={wish!r}, cache_dir={str(tmp_path)!r})
                said = {{"variant": found.variant, "refused": found.refused}}
            except LlamaCppError as e:
                said = {{"error": str(e)}}
            print(json.dumps(said | {{"attempts": len(attempts)}}))
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env=os.environ | {"LLAMA_CPP_LIB_PATH": str(folder)},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) | {"warned": done.stderr}

    return choose


def best() -> str:
    return variants.ranked({name: variants.score(name) for name in variants.names()})[0]


def test_the_best_one_is_tried_once_and_remembered(run: Run, tmp_path: Path) -> None:
    first = run({})
    assert (first["variant"], first["refused"], first["attempts"]) == (best(), {}, 1)
    assert run({})["attempts"] == 0
    (tmp_path / "llama-cpp-variants.json").write_text('{"a": {"model": 3')
    assert run({})["attempts"] == 1


@pytest.mark.parametrize("dies_at", [SCORING, LOADING])
def test_one_that_dies_is_left_out_from_then_on(run: Run, dies_at: int) -> None:
    first = run({"newest": dies_at})
    assert (first["variant"], first["refused"]) == (best(), {"newest": "SIGILL"})
    assert first["attempts"] == 2
    assert "newest" in first["warned"] and "SIGILL" in first["warned"]
    again = run({"newest": dies_at})
    assert (again["variant"], again["refused"], again["attempts"]) == (
        best(), {"newest": "SIGILL"}, 0
    )  # fmt: skip


def test_one_that_hangs_is_left_out(run: Run) -> None:
    said = run({"newest": HANGING}, only=["x64"], more="trial.TIME_S = 15.0")
    assert said["variant"] == "x64"
    assert "no end after" in said["refused"]["newest"]


def test_if_none_is_left_one_line_says_which_died_of_what(run: Run, starter: Path) -> None:
    said = run({"newest": LOADING, "oldest": SCORING}, only=[])
    assert said["attempts"] == 2
    line = said["error"]
    assert "\n" not in line
    assert str(starter) in line and cpu.this_cpu().name in line
    assert "newest (SIGILL)" in line and "oldest (SIGILL)" in line
    assert run({"newest": LOADING, "oldest": SCORING}, only=[])["attempts"] == 0


def test_a_wish_is_granted_or_refused_by_name(run: Run) -> None:
    assert run({}, wish="x64")["variant"] == "x64"
    assert run({"newest": LOADING}, wish="x64")["attempts"] == 1  # another build: tried anew
    line = run({"newest": LOADING}, wish="newest")["error"]
    assert "newest (SIGILL)" in line and "auto" in line
    assert "expected auto or " in run({}, wish="z80")["error"]


def test_a_wish_beyond_the_processor_is_one_line(run: Run) -> None:
    line = run({"future": NEVER}, only=["x64"], wish="future")["error"]
    assert "future" in line and cpu.this_cpu().name in line
    line = run({"future": NEVER}, only=[])["error"]
    assert "no variant suits this processor" in line and cpu.this_cpu().name in line


def test_a_process_keeps_its_variant(starter: Path, tmp_path: Path) -> None:
    loaded = variants.load()
    assert choose_build(starter, wish="x64", cache_dir=tmp_path).variant == loaded


def test_what_is_no_model_is_said_by_the_model(tmp_path: Path, starter: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        choose_build(tmp_path / "missing.gguf", cache_dir=tmp_path)
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(starter.read_bytes()[:2_000_000])
    assert choose_build(cut, cache_dir=tmp_path).variant == variants.load()
    assert not (tmp_path / "llama-cpp-variants.json").exists()


def test_verdicts_are_bounded_and_kept_apart(tmp_path: Path, starter: Path) -> None:
    here = cpu.this_cpu()
    key = verdicts.key(starter, here, None)
    assert key == verdicts.key(starter, here, None)
    other = cpu.Cpu(here.name, here.features[1:])
    assert verdicts.key(starter, other, None) != key != verdicts.key(starter, here, 0)
    for number in range(70):
        verdicts.remember(tmp_path, str(number), verdicts.Verdict("m", "c", good=["x64"]))
    assert verdicts.recall(tmp_path, "0") is None
    assert verdicts.recall(tmp_path, "69") == verdicts.Verdict("m", "c", good=["x64"])


def test_without_a_place_for_verdicts_it_works_all_the_same(run: Run, tmp_path: Path) -> None:
    (tmp_path / "llama-cpp-variants.json").mkdir()
    assert run({}, only=["x64"])["variant"] == "x64"


def test_the_processor_is_read_on_arm_too(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nFeatures\t: fp asimd\nCPU part\t: 0xd0c\n\nprocessor : 1\n")
    read = cpu.read(info)
    assert read.features == ("asimd", "fp") and "0xd0c" in read.name
    assert cpu.read(tmp_path / "missing").name
