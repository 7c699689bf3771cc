"""P95 from the rollups against the exact one, for durations as vendors have them: at most 1 % apart."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from db import rollups
from db.engine import Database
from tests.benchmarks.report import report
from tests.conftest import NOON
from tests.records import call_facts, ended, micros, started, store

pytestmark = pytest.mark.benchmark

ATTEMPTS = 20_000
AT = micros(NOON)
_chance = random.Random(11)
SHAPES: dict[str, Callable[[], float]] = {
    "lognormal": lambda: _chance.lognormvariate(-1.5, 0.8),
    "two_humps": lambda: _chance.gauss(0.08, 0.01) if _chance.random() < 0.9 else _chance.gauss(4.0, 0.3),
    "heavy_tail": lambda: 0.05 * _chance.paretovariate(1.2),
    "constant": lambda: 0.25,
    "uniform": lambda: _chance.uniform(0.001, 15.0),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_p95_from_rollups_is_within_one_percent(database: Database) -> None:
    worst = 0.0
    for number, (name, draw) in enumerate(SHAPES.items()):
        durations = [max(1e-5, draw()) for _ in range(ATTEMPTS)]
        facts = [
            ended(started(call_facts(AT + place * 100_000, vendor=name)), duration=seconds)
            for place, seconds in enumerate(durations)
        ]
        await store(database, facts, journal=f"accuracy-{number}")
        found = await rollups.totals(database, since=NOON, until=NOON + timedelta(hours=1), vendor=name)
        ranked = sorted(durations)
        for share, value in ((0.5, found.p50), (0.95, found.p95), (0.99, found.p99)):
            exact = ranked[int(share * (ATTEMPTS - 1))]
            assert value is not None
            worst = max(worst, abs(value - exact) / exact)
    report("p95_accuracy", worst_relative_error=worst, target=0.01, attempts=ATTEMPTS * len(SHAPES))

    assert worst <= 0.01 + 1e-9
