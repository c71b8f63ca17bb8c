"""`ports.Mirror` on one SQLite connection.

The driver's own idea of transactions is switched off (`isolation_level=None`), as it begins none before a SELECT or a
CREATE TABLE. Each transaction is begun here, as IMMEDIATE: it has the write lock from its start, so what it read is
still true when it writes, and waiting for another program happens in one place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import StaticPool

from tasksync.errors import MirrorUnusable
from tasksync.store.directory import Directory
from tasksync.store.faults import explained, unusable
from tasksync.store.history import History, Holds
from tasksync.store.outbox import Outbox
from tasksync.store.records import Records
from tasksync.store.replicas import Connections, Replicas
from tasksync.store.schema import OURS, Schema, upgrade
from tasksync.store.sign_ins import SignIns


class SqlUnit(Connections, Replicas, Records, Directory, Outbox, Holds, History, SignIns):
    """`ports.Unit`: all sections on one transaction; and the sign-ins, which are `ports.Tokens`'s."""


class SqlMirror:
    """The mirror behind `raw`, an open connection with `isolation_level=None` that is closed with the mirror. `place`
    is what messages call it. Brings the database to the newest schema; raises `MirrorUnusable` and closes `raw` if it
    cannot. Used from one thread at a time.
    """

    def __init__(self, raw: sqlite3.Connection, place: str, *, schema: Schema = OURS) -> None:
        self._raw = raw
        self._place = place
        self._fault: MirrorUnusable | None = None
        self._in_unit = False
        # The url only names the dialect. Parameters are tasks' texts, and have no place in an error's message.
        self._engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool, hide_parameters=True)
        event.listen(self._engine, "begin", _begin_immediate)
        event.listen(self._engine, "handle_error", self._explain)
        try:
            with explained(place):
                self._sql = self._engine.connect()
                raw.execute("PRAGMA foreign_keys = OFF")
                with self._sql.begin():
                    upgrade(self._sql, place, schema)
                raw.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            raw.close()
            raise

    @property
    def rows_written(self) -> int:
        """See `ports.Mirror`."""
        return self._raw.total_changes

    @contextmanager
    def begin(self) -> Iterator[SqlUnit]:
        """One transaction, committed when the block ends and rolled back when it raises. Never held across an `await`.

        Raises `MirrorUnusable` when the database cannot be read or written, also when the block has swallowed that
        error: half of a unit is never committed. Raises `RuntimeError` within another unit and after `close`.
        """
        self._require_idle()
        self._in_unit, self._fault = True, None
        try:
            with self._sql.begin():
                unit = SqlUnit(self._sql)
                try:
                    yield unit
                finally:
                    unit.end()
                if self._fault is not None:
                    raise self._fault
        finally:
            # A commit that SQLite refuses leaves its transaction open, which SQLAlchemy takes for ended.
            if self._raw.in_transaction:
                self._raw.rollback()
            self._in_unit = False

    def tidy(self) -> None:
        """Renew the statistics that queries are planned by, where they are due, and empty the write-ahead log into the
        database. Waits for nobody: what another program is in the way of is left for the next time. A mirror in memory
        has no log.

        Raises `MirrorUnusable` when the database cannot be read or written, and `RuntimeError` as `begin` does.
        """
        self._require_idle()
        # Without a limit, SQLite before 3.46 reads whole tables for its statistics.
        for work in ("PRAGMA analysis_limit = 400", "PRAGMA optimize", "PRAGMA wal_checkpoint(TRUNCATE)"):
            with explained(self._place), _without_waiting(self._raw):
                self._raw.execute(work).fetchall()

    def close(self) -> None:
        """Close the database; the last one to close it also empties its write-ahead log."""
        self._sql.close()
        self._engine.dispose()

    def _require_idle(self) -> None:
        if self._sql.closed:
            raise RuntimeError("the mirror is closed")
        if self._in_unit:
            raise RuntimeError("a unit of the mirror is open already")

    def _explain(self, context: ExceptionContext) -> None:
        """Called by SQLAlchemy for whatever is raised below it; what this raises is raised instead."""
        error = context.original_exception
        if isinstance(error, sqlite3.Error):
            self._fault = unusable(self._place, error)
            raise self._fault from error
        raise error


@contextmanager
def _without_waiting(raw: sqlite3.Connection) -> Iterator[None]:
    """Within the block, another program's lock ends what it is in the way of at once, and silently."""
    (patience_ms,) = raw.execute("PRAGMA busy_timeout").fetchone()
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise
    finally:
        raw.execute(f"PRAGMA busy_timeout = {patience_ms}")


def _begin_immediate(sql: Connection) -> None:
    sql.exec_driver_sql("BEGIN IMMEDIATE")
