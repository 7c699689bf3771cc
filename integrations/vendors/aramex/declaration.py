"""The facts of Aramex: operations with their examples, credentials, services, and what may stand in a record.

Sources: the WSDLs Aramex publishes for its rate (V2), shipping and tracking (V2) services. Aramex publishes no limits.
"""

from __future__ import annotations

from pathlib import Path

from integrations.adapter import Credential, Fallback, Idempotency, Operation, SoapService, Vendor
from integrations.types.shipping import (
    CancelledShipment,
    CreatedShipment,
    RateQuote,
    Shipment,
    ShipmentOrder,
    Tracking,
    TrackingRequest,
)

NAMESPACE = "http://ws.aramex.net/ShippingAPI/v1/"
_HERE = Path(__file__).parent

RATES = SoapService(
    name="Aramex rates",
    wsdl=(_HERE / "rates.wsdl").read_bytes(),
    binding=f"{{{NAMESPACE}}}BasicHttpBinding_Service_1_0",
    path="/ShippingAPI.V2/RateCalculator/Service_1_0.svc",
)
SHIPPING = SoapService(
    name="Aramex shipping",
    wsdl=(_HERE / "shipping.wsdl").read_bytes(),
    binding=f"{{{NAMESPACE}}}Service_1_0",
    path="/ShippingAPI.V2/Shipping/Service_1_0.svc",
)
TRACKING = SoapService(
    name="Aramex tracking",
    wsdl=(_HERE / "tracking.wsdl").read_bytes(),
    binding=f"{{{NAMESPACE}}}BasicHttpBinding_Service_1_0",
    path="/ShippingAPI.V2/Tracking/Service_1_0.svc",
)

# product group -> product type -> what people call it; one rate request each.
PRODUCTS: dict[str, dict[str, str]] = {
    "EXP": {
        "EPX": "Economy Parcel Express",
        "PPX": "Priority Parcel Express",
        "PDX": "Priority Document Express",
    },
    "DOM": {"OND": "Overnight Document", "ONP": "Overnight Parcel"},
}

_DUBAI = {
    "name": "Dispatch",
    "company": "Quayside Outfitters",
    "lines": ["Warehouse 12, Al Quoz 3"],
    "city": "Dubai",
    "country": "AE",
    "phone": "+97145550100",
    "email": "dispatch@quayside.example",
}
_SHIPMENT = {
    "reference": "EXAMPLE-2001",
    "origin": _DUBAI,
    "destination": {
        "name": "Noura Al-Sabah",
        "lines": ["Block 4, Street 12, House 7"],
        "city": "Kuwait City",
        "country": "KW",
        "phone": "+96525550100",
        "residential": True,
    },
    "parcels": [{"weight_kg": "1.8", "length_cm": "35", "width_cm": "25", "height_cm": "10"}],
    "declared_value": {"amount": "42.500", "currency": "KWD"},
    "contents": [
        {
            "description": "Linen shirt",
            "quantity": 2,
            "value": {"amount": "42.500", "currency": "KWD"},
            "sku": "SHR-014",
            "origin_country": "AE",
        }
    ],
}
# No ClientInfo, no names, no addresses, no labels.
_KEPT = (
    "HasErrors Code ProductGroup ProductType PaymentType CurrencyCode Value Unit NumberOfPieces CountryCode "
    "GoodsOriginCountry ReportID ReportType GetLastTrackingUpdateOnly ID WaybillNumber Key UpdateCode "
    "UpdateDescription UpdateDateTime ProblemCode WeightUnit GrossWeight ChargeableWeight string faultcode"
)

VENDOR = Vendor(
    name="aramex",
    label="Aramex",
    kind="shipping",
    region="middle_east",
    base_url="https://ws.aramex.net",
    docs_url="https://www.aramex.com/us/en/developers-solution-center/aramex-apis",
    check="track_shipment",
    credentials=(
        Credential(name="USERNAME", sandbox="sandbox@quayside.example", secret=False),
        Credential(name="PASSWORD", sandbox="aramex_sandbox_password"),
        Credential(name="ACCOUNT_NUMBER", sandbox="60000001"),
        Credential(name="ACCOUNT_PIN", sandbox="112233"),
        Credential(name="ACCOUNT_ENTITY", sandbox="DXB", secret=False),
        Credential(name="ACCOUNT_COUNTRY_CODE", sandbox="AE", secret=False),
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
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="create_shipment",
            input=ShipmentOrder,
            result=CreatedShipment,
            example={"shipment": _SHIPMENT, "service_code": "EPX"},
            idempotency=Idempotency.OURS,
            reference="shipment.reference",
            deadline=60.0,
            attempt_timeout=30.0,
        ),
        Operation(
            name="track_shipment",
            input=TrackingRequest,
            result=Tracking,
            example={"tracking_number": "44000000001"},
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="cancel_shipment",
            supported=False,
            input=TrackingRequest,
            result=CancelledShipment,
            example={"tracking_number": "44000000001"},
            idempotency=Idempotency.NATURAL,
            reference="tracking_number",
        ),
    ),
)
