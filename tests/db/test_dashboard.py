"""What the pages ask beside calls and rollups, on both databases."""

from __future__ import annotations

from datetime import timedelta

from db import dashboard, incidents, processes
from db.engine import Database
from tests.conftest import NOON
from tests.monitoring.evidence import unknown_write
from tests.monitoring.seed import seed_day


async def test_pulse_of_an_empty_database_has_no_scheduler(database: Database) -> None:
    assert await dashboard.pulse(database, NOON) == dashboard.Pulse(scheduler_seen_at=None, firing=0, unknown=0)


async def test_pulse_is_the_latest_heartbeat_of_any_scheduler_and_counts_what_fires_and_what_is_unknown(
    database: Database,
) -> None:
    for minutes, kind in ((5, "scheduler"), (2, "scheduler"), (0, "web")):
        await processes.started(database, f"{kind}-{minutes}", kind, now=NOON - timedelta(minutes=minutes))
    for state, subject in (("firing", "fedex"), ("pending", "stripe")):
        await incidents.open_incident(
            database, rule="error_rate", subject=subject, state=state, severity="page", title="x", facts={},  # type: ignore[arg-type]
            started_at=NOON, inhibited_by=None, now=NOON,
        )  # fmt: skip

    await unknown_write(database, "stripe", NOON)

    assert await dashboard.pulse(database, NOON) == dashboard.Pulse(
        scheduler_seen_at=NOON - timedelta(minutes=2), firing=1, unknown=1
    )


async def test_waiting_counts_the_outbox_by_kind_and_announcements_are_the_least_of_a_bucket(
    database: Database,
) -> None:
    await seed_day(database, NOON, hours=1, pace=0.2)
    found = await dashboard.announced(database, "fedex", NOON - timedelta(hours=1), NOON, width=300)

    assert await dashboard.waiting(database) == {"erp_order": 18}
    assert found
    assert all(start.timestamp() % 300 == 0 and 0.3 < share < 1 for start, share in found.items())
    assert await dashboard.announced(database, "stripe", NOON - timedelta(hours=1), NOON, width=300) == {}
    assert await dashboard.announced(database, "fedex", NOON - timedelta(days=9), NOON, width=3600) == {}
