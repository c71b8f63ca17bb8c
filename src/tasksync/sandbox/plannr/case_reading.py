"""What a client sends to create or change a case, its participants or a column (plannr.md 7.1, 7.4).

That page has no create. The vendor's page on it (POST /api/v1/cases, [S]) requires the name alone, says of
`participants` that at least one has to be a client, and documents 200 for success, not 201. Participants are no field
of an update: they have a route of their own (POST and DELETE /api/v1/cases/{uuid}/participants, [S]).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tasksync.sandbox.plannr.reading import Reader
from tasksync.sandbox.plannr.records import Case
from tasksync.sandbox.plannr.tables import Tables


def read_case(firm: Tables, sent: Mapping[str, Any], row: Case | None) -> dict[str, Any]:
    """New values by their names in `Case`; `row` is None for a create. Raises Refusal (422)."""
    return _CaseReader(firm, sent, row).read()


def read_participants(firm: Tables, sent: Mapping[str, Any]) -> tuple[str, ...]:
    """The accounts of a body that names nothing else. Raises Refusal (422)."""
    return _CaseReader(firm, sent, None).read_participants_alone()


def check_client(firm: Tables, participants: Collection[str]) -> None:
    """Raises Refusal (422) when no client would be left in a case."""
    reader = _CaseReader(firm, {}, None)
    reader.require_client(participants)
    reader.finish()


def read_column(firm: Tables, sent: Mapping[str, Any], *, creating: bool, fixed: bool = False) -> dict[str, Any]:
    """Name, colour and position of a status, of tasks or of cases; a new one goes to the end wherever it is wanted.
    `fixed`: nothing but its position may change (plannr.md 7.1, [S]; that it is 422 is a guess). Raises Refusal (422).
    """
    reader = _ColumnReader(firm, sent, creating=creating)
    return reader.read(fixed=fixed)


class _CaseReader(Reader):
    def __init__(self, firm: Tables, sent: Mapping[str, Any], row: Case | None) -> None:
        super().__init__(firm, sent, creating=row is None)
        self._row = row

    def read(self) -> dict[str, Any]:
        firm = self._firm
        if self._row is not None and firm.settings.put_semantics == "full":
            blank = {"review": None, "type": None, "value": None, "completed": None, "assignees": (), "plans": ()}
            self._changes |= blank
        self.read_name()
        if self._row is None:
            if self.required("participants"):
                self.read_uuids("participants", "participants", firm.accounts)
                self.require_client(self._changes.get("participants", ()))
        else:
            self.read_moment("completed_at", "completed")
            self.read_whole("status_position", "position")
        if "status" in self._sent and (self._row is None or self.required("status")):
            self._read_status()
        self.read_uuids("assigned_to_uuids", "assignees", firm.accounts)
        self._read_groups()
        self.read_moment("review_at", "review")
        if "type" in self._sent:
            self.read_uuid("type", "type", firm.case_types)
        self.read_whole("value", "value")
        self.read_uuids("plans", "plans", {plan.uuid for plan in firm.plan_rows()})
        return self.finish()

    def _read_status(self) -> None:
        self.read_uuid("status", "status", self._firm.case_statuses)
        if self._changes["status"] is None:
            del self._changes["status"]

    def _read_groups(self) -> None:
        """Taken as they are: the firm has no list of groups."""
        value = self._sent.get("group_uuids")
        if isinstance(value, list):
            self.read_uuids("group_uuids", "groups", set(map(str, value)))

    def read_participants_alone(self) -> tuple[str, ...]:
        if self.required("participants"):
            self.read_uuids("participants", "participants", self._firm.accounts)
        self.finish()
        found: tuple[str, ...] = self._changes["participants"]
        return found

    def require_client(self, participants: Collection[str | None]) -> None:
        accounts = (self._firm.account(uuid) for uuid in participants if uuid)
        if not any(account is not None and account.type == "client" for account in accounts):
            self.wrong("participants", "The participants must include at least one client.")


class _ColumnReader(Reader):
    def read(self, *, fixed: bool) -> dict[str, Any]:
        self.read_name()
        self.read_text("colour", "colour")
        if not self._creating:
            self.read_whole("position", "position")
        if fixed:
            for name in self._changes.keys() & {"name", "colour"}:
                self.wrong(name, "Only the position of a completed status can be changed.")
        return {name: value for name, value in self.finish().items() if value is not None}
