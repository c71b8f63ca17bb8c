"""Time per task as the accounts grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tests.bench.cases import first, quiet
from tests.bench.children import Taken
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
        return [*_quiet(lab), *_first(lab)]


def _quiet(lab: Lab) -> list[Row]:
    """The sizes are measured minutes apart, and the pace of a shared machine changes within them. By how much tells the
    bare client, which only fetches and parses what there is, and was measured in turns with tasksync.
    """
    found = {tasks: quiet_at(lab, tasks) for tasks in sizes(lab)}
    rows = [row for tasks, one in found.items() for row in _taken(tasks, "quiet", one.ours, one.bare)]
    paces = {tasks: wall(Growth.name, tasks, "", one.ours, one.bare) for tasks, one in found.items()}
    _, tenth, whole = sizes(lab)
    return [
        *rows,
        _growth(whole, "quiet", paces[whole].ours / whole, paces[tenth].ours / tenth),
        Row(
            case=Growth.name,
            tasks=whole,
            figure="the same in units of the bare client's wall",
            unit="x",
            ours=paces[whole].measure,
            theirs=paces[tenth].measure,
            bound=1.3,
        ),
    ]


def _first(lab: Lab) -> list[Row]:
    taken = {tasks: first_at(lab, tasks).ours for tasks in sizes(lab)}
    rows = [row for tasks, one in taken.items() for row in _taken(tasks, "first", one)]
    _, tenth, whole = sizes(lab)
    per_task = [wall(Growth.name, tasks, "", taken[tasks]).ours / tasks for tasks in (whole, tenth)]
    return [*rows, _growth(whole, "first", *per_task, bound=1.3)]


def _taken(tasks: int, what: str, ours: Sequence[Taken], theirs: Sequence[Taken] = ()) -> list[Row]:
    return [
        wall(Growth.name, tasks, f"wall, {what}", ours, theirs),
        cpu(Growth.name, tasks, f"CPU, {what}", ours, theirs),
        peak(Growth.name, tasks, f"peak RSS, {what}", ours, theirs),
    ]


def _growth(tasks: int, what: str, whole_s: float, tenth_s: float, **limits: Any) -> Row:
    figure, micro = f"wall per task, {what}, against a tenth", 1_000_000
    return Row(
        case=Growth.name, tasks=tasks, figure=figure, unit="us/task",
        ours=whole_s * micro, theirs=tenth_s * micro, **limits,
    )  # fmt: skip
