"""Who is right about a stock level."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from db.stock import StockRow
from scheduler.syncs.merge import Ruling, rule
from tests.conftest import NOON

LATER, EARLIER = NOON + timedelta(seconds=1), NOON - timedelta(seconds=1)


def _ours(quantity: int, base: int | None) -> StockRow:
    return StockRow(
        sku="A",
        warehouse="MAIN",
        quantity=Decimal(quantity),
        base_quantity=None if base is None else Decimal(base),
        changed_at=NOON,
        changed_by="api",
        version=3,
    )


@pytest.mark.parametrize(
    ("ours", "erp", "erp_at", "expected"),
    [
        (None, 5, NOON, "take"),
        (_ours(5, 5), 5, NOON, "unchanged"),
        (_ours(5, 4), 5, NOON, "agreed"),
        (_ours(5, None), 5, NOON, "agreed"),
        (_ours(5, 5), 4, EARLIER, "take"),
        (_ours(6, 5), 5, LATER, "post"),
        (_ours(6, 5), 4, LATER, "conflict_take"),
        (_ours(6, 5), 4, NOON, "conflict_take"),
        (_ours(6, 5), 4, EARLIER, "conflict_post"),
        (_ours(6, None), 4, LATER, "conflict_take"),
        (_ours(6, None), 4, EARLIER, "conflict_post"),
        (_ours(0, 0), -2, LATER, "take"),
        (_ours(-2, -2), -2, LATER, "unchanged"),
    ],
)
def test_ruling(ours: StockRow | None, erp: int, erp_at: datetime, expected: Ruling) -> None:
    assert rule(ours, Decimal(erp), erp_at) == expected
