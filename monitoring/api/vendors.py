"""Vendors as they stand: verdict, error rate, P95, circuit, headroom; of a single one also who spends its quota."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db import circuits as circuit_rows
from db import spending
from db.circuits import CircuitRow
from db.evidence import recent_evidence, recent_p95
from db.permits import PermitRow
from db.permits import headroom as permit_rows
from monitoring.api.access import HasSite, MayRead, Model, problems
from monitoring.api.circuits import Circuit, circuit
from monitoring.facts import VendorFacts
from monitoring.headroom import of_vendor
from monitoring.health import Health, judge_all, worst_circuit
from monitoring.problem import unknown
from monitoring.site import Site

router = APIRouter(prefix="/vendors", tags=["vendors"])

_MINUTES = 10

_EXAMPLE: JsonDict = {
    "name": "fedex",
    "label": "FedEx",
    "kind": "shipping",
    "base_url": "https://apis.fedex.com",
    "sandboxed": False,
    "credentials": [{"env": "QUAYSIDE_FEDEX_CLIENT_ID", "set": True}],
    "health": {
        "verdict": "degraded",
        "fault": "theirs",
        "sentence": "6 of 20 calls failed in the last 10 min. FedEx fails, not we. Mostly http_503.",
        "calls": 20,
        "failed": 6,
        "error_rate": 0.3,
        "p95": 1.84,
    },
    "circuit": {
        "name": "fedex",
        "vendor": "fedex",
        "state": "forced_open",
        "changed_at": "2026-10-01T11:40:00Z",
        "open_until": "2026-10-01T11:41:00Z",
        "reason": "FedEx announced maintenance",
        "by": "ada",
        "expires_at": "2026-10-01T14:00:00Z",
        "version": 4,
    },
    "circuits": [],
    "headroom": [
        {
            "quota": "per_second",
            "share": 0.85,
            "remaining": 17.0,
            "limit": 20.0,
            "seconds": 1.0,
            "reserve": 6.0,
            "announced": False,
            "blocked_until": "2026-10-01T12:00:01Z",
        }
    ],
    "operations": ["quote_rates", "create_shipment", "track_shipment", "cancel_shipment"],
}


class Credential(Model):
    """A credential's setting, and whether it is set; never its value."""

    env: str
    set: bool


class VendorHealth(Model):
    """The verdict of the last 10 minutes. ``p95`` in seconds over attempts, None without any."""

    verdict: Literal["healthy", "degraded", "down"]
    fault: Literal["ours", "theirs", "network", "configuration"] | None
    sentence: str
    calls: int = Field(description="calls that say something about the vendor: not refused, not our own fault")
    failed: int
    error_rate: float | None
    p95: float | None


class QuotaHeadroom(Model):
    """What is left of a quota: ``share`` from 0 to 1, ``remaining`` of ``limit`` per ``seconds``."""

    quota: str
    share: float
    remaining: float
    limit: float
    seconds: float
    reserve: float = Field(description="of the declared limit, kept for interactive calls")
    announced: bool = Field(description="the vendor's own word decided")
    blocked_until: datetime | None


class Vendor(Model):
    """One vendor as it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: str
    label: str
    kind: str
    base_url: str
    sandboxed: bool = Field(description="its calls go to the sandbox, not to the vendor")
    credentials: list[Credential]
    health: VendorHealth
    circuit: Circuit | None = Field(description="the worst of its circuits; null when nothing ever happened to it")
    circuits: list[Circuit]
    headroom: list[QuotaHeadroom]
    operations: list[str]


class Source(Model):
    """What one trigger spent of the vendor's quota in one lane: attempts, of which ``retries`` were not the first."""

    trigger: str = Field(description="sync, api, user, replay or demo")
    priority: str
    attempts: int
    retries: int


class Lane(Model):
    """How long the attempts of a lane waited for a permit, in seconds; None without any attempt."""

    priority: str
    attempts: int
    wait_p50: float | None
    wait_p95: float | None


