"""v1: ``<task>`` elements <-> fields, and the lenses. Pure.

Two generations of servers speak v1 (protocols/capsule.md, 2.3, [OD]). The later one (from 2013 on) puts a ``<status>``
into each task; the early one, that of the 2012 documentation, shows neither completion nor detail nor stamps, and
lists open tasks only, whatever ``status`` is asked for. They are told apart by the answers alone: one ``<status>``
makes the server a later one for good; tasks without any make it an early one until then; an account without tasks
counts as later until it shows one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from xml.etree.ElementTree import Element, SubElement

from tasksync.connectors.capsule.mapping import (
    Unreadable,
    body_lens,
    category_lens,
    headline,
    parse_day,
    parse_instant,
    plain,
    title_lens,
)
from tasksync.core.lens import Lens, due, same, whole_seconds
from tasksync.core.record import Observation, Value, Values


class Generation(StrEnum):
    """What the tasks seen so far say about the server."""

    UNKNOWN = "unknown"
    EARLY = "2012"
    LATE = "2017"

    def after(self, tasks: Collection[Element]) -> Generation:
        """What is known once these tasks were seen, too."""
        if self is Generation.LATE or any(task.find("status") is not None for task in tasks):
            return Generation.LATE
        return Generation.EARLY if tasks else self


def lenses(categories: Iterable[str], generation: Generation) -> Mapping[str, Lens]:
    """By field. A server of 2012 has no lens for the body: it has nowhere to store one (I10)."""
    found = (
        title_lens(),
        body_lens(),
        due("due", whole_seconds, required=True),
        same("done"),
        category_lens(categories),
    )
    return {lens.field: lens for lens in found if lens.field != "body" or generation is not Generation.EARLY}


def read_task(task: Element, generation: Generation, *, listed_open: bool = False) -> Observation:
    """What a ``<task>`` says. `listed_open`: it comes from a list that shows open tasks only, which tells of a task
    without ``<status>`` that it is not done; nothing else does. Raises `Unreadable`.
    """
    external_id = task_id(task)
    try:
        return Observation(
            external_id=external_id,
            values=_values(task, generation, listed_open=listed_open),
            modified=_stamp(task, "updatedOn"),
            created=_stamp(task, "createdOn"),
            completed=_stamp(task, "completedOn"),
        )
    except Unreadable as error:
        raise Unreadable(f"task {external_id}: {error}") from None


def task_id(task: Element) -> str:
    """The id of a ``<task>``: digits. Raises `Unreadable`."""
    if task.tag != "task":
        raise Unreadable(f"<{task.tag}> in place of a <task>")
    found = _word(task, "id")
    if not (found.isascii() and found.isdigit()):
        raise Unreadable(f"a task with the id {found!r}")
    return found


def _values(task: Element, generation: Generation, *, listed_open: bool) -> dict[str, Value]:
    description = _text(task, "description")
    if description is None:
        raise Unreadable("it has no description")
    values: dict[str, Value] = {
        "title": headline(description),
        "due": _due(task),
        "category": plain(_text(task, "category") or "") or None,
    }
    detail = _text(task, "detail")
    if detail is not None or generation is not Generation.EARLY:
        values["body"] = plain(detail or "")
    if task.find("status") is not None:
        values["done"] = _word(task, "status") == "COMPLETED"
    elif listed_open:
        values["done"] = False
    return values


def _due(task: Element) -> date | datetime | None:
    # The seed's sample shows both elements at once; the one with the time of day says more.
    moment = _word(task, "dueDateTime")
    if moment:
        return whole_seconds(parse_instant(moment))
    # A date in disguise: the T00:00:00Z is no instant, and is not looked at.
    day = _word(task, "dueDate")
    return parse_day(day.partition("T")[0]) if day else None


def _stamp(task: Element, name: str) -> datetime | None:
    written = _word(task, name)
    return parse_instant(written) if written else None


def _text(task: Element, name: str) -> str | None:
    """The text of a child element, white space around it included; None when there is no such element."""
    child = task.find(name)
    return None if child is None else child.text or ""


def _word(task: Element, name: str) -> str:
    """The text of a child element that is no prose; empty when there is no such element."""
    return (_text(task, name) or "").strip()


def write_task(values: Values) -> Element:
    """A ``<task>`` that sets `values` and nothing else: an empty element clears (protocols/capsule.md, 2.6, [CLI]). The
    state is not among what it writes: completing and reopening have requests of their own.
    """
    task = Element("task")
    for field, element in (("title", "description"), ("body", "detail"), ("category", "category")):
        if field in values:
            SubElement(task, element).text = plain(str(values[field] or ""))
    moment = values.get("due")
    if isinstance(moment, datetime):
        SubElement(task, "dueDateTime").text = f"{whole_seconds(moment).replace(tzinfo=None).isoformat()}Z"
    elif isinstance(moment, date):
        SubElement(task, "dueDate").text = f"{moment.isoformat()}T00:00:00Z"
    return task


def read_categories(root: Element) -> tuple[str, ...]:
    """The names in ``<taskCategories>``, in the CRM's order. Raises `Unreadable`."""
    if root.tag != "taskCategories":
        raise Unreadable(f"<{root.tag}> in place of <taskCategories>")
    return tuple(name for child in root.iter("taskCategory") if (name := plain(child.text or "")))


def signed_in(root: Element) -> Mapping[str, str]:
    """The children of the ``<user>`` that the token belongs to, by name. Raises `Unreadable` when there is none."""
    if root.tag != "users":
        raise Unreadable(f"<{root.tag}> in place of <users>")
    for user in root.iter("user"):
        if (user.findtext("loggedIn") or "").strip() == "true" and user.findtext("username"):
            return {child.tag: (child.text or "").strip() for child in user}
    raise Unreadable("a list of users, none of them marked as the one who is logged in")
