"""The settings of Earshot: one tree; environment.py and settings_file.py read with it.

Sources, first wins: arguments, environment (`EARSHOT_PERSONA__LANGUAGE=en`), `earshot.toml`, for
the profile what was chosen at a start (`choice.py`), defaults.
`earshot.toml` is the file named by EARSHOT_CONFIG, else the one in the current folder. This module
does not know what the values are used for; each field says so in its description, from which the
table in docs/settings.md is made.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from . import environment, user_path
from .choice import remembered
from .errors import SettingsError
from .settings_file import SettingsFile, config_file, home

WEBHOOK_PATH = "/api/webhook"
"""Where the worker takes what livekit-server tells of calls, on the page's port."""

ToolName = Literal["get_current_time", "calculate", "set_timer", "cancel_timer", "search_documents"]
ALL_TOOLS: tuple[ToolName, ...] = (
    "get_current_time",
    "calculate",
    "set_timer",
    "cancel_timer",
    "search_documents",
)


class _Paths(BaseModel):
    """Paths of every source are read as people write them: `~` is expanded, empty is none."""

    @field_validator("*", mode="before")
    @classmethod
    def _as_written(cls, value: Any, info: ValidationInfo) -> Any:
        return user_path.of_field(cls, info.field_name or "", value)


class _Group(_Paths):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LogSettings(_Group):
    level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="Least severe message that is shown"
    )
    format: Literal["auto", "human", "json"] = Field(
        "auto", description="`auto`: for people on a terminal, JSON lines otherwise"
    )


class SttSettings(_Group):
    hotwords: str = Field("", description="Words to favour, as text: names, products")
    threads: Annotated[int, Field(ge=0, le=64)] = Field(
        0, description="CPU threads; 0 = a share of this machine's cores"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the model runs")
    beam_size: Annotated[int, Field(ge=1, le=10)] = Field(
        5, description="Transcripts followed at once, the likeliest wins; 1 = greedy, faster"
    )


class LlmSettings(_Group):
    temperature: Annotated[float, Field(ge=0, le=2)] = Field(
        0.0, description="0 = always the likeliest word"
    )
    max_tokens: Annotated[int, Field(ge=1, le=4096)] = Field(
        256, description="Longest reply, in tokens"
    )
    context_tokens: Annotated[int, Field(ge=256, le=131072)] = Field(
        4096, description="Memory for conversations, in tokens, shared by all of them"
    )
    threads: Annotated[int, Field(ge=0, le=64)] = Field(
        0, description="CPU threads; 0 = a share of this machine's cores"
    )
    variant: Annotated[str, Field(pattern=r"^[a-z0-9._-]+$", max_length=40)] = Field(
        "auto",
        description="Which build of llama.cpp's CPU code, such as `haswell` (AVX2); `auto` = the "
        "best one for this processor that survives the model",
    )


class VadSettings(_Group):
    engine: Literal["silero", "livekit"] = Field(
        "silero", description="Voice activity detector: Silero (MIT) or LiveKit's (its own licence)"
    )
    threshold: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.5, description="Probability above which a window counts as speech"
    )


class TurnSettings(_Group):
    detector: Literal["text", "vad", "livekit"] = Field(
        "text",
        description="What ends a turn beside silence: `text` waits longer after an unfinished "
        "sentence or a mere greeting, `vad` never waits, `livekit` asks LiveKit's local "
        "end-of-turn model",
    )
    silence_s: Annotated[float, Field(ge=0.1, le=3)] = Field(
        0.19,  # six windows of the detector; 0.2 would be seven, 32 ms more
        description="Silence that ends a finished sentence",
    )
    speculate_s: Annotated[float, Field(ge=0.03, le=1)] = Field(
        0.08, description="Silence after which the answer is prepared, unheard"
    )
    opening_s: Annotated[float, Field(ge=0.1, le=10)] = Field(
        0.45, description='Silence that ends a turn of "Hello", "Okay" or the like alone'
    )
    unfinished_s: Annotated[float, Field(ge=0.1, le=10)] = Field(
        1.2, description="Silence that ends an unfinished sentence"
    )
    interrupt_s: Annotated[float, Field(ge=0.1, le=3)] = Field(
        0.4, description="Speech of the caller that stops the agent"
    )
    resume_s: Annotated[float, Field(ge=0.2, le=10)] = Field(
        1.0, description="Silence after which an interruption without words is taken back"
    )
    question_max_s: Annotated[float, Field(ge=1, le=86400)] = Field(
        600.0, description="Longest recording that `earshot talk` takes as one turn"
    )


