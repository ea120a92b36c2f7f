"""Imports over HTTP: begin one, bring files and a table of calls, watch, pause."""

import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, Query, Request
from pydantic import Field

from server.bodies import Body, Name
from server.desk.call_table import FileFacts, read_call_table
from server.desk.desk import Desk
from server.desk.errors import IntakeError, RoomError
from server.desk.folders import SUFFIXES
from server.desk.imports import ImportOptions, NewFile
from server.desk.routes import TakesIn
from server.refusals import Reader, Refusal
from server.trust.access import Access, Permission, needs
from server.trust.audit import Action

_MOST_BYTES = 4 << 30
"""Of one upload: four hours of stereo at 48 kHz are 2.8 GB."""

_MOST_TABLE_BYTES = 16 << 20
_LATEST_S = 1 << 33
"""In the year 2242; in nanoseconds a database still has room for it."""


class _NewImport(Body):
    name: Annotated[str, Field(min_length=1, max_length=256)]
    by: Name
    customer: Literal["left", "right"] = "left"
    language: Literal["", "en", "zh"] = ""
    text_only: bool = False


def import_router(desk: Desk, access: Access) -> APIRouter:
    """Return the routes of imports."""
    router = APIRouter(prefix="/v1/desk/imports")
    _add_steering(router, desk, access)
    _add_bringing(router, desk)
    return router


def _add_steering(router: APIRouter, desk: Desk, access: Access) -> None:
    may_import = needs(Permission.IMPORT)

    @router.get("", dependencies=[may_import])
    async def all_imports() -> list[dict[str, Any]]:
        return [asdict(job) for job in await desk.do(desk.imports.all)]

    @router.post("", status_code=201)
    async def begin(body: _NewImport, viewer: TakesIn) -> dict[str, str]:
        options = ImportOptions(body.customer, body.language, body.text_only)
        by = viewer.signature(body.by)
        job_id = await desk.do(desk.imports.create, body.name, by, options)
        await access.record(viewer, Action.IMPORT, "", {"import": job_id})
        return {"job_id": job_id}

    @router.get("/{job_id}/files", dependencies=[may_import])
    async def files(job_id: str, request: Request) -> list[dict[str, Any]]:
        await desk.do(desk.imports.options, job_id)
        reader = Reader.of(request.headers.get("accept-language", ""))
        return [
            asdict(file)
            | {"reason": file.reason.sentence(reader) if file.reason else ""}
            for file in await desk.do(desk.imports.files, job_id)
        ]

    @router.post("/{job_id}/pause", status_code=204, dependencies=[may_import])
    async def pause(job_id: str) -> None:
        await desk.do(desk.imports.pause, job_id)

    @router.post("/{job_id}/resume", status_code=204, dependencies=[may_import])
    async def resume(job_id: str) -> None:
        await desk.do(desk.imports.resume, job_id)
        desk.wake()

    @router.delete("/{job_id}", status_code=204, dependencies=[may_import])
    async def remove(job_id: str) -> None:
        files = await desk.do(desk.imports.files, job_id)
        for path in await desk.do(desk.imports.remove, job_id):
            path.unlink(missing_ok=True)
        for file in files:
            for book in desk.office.books(file.file_id):
                book.unlink(missing_ok=True)


def _add_bringing(router: APIRouter, desk: Desk) -> None:
    may_import = needs(Permission.IMPORT)

    @router.put("/{job_id}/table", status_code=204, dependencies=[may_import])
    async def put_table(job_id: str, request: Request) -> None:
        table = read_call_table(await _read(request.stream(), _MOST_TABLE_BYTES))
        options = await desk.do(desk.imports.options, job_id)
        await desk.do(
            desk.imports.set_options,
            job_id,
            replace(options, facts={**options.facts, **table}),
        )

    @router.put("/{job_id}/files", status_code=201, dependencies=[may_import])
    async def put_file(
        job_id: str,
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=1024)],
        modified: Annotated[
            float,
            Query(
                description="seconds since 1970",
                ge=0,
                le=_LATEST_S,
                allow_inf_nan=False,
            ),
        ] = 0.0,
    ) -> None:
        options = await desk.do(desk.imports.options, job_id)
        base = name.replace("\\", "/").rpartition("/")[2]
        if Path(base).suffix.lower() not in SUFFIXES:
            raise IntakeError("not_a_recording_name", name=base)
        path = await _keep(desk, job_id, base, request.stream())
        status = path.stat()
        new = NewFile(
            path=path,
            name=base,
            facts=options.facts.get(base, FileFacts()),
            size=status.st_size,
            modified_ns=round((modified or time.time()) * 1e9),
            ours=True,
        )
        await desk.do(desk.imports.add, job_id, [new])
        desk.wake()


async def _read(stream: AsyncIterator[bytes], most_bytes: int) -> bytes:
    data = bytearray()
    async for piece in stream:
        data += piece
        if len(data) > most_bytes:
            raise IntakeError("table_too_big", most=most_bytes)
    return bytes(data)


async def _keep(
    desk: Desk, job_id: str, name: str, stream: AsyncIterator[bytes]
) -> Path:
    """Write an upload to disk; it has its name only once it is whole."""
    folder = desk.uploads / job_id
    suffix = Path(name).suffix.lower()
    target = folder / f"{secrets.token_hex(8)}{suffix}"
    partial = target.with_suffix(f"{suffix}.part")
    n_bytes = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        async with await anyio.open_file(partial, "wb") as file:
            async for piece in stream:
                n_bytes += len(piece)
                if n_bytes > _MOST_BYTES:
                    raise IntakeError("file_too_big", name=name, most=_MOST_BYTES)
                await file.write(piece)
        partial.rename(target)
    except OSError as error:
        raise RoomError(Refusal.of_file(name, error)) from error
    finally:
        partial.unlink(missing_ok=True)
    return target
