"""The vendors of a checkout in memory, with the gateway's promises: one effect a key, found again after its answer was
lost; and the same key always with the same input, or the test fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from integrations.correlation import current_origin, new_id
from integrations.errors import HttpFailed, QuaysideError, Unsupported
from integrations.outcome import CallResult, Priority
from integrations.resilience.idempotency import input_hash
from integrations.types.base import Money
from integrations.types.fraud import DecisionQuery, FraudScreening, ScreeningDecision
from integrations.types.marketing import AcceptedEvent, TrackedEvent
from integrations.types.messages import EmailMessage, SentEmail, SentTextMessage, TextMessage
from integrations.types.payments import CaptureRequest, NextAction, Payment, PaymentQuery, PaymentRequest, RefundRequest
from integrations.types.shipping import CancelledShipment, CreatedShipment, ShipmentOrder, TrackingRequest
from integrations.types.tax import TaxDocument, TaxDocumentQuery, TaxedLine, TaxQuote, TaxRequest
from tests.conftest import NOON
from tests.scheduler.fakes import Fate

Trouble = Callable[[str, Any], QuaysideError | None]


@dataclass(kw_only=True)
class FakeCheckoutVendors:
    """``decision`` is what the screening says; payment methods ``declined`` and ``challenged`` do what they say.

    ``trouble`` is asked before every call and may return an error to raise; ``waits`` are operations that answer only
    when they are let.
    """

    decision: str = "accept"
    trouble: Trouble = lambda operation, value: None
    waits: dict[str, asyncio.Event] = field(default_factory=dict)
    can_release: bool = True
    fate: Fate = field(default_factory=Fate)
    payments: dict[str, Payment] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    shipments: dict[str, str] = field(default_factory=dict)  # tracking number -> reference, or "cancelled"
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)
    _answers: dict[tuple[str, str], tuple[str, Any]] = field(default_factory=dict)

    async def call(
        self,
        vendor: str,
        operation: str,
        value: BaseModel | Mapping[str, Any],
        *,
        priority: Priority = "batch",
        idempotency_key: str | None = None,
        deadline: float | None = None,
        claimed: bool = False,
        kept: timedelta = timedelta(hours=24),
    ) -> CallResult:
        assert isinstance(value, BaseModel)
        self.fate.point()
        await asyncio.sleep(0)
        self.asked.append(operation)
        self.origins.add(current_origin().correlation_id)
        error = self.trouble(operation, value)
        if error is not None:
            raise error
        if operation in self.waits:
            await self.waits[operation].wait()
        known = self._answers.get((operation, idempotency_key or new_id()))
        if known is not None:
            assert known[0] == input_hash(value), f"{operation} under {idempotency_key} with another input"
        answer = known[1] if known is not None else getattr(self, f"_{operation}")(value)
        if idempotency_key is not None:
            self._answers[operation, idempotency_key] = (input_hash(value), answer)
        self.fate.point()
        return CallResult(value=answer, vendor=vendor, operation=operation, correlation_id="c", call_id=new_id())

    def finish(self, reference: str, status: str = "captured") -> None:
        """Let the shopper do what a payment waits for."""
        payment = self.payments[f"pi-{reference}"]
        if payment.status == "requires_action":
            self.payments[payment.payment_id] = as_status(payment, status)

    def taken(self, reference: str) -> Decimal:
        """Return what is kept of a payment: captured less refunded."""
        payment = self.payments.get(f"pi-{reference}")
        return payment.captured.amount - payment.refunded.amount if payment else Decimal(0)

    def _screen_order(self, order: FraudScreening) -> ScreeningDecision:
        self.sent["screening", order.reference] += 1
        return self._get_decision(DecisionQuery(reference=order.reference))

    def _get_decision(self, query: DecisionQuery) -> ScreeningDecision:
        return ScreeningDecision.model_validate(
            {"vendor": "signifyd", "reference": query.reference, "case_id": "1", "decision": self.decision}
        )

    def _quote_tax(self, sale: TaxRequest) -> TaxQuote:
        def taxable(amount: Money, tax: Money) -> Money:
            net = amount.amount - (tax.amount if sale.tax_included else 0)
            return Money(amount=net, currency=amount.currency)

        taxes = [(line.amount, _tenth(line.amount)) for line in sale.lines]
        lines = [TaxedLine(taxable=taxable(amount, tax), tax=tax, rate=Decimal(10)) for amount, tax in taxes]
        total = sum((line.tax.amount for line in lines), Decimal(0))
        return TaxQuote(
            source="avalara",
            reference=sale.reference,
            total_tax=Money(amount=total, currency=sale.currency),
            lines=tuple(lines),
            as_of=NOON,
        )

    def _commit_tax(self, sale: TaxRequest) -> TaxDocument:
        assert sale.reference not in self.documents, "committed twice"
        self.documents[sale.reference] = "committed"
        return TaxDocument(vendor="avalara", reference=sale.reference, document_id="d", status="committed")

    def _void_tax(self, query: TaxDocumentQuery) -> TaxDocument:
        if query.reference not in self.documents:
            raise HttpFailed("No such document.", error_type="not_found", fault="ours", status=404)
        self.documents[query.reference] = "voided"
        return TaxDocument(vendor="avalara", reference=query.reference, document_id="d", status="voided")

    def _create_payment(self, asked: PaymentRequest) -> Payment:
        self.sent["payment", asked.reference] += 1
        nothing = Money(amount=Decimal(0), currency=asked.amount.currency)
        amount = Money(amount=asked.amount.amount, currency=asked.amount.currency)
        status = {"declined": "declined", "challenged": "requires_action"}.get(asked.payment_method)
        payment = Payment(
            vendor="stripe",
            payment_id=f"pi-{asked.reference}",
            reference=asked.reference,
            status="pending",
            amount=amount,
            captured=nothing,
            refunded=nothing,
            next_action=NextAction(type="redirect", url="https://bank.example")
            if status == "requires_action"
            else None,
        )
        self.payments[payment.payment_id] = as_status(
            payment, status or ("captured" if asked.capture else "authorized")
        )
        return self.payments[payment.payment_id]

    def _get_payment(self, query: PaymentQuery) -> Payment:
        return self.payments[query.payment_id]

    def _capture_payment(self, asked: CaptureRequest) -> Payment:
        payment = self.payments[asked.payment_id]
        assert payment.status == "authorized"
        self.payments[asked.payment_id] = as_status(payment, "captured")
        return self.payments[asked.payment_id]

    def _refund_payment(self, asked: RefundRequest) -> Payment:
        payment = self.payments[asked.payment_id]
        assert payment.status == "captured", "refunded twice"
        self.payments[asked.payment_id] = payment.model_copy(update={"status": "refunded", "refunded": payment.amount})
        return self.payments[asked.payment_id]

    def _cancel_payment(self, query: PaymentQuery) -> Payment:
        if not self.can_release:
            raise Unsupported("It lapses by itself.", field="operation")
        self.payments[query.payment_id] = as_status(self.payments[query.payment_id], "failed")
        return self.payments[query.payment_id]

    def _create_shipment(self, order: ShipmentOrder) -> CreatedShipment:
        number = f"T{len(self.shipments) + 1}"
        self.shipments[number] = order.shipment.reference
        self.sent["shipment", order.shipment.reference] += 1
        return CreatedShipment(
            vendor="fedex", reference=order.shipment.reference, tracking_number=number, service_code=order.service_code
        )

    def _cancel_shipment(self, query: TrackingRequest) -> CancelledShipment:
        self.shipments[query.tracking_number] = "cancelled"
        return CancelledShipment(vendor="fedex", tracking_number=query.tracking_number, cancelled=True)

    def _send_email(self, mail: EmailMessage) -> SentEmail:
        self.sent["mail", mail.reference] += 1
        return SentEmail(vendor="sendgrid", message_id="m", reference=mail.reference)

    def _send_sms(self, text: TextMessage) -> SentTextMessage:
        self.sent["sms", text.reference] += 1
        return SentTextMessage(vendor="twilio", message_id="m", reference=text.reference, status="queued")

    def _track_event(self, event: TrackedEvent) -> AcceptedEvent:
        self.sent["event", event.reference] += 1
        return AcceptedEvent(vendor="klaviyo", reference=event.reference)


def _tenth(amount: Money) -> Money:
    return Money(amount=amount.amount / 10, currency=amount.currency).rounded()


def as_status(payment: Payment, status: str) -> Payment:
    captured = payment.amount if status == "captured" else payment.captured
    return payment.model_copy(update={"status": status, "captured": captured})
