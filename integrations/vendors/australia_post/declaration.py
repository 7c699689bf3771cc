"""The facts of Australia Post: operations with their examples, quotas, credentials, and what may stand in a record.

Sources: the Shipping & Tracking API's reference (developers.auspost.com.au), which publishes no machine-readable
contract. Only tracking has a published limit, ten requests a minute; a contract may have others, which the toml can
set. The testbed is another base URL, https://digitalapi.auspost.com.au/test/shipping/v1.
"""

from __future__ import annotations

from integrations.adapter import Credential, Fallback, Idempotency, Operation, QuotaPolicy, Vendor
from integrations.types.shipping import (
    CancelledShipment,
    CreatedShipment,
    RateQuote,
    Shipment,
    ShipmentOrder,
    Tracking,
    TrackingRequest,
)

TRACKING_QUOTA = "tracking"

_SHIPMENT = {
    "reference": "EXAMPLE-6001",
    "origin": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["1 Main Street"],
        "city": "Melbourne",
        "state": "VIC",
        "postal_code": "3000",
        "country": "AU",
        "phone": "0355500100",
    },
    "destination": {
        "name": "Ruby Walker",
        "lines": ["2 High Street"],
        "city": "Sydney",
        "state": "NSW",
        "postal_code": "2000",
        "country": "AU",
        "phone": "0255500100",
        "residential": True,
    },
    "parcels": [{"weight_kg": "1.2", "length_cm": "30", "width_cm": "20", "height_cm": "10"}],
    "declared_value": {"amount": "189.00", "currency": "AUD"},
    "contents": [
        {
            "description": "Merino jumper",
            "quantity": 1,
            "value": {"amount": "189.00", "currency": "AUD"},
            "sku": "JMP-003",
            "hs_code": "611011",
            "origin_country": "AU",
            "weight_kg": "0.9",
        }
    ],
}
# No names, streets, contacts, declared values, links to labels or messages, which quote what we sent. Without "name"
# an error keeps its code.
_KEPT = (
    "code error_code error field shipment_id item_id request_id order_id article_id consignment_id tracking_id "
    "shipment_creation_date shipment_modified_date request_date date product_id product_ids product_type status "
    "calculated_price calculated_price_ex_gst calculated_gst bundled_price total_cost total_cost_ex_gst total_gst "
    "fuel_surcharge number_of_items length width height weight cubic_volume country type format group layout branded "
    "left_offset top_offset wait_for_label_url authority_to_leave allow_partial_delivery classification_type"
)

VENDOR = Vendor(
    name="australia_post",
    label="Australia Post",
    kind="shipping",
    region="asia_pacific",
    base_url="https://digitalapi.auspost.com.au/shipping/v1",
    file_hosts=("auspost.com.au",),
    docs_url="https://developers.auspost.com.au/apis/shipping-and-tracking/reference",
    check="quote_rates",  # tracking is cheaper, but its ten a minute are for people
    credentials=(
        Credential(name="API_KEY", sandbox="auspost_sandbox_key"),
        Credential(name="PASSWORD", sandbox="auspost_sandbox_password"),
        Credential(name="ACCOUNT_NUMBER", sandbox="0001234567", secret=False),
    ),
    quotas=(QuotaPolicy(name=TRACKING_QUOTA, limit=10, seconds=60, operations=("track_shipment",)),),
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=8.0,
    operations=(
        Operation(
            name="quote_rates",
            input=Shipment,
            result=list[RateQuote],
            example=_SHIPMENT,
            fallback=Fallback(kind="cached", max_age=3600.0),
            deadline=25.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="create_shipment",
            input=ShipmentOrder,
            result=CreatedShipment,
            example={"shipment": _SHIPMENT, "service_code": "T28S"},
            idempotency=Idempotency.OURS,
            reference="shipment.reference",
            deadline=90.0,  # the shipment, its label, and the label's file
            attempt_timeout=30.0,
        ),
        Operation(
            name="track_shipment",
            input=TrackingRequest,
            result=Tracking,
            example={"tracking_number": "QSB000000301000870900"},
            deadline=25.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="cancel_shipment",
            input=TrackingRequest,
            result=CancelledShipment,
            example={"tracking_number": "QSB000000101000870900"},
            idempotency=Idempotency.NATURAL,
            reference="tracking_number",
            deadline=40.0,
            attempt_timeout=12.0,
        ),
    ),
)
