from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATE_UNSPECIFIED: _ClassVar[State]
    SERVING: _ClassVar[State]
    STALLED: _ClassVar[State]
    STOPPING: _ClassVar[State]
STATE_UNSPECIFIED: State
SERVING: State
STALLED: State
STOPPING: State

class TranscriptionRequest(_message.Message):
    __slots__ = ("call_id", "request_id", "audio", "priority", "languages", "hotwords", "speech_s")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    HOTWORDS_FIELD_NUMBER: _ClassVar[int]
    SPEECH_S_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    request_id: str
    audio: bytes
    priority: int
    languages: _containers.RepeatedScalarFieldContainer[str]
    hotwords: str
    speech_s: float
    def __init__(self, call_id: _Optional[str] = ..., request_id: _Optional[str] = ..., audio: _Optional[bytes] = ..., priority: _Optional[int] = ..., languages: _Optional[_Iterable[str]] = ..., hotwords: _Optional[str] = ..., speech_s: _Optional[float] = ...) -> None: ...

class Transcript(_message.Message):
    __slots__ = ("text", "language", "language_probability", "confidence", "no_speech_prob", "reliable", "tokens", "compute_s")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    NO_SPEECH_PROB_FIELD_NUMBER: _ClassVar[int]
    RELIABLE_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_S_FIELD_NUMBER: _ClassVar[int]
    text: str
    language: str
    language_probability: float
    confidence: float
    no_speech_prob: float
    reliable: bool
    tokens: _containers.RepeatedScalarFieldContainer[int]
    compute_s: float
    def __init__(self, text: _Optional[str] = ..., language: _Optional[str] = ..., language_probability: _Optional[float] = ..., confidence: _Optional[float] = ..., no_speech_prob: _Optional[float] = ..., reliable: _Optional[bool] = ..., tokens: _Optional[_Iterable[int]] = ..., compute_s: _Optional[float] = ...) -> None: ...

class AlignRequest(_message.Message):
    __slots__ = ("request", "transcript")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    TRANSCRIPT_FIELD_NUMBER: _ClassVar[int]
    request: TranscriptionRequest
    transcript: Transcript
    def __init__(self, request: _Optional[_Union[TranscriptionRequest, _Mapping]] = ..., transcript: _Optional[_Union[Transcript, _Mapping]] = ...) -> None: ...

