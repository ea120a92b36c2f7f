"""The people who may log in, their roles, passwords and sessions.

With nobody in it the service has no log-in: it listens on loopback, and whoever
sits there may do everything.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from server.trust.errors import PeopleError

MIN_PASSWORD = 10
"""Characters at least. Source: NIST SP 800-63B asks for 8 and for no other rule."""

_SCRYPT = {"n": 1 << 15, "r": 8, "p": 3}
"""Source: OWASP Password Storage Cheat Sheet, scrypt with 32 MiB."""

_SCRYPT_MEMORY = 64 << 20
_TOKEN_BYTES = 32
_NAME = re.compile(r"[\w.@-]{1,64}")
_AGENT_ID = re.compile(r"[A-Za-z0-9_-]{0,64}")
_LABEL = re.compile(r"[^\x00-\x1f]{0,64}")


class Role(StrEnum):
    """What somebody is in the house; `access` says what that allows."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works with the service.

    Attributes:
        name: what they log in with, unique.
        agent_id: the id that their own calls carry; empty: they take none.
        team: whom they work with, for reports; empty: none.
        agent_group: another grouping for reports, e.g. by skill or by site.
    """

    name: str
    role: Role
    agent_id: str = ""
    team: str = ""
    agent_group: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise PeopleError(
                "a name has 1 to 64 letters, digits and the signs . @ _ - without "
                "a blank"
            )
        if not _AGENT_ID.fullmatch(self.agent_id):
            raise PeopleError("an agent id has up to 64 of A-Z a-z 0-9 _ -")
        if self.role is Role.AGENT and not self.agent_id:
            raise PeopleError(
                f"{self.name} is an agent, and needs the agent id of their calls"
            )
        if not _LABEL.fullmatch(self.team) or not _LABEL.fullmatch(self.agent_group):
            raise PeopleError("a team and a group have up to 64 characters, in a line")


_METADATA = sa.MetaData()
PEOPLE = sa.Table(
    "people",
    _METADATA,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("role", sa.String(16)),
    sa.Column("agent_id", sa.String(64)),
    sa.Column("team", sa.String(64)),
    sa.Column("agent_group", sa.String(64)),
    sa.Column("password", sa.String(256)),
)
_SESSIONS = sa.Table(
    "sessions",
    _METADATA,
    sa.Column("token_sha256", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64)),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
)


class People:
    """Everybody who may log in. Blocking; any thread, any process.

    Args:
        engine: the database, migrated.
        now: the clock.
    """

    def __init__(
        self,
        engine: sa.Engine,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._now = now

    def add(self, person: Person, password: str | None = None) -> None:
        """Let somebody in from now on.

        Args:
            person: who.
            password: None: they cannot log in by password, but a proxy may name
                them, and reports know their team.

        Raises:
            PeopleError: the name is taken, or the password too short.
        """
        hashed = _hash_password(password) if password is not None else ""
        values = {
            "name": person.name,
            "role": str(person.role),
            "agent_id": person.agent_id,
            "team": person.team,
            "agent_group": person.agent_group,
            "password": hashed,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(PEOPLE.insert().values(**values))
        except sa.exc.IntegrityError as error:
            raise PeopleError(
                f"{person.name} is there already; remove them first to change them"
            ) from error

    def remove(self, name: str) -> None:
        """Let somebody in no longer; whatever they have open ends.

        Raises:
            PeopleError: there is nobody of this name.
        """
        with self._engine.begin() as connection:
            connection.execute(_SESSIONS.delete().where(_SESSIONS.c.name == name))
            gone = connection.execute(PEOPLE.delete().where(PEOPLE.c.name == name))
        if not gone.rowcount:
            raise PeopleError(f"there is nobody called {name}")

    def set_password(self, name: str, password: str) -> None:
        """Give somebody a new password; whatever they have open ends.

        Raises:
            PeopleError: there is nobody of this name, or it is too short.
        """
        hashed = _hash_password(password)
        change = PEOPLE.update().where(PEOPLE.c.name == name)
        with self._engine.begin() as connection:
            connection.execute(_SESSIONS.delete().where(_SESSIONS.c.name == name))
            changed = connection.execute(change.values(password=hashed))
            if not changed.rowcount:
                raise PeopleError(f"there is nobody called {name}")

    def all(self) -> list[Person]:
        """Everybody, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(PEOPLE).order_by(PEOPLE.c.name))
            return [_person(row) for row in rows]

    def anybody(self) -> bool:
        """Whether there is anybody, and so a log-in."""
        query = sa.select(PEOPLE.c.name).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def get(self, name: str) -> Person | None:
        """Somebody by name, or None."""
        query = sa.select(PEOPLE).where(PEOPLE.c.name == name)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return _person(row) if row else None

    def check(self, name: str, password: str) -> Person | None:
        """The person whose name and password these are, or None.

        Takes as long for a name that does not exist as for one that does.
        """
        query = sa.select(PEOPLE).where(PEOPLE.c.name == name)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        stored = row.password if row and row.password else _NOBODY
        right = _is_password(password, stored)
        return _person(row) if row and row.password and right else None

    def open_session(self, name: str, lasts: timedelta) -> str:
        """Begin a session; return its token, which is stored nowhere."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._now()
        with self._engine.begin() as connection:
            connection.execute(_SESSIONS.delete().where(_SESSIONS.c.expires_at < now))
            connection.execute(
                _SESSIONS.insert().values(
                    token_sha256=_token_hash(token), name=name, expires_at=now + lasts
                )
            )
        return token

    def in_session(self, token: str) -> Person | None:
        """Whose session a token is of, or None when it is of none."""
        query = (
            sa.select(PEOPLE)
            .join(_SESSIONS, _SESSIONS.c.name == PEOPLE.c.name)
            .where(
                _SESSIONS.c.token_sha256 == _token_hash(token),
                _SESSIONS.c.expires_at >= self._now(),
            )
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return _person(row) if row else None

    def close_session(self, token: str) -> None:
        """End a session, if it is one."""
        own = _SESSIONS.c.token_sha256 == _token_hash(token)
        with self._engine.begin() as connection:
            connection.execute(_SESSIONS.delete().where(own))


def _person(row: sa.Row[tuple[str, ...]]) -> Person:
    return Person(row.name, Role(row.role), row.agent_id, row.team, row.agent_group)


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode(),
        salt=salt,
        n=_SCRYPT["n"],
        r=_SCRYPT["r"],
        p=_SCRYPT["p"],
        maxmem=_SCRYPT_MEMORY,
    )


def _hash_password(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise PeopleError(f"a password has {MIN_PASSWORD} characters or more")
    salt = secrets.token_bytes(16)
    parts = (salt, _scrypt(password, salt))
    return "scrypt$" + "$".join(base64.b64encode(part).decode() for part in parts)


def _is_password(password: str, stored: str) -> bool:
    _, salt, expected = stored.split("$")
    found = _scrypt(password, base64.b64decode(salt))
    return hmac.compare_digest(found, base64.b64decode(expected))


_NOBODY = "scrypt$" + "$".join(
    base64.b64encode(bytes(length)).decode() for length in (16, 64)
)
"""Stands for the password of a name that does not exist; no password has it."""
