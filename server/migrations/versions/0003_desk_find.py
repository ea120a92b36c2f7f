"""The desk's search index, and what else is known of a call.

Deleting a call takes its index with it: by foreign keys, and by triggers where
full text lies in tables that know none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INDEXED = ("agent_id", "team", "customer_ref", "started_at", "duration_s")
_SORTED = ("peak_score", "hot_s", "review_score")

_WORDS = "CREATE VIRTUAL TABLE desk_words USING fts5({}, tokenize='trigram')"
# Terms of one or two characters, which trigrams cannot find.
_PAIRS = "CREATE VIRTUAL TABLE desk_pairs USING fts5({}, tokenize='unicode61 remove_diacritics 0', detail=column)"  # noqa: E501 - one statement
_GONE = """
CREATE TRIGGER desk_calls_gone AFTER DELETE ON desk_calls BEGIN
  DELETE FROM desk_words WHERE rowid = old.id;
  DELETE FROM desk_pairs WHERE rowid = old.id;
END
"""
_PARTIES = ("customer", "agent", "unknown")


def upgrade() -> None:
    """Make the tables and the indexes of the search."""
    op.create_table(
        "desk_calls",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "call_id",
            sa.String(64),
            sa.ForeignKey("calls.call_id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("agent_id", sa.String(64), nullable=False),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("customer_ref", sa.String(128), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_s", sa.Float, nullable=False),
        sa.Column("end_reason", sa.String(32), nullable=False),
        sa.Column("peak_score", sa.Float, nullable=False),
        sa.Column("peak_at_s", sa.Float, nullable=False),
        sa.Column("hot_s", sa.Float, nullable=False),
        sa.Column("alerts", sa.Integer, nullable=False),
        sa.Column("cues_followed", sa.Integer, nullable=False),
        sa.Column("cues_ignored", sa.Integer, nullable=False),
        sa.Column("review_score", sa.Float, nullable=False, server_default="-1"),
        sa.Column("curve", sa.JSON, nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
    )
    for name in (*_INDEXED, *_SORTED):
        op.create_index(f"desk_calls_{name}", "desk_calls", [name, "id"])
    op.create_table(
        "desk_facets",
        sa.Column(
            "id",
            sa.Integer,
            sa.ForeignKey("desk_calls.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("value", sa.String(32), primary_key=True),
    )
    op.create_index("desk_facets_value", "desk_facets", ["kind", "value", "id"])
    op.create_table(
        "desk_facts",
        sa.Column(
            "call_id",
            sa.String(64),
            sa.ForeignKey("calls.call_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("team", sa.String(64), nullable=False, server_default=""),
        sa.Column("subject", sa.String(128), nullable=False, server_default=""),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("content_hash", sa.String(64), index=True),
        sa.Column("file_name", sa.String(256), nullable=False, server_default=""),
    )
    op.create_table(
        "desk_agents",
        sa.Column("agent_id", sa.String(64), primary_key=True),
        sa.Column("team", sa.String(64), nullable=False),
    )
    op.create_table(
        "desk_saved_searches",
        sa.Column("search_id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("query", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        columns = ", ".join(_PARTIES)
        for statement in (_WORDS, _PAIRS, _GONE):
            op.execute(statement.format(columns))
    else:
        _postgres()


def _postgres() -> None:
    """Text columns, and indexes on them; pg_trgm only where it may be made."""
    columns = ", ".join(
        f"{party} text NOT NULL DEFAULT '', {party}_pairs tsvector"
        for party in _PARTIES
    )
    op.execute(
        "CREATE TABLE desk_words (id integer PRIMARY KEY "
        f"REFERENCES desk_calls(id) ON DELETE CASCADE, {columns})"
    )
    for party in _PARTIES:
        op.execute(
            f"CREATE INDEX desk_words_{party}_pairs ON desk_words "
            f"USING gin ({party}_pairs)"
        )
    trigram = op.get_bind().scalar(
        sa.text("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
    )
    if trigram:
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        for party in _PARTIES:
            op.execute(
                f"CREATE INDEX desk_words_{party} ON desk_words "
                f"USING gin ({party} gin_trgm_ops)"
            )


def downgrade() -> None:
    """Remove the index; the calls themselves stay."""
    for table in ("desk_pairs", "desk_words"):
        op.execute(f"DROP TABLE IF EXISTS {table}")
    for table in (
        "desk_saved_searches",
        "desk_agents",
        "desk_facts",
        "desk_facets",
        "desk_calls",
    ):
        op.drop_table(table)
