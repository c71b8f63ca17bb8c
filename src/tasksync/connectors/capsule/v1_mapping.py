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
from tasksync.connectors.capsule.references import (
    Link,
    assignee_lens,
    is_number,
    link_of,
    links_lens,
    person_of,
    refer,
)
from tasksync.connectors.categories import NO_ALIASES
from tasksync.core.lens import Lens, due, same, whole_seconds
from tasksync.core.record import Observation, Value, Values
from tasksync.core.reference import CASE, CONTACT, OPPORTUNITY, PERSON, Counterpart

# What a task belongs to; "case" is spelled so here (protocols/capsule.md, 2.1, [OD]). Of several, which only samples
# show, the first says most.
_LINKS = ((CASE, "caseId"), (OPPORTUNITY, "opportunityId"), (CONTACT, "partyId"))


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


def lenses(
    categories: Iterable[str],
    generation: Generation,
    counterpart: Counterpart,
    *,
    aliases: Mapping[str, str] = NO_ALIASES,
) -> Mapping[str, Lens]:
    """By field. `aliases` are those of `find_category`. A server of 2012 has no lens for the body: it has nowhere to
    store one (I10). A link is given with the create and stands for good (2.3, [OD]).
    """
    found = (
        title_lens(),
        body_lens(),
        due("due", whole_seconds, required=True),
        same("done"),
        category_lens(categories, aliases),
        assignee_lens(counterpart),
        links_lens(counterpart, fixed=True),
    )
    return {lens.field: lens for lens in found if lens.field != "body" or generation is not Generation.EARLY}


def read_task(task: Element, generation: Generation, connection: str, *, listed_open: bool = False) -> Observation:
    """What a ``<task>`` says, with references of `connection`. `listed_open`: it comes from a list that shows open
    tasks only, which tells of a task without ``<status>`` that it is not done; nothing else does. Raises `Unreadable`.
    """
    external_id = task_id(task)
    try:
        return Observation(
            external_id=external_id,
            values=_values(task, generation, listed_open=listed_open) | _references(task, connection),
            modified=stamp(task, "updatedOn"),
            created=stamp(task, "createdOn"),
            completed=stamp(task, "completedOn"),
        )
    except Unreadable as error:
        raise Unreadable(f"task {external_id}: {error}") from None


def task_id(task: Element) -> str:
    """The id of a ``<task>``: digits. Raises `Unreadable`."""
    if task.tag != "task":
        raise Unreadable(f"<{task.tag}> in place of a <task>")
    found = word_in(task, "id")
    if not (found.isascii() and found.isdigit()):
        raise Unreadable(f"a task with the id {found!r}")
    return found


def _values(task: Element, generation: Generation, *, listed_open: bool) -> dict[str, Value]:
    description = text_in(task, "description")
    if description is None:
        raise Unreadable("it has no description")
    values: dict[str, Value] = {
        "title": headline(description),
        "due": _due(task),
        "category": plain(text_in(task, "category") or "") or None,
    }
    detail = text_in(task, "detail")
    if detail is not None or generation is not Generation.EARLY:
        values["body"] = plain(detail or "")
    if task.find("status") is not None:
        values["done"] = word_in(task, "status") == "COMPLETED"
    elif listed_open:
        values["done"] = False
    return values


def _references(task: Element, connection: str) -> dict[str, Value]:
    """Without an owner, which every task has, nothing is told of one."""
    values: dict[str, Value] = {"links": ()}
    username = headline(word_in(task, "owner"))
    if username:
        values["assignees"] = (refer(connection, PERSON, username),)
    for type_, name in reversed(_LINKS):
        found = word_in(task, name)
        if found and not is_number(found):
            raise Unreadable(f"its {name} is {found[:40]!r}")
        if found:
            values["links"] = (refer(connection, type_, found),)
    return values


def _due(task: Element) -> date | datetime | None:
    # The seed's sample shows both elements at once; the one with the time of day says more.
    moment = word_in(task, "dueDateTime")
    if moment:
        return whole_seconds(parse_instant(moment))
    # A date in disguise: the T00:00:00Z is no instant, and is not looked at.
    day = word_in(task, "dueDate")
    return parse_day(day.partition("T")[0]) if day else None


def stamp(found: Element, name: str) -> datetime | None:
    """The instant in a child element; None when there is no such element. Raises `Unreadable`."""
    written = word_in(found, name)
    return parse_instant(written) if written else None


def text_in(found: Element, name: str) -> str | None:
    """The text of a child element, white space around it included; None when there is no such element."""
    child = found.find(name)
    return None if child is None else child.text or ""


def word_in(found: Element, name: str) -> str:
    """The text of a child element that is no prose; empty when there is no such element."""
    return (text_in(found, name) or "").strip()


def write_task(values: Values) -> Element:
    """A ``<task>`` that sets `values` and nothing else: an empty element clears (protocols/capsule.md, 2.6, [CLI]).
    State and link are not among what it writes: the one has requests of its own, the other stands in the path of the
    create.
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
    username = person_of(values.get("assignees"))
    if username is not None:
        SubElement(task, "owner").text = plain(username)
    return task


def write_link(values: Values) -> Link | None:
    """For what a task with `values` is created. Raises `LookupError`, which names it, for an id that Capsule cannot
    have.
    """
    return link_of(values.get("links"))


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
