"""What the merchant has before anybody asks: three weeks of charges, and objects of known names made when asked for.

Nothing of it is an effect: it happened before the ledger looked.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.sandbox.tap.account import Account, Call
from integrations.sandbox.tap.transactions import Transactions

INITIATED = "chg_SandboxInitiated"  # waits on its page
CAPTURED = "chg_SandboxCaptured"  # can be refunded
DECLINED = "chg_SandboxDeclined"
AUTHORIZED = "auth_SandboxAuthorized"  # can be captured or voided
HELD = "auth_SandboxHeld"  # another, so that one can be captured and one voided
_SAMPLES = {
    INITIATED: None,
    CAPTURED: "",
    DECLINED: "DECLINED",
    AUTHORIZED: "",
    HELD: "",
}  # how their customers decided
_CUSTOMER = {"first_name": "Test", "last_name": "Buyer", "email": "buyer@example.com"}
_DAY = 86_400
_TRADE, _DAYS = 40, 21


class Samples:
    """Makes what is there without anybody's doing."""

    def __init__(self, account: Account, transactions: Transactions) -> None:
        self._account = account
        self._transactions = transactions

    def make_history(self) -> None:
        """Let customers have paid over the last weeks, in the currencies of the Gulf, some of them in vain."""
        draw, start = self._account.world.chance("tap.history"), self._account.now() - _DAYS * _DAY
        for number in range(_TRADE):
            at = start + number * _DAYS * _DAY / _TRADE + draw.randrange(6 * 3_600)
            currency = draw.choice(("KWD", "SAR", "AED", "BHD", "QAR", "USD"))
            amount = Decimal(draw.randrange(400, 90_000)).scaleb(-3 if currency in ("KWD", "BHD") else -2)
            outcome = draw.choices(("", "DECLINED", "INSUFFICIENT_FUNDS", "CANCELLED"), (16, 2, 1, 1))[0]
            self._pay(at, f"H-{1001 + number}", amount, currency, outcome, None)

    def make_for(self, id: str, base_url: str) -> None:
        """Make the sample of this id, unless it is none or is there."""
        if id not in _SAMPLES or self._account.charges.get(id) or self._account.authorizes.get(id):
            return
        reference = id.rpartition("Sandbox")[2].upper()
        self._pay(self._account.now(), f"SAMPLE-{reference}", Decimal("10.500"), "KWD", _SAMPLES[id], id, base_url)

    def _pay(
        self,
        at: float,
        reference: str,
        amount: Decimal,
        currency: str,
        outcome: str | None,
        id: str | None,
        base_url: str = "",
    ) -> None:
        body: dict[str, Any] = {
            "amount": amount,
            "currency": currency,
            "customer": _CUSTOMER,
            "source": {"id": "src_card"},
            "reference": {"order": reference},
            "redirect": {"url": "https://shop.example/back"},
        }
        call = Call(body=body, match={}, base_url=base_url)
        with self._account.past(at):
            kind = "authorize" if id in (AUTHORIZED, HELD) else "charge"
            made = self._transactions.begin(call, kind, "src_card", id=id)
            if outcome is not None:
                self._transactions.decide(made, outcome)
