"""The desk over HTTP: routes of its rooms, and its errors as problems."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from server.desk.desk import Desk
from server.desk.errors import (
    DeskError,
    QueryError,
    RoomError,
    StateError,
    UnknownError,
)
from server.desk.http_call import call_router
from server.desk.http_find import find_router
from server.desk.http_import import import_router
from server.desk.http_judge import judge_router
from server.trust.access import Access, check_routes

_STATUS: dict[type[DeskError], tuple[int, str]] = {
    QueryError: (422, "Wrong input"),
    UnknownError: (404, "Not found"),
    StateError: (409, "Conflict"),
    RoomError: (507, "No room"),
}


def add_desk(app: FastAPI, desk: Desk, access: Access) -> None:
    """Give the service the desk's routes."""
    app.include_router(find_router(desk, access))
    app.include_router(import_router(desk, access))
    app.include_router(call_router(desk, access))
    app.include_router(judge_router(desk, access))
    check_routes(app)

    @app.exception_handler(DeskError)
    async def problem(_: Request, error: DeskError) -> JSONResponse:
        status, title = _STATUS.get(type(error), (422, "Wrong input"))
        return JSONResponse(
            {"title": title, "status": status, "detail": str(error)},
            status_code=status,
            media_type="application/problem+json",
        )
