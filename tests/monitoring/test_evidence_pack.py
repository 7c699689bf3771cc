"""The pack for a vendor's support: what it holds, and what must never be in it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import insert

from db.calls import AttemptRow
from db.columns import to_micros
from db.engine import Database
from db.schema import attempts, bodies, circuit_transitions, incidents
from integrations.redact import Redactor
from monitoring.curl import as_curl
from monitoring.scrub import scrubbed
from tests.conftest import NOON, MovableClock
from tests.monitoring.browser import web, with_token
from tests.monitoring.evidence import called

SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
MAIL, PHONE, CARD, NAME = "jane.doe@example.com", "+971 50 123 4567", "4242 4242 4242 4242", "Jane Doe"
PLANTED = (SECRET, MAIL, PHONE, CARD, NAME, "mira", "key-of-ours")


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


def attempt(id: str, **values: Any) -> dict[str, Any]:
    return {
        "started_at": NOON - timedelta(minutes=5),
        "id": id,
        "call_id": f"call-{id}",
        "correlation_id": "c1",
        "span_id": "0" * 16,
        "vendor": "fedex",
        "operation": "quote_rates",
        "method": "POST",
        "url_template": "/rate/v1/rates/quotes",
        "path": "/rate/v1/rates/quotes",
        "number": 2,
        "priority": "interactive",
        "trigger": "user",
        "user_name": "mira",
        "duration": 0.25,
        "status": 503,
        "error_type": "http_503",
        "fault": "theirs",
        "retryable": True,
        "circuit_state": "closed",
        "throttle_wait": 0.0,
        "vendor_request_id": f"fedex-{id}",
        "idempotency_key": "key-of-ours",
    } | values


async def plant(db: Database) -> None:
    """Store failed attempts whose bodies held secrets and people, as captured, and some that slipped through."""
    said = f'{{"contact": "{NAME}", "mail": "{MAIL}", "weight": 2, "note": "{PHONE}"}}'
    captured = Redactor([SECRET]).body(said.encode(), "application/json", frozenset({"weight"}))
    slipped = f'{{"error": "card {CARD} of {MAIL}, {PHONE}", "auth": "Bearer {SECRET}", "key": "{SECRET}"}}'
    async with db.write() as connection:
        await connection.execute(insert(attempts).values(attempt("a1")))
        await connection.execute(
            insert(attempts).values(attempt("a2", path=f"/rate?mail={MAIL}&token={SECRET}", vendor_request_id=None))
        )
        for id, request, response in (("a1", captured, slipped), ("a2", slipped, None)):
            at = NOON - timedelta(minutes=5)
            await connection.execute(
                insert(bodies).values(started_at=at, attempt_id=id, request=request, response=response)
            )
        await connection.execute(
            insert(circuit_transitions).values(
                id="t", at=NOON - timedelta(minutes=4), name="fedex", vendor="fedex", from_state="closed",
                to_state="forced_open", reason=f"mira asked {NAME}", by="mira",
            )
        )  # fmt: skip
    await called(db, "fedex", NOON - timedelta(minutes=5), good=7, refused=1, theirs=2)
    await called(db, "fedex", NOON - timedelta(minutes=15), good=20)


async def files(program: Any, **params: str) -> dict[str, str]:
    answer = await program.get("/api/v1/vendors/fedex/evidence", params=params)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


async def test_the_pack_says_what_support_asks_for(api: FastAPI, database: Database, clock: MovableClock) -> None:
    await plant(database)
    program = await with_token(api, database, clock, "operate")

    found = await files(program, since=(NOON - timedelta(minutes=10)).isoformat(), until=NOON.isoformat())

    page = found["read-me-first.html"]
    assert set(found) == {"read-me-first.html", "request-ids.csv", "samples.txt"}
    assert "<td>before</td><td>20</td><td>0</td>" in page
    assert "<td>during</td><td>9</td><td>2</td>" in page
    assert "<td>http_503</td><td>theirs</td><td>2</td>" in page
    assert "no call was tried more than 2 times" in page
    assert "1 call never left us" in page
    assert "<td>closed</td><td>forced_open</td><td>by hand</td>" in page
    assert "per_second: at most 20 in 1" in page
    assert "fedex-a1" in found["request-ids.csv"]
    assert "curl -X POST 'https://apis.fedex.com/rate/v1/rates/quotes'" in found["samples.txt"].replace(
        "https://apis.fedex.com/rate/v1/rates/quotes \\", "'https://apis.fedex.com/rate/v1/rates/quotes' \\"
    )
    assert '-H "$FEDEX_AUTH_HEADER"' in found["samples.txt"]
    assert "http://127.0.0.1" not in "".join(found.values())


async def test_no_secret_and_no_person_is_in_any_file(api: FastAPI, database: Database, clock: MovableClock) -> None:
    await plant(database)
    program = await with_token(api, database, clock, "operate")

    found = await files(program, since=(NOON - timedelta(minutes=10)).isoformat())

    assert to_micros(NOON)
    assert '"weight":2' in found["samples.txt"]
    for name, text in found.items():
        for planted in PLANTED:
            assert planted not in text, f"{planted} is in {name}"


async def test_a_filter_narrows_what_is_listed_and_says_so(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await plant(database)
    async with database.write() as connection:
        await connection.execute(insert(attempts).values(attempt("a3", operation="track_shipment", status=500)))
    program = await with_token(api, database, clock, "operate")
    since = (NOON - timedelta(minutes=10)).isoformat()

    by_operation = await files(program, since=since, operation="track_shipment")
    by_call = await files(program, since=since, call_id="call-a1")
    by_both = await files(program, since=since, operation="track_shipment", status="503")

    assert [len(found["request-ids.csv"].splitlines()) - 1 for found in (by_operation, by_call, by_both)] == [1, 1, 0]
    assert "fedex-a3" in by_operation["request-ids.csv"]
    assert "Listed is only: operation track_shipment." in by_operation["read-me-first.html"]
    assert "<td>during</td><td>9</td><td>2</td>" in by_operation["read-me-first.html"]


async def test_an_incident_gives_the_time(api: FastAPI, database: Database, clock: MovableClock) -> None:
    await plant(database)
    async with database.write() as connection:
        begin, end = NOON - timedelta(minutes=10), NOON - timedelta(minutes=1)
        await connection.execute(
            insert(incidents).values(
                id="i1", rule="circuit_open", subject="fedex", state="resolved", severity="page", title="x", facts={},
                started_at=begin, fired_at=begin, resolved_at=end, changed_at=end, version=1,
            )
        )  # fmt: skip
    program = await with_token(api, database, clock, "operate")

    found = await files(program, incident="i1")

    assert "2026-03-02T11:50:00Z</strong> to <strong>2026-03-02T11:59:00Z" in found["read-me-first.html"]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 422),
        ({"since": "2026-03-02T13:00:00Z"}, 422),
        ({"since": "2026-01-01T00:00:00Z"}, 422),
        ({"since": "2026-03-02T11:00:00Z", "until": "2026-03-02T10:00:00Z"}, 422),
        ({"incident": "nope"}, 404),
    ],
)
async def test_a_time_that_makes_no_pack_is_refused(
    api: FastAPI, database: Database, clock: MovableClock, params: dict[str, str], status: int
) -> None:
    program = await with_token(api, database, clock, "operate")

    assert (await program.get("/api/v1/vendors/fedex/evidence", params=params)).status_code == status


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("https://api.example.com", "/v1/a?x=1", "https://api.example.com/v1/a?x=1"),
        ("https://api.example.com/v1", "/v1/a", "https://api.example.com/v1/a"),
        ("http://127.0.0.1:8060/fedex", "/v1/a", "http://127.0.0.1:8060/fedex/v1/a"),
    ],
)
def test_a_curl_line_has_the_whole_address(base: str, path: str, expected: str) -> None:
    values = attempt(
        "a", method="GET", path=path, run_id=None, quota_limit=None, quota_remaining=None, quota_reset=None
    )

    found = as_curl(AttemptRow(**values), base)

    assert expected in found
    assert "--data" not in found


def test_a_body_with_quotes_stays_one_argument_of_the_shell() -> None:
    values = attempt("a", run_id=None, quota_limit=None, quota_remaining=None, quota_reset=None)

    found = as_curl(AttemptRow(**values, request='{"note": "it\'s $HOME `id`"}'), "https://x.example")

    assert """--data-raw '{"note": "it'"'"'s $HOME `id`"}'""" in found
    assert "Content-Type: application/json" in found


@pytest.mark.parametrize(
    "kept",
    ["tracking 794644790132", "2026-03-02T12:00:00Z", "order SO-4242424242424242", "price 12.34 USD", "1Z999AA1"],
)
def test_what_is_no_secret_stays(kept: str) -> None:
    assert scrubbed(kept) == kept
