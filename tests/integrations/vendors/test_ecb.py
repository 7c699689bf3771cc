"""The European Central Bank's files, as stored copies have them, and every trap on the way to a rate."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from integrations.adapter import Fallback
from integrations.errors import InvalidInput, SchemaDrift
from integrations.vendors.ecb import VENDOR, Ecb, latest_on_or_before, read_fixings
from tests.contracts import contract
from tests.integrations.vendors.exchange import Answer, FakeExchange, answer, run

ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
    'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><gesmes:subject>Reference rates</gesmes:subject>'
    "<Cube>{days}</Cube></gesmes:Envelope>"
)


def _day(day: str, **rates: str) -> str:
    cubes = "".join(f"<Cube currency='{code}' rate='{rate}'/>" for code, rate in rates.items())
    return f"<Cube time='{day}'>{cubes}</Cube>"


def _file(*days: str) -> bytes:
    return ENVELOPE.format(days="".join(days)).encode()


NINETY = _file(
    _day("2026-10-01", USD="1.1650", JPY="171.05"),
    _day("2026-09-30", USD="1.1600", JPY="170.00"),
    _day("2026-09-25", USD="1.1550", JPY="169.00"),
)


async def _run(operation: str, value: dict[str, Any], *answers: Answer, **options: Any) -> tuple[Any, FakeExchange]:
    adapter = Ecb({})
    exchange = FakeExchange(adapter, operation, answers, **options)
    return await run(adapter, exchange, value), exchange


async def test_the_day_in_the_file_is_the_date_of_the_rates_not_today() -> None:
    rates, exchange = await _run("latest_rates", {"base": "EUR"}, answer(_file(_day("2026-09-30", USD="1.1600"))))

    # 16:00 in Frankfurt, which is summer time on that day.
    assert rates.as_of == datetime(2026, 9, 30, 14, 0, tzinfo=UTC)
    assert exchange.last.path == "/stats/eurofxref/eurofxref-daily.xml"
    assert exchange.last.signed is False


async def test_in_winter_sixteen_hundred_in_frankfurt_is_an_hour_later_in_utc() -> None:
    rates, _ = await _run("latest_rates", {"base": "EUR"}, answer(_file(_day("2026-01-15", USD="1.1600"))))

    assert rates.as_of == datetime(2026, 1, 15, 15, 0, tzinfo=UTC)


async def test_trailing_zeros_are_kept_because_they_carry_precision() -> None:
    rates, _ = await _run("latest_rates", {"base": "EUR"}, answer(_file(_day("2026-10-01", PLN="4.7630"))))

    assert str(rates.rates["PLN"]) == "4.7630"


async def test_the_euro_is_absent_from_the_file_and_one_in_the_rates() -> None:
    rates, _ = await _run("latest_rates", {"base": "EUR"}, answer(NINETY))

    assert rates.rates["EUR"] == 1


def test_the_element_named_cube_stands_at_three_levels() -> None:
    naive = etree.fromstring(NINETY).find("{*}Cube")
    fixings = read_fixings(NINETY)

    assert naive is not None
    assert (naive.get("time"), naive.get("currency")) == (None, None)
    assert [(one.day.day, sorted(one.rates)) for one in fixings] == [(day, ["JPY", "USD"]) for day in (1, 30, 25)]


async def test_another_base_is_a_cross_rate_by_way_of_the_euro() -> None:
    rates, _ = await _run("latest_rates", {"base": "USD", "symbols": ["EUR", "JPY"]}, answer(NINETY))

    assert rates.rates == {"EUR": 1 / Decimal("1.1650"), "JPY": Decimal("171.05") / Decimal("1.1650")}


async def test_a_missing_currency_is_normal_and_left_out() -> None:
    rates, _ = await _run("latest_rates", {"base": "EUR", "symbols": ["USD", "HRK"]}, answer(NINETY))

    assert rates.rates == {"USD": Decimal("1.1650")}


async def test_a_base_the_bank_does_not_quote_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="does not quote RUB"):
        await _run("latest_rates", {"base": "RUB"}, answer(NINETY))


@pytest.mark.parametrize(("asked", "given"), [("2026-09-27", "2026-09-25"), ("2026-09-30", "2026-09-30")])
async def test_a_day_without_publication_takes_the_last_earlier_day(asked: str, given: str) -> None:
    rates, exchange = await _run("historical_rates", {"date": asked, "base": "EUR"}, answer(NINETY))

    assert rates.as_of.date() == date.fromisoformat(given)
    assert [request.path for request in exchange.requests] == ["/stats/eurofxref/eurofxref-hist-90d.xml"]


async def test_a_day_older_than_90_days_is_read_from_the_file_of_all_days() -> None:
    old = _file(_day("2026-10-01", USD="1.1650"), _day("2020-01-03", USD="1.1147"))
    rates, exchange = await _run("historical_rates", {"date": "2020-01-05", "base": "EUR"}, answer(old))

    assert rates.rates["USD"] == Decimal("1.1147")
    assert [request.path for request in exchange.requests] == ["/stats/eurofxref/eurofxref-hist.xml"]


async def test_a_day_before_the_first_of_the_90_day_file_is_looked_for_in_the_file_of_all_days() -> None:
    full = _file(_day("2026-09-25", USD="1.1550"), _day("2026-09-10", USD="1.1500"))
    rates, exchange = await _run(
        "historical_rates", {"date": "2026-09-20", "base": "EUR"}, answer(NINETY), answer(full)
    )

    assert rates.rates["USD"] == Decimal("1.1500")
    assert len(exchange.requests) == 2


@pytest.mark.parametrize(
    ("day", "reason"), [("1999-01-03", "no rates before 1999-01-04"), ("2026-10-02", "in the future")]
)
async def test_a_day_without_rates_is_refused_before_anything_is_sent(day: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        await _run("historical_rates", {"date": day})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"<!DOCTYPE html><html><body>Service unavailable</body></html>", "DOCTYPE"),
        (b"<html><body>Service unavailable</body></html>", "Envelope"),
        (b"Service unavailable", "body"),
        (b"", "body"),
        (NINETY[:200], "body"),
        (NINETY.replace(b"/2002-08-01/eurofxref", b"/2030-01-01/eurofxref"), "Cube[@time]"),
        (_file(), "Cube[@time]"),
        (_file(_day("2026-10-01")), "Cube[@currency]"),
        (_file(_day("yesterday", USD="1.1")), "Cube[@time]"),
        (_file(_day("2026-10-01", USD="1,1")), "Cube[@rate]"),
        (_file(_day("2026-10-01", USD="-1")), "Cube[@rate]"),
        (_file(_day("2026-10-01", USD="NaN")), "Cube[@rate]"),
    ],
)
async def test_html_at_200_and_anything_else_but_a_rates_file_is_schema_drift(body: bytes, field: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await _run("latest_rates", {}, answer(body, content_type="text/html"))

    assert caught.value.field == field


def test_a_document_type_with_an_entity_is_refused_and_nothing_is_expanded(tmp_path: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("1.5")
    head, rest = NINETY.split(b"\n", 1)
    dtd = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'.encode()
    for body in (
        head + dtd + rest.replace(b"Reference rates", b"&e;"),
        head
        + b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
        + rest.replace(b"Reference rates", b"&b;"),
    ):
        with pytest.raises(SchemaDrift):
            read_fixings(body)


def test_the_stored_daily_file_is_read() -> None:
    fixings = read_fixings(contract("ecb/eurofxref-daily-2022-07-08.xml").read_bytes())

    assert len(fixings) == 1
    assert fixings[0].day == date(2022, 7, 8)
    assert fixings[0].rates["USD"] == Decimal("1.0163")
    assert str(fixings[0].rates["PLN"]) == "4.7630"


def test_the_stored_90_day_file_with_its_other_quotes_is_read_newest_first() -> None:
    fixings = read_fixings(contract("ecb/eurofxref-hist-90d-2015-02-20.xml").read_bytes())

    assert fixings[0].day == date(2015, 2, 20)
    assert [fixing.day for fixing in fixings] == sorted((fixing.day for fixing in fixings), reverse=True)
    assert 55 <= len(fixings) <= 65
    sunday = latest_on_or_before(fixings, date(2015, 2, 15))
    assert sunday is not None
    assert sunday.day == date(2015, 2, 13)


async def test_a_file_above_a_megabyte_is_read_beside_the_loop() -> None:
    days = [_day(f"{year}-{month:02}-{day:02}", **{f"A{chr(65 + n)}A": "1.5" for n in range(26)}, USD="1.2")
            for year in range(2018, 2026) for month in range(1, 13) for day in range(1, 15)]  # fmt: skip
    body = _file(*reversed(days))
    rates, _ = await _run("historical_rates", {"date": "2020-01-05", "base": "EUR"}, answer(body))

    assert len(body) > 1_000_000
    assert rates.as_of.date() == date(2020, 1, 5)


def test_frankfurter_stands_in_and_then_cached_answers_for_the_four_days_of_easter() -> None:
    for operation in VENDOR.operations:
        assert operation.fallback == Fallback(
            kind="vendor", vendor="frankfurter", then_cached=True, max_age=4 * 86400.0
        )
