"""What a program that runs for months has to know: since when an operation waits, when a row of the history was
written, and when the poll before the last one was; with indexes by which what is old is found.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# Column types as they were then, not as store/columns.py has them now.
TEXT = sa.String()
MOMENT = sa.String(27)


def upgrade() -> None:
    """Make outbox and revisions anew, as SQLite adds no column that is never NULL and has no default."""
    op.add_column("connection", sa.Column("looked_before", MOMENT))
    _renew_outbox()
    _renew_revisions()
    op.create_index("ix_conflict_seen_at", "conflict", ["seen_at"])
    op.create_index("ix_run_finished_at", "run", ["finished_at"])


def _renew_outbox() -> None:
    """Nobody has noted since when an operation waits: at the latest since it was sent, or since the last run."""
    op.drop_index("ix_operation_connection_state", "operation")
    op.drop_index("ix_operation_record_id", "operation")
    op.rename_table("operation", "operation_before")
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
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", MOMENT),
        sa.Column("attempted_there", MOMENT),
        sa.Column("error", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_operation"),
        _of_record("operation"),
        sqlite_autoincrement=True,
    )
    op.execute("""
        INSERT INTO operation (
            id, connection, kind, record_id, action, fields, title, state, queued_at,
            attempts, attempted_at, attempted_there, error
        )
        SELECT
            id, connection, kind, record_id, action, fields, title, state,
            coalesce(attempted_at, (SELECT max(finished_at) FROM run), '1970-01-01T00:00:00.000000Z'),
            attempts, attempted_at, attempted_there, error
        FROM operation_before
    """)
    _replace("operation_before", "operation")
    # Made for the metrics as well, which count by these and ask for the oldest: no row is read for that.
    op.create_index(
        "ix_operation_connection_state_kind_queued_at", "operation", ["connection", "state", "kind", "queued_at"]
    )
    op.create_index("ix_operation_record_id", "operation", ["record_id"])


def _renew_revisions() -> None:
    """A row was written at the end of its run, as near as anybody can tell."""
    op.drop_index("ix_revision_record_id", "revision")
    op.rename_table("revision", "revision_before")
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("record_id", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("old", TEXT, nullable=False),
        sa.Column("new", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("noted_at", MOMENT, nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
        _of_record("revision"),
        sqlite_autoincrement=True,
    )
    op.execute("""
        INSERT INTO revision (
            id, run, record_id, field, old, new, at, noted_at, estimated, connection, reason
        )
        SELECT
            id, run, record_id, field, old, new, at,
            coalesce(
                (SELECT finished_at FROM run WHERE run.id = written.run), (SELECT max(finished_at) FROM run), at
            ),
            estimated, connection, reason
        FROM revision_before AS written
    """)
    _replace("revision_before", "revision")
    op.create_index("ix_revision_record_id", "revision", ["record_id"])
    op.create_index("ix_revision_noted_at", "revision", ["noted_at"])


def _replace(before: str, now: str) -> None:
    """Drop the table before, when the one now has taken over up to where its ids were given out: none is used twice,
    also when the rows that had them are gone.
    """
    names = {"before": before, "now": now}
    op.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :now").bindparams(now=now))
    op.execute(sa.text("UPDATE sqlite_sequence SET name = :now WHERE name = :before").bindparams(**names))
    op.drop_table(before)


def _of_record(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["record_id"], ["record.id"], name=f"fk_{table}_record_id_record", deferrable=True, initially="DEFERRED"
    )
