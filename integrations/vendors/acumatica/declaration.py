"""The facts of Acumatica: operations with their examples, settings, limits, and what may stand in a record.

Sources: Integration Development Guide ("Sign In", "License Restrictions for API Users"), the OpenAPI file of the
endpoint Default/24.200.001.
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, SignIn, Vendor
from integrations.types.erp import (
    FoundSalesOrder,
    Invoice,
    PostedDocument,
    PurchaseOrder,
    PurchaseOrderPage,
    PurchaseOrderQuery,
    ReceivedPayment,
    SalesOrder,
    SalesOrderQuery,
    StockAdjustment,
    StockPage,
    StockQuery,
)

_DOCUMENT_DEADLINE = 90.0  # a look-up, the document, and its proof; the server queues requests when it is busy
_RELEASE_DEADLINE = 180.0  # the same, and a release that runs in the background

VENDOR = Vendor(
    name="acumatica",
    label="Acumatica",
    kind="erp",
    base_url="",  # every customer has an instance of their own
    docs_url="https://help.acumatica.com/",
    operations=(
        Operation(
            name="list_stock",
            input=StockQuery,
            result=StockPage,
            example={"limit": 1},
            attempt_timeout=30.0,
        ),
        Operation(
            name="adjust_stock",
            input=StockAdjustment,
            result=PostedDocument,
            example={
                "reference": "EXAMPLE-ADJ-1",
                "lines": [{"sku": "APP-00005", "warehouse": "MAIN", "difference": "1"}],
                "reason": "Counted again",
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=_RELEASE_DEADLINE,
            attempt_timeout=60.0,
        ),
        Operation(
            name="put_sales_order",
            input=SalesOrder,
            result=PostedDocument,
            example={
                "reference": "EXAMPLE-1001",
                "currency": "USD",
                "lines": [{"sku": "APP-00005", "quantity": "2", "unit_price": "24.99"}],
                "ship_to": {
                    "name": "Camille Roy",
                    "lines": ["1250 Boulevard Rene-Levesque Ouest"],
                    "city": "Montreal",
                    "state": "QC",
                    "postal_code": "H3B 4W8",
                    "country": "CA",
                },
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=_DOCUMENT_DEADLINE,
            attempt_timeout=30.0,
        ),
        Operation(
            name="find_sales_order",
            input=SalesOrderQuery,
            result=FoundSalesOrder,
            example={"reference": "EXAMPLE-1001"},
        ),
        Operation(
            name="put_purchase_order",
            input=PurchaseOrder,
            result=PostedDocument,
            example={
                "reference": "EXAMPLE-PO-1",
                "supplier_code": "GOODGOODS",
                "lines": [{"sku": "APP-00005", "quantity": "50", "unit_cost": "9.50"}],
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=_DOCUMENT_DEADLINE,
            attempt_timeout=30.0,
        ),
        Operation(
            name="list_purchase_orders",
            input=PurchaseOrderQuery,
            result=PurchaseOrderPage,
            example={"limit": 10},
            attempt_timeout=30.0,
        ),
        Operation(
            name="put_payment",
            input=ReceivedPayment,
            result=PostedDocument,
            example={
                "reference": "EXAMPLE-PAY-1",
                "customer_code": "WEBSHOP",
                "amount": {"amount": "49.98", "currency": "USD"},
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=_RELEASE_DEADLINE,
            attempt_timeout=30.0,
        ),
        Operation(
            name="put_invoice",
            input=Invoice,
            result=PostedDocument,
            example={
                "reference": "EXAMPLE-INV-1",
                "customer_code": "WEBSHOP",
                "lines": [{"description": "Gift wrapping", "quantity": "1", "unit_price": "4.00"}],
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=_RELEASE_DEADLINE,
            attempt_timeout=30.0,
        ),
    ),
    check="list_stock",
    credentials=(
        Credential(name="USERNAME", sandbox="quayside", secret=False),
        Credential(name="PASSWORD", sandbox="sandbox-password"),
        Credential(name="TENANT", sandbox="Quayside", required=False, secret=False),
        Credential(name="BRANCH", sandbox="", required=False, secret=False),
        Credential(
            name="ENDPOINT",
            sandbox="Default/24.200.001",
            required=False,
            secret=False,
            default="Default/24.200.001",
        ),
        Credential(
            name="TIME_ZONE", sandbox="America/New_York", required=False, secret=False, default="America/New_York"
        ),
        Credential(name="WAREHOUSE", sandbox="MAIN", required=False, secret=False, default="MAIN"),
        Credential(name="LOCATION", sandbox="", required=False, secret=False),
        Credential(name="REASON_CODE", sandbox="", required=False, secret=False),
        Credential(name="UOM", sandbox="EA", required=False, secret=False, default="EA"),
        Credential(name="ORDER_TYPE", sandbox="SO", required=False, secret=False, default="SO"),
        Credential(name="CUSTOMER_CODE", sandbox="WEBSHOP", required=False, secret=False, default="WEBSHOP"),
        Credential(name="CURRENCY", sandbox="USD", required=False, secret=False, default="USD"),
        Credential(name="PAYMENT_METHOD", sandbox="", required=False, secret=False),
        Credential(name="CASH_ACCOUNT", sandbox="", required=False, secret=False),
        # The API users of the licence; a trial has two. An interactive sign-in elsewhere counts too.
        Credential(name="MAX_SESSIONS", sandbox="2", required=False, secret=False, default="2"),
        Credential(name="LOGIN_WAIT", sandbox="5", required=False, secret=False, default="15"),  # seconds
    ),
    # Every licence has its own number of requests a minute; from half of it on the server slows down deliberately.
    quotas=(QuotaPolicy(name="licence_minute", limit=600, seconds=60.0, paced=False),),
    concurrency=2,
    sign_in=SignIn(kind="session", header="cookie", slots=2, slot_seconds=600.0),
    kept_fields=frozenset(
        {
            "AppliedToOrder",
            "Balance",
            "CurrencyID",
            "CustomerID",
            "CustomerOrder",
            "Date",
            "ExternalRef",
            "Hold",
            "InventoryID",
            "LastModified",
            "LastModifiedDateTime",
            "OrderNbr",
            "OrderQty",
            "OrderTotal",
            "OrderType",
            "PaymentAmount",
            "PaymentRef",
            "Qty",
            "QtyOnHand",
            "ReferenceNbr",
            "ShipmentNbr",
            "Status",
            "TotalQty",
            "TrackingNbr",
            "Type",
            "UOM",
            "UnitCost",
            "UnitPrice",
            "VendorID",
            "VendorRef",
            "WarehouseID",
            "exceptionType",
            "id",
            "rowNumber",
        }
    ),
    slow_call_duration=15.0,
)
