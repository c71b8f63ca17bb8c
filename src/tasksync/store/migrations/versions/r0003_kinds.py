"""What is remembered of a connection is remembered for each kind of record, with when it was last looked at; and of an
attempt, when it was made by the CRM's clock.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# Column types as they were then, not as store/columns.py has them now.
TEXT = sa.String()
MOMENT = sa.String(27)


def upgrade() -> None:
    """Make the table anew, as SQLite cannot change a primary key. There were tasks only, and complete polls."""
    op.rename_table("connection", "connection_before")
    op.create_table(
        "connection",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("identity", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("met_at", MOMENT),
        sa.Column("polled_at", MOMENT),
        sa.Column("looked_at", MOMENT),
        sa.Column("polled_there", MOMENT),
        sa.Column("looked_there", MOMENT),
        sa.PrimaryKeyConstraint("name", "kind", name="pk_connection"),
    )
    op.execute(
        "INSERT INTO connection (name, kind, identity, scope, met_at, polled_at, looked_at) "
        "SELECT name, 'task', identity, scope, met_at, polled_at, polled_at FROM connection_before"
    )
    op.drop_table("connection_before")
    op.add_column("operation", sa.Column("attempted_there", MOMENT))
