"""`task/filter`: which tasks, in what order, which part of them, and how many there are said to be
(onlyoffice.md 2.1, 2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.onlyoffice.paging import cut
from tasksync.sandbox.onlyoffice.params import Params
from tasksync.sandbox.onlyoffice.people import NOBODY
from tasksync.sandbox.onlyoffice.tables import Tables, Task
from tasksync.sandbox.onlyoffice.wire import failure

_TOTALS_LAST = timedelta(seconds=60)


def listing(portal: Tables, params: Params) -> tuple[list[Task], dict[str, int]]:
    """One page and the paging members of its envelope. Raises Refusal (400, 500)."""
    wanted, key = _filters(portal, params)
    is_closed = params.flag("isClosed")
    matching = [row for row in portal.rows() if all(test(row) for test in wanted)]
    rows = [row for row in matching if is_closed is None or row.closed == is_closed]
    _sort(portal, rows, params)
    return cut(rows, params, total=lambda: _cached_total(portal, key, len(rows)))


def _cached_total(portal: Tables, key: tuple[object, ...], count: int) -> int:
    """The key lacks `isClosed`, and closing a task does not empty the cache."""
    now = portal.now()
    cached = portal.totals.get(key)
    if cached is not None and cached[1] > now:
        return cached[0]
    portal.totals[key] = count, now + _TOTALS_LAST
    return count


def _filters(portal: Tables, params: Params) -> tuple[list[Callable[[Task], bool]], tuple[object, ...]]:
    tests: list[Callable[[Task], bool]] = []
    responsible, category = params.guid("responsibleid"), params.number("categoryid")
    since, until = params.date("fromDate", portal.zone), params.date("toDate", portal.zone)
    entity_type, entity = params.text("entityType").lower(), params.number("entityid")
    words = params.words()
    _check_updated_since(portal, params)
    if entity_type not in {"", "contact", "opportunity", "case"}:
        raise Refusal(failure(400))
    if responsible != NOBODY:
        tests.append(lambda row: row.responsible == responsible)
    if category > 0:
        tests.append(lambda row: row.category == category)
    if since is not None:
        tests.append(lambda row: row.deadline >= since)
    if until is not None:
        tests.append(lambda row: row.deadline <= until)
    if entity_type and entity > 0:
        tests.append(lambda row: _is_about(portal, row, entity_type, entity))
    if words:
        tests.append(lambda row: all(word in f"{row.title} {row.description}".lower() for word in words))
    return tests, (responsible, category, since, until, entity_type, entity, *words)


def _is_about(portal: Tables, row: Task, entity_type: str, entity: int) -> bool:
    """Tasks of a company are those of its persons, too."""
    if entity_type != "contact":
        return (row.entity_type, row.entity) == (entity_type, entity)
    contact = portal.contacts.get(row.contact)
    return row.contact == entity or (contact is not None and contact.company == entity)


def _check_updated_since(portal: Tables, params: Params) -> None:
    """It filters nothing, but one that cannot be read is a fault of the server ([I])."""
    try:
        params.date("updatedSince", portal.zone)
    except Refusal:
        raise Refusal(failure(500)) from None


def _sort(portal: Tables, rows: list[Task], params: Params) -> None:
    """In place. Open tasks come before closed ones whatever the order."""
    orders: dict[str, Callable[[Task], Any]] = {
        "title": lambda row: (row.title.lower(), row.deadline),
        "category": lambda row: (portal.categories.get(row.category, ""), row.deadline, row.title.lower()),
        "deadline": lambda row: (row.deadline, row.title.lower()),
        "contact": lambda row: (*_contact(portal, row), row.deadline, row.title.lower()),
        "contactmanager": lambda row: (_surname(portal, row), row.deadline),
        "id": lambda row: row.id,
    }
    order = orders.get(params.text("sortBy").lower() or "deadline", orders["id"])
    rows.sort(key=order, reverse=params.text("sortOrder") == "descending")
    rows.sort(key=lambda row: row.closed)


def _contact(portal: Tables, row: Task) -> tuple[bool, str]:
    """Those without a contact come last."""
    contact = portal.contacts.get(row.contact)
    return contact is None, contact.name.lower() if contact else ""


def _surname(portal: Tables, row: Task) -> str:
    person = portal.people.get(row.responsible)
    return f"{person.last} {person.first}".lower() if person else ""
