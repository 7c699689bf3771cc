"""What is sent to SMSA Express. What it would refuse is refused here, naming the field.

Lengths and what is mandatory: the tables of SMSA's documentation. Which characters a reference may have is our own
rule: see ``checked_reference``.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time, timedelta, timezone
from decimal import ROUND_CEILING, Decimal
from typing import Any

from integrations.errors import InvalidInput, Unsupported
from integrations.types.base import Money
from integrations.types.shipping import Address, Shipment, ShipmentOrder
from integrations.vendors.smsa.services import DOMESTIC, INTERNATIONAL, PICKUP_RETURN

# A time without a zone is taken for Saudi time by SMSA (as integrations have it; its documentation is silent).
SAUDI_TIME = timezone(timedelta(hours=3))
HANDED_OVER = time(10)  # on another day than today
LONGEST_REFERENCE = 50
NAME = (5, 150)
CITY = (3, 50)
LINE_1 = (10, 100)
LONGEST_LINE_2 = 100
LONGEST_DESCRIPTION = 200  # SMSA names no limit; more is not read by anybody on a label
LEAST_VALUE = Decimal("0.1")
GRAM = Decimal("0.001")
_SAUDI_NUMBER = re.compile(r"966[1-9]\d{8}")
# What ASP.NET and IIS, which SMSA seems to run on, refuse in a path, encoded or not (requestPathInvalidCharacters, double
# escaping), and the two slashes, which would make it another path.
_NOT_IN_A_PATH = re.compile(r"[<>*%&:?+/\\\x00-\x1f\x7f]")
_WAYBILL = re.compile(r"[0-9]{8,20}")
_SERVICE = re.compile(r"[A-Z0-9]{2,10}")


def shipment_body(order: ShipmentOrder, now: datetime) -> dict[str, Any]:
    """Return the body that creates a shipment to a consumer. Raise InvalidInput or Unsupported naming the field."""
    shipment = order.shipment
    abroad = shipment.international
    return {
        "ConsigneeAddress": _address(shipment.destination, "shipment.destination"),
        "ShipperAddress": _address(shipment.origin, "shipment.origin"),
        "CODAmount": 0,  # mandatory; the shop is paid before it ships
        # Across a border the receiver pays taxes and duties, as with the other carriers.
        "VatPaid": not abroad,
        "DutyPaid": False,
        **_particulars(order, now),
    }


def return_body(order: ShipmentOrder, now: datetime) -> dict[str, Any]:
    """Return the body that has a parcel picked up at a consumer's and brought back. Raise like ``shipment_body``."""
    shipment = order.shipment
    return {
        "PickupAddress": _address(shipment.origin, "shipment.origin"),
        "ReturnToAddress": _address(shipment.destination, "shipment.destination"),
        **_particulars(order, now),
    }


def is_return(order: ShipmentOrder) -> bool:
    """Return True for a pickup return, which has an interface of its own."""
    return order.service_code == PICKUP_RETURN


def waybill_number(number: str) -> str:
    """Return a waybill number. Raise InvalidInput for what is none."""
    if not _WAYBILL.fullmatch(number):
        raise InvalidInput("SMSA Express's waybill numbers are digits only, 12 as a rule.", field="tracking_number")
    return number


def checked_reference(reference: str) -> str:
    """Return our reference as SMSA may have it. Raise InvalidInput when it could not be looked up afterwards.

    SMSA is asked for a reference by a path. One that the server refuses there would be answered like one that SMSA does
    not know, and the shipment would be made a second time.
    """
    if len(reference) > LONGEST_REFERENCE:
        raise InvalidInput(
            f"SMSA Express takes references of at most {LONGEST_REFERENCE} characters.", field="shipment.reference"
        )
    if _NOT_IN_A_PATH.search(reference) or reference.strip(" .") != reference:
        raise InvalidInput(
            "SMSA Express cannot look up a reference with one of / \\ < > * % & : ? + in it, or with a space or full "
            "stop at an end; give another.",
            field="shipment.reference",
        )
    return reference


def _particulars(order: ShipmentOrder, now: datetime) -> dict[str, Any]:
    shipment = order.shipment
    value = _declared(shipment)
    weight = sum((parcel.weight_kg for parcel in shipment.parcels), Decimal(0))
    return {
        "OrderNumber": checked_reference(shipment.reference),
        "DeclaredValue": value.amount,
        "ShipmentCurrency": value.currency,
        "Parcels": len(shipment.parcels),
        "ShipDate": _ship_date(shipment, now),
        "Weight": weight.quantize(GRAM, ROUND_CEILING).normalize(),
        "WeightUnit": "KG",
        "ContentDescription": _description(shipment),
        "WaybillType": "PDF",
        "SMSARetailID": "0",  # to the door, not to an office of SMSA's
        "ServiceCode": _service(order),
    }


