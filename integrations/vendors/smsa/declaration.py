"""The facts of SMSA Express: operations with their examples, credentials, and what may stand in a record.

Sources: the eCom API's documentation (ecom.smsaexpress.com/docs/api) as public integrations quote it; SMSA publishes no
machine-readable contract, and neither limits nor headers that tell of them, so no quota is declared. A limit SMSA has
named can be set in the toml.
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, Vendor
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
    "reference": "EXAMPLE-7001",
    "origin": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["King Fahd Road 100"],
        "city": "Riyadh",
        "postal_code": "12211",
        "country": "SA",
        "phone": "+966 11 000 0000",
    },
    "destination": {
        "name": "Sara Ali",
        "lines": ["Prince Sultan Street 10", "Ar Rawdah"],
        "city": "Jeddah",
        "postal_code": "23456",
        "country": "SA",
        "phone": "+966 50 000 0000",
        "residential": True,
    },
    "parcels": [{"weight_kg": "1.5", "length_cm": "30", "width_cm": "20", "height_cm": "10"}],
    "declared_value": {"amount": "240.00", "currency": "SAR"},
}
# Invented, like the key: one price at home and one for everywhere else.
_SANDBOX_PRICES = "EDDL SA-SA 22+3 SAR; EIDL SA-* 95+38 SAR"

# No names, streets, cities, phone numbers, contents, labels, or sentences of errors (they quote what was sent).
_KEPT = (
    "Country DeclaredValue CODAmount Parcels ShipDate ShipmentCurrency SMSARetailID WaybillType Weight WeightUnit VatPaid "
    "DutyPaid ServiceCode sawb awb createDate shipmentParcelsCount AWB Pieces OriginCountry DesinationCountry isDelivered "
    "ScanType ScanDescription ScanDateTime ScanTimeZone status"
)

VENDOR = Vendor(
    name="smsa",
    label="SMSA Express",
    kind="shipping",
    region="middle_east",
    base_url="https://ecomapis.smsaexpress.com",
    docs_url="https://ecom.smsaexpress.com/docs/api",
    check="track_shipment",
    credentials=(
        Credential(name="API_KEY", sandbox="smsa_sandbox_key"),
        # SMSA has no rates over its API: these are the prices of our contract with it; see prices.py for their form.
        Credential(name="PRICES", sandbox=_SANDBOX_PRICES, required=False, secret=False),
    ),
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=8.0,
    operations=(
        Operation(name="quote_rates", input=Shipment, result=list[RateQuote], example=_SHIPMENT, deadline=5.0),
        Operation(
            name="create_shipment",
            input=ShipmentOrder,
            result=CreatedShipment,
            example={"shipment": _SHIPMENT, "service_code": "EDDL"},
            idempotency=Idempotency.OURS,
            reference="shipment.reference",
            deadline=60.0,
            attempt_timeout=20.0,
        ),
        Operation(
            name="track_shipment",
            input=TrackingRequest,
            result=Tracking,
            example={"tracking_number": "231200000055"},
            deadline=25.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="cancel_shipment",
            input=TrackingRequest,
            result=CancelledShipment,
            example={"tracking_number": "231200000011"},
            idempotency=Idempotency.NATURAL,
            reference="tracking_number",
            deadline=30.0,
            attempt_timeout=12.0,
        ),
    ),
)
