"""The cores in sight, and their shares."""

import dataclasses
from pathlib import Path

import pytest
from earshot.cores import CoreShares, cores


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 8, 12, 16, 64])
def test_threads_are_never_more_than_cores(count: int) -> None:
    shares = dataclasses.astuple(CoreShares.of(count))
    assert min(shares) >= 1 and sum(shares) == max(count, 3)


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
