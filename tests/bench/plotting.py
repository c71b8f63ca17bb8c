"""From the rows of `growth` and `peers` to the plot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tests.bench.plot import Panel, svg
from tests.bench.report import Row


def plot(rows: Sequence[Row]) -> str:
    """Time and memory against tasks. Peers stand where they were measured, as far as they were."""
    seconds: dict[str, list[tuple[float, float]]] = defaultdict(list)
    mib: dict[str, list[tuple[float, float]]] = defaultdict(list)
    by_measure = {"wall": seconds, "peak RSS": mib}
    for row in rows:
        measure, *more = row.figure.split(", ")
        if row.case == "growth" and measure in by_measure:
            by_measure[measure][f"tasksync, three CRMs: {more[0]}"].append((row.tasks, row.ours))
        elif row.case == "peers" and more[0] == "no latency" and row.theirs is not None:
            _, phase, peer = more
            by_measure[measure][f"{peer}, two CRMs: {phase}"].append((row.tasks, row.theirs))
    return svg(
        [
            Panel(title="Seconds, by tasks per CRM", series=seconds, show=lambda value: f"{value:g}"),
            Panel(title="Peak memory in MiB, by tasks per CRM", series=mib, show=lambda value: f"{value:g}"),
        ]
    )
