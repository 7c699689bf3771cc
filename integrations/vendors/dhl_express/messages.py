"""What we send to DHL Express: our types in DHL's words, checked before anything goes out.

The contract forbids fields it does not know and takes three decimals at most, so numbers are cut to those here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta, tzinfo
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from integrations.customs import crosses_customs
from integrations.errors import InvalidInput, Unsupported
from integrations.postal_codes import needs_postal_code
from integrations.types.base import Money
from integrations.types.shipping import Address, ContentLine, Parcel, Shipment, ShipmentOrder

REFERENCE_TYPE = "CU"  # the consignor's reference, which tracking can be searched by
LONGEST_REFERENCE = 35
LONGEST_DESCRIPTION = 70
LONGEST_LINE_DESCRIPTION = 512
LONGEST_POSTAL_CODE = 12
LONGEST_PLACE = 45  # a city and each address line
MOST_LINES = 3
MOST_PARCELS = 999
SHORTEST_DESCRIPTION = 3
AHEAD = timedelta(days=10)
HANDED_OVER = time(17)  # when parcels leave, as a rule
LEAD = timedelta(hours=1)  # DHL advises against the present time: it is past when the request arrives
STEP = Decimal("0.001")


def planned(shipment: Shipment, now: datetime, zone: tzinfo, field: str) -> datetime:
    """Return when the shipment leaves, in the zone of its origin. Raise InvalidInput when DHL takes no such day."""
    soon, latest = (now + LEAD).astimezone(zone), (now + AHEAD).astimezone(zone)
    day = shipment.ship_date or soon.date()
    if not now.astimezone(zone).date() <= day <= latest.date():
        raise InvalidInput(f"DHL Express takes a ship date from today to {AHEAD.days} days ahead.", field=field)
    return min(max(soon, datetime.combine(day, HANDED_OVER, tzinfo=zone)), latest).replace(microsecond=0)


def rate_body(account: str, shipment: Shipment, leaves: datetime) -> dict[str, Any]:
    """Return the body of a rate request. Raise InvalidInput or Unsupported naming the field."""
    _check_parcels(shipment, "parcels")
    declarable = crosses_customs(shipment)
    body: dict[str, Any] = {
        "customerDetails": {
            "shipperDetails": _place(shipment.origin, "origin"),
            "receiverDetails": _place(shipment.destination, "destination"),
        },
        "accounts": [{"typeCode": "shipper", "number": account}],
        "plannedShippingDateAndTime": _moment(leaves),
        "unitOfMeasurement": "metric",
        "isCustomsDeclarable": declarable,
        "nextBusinessDay": True,  # on a Sunday DHL offers nothing for the day itself
        "returnStandardProductsOnly": True,  # others are quoted, and refused to those without an agreement
        "packages": [_parcel(parcel) for parcel in shipment.parcels],
    }
    if declarable and (shipment.contents or shipment.declared_value is not None):
        value = _declared(shipment, "contents")
        body["monetaryAmount"] = [
            {"typeCode": "declaredValue", "value": _cut(value.amount, ROUND_HALF_UP), "currency": value.currency}
        ]
    return body


def ship_body(account: str, order: ShipmentOrder, leaves: datetime) -> dict[str, Any]:
    """Return the body that creates a shipment. Raise InvalidInput or Unsupported naming the field."""
    shipment = order.shipment
    _check_parcels(shipment, "shipment.parcels")
    for number, parcel in enumerate(shipment.parcels):
        if None in (parcel.length_cm, parcel.width_cm, parcel.height_cm):
            raise InvalidInput(
                "DHL Express needs the size of every parcel; give length_cm, width_cm and height_cm.",
                field=f"shipment.parcels.{number}",
            )
    if len(shipment.reference) > LONGEST_REFERENCE:
        raise InvalidInput(
            f"DHL Express takes references of at most {LONGEST_REFERENCE} characters.", field="shipment.reference"
        )
    if not 1 <= len(order.service_code) <= 6:
        raise InvalidInput("DHL Express needs a product code of a quote, such as P.", field="service_code")
    return {
        "plannedShippingDateAndTime": _moment(leaves),
        "pickup": {"isRequested": False},
        "productCode": order.service_code,
        "getRateEstimates": True,
        "accounts": [{"typeCode": "shipper", "number": account}],
        "customerDetails": {
            "shipperDetails": _party(shipment.origin, "shipment.origin"),
            "receiverDetails": _party(shipment.destination, "shipment.destination"),
        },
        # Our reference is what a look-up after a lost answer finds.
        "customerReferences": [{"typeCode": REFERENCE_TYPE, "value": shipment.reference}],
        "content": _content(shipment, leaves),
    }


def _check_parcels(shipment: Shipment, field: str) -> None:
    if len(shipment.parcels) > MOST_PARCELS:
        raise Unsupported(f"DHL Express takes at most {MOST_PARCELS} parcels at once; split the shipment.", field=field)


def _place(address: Address, field: str) -> dict[str, Any]:
    if not address.postal_code and needs_postal_code(address.country):
        raise InvalidInput(f"DHL Express needs a postal code in {address.country}.", field=f"{field}.postal_code")
    if len(address.postal_code) > LONGEST_POSTAL_CODE:
        raise InvalidInput(
            f"DHL Express takes postal codes of at most {LONGEST_POSTAL_CODE} characters.",
            field=f"{field}.postal_code",
        )
    if not 1 <= len(address.city) <= LONGEST_PLACE:
        raise InvalidInput(f"DHL Express needs a city of at most {LONGEST_PLACE} characters.", field=f"{field}.city")
    place = {
        "postalCode": address.postal_code,  # required, and empty where the country has none
        "cityName": address.city,
        "countryCode": address.country,
    }
    if 2 <= len(address.state) <= 35:
        place["provinceCode"] = address.state
    return place


def _party(address: Address, field: str) -> dict[str, Any]:
    lines = [line for line in address.lines if line.strip()]
    if not lines:
        raise InvalidInput("DHL Express needs at least one address line.", field=f"{field}.lines")
    if len(lines) > MOST_LINES or any(len(line) > LONGEST_PLACE for line in lines):
        raise InvalidInput(
            f"DHL Express takes {MOST_LINES} address lines of at most {LONGEST_PLACE} characters.",
            field=f"{field}.lines",
        )
    street = {f"addressLine{number}": line for number, line in enumerate(lines, start=1)}
    person, company = address.name or address.company, address.company or address.name
    contact = {
        "fullName": _text(person, 255, "DHL Express needs a person or a company", f"{field}.name"),
        "companyName": _text(company, 100, "DHL Express needs a company or a person", f"{field}.company"),
        "phone": _text(address.phone, 70, "DHL Express needs a phone number", f"{field}.phone"),
    }
    if address.email:
        contact["email"] = _text(address.email, 70, "DHL Express takes an email", f"{field}.email")
    return {"postalAddress": {**_place(address, field), **street}, "contactInformation": contact}


def _text(value: str, longest: int, what: str, field: str) -> str:
    if not 1 <= len(value) <= longest:
        raise InvalidInput(f"{what} of at most {longest} characters.", field=field)
    return value


def _parcel(parcel: Parcel) -> dict[str, Any]:
    item: dict[str, Any] = {"weight": _cut(parcel.weight_kg, ROUND_CEILING)}
    sides = (parcel.length_cm, parcel.width_cm, parcel.height_cm)
    if all(side is not None for side in sides):
        length, width, height = (_cut(side, ROUND_CEILING) for side in sides if side is not None)
        item["dimensions"] = {"length": length, "width": width, "height": height}
    return item


def _content(shipment: Shipment, leaves: datetime) -> dict[str, Any]:
    declarable = crosses_customs(shipment)
    description = ", ".join(line.description for line in shipment.contents).strip()[:LONGEST_DESCRIPTION]
    content: dict[str, Any] = {
        "packages": [_parcel(parcel) for parcel in shipment.parcels],
        "isCustomsDeclarable": declarable,
        "description": description if len(description) >= SHORTEST_DESCRIPTION else "Merchandise",
        "incoterm": "DAP",  # duties and taxes are the receiver's; DDP needs an agreement with DHL
        "unitOfMeasurement": "metric",
    }
    if not declarable:
        return content
    if not shipment.contents and shipment.declared_value is None:
        raise InvalidInput(
            "DHL Express needs to know for customs what is inside; give contents or declared_value.",
            field="shipment.contents",
        )
    value = _declared(shipment, "shipment.contents")
    lines = _lines(shipment, value)
    return content | {
        "declaredValue": _cut(value.amount, ROUND_HALF_UP),
        "declaredValueCurrency": value.currency,
        "exportDeclaration": {
            "lineItems": [_line_item(line, number, shipment) for number, line in enumerate(lines, start=1)],
            "invoice": {"number": shipment.reference, "date": leaves.date().isoformat()},
            "exportReasonType": "permanent",
            "shipmentType": "commercial",
        },
    }


def _declared(shipment: Shipment, field: str) -> Money:
    """Return the customs value: as declared, else what the contents add up to."""
    stated = shipment.declared_value
    currencies = {line.value.currency for line in shipment.contents} | ({stated.currency} if stated else set())
    if len(currencies) > 1:
        raise InvalidInput("DHL Express needs all contents and their sum valued in one currency.", field=field)
    if stated is not None:
        return stated
    total = sum((line.value.amount for line in shipment.contents), Decimal(0))
    return Money(amount=total, currency=currencies.pop())


def _lines(shipment: Shipment, value: Money) -> Sequence[ContentLine]:
    return shipment.contents or (ContentLine(description="Merchandise", quantity=1, value=value),)


def _line_item(line: ContentLine, number: int, shipment: Shipment) -> dict[str, Any]:
    total = sum((parcel.weight_kg for parcel in shipment.parcels), Decimal(0))
    share = total / max(1, len(shipment.contents))
    weight = _cut(line.weight_kg if line.weight_kg is not None else share, ROUND_DOWN)
    description = line.description.strip()[:LONGEST_LINE_DESCRIPTION]
    if len(description) < SHORTEST_DESCRIPTION:
        raise InvalidInput(
            f"DHL Express needs each line of contents described in {SHORTEST_DESCRIPTION} characters or more.",
            field=f"shipment.contents.{number - 1}.description",
        )
    item: dict[str, Any] = {
        "number": number,
        "description": description,
        "price": _cut(line.value.amount / line.quantity, ROUND_HALF_UP),  # of one piece
        "quantity": {"value": line.quantity, "unitOfMeasurement": "PCS"},
        "manufacturerCountry": line.origin_country or shipment.origin.country,
        "weight": {"netValue": weight, "grossValue": weight},
    }
    if line.hs_code:
        if not 2 <= len(line.hs_code) <= 18:
            raise InvalidInput(
                "DHL Express takes commodity codes of 2 to 18 characters.",
                field=f"shipment.contents.{number - 1}.hs_code",
            )
        item["commodityCodes"] = [{"typeCode": "outbound", "value": line.hs_code}]
    return item


def _cut(value: Decimal, rounding: str) -> Decimal:
    return value.quantize(STEP, rounding)


def _moment(at: datetime) -> str:
    """Return a time as DHL writes it: ``2026-10-01T17:00:00GMT+02:00``."""
    offset = at.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{at:%Y-%m-%dT%H:%M:%S}GMT{sign}{minutes // 60:02d}:{minutes % 60:02d}"
