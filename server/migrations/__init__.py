"""Alembic migrations; `server.store` applies them when it opens a database."""
