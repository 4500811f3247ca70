"""`earshot talk` as a person runs it: the real command, the starter models, spoken questions."""

import json
import os
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EARSHOT = Path(sys.executable).with_name("earshot")
FIELDS = ["turn", "heard", "partials", "decided", "tools", "reply", "interrupted", "latency_ms"]
STAGES = [
    "endpointing",
    "stt",
    "deciding",
    "llm_ttft",
    "first_clause",
    "tts_ttfb",
    "voice_to_voice",
]


def talk(
    *arguments: str | Path, status: int = 0, prefix: tuple[str, ...] = (), **settings: str
) -> tuple[list[dict[str, Any]], str]:
    """Runs the command with --json: (turns, standard error)."""
    done = subprocess.run(
        [*prefix, str(EARSHOT), "talk", "--json", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, **settings},
    )
    assert done.returncode == status, done.stderr
    turns = [json.loads(line) for line in done.stdout.splitlines()]
    return turns, done.stderr


def join(path: Path, *parts: Path | float) -> Path:
    """Recordings and pauses in seconds, one after another."""
    pieces = []
    for part in parts:
        if isinstance(part, Path):
            with wave.open(str(part)) as w:
                pieces.append(np.frombuffer(w.readframes(w.getnframes()), np.int16))
        else:
            pieces.append(np.zeros(int(part * 16000), np.int16))
    with wave.open(str(path), "wb") as w:
        w.setparams((1, 2, 16000, 0, "NONE", ""))
        w.writeframes(np.concatenate(pieces).tobytes())
    return path


def test_a_spoken_sum_is_answered_by_voice(say: Any, tmp_path: Path) -> None:
    answer = tmp_path / "answer.wav"
    question = say("What is seven plus two?", "rms")
    (turn,), errors = talk(question, "-o", answer)
    assert list(turn) == FIELDS
    assert list(turn["latency_ms"]) == STAGES
    assert turn["heard"] == "What is seven plus two?"
    assert turn["partials"][-1] == turn["heard"]
    assert turn["tools"] == [
        {"name": "calculate", "arguments": {"expression": "7 + 2"}, "result": {"result": 9}}
    ]
    assert turn["reply"] == "The answer is 9."
    assert not turn["interrupted"]
    assert all(turn["latency_ms"][stage] >= 0 for stage in STAGES)
    assert errors == ""
    with wave.open(str(answer)) as w:
        sound = np.frombuffer(w.readframes(w.getnframes()), np.int16)
        assert len(sound) / w.getframerate() > 0.6
    assert np.abs(sound).max() > 3000


def test_a_greeting_and_a_question_are_one_turn(say: Any, tmp_path: Path) -> None:
    question = join(tmp_path / "both.wav", say("Hello there."), say("What is seven plus two?"))
    (turn,), _ = talk(question)
    assert (turn["reply"], turn["interrupted"]) == ("The answer is 9.", False), turn["heard"]


def test_ten_turns_with_tools(say: Any, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "visitor_guide.md").write_text(
        "# Parking\n\nVisitors park in the garage behind the building.\n"
    )
    dialogue = [
        ("Hello.", "slt", "help you"),
        ("What is your name?", "rms", "Earshot"),
        ("What is twenty plus five?", "slt", "25"),
        ("What is seven times three?", "awb", "21"),
        ("Set a timer for ten minutes.", "slt", "10 minutes"),
        ("Cancel the timer.", "rms", "cancelled"),
        ("What time is it?", "slt", ":"),
        ("Tell me about parking.", "slt", "visitor guide"),
        ("What is the date today?", "rms", "Today is"),
        ("Goodbye.", "slt", ""),
    ]
    questions = [say(text, voice) for text, voice, _ in dialogue]
    turns, _ = talk(*questions, EARSHOT_DOCUMENTS__FOLDER=str(tmp_path / "docs"))
    assert [t["turn"] for t in turns] == list(range(1, 11))
    wrong = [
        (text, t["heard"], t["reply"])
        for (text, _, key), t in zip(dialogue, turns, strict=True)
        if key not in t["reply"] or not t["reply"] or t["interrupted"]
    ]
    assert not wrong
    used = [t["tools"][0]["name"] for t in turns if t["tools"]]
    assert used == [
        "calculate",
        "calculate",
        "set_timer",
        "cancel_timer",
        "get_current_time",
        "search_documents",
        "get_current_time",
    ]


