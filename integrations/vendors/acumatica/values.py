"""``{"value": X}``: how the ERP wraps every field of a record, and how a record is read.

An empty object is a field without a value. A field that is not there at all was not selected, or is no longer in the
contract: reading it is SchemaDrift, because a missing quantity must never pass for nought.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from integrations.errors import SchemaDrift
from integrations.types.base import Money
from integrations.vendors.acumatica.zone import as_utc

Record = Mapping[str, Any]


def wrapped(**fields: str | bool | Decimal | None) -> dict[str, Any]:
    """Return the fields wrapped, without those that are None or ''. A Decimal goes out with its digits, as a number."""
    return {name: {"value": value} for name, value in fields.items() if value is not None and value != ""}


def records(body: Any) -> list[Record]:
    """Return the records of a list: a bare array. Raise SchemaDrift for anything else."""
    if not isinstance(body, list) or not all(isinstance(record, dict) for record in body):
        raise SchemaDrift("Acumatica: the answer is not a list of records.", field="body")
    return body


def record(body: Any) -> Record:
    """Return one record. Raise SchemaDrift for anything else."""
    if not isinstance(body, dict):
        raise SchemaDrift("Acumatica: the answer is not a record.", field="body")
    return body


def text(of: Record, field: str) -> str:
    """Return a text field, '' when it has no value; keys come padded with blanks at times."""
    value = _value(of, field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SchemaDrift(f"Acumatica: {field} is not text.", field=field)
    return value.strip()


def number(of: Record, field: str) -> Decimal:
    """Return a number with its digits, 0 when it has no value."""
    value = _value(of, field)
    if value is None:
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise SchemaDrift(f"Acumatica: {field} is not a number.", field=field)
    return Decimal(value)


def moment(of: Record, field: str, zone: ZoneInfo) -> datetime:
    """Return a time field as UTC. Raise SchemaDrift when it has no value."""
    return as_utc(text(of, field), zone, field=field)


def money(of: Record, field: str, currency_field: str) -> Money:
    """Return an amount with the record's currency."""
    currency = text(of, currency_field)
    if len(currency) != 3 or not currency.isupper():
        raise SchemaDrift(f"Acumatica: {currency_field} is not a currency.", field=currency_field)
    return Money(amount=number(of, field), currency=currency)


def details(of: Record, field: str) -> list[Record]:
    """Return the detail lines of a record. Raise SchemaDrift when they were not expanded."""
    lines = of.get(field)
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise SchemaDrift(f"Acumatica: {field} is not a list of lines.", field=field)
    return lines


def _value(of: Record, field: str) -> Any:
    wrapper = of.get(field)
    if not isinstance(wrapper, dict):
        raise SchemaDrift(f"Acumatica: {field} is missing or not wrapped.", field=field)
    return wrapper.get("value")
