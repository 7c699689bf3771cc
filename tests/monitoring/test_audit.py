"""The audit as people read it, and the CSV a spreadsheet must not run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI

from db.audit import Act, list_acts, record_act
from db.engine import Database
from monitoring.audit_words import facts_in_words, spoken, subject_page
from monitoring.context import DashboardContext
from monitoring.csv_text import csv_text
from monitoring.timerange import TimeRange
from tests.conftest import NOON, MovableClock
from tests.monitoring.browser import signed_in, web, with_token
from tests.monitoring.cast import sync_facts, vendor_facts


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


def act(name: str, subject: str) -> Act:
    return Act(id="1", at=NOON, user_name="ada", act=name, subject=subject, reason=None, facts={})


def test_facts_and_acts_read_as_words() -> None:
    facts = {"role": {"from": "viewer", "to": "admin"}, "scopes": ["read", "orders"], "calls": 3, "until": None}

    assert facts_in_words(facts) == "role viewer → admin · scopes read, orders · calls 3"
    assert facts_in_words({"before": {"rate": 5, "burst": 2}, "after": {"rate": 9, "burst": 2}}) == "rate 5 → 9"
    assert facts_in_words({"before": None, "after": 30.0}) == "not set → 30"
    assert (
        facts_in_words({"before": {"state": "closed", "reason": None}, "version": 4}) == "was state closed · version 4"
    )
    assert facts_in_words({"may_trigger": {"from": None, "to": True}}) == "may trigger as before → yes"
    assert spoken("circuit.forced_open") == "Circuit: forced open"


@pytest.mark.parametrize(
    ("name", "subject", "path"),
    [
        ("circuit.forced_open", "fedex", "/vendors/fedex"),
        ("sync.run_requested", "orders", "/syncs"),
        ("user.role_changed", "ada", "/settings"),
        ("order.placed", "SO-1", "/calls"),
        ("stock.set", "SKU-1", None),
    ],
)
def test_an_act_leads_to_its_subject(database: Database, name: str, subject: str, path: str | None) -> None:
    context = DashboardContext(db=database, vendors=vendor_facts(), syncs=sync_facts())
    view = TimeRange(since=NOON, until=NOON, now=NOON, zone=ZoneInfo("UTC"), preset="1h")

    found = subject_page(act(name, subject), context, view)

    assert (found.partition("?")[0] if found else None) == path


def test_a_cell_that_a_spreadsheet_would_run_is_made_text() -> None:
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)

    text = csv_text(("a", "b"), [("=1+1", -2), ("-2", "-cmd|'x'"), (at, None), ('say "hi", now', 0.5)])

    assert text.splitlines() == [
        "a,b",
        "'=1+1,-2",
        "-2,'-cmd|'x'",
        "2026-03-02T12:00:00Z,",
        '"say ""hi"", now",0.5',
    ]


async def test_the_api_pages_and_filters_and_gives_csv(api: FastAPI, database: Database, clock: MovableClock) -> None:
    program = await with_token(api, database, clock, "operate")
    for number in range(3):
        clock.move(1)
        await record_act(
            database, at=clock.now(), user_name="ada", act="circuit.closed", subject="fedex", facts={"n": number}
        )

    first = (await program.get("/api/v1/audit", params={"act": "circuit", "limit": 2})).json()
    second = (
        await program.get("/api/v1/audit", params={"act": "circuit", "limit": 2, "cursor": first["next_cursor"]})
    ).json()
    text = await program.get("/api/v1/audit/csv", params={"person": "ada"})

    assert [one["facts"]["n"] for one in first["acts"] + second["acts"]] == [2, 1, 0]
    assert second["next_cursor"] is None
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    assert text.text.splitlines()[1] == "2026-03-02T12:00:03Z,ada,,circuit.closed,fedex,,n 2"


async def test_an_act_is_noted_with_the_way_and_address_it_came_from(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    program = await with_token(api, database, clock, "operate")  # made by command
    await program.post("/api/v1/circuits/fedex", json={"state": "disabled", "reason": "a test"})
    await signed_in(api, database, clock, "viewer")

    acts = {act.act: act.origin for act in await list_acts(database)}

    assert acts["circuit.disabled"] == "api 127.0.0.1"
    assert acts["user.signed_in"] == "page 127.0.0.1"
    assert acts["token.added"] is None
