"""The outbox: operations that a connection still has to get, in the order in which they are sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, delete, exists, func, insert, not_, select, update

from tasksync.core.plan import Action, Operation
from tasksync.core.record import decode
from tasksync.ports import Depth, OperationState, Queued
from tasksync.store.columns import values_to_text
from tasksync.store.section import Section, among, listed
from tasksync.store.tables import OPERATION

_WAITING = (OperationState.PENDING, OperationState.HELD)
_ON_THEIR_WAY = (OperationState.PENDING, OperationState.SENDING)
_THERE = and_(OPERATION.c.connection == bindparam("connection"), OPERATION.c.kind == bindparam("kind"))
_PENDING = and_(_THERE, OPERATION.c.state == OperationState.PENDING)

_RENAME = update(OPERATION).where(OPERATION.c.id == bindparam("renamed")).values(title=bindparam("to"))
_QUEUE = insert(OPERATION)
_COUNT_PENDING = select(func.count(), func.max(OPERATION.c.id)).where(_PENDING)
_WAITING_RECORDS = select(OPERATION.c.record_id).where(_THERE, OPERATION.c.state.in_(_WAITING)).order_by(OPERATION.c.id)
_RENEWED = (
    select(OPERATION)
    .where(OPERATION.c.kind == bindparam("kind"), among(OPERATION.c.record_id, "ids"))
    .where(OPERATION.c.state.in_(_WAITING))
    .order_by(OPERATION.c.id)
)
_FINISH = delete(OPERATION).where(among(OPERATION.c.id, "ids"))
_MARK = update(OPERATION).where(among(OPERATION.c.id, "ids")).values(state=bindparam("to"), error=bindparam("why"))
_ATTEMPT = _MARK.values(
    attempts=OPERATION.c.attempts + 1, attempted_at=bindparam("at"), attempted_there=bindparam("there")
)


@cache
def _queue(given: frozenset[str]) -> Select[Any]:
    """All of it, or what is of what is `given`."""
    narrowing: list[ColumnElement[Any]] = [OPERATION.c.connection, OPERATION.c.state, OPERATION.c.kind]
    if "records" in given:
        # Records have few operations, a connection as many as it has tasks: an expression is no use for its index.
        narrowing = [column + "" for column in narrowing]
    connection, state, kind = narrowing
    conditions = {
        "connection": connection == bindparam("connection"),
        "states": among(state, "states"),
        "kind": kind == bindparam("kind"),
        "records": among(OPERATION.c.record_id, "records"),
    }
    return select(OPERATION).where(*(conditions[name] for name in sorted(given))).order_by(OPERATION.c.id)


def _next() -> Select[Any]:
    first = OPERATION.alias("first")
    follows = exists().where(
        first.c.record_id == OPERATION.c.record_id,
        first.c.connection == OPERATION.c.connection,
        first.c.id < OPERATION.c.id,
        first.c.state.in_(_ON_THEIR_WAY),
    )
    return (
        select(OPERATION)
        .where(_PENDING, OPERATION.c.id > bindparam("after"), OPERATION.c.id <= bindparam("until"), not_(follows))
        .order_by(OPERATION.c.id)
        .limit(bindparam("most"))
    )


def _unheld() -> Select[Any]:
    held = OPERATION.alias("held")
    asked = exists().where(
        held.c.record_id == OPERATION.c.record_id,
        held.c.connection == OPERATION.c.connection,
        held.c.state == OperationState.HELD,
    )
    parts = (OPERATION.c.connection, OPERATION.c.kind)
    return select(*parts, func.count().label("waiting")).where(not_(asked)).group_by(*parts)


_NEXT = _next()
_UNHELD = _unheld()


class Outbox(Section):
    """The operations, ordered by id."""

    def replace_pending(
        self, kind: str, record_ids: Collection[str], operations: Iterable[Operation], *, at: datetime
    ) -> None:
        """All that is planned for these records is now, `at`, this: their pending and held operations go, `operations`
        come, in the order given. One that equals what was waiting keeps its place, its attempts, its error and since
        when it waits. Sending and unknown ones stay.

        Titles are not compared, only renewed. One that equals, but follows something new for the same replica, keeps
        all but its place: a create comes before what is to be done with what it made. Raises `ValueError` for an
        operation of another kind or record.
        """
        renewal = _Renewal.of(self._sql.execute(_RENEWED, {"kind": kind, "ids": listed(record_ids)}), at)
        covered = set(record_ids)
        for operation in operations:
            if operation.kind != kind or operation.record_id not in covered:
                raise ValueError(f"an operation of {operation.kind} {operation.record_id} is not among those replaced")
            renewal.add(operation)
        self.finish(renewal.gone)
        self._write(_RENAME, renewal.renamed)
        self._write(_QUEUE, renewal.new)

    def queue(
        self,
        connection: str | None = None,
        states: Collection[OperationState] = (),
        *,
        kind: str | None = None,
        records: Collection[str] | None = None,
    ) -> Sequence[Queued]:
        """In the order in which they have to be sent; of all connections, states, kinds or records, if not given."""
        given = {
            "connection": connection,
            "states": listed(states) if states else None,
            "kind": kind,
            "records": None if records is None else listed(records),
        }
        wanted = {name: value for name, value in given.items() if value is not None}
        return [_queued(row) for row in self._sql.execute(_queue(frozenset(wanted)), wanted)]

    def pending(self, connection: str, kind: str) -> tuple[int, int]:
        """How many operations are pending there, and the id of the last one (0 for none)."""
        count, last = self._sql.execute(_COUNT_PENDING, {"connection": connection, "kind": kind}).one()
        return count, last or 0

    def next_operations(self, connection: str, kind: str, *, after: int, until: int, most: int) -> Sequence[Queued]:
        """Of the pending operations with ids beyond `after` and up to `until` the first ones, `most` at most, in the
        order in which they have to be sent. Left out are those that follow another of the same record, pending or on
        its way.
        """
        wanted = {"connection": connection, "kind": kind, "after": after, "until": until, "most": most}
        return [_queued(row) for row in self._sql.execute(_NEXT, wanted)]

    def waiting_records(self, connection: str, kind: str, action: Action | None = None) -> Sequence[str]:
        """The ids of the records for which something is pending or held there, each once, the longest known first; with
        `action`, that.
        """
        found = _WAITING_RECORDS if action is None else _WAITING_RECORDS.where(OPERATION.c.action == action)
        rows = self._sql.execute(found, {"connection": connection, "kind": kind})
        return list(dict.fromkeys(rows.scalars().all()))

    def unheld(self) -> Mapping[tuple[str, str], int]:
        """By connection and kind, how many operations wait for something else than a person: what follows a held one
        waits for that person, too.
        """
        return {(row.connection, row.kind): row.waiting for row in self._sql.execute(_UNHELD)}

    def last_attempt(self) -> datetime | None:
        """When the operation that was last sent was; None when none was, of those that are here."""
        moment: datetime | None = self._sql.execute(select(func.max(OPERATION.c.attempted_at))).scalar_one()
        return moment

    def outbox_depth(self) -> Sequence[Depth]:
        """What the outbox holds, counted: one for each connection, kind and state that anything of is there, in this
        order.
        """
        parts = (OPERATION.c.connection, OPERATION.c.state, OPERATION.c.kind)
        counts = (func.count().label("count"), func.min(OPERATION.c.queued_at).label("oldest_at"))
        # In the order of the index, so that no row is read and nothing is sorted.
        rows = self._sql.execute(select(*parts, *counts).group_by(*parts)).mappings()
        found = [Depth(**{**row, "state": OperationState(row["state"])}) for row in rows]
        return sorted(found, key=lambda depth: (depth.connection, depth.kind, depth.state))

    def mark(
        self,
        ids: Collection[int],
        state: OperationState,
        *,
        at: datetime | None = None,
        there: datetime | None = None,
        error: str | None = None,
    ) -> None:
        """Change the state. To SENDING: counts an attempt, made `at`, which was `there` by the CRM's clock;
        `ValueError` without the first. `error` replaces what was there, also when it is None.
        """
        if not ids:
            return
        changes: dict[str, Any] = {"ids": listed(ids), "to": state, "why": error}
        if state is not OperationState.SENDING:
            self._sql.execute(_MARK, changes)
        elif at is None:
            raise ValueError("an attempt needs the time it is made at")
        else:
            self._sql.execute(_ATTEMPT, {**changes, "at": at, "there": there})

    def finish(self, ids: Collection[int]) -> None:
        """They are done: out of the outbox."""
        if ids:
            self._sql.execute(_FINISH, {"ids": listed(ids)})


@dataclass(slots=True, kw_only=True)
class _Renewal:
    """What becomes of the waiting rows while the operations that replace them come in, one by one."""

    at: datetime
    waiting: dict[tuple[str, ...], list[Row[Any]]]
    gone: set[int]
    renamed: list[dict[str, Any]] = field(default_factory=list)
    new: list[dict[str, Any]] = field(default_factory=list)
    # By replica: the last row that kept its place. Infinity once something new came, as that goes to the end.
    last: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))

    @classmethod
    def of(cls, rows: Iterable[Row[Any]], at: datetime) -> _Renewal:
        renewal = cls(at=at, waiting=defaultdict(list), gone=set())
        for row in rows:
            renewal.waiting[row.connection, row.record_id, row.action, row.fields].append(row)
            renewal.gone.add(row.id)
        return renewal

    def add(self, operation: Operation) -> None:
        replica = (operation.connection, operation.record_id)
        fields = values_to_text(operation.values)
        same = self.waiting[*replica, operation.action, fields]
        row = same.pop(0) if same else None
        if row is not None and row.id > self.last[replica]:
            self.last[replica] = row.id
            self.gone.discard(row.id)
            if row.title != operation.title:
                self.renamed.append({"renamed": row.id, "to": operation.title})
            return
        self.last[replica] = float("inf")
        self.new.append(
            {
                "connection": operation.connection,
                "kind": operation.kind,
                "record_id": operation.record_id,
                "action": operation.action,
                "fields": fields,
                "title": operation.title,
                "state": OperationState.PENDING if row is None else row.state,
                "queued_at": self.at if row is None else row.queued_at,
                "attempts": 0 if row is None else row.attempts,
                "attempted_at": None if row is None else row.attempted_at,
                "attempted_there": None if row is None else row.attempted_there,
                "error": None if row is None else row.error,
            }
        )


def _queued(row: Row[Any]) -> Queued:
    return Queued(
        id=row.id,
        operation=Operation(
            connection=row.connection,
            kind=row.kind,
            record_id=row.record_id,
            action=Action(row.action),
            values=decode(row.fields),
            title=row.title,
        ),
        state=OperationState(row.state),
        queued_at=row.queued_at,
        attempts=row.attempts,
        attempted_at=row.attempted_at,
        attempted_there=row.attempted_there,
        error=row.error,
    )
