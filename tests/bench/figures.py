"""Rows of what processes took: the median over their runs, and of memory the most."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, Final

from tests.bench.children import Taken
from tests.bench.report import Row

_MIB: Final = 1024 * 1024
Runs = Sequence[Taken]


def wall(case: str, tasks: int, figure: str, ours: Runs, theirs: Runs = (), **limits: Any) -> Row:
    """The time on the clock."""
    return _row(case, tasks, figure, [one.wall_s for one in ours], [one.wall_s for one in theirs], limits)


def cpu(case: str, tasks: int, figure: str, ours: Runs, theirs: Runs = (), **limits: Any) -> Row:
    """What the process itself has computed, all threads together."""
    return _row(case, tasks, figure, [one.cpu_s for one in ours], [one.cpu_s for one in theirs], limits)


def peak(case: str, tasks: int, figure: str, ours: Runs, theirs: Runs = (), **limits: Any) -> Row:
    """The most memory that any of the processes ever held."""
    most = [max(one.peak_bytes for one in some) / _MIB if some else None for some in (ours, theirs)]
    assert most[0] is not None
    return Row(case=case, tasks=tasks, figure=figure, unit="MiB", ours=most[0], theirs=most[1], **limits)


def _row(
    case: str, tasks: int, figure: str, ours: Sequence[float], theirs: Sequence[float], limits: dict[str, Any]
) -> Row:
    against = median(theirs) if theirs else None
    return Row(case=case, tasks=tasks, figure=figure, unit="s", ours=median(ours), theirs=against, **limits)


def count(case: str, tasks: int, figure: str, ours: int, theirs: int | None = None, **limits: Any) -> Row:
    """Requests."""
    return Row(case=case, tasks=tasks, figure=figure, unit="requests", ours=ours, theirs=theirs, **limits)
