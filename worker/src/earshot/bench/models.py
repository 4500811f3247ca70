"""The three models of a profile, judged through their stock libraries on what they never saw.

    python -m earshot.bench.models [--profile starter] [--held-out models/held_out]

Knows nothing of the plugins: it says how good the weights are, not how fast Earshot is.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ..models import load_profile
from . import answering, hearing, speaking

SPOKEN_SET = "replies, starter voice"
"""whose texts the voice has to say"""


def measure(stt: Path, llm: Path, voice: Path, held_out: Path, quiet_s: int = 60) -> dict[str, Any]:
    """Args: the models' paths; `held_out`: a folder with speech.npz and dialogues.jsonl."""
    speech = hearing.read_speech(held_out / "speech.npz")
    sentences = [text for name in speech for text, _, _ in speech[name] if len(text.split()) > 2]
    return {
        "stt": hearing.score(stt, speech, quiet_s),
        "llm": answering.score(llm, answering.read_dialogues(held_out / "dialogues.jsonl")),
        "voice": speaking.score(voice, sentences[:100]),
    }


def hearing_table(r: dict[str, Any]) -> Iterator[str]:
    yield "| set | utterances | WER | in short windows | all words right | first / last word lost |"
    yield "|---|---|---|---|---|---|"
    for name, s in r["sets"].items():
        yield (
            f"| {name} | {s['utterances']} | {100 * s['wer']:.1f} % |"
            f" {100 * s['wer_short_window']:.1f} % | {s['exact']} |"
            f" {s['first_word_lost']} / {s['last_word_lost']} |"
        )
    quiet = ", ".join(f"{k} {v}" for k, v in r["words_in_quiet"].items())
    yield f"\nWords heard in sound without speech: {quiet}"


def answering_table(r: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{r['right']} of {r['answers']} answers right"
        f" ({100 * r['right'] / max(1, r['answers']):.1f} %), {r['calls_right']} of {r['calls']}"
        f" tool calls exact, {r['malformed_calls']} malformed"
    )


def speaking_table(r: dict[str, Any]) -> Iterator[str]:
    taught = "" if r["wer_teacher"] is None else f" (its teacher: {100 * r['wer_teacher']:.1f} %)"
    yield (
        f"WER {100 * r['wer']:.1f} % by pocketsphinx{taught}, {r['words']} words;"
        f" RTF {r['rtf']}, highest peak {r['peak']}, level ± {r['level_spread_db']} dB"
    )


def table(report: dict[str, Any]) -> Iterator[str]:
    """Markdown, as the model cards show it."""
    for kind, lines in (
        ("stt", hearing_table),
        ("llm", answering_table),
        ("voice", speaking_table),
    ):
        yield f"**{kind}**\n"
        yield from lines(report[kind])
        yield ""


@click.command()
@click.option("--models-dir", type=click.Path(path_type=Path), default=Path("models"))
@click.option("--profile", default="starter")
@click.option("--held-out", type=click.Path(path_type=Path), default=Path("models/held_out"))
@click.option("--json", "as_json", is_flag=True, help="Everything, mistakes included.")
def command(models_dir: Path, profile: str, held_out: Path, as_json: bool) -> None:
    """How good the models are: error rates through the stock libraries."""
    paths = load_profile(profile, models_dir)
    report = measure(paths.stt, paths.llm, paths.voice, held_out)
    print(json.dumps(report, indent=1) if as_json else "\n".join(table(report)))


if __name__ == "__main__":
    sys.exit(command())
