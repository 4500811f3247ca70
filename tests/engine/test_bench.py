"""`scripts/bench engine` measures what it says; how fast it is here proves nothing."""

import asyncio
from pathlib import Path

from earshot.bench import engine
from earshot.settings import load


async def test_every_figure_is_measured(tmp_path: Path) -> None:
    rows = await asyncio.to_thread(engine.measure, load({"state_dir": tmp_path}), 4)
    assert len(rows) == 7 and all(row.target for row in rows[:6])
    assert all(row.ours_ms > 0 for row in rows[3:])
