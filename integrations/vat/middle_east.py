"""VAT and GST in the Middle East and North Africa, with the days from which a rate holds.

Sources: invopop/gobl (ae, sa), openaccountants (April 2026, which calls itself under review), vatcalc.com for Qatar and
Kuwait, node-sales-tax where it agrees with another. Popular open lists are wrong for Bahrain, Qatar and Kuwait: a test
pins these. Where a day is not confirmed by a source the rate stands from ALWAYS. Not tax advice: a person signs off a
country before it is sold to.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from integrations.vat.table import ALWAYS, CountryVat, Period, percent

# The states that have put the GCC's common VAT agreement into force; Qatar and Kuwait count as outside.
IMPLEMENTING_STATES = frozenset({"AE", "SA", "BH", "OM"})
WITHOUT_VAT = frozenset({"QA", "KW"})
_REVIEWED = date(2026, 4, 30)


def _country(code: str, tax: str, source: str, *periods: Period) -> CountryVat:
    return CountryVat(country=code, tax=tax, periods=periods, source=source, reviewed_on=_REVIEWED)


def _since(valid_from: date, standard: str, *others: str) -> Period:
    return Period(valid_from=valid_from, standard=Decimal(standard), others=percent(*others))


MIDDLE_EAST: tuple[CountryVat, ...] = (
    _country("AE", "VAT", "invopop/gobl, openaccountants", _since(date(2018, 1, 1), "5")),
    _country(
        "BH", "VAT", "openaccountants, vatcalc.com", _since(date(2022, 1, 1), "10"), _since(date(2019, 1, 1), "5")
    ),
    _country("DZ", "VAT", "node-sales-tax", _since(ALWAYS, "19", "9")),
    _country("EG", "VAT", "openaccountants, node-sales-tax", _since(ALWAYS, "14", "5")),
    _country(
        "IL", "VAT", "node-sales-tax (dated); another list has 17", _since(date(2025, 1, 1), "18"), _since(ALWAYS, "17")
    ),
    _country("JO", "GST", "openaccountants, node-sales-tax", _since(ALWAYS, "16", "4", "5", "8", "10")),
    _country("KW", "no VAT", "openaccountants, vatcalc.com"),
    _country("LB", "VAT", "openaccountants, node-sales-tax", _since(ALWAYS, "11")),
    _country("MA", "VAT", "openaccountants, node-sales-tax", _since(ALWAYS, "20", "10")),
    _country("OM", "VAT", "openaccountants, vatcalc.com", _since(date(2021, 4, 16), "5")),
    _country("QA", "no VAT", "openaccountants, vatcalc.com"),
    _country(
        "SA", "VAT", "invopop/gobl, openaccountants", _since(date(2020, 7, 1), "15"), _since(date(2018, 1, 1), "5")
    ),
    _country("TN", "VAT", "node-sales-tax", _since(ALWAYS, "19", "7", "13")),
    _country(
        "TR", "KDV", "openaccountants, TEDB", _since(date(2023, 7, 10), "20", "10", "1"), _since(ALWAYS, "18", "8", "1")
    ),
)
