"""What we send to Canada Post: our types in its elements, checked before anything goes out.

The schemas take kilograms to the gram and centimetres to the millimetre; a parcel is never made smaller than we say.
One shipment of Canada Post's is one parcel.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from integrations.errors import InvalidInput, Unsupported
from integrations.postal_codes import needs_postal_code
from integrations.types.shipping import Address, Parcel, Shipment, ShipmentOrder
from integrations.vendors.canada_post.customs import customs
from integrations.vendors.canada_post.texts import text
from integrations.vendors.canada_post.xml import written

RATE_NAMESPACE = "http://www.canadapost.ca/ws/ship/rate-v4"
SHIPMENT_NAMESPACE = "http://www.canadapost.ca/ws/shipment-v8"
LONGEST_REFERENCE = 35
LONGEST_LINE = 44  # also of a name and a company
MOST_LINES = 2
HEAVIEST_RATED = Decimal("99.999")  # kg
HEAVIEST_SHIPPED = Decimal("999.999")
LONGEST_SIDE = Decimal("999.9")  # cm
LONGEST_POSTAL_CODE_RATED = 10
LONGEST_POSTAL_CODE = 14
# Abroad Canada Post wants to know what becomes of a parcel nobody takes: it comes back at the sender's expense.
NON_DELIVERY = "RASE"
_GRAM, _MILLIMETRE = Decimal("0.001"), Decimal("0.1")
_CANADIAN = re.compile(r"[A-Z]\d[A-Z]\d[A-Z]\d")
_ZIP = re.compile(r"\d{5}(-\d{4})?")
_REGIONS = {"CA": "DOM.", "US": "USA."}  # how the codes of services to a country begin
_ABROAD = "INT."
_LAST_TO_BEGIN = ZoneInfo("America/Vancouver")  # a day is past when it is past in all of Canada's large time zones


def rate_body(customer: str, contract: str, shipment: Shipment, now: datetime) -> bytes:
    """Return the body of a rate request. Raise InvalidInput or Unsupported naming the field."""
    tree = {
        "customer-number": customer,
        "contract-id": contract,
        "expected-mailing-date": _mailing_date(shipment.ship_date, now, "ship_date"),
        "parcel-characteristics": _parcel(shipment, HEAVIEST_RATED, "parcels"),
        "origin-postal-code": _origin_code(shipment.origin, "origin"),
        "destination": _rated_destination(shipment.destination),
    }
    return written(RATE_NAMESPACE, "mailing-scenario", tree)


def ship_body(contract: str, payment: str, order: ShipmentOrder, now: datetime) -> bytes:
    """Return the body that creates and transmits a shipment. Raise InvalidInput or Unsupported naming the field.

    ``transmit-shipment`` spares the manifest: a shipment that is never transmitted is billed by hand at full rates.
    ``provide-pricing-info`` may only be sent as true.
    """
    shipment = order.shipment
    abroad = shipment.destination.country != "CA"
    reference = text(shipment.reference, LONGEST_REFERENCE, "a reference", "shipment.reference")
    tree = {
        "customer-request-id": reference,  # what a look-up after a lost answer finds
        "transmit-shipment": "true",
        "requested-shipping-point": _origin_code(shipment.origin, "shipment.origin"),
        "expected-mailing-date": _mailing_date(shipment.ship_date, now, "shipment.ship_date"),
        "provide-pricing-info": "true",
        "delivery-spec": {
            "service-code": _service(order.service_code, shipment.destination.country),
            "sender": _sender(shipment.origin, "shipment.origin"),
            "destination": _destination(shipment.destination, "shipment.destination"),
            "options": {"option": [{"option-code": NON_DELIVERY}]} if abroad else None,
            "parcel-characteristics": _parcel(shipment, HEAVIEST_SHIPPED, "shipment.parcels"),
            "print-preferences": {"output-format": "4x6", "encoding": "PDF"},
            "preferences": {
                "show-packing-instructions": "false",
                "show-postage-rate": "false",
                "show-insured-value": "false",
            },
            "references": {"customer-ref-1": reference},
            "customs": customs(shipment) if abroad else None,
            "settlement-info": {"contract-id": contract, "intended-method-of-payment": payment},
        },
    }
    return written(SHIPMENT_NAMESPACE, "shipment", tree)


def refund_body(email: str) -> bytes:
    """Return the body that asks for a refund; Canada Post writes to the address when it has decided."""
    return written(SHIPMENT_NAMESPACE, "shipment-refund-request", {"email": email})


def _mailing_date(day: date | None, now: datetime, field: str) -> str | None:
    if day is not None and day < now.astimezone(_LAST_TO_BEGIN).date():
        raise InvalidInput("Canada Post takes no ship date that is past.", field=field)
    return day.isoformat() if day is not None else None


def _service(code: str, country: str) -> str:
    code = text(code, 32, "a service code of a quote, such as DOM.EP,", "service_code")
    region = _REGIONS.get(country, _ABROAD)
    if code.startswith((*_REGIONS.values(), _ABROAD)) and not code.startswith(region):
        raise InvalidInput(
            f"Canada Post's services to {country} begin with {region}; ask for its rates.", field="service_code"
        )
    return code


def _parcel(shipment: Shipment, heaviest: Decimal, field: str) -> dict[str, Any]:
    if len(shipment.parcels) > 1:
        raise Unsupported("Canada Post ships parcels one by one; make a shipment of each.", field=field)
    parcel = shipment.parcels[0]
    weight = parcel.weight_kg.quantize(_GRAM, ROUND_CEILING)
    if weight > heaviest:
        raise InvalidInput(f"Canada Post takes at most {heaviest} kg.", field=f"{field}.0.weight_kg")
    return {"weight": format(weight, "f"), "dimensions": _dimensions(parcel, f"{field}.0")}


def _dimensions(parcel: Parcel, field: str) -> dict[str, str] | None:
    sides = {"length": parcel.length_cm, "width": parcel.width_cm, "height": parcel.height_cm}
    given = {name: side.quantize(_MILLIMETRE, ROUND_CEILING) for name, side in sides.items() if side is not None}
    if given and len(given) < len(sides):
        raise InvalidInput("Canada Post needs all three sizes of a parcel or none.", field=field)
    for name, side in given.items():
        if not 0 < side <= LONGEST_SIDE:
            raise InvalidInput(f"Canada Post takes sizes up to {LONGEST_SIDE} cm.", field=f"{field}.{name}_cm")
    return {name: format(side, "f") for name, side in given.items()} or None


def _origin_code(origin: Address, field: str) -> str:
    if origin.country != "CA":
        raise Unsupported("Canada Post ships from Canada only; choose another vendor.", field=f"{field}.country")
    return _canadian_code(origin, field)


def _canadian_code(address: Address, field: str) -> str:
    code = "".join(address.postal_code.split()).upper()
    if not _CANADIAN.fullmatch(code):
        raise InvalidInput("A Canadian postal code looks like K1A 0B1.", field=f"{field}.postal_code")
    return code


def _zip_code(address: Address, field: str) -> str:
    code = address.postal_code.strip()
    if not _ZIP.fullmatch(code):
        raise InvalidInput("A ZIP code looks like 10001 or 10001-1234.", field=f"{field}.postal_code")
    return code


def _foreign_code(address: Address, longest: int, field: str) -> str | None:
    code = address.postal_code.strip().upper()
    return text(code, longest, "a postal code", f"{field}.postal_code") if code else None


def _rated_destination(address: Address) -> dict[str, Any]:
    if address.country == "CA":
        return {"domestic": {"postal-code": _canadian_code(address, "destination")}}
    if address.country == "US":
        return {"united-states": {"zip-code": _zip_code(address, "destination")}}
    code = _foreign_code(address, LONGEST_POSTAL_CODE_RATED, "destination")
    return {"international": {"country-code": address.country, "postal-code": code}}


def _sender(address: Address, field: str) -> dict[str, Any]:
    company = text(address.company or address.name, LONGEST_LINE, "a company or a name", f"{field}.company")
    return {
        "name": text(address.name, LONGEST_LINE, "a name", f"{field}.name") if address.name else None,
        "company": company,
        "contact-phone": text(address.phone, 25, "a phone number", f"{field}.phone"),
        "address-details": {
            **_street(address, field),
            "prov-state": text(address.state, 20, "a province", f"{field}.state"),
            "country-code": address.country,
            "postal-zip-code": _canadian_code(address, field),
        },
    }


def _destination(address: Address, field: str) -> dict[str, Any]:
    if not (address.name or address.company):
        raise InvalidInput("Canada Post needs the name of a person or a company.", field=f"{field}.name")
    return {
        "name": text(address.name, LONGEST_LINE, "a name", f"{field}.name") if address.name else None,
        "company": text(address.company, LONGEST_LINE, "a company", f"{field}.company") if address.company else None,
        "client-voice-number": text(address.phone, 25, "a phone number", f"{field}.phone") if address.phone else None,
        "address-details": {
            **_street(address, field),
            "prov-state": _state(address, field),
            "country-code": address.country,
            "postal-zip-code": _destination_code(address, field),
        },
    }


def _state(address: Address, field: str) -> str | None:
    """Return the province or state, which Canada Post demands at home and in the United States only."""
    if address.state or address.country in _REGIONS:
        return text(address.state, 20, "a province or state", f"{field}.state")
    return None


def _destination_code(address: Address, field: str) -> str | None:
    if address.country == "CA":
        return _canadian_code(address, field)
    if address.country == "US":
        return _zip_code(address, field)
    if not address.postal_code.strip() and needs_postal_code(address.country):
        raise InvalidInput(f"Canada Post needs a postal code in {address.country}.", field=f"{field}.postal_code")
    return _foreign_code(address, LONGEST_POSTAL_CODE, field)


def _street(address: Address, field: str) -> dict[str, str]:
    lines = [line for line in address.lines if line.strip()]
    if not 1 <= len(lines) <= MOST_LINES:
        raise InvalidInput(f"Canada Post takes one or {MOST_LINES} address lines.", field=f"{field}.lines")
    street = {
        f"address-line-{number}": text(line, LONGEST_LINE, "address lines", f"{field}.lines")
        for number, line in enumerate(lines, start=1)
    }
    return {**street, "city": text(address.city, 40, "a city", f"{field}.city")}
