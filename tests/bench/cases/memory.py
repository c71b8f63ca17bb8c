"""The most memory that a process ever holds."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.cases.growth import first_at, quiet_at, sizes
from tests.bench.figures import peak
from tests.bench.lab import Lab
from tests.bench.report import Row


class Memory:
    name = "memory"
    about = "peak RSS with that many tasks in each of three connections: quiet, first, and the meeting of full accounts"

    def run(self, lab: Lab) -> Sequence[Row]:
        tasks = sizes(lab)[-1]
        found = quiet_at(lab, tasks)
        return [
            peak(self.name, tasks, figure, taken, bound=200.0, aim=120.0)
            for figure, taken in {
                "quiet": found.ours,
                "first": first_at(lab, tasks).ours,
                "first meeting": [found.met],
            }.items()
        ]
