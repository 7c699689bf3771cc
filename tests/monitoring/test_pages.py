"""The frame around the pages and what they are drawn from, without a browser."""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Iterator
from contextvars import Token
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from dash.exceptions import WebsocketDisconnected
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from db import calls as call_queries
from db.circuits import CircuitRow, Transition
from db.engine import Database
from db.rollups import Series
from monitoring import dashboard
from monitoring.context import DashboardContext
from monitoring.facts import QuotaFacts
from monitoring.health import Health
from monitoring.identity import SCOPES_OF, Identity, current_user
from monitoring.pages import calls, overview_parts, shell, states, vendor, vendor_charts
from monitoring.timerange import time_range
from monitoring.vendor_card import VendorCard, cards, worst_first
from monitoring.vendor_figures import Figures, figures_of_all
from tests.conftest import NOON, MovableClock
from tests.monitoring.browser import FEDEX
from tests.monitoring.cast import sync_facts, vendor_facts
from tests.monitoring.seed import Day, seed_day

ICONS = Path(dashboard.__file__).parent / "assets" / "icons.css"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An API with the pages on it, over a seeded database."""

    api: FastAPI
    app: Dash
    context: DashboardContext
    day: Day


@pytest.fixture
async def site(database: Database, clock: MovableClock) -> Site:
    day = await seed_day(database, NOON, hours=2, pace=0.2)
    context = DashboardContext(db=database, vendors=vendor_facts(), syncs=sync_facts(), now=clock.now, sandbox=True)
    api = FastAPI()
    app = dashboard.attach(api, context)
    async with AsyncClient(transport=ASGITransport(app=api), base_url="http://test") as client:
        assert (await client.get("/_dash-dependencies")).status_code == 200
    return Site(api=api, app=app, context=context, day=day)


@pytest.fixture
def operator() -> Iterator[None]:
    token: Token[Identity | None] = current_user.set(
        Identity(name="mira", role="operator", scopes=SCOPES_OF["operator"])
    )
    yield
    current_user.reset(token)


def _text(component: Any) -> str:
    return json.dumps(component, default=lambda part: part.to_plotly_json(), ensure_ascii=False)


async def test_every_callback_is_async_so_that_none_stops_the_loop(site: Site) -> None:
    plain = [
        name
        for name, spec in site.app.callback_map.items()
        if "callback" in spec and not inspect.iscoroutinefunction(inspect.unwrap(spec["callback"]))
    ]

    assert len(site.app.callback_map) > 15
    assert plain == []


async def test_every_page_of_the_list_has_a_frame_and_other_paths_a_sentence(site: Site) -> None:
    for path, title in (
        ("/", "Overview"),
        ("/vendors/fedex", "FedEx"),
        ("/calls", "Calls"),
        ("/traces/4bf92f3577b34da6a3ce929d0e0e4736", "Trace"),
        ("/syncs", "Syncs"),
        ("/incidents/", "Incidents"),
        ("/outcomes", "Unknown outcomes"),
        ("/nowhere", "Not found"),
        ("/vendors/nobody", "nobody"),
    ):
        component, found = dashboard.page_at(path, site.context)

        assert found == title
        assert len(_text(component)) > 100
    assert "There is no such page" in _text(dashboard.page_at("/nowhere", site.context)[0])
    assert "There is no such vendor" in _text(dashboard.page_at("/vendors/nobody", site.context)[0])


async def test_overview_puts_the_vendor_that_hurts_first(site: Site, clock: MovableClock) -> None:
    view = time_range("?range=1h", "UTC", clock.now())
    found = await cards(site.context, view, await figures_of_all(site.context.db, view))
    drawn = _text(overview_parts.hurting([one for one in found if one.hurts], [], site.context, view, any_vendor=True))

    assert [found[0].facts.name, found[0].health.verdict, found[0].health.fault] == ["aramex", "down", "theirs"]
    assert overview_parts.summary(found).startswith("Aramex down · ")
    assert "circuit open" in drawn
    assert "Aramex answers that it is unavailable (HTTP 503)." in drawn
    assert "Shipping quotes and labels" in drawn
    assert "18 orders waiting" in _text(
        overview_parts.resting([one for one in found if not one.hurts], view, any_hurt=True)
    )


def test_order_is_by_verdict_then_error_rate_then_headroom_and_idle_last() -> None:
    facts = {one.name: one for one in vendor_facts()}

    def card(name: str, verdict: Any, calls: int, rate: float) -> VendorCard:
        health = Health(verdict=verdict, fault=None, sentence="", calls=calls, failed=0, error_rate=rate)
        return VendorCard(facts=facts[name], health=health, figures=Figures(), headroom=None, circuit=None)

    found = worst_first(
        [
            card("slack", "healthy", 0, 0.0),
            card("stripe", "healthy", 9, 0.0),
            card("fedex", "degraded", 9, 0.2),
            card("aramex", "degraded", 9, 0.4),
            card("acumatica", "down", 9, 0.1),
        ]
    )

    assert [one.facts.name for one in found] == ["acumatica", "aramex", "fedex", "stripe", "slack"]


async def test_error_rate_leaves_out_what_we_refused_ourselves(site: Site, clock: MovableClock) -> None:
    view = time_range("?range=1h", "UTC", clock.now())
    aramex = (await figures_of_all(site.context.db, view))["aramex"]

    assert aramex.refused > 0
    assert aramex.error_rate == aramex.failed / aramex.calls


async def test_failed_call_is_explained_first(site: Site, clock: MovableClock) -> None:
    found, _, _ = await call_queries.trace(site.context.db, site.day.failed_correlation)
    row = calls.row(found[0], site.context, time_range("", "Asia/Dubai", clock.now()))

    assert row["outcome"] == "error"
    assert row["message"].endswith(".")


async def test_shell_shows_who_is_signed_in_and_the_sandbox(site: Site, operator: None) -> None:
    drawn = _text(shell.layout(site.context))

    assert "mira · operator" in drawn
    assert "no real vendor is called" in drawn
    assert "no real vendor is called" not in _text(shell.layout(replace(site.context, sandbox=False)))


@pytest.mark.parametrize("role", ["viewer", None])
async def test_buttons_that_act_are_not_drawn_for_who_may_not(site: Site, role: Any) -> None:
    user = None if role is None else Identity(name="vik", role=role, scopes=SCOPES_OF[role])
    token = current_user.set(user)
    try:
        drawn = _text(dashboard.page_at("/syncs", site.context)[0])
    finally:
        current_user.reset(token)

    assert "Run now" not in drawn


async def test_reading_that_fails_becomes_a_sentence_with_an_id_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("the inside")

    with caplog.at_level(logging.ERROR):
        drawn = _text(await states.shown("overview", fail()))

    assert "This part could not be shown." in drawn
    assert "the inside" not in drawn
    assert caplog.records[0].__dict__["correlation_id"] in drawn


def test_a_page_that_was_left_is_no_failed_callback(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(WebsocketDisconnected):
        dashboard.say_failed(WebsocketDisconnected())  # type: ignore[no-untyped-call]

    assert caplog.records == []


async def test_the_names_of_all_time_zones_come_when_they_are_asked_for_and_not_with_each_load(site: Site) -> None:
    frame = _text(shell.layout(site.context))

    assert "your browser's zone" in frame
    assert "Pacific/" not in frame


@pytest.mark.parametrize(
    ("since", "until", "problems"),
    [("soon", "now", (True, False)), ("3h ago", "later", (False, True)), ("now", "3h ago", (False, True))],
)
async def test_own_range_names_the_field_that_is_wrong(
    site: Site, since: str, until: str, problems: tuple[bool, bool]
) -> None:
    _search, _opened, wrong_since, wrong_until = shell.typed_range(since, until, "UTC", site.context)

    assert (wrong_since is not None, wrong_until is not None) == problems


async def test_own_range_is_two_moments(site: Site) -> None:
    parameters, opened, *_ = shell.typed_range("3h ago", "now", "UTC", site.context)

    assert parameters == {"from": "2026-03-02T09:00:00Z", "to": "2026-03-02T12:00:00Z"}
    assert opened is False


def test_headroom_over_time_sums_the_buckets_of_a_long_window() -> None:
    series = _series(attempts=[60, 60, 0, 30])
    minute, hour = (
        QuotaFacts(name="minute", limit=120.0, seconds=60.0),
        QuotaFacts(name="two", limit=240.0, seconds=120.0),
    )
    left = vendor_charts.left_over_time([minute, hour], series, {NOON + timedelta(minutes=1): 0.4})

    assert left["minute (120 per 1\u202fmin)"] == [0.5, 0.5, 1.0, 0.75]
    assert left["two (240 per 2\u202fmin)"] == [0.75, 0.5, 0.75, 0.875]
    assert left["announced by the vendor"] == [None, 0.4, None, None]


def test_headroom_of_a_short_window_is_spread_over_the_bucket() -> None:
    burst = QuotaFacts(name="burst", limit=20.0, seconds=1.0)
    left = vendor_charts.left_over_time([burst], _series(attempts=[600]), {})

    assert left["burst (20 per 1\u202fs)"] == [0.5]


def test_circuit_bands_begin_with_the_state_before_the_first_change() -> None:
    view = time_range("?range=1h", "UTC", NOON)
    row = CircuitRow(name="fedex", vendor="fedex", state="closed", changed_at=NOON)
    opened = _change(NOON - timedelta(minutes=30), "closed", "open")
    closed = _change(NOON - timedelta(minutes=10), "open", "closed")
    bands = vendor_charts.stretches([row], [closed, opened], [], view)

    assert [(band.state, (band.until - band.since).total_seconds() / 60) for band in bands] == [
        ("closed", 30.0),
        ("open", 20.0),
        ("closed", 10.0),
    ]


def test_circuit_band_of_a_past_time_is_told_by_the_next_change() -> None:
    view = time_range("?range=1h", "UTC", NOON - timedelta(hours=2))
    row = CircuitRow(name="fedex", vendor="fedex", state="open", changed_at=NOON)

    assert [band.state for band in vendor_charts.stretches([row], [], [_change(NOON, "closed", "open")], view)] == [
        "closed"
    ]


def _series(attempts: list[int]) -> Series:
    empty: list[float | None] = [None] * len(attempts)
    return Series(
        vendor="fedex", width=60, start=NOON, calls=attempts, failed=attempts, refused=attempts, attempts=attempts,
        attempts_failed=attempts, p50=empty, p95=empty, p99=empty,
    )  # fmt: skip


def _change(at: Any, before: str, after: str) -> Transition:
    return Transition(
        at=at, name="fedex", vendor="fedex", from_state=before, to_state=after, reason="5 in a row failed"
    )


def test_every_icon_a_page_names_is_drawn() -> None:
    root = Path(vendor.__file__).parent
    drawn = set(re.findall(r"q-icon-([a-z-]+)", ICONS.read_text(encoding="utf-8")))
    named: dict[str, str] = {}
    for path in root.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        named |= dict.fromkeys(re.findall(r'\bicon\("([a-z-]+)"', source), path.name)

    assert {name: where for name, where in named.items() if name not in drawn} == {}


@pytest.mark.parametrize(
    ("sandboxed", "is_set", "needed", "icon", "word"),
    [
        (True, False, True, "calm", "not set, the sandbox has its own"),
        (False, True, True, "healthy", "set"),
        (False, False, True, "degraded", "missing"),
        (False, False, False, "calm", "not set, optional"),
    ],
)
def test_a_setting_says_whether_it_is_set_and_needed(
    sandboxed: bool, is_set: bool, needed: bool, icon: str, word: str
) -> None:
    name = "QUAYSIDE_FEDEX_CLIENT_ID"
    facts = replace(FEDEX, sandboxed=sandboxed, missing=[name] if needed and not is_set else [])
    shown = str(vendor._credential(facts, name, is_set))
    drawn = ICONS.read_text(encoding="utf-8")

    assert f"q-icon q-icon-{icon}" in shown
    assert f".q-icon-{icon}" in drawn
    assert f" {word}'" in shown
