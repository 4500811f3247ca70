"""How many calls: measured once with the real models, then read."""

import json
from pathlib import Path

from earshot import capacity
from earshot.models import load_profile
from earshot.session import load_models
from earshot.settings import load


def test_more_cost_fewer_calls() -> None:
    assert capacity.capacity(0.2, cores=2) > capacity.capacity(2.0, cores=2) >= 1
    assert capacity.capacity(0.2, cores=8) > capacity.capacity(0.2, cores=2)
    assert capacity.capacity(1000.0, cores=1) == 1
    assert capacity.capacity(0.0, cores=1000) == capacity.CALLS_MAX


async def test_measured_once(tmp_path: Path) -> None:
    settings = load({"state_dir": tmp_path})
    profile = load_profile(settings.profile, settings.models_dir)
    models = load_models(settings, profile)
    try:
        calls = await capacity.calls_max(settings, profile, models)
        kept = json.loads((tmp_path / "capacity.json").read_text())
        assert kept["calls_max"] == calls >= 1
        assert 0.01 < kept["turn_cost_s"] < 60
        (tmp_path / "capacity.json").write_text(json.dumps(kept | {"calls_max": 7}))
        assert await capacity.calls_max(settings, profile, models) == 7
        (tmp_path / "capacity.json").write_text("damaged")
        assert await capacity.calls_max(settings, profile, models) >= 1
    finally:
        await models.aclose()
    fixed = load({"state_dir": tmp_path, "calls": {"max": 3}})
    assert await capacity.calls_max(fixed, profile, models) == 3