class Words(_message.Message):
    __slots__ = ("words",)
    class Word(_message.Message):
        __slots__ = ("text", "start_s", "end_s", "confidence")
        TEXT_FIELD_NUMBER: _ClassVar[int]
        START_S_FIELD_NUMBER: _ClassVar[int]
        END_S_FIELD_NUMBER: _ClassVar[int]
        CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
        text: str
        start_s: float
        end_s: float
        confidence: float
        def __init__(self, text: _Optional[str] = ..., start_s: _Optional[float] = ..., end_s: _Optional[float] = ..., confidence: _Optional[float] = ...) -> None: ...
    WORDS_FIELD_NUMBER: _ClassVar[int]
    words: _containers.RepeatedCompositeFieldContainer[Words.Word]
    def __init__(self, words: _Optional[_Iterable[_Union[Words.Word, _Mapping]]] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("messages", "tools", "tool_choice", "max_tokens", "temperature", "top_k", "top_p", "min_p", "seed", "parallel_tool_calls", "stop", "conversation", "written", "choices", "choice_bias", "reply_schema", "head", "repetition_guard")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    MIN_P_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    CHOICE_BIAS_FIELD_NUMBER: _ClassVar[int]
    REPLY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    REPETITION_GUARD_FIELD_NUMBER: _ClassVar[int]
    messages: str
    tools: str
    tool_choice: str
    max_tokens: int
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int
    parallel_tool_calls: bool
    stop: _containers.RepeatedScalarFieldContainer[str]
    conversation: str
    written: str
    choices: _containers.RepeatedScalarFieldContainer[str]
    choice_bias: _containers.RepeatedScalarFieldContainer[float]
    reply_schema: str
    head: int
    repetition_guard: float
    def __init__(self, messages: _Optional[str] = ..., tools: _Optional[str] = ..., tool_choice: _Optional[str] = ..., max_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., top_k: _Optional[int] = ..., top_p: _Optional[float] = ..., min_p: _Optional[float] = ..., seed: _Optional[int] = ..., parallel_tool_calls: _Optional[bool] = ..., stop: _Optional[_Iterable[str]] = ..., conversation: _Optional[str] = ..., written: _Optional[str] = ..., choices: _Optional[_Iterable[str]] = ..., choice_bias: _Optional[_Iterable[float]] = ..., reply_schema: _Optional[str] = ..., head: _Optional[int] = ..., repetition_guard: _Optional[float] = ...) -> None: ...

class WarmRequest(_message.Message):
    __slots__ = ("messages", "tools", "heard", "conversation", "head")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    HEARD_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    messages: str
    tools: str
    heard: str
    conversation: str
    head: int
    def __init__(self, messages: _Optional[str] = ..., tools: _Optional[str] = ..., heard: _Optional[str] = ..., conversation: _Optional[str] = ..., head: _Optional[int] = ...) -> None: ...

class Warmed(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: int
    def __init__(self, tokens: _Optional[int] = ...) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("id", "name", "arguments")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    arguments: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("prompt_tokens", "cached_tokens", "completion_tokens", "thinking_tokens", "queue_ms", "ttft_ms", "total_ms")
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    THINKING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_MS_FIELD_NUMBER: _ClassVar[int]
    TTFT_MS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MS_FIELD_NUMBER: _ClassVar[int]
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    thinking_tokens: int
    queue_ms: float
    ttft_ms: float
    total_ms: float
    def __init__(self, prompt_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., completion_tokens: _Optional[int] = ..., thinking_tokens: _Optional[int] = ..., queue_ms: _Optional[float] = ..., ttft_ms: _Optional[float] = ..., total_ms: _Optional[float] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ("reason", "usage")
    REASON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    usage: Usage
    def __init__(self, reason: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("text", "thinking", "tool_call", "done")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    THINKING_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    text: str
    thinking: str
    tool_call: ToolCall
    done: Done
    def __init__(self, text: _Optional[str] = ..., thinking: _Optional[str] = ..., tool_call: _Optional[_Union[ToolCall, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ...) -> None: ...

class SynthesisRequest(_message.Message):
    __slots__ = ("text", "speaker", "speed", "noise_scale", "noise_w", "buffered_s", "continues_last", "continues_next")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_FIELD_NUMBER: _ClassVar[int]
    SPEED_FIELD_NUMBER: _ClassVar[int]
    NOISE_SCALE_FIELD_NUMBER: _ClassVar[int]
    NOISE_W_FIELD_NUMBER: _ClassVar[int]
    BUFFERED_S_FIELD_NUMBER: _ClassVar[int]
    CONTINUES_LAST_FIELD_NUMBER: _ClassVar[int]
    CONTINUES_NEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    speaker: str
    speed: float
    noise_scale: float
    noise_w: float
    buffered_s: float
    continues_last: bool
    continues_next: bool
    def __init__(self, text: _Optional[str] = ..., speaker: _Optional[str] = ..., speed: _Optional[float] = ..., noise_scale: _Optional[float] = ..., noise_w: _Optional[float] = ..., buffered_s: _Optional[float] = ..., continues_last: _Optional[bool] = ..., continues_next: _Optional[bool] = ...) -> None: ...

class SpeechChunk(_message.Message):
    __slots__ = ("pcm", "words")
    class WordTiming(_message.Message):
        __slots__ = ("text", "start_s", "end_s")
        TEXT_FIELD_NUMBER: _ClassVar[int]
        START_S_FIELD_NUMBER: _ClassVar[int]
        END_S_FIELD_NUMBER: _ClassVar[int]
        text: str
        start_s: float
        end_s: float
        def __init__(self, text: _Optional[str] = ..., start_s: _Optional[float] = ..., end_s: _Optional[float] = ...) -> None: ...
    PCM_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    pcm: bytes
    words: _containers.RepeatedCompositeFieldContainer[SpeechChunk.WordTiming]
    def __init__(self, pcm: _Optional[bytes] = ..., words: _Optional[_Iterable[_Union[SpeechChunk.WordTiming, _Mapping]]] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HealthReport(_message.Message):
    __slots__ = ("state", "reason")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    state: State
    reason: str
    def __init__(self, state: _Optional[_Union[State, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatusReport(_message.Message):
    __slots__ = ("health", "version", "profile", "pid", "uptime_s", "load", "cpu_s", "cores", "rss_bytes", "pss_bytes", "calls", "models", "voice", "libraries")
    class Model(_message.Message):
        __slots__ = ("kind", "name", "path", "active", "queued", "stalled_s")
        KIND_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        PATH_FIELD_NUMBER: _ClassVar[int]
        ACTIVE_FIELD_NUMBER: _ClassVar[int]
        QUEUED_FIELD_NUMBER: _ClassVar[int]
        STALLED_S_FIELD_NUMBER: _ClassVar[int]
        kind: str
        name: str
        path: str
        active: int
        queued: int
        stalled_s: float
        def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ..., path: _Optional[str] = ..., active: _Optional[int] = ..., queued: _Optional[int] = ..., stalled_s: _Optional[float] = ...) -> None: ...
    class Voice(_message.Message):
        __slots__ = ("name", "language", "sample_rate_hz", "speakers")
        NAME_FIELD_NUMBER: _ClassVar[int]
        LANGUAGE_FIELD_NUMBER: _ClassVar[int]
        SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
        SPEAKERS_FIELD_NUMBER: _ClassVar[int]
        name: str
        language: str
        sample_rate_hz: int
        speakers: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, name: _Optional[str] = ..., language: _Optional[str] = ..., sample_rate_hz: _Optional[int] = ..., speakers: _Optional[_Iterable[str]] = ...) -> None: ...
    class LibrariesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    UPTIME_S_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    CPU_S_FIELD_NUMBER: _ClassVar[int]
    CORES_FIELD_NUMBER: _ClassVar[int]
    RSS_BYTES_FIELD_NUMBER: _ClassVar[int]
    PSS_BYTES_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    VOICE_FIELD_NUMBER: _ClassVar[int]
    LIBRARIES_FIELD_NUMBER: _ClassVar[int]
    health: HealthReport
    version: str
    profile: str
    pid: int
    uptime_s: float
    load: float
    cpu_s: float
    cores: int
    rss_bytes: int
    pss_bytes: int
    calls: int
    models: _containers.RepeatedCompositeFieldContainer[StatusReport.Model]
    voice: StatusReport.Voice
    libraries: _containers.ScalarMap[str, str]
    def __init__(self, health: _Optional[_Union[HealthReport, _Mapping]] = ..., version: _Optional[str] = ..., profile: _Optional[str] = ..., pid: _Optional[int] = ..., uptime_s: _Optional[float] = ..., load: _Optional[float] = ..., cpu_s: _Optional[float] = ..., cores: _Optional[int] = ..., rss_bytes: _Optional[int] = ..., pss_bytes: _Optional[int] = ..., calls: _Optional[int] = ..., models: _Optional[_Iterable[_Union[StatusReport.Model, _Mapping]]] = ..., voice: _Optional[_Union[StatusReport.Voice, _Mapping]] = ..., libraries: _Optional[_Mapping[str, str]] = ...) -> None: ...
