"""Purchase orders: put once by our reference in VendorRef, and listed by their last change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from integrations.types.erp import ListedPurchaseOrder, PurchaseOrder, PurchaseOrderPage, PurchaseOrderQuery
from integrations.vendors.acumatica.documents import Endpoint, Kind
from integrations.vendors.acumatica.filters import after
from integrations.vendors.acumatica.stock import skipped
from integrations.vendors.acumatica.values import Record, moment, money, text, wrapped

KIND = Kind(
    entity="PurchaseOrder",
    reference="VendorRef",
    number="OrderNbr",
    type="Normal",
    in_effect=frozenset({"Open", "Pending Printing", "Pending Email", "Completed", "Closed"}),
)
_LISTED = ("OrderNbr", "VendorRef", "VendorID", "Status", "OrderTotal", "CurrencyID", "LastModifiedDateTime")


def body(order: PurchaseOrder, settings: Mapping[str, str]) -> dict[str, Any]:
    """Return a purchase order as the ERP takes it."""
    return {
        **wrapped(
            Type=KIND.type,
            VendorID=order.supplier_code,
            VendorRef=order.reference,
            Description=order.description,
            Hold=False,
        ),
        "Details": [
            wrapped(
                InventoryID=line.sku,
                OrderQty=line.quantity,
                UOM=settings["UOM"],
                WarehouseID=line.warehouse or settings["WAREHOUSE"],
                UnitCost=line.unit_cost,
            )
            for line in order.lines
        ],
    }


async def list_orders(endpoint: Endpoint, query: PurchaseOrderQuery, zone: ZoneInfo) -> PurchaseOrderPage:
    """Return a page of purchase orders, oldest change first within the page."""
    skip = skipped(query.cursor)
    found = await endpoint.list(
        KIND.entity,
        select=_LISTED,
        filter=after("LastModifiedDateTime", query.modified_since, zone) if query.modified_since else "",
        top=query.limit,
        skip=skip,
    )
    orders = sorted((_listed(item, zone) for item in found), key=lambda order: (order.modified_at, order.number))
    return PurchaseOrderPage(
        orders=tuple(orders), next_cursor=str(skip + query.limit) if len(found) >= query.limit else ""
    )


def _listed(item: Record, zone: ZoneInfo) -> ListedPurchaseOrder:
    return ListedPurchaseOrder(
        number=text(item, "OrderNbr"),
        reference=text(item, "VendorRef"),
        supplier_code=text(item, "VendorID"),
        status=text(item, "Status"),
        total=money(item, "OrderTotal", "CurrencyID"),
        modified_at=moment(item, "LastModifiedDateTime", zone),
    )
