"""Plannr's lists: one page, a passage through all of them, and whether the pages add up (protocols/plannr.md, 3.2 and
3.3). What is read of an answer here is the same for tasks, cases, accounts and statuses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from tasksync.connectors.plannr.payload import NotUnderstood, stamp
from tasksync.core.seen import Seen
from tasksync.errors import ServerFault
from tasksync.ports import Response
from tasksync.transport.answers import parse_json, unreadable

PER_PAGE = 500  # the most Plannr gives (3.3 [S])
SWEEPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a listing; `total` is what Plannr says the whole listing has."""

    items: Sequence[dict[str, Any]]
    number: int
    last: int
    total: int
    goes_on: bool


@dataclass(slots=True)
class _Sweep:
    """What one passage through all pages of a listing has shown."""

    seen: Seen = field(default_factory=Seen)
    total: int = 0
    contradicted: bool = False

    def take(self, page: Page) -> None:
        self.contradicted |= page.total < self.total or (page.goes_on and page.number >= page.last)
        self.total = page.total
        self.seen.add([str(item.get("uuid")) for item in page.items])

    @property
    def whole(self) -> bool:
        """Whether the pages add up. A deletion and a creation between two pages can still hide one record; it is not
        taken for deleted, because an absence counts only after a direct read (design.md, I5).
        """
        return not self.contradicted and self.seen.count() == self.total


async def sweep(read: Callable[[int], Awaitable[Page]], what: str) -> AsyncIterator[Sequence[dict[str, Any]]]:
    """A whole listing, page by page; `read` fetches the page of a number, from 1. Reads once more from the beginning,
    twice at most, when the pages do not add up to what Plannr says there is. Raises `ServerFault` if they never do;
    `what` names the records in it.
    """
    passage = _Sweep()
    for _ in range(SWEEPS):
        passage = _Sweep()
        number = last = 1
        while number <= last:
            page = await read(number)
            passage.take(page)
            yield page.items
            number, last = number + 1, page.last
        if passage.whole:
            return
    raise ServerFault(
        f"Plannr's list of {what} did not hold still: {passage.seen.count()} different {what} on its pages, "
        f"{passage.total} by its own count, in the last of {SWEEPS} attempts."
    )


async def latest(
    read: Callable[[int], Awaitable[Page]], what: str, since: datetime
) -> AsyncIterator[Sequence[dict[str, Any]]]:
    """What was updated at `since` or later, page by page, from a listing that has the latest first. An update while it
    is read moves a record to the front, where the next look finds it; after a deletion the last one of an unread page
    may stand on one that was read, so that it is all read once more, twice at most. Raises `ServerFault` if it never
    holds still.
    """
    for _ in range(SWEEPS):
        passage = _Sweep()
        number = last = 1
        while number <= last:
            page = await read(number)
            passage.take(page)
            if passage.contradicted:
                break
            stamps = [_updated(item) for item in page.items]
            yield [item for item, at in zip(page.items, stamps, strict=True) if at is None or at >= since]
            if _ends_before(since, stamps):
                return
            number, last = number + 1, page.last
        else:
            return
    raise ServerFault(f"Plannr's list of {what} did not hold still, in any of {SWEEPS} attempts to read its latest.")


def _ends_before(since: datetime, stamps: Sequence[datetime | None]) -> bool:
    """Whether nothing is to come that was updated since. A listing in another order than was asked for, or without
    stamps, is read to its end.
    """
    told = [at for at in stamps if at is not None]
    in_order = len(told) == len(stamps) and all(before >= after for before, after in pairwise(told))
    return in_order and bool(told) and told[-1] < since


def _updated(item: Mapping[str, Any]) -> datetime | None:
    try:
        return stamp(item, "updated_at")
    except NotUnderstood:  # it is looked at with the rest of the record
        return None


def items_of(response: Response) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The whole body of a list, and what it lists. Raises what `unreadable` makes of anything else."""
    body = parse_json(response)
    items = body.get("data") if isinstance(body, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise unreadable(response, "no list of objects")
    return body, items


def page_of(response: Response, body: Mapping[str, Any], items: Sequence[dict[str, Any]], number: int) -> Page:
    """A page that says how many there are, and is the one that was asked for. Raises as `items_of` does."""
    meta, links = body.get("meta"), body.get("links")
    meta = meta if isinstance(meta, dict) else {}
    current, last, total = (meta.get(key) for key in ("current_page", "last_page", "total"))
    if not isinstance(last, int) or not isinstance(total, int):
        raise unreadable(response, "a list without the number of its pages")
    if current != number:
        raise unreadable(response, f"page {current} instead of page {number}")
    goes_on = isinstance(links, dict) and links.get("next") is not None
    return Page(items=items, number=number, last=last, total=total, goes_on=goes_on)
