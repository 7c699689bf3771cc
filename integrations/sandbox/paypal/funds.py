"""Money held, taken and given back: the steps that orders and payments share, each with its effect and its event.

A card that its bank refuses leaves an authorisation DENIED or a capture DECLINED inside a 201 and a COMPLETED order; a
wallet that cannot pay refuses the request itself with ``INSTRUMENT_DECLINED``, and the buyer may choose another way.
"""

from __future__ import annotations

from integrations.sandbox.paypal import shapes
from integrations.sandbox.paypal.account import Account, Call
from integrations.sandbox.paypal.errors import unprocessable
from integrations.sandbox.paypal.money import Money, fee_on
from integrations.sandbox.paypal.records import ECHECK, REFUSED, Authorization, Capture, Order, Refund, Unit

_APPROVED = "0000"
_DAY = 86_400.0
_HELD = 29 * _DAY  # an authorisation is good for 29 days


class Funds:
    """Moves the money of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def check_wallet(self, call: Call, order: Order) -> None:
        """Raise ``Refused`` 422 when the buyer's wallet cannot pay, with the page where another way can be chosen."""
        saved = order.source.processor if order.source is not None and order.source.kind == "paypal" else None
        if order.paid_by == "paypal" and (order.funding == REFUSED or saved is not None):
            page = shapes.link(shapes.buyers_page(order, call.base_url), "redirect", "GET")
            raise unprocessable("INSTRUMENT_DECLINED", links=(page,))

    def hold(
        self, call: Call, order: Order, unit: Unit, *, amount: Money | None = None, parent: Authorization | None = None
    ) -> Authorization:
        """Authorise the amount of a unit; one made anew of a ``parent`` holds the same money, so it has no effect."""
        account, now = self._account, self._account.now()
        card = order.paid_by == "card"
        declined = order.source.processor if card and order.source is not None else None
        made = Authorization(
            id=account.new_id(),
            order=order,
            unit=unit,
            amount=amount or unit.amount,
            status="DENIED" if declined else "CREATED",
            processor=(declined or _APPROVED) if card else None,
            at=now,
            updated=now,
            expires_at=now + float(account.setting("authorization_seconds", _HELD)),
            parent=parent,
            captures=parent.captures if parent is not None else [],
        )
        account.authorizations.put(made.id, made)
        unit.authorizations.append(made)
        if declined is not None:
            return made  # no event exists for a denial
        if parent is None:
            account.effect("payment", order, id=made.id, amount=made.amount)
        shown = shapes.authorization_body(made, call.base_url, full=True)
        text = "A payment authorization was created"
        account.note_event("PAYMENT.AUTHORIZATION.CREATED", shown, text, call.base_url)
        return made

    def take(
        self,
        call: Call,
        order: Order,
        unit: Unit,
        *,
        kind: str,
        authorization: Authorization | None = None,
        amount: Money | None = None,
        final: bool = True,
        invoice_id: str | None = None,
    ) -> Capture:
        """Capture an amount of a unit; ``kind`` is the effect: payment when it is made at once, else capture."""
        account, now = self._account, self._account.now()
        card = order.paid_by == "card"
        declined = order.source.processor if card and authorization is None and order.source is not None else None
        taken = amount or unit.amount
        made = Capture(
            id=account.new_id(),
            order=order,
            unit=unit,
            authorization=authorization,
            amount=taken,
            fee=fee_on(taken),
            status="DECLINED" if declined else "COMPLETED",
            reason=None,
            processor=(declined or _APPROVED) if card else None,
            final=final,
            invoice_id=invoice_id or unit.invoice_id,
            custom_id=unit.custom_id,
            at=now,
            updated=now,
        )
        if declined is None and order.funding == ECHECK:
            made.status, made.reason = "PENDING", "ECHECK"
            made.clears_at = now + float(account.setting("echeck_seconds", 3 * _DAY))
            account.wait_for(made)
        account.captures.put(made.id, made)
        unit.captures.append(made)
        if authorization is not None:
            authorization.captures.append(made)
            authorization.updated = now
        if declined is None:
            account.effect(kind, order, id=made.id, amount=taken)
        self.tell_of_capture(made, call.base_url)
        return made

    def tell_of_capture(self, capture: Capture, base_url: str) -> None:
        """Note the event of a capture as it stands."""
        text = f"Payment {capture.status.lower()} for {capture.amount.value} {capture.amount.currency}"
        shown = shapes.capture_body(capture, base_url, full=True)
        self._account.note_event(f"PAYMENT.CAPTURE.{capture.status}", shown, text, base_url)

    def give_back(
        self, call: Call, capture: Capture, amount: Money, *, invoice_id: str | None, custom_id: str | None
    ) -> Refund:
        """Refund an amount of a capture."""
        account, now = self._account, self._account.now()
        made = Refund(
            id=account.new_id(),
            capture=capture,
            amount=amount,
            invoice_id=invoice_id,
            custom_id=custom_id,
            note=call.body.text("note_to_payer", high=255),
            at=now,
        )
        account.refunds.put(made.id, made)
        capture.refunds.append(made)
        capture.updated = now
        reference = custom_id or invoice_id
        account.effect("refund", capture.order, id=made.id, amount=amount, reference=reference)
        text = f"A {amount.value} {amount.currency} capture payment was refunded"
        shown = shapes.refund_body(made, call.base_url, full=True)
        account.note_event("PAYMENT.CAPTURE.REFUNDED", shown, text, call.base_url)
        return made
