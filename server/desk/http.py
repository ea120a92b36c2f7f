"""The desk over HTTP: the routes of its rooms."""

from fastapi import FastAPI

from server.desk.desk import Desk
from server.desk.http_call import call_router
from server.desk.http_find import find_router
from server.desk.http_import import import_router
from server.desk.http_judge import judge_router
from server.trust.access import Access, check_routes


def add_desk(app: FastAPI, desk: Desk, access: Access) -> None:
    """Give the service the desk's routes."""
    app.include_router(find_router(desk, access))
    app.include_router(import_router(desk, access))
    app.include_router(call_router(desk, access))
    app.include_router(judge_router(desk, access))
    check_routes(app)
