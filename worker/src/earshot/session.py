"""Settings -> AgentSession: the wiring diagram in code.

Everything that LiveKit would otherwise ask a cloud for is switched off by name here: the turn
detector, adaptive interruption, the inference gateway and recording.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from livekit.agents import AgentSession, APIConnectOptions, inference
from livekit.agents.vad import VAD
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.turn import TurnHandlingOptions
from livekit.plugins import faster_whisper, llama_cpp, piper, silero

from .endpointing import is_finished
from .errors import ModelError
from .models import Profile
from .settings import Settings

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


def share_of_cores() -> int:
    """CPU threads of one model: the three work in turn, so each may have half of the machine."""
    return max(1, len(os.sched_getaffinity(0)) // 2)


@dataclass
class Voice:
    """The three models and the voice activity detector, loaded and warm."""

    stt: faster_whisper.STT
    llm: llama_cpp.LLM
    tts: piper.TTS
    vad: VAD

    async def aclose(self) -> None:
        await _close([self.stt, self.llm, self.tts])


def load_voice(settings: Settings, profile: Profile) -> Voice:
    """Loads and warms the three models side by side; blocks for about as long as the slowest.

    Raises:
        ModelError: a file is missing, damaged, or of another format.
    """
    threads = share_of_cores()
    with ThreadPoolExecutor(3) as pool:
        stt = pool.submit(_load_stt, settings, profile, threads)
        llm = pool.submit(_load_llm, settings, profile, threads)
        tts = pool.submit(_load_tts, settings, profile)
        vad = load_vad(settings)
    loading = (stt, llm, tts)
    if error := next((e for f in loading if (e := f.exception())), None):
        # the others' native threads must not outlive the interpreter
        asyncio.run(_close([f.result() for f in loading if f.exception() is None]))
        if isinstance(error, PLUGIN_ERRORS):
            raise ModelError(str(error)) from error
        raise error
    return Voice(stt.result(), llm.result(), tts.result(), vad)


async def _close(models: Sequence[faster_whisper.STT | llama_cpp.LLM | piper.TTS]) -> None:
    await asyncio.gather(*(model.aclose() for model in models))


def _load_stt(settings: Settings, profile: Profile, threads: int) -> faster_whisper.STT:
    turn, spoken = settings.turn, settings.persona.language
    several = "," in spoken
    stt = faster_whisper.STT(
        profile.stt,
        language="auto" if several else spoken,
        allowed_languages=spoken.split(",") if several else (),
        hotwords=settings.stt.hotwords or (),
        end_of_speech_silence=turn.silence_s,
        preflight_silence=turn.speculate_s,
        is_finished=is_finished if turn.detector == "text" else None,
        unfinished_silence=turn.unfinished_s,
        activation_threshold=settings.vad.threshold,
        device=settings.stt.device,
        threads=settings.stt.threads or threads,
    )
    stt.prewarm()
    return stt


def _load_llm(settings: Settings, profile: Profile, threads: int) -> llama_cpp.LLM:
    return llama_cpp.LLM(
        profile.llm,
        temperature=settings.llm.temperature,
        max_tokens=settings.llm.max_tokens,
        n_ctx=settings.llm.context_tokens,
        threads=settings.llm.threads or threads,
    )


def _load_tts(settings: Settings, profile: Profile) -> piper.TTS:
    persona = settings.persona
    return piper.TTS(
        persona.voice or profile.voice,
        speaker=persona.speaker,
        speed=persona.speed,
        cache_dir=settings.state_dir / "voices",
    )


def load_vad(settings: Settings) -> VAD:
    """The detector that barge-in listens to, and LiveKit's turn detector, where it is chosen."""
    # that model refuses to work behind less silence; otherwise the STT ends the turn, and the
    # detector must not still be in the last word when it does
    silence_s = 0.25 if settings.turn.detector == "livekit" else 0.1
    threshold = settings.vad.threshold
    if settings.vad.engine == "livekit":
        return inference.VAD(activation_threshold=threshold, min_silence_duration=silence_s)
    return silero.VAD.load(activation_threshold=threshold, min_silence_duration=silence_s)


def build_session(settings: Settings, voice: Voice) -> AgentSession[None]:
    """The session of one conversation; start it with `record=False`."""
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
        user_away_timeout=None,
        conn_options=SessionConnectOptions(
            stt_conn_options=CONNECT, llm_conn_options=CONNECT, tts_conn_options=CONNECT
        ),
    )
