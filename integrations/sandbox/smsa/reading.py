"""Reads a JSON form as ASP.NET binds one: names in any case, types exactly, all problems together by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from integrations.sandbox.smsa import places
from integrations.sandbox.smsa.problems import Refused

_UNITS = ("KG", "LB")
_WAYBILLS = ("PDF", "ZPL")
_KINDS = {str: "String", float: "Double", int: "Int32", bool: "Boolean"}


class Form:
    """A JSON object and its path; its problems gather by field."""

    def __init__(self, value: Any, path: str, problems: dict[str, list[str]]) -> None:
        self._value = {str(name).lower(): item for name, item in value.items()} if isinstance(value, dict) else {}
        self.path = path
        self.problems = problems

    def at(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, sentence: str) -> None:
        """Note what is wrong with a member."""
        self.problems.setdefault(self.at(name), []).append(sentence)

    def text(self, name: str, *, needed: bool = False, low: int = 0, high: int | None = None) -> str:
        """Return a string, "" when it is absent."""
        value = self._typed(name, str)
        text = value if isinstance(value, str) else ""
        if not text.strip():
            if needed:
                self.wrong(name, f"The {name} field is required.")
            return ""
        if not low <= len(text) <= (high or len(text)):
            self.wrong(
                name,
                f"The field {name} must be a string with a minimum length of {low} and a maximum length of {high}.",
            )
        return text

    def one_of(self, name: str, values: Sequence[str], default: str = "") -> str:
        """Return one of the values in capitals; without a default it is needed."""
        value = self.text(name, needed=not default).upper() or default
        if value and value not in values:
            self.wrong(name, f"The field {name} must be one of {', '.join(values)}.")
        return value

    def number(self, name: str, low: str) -> Decimal:
        """Return a needed number of at least ``low``; text is none, whatever it says."""
        value = self._typed(name, float)
        if value is None:
            self.wrong(name, f"The {name} field is required.")
            return Decimal(0)
        number = Decimal(str(value)) if not isinstance(value, str) else Decimal(0)
        if number < Decimal(low):
            self.wrong(name, f"The field {name} must be at least {low}.")
        return number

    def count(self, name: str) -> int:
        """Return a needed whole number of at least 1."""
        value = self._typed(name, int)
        if value is None:
            self.wrong(name, f"The {name} field is required.")
        number = value if isinstance(value, int) else 0
        if value is not None and number < 1:
            self.wrong(name, f"The field {name} must be at least 1.")
        return number

    def flag(self, name: str) -> bool:
        """Return a boolean, false when it is absent."""
        return bool(self._typed(name, bool))

    def moment(self, name: str) -> datetime | None:
        """Return a needed date and time as it stands there, with or without an offset."""
        text = self.text(name, needed=True)
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError:
            self.problems.setdefault(f"$.{self.at(name)}", []).append(_unconverted("DateTime", self.at(name)))
            return None

    def form(self, name: str) -> Form:
        """Return a needed object."""
        value = self._value.get(name.lower())
        if not isinstance(value, dict):
            self.wrong(name, f"The {name} field is required.")
        return Form(value, self.at(name), self.problems)

    def forms(self, name: str) -> list[Form]:
        """Return a needed list of objects with at least one."""
        value = self._value.get(name.lower())
        if not isinstance(value, list) or not value:
            self.wrong(name, f"The {name} field is required.")
            return []
        return [Form(item, f"{self.at(name)}[{place}]", self.problems) for place, item in enumerate(value)]

    def done(self) -> None:
        """Raise Refused, 400, when anything was wrong."""
        if self.problems:
            raise Refused(400, errors=self.problems)

    def _typed(self, name: str, kind: type) -> Any:
        value = self._value.get(name.lower())
        if value is None:
            return None
        fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
        if not fits or (kind in (float, int) and isinstance(value, bool)):
            self.problems.setdefault(f"$.{self.at(name)}", []).append(_unconverted(_KINDS[kind], self.at(name)))
            return "" if kind is str else 1 if kind in (int, float) else False
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Who, and where."""

    name: str
    country: str
    city: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One shipment as it was asked for. ``kind`` is B2C, or C2B for a return that SMSA picks up."""

    kind: str
    order: str
    origin: Address
    destination: Address
    parcels: int
    content: str
    collect: Decimal  # cash on delivery, in the destination's currency
    currency: str
    zpl: bool
    service: str


def form(content: bytes) -> Form:
    """Return the JSON object of a request; raises Refused, 400, for anything else."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as problem:
        raise Refused(400, errors={"$": [f"The input is not valid JSON: {problem}"]}) from None
    if not isinstance(value, dict):
        raise Refused(400, errors={"$": [_unconverted("Shipment", "")]})
    return Form(value, "", {})


def delivery(asked: Form) -> Wish:
    """Return a B2C shipment; raises Refused with everything that is wrong with it."""
    return _wish(asked, "B2C", "ShipperAddress", "ConsigneeAddress", asked.number("CODAmount", "0"))


def pickup(asked: Form) -> Wish:
    """Return a C2B shipment; raises Refused with everything that is wrong with it."""
    return _wish(asked, "C2B", "PickupAddress", "ReturnToAddress", Decimal(0))


def _wish(asked: Form, kind: str, origin: str, destination: str, collect: Decimal) -> Wish:
    asked.number("DeclaredValue", "0.1")
    asked.number("Weight", "0.001")
    asked.one_of("WeightUnit", _UNITS)
    asked.moment("ShipDate")
    currency = asked.text("ShipmentCurrency", needed=True)
    if currency and not places.known_currency(currency):
        asked.wrong("ShipmentCurrency", "The field ShipmentCurrency must be an ISO currency code.")
    asked.text("SMSARetailID")
    asked.flag("VatPaid")
    asked.flag("DutyPaid")
    wish = Wish(
        kind=kind,
        order=asked.text("OrderNumber", needed=True, low=1, high=50),
        origin=_address(asked.form(origin)),
        destination=_address(asked.form(destination)),
        parcels=asked.count("Parcels"),
        content=asked.text("ContentDescription", needed=True),
        collect=collect,
        currency=currency,
        zpl=asked.one_of("WaybillType", _WAYBILLS, "PDF") == "ZPL",
        service=asked.text("ServiceCode"),
    )
    asked.done()
    return wish


def _address(asked: Form) -> Address:
    name = asked.text("ContactName", needed=True, low=5, high=150)
    asked.text("ContactPhoneNumber", needed=True)
    asked.text("AddressLine1", needed=True, low=10, high=100)
    asked.text("AddressLine2", low=0, high=100)
    country = asked.text("Country", needed=True)
    city = asked.text("City", needed=True, low=3, high=50)
    if country and not places.known_country(country):
        asked.wrong("Country", "The field Country must be an ISO country code.")
    elif country and city and not places.known_city(country, city):
        asked.wrong("City", f"The city {city} is not served; see the lookup of cities.")
    return Address(name=name, country=country, city=city)


def _unconverted(kind: str, path: str) -> str:
    return f"The JSON value could not be converted to System.{kind}. Path: $.{path}"
