"""What people do with incidents over the API: each act, who may, what comes too late, and what is taken along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from db import audit, incidents, overrides
from db.engine import Database
from tests.conftest import MovableClock
from tests.monitoring.browser import signed_in, web, with_token
from tests.monitoring.evidence import called, ran, set_circuit

SECRET = "Bearer abcdefghijklmnop"


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


@pytest.fixture
async def ops(api: FastAPI, database: Database, clock: MovableClock) -> httpx.AsyncClient:
    return await with_token(api, database, clock, "read", "operate")


async def fire(db: Database, clock: MovableClock, subject: str = "acumatica") -> str:
    await incidents.open_incident(
        db,
        rule="circuit_open",
        subject=subject,
        state="firing",
        severity="page",
        title="The circuit of Acumatica is open",
        facts={"sentence": "5 in a row failed.", "fault": "theirs", "vendors": [subject]},
        started_at=clock.now(),
        inhibited_by=None,
        now=clock.now(),
    )
    return (await incidents.open_incidents(db))[-1].id


async def did(client: httpx.AsyncClient, id: str, act: str, **body: Any) -> httpx.Response:
    return await client.post(f"/api/v1/incidents/{id}/{act}", json=body)


async def test_an_incident_goes_through_hands_and_each_act_holds_once(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    id = await fire(database, clock)
    answers = [
        await did(ops, id, "acknowledge", note="on it"),
        await did(ops, id, "acknowledge", take_over=True),
        await did(ops, id, "hand-back", reason="off duty"),
        await did(ops, id, "hand-back", reason="off duty"),
        await did(ops, id, "silence", reason="known"),
        await did(ops, id, "silence", reason="known", until=(clock.now() + timedelta(hours=1)).isoformat()),
        await ops.delete(f"/api/v1/incidents/{id}/silence"),
        await ops.delete(f"/api/v1/incidents/{id}/silence"),
        await did(ops, id, "resolve", reason="they say so"),
        await did(ops, id, "resolve", reason="they say so"),
        await did(ops, id, "reopen", reason="not so"),
        await did(ops, id, "reopen", reason="not so"),
    ]

    assert [answer.status_code for answer in answers] == [200, 409] * 2 + [200, 200] + [200, 409] * 3
    assert answers[4].json()["silenced"] is True
    assert answers[5].json()["silenced_until"] == "2026-03-02T13:00:00Z"
    assert answers[8].json()["resolved_by"] == "token:read-operate"
    acts = [act.act.removeprefix("incident.") for act in await audit.list_acts(database, subject=id)]
    assert sorted(acts) == sorted(
        ["acknowledged", "handed_back", "silenced", "silenced", "silence_ended", "resolved", "reopened"]
    )


async def test_a_colleague_takes_over_and_a_viewer_changes_nothing(
    api: FastAPI, ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    id = await fire(database, clock)
    other, viewer = await with_token(api, database, clock, "operate"), await with_token(api, database, clock, "read")
    await did(ops, id, "acknowledge")

    assert (await did(other, id, "acknowledge")).status_code == 409
    assert (await did(other, id, "acknowledge", take_over=True)).json()["acknowledged_by"] == "token:operate"
    for act in ("hand-back", "silence", "resolve", "reopen"):
        assert (await did(viewer, id, act, reason="because")).status_code == 403
    assert (await did(viewer, id, "notes", text="a note")).status_code == 403
    assert (await viewer.get(f"/api/v1/incidents/{id}")).json()["acknowledged_by"] == "token:operate"


async def test_a_note_is_scrubbed_and_its_author_takes_it_back(
    api: FastAPI, ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    id, other = await fire(database, clock), await with_token(api, database, clock, "operate")
    made = await did(ops, id, "notes", text=f"They want {SECRET} of ada@example.com")
    again = await did(ops, id, "notes", text=f"They want {SECRET} of ada@example.com")
    assert (made.status_code, made.json()["text"]) == (201, "They want [hidden] of [hidden]")
    assert again.json() == made.json()

    note = f"/api/v1/incidents/{id}/notes/{made.json()['id']}"
    assert [(await other.delete(note)).status_code, (await ops.delete(note)).status_code] == [404, 200]
    assert (await ops.delete(note)).status_code == 404


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("silence", {"reason": "x"}, "body.reason"),
        ("silence", {"reason": "known", "until": "2020-01-01T00:00:00Z"}, "body.until"),
        ("silence", {"reason": "known", "until": "2030-01-01T00:00:00Z"}, "body.until"),
        ("resolve", {"reason": "  "}, "body.reason"),
        ("notes", {"text": "x" * 2001}, "body.text"),
        ("acknowledge", {"note": "x" * 501}, "body.note"),
    ],
)
async def test_what_cannot_be_names_its_field(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock, act: str, body: dict[str, str], field: str
) -> None:
    answer = await did(ops, await fire(database, clock), act, **body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await did(ops, "nope", "resolve", reason="because")).status_code == 404


async def test_the_timeline_and_the_summary_hold_what_happened_around_it(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    await called(database, "acumatica", clock.now(), good=2, theirs=18)
    await set_circuit(database, "acumatica", "open", clock.now())
    id = await fire(database, clock)
    clock.move(60)
    await ran(database, "orders", "error", clock.now(), "The circuit of Acumatica is open.", "circuit_open")
    await overrides.put(
        database,
        "acumatica",
        {"max_attempts": 1.0},
        by="ada",
        reason="spare them",
        expires_at=None,
        now=clock.now(),
    )
    await did(ops, id, "notes", text="A data centre is down")
    clock.move(60)
    await set_circuit(database, "acumatica", "closed", clock.now(), "3 probes succeeded.")
    (row,) = await incidents.open_incidents(database)
    await incidents.resolve_incident(database, row, now=clock.now(), why="It is over.")

    found = (await ops.get(f"/api/v1/incidents/{id}/timeline")).json()["happenings"]
    text = (await ops.get(f"/api/v1/incidents/{id}/summary")).text

    assert [one["title"] for one in found][:2] in (["Opened", "Circuit open"], ["Circuit open", "Opened"])
    assert {one["title"] for one in found[2:]} == {
        "Orders failed",
        "Limits: edited",
        "Note",
        "Circuit closed",
        "Resolved",
    }
    assert all(one["path"] for one in found if one["kind"] in ("circuit", "run", "act"))
    for part in (
        "# The circuit of Acumatica is open",
        "18 of 20 calls that reached the vendor failed",
        "- Sync Orders",
        "1 run of them failed",
        "A data centre is down",
        "Limits: edited by ada: acumatica · spare them",
    ):
        assert part in text


async def test_the_list_is_filtered_and_taken_along(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    for subject in ("fedex", "fedex/vat", "ups"):
        await fire(database, clock, subject)
        clock.move(1)
    listed = (await ops.get("/api/v1/incidents", params={"subject": "fedex"})).json()["incidents"]
    lines = (await ops.get("/api/v1/incidents/csv", params={"rule": "circuit_open"})).text.splitlines()
    none = (await ops.get("/api/v1/incidents", params={"severity": "ticket"})).json()["incidents"]

    assert [one["subject"] for one in listed] == ["fedex/vat", "fedex"]
    assert len(lines) == 4
    assert none == []


async def test_the_page_of_an_incident_is_for_those_who_are_signed_in(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    id = await fire(database, clock)
    viewer = await signed_in(api, database, clock, "viewer")

    assert (await viewer.get(f"/incidents/{id}")).status_code == 200
