"""The directory: referents, what corresponds to what, and gaps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# Column types as they were then, not as store/columns.py has them now.
TEXT = sa.String()
MOMENT = sa.String(27)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "referent",
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("emails", TEXT, nullable=False),
        sa.Column("parent", TEXT),
        sa.PrimaryKeyConstraint("reference", name="pk_referent"),
    )
    op.create_index("ix_referent_type_connection", "referent", ["type", "connection"])
    op.create_table(
        "people_list",
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("listed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", name="pk_people_list"),
    )
    op.create_table(
        "correspondence",
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("counterpart", TEXT),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("reference", "connection", name="pk_correspondence"),
    )
    _create_gaps()


def _create_gaps() -> None:
    op.create_table(
        "gap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("record_id", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gap"),
        sa.UniqueConstraint(
            "record_id", "connection", "field", "value", name="uq_gap_record_id_connection_field_value"
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["record.id"], name="fk_gap_record_id_record", deferrable=True, initially="DEFERRED"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_gap_connection_field_value", "gap", ["connection", "field", "value"])
