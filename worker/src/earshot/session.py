"""Settings -> AgentSession: the wiring diagram in code.

Everything that LiveKit would otherwise ask a cloud for is switched off by name here: the turn
detector, adaptive interruption, the inference gateway and recording.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from livekit.agents import AgentSession, APIConnectOptions, inference, llm
from livekit.agents.vad import VAD
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.turn import TurnHandlingOptions
from livekit.plugins import faster_whisper, llama_cpp, piper, silero

from .agent import Assistant
from .conversation.deciding import Decider, Intents, Router
from .conversation.deciding.examples import of_sentences
from .cores import CoreShares
from .endpointing import Pauses
from .errors import ModelError
from .models import Profile
from .settings import Settings
from .tools.documents import Documents
from .tools.own import Own

# a local model answers or fails at once: the defaults (3 x 2 s) are made for the internet
CONNECT = APIConnectOptions(max_retry=2, retry_interval=0.1, timeout=30.0)


PLUGIN_ERRORS = (
    faster_whisper.FasterWhisperError,
    llama_cpp.LlamaCppError,
    piper.PiperError,
)


def stay_local() -> None:
    """Switches off, by environment, what livekit-agents would look for outside this machine."""
    for name in ("LIVEKIT_REMOTE_EOT_URL", "LIVEKIT_OBSERVABILITY_URL", "LIVEKIT_DEV_MODE"):
        os.environ.pop(name, None)
    os.environ["LIVEKIT_INFERENCE_URL"] = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Models:
    """The three model halves: in this process, or the engine's clients."""

    transcriber: faster_whisper.Transcriber
    generator: llama_cpp.Generator
    synthesizer: piper.Synthesizer


@dataclass(frozen=True)
class LocalModels(Models):
    """Loaded here: whoever loads them closes them."""

    # as text: looked at, these names would bring the native libraries into every job process
    transcriber: "faster_whisper.LocalTranscriber"
    generator: "llama_cpp.LocalGenerator"
    synthesizer: "piper.LocalSynthesizer"

    async def aclose(self) -> None:
        """Ends what is in progress; native threads must not outlive the interpreter."""
        await _close([self.transcriber, self.generator, self.synthesizer])


async def _close(models: Sequence[Any]) -> None:
    await asyncio.gather(
        *(m.aclose() if hasattr(m, "aclose") else asyncio.to_thread(m.close) for m in models)
    )


@dataclass(frozen=True)
class Voice:
    """LiveKit's adapters on the models, and the voice activity detector."""

    stt: faster_whisper.STT
    llm: llama_cpp.LLM
    tts: piper.TTS
    vad: VAD


def load_voice(settings: Settings, profile: Profile) -> tuple[Voice, LocalModels]:
    """Models of this process alone, and the adapters on them; the caller closes the models.

    Raises:
        ModelError: a file is missing, damaged, or of another format.
    """
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load_models, settings, profile)
        vad = load_vad(settings)  # here: LiveKit registers its plugins on the main thread alone
    models = loading.result()
    try:
        return voice_on(settings, models, vad), models
    except BaseException:
        asyncio.run(models.aclose())
        raise


def load_models(settings: Settings, profile: Profile) -> LocalModels:
    """Loads and warms the three models side by side; blocks for about as long as the slowest.

    Raises:
        ModelError: a file is missing, damaged, or of another format.
    """
    shares = CoreShares.of_this_machine()
    with ThreadPoolExecutor(3) as pool:
        transcriber = pool.submit(_load_transcriber, settings, profile, shares.stt)
        generator = pool.submit(_load_generator, settings, profile, shares.llm)
        synthesizer = pool.submit(_load_synthesizer, settings, profile, shares.voice)
    loading = (transcriber, generator, synthesizer)
    if error := next((e for f in loading if (e := f.exception())), None):
        # the others' native threads must not outlive the interpreter
        asyncio.run(_close([f.result() for f in loading if f.exception() is None]))
        if isinstance(error, PLUGIN_ERRORS):
            raise ModelError(str(error)) from error
        raise error
    return LocalModels(transcriber.result(), generator.result(), synthesizer.result())


def _load_transcriber(
    settings: Settings, profile: Profile, threads: int
) -> "faster_whisper.LocalTranscriber":
    transcriber = faster_whisper.LocalTranscriber(
        profile.stt,
        device=settings.stt.device,
        threads=settings.stt.threads or threads,
        beam_size=settings.stt.beam_size,
    )
    try:
        transcriber.check_languages(languages(settings))
    except faster_whisper.LanguageError:
        transcriber.close()
        raise
    transcriber.warm_up()
    return transcriber


def _load_generator(
    settings: Settings, profile: Profile, threads: int
) -> "llama_cpp.LocalGenerator":
    return llama_cpp.LocalGenerator(
        profile.llm,
        n_ctx=settings.llm.context_tokens,
        threads=settings.llm.threads or threads,
        cache_dir=settings.state_dir / "prompts",
        variant=settings.llm.variant,
        variants_dir=settings.state_dir / "variants",
    )


def _load_synthesizer(
    settings: Settings, profile: Profile, workers: int
) -> "piper.LocalSynthesizer":
    synthesizer = piper.LocalSynthesizer(
        settings.persona.voice or profile.voice,
        workers=workers,
        cache_dir=settings.state_dir / "voices",
    )
    synthesizer.warm_up()
    return synthesizer


