"""Stock: levels read from stock items, changes posted as one inventory adjustment of differences.

``QtyOnHand`` cannot be written. An adjustment is put off hold and then released, and only its release moves stock;
its ExternalRef is our run and batch, so that one which is there already is released and never made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from integrations.errors import InvalidInput, SchemaDrift
from integrations.types.erp import PostedDocument, StockAdjustment, StockLevel, StockPage, StockQuery
from integrations.vendors.acumatica.documents import Endpoint, Kind
from integrations.vendors.acumatica.filters import after, every, in_portions, one_of
from integrations.vendors.acumatica.releases import released
from integrations.vendors.acumatica.values import Record, details, moment, number, text, wrapped

ADJUSTMENT = Kind(
    entity="InventoryAdjustment",
    reference="ExternalRef",
    number="ReferenceNbr",
    in_effect=frozenset({"Released"}),
    release="ReleaseAdjustment",  # the irregular name is the contract's: not ReleaseInventoryAdjustment
)
_SELECT = ("InventoryID", "LastModified", "WarehouseDetails/WarehouseID", "WarehouseDetails/QtyOnHand")
_MOST_SKUS = 100


async def list_stock(endpoint: Endpoint, query: StockQuery, zone: ZoneInfo) -> StockPage:
    """Return a page of levels, all warehouses of ``limit`` items; with ``skus``, all of theirs in one page."""
    since = after("LastModified", query.modified_since, zone) if query.modified_since else ""
    found: list[Record] = []
    next_cursor = ""
    if query.skus:
        if len(query.skus) > _MOST_SKUS:
            raise InvalidInput(f"Ask Acumatica for at most {_MOST_SKUS} SKUs at once.", field="skus")
        for portion in in_portions("InventoryID", query.skus):
            found += await _items(endpoint, every([one_of("InventoryID", portion), since]), _MOST_SKUS, 0)
    else:
        skip = skipped(query.cursor)
        found = await _items(endpoint, since, query.limit, skip)
        # There is no count and no link to the next page: a full page may have one after it.
        next_cursor = str(skip + query.limit) if len(found) >= query.limit else ""
    levels = [level for item in found for level in _levels(item, zone) if query.warehouse in ("", level.warehouse)]
    levels.sort(key=lambda level: (level.modified_at, level.sku, level.warehouse))
    return StockPage(levels=tuple(levels), next_cursor=next_cursor)


def skipped(cursor: str) -> int:
    """Return how many records a cursor leaves out. Raise InvalidInput for one that is not ours."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise InvalidInput("This cursor is not one Acumatica's pages gave; start without one.", field="cursor")
    return int(cursor)


async def _items(endpoint: Endpoint, condition: str, top: int, skip: int) -> list[Record]:
    return await endpoint.list(
        "StockItem", select=_SELECT, filter=condition, expand="WarehouseDetails", top=top, skip=skip
    )


def _levels(item: Record, zone: ZoneInfo) -> Iterator[StockLevel]:
    sku, modified_at = text(item, "InventoryID"), moment(item, "LastModified", zone)
    if not sku:
        raise SchemaDrift("Acumatica: InventoryID is empty.", field="InventoryID")
    for line in details(item, "WarehouseDetails"):
        yield StockLevel(
            sku=sku,
            warehouse=text(line, "WarehouseID"),
            quantity=number(line, "QtyOnHand"),
            modified_at=modified_at,
        )


def adjustment_body(adjustment: StockAdjustment, settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the adjustment as the ERP takes it. Raise InvalidInput for a line without a difference."""
    for index, line in enumerate(adjustment.lines):
        if line.difference == 0:
            raise InvalidInput(
                "A difference of 0 is not posted; leave the line out.", field=f"lines.{index}.difference"
            )
    return {
        **wrapped(ExternalRef=adjustment.reference, Description=adjustment.reason, Hold=False),
        "Details": [
            wrapped(
                InventoryID=line.sku,
                WarehouseID=line.warehouse or settings["WAREHOUSE"],
                LocationID=settings["LOCATION"],
                Qty=line.difference,
                UOM=settings["UOM"],
                ReasonCode=settings["REASON_CODE"],
            )
            for line in adjustment.lines
        ],
    }


async def adjust_stock(endpoint: Endpoint, adjustment: StockAdjustment, settings: Mapping[str, str]) -> PostedDocument:
    """Put the adjustment unless it is there, release it unless it is released, and return it released."""
    body = adjustment_body(adjustment, settings)
    document = await endpoint.find(ADJUSTMENT, adjustment.reference)
    if document is None:
        document = await endpoint.put_and_prove(ADJUSTMENT, adjustment.reference, body)
    return await released(endpoint, document, ADJUSTMENT, adjustment.reference)


async def look_up_adjust_stock(endpoint: Endpoint, adjustment: StockAdjustment) -> PostedDocument | None:
    """Return the adjustment, released now if it was not yet; None when the ERP has none of this reference."""
    document = await endpoint.find(ADJUSTMENT, adjustment.reference)
    return None if document is None else await released(endpoint, document, ADJUSTMENT, adjustment.reference)