def _service(order: ShipmentOrder) -> str:
    code, abroad = order.service_code, order.shipment.international
    if not _SERVICE.fullmatch(code):
        raise InvalidInput("SMSA Express needs a service code of our contract, such as EDDL.", field="service_code")
    if code in (DOMESTIC if abroad else INTERNATIONAL):
        where = "within one country" if abroad else "across a border"
        raise Unsupported(f"SMSA Express sells {code} only {where}; choose another service.", field="service_code")
    return code


def _declared(shipment: Shipment) -> Money:
    """Return the declared value: as stated, else what the contents add up to."""
    stated = shipment.declared_value
    currencies = {line.value.currency for line in shipment.contents} | ({stated.currency} if stated else set())
    if len(currencies) > 1:
        raise InvalidInput(
            "SMSA Express needs all contents and their sum valued in one currency.", field="shipment.contents"
        )
    if stated is None and not shipment.contents:
        raise InvalidInput(
            "SMSA Express needs a declared value; give declared_value or contents.", field="shipment.declared_value"
        )
    total = sum((line.value.amount for line in shipment.contents), Decimal(0))
    value = stated or Money(amount=total, currency=currencies.pop())
    if value.amount < LEAST_VALUE:
        raise InvalidInput(
            f"SMSA Express takes declared values of {LEAST_VALUE} and more.", field="shipment.declared_value"
        )
    return value


def _description(shipment: Shipment) -> str:
    described = ", ".join(line.description.strip() for line in shipment.contents if line.description.strip())
    return described[:LONGEST_DESCRIPTION].strip() or "Merchandise"


def _ship_date(shipment: Shipment, now: datetime) -> str:
    local = now.astimezone(SAUDI_TIME).replace(tzinfo=None, microsecond=0)
    if shipment.ship_date is not None and shipment.ship_date != local.date():
        local = datetime.combine(shipment.ship_date, HANDED_OVER)
    return local.isoformat()


def _address(address: Address, field: str) -> dict[str, Any]:
    first, second = _lines(address, field)
    written = {
        "ContactName": _name(address, field),
        "ContactPhoneNumber": _phone(address, field),
        "Country": address.country,
        "City": _between(address.city.strip(), CITY, "the city as its own list of cities has it, in", f"{field}.city"),
        "AddressLine1": first,
    }
    optional = {"AddressLine2": second, "PostalCode": address.postal_code.strip()}
    return written | {name: value for name, value in optional.items() if value}


def _name(address: Address, field: str) -> str:
    """Return whom to ask for. A short name alone is refused by SMSA, so the company's stands beside it."""
    name, company = address.name.strip(), address.company.strip()
    if len(name) < NAME[0] and company:
        name = f"{name}, {company}" if name else company
    return _between(name, NAME, "the whole name of the person or company, of", f"{field}.name")


def _lines(address: Address, field: str) -> tuple[str, str]:
    """Return the two lines SMSA has. Short ones are drawn together: the first must have 10 characters."""
    lines = [line.strip() for line in address.lines if line.strip()]
    first = lines.pop(0) if lines else ""
    while lines and len(first) < LINE_1[0]:
        first = f"{first}, {lines.pop(0)}"
    second = ", ".join(lines)
    _between(first, LINE_1, "the street with its number and district, in", f"{field}.lines")
    if len(second) > LONGEST_LINE_2:
        raise InvalidInput(
            f"SMSA Express takes two address lines of at most {LONGEST_LINE_2} characters.", field=f"{field}.lines"
        )
    return first, second


def _phone(address: Address, field: str) -> str:
    """Return the digits of a phone number with the country's code: 9665XXXXXXXX."""
    digits = "".join(str(unicodedata.decimal(sign)) for sign in address.phone if sign.isdecimal())
    digits = digits.removeprefix("00")
    if address.country == "SA":
        national = digits.removeprefix("966").removeprefix("0")
        digits = f"966{national}"
        if not _SAUDI_NUMBER.fullmatch(digits):
            raise InvalidInput(
                "SMSA Express needs a Saudi phone number such as +966 50 123 4567.", field=f"{field}.phone"
            )
    if not digits:
        raise InvalidInput("SMSA Express needs a phone number, with the country's code.", field=f"{field}.phone")
    return digits


def _between(value: str, lengths: tuple[int, int], what: str, field: str) -> str:
    least, most = lengths
    if not least <= len(value) <= most:
        raise InvalidInput(f"SMSA Express needs {what} {least} to {most} characters.", field=field)
    return value
