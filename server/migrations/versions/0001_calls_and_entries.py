"""Calls and the entries of their logs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(64), primary_key=True),
        sa.Column("agent_id", sa.String(64), nullable=False, index=True),
        sa.Column("customer_ref", sa.String(128), nullable=False, index=True),
        sa.Column("language", sa.String(8)),
        sa.Column("parties", sa.JSON, nullable=False),
        sa.Column("encoding", sa.String(16), nullable=False),
        sa.Column("rate", sa.Integer, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("duration_s", sa.Float),
        sa.Column("end_reason", sa.String(32), index=True),
        sa.Column("peak_score", sa.Float, nullable=False),
        sa.Column("alerts", sa.Integer, nullable=False),
        sa.Column("cues_followed", sa.Integer, nullable=False),
        sa.Column("cues_ignored", sa.Integer, nullable=False),
    )
    op.create_table(
        "entries",
        sa.Column(
            "call_id",
            sa.String(64),
            sa.ForeignKey("calls.call_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at_s", sa.Float, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False, index=True),
        sa.Column("body", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Remove both tables and all they hold."""
    op.drop_table("entries")
    op.drop_table("calls")
