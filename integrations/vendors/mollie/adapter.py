"""Mollie's operations: our types in, JSON out, our types back.

A key is remembered for an hour only. So a refund is looked for among the payment's refunds, by our reference, before it
is made; a payment made twice expires by itself when nobody pays it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import AlreadyCaptured, HttpFailed, InvalidInput, MissingCredential, Unsupported
from integrations.outcome import Request, Response, Verdict
from integrations.paths import filled
from integrations.types.payments import (
    CaptureRequest,
    Payment,
    PaymentQuery,
    PaymentRequest,
    RefundRequest,
    TransactionPage,
    TransactionQuery,
)
from integrations.vendors.mollie import answers, events, messages, verdicts
from integrations.vendors.mollie.answers import Found
from integrations.vendors.mollie.declaration import VENDOR

PAYMENTS = "/v2/payments"
PAYMENT = "/v2/payments/{id}"
MOVEMENTS = "/v2/balances/primary/transactions"
LIVE = "live_"
MOST_PAGES = 20


class Mollie(Adapter):
    """Mollie's API, version 2."""

    vendor: ClassVar[Vendor] = VENDOR

    async def create_payment(self, exchange: Exchange, value: PaymentRequest) -> Payment:
        """Create a payment; the buyer pays it on Mollie's page, or with the token of a card."""
        body = messages.payment(value, self.setting("WEBHOOK_URL"))
        response = await exchange.send(_write(PAYMENTS, PAYMENTS, body, exchange.idempotency_key))
        return answers.payment(answers.found(response.exact_json()))

    async def capture_payment(self, exchange: Exchange, value: CaptureRequest) -> Payment:
        """Capture an authorized payment, wholly or in part. A capture may take a moment: it is pending until then."""
        before = await self._found(exchange, value.payment_id, step="look_up")
        if before.status == "paid":
            return answers.payment(before)
        body: dict[str, Any] = {"metadata": {"reference": value.reference}}
        if value.amount is not None:
            body["amount"] = messages.money(value.amount)
        path = filled(PAYMENT + "/captures", id=value.payment_id)
        await exchange.send(_write(path, PAYMENT + "/captures", body, exchange.idempotency_key))
        after = await self._found(exchange, value.payment_id, step="look_up")
        if after.status == "authorized":
            return answers.payment(after, message="The capture is under way.", status="pending")
        return answers.payment(after)

    async def cancel_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Release what is authorized, or cancel what is not paid yet; one that is cancelled already is the result.

        Mollie carries a release out later, and whether the bank follows is up to the bank: it is pending until then.
        Raise AlreadyCaptured for a payment that is paid, Unsupported for one that only its time to pay ends.
        """
        before = await self._found(exchange, value.payment_id, step="look_up")
        if before.status == "paid":
            raise AlreadyCaptured("The payment is paid; refund it.", field="payment_id")
        if before.status not in ("open", "pending", "authorized"):
            return answers.payment(before)
        try:
            await exchange.send(_cancellation(before, value.payment_id, exchange.idempotency_key))
        except HttpFailed as error:
            if error.status != 422:
                raise
            # What was cancelled, released or paid meanwhile is refused as well; how the payment stands tells which.
            after = await self._found(exchange, value.payment_id, step="look_up")
            if before.status != after.status:
                return answers.payment(after)
            if before.status == "authorized":
                raise
            raise Unsupported(
                "Mollie cannot cancel a payment of this method; it expires by itself when nobody pays it.",
                field="payment_id",
            ) from None
        after = await self._found(exchange, value.payment_id, step="look_up")
        if after.status == "authorized":
            return answers.payment(after, message="The release is under way.", status="pending")
        return answers.payment(after)

    async def get_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Return a payment as Mollie has it."""
        return answers.payment(await self._found(exchange, value.payment_id))

    async def refund_payment(self, exchange: Exchange, value: RefundRequest) -> Payment:
        """Refund a payment, wholly or in part, unless a refund with our reference is there already.

        Raise InvalidInput for a payment of which nothing is left to refund.
        """
        if not await self._has_refund(exchange, value):
            await self._refund(exchange, value)
        return answers.payment(await self._found(exchange, value.payment_id, step="look_up"))

    async def list_transactions(self, exchange: Exchange, value: TransactionQuery) -> TransactionPage:
        """Return a page of the balance's movements, newest first.

        Raise MissingCredential without an organisation's token: an API key may not read the balance.
        """
        if not self.setting("ACCESS_TOKEN"):
            raise MissingCredential(
                "QUAYSIDE_MOLLIE_ACCESS_TOKEN is not set; Mollie shows the balance to an organisation's token only."
            )
        query = [("limit", str(value.limit))]
        query += [("from", value.cursor)] if value.cursor else []
        query += [] if self.credential("API_KEY").startswith(LIVE) else [("testmode", "true")]
        response = await exchange.send(Request(method="GET", path=MOVEMENTS, template=MOVEMENTS, query=query))
        rows, following = answers.movements(response.exact_json())
        if value.since is not None and rows and rows[-1].created_at < value.since:
            following = ""  # what follows is older still
        wanted = tuple(
            row
            for row in rows
            if (value.since is None or row.created_at >= value.since)
            and (value.until is None or row.created_at < value.until)
        )
        return TransactionPage(transactions=wanted, next_cursor=following)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the organisation's token for the balance, the website's key for everything else."""
        name = "ACCESS_TOKEN" if request.path == MOVEMENTS else "API_KEY"
        return {"authorization": f"Bearer {self.credential(name)}"}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return what a delivery tells: a signed event as it is, an unsigned hint as what Mollie then says itself."""
        if events.is_signed(delivery):
            return [events.signed(delivery, self.setting("WEBHOOK_SECRET"))]
        try:
            paid = await self._found(exchange, events.hinted_id(delivery), step="look_up")
        except HttpFailed as error:
            if error.error_type == "not_found":
                return ()  # an id that is not ours is answered like any other, and says nothing
            raise
        return [events.of_payment(paid.status, answers.payment(paid))]

    async def _found(self, exchange: Exchange, id: str, *, step: str = "") -> Found:
        request = Request(method="GET", path=filled(PAYMENT, id=id), template=PAYMENT, step="look_up" if step else "")
        return answers.found((await exchange.send(request)).exact_json())

    async def _refund(self, exchange: Exchange, value: RefundRequest) -> None:
        if value.amount is not None:
            amount = messages.money(value.amount)
        else:
            left = (await self._found(exchange, value.payment_id, step="look_up")).amount_remaining
            if left is None or left.value <= 0:
                raise InvalidInput("Nothing is left of this payment to refund.", field="payment_id")
            amount = messages.money(left.money())
        body = {
            "amount": amount,
            "description": (value.reason or value.reference)[: messages.LONGEST_DESCRIPTION],
            "metadata": {"reference": value.reference},
        }
        path = filled(PAYMENT + "/refunds", id=value.payment_id)
        try:
            await exchange.send(_write(path, PAYMENT + "/refunds", body, exchange.idempotency_key))
        except HttpFailed as error:
            # Two alike in short succession: either this one was made after all, or another of the same amount was.
            if error.error_type != verdicts.DUPLICATE_REFUND or not await self._has_refund(exchange, value):
                raise

    async def _has_refund(self, exchange: Exchange, value: RefundRequest) -> bool:
        """Whether a refund with our reference is there that was not cancelled and has not failed."""
        query: list[tuple[str, str]] = [("limit", "250")]
        for _ in range(MOST_PAGES):
            request = Request(
                method="GET",
                path=filled(PAYMENT + "/refunds", id=value.payment_id),
                template=PAYMENT + "/refunds",
                query=query,
                step="look_up",
            )
            rows, following = answers.refunds((await exchange.send(request)).exact_json())
            if any(row.reference == value.reference and row.status not in ("canceled", "failed") for row in rows):
                return True
            if not following:
                return False
            query = [("limit", "250"), ("from", following)]
        return False


def _cancellation(found: Found, id: str, key: str | None) -> Request:
    if found.status == "authorized":
        template = PAYMENT + "/release-authorization"
        return _write(filled(template, id=id), template, {}, key)
    headers = {"idempotency-key": key} if key else {}
    return Request(method="DELETE", path=filled(PAYMENT, id=id), template=PAYMENT, headers=headers)


def _write(path: str, template: str, body: Mapping[str, Any], key: str | None) -> Request:
    headers = {"idempotency-key": key} if key else {}
    return Request(method="POST", path=path, template=template, json=body, headers=headers)
