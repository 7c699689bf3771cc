from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from integrations.sandbox.reference_rates import is_working_day
from tests.contracts import contract
from tests.integrations.sandbox.conftest import Clock, Sandbox, Start

NAMESPACE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}"


@pytest.fixture
async def ecb(start: Start) -> Sandbox:
    return await start("ecb")


async def fetch(ecb: Sandbox, file: str = "eurofxref-daily.xml") -> bytes:
    async with ecb.client.get(f"{ecb.url}/ecb/stats/eurofxref/{file}") as answer:
        assert (answer.status, answer.content_type) == (200, "text/xml")
        return await answer.read()


def days(body: bytes) -> dict[str, dict[str, Decimal]]:
    return {
        day.attrib["time"]: {cube.attrib["currency"]: Decimal(cube.attrib["rate"]) for cube in day}
        for day in etree.fromstring(body).iterfind(f".//{NAMESPACE}Cube[@time]")
    }


def set_clock(clock: Clock, text: str) -> None:
    clock.time = datetime.fromisoformat(text).astimezone(UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-10-01T15:59:00+02:00", "2026-09-30"),
        ("2026-10-01T16:00:00+02:00", "2026-10-01"),
        ("2026-10-03T18:00:00+02:00", "2026-10-02"),  # a Saturday
        ("2026-10-05T09:00:00+02:00", "2026-10-02"),  # Monday morning
        ("2026-04-06T18:00:00+02:00", "2026-04-02"),  # Easter Monday, back over Good Friday
        ("2026-12-27T18:00:00+01:00", "2026-12-24"),
    ],
)
async def test_daily_file_holds_the_last_published_day(ecb: Sandbox, now: str, day: str) -> None:
    set_clock(ecb.clock, now)

    assert list(days(await fetch(ecb))) == [day]


async def test_daily_file_is_built_like_the_banks_own(ecb: Sandbox) -> None:
    ours, theirs = await fetch(ecb), contract("ecb/eurofxref-daily-2022-07-08.xml").read_bytes()
    shape = [[element.tag, sorted(element.attrib)] for element in etree.fromstring(theirs).iter() if len(element) > 0]

    assert [
        [element.tag, sorted(element.attrib)] for element in etree.fromstring(ours).iter() if len(element) > 0
    ] == shape
    gone_since = {"BGN", "HRK"}
    assert set(next(iter(days(ours).values()))) == set(next(iter(days(theirs).values()))) - gone_since
    assert b"currency='USD'" in ours


async def test_history_is_newest_first_over_about_62_working_days(ecb: Sandbox) -> None:
    body = await fetch(ecb, "eurofxref-hist-90d.xml")
    dates = [date.fromisoformat(day) for day in days(body)]

    assert dates == sorted(dates, reverse=True)
    assert 60 <= len(dates) <= 65
    assert all(is_working_day(day) for day in dates)
    assert b'currency="USD"' in body


async def test_daily_file_and_history_agree_and_rates_keep_their_decimals(ecb: Sandbox) -> None:
    daily = days(await fetch(ecb))
    history = days(await fetch(ecb, "eurofxref-hist-90d.xml"))
    ((day, rates),) = daily.items()

    assert history[day] == rates
    assert (rates["USD"].as_tuple().exponent, rates["JPY"].as_tuple().exponent) == (-4, -2)
    assert Decimal("1.08") < rates["USD"] < Decimal("1.25")


async def test_unchanged_file_is_a_304(ecb: Sandbox) -> None:
    url = f"{ecb.url}/ecb/stats/eurofxref/eurofxref-daily.xml"
    async with ecb.client.get(url) as answer:
        tag = answer.headers["ETag"]
        assert answer.headers["Last-Modified"] == "Wed, 30 Sep 2026 14:00:00 GMT"
    async with ecb.client.get(url, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304


async def test_trouble_is_a_page(ecb: Sandbox) -> None:
    await ecb.fault("ecb", "status:503")
    async with ecb.client.get(f"{ecb.url}/ecb/stats/eurofxref/eurofxref-daily.xml") as answer:
        assert (answer.status, answer.content_type) == (503, "text/html")


async def test_schema_fault_takes_the_days_away(ecb: Sandbox) -> None:
    await ecb.fault("ecb", "schema")

    assert days(await fetch(ecb)) == {}
