"""/metrics: the text, who may read it, and counters that never fall."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert

from db.engine import Database
from db.histogram import bin_of
from db.schema import rollup_bins, rollup_errors, rollups
from monitoring.counters import Counters
from monitoring.options import WebOptions
from tests.conftest import MovableClock
from tests.monitoring.browser import client, web, with_token
from tests.monitoring.evidence import ran, set_circuit, unknown_write

_LINE = re.compile(r'[a-z_]+(\{[a-z_]+="(?:[^"\\]|\\.)*"(,[a-z_]+="(?:[^"\\]|\\.)*")*\})? [0-9.e+-]+')


async def hour_of_calls(db: Database, clock: MovableClock, durations: list[float], failed: int = 0) -> None:
    """Add an hour's rollups of one operation."""
    at = clock.now().replace(minute=0)
    async with db.write() as connection:
        await connection.execute(
            insert(rollups).values(
                width=3600,
                started_at=at,
                vendor="fedex",
                operation="quote_rates",
                calls=len(durations),
                calls_failed=failed,
                calls_refused=0,
                attempts=len(durations),
                attempts_failed=failed,
                retries=1,
                throttle_wait=0.5,
                duration=sum(durations),
            )
        )
        for index in {bin_of(duration) for duration in durations}:
            count = [bin_of(duration) for duration in durations].count(index)
            await connection.execute(
                insert(rollup_bins).values(
                    width=3600, started_at=at, vendor="fedex", operation="quote_rates", bin=index, count=count
                )
            )
        if failed:
            await connection.execute(
                insert(rollup_errors).values(
                    width=3600,
                    started_at=at,
                    vendor="fedex",
                    operation="quote_rates",
                    error_type="http_503",
                    fault="theirs",
                    calls=failed,
                    attempts=failed,
                )
            )


async def test_the_text_says_durations_errors_circuits_headroom_and_age(
    database: Database, clock: MovableClock
) -> None:
    await hour_of_calls(database, clock, [0.02, 0.2, 0.2, 3.0, 50.0], failed=2)
    await set_circuit(database, "fedex", "open", clock.now())
    await ran(database, "orders", "success", clock.now() - timedelta(seconds=90))
    await unknown_write(database, "stripe", clock.now())
    async with web(database, clock) as api:
        scraper = await with_token(api, database, clock, "read")
        answer = await scraper.get("/metrics")

    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for sample in (
        'http_client_request_duration_seconds_bucket{vendor="fedex",operation="quote_rates",le="0.25"} 3',
        'http_client_request_duration_seconds_bucket{vendor="fedex",operation="quote_rates",le="5"} 4',
        'http_client_request_duration_seconds_bucket{vendor="fedex",operation="quote_rates",le="+Inf"} 5',
        'http_client_request_duration_seconds_count{vendor="fedex",operation="quote_rates"} 5',
        'quayside_calls_total{vendor="fedex",operation="quote_rates",outcome="success"} 3',
        'quayside_calls_total{vendor="fedex",operation="quote_rates",outcome="failed"} 2',
        'quayside_call_errors_total{vendor="fedex",operation="quote_rates",error_type="http_503",fault="theirs"} 2',
        'quayside_circuit_state{vendor="fedex",circuit="fedex",state="open"} 1',
        'quayside_circuit_state{vendor="fedex",circuit="fedex",state="closed"} 0',
        'quayside_quota_headroom_ratio{vendor="fedex",quota="per_second"} 1.0',
        'quayside_sync_age_seconds{sync="orders"} 90.0',
        'quayside_unknown_outcomes{vendor="stripe"} 1',
    ):
        assert sample in lines
    assert all(line.startswith("#") or _LINE.fullmatch(line) for line in lines)


async def test_counters_grow_and_never_fall_when_old_rollups_are_dropped(
    database: Database, clock: MovableClock
) -> None:
    counters = Counters(clock.now())
    key = ("fedex", "quote_rates")
    totals = []

    for _ in range(6):
        await hour_of_calls(database, clock, [0.1] * 10)
        totals.append((await counters.read(database, clock.now())).calls[key])
        clock.move(3600)
        async with database.write() as connection:
            await connection.execute(delete(rollups).where(rollups.c.started_at < clock.now() - timedelta(hours=4)))

    assert totals == [10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize(("public", "status"), [(False, 401), (True, 200)])
async def test_nobody_reads_metrics_unless_the_option_says_so(
    database: Database, clock: MovableClock, public: bool, status: int
) -> None:
    async with web(database, clock, WebOptions(metrics_public=public)) as api, client(api) as nobody:
        assert (await nobody.get("/metrics")).status_code == status
        wrong = await with_token(api, database, clock, "orders")
        assert (await wrong.get("/metrics")).status_code == 403


def test_public_metrics_beyond_loopback_are_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"listen on 127\.0\.0\.1 or give the scraper a token"):
        WebOptions(host="0.0.0.0", metrics_public=True)  # noqa: S104