class SpentVendor(Vendor):
    """One vendor as it stands, and who spent its quota in the last ``minutes``, the greatest first."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    **_EXAMPLE,
                    "minutes": 60,
                    "sources": [
                        {"trigger": "sync", "priority": "batch", "attempts": 412, "retries": 9},
                        {"trigger": "api", "priority": "interactive", "attempts": 57, "retries": 1},
                    ],
                    "lanes": [
                        {"priority": "interactive", "attempts": 57, "wait_p50": 0.0, "wait_p95": 0.021},
                        {"priority": "batch", "attempts": 412, "wait_p50": 0.0, "wait_p95": 1.31},
                    ],
                }
            ]
        },
    )

    minutes: int
    sources: list[Source]
    lanes: list[Lane]


class Vendors(Model):
    """All vendors, worst first."""

    vendors: list[Vendor]


@router.get("", responses=problems())
async def list_vendors(site: HasSite, _who: MayRead) -> Vendors:
    """List every vendor as it stands, worst first."""
    rank = {"down": 0, "degraded": 1, "healthy": 2}
    found = await _vendors(site, list(site.vendors.values()))
    return Vendors(vendors=sorted(found, key=lambda one: (rank[one.health.verdict], one.name)))


@router.get("/{name}", responses=problems(404))
async def get_vendor(
    name: str,
    site: HasSite,
    _who: MayRead,
    minutes: Annotated[int, Query(ge=1, le=43_200, description="how far back `sources` and `lanes` look")] = 60,
) -> SpentVendor:
    """Show one vendor as it stands, and who spent its quota lately."""
    facts = site.vendors.get(name)
    if facts is None:
        raise unknown("vendor", name, "path.name")
    found = (await _vendors(site, [facts]))[0]
    until = site.now()
    stretch = {"since": until - timedelta(minutes=minutes), "until": until}
    return SpentVendor(
        **dict(found),
        minutes=minutes,
        sources=[
            Source(trigger=one.trigger, priority=one.priority, attempts=one.attempts, retries=one.retries)
            for one in await spending.spend(site.db, name, **stretch)
        ],
        lanes=[
            Lane(
                priority=one.priority,
                attempts=one.attempts,
                wait_p50=_seconds(one.p50),
                wait_p95=_seconds(one.p95),
            )
            for one in await spending.lane_waits(site.db, name, **stretch)
        ],
    )


def _seconds(wait: float | None) -> float | None:
    """Return a wait as it is said: to a tenth of a millisecond, so that no wait is 0."""
    return None if wait is None else round(wait, 4)


async def _vendors(site: Site, wanted: Sequence[VendorFacts]) -> list[Vendor]:
    now = site.now()
    since = now - timedelta(minutes=_MINUTES)
    rows = await circuit_rows.states(site.db)
    permits = await permit_rows(site.db)
    p95 = await recent_p95(site.db, since=since)
    health = judge_all(
        await recent_evidence(site.db, since=since),
        labels={facts.name: facts.label for facts in site.vendors.values()},
        circuits=worst_circuit((row.vendor, row.state, row.reason or "") for row in rows),
        minutes=_MINUTES,
    )
    return [_vendor(facts, health[facts.name], p95, rows, permits, now) for facts in wanted]


def _vendor(
    facts: VendorFacts,
    health: Health,
    p95: Mapping[str, float],
    rows: Sequence[CircuitRow],
    permits: Sequence[PermitRow],
    now: datetime,
) -> Vendor:
    reserves = {quota.name: quota.reserve for quota in facts.quotas}
    own = [row for row in rows if row.vendor == facts.name]
    worst = worst_circuit((row.vendor, row.state, "") for row in own).get(facts.name)
    return Vendor(
        name=facts.name,
        label=facts.label,
        kind=facts.kind,
        base_url=facts.base_url,
        sandboxed=facts.sandboxed,
        credentials=[Credential(env=env, set=is_set) for env, is_set in facts.credentials],
        health=VendorHealth(
            verdict=health.verdict,
            fault=health.fault,
            sentence=health.sentence,
            calls=health.calls,
            failed=health.failed,
            error_rate=health.error_rate,
            p95=p95.get(facts.name),
        ),
        circuit=next((circuit(row) for row in own if worst is not None and row.state == worst[0]), None),
        circuits=[circuit(row) for row in own],
        headroom=[
            QuotaHeadroom(
                quota=left.quota,
                share=round(left.share, 4),
                remaining=round(left.share * left.limit, 2),
                limit=left.limit,
                seconds=left.seconds,
                reserve=reserves[left.quota],
                announced=left.announced,
                blocked_until=left.blocked_until,
            )
            for left in of_vendor(facts, permits, now)
        ],
        operations=[operation.name for operation in facts.operations],
    )
