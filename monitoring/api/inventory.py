"""Our stock: read and set by the shop; the inventory sync keeps it equal to the ERP."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db import stock
from db.audit import record_act
from monitoring.api.access import HasSite, Limit, MayInventory, MayReadInventory, Model, problems
from monitoring.api.values import Exact
from monitoring.problem import Problem, unknown
from monitoring.site import Site

router = APIRouter(prefix="/inventory", tags=["inventory"])

_FIRST_WAREHOUSE = "MAIN"  # when there is no stock at all yet
_LEVEL: JsonDict = {
    "sku": "SKU-00017",
    "warehouse": "MAIN",
    "quantity": "42",
    "committed": "5",
    "available": "37",
    "changed_at": "2026-10-01T12:00:00Z",
    "changed_by": "token:shop",
    "version": 7,
}

Sku = Annotated[str, Path(min_length=1, max_length=64)]
OnHand = Annotated[Exact, Field(description="on hand, shipped orders taken off, as the ERP counts")]
Committed = Annotated[Exact, Field(description="promised to orders that are placed and not shipped")]
Available = Annotated[Exact, Field(description="quantity - committed; below 0 when more is sold than there is")]


class Level(Model):
    """How much there is of a SKU in a warehouse. ``version`` rises with every change of ``quantity``."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_LEVEL]})

    sku: str
    warehouse: str
    quantity: OnHand
    committed: Committed
    available: Available
    changed_at: datetime
    changed_by: str
    version: int


class Item(Model):
    """A SKU over all its warehouses."""

    sku: str
    quantity: OnHand
    committed: Committed
    available: Available
    levels: list[Level]


class Levels(Model):
    """A page of stock levels by SKU; ``next_cursor`` None at the end."""

    levels: list[Level]
    next_cursor: str | None = None


class NewLevel(Model):
    """What is on hand, to set. ``warehouse`` may be left out while the SKU has only one."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"quantity": "42", "warehouse": "MAIN", "expected_version": 6}]},
    )

    quantity: OnHand = Field(ge=0)
    warehouse: str = Field(default="", max_length=32)
    expected_version: int | None = Field(
        default=None, ge=0, description="set only if it still has this version; 0 means that it must not exist yet"
    )


@router.get("", responses=problems())
async def list_levels(
    site: HasSite,
    _who: MayReadInventory,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(max_length=120, description="`next_cursor` of the page before")] = None,
) -> Levels:
    """List stock levels by SKU and warehouse."""
    sku, _, warehouse = (cursor or "").partition("|")
    rows = await stock.page(site.db, after=(sku, warehouse), limit=limit + 1)
    more = f"{rows[limit - 1].sku}|{rows[limit - 1].warehouse}" if len(rows) > limit else None
    return Levels(levels=[_level(row) for row in rows[:limit]], next_cursor=more)


@router.get("/{sku}", responses=problems(404))
async def get_item(sku: Sku, site: HasSite, _who: MayReadInventory) -> Item:
    """Show the stock of a SKU."""
    rows = await stock.levels_of(site.db, sku)
    if not rows:
        raise unknown("SKU", sku, "path.sku")
    quantity = sum((row.quantity for row in rows), Decimal(0))
    committed = sum((row.committed for row in rows), Decimal(0))
    return Item(
        sku=sku,
        quantity=quantity,
        committed=committed,
        available=quantity - committed,
        levels=[_level(row) for row in rows],
    )


@router.put("/{sku}", responses=problems(409))
async def put_level(sku: Sku, level: NewLevel, site: HasSite, who: MayInventory) -> Level:
    """Set the stock of a SKU in a warehouse; the next inventory sync brings it to the ERP."""
    warehouse = level.warehouse or await _warehouse_of(site, sku)
    now = site.now()
    try:
        row = await stock.put(
            site.db,
            sku,
            warehouse,
            level.quantity,
            by=who.label,
            now=now,
            expected_version=level.expected_version,
        )
    except stock.StockChanged:
        raise Problem(
            409,
            "stock_changed",
            f"The stock of {sku} in {warehouse} has another version by now; read it again.",
            errors=[("body.expected_version", "is not the present version")],
        ) from None
    await record_act(
        site.db,
        at=now,
        user_name=who.label,
        act="stock.set",
        subject=sku,
        facts={"warehouse": warehouse, "quantity": str(level.quantity), "version": row.version},
    )
    return _level(row)


async def _warehouse_of(site: Site, sku: str) -> str:
    """Return the only warehouse a SKU can be meant in. Raise Problem 422 when there are several."""
    rows = await stock.levels_of(site.db, sku) or await stock.page(site.db, limit=1)
    names = sorted({row.warehouse for row in rows})
    if len(names) > 1:
        reason = f"is needed: {sku} is in {', '.join(names)}"
        raise Problem(422, "invalid_input", f"body.warehouse {reason}.", errors=[("body.warehouse", reason)])
    return names[0] if names else _FIRST_WAREHOUSE


def _level(row: stock.StockRow) -> Level:
    return Level(
        sku=row.sku,
        warehouse=row.warehouse,
        quantity=row.quantity,
        committed=row.committed,
        available=row.available,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        version=row.version,
    )
