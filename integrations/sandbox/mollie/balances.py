"""The balance and what moved on it. Only tokens of the organisation may look (trap: an API key may not).

In test mode nothing is ever paid out, so there are no settlements. Context is flat, as the contract's examples and its text
have it; its schema nests it by type.
"""

from __future__ import annotations

from decimal import Decimal

from integrations.sandbox.mollie.account import BALANCE_ID, Account, Body, Call, Movement, time_text
from integrations.sandbox.mollie.errors import no_such
from integrations.sandbox.mollie.listing import page
from integrations.sandbox.mollie.money import Money
from integrations.sandbox.mollie.shapes import DOCS, HTML, link

_OPENED = 1_575_624_572.0
PRIMARY = "primary"


class Balances:
    """The one balance of the account, in euros."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def page(self, call: Call) -> Body:
        """Return the balances."""
        found = [BALANCE_ID] if call.query.get("currency", "EUR") == "EUR" else []
        return page(call, "balances", found, lambda id: id, lambda _id: self._body(call))

    def retrieve(self, call: Call) -> Body:
        """Return the balance."""
        self._check(call)
        return self._body(call)

    def transactions(self, call: Call) -> Body:
        """Return what moved, newest first."""
        self._check(call)
        found = self._found(call)
        return page(call, "balance_transactions", found, lambda one: one.id, _transaction)

    def _check(self, call: Call) -> None:
        id = call.match.get("balance_id", PRIMARY)
        if id not in (PRIMARY, BALANCE_ID):
            raise no_such(id)

    def _found(self, call: Call) -> list[Movement]:
        if call.live:
            return []
        return sorted(self._account.movements.oldest_first(), key=lambda one: one.at)[::-1]

    def _body(self, call: Call) -> Body:
        nothing = Money(Decimal(0), "EUR")
        total = sum((one.initial + one.deductions for one in self._found(call)), nothing)
        return {
            "resource": "balance",
            "id": BALANCE_ID,
            "mode": "live" if call.live else "test",
            "createdAt": time_text(_OPENED),
            "currency": "EUR",
            "description": "Primary balance",
            "status": "active",
            "transferFrequency": "daily",
            "transferThreshold": {"currency": "EUR", "value": "5.00"},
            "transferReference": None,
            "transferDestination": {
                "type": "bank-account",
                "beneficiaryName": "Quay Shop",
                "bankAccount": "NL55INGB0000000000",
            },
            "availableAmount": total.json(),
            "pendingAmount": nothing.json(),
            "_links": {
                "self": link(f"{call.base_url}/v2/balances/{BALANCE_ID}"),
                "documentation": link(f"{DOCS}/get-balance", HTML),
            },
        }


def _transaction(one: Movement) -> Body:
    return {
        "resource": "balance-transaction",
        "id": one.id,
        "type": one.type,
        "resultAmount": (one.initial + one.deductions).json(),
        "initialAmount": one.initial.json(),
        "deductions": one.deductions.json(),
        "deductionDetails": {"fees": one.deductions.json()},
        "createdAt": time_text(one.at),
        "context": one.context,
    }
