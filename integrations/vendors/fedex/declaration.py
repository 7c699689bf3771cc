"""The facts of FedEx: operations with their examples, quotas, credentials, and what may stand in a record.

Sources: developer.fedex.com, guides "Rate limits" (1,400 transactions in 10 s per project, 500,000 a day per
organisation, the token end point's penalty) and "Authorization"; the Ship, Rate and Track OpenAPI files 1.0.0.
"""

from __future__ import annotations

from integrations.adapter import Credential, Fallback, Idempotency, Operation, QuotaPolicy, SignIn, Vendor
from integrations.types.shipping import (
    CancelledShipment,
    CreatedShipment,
    RateQuote,
    Shipment,
    ShipmentOrder,
    Tracking,
    TrackingRequest,
)

PROJECT_QUOTA = "project"
DAILY_QUOTA = "organisation_day"

_SHIPMENT = {
    "reference": "EXAMPLE-1001",
    "origin": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["3600 Lamar Avenue"],
        "city": "Memphis",
        "state": "TN",
        "postal_code": "38118",
        "country": "US",
        "phone": "9015550100",
    },
    "destination": {
        "name": "Camille Roy",
        "lines": ["1250 Boulevard Rene-Levesque Ouest"],
        "city": "Montreal",
        "state": "QC",
        "postal_code": "H3B 4W8",
        "country": "CA",
        "phone": "5145550100",
        "residential": True,
    },
    "parcels": [{"weight_kg": "2.4", "length_cm": "40", "width_cm": "30", "height_cm": "12.5"}],
    "declared_value": {"amount": "129.00", "currency": "USD"},
    "contents": [
        {
            "description": "Waxed canvas jacket",
            "quantity": 1,
            "value": {"amount": "129.00", "currency": "USD"},
            "sku": "JKT-001",
            "hs_code": "620193",
            "origin_country": "US",
            "weight_kg": "2.1",
        }
    ],
}

# No names, addresses, amounts declared, labels or tokens.
_KEPT = (
    "transactionId code alertType serviceType serviceName packagingType rateType rateRequestType pickupType "
    "totalNetCharge totalBaseCharge currency units shipDateStamp shipDatestamp totalPackageCount countryCode "
    "trackingNumber masterTrackingNumber trackingNumberUniqueId derivedCode derivedStatusCode eventType "
    "eventDescription docType contentType labelResponseOptions labelStockType imageType cancelledShipment "
    "deletionControl includeDetailedScans grant_type token_type expires_in scope"
)

VENDOR = Vendor(
    name="fedex",
    label="FedEx",
    kind="shipping",
    base_url="https://apis.fedex.com",
    docs_url="https://developer.fedex.com/api/en-us/catalog.html",
    check="track_shipment",
    credentials=(
        Credential(name="CLIENT_ID", sandbox="fedex_sandbox_client", secret=False),
        Credential(name="CLIENT_SECRET", sandbox="fedex_sandbox_secret"),
        Credential(name="ACCOUNT_NUMBER", sandbox="740561073"),
        # A project may be refused tracking; FedEx then gives a second pair for it.
        Credential(name="TRACK_CLIENT_ID", sandbox="", required=False, secret=False),
        Credential(name="TRACK_CLIENT_SECRET", sandbox="", required=False),
    ),
    quotas=(
        QuotaPolicy(name=PROJECT_QUOTA, limit=1400, seconds=10),
        QuotaPolicy(name=DAILY_QUOTA, limit=500_000, seconds=86_400, paced=False),
        # Tracking has a day of its own, shared by all its end points; looking a reference up is one of them.
        QuotaPolicy(
            name="tracking_day", limit=100_000, seconds=86_400, paced=False, operations=("track_shipment", "look_up")
        ),
        # More than one a second for two minutes, and the token end point shuts for ten.
        QuotaPolicy(name="token", limit=1, seconds=1, operations=("sign_in",)),
    ),
    sign_in=SignIn(kind="token"),
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=8.0,
    operations=(
        Operation(
            name="quote_rates",
            input=Shipment,
            result=list[RateQuote],
            example=_SHIPMENT,
            fallback=Fallback(kind="cached", max_age=3600.0),
            deadline=20.0,
            attempt_timeout=8.0,
        ),
        Operation(
            name="create_shipment",
            input=ShipmentOrder,
            result=CreatedShipment,
            example={"shipment": _SHIPMENT, "service_code": "INTERNATIONAL_ECONOMY"},
            idempotency=Idempotency.OURS,
            reference="shipment.reference",
            deadline=60.0,
            attempt_timeout=25.0,
        ),
        Operation(
            name="track_shipment",
            input=TrackingRequest,
            result=Tracking,
            example={"tracking_number": "794600000001"},
            deadline=25.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="cancel_shipment",
            input=TrackingRequest,
            result=CancelledShipment,
            example={"tracking_number": "794600000002"},
            idempotency=Idempotency.NATURAL,
            reference="tracking_number",
            deadline=30.0,
            attempt_timeout=12.0,
        ),
    ),
)
