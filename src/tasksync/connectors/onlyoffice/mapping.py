"""ONLYOFFICE task payloads as observations, remote forms as request bodies, and the lenses. Pure.

Rules, all from protocols/onlyoffice.md (those of times in `times`):

text
    See `text`.
absent members
    Members with their default value are not printed (2.3, [S]): no `isClosed` is open, no `alertValue` is no reminder,
    no `description` is an empty one.
people and links
    See `references`.
PUT replaces
    Every writable member has to be sent back as it was read, or it is zeroed (2.4, [S]).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from tasksync.connectors.categories import NO_ALIASES, find_category
from tasksync.connectors.onlyoffice.payload import NotUnderstood, identifier, member
from tasksync.connectors.onlyoffice.references import (
    assignees_lens,
    contact_of,
    entity_of,
    link_members,
    linked,
    links_lens,
    responsible,
    user_member,
    user_of,
)
from tasksync.connectors.onlyoffice.text import BODY, TITLE, kept_text, shown_text
from tasksync.connectors.onlyoffice.times import day_start, due_form, parse_moment, sent
from tasksync.core.lens import KEEP, Lens, Shown, same, text
from tasksync.core.record import Observation, Value, Values
from tasksync.core.reference import Counterpart, only_own
from tasksync.errors import DefaultNeeded

_LARGEST_INT: Final = 2**31 - 1

# The vendor's pages spell some names of a PUT otherwise in a POST; the server takes either (2.4, [S]).
_POSTED: Final = {
    "responsibleid": "responsibleId",
    "categoryid": "categoryId",
    "contactid": "contactId",
    "entityid": "entityId",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """What a payload has to be read with: the name of the connection, the portal's zone, and the ids of its task
    categories by title. `aliases` are those of `find_category`.
    """

    connection: str
    zone: ZoneInfo
    categories: Mapping[str, int]
    aliases: Mapping[str, str] = field(default_factory=lambda: NO_ALIASES)


# --- Reference data ---


def sees_everything(user: Mapping[str, Any]) -> bool:
    """Whether `people/@self` describes a portal or CRM administrator; others see and edit fewer tasks (1.4, [S])."""
    modules = user.get("listAdminModules")
    return (
        user.get("isAdmin") is True or user.get("isOwner") is True or (isinstance(modules, list) and "crm" in modules)
    )


def category_ids(listing: Sequence[Any]) -> Mapping[str, int]:
    """Ids by title from the answer to `GET task/category`; of equal titles the first. Raises `NotUnderstood`."""
    found: dict[str, int] = {}
    for item in listing:
        if not isinstance(item, dict):
            raise NotUnderstood(f"a task category that is {type(item).__name__}")
        title = member(item, "title", str)
        if title:
            found.setdefault(title, identifier(item))
    return MappingProxyType(found)


# --- Payload -> observation ---


def observe(payload: Any, portal: Portal) -> Observation:
    """The task of one payload. Raises `NotUnderstood` that names the task if it cannot be understood."""
    external_id = str(identifier(payload))
    try:
        return Observation(
            external_id=external_id,
            values=_values(payload, portal),
            created=parse_moment(member(payload, "created", str), portal.zone),
            payload=payload,
        )
    except NotUnderstood as error:
        raise NotUnderstood(f"task {external_id}, {error}") from None


def _values(payload: Mapping[str, Any], portal: Portal) -> dict[str, Value]:
    values: dict[str, Value] = {
        "body": shown_text(payload, "description", *BODY),
        "done": member(payload, "isClosed", bool) is True,
    }
    reminder = member(payload, "alertValue", int) or 0
    values["reminder"] = reminder if reminder > 0 else None
    title = shown_text(payload, "title", *TITLE)
    if title:
        values["title"] = title
    assignees, links = responsible(payload, portal.connection), linked(payload, portal.connection)
    if assignees is not None:
        values["assignees"] = assignees
    if links is not None:
        values["links"] = links
    category = member(payload, "category", dict)
    if category and (name := member(category, "title", str)):
        values["category"] = name
    deadline = parse_moment(member(payload, "deadLine", str), portal.zone)
    due = KEEP if deadline is None else due_form(deadline, portal.zone)
    if due is not KEEP:
        values["due"] = due
    return values


# --- Lenses ---


def lenses(portal: Portal, counterpart: Counterpart | None = None) -> Mapping[str, Lens]:
    """By field. There is no priority in ONLYOFFICE. `counterpart`: as for `ports.Connector.lenses`.

    A category that was made after the list was read is shown by its name, but has no form until the next `open`: the
    replica keeps what it has.
    """
    called = only_own(portal.connection) if counterpart is None else counterpart
    offered = (
        text("title", *TITLE, required=True),
        text("body", *BODY),
        Lens(field="due", show=lambda value: due_form(value, portal.zone), required=True),
        same("done"),
        Lens(field="category", show=lambda value: category_form(value, portal), required=True),
        assignees_lens(called),
        links_lens(called),
        Lens(field="reminder", show=_minutes),
    )
    return MappingProxyType({lens.field: lens for lens in offered})


def category_form(value: Value, portal: Portal) -> Shown:
    """The category in the portal's spelling, as `find_category` finds it, else KEEP."""
    found = find_category(value, tuple(portal.categories), portal.aliases) if isinstance(value, str) else None
    return KEEP if found is None else found


