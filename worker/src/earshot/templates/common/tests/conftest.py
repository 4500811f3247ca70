"""The agent of this project, loaded once for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from earshot.rehearsal import Rehearsal


@pytest.fixture(scope="session")
def agent() -> Iterator[Rehearsal]:
    with Rehearsal(Path(__file__).parents[1]) as rehearsal:
        yield rehearsal
