"""Which VAT a sale owes: by where it goes from, where it goes to, who buys and when.

``quote`` is pure: the day, the seller's standing and the word on the buyer's VAT number are given to it. The rule that
applied is a sentence in the answer, because a rate without its reason cannot be reported: nothing because the sale is an
export is another thing than nothing because the country has no VAT.

Sources: the Union's e-commerce rules in force since 2021-07-01 (destination rate above EUR 10,000 a year of cross-border
sales to consumers; IOSS for consignments up to EUR 150; reverse charge to a business of another member state with a
number VIES confirms), and the GCC framework agreement with its transitional practice between the states.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from integrations.errors import InvalidInput, Unsupported
from integrations.types.base import Money
from integrations.types.tax import TaxedJurisdiction, TaxedLine, TaxLine, TaxQuote, TaxRequest, Treatment
from integrations.vat.europe import EUROPE, MEMBER_STATES, NORTHERN_IRELAND
from integrations.vat.middle_east import IMPLEMENTING_STATES, MIDDLE_EAST, WITHOUT_VAT
from integrations.vat.table import CountryVat, Period, by_country

SOURCE = "vat_table"
IOSS_LIMIT = Decimal(150)  # EUR a consignment
COUNTRIES = by_country([EUROPE, MIDDLE_EAST])
UNION = MEMBER_STATES | {NORTHERN_IRELAND}
VatNumberStatus = Literal["valid", "invalid", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerOptions:
    """How the seller stands. ``oss``: cross-border sales to consumers in the Union are above EUR 10,000 a year, or the
    seller has chosen the destination's rate. ``ioss``: registered for imports up to EUR 150. ``unknown_number`` says
    what a business owes while its number cannot be checked: charge (and correct later) or accept (and check later).
    ``between_gulf_states``: export (the goods leave with proof) or domestic."""

    oss: bool = True
    ioss: bool = False
    unknown_number: Literal["charge", "accept"] = "charge"
    between_gulf_states: Literal["export", "domestic"] = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ruling:
    """What the whole sale is, before its lines: whose rate, or why none."""

    treatment: Treatment
    rule: str
    country: str = ""


def serves(request: TaxRequest) -> bool:
    """Return True when these tables know the destination."""
    return request.destination.country in COUNTRIES


def quote(
    request: TaxRequest,
    *,
    now: datetime,
    seller: SellerOptions | None = None,
    number: VatNumberStatus | None = None,
    value_in_eur: Decimal | None = None,
) -> TaxQuote:
    """Return the VAT of a sale on its day (``request.date``, else today).

    ``number`` is VIES' word on the buyer's VAT number, None when none was given. ``value_in_eur`` is the consignment's,
    needed for goods that come into the Union from outside. Raise Unsupported for a destination without a table,
    InvalidInput naming the field for a line that cannot be taxed.
    """
    seller = seller or SellerOptions()
    day = request.date or now.date()
    if not serves(request):
        raise Unsupported(
            f"There is no VAT table for {request.destination.country}; a tax engine answers for it.",
            field="destination.country",
        )
    ruling = _ruling(request, seller, number, value_in_eur)
    period, country = None, COUNTRIES.get(ruling.country)
    if ruling.treatment == "taxed" and country is not None:
        period = country.on(day)
        if period is None:
            ruling = _Ruling(
                treatment="out_of_scope", rule=f"{ruling.country} had no {country.tax} on {day.isoformat()}."
            )
    rate, place = _standard(request, country, period)
    lines = tuple(_taxed(line, index, request, ruling, period, rate) for index, line in enumerate(request.lines))
    total = sum((line.tax.amount for line in lines), Decimal(0))
    return TaxQuote(
        source=SOURCE,
        reference=request.reference,
        total_tax=Money(amount=total, currency=request.currency).rounded(),
        lines=lines,
        jurisdictions=_jurisdictions(lines, ruling, place, request.currency),
        rule=_sentence(ruling, place, rate, country, day),
        valid_from=period.valid_from if period is not None and period.valid_from > date.min else None,
        as_of=now,
    )


def _ruling(
    request: TaxRequest, seller: SellerOptions, number: VatNumberStatus | None, value_in_eur: Decimal | None
) -> _Ruling:
    origin, to = request.origin.country, request.destination.country
    exported = origin != to and origin in COUNTRIES and origin not in WITHOUT_VAT
    if to in WITHOUT_VAT and not exported:
        return _Ruling(treatment="out_of_scope", rule=f"{to} has no VAT.")
    if origin == to:
        return _Ruling(treatment="taxed", rule=f"Sold inside {to}", country=to)
    if to in UNION and origin in UNION:
        return _inside_the_union(origin, to, seller, number, bool(request.customer.vat_number))
    if to in UNION:
        return _into_the_union(to, seller, value_in_eur, bool(request.customer.vat_number))
    if origin in IMPLEMENTING_STATES and to in IMPLEMENTING_STATES and seller.between_gulf_states == "domestic":
        return _Ruling(
            treatment="taxed", rule=f"Sold from {origin} to {to}, treated as inside {origin}", country=origin
        )
    if exported:
        there = "" if to in WITHOUT_VAT else f" {to} taxes the import."
        return _Ruling(treatment="zero_rated", rule=f"Exported from {origin} to {to}: 0 % with proof of export.{there}")
    return _Ruling(treatment="import", rule=f"Imported into {to}: the importer pays its VAT at the border.")


def _inside_the_union(
    origin: str, to: str, seller: SellerOptions, number: VatNumberStatus | None, is_business: bool
) -> _Ruling:
    if is_business:
        accepted = number == "unknown" and seller.unknown_number == "accept"
        if number == "valid" or accepted:
            why = "confirmed by VIES" if number == "valid" else "which VIES cannot confirm now: check it later"
            return _Ruling(
                treatment="reverse_charge", rule=f"Sold to a business in {to} with a VAT number {why}: reverse charge."
            )
    if not seller.oss:
        return _Ruling(
            treatment="taxed",
            rule=f"Sold from {origin} to a consumer in {to} below the yearly threshold",
            country=origin,
        )
    who = "a business whose VAT number is not confirmed" if is_business else "a consumer"
    return _Ruling(treatment="taxed", rule=f"Sold from {origin} to {who} in {to}", country=to)


def _into_the_union(to: str, seller: SellerOptions, value_in_eur: Decimal | None, is_business: bool) -> _Ruling:
    if not seller.ioss or is_business:
        return _Ruling(treatment="import", rule=f"Imported into {to}: VAT and duty are due at the border.")
    if value_in_eur is None:
        raise InvalidInput(
            "The consignment's value in EUR is needed to tell whether IOSS covers it; a rate is missing.",
            field="currency",
        )
    if value_in_eur > IOSS_LIMIT:
        return _Ruling(
            treatment="import", rule=f"Imported into {to} above EUR {IOSS_LIMIT}: VAT and duty are due at the border."
        )
    return _Ruling(treatment="taxed", rule=f"Imported into {to} under IOSS (up to EUR {IOSS_LIMIT})", country=to)


def _standard(request: TaxRequest, country: CountryVat | None, period: Period | None) -> tuple[Decimal, str]:
    """Return the standard rate at the destination's postal code, and the territory's name where it differs."""
    if country is None or period is None:
        return Decimal(0), ""
    address = request.destination if country.country == request.destination.country else request.origin
    code = address.postal_code.strip()
    for territory in country.territories:
        if re.fullmatch(territory.postal_codes, code):
            return territory.rate, territory.name
    return period.standard, ""


def _taxed(
    line: TaxLine, index: int, request: TaxRequest, ruling: _Ruling, period: Period | None, standard: Decimal
) -> TaxedLine:
    if line.amount.currency != request.currency:
        raise InvalidInput(
            f"Line {index + 1} is in {line.amount.currency}, the sale in {request.currency}; convert it.",
            field=f"lines.{index}.amount.currency",
        )
    rate, treatment = Decimal(0), ruling.treatment
    if treatment == "taxed" and period is not None:
        rate, treatment = _rate_of(line, index, period, standard)
    amount = line.amount.amount
    if request.tax_included:
        net = Money(amount=amount * 100 / (100 + rate), currency=request.currency).rounded()
        tax = Money(amount=amount - net.amount, currency=request.currency).rounded()
    else:
        net = line.amount.rounded()
        tax = Money(amount=amount * rate / 100, currency=request.currency).rounded()
    return TaxedLine(sku=line.sku, taxable=net, tax=tax, rate=rate, treatment=treatment)


def _rate_of(line: TaxLine, index: int, period: Period, standard: Decimal) -> tuple[Decimal, Treatment]:
    code = line.tax_code
    if code in ("", "standard") or standard == 0:
        return standard, "taxed" if standard else "out_of_scope"
    if code == "zero":
        return Decimal(0), "zero_rated"
    if code == "exempt":
        return Decimal(0), "exempt"
    allowed = {str(rate.normalize()): rate for rate in (period.standard, *period.others)}
    asked = re.fullmatch(r"rate:(\d{1,2}(?:\.\d{1,2})?)", code)
    if asked and str(Decimal(asked[1]).normalize()) in allowed:
        return allowed[str(Decimal(asked[1]).normalize())], "taxed"
    raise InvalidInput(
        f'Line {index + 1} has the tax code "{code}"; give standard, zero, exempt or one of '
        f"{', '.join(f'rate:{rate.normalize():f}' for rate in allowed.values())}.",
        field=f"lines.{index}.tax_code",
    )


def _jurisdictions(
    lines: tuple[TaxedLine, ...], ruling: _Ruling, place: str, currency: str
) -> tuple[TaxedJurisdiction, ...]:
    if ruling.treatment != "taxed":
        return ()
    found = []
    for rate in sorted({line.rate for line in lines if line.treatment == "taxed"}, reverse=True):
        tax = sum((line.tax.amount for line in lines if line.rate == rate), Decimal(0))
        name = f"{ruling.country} ({place})" if place else ruling.country
        found.append(
            TaxedJurisdiction(name=name, kind="country", rate=rate, tax=Money(amount=tax, currency=currency).rounded())
        )
    return tuple(found)


def _sentence(ruling: _Ruling, place: str, rate: Decimal, country: CountryVat | None, day: date) -> str:
    if ruling.treatment != "taxed" or country is None:
        return ruling.rule
    where = f" ({place})" if place else ""
    return f"{ruling.rule}{where}: {country.tax} {rate.normalize():f} % as in force on {day.isoformat()}."