def _minutes(value: Value) -> Shown:
    return KEEP if isinstance(value, int) and value > _LARGEST_INT else value


# --- Remote forms -> request body ---


def create_body(values: Values, portal: Portal, *, user: str) -> dict[str, Any]:
    """The body of a POST: what the record has, and, where that is nobody, `user` (an id) as the responsible, whom the
    vendor's page does not call optional (SEED 001). The state is no part of it: a task is closed by a request of its
    own. Raises `DefaultNeeded`.
    """
    changed = {"responsibleid": user, "isNotify": False, **_changed(values, portal)}
    body = {_POSTED.get(name, name): value for name, value in changed.items()}
    _require(body, title="title", deadline="due", categoryId="category")
    return body


def update_body(payload: Mapping[str, Any], changes: Values, portal: Portal) -> dict[str, Any]:
    """The body of a PUT that sets `changes` and keeps the rest of `payload`, a task as it was just read.

    The responsible that is printed for "nobody, or somebody removed" is no user: nobody is sent, which keeps an
    unassigned task as it is and shows the same as before for a removed user, whose id cannot be known.
    Raises `DefaultNeeded`, and `NotUnderstood` if the payload cannot be understood.
    """
    deadline = parse_moment(member(payload, "deadLine", str), portal.zone)
    category = member(payload, "category", dict)
    entity_type, entity = entity_of(payload)
    body = {
        "title": kept_text(payload, "title"),
        "description": kept_text(payload, "description"),
        "deadline": None if deadline is None else sent(deadline),
        "responsibleid": user_of(payload),
        "categoryid": 0 if category is None else identifier(category),
        "contactid": contact_of(payload),
        "entityType": entity_type,
        "entityid": entity,
        "isNotify": False,
        "alertValue": member(payload, "alertValue", int) or 0,
        **_changed(changes, portal),
    }
    _require(body, title="title", deadline="due", categoryid="category")
    return body


def _changed(values: Values, portal: Portal) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, value in values.items():
        match name:
            case "title":
                body["title"] = value
            case "body":
                body["description"] = value
            case "due" if isinstance(value, datetime):
                body["deadline"] = sent(value)
            case "due" if isinstance(value, date):
                body["deadline"] = sent(day_start(value, portal.zone))
            case "category" if value is not None:
                body["categoryid"] = _category_id(str(value), portal)
            case "reminder":
                body["alertValue"] = value or 0
            case "assignees" if isinstance(value, tuple):
                body |= user_member(value)
            case "links" if isinstance(value, tuple):
                body |= link_members(value)
            case _:  # the state has requests of its own; nothing else has a lens here, or can be cleared
                pass
    return body


def _category_id(name: str, portal: Portal) -> int:
    shown = category_form(name, portal)
    if shown is KEEP:
        known = ", ".join(portal.categories) or "none at all"
        raise DefaultNeeded(f"The portal has no task category {name!r}; it has {known}.")
    return portal.categories[str(shown)]


def _require(body: Mapping[str, Any], **fields: str) -> None:
    for key, told in fields.items():
        if not body.get(key):
            raise DefaultNeeded(
                f"ONLYOFFICE stores no task without a {told}; give it one, or the connection a default for it."
            )
