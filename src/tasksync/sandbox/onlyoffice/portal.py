"""The portal as a person sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from starlette.responses import Response

from tasksync.sandbox.answers import page
from tasksync.sandbox.neutral import Fields, Links, NoSuchTask
from tasksync.sandbox.onlyoffice import wire
from tasksync.sandbox.onlyoffice.people import FIRST_CATEGORY, ME, NOBODY
from tasksync.sandbox.onlyoffice.shelves import Cases, Categories, Contacts, Opportunities, People
from tasksync.sandbox.onlyoffice.tables import Tables, Task
from tasksync.sandbox.shelf import Shelf


class Onlyoffice(Tables):
    """One portal."""

    def shelves(self) -> dict[str, Shelf[Any]]:
        return super().shelves() | {
            shelf.kind: shelf
            for shelf in (Cases(self), People(self), Contacts(self), Opportunities(self), Categories(self))
        }

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
        person = self.people.get(row.responsible)
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
            "assignees": [person.id] if person else [],
            "links": _links(row),
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
                    new["responsible"] = self._person_named(value)
                case "assignees":
                    new["responsible"] = self._person(value)
                case "link":
                    new |= {"entity_type": value.type, "entity": int(value.id)} if value else _UNLINKED
                case "links":
                    new |= self._linked(row, value)
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

    def _person_named(self, name: str) -> str:
        if not name:
            return NOBODY
        for person in self.people.values():
            if name == person.name:
                return person.id
        raise ValueError(f"this portal has no user {name!r}")

    def _person(self, ids: list[str]) -> str:
        if len(ids) > 1:
            raise ValueError("a task of ONLYOFFICE has one responsible user at most")
        for number in ids:
            self.shelf("person").check(number)
        return ids[0] if ids else NOBODY

    def _linked(self, row: Task, links: Links) -> dict[str, Any]:
        """A contact, and beside it a case or an opportunity: of these two the one that is named last stays."""
        new: dict[str, Any] = {}
        for kind, number in links.items():
            if number is not None and kind in self.shelves():
                self.shelf(kind).check(number)
            match kind:
                case "contact":
                    new["contact"] = int(number or 0)
                case "case" | "opportunity" if number is not None:
                    new |= {"entity_type": kind, "entity": int(number)}
                case "case" | "opportunity" if kind == row.entity_type and "entity_type" not in new:
                    new |= _UNLINKED
                case _:
                    pass
        return new


_COLUMNS = {"title": "title", "body": "description", "done": "closed", "contact": "contact", "reminder": "alert"}
_UNLINKED: dict[str, Any] = {"entity_type": "", "entity": 0}


def _links(row: Task) -> dict[str, str]:
    links = {"contact": str(row.contact)} if row.contact else {}
    return links | ({row.entity_type: str(row.entity)} if row.entity_type else {})
