"""The facts of DHL Express: operations with their examples, credentials, and what may stand in a record.

Sources: MyDHL API 3.1.1 (OpenAPI) and developer.dhl.com, "MyDHL API". DHL sets limits per credential and publishes
none, so no quota is declared; one that DHL has named can be set in the toml.
"""

from __future__ import annotations

from integrations.adapter import Credential, Fallback, Idempotency, Operation, Vendor
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
    "reference": "EXAMPLE-3001",
    "origin": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["Hafenstrasse 12"],
        "city": "Hamburg",
        "postal_code": "20457",
        "country": "DE",
        "phone": "+49405550100",
        "email": "dispatch@quayside.example",
    },
    "destination": {
        "name": "Noura Al Marri",
        "lines": ["Villa 8, Street 21"],
        "city": "Dubai",
        "country": "AE",
        "phone": "+971505550100",
        "residential": True,
    },
    "parcels": [{"weight_kg": "1.8", "length_cm": "35", "width_cm": "25", "height_cm": "10"}],
    "declared_value": {"amount": "119.80", "currency": "EUR"},
    "contents": [
        {
            "description": "Linen shirt",
            "quantity": 2,
            "value": {"amount": "119.80", "currency": "EUR"},
            "sku": "SHR-014",
            "hs_code": "620590",
            "origin_country": "PT",
            "weight_kg": "0.6",
        }
    ],
}
# No names, streets, contacts, signatures, declared amounts or documents.
_KEPT = (
    "instance title status code productCode productName localProductCode networkTypeCode currencyType priceCurrency "
    "price countryCode unitOfMeasurement isCustomsDeclarable plannedShippingDateAndTime estimatedDeliveryDateAndTime "
    "totalTransitDays incoterm isRequested getRateEstimates shipmentTrackingNumber trackingNumber referenceNumber "
    "shipmentTimestamp date time GMTOffset imageFormat numberOfPieces estimatedDeliveryDate manufacturerCountry"
)

VENDOR = Vendor(
    name="dhl_express",
    label="DHL Express",
    kind="shipping",
    base_url="https://express.api.dhl.com/mydhlapi",
    docs_url="https://developer.dhl.com/api-reference/dhl-express-mydhl-api",
    check="track_shipment",
    credentials=(
        Credential(name="USERNAME", sandbox="dhl_sandbox_user", secret=False),
        Credential(name="PASSWORD", sandbox="dhl_sandbox_password"),
        Credential(name="ACCOUNT_NUMBER", sandbox="123456789"),
        # DHL reads the time of a shipment as local to the place it leaves from; a country may have several zones.
        Credential(name="TIME_ZONE", sandbox="Europe/Berlin", required=False, secret=False),
    ),
    kept_fields=frozenset(_KEPT.split()),
    request_id_header="invocation-id",
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
            example={"shipment": _SHIPMENT, "service_code": "P"},
            idempotency=Idempotency.OURS,
            reference="shipment.reference",
            deadline=60.0,
            attempt_timeout=30.0,
        ),
        Operation(
            name="track_shipment",
            input=TrackingRequest,
            result=Tracking,
            example={"tracking_number": "9356579890"},
            deadline=25.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="cancel_shipment",
            supported=False,
            input=TrackingRequest,
            result=CancelledShipment,
            example={"tracking_number": "9356579890"},
            idempotency=Idempotency.NATURAL,
            reference="tracking_number",
        ),
    ),
)
