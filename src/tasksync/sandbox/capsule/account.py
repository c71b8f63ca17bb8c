"""A Capsule account: its tasks, users, categories and the records that tasks belong to. Both protocols work on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from starlette.responses import JSONResponse, Response

from tasksync.ports import Clock
from tasksync.sandbox.answers import page, phrase
from tasksync.sandbox.crm import Crm, Settings, ZoneName
from tasksync.sandbox.neutral import Fields, NoSuchTask

Status = Literal["OPEN", "COMPLETED", "PENDING"]
Due = date | datetime

DEFAULT_CATEGORIES = ("Call", "Email", "Follow-up", "Meeting", "Milestone", "Send")


class CapsuleSettings(Settings):
    """`generation` is the age of the v1 server: that of 2012 shows no status, no detail and no dates (capsule.md 2.3).
    `zone` is the time zone of all users. `read_only`: the v2 token lacks the scope to write. The rest are the points
    that nobody knows for certain (capsule.md 8), the suggested default first.
    """

    limit_requests: int = Field(default=4000, ge=1)
    limit_per_s: float = Field(default=3600.0, gt=0)
    zone: ZoneName = "Europe/London"
    generation: Literal["2017", "2012"] = "2017"
    read_only: bool = False
    v1_most: int | None = Field(default=None, ge=1)
    v1_both_dues: Literal["time_wins", "refuse"] = "time_wins"
    v1_unknown_category: Literal["create", "refuse"] = "create"
    v2_order: Literal["due", "id"] = "due"
    v2_since: Literal["inclusive", "exclusive", "ignored"] = "inclusive"
    v2_pending: Literal["as_documented", "as_open"] = "as_documented"
    v2_no_change_put: Literal["stays", "moves"] = "stays"
    v2_second_link: Literal["refuse", "replace"] = "refuse"
    v2_per_page: Literal["refuse", "clamp"] = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`username` is the key in v1, `id` in v2."""

    id: int
    username: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A record that tasks can belong to: a party, an opportunity or a kase."""

    kind: Literal["party", "opportunity", "kase"]
    id: int
    name: str
    is_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`due` is a date, or an instant (aware UTC) when the task has a time of day; stamps are UTC in whole seconds."""

    id: int = 0
    description: str
    detail: str | None = None
    category: int | None = None
    due: Due
    status: Status = "OPEN"
    owner: int
    about: Owned | None = None
    created: datetime
    updated: datetime
    completed: datetime | None = None
    completed_by: str | None = None


USERS = {
    user.id: user
    for user in (User(id=77, username="sandbox", name="Ana Reid"), User(id=78, username="b.osei", name="Ben Osei"))
}
ME = USERS[77]

RECORDS = {
    (record.kind, record.id): record
    for record in (
        Owned(kind="party", id=302, name="Owen Price", is_person=True),
        Owned(kind="party", id=305, name="Zoë Ångström", is_person=True),
        Owned(kind="party", id=311, name="Fairfield Joinery Ltd"),
        Owned(kind="opportunity", id=88, name="Ångström ISA"),
        Owned(kind="kase", id=640, name="Price pension transfer"),
    )
}