class PersonaSettings(_Group):
    name: Annotated[str, Field(min_length=1, max_length=60)] = Field(
        "Earshot", description="What the agent calls itself"
    )
    instructions: str = Field(
        "You are {name}, a friendly local voice assistant. Answer in one or two short sentences.",
        description="The system prompt; `{name}` stands for the name",
    )
    greeting: str = Field(
        "Hello, how can I help you?",
        description="Said when a call begins (in `talk`: with --mic); empty = nothing",
    )
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(,[a-z]{2,3})*$|^auto$")] = Field(
        "en", description="Language spoken; `auto`, or an allow-list like `en,de`, to detect it"
    )
    voice: Path | None = Field(None, description="A Piper voice (`.onnx`) instead of the profile's")
    speaker: str | None = Field(None, description="Name or number, for voices with several")
    speed: Annotated[float, Field(ge=0.5, le=2)] = Field(1.0, description="1 = as recorded")
    tools: tuple[ToolName, ...] = Field(ALL_TOOLS, description="What the agent may use")
    timer_message: str = Field(
        "Your timer for {duration} is over.", description="Said when a timer fires"
    )
    busy_message: str = Field(
        "All lines are busy. Please wait a moment.", description="Said to a caller who must wait"
    )
    apology: str = Field(
        "Sorry, I lost my train of thought. Please say that again.",
        description="Said when an answer broke off",
    )
    silence_prompt: str = Field("Are you still there?", description="Said after long silence")
    goodbye: str = Field("Goodbye.", description="Said before the agent hangs up")


class CallsSettings(_Group):
    max: Annotated[int, Field(ge=0, le=1000)] = Field(
        0, description="Calls at once; 0 = what this machine was measured to carry at first start"
    )
    waiting_max: Annotated[int, Field(ge=0, le=100)] = Field(
        4, description="Callers who hear that all lines are busy, and are let in in turn"
    )
    agent_name: Annotated[str, Field(pattern=r"^[\w.-]{0,64}$")] = Field(
        "", description="Join only calls that name this agent; empty = every room"
    )
    length_max_s: Annotated[float, Field(ge=10, le=86400)] = Field(
        3600.0, description="Longest call"
    )
    silence_prompt_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        90.0, description="Silence after which the agent asks whether anybody is there; 0 = never"
    )
    silence_end_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        30.0, description="Further silence after which it says goodbye and hangs up"
    )
    drain_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        7.0, description="How long running calls may go on after the worker is told to stop"
    )
    enabled: bool = Field(
        True, description="The call log: who, when, how long, latency; `false` = no file at all"
    )
    keep_words: bool = Field(False, description="Keep what was said in the call log, too")
    retention_days: Annotated[int, Field(ge=0, le=3650)] = Field(
        30, description="How long the call log keeps a call; 0 = until `earshot calls erase`"
    )


Port = Annotated[int, Field(ge=1, le=65535)]


class NetworkSettings(_Group):
    listen: Literal["loopback", "lan"] = Field(
        "loopback", description="Who may reach the page and the calls: this machine, or its network"
    )
    address: str = Field("", description="Address of this machine that callers use; empty = found")
    proxies: str = Field(
        "",
        description="Proxies that are believed where a caller is, with commas between: "
        "`proxy:10.0.0.2` by a PROXY header, `http:10.0.0.3` by X-Forwarded-For",
    )
    page_port: Port = Field(8080, description="The page (TCP)")
    livekit_port: Port = Field(7880, description="livekit-server: signalling (TCP)")
    rtc_tcp_port: Port = Field(7881, description="livekit-server: audio where UDP is blocked (TCP)")
    rtc_udp_port: Port = Field(7882, description="livekit-server: audio (UDP)")
    turn_port: Port = Field(3478, description="livekit-server's own STUN and TURN (UDP)")
    redis_port: Port = Field(6390, description="redis, loopback only (TCP)")
    health_port: Port = Field(8081, description="The worker's health, loopback only (TCP)")
    metrics_port: Port = Field(9464, description="Metrics for Prometheus, loopback only (TCP)")


