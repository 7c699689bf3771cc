"""Counted quotas: a window that opens again in time is waited for, and nobody is sent away longer than need be."""

from __future__ import annotations

import pytest

from db.engine import Database
from integrations.adapter import QuotaPolicy
from integrations.errors import NoPermit
from integrations.permit_desk import PermitDesk
from integrations.resilience.rate_limiter import LimiterOptions
from tests.conftest import MovableClock

MINUTE = QuotaPolicy(name="minute", limit=2, seconds=60.0, paced=False)
CLOCK_STEP = 1.0


@pytest.fixture
def desk(database: Database, clock: MovableClock) -> PermitDesk:
    return PermitDesk(database, clock, LimiterOptions(reserve=0.0))  # type: ignore[arg-type]  # has what a clock needs


async def permit(desk: PermitDesk, *, wait: float) -> float:
    return (await desk.permit("acme", "Acme", [MINUTE], "batch", cost=1.0, wait=wait)).waited


async def test_a_window_that_opens_before_the_deadline_is_waited_for(desk: PermitDesk, clock: MovableClock) -> None:
    for _ in range(2):
        assert await permit(desk, wait=90) == 0.0
    clock.move(10)

    assert await permit(desk, wait=90) == pytest.approx(50, abs=CLOCK_STEP)


async def test_a_window_that_opens_too_late_is_refused_with_the_seconds_to_wait(desk: PermitDesk) -> None:
    for _ in range(2):
        await permit(desk, wait=30)

    with pytest.raises(NoPermit) as caught:
        await permit(desk, wait=30)

    assert caught.value.retry_after == pytest.approx(60, abs=CLOCK_STEP)


async def test_a_vendor_that_wants_us_away_is_left_alone_so_long_and_no_longer(desk: PermitDesk) -> None:
    await permit(desk, wait=30)
    await desk.observe("acme", [], blocked_for=5.0)

    assert await permit(desk, wait=30) == pytest.approx(5, abs=CLOCK_STEP)


async def test_a_cost_that_no_window_has_room_for_is_refused(desk: PermitDesk) -> None:
    with pytest.raises(NoPermit):
        await desk.permit("acme", "Acme", [MINUTE], "batch", cost=3.0, wait=30)
