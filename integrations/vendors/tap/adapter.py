"""Tap's operations: our types in, JSON out, our types back.

The idempotency key stands in the body, as ``reference.idempotent``, and is known for a day. So a refund is looked for
among the charge's refunds, by our reference, before it is made. An authorization is captured by a charge whose source
it is, and from then on the payment goes by the id of that charge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import AlreadyCaptured, HttpFailed, InvalidInput, Unsupported
from integrations.outcome import Request, Response, Verdict
from integrations.paths import filled
from integrations.types.base import Money
from integrations.types.payments import (
    CaptureRequest,
    Payment,
    PaymentQuery,
    PaymentRequest,
    RefundRequest,
    TransactionPage,
    TransactionQuery,
)
from integrations.vendors.tap import answers, events, messages, transactions, verdicts
from integrations.vendors.tap.answers import Found, Made, Refund
from integrations.vendors.tap.declaration import (
    AUTHORIZE,
    AUTHORIZES,
    CHARGE,
    CHARGES,
    REFUND,
    REFUNDS,
    STATUSES,
    VENDOR,
    VOID,
)
from integrations.vendors.tap.look_up import captures_of, refunds_of

CHARGE_ID, AUTHORIZED_ID = "chg_", "auth_"


class Tap(Adapter):
    """Tap's API, version 2."""

    vendor: ClassVar[Vendor] = VENDOR

    async def create_payment(self, exchange: Exchange, value: PaymentRequest) -> Payment:
        """Create a charge, or an authorization; the buyer pays it on Tap's page, or with the token of a card.

        It is not paid when it was created: the page's answer to the shop proves nothing either, get_payment does.
        """
        body = messages.payment(value, exchange.idempotency_key, self.setting("WEBHOOK_URL"))
        path = CHARGES if value.capture else AUTHORIZES
        found = answers.made((await exchange.send(_write(path, body))).exact_json())
        answers.refuse_replay_of_another(value.amount, value.reference, found)
        return answers.payment(_as_made(found))

    async def capture_payment(self, exchange: Exchange, value: CaptureRequest) -> Payment:
        """Capture an authorization, wholly or in part. One that is captured already, even in part, is the result.

        Raise InvalidInput when nothing is authorized, or less than what shall be captured.
        """
        found = await self._found(exchange, value.payment_id, step="look_up")
        if found.captured:
            return answers.payment(found)
        if found.head.status != "AUTHORIZED":
            raise InvalidInput("This payment is not authorized, so it cannot be captured.", field="payment_id")
        body = messages.capture(value, found.head, exchange.idempotency_key, self.setting("WEBHOOK_URL"))
        made = answers.made((await exchange.send(_write(CHARGES, body))).exact_json())
        answers.refuse_replay_of_another(value.amount or found.head.money, body["reference"]["order"], made)
        return answers.payment(_as_made(made))

    async def cancel_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Void an authorization; one that is void already, or came to nothing, is the result.

        Raise AlreadyCaptured for a payment that was captured, Unsupported for one its buyer has not paid: Tap has no way to
        cancel that, its page closes within the hour.
        """
        found = await self._found(exchange, value.payment_id, step="look_up")
        if found.captured:
            raise AlreadyCaptured("The payment is captured; refund it.", field="payment_id")
        if STATUSES.get(found.head.status) in ("failed", "declined"):
            return answers.payment(found)
        if found.head.status != "AUTHORIZED":
            raise Unsupported(
                "Tap cannot cancel a payment that waits for its buyer; its page closes within the hour.",
                field="payment_id",
            )
        path = filled(VOID, id=found.head.id)
        try:
            voided = (await exchange.send(Request(method="POST", path=path, template=VOID))).exact_json()
        except HttpFailed as error:
            # A second void is refused like a capture that came first: how the authorization stands tells which.
            after = await self._found(exchange, value.payment_id, step="look_up") if error.status == 400 else found
            if after.head.status == "AUTHORIZED":
                raise
            return answers.payment(after)
        return answers.payment(_as_made(answers.made(voided)))

    async def get_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Return a payment as Tap has it, by the id of its charge or of its authorization."""
        return answers.payment(await self._found(exchange, value.payment_id))

    async def refund_payment(self, exchange: Exchange, value: RefundRequest) -> Payment:
        """Refund a captured charge, wholly or in part, unless a refund with our reference is there already.

        A refund may wait until the balance covers it; the payment then says so and is not refunded yet. Raise
        InvalidInput for a payment that was not captured, or of which less is left.
        """
        found = await self._found(exchange, value.payment_id, step="look_up")
        ours = next((one for one in found.refunds if one.ours == value.reference and not one.is_refused), None)
        if ours is None:
            charge_id, amount = _to_refund(found, value)
            body = messages.refund(value, charge_id, amount, exchange.idempotency_key, self.setting("WEBHOOK_URL"))
            made = answers.refund((await exchange.send(_write(REFUNDS, body))).exact_json())
            answers.refuse_replay_of_another(amount, value.reference, made)
            found = Found(head=found.head, taken=found.taken, refunds=[made, *found.refunds])
        return answers.payment(found)

    async def list_transactions(self, exchange: Exchange, value: TransactionQuery) -> TransactionPage:
        """Return a page of captured charges and refunds, newest first.

        Tap has no ledger that could be read: fees and settlements are in its payouts only, so a fee here is nought.
        """
        return await transactions.page(exchange, value)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the secret key; the same address serves test and live, the key decides."""
        return {"authorization": f"Bearer {self.credential('SECRET_KEY')}", "accept": "application/json"}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return what a proven delivery is about, as Tap then says itself."""
        told = events.proven(delivery, self.setting("SECRET_KEY"))
        try:
            if told.kind == "refund":
                back = await self._refund(exchange, told.id)
                found, status = await self._found(exchange, back.charge_id, step="look_up"), back.status
            else:
                found = await self._found(exchange, told.id, step="look_up")
                status = found.head.status
        except HttpFailed as error:
            if error.error_type == "not_found":
                return ()  # of another account that shares our address
            raise
        return [events.event(told.kind, told.id, status, answers.payment(found), delivery.received_at)]

    async def _found(self, exchange: Exchange, id: str, *, step: str = "") -> Found:
        """Return a payment with the charges that captured it and the refunds of those. Raise InvalidInput."""
        if not id.startswith((CHARGE_ID, AUTHORIZED_ID)):
            raise InvalidInput("Tap's payments have ids like chg_… and auth_….", field="payment_id")
        template = AUTHORIZE if id.startswith(AUTHORIZED_ID) else CHARGE
        head = answers.made((await exchange.send(_read(id, template, step))).exact_json())
        if head.status != "CAPTURED":
            return Found(head=head)
        taken = [head] if template == CHARGE else await captures_of(exchange, head.id)
        back: list[Refund] = []
        for charge in taken:
            back += await refunds_of(exchange, charge.id)
        return Found(head=head, taken=taken, refunds=back)

    async def _refund(self, exchange: Exchange, id: str) -> Refund:
        return answers.refund((await exchange.send(_read(id, REFUND, "look_up"))).exact_json())


