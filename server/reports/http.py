"""Reports and the files of one call over HTTP."""

import asyncio
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TextIO

from fastapi import APIRouter, Query
from fastapi.responses import Response

from server.errors import RefusedError
from server.events import LogEntry
from server.exports import write_curve, write_events, write_transcript, write_turns
from server.reports.fact_table import FactTable, Period
from server.reports.files import to_csv, to_parquet
from server.reports.report import Dimension, Report, report
from server.storage import Storage
from server.trust.access import Access, Permission, Viewer, needs
from server.trust.audit import Action
from server.trust.redacted_log import redacted_entries


class Format(StrEnum):
    """How a report is given back."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.PARQUET: "application/vnd.apache.parquet",
}
_Write = Callable[[Sequence[LogEntry], TextIO, str], None]
_FILES: Mapping[str, tuple[_Write, str]] = {
    "events.json": (write_events, "application/json"),
    "curve.csv": (write_curve, "text/csv; charset=utf-8"),
    "transcript.vtt": (write_transcript, "text/vtt; charset=utf-8"),
    "turns.rttm": (write_turns, "text/plain; charset=utf-8"),
}


def report_router(access: Access, facts: FactTable, storage: Storage) -> APIRouter:
    """Return the routes of reports and of a call's files."""
    router = APIRouter(prefix="/v1")

    @router.get("/reports", response_model=None)
    async def figures(
        viewer: Annotated[Viewer, needs(Permission.REPORT)],
        by: Dimension = Dimension.TEAM,
        after: datetime | None = None,
        before: datetime | None = None,
        language: Annotated[str, Query(max_length=8)] = "",
        file: Format = Format.JSON,
    ) -> dict[str, Any] | Response:
        if by is Dimension.AGENT and not viewer.may(Permission.AGENT_FIGURES):
            raise RefusedError(403, "role_agents_figures")
        if file is not Format.JSON and not viewer.may(Permission.EXPORT):
            raise RefusedError(403, "role_export")
        action = Action.REPORT if file is Format.JSON else Action.EXPORT
        await access.record(viewer, action, detail={"by": str(by), "file": str(file)})
        period = Period(_in_zone(after), _in_zone(before), language)
        found = await asyncio.to_thread(_report, facts, period, by)
        if file is Format.JSON:
            return asdict(found)
        write = to_csv if file is Format.CSV else to_parquet
        return _attachment(
            await asyncio.to_thread(write, found), f"calmline-{by}.{file}", _TYPES[file]
        )

    @router.get("/calls/{call_id}/export/{name}", response_model=None)
    async def export(
        call_id: str,
        name: str,
        viewer: Annotated[Viewer, needs(Permission.EXPORT)],
        *,
        unredacted: bool = False,
    ) -> Response:
        if name not in _FILES:
            raise RefusedError(404, "no_export_file", files=", ".join(_FILES))
        entries = await storage.entries(call_id)
        if not entries:
            raise RefusedError(404, "no_call")
        if unredacted:
            await access.record_unredacted(viewer, Action.VIEW_UNREDACTED, call_id)
        else:
            entries = await asyncio.to_thread(redacted_entries, entries)
        await access.record(viewer, Action.EXPORT, call_id, {"file": name})
        write, media_type = _FILES[name]
        text = io.StringIO()
        write(entries, text, call_id)
        return _attachment(text.getvalue(), f"{call_id}.{name}", media_type)

    return router


def _report(facts: FactTable, period: Period, by: Dimension) -> Report:
    return report(facts.calls(period), by)


def _in_zone(time: datetime | None) -> datetime | None:
    """A time without a zone is one of the clock on the wall here."""
    return time.astimezone() if time is not None else None


def _attachment(content: str | bytes, name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
