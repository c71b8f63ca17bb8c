"""The other side of each CRM: its records of one kind, handled as a person does in the CRM's own pages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar, Generic, TypeVar

from tasksync.sandbox.neutral import Given, NoSuchRecord

R = TypeVar("R")
F = TypeVar("F", bound=Given)


class Shelf(ABC, Generic[R]):
    """All records of one kind, in the neutral words of `neutral.py`. Methods raise ValueError for what the CRM's pages
    would not take and NoSuchRecord for an unknown id. Shelves hold nothing themselves; the CRM does.

    `key` names the attribute of a row that holds its id.
    """

    kind: ClassVar[str]
    key: ClassVar[str] = "id"

    @abstractmethod
    def rows(self) -> Collection[R]:
        """As the CRM's database has them, oldest first."""

    @abstractmethod
    def add(self, /, **fields: Any) -> str:
        """Create a record and return its id."""

    @abstractmethod
    def edit(self, record_id: str, /, **fields: Any) -> None:
        """Change the given fields; moves the modified stamp, where there is one."""

    @abstractmethod
    def remove(self, record_id: str) -> None:
        """Delete a record, and whatever the CRM deletes with it."""

    @abstractmethod
    def neutral(self, row: R) -> dict[str, Any]:
        """The record in neutral words."""

    def all(self) -> list[dict[str, Any]]:
        """All records, oldest first."""
        return [self.neutral(row) for row in self.rows()]

    def one(self, record_id: str) -> dict[str, Any]:
        return self.neutral(self.find(record_id))

    def find(self, record_id: str) -> R:
        for row in self.rows():
            if str(getattr(row, self.key)) == record_id:
                return row
        raise NoSuchRecord(f"there is no {self.kind} {record_id}")

    def check(self, record_id: str) -> None:
        """Raises ValueError when a record is to be linked that is not there."""
        try:
            self.find(record_id)
        except NoSuchRecord as error:
            raise ValueError(str(error)) from None


class TableShelf(Shelf[R], Generic[R, F]):
    """A shelf whose records are added and edited by a form. `label`: the one field that every record needs."""

    form: type[F]
    label: ClassVar[str] = "name"

    @abstractmethod
    def blank(self, given: F) -> R:
        """A new row under an id of its own, still without what was given."""

    @abstractmethod
    def changed(self, row: R, given: F) -> R:
        """The row with what was given. Raises ValueError for what cannot be."""

    @abstractmethod
    def store(self, row: R) -> None:
        """Over what was there under its id, if anything was."""

    def add(self, /, **fields: Any) -> str:
        given = self.form.model_validate(fields)
        if not getattr(given, self.label):
            raise ValueError(f"this {self.kind} needs a {self.label}")
        row = self.changed(self.blank(given), given)
        self.store(row)
        return str(getattr(row, self.key))

    def edit(self, record_id: str, /, **fields: Any) -> None:
        self.store(self.changed(self.find(record_id), self.form.model_validate(fields)))
