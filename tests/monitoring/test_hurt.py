"""Since when a vendor hurts, in which words, and what depends on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from db.engine import Database
from db.failing import FailingMinute
from db.freshness import Freshness
from monitoring.context import DashboardContext
from monitoring.facts import OperationFacts
from monitoring.hurt import dependents, streak_start
from monitoring.timerange import time_range
from monitoring.vendor_card import cards
from monitoring.vendor_figures import figures_of_all
from tests.conftest import NOON, MovableClock
from tests.monitoring.evidence import SYNCS, VENDORS, ran
from tests.records import call_ended, call_facts, micros, store

MINUTE = timedelta(minutes=1)


def minutes(*counts: tuple[int, int]) -> list[FailingMinute]:
    """Return minutes of (calls, failed) that end now."""
    first = NOON - MINUTE * len(counts)
    return [FailingMinute(at=first + MINUTE * place, calls=c, failed=f) for place, (c, f) in enumerate(counts)]


def test_the_trouble_begins_with_the_first_failure_after_the_last_calm() -> None:
    assert streak_start(minutes((9, 1), (6, 0), (6, 0), (5, 2), (5, 5), (4, 4))) == NOON - 3 * MINUTE


def test_a_few_good_calls_in_between_do_not_end_it() -> None:
    assert streak_start(minutes((5, 3), (4, 0), (3, 0), (5, 2))) == NOON - 4 * MINUTE


def test_no_failure_is_no_trouble() -> None:
    assert streak_start(minutes((5, 0), (0, 0))) is None
    assert streak_start([]) is None


def test_dependents_are_the_syncs_with_the_age_of_what_they_keep_and_what_the_checkout_asks() -> None:
    acumatica, fedex, _stripe = VENDORS
    syncs = [*SYNCS, replace(SYNCS[0], name="inventory", label="Inventory")]
    stands = {
        "inventory": Freshness(sync="inventory", succeeded_at=NOON - 42 * MINUTE, failures=2),
        "orders": Freshness(sync="orders", succeeded_at=NOON - MINUTE),
    }
    quote = OperationFacts(
        name="quote_rates", idempotent=True, fallback="cached", input_schema={}, result_schema={}, example={}
    )
    of_erp = dependents(replace(acumatica, kind="erp"), syncs, stands, 118, NOON)
    of_carrier = dependents(replace(fedex, operations=[quote]), syncs, stands, 0, NOON)

    assert [(one.label, one.said, one.hurt) for one in of_erp] == [
        ("Orders sync", "118 orders waiting", True),
        ("Inventory sync", "stock 42\u202fmin old, its last 2 runs failed", True),
    ]
    assert [(one.label, one.said) for one in of_carrier] == [
        ("Shipping quotes and labels", "kept answers stand in"),
    ]


async def test_a_card_names_the_first_failed_call_and_the_last_word(database: Database, clock: MovableClock) -> None:
    began = NOON - timedelta(minutes=7, seconds=23)
    bad = {
        "outcome": "error",
        "error_type": "http_503",
        "fault": "theirs",
        "message": "FedEx is unavailable (HTTP 503).",
    }
    declined = {"outcome": "error", "error_type": "bad_input", "fault": "ours", "message": "No such city."}
    calls = [call_ended(call_facts(micros(began + place * 20 * timedelta(seconds=1))), **bad) for place in range(9)]
    early = [call_ended(call_facts(micros(NOON - 90 * MINUTE)), **bad)]
    calm = [call_ended(call_facts(micros(NOON - 60 * MINUTE + place * MINUTE))) for place in range(12)]
    ours = [call_ended(call_facts(micros(NOON - 9 * MINUTE)), **declined)]
    await store(database, [*early, *calm, *ours, *calls])
    await ran(database, "orders", "success", NOON - MINUTE)
    context = DashboardContext(db=database, vendors=VENDORS, syncs=SYNCS, now=clock.now)
    view = time_range("", "UTC", NOON)
    worst, *others = await cards(context, view, await figures_of_all(database, view))

    assert (worst.facts.name, worst.health.verdict, worst.health.fault) == ("fedex", "down", "theirs")
    assert worst.trouble is not None
    assert worst.trouble.since == began
    assert worst.trouble.word is not None
    assert worst.trouble.word.message == "FedEx is unavailable (HTTP 503)."
    assert [one.trouble for one in others] == [None, None]
