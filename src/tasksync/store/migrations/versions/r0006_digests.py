"""Of what row of a listing a replica is the outcome, so that a row that comes again need not be read; and an index by
which the next operations are found, however many wait.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing is known of any yet: each is read once more."""
    op.add_column("replica", sa.Column("digest", sa.String()))
    op.create_index("ix_operation_connection_kind_state", "operation", ["connection", "kind", "state"])
