"""Circuits: how they stand, and setting one by hand, with a reason and an end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field, model_validator

from db import circuits as circuit_rows
from db.audit import record_act
from db.circuits import CircuitRow
from monitoring.api.access import HasSite, MayOperate, MayRead, Model, UtcDatetime, problems
from monitoring.problem import Problem, unknown
from monitoring.reasons import LONGEST, SHORTEST
from monitoring.site import Site

router = APIRouter(prefix="/circuits", tags=["circuits"])

_LONGEST = timedelta(days=30)


class Circuit(Model):
    """One circuit. ``by`` and ``expires_at`` are set while somebody holds it by hand."""

    name: str = Field(examples=["fedex"])
    vendor: str = Field(examples=["fedex"])
    state: Literal["closed", "open", "half_open", "forced_open", "disabled", "watch_only"]
    changed_at: datetime
    open_until: datetime | None
    reason: str | None
    by: str | None
    expires_at: datetime | None


class Circuits(Model):
    """Every circuit of a vendor."""

    circuits: list[Circuit]


class CircuitOrder(Model):
    """What a circuit is to be. ``open`` is taken as ``forced_open``; ``closed`` gives it back to its own judgement."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"state": "open", "reason": "FedEx announced maintenance", "expires_at": "2026-10-01T14:00:00Z"}
            ]
        },
    )

    state: Literal["open", "forced_open", "closed", "disabled", "watch_only"]
    reason: str = Field(min_length=SHORTEST, max_length=LONGEST, description="why, for whoever finds it so")
    expires_at: UtcDatetime | None = Field(default=None, description="when it goes back to its own judgement")
    circuit: str | None = Field(default=None, max_length=64, description="a part of the vendor; empty is the whole")

    @model_validator(mode="after")
    def _closed_has_no_end(self) -> CircuitOrder:
        if self.state == "closed" and self.expires_at is not None:
            raise ValueError("expires_at belongs to a state set by hand; closed has none")
        return self


def circuit(row: CircuitRow) -> Circuit:
    """Return a circuit as the API shows it."""
    return Circuit.model_validate(
        {
            "name": row.name,
            "vendor": row.vendor,
            "state": row.state,
            "changed_at": row.changed_at,
            "open_until": row.open_until,
            "reason": row.reason,
            "by": row.by,
            "expires_at": row.expires_at,
        }
    )


@router.get("/{vendor}", responses=problems(404))
async def show_circuits(vendor: str, site: HasSite, _who: MayRead) -> Circuits:
    """Show the circuits of a vendor; one that nothing ever happened to is closed."""
    _known(site, vendor)
    rows = [row for row in await circuit_rows.states(site.db) if row.vendor == vendor]
    if not rows:
        rows = [CircuitRow(name=vendor, vendor=vendor, state="closed", changed_at=site.now())]
    return Circuits(circuits=[circuit(row) for row in rows])


@router.post("/{vendor}", responses=problems(404))
async def set_circuit(vendor: str, order: CircuitOrder, site: HasSite, who: MayOperate) -> Circuit:
    """Set a circuit by hand; who, why and until when stay on it, and in the audit."""
    _known(site, vendor)
    now = site.now()
    if order.expires_at is not None and not now < order.expires_at <= now + _LONGEST:
        reason = f"must lie ahead, at most {_LONGEST.days} days"
        raise Problem(422, "invalid_input", f"body.expires_at {reason}.", errors=[("body.expires_at", reason)])
    name = order.circuit or vendor
    if name != vendor and not any(
        row.name == name and row.vendor == vendor for row in await circuit_rows.states(site.db)
    ):
        raise unknown("circuit", name, "body.circuit")
    state = "forced_open" if order.state == "open" else order.state
    row = await circuit_rows.force(
        site.db, name, vendor, state, reason=order.reason, by=who.label, expires_at=order.expires_at, now=now
    )
    await record_act(
        site.db,
        at=now,
        user_name=who.label,
        act=f"circuit.{state}",
        subject=name,
        reason=order.reason,
        facts={"expires_at": order.expires_at.isoformat() if order.expires_at else None},
    )
    return circuit(row)


def _known(site: Site, vendor: str) -> None:
    if vendor not in site.vendors:
        raise unknown("vendor", vendor, "path.vendor")
