"""What the overview says of a vendor, and in which order: worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import circuits, evidence, failing, incidents, permits, run_history
from db import dashboard as queries
from db.circuits import CircuitRow
from db.failing import LastWord
from db.freshness import freshness
from monitoring.context import DashboardContext
from monitoring.facts import VendorFacts
from monitoring.forecast import Forecast, Shortfall
from monitoring.headroom import Headroom, of_vendor
from monitoring.health import Health, judge_all, worst_circuit
from monitoring.hurt import Dependent, dependents, earliest, streak_start
from monitoring.outlook import Plans, forecasts, next_to_run_out
from monitoring.timerange import TimeRange
from monitoring.vendor_figures import Figures

RECENT = timedelta(minutes=10)  # the verdict rests on these
LOOK_BACK = timedelta(hours=3)  # how far back the start of a trouble is looked for, minute by minute
_RANK = {"down": 0, "degraded": 1, "healthy": 2}
_OPEN = frozenset({"open", "half_open", "forced_open"})
_VENDOR_RULES = frozenset({"circuit_open", "error_rate"})
WAITS_FOR = {"acumatica": ("erp_order",)}  # which kinds of the outbox wait for which vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a person on call needs of a vendor that hurts: since when, in which words, what depends on it.

    ``since`` None: not known. ``incident`` is the id of the one that fires for it, if one does.
    """

    since: datetime | None = None
    word: LastWord | None = None
    incident: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorCard:
    """Everything one card shows. ``runs_out`` is the forecast of the quota that runs out first, if one does;
    ``short`` are the planned syncs that will not fit into what is left."""

    facts: VendorFacts
    health: Health
    figures: Figures
    headroom: Headroom | None
    circuit: CircuitRow | None
    waiting: int = 0
    trouble: Trouble | None = None
    depends: Sequence[Dependent] = ()
    runs_out: Forecast | None = None
    short: Sequence[Shortfall] = ()

    @property
    def idle(self) -> bool:
        """Tell whether nothing was called lately, so that no verdict can be given."""
        return self.health.verdict == "healthy" and not self.health.calls

    @property
    def hurts(self) -> bool:
        """Tell whether somebody should look: it fails, or what is planned will not fit into its quota."""
        return self.health.verdict != "healthy" or bool(self.short)


def worst_first(cards: Sequence[VendorCard]) -> list[VendorCard]:
    """Return the cards by verdict, then by error rate, then by how tight the quota is; idle ones last."""
    return sorted(
        cards,
        key=lambda card: (
            card.idle and not card.hurts,
            _RANK[card.health.verdict],
            not card.hurts,
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


async def cards(
    context: DashboardContext, view: TimeRange, figures: Mapping[str, Figures], plans: Plans | None = None
) -> list[VendorCard]:
    """Return the cards, worst first. ``plans`` remembers what runs spent from one reading to the next."""
    health, worst = await verdicts(context, view.now)
    quotas = await permits.headroom(context.db)
    waiting = await queries.waiting(context.db)
    stands = await freshness(context.db)
    running = {run.sync: run.started_at for run in await run_history.running(context.db) if run.started_at}
    known = await forecasts(context.db, context.vendors, view.now, quotas)
    plans = plans or Plans(context.db, context.syncs)
    short = await plans.shortfalls(known, view.now)
    hurting = [name for name, found in health.items() if found.verdict != "healthy"]
    troubles = await troubles_of(context, hurting, worst, view.now)
    found = []
    for facts in context.vendors:
        waits = sum(waiting.get(kind, 0) for kind in WAITS_FOR.get(facts.name, ()))
        found.append(
            VendorCard(
                facts=facts,
                health=health[facts.name],
                figures=figures.get(facts.name, Figures()),
                headroom=next(iter(of_vendor(facts, quotas, view.now)), None),
                circuit=worst.get(facts.name),
                waiting=waits,
                trouble=troubles.get(facts.name),
                depends=dependents(
                    facts,
                    context.syncs,
                    stands,
                    waits,
                    view.now,
                    running=running if facts.name in troubles else None,
                ),
                runs_out=next_to_run_out(known[facts.name]),
                short=[one for one in short if one.vendor == facts.name],
            )
        )
    return worst_first(found)


async def troubles_of(
    context: DashboardContext, vendors: Sequence[str], circuit: Mapping[str, CircuitRow], now: datetime
) -> dict[str, Trouble]:
    """Return since when each of these vendors hurts, to the first failed call, and what the last one said."""
    if not vendors:
        return {}
    minutes = await failing.failing_minutes(context.db, vendors, since=now - LOOK_BACK)
    firing = {
        name: incident
        for incident in await incidents.open_incidents(context.db)
        if incident.state == "firing" and incident.rule in _VENDOR_RULES
        for name in incident.facts.get("vendors", ())
    }
    found = {}
    for name in vendors:
        start = streak_start(minutes.get(name, ()))
        first = await failing.first_failure(context.db, name, since=start) if start is not None else None
        opened, incident = circuit.get(name), firing.get(name)
        found[name] = Trouble(
            since=earliest(
                first,
                opened.changed_at if opened is not None and opened.state in _OPEN else None,
                incident.started_at if incident is not None else None,
            ),
            word=await failing.last_word(context.db, name, since=start or now - LOOK_BACK),
            incident=incident.id if incident is not None else None,
        )
    return found
