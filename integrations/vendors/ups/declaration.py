"""The facts of UPS: operations with their examples, quotas, credentials, and what may stand in a record.

Sources: the OpenAPI files of UPS-API/api-documentation (Rating and Shipping v2409, Tracking v1, OAuth client
credentials). UPS publishes no limits and sends none with a 429, and raises them on request (its issue 8), so the quotas
here are our own caution; the toml can set others. The test environment is another base URL, https://wwwcie.ups.com.
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

_SHIPMENT = {
    "reference": "EXAMPLE-2001",
    "origin": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["2311 York Road"],
        "city": "Timonium",
        "state": "MD",
        "postal_code": "21093",
        "country": "US",
        "phone": "410-555-0100",
    },
    "destination": {
        "name": "Camille Roy",
        "lines": ["1250 Boulevard Rene-Levesque Ouest"],
        "city": "Montreal",
        "state": "QC",
        "postal_code": "H3B 4W8",
        "country": "CA",
        "phone": "514-555-0100",
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
# No names, streets, contacts, reference values, descriptions, labels, forms, signatures or tokens.
_KEPT = (
    "code Code CurrencyCode MonetaryValue CountryCode countryCode country Weight Length Width Height RequestOption "
    "NegotiatedRatesIndicator PackageBillType Zone RateChart RatingMethod BusinessDaysInTransit TotalTransitDays "
    "PickupDate DayOfWeek ShipmentIdentificationNumber TrackingNumber inquiryNumber trackingNumber type statusCode "
    "date time gmtDate gmtTime gmtOffset packageCount levelCode grant_type token_type issued_at expires_in status "
    "refresh_count"
)

VENDOR = Vendor(
    name="ups",
    label="UPS",
    kind="shipping",
    # Without /api: tokens come from the same host above it, in the test environment too.
    base_url="https://onlinetools.ups.com",
    docs_url="https://developer.ups.com/api/reference",
    check="track_shipment",
    credentials=(
        Credential(name="CLIENT_ID", sandbox="ups_sandbox_client", secret=False),
        Credential(name="CLIENT_SECRET", sandbox="ups_sandbox_secret"),
        Credential(name="ACCOUNT_NUMBER", sandbox="A1B2C3"),
    ),
    quotas=(
        QuotaPolicy(name="rating", limit=10, seconds=1, operations=("quote_rates",)),
        QuotaPolicy(name="shipping", limit=5, seconds=1, operations=("create_shipment", "cancel_shipment", "look_up")),
        QuotaPolicy(name="tracking", limit=10, seconds=1, operations=("track_shipment",)),
        # A token a call is a known cause of 429 (issue 123 of api-documentation); one lasts four hours.
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
            example={"shipment": _SHIPMENT, "service_code": "11"},
            idempotency=Idempotency.OURS,
            reference="shipment.reference",
            deadline=60.0,
            attempt_timeout=25.0,
        ),
        Operation(
            name="track_shipment",
            input=TrackingRequest,
            result=Tracking,
            example={"tracking_number": "1ZA1B2C30300000030"},
            deadline=25.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="cancel_shipment",
            input=TrackingRequest,
            result=CancelledShipment,
            example={"tracking_number": "1ZA1B2C30300000058"},
            idempotency=Idempotency.NATURAL,
            reference="tracking_number",
            deadline=30.0,
            attempt_timeout=12.0,
        ),
    ),
)
