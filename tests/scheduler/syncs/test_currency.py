"""The rates sync."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from db import rates
from integrations.errors import HttpFailed
from integrations.types.currency import Rates
from tests.conftest import NOON
from tests.scheduler.stage import Stage


def _rates(**values: str) -> Rates:
    return Rates(base="USD", as_of=NOON, rates={code: Decimal(value) for code, value in values.items()})


async def test_a_snapshot_is_stored_with_its_source_and_its_moment(stage: Stage) -> None:
    stage.erp.rates, stage.erp.rates_from = _rates(EUR="0.912345", KWD="0.3071"), "ecb"

    run = await stage.sync("currency")

    snapshot = await rates.latest(stage.db)
    assert snapshot is not None
    assert (snapshot.source, snapshot.as_of, snapshot.base) == ("ecb", NOON, "USD")
    assert snapshot.rates == {"EUR": Decimal("0.912345"), "KWD": Decimal("0.3071")}
    assert (run.outcome, run.read, run.written) == ("success", 2, 2)


async def test_the_same_rates_again_are_unchanged_but_freshly_fetched(stage: Stage) -> None:
    stage.erp.rates = _rates(EUR="0.91")
    await stage.sync("currency")
    stage.clock.move(3600)

    run = await stage.sync("currency")

    (snapshot,) = await rates.history(stage.db)
    assert (run.written, run.unchanged) == (0, 1)
    assert stage.clock.now() - snapshot.fetched_at < timedelta(seconds=5)


async def test_a_rate_nobody_can_convert_with_is_refused(stage: Stage) -> None:
    stage.erp.rates = _rates(EUR="0.91")
    await stage.sync("currency")
    stage.erp.rates = _rates(EUR="0", GBP="0.8")

    run = await stage.sync("currency")

    assert (run.outcome, run.error_type) == ("error", "bad_rates")
    assert run.message == (
        "open_exchange_rates gave a rate for EUR that is not above 0; the last snapshot stays in use."
    )
    assert len(await rates.history(stage.db)) == 1


async def test_a_source_that_stays_away_ends_the_run_with_its_error(stage: Stage) -> None:
    stage.erp.trouble = lambda operation, value: HttpFailed(
        "Down.", error_type="http_503", fault="theirs", retryable=True, status=503
    )

    run = await stage.sync("currency")

    assert (run.outcome, run.error_type, run.message) == ("error", "http_503", "Down.")
    assert len(stage.erp.calls) == len(stage.options.patience) + 1


async def test_a_dry_run_stores_nothing(stage: Stage) -> None:
    stage.erp.rates = _rates(EUR="0.91")

    run = await stage.sync("currency", dry_run=True)

    assert stage.db.seal.open(run.plan or "")["rates"] == 1
    assert await rates.latest(stage.db) is None
