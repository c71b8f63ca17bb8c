"""The mirror's tables. They describe rows and never serve as domain types: `ports` and `core` have those.

`migrations/` builds the same tables step by step; a test holds the two together.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKeyConstraint, Index, MetaData, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from tasksync.store.columns import Moment, Prose

# Every constraint has a name, because SQLite can change a constraint only where a migration can name it.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def _of_record() -> ForeignKeyConstraint:
    # Checked at the commit: within a unit, a replica may be saved before its record.
    return ForeignKeyConstraint(["record_id"], ["record.id"], deferrable=True, initially="DEFERRED")


class MirrorTable(SQLModel):
    """The base of all tables, with a metadata of their own."""

    # Nobody has rows validated, so pydantic need not build what it would do that with.
    model_config = {"defer_build": True}
    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMES)


class ConnectionTable(MirrorTable, table=True):
    """`ports.ConnectionState`."""

    __tablename__ = "connection"

    name: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    identity: str
    scope: str
    met_at: datetime | None = Field(default=None, sa_type=Moment)
    polled_at: datetime | None = Field(default=None, sa_type=Moment)
    looked_at: datetime | None = Field(default=None, sa_type=Moment)
    polled_there: datetime | None = Field(default=None, sa_type=Moment)
    looked_there: datetime | None = Field(default=None, sa_type=Moment)
    looked_before: datetime | None = Field(default=None, sa_type=Moment)


class RecordTable(MirrorTable, table=True):
    """`core.record.Record`. `fields` are the current values; `origins` the rest of their versions, by field:
    `[at, connection, external_id, estimated]`.
    """

    __tablename__ = "record"
    __table_args__ = (Index("ix_record_living", "group_name", "kind", "id", sqlite_where=text("deleted_at IS NULL")),)

    id: str = Field(primary_key=True)
    kind: str
    group_name: str
    deleted_at: datetime | None = Field(default=None, sa_type=Moment)
    fields: str
    origins: str


class ReplicaTable(MirrorTable, table=True):
    """`core.record.Replica`, with its content hash, so that shadows need not be read to be compared."""

    __tablename__ = "replica"
    __table_args__ = (
        _of_record(),
        # I3: a record never has two replicas in one connection. Here it cannot.
        Index(
            "uq_replica_record_id_connection",
            "record_id",
            "connection",
            unique=True,
            sqlite_where=text("record_id IS NOT NULL"),
        ),
        Index("ix_replica_unlinked", "connection", "kind", "external_id", sqlite_where=text("record_id IS NULL")),
    )

    connection: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    record_id: str | None = None
    content: str
    seen_at: datetime = Field(sa_type=Moment)
    modified: datetime | None = Field(default=None, sa_type=Moment)
    created: datetime | None = Field(default=None, sa_type=Moment)
    completed: datetime | None = Field(default=None, sa_type=Moment)
    gone_at: datetime | None = Field(default=None, sa_type=Moment)
    wrote: str = ""
    wrote_at: datetime | None = Field(default=None, sa_type=Moment)
    shadow: str
    settled: str
    # Of the sighting that the replica is the outcome of; none once it was saved for any other reason.
    digest: str | None = None


class OperationTable(MirrorTable, table=True):
    """The outbox: `ports.Queued`. The order of sending is the order of `id`, and no id is used twice."""

    __tablename__ = "operation"
    __table_args__ = (
        _of_record(),
        Index(None, "connection", "state", "kind", "queued_at"),
        # In the order of sending: an index of SQLite ends with the row's id.
        Index(None, "connection", "kind", "state"),
        Index(None, "record_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str
    kind: str
    record_id: str
    action: str
    fields: str
    title: str = Field(sa_type=Prose)
    state: str
    queued_at: datetime = Field(sa_type=Moment)
    attempts: int
    attempted_at: datetime | None = Field(default=None, sa_type=Moment)
    attempted_there: datetime | None = Field(default=None, sa_type=Moment)
    error: str | None = Field(default=None, sa_type=Prose)


class HoldTable(MirrorTable, table=True):
    """`ports.Hold`. `subject` is record id and external id in one value that is never NULL, because NULLs are never
    equal to each other and a unique constraint over them would hold nothing.
    """

    __tablename__ = "hold"
    __table_args__ = (
        _of_record(),
        UniqueConstraint("connection", "kind", "reason", "subject"),
        Index(None, "record_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str
    kind: str
    reason: str
    subject: str
    record_id: str | None = None
    external_id: str | None = None
    message: str = Field(sa_type=Prose)
    fingerprint: str
    decision: str | None = None
    since: datetime = Field(sa_type=Moment)


class RevisionTable(MirrorTable, table=True):
    """`ports.Revision`, and the run that wrote it, at `noted_at`."""

    __tablename__ = "revision"
    __table_args__ = (_of_record(), Index(None, "record_id"), Index(None, "noted_at"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    run: str
    record_id: str
    field: str
    old: str
    new: str
    at: datetime = Field(sa_type=Moment)
    noted_at: datetime = Field(sa_type=Moment)
    estimated: bool
    connection: str
    reason: str = Field(sa_type=Prose)


class ConflictTable(MirrorTable, table=True):
    """`ports.Conflict`, and the run that saw it."""

    __tablename__ = "conflict"
    __table_args__ = (_of_record(), Index(None, "record_id"), Index(None, "seen_at"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    run: str
    record_id: str
    field: str
    winner: str
    winner_connection: str
    winner_at: datetime = Field(sa_type=Moment)
    loser: str
    loser_connection: str
    loser_at: datetime = Field(sa_type=Moment)
    estimated: bool
    seen_at: datetime = Field(sa_type=Moment)


class RunTable(MirrorTable, table=True):
    """`ports.RunReport`; `summary` is JSON text."""

    __tablename__ = "run"
    __table_args__ = (Index(None, "started_at"), Index(None, "finished_at"))

    id: str = Field(primary_key=True)
    started_at: datetime = Field(sa_type=Moment)
    finished_at: datetime = Field(sa_type=Moment)
    exit_code: int
    summary: str


class ReferentTable(MirrorTable, table=True):
    """`core.directory.Referent`; `emails` is a JSON list. `connection` and `type` are parts of the reference."""

    __tablename__ = "referent"
    __table_args__ = (Index(None, "type", "connection"),)

    reference: str = Field(primary_key=True)
    connection: str
    type: str
    name: str = Field(sa_type=Prose)
    emails: str
    parent: str | None = None


class PeopleListTable(MirrorTable, table=True):
    """When the people of a connection were last listed, which a list that came out empty could not tell."""

    __tablename__ = "people_list"

    connection: str = Field(primary_key=True)
    listed_at: datetime = Field(sa_type=Moment)


class CorrespondenceTable(MirrorTable, table=True):
    """`ports.Correspondence`."""

    __tablename__ = "correspondence"

    reference: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    counterpart: str | None = None
    at: datetime = Field(sa_type=Moment)


class GapTable(MirrorTable, table=True):
    """`core.plan.Gap`. The order of `id` is the order in which records got their gaps."""

    __tablename__ = "gap"
    __table_args__ = (
        _of_record(),
        UniqueConstraint("record_id", "connection", "field", "value"),
        Index(None, "connection", "field", "value"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    connection: str
    record_id: str
    field: str
    value: str


class SignInTable(MirrorTable, table=True):
    """`ports.SignIn`. `tokens` is JSON text, encrypted if `sealed`. No reference to `connection`: a person signs in
    before the first sync.
    """

    __tablename__ = "sign_in"

    connection: str = Field(primary_key=True)
    audience: str
    sealed: bool
    tokens: str
    obtained_at: datetime = Field(sa_type=Moment)
    expires_at: datetime | None = Field(default=None, sa_type=Moment)
    refused: str | None = Field(default=None, sa_type=Prose)


def _table(name: str) -> Table:
    return MirrorTable.metadata.tables[name]


# The same tables for SQLAlchemy Core, which the unit works with: no object per row.
CONNECTION = _table("connection")
RECORD = _table("record")
REPLICA = _table("replica")
OPERATION = _table("operation")
HOLD = _table("hold")
REVISION = _table("revision")
CONFLICT = _table("conflict")
RUN = _table("run")
REFERENT = _table("referent")
PEOPLE_LIST = _table("people_list")
CORRESPONDENCE = _table("correspondence")
GAP = _table("gap")
SIGN_IN = _table("sign_in")
