"""The team of a call's agent; rules and playbooks of teams."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column and the tables."""
    op.add_column(
        "calls", sa.Column("team", sa.String(64), nullable=False, server_default="")
    )
    op.create_index("ix_calls_team", "calls", ["team"])
    op.create_table(
        "rule_sets",
        sa.Column("team", sa.String(64), primary_key=True),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "playbooks",
        sa.Column("team", sa.String(64), primary_key=True),
        sa.Column("language", sa.String(8), primary_key=True),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Remove them and all they hold."""
    op.drop_table("playbooks")
    op.drop_table("rule_sets")
    op.drop_index("ix_calls_team", "calls")
    op.drop_column("calls", "team")
