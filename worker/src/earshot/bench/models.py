"""The three models of a profile on what they never saw, through stock libraries and our plugins; then all together.

    scripts/bench models [--profile starter] [--sample] [--only stt] [--json]

`--sample` takes the small held-out sets that are committed; the full ones are made by the recipes (flite and
espeak-ng are needed) and kept in .work/held_out.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from ..models import Profile, load_profile
from ..settings_file import home
from . import answering, hearing, loop, speaking, together

PARTS = ("stt", "llm", "voice", "together", "loop")
QUIET_S, LOOP_TURNS = 60, 20
Report = dict[str, Any]


def measure(profile: Profile, held_out: Path, part: str, sample: bool = False) -> Report:
    """The figures of one of `PARTS`.

    Args:
        held_out: a folder as `recipes.held_out` writes it.
        sample: less silence, and fewer turns of the loop.
    """
    if part == "stt":
        speech = hearing.read_speech(held_out / "speech.npz")
        return hearing.score(profile.stt, speech, 5 if sample else QUIET_S)
    if part == "llm":
        dialogues = answering.read_dialogues(held_out / "dialogues.jsonl")
        return answering.score(profile.llm, dialogues)
    if part == "voice":
        sentences = json.loads((held_out / "sentences.json").read_text(encoding="utf-8"))
        return speaking.score(profile.voice, sentences)
    with tempfile.TemporaryDirectory() as folder:
        if part == "together":
            return together.score(profile, held_out / "questions.npz", Path(folder))
        return loop.hold(profile, Path(folder), 4 if sample else LOOP_TURNS)


def full_sets() -> Path:
    """The folder of the full held-out sets, which the recipes make if they are not there."""
    folder = home() / ".work" / "held_out"
    environment = {**os.environ, "PYTHONPATH": str(home() / "models")}
    command = [sys.executable, "-m", "recipes.held_out", str(folder)]
    subprocess.run(command, env=environment, check=True)
    return folder


def hearing_table(r: Report) -> Iterator[str]:
    yield "| set | utterances | WER, stock | WER, plugin | all words right, stock | first / last word lost |"
    yield "|---|---|---|---|---|---|"
    for name, s in r["sets"].items():
        yield (
            f"| {name} | {s['utterances']} | {100 * s['wer']:.1f} % |"
            f" {100 * s['wer_plugin']:.1f} % | {s['exact']} |"
            f" {s['first_word_lost']} / {s['last_word_lost']} |"
        )
    quiet = ", ".join(f"{k} {v}" for k, v in r["words_in_quiet"].items())
    yield f"\nWords heard in sound without speech, both ways together: {quiet}"
    alone = {k: s["voices"] for k, s in r["sets"].items() if k.endswith("alone")}
    if alone:
        yield "\nSingle words, right of all, stock: " + "; ".join(
            f"{k} " + ", ".join(f"{v} {n}" for v, n in voices.items())
            for k, voices in alone.items()
        )


def answering_table(r: Report) -> Iterator[str]:
    for way, f in r.items():
        yield (
            f"{way}: {f['right']} of {f['answers']} answers right"
            f" ({100 * f['right'] / max(1, f['answers']):.1f} %), {f['calls_right']} of {f['calls']}"
            f" tool calls exact, {f['malformed_calls']} malformed"
        )
    yield "\nby intent, stock: " + ", ".join(f"{k} {v}" for k, v in r["stock"]["intents"].items())


def speaking_table(r: Report) -> Iterator[str]:
    taught = "" if r["wer_teacher"] is None else f" (its teacher: {100 * r['wer_teacher']:.1f} %)"
    yield (
        f"WER {100 * r['wer']:.1f} % by pocketsphinx{taught}, {r['words']} words in"
        f" {r['sentences']} sentences; RTF {r['rtf']}; highest peak {r['peak']},"
        f" {r['clipped_samples']} samples clipped, {r['clicks']} clicks,"
        f" level ± {r['level_spread_db']} dB"
    )


def together_table(r: Report) -> Iterator[str]:
    yield (
        f"{r['right']} of {r['questions']} spoken questions answered right,"
        f" {r['heard_right']} heard word for word"
    )
    yield "\nby kind: " + ", ".join(f"{k} {v}" for k, v in r["kinds"].items())


def loop_table(r: Report) -> Iterator[str]:
    yield (
        f"two agents talked for {r['turns']} of {r['of']} turns and heard each other with a WER of"
        f" {100 * r['heard_wer']:.1f} %"
    )


TABLES: dict[str, Callable[[Report], Iterator[str]]] = {
    "stt": hearing_table,
    "llm": answering_table,
    "voice": speaking_table,
    "together": together_table,
    "loop": loop_table,
}


def table(report: Report) -> Iterator[str]:
    """Markdown, as the model cards show it."""
    for part, figures in report.items():
        yield f"**{part}**\n"
        yield from TABLES[part](figures)
        yield ""


@click.command()
@click.option("--models-dir", type=click.Path(path_type=Path), default=Path("models"))
@click.option("--profile", default="starter")
@click.option("--held-out", type=click.Path(path_type=Path), help="A folder with held-out sets.")
@click.option("--sample", is_flag=True, help="The small committed sets: minutes, not an hour.")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Parts, instead of all.")
@click.option("--json", "as_json", is_flag=True, help="Everything, mistakes included.")
def command(
    models_dir: Path,
    profile: str,
    held_out: Path | None,
    sample: bool,
    only: tuple[str, ...],
    as_json: bool,
) -> None:
    """How good the models are: error rates through stock libraries, our plugins, and all together."""
    chosen = load_profile(profile, models_dir)
    folder = held_out or (models_dir / "held_out" if sample else full_sets())
    report: Report = {}
    for part in only or PARTS:
        click.echo(f"measuring {part} …", err=True)
        report[part] = measure(chosen, folder, part, sample)
    print(json.dumps(report, indent=1) if as_json else "\n".join(table(report)))


if __name__ == "__main__":
    sys.exit(command())
