"""The ERP's clock: offsets, values without one, and the two nights a year when it jumps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import InvalidInput, SchemaDrift
from integrations.time_zone import zone_named
from integrations.vendors.acumatica.filters import after, equal, every, in_portions, one_of
from integrations.vendors.acumatica.zone import as_utc, erp_date, erp_day, erp_time

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
# Hypothesis wants the bounds of local times to be without a zone.
FIRST, LAST = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2000, 2040))


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2023-12-03T14:59:30.693+03:00", NEW_YORK, "2023-12-03T11:59:30.693000+00:00"),
        ("2026-07-01T12:00:00Z", NEW_YORK, "2026-07-01T12:00:00+00:00"),
        ("2026-07-01T12:00:00", NEW_YORK, "2026-07-01T16:00:00+00:00"),
        ("2026-01-01T12:00:00", NEW_YORK, "2026-01-01T17:00:00+00:00"),
        ("2026-07-01T12:00:00.1234567", BERLIN, "2026-07-01T10:00:00.123456+00:00"),
        ("2026-07-01", BERLIN, "2026-06-30T22:00:00+00:00"),
        # 02:30 does not exist on 8 March 2026 in New York: read with the winter offset.
        ("2026-03-08T02:30:00", NEW_YORK, "2026-03-08T07:30:00+00:00"),
        # 01:30 exists twice on 1 November 2026 in New York: the earlier one, still in summer time.
        ("2026-11-01T01:30:00", NEW_YORK, "2026-11-01T05:30:00+00:00"),
        ("2026-11-01T01:30:00-05:00", NEW_YORK, "2026-11-01T06:30:00+00:00"),
        ("2026-03-29T02:30:00", BERLIN, "2026-03-29T01:30:00+00:00"),
        ("2026-10-25T02:30:00", BERLIN, "2026-10-25T00:30:00+00:00"),
    ],
)
def test_a_time_of_the_erp_is_one_moment(text: str, zone: ZoneInfo, moment: str) -> None:
    assert as_utc(text, zone, field="LastModified").isoformat() == moment


def test_what_is_no_time_is_schema_drift() -> None:
    with pytest.raises(SchemaDrift) as caught:
        as_utc("soon", NEW_YORK, field="LastModified")

    assert caught.value.field == "LastModified"


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 7, 15, 7, 31, 28, 402_999, tzinfo=UTC), "2026-07-15T03:31:28.402-04:00"),
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "2026-11-01T01:30:00.000-04:00"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "2026-11-01T01:30:00.000-05:00"),
        (datetime(2026, 3, 8, 7, 0, tzinfo=UTC), "2026-03-08T03:00:00.000-04:00"),
    ],
)
def test_a_moment_is_written_with_the_zones_offset_of_that_moment(at: datetime, text: str) -> None:
    assert erp_time(at, NEW_YORK) == text


@given(
    st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    st.sampled_from([NEW_YORK, BERLIN]),
)
def test_a_moment_written_and_read_is_the_same_to_the_millisecond_and_never_later(at: datetime, zone: ZoneInfo) -> None:
    back = as_utc(erp_time(at, zone), zone, field="x")

    assert timedelta(0) <= at - back < timedelta(milliseconds=1)


@given(st.datetimes(FIRST, LAST))
def test_a_local_time_is_never_read_later_than_it_can_mean(local: datetime) -> None:
    read = as_utc(local.isoformat(), NEW_YORK, field="x")

    assert read <= local.replace(tzinfo=NEW_YORK, fold=1).astimezone(UTC) + timedelta(hours=1)
    assert abs((read.replace(tzinfo=None) - local).total_seconds()) in (4 * 3600, 5 * 3600)


def test_a_day_is_the_erps_midnight() -> None:
    assert erp_date(date(2026, 10, 1), NEW_YORK) == "2026-10-01T00:00:00-04:00"
    assert erp_date(date(2026, 12, 1), NEW_YORK) == "2026-12-01T00:00:00-05:00"
    assert erp_day(datetime(2026, 10, 1, 2, 30, tzinfo=UTC), NEW_YORK) == date(2026, 9, 30)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", ""])
def test_a_zone_that_is_none_is_refused_with_the_setting(name: str) -> None:
    with pytest.raises(InvalidInput, match="QUAYSIDE_ACUMATICA_TIME_ZONE"):
        zone_named("acumatica", name)


def test_the_filter_language() -> None:
    at = datetime(2024, 7, 15, 7, 31, 28, 402_000, tzinfo=UTC)

    assert equal("ExternalRef", "O'Neil") == "ExternalRef eq 'O''Neil'"
    assert one_of("InventoryID", ["A", "B"]) == "(InventoryID eq 'A' or InventoryID eq 'B')"
    assert after("LastModified", at, ZoneInfo("Europe/Istanbul")) == (
        "LastModified gt datetimeoffset'2024-07-15T10:31:28.402+03:00'"
    )
    assert every(["A eq '1'", "", "B eq '2'"]) == "A eq '1' and B eq '2'"
    assert every([]) == ""


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64), max_size=100))
def test_portions_hold_every_text_once_in_order(texts: list[str]) -> None:
    portions = in_portions("InventoryID", texts)

    assert [text for portion in portions for text in portion] == texts
    assert all(portions)
