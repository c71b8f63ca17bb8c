"""Sign-ins by OAuth2: the tokens of a connection."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# Column types as they were then, not as store/columns.py has them now.
TEXT = sa.String()
MOMENT = sa.String(27)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "sign_in",
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("audience", TEXT, nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("tokens", TEXT, nullable=False),
        sa.Column("obtained_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("refused", TEXT),
        sa.PrimaryKeyConstraint("connection", name="pk_sign_in"),
    )
