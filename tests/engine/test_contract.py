"""engine.proto, what is made from it, and what travels in it."""

import math
from pathlib import Path

import grpc
import numpy as np
import pytest
from earshot.engine import failures, generate, wire
from livekit.plugins import faster_whisper, llama_cpp, piper

FAMILIES = [failures.TRANSCRIBER, failures.GENERATOR, failures.SYNTHESIZER]


def test_what_was_made_from_the_contract_is_up_to_date(tmp_path: Path) -> None:
    generate.generate(tmp_path)
    for name in generate.MADE:
        made, kept = tmp_path / name, generate.HERE / name
        assert made.read_text() == kept.read_text(), f"{name}: python -m earshot.engine.generate"


@pytest.mark.parametrize("family", FAMILIES, ids=["stt", "llm", "voice"])
def test_every_error_keeps_its_class_and_message(family: failures.Family) -> None:
    assert len(family.kinds) > 5
    for name, kind in family.kinds.items():
        if kind is family.closed:
            continue
        error = kind(f"{name}: größer als erwartet, 100 % \n two lines")
        back = failures.from_status(_rpc_error(*failures.to_status(error, family)), family)
        assert type(back) is kind and str(back) == str(error)


@pytest.mark.parametrize("family", FAMILIES, ids=["stt", "llm", "voice"])
def test_what_grpc_says_becomes_the_plugins_error(family: failures.Family) -> None:
    for error in (family.closed("the model was closed"), ZeroDivisionError("a bug")):
        back = failures.from_status(_rpc_error(*failures.to_status(error, family)), family)
        assert type(back) is family.lost and back.retryable
    for code in grpc.StatusCode:
        back = failures.from_status(_rpc_error(code, "why", ()), family)
        assert isinstance(back, family.base) and "why" in f"{back}why"


def _rpc_error(
    code: grpc.StatusCode, details: str, trailing: tuple[tuple[str, str], ...]
) -> grpc.aio.AioRpcError:
    metadata = grpc.aio.Metadata(*trailing)
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, details=details)


def test_requests_travel_whole() -> None:
    audio = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    heard = faster_whisper.TranscriptionRequest(
        "call", "1", audio, faster_whisper.Priority.PARTIAL, ("de", "en"), "Ärzte", 0.7, 3.5
    )
    back = wire.unpack_transcription(wire.pack_transcription(heard), 3.5)
    assert np.array_equal(back.audio, audio)
    for name in (
        "call_id",
        "request_id",
        "priority",
        "languages",
        "hotwords",
        "speech_s",
        "timeout_s",
    ):
        assert getattr(back, name) == getattr(heard, name)

    asked = llama_cpp.GenerateRequest(
        messages=[{"role": "user", "content": "é\n\"'", "n": None}], tools=[{"type": "function"}],
        tool_choice="required", max_tokens=7, temperature=0.3, top_k=3, top_p=0.1, min_p=0.2, seed=0,
        parallel_tool_calls=False, stop=["a", "b"], timeout_s=2.0, conversation="",
    )  # fmt: skip
    assert wire.unpack_generate(wire.pack_generate(asked), 2.0) == asked
    plain = llama_cpp.GenerateRequest(messages=[], timeout_s=2.0)
    assert wire.unpack_generate(wire.pack_generate(plain), 2.0) == plain
    warm = llama_cpp.WarmRequest(messages=[], heard="so far", timeout_s=1.0, conversation="x")
    assert wire.unpack_warm(wire.pack_warm(warm), 1.0) == warm

    spoken = piper.SynthesisRequest("Ö", "me", 1.5, 0.0, 0.1, 2.5, True, True)
    assert wire.unpack_synthesis(wire.pack_synthesis(spoken)) == spoken
    assert wire.unpack_synthesis(wire.pack_synthesis(piper.SynthesisRequest(""))).speaker is None


def test_answers_travel_whole() -> None:
    text = faster_whisper.Transcript("a", "en", 0.9, 0.8, 0.1, False, (1, 2), 0.5)
    assert wire.unpack_transcript(wire.pack_transcript(text)) == text
    words = (faster_whisper.Word("a", 0.1, 0.25, 1 / 3),)
    assert wire.unpack_words(wire.pack_words(words)) == words
    usage = llama_cpp.Usage(prompt_tokens=1, cached_tokens=2, completion_tokens=3, thinking_tokens=4,
                            queue_ms=0.1, ttft_ms=0.2, total_ms=math.pi)  # fmt: skip
    for event in (
        llama_cpp.TextDelta("x"), llama_cpp.ThinkingDelta("y"),
        llama_cpp.ToolCall("id", "name", "{}"), llama_cpp.Done("tool_calls", usage),
    ):  # fmt: skip
        assert wire.unpack_event(wire.pack_event(event)) == event
    chunk = piper.SpeechChunk(b"\x00\x01", (piper.WordTiming("a ", 0.0, 1 / 3),))
    assert wire.unpack_chunk(wire.pack_chunk(chunk)) == chunk
