"""What a run of the stock sync would change, row by row: from the readings of the run, before any of it is written.

Gone through a page at a time, so that memory does not grow with the number of SKUs: once to judge, and again where the
changes are kept. Only what would move a store's stock is held in mind, a number a SKU, and only where stores are set.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from decimal import Decimal

from db import stock_readings
from db import store_levels as store
from db.plan_rows import PlanRow
from db.stock import Key, StockRow, plain
from db.stock_readings import Reading, item_of
from integrations.registry import adapter_class
from scheduler.options import InventoryOptions
from scheduler.syncs.guard import Figures
from scheduler.syncs.merge import RULE, Ruling, merged
from scheduler.syncs.planning import ERP, PLATFORM
from scheduler.syncs.run import Run

PAGE = 500
SETTLED = timedelta(minutes=15)  # longer than a store's search is late and an orders run is apart from the next
COUNTED = "counts:"  # before a store's name: what was counted there and would be taken over here
_RULES: Mapping[Ruling, str] = {
    "take": "only the ERP has changed",
    "post": "only we have changed",
    "conflict_take": f"both have changed: {RULE}",
    "conflict_post": f"both have changed: {RULE}",
}


async def changes(run: Run, options: InventoryOptions) -> AsyncIterator[list[PlanRow]]:
    """Yield what the run would change: here and in the ERP, then at the stores, then what is taken over from those."""
    moved: dict[str, Decimal] = {}
    after: Key = ("", "")
    while True:
        async with run.db.read() as connection:
            found = await stock_readings.readings(connection, run.row.id, after=after, limit=PAGE)
        if not found:
            break
        after = (found[-1].sku, found[-1].warehouse)
        rows = [row for reading in found if (row := of_reading(reading, run)) is not None]
        if options.stores:
            for row in rows:
                if row.target == PLATFORM:
                    sku = row.entity.rpartition("@")[0]
                    difference = Decimal(row.after or 0) - Decimal(row.before or 0)
                    moved[sku] = moved.get(sku, Decimal(0)) + difference
        yield rows
    after = ("", "")
    while found_here := await stock_readings.to_post(run.db, after=after, limit=PAGE, unread_by=run.row.id):
        after = (found_here[-1].sku, found_here[-1].warehouse)
        yield [of_ours(row) for row in found_here]
    for vendor in options.stores:
        async for rows in _told(run, vendor, moved):
            yield rows
        sku = ""
        while counted := await store.counted(run.db, vendor, before=run.now() - SETTLED, after=sku, limit=PAGE):
            sku = counted[-1].sku
            yield [_counted(level) for level in counted]


async def figures(run: Run, options: InventoryOptions) -> dict[str, Figures]:
    """Return what the guard judges, by side; nothing is written."""
    here = await stock_readings.standing(run.db)
    found = {
        PLATFORM: Figures(rows=here.rows, stock=here.stock),
        ERP: Figures(rows=here.agreed_rows, stock=here.agreed_stock),
    }
    for vendor in options.stores:
        rows, stock = await store.standing(run.db, vendor)
        found[vendor] = Figures(rows=rows, stock=stock)
        found[COUNTED + vendor] = Figures(rows=rows, stock=stock)
        after = ""
        while counted := await store.counted(run.db, vendor, after=after, limit=PAGE):
            after = counted[-1].sku
            for level in counted:  # those that are not settled yet too: they say what the store's answer was like
                found[COUNTED + vendor].count(level.quantity, level.seen_quantity or Decimal(0))
    async for page in changes(run, options):
        for row in page:
            if row.kind != "count":
                found[row.target].count(Decimal(row.before) if row.before else None, Decimal(row.after or 0))
    return found


def says(options: InventoryOptions) -> dict[str, str]:
    """Return what would do it, by side, for the sentences of the guard."""
    found = {PLATFORM: "Acumatica's answer", ERP: "What changed here"}
    for vendor in options.stores:
        label = adapter_class(vendor).vendor.label
        found[vendor] = f"What {label} is to be told"
        found[COUNTED + vendor] = f"{label}'s own figures"
    return found


def of_reading(reading: Reading, run: Run) -> PlanRow | None:
    """Return the change a level of the ERP asks for, None when it asks for none."""
    ours, theirs = reading.ours, plain(reading.quantity)
    ruling = merged(reading, run_id=run.row.id, now=run.now()).ruling
    if ruling in ("unchanged", "agreed"):
        return None
    here = plain(ours.quantity) if ours else None
    to_erp = ruling in ("post", "conflict_post")
    kind = "conflict" if ruling.startswith("conflict") else "new" if ours is None else ruling
    return PlanRow(
        target=ERP if to_erp else PLATFORM,
        kind=kind,
        entity=item_of(reading.sku, reading.warehouse),
        field="quantity",
        before=theirs if to_erp else here,
        after=here if to_erp else theirs,
        rule="new in the ERP" if ours is None else _RULES[ruling],
        version=ours.version if ours else 0,
        observed=theirs,
        observed_at=reading.modified_at,
    )


def of_ours(row: StockRow) -> PlanRow:
    """Return the change a row of ours asks for of which the ERP said nothing new."""
    base = None if row.base_quantity is None else plain(row.base_quantity)
    return PlanRow(
        target=ERP,
        kind="new" if base is None else "post",
        entity=item_of(row.sku, row.warehouse),
        field="quantity",
        before=base,
        after=plain(row.quantity),
        rule="new here" if base is None else _RULES["post"],
        version=row.version,
        observed=base,
    )


async def _told(run: Run, vendor: str, moved: Mapping[str, Decimal]) -> AsyncIterator[list[PlanRow]]:
    after = ""
    while True:
        some, after = await store.to_tell(run.db, vendor, after=after, limit=PAGE, moved=moved)
        yield [_tell(vendor, one.sku, one.expected, one.quantity) for one in some]
        if not after:
            break
    skus = sorted(moved)  # those that are new here too, which no row of ours names yet
    for start in range(0, len(skus), PAGE):
        async with run.db.read() as connection:
            here = await store.available_of(connection, skus[start : start + PAGE])
            new = [sku for sku in skus[start : start + PAGE] if sku not in here]
            known = await store.of(connection, vendor, new)
        yield [_tell(vendor, sku, None, store.sellable(moved[sku])) for sku in new if sku not in known]


def _tell(vendor: str, sku: str, expected: Decimal | None, quantity: Decimal) -> PlanRow:
    before = None if expected is None else plain(expected)
    return PlanRow(
        target=vendor,
        kind="new" if before is None else "tell",
        entity=sku,
        field="available",
        before=before,
        after=plain(quantity),
        rule="a store shows what can be sold here",
        observed=before,
    )


def _counted(level: store.StoreLevel) -> PlanRow:
    label = adapter_class(level.vendor).vendor.label
    return PlanRow(
        target=PLATFORM,
        kind="count",
        entity=f"{level.sku}@{level.vendor}",
        field="available",
        before=plain(level.quantity or Decimal(0)),
        after=plain(level.seen_quantity or Decimal(0)),
        rule=f"counted at {label}: no order explains it",
        observed=plain(level.seen_quantity or Decimal(0)),
        observed_at=level.seen_at,
    )
