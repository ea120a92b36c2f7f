"""Holds on calls, receipts of deletions, and what reports know of calls."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "holds",
        sa.Column("hold_id", sa.String(16), primary_key=True),
        sa.Column("call_id", sa.String(64), nullable=False, index=True),
        sa.Column("customer_ref", sa.String(128), nullable=False, index=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("placed_by", sa.String(64), nullable=False),
        sa.Column("placed_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "receipts",
        sa.Column("receipt_id", sa.String(16), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False, index=True),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_table(
        "report_facts",
        sa.Column(
            "call_id",
            sa.String(64),
            sa.ForeignKey("calls.call_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Remove them and all they hold."""
    op.drop_table("report_facts")
    op.drop_table("receipts")
    op.drop_table("holds")
