"""Orders that are there when somebody asks for them by name, so that an example works on a fresh sandbox.

They are made at the first question, not at the start: reports of an account nobody touched stay empty, and the ledger has
no effect without a request.
"""

from __future__ import annotations

from decimal import Decimal

from integrations.sandbox.paypal.account import Account
from integrations.sandbox.paypal.money import Money, fee_on
from integrations.sandbox.paypal.records import Authorization, Capture, Order, Unit

CREATED = "SANDBOXCREATED000"  # waits for its buyer
APPROVED = "SANDBOXAPPROVED00"  # can be captured
AUTHORIZED = "SANDBOXAUTHORIZED"  # its authorisation can be captured or voided
HELD = "SANDBOXHELD000000"  # authorised too: one to capture, one to let go
CAPTURED = "SANDBOXCAPTURED00"  # its capture can be refunded
AUTHORIZATION = "SANDBOXAUTH000001"
HELD_AUTHORIZATION = "SANDBOXAUTH000002"
CAPTURE = "SANDBOXCAPTURE001"
_ORDER_OF = {AUTHORIZATION: AUTHORIZED, HELD_AUTHORIZATION: HELD, CAPTURE: CAPTURED}
_AUTHORIZATION_OF = {AUTHORIZED: AUTHORIZATION, HELD: HELD_AUTHORIZATION}
_AMOUNT = Money(Decimal("109.90"), "USD")
_HELD = 29 * 86_400.0


class Samples:
    """Makes the sample order a request speaks of, once."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def make_for(self, id: str) -> None:
        """Make the sample of this order, authorisation or capture id, unless it is there."""
        order_id = _ORDER_OF.get(id, id)
        if order_id in (CREATED, APPROVED, AUTHORIZED, HELD, CAPTURED) and self._account.orders.get(order_id) is None:
            self._make(order_id)

    def _make(self, id: str) -> None:
        account, now = self._account, self._account.now()
        facts = {
            "reference_id": "default",
            "amount": _AMOUNT.json(),
            "description": "Sample payment",
            "custom_id": f"SAMPLE-{id.removeprefix('SANDBOX').rstrip('0')}",
        }
        unit = Unit(amount=_AMOUNT, facts=facts)
        statuses = {CREATED: "CREATED", APPROVED: "APPROVED"}
        order = Order(
            id=id,
            intent="AUTHORIZE" if id in _AUTHORIZATION_OF else "CAPTURE",
            status=statuses.get(id, "COMPLETED"),
            units=[unit],
            source=None,
            at=now,
            updated=now,
            approved=id != CREATED,
        )
        account.orders.put(id, order)
        if id in _AUTHORIZATION_OF:
            held = self._authorization(_AUTHORIZATION_OF[id], order, unit)
            unit.authorizations.append(account.authorizations.put(held.id, held))
        elif id == CAPTURED:
            unit.captures.append(account.captures.put(CAPTURE, self._capture(order, unit)))

    def _authorization(self, id: str, order: Order, unit: Unit) -> Authorization:
        return Authorization(
            id=id,
            order=order,
            unit=unit,
            amount=_AMOUNT,
            status="CREATED",
            processor=None,
            at=order.at,
            updated=order.at,
            expires_at=order.at + _HELD,
        )

    def _capture(self, order: Order, unit: Unit) -> Capture:
        return Capture(
            id=CAPTURE,
            order=order,
            unit=unit,
            authorization=None,
            amount=_AMOUNT,
            fee=fee_on(_AMOUNT),
            status="COMPLETED",
            reason=None,
            processor=None,
            final=True,
            invoice_id=None,
            custom_id=unit.custom_id,
            at=order.at,
            updated=order.at,
        )
