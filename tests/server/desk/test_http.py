"""The desk over HTTP, as its pages meet it: a running service, made calls."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from evaluation.desk import fill
from evaluation.desk_calls import made_calls
from server.config import ServiceSettings
from server.desk.index import SearchIndex
from server.factory import CallFactory
from server.service import running_service
from server.store import Store
from service_under_test import in_loop, quick_models

pytestmark = pytest.mark.service


def filled(
    folder: Path, n_calls: int, *, indexed: bool, **changes: Any
) -> ServiceSettings:
    folder.mkdir(exist_ok=True)
    settings = ServiceSettings(audio_port=0, http_port=0, data_dir=folder, **changes)
    store = Store(settings.url)
    fill(store, made_calls(n_calls, seed=3))
    if not indexed:
        SearchIndex(store).clear()
    store.close()
    return settings


@asynccontextmanager
async def desk(
    tmp_path: Path, n_calls: int = 5, *, indexed: bool = True, **changes: Any
) -> AsyncIterator[httpx.AsyncClient]:
    settings = filled(tmp_path, n_calls, indexed=indexed, **changes)
    async with (
        running_service(settings, CallFactory.of(quick_models())) as addresses,
        httpx.AsyncClient(base_url=addresses.http_url) as client,
    ):
        yield client


@contextmanager
def database(data: Path) -> Iterator[sqlite3.Connection]:
    """The service's own, behind its back."""
    with closing(sqlite3.connect(data / "calmline.db", timeout=30)) as connection:
        yield connection
        connection.commit()


