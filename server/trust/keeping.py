"""How long what is kept, what may not be removed, and deletion with a receipt."""

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from server.store import CALLS
from server.trust.audit import Action, Actor, AuditLog, Detail
from server.trust.errors import KeepingError
from server.trust.removal import Removal, Removed
from server.trust.retention import DataKind, RetentionSettings

_MOST_REASON = 200


@dataclass(frozen=True, slots=True)
class Hold:
    """Something forbids to remove a call, or all calls of a customer.

    Attributes:
        call_id: that call; empty: those of the customer.
        reason: why, in the words of whoever placed it.
    """

    hold_id: str
    call_id: str
    customer_ref: str
    reason: str
    placed_by: str
    placed_at: str


class Why(StrEnum):
    """Why a call was not deleted."""

    LIVE = "live"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A call that was not deleted."""

    call_id: str
    why: Why


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was deleted of a customer, for whoever asked for it.

    Attributes:
        customer_sha256: SHA-256 of the receipt's id, a colon and the reference: who
            has the receipt and the reference can show that they belong together.
        complete: nothing was skipped.
    """

    receipt_id: str
    at: str
    by: str
    customer_sha256: str
    complete: bool
    deleted: tuple[Removed, ...]
    skipped: tuple[Skipped, ...]

    def to_json(self) -> str:
        """The receipt as JSON; its SHA-256 is in the audit log."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @property
    def sha256(self) -> str:
        """What the audit log keeps of it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Due:
    """What retention removes of a call; without a kind: all of it."""

    call_id: str
    kind: DataKind | None


_METADATA = sa.MetaData()
_HOLDS = sa.Table(
    "holds",
    _METADATA,
    sa.Column("hold_id", sa.String(16), primary_key=True),
    sa.Column("call_id", sa.String(64)),
    sa.Column("customer_ref", sa.String(128)),
    sa.Column("reason", sa.String(_MOST_REASON)),
    sa.Column("placed_by", sa.String(64)),
    sa.Column("placed_at", sa.String(32)),
)
_RECEIPTS = sa.Table(
    "receipts",
    _METADATA,
    sa.Column("receipt_id", sa.String(16), primary_key=True),
    sa.Column("at", sa.String(32)),
    sa.Column("document", sa.JSON),
)


