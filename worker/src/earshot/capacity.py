"""How many calls this machine carries: measured once, at first start, with the models themselves.

A turn is spoken, heard and answered with nothing else going on, which gives the seconds of
computing that one turn costs. People talk with the agent at a turn every TURN_EVERY_S or so; to
keep answers prompt while turns of several calls coincide, half of the cores may be busy.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from livekit.plugins import faster_whisper, llama_cpp, piper

from .cores import cores as available_cores
from .models import Profile
from .session import Models, languages
from .settings import Settings

TURN_EVERY_S = 8.0  # a question of 2 to 3 s, its answer, and a breath after each
BUSY_SHARE = 0.5
CALL_CORES = 0.06
"""What a call costs beside the models: WebRTC, voice activity, event loop. An estimate."""
PARTIALS = 4  # transcripts of a question while it is spoken
CALLS_MAX = 64

_QUESTION = "What time is it, and how much is seven times eight?"
_REPLY_TOKENS = 24

_log = structlog.get_logger(__name__)


async def calls_max(settings: Settings, profile: Profile, models: Models) -> int:
    """The setting, else what was measured before for these models, else measures now."""
    if settings.calls.max:
        return settings.calls.max
    cores = available_cores()
    cache = settings.state_dir / "capacity.json"
    key = f"{profile.name} {cores} {'/'.join(f.sha256[:8] for f in profile.files)}"
    known = _read(cache)
    if known.get("key") == key:
        return int(known["calls_max"])
    cost_s = await turn_cost_s(settings, models)
    calls = capacity(cost_s, cores)
    _log.info("measured", turn_cost_s=round(cost_s, 3), cores=cores, calls_max=calls)
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(json.dumps({"key": key, "turn_cost_s": round(cost_s, 4), "calls_max": calls}))
    return calls


def capacity(turn_cost_s: float, cores: int) -> int:
    """Calls whose turns leave half of the cores idle; at least one.

    >>> capacity(turn_cost_s=0.4, cores=2)
    9
    """
    per_call = turn_cost_s / TURN_EVERY_S + CALL_CORES
    return max(1, min(CALLS_MAX, int(cores * BUSY_SHARE / per_call)))


async def turn_cost_s(settings: Settings, models: Models) -> float:
    """Seconds that one turn keeps the models busy: the median of three.

    Raises:
        PiperError, FasterWhisperError, LlamaCppError: a model does not work.
    """
    costs = [await _turn(settings, models) for _ in range(3)]
    return sorted(costs)[1]


async def _turn(settings: Settings, models: Models) -> float:
    began = time.perf_counter()
    request = piper.SynthesisRequest(_QUESTION, speaker=settings.persona.speaker)
    pcm = b"".join([chunk.pcm async for chunk in models.synthesizer.synthesize(request)])
    spoke_at = time.perf_counter()
    audio = _at_16_khz(pcm, models.synthesizer.info.sample_rate_hz)
    for i in range(1, PARTIALS + 1):
        await models.transcriber.transcribe(
            faster_whisper.TranscriptionRequest(
                call_id="capacity",
                request_id=f"capacity/{began}/{i}",
                audio=audio[: len(audio) * i // PARTIALS],
                languages=languages(settings),
            )
        )
    messages = [
        {"role": "system", "content": settings.persona.instructions},
        {"role": "user", "content": _QUESTION},
    ]
    reply = llama_cpp.GenerateRequest(messages=messages, max_tokens=_REPLY_TOKENS, timeout_s=60.0)
    async for _ in models.generator.generate(reply):
        pass
    # the answer is spoken too
    return (time.perf_counter() - began) + (spoke_at - began)


def _at_16_khz(pcm: bytes, rate_hz: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768
    count = len(samples) * faster_whisper.transcriber.SAMPLE_RATE_HZ // rate_hz
    at = np.linspace(0, len(samples) - 1, count)
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


def _read(cache: Path) -> dict[str, Any]:
    try:
        found = json.loads(cache.read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}  # whatever is wrong with it, the machine is measured again
