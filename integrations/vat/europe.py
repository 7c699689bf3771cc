"""VAT in Europe: the member states of the Union, Northern Ireland, and neighbours a shop often ships to.

Standard rates agree in the Commission's TEDB (version of 2026-09-29) and in ibericode's dated list (2025-08-12), from
which the days of change and the postal codes are. Reduced rates are listed so that one may be asked for by its number;
which goods they cover is for a tax code to say, and lists disagree on it. The Azores are given as 16 in one source and
18 in the other: 16 is the newer one's, to be confirmed.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from integrations.vat.table import ALWAYS, CountryVat, Period, Territory, percent

MEMBER_STATES = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
NORTHERN_IRELAND = "XI"  # in the Union for goods alone; its VAT numbers begin so
_SOURCE = "Commission, TEDB 2026-09-29"
_REVIEWED = date(2026, 9, 29)


def _country(code: str, *periods: Period, tax: str = "VAT", territories: tuple[Territory, ...] = ()) -> CountryVat:
    return CountryVat(
        country=code, tax=tax, periods=periods, territories=territories, source=_SOURCE, reviewed_on=_REVIEWED
    )


def _since(valid_from: date, standard: str, *others: str) -> Period:
    return Period(valid_from=valid_from, standard=Decimal(standard), others=percent(*others))


def _part(name: str, postal_codes: str, rate: str) -> Territory:
    return Territory(name=name, postal_codes=postal_codes, rate=Decimal(rate))


EUROPE: tuple[CountryVat, ...] = (
    _country("AL", _since(ALWAYS, "20", "6", "10")),
    _country(
        "AT",
        _since(ALWAYS, "20", "10", "13", "4.9"),
        territories=(
            _part("Jungholz", "6691", "19"),
            _part("Mittelberg", "699[1-3]", "19"),
        ),
    ),
    _country("BA", _since(ALWAYS, "17")),
    _country("BE", _since(ALWAYS, "21", "6", "12")),
    _country("BG", _since(ALWAYS, "20", "9")),
    _country("CH", _since(date(2024, 1, 1), "8.1", "2.6", "3.8"), _since(date(2018, 1, 1), "7.7", "2.5", "3.7")),
    _country("CY", _since(ALWAYS, "19", "5", "9", "3")),
    _country("CZ", _since(ALWAYS, "21", "12")),
    _country(
        "DE",
        _since(date(2021, 1, 1), "19", "7"),
        _since(date(2020, 7, 1), "16", "5"),
        _since(date(2007, 1, 1), "19", "7"),
        territories=(
            _part("Büsingen", "78266", "0"),
            _part("Heligoland", "27498", "0"),
        ),
    ),
    _country("DK", _since(ALWAYS, "25")),
    _country(
        "EE",
        _since(date(2025, 7, 1), "24", "9", "13"),
        _since(date(2024, 1, 1), "22", "5", "9"),
        _since(ALWAYS, "20", "5", "9"),
    ),
    _country(
        "ES",
        _since(ALWAYS, "21", "10", "4"),
        territories=(
            _part("Canary Islands", r"(35|38)\d{3}", "0"),
            _part("Ceuta", r"51\d{3}", "0"),
            _part("Melilla", r"52\d{3}", "0"),
        ),
    ),
    _country("FI", _since(date(2024, 9, 1), "25.5", "10", "13.5"), _since(date(2013, 1, 1), "24", "10", "14")),
    _country(
        "FR",
        _since(ALWAYS, "20", "5.5", "10", "2.1"),
        territories=(
            _part("Guadeloupe, Martinique, Réunion", r"97[124]\d{2}", "8.5"),
            _part("French Guiana", r"973\d{2}", "0"),
            _part("Mayotte", r"976\d{2}", "0"),
        ),
    ),
    _country("GB", _since(ALWAYS, "20", "5")),
    _country("GR", _since(ALWAYS, "24", "6", "13", "4"), territories=(_part("Mount Athos", "63086", "0"),)),
    _country("HR", _since(ALWAYS, "25", "5", "13")),
    _country("HU", _since(ALWAYS, "27", "5", "18")),
    _country("IE", _since(ALWAYS, "23", "9", "13.5")),
    _country("IS", _since(ALWAYS, "24", "11")),
    _country(
        "IT",
        _since(ALWAYS, "22", "5", "10", "4"),
        territories=(
            _part("Livigno", "23041", "0"),
            _part("Campione d'Italia", "22061", "0"),
        ),
    ),
    _country("LI", _since(date(2024, 1, 1), "8.1", "2.6", "3.8"), _since(date(2018, 1, 1), "7.7", "2.5", "3.7")),
    _country("LT", _since(ALWAYS, "21", "5", "12")),
    _country(
        "LU",
        _since(date(2024, 1, 1), "17", "8", "14", "3"),
        _since(date(2023, 1, 1), "16", "7", "13", "3"),
        _since(date(2015, 1, 1), "17", "8", "14", "3"),
    ),
    _country("LV", _since(ALWAYS, "21", "5", "12")),
    _country("MC", _since(ALWAYS, "20", "5.5", "10", "2.1")),
    _country("ME", _since(ALWAYS, "21", "7", "15")),
    _country("MK", _since(ALWAYS, "18", "5", "10")),
    _country("MT", _since(ALWAYS, "18", "5", "7", "12")),
    _country("NL", _since(ALWAYS, "21", "9")),
    _country("NO", _since(ALWAYS, "25", "12", "15")),
    _country("PL", _since(ALWAYS, "23", "5", "8")),
    _country(
        "PT",
        _since(ALWAYS, "23", "6", "13"),
        territories=(
            _part("Madeira", r"9[0-4]\d{2}(-?\d{3})?", "22"),
            _part("Azores", r"9[5-9]\d{2}(-?\d{3})?", "16"),
        ),
    ),
    _country("RO", _since(date(2025, 8, 1), "21", "11"), _since(date(2017, 1, 1), "19", "5", "9")),
    _country("RS", _since(ALWAYS, "20", "10")),
    _country("SE", _since(ALWAYS, "25", "6", "12")),
    _country("SI", _since(ALWAYS, "22", "5", "9.5")),
    _country("SK", _since(date(2025, 1, 1), "23", "5", "19"), _since(date(2011, 1, 1), "20", "10")),
    _country("UA", _since(ALWAYS, "20", "7", "14")),
    _country("XI", _since(ALWAYS, "20", "5")),
)
