"""What the sections of a unit share: the connection, and reading and writing in bulk.

Statements are made once, as constants of their modules, and given their parameters each time: to make one takes several
times as long as SQLite takes for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Executable, Row, Select, Table, bindparam, func, select
from sqlalchemy.dialects.sqlite import Insert, insert

T = TypeVar("T")

# Rows held in memory at once, in either direction.
PAGE = 500


class Section:
    """One section of `ports.Unit`, alive as long as the transaction."""

    def __init__(self, sql: Connection) -> None:
        self._alive: Connection | None = sql

    def end(self) -> None:
        """The transaction is over: from now on every use raises `RuntimeError`."""
        self._alive = None

    @property
    def _sql(self) -> Connection:
        if self._alive is None:
            raise RuntimeError("this unit of the mirror has ended; begin another one")
        return self._alive

    def _write(self, statement: Executable, rows: Iterable[Mapping[str, Any]]) -> None:
        """Execute `statement` once per row, a page of rows at a time."""
        for page in pages(rows):
            self._sql.execute(statement, page)

    def _read_in_pages(self, statement: Select[Any], key: Column[str]) -> Iterator[Row[Any]]:
        """The rows by `key`, a page at a time. No cursor stays open between pages, so rows may be written meanwhile."""
        after = ""
        while rows := self._sql.execute(statement.where(key > after).order_by(key).limit(PAGE)).all():
            yield from rows
            after = getattr(rows[-1], key.name)


def pages(items: Iterable[T]) -> Iterator[list[T]]:
    """`items` in lists of at most `PAGE`."""
    iterator = iter(items)
    while page := list(islice(iterator, PAGE)):
        yield page


def among(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """`column` is one of what `listed` made of the values given as `parameter`: one prepared statement for any number
    of them.
    """
    each = func.json_each(bindparam(parameter)).table_valued("value")
    return column.in_(select(each.c.value))


def listed(values: Iterable[str] | Iterable[int]) -> str:
    """For `among`."""
    return json.dumps(list(values))


def upsert(table: Table) -> Insert:
    """Insert a row, or replace the one with the same primary key."""
    statement = insert(table)
    replaced = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=replaced)
