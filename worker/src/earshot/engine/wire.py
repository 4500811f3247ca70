"""The plugins' plain data <-> the messages of engine.proto.

Packing raises TypeError or ValueError for what is not plain data or out of range. Times are not
among the fields: a request's `timeout_s` is the call's deadline.
"""

import json
from typing import Any, cast

import numpy as np
from livekit.plugins import faster_whisper, llama_cpp, piper
from livekit.plugins.llama_cpp.generator import FinishReason

from . import engine_pb2 as pb

# ---- transcriber


def pack_transcription(r: faster_whisper.TranscriptionRequest) -> pb.TranscriptionRequest:
    # float32 as it is, exact for any audio: int16, where it is exact, would save 0.2 ms of 30
    return pb.TranscriptionRequest(
        call_id=r.call_id,
        request_id=r.request_id,
        audio=np.ascontiguousarray(r.audio, np.dtype("<f4")).tobytes(),
        priority=int(r.priority),
        languages=r.languages,
        hotwords=r.hotwords,
        speech_s=r.speech_s,
    )


def unpack_transcription(
    m: pb.TranscriptionRequest, timeout_s: float
) -> faster_whisper.TranscriptionRequest:
    """
    Raises:
        RequestError: no such priority, or audio that is not float32.
    """
    try:
        audio = np.frombuffer(m.audio, np.dtype("<f4"))
        priority = faster_whisper.Priority(m.priority)
    except ValueError as e:
        raise faster_whisper.RequestError(str(e)) from e
    return faster_whisper.TranscriptionRequest(
        call_id=m.call_id,
        request_id=m.request_id,
        audio=audio,
        priority=priority,
        languages=tuple(m.languages),
        hotwords=m.hotwords,
        speech_s=m.speech_s,
        timeout_s=timeout_s,
    )


def pack_transcript(t: faster_whisper.Transcript) -> pb.Transcript:
    return pb.Transcript(
        text=t.text,
        language=t.language,
        language_probability=t.language_probability,
        confidence=t.confidence,
        no_speech_prob=t.no_speech_prob,
        reliable=t.reliable,
        tokens=t.tokens,
        compute_s=t.compute_s,
    )


def unpack_transcript(m: pb.Transcript) -> faster_whisper.Transcript:
    return faster_whisper.Transcript(
        text=m.text,
        language=m.language,
        language_probability=m.language_probability,
        confidence=m.confidence,
        no_speech_prob=m.no_speech_prob,
        reliable=m.reliable,
        tokens=tuple(m.tokens),
        compute_s=m.compute_s,
    )


def pack_words(words: tuple[faster_whisper.Word, ...]) -> pb.Words:
    return pb.Words(
        words=[
            pb.Words.Word(text=w.text, start_s=w.start_s, end_s=w.end_s, confidence=w.confidence)
            for w in words
        ]
    )


def unpack_words(m: pb.Words) -> tuple[faster_whisper.Word, ...]:
    return tuple(faster_whisper.Word(w.text, w.start_s, w.end_s, w.confidence) for w in m.words)


def pack_align(
    request: faster_whisper.TranscriptionRequest, transcript: faster_whisper.Transcript
) -> pb.AlignRequest:
    return pb.AlignRequest(
        request=pack_transcription(request), transcript=pack_transcript(transcript)
    )


# ---- generator


def pack_generate(r: llama_cpp.GenerateRequest) -> pb.GenerateRequest:
    return pb.GenerateRequest(
        messages=_dump(r.messages),
        tools=_dump(r.tools),
        tool_choice=r.tool_choice,
        max_tokens=r.max_tokens,
        temperature=r.temperature,
        top_k=r.top_k,
        top_p=r.top_p,
        min_p=r.min_p,
        seed=r.seed,
        repetition_guard=r.repetition_guard,
        parallel_tool_calls=r.parallel_tool_calls,
        stop=r.stop,
        conversation=r.conversation,
        written=r.written,
        choices=r.choices,
        choice_bias=r.choice_bias,
        reply_schema="" if r.reply_schema is None else json.dumps(r.reply_schema),
        head=r.head,
    )


def unpack_generate(m: pb.GenerateRequest, timeout_s: float) -> llama_cpp.GenerateRequest:
    """
    Raises:
        PromptError: messages or tools are not JSON lists.
    """
    return llama_cpp.GenerateRequest(
        messages=_load(m.messages, "messages"),
        tools=_load(m.tools, "tools"),
        tool_choice=m.tool_choice,
        max_tokens=m.max_tokens,
        temperature=m.temperature,
        top_k=m.top_k,
        top_p=m.top_p,
        min_p=m.min_p,
        seed=m.seed if m.HasField("seed") else None,
        repetition_guard=m.repetition_guard,
        parallel_tool_calls=m.parallel_tool_calls,
        stop=list(m.stop),
        timeout_s=timeout_s,
        conversation=m.conversation if m.HasField("conversation") else None,
        written=m.written,
        choices=list(m.choices),
        choice_bias=list(m.choice_bias),
        reply_schema=_schema(m.reply_schema),
        head=m.head,
    )


