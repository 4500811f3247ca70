"""The last step of every recipe: the same judgement that `scripts/bench models` makes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earshot.bench import answering as answering_bench
from earshot.bench import hearing as hearing_bench
from earshot.bench import models as models_bench
from earshot.bench import speaking as speaking_bench


def hearing(model: Path, speech: Path, quiet_s: int = 60) -> None:
    report = hearing_bench.score(model, hearing_bench.read_speech(speech), quiet_s)
    _keep(model, report, models_bench.hearing_table(report))


def answering(model: Path, dialogues: Path) -> None:
    report = answering_bench.score(model, answering_bench.read_dialogues(dialogues))
    _keep(model, report, models_bench.answering_table(report))


def speaking(model: Path, sentences: list[str]) -> None:
    report = speaking_bench.score(model, sentences)
    _keep(model, report, models_bench.speaking_table(report))


def _keep(model: Path, report: dict[str, Any], table: Iterator[str]) -> None:
    model.with_name(model.name + ".report.json").write_text(json.dumps(report, indent=1))
    print("\n".join(table))