def languages(settings: Settings) -> tuple[str, ...]:
    """What may be spoken; empty: anything that the model knows."""
    spoken = settings.persona.language
    return () if spoken == "auto" else tuple(spoken.split(","))


def voice_on(settings: Settings, models: Models, vad: VAD) -> Voice:
    """LiveKit's adapters on models that somebody else closes.

    Raises:
        ModelError: the persona asks for a speaker that the voice doesn't have.
    """
    turn, spoken = settings.turn, languages(settings)
    try:
        voice = Voice(
            stt=faster_whisper.STT(
                models.transcriber,
                language=spoken[0] if len(spoken) == 1 else "auto",
                allowed_languages=spoken if len(spoken) > 1 else (),
                hotwords=settings.stt.hotwords or (),
                end_of_speech_silence=turn.silence_s,
                preflight_silence=turn.speculate_s,
                silence_after=Pauses(turn).after if turn.detector == "text" else None,
                activation_threshold=settings.vad.threshold,
            ),
            llm=llama_cpp.LLM(
                models.generator,
                temperature=settings.llm.temperature,
                max_tokens=settings.llm.max_tokens,
                apology=settings.persona.apology,
            ),
            tts=piper.TTS(
                models.synthesizer,
                speaker=settings.persona.speaker,
                speed=settings.persona.speed,
                # WebRTC sends frames of 10 ms: 22,050 Hz has none of whole samples
                sample_rate=None if models.synthesizer.info.sample_rate_hz % 100 == 0 else 24_000,
            ),
            vad=vad,
        )
        voice.stt.prewarm()
        return voice
    except PLUGIN_ERRORS as e:
        raise ModelError(str(e)) from e


def agent_for(
    settings: Settings,
    profile: Profile,
    model: llama_cpp.LLM,
    documents: Documents | None = None,
    own: Sequence[Own] = (),
    intents: Intents | None = None,
) -> Assistant:
    """The agent of one conversation, and who decides about its tools.

    Args:
        model: who answers, and chooses a tool where no sentence is sure.
        documents: what it searches.
        own: tools beside those of the persona.
        intents: as `intents_for` made them; None: made here, which blocks for 0.1 s a language.

    Raises:
        ToolsError: a sentence of one's own can't be used.
    """
    agent = Assistant(settings.persona, documents, own)
    if intents is None:
        intents = intents_for(settings, own)
    way = settings.tools.decision
    router = None
    if agent.tools and (profile.decision if way == "auto" else way) == "router":
        examples = of_sentences(settings.tools.sentences)
        router = Router(model, _definitions(agent), languages(settings), examples)
    agent.decider = Decider(intents, router)
    return agent


def intents_for(settings: Settings, own: Sequence[Own] = ()) -> Intents:
    """The sentences that need no model; blocks for about 0.1 s a language.

    Raises:
        ToolsError: a sentence of one's own can't be used.
    """
    agent = Assistant(settings.persona, None, own)
    return Intents(_definitions(agent), languages(settings), settings.tools.sentences)


def _definitions(agent: Assistant) -> list[dict[str, Any]]:
    return llm.ToolContext(agent.tools).parse_function_tools("openai", strict=False)


def load_vad(settings: Settings) -> VAD:
    """The detector that barge-in listens to, and LiveKit's turn detector, where it is chosen."""
    # that model refuses to work behind less silence; otherwise the STT ends the turn, and the
    # detector must not still be in the last word when it does
    silence_s = 0.25 if settings.turn.detector == "livekit" else 0.1
    threshold = settings.vad.threshold
    if settings.vad.engine == "livekit":
        return inference.VAD(activation_threshold=threshold, min_silence_duration=silence_s)
    return silero.VAD.load(activation_threshold=threshold, min_silence_duration=silence_s)


def build_session(
    settings: Settings, voice: Voice, *, away_s: float | None = None
) -> AgentSession[None]:
    """The session of one conversation; start it with `record=False`.

    Args:
        away_s: silence of both sides after which the caller counts as away; None = never.
    """
    turn = settings.turn
    handling: TurnHandlingOptions = {
        "turn_detection": "stt",
        # the STT has waited for the silence already
        "endpointing": {"mode": "fixed", "min_delay": 0.0, "max_delay": turn.unfinished_s},
        "interruption": {
            "enabled": True,
            "mode": "vad",
            "min_duration": turn.interrupt_s,
            "resume_false_interruption": True,
            "false_interruption_timeout": turn.resume_s,
        },
        "preemptive_generation": {
            "enabled": True,
            "preemptive_tts": True,
            "max_speech_duration": 60.0,
            "max_retries": 8,
        },
    }
    if turn.detector == "livekit":
        handling["turn_detection"] = inference.TurnDetector(version="v1-mini")
        handling["endpointing"] = {
            "mode": "fixed",
            "min_delay": turn.silence_s,
            "max_delay": turn.unfinished_s,
        }
    return AgentSession(
        stt=voice.stt,
        llm=voice.llm,
        tts=voice.tts,
        vad=voice.vad,
        turn_handling=handling,
        use_tts_aligned_transcript=True,
        aec_warmup_duration=None,
        user_away_timeout=away_s,
        conn_options=SessionConnectOptions(
            stt_conn_options=CONNECT,
            llm_conn_options=CONNECT,
            tts_conn_options=CONNECT,
            # a call outlives its engine: each error is told to the caller instead
            max_unrecoverable_errors=1000,
        ),
    )
