"""What the simulated CRMs have in common: a clock of their own, settings, faults, a log of requests, records."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import Response

from tasksync.ports import Clock
from tasksync.sandbox.faults import Faults
from tasksync.sandbox.neutral import Fields
from tasksync.sandbox.shelf import Shelf


class Served(NamedTuple):
    """One request of the log. `status` is 0 when no answer was sent."""

    method: str
    path: str
    status: int


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"no such time zone: {name}") from None
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]


class Settings(BaseModel):
    """How a CRM behaves where accounts differ or where nobody knows; every CRM adds its own.

    `token` is the one that is accepted without signing in. `clock_offset_s`: the CRM's clock minus the true time.
    With `enforce_limits`, more than `limit_requests` in `limit_per_s` seconds are refused.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    token: str = "sandbox"
    clock_offset_s: float = 0.0
    enforce_limits: bool = False
    limit_requests: int = Field(default=500, ge=1)
    limit_per_s: float = Field(default=60.0, gt=0)

    def change(self, changes: Mapping[str, Any]) -> None:
        """All of `changes` or, raising ValueError (pydantic's), none."""
        merged = type(self).model_validate(self.model_dump() | dict(changes))
        for name in changes:
            setattr(self, name, getattr(merged, name))


class Quota:
    """A fixed window of requests that starts with its first one (capsule.md 3.6, plannr.md 3.5).

    While limits are not enforced it looks as if hardly anything was used, so that a client that paces itself by the
    remaining quota is not slowed down.
    """

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self._opened: datetime | None = None
        self._used = 0

    def take(self) -> bool:
        """Count one request; False when it is one too many."""
        settings, now = self._crm.settings, self._crm.now()
        if self._opened is None or not self._opened <= now < self._opened + timedelta(seconds=settings.limit_per_s):
            self._opened, self._used = now, 0
        self._used += 1
        return not settings.enforce_limits or self._used <= settings.limit_requests

    @property
    def remaining(self) -> int:
        settings = self._crm.settings
        return max(0, settings.limit_requests - (self._used if settings.enforce_limits else 1))

    @property
    def wait_s(self) -> int:
        """Whole seconds until the window ends, at least 1."""
        opened = self._opened or self._crm.now()
        left = opened + timedelta(seconds=self._crm.settings.limit_per_s) - self._crm.now()
        return max(1, -(-left // timedelta(seconds=1)))

    def headers(self) -> dict[str, str]:
        """Limit and what remains of it, in the names that Capsule and Plannr use."""
        return {
            "X-RateLimit-Limit": str(self._crm.settings.limit_requests),
            "X-RateLimit-Remaining": str(self.remaining),
        }

    def reset_header(self) -> dict[str, str]:
        """When the window ends, in Unix seconds by the CRM's clock."""
        return {"X-RateLimit-Reset": str(int(self._crm.now().timestamp()) + self.wait_s)}


class Crm(ABC):
    """One simulated account. `tasks`, `task`, `add`, `edit`, `remove` and `fill` act as a person in the CRM's own
    pages would, in the neutral words of `neutral.py`; they raise ValueError for what those pages would not take and
    NoSuchTask for an unknown id. `shelf` gives the same for records of any kind.
    """

    name: ClassVar[str]

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self.settings = settings
        self.quota = Quota(self)
        self.faults = Faults()
        self.requests: list[Served] = []
        self._filled = 0

    def now(self) -> datetime:
        """The CRM's own clock, aware UTC."""
        return self._clock.now() + timedelta(seconds=self.settings.clock_offset_s)

    def stamp(self) -> datetime:
        """The same in whole seconds, as it is stored."""
        return self.now().replace(microsecond=0)

    @property
    @abstractmethod
    def zone(self) -> ZoneInfo:
        """The zone in which this CRM thinks of days."""

    def today(self) -> date:
        return self.now().astimezone(self.zone).date()

    @abstractmethod
    def tasks(self) -> list[dict[str, Any]]:
        """All tasks, oldest id first."""

    @abstractmethod
    def task(self, task_id: str) -> dict[str, Any]:
        """One task."""

    def add(self, /, **fields: Any) -> str:
        """Create a task and return its id. Needs a title, and whatever else the CRM's own form asks for."""
        given = Fields.model_validate(fields)
        if not given.title:
            raise ValueError("a task needs a title")
        return self._add(given)

    def edit(self, task_id: str, /, **fields: Any) -> None:
        """Change the given fields; moves the modified stamp."""
        self._edit(task_id, Fields.model_validate(fields))

    @abstractmethod
    def remove(self, task_id: str) -> None:
        """Delete a task."""

    def shelves(self) -> dict[str, Shelf[Any]]:
        """By kind: task, and what this CRM has of case, person, contact, opportunity, plan, category and status."""
        return {"task": _Tasks(self)}

    def shelf(self, kind: str) -> Shelf[Any]:
        """Raises ValueError when this CRM keeps nothing of the kind."""
        shelves = self.shelves()
        if kind not in shelves:
            raise ValueError(f"{self.name} keeps no {kind}; it keeps {', '.join(shelves)}")
        return shelves[kind]

    def fill(self, count: int) -> None:
        """Add `count` plain open tasks, each with a title of its own. Every CRM makes the same ones, so that accounts
        that were filled alike match.
        """
        today = self.today()
        for number in range(self._filled + 1, self._filled + count + 1):
            body = f"Standing order {number}: see the client file before calling."
            self.add(title=f"Review client file {number:05}", body=body, due=today + timedelta(days=number % 60))
        self._filled += count

    def reset(self) -> None:
        """No tasks, no faults, an empty log; people, contacts, opportunities and cases as in a new account. Settings
        and categories stay, and ids are not used again.
        """
        self._clear()
        self.faults.clear()
        self.requests.clear()
        self._filled = 0

    @abstractmethod
    def error_answer(self, path: str, status: int) -> Response:
        """An error as this CRM would put it on `path`, for faults."""

    @abstractmethod
    def _add(self, fields: Fields) -> str: ...

    @abstractmethod
    def _edit(self, task_id: str, fields: Fields) -> None: ...

    @abstractmethod
    def _clear(self) -> None: ...


class _Tasks(Shelf[dict[str, Any]]):
    """The CRM's own methods for tasks."""

    kind = "task"

    def __init__(self, crm: Crm) -> None:
        self._crm = crm

    def rows(self) -> list[dict[str, Any]]:
        return self._crm.tasks()

    def find(self, record_id: str) -> dict[str, Any]:
        return self._crm.task(record_id)

    def neutral(self, row: dict[str, Any]) -> dict[str, Any]:
        return row

    def add(self, /, **fields: Any) -> str:
        return self._crm.add(**fields)

    def edit(self, record_id: str, /, **fields: Any) -> None:
        self._crm.edit(record_id, **fields)

    def remove(self, record_id: str) -> None:
        self._crm.remove(record_id)
