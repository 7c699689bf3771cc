"""Stripe's operations: our types in, form-encoded requests out, our types back.

Stripe stores the first answer to an idempotency key for a day, failures included. A failure that comes back as a
replay therefore says nothing about the payment: it is looked up, and only when it certainly does not exist is it sent
once more, under a key derived from the first, so that this too happens at most once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import AlreadyCaptured, BusinessFailed, HttpFailed
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
from integrations.vendors.stripe import answers, verdicts
from integrations.vendors.stripe.declaration import API_VERSION, VENDOR
from integrations.vendors.stripe.events import event
from integrations.vendors.stripe.look_up import find_intent, find_refund
from integrations.vendors.stripe.minor_units import to_units

INTENTS = "/v1/payment_intents"
REFUNDS = "/v1/refunds"
TRANSACTIONS = "/v1/balance_transactions"
REFUND_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
AFTER_STORED_ERROR = ".after-stored-error"  # ends the key of the one send that may follow
_EXPAND_CHARGE = ("expand[0]", "latest_charge")


class Stripe(Adapter):
    """Stripe's payment intents, refunds and balance transactions, API version 1."""

    vendor: ClassVar[Vendor] = VENDOR

    async def create_payment(self, exchange: Exchange, value: PaymentRequest) -> Payment:
        """Create a payment and, given a payment method, confirm it. A declined card is a result.

        The customer's name and addresses are not sent: Stripe has them from the page that made the payment method.
        """
        form = [
            ("amount", str(to_units(value.amount))),
            ("currency", value.amount.currency.lower()),
            ("capture_method", "automatic" if value.capture else "manual"),
            ("metadata[reference]", value.reference),
            ("automatic_payment_methods[enabled]", "true"),
        ]
        if not value.return_url:
            # Without a page to come back to, methods that lead away from ours would be refused by Stripe.
            form.append(("automatic_payment_methods[allow_redirects]", "never"))
        if value.payment_method:
            form += [("payment_method", value.payment_method), ("confirm", "true")]
            form += [("return_url", value.return_url)] if value.return_url else []
        if value.description:
            form.append(("description", value.description))
        form.append(_EXPAND_CHARGE)

        async def done() -> Payment | None:
            found = await find_intent(exchange, value.reference)
            return answers.payment(found) if found is not None else None

        response = await self._write(exchange, INTENTS, INTENTS, form, done)
        return response if isinstance(response, Payment) else self._payment(response)

    async def capture_payment(self, exchange: Exchange, value: CaptureRequest) -> Payment:
        """Capture an authorized payment, wholly or in part; the rest of it is released."""
        form = [_EXPAND_CHARGE]
        if value.amount is not None:
            form.insert(0, ("amount_to_capture", str(to_units(value.amount))))
        template = f"{INTENTS}/{{id}}/capture"
        path = filled(template, id=value.payment_id)

        async def done() -> Payment | None:
            found = await self._get(exchange, value.payment_id, step="look_up")
            return answers.payment(found) if found.status == "succeeded" else None

        response = await self._write(exchange, path, template, form, done)
        captured = response if isinstance(response, Payment) else self._payment(response)
        _same_currency(value.amount, captured)
        return captured

    async def cancel_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Cancel a payment that is not captured, and let go of what was authorized; one that is cancelled stays so.

        Raise AlreadyCaptured for a payment that was captured. Source: docs.stripe.com/api/payment_intents/cancel.
        """

        async def done() -> Payment | None:
            found = await self._get(exchange, value.payment_id, step="look_up")
            if found.status == "succeeded":
                raise AlreadyCaptured("The payment is captured; refund it.", field="payment_id")
            return answers.payment(found) if found.status == "canceled" else None

        cancelled = await done()
        if cancelled is not None:
            return cancelled
        template = f"{INTENTS}/{{id}}/cancel"
        path = filled(template, id=value.payment_id)
        response = await self._write(exchange, path, template, [_EXPAND_CHARGE], done)
        return response if isinstance(response, Payment) else self._payment(response)

    async def get_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Return a payment as Stripe has it."""
        return answers.payment(await self._get(exchange, value.payment_id))

    async def refund_payment(self, exchange: Exchange, value: RefundRequest) -> Payment:
        """Refund a captured payment, wholly or in part, and return the payment as it is then."""
        form = [("payment_intent", value.payment_id)]
        if value.amount is not None:
            form.append(("amount", str(to_units(value.amount))))
        if value.reason in REFUND_REASONS:
            form.append(("reason", value.reason))
        elif value.reason:
            form.append(("metadata[reason]", value.reason))
        form += [("metadata[reference]", value.reference), ("expand[0]", "payment_intent.latest_charge")]

        async def done() -> Payment | None:
            found = await find_refund(exchange, value.payment_id, value.reference)
            return await self._refunded(exchange, found, value.payment_id) if found is not None else None

        response = await self._write(exchange, REFUNDS, REFUNDS, form, done)
        if isinstance(response, Payment):
            return response
        refunded = await self._refunded(exchange, answers.refund(response.json()), value.payment_id)
        _same_currency(value.amount, refunded)
        return refunded

    async def list_transactions(self, exchange: Exchange, value: TransactionQuery) -> TransactionPage:
        """Return a page of balance transactions, newest first, each with the payment it belongs to."""
        query = [("limit", str(value.limit)), ("expand[0]", "data.source")]
        query += [("created[gte]", _unix(value.since))] if value.since else []
        query += [("created[lt]", _unix(value.until))] if value.until else []
        query += [("starting_after", value.cursor)] if value.cursor else []
        response = await exchange.send(
            Request(method="GET", path=TRANSACTIONS, template=TRANSACTIONS, query=query, headers=_headers())
        )
        return answers.transactions(response.json())

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.credential('SECRET_KEY')}"}

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the event of a delivery, proven by its signature."""
        return [event(delivery, self.credential("WEBHOOK_SECRET"))]

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(response)

    async def _write(
        self,
        exchange: Exchange,
        path: str,
        template: str,
        form: Sequence[tuple[str, str]],
        done: Callable[[], Awaitable[Payment | None]],
    ) -> Response | Payment:
        """Send a POST under the call's key; after a stored failure ask ``done`` first and send once more if it is not."""
        key = exchange.idempotency_key
        try:
            return await exchange.send(_post(path, template, form, key))
        except HttpFailed as error:
            if error.error_type != verdicts.STORED_ERROR or key is None:
                raise
        found = await done()
        if found is not None:
            return found
        return await exchange.send(_post(path, template, form, key + AFTER_STORED_ERROR))

    def _payment(self, response: Response) -> Payment:
        if verdicts.is_decline(response):
            return answers.declined(verdicts.error_of(response))
        return answers.payment(answers.intent(response.json()))

    async def _get(self, exchange: Exchange, payment_id: str, *, step: str = "") -> answers.Intent:
        request = Request(
            method="GET",
            path=filled(INTENTS + "/{id}", id=payment_id),
            template=INTENTS + "/{id}",
            query=[_EXPAND_CHARGE],
            headers=_headers(),
            step="look_up" if step else "",
        )
        return answers.intent((await exchange.send(request)).json())

    async def _refunded(self, exchange: Exchange, refund: answers.Refund, payment_id: str) -> Payment:
        found = refund.payment_intent
        intent = found if isinstance(found, answers.Intent) else await self._get(exchange, payment_id, step="look_up")
        settled = refund.status in (None, "succeeded")
        return answers.payment(intent, message="" if settled else f"Refund {refund.id} is {refund.status}.")


def _post(path: str, template: str, form: Sequence[tuple[str, str]], key: str | None) -> Request:
    headers = {**_headers(), "idempotency-key": key} if key else _headers()
    return Request(method="POST", path=path, template=template, form=form, headers=headers)


def _headers() -> dict[str, str]:
    # Pinned: without it the account's default version answers, which anybody may raise in Stripe's pages.
    return {"stripe-version": API_VERSION}


def _unix(moment: datetime) -> str:
    return str(int(moment.timestamp()))


def _same_currency(asked: Money | None, found: Payment) -> None:
    """Raise BusinessFailed when the payment is in another currency: Stripe took our number as units of that one."""
    if asked is not None and asked.currency != found.amount.currency:
        raise BusinessFailed(
            f"The payment is in {found.amount.currency}, the request was in {asked.currency}; Stripe took the number as "
            f"{found.amount.currency}. Look at the payment and set it right.",
            error_type="currency_mismatch",
            fault="ours",
        )
