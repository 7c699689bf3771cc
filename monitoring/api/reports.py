"""Vendor reports as JSON and CSV, and the evidence pack for a vendor's support."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict
from pydantic.config import JsonDict

from db.failed_attempts import Narrowed
from db.incidents import find_incident
from db.kept import retention_now
from monitoring.api.access import HasSite, MayOperate, MayRead, Model, UtcDatetime, problems
from monitoring.csv_text import MEDIA_TYPE
from monitoring.evidence_pack import gather, pack
from monitoring.problem import Problem, unknown
from monitoring.report import Report, month_of, report_of
from monitoring.report_csv import report_csv
from monitoring.site import Site
from monitoring.timerange import check

router = APIRouter(tags=["reports"])

_EXAMPLE: JsonDict = {
    "vendor": "fedex",
    "since": "2026-10-01T00:00:00Z",
    "until": "2026-11-01T00:00:00Z",
    "partial": [],
    "availability": 0.99912,
    "availability_agreed": 0.999,
    "allowed_failures_used": 0.88,
    "p50": 0.21,
    "p95": 0.84,
    "p99": 1.9,
    "p95_agreed": 1.0,
    "calls": 120401,
    "failed": 106,
    "failed_ours": 12,
    "refused": 31,
    "attempts": 121002,
    "retries": 601,
    "rate_limited": 14,
    "incident_seconds": 780.0,
    "apart_seconds": 7200.0,
    "errors": [{"error_type": "http_503", "fault": "theirs", "calls": 90, "attempts": 480}],
    "incidents": [
        {
            "id": "0d2f6c1b9a4e4f0f8a53c3b0a5c9f1de",
            "title": "The circuit of FedEx is open",
            "severity": "page",
            "since": "2026-10-04T12:00:00Z",
            "until": "2026-10-04T12:13:00Z",
        }
    ],
}

Month = Annotated[
    str | None, Query(max_length=7, pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="in UTC", examples=["2026-10"])
]
Since = Annotated[UtcDatetime | None, Query(description="instead of a month, with `until`")]
Until = Annotated[UtcDatetime | None, Query(description="the end, not included")]
_NO_TIME = "give `month`, or `since` and `until`"


class ErrorClass(Model):
    """How often something went wrong, over calls and over attempts."""

    error_type: str
    fault: str
    calls: int
    attempts: int


class ReportedIncident(Model):
    """The part of an incident that lies in the report."""

    id: str
    title: str
    severity: str
    since: datetime
    until: datetime


class VendorReport(Model):
    """A vendor held against what is agreed. Calls reached the vendor; ``failed`` by its fault or the network's.

    ``availability`` is a share of calls, latency in seconds over attempts. ``allowed_failures_used`` is the share of the
    failures allowed by what is agreed that has happened, over 1 when too many. ``partial`` says what the figures lack.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    vendor: str
    since: datetime
    until: datetime
    partial: list[str]
    availability: float | None
    availability_agreed: float | None
    allowed_failures_used: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    p95_agreed: float | None
    calls: int
    failed: int
    failed_ours: int
    refused: int
    attempts: int
    retries: int
    rate_limited: int
    incident_seconds: float
    apart_seconds: float
    errors: list[ErrorClass]
    incidents: list[ReportedIncident]


@router.get("/reports/{vendor}", responses=problems(404))
async def vendor_report(
    vendor: str, site: HasSite, _who: MayRead, month: Month = None, since: Since = None, until: Until = None
) -> VendorReport:
    """Report a month of a vendor, or any time."""
    made = await _report(site, vendor, month, since, until)
    plain = (
        *("vendor", "since", "until", "availability", "p50", "p95", "p99", "calls", "failed", "failed_ours"),
        *("refused", "attempts", "retries", "rate_limited", "incident_seconds", "apart_seconds"),
    )
    return VendorReport.model_validate(
        {
            **{name: getattr(made, name) for name in plain},
            "partial": list(made.partial),
            "availability_agreed": made.agreed.availability,
            "allowed_failures_used": made.budget_used,
            "p95_agreed": made.agreed.p95,
            "errors": [
                {"error_type": e.error_type, "fault": e.fault, "calls": e.calls, "attempts": e.attempts}
                for e in made.errors
            ],
            "incidents": [
                {"id": one.id, "title": one.title, "severity": one.severity, "since": begin, "until": end}
                for one in made.incidents
                for begin, end in (made.lasted(one),)
            ],
        }
    )


