"""Tasks, users and errors of Capsule's second API, in both directions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from starlette.responses import Response

from tasksync.sandbox.answers import Refusal, as_json
from tasksync.sandbox.capsule.account import RECORDS, USERS, Capsule, Owned, Task, User

_COLOURS = ("#d16c1a", "#1a7fd1", "#d11a4b", "#7a1ad1", "#d1c21a", "#1ad16c")
_PICTURES = "https://capsulecrm.example/pictures"
_LINKS = ("party", "opportunity", "kase")
_TOO_MANY_LINKS = "task can be related to at most one entity"
_PENDING = "cannot set task status to PENDING"


def reply(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Minified JSON (capsule.md 1.2)."""
    return Response(as_json(data), status, dict(headers or {}), media_type="application/json")


def invalid(*errors: tuple[str, str | None], resource: str = "task") -> Response:
    """422 with one entry per (message, field); an error of the whole object has no field (capsule.md 3.5)."""
    entries = [
        {"message": message, "resource": resource} | ({"field": field} if field else {}) for message, field in errors
    ]
    return reply({"message": "Validation Failed", "errors": entries}, 422)


# --- out ---


def task_shape(account: Capsule, row: Task) -> dict[str, Any]:
    """All keys in the recorded order, nulls included (capsule.md 3.3, [REC])."""
    day, clock = account.wall_clock(row.due)
    about = {record.kind: _short(record) for record in [row.about] if record}
    return {
        "id": row.id,
        "category": None if row.category is None else category_shape(account, row.category),
        "description": row.description,
        "detail": row.detail,
        "dueTime": clock.strftime("%H:%M:%S") if clock is not None else None,
        "status": row.status,
        "party": about.get("party"),
        "opportunity": about.get("opportunity"),
        "owner": _short_user(USERS[row.owner]),
        "daysAfter": None,
        "taskDelayRule": None,
        "nextTask": None,
        "active": True,
        "createdAt": _print(row.created),
        "updatedAt": _print(row.updated),
        "dueOn": day.isoformat(),
        "completedBy": row.completed_by,
        "completedAt": _print(row.completed) if row.completed else None,
        "kase": about.get("kase"),
        "taskDayDelayRule": "TRACK_DAYS",
        "overrideToCurrentUser": None,
        "repeat": None,
        "hasTrack": False,
    }


def _print(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _short(record: Owned) -> dict[str, Any]:
    if record.kind != "party":
        return {"id": record.id, "name": record.name}
    picture = f"{_PICTURES}/party-{record.id}.svg"
    if not record.is_person:
        return {"id": record.id, "type": "organisation", "name": record.name, "pictureURL": picture}
    first, _, last = record.name.partition(" ")
    return {"id": record.id, "type": "person", "firstName": first, "lastName": last, "pictureURL": picture}


def _short_user(user: User) -> dict[str, Any]:
    picture = f"{_PICTURES}/user-{user.id}.svg"
    return {"id": user.id, "deleted": False, "username": user.username, "pictureURL": picture, "name": user.name}


def user_shape(account: Capsule, user: User) -> dict[str, Any]:
    """capsule.md 4.2."""
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "status": "ACTIVE",
        "timezone": account.settings.zone,
        "locale": "en-GB",
        "currency": "GBP",
        "lastLoginAt": None,
        "taskReminder": True,
        "party": None,
    }


def category_shape(account: Capsule, number: int) -> dict[str, Any] | None:
    """None when there is no such category."""
    name = account.categories.get(number)
    return None if name is None else {"id": number, "name": name, "colour": _COLOURS[number % len(_COLOURS)]}


# --- in ---


def read_changes(account: Capsule, sent: Mapping[str, Any], row: Task | None) -> dict[str, Any]:
    """The new values by their names in `Task`; `row` is None for a create. Unknown keys are dropped. Raises Refusal
    (422) with everything that is wrong.
    """
    reader = _Reader(account, sent, row)
    changes = reader.read()
    if reader.errors:
        raise Refusal(invalid(*reader.errors))
    return changes


