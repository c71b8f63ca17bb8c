"""ONLYOFFICE task payloads as observations, remote forms as request bodies, and the lenses. Pure.

Rules, all from protocols/onlyoffice.md (those of times in `times`):

text
    `title` holds 255 characters and `description` 65,535 bytes, of Unicode's basic plane (2.4, [S]; what happens to the
    rest is [I]: cut, mangled, or an error). What is sent is cut here, so that the answer, which echoes what was sent,
    and later listings agree. What is read goes through the same filters, so an observation is always a form that the
    lens leaves alone. White space at the ends stays.
absent members
    Members with their default value are not printed (2.3, [S]): no `isClosed` is open, no `alertValue` is no reminder,
    no `description` is an empty one.
PUT replaces
    Every writable member has to be sent back as it was read, or it is zeroed (2.4, [S]).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from tasksync.connectors.onlyoffice.times import NotUnderstood, day_start, due_form, parse_moment, sent
from tasksync.core.lens import KEEP, Lens, Shown, basic_plane, cut, cut_bytes, same, text
from tasksync.core.record import Observation, Value, Values
from tasksync.errors import DefaultNeeded

# Printed instead of the responsible of a task that has none, or whose user was removed (2.3, [S]).
LOST_USER: Final = "4a515a15-d4d6-4b8e-828e-e0586f18f3a3"
NOBODY: Final = "00000000-0000-0000-0000-000000000000"

_LARGEST_INT: Final = 2**31 - 1

_REWRITTEN_IN_JSON = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|/Date\(", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """What a payload has to be read with: the portal's zone, and the ids of its task categories by title."""

    zone: ZoneInfo
    categories: Mapping[str, int]


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
        title = _member(item, "title", str)
        if title:
            found.setdefault(title, _identifier(item))
    return MappingProxyType(found)


# --- Payload -> observation ---


def observe(payload: Any, portal: Portal) -> Observation:
    """The task of one payload. Raises `NotUnderstood` that names the task if it cannot be understood."""
    if not isinstance(payload, dict):
        raise NotUnderstood(f"a task that is {type(payload).__name__}")
    external_id = str(_identifier(payload))
    try:
        return Observation(
            external_id=external_id,
            values=_values(payload, portal),
            created=parse_moment(_member(payload, "created", str), portal.zone),
            payload=payload,
        )
    except NotUnderstood as error:
        raise NotUnderstood(f"task {external_id}, {error}") from None


def _values(payload: Mapping[str, Any], portal: Portal) -> dict[str, Value]:
    values: dict[str, Value] = {
        "body": _read_text(payload, "description", *_BODY),
        "done": _member(payload, "isClosed", bool) is True,
    }
    reminder = _member(payload, "alertValue", int) or 0
    values["reminder"] = reminder if reminder > 0 else None
    title = _read_text(payload, "title", *_TITLE)
    if title:
        values["title"] = title
    category = _member(payload, "category", dict)
    if category and (name := _member(category, "title", str)):
        values["category"] = name
    deadline = parse_moment(_member(payload, "deadLine", str), portal.zone)
    due = KEEP if deadline is None else due_form(deadline, portal.zone)
    if due is not KEEP:
        values["due"] = due
    return values


def _member(payload: Mapping[str, Any], name: str, kind: type) -> Any:
    """A member of that exact JSON type, or None if it is absent or null."""
    value = payload.get(name)
    if value is not None and type(value) is not kind:
        raise NotUnderstood(f"{name} is {type(value).__name__}")
    return value


def _identifier(payload: Mapping[str, Any]) -> int:
    value = _member(payload, "id", int)
    if value is None or value < 0:
        raise NotUnderstood("an id is missing")
    return int(value)


def _read_text(payload: Mapping[str, Any], name: str, *filters: Callable[[str], str]) -> str:
    found = (_member(payload, name, str) or "").replace("\r\n", "\n").replace("\r", "\n")
    for change in filters:
        found = change(found)
    return found


# --- Lenses ---


def encodable(value: str) -> str:
    """Without lone surrogates, which no request can carry."""
    return value.encode("utf-8", "replace").decode("utf-8")


_TITLE: Final = (encodable, basic_plane, cut(255))
_BODY: Final = (encodable, basic_plane, cut_bytes(65_535))


