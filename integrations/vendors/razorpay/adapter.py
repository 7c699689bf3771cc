"""Razorpay's operations: an order is the payment, which the buyer pays in Razorpay's checkout in the shop's page.

Only refunds know an idempotency key. Orders are found again by their receipt, which is our reference, and a capture by
the state of the payment: a gateway error on a capture can hide a success.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import HttpFailed, InvalidInput, Unsupported
from integrations.oauth import basic
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
from integrations.vendors.razorpay import answers, events, messages, verdicts
from integrations.vendors.razorpay.answers import Found, Try
from integrations.vendors.razorpay.declaration import VENDOR

ORDERS, ORDER = "/v1/orders", "/v1/orders/{id}"
PAYMENT = "/v1/payments/{id}"
REPORT = "/v1/settlements/recon/combined"
INDIA = timezone(timedelta(hours=5, minutes=30))  # whose months the report has
FIRST_LOOK = timedelta(days=31)
PAGE = 100
MOST_PAGES = 20


class Razorpay(Adapter):
    """Razorpay's API, version 1."""

    vendor: ClassVar[Vendor] = VENDOR

    async def create_payment(self, exchange: Exchange, value: PaymentRequest) -> Payment:
        """Create an order; the shop's page opens Razorpay's checkout with its id."""
        response = await exchange.send(_write(ORDERS, ORDERS, messages.order(value)))
        return answers.payment(Found(order=answers.order(response.json()), tries=()))

    async def look_up_create_payment(self, exchange: Exchange, value: PaymentRequest) -> Payment | None:
        """Return the order that has our reference for its receipt; a paid one before the newest."""
        query = [("receipt", messages.receipt(value.reference)), ("count", str(PAGE))]
        response = await exchange.send(_read(ORDERS, ORDERS, "look_up", query))
        found = [one for one in answers.orders(response.json()) if one.receipt == value.reference]
        if not found:
            return None
        first = next((one for one in found if one.status == "paid"), found[0])
        return answers.payment(await self._found(exchange, first.id, "look_up"))

    async def capture_payment(self, exchange: Exchange, value: CaptureRequest) -> Payment:
        """Capture an authorized payment. One that is captured already is the result.

        Raise Unsupported for a part of it: Razorpay captures a payment whole. InvalidInput when nothing is authorized.
        """
        found = await self._found(exchange, value.payment_id, "look_up")
        held = found.best
        if held is not None and held.captured:
            return answers.payment(found)
        if held is None or held.status != "authorized":
            raise InvalidInput("No payment of this order is authorized, so none can be captured.", field="payment_id")
        if value.amount is not None and (
            value.amount.currency != held.currency or messages.units(value.amount) != held.amount
        ):
            raise Unsupported("Razorpay captures a payment whole; leave the amount out.", field="amount")
        path, body = filled(PAYMENT, id=held.id) + "/capture", {"amount": held.amount, "currency": held.currency}
        try:
            await exchange.send(_write(path, PAYMENT + "/capture", body))
        except HttpFailed as error:
            if error.error_type != verdicts.CAPTURED:
                raise
        return answers.payment(await self._found(exchange, value.payment_id, "look_up"))

    async def look_up_capture_payment(self, exchange: Exchange, value: CaptureRequest) -> Payment | None:
        """Return the payment when it is captured, None when it is not."""
        found = await self._found(exchange, value.payment_id, "look_up")
        return answers.payment(found) if found.best is not None and found.best.captured else None

    async def cancel_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Raise Unsupported: Razorpay's interface has no void.

        Source: razorpay.com/docs/payments/payments/capture-settings: what nobody captures goes back to the buyer.
        """
        raise Unsupported(
            "Razorpay cannot let go of a payment. Leave it uncaptured, and it goes back to the buyer by itself after the "
            "days set in Razorpay's dashboard; or capture it and refund it.",
            field="operation",
        )

    async def get_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Return a payment as Razorpay has it, by the id of its order or of one try to pay it."""
        return answers.payment(await self._found(exchange, value.payment_id, ""))

    async def refund_payment(self, exchange: Exchange, value: RefundRequest) -> Payment:
        """Refund a captured payment, wholly or in part, unless a refund with our reference is there already.

        Raise InvalidInput for a payment that was not captured.
        """
        taken = (await self._found(exchange, value.payment_id, "look_up")).best
        if taken is None or not taken.captured:
            raise InvalidInput("The payment was not captured, so there is nothing to refund.", field="payment_id")
        if value.amount is not None and value.amount.currency != taken.currency:
            raise InvalidInput(f"The payment is in {taken.currency}, and so is its refund.", field="amount.currency")
        if not await self._has_refund(exchange, taken, value.reference):
            path = filled(PAYMENT, id=taken.id) + "/refund"
            key = {"x-refund-idempotency": messages.refund_key(exchange.idempotency_key)}
            await exchange.send(_write(path, PAYMENT + "/refund", messages.refund(value), key))
        return answers.payment(await self._found(exchange, value.payment_id, "look_up"))

    async def list_transactions(self, exchange: Exchange, value: TransactionQuery) -> TransactionPage:
        """Return a page of what was settled, the newest month first; a payment is settled days after it was made."""
        until = value.until or exchange.now()
        since = value.since or until - FIRST_LOOK
        year, month, skip = _place(value.cursor, until)
        query = [("year", str(year)), ("month", f"{month:02}"), ("count", str(value.limit)), ("skip", str(skip))]
        rows = answers.movements((await exchange.send(_read(REPORT, REPORT, "", query))).json())
        first = since.astimezone(INDIA)
        following = ""
        if len(rows) >= value.limit:
            following = f"{year}-{month:02}|{skip + len(rows)}"
        elif (year, month) > (first.year, first.month):
            before = datetime(year, month, 1, tzinfo=INDIA) - timedelta(days=1)
            following = f"{before:%Y-%m}|0"
        wanted = tuple(row for row in rows if since <= row.created_at < until)
        return TransactionPage(transactions=wanted, next_cursor=following)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return HTTP Basic; Razorpay has no sign-in."""
        return {"authorization": basic(self.credential("KEY_ID"), self.credential("KEY_SECRET"))}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the event of a delivery, proven by its signature."""
        return [events.event(delivery, self.setting("WEBHOOK_SECRET"))]

    async def _found(self, exchange: Exchange, id: str, step: str) -> Found:
        """Return an order with the tries to pay it, by its id or by that of one of them."""
        if id.startswith("pay_"):
            one = answers.a_try((await exchange.send(_read(filled(PAYMENT, id=id), PAYMENT, step))).json())
            if not one.order_id:
                return Found(order=None, tries=[one])
            order = await exchange.send(_read(filled(ORDER, id=one.order_id), ORDER, "look_up"))
            return Found(order=answers.order(order.json()), tries=[one])
        order = await exchange.send(_read(filled(ORDER, id=id), ORDER, step))
        tries = await exchange.send(_read(filled(ORDER, id=id) + "/payments", ORDER + "/payments", "look_up"))
        return Found(order=answers.order(order.json()), tries=answers.tries(tries.json()))

    async def _has_refund(self, exchange: Exchange, taken: Try, reference: str) -> bool:
        """Whether a refund with our reference is there that has not failed."""
        path, template = filled(PAYMENT, id=taken.id) + "/refunds", PAYMENT + "/refunds"
        for page in range(MOST_PAGES):
            query = [("count", str(PAGE)), ("skip", str(page * PAGE))]
            rows = answers.refunds((await exchange.send(_read(path, template, "look_up", query))).json())
            if any(row.receipt == reference and row.status != "failed" for row in rows):
                return True
            if len(rows) < PAGE:
                return False
        return False


def _read(path: str, template: str, step: str, query: Sequence[tuple[str, str]] = ()) -> Request:
    return Request(method="GET", path=path, template=template, query=query, step="look_up" if step else "")


def _write(path: str, template: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Request:
    return Request(method="POST", path=path, template=template, json=body, headers=headers or {})


def _place(cursor: str, until: datetime) -> tuple[int, int, int]:
    """Return year, month and rows to skip that a cursor names; the month of ``until`` without one. Raise InvalidInput."""
    if not cursor:
        last = until.astimezone(INDIA)
        return last.year, last.month, 0
    try:
        month, skip = cursor.split("|")
        at = datetime.strptime(month, "%Y-%m").replace(tzinfo=INDIA)
        return at.year, at.month, int(skip)
    except ValueError:
        raise InvalidInput("The cursor is not one that Razorpay's transactions gave.", field="cursor") from None