def _read(id: str, template: str, step: str) -> Request:
    return Request(method="GET", path=filled(template, id=id), template=template, step="look_up" if step else "")


def _write(path: str, body: Mapping[str, Any]) -> Request:
    return Request(method="POST", path=path, template=path, json=body)


def _as_made(made: Made) -> Found:
    return Found(head=made, taken=[made] if made.status == "CAPTURED" else ())


def _to_refund(found: Found, value: RefundRequest) -> tuple[str, Money]:
    """Return the charge and the amount to refund. Raise InvalidInput when there is none."""
    if not found.captured:
        raise InvalidInput("The payment was not captured, so there is nothing to refund.", field="payment_id")
    if len(found.taken) != 1:
        raise InvalidInput(
            "Tap refunds charges, and which one took this money is not certain; give the id of the charge (chg_…).",
            field="payment_id",
        )
    charge = found.taken[0]
    if value.amount is not None and value.amount.currency != charge.currency:
        raise InvalidInput(f"The payment is in {charge.currency}, and so is its refund.", field="amount.currency")
    if value.amount is None and found.elsewhere is not None:
        raise InvalidInput(
            "A part was refunded in another currency, so what is left is not certain; give the amount.", field="amount"
        )
    if found.left <= 0:
        raise InvalidInput("Nothing is left of this payment to refund.", field="payment_id")
    if value.amount is not None and value.amount.amount > found.left:
        raise InvalidInput(
            f"Only {found.left} {charge.currency} are left of this payment to refund.", field="amount.amount"
        )
    return charge.id, value.amount or Money(amount=found.left, currency=charge.currency)
