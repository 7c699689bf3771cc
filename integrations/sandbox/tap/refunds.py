"""Refunds: PENDING at first, always, and then one of five ways to end. The charge stays CAPTURED and says nothing of them.

Settings: ``refund_seconds`` (60), ``refund_outcome`` ("REFUNDED", "DECLINED", "FAILED" or "RESTRICTED"), ``wallet_short``
(false; while the wallet lacks the money, refunds stay PENDING).
"""

from __future__ import annotations

from integrations.sandbox.tap import fields, money
from integrations.sandbox.tap.account import Account, Call, Object, Refund, milliseconds
from integrations.sandbox.tap.errors import Refused
from integrations.sandbox.tap.transactions import Transactions

_RESPONSES = {
    "REFUNDED": {"code": "000", "message": "Refunded"},
    "DECLINED": {"code": "501", "message": "Declined"},
    "FAILED": {"code": "401", "message": "Failed"},
    "RESTRICTED": {"code": "601", "message": "Restricted"},
}


class Refunds:
    """``/v2/refunds``."""

    def __init__(self, account: Account, transactions: Transactions) -> None:
        self._account = account
        self._transactions = transactions

    def create(self, call: Call) -> Object:
        """Begin to give money back; raises ``Refused`` 1161 when there is not that much left to give."""
        body, account = call.body, self._account
        id = body.get("charge_id")
        if not id:
            raise Refused("1142")
        charge = self._transactions.find_charge(id if isinstance(id, str) else "")
        currency = money.read_currency(body)
        if currency != charge.currency:
            raise Refused("1149")
        amount = money.read_amount(body, currency)
        reason = fields.text(body, "reason", "1157", 250)
        if not reason:
            raise Refused("1156")
        if charge.shown["status"] != "CAPTURED":
            raise Refused("1103")
        if amount > charge.left:
            raise Refused("1161")
        now = account.now()
        merchant = fields.text(fields.nested(body, "reference"), "merchant", "1122", 100)
        shown: Object = {
            "id": account.new_id("re"),
            "object": "refund",
            "live_mode": False,
            "api_version": "V2",
            "method": "CREATE",
            "status": "PENDING",
            "amount": amount,
            "currency": currency,
            "charge_id": charge.id,
            "created": str(milliseconds(now)),
            "reason": reason,
            "description": fields.text(body, "description", "1121", 1_000),
            "metadata": fields.metadata(body),
            "reference": {"merchant": merchant} if merchant else {},
            "response": {"code": "100", "message": "Pending"},
            "post": {"status": "PENDING", "url": fields.url(body, "post", None)},
            "transaction": {
                "timezone": "UTC+03:00",
                "asynchronous": False,
                "amount": money.short(amount),
                "currency": currency,
                "date": {"created": milliseconds(now)},
            },
            "merchant": {"id": charge.shown["merchant"]["id"]},
        }
        refund = Refund(shown=shown, created=now, amount=amount, charge=charge)
        account.refunds.put(shown["id"], refund)
        charge.left -= amount
        account.effect(
            "refund", reference=merchant or charge.reference, id=shown["id"], amount=amount, currency=currency
        )
        self._wait(refund, now)
        return shown

    def retrieve(self, call: Call) -> Object:
        """Return one refund."""
        return {**self._find(call.match["id"]).shown, "method": "GET"}

    def change(self, call: Call) -> Object:
        """Put other metadata on a refund: nothing else can be changed."""
        refund = self._find(call.match["id"])
        if set(call.body) - {"metadata"}:
            raise Refused("1103")
        refund.shown["metadata"] = fields.metadata(call.body)
        return {**refund.shown, "method": "UPDATE"}

    def _find(self, id: str) -> Refund:
        if not id.startswith("re_"):
            raise Refused("1159")
        found = self._account.refunds.get(id)
        if found is None:
            raise Refused("1160")
        return found

    def _wait(self, refund: Refund, since: float) -> None:
        seconds = max(1.0, float(self._account.setting("refund_seconds", 60)))
        self._account.at(since + seconds, lambda moment: self._finish(refund, moment))

    def _finish(self, refund: Refund, moment: float) -> None:
        """Bring a refund to its end, or look again later while there is no money for it."""
        if self._account.setting("wallet_short", False):
            self._wait(refund, max(moment, self._account.now()))
            return
        status = str(self._account.setting("refund_outcome", "REFUNDED"))
        refund.shown.update(status=status, response=_RESPONSES[status])
        refund.shown["transaction"]["date"]["completed"] = milliseconds(moment)
        if status != "REFUNDED":
            refund.charge.left += refund.amount
            return
        refund.shown["reference"] |= {
            "gateway": self._account.digits(15),
            "payment": self._account.digits(19),
            "acquirer": self._account.digits(12),
        }
