"""A Capsule account as its database holds it, and every way in which its rows change. Both protocols work on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from tasksync.ports import Clock
from tasksync.sandbox.capsule.records import (
    DEFAULT_CATEGORIES,
    KASES,
    ME,
    OPPORTUNITIES,
    PARTIES,
    TEAMS,
    USERS,
    Due,
    Kase,
    Opportunity,
    Party,
    RecordKind,
    Ref,
    Task,
    User,
)
from tasksync.sandbox.crm import ZoneName
from tasksync.sandbox.oauth import OAuthCrm, OAuthSettings


class CapsuleSettings(OAuthSettings):
    """`generation` is the age of the v1 server: that of 2012 shows no status, no detail and no dates (capsule.md 2.3).
    `zone` is the time zone of all users. `read_only`: the v2 token lacks the scope to write. The rest are the points
    that nobody knows for certain (capsule.md 8), the suggested default first; `pending_moves_stamp` is whether a task's
    updated stamp moves when its project is closed or reopened (3.4 tells of the status only).
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
    pending_moves_stamp: bool = True


_FIRST = {"user": 1000, "party": 2000, "opportunity": 3000, "kase": 4000}
"""Below the ids of new records: no number means two things, so that a mix-up shows."""


class Deleted(NamedTuple):
    """What is left of a record that the account had."""

    id: int
    at: datetime


class Tables(OAuthCrm):
    """One account. Tasks and projects change only through the methods here, which delete what hangs on what is deleted
    and move the status of tasks with their project, as the real one does; the other tables are plain dicts by id.
    """

    name: ClassVar[str] = "capsule"
    settings: CapsuleSettings

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, CapsuleSettings())
        self.categories: dict[int, str] = dict(enumerate(DEFAULT_CATEGORIES, 31))
        self._rows: dict[int, Task] = {}
        self._last_id = 90_210_000
        self._given: Counter[str] = Counter()
        self._furnish()

    def _furnish(self) -> None:
        """What a new account has besides its categories."""
        self.users = dict(USERS)
        self.teams = dict(TEAMS)
        self.parties = dict(PARTIES)
        self.opportunities = dict(OPPORTUNITIES)
        self._kases = dict(KASES)
        self.deleted: dict[RecordKind, list[Deleted]] = {"party": [], "opportunity": [], "kase": []}

    def _clear(self) -> None:
        self._rows.clear()
        self._furnish()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.zone)

    def new_id(self, table: Literal["user", "party", "opportunity", "kase"]) -> int:
        """One that no row of the table ever had."""
        self._given[table] += 1
        return _FIRST[table] + self._given[table]

    # --- tasks ---

    def rows(self) -> list[Task]:
        """All tasks."""
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

    # --- projects ---

    def kases(self) -> list[Kase]:
        return list(self._kases.values())

    def kase(self, number: int) -> Kase | None:
        return self._kases.get(number)

    def change_kase(self, row: Kase, changes: Mapping[str, Any], *, touch: bool = False) -> Kase:
        """Set `changes`; the updated stamp moves if anything became different, or with `touch`."""
        new = self._with_day(replace(row, **changes))
        return self.store_kase(replace(new, updated=self.stamp()) if new != row or touch else row)

    def store_kase(self, kase: Kase) -> Kase:
        """Under its id. Closing turns its open tasks into pending ones (capsule.md 3.4, [OD]), and reopening turns
        those back into open ones ([I]).
        """
        before = self._kases.get(kase.id)
        kase = self._kases[kase.id] = self._with_day(kase)
        if before is not None and before.status != kase.status:
            self._suspend_tasks(Ref("kase", kase.id), suspended=kase.status == "CLOSED")
        return kase

    def _with_day(self, kase: Kase) -> Kase:
        """A closed project has the day of its closing, an open one has none."""
        return replace(kase, closed=(kase.closed or self.today()) if kase.status == "CLOSED" else None)

    def _suspend_tasks(self, about: Ref, *, suspended: bool) -> None:
        before, after = ("OPEN", "PENDING") if suspended else ("PENDING", "OPEN")
        for task in self.rows():
            if task.about == about and task.status == before:
                at = None if self.settings.pending_moves_stamp else task.updated
                self.change(task, {"status": after}, at=at)

    def delete_kase(self, number: int) -> None:
        """Its tasks go with it (capsule.md 3.4, [LIVE])."""
        del self._kases[number]
        self._forget(Ref("kase", number))

    # --- what tasks and projects refer to ---

    def name_of(self, ref: Ref) -> str | None:
        """None when there is no such record."""
        found: Party | Opportunity | Kase | None
        match ref.kind:
            case "party":
                found = self.parties.get(ref.id)
            case "opportunity":
                found = self.opportunities.get(ref.id)
            case "kase":
                found = self._kases.get(ref.id)
        return None if found is None else found.name

    def user_named(self, username: str) -> User | None:
        """By exact user name."""
        return next((user for user in self.active_users() if user.username == username), None)

    def active_users(self) -> list[User]:
        return [user for user in self.users.values() if not user.deleted]

    def delete_opportunity(self, number: int) -> None:
        """Its tasks go with it (capsule.md 3.4, [LIVE]); its projects stay without it."""
        del self.opportunities[number]
        self._forget(Ref("opportunity", number))
        for kase in self.kases():
            if kase.opportunity == number:
                self.change_kase(kase, {"opportunity": None})

    def delete_party(self, number: int) -> None:
        """Its tasks, opportunities and projects go with it; the people of an organisation stay without it (capsule.md
        3.4 and source S11, `parties.ts`).
        """
        del self.parties[number]
        self._forget(Ref("party", number))
        for kase in self.kases():
            if kase.party == number:
                self.delete_kase(kase.id)
        for one in list(self.opportunities.values()):
            if one.party == number:
                self.delete_opportunity(one.id)
        for party in self.parties.values():
            if party.organisation == number:
                self.parties[party.id] = replace(party, organisation=None)
        for user in self.users.values():
            if user.party == number:
                self.users[user.id] = replace(user, party=None)

    def _forget(self, about: Ref) -> None:
        self.deleted[about.kind].append(Deleted(about.id, self.stamp()))
        for task in self.rows():
            if task.about == about:
                self.delete(task.id)
