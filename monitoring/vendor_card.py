"""What the overview says of a vendor, and in which order: worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import circuits, evidence, permits
from db import dashboard as queries
from db.circuits import CircuitRow
from monitoring.context import DashboardContext
from monitoring.facts import VendorFacts
from monitoring.headroom import Headroom, of_vendor
from monitoring.health import Health, judge_all, worst_circuit
from monitoring.timerange import TimeRange
from monitoring.vendor_figures import Figures

RECENT = timedelta(minutes=10)  # the verdict rests on these
_RANK = {"down": 0, "degraded": 1, "healthy": 2}
_OPEN = frozenset({"open", "half_open", "forced_open"})
_WAITS_FOR = {"acumatica": ("erp_order",)}  # which kinds of the outbox wait for which vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorCard:
    """Everything one card shows."""

    facts: VendorFacts
    health: Health
    figures: Figures
    headroom: Headroom | None
    circuit: CircuitRow | None
    waiting: int = 0

    @property
    def idle(self) -> bool:
        """Tell whether nothing was called lately, so that no verdict can be given."""
        return self.health.verdict == "healthy" and not self.health.calls


def worst_first(cards: Sequence[VendorCard]) -> list[VendorCard]:
    """Return the cards by verdict, then by error rate, then by how tight the quota is; idle ones last."""
    return sorted(
        cards,
        key=lambda card: (
            card.idle,
            _RANK[card.health.verdict],
            -(card.health.error_rate or 0.0),
            card.headroom.share if card.headroom else 1.0,
            -card.figures.calls,
            card.facts.label,
        ),
    )


async def verdicts(context: DashboardContext, now: datetime) -> tuple[dict[str, Health], dict[str, CircuitRow]]:
    """Return the verdict on each vendor now, and its worst circuit."""
    found = await evidence.recent_evidence(context.db, since=now - RECENT)
    states = await circuits.states(context.db)
    by_state = worst_circuit([(row.vendor, row.state, row.reason or "") for row in states])
    worst: dict[str, CircuitRow] = {}
    for row in states:
        if row.state == by_state[row.vendor][0]:
            worst.setdefault(row.vendor, row)
    health = judge_all(found, labels=context.labels(), circuits=by_state, minutes=int(RECENT.total_seconds() // 60))
    return health, worst


async def cards(context: DashboardContext, view: TimeRange, figures: Mapping[str, Figures]) -> list[VendorCard]:
    """Return the cards, worst first."""
    health, worst = await verdicts(context, view.now)
    quotas = await permits.headroom(context.db)
    waiting = await queries.waiting(context.db)
    return worst_first(
        [
            VendorCard(
                facts=facts,
                health=health[facts.name],
                figures=figures.get(facts.name, Figures()),
                headroom=next(iter(of_vendor(facts, quotas, view.now)), None),
                circuit=worst.get(facts.name),
                waiting=sum(waiting.get(kind, 0) for kind in _WAITS_FOR.get(facts.name, ())),
            )
            for facts in context.vendors
        ]
    )
