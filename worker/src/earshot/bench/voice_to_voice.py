"""A whole turn through `talk`: from the last voiced sample of the question to the answer's sound.

The question is played at the speed of life to a real session; every answer's moments are taken, so
that the figure can be taken apart.
"""

import asyncio
import statistics
from dataclasses import dataclass
from pathlib import Path

from ..models import Profile, load_profile
from ..prefill import Prefill
from ..session import LocalModels, Voice, agent_for, build_session, load_voice, stay_local
from ..settings import Settings
from ..talk.conversation import Conversation
from ..talk.microphone import RecordedMicrophone
from ..talk.recording import Recording
from ..talk.speaker import PacedSpeaker
from ..talk.view import SilentView
from ..turn import Turn
from .questions import speak
from .row import Row
from .timeline import MOMENTS, Timeline

TARGET_MS = 400.0


@dataclass(frozen=True)
class Measured:
    """One turn."""

    asked: str
    turn: Turn
    moments_ms: dict[str, float]


def measure(settings: Settings, folder: Path, count: int) -> list[Measured]:
    """Asks `count` questions in one conversation.

    Args:
        folder: where the spoken questions are written.
    """
    stay_local()
    profile = load_profile(settings.profile, settings.models_dir)
    voice, models = load_voice(settings, profile)
    return asyncio.run(_measure(settings, profile, voice, models, folder, count))


async def _measure(
    settings: Settings,
    profile: Profile,
    voice: Voice,
    models: LocalModels,
    folder: Path,
    count: int,
) -> list[Measured]:
    session = build_session(settings, voice)
    timeline = Timeline(session, voice)
    quiet = settings.persona.model_copy(update={"greeting": ""})
    agent = agent_for(settings.model_copy(update={"persona": quiet}), profile, voice.llm)
    conversation = Conversation(
        session, agent, Prefill(session, voice.llm), speaker := PacedSpeaker(), SilentView()
    )
    microphone = RecordedMicrophone()
    measured = []
    try:
        await conversation.start(microphone)
        for text, path in speak(folder, count):
            timeline.clear()
            turn = await conversation.ask(Recording.open(path, 60.0), microphone)
            total_ms = turn.latency_ms.voice_to_voice
            if total_ms is None or not speaker.onsets:
                raise RuntimeError(f"no answer was heard to {text!r} (heard {turn.heard!r})")
            audible_at = speaker.onsets[-1]
            moments = timeline.moments(audible_at - total_ms / 1000, audible_at)
            measured.append(Measured(text, turn, moments))
    finally:
        await conversation.aclose()
        await models.aclose()
    return measured


def rows(measured: list[Measured]) -> list[Row]:
    """Median and 95th percentile, over all turns and over those without a tool."""
    out = []
    plain = [m for m in measured if not m.turn.tools]
    for name, turns in (("all turns", measured), ("no tool", plain), ("with a tool", None)):
        chosen = turns if turns is not None else [m for m in measured if m.turn.tools]
        values = sorted(m.turn.latency_ms.voice_to_voice or 0.0 for m in chosen)
        if not values:
            continue
        p95 = values[min(len(values) - 1, int(0.95 * len(values)))]
        of = f"{len(values)} turns"
        target = TARGET_MS if turns is measured else None
        out.append(
            Row(f"voice to voice, median, {name}", of, statistics.median(values), None, target)
        )
        out.append(Row(f"voice to voice, p95, {name}", of, p95))
    return out


def plot(measured: list[Measured], path: Path) -> None:
    """The median moments of turns with and without a tool, on one axis that starts at silence."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    groups = {
        "no tool": [m for m in measured if not m.turn.tools],
        "with a tool": [m for m in measured if m.turn.tools],
    }
    groups = {name: turns for name, turns in groups.items() if turns}
    colours = ["#b8bec8", "#8fb8ff", "#1f6feb", "#0b3d91", "#e3a008", "#2da44e"]
    figure, axis = plt.subplots(figsize=(9, 1.3 * len(groups) + 1.4))
    for i, turns in enumerate(groups.values()):
        medians = {
            moment: statistics.median(values)
            for moment in MOMENTS
            if (values := [m.moments_ms[moment] for m in turns if moment in m.moments_ms])
        }
        before = 0.0
        for moment, at in sorted(medians.items(), key=lambda item: item[1]):
            colour = colours[MOMENTS.index(moment)]
            label = moment if i == 0 else None
            axis.barh(i, at - before, 0.5, left=before, color=colour, label=label)
            axis.text(at, i + 0.27, f"{at:.0f}", ha="right", va="top", fontsize=7)
            before = at
    axis.set_yticks(range(len(groups)), [f"{n}\n({len(t)} turns)" for n, t in groups.items()])
    axis.invert_yaxis()
    axis.set_xlabel(
        "ms after the last voiced sample of the question (median); a bar ends at its moment"
    )
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.4), ncol=3, fontsize=8, frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