def test_a_timer_speaks_up(say: Any) -> None:
    turns, _ = talk(say("Set a timer for two seconds."), "--stay", "6")
    assert turns[0]["tools"][0]["arguments"] == {"amount": 2, "unit": "seconds"}
    assert (turns[1]["heard"], turns[1]["reply"]) == ("", "Your timer for 2 seconds is over.")


def test_a_timer_that_ends_while_the_caller_speaks_is_told_once_in_full(
    say: Any, tmp_path: Path
) -> None:
    first, second = say("Set a timer for two seconds."), say("What is five plus three?")
    long = join(tmp_path / "q.wav", say("Tell me a story."), 0.1, second)
    turns, _ = talk(first, long, second, "--stay", "6")
    over = "Your timer for 2 seconds is over."
    assert [turn["reply"] for turn in turns].count(over) == 1
    assert all(turn["heard"] or turn["reply"] for turn in turns)
    assert sum("Your timer for" in turn["reply"] for turn in turns) == 1
    assert [turn["turn"] for turn in turns] == list(range(1, len(turns) + 1))


def test_the_caller_may_interrupt(say: Any, tmp_path: Path) -> None:
    whole = join(
        tmp_path / "q.wav", say("Tell me a story."), 3.0, say("What is five plus three?"), 0.2
    )
    (turn,), _ = talk(whole)
    assert turn["interrupted"]
    assert turn["heard"].endswith("What is five plus three?")
    assert turn["reply"].endswith("The answer is 8.")
    assert "what they had hoped to hear" not in turn["reply"]


def test_typed_questions_and_a_greeting_of_a_persona(tmp_path: Path) -> None:
    toml = tmp_path / "earshot.toml"
    toml.write_text(
        '[persona]\nname = "Nova"\ninstructions = "You are {name}, a voice assistant."\n'
        'greeting = "Hello, I am {name}."\ntools = ["calculate"]\n'
    )
    turns, _ = talk(
        "--text", "What is your name?", "--text", "What is 6 times 7?", EARSHOT_CONFIG=str(toml)
    )
    assert turns[0]["reply"].startswith("My name is")  # the greeting is no turn of its own
    assert turns[1]["reply"] == "The answer is 42."
    assert turns[1]["latency_ms"]["endpointing"] is None


@pytest.mark.parametrize(
    ("detector", "engine"), [("livekit", "silero"), ("livekit", "livekit"), ("vad", "livekit")]
)
def test_every_turn_detector_and_vad(say: Any, detector: str, engine: str) -> None:
    (turn,), _ = talk(
        say("What is five plus three?"),
        EARSHOT_TURN__DETECTOR=detector,
        EARSHOT_VAD__ENGINE=engine,
    )
    assert (turn["heard"], turn["reply"]) == ("What is five plus three?", "The answer is 8.")


def test_it_needs_no_network_but_loopback(say: Any) -> None:
    alone = 'ip link set lo up && exec "$@"'
    (turn,), _ = talk(
        say("What is five plus three?"),
        prefix=("unshare", "--user", "--map-root-user", "--net", "sh", "-c", alone, "sh"),
    )
    assert turn["reply"] == "The answer is 8."


def test_silence_and_noise_are_not_answered(tmp_path: Path) -> None:
    noise = tmp_path / "noise.wav"
    samples = np.random.default_rng(1).normal(0, 800, 48000).astype(np.int16)
    with wave.open(str(noise), "wb") as w:
        w.setparams((1, 2, 16000, 0, "NONE", ""))
        w.writeframes(samples.tobytes())
    silence = join(tmp_path / "silence.wav", 2.0)
    turns, errors = talk(silence, noise, "-o", tmp_path / "answer.wav", status=2)
    assert [(t["heard"], t["reply"]) for t in turns] == [("", ""), ("", "")]
    assert errors.splitlines() == [
        f"earshot: {silence}, {noise}: heard nothing; a spoken question was expected"
    ]
    assert not list(tmp_path.glob("*answer*"))


