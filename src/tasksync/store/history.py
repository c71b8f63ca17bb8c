"""What people look at afterwards: holds, revisions, conflicts, runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, Table, and_, bindparam, case, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from tasksync.ports import Conflict, Decision, Hold, HoldReason, Revision, RunReport
from tasksync.store.columns import value_from_text, value_to_text
from tasksync.store.section import Section, among, listed, upsert
from tasksync.store.tables import CONFLICT, HOLD, REVISION, RUN

_INSERT_HOLD = insert(HOLD)
_SAVE_HOLD = _INSERT_HOLD.on_conflict_do_update(
    index_elements=["connection", "kind", "reason", "subject"],
    set_={
        **{name: _INSERT_HOLD.excluded[name] for name in ("message", "fingerprint")},
        # What a person decided holds for what that person was shown.
        "decision": case((HOLD.c.fingerprint == _INSERT_HOLD.excluded.fingerprint, HOLD.c.decision), else_=None),
    },
)
_DECIDE = update(HOLD).where(among(HOLD.c.id, "ids")).values(decision=bindparam("said"))
_RELEASE = delete(HOLD).where(among(HOLD.c.id, "ids"))
_SAVE_RUN = upsert(RUN)
_ADD_REVISION = insert(REVISION)
_ADD_CONFLICT = insert(CONFLICT)


@cache
def _holds(given: frozenset[str]) -> Select[Any]:
    """All of them, or those that are of what is `given`."""
    conditions = {
        "connection": HOLD.c.connection == bindparam("connection"),
        "kind": HOLD.c.kind == bindparam("kind"),
        "records": among(HOLD.c.record_id, "records"),
    }
    return select(HOLD).where(*(conditions[name] for name in sorted(given))).order_by(HOLD.c.id)


class Holds(Section):
    """What a person has to decide."""

    def hold(self, holds: Iterable[Hold]) -> None:
        """Insert; one that exists already for the same connection, kind, reason, record and external id is updated and
        keeps its id and `since`.
        """
        self._write(_SAVE_HOLD, map(_hold_row, holds))

    def decide(self, ids: Collection[int], decision: Decision) -> None:
        """Note what a person said. It stands until the hold is released, or held again with another fingerprint."""
        self._sql.execute(_DECIDE, {"ids": listed(ids), "said": decision})

    def release(self, ids: Collection[int]) -> None:
        if ids:
            self._sql.execute(_RELEASE, {"ids": listed(ids)})

    def holds(
        self, connection: str | None = None, *, kind: str | None = None, records: Collection[str] | None = None
    ) -> Sequence[Hold]:
        """The longest known first; of all connections, kinds or records, if not given."""
        given = {
            "connection": connection,
            "kind": kind,
            "records": None if records is None else listed(records),
        }
        wanted = {name: value for name, value in given.items() if value is not None}
        return [_hold(row) for row in self._sql.execute(_holds(frozenset(wanted)), wanted)]

    def hold_counts(self) -> Mapping[str, int]:
        """How many holds still wait for a decision, by connection; of those that have any."""
        undecided = select(HOLD.c.connection, func.count().label("open")).where(HOLD.c.decision.is_(None))
        return {row.connection: row.open for row in self._sql.execute(undecided.group_by(HOLD.c.connection))}


class History(Section):
    """What was done, and what it replaced."""

    def add_revisions(self, revisions: Iterable[Revision], run: str, *, at: datetime) -> None:
        """Note them, now, `at`."""
        noted = {"run": run, "noted_at": at}
        self._write(_ADD_REVISION, ({**_revision_row(revision), **noted} for revision in revisions))

    def add_conflicts(self, conflicts: Iterable[Conflict], run: str) -> None:
        self._write(_ADD_CONFLICT, ({**_conflict_row(conflict), "run": run} for conflict in conflicts))

    def revisions(self, record_id: str) -> Sequence[Revision]:
        """Oldest first: in the order in which the values replaced each other, which the stamps need not follow."""
        statement = select(REVISION).where(REVISION.c.record_id == record_id).order_by(REVISION.c.id)
        return [_revision(row) for row in self._sql.execute(statement)]

    def last_revised(self) -> datetime | None:
        """When what the last row of the history tells of was made; None when there is none."""
        moment: datetime | None = self._sql.scalar(select(REVISION.c.at).order_by(REVISION.c.id.desc()).limit(1))
        return moment

    def conflicts(self, limit: int = 100) -> Sequence[Conflict]:
        """Newest first."""
        statement = select(CONFLICT).order_by(CONFLICT.c.id.desc()).limit(limit)
        return [_conflict(row) for row in self._sql.execute(statement)]

    def save_run(self, report: RunReport, *, replaces: str | None = None) -> None:
        """Insert or replace, by id. The run `replaces` is forgotten for it: of a daemon's turns in which nothing was to
        be done, the last is enough.
        """
        if replaces is not None:
            self._sql.execute(delete(RUN).where(RUN.c.id == replaces))
        self._sql.execute(
            _SAVE_RUN,
            {
                "id": report.id,
                "started_at": report.started_at,
                "finished_at": report.finished_at,
                "exit_code": int(report.exit_code),
                "summary": json.dumps(dict(report.summary), sort_keys=True),
            },
        )

    def runs(self, limit: int = 20) -> Sequence[RunReport]:
        """Newest first."""
        statement = select(RUN).order_by(RUN.c.started_at.desc(), RUN.c.id.desc()).limit(limit)
        return [_run(row) for row in self._sql.execute(statement)]

    def forget_before(self, moment: datetime, most: int) -> int:
        """Delete revisions noted, conflicts seen and runs finished before `moment`: the oldest, at most `most` of each,
        and never the newest run. Returns how many; none is left to be deleted when that is 0.
        """
        newest = select(RUN.c.id).order_by(RUN.c.started_at.desc(), RUN.c.id.desc()).limit(1).scalar_subquery()
        aged = (
            (REVISION, REVISION.c.noted_at < moment, REVISION.c.noted_at),
            (CONFLICT, CONFLICT.c.seen_at < moment, CONFLICT.c.seen_at),
            (RUN, and_(RUN.c.finished_at < moment, RUN.c.id != newest), RUN.c.finished_at),
        )
        return sum(self._delete_oldest(table, condition, at, most) for table, condition, at in aged)

    def _delete_oldest(self, table: Table, condition: ColumnElement[bool], at: Column[datetime], most: int) -> int:
        oldest = select(table.c.id).where(condition).order_by(at, table.c.id).limit(most)
        return self._sql.execute(delete(table).where(table.c.id.in_(oldest))).rowcount


def _hold_row(hold: Hold) -> dict[str, Any]:
    return {
        "connection": hold.connection,
        "kind": hold.kind,
        "reason": hold.reason,
        "subject": json.dumps([hold.record_id, hold.external_id]),
        "record_id": hold.record_id,
        "external_id": hold.external_id,
        "message": hold.message,
        "fingerprint": hold.fingerprint,
        "decision": hold.decision,
        "since": hold.since,
    }


def _hold(row: Row[Any]) -> Hold:
    return Hold(
        id=row.id,
        connection=row.connection,
        kind=row.kind,
        reason=HoldReason(row.reason),
        message=row.message,
        since=row.since,
        record_id=row.record_id,
        external_id=row.external_id,
        fingerprint=row.fingerprint,
        decision=None if row.decision is None else Decision(row.decision),
    )


def _revision_row(revision: Revision) -> dict[str, Any]:
    return {
        "record_id": revision.record_id,
        "field": revision.field,
        "old": value_to_text(revision.old),
        "new": value_to_text(revision.new),
        "at": revision.at,
        "estimated": revision.estimated,
        "connection": revision.connection,
        "reason": revision.reason,
    }


def _revision(row: Row[Any]) -> Revision:
    return Revision(
        record_id=row.record_id,
        field=row.field,
        old=value_from_text(row.old),
        new=value_from_text(row.new),
        at=row.at,
        estimated=row.estimated,
        connection=row.connection,
        reason=row.reason,
    )


def _conflict_row(conflict: Conflict) -> dict[str, Any]:
    return {
        "record_id": conflict.record_id,
        "field": conflict.field,
        "winner": value_to_text(conflict.winner),
        "winner_connection": conflict.winner_connection,
        "winner_at": conflict.winner_at,
        "loser": value_to_text(conflict.loser),
        "loser_connection": conflict.loser_connection,
        "loser_at": conflict.loser_at,
        "estimated": conflict.estimated,
        "seen_at": conflict.seen_at,
    }


def _conflict(row: Row[Any]) -> Conflict:
    return Conflict(
        record_id=row.record_id,
        field=row.field,
        winner=value_from_text(row.winner),
        winner_connection=row.winner_connection,
        winner_at=row.winner_at,
        loser=value_from_text(row.loser),
        loser_connection=row.loser_connection,
        loser_at=row.loser_at,
        estimated=row.estimated,
        seen_at=row.seen_at,
    )


def _run(row: Row[Any]) -> RunReport:
    return RunReport(
        id=row.id,
        started_at=row.started_at,
        finished_at=row.finished_at,
        exit_code=row.exit_code,
        summary=json.loads(row.summary),
    )
