"""What a person does in the account with projects, people, contacts, opportunities and categories."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, NamedTuple

from tasksync.sandbox.capsule.records import ME, Kase, Opportunity, Party, User
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.neutral import CaseFields, CategoryFields, ContactFields, OpportunityFields, PersonFields
from tasksync.sandbox.shelf import F, R, Shelf, TableShelf


class _Shelf(TableShelf[R, F]):
    def __init__(self, tables: Tables) -> None:
        self._tables = tables


class Kases(_Shelf[Kase, CaseFields]):
    """Projects. Every one needs a contact; who sets an owner without a team takes the team away, as on the wire."""

    kind = "case"
    form = CaseFields
    label = "title"

    def rows(self) -> Collection[Kase]:
        return self._tables.kases()

    def neutral(self, row: Kase) -> dict[str, Any]:
        opportunity = {} if row.opportunity is None else {"opportunity": str(row.opportunity)}
        return {
            "id": str(row.id),
            "title": row.name,
            "body": row.description or "",
            "done": row.status == "CLOSED",
            "assignees": [] if row.owner is None else [str(row.owner)],
            "links": {"contact": str(row.party), **opportunity},
            "created": row.created,
            "modified": row.updated,
        }

    def blank(self, given: CaseFields) -> Kase:
        if not given.links.get("contact"):
            raise ValueError("a project of Capsule needs a contact")
        made = given.created or given.modified or self._tables.stamp()
        return Kase(id=self._tables.new_id("kase"), name="", party=0, owner=ME.id, created=made, updated=made)

    def changed(self, row: Kase, given: CaseFields) -> Kase:
        changes: dict[str, Any] = {"updated": given.modified or given.created or self._tables.stamp()}
        for name, value in given.given.items():
            match name:
                case "title":
                    changes["name"] = value
                case "body":
                    changes["description"] = value.replace("\r\n", "\n") or None
                case "done":
                    changes["status"] = "CLOSED" if value else "OPEN"
                case "assignees":
                    changes |= {"owner": self._owner(value), "team": None}
                case "links":
                    changes |= self._links(given)
                case _:
                    pass
        return replace(row, **changes)

    def store(self, row: Kase) -> None:
        self._tables.store_kase(row)

    def remove(self, record_id: str) -> None:
        self._tables.delete_kase(self.find(record_id).id)

    def _owner(self, ids: list[str]) -> int:
        if len(ids) != 1:
            raise ValueError("a project of Capsule has one owner here")
        return _number(People(self._tables), ids[0])

    def _links(self, given: CaseFields) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if "contact" in given.links:
            if given.links["contact"] is None:
                raise ValueError("a project of Capsule needs a contact")
            changes["party"] = _number(Contacts(self._tables), given.links["contact"])
        if "opportunity" in given.links:
            wanted = given.links["opportunity"]
            changes["opportunity"] = None if wanted is None else _number(Opportunities(self._tables), wanted)
        return changes


class People(_Shelf[User, PersonFields]):
    """Users. Who was removed still owns tasks, and shows there as deleted; the e-mail is that of a party of the same
    name, which is made when there is none.
    """

    kind = "person"
    form = PersonFields

    def rows(self) -> Collection[User]:
        return self._tables.active_users()

    def neutral(self, row: User) -> dict[str, Any]:
        party = None if row.party is None else self._tables.parties.get(row.party)
        return {
            "id": str(row.id),
            "name": row.name,
            "email": party.email if party else "",
            "username": row.username,
            "active": True,
        }

    def blank(self, given: PersonFields) -> User:
        username = given.name.lower().replace(" ", ".")
        return User(id=self._tables.new_id("user"), username=username, name="")

    def changed(self, row: User, given: PersonFields) -> User:
        names = {"name": "name", "username": "username"}
        row = replace(row, **{names[name]: value for name, value in given.given.items() if name in names})
        return row if "email" not in given.given else self._with_email(row, given.email)

    def _with_email(self, row: User, email: str) -> User:
        party = None if row.party is None else self._tables.parties.get(row.party)
        if party is None:
            now = self._tables.stamp()
            number = self._tables.new_id("party")
            party = Party(id=number, name=row.name, is_person=True, created=now, updated=now)
        self._tables.parties[party.id] = replace(party, email=email)
        return replace(row, party=party.id)

    def store(self, row: User) -> None:
        self._tables.users[row.id] = row

    def remove(self, record_id: str) -> None:
        row = self.find(record_id)
        self._tables.users[row.id] = replace(row, deleted=True)


class Contacts(_Shelf[Party, ContactFields]):
    """Parties, those of users included."""

    kind = "contact"
    form = ContactFields

    def rows(self) -> Collection[Party]:
        return self._tables.parties.values()

    def neutral(self, row: Party) -> dict[str, Any]:
        return {
            "id": str(row.id),
            "name": row.name,
            "email": row.email,
            "company": not row.is_person,
            "organisation": None if row.organisation is None else str(row.organisation),
        }

    def blank(self, given: ContactFields) -> Party:
        now = self._tables.stamp()
        return Party(id=self._tables.new_id("party"), name="", is_person=not given.company, created=now, updated=now)

    def changed(self, row: Party, given: ContactFields) -> Party:
        changes: dict[str, Any] = {name: value for name, value in given.given.items() if name in {"name", "email"}}
        if "organisation" in given.given:
            wanted = given.organisation
            changes["organisation"] = None if wanted is None else _number(self, wanted)
        return replace(row, **changes, updated=self._tables.stamp())

    def store(self, row: Party) -> None:
        self._tables.parties[row.id] = row

    def remove(self, record_id: str) -> None:
        self._tables.delete_party(self.find(record_id).id)


class Opportunities(_Shelf[Opportunity, OpportunityFields]):
    """Every one needs a contact."""

    kind = "opportunity"
    form = OpportunityFields

    def rows(self) -> Collection[Opportunity]:
        return self._tables.opportunities.values()

    def neutral(self, row: Opportunity) -> dict[str, Any]:
        return {"id": str(row.id), "name": row.name, "links": {"contact": str(row.party)}}

    def blank(self, given: OpportunityFields) -> Opportunity:
        if not given.links.get("contact"):
            raise ValueError("an opportunity of Capsule needs a contact")
        now = self._tables.stamp()
        number = self._tables.new_id("opportunity")
        return Opportunity(id=number, name="", party=0, owner=ME.id, created=now, updated=now)

    def changed(self, row: Opportunity, given: OpportunityFields) -> Opportunity:
        changes: dict[str, Any] = {"name": given.name} if given.name else {}
        if contact := given.links.get("contact"):
            changes["party"] = _number(Contacts(self._tables), contact)
        return replace(row, **changes, updated=self._tables.stamp())

    def store(self, row: Opportunity) -> None:
        self._tables.opportunities[row.id] = row

    def remove(self, record_id: str) -> None:
        self._tables.delete_opportunity(self.find(record_id).id)


class Category(NamedTuple):
    """A row of the categories of tasks."""

    id: int
    name: str


class Categories(_Shelf[Category, CategoryFields]):
    """Those of tasks, which a task can do without."""

    kind = "category"
    form = CategoryFields

    def rows(self) -> Collection[Category]:
        return [Category(number, name) for number, name in self._tables.categories.items()]

    def neutral(self, row: Category) -> dict[str, Any]:
        return {"id": str(row.id), "name": row.name}

    def blank(self, given: CategoryFields) -> Category:
        return Category(max(self._tables.categories) + 1, given.name)

    def changed(self, row: Category, given: CategoryFields) -> Category:
        return row._replace(name=given.name or row.name)

    def store(self, row: Category) -> None:
        self._tables.categories[row.id] = row.name

    def remove(self, record_id: str) -> None:
        """Its tasks stay, without a category (capsule.md 3.4, [TP])."""
        row = self.find(record_id)
        for task in self._tables.rows():
            if task.category == row.id:
                self._tables.change(task, {"category": None}, at=task.updated)
        del self._tables.categories[row.id]


def _number(shelf: Shelf[Any], record_id: str) -> int:
    """The id of a record that has to be there, as the database has it. Raises ValueError."""
    shelf.check(record_id)
    return int(record_id)
