"""Dated VAT rates: the form of the tables, and which rate was in force on a day.

A rate holds from its day on until the same country's next standard rate, so a sale of last year, or its refund today,
is taxed as it was then. Each country says where its rates are from and when somebody last looked at them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ALWAYS = date.min


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Rates in percent from a day on. ``others`` are the reduced, super-reduced and parking rates of that time."""

    valid_from: date
    standard: Decimal
    others: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Territory:
    """A part of a country with a rate of its own; ``postal_codes`` is a regular expression over the whole code.

    ``rate`` 0 means that it lies outside the country's VAT.
    """

    name: str
    postal_codes: str
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryVat:
    """What a country takes. ``periods`` newest first; () where there is no general VAT at all."""

    country: str  # ISO 3166-1 alpha-2
    tax: str  # as people there call it
    periods: tuple[Period, ...]
    territories: tuple[Territory, ...] = ()
    source: str
    reviewed_on: date

    def on(self, day: date) -> Period | None:
        """Return what was in force on a day, None where there was no VAT yet or is none."""
        return next((period for period in self.periods if period.valid_from <= day), None)


def by_country(tables: Sequence[Sequence[CountryVat]]) -> Mapping[str, CountryVat]:
    """Return all countries of several tables by their code. Raise ValueError for one that stands there twice."""
    found: dict[str, CountryVat] = {}
    for table in tables:
        for one in table:
            if one.country in found:
                raise ValueError(f"{one.country} stands in two tables")
            found[one.country] = one
    return found


def percent(*rates: str) -> tuple[Decimal, ...]:
    """Return rates written as text."""
    return tuple(Decimal(rate) for rate in rates)
