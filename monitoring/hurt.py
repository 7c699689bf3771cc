"""Since when a vendor hurts, and what depends on it: pure, from what is stored and declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from db.failing import FailingMinute
from db.freshness import Freshness
from monitoring import units
from monitoring.facts import SyncFacts, VendorFacts

CALM_CALLS = 10  # so many good calls in a row, or
CALM_MINUTES = 5  # so many minutes with good calls only, and what failed before was something else
_LEAVES: Mapping[str, str] = {  # sync -> what it keeps fresh
    "inventory": "stock",
    "currency": "exchange rates",
    "orders": "orders in the ERP",
    "payments": "payments",
    "shipments": "tracking",
    "spend": "advertising spend",
}
_CHECKOUT: Mapping[str, tuple[str, str]] = {  # kind -> what a shopper or the shop waits for, the operation that says it
    "shipping": ("Shipping quotes and labels", "quote_rates"),
    "payments": ("Payments at checkout", "create_payment"),
    "tax": ("Tax at checkout", "quote_tax"),
    "fraud": ("Screening of new orders", "screen_order"),
    "currency": ("Prices in other currencies", "latest_rates"),
    "messages": ("Messages to customers", "send_email"),
    "store": ("Orders and stock of the store", "list_orders"),
    "erp": ("Orders and stock of the ERP", "put_sales_order"),
    "marketing": ("Profiles, events and spend", "track_event"),
}
_OWN_WORDS: Mapping[str, str] = {
    "slack": "Alerts in Slack",
    "vies": "VAT numbers at checkout",
    "twilio": "Text messages to customers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """What depends on a vendor. ``said`` is how it stands in a few words; ``sync`` its name when it is one."""

    label: str
    said: str
    sync: str | None = None
    hurt: bool = False


def streak_start(minutes: Sequence[FailingMinute]) -> datetime | None:
    """Return the minute the present trouble began; None when the last minutes have no failure.

    Read backwards: the trouble goes back to the first failure that no calm stretch (``CALM_CALLS`` good calls or
    ``CALM_MINUTES`` good minutes in a row) parts from now.
    """
    start: datetime | None = None
    good_calls = good_minutes = 0
    for minute in reversed(minutes):
        if minute.failed:
            start, good_calls, good_minutes = minute.at, 0, 0
            continue
        if not minute.calls:
            continue
        good_calls, good_minutes = good_calls + minute.calls, good_minutes + 1
        if good_calls >= CALM_CALLS or good_minutes >= CALM_MINUTES:
            break
    return start


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the first of the moments that are known."""
    return min((at for at in moments if at is not None), default=None)


def dependents(
    facts: VendorFacts,
    syncs: Sequence[SyncFacts],
    freshness: Mapping[str, Freshness],
    waiting: int,
    now: datetime,
    *,
    running: Mapping[str, datetime] | None = None,
) -> list[Dependent]:
    """Return the syncs that need a vendor, with how old what they keep fresh is, then what the checkout asks it for.

    ``waiting``: orders that wait for this vendor. ``running``: since when the run of a sync is under way that the
    vendor may be holding up.
    """
    held = running or {}
    found = [
        _sync(sync, freshness.get(sync.name), waiting, held.get(sync.name), now)
        for sync in syncs
        if facts.name in sync.vendors
    ]
    what = _OWN_WORDS.get(facts.name) or _CHECKOUT.get(facts.kind, ("", ""))[0]
    if what and not (found and facts.kind in ("erp", "store")):
        found.append(Dependent(label=what, said=_instead(facts)))
    return found


def _sync(
    sync: SyncFacts, stands: Freshness | None, waiting: int, running_since: datetime | None, now: datetime
) -> Dependent:
    parts = []
    if sync.name == "orders" and waiting:
        parts.append(f"{units.plural(waiting, 'order')} waiting")
    thing = _LEAVES.get(sync.name, "last success")
    if stands is None or stands.succeeded_at is None:
        parts.append(f"{thing} never brought up to date")
    elif sync.name != "orders" or not waiting:
        parts.append(f"{thing} {units.about(max(0.0, (now - stands.succeeded_at).total_seconds()))} old")
    failing = stands is not None and stands.failures > 0
    if failing and stands is not None:
        parts.append("its last run failed" if stands.failures == 1 else f"its last {stands.failures} runs failed")
    if running_since is not None:
        parts.append(f"a run is under way for {units.about(max(0.0, (now - running_since).total_seconds()))}")
    return Dependent(label=f"{sync.label} sync", said=", ".join(parts), sync=sync.name, hurt=failing or bool(waiting))


def _instead(facts: VendorFacts) -> str:
    """Say what answers while the vendor does not."""
    asked = _CHECKOUT.get(facts.kind, ("", ""))[1]
    operation = next((one for one in facts.operations if one.name == asked), None)
    if operation is None or operation.fallback is None:
        return "nothing stands in for it"
    return "kept answers stand in" if operation.fallback == "cached" else "another source stands in"