def lenses(portal: Portal) -> Mapping[str, Lens]:
    """By field. There is no priority in ONLYOFFICE.

    A category that was made after the list was read is shown by its name, but has no form until the next `open`: the
    replica keeps what it has.
    """
    offered = (
        text("title", *_TITLE, required=True),
        text("body", *_BODY),
        Lens(field="due", show=lambda value: due_form(value, portal.zone), required=True),
        same("done"),
        Lens(field="category", show=lambda value: category_form(value, portal.categories), required=True),
        Lens(field="reminder", show=_minutes),
    )
    return MappingProxyType({lens.field: lens for lens in offered})


def category_form(value: Value, known: Mapping[str, int]) -> Shown:
    """The category in the portal's spelling: that exact title, else the first that differs only in case, else KEEP."""
    if not isinstance(value, str):
        return KEEP
    if value in known:
        return value
    return next((title for title in known if title.casefold() == value.casefold()), KEEP)


def _minutes(value: Value) -> Shown:
    return KEEP if isinstance(value, int) and value > _LARGEST_INT else value


# --- Remote forms -> request body ---


def create_body(values: Values, portal: Portal, *, responsible: str) -> dict[str, Any]:
    """The body of a POST: what the record has, and `responsible` (a user's id), which the vendor's page does not call
    optional (SEED 001). The state is no part of it: a task is closed by a request of its own. Raises `DefaultNeeded`.
    """
    body = {"responsibleId": responsible, "isNotify": False, **_changed(values, portal)}
    if "categoryid" in body:
        body["categoryId"] = body.pop("categoryid")
    _require(body, title="title", deadline="due", categoryId="category")
    return body


def update_body(payload: Mapping[str, Any], changes: Values, portal: Portal) -> dict[str, Any]:
    """The body of a PUT that sets `changes` and keeps the rest of `payload`, a task as it was just read.

    The responsible that is printed for "nobody, or somebody removed" is no user: nobody is sent, which keeps an
    unassigned task as it is and shows the same as before for a removed user, whose id cannot be known.
    Raises `DefaultNeeded`, and `NotUnderstood` if the payload cannot be understood.
    """
    deadline = parse_moment(_member(payload, "deadLine", str), portal.zone)
    responsible = _member(_member(payload, "responsible", dict) or {}, "id", str) or NOBODY
    entity = _member(payload, "entity", dict) or {}
    body = {
        "title": encodable(_member(payload, "title", str) or ""),
        "description": encodable(_member(payload, "description", str) or ""),
        "deadline": None if deadline is None else sent(deadline),
        "responsibleid": NOBODY if responsible == LOST_USER else responsible,
        "categoryid": _linked(payload, "category"),
        "contactid": _linked(payload, "contact"),
        "entityType": _member(entity, "entityType", str) or "",
        "entityid": _member(entity, "entityId", int) or 0,
        "isNotify": False,
        "alertValue": _member(payload, "alertValue", int) or 0,
        **_changed(changes, portal),
    }
    _require(body, title="title", deadline="due", categoryid="category")
    return body


def as_form(body: Mapping[str, Any]) -> bytes | None:
    """`body` as form fields if JSON would not carry it unharmed, else None.

    The server reads a JSON body through Json.NET, which takes every string that looks like an ISO time for one and
    prints it anew (3, "JSON body trap"; 7.20, [L+I]). A title or body that begins like that goes as a form, which the
    server reads as well (4.6, [S]) and the vendor's own pages send.
    """
    texts = (value for name, value in body.items() if name != "deadline" and isinstance(value, str))
    if not any(_REWRITTEN_IN_JSON.match(value) for value in texts):
        return None
    return urlencode({name: _form_value(value) for name, value in body.items()}).encode("ascii")


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
            case _:  # the state has requests of its own; nothing else has a lens here, or can be cleared
                pass
    return body


def _category_id(name: str, portal: Portal) -> int:
    shown = category_form(name, portal.categories)
    if shown is KEEP:
        known = ", ".join(portal.categories) or "none at all"
        raise DefaultNeeded(f"The portal has no task category {name!r}; it has {known}.")
    return portal.categories[str(shown)]


def _linked(payload: Mapping[str, Any], name: str) -> int:
    linked = _member(payload, name, dict)
    return 0 if linked is None else _identifier(linked)


def _require(body: Mapping[str, Any], **fields: str) -> None:
    for key, field in fields.items():
        if not body.get(key):
            raise DefaultNeeded(
                f"ONLYOFFICE stores no task without a {field}; give it one, or the connection a default for it."
            )


def _form_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
