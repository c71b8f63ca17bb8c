"""A Capsule account as a person sees it."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from tasksync.sandbox.answers import page, phrase
from tasksync.sandbox.capsule.records import ME, Due, RecordKind, Ref, Task, TaskStatus
from tasksync.sandbox.capsule.shelves import Categories, Contacts, Kases, Opportunities, People
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.neutral import Fields, LinkKind, Links, NoSuchTask
from tasksync.sandbox.shelf import Shelf


class Capsule(Tables):
    """One account."""

    def shelves(self) -> dict[str, Shelf[Any]]:
        kinds = (Kases, People, Contacts, Opportunities, Categories)
        return super().shelves() | {one.kind: one(self) for one in kinds}

    def tasks(self) -> list[dict[str, Any]]:
        return [self._neutral(row) for row in self.rows()]

    def task(self, task_id: str) -> dict[str, Any]:
        return self._neutral(self._find(task_id))

    def remove(self, task_id: str) -> None:
        self.delete(self._find(task_id).id)

    def error_answer(self, path: str, status: int) -> Response:
        if "/api/v2" not in path or status in {502, 503, 504}:
            return page(status)
        if status == 429:
            return JSONResponse({"error": "rate limit reached"}, status)
        return JSONResponse({"message": phrase(status)}, status)

    def _find(self, task_id: str) -> Task:
        row = self.row(int(task_id)) if task_id.isdecimal() else None
        if row is None:
            raise NoSuchTask(f"Capsule has no task {task_id}")
        return row

    def _neutral(self, row: Task) -> dict[str, Any]:
        return {
            "id": str(row.id),
            "title": row.description,
            "body": row.detail or "",
            "due": row.due,
            "done": row.status == "COMPLETED",
            "category": None if row.category is None else self.categories[row.category],
            "status": row.status,
            "owner": self.users[row.owner].username,
            "link": {"type": row.about.kind, "id": str(row.about.id)} if row.about else None,
            "assignees": [str(row.owner)],
            "links": {_LINKS[row.about.kind]: str(row.about.id)} if row.about else {},
            "created": row.created,
            "modified": row.updated,
        }

    def _add(self, fields: Fields) -> str:
        if fields.due is None:
            raise ValueError("a task of Capsule needs a due day")
        made = fields.created or fields.modified or self.stamp()
        blank = Task(description=fields.title, due=fields.due, owner=ME.id, created=made, updated=made)
        changes = self._changes(fields, None)
        row = self.insert(blank)
        self.change(row, changes, at=fields.modified or made, touch=True)
        return str(row.id)

    def _edit(self, task_id: str, fields: Fields) -> None:
        row = self._find(task_id)
        self.change(row, self._changes(fields, row.about), at=fields.modified, touch=True)

    def _changes(self, fields: Fields, about: Ref | None) -> dict[str, Any]:
        changes = self._references(fields, about)
        for name, value in fields.given.items():
            match name:
                case "title":
                    changes["description"] = value
                case "body":
                    changes["detail"] = value.replace("\r\n", "\n") or None
                case "due":
                    changes["due"] = _needed(value)
                case "done" if "status" not in fields.given:
                    changes["status"] = "COMPLETED" if value else "OPEN"
                case "status":
                    changes["status"] = _status(value)
                case _:
                    pass
        return changes

    def _references(self, fields: Fields, about: Ref | None) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for name, value in fields.given.items():
            match name:
                case "category":
                    changes["category"] = self._category(value)
                case "owner":
                    changes["owner"] = self._user_named(value)
                case "assignees":
                    changes["owner"] = self._user(value)
                case "link":
                    changes["about"] = self._record(value.type, value.id) if value else None
                case "links":
                    changes["about"] = self._linked(about, value)
                case _:
                    pass
        return changes

    def _category(self, name: str | None) -> int | None:
        """A person who types a new name makes a new category."""
        if not name:
            return None
        number = self.category_named(name)
        return self.new_category(name) if number is None else number

    def _user_named(self, username: str) -> int:
        user = self.user_named(username)
        if user is None:
            raise ValueError(f"this account has no user {username!r}")
        return user.id

    def _user(self, ids: list[str]) -> int:
        if len(ids) != 1:
            raise ValueError("a task of Capsule has one owner")
        self.shelf("person").check(ids[0])
        return int(ids[0])

    def _record(self, kind: str, number: str) -> Ref:
        for known in _LINKS:
            if known == kind and number.isdecimal() and self.name_of(Ref(known, int(number))) is not None:
                return Ref(known, int(number))
        raise ValueError(f"this account has no {kind} {number}")

    def _linked(self, about: Ref | None, links: Links) -> Ref | None:
        """At most one link: a new one takes the place of whatever there was."""
        kinds = {word: kind for kind, word in _LINKS.items()}
        wanted = {kinds[word]: number for word, number in links.items() if word in kinds}
        given = [self._record(kind, number) for kind, number in wanted.items() if number is not None]
        if len(given) > 1:
            raise ValueError("a task of Capsule has one link at most")
        if given:
            return given[0]
        return None if about is not None and about.kind in wanted else about


_LINKS: dict[RecordKind, LinkKind] = {"party": "contact", "opportunity": "opportunity", "kase": "case"}


def _needed(due: Due | None) -> Due:
    if due is None:
        raise ValueError("a task of Capsule needs a due day")
    return due


def _status(text: str) -> TaskStatus:
    status: TaskStatus
    for status in ("OPEN", "COMPLETED", "PENDING"):
        if text == status:
            return status
    raise ValueError("status is OPEN, COMPLETED or PENDING")
