"""Limits of our calls to a vendor: quotas, reserve, concurrency, circuit; where each number stands, and edits of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, StringConstraints

from db import overrides
from db.circuit_acts import LONGEST
from db.overrides import Override
from monitoring.api.access import HasSite, MayOperate, MayRead, Model, UtcDatetime, problems
from monitoring.facts import LimitFacts, VendorFacts
from monitoring.problem import Problem, unknown
from monitoring.site import Site

router = APIRouter(prefix="/limits", tags=["circuits"])

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
_EXAMPLE: dict[str, Any] = {
    "name": "breaker.consecutive_failures",
    "value": 8.0,
    "source": "edit",
    "in_file": 5.0,
    "file_source": "default",
    "by": "ada",
    "reason": "FedEx fails in short bursts tonight",
    "edited_at": "2026-10-01T11:40:00Z",
    "expires_at": "2026-10-01T14:00:00Z",
}


class Limit(Model):
    """One number. ``value`` holds now (null: no limit); ``in_file`` would without the edit."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: str
    value: float | None
    source: str = Field(description="edit, or where the file's number stands")
    in_file: float | None
    file_source: str = Field(description="default, vendor file or quayside.toml")
    by: str | None
    reason: str | None
    edited_at: datetime | None
    expires_at: datetime | None


class Limits(Model):
    """All limits of a vendor."""

    vendor: str = Field(examples=["fedex"])
    limits: list[Limit]


class LimitEdit(Model):
    """Numbers that win over the file, in all processes within seconds; until ``expires_at``, or until taken away."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "limits": {"breaker.consecutive_failures": 8},
                    "reason": "FedEx fails in short bursts tonight",
                    "expires_at": "2026-10-01T14:00:00Z",
                }
            ]
        },
    )

    limits: dict[Annotated[str, StringConstraints(max_length=80)], float] = Field(min_length=1, max_length=50)
    reason: Reason = Field(description="why, for whoever finds it so; no personal data")
    expires_at: UtcDatetime | None = Field(default=None, description="when the file holds again; at most 30 days ahead")


@router.get("/{vendor}", responses=problems(404))
async def show_limits(vendor: str, site: HasSite, _who: MayRead) -> Limits:
    """Show what limits our calls to a vendor, and where each number stands."""
    return await _shown(site, _known(site, vendor))


@router.put("/{vendor}", responses=problems(404))
async def edit_limits(vendor: str, edit: LimitEdit, site: HasSite, who: MayOperate) -> Limits:
    """Change limits of a vendor; what is not named stays. Who, why and until when stay on it, and in the audit."""
    facts, now = _known(site, vendor), site.now()
    if edit.expires_at is not None and not now < edit.expires_at <= now + LONGEST:
        reason = f"must lie ahead, at most {LONGEST.days} days"
        raise Problem(422, "invalid_input", f"body.expires_at {reason}.", errors=[("body.expires_at", reason)])
    if site.hands.judge_limits is None:
        raise Problem(503, "not_here", "This process was started without the vendors' options; it cannot judge limits.")
    wrong = site.hands.judge_limits(vendor, edit.limits)
    if wrong:
        errors = [(f"body.limits.{name}", sentence) for name, sentence in wrong.items()]
        raise Problem(422, "invalid_input", f"{errors[0][0]} {errors[0][1]}", errors=errors)
    await overrides.put(
        site.db, vendor, edit.limits, by=who.label, reason=edit.reason, expires_at=edit.expires_at, now=now
    )
    await site.refresh()
    return await _shown(site, facts)


@router.delete("/{vendor}", responses=problems(404))
async def take_edits_away(
    vendor: str,
    site: HasSite,
    who: MayOperate,
    limit: Annotated[
        list[Annotated[str, StringConstraints(max_length=80)]] | None,
        Query(max_length=50, description="names of limits; without any, all edits of the vendor"),
    ] = None,
) -> Limits:
    """Go back to the file: for the limits named, or for all of the vendor."""
    facts = _known(site, vendor)
    await overrides.take_away(site.db, vendor, limit, by=who.label, reason=None, now=site.now())
    await site.refresh()
    return await _shown(site, facts)


def _known(site: Site, vendor: str) -> VendorFacts:
    facts = site.vendors.get(vendor)
    if facts is None:
        raise unknown("vendor", vendor, "path.vendor")
    return facts


async def _shown(site: Site, facts: VendorFacts) -> Limits:
    edits = await overrides.of_vendor(site.db, facts.name, now=site.now())
    return Limits(vendor=facts.name, limits=[_limit(one, edits.get(one.name)) for one in facts.limits])


def _limit(facts: LimitFacts, edit: Override | None) -> Limit:
    return Limit(
        name=facts.name,
        value=edit.value if edit else facts.value,
        source="edit" if edit else facts.source,
        in_file=facts.value,
        file_source=facts.source,
        by=edit.by if edit else None,
        reason=edit.reason if edit else None,
        edited_at=edit.at if edit else None,
        expires_at=edit.expires_at if edit else None,
    )
