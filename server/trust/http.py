"""The audit log, holds and deletion over HTTP; what runs once a day."""

import asyncio
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI, Query
from pydantic import Field

from server.bodies import Body, RowId
from server.trust.access import Access, Permission, Viewer, needs
from server.trust.audit import SERVICE, Action, Anchor, AuditLog
from server.trust.keeping import Keeping

logger = logging.getLogger(__name__)

_DAY_S = 24 * 3600
ANCHORS = "audit-anchors.txt"
"""File in the data folder to which the audit log's head is added every day."""


class _NewHold(Body):
    reason: Annotated[str, Field(max_length=200)]
    call_id: Annotated[str, Field(max_length=64)] = ""
    customer_ref: Annotated[str, Field(max_length=128)] = ""


class _Erasure(Body):
    customer_ref: Annotated[str, Field(min_length=1, max_length=128)]


def add_trust(app: FastAPI, access: Access, keeping: Keeping, data_dir: Path) -> None:
    """Give the service the routes of this package."""
    app.include_router(_audit_router(access, data_dir / ANCHORS))
    app.include_router(_keeping_router(access, keeping))


def _audit_router(access: Access, anchors: Path) -> APIRouter:
    router = APIRouter(prefix="/v1/audit")

    @router.get("/entries")
    async def entries(
        viewer: Annotated[Viewer, needs(Permission.AUDIT)],
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before_seq: RowId | None = None,
        call_id: Annotated[str | None, Query(max_length=64)] = None,
    ) -> list[dict[str, Any]]:
        await access.record_look(viewer, Action.AUDIT, detail={"what": "view"})
        found = await asyncio.to_thread(access.audit.newest, limit, before_seq, call_id)
        return [asdict(entry) for entry in found]

    @router.get("/verdict", dependencies=[needs(Permission.AUDIT)])
    async def verdict() -> dict[str, Any]:
        known = await asyncio.to_thread(read_anchors, anchors)
        found = await asyncio.to_thread(access.audit.verify, known)
        return asdict(found) | {"whole": found.whole, "anchors": len(known)}

    return router


def _keeping_router(access: Access, keeping: Keeping) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/holds", dependencies=[needs(Permission.HOLD)])
    async def holds() -> list[dict[str, Any]]:
        return [asdict(hold) for hold in await asyncio.to_thread(keeping.holds)]

    @router.post("/holds", status_code=201)
    async def hold(
        body: _NewHold, viewer: Annotated[Viewer, needs(Permission.HOLD)]
    ) -> dict[str, Any]:
        placed = await asyncio.to_thread(
            keeping.hold,
            viewer.actor,
            body.reason,
            call_id=body.call_id,
            customer_ref=body.customer_ref,
        )
        return asdict(placed)

    @router.delete("/holds/{hold_id}", status_code=204)
    async def release(
        hold_id: str, viewer: Annotated[Viewer, needs(Permission.HOLD)]
    ) -> None:
        await asyncio.to_thread(keeping.release, viewer.actor, hold_id)

    @router.get("/erasures", dependencies=[needs(Permission.DELETE)])
    async def receipts() -> list[dict[str, Any]]:
        return await asyncio.to_thread(keeping.receipts)

    @router.post("/erasures", status_code=201)
    async def erase(
        body: _Erasure, viewer: Annotated[Viewer, needs(Permission.DELETE)]
    ) -> dict[str, Any]:
        receipt = await asyncio.to_thread(
            keeping.delete_customer, body.customer_ref, viewer.actor
        )
        return asdict(receipt)

    @router.get("/retention", dependencies=[needs(Permission.HOLD)])
    async def retention() -> dict[str, Any]:
        due = await asyncio.to_thread(keeping.due)
        return {"days": asdict(keeping.settings), "due": [asdict(it) for it in due]}

    del access
    return router


async def keep_daily(keeping: Keeping, audit: AuditLog, data_dir: Path) -> None:
    """Once a day remove what is due and write the audit log's head down."""
    while True:
        try:
            removed = await asyncio.to_thread(keeping.run, SERVICE)
            head = await asyncio.to_thread(audit.head)
            await asyncio.to_thread(_add_anchor, data_dir / ANCHORS, head)
        except (sa.exc.SQLAlchemyError, OSError):
            logger.exception("retention could not be carried out")
        else:
            logger.info(
                "retention", extra={"removed": len(removed), "audit_head": str(head)}
            )
        await asyncio.sleep(_DAY_S)


def _add_anchor(path: Path, head: Anchor) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{head}\n")


def read_anchors(path: Path) -> list[Anchor]:
    """The heads that were written down, none when there is no file."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Anchor.parse(line) for line in lines if line.strip()]