def pack_warm(r: llama_cpp.WarmRequest) -> pb.WarmRequest:
    return pb.WarmRequest(
        messages=_dump(r.messages),
        tools=_dump(r.tools),
        heard=r.heard,
        conversation=r.conversation,
        head=r.head,
    )


def unpack_warm(m: pb.WarmRequest, timeout_s: float) -> llama_cpp.WarmRequest:
    """
    Raises:
        PromptError: messages or tools are not JSON lists.
    """
    return llama_cpp.WarmRequest(
        messages=_load(m.messages, "messages"),
        tools=_load(m.tools, "tools"),
        heard=m.heard,
        head=m.head,
        timeout_s=timeout_s,
        conversation=m.conversation if m.HasField("conversation") else None,
    )


def pack_event(event: llama_cpp.Event) -> pb.Event:
    match event:
        case llama_cpp.TextDelta(text):
            return pb.Event(text=text)
        case llama_cpp.ThinkingDelta(text):
            return pb.Event(thinking=text)
        case llama_cpp.ToolCall(id, name, arguments):
            return pb.Event(tool_call=pb.ToolCall(id=id, name=name, arguments=arguments))
        case llama_cpp.Done(reason, u):
            usage = pb.Usage(
                prompt_tokens=u.prompt_tokens,
                cached_tokens=u.cached_tokens,
                completion_tokens=u.completion_tokens,
                thinking_tokens=u.thinking_tokens,
                queue_ms=u.queue_ms,
                ttft_ms=u.ttft_ms,
                total_ms=u.total_ms,
            )
            return pb.Event(done=pb.Done(reason=reason, usage=usage))


def unpack_event(m: pb.Event) -> llama_cpp.Event:
    """
    Raises:
        DecodeError: an event of a kind that this client doesn't know.
    """
    match m.WhichOneof("kind"):
        case "text":
            return llama_cpp.TextDelta(m.text)
        case "thinking":
            return llama_cpp.ThinkingDelta(m.thinking)
        case "tool_call":
            return llama_cpp.ToolCall(m.tool_call.id, m.tool_call.name, m.tool_call.arguments)
        case "done":
            u = m.done.usage
            usage = llama_cpp.Usage(
                prompt_tokens=u.prompt_tokens,
                cached_tokens=u.cached_tokens,
                completion_tokens=u.completion_tokens,
                thinking_tokens=u.thinking_tokens,
                queue_ms=u.queue_ms,
                ttft_ms=u.ttft_ms,
                total_ms=u.total_ms,
            )
            return llama_cpp.Done(cast(FinishReason, m.done.reason), usage)
    raise llama_cpp.DecodeError("the engine sent an event of an unknown kind")


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _load(text: str, name: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(text) if text else []
    except ValueError as e:
        raise llama_cpp.PromptError(f"{name}: not JSON: {e}") from e
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise llama_cpp.PromptError(f"{name}: expected a list of objects")
    return value


def _schema(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text) if text else None
    except ValueError as e:
        raise llama_cpp.PromptError(f"reply_schema: not JSON: {e}") from e
    if value is not None and not isinstance(value, dict):
        raise llama_cpp.PromptError("reply_schema: expected an object")
    return value


# ---- synthesizer


def pack_synthesis(r: piper.SynthesisRequest) -> pb.SynthesisRequest:
    return pb.SynthesisRequest(
        text=r.text,
        speaker=r.speaker,
        speed=r.speed,
        noise_scale=r.noise_scale,
        noise_w=r.noise_w,
        buffered_s=r.buffered_s,
        continues_last=r.continues_last,
        continues_next=r.continues_next,
    )


def unpack_synthesis(m: pb.SynthesisRequest) -> piper.SynthesisRequest:
    return piper.SynthesisRequest(
        text=m.text,
        speaker=m.speaker if m.HasField("speaker") else None,
        speed=m.speed,
        noise_scale=m.noise_scale if m.HasField("noise_scale") else None,
        noise_w=m.noise_w if m.HasField("noise_w") else None,
        buffered_s=m.buffered_s,
        continues_last=m.continues_last,
        continues_next=m.continues_next,
    )


def pack_chunk(chunk: piper.SpeechChunk) -> pb.SpeechChunk:
    return pb.SpeechChunk(
        pcm=chunk.pcm,
        words=[
            pb.SpeechChunk.WordTiming(text=w.text, start_s=w.start_s, end_s=w.end_s)
            for w in chunk.words
        ],
    )


def unpack_chunk(m: pb.SpeechChunk) -> piper.SpeechChunk:
    words = tuple(piper.WordTiming(w.text, w.start_s, w.end_s) for w in m.words)
    return piper.SpeechChunk(m.pcm, words)
