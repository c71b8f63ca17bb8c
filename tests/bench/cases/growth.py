"""Time per task as the accounts grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.bench.cases import first, quiet
from tests.bench.figures import cpu, peak, wall
from tests.bench.lab import Lab
from tests.bench.report import Row

LARGEST: Final = 100_000


def sizes(lab: Lab) -> tuple[int, int, int]:
    """A hundredth, a tenth, and all of the tasks per connection."""
    largest = lab.tasks or LARGEST
    return largest // 100, largest // 10, largest


def quiet_at(lab: Lab, tasks: int) -> quiet.Measured:
    return quiet.measure(lab, tasks=tasks, api="v2", runs=lab.runs or _runs(tasks))


def first_at(lab: Lab, tasks: int) -> first.Measured:
    """Without latency and without the bare client: what counts is our own time."""
    return first.measure(lab, tasks=tasks, api="v2", runs=1 if tasks > 1_000 else 3, latency_s=0.0, bare=False)


def _runs(tasks: int) -> int:
    return 5 if tasks <= LARGEST // 10 else 3


class Growth:
    name = "growth"
    about = "time per task of quiet and first: at all tasks as at a tenth of them"

    def run(self, lab: Lab) -> Sequence[Row]:
        return [*_rows(lab, "quiet"), *_rows(lab, "first")]


def _rows(lab: Lab, what: str) -> list[Row]:
    rows, per_task = [], []
    for tasks in sizes(lab):
        taken = quiet_at(lab, tasks).ours if what == "quiet" else first_at(lab, tasks).ours
        took = wall(Growth.name, tasks, f"wall, {what}", taken)
        per_task.append(took.ours / tasks * 1_000_000)
        rows += [
            took,
            cpu(Growth.name, tasks, f"CPU, {what}", taken),
            peak(Growth.name, tasks, f"peak RSS, {what}", taken),
        ]
    _, tenth, whole = per_task
    figure = f"wall per task, {what}, against a tenth"
    return [
        *rows,
        Row(case=Growth.name, tasks=tasks, figure=figure, unit="us/task", ours=whole, theirs=tenth, bound=1.3),
    ]