class _Reader:
    def __init__(self, account: Capsule, sent: Mapping[str, Any], row: Task | None) -> None:
        self.errors: list[tuple[str, str | None]] = []
        self._account = account
        self._sent = sent
        self._row = row

    def read(self) -> dict[str, Any]:
        changes = self._texts() | self._references() | self._status()
        due = self._due()
        if due is not None:
            changes["due"] = due
        return changes | self._about()

    def _wrong(self, message: str, field: str | None) -> None:
        self.errors.append((message, field))

    def _texts(self) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        description = self._sent.get("description")
        if isinstance(description, str) and description.strip():
            changes["description"] = description
        elif self._row is None or "description" in self._sent:
            self._wrong("description is required", "description")
        if "detail" in self._sent:
            detail = self._sent["detail"]
            if detail is not None and not isinstance(detail, str):
                self._wrong("detail must be text", "detail")
            changes["detail"] = detail or None
        return changes

    def _references(self) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for name, known in (("category", set(self._account.categories) | {None}), ("owner", set(USERS))):
            if name not in self._sent:
                continue
            number = None if self._sent[name] is None else _id(self._sent[name])
            if number in known:
                changes[name] = number
            else:
                self._wrong(f"{name} not found", name)
        return changes

    def _status(self) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        status = self._sent.get("status", self._row.status if self._row else "OPEN")
        if status == "PENDING" and (self._row is None or self._row.status != "PENDING"):
            self._wrong(_PENDING, "status")
        elif status not in {"OPEN", "COMPLETED", "PENDING"}:
            self._wrong("status is not valid", "status")
        elif "status" in self._sent:
            changes["status"] = status
        if status == "COMPLETED" and self._sent.get("completedAt") is not None:
            try:
                moment = datetime.fromisoformat(str(self._sent["completedAt"]))
                changes["completed"] = moment.astimezone(UTC).replace(microsecond=0)
            except ValueError:
                self._wrong("completedAt must be a date-time", "completedAt")
        return changes

    def _due(self) -> date | datetime | None:
        """The day and the time of day can come one by one; the other stays (capsule.md 3.3)."""
        day, clock = self._account.wall_clock(self._row.due) if self._row else (None, None)
        if "dueOn" in self._sent or self._row is None:
            day = _read_day(self._sent.get("dueOn"))
            if day is None:
                missing = self._sent.get("dueOn") is None
                self._wrong("dueOn is required" if missing else "dueOn must be a date", "dueOn")
        if "dueTime" in self._sent:
            clock = _read_clock(self._sent["dueTime"])
            if clock is None and self._sent["dueTime"] is not None:
                self._wrong("dueTime must be a time", "dueTime")
        if day is None or not ({"dueOn", "dueTime"} & set(self._sent)):
            return None
        return self._account.instant(day, clock)

    def _about(self) -> dict[str, Owned | None]:
        """A second link needs the first one nulled in the same request (capsule.md 3.4)."""
        named = [kind for kind in _LINKS if kind in self._sent]
        wanted = [kind for kind in named if self._sent[kind] is not None]
        before = self._row.about if self._row else None
        kept = before is not None and before.kind not in named
        refusing = self._account.settings.v2_second_link == "refuse"
        if len(wanted) > 1 or (wanted and kept and refusing):
            self._wrong(_TOO_MANY_LINKS, None)
            return {}
        if not wanted:
            return {"about": None} if named and not kept else {}
        number = _id(self._sent[wanted[0]])
        for record in RECORDS.values():
            if (record.kind, record.id) == (wanted[0], number):
                return {"about": record}
        self._wrong(f"{wanted[0]} not found", wanted[0])
        return {}


def _id(value: Any) -> int:
    """0, which nothing has, for anything but `{"id": n}`."""
    number = value.get("id") if isinstance(value, dict) else None
    return number if type(number) is int else 0


def _read_day(value: Any) -> date | None:
    if not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", value) is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _read_clock(value: Any) -> time | None:
    if not isinstance(value, str) or re.fullmatch(r"\d\d:\d\d(:\d\d)?", value) is None:
        return None
    try:
        return time.fromisoformat(value)
    except ValueError:
        return None
