"""The audit log, which only grows; people and their sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_REFUSE = "BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END"
_TAKEN = "WHEN EXISTS (SELECT 1 FROM audit WHERE seq >= NEW.seq)"
_SQLITE = (
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {_REFUSE}",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {_REFUSE}",
    # INSERT OR REPLACE deletes without asking a DELETE trigger.
    f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit {_TAKEN} {_REFUSE}",
)
_POSTGRESQL = (
    """
    CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log only grows';
    END $$
    """,
    """
    CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows()
    """,
    """
    CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()
    """,
)


def upgrade() -> None:
    """Make the tables, and the triggers that keep the audit log as it is."""
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False, index=True),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        op.execute(statement)
    op.create_table(
        "people",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("agent_id", sa.String(64), nullable=False, index=True),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("agent_group", sa.String(64), nullable=False),
        sa.Column("password", sa.String(256), nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column(
            "name",
            sa.String(64),
            sa.ForeignKey("people.name", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Remove the tables and all they hold, the audit log too."""
    op.drop_table("sessions")
    op.drop_table("people")
    op.drop_table("audit")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_only_grows()")
