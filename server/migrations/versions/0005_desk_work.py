"""Imports, and what people add to a call: comments, reviews, corrections."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _call_id() -> sa.Column[str]:
    return sa.Column(
        "call_id",
        sa.String(64),
        sa.ForeignKey("calls.call_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    )


def _when(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "desk_import_jobs",
        sa.Column("job_id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("worker", sa.String(32), nullable=False),
        _when("heartbeat_at"),
        _when("created_at"),
    )
    op.create_table(
        "desk_import_files",
        sa.Column("file_id", sa.Integer, primary_key=True),
        sa.Column(
            "job_id",
            sa.String(16),
            sa.ForeignKey("desk_import_jobs.job_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("path", sa.Text, nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("ours", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified_ns", sa.BigInteger, nullable=False),
        sa.Column("duration_s", sa.Float, nullable=False),
        sa.Column("done_s", sa.Float, nullable=False),
        sa.Column("work_s", sa.Float, nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False),
    )
    op.create_index("desk_import_files_state", "desk_import_files", ["job_id", "state"])
    _make_judgements()
    # A call knows its team itself.
    op.drop_table("desk_agents")
    op.drop_column("desk_facts", "team")


def _make_judgements() -> None:
    op.create_table(
        "desk_comments",
        sa.Column("comment_id", sa.Integer, primary_key=True),
        _call_id(),
        sa.Column("at_s", sa.Float, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        _when("created_at"),
    )
    op.create_table(
        "desk_reviews",
        sa.Column("review_id", sa.Integer, primary_key=True),
        _call_id(),
        sa.Column("card", sa.String(32), nullable=False),
        sa.Column("card_version", sa.Integer, nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("reviewer", sa.String(64), nullable=False, index=True),
        sa.Column("batch", sa.String(80), nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("automatic", sa.JSON, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("failed", sa.JSON, nullable=False),
        _when("assigned_at"),
        _when("done_at", nullable=True),
        sa.Column("dispute", sa.JSON),
    )
    op.create_table(
        "desk_corrections",
        sa.Column("correction_id", sa.Integer, primary_key=True),
        _call_id(),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("start_s", sa.Float, nullable=False),
        sa.Column("end_s", sa.Float, nullable=False),
        sa.Column("utterance_id", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("level", sa.Integer),
        sa.Column("tier", sa.String(16)),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        _when("created_at"),
        _when("withdrawn_at", nullable=True),
    )


def downgrade() -> None:
    """Remove the tables and all they hold."""
    op.add_column(
        "desk_facts",
        sa.Column("team", sa.String(64), nullable=False, server_default=""),
    )
    op.create_table(
        "desk_agents",
        sa.Column("agent_id", sa.String(64), primary_key=True),
        sa.Column("team", sa.String(64), nullable=False),
    )
    for table in (
        "desk_corrections",
        "desk_reviews",
        "desk_comments",
        "desk_import_files",
        "desk_import_jobs",
    ):
        op.drop_table(table)
