"""What a person does in Plannr's pages with cases, people, contacts, plans and the columns of tasks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from tasksync.sandbox.neutral import CaseFields, CategoryFields, ContactFields, OpportunityFields, PersonFields
from tasksync.sandbox.plannr.initial import CLIENT
from tasksync.sandbox.plannr.records import Account, Case, Plan, Status
from tasksync.sandbox.plannr.tables import Tables
from tasksync.sandbox.shelf import F, R, TableShelf


class _Shelf(TableShelf[R, F]):
    key = "uuid"

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def uuid(self, record_id: str) -> str:
        """`record_id`, if there is such a record. Raises ValueError."""
        self.check(record_id)
        return record_id


class Cases(_Shelf[Case, CaseFields]):
    """`members` are the clients among the participants; there is always one, and `links` names the first of them as
    contact. Closing a case sets its time of completion and moves it into a completed column, as the pages do.
    """

    kind = "case"
    form = CaseFields
    label = "title"

    def rows(self) -> Collection[Case]:
        return self._tables.case_rows()

    def neutral(self, row: Case) -> dict[str, Any]:
        members = self._members(row)
        links = {"contact": members[0]} if members else {}
        return {
            "id": row.uuid,
            "title": row.name,
            "done": row.completed is not None,
            "members": members,
            "assignees": list(row.assignees),
            "links": links | ({"plan": row.plans[0]} if row.plans else {}),
            "created": row.created,
            "modified": row.updated,
        }

    def _members(self, row: Case) -> list[str]:
        return [uuid for uuid in row.participants if self._tables.linked("client", uuid) is not None]

    def blank(self, given: CaseFields) -> Case:
        made = given.created or given.modified or self._tables.stamp()
        return replace(self._tables.new_case(given.title, made), participants=(CLIENT,))

    def changed(self, row: Case, given: CaseFields) -> Case:
        now = given.modified or given.created or self._tables.stamp()
        changes: dict[str, Any] = {"updated": now}
        for name, value in given.given.items():
            match name:
                case "title":
                    changes["name"] = value
                case "done" if value != (row.completed is not None):
                    column = self._tables.case_status_with(completed=value)
                    changes |= {"completed": now if value else None, "status": column.uuid}
                case "members":
                    changes["participants"] = self._with_members(row, value)
                case "assignees":
                    changes["assignees"] = tuple(People(self._tables).uuid(one) for one in value)
                case _:
                    pass
        return self._linked(replace(row, **changes), given)

    def _with_members(self, row: Case, wanted: Collection[str]) -> tuple[str, ...]:
        if not wanted:
            raise ValueError("a case of Plannr needs a client")
        clients = [Contacts(self._tables).uuid(one) for one in wanted]
        others = [uuid for uuid in row.participants if uuid not in self._members(row)]
        return tuple(dict.fromkeys([*clients, *others]))

    def _linked(self, row: Case, given: CaseFields) -> Case:
        contact, plan = given.links.get("contact"), given.links.get("plan")
        if contact is not None and "members" not in given.given:
            row = replace(row, participants=self._with_members(row, [contact]))
        if "plan" in given.links:
            row = replace(row, plans=() if plan is None else (Plans(self._tables).uuid(plan),))
        return row

    def store(self, row: Case) -> None:
        self._tables.keep_case(row)

    def remove(self, record_id: str) -> None:
        self._tables.delete_case(self.find(record_id).uuid)


class _Accounts(_Shelf[Account, F]):
    """Accounts of one type."""

    type: str

    def rows(self) -> Collection[Account]:
        return [account for account in self._tables.accounts.values() if account.type == self.type]

    def store(self, row: Account) -> None:
        self._tables.accounts[row.uuid] = replace(row, updated=self._tables.stamp())

    def remove(self, record_id: str) -> None:
        del self._tables.accounts[self.find(record_id).uuid]

    def _named(self, name: str, *, company: bool) -> dict[str, Any]:
        if company:
            return {"entity": name, "first": None, "last": None}
        first, _, last = name.partition(" ")
        return {"entity": None, "first": first, "last": last or None}

    def _new(self, role: str) -> Account:
        now = self._tables.stamp()
        return Account(uuid=self._tables.new_uuid(), type=self.type, role=role, created=now, updated=now)


class People(_Accounts[PersonFields]):
    """Employees. Who has left is inactive from that day, and still listed."""

    kind = "person"
    type = "employee"
    form = PersonFields

    def neutral(self, row: Account) -> dict[str, Any]:
        return {"id": row.uuid, "name": row.name, "email": row.email or "", "active": row.inactive is None}

    def blank(self, given: PersonFields) -> Account:  # noqa: ARG002 - nothing about a new employee depends on the form
        return self._new("member")

    def changed(self, row: Account, given: PersonFields) -> Account:
        changes: dict[str, Any] = {}
        if "name" in given.given:
            changes |= self._named(given.name, company=False)
        if "email" in given.given:
            changes["email"] = given.email or None
        if "active" in given.given:
            changes["inactive"] = None if given.active else self._tables.today()
        return replace(row, **changes)


class Contacts(_Accounts[ContactFields]):
    """Clients. A company is one of the role "business", with one name."""

    kind = "contact"
    type = "client"
    form = ContactFields

    def neutral(self, row: Account) -> dict[str, Any]:
        return {"id": row.uuid, "name": row.name, "email": row.email or "", "company": row.role == "business"}

    def blank(self, given: ContactFields) -> Account:
        return self._new("business" if given.company else "individual")

    def changed(self, row: Account, given: ContactFields) -> Account:
        changes: dict[str, Any] = {}
        company = given.company if "company" in given.given else row.role == "business"
        if "company" in given.given:
            changes["role"] = "business" if company else "individual"
        if {"name", "company"} & given.given.keys():
            changes |= self._named(given.name or row.name, company=company)
        if "email" in given.given:
            changes["email"] = given.email or None
        return replace(row, **changes)


class Plans(_Shelf[Plan, OpportunityFields]):
    """Policies. A deleted one is gone for people at once, for clients of the API a while later (plannr.md 7.5)."""

    kind = "plan"
    form = OpportunityFields

    def rows(self) -> Collection[Plan]:
        return [plan for plan in self._tables.plans.values() if plan.deleted is None]

    def neutral(self, row: Plan) -> dict[str, Any]:
        return {"id": row.uuid, "name": row.name, "links": {"contact": row.owner}}

    def blank(self, given: OpportunityFields) -> Plan:
        now = self._tables.stamp()
        uuid = self._tables.new_uuid()
        return Plan(uuid=uuid, name=given.name, type="sipp", owner=CLIENT, created=now, updated=now)

    def changed(self, row: Plan, given: OpportunityFields) -> Plan:
        contact = given.links.get("contact")
        owner = row.owner if contact is None else Contacts(self._tables).uuid(contact)
        return replace(row, name=given.name or row.name, owner=owner, updated=self._tables.stamp())

    def store(self, row: Plan) -> None:
        self._tables.plans[row.uuid] = row

    def remove(self, record_id: str) -> None:
        row = self.find(record_id)
        self._tables.plans[row.uuid] = replace(row, deleted=self._tables.now())


class Statuses(_Shelf[Status, CategoryFields]):
    """The columns of tasks. New ones are a user's own, without flags; those with flags stay (plannr.md 7.1, [I])."""

    kind = "status"
    form = CategoryFields

    def rows(self) -> Collection[Status]:
        return self._tables.statuses.values()

    def neutral(self, row: Status) -> dict[str, Any]:
        return {"id": row.uuid, "name": row.name}

    def blank(self, given: CategoryFields) -> Status:
        now, place = self._tables.stamp(), len(self._tables.statuses) + 1
        uuid = self._tables.new_uuid()
        return Status(uuid=uuid, name=given.name, colour="#398898", position=place, created=now, updated=now)

    def changed(self, row: Status, given: CategoryFields) -> Status:
        if row.completed and given.name != row.name:
            raise ValueError("of a completed status only the position can be changed")
        return replace(row, name=given.name or row.name, updated=self._tables.stamp())

    def store(self, row: Status) -> None:
        self._tables.statuses[row.uuid] = row

    def remove(self, record_id: str) -> None:
        row = self.find(record_id)
        flagged = row.not_started or row.completed or row.archived
        if flagged or any(task.status == row.uuid for task in self._tables.rows()):
            raise ValueError(f"the status {row.name} is needed")
        del self._tables.statuses[row.uuid]
