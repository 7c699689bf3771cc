"""The list of vendors as they are set up: what is missing by name, what holds them back, what stands in for them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from db import vendor_events
from db.circuit_acts import set_by_hand
from db.engine import Database
from db.vendor_events import NewEvent
from monitoring.context import DashboardContext
from monitoring.facts import QuotaFacts, VendorFacts
from monitoring.pages import vendors
from monitoring.timerange import time_range
from tests.conftest import MovableClock
from tests.monitoring.cast import sync_facts, vendor_facts


def text_of(component: Any) -> str:
    """Return everything a component says, in order."""
    if component is None or isinstance(component, bool):
        return ""
    if isinstance(component, list | tuple):
        return " ".join(text_of(one) for one in component)
    if isinstance(component, str | int | float):
        return str(component).replace("\u202f", " ")
    return text_of(getattr(component, "children", None))


def some(name: str, **changes: Any) -> VendorFacts:
    return replace(next(facts for facts in vendor_facts() if facts.name == name), **changes)


async def page(database: Database, clock: MovableClock, *found: VendorFacts) -> str:
    context = DashboardContext(db=database, vendors=found, syncs=sync_facts(), now=clock.now)
    return text_of(await vendors.read(context, time_range(None, None, clock.now())))


async def test_every_vendor_is_listed_with_its_docs(database: Database, clock: MovableClock) -> None:
    shown = await page(database, clock, *vendor_facts())

    assert all(facts.label in shown for facts in vendor_facts())
    assert shown.count("Documentation") == len(vendor_facts())
    assert "6 vendors · 6 in the sandbox" in shown


async def test_a_missing_credential_is_named_and_none_is_shown(database: Database, clock: MovableClock) -> None:
    missing = some("fedex", sandboxed=False, missing=["QUAYSIDE_FEDEX_CLIENT_SECRET"])
    shown = await page(database, clock, missing, some("stripe", sandboxed=False))

    assert "missing QUAYSIDE_FEDEX_CLIENT_SECRET" in shown
    assert "2 vendors · 1 ready · 1 without a credential" in shown


async def test_limits_and_fallbacks_are_said_in_words(database: Database, clock: MovableClock) -> None:
    quotas = [QuotaFacts(name="tracking_day", limit=100_000, seconds=86_400, operations=("track_shipment",))]
    shown = await page(database, clock, some("fedex", quotas=quotas), some("stripe", quotas=[]))

    assert "100,000 in 1 d (tracking day: track_shipment)" in shown
    assert "a kept answer  (quote_rates)" in shown
    assert "none known" in shown


async def test_a_circuit_that_is_not_closed_is_shown(database: Database, clock: MovableClock) -> None:
    until = clock.now() + timedelta(hours=1)
    await set_by_hand(
        database, "fedex", "fedex", "forced_open", reason="a test", by="ada", expires_at=until, now=clock.now()
    )

    assert "forced open" in await page(database, clock, some("fedex"))
    assert "forced open" not in await page(database, clock, some("stripe"))


async def test_events_are_counted_and_a_missing_secret_is_named(database: Database, clock: MovableClock) -> None:
    await vendor_events.keep(
        database, [NewEvent(vendor="stripe", id="e", type="t")], correlation_id="c", now=clock.now()
    )
    on = some("stripe", sandboxed=False, webhook=("QUAYSIDE_STRIPE_WEBHOOK_SECRET", True))
    off = some("stripe", sandboxed=False, webhook=("QUAYSIDE_STRIPE_WEBHOOK_SECRET", False))

    assert "/webhooks/stripe  1 event taken" in await page(database, clock, on)
    assert "off:  QUAYSIDE_STRIPE_WEBHOOK_SECRET  is not set" in await page(database, clock, off)


async def test_without_vendors_the_page_says_what_to_do(database: Database, clock: MovableClock) -> None:
    assert "Credentials make a vendor appear" in await page(database, clock)


def test_what_the_command_lists_is_what_the_page_is_told(tmp_path: Any) -> None:
    from integrations import commands
    from integrations.settings import understand
    from monitoring.facts import facts_of

    options = understand({"QUAYSIDE_STRIPE_SECRET_KEY": "sk_live_1"}, {}, var=tmp_path).integrations
    found = {one["name"]: facts_of(one) for one in json.loads(json.dumps(commands.vendor_list(options)))}

    assert found["stripe"].webhook == ("QUAYSIDE_STRIPE_WEBHOOK_SECRET", False)
    assert found["stripe"].missing == []
    assert "QUAYSIDE_FEDEX_CLIENT_ID" in found["fedex"].missing
    assert {facts.kind for facts in found.values()} <= set(vendors.KINDS)
