"""Who is right about a stock level: the ERP, our shop, or both. Decided from three values, nothing else.

The third value is the base, what both sides agreed on at the last sync. Only one side differs from it: that side has
changed and wins. Both differ: the later change wins, a tie goes to the ERP, and a conflict is noted with both values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from db.dead_letters import Conflict
from db.stock import StockRow
from db.stock_readings import Level, Reading, item_of

RULE = "last write wins"
Ruling = Literal["unchanged", "agreed", "take", "post", "conflict_take", "conflict_post"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What is to be done about one key. ``level`` is our row as it is to be, None to leave it."""

    ruling: Ruling
    level: Level | None = None
    conflict: Conflict | None = None


def rule(ours: StockRow | None, erp: Decimal, erp_at: datetime) -> Ruling:
    """Return who is right.

    ``unchanged`` and ``agreed`` are equal sides (agreed: the base moves), ``take`` sets ours, ``post`` brings the
    difference to the ERP; the conflicts do the same after both had changed.
    """
    if ours is None:
        return "take"
    if ours.quantity == erp:
        return "unchanged" if ours.base_quantity == erp else "agreed"
    if ours.base_quantity is not None:
        if ours.quantity == ours.base_quantity:
            return "take"
        if erp == ours.base_quantity:
            return "post"
    return "conflict_post" if ours.changed_at > erp_at else "conflict_take"


def merged(reading: Reading, *, run_id: str, now: datetime) -> Merge:
    """Return what is to be done about one key of the ERP's answer."""
    ours, erp = reading.ours, reading.quantity
    ruling = rule(ours, erp, reading.modified_at)
    taken = Level(
        sku=reading.sku,
        warehouse=reading.warehouse,
        quantity=erp,
        base=erp,
        changed_at=reading.modified_at,
        changed_by="erp",
        version=ours.version + 1 if ours else 1,
        synced_version=ours.version + 1 if ours else 1,
        seen_version=ours.version if ours else None,
    )
    if ours is None or ruling == "take":
        return Merge(ruling="take", level=taken)
    if ruling in ("unchanged", "post"):
        return Merge(ruling=ruling)
    kept = replace(
        taken,
        quantity=ours.quantity,
        changed_at=ours.changed_at,
        changed_by=ours.changed_by,
        version=ours.version,
        synced_version=ours.version if ruling == "agreed" else ours.synced_version,
    )
    if ruling == "agreed":
        return Merge(ruling=ruling, level=kept)
    conflict = Conflict(
        run_id=run_id,
        sync="inventory",
        item=item_of(reading.sku, reading.warehouse),
        field="quantity",
        erp_value=format(erp.normalize(), "f"),
        erp_at=reading.modified_at,
        platform_value=format(ours.quantity.normalize(), "f"),
        platform_at=ours.changed_at,
        rule=RULE,
        winner="erp" if ruling == "conflict_take" else "platform",
        at=now,
    )
    return Merge(ruling=ruling, level=taken if ruling == "conflict_take" else kept, conflict=conflict)
