"""PayPal's operations: an order is the payment, and what was done with it stands in its captures and authorizations.

Every write carries ``PayPal-Request-Id``. Orders keep it six hours only, so after that a repeated creation is held off by
``invoice_id``, which PayPal does not let be paid twice (unless the account's preferences allow it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import AlreadyCaptured, HttpFailed, InvalidInput, Unsupported
from integrations.oauth import basic, bearer
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
from integrations.vendors.paypal import answers, events, messages, verdicts
from integrations.vendors.paypal.answers import Order
from integrations.vendors.paypal.declaration import VENDOR

ORDERS = "/v2/checkout/orders"
ORDER = "/v2/checkout/orders/{id}"
AUTHORIZATION = "/v2/payments/authorizations/{id}"
CAPTURE = "/v2/payments/captures/{id}"
REPORT = "/v1/reporting/transactions"
WINDOW = timedelta(days=31)  # a report spans no more
_PREFERRED = {"prefer": "return=representation"}
_WHOLE_ANSWER = {**_PREFERRED, "content-type": "application/json"}


class Paypal(Adapter):
    """PayPal Orders 2, Payments 2 and Transaction Search 1."""

    vendor: ClassVar[Vendor] = VENDOR

    async def create_payment(self, exchange: Exchange, value: PaymentRequest) -> Payment:
        """Create an order; with a saved card or wallet it is paid at once, else the buyer is sent to PayPal.

        A refused instrument is a result. An order that the buyer has approved is finished by ``capture_payment``.
        """
        request = _write(ORDERS, ORDERS, messages.order(value), messages.request_id(exchange.idempotency_key))
        response = await exchange.send(request)
        issue = verdicts.decline_of(response)
        if issue:
            return answers.declined(value.reference, value.amount, issue)
        return answers.payment(answers.order(response.exact_json()))

    async def capture_payment(self, exchange: Exchange, value: CaptureRequest) -> Payment:
        """Capture an order, as far as it is: approved, or authorized. One that is captured already is the result.

        Raise Unsupported for a part of an order that was never authorized: PayPal captures it whole.
        """
        found = await self._order(exchange, value.payment_id, step="look_up")
        if found.has_capture:
            return answers.payment(found)
        if found.authorization is None and found.intent == "CAPTURE":
            if value.amount is not None and value.amount.amount != found.unit.amount.value:
                raise Unsupported(
                    "PayPal captures an order of this intent whole; create it with capture false to take a part.",
                    field="amount",
                )
            return _as_payment(await self._act(exchange, found, ORDER + "/capture", found.id, {}, ".capture"))
        if found.authorization is None:
            held = await self._act(exchange, found, ORDER + "/authorize", found.id, {}, ".authorize")
            if isinstance(held, Payment) or held.authorization is None:
                return _as_payment(held)  # declined, or still with PayPal
            found = held
        assert found.authorization is not None  # noqa: S101 - for the type checker: returned above otherwise
        body: dict[str, Any] = {"final_capture": True}
        if value.amount is not None:
            body["amount"] = messages.money(value.amount)
        id, template = found.authorization.id, AUTHORIZATION + "/capture"
        return _as_payment(await self._act(exchange, found, template, id, body, ".capture"))

    async def cancel_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Void what an order holds, and return the payment as it is then; one that is void already is the result.

        Raise AlreadyCaptured for a payment that was captured, Unsupported for an order its buyer has not paid: PayPal has
        no way to cancel that.
        """
        found = await self._order(exchange, value.payment_id, step="look_up")
        if found.capture is not None:
            raise AlreadyCaptured("The payment is captured; refund it.", field="payment_id")
        held = found.authorization
        if held is None and found.status != "VOIDED":
            raise Unsupported(
                "PayPal cannot cancel an order that holds no money; it lapses by itself when its buyer does not pay.",
                field="payment_id",
            )
        if held is None or held.status in ("VOIDED", "DENIED"):
            return answers.payment(found)
        # The contract knows no PayPal-Request-Id here: a second void is refused as PREVIOUSLY_VOIDED.
        path = filled(AUTHORIZATION + "/void", id=held.id)
        request = Request(method="POST", path=path, template=AUTHORIZATION + "/void", headers=_PREFERRED)
        try:
            await exchange.send(request)
        except HttpFailed as error:
            if error.error_type != verdicts.DONE:
                raise
        return answers.payment(await self._order(exchange, found.id, step="look_up"))

    async def get_payment(self, exchange: Exchange, value: PaymentQuery) -> Payment:
        """Return a payment as PayPal has it."""
        return answers.payment(await self._order(exchange, value.payment_id))

    async def refund_payment(self, exchange: Exchange, value: RefundRequest) -> Payment:
        """Refund a captured payment, wholly or in part, and return the payment as it is then.

        Raise InvalidInput for a payment that was not captured.
        """
        found = await self._order(exchange, value.payment_id, step="look_up")
        if found.capture is None:
            raise InvalidInput("The payment was not captured, so there is nothing to refund.", field="payment_id")
        path = filled(CAPTURE + "/refund", id=found.capture.id)
        key = messages.request_id(exchange.idempotency_key, ".refund")
        await exchange.send(_write(path, CAPTURE + "/refund", messages.refund(value), key))
        return answers.payment(await self._order(exchange, value.payment_id, step="look_up"))

    async def list_transactions(self, exchange: Exchange, value: TransactionQuery) -> TransactionPage:
        """Return a page of what moved, the newest month first. PayPal reports a movement up to three hours late."""
        until = value.until or exchange.now()
        since = value.since or until - WINDOW
        start, end, page = _window(value.cursor, since, until)
        query = [
            ("start_date", _time(start)),
            ("end_date", _time(end)),
            ("fields", "transaction_info"),
            ("page_size", str(value.limit)),
            ("page", str(page)),
        ]
        request = Request(method="GET", path=REPORT, template=REPORT, query=query, headers=_WHOLE_ANSWER)
        found = answers.report((await exchange.send(request)).exact_json())
        following = ""
        if page < found.total_pages:
            following = f"{_time(start)}|{_time(end)}|{page + 1}"
        elif start > since:
            following = f"{_time(max(since, start - WINDOW))}|{_time(start)}|1"
        return answers.transactions(found.transaction_details, following)

    async def sign_in(self, exchange: Exchange) -> Access:
        """Get a token, good for about nine hours."""
        credentials = basic(self.credential("CLIENT_ID"), self.credential("CLIENT_SECRET"))
        request = Request(
            method="POST",
            path=verdicts.TOKEN,
            template=verdicts.TOKEN,
            headers={"authorization": credentials, "accept": "application/json"},
            form=(("grant_type", "client_credentials"),),
            step="sign_in",
            signed=False,
            repeatable=True,
        )
        return await bearer(exchange, request)

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the event of a delivery, proven by asking PayPal."""
        return [await events.event(exchange, delivery, self.credential("WEBHOOK_ID"))]

    async def _act(
        self, exchange: Exchange, found: Order, template: str, id: str, body: Mapping[str, Any], step: str
    ) -> Order | Payment:
        """Do something to an order and return it as it is then; what was done before counts as done. A refused
        instrument comes back as a declined payment."""
        key = messages.request_id(exchange.idempotency_key, step)
        try:
            response = await exchange.send(_write(filled(template, id=id), template, body, key))
        except HttpFailed as error:
            if error.error_type != verdicts.DONE:
                raise
        else:
            issue = verdicts.decline_of(response)
            if issue:
                amount = Money(amount=found.unit.amount.value, currency=found.unit.amount.currency_code)
                return answers.declined(answers.payment(found).reference, amount, issue, found.id)
        return await self._order(exchange, found.id, step="look_up")

    async def _order(self, exchange: Exchange, id: str, *, step: str = "") -> Order:
        request = Request(
            method="GET",
            path=filled(ORDER, id=id),
            template=ORDER,
            headers=_WHOLE_ANSWER,
            step="look_up" if step else "",
        )
        return answers.order((await exchange.send(request)).exact_json())


def _as_payment(found: Order | Payment) -> Payment:
    return found if isinstance(found, Payment) else answers.payment(found)


def _write(path: str, template: str, body: Mapping[str, Any], key: str) -> Request:
    headers = {**_WHOLE_ANSWER, "paypal-request-id": key}
    return Request(method="POST", path=path, template=template, json=body, headers=headers)


def _window(cursor: str, since: datetime, until: datetime) -> tuple[datetime, datetime, int]:
    """Return the stretch and page a cursor names, the newest month without one. Raise InvalidInput."""
    if not cursor:
        return max(since, until - WINDOW), until, 1
    try:
        start, end, page = cursor.split("|")
        return datetime.fromisoformat(start), datetime.fromisoformat(end), int(page)
    except ValueError:
        raise InvalidInput("The cursor is not one that PayPal's transactions gave.", field="cursor") from None


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
