"""What a circuit held by hand means for those who depend on the vendor, said before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import dashboard as queries
from db import rollups
from monitoring import units
from monitoring.context import DashboardContext
from monitoring.facts import VendorFacts
from monitoring.vendor_card import WAITS_FOR
from monitoring.vendor_figures import Figures, figures

_LOOKED_BACK = timedelta(hours=1)
_CHECKOUT = {  # kind of a vendor -> what of the checkout asks it
    "shipping": "checkout quotes",
    "payments": "payments at the checkout",
    "tax": "tax at the checkout",
    "fraud": "the screening of orders",
    "currency": "price conversion",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What depends on a vendor: ``syncs`` by label, operations that something stands in for and those that fail, how
    many items wait for it, and the figures of the last hour (over calls; P95 over attempts)."""

    facts: VendorFacts
    syncs: Sequence[str]
    stood_in: Sequence[str]
    refused: Sequence[str]
    waiting: int
    lately: Figures


async def reach(context: DashboardContext, facts: VendorFacts, now: datetime) -> Reach:
    """Return what depends on a vendor now."""
    waiting = await queries.waiting(context.db)
    totals = await rollups.totals(context.db, since=now - _LOOKED_BACK, until=now, vendor=facts.name)
    supported = [operation for operation in facts.operations if operation.supported]
    return Reach(
        facts=facts,
        syncs=[sync.label for sync in context.syncs if facts.name in sync.vendors],
        stood_in=[operation.name for operation in supported if operation.fallback],
        refused=[operation.name for operation in supported if not operation.fallback],
        waiting=sum(waiting.get(kind, 0) for kind in WAITS_FOR.get(facts.name, ())),
        lately=figures(totals),
    )


def users_of(found: Reach) -> str:
    """Return who uses the vendor: ``the Orders sync and checkout quotes``; "" when nobody does by itself."""
    names = [f"the {label} sync" for label in found.syncs]
    if found.facts.kind in _CHECKOUT:
        names.append(_CHECKOUT[found.facts.kind])
    return _listed(names)


def of_state(found: Reach, state: str, part: str = "") -> str:
    """Return in sentences what setting the vendor's circuit (or a ``part`` of it) to a state does."""
    who = f"{found.facts.label} ({part})" if part else found.facts.label
    calls = found.lately.calls + found.lately.refused
    lately = f" In the last hour {units.plural(calls, 'call')} {'was' if calls == 1 else 'were'} made." if calls else ""
    if state == "forced_open":
        users = users_of(found)
        stops = f"{users[0].upper()}{users[1:]} stop using {who}." if users else f"Nothing is sent to {who} any more."
        parts = [stops]
        if found.refused:
            verb = "is" if len(found.refused) == 1 else "are"
            parts.append(f"{_listed(found.refused)} {verb} refused at once.")
        if found.stood_in:
            parts.append(f"For {_listed(found.stood_in)} the fallback answers where it can.")
        if found.waiting:
            parts.append(f"{units.plural(found.waiting, 'order')} {'waits' if found.waiting == 1 else 'wait'}.")
        return " ".join(parts) + lately
    if state == "disabled":
        slow = f" At P95 an attempt takes {units.duration(found.lately.p95)}." if found.lately.p95 else ""
        return (
            f"Every call to {who} is sent and nothing is counted: while it is down each call waits for its timeout."
            f"{slow}"
        )
    if state == "watch_only":
        return (
            f"Every call to {who} is sent and counted, none is refused. What other settings would have done with them "
            f"is in the report below."
        )
    return f"Calls to {who} go out at once, and what failed so far is forgotten; it opens again by its own judgement."


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
