"""The portal as its database holds it, and every way in which its rows change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import ClassVar, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from tasksync.ports import Clock
from tasksync.sandbox.crm import Crm, Settings, ZoneName
from tasksync.sandbox.onlyoffice.people import (
    CASE_FIELDS,
    CASES,
    CONTACTS,
    DEFAULT_CATEGORIES,
    FIRST_CATEGORY,
    ME,
    NOBODY,
    OPPORTUNITIES,
    PEOPLE,
    Case,
)

TITLE_CHARACTERS = 255
TEXT_BYTES = 65_535
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


_FIRST = {"contact": 2000, "opportunity": 3000, "case": 4000}
"""Below the ids of new records: no number means two things, so that a mix-up shows."""


class OnlyofficeSettings(Settings):
    """`zone`: the portal's. `timezone_form`: how `settings` names it. `session_minutes`: how long a token from a
    sign-in lasts (default: a year). `password`: of the one user who can sign in. `people_module`: when the portal has
    it disabled, nobody sees the e-mail of anybody else (onlyoffice.md 5.1, [S]). `second_factor`: what else a sign-in
    needs (1.3).
    """

    limit_requests: int = Field(default=500, ge=1)
    limit_per_s: float = Field(default=10.0, gt=0)
    zone: ZoneName = "Europe/London"
    timezone_form: Literal["serialised", "id"] = "serialised"
    session_minutes: int | None = Field(default=None, ge=1)
    password: str = "sandbox"
    people_module: Literal["enabled", "disabled"] = "enabled"
    second_factor: Literal["none", "sms", "app"] = "none"


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


class Tables(Crm):
    """One portal. Tasks and cases change only through the methods here, which keep the cached totals and delete what
    hangs on what is deleted, as the real one does; the other tables are plain dicts by id.
    """

    name: ClassVar[str] = "onlyoffice"
    settings: OnlyofficeSettings

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, OnlyofficeSettings())
        self.categories = dict(enumerate(DEFAULT_CATEGORIES, FIRST_CATEGORY))
        self.totals: dict[tuple[object, ...], tuple[int, datetime]] = {}
        self._rows: dict[int, Task] = {}
        self._uses: Counter[int] = Counter()
        self._last_id = 100
        self._given: Counter[str] = Counter()
        self._random = Random(2008)
        self._furnish()

    def _furnish(self) -> None:
        """What a new portal has besides its categories."""
        self.people = dict(PEOPLE)
        self.contacts = dict(CONTACTS)
        self.opportunities = dict(OPPORTUNITIES)
        self.case_fields = dict(CASE_FIELDS)
        self._cases = dict(CASES)

    def _clear(self) -> None:
        self._rows.clear()
        self._uses.clear()
        self.totals.clear()
        self._furnish()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.zone)

    def new_id(self, table: Literal["contact", "opportunity", "case"]) -> int:
        """One that no row of the table ever had."""
        self._given[table] += 1
        return _FIRST[table] + self._given[table]

    def new_guid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    # --- tasks ---

    def rows(self) -> list[Task]:
        """All tasks."""
        return list(self._rows.values())

    def row(self, task_id: int) -> Task | None:
        return self._rows.get(task_id)

    def insert(self, task: Task) -> Task:
        """Store under a new id; returns the task as given, with that id and nothing cut."""
        self._last_id += 1
        return self.store(replace(task, id=self._last_id))

    def store(self, task: Task) -> Task:
        """Store over what was there; returns the task as given, with nothing cut."""
        self._forget_use(self._rows.get(task.id))
        self._uses[task.category] += 1
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
        row = self._rows.pop(task_id, None)
        self._forget_use(row)
        return row

    def _forget_use(self, row: Task | None) -> None:
        if row is not None:
            self._uses[row.category] -= 1

    def category_uses(self, category: int) -> int:
        """How many tasks have it; counted as they come and go, since every answer about one task says it."""
        return self._uses[category]

    def due_of(self, row: Task) -> date | datetime:
        """Midnight in the portal's zone means a whole day (onlyoffice.md 3)."""
        local = row.deadline.astimezone(self.zone)
        return local.date() if local.time() == time() else row.deadline

    # --- cases ---

    def cases(self) -> list[Case]:
        return list(self._cases.values())

    def case(self, number: int) -> Case | None:
        return self._cases.get(number)

    def insert_case(self, case: Case) -> Case:
        """Store under a new id; returns the case as given, with that id."""
        return self.store_case(replace(case, id=self.new_id("case")))

    def store_case(self, case: Case) -> Case:
        """Store over what was there; returns the case as given. Its title is cut as that of a task is ([I])."""
        self._cases[case.id] = replace(case, title=_column(case.title)[:TITLE_CHARACTERS])
        return case

    def delete_case(self, number: int) -> Case | None:
        """Its tasks go with it (onlyoffice.md 5.3)."""
        self._delete_tasks(lambda task: (task.entity_type, task.entity) == ("case", number))
        return self._cases.pop(number, None)

    # --- what tasks and cases refer to ---

    def entity_title(self, entity_type: str, number: int) -> str | None:
        """Of a case or an opportunity, or None when there is no such thing."""
        found = self._cases.get(number) if entity_type == "case" else self.opportunities.get(number)
        return found.title if found is not None and entity_type else None

    def delete_contact(self, number: int) -> None:
        """Its tasks go with it (onlyoffice.md 2.4); cases and opportunities stay without it."""
        del self.contacts[number]
        self._delete_tasks(lambda task: task.contact == number)
        for case in self.cases():
            self._cases[case.id] = replace(case, members=tuple(one for one in case.members if one != number))
        for one in self.opportunities.values():
            if one.contact == number:
                self.opportunities[one.id] = replace(one, contact=0)

    def delete_opportunity(self, number: int) -> None:
        """Its tasks go with it (onlyoffice.md 2.4)."""
        del self.opportunities[number]
        self._delete_tasks(lambda task: (task.entity_type, task.entity) == ("opportunity", number))

    def _delete_tasks(self, doomed: Callable[[Task], bool]) -> None:
        for task in self.rows():
            if doomed(task):
                self.delete(task.id)
