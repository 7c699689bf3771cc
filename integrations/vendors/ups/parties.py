"""Who sends and who receives, as UPS writes addresses.

A rate request's names and lines are not checked by UPS, so what is too long is cut there; on a label nothing is.
"""

from __future__ import annotations

import re
from typing import Any

from integrations.errors import InvalidInput
from integrations.postal_codes import needs_postal_code
from integrations.types.shipping import Address

LONGEST_NAME = 35
LONGEST_LINE = 35
LONGEST_CITY = 30
LONGEST_STATE = 5
LONGEST_POSTAL_CODE = 9
LONGEST_EMAIL = 50
LONGEST_PHONE = 15
MOST_LINES = 3
_STATE_NEEDED = frozenset({"US", "CA", "VN"})
_US_POSTAL_CODES = frozenset({"US", "PR"})
_TEN_DIGITS = frozenset({"US", "PR", "CA", "VI"})  # area code and seven digits, at most four of an extension after them


def rated(address: Address, field: str) -> dict[str, Any]:
    """Return a party of a rate request. Raise InvalidInput naming the field."""
    lines = _lines(address, field)
    party: dict[str, Any] = {
        "Address": {
            "AddressLine": [line[:LONGEST_LINE] for line in lines[:MOST_LINES]],
            **_place(address, field),
        }
    }
    if address.city:
        party["Address"]["City"] = address.city[:LONGEST_CITY]
    elif not needs_postal_code(address.country):
        raise InvalidInput(f"UPS needs a city in {address.country}.", field=f"{field}.city")
    name = address.company or address.name
    if name:
        party["Name"] = name[:LONGEST_NAME]
    return party


def labelled(address: Address, field: str, *, phone_needed: bool) -> dict[str, Any]:
    """Return a party of a shipment. Raise InvalidInput naming the field."""
    lines = _lines(address, field)
    if len(lines) > MOST_LINES or any(len(line) > LONGEST_LINE for line in lines):
        raise InvalidInput(
            f"UPS takes {MOST_LINES} address lines of at most {LONGEST_LINE} characters.", field=f"{field}.lines"
        )
    if not 1 <= len(address.city) <= LONGEST_CITY:
        raise InvalidInput(f"UPS needs a city of at most {LONGEST_CITY} characters.", field=f"{field}.city")
    if address.country in _STATE_NEEDED and not address.state:
        raise InvalidInput(f"UPS needs a state or province in {address.country}.", field=f"{field}.state")
    party: dict[str, Any] = {
        "Name": _name(address.company or address.name, f"{field}.{'company' if address.company else 'name'}"),
        "AttentionName": _name(address.name or address.company, f"{field}.name"),
        "Address": {"AddressLine": lines, "City": address.city, **_place(address, field)},
    }
    phone = _phone(address, f"{field}.phone", phone_needed)
    if phone:
        party["Phone"] = {"Number": phone}
    if address.email:
        if len(address.email) > LONGEST_EMAIL:
            raise InvalidInput(f"UPS takes an email of at most {LONGEST_EMAIL} characters.", field=f"{field}.email")
        party["EMailAddress"] = address.email
    return party


def _lines(address: Address, field: str) -> list[str]:
    lines = [line.strip() for line in address.lines if line.strip()]
    if not lines:
        raise InvalidInput("UPS needs at least one address line.", field=f"{field}.lines")
    return lines


def _place(address: Address, field: str) -> dict[str, Any]:
    place = {"CountryCode": address.country}
    postal_code = _postal_code(address, f"{field}.postal_code")
    if postal_code:
        place["PostalCode"] = postal_code
    if len(address.state) > LONGEST_STATE and address.country in _STATE_NEEDED:
        raise InvalidInput(
            f"UPS needs the code of the state or province in {address.country}, such as MD.", field=f"{field}.state"
        )
    if 1 <= len(address.state) <= LONGEST_STATE:
        place["StateProvinceCode"] = address.state
    return place


def _postal_code(address: Address, field: str) -> str:
    country, code = address.country, address.postal_code.strip()
    if not code:
        if needs_postal_code(country):
            raise InvalidInput(f"UPS needs a postal code in {country}.", field=field)
        return ""
    if country in _US_POSTAL_CODES:
        code = re.sub(r"[\s-]", "", code)
        if not re.fullmatch(r"[0-9]{5}([0-9]{4})?", code):
            raise InvalidInput(f"A postal code in {country} has 5 or 9 digits.", field=field)
    elif country == "CA":
        code = re.sub(r"[\s-]", "", code).upper()
        if not re.fullmatch(r"([A-Z][0-9]){3}", code):
            raise InvalidInput("A postal code in CA is written A1A 1A1.", field=field)
    elif len(code) > LONGEST_POSTAL_CODE:
        raise InvalidInput(f"UPS takes postal codes of at most {LONGEST_POSTAL_CODE} characters.", field=field)
    return code


def _name(value: str, field: str) -> str:
    if not 1 <= len(value) <= LONGEST_NAME:
        raise InvalidInput(f"UPS needs a person or a company of at most {LONGEST_NAME} characters.", field=field)
    return value


def _phone(address: Address, field: str, needed: bool) -> str:
    digits = re.sub(r"[^0-9]", "", address.phone)
    if not digits:
        if needed:
            raise InvalidInput("UPS needs a phone number for this shipment.", field=field)
        return ""
    if address.country in _TEN_DIGITS:
        if len(digits) == 11 and digits.startswith("1"):
            digits = digits[1:]
        if not 10 <= len(digits) <= 14:
            raise InvalidInput(f"A phone number in {address.country} has ten digits, area code included.", field=field)
    elif len(digits) > LONGEST_PHONE:
        raise InvalidInput(f"UPS takes phone numbers of at most {LONGEST_PHONE} digits.", field=field)
    return digits