class LivekitSettings(_Group):
    url: Annotated[str, Field(pattern=r"^(wss?://\S+)?$")] = Field(
        "", description="A livekit-server that runs already; empty = `earshot up` starts one"
    )
    public_url: Annotated[str, Field(pattern=r"^(wss?://\S+)?$")] = Field(
        "",
        description="Its address for browsers; empty = `livekit.url` where they can reach it, else "
        "the page's host",
    )
    redis: Literal["auto", "on", "off"] = Field(
        "auto", description="redis beside livekit-server: `auto` = where redis-server is installed"
    )
    webhooks: tuple[Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$")], ...] = Field(
        (),
        description="Further addresses that the server of `earshot up` sends webhooks to",
        json_schema_extra={"shown": ""},
    )


class DocumentsSettings(_Group):
    folder: Path | None = Field(
        None, description="Folder of text, Markdown and PDF files that the agent searches"
    )


class ToolsSettings(_Group):
    module: Path | None = Field(
        None, description="Python file (or package) with tools of your own, beside persona.tools"
    )
    sentences: dict[str, list[str]] = Field(
        {},
        description="What people say for a tool, which is then called without asking the model"
        " (see [templates.md](templates.md))",
        json_schema_extra={"shown": ""},
    )
    decision: Literal["auto", "router", "model"] = Field(
        "auto",
        description="Who chooses a tool where no sentence is sure: `router` = the model, among "
        "worked examples, `model` = the model, in calls that it writes, `auto` = as the profile "
        "says, else `router`",
    )


class Settings(BaseSettings, _Paths):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="EARSHOT_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    profile: str = Field("starter", description="Which models: a profile of the manifest")
    models_dir: Path = Field(
        default_factory=lambda: home() / "models",
        description="Folder with `manifest.toml` and the models",
        json_schema_extra={"shown": "models"},
    )
    state_dir: Path = Field(
        default_factory=lambda: home() / ".state",
        description="Where everything that is written goes: indexes, caches",
        json_schema_extra={"shown": ".state"},
    )
    log: LogSettings = LogSettings()
    stt: SttSettings = SttSettings()
    llm: LlmSettings = LlmSettings()
    vad: VadSettings = VadSettings()
    turn: TurnSettings = TurnSettings()
    persona: PersonaSettings = PersonaSettings()
    documents: DocumentsSettings = DocumentsSettings()
    tools: ToolsSettings = ToolsSettings()
    calls: CallsSettings = CallsSettings()
    network: NetworkSettings = NetworkSettings()
    livekit: LivekitSettings = LivekitSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = config_file()
        return (init_settings, env_settings, *([SettingsFile(settings_cls, file)] if file else []))


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Reads the settings. Relative paths: from earshot.toml's folder where they stand in it.

    Args:
        overrides: values that win over every source, as a nested mapping.

    Raises:
        SettingsError: one line that names the key, the value and what was expected.
    """
    environment.refuse_unknown(Settings)
    try:
        settings = Settings(**(overrides or {}))
        chosen = "" if "profile" in settings.model_fields_set else remembered(settings.state_dir)
        return settings.model_copy(update={"profile": chosen}) if chosen else settings
    except ValidationError as e:
        raise SettingsError(_explain(e)) from e
    except ValueError as e:  # pydantic-settings: JSON expected in an environment variable
        raise SettingsError(str(e).splitlines()[0]) from e


def of_services() -> list[str]:
    """The variables that a cluster has set for services called like Earshot; they are ignored."""
    return environment.of_services(Settings)


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path)
    variable = "EARSHOT_" + "__".join(part.upper() for part in path)
    source = variable if variable in os.environ else f"{config_file() or 'arguments'}: {key}"
    if first["type"] == "extra_forbidden":
        fields: Mapping[str, Any] = Settings.model_fields
        for part in path[:-1]:
            fields = fields[part].annotation.model_fields
        return f"{source} = {first['input']!r}: no such key; known: {', '.join(fields)}"
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"{source} = {first['input']!r}: {message}"


__all__ = ["ALL_TOOLS", "Settings", "SettingsError", "ToolName", "load", "of_services"]
