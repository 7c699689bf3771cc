"""How much of a shared quota is really used, and how long an interactive call waits, over several real processes.

The quota is 20/s, enforced by the sandbox's FedEx in windows that begin with a request, as vendors count them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from db.engine import Database
from tests.acceptance.shared_quota import RATE, share
from tests.benchmarks.report import report

pytestmark = pytest.mark.benchmark

SECONDS = 20.0


async def test_four_saturating_processes_use_the_allowance_and_never_more(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    orders = [{"batch_workers": 4, "interactive_workers": 3} for _ in range(4)]

    found = await share(database_url, database, tmp_path, orders, seconds=SECONDS)
    refused = found.statuses.count(429)
    report(f"permits_granted_{database.dialect}", ratio=found.ratio, target=0.98, refused_by_the_vendor=refused)

    assert refused == 0
    assert found.ratio >= 0.98


async def test_interactive_waits_while_batch_saturates(database: Database, database_url: str, tmp_path: Path) -> None:
    orders = [{"batch_workers": 6, "interactive_rate": 2.0} for _ in range(2)]

    found = await share(database_url, database, tmp_path, orders, seconds=SECONDS)
    permits = found.p95_wait * RATE
    refused = found.statuses.count(429)
    report(
        f"interactive_wait_{database.dialect}",
        p95_permits=permits,
        target=2.0,
        waits=len(found.waits),
        granted_ratio=found.ratio,
        refused_by_the_vendor=refused,
    )

    assert refused == 0
    assert permits <= 2.0
