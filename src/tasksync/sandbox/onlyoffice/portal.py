"""The portal's tasks as its database holds them, and what a person does with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from starlette.responses import Response

from tasksync.ports import Clock
from tasksync.sandbox.answers import page
from tasksync.sandbox.crm import Crm, Settings, ZoneName
from tasksync.sandbox.neutral import Fields, NoSuchTask
from tasksync.sandbox.onlyoffice import wire
from tasksync.sandbox.onlyoffice.people import DEFAULT_CATEGORIES, FIRST_CATEGORY, ME, NOBODY, PEOPLE

TITLE_CHARACTERS = 255
TEXT_BYTES = 65_535
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


class OnlyofficeSettings(Settings):
    """`zone`: the portal's. `timezone_form`: how `settings` names it. `session_minutes`: how long a token from a
    sign-in lasts (default: a year). `password`: of the one user who can sign in.
    """

    limit_requests: int = Field(default=500, ge=1)
    limit_per_s: float = Field(default=10.0, gt=0)
    zone: ZoneName = "Europe/London"
    timezone_form: Literal["serialised", "id"] = "serialised"
    session_minutes: int | None = Field(default=None, ge=1)
    password: str = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row. `deadline`, `created` and `modified` are aware UTC; `modified` never shows on the wire."""

    id: int = 0
    title: str
    description: str | None
    deadline: datetime
    responsible: str = NOBODY
    category: int
    contact: int = 0
    entity_type: str = ""
    entity: int = 0
    alert: int = 0
    closed: bool = False
    created: datetime
    created_by: str = ME.id
    modified: datetime

    def stored(self) -> Task:
        """What the database makes of it (onlyoffice.md 2.4, [I]): whole seconds, a title of 255 characters at most,
        text that ends before the first character beyond the BMP.
        """
        return replace(
            self,
            title=_column(self.title)[:TITLE_CHARACTERS],
            description=_column(self.description or "").encode()[:TEXT_BYTES].decode(errors="ignore"),
            deadline=_whole(self.deadline),
            created=_whole(self.created),
            modified=_whole(self.modified),
        )


def _column(text: str) -> str:
    astral = _BEYOND_BMP.search(text)
    return text[: astral.start()] if astral else text


def _whole(moment: datetime) -> datetime:
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


class Onlyoffice(Crm):
    """One portal. Its rows change only through `insert`, `store`, `set_closed` and `delete`, which keep the cached
    totals as the real one does.
    """

    name: ClassVar[str] = "onlyoffice"
    settings: OnlyofficeSettings

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, OnlyofficeSettings())
        self.categories = dict(enumerate(DEFAULT_CATEGORIES, FIRST_CATEGORY))
        self.totals: dict[tuple[object, ...], tuple[int, datetime]] = {}
        self._rows: dict[int, Task] = {}
        self._last_id = 100

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.zone)

    def rows(self) -> list[Task]:
        return list(self._rows.values())

    def row(self, task_id: int) -> Task | None:
        return self._rows.get(task_id)

    def insert(self, task: Task) -> Task:
        """Store under a new id; returns the task as given, with that id and nothing cut."""
        self._last_id += 1
        return self.store(replace(task, id=self._last_id))

    def store(self, task: Task) -> Task:
        """Store over what was there; returns the task as given, with nothing cut."""
        self._rows[task.id] = task.stored()
        self.totals.clear()
        return task

    def set_closed(self, task_id: int, *, closed: bool) -> Task | None:
        """Moves neither `modified` nor the cached totals (onlyoffice.md 2.2, 2.5)."""
        row = self._rows.get(task_id)
        if row is not None:
            row = self._rows[task_id] = replace(row, closed=closed)
        return row

    def delete(self, task_id: int) -> Task | None:
        self.totals.clear()
        return self._rows.pop(task_id, None)

    def category_uses(self, category: int) -> int:
        return sum(row.category == category for row in self.rows())

    def due_of(self, row: Task) -> date | datetime:
        """Midnight in the portal's zone means a whole day (onlyoffice.md 3)."""
        local = row.deadline.astimezone(self.zone)
        return local.date() if local.time() == time() else row.deadline

    # --- as a person ---

    def tasks(self) -> list[dict[str, Any]]:
        return [self._neutral(row) for row in self.rows()]

    def task(self, task_id: str) -> dict[str, Any]:
        return self._neutral(self._find(task_id))

    def remove(self, task_id: str) -> None:
        self.delete(self._find(task_id).id)

    def error_answer(self, path: str, status: int) -> Response:
        del path
        return page(status) if status in {404, 502, 503, 504} else wire.failure(status)

    def _find(self, task_id: str) -> Task:
        row = self.row(int(task_id)) if task_id.isdecimal() else None
        if row is None:
            raise NoSuchTask(f"ONLYOFFICE has no task {task_id}")
        return row

    def _neutral(self, row: Task) -> dict[str, Any]:
        person = PEOPLE.get(row.responsible)
        return {
            "id": str(row.id),
            "title": row.title,
            "body": row.description or "",
            "due": self.due_of(row),
            "done": row.closed,
            "category": self.categories.get(row.category),
            "reminder": row.alert or None,
            "owner": person.name if person else None,
            "contact": row.contact or None,
            "link": {"type": row.entity_type, "id": str(row.entity)} if row.entity_type else None,
            "created": row.created,
            "modified": row.modified,
        }

    def _add(self, fields: Fields) -> str:
        if fields.due is None:
            raise ValueError("a task of ONLYOFFICE needs a due day")
        made = fields.created or fields.modified or self.stamp()
        blank = Task(
            title=fields.title,
            description="",
            deadline=made,
            responsible=ME.id,
            category=FIRST_CATEGORY,
            created=made,
            modified=fields.modified or made,
        )
        return str(self.insert(self._changed(blank, fields)).id)

    def _edit(self, task_id: str, fields: Fields) -> None:
        row = self._find(task_id)
        self.store(replace(self._changed(row, fields), modified=fields.modified or self.stamp()))

    def _changed(self, row: Task, fields: Fields) -> Task:
        new: dict[str, Any] = {}
        for name, value in fields.given.items():
            match name:
                case "title" | "body" | "done":
                    new[_COLUMNS[name]] = value
                case "contact" | "reminder":
                    new[_COLUMNS[name]] = value or 0
                case "due":
                    new["deadline"] = self._deadline(value)
                case "category":
                    new["category"] = self._category(value)
                case "owner":
                    new["responsible"] = _person(value)
                case "link":
                    new |= {"entity_type": value.type, "entity": int(value.id)} if value else _UNLINKED
                case _:
                    pass
        return replace(row, **new)

    def _deadline(self, due: date | datetime | None) -> datetime:
        if due is None:
            raise ValueError("a task of ONLYOFFICE needs a due day")
        if isinstance(due, datetime):
            return due
        return datetime.combine(due, time(), self.zone).astimezone(UTC)

    def _category(self, title: str | None) -> int:
        for number, known in self.categories.items():
            if known == title:
                return number
        raise ValueError(f"this portal has no task category {title!r}")

    def _clear(self) -> None:
        self._rows.clear()
        self.totals.clear()


_COLUMNS = {"title": "title", "body": "description", "done": "closed", "contact": "contact", "reminder": "alert"}
_UNLINKED: dict[str, Any] = {"entity_type": "", "entity": 0}


def _person(name: str) -> str:
    if not name:
        return NOBODY
    for person in PEOPLE.values():
        if name == person.name:
            return person.id
    raise ValueError(f"this portal has no user {name!r}")
