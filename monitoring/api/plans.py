"""Plans of runs: what a dry run would change, or what the blast guard stopped, and the decision about it."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from db import plan_rows, plans
from db.plan_rows import PlanRow
from monitoring.api.access import (
    Cursor,
    HasSite,
    Limit,
    MayRead,
    MayTrigger,
    Model,
    from_cursor,
    problems,
    to_cursor,
)
from monitoring.identity import Identity
from monitoring.problem import Problem, unknown
from monitoring.reasons import LONGEST, SHORTEST
from monitoring.site import Site

router = APIRouter(prefix="/plans", tags=["plans"])

_PLAN: JsonDict = {
    "run_id": "5c1d2b7e0f3a4c69b1d28e5f6a7b8c90",
    "sync": "inventory",
    "source": "guard",
    "state": "applied",
    "made_at": "2026-10-01T12:00:00Z",
    "expires_at": "2026-10-02T12:00:00Z",
    "counts": {"platform": {"take": 31, "conflict": 2}, "erp": {"post": 4}},
    "total": 37,
    "kept": 37,
    "stopped": "It would change 37 of 120 levels at platform (31 %); the limit is 25 %",
    "act": "apply",
    "acting_run_id": "8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a",
    "decided_by": "ada",
    "decided_at": "2026-10-01T12:10:00Z",
    "reason": "The stock-take in hall 2 is done",
}
_ROW: JsonDict = {
    "number": 1,
    "target": "platform",
    "kind": "take",
    "entity": "SKU-00017@MAIN",
    "field": "quantity",
    "before": "42",
    "after": "38",
    "rule": "only the ERP has changed",
    "version": 7,
    "observed": "38",
    "observed_at": "2026-10-01T11:48:00Z",
    "state": "moved",
    "found": "40",
}
Standing = Literal["open", "waiting", "applying", "moved", "applied", "thrown_away", "superseded"]
RowState = Literal["planned", "unmoved", "moved", "applied", "refused"]
RunId = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$", description="of the run that made the plan")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=SHORTEST, max_length=LONGEST)]
Part = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00]*$")]
CSV_NAMES = ("number", "target", "kind", "entity", "field", "before", "after", "rule", "version", "observed",
             "observed_at", "state", "found")  # fmt: skip


class Plan(Model):
    """What a run would change, and what was decided about it."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", from_attributes=True, json_schema_extra={"examples": [_PLAN]}
    )

    run_id: str
    sync: str
    source: Literal["dry_run", "guard"] = Field(description="`guard`: the blast guard stopped the run with it")
    state: Standing = Field(
        description="`open` may be applied, `waiting` may go on once; `moved`: its source had moved, nothing was written"
    )
    made_at: datetime
    expires_at: datetime
    counts: dict[str, dict[str, int]] = Field(description="changes by target and kind, exact")
    total: int
    kept: int = Field(description="of the changes that are rows; a plan that is not kept whole cannot be applied")
    stopped: str | None = Field(description="why the blast guard stopped the run")
    act: str | None
    acting_run_id: str | None = Field(description="the run that applies it, or that went on")
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


class Row(Model):
    """One change: a field of one thing."""

    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True, json_schema_extra={"examples": [_ROW]})

    number: int
    target: str = Field(description="`erp`, `platform` (our own tables), or a store")
    kind: str
    entity: str = Field(description="SKU@warehouse, SKU, or an order's reference; nothing personal")
    field: str
    before: str | None
    after: str | None
    rule: str
    version: int | None = Field(description="of our row, as it was seen")
    observed: str | None = Field(description="what the other side had")
    observed_at: datetime | None
    state: RowState
    found: str | None = Field(description="of one that has moved: what stands there now")


class Plans(Model):
    """A page of plans, newest first; ``next_cursor`` None at the end."""

    plans: list[Plan]
    next_cursor: str | None = None


class PlanPage(Model):
    """A plan with a page of its rows; ``next_cursor`` None at the end."""

    plan: Plan
    rows: list[Row]
    next_cursor: str | None = None


class Why(Model):
    """The reason of a decision; it stays with the plan and in the audit."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"reason": "The stock-take in hall 2 is done"}]}
    )

    reason: Reason = Field(description="no personal data")


class Application(Why):
    """How a plan is applied.

    All of it, as it is: when its source has moved since, nothing is written, and the plan says which rows have moved.
    ``unmoved_only`` then applies the others.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"reason": "Checked against the stock-take", "unmoved_only": False}]},
    )

    unmoved_only: bool = False


