"""Who is let in, and to what: a real service with people in it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from audio.codec import encode
from server.service import Addresses
from server.store import Store
from server.trust.access import (
    PERMISSIONS,
    SESSION_COOKIE,
    Permission,
    check_routes,
)
from server.trust.audit import AuditLog
from server.trust.log_in import Tries
from server.trust.people import People, Person, Role
from service_under_test import MULAW, end, in_loop, line, quick_models, settings_in
from service_under_test import service as running

pytestmark = pytest.mark.service

PASSWORD = "correct horse battery"  # noqa: S105 - made for this test
CARD = "4111 1111 1111 1111"
EVERYBODY = (
    Person("amy", Role.AGENT, "a7", "north"),
    Person("ben", Role.AGENT, "b2", "north"),
    Person("sue", Role.SUPERVISOR),
    Person("abe", Role.AUDITOR),
    Person("root", Role.ADMIN),
)
PUBLIC_PATHS = {"/healthz", "/readyz", "/metrics", "/v1/session"}
"""What shows nothing of any call; pages have nothing in them until somebody asks."""


@asynccontextmanager
async def service(tmp_path: Path, **changes: Any) -> AsyncIterator[Addresses]:
    """A service with everybody in it, and one call of agent a7 with a card number."""
    settings = settings_in(tmp_path, **changes)
    settings.data_dir.mkdir(exist_ok=True)
    store = Store(settings.url)
    people = People(store.engine)
    if not people.anybody():
        for person in EVERYBODY:
            people.add(person, PASSWORD)
    store.close()
    async with running(
        tmp_path, quick_models(f"my card is {CARD}"), **changes
    ) as addresses:
        yield addresses


async def play(addresses: Addresses, call_id: str, agent_id: str) -> None:
    pcm = np.zeros((4 * 8000, 2), np.float32)
    pcm[4000:24000, 0] = 0.4 * np.sin(np.arange(20000) / 3)
    async with line(addresses, call_id=call_id, agent_id=agent_id) as (socket, _):
        await socket.send(encode(pcm, MULAW))
        await end(socket)


def anonymous(addresses: Addresses, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=addresses.http_url, headers=headers)


@asynccontextmanager
async def logged_in(
    addresses: Addresses, name: str
) -> AsyncIterator[httpx.AsyncClient]:
    async with anonymous(addresses) as client:
        body = {"name": name, "password": PASSWORD}
        answer = await client.post("/v1/session", json=body)
        assert answer.status_code == 204
        yield client


async def routes(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    """Every method and path that the service says it has."""
    paths = (await client.get("/openapi.json")).json()["paths"]
    return [(m.upper(), path) for path, methods in paths.items() for m in methods]


def filled(path: str, call_id: str) -> str:
    """The path with an address in it: that call, and something for all else."""
    path = path.replace("{call_id}", call_id)
    while "{" in path:
        path = path[: path.index("{")] + "a1" + path[path.index("}") + 1 :]
    return path


@in_loop
async def test_nobody_gets_anything_without_logging_in(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses, anonymous(addresses) as client:
        await play(addresses, "c1", "a7")
        open_to_all, pages = set(), set()
        for method, path in await routes(client):
            answer = await client.request(method, filled(path, "c1"), json={})
            if answer.status_code != 401:
                open_to_all.add(path)
            if path not in PUBLIC_PATHS and "<html" in answer.text[:200]:
                pages.add(path)
        session = (await client.get("/v1/session")).json()
        feed = addresses.http_url.replace("http", "ws") + "/v1/live?topic=board"
        async with connect(feed) as screen:
            with pytest.raises(ConnectionClosed):
                await screen.recv()
            closed = screen.close_code

    assert len(pages) > 5
    assert open_to_all - pages == PUBLIC_PATHS
    assert session == {"log_in": True}
    assert closed == 4401


@in_loop
async def test_an_agent_gets_a_colleagues_call_at_no_address(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses:
        await play(addresses, "c1", "a7")
        async with logged_in(addresses, "ben") as ben:
            answers = {
                (method, path): (
                    await ben.request(method, filled(path, "c1"), json={})
                ).status_code
                for method, path in await routes(ben)
                if "{call_id}" in path
            }
            listed = (await ben.get("/v1/calls")).json()
            found = (await ben.post("/v1/desk/search", json={})).json()
        async with logged_in(addresses, "amy") as amy:
            own = await amy.get("/v1/calls/c1/entries")
            heard = await amy.get("/v1/calls/c1/audio")
            own_list = (await amy.get("/v1/calls")).json()

    assert len(answers) >= 5
    assert {key for key, status in answers.items() if status not in (403, 404)} == set()
    assert listed == []
    assert found["calls"] == []
    assert (own.status_code, heard.status_code) == (200, 200)
    assert [call["call_id"] for call in own_list] == ["c1"]


@in_loop
async def test_each_role_watches_what_it_may(tmp_path: Path) -> None:
    watched = {
        ("amy", "agent:a7"): True,
        ("amy", "agent:b2"): False,
        ("amy", "board"): False,
        ("ben", "call:c1"): False,
        ("sue", "board"): True,
        ("sue", "agent:a7"): True,
        ("abe", "board"): False,
    }
    seen = {}
    async with service(tmp_path) as addresses:
        for name, topic in watched:
            async with logged_in(addresses, name) as client:
                feed = addresses.http_url.replace("http", "ws")
                cookie = f"{SESSION_COOKIE}={client.cookies[SESSION_COOKIE]}"
                async with connect(
                    f"{feed}/v1/live?topic={topic}",
                    additional_headers={"Cookie": cookie},
                ) as screen:
                    try:
                        seen[name, topic] = bool(json.loads(await screen.recv()))
                    except ConnectionClosed:
                        assert screen.close_code == 4403
                        seen[name, topic] = False

    assert seen == watched


@in_loop
async def test_numbers_are_covered_unless_the_role_may_see_them(
    tmp_path: Path,
) -> None:
    async with service(tmp_path) as addresses:
        await play(addresses, "c1", "a7")
        async with logged_in(addresses, "sue") as sue:
            covered = (await sue.get("/v1/calls/c1/entries")).text
            tone = await sue.get("/v1/calls/c1/audio")
            refused = [
                (await sue.get(f"/v1/calls/c1/{what}?unredacted=true")).status_code
                for what in ("entries", "audio")
            ]
        async with logged_in(addresses, "abe") as abe:
            default = (await abe.get("/v1/calls/c1/entries")).text
            seen = (await abe.get("/v1/calls/c1/entries?unredacted=true")).text
            plain = await abe.get("/v1/calls/c1/audio?unredacted=true")

    assert CARD not in covered + default
    assert "my card is •••" in json.dumps(json.loads(covered), ensure_ascii=False)
    assert refused == [403, 403]
    assert CARD in seen
    assert tone.content != plain.content
    original = tmp_path / "data" / "audio" / "c1.flac"
    assert plain.content == original.read_bytes()


@in_loop
async def test_what_people_do_is_in_the_audit_log_and_no_word_of_it(
    tmp_path: Path,
) -> None:
    async with service(tmp_path) as addresses:
        await play(addresses, "c1", "a7")
        async with logged_in(addresses, "abe") as abe:
            for _ in range(3):
                await abe.get("/v1/calls/c1/entries")
                await abe.get("/v1/calls/c1/audio", headers={"Range": "bytes=9-20"})
            await abe.get("/v1/calls/c1/entries?unredacted=true")
            await abe.delete("/v1/session")
        async with anonymous(addresses) as client:
            wrong = {"name": PASSWORD, "password": "x"}
            await client.post("/v1/session", json=wrong)
    store = Store(f"sqlite:///{tmp_path / 'data' / 'calmline.db'}")
    log = AuditLog(store.engine)
    entries = list(log.entries())
    verdict = log.verify()
    store.close()

    assert [(e.who, e.action, e.call_id) for e in entries] == [
        ("abe", "log_in", ""),
        ("abe", "view", "c1"),
        ("abe", "listen", "c1"),
        ("abe", "view_unredacted", "c1"),
        ("abe", "log_out", ""),
        ("unknown", "log_in_failed", ""),
    ]
    assert verdict.whole
    assert not any(secret in str(entries) for secret in (CARD, "K-77", PASSWORD))


@in_loop
async def test_the_cookie_cannot_be_read_by_a_page_and_ends_with_the_log_out(
    tmp_path: Path,
) -> None:
    async with service(tmp_path) as addresses, anonymous(addresses) as client:
        body = {"name": "sue", "password": PASSWORD}
        answer = await client.post("/v1/session", json=body)
        cookie = answer.headers["set-cookie"]
        stolen = client.cookies[SESSION_COOKIE]
        described = (await client.get("/v1/session")).json()
        await client.delete("/v1/session")
        async with anonymous(addresses, Cookie=f"{SESSION_COOKIE}={stolen}") as thief:
            late = await thief.get("/v1/calls")
        tls = {"X-Forwarded-Proto": "https"}
        secure = await client.post("/v1/session", json=body, headers=tls)

    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" in secure.headers["set-cookie"].split("; ")
    assert (described["name"], described["role"]) == ("sue", "supervisor")
    assert late.status_code == 401


FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.test"},
    {"Origin": "http://127.0.0.1:9"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
)


@in_loop
async def test_a_foreign_page_cannot_use_the_cookie(tmp_path: Path) -> None:
    answers = []
    async with service(tmp_path) as addresses, logged_in(addresses, "root") as root:
        body = {"name": "sue", "password": PASSWORD}
        note = {"text": "x", "by": "x"}
        for headers in FOREIGN:
            answers += [
                await root.get("/v1/calls", headers=headers),
                await root.post("/v1/calls/c1/notes", json=note, headers=headers),
                await root.post("/v1/session", json=body, headers=headers),
                await root.delete("/v1/session", headers=headers),
            ]
        still = await root.get("/v1/calls")

    assert [it.status_code for it in answers] == [403] * 4 * len(FOREIGN)
    assert still.status_code == 200


@in_loop
async def test_a_call_id_is_never_a_path(tmp_path: Path) -> None:
    paths = ("..%2Faudio%2Fc1", "%2e%2e", "..%5c..", "c1%00", "%2Fetc%2Fpasswd", "*")
    async with service(tmp_path) as addresses:
        await play(addresses, "c1", "a7")
        async with logged_in(addresses, "root") as root:
            statuses = {
                (path, what): (await root.get(f"/v1/calls/{path}/{what}")).status_code
                for path in paths
                for what in ("audio", "entries")
            }

    assert set(statuses.values()) == {404}, statuses


@in_loop
async def test_somebody_who_guesses_has_to_wait(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses, anonymous(addresses) as client:
        body = {"name": "sue", "password": "a wrong password"}
        wrong = [await client.post("/v1/session", json=body) for _ in range(6)]
        right = await client.post("/v1/session", json=body | {"password": PASSWORD})

    assert [answer.status_code for answer in wrong] == [401] * 5 + [429]
    assert right.status_code == 429
    assert 0 < int(right.headers["retry-after"]) <= 300


@in_loop
async def test_a_proxy_may_name_who_it_is(tmp_path: Path) -> None:
    changes = {"behind_proxy": True, "proxy_user_header": "X-Forwarded-User"}
    async with service(tmp_path, **changes) as addresses:
        async with anonymous(addresses, **{"X-Forwarded-User": "sue"}) as sue:
            named = await sue.get("/v1/calls")
            log_in = await sue.post(
                "/v1/session", json={"name": "root", "password": PASSWORD}
            )
        async with anonymous(addresses, **{"X-Forwarded-User": "eve"}) as eve:
            unknown = await eve.get("/v1/calls")
        async with anonymous(addresses) as nobody:
            unnamed = await nobody.get("/v1/calls")

    statuses = [it.status_code for it in (named, log_in, unknown, unnamed)]
    assert statuses == [200, 403, 401, 401]


def test_a_route_that_does_not_say_who_may_ask_is_refused() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/v1/everything")
    async def everything() -> str:
        return "everything"

    with pytest.raises(LookupError, match="/v1/everything"):
        check_routes(app)


def test_only_an_admin_deletes_and_no_agent_sees_what_is_covered() -> None:
    for role in Role:
        may = PERMISSIONS[role]
        assert (Permission.DELETE in may) == (role is Role.ADMIN)
        if role is Role.AGENT:
            assert not may & {
                Permission.UNREDACTED,
                Permission.BOARD,
                Permission.EXPORT,
                Permission.AGENT_FIGURES,
                Permission.RULES,
            }


def test_wrong_passwords_are_forgotten_in_time() -> None:
    now = 0.0
    tries = Tries(lambda: now)
    for _ in range(5):
        tries.failed("sue")

    assert tries.wait_s("sue") == 300
    assert tries.wait_s("abe") == 0
    now = 299.0
    assert tries.wait_s("sue") == 1
    now = 300.0
    assert tries.wait_s("sue") == 0


def test_guessing_at_many_names_has_to_wait_too() -> None:
    tries = Tries(lambda: 1.0)
    for number in range(60):
        tries.failed(f"name{number}")

    assert tries.wait_s("another") == 300
