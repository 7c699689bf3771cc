"""Which VAT a sale owes, and why: inside a country, across the Union, out of it, into it, and in the Gulf."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import InvalidInput, Unsupported
from integrations.types.tax import TaxQuote, TaxRequest
from integrations.vat.rules import COUNTRIES, SellerOptions, quote, serves

NOON = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)


def sale(origin: str, to: str, *amounts: str, currency: str = "EUR", code: str = "", **more: Any) -> TaxRequest:
    lines = [
        {"sku": f"S{number}", "quantity": "1", "amount": {"amount": amount, "currency": currency}, "tax_code": code}
        for number, amount in enumerate(amounts or ("100.00",))
    ]
    facts = {
        "reference": "A-1",
        "currency": currency,
        "origin": {"country": origin},
        "destination": {"country": to, "postal_code": more.pop("postal_code", "")},
        "lines": lines,
        **more,
    }
    return TaxRequest.model_validate(facts)


def asked(*args: Any, **more: Any) -> TaxQuote:
    rules = {name: more.pop(name) for name in ("seller", "number", "value_in_eur") if name in more}
    return quote(sale(*args, **more), now=NOON, **rules)


BUSINESS = {"customer": {"vat_number": "FR12345678901"}}


@pytest.mark.parametrize(
    ("origin", "to", "rate", "treatment", "rule"),
    [
        ("DE", "DE", "19", "taxed", "Sold inside DE: VAT 19 % as in force on 2026-10-01."),
        ("DE", "FI", "25.5", "taxed", "Sold from DE to a consumer in FI: VAT 25.5 % as in force on 2026-10-01."),
        ("DE", "CH", "0", "zero_rated", "Exported from DE to CH: 0 % with proof of export. CH taxes the import."),
        ("US", "DE", "0", "import", "Imported into DE: VAT and duty are due at the border."),
        ("US", "AE", "0", "import", "Imported into AE: the importer pays its VAT at the border."),
        ("AE", "AE", "5", "taxed", "Sold inside AE: VAT 5 % as in force on 2026-10-01."),
        ("AE", "SA", "0", "zero_rated", "Exported from AE to SA: 0 % with proof of export. SA taxes the import."),
        ("AE", "QA", "0", "zero_rated", "Exported from AE to QA: 0 % with proof of export."),
        ("QA", "QA", "0", "out_of_scope", "QA has no VAT."),
        ("US", "KW", "0", "out_of_scope", "KW has no VAT."),
    ],
)
def test_the_rule_says_why(origin: str, to: str, rate: str, treatment: str, rule: str) -> None:
    found = asked(origin, to)

    assert (found.lines[0].rate, found.lines[0].treatment, found.rule) == (Decimal(rate), treatment, rule)
    assert found.total_tax.amount == Decimal(rate)
    assert found.source == "vat_table"


@pytest.mark.parametrize(
    ("number", "unknown_number", "treatment", "tax"),
    [
        ("valid", "charge", "reverse_charge", "0"),
        ("invalid", "charge", "taxed", "20"),
        ("unknown", "charge", "taxed", "20"),
        ("unknown", "accept", "reverse_charge", "0"),
        ("invalid", "accept", "taxed", "20"),
    ],
)
def test_an_unknown_vat_number_is_not_an_invalid_one(
    number: Any, unknown_number: Any, treatment: str, tax: str
) -> None:
    found = asked("DE", "FR", seller=SellerOptions(unknown_number=unknown_number), number=number, **BUSINESS)

    assert (found.lines[0].treatment, found.total_tax.amount) == (treatment, Decimal(tax))


def test_a_business_at_home_pays_as_everybody_does() -> None:
    assert asked("FR", "FR", number="valid", **BUSINESS).total_tax.amount == 20


def test_below_the_threshold_the_home_rate_holds() -> None:
    found = asked("DE", "HU", seller=SellerOptions(oss=False))

    assert (found.total_tax.amount, found.jurisdictions[0].name) == (Decimal(19), "DE")


@pytest.mark.parametrize(("value", "treatment"), [("150", "taxed"), ("150.01", "import")])
def test_ioss_covers_a_consignment_up_to_150_euro(value: str, treatment: str) -> None:
    found = asked("US", "DE", seller=SellerOptions(ioss=True), value_in_eur=Decimal(value))

    assert found.lines[0].treatment == treatment


def test_without_a_value_in_euro_ioss_cannot_be_told() -> None:
    with pytest.raises(InvalidInput, match="value in EUR"):
        asked("US", "DE", currency="USD", seller=SellerOptions(ioss=True))


def test_between_gulf_states_a_seller_may_choose_the_home_rate() -> None:
    found = asked("SA", "AE", currency="SAR", seller=SellerOptions(between_gulf_states="domestic"))

    assert (found.total_tax.amount, found.jurisdictions[0].name) == (Decimal(15), "SA")


@pytest.mark.parametrize(
    ("country", "postal_code", "rate", "treatment"),
    [
        ("ES", "35001", "0", "out_of_scope"),
        ("ES", "28001", "21", "taxed"),
        ("DE", "27498", "0", "out_of_scope"),
        ("AT", "6691", "19", "taxed"),
        ("FR", "97110", "8.5", "taxed"),
        ("PT", "9000-001", "22", "taxed"),
    ],
)
def test_the_country_alone_does_not_tell(country: str, postal_code: str, rate: str, treatment: str) -> None:
    found = asked(country, country, postal_code=postal_code)

    assert (found.lines[0].rate, found.lines[0].treatment) == (Decimal(rate), treatment)


@pytest.mark.parametrize(("day", "tax"), [(date(2025, 6, 30), "22"), (date(2025, 7, 1), "24")])
def test_the_day_of_the_sale_decides(day: date, tax: str) -> None:
    found = asked("EE", "EE", date=day)

    assert found.total_tax.amount == Decimal(tax)


def test_the_answer_says_since_when_a_rate_is_in_force() -> None:
    assert asked("EE", "EE").valid_from == date(2025, 7, 1)
    assert asked("DK", "DK").valid_from is None


@pytest.mark.parametrize(
    ("currency", "country", "amount", "tax"),
    [
        ("KWD", "BH", "7.125", "0.713"),
        ("BHD", "BH", "1.005", "0.101"),
        ("JPY", "AE", "199", "10"),
        ("AED", "AE", "4200", "210.00"),
    ],
)
def test_tax_is_rounded_to_the_currencys_own_decimals(currency: str, country: str, amount: str, tax: str) -> None:
    assert str(asked(country, country, amount, currency=currency).total_tax.amount) == tax


def test_gross_prices_are_taken_apart() -> None:
    found = asked("AE", "AE", "4200.00", currency="AED", tax_included=True)

    assert (str(found.lines[0].taxable.amount), str(found.total_tax.amount)) == ("4000.00", "200.00")


@pytest.mark.parametrize(
    ("code", "rate", "treatment"),
    [
        ("standard", "19", "taxed"),
        ("rate:7", "7", "taxed"),
        ("rate:7.0", "7", "taxed"),
        ("zero", "0", "zero_rated"),
        ("exempt", "0", "exempt"),
    ],
)
def test_a_line_may_ask_for_another_rate_of_the_country(code: str, rate: str, treatment: str) -> None:
    line = asked("DE", "DE", code=code).lines[0]

    assert (line.rate, line.treatment) == (Decimal(rate), treatment)


@pytest.mark.parametrize("code", ["reduced", "rate:5", "rate:", "PC040100"])
def test_a_rate_the_country_does_not_have_is_refused_with_those_it_has(code: str) -> None:
    with pytest.raises(InvalidInput, match=r"give standard, zero, exempt or one of rate:19, rate:7") as caught:
        asked("DE", "DE", code=code)

    assert caught.value.field == "lines.0.tax_code"


def test_a_line_in_another_currency_is_refused() -> None:
    mixed = sale("DE", "DE").model_dump(mode="json")
    mixed["lines"][0]["amount"]["currency"] = "USD"

    with pytest.raises(InvalidInput, match="Line 1 is in USD, the sale in EUR") as caught:
        quote(TaxRequest.model_validate(mixed), now=NOON)

    assert caught.value.field == "lines.0.amount.currency"


def test_a_country_without_a_table_is_for_an_engine() -> None:
    assert not serves(sale("DE", "US"))
    with pytest.raises(Unsupported, match="There is no VAT table for US"):
        asked("DE", "US")


def test_lines_with_several_rates_are_told_apart() -> None:
    first, second = sale("DE", "DE", "100.00").lines[0], sale("DE", "DE", "50.00", code="rate:7").lines[0]
    request = sale("DE", "DE").model_copy(update={"lines": (first, second)})
    found = quote(request, now=NOON)

    assert [(str(one.rate), str(one.tax.amount)) for one in found.jurisdictions] == [("19", "19.00"), ("7", "3.50")]
    assert str(found.total_tax.amount) == "22.50"


@given(
    country=st.sampled_from(sorted(COUNTRIES)),
    cents=st.lists(st.integers(min_value=-(10**9), max_value=10**9), min_size=1, max_size=5),
    included=st.booleans(),
)
def test_net_and_tax_always_make_up_what_was_asked(country: str, cents: list[int], included: bool) -> None:
    amounts = [str(Decimal(value).scaleb(-2)) for value in cents]
    found = asked(country, country, *amounts, tax_included=included)

    assert sum(line.tax.amount for line in found.lines) == found.total_tax.amount
    for line, amount in zip(found.lines, amounts, strict=True):
        whole = line.taxable.amount + (line.tax.amount if included else Decimal(0))
        assert whole == Decimal(amount)
