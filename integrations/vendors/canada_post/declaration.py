"""The facts of Canada Post: operations with their examples, quotas, credentials, and what may stand in a record.

A commercial contract is needed: shipments without one know no request id, so a lost answer could not be looked up.
Sources: the developer program's pages "Throttle limits" (per API key in a rolling minute, the limits of a key that was
not upgraded) and "Fundamentals"; the schemas rate-v4, shipment-v8 and track-v2.
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

_SHIPMENT = {
    "reference": "EXAMPLE-4001",
    "origin": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["2701 Riverside Drive"],
        "city": "Ottawa",
        "state": "ON",
        "postal_code": "K1A 0B1",
        "country": "CA",
        "phone": "613-555-0100",
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
    "parcels": [{"weight_kg": "1.5", "length_cm": "20", "width_cm": "15", "height_cm": "10"}],
}

# No names, addresses, postal codes, phone numbers, customer numbers, addresses of links, or descriptions of errors.
_KEPT = (
    "code service-code service-name country-code weight length width height expected-mailing-date base due gst pst hst "
    "option-code option-name option-price adjustment-code adjustment-name adjustment-cost adjustment-amount percent "
    "am-delivery guaranteed-delivery expected-transit-time expected-transmit-time expected-delivery-date rel media-type "
    "shipment-id shipment-status tracking-pin transmit-shipment provide-pricing-info base-amount "
    "pre-tax-amount gst-amount pst-amount hst-amount due-amount rated-weight output-format encoding "
    "intended-method-of-payment reason-for-export currency service-ticket-id service-ticket-date pin event-identifier "
    "event-date event-time event-time-zone event-province"
)

VENDOR = Vendor(
    name="canada_post",
    label="Canada Post",
    kind="shipping",
    region="north_america",
    base_url="https://soa-gw.canadapost.ca",
    docs_url="https://www.canadapost-postescanada.ca/info/mc/business/productsservices/developers/services/default.jsf",
    check="quote_rates",  # tracking has the smallest quota, and does not prove the customer number
    credentials=(
        Credential(name="USERNAME", sandbox="canada_post_sandbox_user"),  # the two halves of an API key
        Credential(name="PASSWORD", sandbox="canada_post_sandbox_password"),
        Credential(name="CUSTOMER_NUMBER", sandbox="2004381"),
        Credential(name="CONTRACT_ID", sandbox="42708517"),
        Credential(name="MAILED_ON_BEHALF_OF", sandbox="", required=False),
        Credential(name="PAYMENT_METHOD", sandbox="Account", required=False, secret=False, default="Account"),
        # Canada Post asks who wants a refund, and a shipment that was transmitted is cancelled by a refund.
        Credential(name="REFUND_EMAIL", sandbox="dispatch@quayside.example", required=False),
    ),
    quotas=(
        QuotaPolicy(name="rates", limit=840, seconds=60, operations=("quote_rates",)),
        # A look-up asks for a list and for what is in it, so it draws on both.
        QuotaPolicy(name="shipments", limit=646, seconds=60, operations=("create_shipment", "poll", "look_up")),
        QuotaPolicy(name="lists", limit=730, seconds=60, operations=("look_up",)),
        QuotaPolicy(name="refunds", limit=468, seconds=60, operations=("cancel_shipment",)),
        QuotaPolicy(name="tracking", limit=20, seconds=60, operations=("track_shipment",)),
    ),
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
            example={"shipment": _SHIPMENT, "service_code": "DOM.EP"},
            idempotency=Idempotency.OURS,
            reference="shipment.reference",
            deadline=60.0,
            attempt_timeout=20.0,
        ),
        Operation(
            name="track_shipment",
            input=TrackingRequest,
            result=Tracking,
            example={"tracking_number": "7023210039400059"},
            deadline=25.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="cancel_shipment",
            input=TrackingRequest,
            result=CancelledShipment,
            example={"tracking_number": "7023210039400011"},
            idempotency=Idempotency.NATURAL,
            reference="tracking_number",
            deadline=40.0,
            attempt_timeout=12.0,
        ),
    ),
)
