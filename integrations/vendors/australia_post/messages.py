"""What Australia Post is sent: prices of items, shipments, labels.

Lengths and limits are those of the reference's tables; what they refuse is refused here, by our own field's name.
Abroad the reference's example is followed: goods for sale are ``OTHER`` with a commercial value, and the contents are
valued by the piece in Australian dollars (unconfirmed: no page of the reference says so in words).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from integrations.errors import InvalidInput, Unsupported
from integrations.postal_codes import needs_postal_code
from integrations.types.shipping import Address, ContentLine, Parcel, Shipment, ShipmentOrder

HOME = "AU"
CURRENCY = "AUD"
STATES = frozenset({"ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA"})
LONGEST_REFERENCE = 50
LONGEST_TEXT = 40  # a name, an address line, a suburb
LONGEST_PHONE = 20
LONGEST_EMAIL = 50
LONGEST_PRODUCT = 14
MOST_LINES = 3
MOST_ITEMS = 20
LONGEST_SIDE = Decimal(105)  # cm
LARGEST_VOLUME = Decimal("250000")  # cm3: 0.25 m3
SHORT_SIDE = Decimal(5)  # cm; at most one side may be shorter
LABEL_GROUPS = ("Parcel Post", "Express Post", "International")
LABEL_LAYOUT = "A4-1pp"
_SIDE_STEP = Decimal("0.1")
_WEIGHT_STEP = Decimal("0.001")
_CENT = Decimal("0.01")


def price_body(shipment: Shipment) -> dict[str, Any]:
    """Return the body that asks for prices. Raise InvalidInput or Unsupported naming the field."""
    _check(shipment, "")
    return {
        "from": {"postcode": _postcode(shipment.origin, "origin")},
        "to": _priced_place(shipment.destination),
        "items": [_parcel(parcel) for parcel in shipment.parcels],
    }


def shipment_body(order: ShipmentOrder) -> dict[str, Any]:
    """Return the body that creates one shipment. Raise InvalidInput or Unsupported naming the field.

    It has no day: a shipment leaves with the order it is put into.
    """
    shipment = order.shipment
    _check(shipment, "shipment.")
    if len(shipment.reference) > LONGEST_REFERENCE:
        raise InvalidInput(
            f"Australia Post takes references of at most {LONGEST_REFERENCE} characters.", field="shipment.reference"
        )
    if not re.fullmatch(rf"\w{{1,{LONGEST_PRODUCT}}}", order.service_code):
        raise InvalidInput("Australia Post needs a product of a quote, such as T28S.", field="service_code")
    abroad = _declaration(shipment) if shipment.international else _AT_HOME
    item = {"product_id": order.service_code, **abroad}
    one = {
        # Our reference is what a look-up after a lost answer finds; the second is printed on the label.
        "shipment_reference": shipment.reference,
        "customer_reference_1": shipment.reference,
        "from": _party(shipment.origin, "shipment.origin"),
        "to": _party(shipment.destination, "shipment.destination"),
        "items": [{**item, **_parcel(parcel)} for parcel in shipment.parcels],
    }
    return {"shipments": [one]}


# Nobody leaves a parcel at the door unless the shop has agreed on it with its customer.
_AT_HOME: Mapping[str, Any] = {"authority_to_leave": False, "allow_partial_delivery": True}


def label_body(shipment_id: str, item_ids: Sequence[str]) -> dict[str, Any]:
    """Return the body that asks for the label of each item, on one sheet each, whatever group the product is of."""
    groups = [
        {"group": group, "layout": LABEL_LAYOUT, "branded": True, "left_offset": 0, "top_offset": 0}
        for group in LABEL_GROUPS
    ]
    return {
        "wait_for_label_url": True,
        "preferences": [{"type": "PRINT", "format": "PDF", "groups": groups}],
        "shipments": [{"shipment_id": shipment_id, "items": [{"item_id": item_id} for item_id in item_ids]}],
    }


def tracking_id(number: str) -> str:
    """Return a number as the query takes it. Raise InvalidInput for several at once or none."""
    clean = number.replace(" ", "")
    if not clean or "," in clean:
        raise InvalidInput("Give one tracking number of Australia Post, without commas.", field="tracking_number")
    return clean


def _check(shipment: Shipment, before: str) -> None:
    if shipment.origin.country != HOME:
        raise Unsupported("Australia Post takes parcels from Australia alone.", field=f"{before}origin.country")
    if len(shipment.parcels) > MOST_ITEMS:
        raise Unsupported(
            f"Australia Post takes at most {MOST_ITEMS} parcels at once; split the shipment.", field=f"{before}parcels"
        )
    if shipment.international and len(shipment.parcels) > 1:
        # The contents are declared parcel by parcel, and a shipment does not say which parcel they are in.
        raise Unsupported(
            "Australia Post wants the contents of each parcel that leaves Australia; send one parcel a shipment.",
            field=f"{before}parcels",
        )
    for number, parcel in enumerate(shipment.parcels):
        _check_size(parcel, f"{before}parcels.{number}")


def _check_size(parcel: Parcel, field: str) -> None:
    named = {name: getattr(parcel, name) for name in ("length_cm", "width_cm", "height_cm")}
    sides = {name: side for name, side in named.items() if side is not None}
    for name, side in sides.items():
        if not 0 < side <= LONGEST_SIDE:
            raise InvalidInput(f"Australia Post takes sides of up to {LONGEST_SIDE} cm.", field=f"{field}.{name}")
    if 0 < len(sides) < 3:
        raise InvalidInput("Give all three sides of a parcel or none.", field=field)
    if len(sides) == 3:
        length, width, height = sides.values()
        if length * width * height > LARGEST_VOLUME:
            raise InvalidInput("Australia Post takes parcels of up to 0.25 cubic metres.", field=field)
        if sum(side < SHORT_SIDE for side in sides.values()) > 1:
            raise InvalidInput(f"Australia Post needs two sides of {SHORT_SIDE} cm or more.", field=field)


def _parcel(parcel: Parcel) -> dict[str, Decimal]:
    sides = {"length": parcel.length_cm, "width": parcel.width_cm, "height": parcel.height_cm}
    # Rounded up: a parcel is never smaller than we say.
    item = {name: side.quantize(_SIDE_STEP, ROUND_CEILING) for name, side in sides.items() if side is not None}
    return {**item, "weight": parcel.weight_kg.quantize(_WEIGHT_STEP, ROUND_CEILING)}


def _priced_place(address: Address) -> dict[str, str]:
    postcode = _postcode(address, "destination")
    place = {"postcode": postcode} if postcode else {}
    return place if address.country == HOME else {**place, "country": address.country}


def _postcode(address: Address, field: str) -> str:
    code = address.postal_code.strip()
    if address.country == HOME:
        if not re.fullmatch(r"\d{4}", code):
            raise InvalidInput("A postal code in Australia has four digits.", field=f"{field}.postal_code")
    elif not code and needs_postal_code(address.country):
        raise InvalidInput(f"Australia Post needs a postal code in {address.country}.", field=f"{field}.postal_code")
    elif len(code) > 10:
        raise InvalidInput("Australia Post takes postal codes of at most 10 characters.", field=f"{field}.postal_code")
    return code


def _party(address: Address, field: str) -> dict[str, Any]:
    lines = [line.strip() for line in address.lines if line.strip()]
    if not 1 <= len(lines) <= MOST_LINES or any(len(line) > LONGEST_TEXT for line in lines):
        raise InvalidInput(
            f"Australia Post needs 1 to {MOST_LINES} address lines of at most {LONGEST_TEXT} characters.",
            field=f"{field}.lines",
        )
    party: dict[str, Any] = {
        "name": _text(address.name or address.company, "a name", f"{field}.name"),
        "lines": lines,
        "suburb": _text(address.city, "a suburb", f"{field}.city").upper(),
    }
    state = address.state.strip().upper()
    if address.country == HOME:
        if state not in STATES:
            raise InvalidInput(
                f"Australia Post needs the state as {', '.join(sorted(STATES))}.", field=f"{field}.state"
            )
    else:
        party["country"] = address.country
    if state:
        party["state"] = state
    if postcode := _postcode(address, field):
        party["postcode"] = postcode
    if address.name and address.company:
        party["business_name"] = _text(address.company, "a company", f"{field}.company")
    for name, value, longest in (("phone", address.phone, LONGEST_PHONE), ("email", address.email, LONGEST_EMAIL)):
        if len(value) > longest:
            raise InvalidInput(f"Australia Post takes at most {longest} characters here.", field=f"{field}.{name}")
        if value:
            party[name] = value
    return party


def _text(value: str, what: str, field: str) -> str:
    if not 1 <= len(value.strip()) <= LONGEST_TEXT:
        raise InvalidInput(f"Australia Post needs {what} of at most {LONGEST_TEXT} characters.", field=field)
    return value.strip()


def _declaration(shipment: Shipment) -> dict[str, Any]:
    """Return what customs are told of the one parcel of a shipment that leaves the country."""
    if not shipment.contents:
        raise InvalidInput(
            "Australia Post needs to know for customs what is inside; give contents.", field="shipment.contents"
        )
    return {
        "classification_type": "OTHER",
        "commercial_value": True,
        "description_of_other": "Sale of goods",
        "item_contents": [_content(line, f"shipment.contents.{at}") for at, line in enumerate(shipment.contents)],
    }


def _content(line: ContentLine, field: str) -> dict[str, Any]:
    if line.value.currency != CURRENCY:
        raise InvalidInput(
            "Australia Post takes the value of contents in Australian dollars.", field=f"{field}.value.currency"
        )
    description = line.description.strip()[:LONGEST_TEXT]
    if not description:
        raise InvalidInput("Australia Post needs each line of contents described.", field=f"{field}.description")
    content: dict[str, Any] = {
        "description": description,
        "quantity": line.quantity,
        "value": (line.value.amount / line.quantity).quantize(_CENT, ROUND_HALF_UP),  # of one piece
        "country_of_origin": line.origin_country or HOME,
    }
    if line.weight_kg is not None:
        content["weight"] = (line.weight_kg / line.quantity).quantize(_WEIGHT_STEP, ROUND_DOWN)
    if line.hs_code:
        content["tariff_code"] = line.hs_code
    if line.sku:
        content["sku"] = line.sku
    return content
