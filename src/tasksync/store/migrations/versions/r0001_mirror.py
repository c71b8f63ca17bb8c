"""The first mirror: connections, records, replicas, outbox, holds, history, runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

# Column types as they were then, not as store/columns.py has them now.
TEXT = sa.String()
MOMENT = sa.String(27)


def upgrade() -> None:
    """Create everything."""
    _create_state()
    _create_outbox()
    _create_history()


def _of_record(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["record_id"], ["record.id"], name=f"fk_{table}_record_id_record", deferrable=True, initially="DEFERRED"
    )


def _create_state() -> None:
    op.create_table(
        "connection",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("identity", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("met_at", MOMENT),
        sa.Column("polled_at", MOMENT),
        sa.PrimaryKeyConstraint("name", name="pk_connection"),
    )
    op.create_table(
        "record",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("group_name", TEXT, nullable=False),
        sa.Column("deleted_at", MOMENT),
        sa.Column("fields", TEXT, nullable=False),
        sa.Column("origins", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_record"),
    )
    op.create_index(
        "ix_record_living", "record", ["group_name", "kind", "id"], sqlite_where=sa.text("deleted_at IS NULL")
    )
    op.create_table(
        "replica",
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("record_id", TEXT),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("modified", MOMENT),
        sa.Column("created", MOMENT),
        sa.Column("completed", MOMENT),
        sa.Column("gone_at", MOMENT),
        sa.Column("wrote", TEXT, nullable=False),
        sa.Column("wrote_at", MOMENT),
        sa.Column("shadow", TEXT, nullable=False),
        sa.Column("settled", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "kind", "external_id", name="pk_replica"),
        _of_record("replica"),
    )
    op.create_index(
        "uq_replica_record_id_connection",
        "replica",
        ["record_id", "connection"],
        unique=True,
        sqlite_where=sa.text("record_id IS NOT NULL"),
    )
    op.create_index(
        "ix_replica_unlinked",
        "replica",
        ["connection", "kind", "external_id"],
        sqlite_where=sa.text("record_id IS NULL"),
    )


def _create_outbox() -> None:
    op.create_table(
        "operation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("record_id", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("fields", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", MOMENT),
        sa.Column("error", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_operation"),
        _of_record("operation"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_operation_connection_state", "operation", ["connection", "state"])
    op.create_index("ix_operation_record_id", "operation", ["record_id"])
    op.create_table(
        "hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("record_id", TEXT),
        sa.Column("external_id", TEXT),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("decision", TEXT),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hold"),
        sa.UniqueConstraint("connection", "kind", "reason", "subject", name="uq_hold_connection_kind_reason_subject"),
        _of_record("hold"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_hold_record_id", "hold", ["record_id"])


def _create_history() -> None:
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("record_id", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("old", TEXT, nullable=False),
        sa.Column("new", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
        _of_record("revision"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_revision_record_id", "revision", ["record_id"])
    op.create_table(
        "conflict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("record_id", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("winner", TEXT, nullable=False),
        sa.Column("winner_connection", TEXT, nullable=False),
        sa.Column("winner_at", MOMENT, nullable=False),
        sa.Column("loser", TEXT, nullable=False),
        sa.Column("loser_connection", TEXT, nullable=False),
        sa.Column("loser_at", MOMENT, nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conflict"),
        _of_record("conflict"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_conflict_record_id", "conflict", ["record_id"])
    op.create_table(
        "run",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=False),
        sa.Column("summary", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_index("ix_run_started_at", "run", ["started_at"])
