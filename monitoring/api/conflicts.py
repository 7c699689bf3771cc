"""Conflicts: fields both sides had changed, who won, and giving the loser its value back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db import conflicts as conflict_rows
from monitoring.api.access import Cursor, HasSite, Limit, MayOperate, MayRead, Model, from_cursor, problems, to_cursor
from monitoring.api.plans import Why
from monitoring.problem import Problem, unknown

router = APIRouter(prefix="/conflicts", tags=["conflicts"])

_EXAMPLE: JsonDict = {
    "id": "0f9e8d7c6b5a49382716050f1e2d3c4b",
    "run_id": "5c1d2b7e0f3a4c69b1d28e5f6a7b8c90",
    "sync": "inventory",
    "item": "SKU-00017@MAIN",
    "field": "quantity",
    "erp_value": "41",
    "erp_at": "2026-10-01T11:51:00Z",
    "platform_value": "38",
    "platform_at": "2026-10-01T11:56:00Z",
    "rule": "last write wins",
    "winner": "platform",
    "at": "2026-10-01T12:00:00Z",
    "undone_at": "2026-10-01T12:20:00Z",
    "undone_by": "ada",
    "undone_reason": "The warehouse counted again",
}


class Conflict(Model):
    """One field both sides had changed between two runs."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]}
    )

    id: str
    run_id: str
    sync: str
    item: str = Field(description="SKU@warehouse, or SKU@store where the other side is a store")
    field: str
    erp_value: str = Field(description="the ERP's; of a conflict with a store: ours")
    erp_at: datetime | None
    platform_value: str = Field(description="ours; of a conflict with a store: the store's")
    platform_at: datetime | None
    rule: str
    winner: Literal["erp", "platform"]
    at: datetime
    undone_at: datetime | None
    undone_by: str | None
    undone_reason: str | None


class Conflicts(Model):
    """A page of conflicts, newest first; ``next_cursor`` None at the end."""

    conflicts: list[Conflict]
    next_cursor: str | None = None


class Refused(Model):
    """A conflict that was not undone."""

    item: str
    sentence: str


class Undone(Model):
    """What came of undoing a run's decisions."""

    undone: int
    refused: list[Refused] = Field(description="the first hundred; what has changed since is left as it is")


Text = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00]*$")]


@router.get("", responses=problems())
async def list_conflicts(
    site: HasSite,
    _who: MayRead,
    sync: Text = None,
    run_id: Text = None,
    item: Annotated[
        str | None, Query(max_length=128, pattern=r"^[^\x00]*$", description="the beginning of one")
    ] = None,
    winner: Literal["erp", "platform"] | None = None,
    which: Annotated[conflict_rows.Which | None, Query(description="`open`: they stand as decided")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Conflicts:
    """List conflicts, newest first."""
    found = await conflict_rows.page(
        site.db,
        conflict_rows.Filters(sync=sync, run_id=run_id, item=item, winner=winner, which=which),
        before=from_cursor(cursor),
        limit=limit + 1,
    )
    more = to_cursor(found[limit - 1].at, found[limit - 1].id) if len(found) > limit else None
    return Conflicts(conflicts=[Conflict.model_validate(one) for one in found[:limit]], next_cursor=more)


@router.post("/{id}/undo", responses=problems(404, 409))
async def undo(
    id: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")], why: Why, site: HasSite, who: MayOperate
) -> Conflict:
    """Give the loser its value back, if what won has not changed since; the next run brings it to the other side."""
    why_not = await conflict_rows.undo(site.db, id, by=who.label, reason=why.reason, now=site.now())
    found = await conflict_rows.get(site.db, id)
    if found is None:
        raise unknown("conflict", id, "path.id")
    if why_not is not None:
        raise Problem(409, "not_undone", f"Nothing was changed. {why_not}")
    return Conflict.model_validate(found)


@router.post("/runs/{run_id}/undo", responses=problems())
async def undo_run(
    run_id: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")], why: Why, site: HasSite, who: MayOperate
) -> Undone:
    """Undo all that a run decided, as far as nothing has changed since. Asked for again it does what is left."""
    done = await conflict_rows.undo_run(site.db, run_id, by=who.label, reason=why.reason, now=site.now())
    refused = [Refused(item=item, sentence=sentence) for item, sentence in list(done.refused.items())[:100]]
    return Undone(undone=done.done, refused=refused)
