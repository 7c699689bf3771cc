"""A sandbox with every vendor, and the desks of a checkout that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from db import rates
from db.engine import Database
from db.rates import RateSnapshot
from integrations.checkout.options import CheckoutOptions
from integrations.checkout.payments import PaymentDesk
from integrations.checkout.quotes import QuoteDesk
from integrations.checkout.tax import TaxDesk
from integrations.commands import ready_for
from integrations.resilience.clock import Clock
from tests.acceptance.conftest import Harbour, harbour_on

RATES = {
    "AED": "3.67",
    "EUR": "0.9",
    "GBP": "0.8",
    "JPY": "150",
    "KWD": "0.3",
    "AUD": "1.5",
    "CAD": "1.4",
    "SAR": "3.75",
    "INR": "85",
}
QUICK: dict[str, Any] = {"retry": {"base": 0.01, "cap": 0.02}}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """The three desks and what is behind them."""

    harbour: Harbour
    quotes: QuoteDesk
    tax: TaxDesk
    payments: PaymentDesk

    def fault(self, vendor: str, fault: str, operation: str | None = None, rate: float = 1.0) -> None:
        """Let a vendor fail from now on."""
        wanted = {"vendor": vendor, "operation": operation, "fault": fault, "rate": rate}
        self.harbour.sandbox.faults.add([wanted])


async def save_rates(db: Database, **more: Any) -> None:
    """Store a snapshot of a minute ago."""
    facts: dict[str, Any] = {"base": "USD", "as_of": now(), "fetched_at": now(), "source": "test", **more}
    table = {code: Decimal(rate) for code, rate in RATES.items()}
    async with db.write() as connection:
        await rates.save(connection, RateSnapshot(rates=table, **facts))


OpenCounter = Callable[..., AbstractAsyncContextManager[Counter]]


@pytest.fixture
def open_counter(database: Database, tmp_path: Path) -> OpenCounter:
    """Open a checkout on the test's database: ``async with open_counter(toml={…}, quote_deadline=2) as counter``."""

    @asynccontextmanager
    async def opened(
        *,
        toml: dict[str, Any] | None = None,
        without: tuple[str, ...] = (),
        clock: Clock | None = None,
        **options: Any,
    ) -> AsyncIterator[Counter]:
        async with harbour_on(database, tmp_path, toml={**QUICK, **(toml or {})}, clock=clock) as harbour:
            gateway, chosen = harbour.runtime.gateway, CheckoutOptions(**options)

            def ready(operation: str) -> tuple[str, ...]:
                return tuple(name for name in ready_for(operation, harbour.runtime.options) if name not in without)

            tax = (*ready("quote_tax"), *ready("check_vat_number"))
            yield Counter(
                harbour=harbour,
                quotes=QuoteDesk(database, gateway, chosen, carriers=chosen.carriers or ready("quote_rates"), now=now),
                tax=TaxDesk(database, gateway, chosen, ready=tax, now=now),
                payments=PaymentDesk(database, gateway, chosen, processors=ready("create_payment"), now=now),
            )

    return opened