class Keeping:
    """Retention, holds and deletion. Blocking; any thread, any process.

    Args:
        engine: the database.
        data_dir: the folder with the recordings.
        settings: how long what is kept.
        now: the clock.
    """

    def __init__(
        self,
        engine: sa.Engine,
        data_dir: Path,
        settings: RetentionSettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self._engine = engine
        self._removal = Removal(engine, data_dir)
        self._audit = AuditLog(engine, now)
        self._now = now

    def due(self) -> list[Due]:
        """What retention removes now; nothing that is live or held."""
        found: list[Due] = []
        whole = self.settings.whole_days
        gone = self._older_than(whole) if whole else []
        found += [Due(call_id, None) for call_id in gone]
        for kind in DataKind:
            days = self.settings.days(kind)
            if days:
                old = set(self._older_than(days)) - set(gone)
                found += [
                    Due(call_id, kind)
                    for call_id in sorted(old)
                    if self._removal.has(call_id, kind)
                ]
        held = self._held_calls()
        return [
            due
            for due in found
            if due.call_id not in held and self._removal.is_settled(due.call_id)
        ]

    def run(self, who: Actor) -> list[Due]:
        """Remove what is due; each is in the audit log before it goes."""
        due = self.due()
        for one in due:
            detail = {"kind": str(one.kind) if one.kind else "all"}
            self._audit.record(who, Action.RETENTION, one.call_id, detail)
            if one.kind is None:
                self._removal.remove(one.call_id)
            else:
                self._removal.remove_kind(one.call_id, one.kind)
        if due:
            self._removal.wipe()
        return due

    def delete_customer(self, customer_ref: str, who: Actor) -> Receipt:
        """Delete every call of a customer that is over and not held.

        Raises:
            KeepingError: no call has this reference.
        """
        own = CALLS.c.customer_ref == customer_ref
        query = sa.select(CALLS.c.call_id).where(own).order_by(CALLS.c.call_id)
        with self._engine.connect() as connection:
            call_ids = list(connection.scalars(query))
        if not call_ids or not customer_ref:
            raise KeepingError("no_customer_ref")
        receipt_id = secrets.token_hex(8)
        held = self._held_calls()
        deleted: list[Removed] = []
        skipped: list[Skipped] = []
        for call_id in call_ids:
            if call_id in held:
                skipped.append(Skipped(call_id, Why.HOLD))
            elif not self._removal.is_settled(call_id):
                skipped.append(Skipped(call_id, Why.LIVE))
            else:
                # Written down first: nothing goes without a line that says so.
                self._audit.record(who, Action.DELETE, call_id, {"receipt": receipt_id})
                deleted.append(self._removal.remove(call_id))
        receipt = Receipt(
            receipt_id=receipt_id,
            at=self._stamp(),
            by=who.name,
            customer_sha256=_customer_sha256(receipt_id, customer_ref),
            complete=not skipped,
            deleted=tuple(deleted),
            skipped=tuple(skipped),
        )
        self._keep(receipt, who)
        if deleted:
            self._removal.wipe()
        return receipt

    def receipts(self) -> list[dict[str, Any]]:
        """Every receipt, newest first."""
        query = sa.select(_RECEIPTS.c.document).order_by(_RECEIPTS.c.at.desc())
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

    def hold(
        self, who: Actor, reason: str, *, call_id: str = "", customer_ref: str = ""
    ) -> Hold:
        """Forbid to remove a call, or all calls of a customer.

        Raises:
            KeepingError: neither or both were named, or the reason is none.
        """
        if bool(call_id) == bool(customer_ref):
            raise KeepingError("hold_on_one")
        if not 0 < len(reason.strip()) <= _MOST_REASON:
            raise KeepingError("hold_reason", most=_MOST_REASON)
        hold = Hold(
            secrets.token_hex(8),
            call_id,
            customer_ref,
            reason.strip(),
            who.name,
            self._stamp(),
        )
        self._audit.record(who, Action.HOLD, call_id, {"hold": hold.hold_id})
        with self._engine.begin() as connection:
            connection.execute(_HOLDS.insert().values(asdict(hold)))
        return hold

    def release(self, who: Actor, hold_id: str) -> None:
        """Take a hold back.

        Raises:
            KeepingError: there is none of this id.
        """
        with self._engine.begin() as connection:
            gone = connection.execute(
                _HOLDS.delete().where(_HOLDS.c.hold_id == hold_id)
            )
        if not gone.rowcount:
            raise KeepingError("no_hold")
        self._audit.record(who, Action.RELEASE, detail={"hold": hold_id})

    def holds(self) -> list[Hold]:
        """Every hold, oldest first."""
        query = sa.select(_HOLDS).order_by(_HOLDS.c.placed_at)
        with self._engine.connect() as connection:
            return [Hold(*row) for row in connection.execute(query)]

    def _held_calls(self) -> set[str]:
        query = sa.select(CALLS.c.call_id).where(
            sa.or_(
                CALLS.c.call_id.in_(sa.select(_HOLDS.c.call_id)),
                sa.and_(
                    CALLS.c.customer_ref != "",
                    CALLS.c.customer_ref.in_(sa.select(_HOLDS.c.customer_ref)),
                ),
            )
        )
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

    def _older_than(self, days: int) -> Sequence[str]:
        query = sa.select(CALLS.c.call_id).where(
            CALLS.c.started_at < self._now() - timedelta(days=days),
            CALLS.c.end_reason.is_not(None),
        )
        with self._engine.connect() as connection:
            return connection.scalars(query).all()

    def _keep(self, receipt: Receipt, who: Actor) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                _RECEIPTS.insert().values(
                    receipt_id=receipt.receipt_id,
                    at=receipt.at,
                    document=json.loads(receipt.to_json()),
                )
            )
        detail: Detail = {
            "receipt": receipt.receipt_id,
            "sha256": receipt.sha256,
            "deleted": len(receipt.deleted),
            "skipped": len(receipt.skipped),
        }
        self._audit.record(who, Action.DELETE, detail=detail)

    def _stamp(self) -> str:
        return self._now().astimezone(UTC).isoformat(timespec="milliseconds")


def _customer_sha256(receipt_id: str, customer_ref: str) -> str:
    return hashlib.sha256(f"{receipt_id}:{customer_ref}".encode()).hexdigest()