@router.get("", responses=problems())
async def list_plans(
    site: HasSite,
    _who: MayRead,
    sync: Annotated[str | None, Query(max_length=32, pattern=r"^[^\x00]*$")] = None,
    state: Standing | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Plans:
    """List plans, newest first."""
    found = await plans.listed(site.db, sync=sync, state=state, before=from_cursor(cursor), limit=limit + 1)
    more = to_cursor(found[limit - 1].made_at, found[limit - 1].run_id) if len(found) > limit else None
    return Plans(plans=[_plan(one) for one in found[:limit]], next_cursor=more)


@router.get("/{run_id}", responses=problems(404))
async def get_plan(
    run_id: RunId,
    site: HasSite,
    _who: MayRead,
    target: Part = None,
    kind: Part = None,
    state: RowState | None = None,
    entity: Annotated[
        str | None, Query(max_length=128, pattern=r"^[^\x00]*$", description="the beginning of one")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> PlanPage:
    """Show the plan of a run with a page of its rows."""
    plan = await _found(site, run_id)
    after = _number(cursor)
    rows = await plan_rows.page(
        site.db,
        run_id,
        filters=plan_rows.RowFilters(target=target, kind=kind, state=state, text=entity),
        after=after,
        limit=limit + 1,
    )
    more = to_cursor(plan.made_at, str(rows[limit - 1].number)) if len(rows) > limit else None
    return PlanPage(plan=_plan(plan), rows=[Row.model_validate(row) for row in rows[:limit]], next_cursor=more)


@router.get("/{run_id}/rows.csv", responses={200: {"content": {"text/csv": {}}}, **problems(404)})
async def get_rows(run_id: RunId, site: HasSite, _who: MayRead) -> StreamingResponse:
    """Give all rows of a plan that are kept, as CSV."""
    await _found(site, run_id)
    name = f'attachment; filename="plan-{run_id[:12]}.csv"'
    return StreamingResponse(_csv(site, run_id), media_type="text/csv", headers={"Content-Disposition": name})


@router.post("/{run_id}/apply", status_code=202, responses=problems(404, 409))
async def apply_plan(run_id: RunId, order: Application, site: HasSite, who: MayTrigger) -> Plan:
    """Apply a plan; the scheduler does it in a run of its own, once however often it is asked for."""
    return await _decide(site, run_id, "unmoved" if order.unmoved_only else "apply", order.reason, who)


@router.post("/{run_id}/go-on", status_code=202, responses=problems(404, 409))
async def go_on(run_id: RunId, why: Why, site: HasSite, who: MayTrigger) -> Plan:
    """Let a run that the blast guard stopped go on once: one that plans anew, and does no more than this one would."""
    return await _decide(site, run_id, "go_on", why.reason, who)


@router.post("/{run_id}/throw-away", responses=problems(404, 409))
async def throw_away(run_id: RunId, why: Why, site: HasSite, who: MayTrigger) -> Plan:
    """Throw a plan away: it is not applied, and what the blast guard stopped does not go on."""
    return await _decide(site, run_id, "throw_away", why.reason, who)


async def _decide(site: Site, run_id: str, act: plans.Act, reason: str, who: Identity) -> Plan:
    now = site.now()
    trigger = "api" if who.role is None else "user"
    done = await plans.decide(site.db, run_id, act, by=who.label, trigger=trigger, reason=reason, now=now)
    if done is None:
        plan = await _found(site, run_id)
        raise Problem(409, "not_decided", f"Nothing was changed. {plans.why_not(plan, act, now)}")
    return _plan(done[0])


async def _found(site: Site, run_id: str) -> plans.Plan:
    plan = await plans.get(site.db, run_id)
    if plan is None:
        raise unknown("plan", run_id, "path.run_id")
    return plan


async def _csv(site: Site, run_id: str) -> AsyncIterator[str]:
    yield ",".join(CSV_NAMES) + "\r\n"
    after = 0
    while rows := await plan_rows.page(site.db, run_id, after=after, limit=1000):
        after = rows[-1].number
        text = io.StringIO()
        csv.writer(text).writerows([[_cell(row, name) for name in CSV_NAMES] for row in rows])
        yield text.getvalue()


def _cell(row: PlanRow, name: str) -> str:
    value = getattr(row, name)
    text = "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
    # A spreadsheet would run it; a number below 0 is none of that.
    runs = text[:1] in "=+@\t\r" or (text[:1] == "-" and not text[1:].replace(".", "", 1).isdigit())
    return f"'{text}" if text and runs else text


def _number(cursor: str | None) -> int:
    place = from_cursor(cursor)
    if place is None:
        return 0
    if not place[1].isdigit() or len(place[1]) > 9:
        raise Problem(
            422, "invalid_input", "query.cursor is no cursor of this list.", errors=[("query.cursor", "is none")]
        )
    return int(place[1])


def _plan(plan: plans.Plan) -> Plan:
    return Plan.model_validate(plan).model_copy(update={"state": plan.standing})
