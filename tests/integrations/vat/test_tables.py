"""The rate tables against the published lists, and the figures that popular lists have wrong."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from integrations.vat.europe import EUROPE, MEMBER_STATES
from integrations.vat.middle_east import MIDDLE_EAST
from integrations.vat.rules import COUNTRIES
from integrations.vat.table import by_country
from tests.contracts import contract

DAY = date(2026, 9, 29)


def standard(country: str, day: date = DAY) -> Decimal | None:
    period = COUNTRIES[country].on(day)
    return period.standard if period else None


def test_every_standard_rate_is_the_commissions() -> None:
    published = json.loads(contract("eu_vat/eu_vat_rates_data-2026.9.29.json").read_bytes(), parse_float=Decimal)
    ours = {one.country: standard(one.country) for one in EUROPE}
    theirs = {country: Decimal(published["rates"][country]["standard"]) for country in ours}

    assert ours == theirs
    assert {country for country, facts in published["rates"].items() if facts["eu_member"]} - {"XI"} == MEMBER_STATES


def test_every_other_rate_is_one_the_commission_lists() -> None:
    published = json.loads(contract("eu_vat/eu_vat_rates_data-2026.9.29.json").read_bytes(), parse_float=Decimal)
    for one in EUROPE:
        facts = published["rates"][one.country]
        listed = {Decimal(rate) for rate in facts["reduced"]}
        listed |= {Decimal(facts[kind]) for kind in ("super_reduced", "parking") if facts[kind] is not None}
        period = one.on(DAY)

        assert period is not None
        assert set(period.others) <= listed, one.country


@pytest.mark.parametrize("country", sorted(MEMBER_STATES))
def test_the_days_of_change_are_those_of_the_dated_list(country: str) -> None:
    dated = json.loads(contract("eu_vat/ibericode-vat-rates.json").read_bytes(), parse_float=Decimal)
    for entry in dated["items"].get("EL" if country == "GR" else country, dated["items"].get(country, [])):
        begun = entry["effective_from"]
        if not "2021" <= begun <= "2025-08-12":
            continue  # older than any sale that can still be refunded, or after the list was made

        assert standard(country, date.fromisoformat(begun)) == Decimal(entry["rates"]["standard"]), begun


@pytest.mark.parametrize(
    ("country", "day", "rate"),
    [
        ("BH", DAY, "10"),
        ("BH", date(2021, 12, 31), "5"),
        ("SA", DAY, "15"),
        ("SA", date(2020, 6, 30), "5"),
        ("AE", DAY, "5"),
        ("OM", DAY, "5"),
        ("EG", DAY, "14"),
        ("JO", DAY, "16"),
        ("IL", date(2024, 12, 31), "17"),
        ("IL", date(2025, 1, 1), "18"),
        ("TR", date(2023, 7, 9), "18"),
        ("TR", date(2023, 7, 10), "20"),
    ],
)
def test_rates_that_popular_lists_have_wrong_or_undated(country: str, day: date, rate: str) -> None:
    assert standard(country, day) == Decimal(rate)


@pytest.mark.parametrize(
    ("country", "day"), [("QA", DAY), ("KW", DAY), ("OM", date(2021, 4, 15)), ("AE", date(2017, 12, 31))]
)
def test_where_there_is_no_vat_there_is_no_rate(country: str, day: date) -> None:
    assert standard(country, day) is None


def test_periods_stand_newest_first_and_say_where_they_are_from() -> None:
    for one in COUNTRIES.values():
        days = [period.valid_from for period in one.periods]

        assert days == sorted(days, reverse=True), one.country
        assert one.source


def test_a_country_in_two_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="AE stands in two tables"):
        by_country([MIDDLE_EAST, MIDDLE_EAST[:1]])
