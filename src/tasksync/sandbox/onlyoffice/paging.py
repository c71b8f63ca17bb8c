"""Which part of a list an answer holds, and what its envelope says of the rest (onlyoffice.md 2.1, 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from tasksync.sandbox.onlyoffice.params import Params

MOST = 1000
Row = TypeVar("Row")


def cut(
    rows: Sequence[Row], params: Params, *, total: Callable[[], int] | None = None
) -> tuple[list[Row], dict[str, int]]:
    """One page and the paging members of its envelope. `nextIndex` is one too far. `total` counts all rows where there
    are more of them than the page holds; where there are not, the total is the end of the page, wherever it began.
    """
    start = max(0, _number(params, "startIndex", 0))
    # One row is always read, which makes a page size of 0 odd.
    count = max(1, _page_size(params))
    chosen, more = list(rows[start : start + count]), len(rows) > start + count
    paging = {"startIndex": start} if start else {}
    if more:
        paging["nextIndex"] = start + count + 1
        paging["total"] = len(rows) if total is None else total()
    else:
        paging["total"] = start + len(chosen)
    return chosen, paging


def _page_size(params: Params) -> int:
    count = _number(params, "count", MOST)
    return min(count, MOST) if count >= 0 else MOST


def _number(params: Params, name: str, default: int) -> int:
    text = params.text(name).strip()
    return int(text) if text.removeprefix("-").isdecimal() else default
