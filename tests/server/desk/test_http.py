"""The desk over HTTP, as its pages meet it: a running service, made calls."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import httpx
import pytest

from evaluation.desk import fill
from evaluation.desk_calls import made_calls
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from server.config import ServiceSettings
from server.desk.index import SearchIndex
from server.engine import Models
from server.factory import CallFactory
from server.service import running_service
from server.store import Store

pytestmark = pytest.mark.service

_P = ParamSpec("_P")


def in_loop(test: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Run a coroutine test; none takes more than two minutes."""

    @wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 120))

    return run


@asynccontextmanager
async def desk(
    tmp_path: Path, n_calls: int = 5, *, indexed: bool = True
) -> AsyncIterator[httpx.AsyncClient]:
    settings = ServiceSettings(audio_port=0, http_port=0, data_dir=tmp_path)
    store = Store(settings.url)
    fill(store, made_calls(n_calls, seed=3))
    if not indexed:
        SearchIndex(store).clear()
    store.close()
    models = Models(FakeDetector, FakeTranscriber(), FakeVoiceReader(), ("fake",))
    async with (
        running_service(settings, CallFactory.of(models)) as addresses,
        httpx.AsyncClient(base_url=addresses.http_url) as client,
    ):
        yield client


@in_loop
async def test_calls_are_found_and_searches_are_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as client:
        page = (await client.post("/v1/desk/search", json={"limit": 2})).json()
        wrong = await client.post("/v1/desk/search", json={"colour": "red"})
        body = {"name": "Angry", "by": "Ann", "query": {"peak": {"least": 60}}}
        saved = await client.post("/v1/desk/searches", json=body)
        all_saved = (await client.get("/v1/desk/searches")).json()
        search_id = saved.json()["search_id"]
        removed = await client.delete(f"/v1/desk/searches/{search_id}")
        again = await client.delete(f"/v1/desk/searches/{search_id}")
        choices = (await client.get("/v1/desk/choices")).json()

    assert page["total"] == 5
    assert len(page["calls"]) == 2
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"
    assert "colour" in wrong.json()["detail"]
    assert saved.status_code == 201
    assert [s["query"] for s in all_saved] == [{"peak": {"least": 60.0, "most": None}}]
    assert (removed.status_code, again.status_code) == (204, 404)
    assert choices["languages"]


@in_loop
async def test_a_call_that_was_not_indexed_is_found_soon(tmp_path: Path) -> None:
    async with desk(tmp_path, n_calls=1, indexed=False) as client:
        while not (await client.post("/v1/desk/search", json={})).json()["total"]:  # noqa: ASYNC110 - the service has no other way to tell
            await asyncio.sleep(0.05)
