"""The command ``sync``: a run in this process, under the same lease as everybody's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import InvalidInput, LeaseHeld
from integrations.types.currency import Rates
from scheduler.commands import exit_code, run_lines, sync_once
from tests.conftest import NOON
from tests.scheduler.stage import Stage


async def _sync(stage: Stage, name: str, **more: Any) -> dict[str, Any]:
    stage.erp.rates = Rates(base="USD", as_of=NOON, rates={"EUR": Decimal("0.9")})
    return await sync_once(
        stage.db, stage.erp, stage.options, name, now=stage.clock.now, sleep=stage.clock.sleep, **more
    )


async def test_a_sync_gives_its_run(stage: Stage) -> None:
    run = await _sync(stage, "currency", requested_by="ann")

    assert (run["sync"], run["outcome"], run["trigger"], run["requested_by"]) == ("currency", "success", "user", "ann")
    assert run["counts"] == {"read": 1, "written": 1, "unchanged": 0, "conflicted": 0, "failed": 0}
    assert (run["progress"], run["plan"], exit_code(run)) == (1.0, None, 0)
    assert run_lines(run) == [
        "currency: success (1 read, 1 written)",
        "1 rates of 2026-03-02 12:00 UTC from open_exchange_rates.",
    ]


async def test_a_dry_run_gives_its_plan(stage: Stage) -> None:
    run = await _sync(stage, "currency", dry_run=True)

    plan = run["plan"]
    assert plan | {"items": ...} == {
        "source": "open_exchange_rates",
        "as_of": "2026-03-02T12:00:00+00:00",
        "base": "USD",
        "rates": 1,
        "changes": 1,
        "rows_kept": 1,
        "by_target": {"platform": {"rate": 1}},
        "items": ...,
    }
    assert [(item["before"], item["after"]) for item in plan["items"]] == [(None, "0.9")]


async def test_a_sync_that_runs_elsewhere_is_refused(stage: Stage) -> None:
    other = await stage.begin("currency")
    stage.clock.move(1)

    with pytest.raises(LeaseHeld, match=f"Run {other.row.id} was still running") as caught:
        await _sync(stage, "currency")

    assert caught.value.exit_code == 3


async def test_a_dead_run_is_gone_on_with(stage: Stage) -> None:
    dead = await stage.begin("currency")
    stage.clock.move(31)

    run = await _sync(stage, "currency")

    assert (run["id"], run["takeovers"], run["outcome"]) == (dead.row.id, 1, "success")


async def test_an_unknown_sync_names_those_there_are(stage: Stage) -> None:
    with pytest.raises(InvalidInput, match='No sync "stock"; there are currency, inventory, orders'):
        await _sync(stage, "stock")
