"""The outbox: operations that a connection still has to get, in the order in which they are sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from tasksync.core.plan import Action, Operation
from tasksync.core.record import decode
from tasksync.ports import Depth, OperationState, Queued
from tasksync.store.columns import values_to_text
from tasksync.store.section import Section, among
from tasksync.store.tables import OPERATION

_WAITING = (OperationState.PENDING, OperationState.HELD)
_RENAME = update(OPERATION).where(OPERATION.c.id == bindparam("renamed")).values(title=bindparam("to"))


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
        waiting = self._sql.execute(
            select(OPERATION)
            .where(OPERATION.c.kind == kind, among(OPERATION.c.record_id, record_ids))
            .where(OPERATION.c.state.in_(_WAITING))
            .order_by(OPERATION.c.id)
        )
        renewal = _Renewal.of(waiting, at)
        covered = set(record_ids)
        for operation in operations:
            if operation.kind != kind or operation.record_id not in covered:
                raise ValueError(f"an operation of {operation.kind} {operation.record_id} is not among those replaced")
            renewal.add(operation)
        self.finish(renewal.gone)
        self._write(_RENAME, renewal.renamed)
        self._write(insert(OPERATION), renewal.new)

    def queue(
        self, connection: str | None = None, states: Collection[OperationState] = (), *, kind: str | None = None
    ) -> Sequence[Queued]:
        """In the order in which they have to be sent; all connections, states or kinds, if not given."""
        statement = select(OPERATION).order_by(OPERATION.c.id)
        if connection is not None:
            statement = statement.where(OPERATION.c.connection == connection)
        if states:
            statement = statement.where(OPERATION.c.state.in_(states))
        if kind is not None:
            statement = statement.where(OPERATION.c.kind == kind)
        return [_queued(row) for row in self._sql.execute(statement)]

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
        changes: dict[str, Any] = {"state": state, "error": error}
        if state is OperationState.SENDING:
            if at is None:
                raise ValueError("an attempt needs the time it is made at")
            changes |= {"attempts": OPERATION.c.attempts + 1, "attempted_at": at, "attempted_there": there}
        self._sql.execute(update(OPERATION).where(among(OPERATION.c.id, ids)).values(changes))

    def finish(self, ids: Collection[int]) -> None:
        """They are done: out of the outbox."""
        self._sql.execute(delete(OPERATION).where(among(OPERATION.c.id, ids)))


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
