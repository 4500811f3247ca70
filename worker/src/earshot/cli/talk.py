"""`earshot talk`."""

import gc
from pathlib import Path

import click

from .path_type import UserPath


@click.command("talk")
@click.argument("questions", nargs=-1, type=UserPath(), metavar="[QUESTION.wav]...")
@click.option(
    "-o", "--output", type=UserPath(), metavar="ANSWER.wav",
    help="Write what the agent says to this WAV file.",
)  # fmt: skip
@click.option(
    "--text", "texts", multiple=True, metavar="TEXT",
    help="A typed question, after the recorded ones; may be given several times.",
)  # fmt: skip
@click.option("--mic", is_flag=True, help="Talk live, with this machine's microphone.")
@click.option("--profile", metavar="NAME", help="Which models; overrides the setting `profile`.")
@click.option(
    "--stay", type=click.FloatRange(0, 86400), default=0.0, metavar="SECONDS",
    help="Stay this long after the last answer: a timer may speak up.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object per turn, nothing else.")
def command(
    questions: tuple[Path, ...],
    output: Path | None,
    texts: tuple[str, ...],
    mic: bool,
    profile: str | None,
    stay: float,
    as_json: bool,
) -> int:
    """Hold a conversation, without a server.

    Each QUESTION is one turn: a recording in any format that FFmpeg reads. The agent hears it at
    the speed of life, and answers by voice. It shows what was heard, the tools it used, the answer,
    and how long each stage took.

    \b
    earshot talk question.wav -o answer.wav
    earshot talk first.wav second.mp3 --json
    earshot talk --text "What is five plus three?"
    earshot talk --mic
    """
    # imports and weights stay for good: the collector need not walk through them, neither while
    # they come (a tenth of the start) nor in the middle of a turn; `talk` switches it on again
    gc.disable()
    from ..talk.command import Options, talk

    return talk(Options(questions, output, texts, mic, profile, stay, as_json))
