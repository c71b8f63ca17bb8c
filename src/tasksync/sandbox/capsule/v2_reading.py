"""What a client of Capsule's second API wants of a task or a project (capsule.md 3.4, 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.capsule.records import ME, Kase, RecordKind, Ref, Task
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.capsule.v2_wire import invalid, read_clock, read_day, read_id

_LINKS: tuple[RecordKind, ...] = ("party", "opportunity", "kase")
_TOO_MANY_LINKS = "task can be related to at most one entity"
_PENDING = "cannot set task status to PENDING"


def read_changes(account: Tables, sent: Mapping[str, Any], row: Task | None) -> dict[str, Any]:
    """The new values by their names in `Task`; `row` is None for a create. Unknown keys are dropped. Raises Refusal
    (422) with everything that is wrong.
    """
    reader = _Reader(account, sent, row)
    changes = reader.read()
    if reader.errors:
        raise Refusal(invalid(*reader.errors))
    return changes


class _Reader:
    def __init__(self, account: Tables, sent: Mapping[str, Any], row: Task | None) -> None:
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
        users = {user.id for user in self._account.active_users()}
        for name, known in (("category", {*self._account.categories, None}), ("owner", users)):
            if name not in self._sent:
                continue
            number = None if self._sent[name] is None else read_id(self._sent[name])
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
            day = read_day(self._sent.get("dueOn"))
            if day is None:
                missing = self._sent.get("dueOn") is None
                self._wrong("dueOn is required" if missing else "dueOn must be a date", "dueOn")
        if "dueTime" in self._sent:
            clock = read_clock(self._sent["dueTime"])
            if clock is None and self._sent["dueTime"] is not None:
                self._wrong("dueTime must be a time", "dueTime")
        if day is None or not ({"dueOn", "dueTime"} & set(self._sent)):
            return None
        return self._account.instant(day, clock)

    def _about(self) -> dict[str, Ref | None]:
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
        ref = Ref(wanted[0], read_id(self._sent[wanted[0]]))
        if self._account.name_of(ref) is not None:
            return {"about": ref}
        self._wrong(f"{wanted[0]} not found", wanted[0])
        return {}


def read_kase_changes(account: Tables, sent: Mapping[str, Any], row: Kase | None) -> dict[str, Any]:
    """The new values by their names in `Kase`; `row` is None for a create. Unknown keys are dropped. Raises Refusal
    (422) with everything that is wrong.
    """
    reader = _KaseReader(account, sent, row)
    changes = reader.read()
    if reader.errors:
        raise Refusal(invalid(*reader.errors, resource="kase"))
    return changes


class _KaseReader:
    def __init__(self, account: Tables, sent: Mapping[str, Any], row: Kase | None) -> None:
        self.errors: list[tuple[str, str | None]] = []
        self._account = account
        self._sent = sent
        self._row = row

    def read(self) -> dict[str, Any]:
        return self._texts() | self._party() | self._opportunity() | self._owned() | self._status()

    def _wrong(self, message: str, field: str | None) -> None:
        self.errors.append((message, field))

    def _texts(self) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        name = self._sent.get("name")
        if isinstance(name, str) and name.strip():
            changes["name"] = name
        elif self._row is None or "name" in self._sent:
            self._wrong("name is required", "name")
        if "description" in self._sent:
            description = self._sent["description"]
            if description is not None and not isinstance(description, str):
                self._wrong("description must be text", "description")
            changes["description"] = description or None
        return changes

    def _party(self) -> dict[str, Any]:
        """Every project has one, so null is refused (capsule.md 4.4, [LIVE])."""
        if self._row is not None and "party" not in self._sent:
            return {}
        if self._sent.get("party") is None:
            self._wrong("party is required", "party")
        elif read_id(self._sent["party"]) not in self._account.parties:
            self._wrong("party not found", "party")
        return {"party": read_id(self._sent.get("party"))}

    def _opportunity(self) -> dict[str, Any]:
        if "opportunity" not in self._sent:
            return {}
        number = None if self._sent["opportunity"] is None else read_id(self._sent["opportunity"])
        if number is not None and number not in self._account.opportunities:
            self._wrong("opportunity not found", "opportunity")
        return {"opportunity": number}

    def _owned(self) -> dict[str, Any]:
        """An owner without a team takes the team away, a team without an owner leaves the owner (capsule.md 4.4,
        [LIVE]); on a create without either the token's user is the owner.
        """
        changes: dict[str, Any] = {}
        users = {user.id for user in self._account.active_users()}
        for name, known in (("owner", users), ("team", set(self._account.teams))):
            if name in self._sent:
                changes[name] = None if self._sent[name] is None else read_id(self._sent[name])
                if changes[name] is not None and changes[name] not in known:
                    self._wrong(f"{name} not found", name)
        if "owner" in changes and "team" not in changes:
            changes["team"] = None
        if not changes and self._row is None:
            return {"owner": ME.id}
        before = {"owner": self._row.owner, "team": self._row.team} if self._row else {}
        if changes and not any((before | changes).values()):
            self._wrong("owner or team is required", None)
        return changes

    def _status(self) -> dict[str, Any]:
        if "status" not in self._sent:
            return {}
        if self._sent["status"] not in {"OPEN", "CLOSED"}:
            self._wrong("status is not valid", "status")
        return {"status": self._sent["status"]}