@in_loop
async def test_a_database_that_cannot_be_used_is_told_and_nothing_else(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as client:
        with database(tmp_path) as gone:
            gone.execute("ALTER TABLE desk_comments RENAME TO gone")
        comment = {"at_s": 3.0, "text": "a planted phrase", "by": "Ann"}
        refused = await client.post("/v1/desk/calls/made-00001/comments", json=comment)

    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert "planted" not in refused.text


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


def wav(path: Path) -> bytes:
    pcm = np.zeros((32_000, 2), np.float32)
    pcm[4000:24_000, 0] = 0.4 * np.sin(np.arange(20_000) / 3)
    soundfile.write(path, pcm, 8000)
    return path.read_bytes()


async def wait_done(client: httpx.AsyncClient) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = (await client.get("/v1/desk/imports")).json()[0]
        if job["state"] == "done":
            return job
        await asyncio.sleep(0.05)


@in_loop
async def test_uploads_become_calls_while_the_service_runs(tmp_path: Path) -> None:
    audio = wav(tmp_path / "a.wav")
    async with desk(tmp_path / "data", n_calls=0) as client:
        begun = await client.post("/v1/desk/imports", json={"name": "x", "by": "Ann"})
        job = f"/v1/desk/imports/{begun.json()['job_id']}"
        table = await client.put(f"{job}/table", content="file,team\na.wav,North\n")
        bad_table = await client.put(f"{job}/table", content="colour\nred\n")
        no_audio = await client.put(f"{job}/files?name=a.exe", content=b"MZ")
        taken = await client.put(f"{job}/files?name=in/a.wav", content=audio)
        await client.put(f"{job}/files?name=broken.mp3", content=b"no audio")
        done = await wait_done(client)
        files = (await client.get(f"{job}/files")).json()
        page = (await client.post("/v1/desk/search", json={"teams": ["North"]})).json()
        unknown = await client.get("/v1/desk/imports/none/files")
        removed = await client.delete(job)

    assert begun.status_code == taken.status_code == 201
    assert table.status_code == removed.status_code == 204
    assert bad_table.status_code == no_audio.status_code == 422
    assert "colour" in bad_table.json()["detail"]
    assert done["counts"]["done"] == done["counts"]["failed"] == 1
    assert [file["name"] for file in files] == ["a.wav", "broken.mp3"]
    assert "broken.mp3" in files[1]["reason"]
    assert page["total"] == 1
    assert unknown.status_code == 404
    assert [p for p in (tmp_path / "data" / "uploads").rglob("*") if p.is_file()] == []


@in_loop
async def test_a_watched_folder_is_taken_in_though_the_disk_was_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in").mkdir()
    async with desk(
        tmp_path / "data", 0, watch_dir=str(tmp_path / "in"), watch_every_s=0.1
    ) as client:
        with database(tmp_path / "data") as full:
            full.execute(
                "CREATE TRIGGER full BEFORE INSERT ON desk_import_files "
                "BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        wav(tmp_path / "in" / "a.wav")
        while "imports cannot go on" not in caplog.text:  # noqa: ASYNC110 - the service has no other way to tell
            await asyncio.sleep(0.05)
        with database(tmp_path / "data") as roomy:
            roomy.execute("DROP TRIGGER full")
        while (await wait_done(client))["counts"]["done"] == 0:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.05)

    assert (tmp_path / "in" / "a.wav").is_file()


@in_loop
async def test_a_call_is_judged_corrected_and_commented(tmp_path: Path) -> None:
    async with desk(tmp_path) as client:
        call = "/v1/desk/calls/made-00001"
        cards = (await client.get("/v1/desk/cards")).json()
        card = next(card for card in cards if card["id"] == "service")
        measures = (await client.get(f"{call}/measures")).json()
        answers = {q["id"]: {"answer": "yes"} for q in card["question"]}
        body = {"card": "service", "by": "Ann", "answers": answers}
        done = await client.post(f"{call}/reviews", json=body)
        short = await client.post(f"{call}/reviews", json=body | {"answers": {}})
        review = f"/v1/desk/reviews/{done.json()['review_id']}"
        signed = {"by": "a07", "text": "the line was bad"}
        disputed = await client.post(f"{review}/dispute", json=signed)
        twice = await client.post(f"{review}/dispute", json=signed)
        waiting = (await client.get("/v1/desk/reviews?by=Ann")).json()
        answered = await client.post(f"{review}/answer", json=signed)
        comment = {"at_s": 3.0, "text": "well done", "by": "Ann"}
        commented = await client.post(f"{call}/comments", json=comment)
        wrong = {"kind": "not_hostile", "start_s": 1.0, "end_s": 2.0}
        new = {"by": "Ann", "correction": wrong}
        corrected = await client.post(f"{call}/corrections", json=new)
        empty = {"by": "Ann", "correction": wrong | {"kind": "wrong_words"}}
        refused = await client.post(f"{call}/corrections", json=empty)
        beside = (await client.get(call)).json()
        unknown = await client.get("/v1/desk/calls/none")
        no_audio = await client.get(f"{call}/peaks")

    assert measures["greeted"]["answer"] in ("yes", "no")
    assert done.status_code == 201
    assert done.json()["score"] == 100.0
    assert short.status_code == 422
    assert (disputed.status_code, twice.status_code) == (204, 409)
    assert [one["call_id"] for one in waiting["disputed"]] == ["made-00001"]
    assert waiting["calls"]["made-00001"]["duration_s"] > 0
    assert answered.status_code == commented.status_code == 204
    assert corrected.status_code == 201
    assert refused.status_code == 422
    assert [one["text"] for one in beside["comments"]] == ["well done"]
    assert [one["kind"] for one in beside["corrections"]] == ["not_hostile"]
    assert unknown.status_code == no_audio.status_code == 404


@in_loop
async def test_a_sample_is_dealt_out_and_reviewers_agree(tmp_path: Path) -> None:
    async with desk(tmp_path) as client:
        sample = {
            "n_calls": 2,
            "method": "risk",
            "card": "service",
            "purpose": "calibration",
            "reviewers": ["Ann", "Bob"],
            "batch": "May",
        }
        drawn = (await client.post("/v1/desk/samples", json=sample)).json()
        again = (
            await client.post("/v1/desk/samples", json=sample | {"n_calls": 9})
        ).json()
        waiting = (await client.get("/v1/desk/reviews?by=Ann")).json()["own"]
        cards = (await client.get("/v1/desk/cards")).json()
        card = next(card for card in cards if card["id"] == "service")
        for by in ("Ann", "Bob"):
            for number, review in enumerate(r for r in waiting if r["batch"] == "May"):
                answer = "yes" if number % 2 else "partly"
                answers = {q["id"]: {"answer": answer} for q in card["question"]}
                body = {
                    "card": "service",
                    "purpose": "calibration",
                    "by": by,
                    "answers": answers,
                }
                call = f"/v1/desk/calls/{review['call_id']}/reviews"
                assert (await client.post(call, json=body)).status_code == 201
        url = "/v1/desk/agreement?card=service&batch=May"
        agreement = (await client.get(url)).json()

    assert drawn == {"calls": 2, "reviews": 4}
    assert again["calls"] == 3, "calls that are assigned are not drawn again"
    assert agreement["reviewers"] == ["Ann", "Bob"]
    assert agreement["answers"] == agreement["scores"] == 1.0
