"""Lists, asked for by POST: newest first, 25 to a page and 50 at most, further on with ``starting_after``.

The reference has the period in milliseconds, the vendor's own SDK in seconds: both are understood, by their size. A period
is thirty days at most. Setting ``empty_refused`` (false): some shops saw a 400 where there was nothing to list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from integrations.sandbox.tap import fields
from integrations.sandbox.tap.account import Account, Call, Object, Refund, Transaction
from integrations.sandbox.tap.errors import Refused

_USUAL, _MOST = 25, 50
_MILLISECONDS = 100_000_000_000  # more than any second of this age
_LONGEST = 30 * 86_400.0 + 1.0


class Lists:
    """``/v2/charges/list`` and ``/v2/refunds/list``."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def charges(self, call: Call) -> Object:
        """Return charges, captures of authorizes among them."""
        wanted = _among(call.body, "charges")
        customers, sources = _among(call.body, "customers"), _among(call.body, "sources")
        methods, reference = _among(call.body, "payment_methods"), fields.nested(call.body, "reference")
        currency = call.body.get("currency")

        def fits(one: Transaction) -> bool:
            shown = one.shown
            return (
                (not wanted or one.id in wanted)
                and (not customers or shown["customer"].get("id") in customers)
                and (not sources or shown["source"]["id"] in sources)
                and (not methods or shown["source"].get("payment_method") in methods)
                and (not currency or one.currency == currency)
                and all(shown["reference"].get(name) == value for name, value in reference.items())
            )

        return self._page(call, "charges", self._account.charges.newest_first(), fits, "1144")

    def refunds(self, call: Call) -> Object:
        """Return refunds."""
        wanted = _among(call.body, "charges")

        def fits(one: Refund) -> bool:
            return not wanted or one.charge.id in wanted

        return self._page(call, "refunds", self._account.refunds.newest_first(), fits, "1160")

    def _page(
        self,
        call: Call,
        name: str,
        items: Sequence[Any],
        fits: Callable[[Any], bool],
        missing: str,
    ) -> Object:
        body = call.body
        limit, (since, until) = _limit(body), _period(body)
        status, order = body.get("status"), body.get("order") or "reverse_chronological"
        if order not in ("chronological", "reverse_chronological"):
            raise Refused("1103")
        found = [
            one
            for one in items
            if since <= one.created <= until and (not status or one.shown["status"] == status) and fits(one)
        ]
        if order == "chronological":
            found.reverse()
        if after := body.get("starting_after"):
            ids = [one.shown["id"] for one in found]
            if after not in ids:
                raise Refused(missing)
            found = found[ids.index(after) + 1 :]
        if not found and not after and self._account.setting("empty_refused", False):
            raise Refused(missing, 400)
        page = found[:limit]
        return {
            "object_type": "list",
            "live_mode": False,
            "count": len(page),
            "has_more": len(found) > limit,
            "api_version": "V1.2",
            name: [{**one.shown, "method": "GET"} for one in page],
        }


def _limit(body: Object) -> int:
    value = body.get("limit")
    if value in (None, ""):
        return _USUAL
    number = _number(value)
    if number is None or not 1 <= number <= _MOST:
        raise Refused("1162")
    return number


def _period(body: Object) -> tuple[float, float]:
    date = fields.nested(fields.nested(body, "period"), "date")
    if not date:
        return float("-inf"), float("inf")
    bounds = []
    for name in ("from", "to"):
        number = _number(date.get(name))
        if number is None:
            raise Refused("1103")
        bounds.append(number / 1_000 if number >= _MILLISECONDS else float(number))
    since, until = bounds
    if not 0 <= until - since <= _LONGEST:
        raise Refused("1103")
    return since, until


def _number(value: Any) -> int | None:
    """Return a whole number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdigit():
        return None
    return int(value)


def _among(body: Object, name: str) -> frozenset[str]:
    value = body.get(name) or ()
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise Refused("1103")
    return frozenset(value)
