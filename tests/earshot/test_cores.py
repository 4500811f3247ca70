"""The cores in sight, and their shares."""

import dataclasses
from pathlib import Path

import pytest
from earshot.cores import CoreShares, cores


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 8, 12, 16, 64])
def test_the_models_share_the_cores(count: int) -> None:
    shares = CoreShares.of(count)
    least = {1: 3, 2: 4, 3: 4, 4: 5}  # each has a thread, and the recogniser two where it can
    assert sum(dataclasses.astuple(shares)) == least.get(count, count)
    assert shares.stt >= min(2, count) and shares.llm >= 1 and shares.voice >= 1


@pytest.mark.parametrize(
    ("files", "limited"),
    [
        ({}, False),
        ({"cpu.max": "max 100000"}, False),
        ({"cpu.max": "100000 100000"}, True),
        ({"cpu.max": "50000 100000"}, True),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, False),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, True),
        ({"cpu.max": "nonsense"}, False),
    ],
)
def test_a_container_may_have_less_than_it_sees(
    tmp_path: Path, files: dict[str, str], limited: bool
) -> None:
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    assert cores(tmp_path) == (1 if limited else cores(tmp_path / "none"))
