"""The panel "Who spends it": sources, lanes and reserves in words and figures."""

from __future__ import annotations

from db.spending import LaneWaits, Spend
from monitoring.facts import QuotaFacts
from monitoring.headroom import Headroom
from monitoring.pages import spending
from monitoring.timerange import time_range
from tests.conftest import NOON
from tests.monitoring.test_vendors_page import text_of

VIEW = time_range("?range=24h", None, NOON)
NO_WAITS = [LaneWaits(priority=lane, attempts=0, p50=None, p95=None) for lane in ("interactive", "batch")]


def spent(trigger: str, attempts: int, retries: int = 0, priority: str = "interactive") -> Spend:
    return Spend(trigger=trigger, priority=priority, attempts=attempts, retries=retries)


def test_sources_come_greatest_first_with_retries_apart() -> None:
    found = [spent("sync", 60, 12, "batch"), spent("api", 30), spent("api", 5, 1, "batch"), spent("replay", 5)]
    shown = text_of(spending.sources("fedex", found, VIEW))

    assert "Syncs 48 12 60 60 %" in shown
    assert "The shop's backend 34 1 35 35 %" in shown
    assert "Replays 5 0 5 5.0 %" in shown
    assert shown.index("Syncs") < shown.index("backend") < shown.index("Replays")


def test_a_source_leads_to_its_calls() -> None:
    drawn = str(spending.sources("fedex", [spent("user", 1)], VIEW))

    assert "/calls?range=24h&vendor=fedex&trigger=user" in drawn


def test_a_lane_that_waited_nothing_says_so_and_one_without_requests_says_nothing() -> None:
    waits = [LaneWaits(priority="interactive", attempts=9, p50=1e-6, p95=0.25), NO_WAITS[1]]
    shown = text_of(spending.lanes(waits))

    assert "interactive  somebody waits for it 9 none 250 ms" in shown
    assert "batch  never draws the reserve 0 – –" in shown


def test_each_quota_says_what_is_kept_for_interactive_calls() -> None:
    quotas = [
        QuotaFacts(name="per_second", limit=20, seconds=1, reserve=6.0),
        QuotaFacts(name="post", limit=1, seconds=1, reserve=0.3),
    ]
    left = [Headroom(quota="per_second", share=0.4, limit=20, seconds=1)]
    shown = text_of(spending.reserves(quotas, left))

    assert "per second 20 per 1 s 6 (30 %) 40 %" in shown
    assert "post 1 per 1 s 0.3 (30 %) –" in shown


def test_nothing_sent_and_no_quota_are_said_in_words() -> None:
    shown = text_of(spending.panel("vies", [], [], [], NO_WAITS, VIEW))

    assert "Nothing was sent in this time." in shown
    assert "No quota is known for this vendor." in shown
