"""The customer's part: Tap's page at ``transaction.url``, and the browser that makes a token of a card.

The page takes ``outcome`` (APPROVED, or one of ``sources.OUTCOMES``) and sends the customer back to ``redirect.url`` with
``tap_id``, whatever came of it. Without an outcome the card behind a token decides.
"""

from __future__ import annotations

import html
from urllib.parse import parse_qsl

from integrations.sandbox.tap import fields, sources
from integrations.sandbox.tap.account import Account, Call, Object, Token, Transaction, milliseconds
from integrations.sandbox.tap.errors import Refused
from integrations.sandbox.tap.sources import OUTCOMES
from integrations.sandbox.tap.transactions import Transactions
from integrations.sandbox.twin import Answer, Ask


class Customer:
    """Whoever sits at the other browser."""

    def __init__(self, account: Account, transactions: Transactions) -> None:
        self._account = account
        self._transactions = transactions

    async def show(self, ask: Ask) -> Answer:
        """Return the page of a payment."""
        self._account.catch_up()
        made = self._transactions.waiting(ask.query.get("chg", ""))
        return _page(404, "<p>There is nothing to pay here.</p>") if made is None else _page(200, _form(made))

    async def pay(self, ask: Ask) -> Answer:
        """Take the form of the page and send the customer back to the shop."""
        self._account.catch_up()
        made = self._transactions.waiting(ask.query.get("chg", ""))
        outcome = dict(parse_qsl(ask.body.decode("utf-8", "replace"))).get("outcome", "")
        if made is None or outcome not in ("", "APPROVED", *OUTCOMES):
            return _page(404, "<p>There is nothing to pay here.</p>")
        self._transactions.decide(made, "" if outcome == "APPROVED" else outcome)
        back = made.shown["redirect"]["url"]
        joint = "&" if "?" in back else "?"
        return Answer(status=302, headers=(("Location", f"{back}{joint}tap_id={made.id}"),))

    def tokenize(self, call: Call) -> Object:
        """Make a token of a test card."""
        given = fields.nested(call.body, "card")
        month, year = (given.get(name) for name in ("exp_month", "exp_year"))
        if not isinstance(given.get("number"), int | str):
            raise Refused("1140")
        if not (str(month).isdigit() and str(year).isdigit()):
            raise Refused("1141")
        card = sources.card(str(given["number"]), int(str(month)), int(str(year)))
        account = self._account
        id = f"tok_{account.letters(25)}"
        account.tokens.put(id, Token(card))
        return {
            "id": id,
            "created": milliseconds(account.now()),
            "object": "token",
            "live_mode": False,
            "type": "CARD",
            "used": False,
            "card": {
                "id": f"card_{account.letters(25)}",
                "object": "card",
                "funding": card.payment_type,
                "brand": card.scheme,
                "scheme": card.scheme,
                "first_six": card.number[:6],
                "last_four": card.number[-4:],
                "exp_month": card.month,
                "exp_year": card.year,
            },
        }


def _form(made: Transaction) -> str:
    about = html.escape(f"{made.shown['amount']} {made.currency}: {made.shown['description']}")
    buttons = "".join(f'<button name="outcome" value="{one}">{one}</button>' for one in ("APPROVED", *OUTCOMES))
    return f'<p>{about}</p><form method="post">{buttons}</form>'


def _page(status: int, body: str) -> Answer:
    document = f"<!doctype html><meta charset=utf-8><title>Tap test mode</title>{body}"
    return Answer(status=status, headers=(("Content-Type", "text/html; charset=utf-8"),), body=document.encode())
