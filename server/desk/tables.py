"""The desk's tables. Alembic makes them; here they are for queries.

`desk_calls` is the search index: one row for each finished call, made from its
log and made anew at any time. Everything else is what people added, and is kept.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

calls = sa.Table(
    "desk_calls",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("call_id", sa.String(64), unique=True),
    sa.Column("agent_id", sa.String(64)),
    sa.Column("team", sa.String(64)),
    sa.Column("subject", sa.String(128)),
    sa.Column("customer_ref", sa.String(128)),
    sa.Column("language", sa.String(8)),
    sa.Column("source", sa.String(16)),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("duration_s", sa.Float),
    sa.Column("end_reason", sa.String(32)),
    sa.Column("peak_score", sa.Float),
    sa.Column("peak_at_s", sa.Float),
    sa.Column("hot_s", sa.Float),
    sa.Column("alerts", sa.Integer),
    sa.Column("cues_followed", sa.Integer),
    sa.Column("cues_ignored", sa.Integer),
    sa.Column("review_score", sa.Float),
    sa.Column("curve", sa.JSON),
    sa.Column("lines", sa.JSON),
)
"""Call by call what is searched, sorted and shown in a list.

Of a call that has not been reviewed `review_score` is -1, so that every sort has
a value to page by. `curve` is the score, thinned to a few dozen numbers; `lines`
are ``[party, start_s, text]`` in order, for the words shown with a hit.
"""

facets = sa.Table(
    "desk_facets",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("value", sa.String(32), primary_key=True),
)
"""What a call has had: phases reached, rules that alerted, tiers threatened."""

facts = sa.Table(
    "desk_facts",
    metadata,
    sa.Column("call_id", sa.String(64), primary_key=True),
    sa.Column("subject", sa.String(128)),
    sa.Column("source", sa.String(16)),
    sa.Column("content_hash", sa.String(64)),
    sa.Column("file_name", sa.String(256)),
)
"""What is known of a call besides its log: where it came from, what about."""

saved_searches = sa.Table(
    "desk_saved_searches",
    metadata,
    sa.Column("search_id", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(80)),
    sa.Column("by", sa.String(64)),
    sa.Column("query", sa.JSON),
    sa.Column("created_at", sa.DateTime(timezone=True)),
)

jobs = sa.Table(
    "desk_import_jobs",
    metadata,
    sa.Column("job_id", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(256)),
    sa.Column("by", sa.String(64)),
    sa.Column("state", sa.String(16)),
    sa.Column("options", sa.JSON),
    sa.Column("worker", sa.String(32)),
    sa.Column("heartbeat_at", sa.DateTime(timezone=True)),
    sa.Column("created_at", sa.DateTime(timezone=True)),
)
"""Imports. `worker` works on one while its heartbeat is young."""

files = sa.Table(
    "desk_import_files",
    metadata,
    sa.Column("file_id", sa.Integer, primary_key=True),
    sa.Column("job_id", sa.String(16)),
    sa.Column("path", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("facts", sa.JSON),
    sa.Column("ours", sa.Boolean),
    sa.Column("state", sa.String(16)),
    sa.Column("reason", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("modified_ns", sa.BigInteger),
    sa.Column("duration_s", sa.Float),
    sa.Column("done_s", sa.Float),
    sa.Column("work_s", sa.Float),
    sa.Column("call_id", sa.String(64)),
)
"""The files of an import. `ours`: an upload that goes away once it is taken in."""

comments = sa.Table(
    "desk_comments",
    metadata,
    sa.Column("comment_id", sa.Integer, primary_key=True),
    sa.Column("call_id", sa.String(64)),
    sa.Column("at_s", sa.Float),
    sa.Column("by", sa.String(64)),
    sa.Column("text", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True)),
)

cards = sa.Table(
    "desk_scorecards",
    metadata,
    sa.Column("card_id", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", sa.JSON),
    sa.Column("offered", sa.Boolean),
    sa.Column("by", sa.String(64)),
    sa.Column("created_at", sa.DateTime(timezone=True)),
)
"""Scorecards that people made, or made of those that are shipped."""

reviews = sa.Table(
    "desk_reviews",
    metadata,
    sa.Column("review_id", sa.Integer, primary_key=True),
    sa.Column("call_id", sa.String(64)),
    sa.Column("card", sa.String(32)),
    sa.Column("card_version", sa.Integer),
    sa.Column("purpose", sa.String(16)),
    sa.Column("reviewer", sa.String(64)),
    sa.Column("batch", sa.String(80)),
    sa.Column("answers", sa.JSON),
    sa.Column("automatic", sa.JSON),
    sa.Column("comment", sa.Text),
    sa.Column("score", sa.Float),
    sa.Column("failed", sa.JSON),
    sa.Column("assigned_at", sa.DateTime(timezone=True)),
    sa.Column("done_at", sa.DateTime(timezone=True)),
    sa.Column("dispute", sa.JSON),
)
"""A scorecard given to a reviewer, and filled in once `done_at` is set."""

corrections = sa.Table(
    "desk_corrections",
    metadata,
    sa.Column("correction_id", sa.Integer, primary_key=True),
    sa.Column("call_id", sa.String(64)),
    sa.Column("kind", sa.String(24)),
    sa.Column("start_s", sa.Float),
    sa.Column("end_s", sa.Float),
    sa.Column("utterance_id", sa.String(32)),
    sa.Column("text", sa.Text),
    sa.Column("party", sa.String(16)),
    sa.Column("level", sa.Integer),
    sa.Column("tier", sa.String(16)),
    sa.Column("comment", sa.Text),
    sa.Column("by", sa.String(64)),
    sa.Column("created_at", sa.DateTime(timezone=True)),
    sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
)
"""What people say the machine got wrong. The log stays as it is."""
