"""A stage: an empty database, a clock, an ERP in memory."""

from __future__ import annotations

import pytest

from db.engine import Database
from tests.conftest import MovableClock
from tests.scheduler.fakes import FakeErp
from tests.scheduler.stage import Stage


@pytest.fixture
def stage(database: Database, clock: MovableClock) -> Stage:
    return Stage(db=database, clock=clock, erp=FakeErp(clock=clock))
