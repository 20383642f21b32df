"""What the console needs: sessions that end when they are told to, and rounds by their time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table and the indexes."""
    op.create_table(
        "console_sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["access_keys.digest"]),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("rounds_by_start", "rounds", ["created"], unique=False)
    op.create_index("rounds_by_change", "rounds", ["changed"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("rounds_by_change", table_name="rounds")
    op.drop_index("rounds_by_start", table_name="rounds")
    op.drop_table("console_sessions")
