"""The base of our words for their things: frozen models that refuse what they do not know, and money."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

# ISO 4217 minor units that are not 2. Source: ISO 4217 list one.
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
MINOR_UNITS = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}


DECIMAL = r"-?[0-9]{1,20}(\.[0-9]{1,20})?"  # an exponent is nobody's money


class Model(BaseModel):
    """A frozen model; an unknown field is refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _decimal_only(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str):
        if re.fullmatch(DECIMAL, value, re.ASCII) is None:
            raise ValueError(f'"{value[:40]}" is not a decimal; write it as "12.34"')
        return Decimal(value)
    raise ValueError('a decimal must be a string such as "12.34", never a float')


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError("must be a finite decimal")
    return value


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs a zone; write 2026-10-01T12:00:00Z")
    return value.astimezone(UTC)


def _upper_code(value: str, pattern: str, what: str) -> str:
    if not re.fullmatch(pattern, value):
        raise ValueError(f'"{value}" is not {what}')
    return value


Exact = Annotated[
    Decimal,
    BeforeValidator(_decimal_only),
    AfterValidator(_finite),
    PlainSerializer(_plain, return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": f"^{DECIMAL}$"}, {"type": "integer"}], "examples": ["12.34"]},
        mode="validation",
    ),
]
UtcDatetime = Annotated[datetime, AfterValidator(_utc)]
Currency = Annotated[
    str,
    AfterValidator(lambda v: _upper_code(v, "[A-Z]{3}", "an ISO 4217 currency such as USD")),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217", "examples": ["USD"]}),
]
Country = Annotated[
    str,
    AfterValidator(lambda v: _upper_code(v, "[A-Z]{2}", "an ISO 3166-1 alpha-2 country such as DE")),
    WithJsonSchema(
        {"type": "string", "pattern": "^[A-Z]{2}$", "description": "ISO 3166-1 alpha-2", "examples": ["DE"]}
    ),
]
Reference = Annotated[str, Field(min_length=1, max_length=64)]


def minor_units(currency: str) -> int:
    """Return how many decimals the currency has: 0 for JPY, 2 for USD, 3 for KWD."""
    return MINOR_UNITS.get(currency, 2)


class Money(Model):
    """An amount in a currency; ``{"amount": "12.34", "currency": "USD"}`` in JSON."""

    amount: Exact
    currency: Currency

    def in_minor_units(self) -> int:
        """Return the whole number of minor units. Raise ValueError when the amount has more decimals than that."""
        scaled = self.amount.scaleb(minor_units(self.currency))
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{self.amount} has more decimals than {self.currency} allows")
        return int(scaled)

    @classmethod
    def from_minor_units(cls, units: int, currency: str) -> Self:
        """Return the money of a whole number of minor units."""
        code = currency.upper()
        return cls(amount=Decimal(units).scaleb(-minor_units(code)), currency=code)

    def rounded(self) -> Self:
        """Return the money with exactly the currency's decimals, half up."""
        step = Decimal(1).scaleb(-minor_units(self.currency))
        return type(self)(amount=self.amount.quantize(step, ROUND_HALF_UP), currency=self.currency)


class PositiveMoney(Money):
    """Money above nought, with no more decimals than its currency has."""

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.amount <= 0:
            raise ValueError("amount must be above 0")
        self.in_minor_units()
        return self
