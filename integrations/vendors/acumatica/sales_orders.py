"""Sales orders: ours into the ERP exactly once, theirs read back with the shipment's tracking number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrations.types.erp import FoundSalesOrder, SalesOrder, SalesOrderLine, SalesOrderQuery
from integrations.types.shipping import Address
from integrations.vendors.acumatica.documents import Endpoint, Kind, the_one
from integrations.vendors.acumatica.filters import equal, every, one_of
from integrations.vendors.acumatica.values import Record, details, moment, money, text, wrapped
from integrations.vendors.acumatica.zone import erp_date, erp_day

# A sales order has LastModified only; the other documents have LastModifiedDateTime.
_FOUND = ("OrderTotal", "CurrencyID", "LastModified", "Shipments/ShipmentNbr")


def kind(order_type: str) -> Kind:
    """Return how a sales order of the configured type is known."""
    return Kind(
        entity="SalesOrder",
        reference="ExternalRef",
        number="OrderNbr",
        type=order_type,
        type_field="OrderType",
        in_effect=frozenset({"Open", "Shipping", "Back Order", "Completed", "Invoiced"}),
    )


def body(order: SalesOrder, settings: Mapping[str, str], zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """Return an order as the ERP takes it; its day is the ERP's day of the moment it was placed."""
    return {
        **wrapped(
            OrderType=settings["ORDER_TYPE"],
            CustomerID=order.customer_code or settings["CUSTOMER_CODE"],
            ExternalRef=order.reference,
            CurrencyID=order.currency,
            Date=erp_date(erp_day(order.placed_at or now, zone), zone),
            Description=order.description,
            Hold=False,
        ),
        "Details": [_line(line, settings) for line in order.lines],
        **(_ship_to(order.ship_to) if order.ship_to else {}),
    }


def _line(line: SalesOrderLine, settings: Mapping[str, str]) -> dict[str, Any]:
    return wrapped(
        InventoryID=line.sku,
        OrderQty=line.quantity,
        UOM=settings["UOM"],
        WarehouseID=settings["WAREHOUSE"],
        LineDescription=line.description,
        UnitPrice=line.unit_price,
        # Otherwise the ERP's price list replaces what the shopper paid.
        ManualPrice=True if line.unit_price is not None else None,
    )


def _ship_to(address: Address) -> dict[str, Any]:
    first, second = (*address.lines, "", "")[:2]
    rest = ", ".join(address.lines[2:])
    return {
        **wrapped(ShipToAddressOverride=True, ShipToContactOverride=True),
        "ShipToAddress": wrapped(
            AddressLine1=first,
            AddressLine2=", ".join(part for part in (second, rest) if part),
            City=address.city,
            State=address.state,
            PostalCode=address.postal_code,
            Country=address.country,
        ),
        "ShipToContact": wrapped(
            BusinessName=address.company or address.name,
            Attention=address.name,
            Email=address.email,
            Phone1=address.phone,
        ),
    }


async def find(endpoint: Endpoint, query: SalesOrderQuery, order_type: str, zone: ZoneInfo) -> FoundSalesOrder:
    """Return what the ERP knows of an order by our reference; ``found`` False when it has none."""
    order = kind(order_type)
    condition = every([equal(order.type_field, order.type), equal(order.reference, query.reference)])
    found = await endpoint.list("SalesOrder", select=(*order.fields, *_FOUND), filter=condition, expand="Shipments")
    record = the_one(found, order, query.reference)
    if record is None:
        return FoundSalesOrder(vendor="acumatica", reference=query.reference, found=False)
    return FoundSalesOrder(
        vendor="acumatica",
        reference=query.reference,
        found=True,
        number=text(record, "OrderNbr"),
        status=text(record, "Status"),
        total=money(record, "OrderTotal", "CurrencyID"),
        tracking_number=await _tracking_number(endpoint, record),
        modified_at=moment(record, "LastModified", zone),
    )


async def _tracking_number(endpoint: Endpoint, order: Record) -> str:
    """Return the first tracking number on the order's shipments, '' while there is none."""
    numbers = [
        name for line in details(order, "Shipments") if "ShipmentNbr" in line and (name := text(line, "ShipmentNbr"))
    ]
    if not numbers:
        return ""
    shipments = await endpoint.list(
        "Shipment",
        select=("ShipmentNbr", "Packages/TrackingNbr"),
        filter=one_of("ShipmentNbr", numbers[:10]),
        expand="Packages",
    )
    packages = [package for shipment in shipments for package in details(shipment, "Packages")]
    return next((name for package in packages if (name := text(package, "TrackingNbr"))), "")
