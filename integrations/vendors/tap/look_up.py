"""Reading Tap's lists: ``POST …/list`` with the filter in the body, newest first, 50 rows a page at most.

The time filter is left out: the official client sends seconds, Tap's pages show milliseconds, and the wrong one finds
nothing. So rows are held against a time here. Source: developers.tap.company, list all charges, list all refunds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from integrations.adapter import Exchange
from integrations.errors import BusinessFailed, HttpFailed
from integrations.outcome import Request
from integrations.vendors.tap import answers, verdicts
from integrations.vendors.tap.answers import Made, Refund
from integrations.vendors.tap.declaration import CHARGE_LIST, REFUND_LIST

PAGE = 50
MOST_PAGES = 20
Row = TypeVar("Row", Made, Refund)


async def refunds_of(exchange: Exchange, charge_id: str) -> Sequence[Refund]:
    """Return the refunds of a charge. Raise BusinessFailed when they are too many to be read to their end."""
    rows = await _all(exchange, refund_page, {"charges": [charge_id]})
    return [row for row in rows if row.charge_id == charge_id]


async def captures_of(exchange: Exchange, authorize_id: str) -> Sequence[Made]:
    """Return the charges that captured an authorization: those whose source it is. Raises as above.

    That Tap filters by ``sources`` is confirmed, that such a charge repeats its source is not: () tells nothing.
    """
    rows = await _all(exchange, charge_page, {"sources": [authorize_id]})
    return [row for row in rows if row.source_id == authorize_id and row.status == "CAPTURED"]


async def charge_page(
    exchange: Exchange, wanted: Mapping[str, Any], cursor: str, limit: int, step: str = "look_up"
) -> tuple[Sequence[Made], bool]:
    """Return a page of charges and whether there are more."""
    return await _page(exchange, CHARGE_LIST, answers.charges, wanted, cursor, limit, step)


async def refund_page(
    exchange: Exchange, wanted: Mapping[str, Any], cursor: str, limit: int, step: str = "look_up"
) -> tuple[Sequence[Refund], bool]:
    """Return a page of refunds and whether there are more."""
    return await _page(exchange, REFUND_LIST, answers.refunds, wanted, cursor, limit, step)


async def _page(
    exchange: Exchange,
    path: str,
    understood: Callable[[Any], tuple[Sequence[Row], bool]],
    wanted: Mapping[str, Any],
    cursor: str,
    limit: int,
    step: str,
) -> tuple[Sequence[Row], bool]:
    body = {**wanted, "limit": limit, **({"starting_after": cursor} if cursor else {})}
    request = Request(
        method="POST",
        path=path,
        template=path,
        json=body,
        step="look_up" if step else "",
        repeatable=True,  # a POST that only reads
    )
    try:
        return understood((await exchange.send(request)).exact_json())
    except HttpFailed as error:
        if error.error_type == verdicts.NOTHING_FOUND:
            return (), False
        raise


async def _all(exchange: Exchange, page: Any, wanted: Mapping[str, Any]) -> Sequence[Any]:
    found: list[Any] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        rows, more = await page(exchange, wanted, cursor, PAGE)
        found += rows
        if not more or not rows:
            return found
        cursor = rows[-1].id
    raise BusinessFailed(
        f"Tap has more than {MOST_PAGES * PAGE} rows to look through; look the payment up in its dashboard.",
        error_type="look_up_too_long",
        fault="theirs",
    )
