"""What a person does in the portal with cases, people, contacts, opportunities and categories."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, NamedTuple

from tasksync.sandbox.neutral import CaseFields, CategoryFields, ContactFields, OpportunityFields, PersonFields
from tasksync.sandbox.onlyoffice.people import ME, Case, Contact, Opportunity, Person
from tasksync.sandbox.onlyoffice.tables import Tables
from tasksync.sandbox.shelf import F, R, Shelf, TableShelf


class _Shelf(TableShelf[R, F]):
    def __init__(self, tables: Tables) -> None:
        self._tables = tables


class Cases(_Shelf[Case, CaseFields]):
    """`members` are contacts; a case is private while somebody has `access`. Saving one moves a stamp that no client
    sees.
    """

    kind = "case"
    form = CaseFields
    label = "title"

    def rows(self) -> Collection[Case]:
        return self._tables.cases()

    def neutral(self, row: Case) -> dict[str, Any]:
        return {
            "id": str(row.id),
            "title": row.title,
            "done": row.closed,
            "members": [str(number) for number in row.members],
            "access": list(row.access),
            "created": row.created,
            "modified": row.modified,
        }

    def blank(self, given: CaseFields) -> Case:
        made = given.created or given.modified or self._tables.stamp()
        return Case(id=self._tables.new_id("case"), title="", created=made, created_by=ME.id, modified=made)

    def changed(self, row: Case, given: CaseFields) -> Case:
        changes: dict[str, Any] = {"modified": given.modified or given.created or self._tables.stamp()}
        for name, value in given.given.items():
            match name:
                case "title":
                    changes["title"] = value
                case "done":
                    changes["closed"] = value
                case "members":
                    changes["members"] = tuple(_number(Contacts(self._tables), one) for one in value)
                case "access":
                    for person in value:
                        People(self._tables).check(person)
                    changes["access"] = tuple(value)
                case _:
                    pass
        return replace(row, **changes)

    def store(self, row: Case) -> None:
        self._tables.store_case(row)

    def remove(self, record_id: str) -> None:
        self._tables.delete_case(self.find(record_id).id)


class People(_Shelf[Person, PersonFields]):
    """Who was removed shows as the lost user from then on; who has left keeps the name (onlyoffice.md 2.3, 5.1)."""

    kind = "person"
    form = PersonFields

    def rows(self) -> Collection[Person]:
        return self._tables.people.values()

    def neutral(self, row: Person) -> dict[str, Any]:
        return {
            "id": row.id,
            "name": row.name,
            "email": row.email,
            "username": row.user_name,
            "active": row.terminated is None,
        }

    def blank(self, given: PersonFields) -> Person:
        user_name = given.name.lower().replace(" ", ".")
        return Person(id=self._tables.new_guid(), user_name=user_name, first="", last="")

    def changed(self, row: Person, given: PersonFields) -> Person:
        changes: dict[str, Any] = {}
        for name, value in given.given.items():
            match name:
                case "name":
                    first, _, last = value.partition(" ")
                    changes |= {"first": first, "last": last}
                case "email":
                    changes["email"] = value
                case "username":
                    changes["user_name"] = value
                case "active":
                    changes["terminated"] = None if value else self._tables.stamp()
                case _:
                    pass
        return replace(row, **changes)

    def store(self, row: Person) -> None:
        self._tables.people[row.id] = row

    def remove(self, record_id: str) -> None:
        del self._tables.people[self.find(record_id).id]


class Contacts(_Shelf[Contact, ContactFields]):
    """People and companies."""

    kind = "contact"
    form = ContactFields

    def rows(self) -> Collection[Contact]:
        return self._tables.contacts.values()

    def neutral(self, row: Contact) -> dict[str, Any]:
        return {
            "id": str(row.id),
            "name": row.name,
            "email": row.email,
            "company": row.is_company,
            "organisation": str(row.company) if row.company else None,
        }

    def blank(self, given: ContactFields) -> Contact:
        return Contact(id=self._tables.new_id("contact"), name=given.name, created=self._tables.stamp())

    def changed(self, row: Contact, given: ContactFields) -> Contact:
        names = {"name": "name", "email": "email", "company": "is_company"}
        changes = {names[name]: value for name, value in given.given.items() if name in names}
        if "organisation" in given.given:
            changes["company"] = _number(self, given.organisation)
        return replace(row, **changes)

    def store(self, row: Contact) -> None:
        self._tables.contacts[row.id] = row

    def remove(self, record_id: str) -> None:
        self._tables.delete_contact(self.find(record_id).id)


class Opportunities(_Shelf[Opportunity, OpportunityFields]):
    """Deals; a deal may be about a contact."""

    kind = "opportunity"
    form = OpportunityFields

    def rows(self) -> Collection[Opportunity]:
        return self._tables.opportunities.values()

    def neutral(self, row: Opportunity) -> dict[str, Any]:
        links = {"contact": str(row.contact)} if row.contact else {}
        return {"id": str(row.id), "name": row.title, "links": links}

    def blank(self, given: OpportunityFields) -> Opportunity:
        number, made = self._tables.new_id("opportunity"), self._tables.stamp()
        return Opportunity(id=number, title=given.name, responsible=ME.id, created=made)

    def changed(self, row: Opportunity, given: OpportunityFields) -> Opportunity:
        changes: dict[str, Any] = {"title": given.name} if given.name else {}
        if "contact" in given.links:
            changes["contact"] = _number(Contacts(self._tables), given.links["contact"])
        return replace(row, **changes)

    def store(self, row: Opportunity) -> None:
        self._tables.opportunities[row.id] = row

    def remove(self, record_id: str) -> None:
        self._tables.delete_opportunity(self.find(record_id).id)


class Category(NamedTuple):
    """A row of the categories of tasks."""

    id: int
    title: str


class Categories(_Shelf[Category, CategoryFields]):
    """Those of tasks, which every task needs."""

    kind = "category"
    form = CategoryFields

    def rows(self) -> Collection[Category]:
        return [Category(number, title) for number, title in self._tables.categories.items()]

    def neutral(self, row: Category) -> dict[str, Any]:
        return {"id": str(row.id), "name": row.title}

    def blank(self, given: CategoryFields) -> Category:
        return Category(max(self._tables.categories) + 1, given.name)

    def changed(self, row: Category, given: CategoryFields) -> Category:
        return row._replace(title=given.name or row.title)

    def store(self, row: Category) -> None:
        self._tables.categories[row.id] = row.title

    def remove(self, record_id: str) -> None:
        """The pages ask where its tasks shall go, unless it has none; here nobody can answer."""
        row = self.find(record_id)
        if self._tables.category_uses(row.id) or len(self._tables.categories) == 1:
            raise ValueError(f"there are tasks of category {record_id}, or it is the last one")
        del self._tables.categories[row.id]


def _number(shelf: Shelf[Any], record_id: str | None) -> int:
    """The id of a record that has to be there, as the database has it; 0 for none. Raises ValueError."""
    if record_id is None:
        return 0
    shelf.check(record_id)
    return int(record_id)
