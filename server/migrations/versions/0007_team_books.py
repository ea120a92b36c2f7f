"""Every version of a team's rules and playbook, in one table."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table; the two it takes the place of were never written."""
    op.drop_table("playbooks")
    op.drop_table("rule_sets")
    op.create_table(
        "team_books",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("body", sa.JSON),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Remove it and all it holds."""
    op.drop_table("team_books")
    for name in ("rule_sets", "playbooks"):
        op.create_table(name, sa.Column("team", sa.String(64), primary_key=True))
