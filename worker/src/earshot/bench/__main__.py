"""`scripts/bench [stages|voice|call|memory|engine|models|tools|conversation]`: measures, prints a table, writes JSON."""

import json
import runpy
import sys
import tempfile
from pathlib import Path

import click

from ..docs import between
from ..errors import EarshotError
from ..settings import load
from ..settings_file import home
from . import conversation, models, report
from .row import Row, Subject
from .tools import command as tools

STAGES = ("stt", "llm", "tts")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def bench() -> None:
    """Benchmarks: ours against the stock way, in one run."""


def _emit(name: str, rows: list[Row], as_json: bool, keep: bool) -> None:
    if as_json:
        click.echo(json.dumps([r.to_dict() for r in rows], indent=2))
    else:
        click.echo(report.markdown(rows))
    if keep:
        folder = home() / "docs" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(
            json.dumps([r.to_dict() for r in rows], indent=2) + "\n"
        )
        page = folder / "README.md"
        if f"<!-- bench-{name}: begin -->" in (text := page.read_text()):
            page.write_text(between(text, f"bench-{name}", report.markdown(rows)))


def _measured(stage: str, shapes: bool) -> list[Row]:
    starter = home() / "models" / "starter"
    if stage == "stt":
        from . import stt

        hearers = [Subject("starter", starter / "stt", 0.45)]
        if shapes:
            hearers.append(Subject("base-size Whisper", _shape("whisper"), 0.25))
        return stt.measure(hearers)
    if stage == "llm":
        from . import llm

        writers = [Subject("starter", starter / "llm" / "starter.gguf", 1.0)]
        if shapes:
            writers.append(Subject("Qwen3-0.6B shape", _shape("qwen3"), 0.15))
        return llm.measure(writers)
    from . import tts

    speakers = [Subject("starter", starter / "voice" / "starter.onnx", 0.3)]
    if shapes:
        speakers.append(Subject("medium voice", _shape("vits"), 0.12))
    return tts.measure(speakers)


def _shape(name: str) -> Path:
    """The random model of a true shape, built if it is not there."""
    recipe = home() / "models" / "recipes" / "shapes" / f"{name}.py"
    built = runpy.run_path(str(recipe))
    path: Path = built["DEFAULT"]
    if not path.exists():
        click.echo(f"building {path.name} …", err=True)
        built["build"]()
    return path


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
_keep = click.option("--keep", is_flag=True, help="Keep the figures and the plot in docs/bench.")


@bench.command()
@click.option("--only", type=click.Choice(STAGES), help="One stage alone.")
@click.option("--starter", is_flag=True, help="Leave out the large random models.")
@_json
@_keep
def stages(only: str | None, starter: bool, as_json: bool, keep: bool) -> None:
    """Each plugin against the stock way, on the starter and on random models of true shape."""
    rows: list[Row] = []
    for stage in (only,) if only else STAGES:
        click.echo(f"measuring {stage} …", err=True)
        rows += _measured(stage, shapes=not starter)
    _emit("stages", rows, as_json, keep)
    if keep:
        report.plot(rows, home() / "docs" / "bench" / "stages.png")


@bench.command()
@click.option("--turns", type=click.IntRange(2, 200), default=20, help="How many questions.")
@_json
@_keep
def voice(turns: int, as_json: bool, keep: bool) -> None:
    """A whole turn through `talk`, from the caller's last sample to the first sound back."""
    from . import voice_to_voice

    with tempfile.TemporaryDirectory() as folder:
        measured = voice_to_voice.measure(load(), Path(folder), turns)
    _emit("voice", voice_to_voice.rows(measured), as_json, keep)
    if not as_json:
        for m in measured:
            moments = "  ".join(f"{name} {at:.0f}" for name, at in m.moments_ms.items())
            click.echo(f"{m.asked!r} -> {m.turn.reply!r}\n    {moments}", err=True)
    if keep:
        voice_to_voice.plot(measured, home() / "docs" / "bench" / "voice.png")


@bench.command()
@click.option("--rounds", type=click.IntRange(1, 50), default=4, help="Calls of each way.")
@click.option("--questions", type=click.IntRange(1, 20), default=5, help="In each call.")
@click.option(
    "--at-once", default="1,2,4", metavar="N,…", help="Numbers of calls to hold at the same time."
)
@click.option("--profile", default="starter", show_default=True, help="Models of both agents.")
@_json
@_keep
def call(
    rounds: int, questions: int, at_once: str, profile: str, as_json: bool, keep: bool
) -> None:
    """Over WebRTC, at the caller's ear: ours, a stock agent and an echo in one run.

    The stock agent holds a copy of the models for each call, and one more: with large models
    `--at-once 1` saves memory. Kept figures of other profiles stand in docs/bench as
    call-PROFILE.json, and in its README where that has marks for them.
    """
    from . import call as calls
    from . import call_plot, call_rows

    try:
        numbers = sorted({1, *(int(n) for n in at_once.split(",") if n.strip())})
    except ValueError as e:
        raise click.BadParameter(f"{at_once!r}: numbers like 1,2,4 were expected") from e
    try:
        measured = calls.measure(rounds, questions, numbers, profile)
    except EarshotError as e:
        raise click.ClickException(str(e)) from e
    name = "call" if profile == "starter" else f"call-{profile}"
    _emit(name, call_rows.rows(measured, profile), as_json, keep)
    if not as_json:
        for line in call_rows.details(measured):
            click.echo(line, err=True)
    if keep:
        call_plot.plot(measured, home() / "docs" / "bench" / f"{name}.png")


@bench.command()
@click.option("--profile", default="starter", show_default=True, help="Models of the stack.")
@_json
@_keep
def memory(profile: str, as_json: bool, keep: bool) -> None:
    """What the process of a call has of its own, waiting and in a call, and what it shares."""
    from . import memory as processes

    try:
        measured = processes.measure(profile)
    except EarshotError as e:
        raise click.ClickException(str(e)) from e
    _emit("memory", measured, as_json, keep)


@bench.command()
@_json
def engine(as_json: bool) -> None:
    """What the engine process adds to a request, and how soon a cancelled one has ended."""
    from . import engine as process

    _emit("engine", process.measure(load()), as_json, keep=False)


bench.add_command(models.command, "models")
bench.add_command(tools.command, "tools")
bench.add_command(conversation.command, "conversation")

if __name__ == "__main__":
    sys.exit(bench(prog_name="scripts/bench"))
