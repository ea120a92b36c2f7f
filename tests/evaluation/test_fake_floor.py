"""The made-up floor is served by the service's own pages."""

import asyncio
from pathlib import Path

import httpx
import pytest

from evaluation.fake_floor import FakeFloor, FakeParams, serving

pytestmark = pytest.mark.service


def test_its_calls_are_listed_and_open(tmp_path: Path) -> None:
    floor = FakeFloor(FakeParams(calls=2))
    call_id = next(iter(floor.by_id))

    async def look() -> list[httpx.Response]:
        async with (
            serving(floor, tmp_path) as url,
            httpx.AsyncClient(base_url=url) as client,
        ):
            paths = ("/healthz", "/v1/calls", f"/v1/calls/{call_id}/roles")
            return [await client.get(path) for path in paths]

    answers = asyncio.run(look())

    assert answers[0].status_code == 200
    assert all(answer.status_code < 500 for answer in answers)
