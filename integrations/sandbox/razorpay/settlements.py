"""Settlements: what the account's bank gets, two days later, and the report that tells which payments are in it.

The report is by day of settlement. That its days are Indian ones (UTC+05:30) is unconfirmed, and so is the hour the
money goes out.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson

from integrations.sandbox.razorpay import fields, listing
from integrations.sandbox.razorpay.account import Account, Call, Object
from integrations.sandbox.razorpay.errors import invalid, missing

_INDIA = timezone(timedelta(hours=5, minutes=30))
_WAIT = timedelta(days=2)
_HOUR = 10
_RECON = fields.names("year month day count skip")
_LONGEST = 1_000


class Settlements:
    """``/v1/settlements``: made by time alone."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._waiting: list[Object] = []
        self._settled: list[Object] = []
        self._planned: set[float] = set()

    def page(self, call: Call) -> Object:
        """Return settlements, newest first."""
        fields.allow(listing.query(call), listing.PAGING)
        return listing.page(call, self._account.settlements.newest_first())

    def retrieve(self, call: Call) -> Object:
        """Return one settlement."""
        return self._account.settlements.get(call.match["id"])

    def recon(self, call: Call) -> Object:
        """Return what was settled in a month or on a day: payments and refunds, in paise, in the order they happened."""
        asked = listing.query(call)
        fields.allow(asked, _RECON)
        year, month = _part(asked, "year", 2000, 9999), _part(asked, "month", 1, 12)
        day = _part(asked, "day", 1, 31) if asked.get("day") else None
        found = []
        for row in self._settled:
            on = datetime.fromtimestamp(row["settled_at"], _INDIA)
            if (on.year, on.month) == (year, month) and day in (None, on.day):
                found.append(row)
        return listing.slice_of(call, found, default=10, longest=_LONGEST)

    def note_payment(self, payment: Object, paise: int) -> None:
        """Take a captured payment into the settlement of its day."""
        self._note(
            payment,
            entity_id=payment["id"],
            type="payment",
            debit=0,
            credit=paise - payment["fee"],
            amount=paise,
            fee=payment["fee"],
            tax=payment["tax"],
            notes=payment["notes"],
            description=payment["description"],
            payment_id=None,
        )

    def note_refund(self, refund: Object, payment: Object, paise: int) -> None:
        """Take a refund into the settlement of its day."""
        self._note(
            payment,
            entity_id=refund["id"],
            type="refund",
            debit=paise,
            credit=0,
            amount=paise,
            fee=0,
            tax=0,
            notes=refund["notes"],
            description=None,
            payment_id=payment["id"],
        )

    def _note(self, payment: Object, *, notes: Any, **row: Any) -> None:
        now = self._account.now()
        order = self._account.orders.find(payment["order_id"]) or {}
        card = self._account.cards.get(payment["id"]) or {}
        self._waiting.append(
            {
                **row,
                "currency": "INR",
                "on_hold": False,
                "settled": False,
                "created_at": now,
                "settled_at": None,
                "settlement_id": None,
                "posted_at": None,
                "credit_type": "default",
                "notes": orjson.dumps(notes or {}).decode(),
                "settlement_utr": None,
                "order_id": payment["order_id"],
                "order_receipt": order.get("receipt"),
                "method": payment["method"],
                "card_network": card.get("network"),
                "card_issuer": card.get("issuer"),
                "card_type": card.get("type"),
                "dispute_id": None,
            }
        )
        self._plan(now)

    def _plan(self, since: float) -> None:
        day = (datetime.fromtimestamp(since, _INDIA) + _WAIT).replace(hour=_HOUR, minute=0, second=0, microsecond=0)
        moment = day.astimezone(UTC).timestamp()
        if moment not in self._planned:
            self._planned.add(moment)
            self._account.at(moment, self._settle)

    def _settle(self, moment: float) -> None:
        """Pay out what waited long enough; when refunds outweigh payments it all waits for another day."""
        self._planned.discard(moment)
        until = _days_before(moment)
        due = [row for row in self._waiting if row["created_at"] < until]
        net = sum(row["credit"] - row["debit"] for row in due)
        if net <= 0:
            return
        draw = random.Random(f"{self._account.world.seed}:razorpay.settlements:{moment:.0f}")
        settlement: Object = {
            "id": "setl_" + "".join(draw.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz0123456789", k=14)),
            "entity": "settlement",
            "amount": net,
            "status": "processed",
            "fees": sum(row["fee"] for row in due),
            "tax": sum(row["tax"] for row in due),
            "utr": f"{moment:.0f}{draw.randrange(10**6):06d}",
            "created_at": int(moment),
        }
        self._account.settlements.put(settlement)
        for row in due:
            row.update(
                settled=True,
                settled_at=int(moment),
                settlement_id=settlement["id"],
                settlement_utr=settlement["utr"],
            )
        self._settled.extend(due)
        self._waiting = [row for row in self._waiting if not row["settled"]]


def _days_before(moment: float) -> float:
    """Return the end of the Indian day whose movements are settled at that moment."""
    day = datetime.fromtimestamp(moment, _INDIA).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day - _WAIT + timedelta(days=1)).timestamp()


def _part(asked: dict[str, Any], name: str, least: int, most: int) -> int:
    """Return the year, month or day asked for."""
    if not asked.get(name):
        raise missing(name)
    value = fields.needed(asked, name)
    if not least <= value <= most:
        words = "The year must be 4 digits." if name == "year" else f"The {name} is invalid."
        raise invalid(words, name)
    return value