class Capsule(Crm):
    """One account. Tasks change only through `insert`, `change` and `delete`."""

    name: ClassVar[str] = "capsule"
    settings: CapsuleSettings

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, CapsuleSettings())
        self.categories: dict[int, str] = dict(enumerate(DEFAULT_CATEGORIES, 31))
        self._rows: dict[int, Task] = {}
        self._last_id = 90_210_000

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.zone)

    def rows(self) -> list[Task]:
        return list(self._rows.values())

    def row(self, task_id: int) -> Task | None:
        return self._rows.get(task_id)

    def insert(self, task: Task) -> Task:
        self._last_id += 1
        task = self._rows[self._last_id] = replace(task, id=self._last_id)
        return task

    def change(self, row: Task, changes: Mapping[str, Any], *, at: datetime | None = None, touch: bool = False) -> Task:
        """Set `changes`; the updated stamp moves if anything became different, or with `touch`."""
        new = replace(row, **self._with_completion(row, dict(changes), at or self.stamp()))
        if new != row or touch:
            new = replace(new, updated=at or self.stamp())
        self._rows[row.id] = new
        return new

    @staticmethod
    def _with_completion(row: Task, changes: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Completing says when and by whom, unless the client said so; reopening takes both away (capsule.md 3.4)."""
        status = changes.get("status", row.status)
        if status == "COMPLETED" and row.status != "COMPLETED":
            changes = {"completed": now, "completed_by": ME.username} | changes
        if status != "COMPLETED":
            changes |= {"completed": None, "completed_by": None}
        return changes

    def delete(self, task_id: int) -> Task | None:
        return self._rows.pop(task_id, None)

    def category_named(self, name: str) -> int | None:
        """Its id, by exact name."""
        return next((number for number, known in self.categories.items() if known == name), None)

    def new_category(self, name: str) -> int:
        number = max(self.categories) + 1
        self.categories[number] = name
        return number

    def wall_clock(self, due: Due) -> tuple[date, time | None]:
        """Day and time of day as the users see them; no time for a whole day."""
        if isinstance(due, datetime):
            local = due.astimezone(self.zone)
            return local.date(), local.time()
        return due, None

    def instant(self, day: date, clock: time | None) -> Due:
        """The reverse. Of an hour that happens twice the first; a time that a clock change skips moves on with it."""
        return day if clock is None else datetime.combine(day, clock, self.zone).astimezone(UTC)

    # --- as a person ---

    def tasks(self) -> list[dict[str, Any]]:
        return [self._neutral(row) for row in self.rows()]

    def task(self, task_id: str) -> dict[str, Any]:
        return self._neutral(self._find(task_id))

    def remove(self, task_id: str) -> None:
        self.delete(self._find(task_id).id)

    def error_answer(self, path: str, status: int) -> Response:
        if "/api/v2" not in path or status in {502, 503, 504}:
            return page(status)
        if status == 429:
            return JSONResponse({"error": "rate limit reached"}, status)
        return JSONResponse({"message": phrase(status)}, status)

    def _find(self, task_id: str) -> Task:
        row = self.row(int(task_id)) if task_id.isdecimal() else None
        if row is None:
            raise NoSuchTask(f"Capsule has no task {task_id}")
        return row

    def _neutral(self, row: Task) -> dict[str, Any]:
        return {
            "id": str(row.id),
            "title": row.description,
            "body": row.detail or "",
            "due": row.due,
            "done": row.status == "COMPLETED",
            "category": None if row.category is None else self.categories[row.category],
            "status": row.status,
            "owner": USERS[row.owner].username,
            "link": {"type": row.about.kind, "id": str(row.about.id)} if row.about else None,
            "created": row.created,
            "modified": row.updated,
        }

    def _add(self, fields: Fields) -> str:
        if fields.due is None:
            raise ValueError("a task of Capsule needs a due day")
        made = fields.created or fields.modified or self.stamp()
        blank = Task(description=fields.title, due=fields.due, owner=ME.id, created=made, updated=made)
        changes = self._changes(fields)
        row = self.insert(blank)
        self.change(row, changes, at=fields.modified or made, touch=True)
        return str(row.id)

    def _edit(self, task_id: str, fields: Fields) -> None:
        row = self._find(task_id)
        self.change(row, self._changes(fields), at=fields.modified, touch=True)

    def _changes(self, fields: Fields) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for name, value in fields.given.items():
            match name:
                case "title":
                    changes["description"] = value
                case "body":
                    changes["detail"] = value.replace("\r\n", "\n") or None
                case "due":
                    changes["due"] = _needed(value)
                case "done" if "status" not in fields.given:
                    changes["status"] = "COMPLETED" if value else "OPEN"
                case "status":
                    changes["status"] = _status(value)
                case "category":
                    changes["category"] = self._category(value)
                case "owner":
                    changes["owner"] = _user(value).id
                case "link":
                    changes["about"] = _record(value.type, value.id) if value else None
                case _:
                    pass
        return changes

    def _category(self, name: str | None) -> int | None:
        """A person who types a new name makes a new category."""
        if not name:
            return None
        number = self.category_named(name)
        return self.new_category(name) if number is None else number

    def _clear(self) -> None:
        self._rows.clear()


def user_named(username: str) -> User | None:
    """By exact user name."""
    return next((user for user in USERS.values() if user.username == username), None)


def _needed(due: Due | None) -> Due:
    if due is None:
        raise ValueError("a task of Capsule needs a due day")
    return due


def _status(text: str) -> Status:
    for status in ("OPEN", "COMPLETED", "PENDING"):
        if text == status:
            return status
    raise ValueError("status is OPEN, COMPLETED or PENDING")


def _user(username: str) -> User:
    user = user_named(username)
    if user is None:
        raise ValueError(f"this account has no user {username!r}")
    return user


def _record(kind: str, number: str) -> Owned:
    for record in RECORDS.values():
        if (record.kind, str(record.id)) == (kind, number):
            return record
    raise ValueError(f"this account has no {kind} {number}")
