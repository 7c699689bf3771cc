"""Values in JSON: money as decimal text with its currency, quantities as decimal text, never a float."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from monitoring.api.access import Model

DECIMAL = r"-?[0-9]{1,20}(\.[0-9]{1,20})?"


def _decimal_only(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str):
        if re.fullmatch(DECIMAL, value, re.ASCII) is None:
            raise ValueError(f'"{value[:40]}" is not a decimal; write it as "12.34"')
        return Decimal(value)
    raise ValueError('a decimal must be text such as "12.34", never a float')


def _kept(value: Decimal) -> Decimal:
    """Refuse what the database cannot keep exactly: four decimals, below 10^11."""
    if not value.is_finite() or abs(value) >= 10**11:
        raise ValueError("must be a number below 100000000000")
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -4:
        raise ValueError("has more than 4 decimals")
    return value


def plain(value: Decimal) -> str:
    """Return a decimal as text without an exponent and without idle noughts: ``12.5000`` is ``12.5``."""
    text = format(value.normalize(), "f")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals}" if decimals else whole


Exact = Annotated[
    Decimal,
    BeforeValidator(_decimal_only),
    AfterValidator(_kept),
    PlainSerializer(plain, return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": f"^{DECIMAL}$"}, {"type": "integer"}], "examples": ["12.34"]},
        mode="validation",
    ),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217", examples=["USD"])]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["DE"])]
Reference = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Money(Model):
    """An amount in a currency."""

    amount: Annotated[Exact, Field(examples=["12.34"])]
    currency: Currency
