"""A firm of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from working_day import Firm, working_day


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    with working_day(tmp_path) as found:
        yield found