def broken_profile(tmp_path: Path, **paths: str) -> dict[str, str]:
    """Settings whose profile `mine` names these files."""
    models = tmp_path / "models"
    models.mkdir()
    starter = Path(__file__).parents[2] / "models" / "starter"
    chosen = {
        "stt": str(starter / "stt"),
        "llm": str(starter / "llm" / "starter.gguf"),
        "voice": str(starter / "voice" / "starter.onnx"),
    } | paths
    (models / "manifest.toml").write_text(
        "\n".join(f'[profiles.mine.{k}]\npath = "{p}"\nfiles = []' for k, p in chosen.items())
    )
    return {"EARSHOT_MODELS_DIR": str(models), "EARSHOT_PROFILE": "mine"}


@pytest.mark.parametrize(
    ("kind", "name", "content", "fault"),
    [
        ("llm", "text.gguf", b"hello", "GGUF"),
        ("llm", "missing.gguf", None, "missing.gguf"),
        ("voice", "voice.onnx", b"hello", "voice.onnx"),
        ("stt", "folder", None, "folder"),
    ],
)
def test_a_model_that_cannot_be_used_is_named(
    kind: str, name: str, content: bytes | None, fault: str, say: Any, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    turns, errors = talk(
        "--text", "Hello.", status=2, **broken_profile(tmp_path, **{kind: str(path)})
    )
    assert turns == []
    (line,) = errors.splitlines()
    assert line.startswith("earshot: ") and fault in line


def test_a_gguf_without_a_chat_template_is_named(tmp_path: Path) -> None:
    from gguf import GGUFReader, GGUFWriter

    source = GGUFReader(Path(__file__).parents[2] / "models/starter/llm/starter.gguf")
    path = tmp_path / "bare.gguf"
    writer = GGUFWriter(path, "llama")
    for field in source.fields.values():
        if field.name.startswith("GGUF.") or field.name in (
            "general.architecture",
            "tokenizer.chat_template",
        ):
            continue
        sub = field.types[1] if len(field.types) > 1 else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=sub)
    for tensor in source.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    _, errors = talk("--text", "Hi.", status=2, **broken_profile(tmp_path, llm=str(path)))
    (line,) = errors.splitlines()
    assert str(path) in line and "chat template" in line


def test_mistakes_are_told_before_anything_is_loaded(say: Any, tmp_path: Path) -> None:
    question = say("Hello.")
    cases: list[tuple[list[str | Path], dict[str, str], str]] = [
        ([tmp_path / "no.wav"], {}, "no such file"),
        ([tmp_path], {}, "a folder"),
        ([question, "-o", tmp_path / "no" / "a.wav"], {}, "cannot be written"),
        ([question, "--profile", "huge"], {}, "profile 'huge' is unknown"),
        ([question], {"EARSHOT_MODELS_DIR": str(tmp_path)}, "manifest.toml cannot be read"),
        ([question], {"EARSHOT_VAD__ENGINE": "x"}, "'silero' or 'livekit'"),
        ([question], {"EARSHOT_DOCUMENTS__FOLDER": "/nowhere"}, "is not a folder"),
        ([], {}, "nothing to do"),
        (["--mic", question], {}, "--mic is a conversation of its own"),
        (["--colour"], {}, "--colour"),
    ]
    for arguments, settings, fault in cases:
        began = time.monotonic()
        turns, errors = talk(*arguments, status=2, **settings)
        assert turns == []
        (line,) = errors.splitlines()
        assert fault in line, line
        assert time.monotonic() - began < 30
    assert sorted(p.name for p in tmp_path.iterdir()) == [question.name]


def test_help_is_quick_to_import() -> None:
    code = "import sys; from earshot.cli import cli; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"livekit", "numpy", "av", "pydantic", "rich"} & set(loaded)
