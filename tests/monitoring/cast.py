"""Six vendors and three syncs, as the pages are told of them."""

from __future__ import annotations

from monitoring.facts import OperationFacts, QuotaFacts, SyncFacts, VendorFacts

OPERATIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "acumatica": (
        ("list_stock", "PUT", "/entity/Default/24.200.001/InventorySummaryInquiry"),
        ("adjust_stock", "PUT", "/entity/Default/24.200.001/InventoryAdjustment"),
        ("put_sales_order", "PUT", "/entity/Default/24.200.001/SalesOrder"),
    ),
    "aramex": (
        ("quote_rates", "POST", "/ShippingAPI.V2/RateCalculator/Service_1_0.svc"),
        ("create_shipment", "POST", "/ShippingAPI.V2/Shipping/Service_1_0.svc"),
    ),
    "fedex": (
        ("quote_rates", "POST", "/rate/v1/rates/quotes"),
        ("create_shipment", "POST", "/ship/v1/shipments"),
        ("track_shipment", "POST", "/track/v1/trackingnumbers"),
    ),
    "open_exchange_rates": (("latest_rates", "GET", "/api/latest.json"),),
    "slack": (("post_message", "POST", "/api/chat.postMessage"),),
    "stripe": (
        ("create_payment", "POST", "/v1/payment_intents"),
        ("capture_payment", "POST", "/v1/payment_intents/{id}/capture"),
        ("get_payment", "GET", "/v1/payment_intents/{id}"),
    ),
}
_LABELS = {
    "acumatica": ("Acumatica", "erp", (("minute", 50.0, 60.0),)),
    "aramex": ("Aramex", "shipping", (("day", 5000.0, 86400.0),)),
    "fedex": ("FedEx", "shipping", (("burst", 20.0, 1.0), ("day", 100000.0, 86400.0))),
    "open_exchange_rates": ("Open Exchange Rates", "currency", (("month", 1000.0, 2592000.0),)),
    "slack": ("Slack", "messages", (("post", 1.0, 1.0),)),
    "stripe": ("Stripe", "payments", (("account", 100.0, 1.0),)),
}


def vendor_facts() -> list[VendorFacts]:
    """Return the six vendors as the pages are told of them."""
    return [
        VendorFacts(
            name=name,
            label=label,
            kind=kind,
            base_url=f"http://127.0.0.1:8060/{name}",
            docs_url=f"https://docs.example.com/{name}",
            sandboxed=True,
            region={"aramex": "middle_east", "acumatica": "north_america"}.get(name, "worldwide"),
            credentials=((f"QUAYSIDE_{name.upper()}_KEY", True), (f"QUAYSIDE_{name.upper()}_ACCOUNT", name != "slack")),
            quotas=[
                QuotaFacts(name=quota, limit=limit, seconds=seconds, reserve=0.3 * limit)
                for quota, limit, seconds in quotas
            ],
            operations=[
                OperationFacts(
                    name=operation,
                    idempotent=method == "GET",
                    fallback="cached" if operation in {"quote_rates", "latest_rates"} else None,
                    input_schema={},
                    result_schema={},
                    example={},
                )
                for operation, method, _path in OPERATIONS[name]
            ],
        )
        for name, (label, kind, quotas) in _LABELS.items()
    ]


def sync_facts() -> list[SyncFacts]:
    """Return the three syncs as the pages are told of them."""
    return [
        SyncFacts(
            name="inventory",
            label="Inventory",
            description="Brings stock to the same figure in the ERP and on the platform, both ways.",
            schedule="every 15m",
            vendors=("acumatica",),
            no_backfill="Stock is what there is now; neither side can say what there was.",
        ),
        SyncFacts(
            name="currency",
            label="Currency rates",
            description="Fetches base rates from the first source that answers.",
            schedule="every 6h",
            vendors=("open_exchange_rates",),
            backfill_days=1,
            backfill_vendors=("open_exchange_rates",),
            backfill_operation="historical_rates",
            backfill_whole_days=True,
        ),
        SyncFacts(
            name="orders",
            label="Orders",
            description="Brings each order to the ERP exactly once, then its status back.",
            schedule="every 2m",
            vendors=("acumatica",),
        ),
    ]
