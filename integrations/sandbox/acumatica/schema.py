"""The entities of endpoint Default 24.200.001 this stand-in keeps, with the fields it keeps of them.

A field of the contract that is not listed is taken and forgotten, as the ERP does with what its screen does not keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TEXT, NUMBER, COUNT, FLAG, MOMENT = "text", "number", "count", "flag", "moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """What an entity is made of; ``keys`` are the fields of its address, in their order."""

    name: str
    fields: Mapping[str, str]
    keys: Sequence[str] = ()
    details: Mapping[str, Entity] = field(default_factory=dict)
    linked: Mapping[str, Entity] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Say whether a filter may use the field: the entity's own or a linked one's, not a detail line's."""
        first, slash, rest = name.partition("/")
        return name in self.fields if not slash else first in self.linked and self.linked[first].knows(rest)


def _fields(**names: str) -> dict[str, str]:
    return {name: kind for kind, text in names.items() for name in text.split()}


_ADDRESS = Entity(name="Address", fields=_fields(text="AddressLine1 AddressLine2 City Country PostalCode State"))
_CONTACT = Entity(name="DocContact", fields=_fields(text="Attention BusinessName Email Phone1"))

WAREHOUSE_DETAIL = Entity(
    name="StockItemWarehouseDetail",
    fields=_fields(text="WarehouseID Status", number="QtyOnHand", flag="IsDefault"),
)
STOCK_ITEM = Entity(
    name="StockItem",
    keys=("InventoryID",),
    fields=_fields(
        text="""InventoryID Description ItemStatus ItemClass ItemType BaseUOM SalesUOM PurchaseUOM CountryOfOrigin
        TariffCode WeightUOM DefaultWarehouseID Availability""",
        number="DefaultPrice CurySpecificPrice AverageCost LastCost DimensionWeight",
        moment="LastModified LastModifiedDateTime",
    ),
    details={"WarehouseDetails": WAREHOUSE_DETAIL},
)
SUMMARY_ROW = Entity(
    name="InventorySummaryRow",
    fields=_fields(
        text="WarehouseID LocationID BaseUOM",
        number="QtyOnHand QtyAvailable QtyAvailableForShipment QtyNotAvailable EstimatedUnitCost EstimatedTotalCost",
    ),
)
SUMMARY = Entity(
    name="InventorySummaryInquiry",
    fields=_fields(text="InventoryID WarehouseID LocationID Subitem", flag="ExpandByLotSerialNbr"),
    details={"Results": SUMMARY_ROW},
)
AVAILABLE_ROW = Entity(
    name="InventoryQuantityAvailableDetail",
    fields=_fields(text="InventoryID", number="QtyAvailable", moment="LastModifiedDateTime"),
)
AVAILABLE = Entity(
    name="InventoryQuantityAvailable",
    fields=_fields(text="InventoryID", moment="LastModifiedDateTime"),
    details={"Results": AVAILABLE_ROW},
)
ADJUSTMENT = Entity(
    name="InventoryAdjustment",
    keys=("ReferenceNbr",),
    fields=_fields(
        text="ReferenceNbr Status Description ExternalRef",
        flag="Hold",
        number="TotalQty TotalCost",
        moment="Date LastModifiedDateTime",
    ),
    details={
        "Details": Entity(
            name="InventoryAdjustmentDetail",
            fields=_fields(
                text="InventoryID WarehouseID LocationID UOM ReasonCode Description BranchID ReceiptNbr",
                number="Qty ExtendedCost",
            ),
        )
    },
)
SALES_ORDER = Entity(
    name="SalesOrder",
    keys=("OrderType", "OrderNbr"),
    fields=_fields(
        text="""OrderType OrderNbr Status CustomerID CustomerOrder ExternalRef Description CurrencyID LocationID
        PaymentMethod PaymentRef ShipVia Branch CashAccount ExternalOrderOrigin ExternalOrderSource Project""",
        flag="Hold Approved DisableAutomaticDiscountUpdate DisableAutomaticTaxCalculation IsTaxValid CreditHold",
        number="OrderedQty OrderTotal TaxTotal ControlTotal",
        moment="Date RequestedOn LastModified CreatedDate",
    ),
    details={
        "Details": Entity(
            name="SalesOrderDetail",
            fields=_fields(
                text="""InventoryID WarehouseID UOM LineDescription LineType Branch Location ReasonCode TaxCategory
                ExternalRef AlternateID Operation""",
                number="OrderQty UnitPrice ExtendedPrice Amount DiscountAmount DiscountPercent OpenQty QtyOnShipments",
                flag="FreeItem ManualDiscount ManualPrice Completed",
                count="LineNbr",
                moment="RequestedOn ShipOn",
            ),
        ),
        "Shipments": Entity(
            name="SalesOrderShipment",
            fields=_fields(
                text="ShipmentNbr ShipmentType Status InvoiceNbr InvoiceType InventoryRefNbr InventoryDocType",
                number="ShippedQty ShippedWeight",
                moment="ShipmentDate LastModifiedDateTime",
            ),
        ),
        "Payments": Entity(
            name="SalesOrderPayment",
            fields=_fields(
                text="DocType ReferenceNbr PaymentMethod CashAccount PaymentRef Status ExternalRef Currency",
                number="AppliedToOrder PaymentAmount",
                flag="Hold",
                moment="ApplicationDate",
            ),
        ),
        "TaxDetails": Entity(
            name="TaxDetail",
            fields=_fields(text="TaxID", number="TaxableAmount TaxAmount TaxRate", count="LineNbr"),
        ),
    },
    linked={
        "BillToAddress": _ADDRESS,
        "ShipToAddress": _ADDRESS,
        "BillToContact": _CONTACT,
        "ShipToContact": _CONTACT,
        "Totals": Entity(name="Totals", fields=_fields(number="LineTotalAmount TaxTotal Freight DiscountTotal")),
        "FinancialSettings": Entity(
            name="FinancialSettings", fields=_fields(text="Branch CustomerTaxZone Terms InvoiceNbr")
        ),
        "ShippingSettings": Entity(
            name="ShippingSettings",
            fields=_fields(
                text="ShippingZone ShippingTerms PreferredWarehouseID", flag="ShipSeparately ResidentialDelivery"
            ),
        ),
    },
)
SHIPMENT = Entity(
    name="Shipment",
    keys=("ShipmentNbr",),
    fields=_fields(
        text="ShipmentNbr Status Type Operation CustomerID WarehouseID ShipVia Description",
        flag="Hold",
        number="ShippedQty ShippedWeight FreightCost",
        count="PackageCount",
        moment="ShipmentDate CreatedDateTime LastModifiedDateTime",
    ),
    details={
        "Orders": Entity(
            name="ShipmentOrderDetail",
            fields=_fields(text="OrderType OrderNbr ShipmentNbr ShipmentType InvoiceNbr", number="ShippedQty"),
        ),
        "Packages": Entity(
            name="ShipmentPackage",
            fields=_fields(text="BoxID TrackingNbr Type UOM Description", number="Weight", flag="Confirmed"),
        ),
    },
)
PURCHASE_ORDER = Entity(
    name="PurchaseOrder",
    keys=("Type", "OrderNbr"),
    fields=_fields(
        text="Type OrderNbr Status VendorID VendorRef Location Branch CurrencyID Description Terms Owner Project",
        flag="Hold IsTaxValid",
        number="OrderTotal LineTotal TaxTotal ControlTotal",
        moment="Date PromisedOn LastModifiedDateTime",
    ),
    details={
        "Details": Entity(
            name="PurchaseOrderDetail",
            fields=_fields(
                text="BranchID InventoryID WarehouseID UOM LineDescription Description LineType TaxCategory Project",
                number="OrderQty UnitCost ExtendedCost QtyOnReceipts ReceivedAmount",
                flag="Completed Cancelled",
                count="LineNbr",
                moment="Promised Requested",
            ),
        )
    },
)
PAYMENT = Entity(
    name="Payment",
    keys=("Type", "ReferenceNbr"),
    fields=_fields(
        text="""Type ReferenceNbr Status CustomerID CustomerLocationID PaymentMethod CashAccount PaymentRef ExternalRef
        CurrencyID Description Branch BranchID ProcessingCenterID OrigTransaction""",
        flag="Hold IsCCPayment IsNewCard SaveCard",
        number="PaymentAmount AppliedToDocuments AppliedToOrders AvailableBalance",
        moment="ApplicationDate LastModifiedDateTime",
    ),
    details={
        "DocumentsToApply": Entity(
            name="PaymentDetail",
            fields=_fields(text="DocType ReferenceNbr CustomerOrder Description", number="AmountPaid"),
        ),
        "OrdersToApply": Entity(
            name="PaymentOrderDetail", fields=_fields(text="OrderType OrderNbr", number="AppliedToOrder")
        ),
    },
)
INVOICE = Entity(
    name="Invoice",
    keys=("Type", "ReferenceNbr"),
    fields=_fields(
        text="Type ReferenceNbr Status Customer CustomerOrder Description LinkBranch LocationID Terms Project PostPeriod",
        flag="Hold IsTaxValid",
        number="Amount Balance TaxTotal",
        moment="Date DueDate CreatedDateTime LastModifiedDateTime",
    ),
    details={
        "Details": Entity(
            name="InvoiceDetail",
            fields=_fields(
                text="InventoryID TransactionDescription UOM Account Branch TaxCategory Subaccount ProjectTask",
                number="Qty UnitPrice ExtendedPrice Amount DiscountAmount",
                count="LineNbr",
            ),
        ),
        "TaxDetails": Entity(
            name="InvoiceTaxDetail", fields=_fields(text="TaxID", number="TaxableAmount TaxAmount TaxRate")
        ),
    },
    linked={"BillToContact": _CONTACT, "ShipToContact": _CONTACT},
)
