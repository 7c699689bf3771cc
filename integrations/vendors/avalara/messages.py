"""What we send to AvaTax: a sale as its transaction, checked before anything goes out.

``amount`` of a line is the extended one. Our reference is the document's ``code``, by which it is found, committed and
voided, so it has to fit one.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import quote

from integrations.errors import InvalidInput
from integrations.types.shipping import Address
from integrations.types.tax import TaxLine, TaxRequest

LONGEST_CODE, LONGEST_LINE, LONGEST_CITY = 50, 100, 50
NOT_TAXABLE = "NT"  # Avalara's own code for what is never taxed
NOBODY = "CONSUMER"  # a customer code has to be there
# Avalara cannot take these in a path, whatever the encoding.
_IN_PATHS = {"/": "_-ava2f-_", "+": "_-ava2b-_", "?": "_-ava3f-_", "%": "_-ava25-_", "#": "_-ava23-_"}
_BY_POSTAL_CODE = frozenset({"US", "CA"})


def transaction(value: TaxRequest, kind: str, company: str, today: date, *, commit: bool = False) -> dict[str, Any]:
    """Return a CreateTransactionModel. Raise InvalidInput naming the field."""
    body: dict[str, Any] = {
        "type": kind,
        "companyCode": company,
        "code": code(value.reference),
        "date": (value.date or today).isoformat(),
        "customerCode": value.customer.code or NOBODY,
        "currencyCode": value.currency,
        "commit": commit,
        "addresses": {
            "shipFrom": location(value.origin, "origin"),
            "shipTo": location(value.destination, "destination"),
        },
        "lines": [_line(line, index, value) for index, line in enumerate(value.lines)],
    }
    if value.customer.vat_number:
        body["businessIdentificationNo"] = value.customer.vat_number
    return body


def code(reference: str) -> str:
    """Return our reference as a document's code. Raise InvalidInput when it is too long."""
    if len(reference) > LONGEST_CODE:
        raise InvalidInput(
            f"Avalara's document codes have at most {LONGEST_CODE} characters; shorten it.", field="reference"
        )
    return reference


def in_path(text: str) -> str:
    """Return a code as a part of a path, the way Avalara wants its five forbidden characters."""
    return quote("".join(_IN_PATHS.get(one, one) for one in text), safe="-_.~")


def location(address: Address, field: str) -> dict[str, str]:
    """Return an address. Raise InvalidInput where it is too long, or cannot be placed."""
    if address.country in _BY_POSTAL_CODE:
        _refuse_unplaced(address, f"{field}.")
    return _place(address, f"{field}.")


def to_resolve(address: Address) -> dict[str, str]:
    """Return an address to resolve. Raise InvalidInput where it says too little."""
    _refuse_unplaced(address, "")
    return _place(address, "")


def _place(address: Address, prefix: str) -> dict[str, str]:
    if len(address.lines) > 3 or any(len(line) > LONGEST_LINE for line in address.lines):
        raise InvalidInput(f"Avalara takes up to three lines of {LONGEST_LINE} characters.", field=f"{prefix}lines")
    if len(address.city) > LONGEST_CITY:
        raise InvalidInput(f"Avalara takes cities of up to {LONGEST_CITY} characters.", field=f"{prefix}city")
    if len(address.postal_code) > 11:
        raise InvalidInput("Avalara takes postal codes of up to 11 characters.", field=f"{prefix}postal_code")
    found = {f"line{number}": line for number, line in enumerate(address.lines, 1) if line}
    found |= {
        "city": address.city,
        "region": address.state,
        "country": address.country,
        "postalCode": address.postal_code,
    }
    return {name: text for name, text in found.items() if text}


def _refuse_unplaced(address: Address, prefix: str) -> None:
    """An address is placed by its postal code, or by line, city and region."""
    line = any(address.lines)
    if address.postal_code or (line and address.city and address.state):
        return
    raise InvalidInput("Avalara needs a postal code, or a line, a city and a state.", field=f"{prefix}postal_code")


def _line(line: TaxLine, index: int, value: TaxRequest) -> dict[str, Any]:
    if line.amount.currency != value.currency:
        raise InvalidInput(
            f"Line {index + 1} is in {line.amount.currency}, the sale in {value.currency}; convert it.",
            field=f"lines.{index}.amount.currency",
        )
    found: dict[str, Any] = {
        "number": str(index + 1),
        "quantity": line.quantity,
        "amount": line.amount.amount,
        "taxIncluded": value.tax_included,
    }
    tax_code = _tax_code(line.tax_code, index)
    texts = {"taxCode": tax_code, "itemCode": line.sku, "description": line.description, "hsCode": line.hs_code}
    for name, text in texts.items():
        if text:
            found[name] = text
    return found


def _tax_code(given: str, index: int) -> str:
    if given in ("", "standard"):
        return ""
    if given in ("zero", "exempt"):
        return NOT_TAXABLE
    if given == "reduced" or given.startswith("rate:") or not re.fullmatch(r"[A-Za-z0-9_-]{1,25}", given):
        raise InvalidInput(
            f'Avalara finds rates by product, not by name; give its tax code instead of "{given}", or leave it out.',
            field=f"lines.{index}.tax_code",
        )
    return given
