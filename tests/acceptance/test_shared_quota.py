"""Two processes share one FedEx quota: the vendor never says 429, and who waits for an answer hardly waits for a permit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from db.engine import Database
from tests.acceptance.shared_quota import RATE, Shared, share

pytestmark = pytest.mark.alone
SECONDS = 10.0


async def test_two_processes_share_a_quota_without_a_429_and_interactive_calls_hardly_wait(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    orders = [{"batch_workers": 6, "interactive_rate": 2.0} for _ in range(2)]

    found = await share(database_url, database, tmp_path, orders, seconds=SECONDS)
    _say(database.dialect, found)

    assert found.statuses.count(429) == 0
    assert len(found.waits) >= 15
    assert found.p95_wait <= 2 / RATE
    assert found.ratio >= 0.7  # batch has its 70 % whatever the others leave


def _say(name: str, found: Shared) -> None:
    sys.stdout.write(
        f"\nshared quota, {name}: granted {found.ratio:.3f} of the allowance, {len(found.waits)} interactive waits, "
        f"P95 {found.p95_wait * 1000:.0f} ms, 429s {found.statuses.count(429)}\n"
    )