@router.get(
    "/reports/{vendor}/csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems(404)},
)
async def vendor_report_csv(
    vendor: str, site: HasSite, _who: MayRead, month: Month = None, since: Since = None, until: Until = None
) -> Response:
    """Give the report as CSV, with a row per day, error class and incident."""
    made = await _report(site, vendor, month, since, until)
    text = report_csv(made, site.vendors[vendor].label)
    return Response(text, media_type=MEDIA_TYPE, headers=_attachment(f"{vendor}-{made.since:%Y%m%d}.csv"))


@router.get(
    "/vendors/{vendor}/evidence",
    response_class=Response,
    responses={
        200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(404),
    },
)
async def evidence(
    vendor: str,
    site: HasSite,
    _who: MayOperate,
    since: Annotated[UtcDatetime | None, Query(description="the start; not needed with `incident`")] = None,
    until: Annotated[UtcDatetime | None, Query(description="the end; empty is now")] = None,
    incident: Annotated[str | None, Query(max_length=32, description="take the time of this incident")] = None,
    operation: Annotated[str | None, Query(max_length=64, description="list only this operation")] = None,
    error_type: Annotated[str | None, Query(max_length=64, description="list only this class of error")] = None,
    status: Annotated[int | None, Query(ge=100, le=599, description="list only this HTTP status")] = None,
    correlation_id: Annotated[str | None, Query(max_length=128, description="list only this trace")] = None,
    call_id: Annotated[str | None, Query(max_length=64, description="list only the attempts of this call")] = None,
) -> Response:
    """Give what the vendor's support needs, at most 31 days, as a ZIP without secrets or personal data.

    The filters say which failed attempts are listed; what is counted before, during and after is the whole vendor's.
    """
    facts = site.vendors.get(vendor)
    if facts is None:
        raise unknown("vendor", vendor, "path.vendor")
    now = site.now()
    if incident is not None:
        row = await find_incident(site.db, incident)
        if row is None:
            raise unknown("incident", incident, "query.incident")
        since, until = row.started_at, row.resolved_at
    if since is None:
        raise _refused("query.since", "give `since`, or an `incident`")
    try:
        narrowed = Narrowed(
            operation=operation, error_type=error_type, status=status, correlation_id=correlation_id, call_id=call_id
        )
        found = await gather(site.db, facts, since=since, until=until or now, now=now, narrowed=narrowed)
    except (ValueError, OverflowError) as error:
        raise _refused("query.since", str(error)) from None
    name = f"{vendor}-{since:%Y%m%dT%H%M}.zip"
    return Response(pack(found), media_type="application/zip", headers=_attachment(name))


async def _report(site: Site, vendor: str, month: str | None, since: datetime | None, until: datetime | None) -> Report:
    if vendor not in site.vendors:
        raise unknown("vendor", vendor, "path.vendor")
    now = site.now()
    try:
        if month is not None:
            begin, end = month_of(month)
        elif since is not None and until is not None:
            begin, end = since, until
        else:
            raise ValueError(_NO_TIME)
        check(begin, end)
        ages, _edits = await retention_now(site.db, site.retention)
        return await report_of(
            site.db, vendor, since=begin, until=end, now=now, five_minutes_kept=ages.five_minute_rollups
        )
    except (ValueError, OverflowError) as error:
        raise _refused("query.month" if month is not None else "query.since", str(error)) from None


def _refused(field: str, why: str) -> Problem:
    return Problem(422, "invalid_input", f"{field}: {why}", errors=[(field, why)])


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
