"""What no request may have in it, whichever route it is for."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from evaluation.desk import fill
from evaluation.desk_calls import made_calls
from server.store import Store
from service_under_test import get, in_loop, service, settings_in

pytestmark = pytest.mark.service

CALL = "made-00001"
BODIES: dict[str, dict[str, Any]] = {
    f"/v1/desk/calls/{CALL}/comments": {"at_s": 1.0, "text": "a", "by": "Ann"},
    f"/v1/desk/calls/{CALL}/corrections": {
        "by": "Ann",
        "correction": {"kind": "not_hostile", "start_s": 0.0, "end_s": 1.0},
    },
    "/v1/desk/search": {"peak": {"least": 1.0}},
    "/v1/desk/searches": {"name": "a", "by": "Ann", "query": {"peak": {"most": 2.0}}},
}


def changed(value: Any, kind: type, to: object) -> Iterator[Any]:
    """The same JSON with one value of a kind replaced, once for each."""
    if isinstance(value, dict):
        for name, part in value.items():
            for one in changed(part, kind, to):
                yield value | {name: one}
    elif type(value) is kind:
        yield to


def filled(folder: Path) -> None:
    settings = settings_in(folder)
    settings.data_dir.mkdir()
    store = Store(settings.url)
    fill(store, made_calls(2, seed=3))
    store.close()


@in_loop
async def test_a_number_without_end_is_taken_nowhere(tmp_path: Path) -> None:
    filled(tmp_path)
    answers: Counter[int] = Counter()
    async with (
        service(tmp_path) as addresses,
        httpx.AsyncClient(base_url=addresses.http_url) as client,
    ):
        for path, body in BODIES.items():
            right = await client.post(path, json=body)
            assert right.is_success, (path, right.text)
            for wrong in changed(body, float, "END"):
                for number in ("1e999", "NaN"):
                    text = json.dumps(wrong).replace('"END"', number)
                    head = {"content-type": "application/json"}
                    refused = await client.post(path, content=text, headers=head)
                    answers[refused.status_code] += 1
                    assert "number" in refused.json()["detail"], (path, text)

    assert set(answers) == {422}
    assert answers[422] >= 10


@in_loop
async def test_text_that_a_database_cannot_keep_is_refused(tmp_path: Path) -> None:
    filled(tmp_path)
    async with (
        service(tmp_path) as addresses,
        httpx.AsyncClient(base_url=addresses.http_url) as client,
    ):
        details = [
            (await client.post(path, json=wrong)).json()["detail"]
            for path, body in BODIES.items()
            for wrong in changed(body, str, "a\0b")
        ]
        at_path = await client.get(f"/v1/calls/{quote('a' + chr(0))}")
        in_query = await client.get("/v1/reports?by=team&language=%00")

    assert len(details) >= 6
    # Kinds are one of a few words anyway.
    assert all("U+0000" in detail for detail in details), details
    assert (at_path.status_code, in_query.status_code) == (404, 422)
    assert "U+0000" in in_query.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/desk/calls/{CALL}/comments/{{}}",
        f"/v1/desk/calls/{CALL}/corrections/{{}}",
        "/v1/audit/entries?before_seq={}",
    ],
)
def test_a_number_that_no_row_can_have_is_refused(tmp_path: Path, path: str) -> None:
    async def ask() -> list[int]:
        async with (
            service(tmp_path) as addresses,
            httpx.AsyncClient(base_url=addresses.http_url) as client,
        ):
            method = "GET" if "?" in path else "DELETE"
            numbers = (0, 1 << 31, 10**30)
            asked = [await client.request(method, path.format(n)) for n in numbers]
            return [one.status_code for one in asked]

    assert asyncio.run(ask()) == [422, 422, 422]


@in_loop
async def test_what_is_not_an_object_is_told_what_was_expected(tmp_path: Path) -> None:
    async with (
        service(tmp_path) as addresses,
        httpx.AsyncClient(base_url=addresses.http_url) as client,
    ):
        refused = await client.post("/v1/erasures", json="everything")
        wrong = await client.post("/v1/erasures", json={"customer_ref": ["a"]})
        unknown = await get(addresses, "/v1/desk/reviews?by=" + "x" * 70)

    assert refused.json()["code"] == "field_fields"
    assert wrong.json()["code"] == "field_text"
    assert unknown.json()["code"] == "field_string_too_long"


@in_loop
async def test_what_is_too_large_or_too_deep_or_no_json_is_refused(
    tmp_path: Path,
) -> None:
    head = {"content-type": "application/json"}

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * (1 << 16)

    async with (
        service(tmp_path) as addresses,
        httpx.AsyncClient(base_url=addresses.http_url, headers=head) as client,
    ):
        large = await client.post("/v1/session", content=b" " * ((1 << 20) + 1))
        endless = await client.post("/v1/session", content=pieces())
        deep = b'{"a":' * 900 + b"1" + b"}" * 900
        refused = await client.post("/v1/erasures", content=deep)
        broken = await client.post("/v1/erasures", content=b"\xff\xfe")
        page = await client.get("/v1/calls")

    assert (large.status_code, endless.status_code) == (413, 413)
    assert large.json()["code"] == endless.json()["code"] == "body_too_large"
    assert refused.status_code == 422
    assert broken.json()["code"] == "field_json"
    assert page.status_code == 200


@in_loop
async def test_an_upload_is_no_body_and_its_time_is_one(tmp_path: Path) -> None:
    async with (
        service(tmp_path) as addresses,
        httpx.AsyncClient(base_url=addresses.http_url) as client,
    ):
        begun = await client.post("/v1/desk/imports", json={"name": "a", "by": "Ann"})
        files = f"/v1/desk/imports/{begun.json()['job_id']}/files"
        large = await client.put(f"{files}?name=a.wav", content=b"a" * (3 << 20))
        late = [
            (await client.put(f"{files}?name=b.wav&modified={s}", content=b"")).json()
            for s in ("inf", "nan", "1e300", "-1e300")
        ]

    assert large.status_code == 201
    assert [one["status"] for one in late] == [422] * 4
