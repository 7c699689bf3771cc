"""What the account has before anybody asks: three weeks of trade, settled as time went by, and payments of known names.

Nothing of it is an effect: it happened before the ledger looked. The named ones are made at the first question for them.
"""

from __future__ import annotations

from integrations.sandbox.razorpay import methods
from integrations.sandbox.razorpay.account import Account, Terms
from integrations.sandbox.razorpay.orders import Orders
from integrations.sandbox.razorpay.payments import Payments
from integrations.sandbox.razorpay.refunds import Refunds

ORDER = "order_SandboxOrder01"  # nobody has paid it yet
AUTHORIZED = "pay_SandboxAuthzd1"  # can be captured
CAPTURED = "pay_SandboxCapturd"  # can be refunded
FAILED = "pay_SandboxFailed1"
_AMOUNT = 109_900
_DAY = 86_400
_TRADE = 42  # payments
_DAYS = 21
_PAID_WITH = ("success@razorpay", "HDFC", "4100280000001007", "5500670000001002", "success@razorpay")


class Samples:
    """Makes what is there without anybody's doing."""

    def __init__(self, account: Account, orders: Orders, payments: Payments, refunds: Refunds) -> None:
        self._account = account
        self._orders = orders
        self._payments = payments
        self._refunds = refunds

    def make_history(self) -> None:
        """Let customers have paid over the last weeks, some of them from abroad, some in vain, some to get it back."""
        draw, start = self._account.world.chance("razorpay.history"), self._account.now() - _DAYS * _DAY
        for number in range(_TRADE):
            at = start + number * _DAYS * _DAY // _TRADE + draw.randrange(6 * 3_600)
            currency = draw.choices(("INR", "USD", "AED", "JPY"), (14, 3, 1, 1))[0]
            amount = draw.randrange(500, 9_000) * 100 if currency == "INR" else draw.randrange(1_200, 24_000)
            paid_with = draw.choice(_PAID_WITH) if currency == "INR" else "5555555555554444"
            failed, returned = draw.random() < 0.08, draw.random() < 0.12
            payment = self._pay(at, amount, currency, f"H-{1001 + number}", paid_with, captured=True, failed=failed)
            if returned and not failed:
                with self._account.past(min(at + 2 * _DAY, self._account.now())):
                    self._refunds.make(payment, amount=amount // 2 // 10 * 10, receipt=f"R-{1001 + number}")

    def make_for(self, id: str) -> None:
        """Make the sample of this id, unless it is none or is there."""
        account = self._account
        if id == ORDER and account.orders.find(id) is None:
            with account.past(account.now()):
                self._orders.make(
                    amount=_AMOUNT, currency="INR", receipt="SAMPLE-ORDER", notes=[], terms=Terms(), id=ORDER
                )
        if id in (AUTHORIZED, CAPTURED, FAILED) and account.payments.find(id) is None:
            captured, failed = id == CAPTURED, id == FAILED
            receipt = f"SAMPLE-{'FAILED' if failed else 'CAPTURED' if captured else 'AUTHORIZED'}"
            now = account.now()
            self._pay(now, _AMOUNT, "INR", receipt, "4100280000001007", captured=captured, failed=failed, id=id)

    def _pay(
        self,
        at: int,
        amount: int,
        currency: str,
        receipt: str,
        paid_with: str,
        *,
        captured: bool,
        failed: bool,
        id: str | None = None,
    ) -> dict[str, object]:
        with self._account.past(at):
            terms = Terms(automatic=captured)
            order = self._orders.make(amount=amount, currency=currency, receipt=receipt, notes=[], terms=terms)
            instrument = methods.named(paid_with)
            payment = self._payments.begin(
                order,
                instrument,
                amount=amount,
                currency=currency,
                email="buyer@example.com",
                contact="+919000090000",
                id=id,
            )
            if failed:
                self._payments.fail(payment, methods.PAYMENT_FAILED)
            else:
                self._payments.succeed(payment)
        return payment
