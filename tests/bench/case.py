"""What a case of the bench is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tests.bench.lab import Lab
from tests.bench.report import Row


class Case(Protocol):
    """`name` is the word on the command line; `about`, what is compared with what."""

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str: ...

    def run(self, lab: Lab) -> Sequence[Row]:
        """Measure. Raises whatever keeps it from measuring."""
