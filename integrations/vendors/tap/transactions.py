"""Captured charges and refunds as one list, newest first, out of the two that Tap has.

A cursor names the last row taken of each, ``chg_…|re_…``: "" is the beginning and "-" the end of one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from integrations.adapter import Exchange
from integrations.errors import InvalidInput
from integrations.types.payments import Transaction, TransactionPage, TransactionQuery
from integrations.vendors.tap import answers
from integrations.vendors.tap.answers import Made, Refund
from integrations.vendors.tap.look_up import PAGE, charge_page, refund_page

ENDED = "-"
_CURSOR = re.compile(r"(|-|chg_\w+)\|(|-|re_\w+)")


async def page(exchange: Exchange, value: TransactionQuery) -> TransactionPage:
    """Return a page; it may hold fewer rows than asked for, and none, before the end. Raise InvalidInput, SchemaDrift.

    1. Read on in both lists.
    2. Take the newest rows of both together, as many as one page of theirs may hold.
    3. Leave out what is not of the stretch asked for; a row older than it ends the list.
    """
    limit = min(value.limit, PAGE)
    after_charge, after_refund = _places(value.cursor)
    charges: Sequence[Made] = ()
    refunds: Sequence[Refund] = ()
    more_charges = more_refunds = False
    if after_charge != ENDED:
        charges, more_charges = await charge_page(exchange, {"status": "CAPTURED"}, after_charge, limit, "")
    if after_refund != ENDED:
        refunds, more_refunds = await refund_page(exchange, {}, after_refund, limit, "")

    both: list[Made | Refund] = [*charges, *refunds]
    rows = sorted(both, key=answers.moment, reverse=True)[:limit]
    following = "|".join(
        (
            _next(after_charge, charges, [row for row in rows if isinstance(row, Made)], more_charges),
            _next(after_refund, refunds, [row for row in rows if isinstance(row, Refund)], more_refunds),
        )
    )
    is_last = following == f"{ENDED}|{ENDED}" or _is_past(rows, value.since)
    return TransactionPage(transactions=tuple(_wanted(rows, value)), next_cursor="" if is_last else following)


def _wanted(rows: Sequence[Made | Refund], value: TransactionQuery) -> Sequence[Transaction]:
    found = []
    for row in rows:
        at = answers.moment(row)
        if (value.since is not None and at < value.since) or (value.until is not None and at >= value.until):
            continue
        if isinstance(row, Refund):
            if not row.is_refused:
                found.append(answers.of_refund(row))
        elif row.status == "CAPTURED":
            found.append(answers.of_charge(row))
    return found


def _next(before: str, read: Sequence[Made | Refund], taken: Sequence[Made | Refund], more: bool) -> str:
    if len(taken) == len(read) and not more:
        return ENDED
    return taken[-1].id if taken else before


def _is_past(rows: Sequence[Made | Refund], since: datetime | None) -> bool:
    return since is not None and bool(rows) and answers.moment(rows[-1]) < since


def _places(cursor: str) -> tuple[str, str]:
    if not cursor:
        return "", ""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidInput("The cursor is not one that Tap's transactions gave.", field="cursor")
    return found[1], found[2]
