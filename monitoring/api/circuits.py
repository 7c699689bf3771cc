"""Circuits: how they stand, and setting one by hand, with a reason and an end."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field, model_validator

from db import circuit_acts
from db import circuits as circuit_rows
from db.circuits import CircuitRow
from monitoring.api.access import HasSite, MayOperate, MayRead, Model, UtcDatetime, problems
from monitoring.problem import Problem, unknown
from monitoring.reasons import LONGEST, SHORTEST
from monitoring.site import Site

router = APIRouter(prefix="/circuits", tags=["circuits"])


class Circuit(Model):
    """One circuit. ``by`` and ``expires_at`` are set while somebody holds it by hand.

    ``version`` moves with every change; taking an act back names it.
    """

    name: str = Field(examples=["fedex"])
    vendor: str = Field(examples=["fedex"])
    state: Literal["closed", "open", "half_open", "forced_open", "disabled", "watch_only"]
    changed_at: datetime
    open_until: datetime | None
    reason: str | None
    by: str | None
    expires_at: datetime | None
    version: int = Field(ge=0, examples=[4])


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


class TakeBack(Model):
    """Which act to take back: the circuit's ``version`` as it stands after it."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"version": 4}]})

    version: int = Field(ge=0, le=2**31 - 1)
    circuit: str | None = Field(default=None, max_length=64, description="a part of the vendor; empty is the whole")


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
            "version": row.version,
        }
    )


@router.get("", responses=problems())
async def list_circuits(site: HasSite, _who: MayRead) -> Circuits:
    """List the circuits of all vendors; a vendor that nothing ever happened to has a closed one."""
    rows = await circuit_rows.states(site.db)
    idle = [name for name in site.vendors if not any(row.vendor == name for row in rows)]
    rows += [CircuitRow(name=name, vendor=name, state="closed", changed_at=site.now()) for name in idle]
    return Circuits(circuits=[circuit(row) for row in sorted(rows, key=lambda row: row.name)])


@router.get("/{vendor}", responses=problems(404))
async def show_circuits(vendor: str, site: HasSite, _who: MayRead) -> Circuits:
    """Show the circuits of a vendor; one that nothing ever happened to is closed."""
    _known(site, vendor)
    rows = [row for row in await circuit_rows.states(site.db) if row.vendor == vendor]
    if not rows:
        rows = [CircuitRow(name=vendor, vendor=vendor, state="closed", changed_at=site.now())]
    return Circuits(circuits=[circuit(row) for row in rows])


@router.post("/{vendor}", responses=problems(404, 409))
async def set_circuit(vendor: str, order: CircuitOrder, site: HasSite, who: MayOperate) -> Circuit:
    """Set a circuit by hand; who, why and until when stay on it, and in the audit."""
    _known(site, vendor)
    now = site.now()
    if order.expires_at is not None and not now < order.expires_at <= now + circuit_acts.LONGEST:
        reason = f"must lie ahead, at most {circuit_acts.LONGEST.days} days"
        raise Problem(422, "invalid_input", f"body.expires_at {reason}.", errors=[("body.expires_at", reason)])
    name = order.circuit or vendor
    await _own(site, name, vendor)
    state = "forced_open" if order.state == "open" else order.state
    row = await circuit_acts.set_by_hand(
        site.db, name, vendor, state, reason=order.reason, by=who.label, expires_at=order.expires_at, now=now
    )
    if row is None:
        raise Problem(409, "changed_meanwhile", "The circuit changed at the same moment; look at it and try again.")
    return circuit(row)


@router.post("/{vendor}/take-back", responses=problems(404, 409))
async def take_back(vendor: str, order: TakeBack, site: HasSite, who: MayOperate) -> Circuit:
    """Make a circuit as it was before it was set by hand, if nothing has happened to it since."""
    _known(site, vendor)
    name = order.circuit or vendor
    await _own(site, name, vendor)
    row = await circuit_acts.take_back(site.db, name, version=order.version, by=who.label, now=site.now())
    if row is None:
        raise Problem(409, "moved_on", "Nothing was changed: the circuit was not set by hand, or has moved on since.")
    return circuit(row)


async def _own(site: Site, name: str, vendor: str) -> None:
    if name != vendor and not any(
        row.name == name and row.vendor == vendor for row in await circuit_rows.states(site.db)
    ):
        raise unknown("circuit", name, "body.circuit")


def _known(site: Site, vendor: str) -> None:
    if vendor not in site.vendors:
        raise unknown("vendor", vendor, "path.vendor")
