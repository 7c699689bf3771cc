"""Payments: a processor by currency, each asked for once whatever dies, and all that follows where it was made.

The caller's Idempotency-Key decides: the first request with it stores which processor is asked, before it is asked, and
every later one goes there too, in this process or another. The gateway does the rest: one claim a key, a lost answer
found out before anything is sent anew, and ``outcome_unknown`` where nobody can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db import checkout_payments as store
from db.checkout_payments import CheckoutPayment
from db.engine import Database
from integrations.checkout.options import CheckoutOptions
from integrations.claims import KEPT
from integrations.errors import (
    AlreadyCaptured,
    InvalidInput,
    KeyReused,
    LeaseHeld,
    OutcomeUnknown,
    QuaysideError,
    StoreIsUnavailable,
    Unsupported,
)
from integrations.gateway import Gateway
from integrations.outcome import CallResult
from integrations.types.base import Model, PositiveMoney
from integrations.types.payments import CaptureRequest, Payment, PaymentQuery, PaymentRequest, RefundRequest

# Who takes payments in a currency where nothing else is set: the processor at home there.
AT_HOME: Mapping[str, str] = {
    "INR": "razorpay",
    **dict.fromkeys(("AED", "BHD", "EGP", "JOD", "KWD", "OMR", "QAR", "SAR"), "tap"),
}
TAKEN = frozenset({"captured", "partially_refunded", "refunded"})  # of which nothing is held any more
# The first answer is replayed for a day; after that, asking for it would make a second payment at some processors, unless
# its id was never noted: then the answer is kept until it is (db.keys.is_spent).
ANSWER_KEPT = KEPT - timedelta(hours=1)
# What a second time would cost money, and no row of ours says that it was done: their answers are kept that long.
KEPT_LONGER = dict.fromkeys(("capture_payment", "refund_payment"), timedelta(days=400))
EVERYWHERE = ("stripe", "paypal", "mollie")  # the first of these that is set up takes the rest
_EXAMPLE: JsonDict = {
    "reference": "S-10042",
    "amount": {"amount": "44.75", "currency": "USD"},
    "payment_method": "pm_card_visa",
    "capture": True,
    "description": "Order S-10042",
}


class NewPayment(PaymentRequest):
    """A payment to make. ``processor`` left out takes the one that is set for the currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    processor: str = Field(default="", max_length=32)


class Capture(Model):
    """Capture an authorized payment; ``amount`` left out is all of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": {"amount": "44.75", "currency": "USD"}}]})

    amount: PositiveMoney | None = None
    processor: str = Field(default="", max_length=32)


class Refund(Model):
    """Refund a captured payment; ``amount`` left out is the rest. ``reference`` left out is the Idempotency-Key."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount": {"amount": "10.00", "currency": "USD"}, "reason": "Too small"}]}
    )

    amount: PositiveMoney | None = None
    reference: str = Field(default="", max_length=64)
    reason: str = Field(default="", max_length=200)
    processor: str = Field(default="", max_length=32)


class LetGo(Model):
    """Let go of a payment that is not captured."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"processor": "stripe"}]})

    processor: str = Field(default="", max_length=32)


class PaymentDesk:
    """Takes payments. ``processors`` are those that are set up."""

    def __init__(
        self,
        db: Database,
        gateway: Gateway,
        options: CheckoutOptions,
        *,
        processors: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._gateway = gateway
        self._options = options
        self._processors = processors
        self._now = now

    def __repr__(self) -> str:
        return f"<PaymentDesk {', '.join(self._processors)}>"

    async def create(self, payment: NewPayment, *, key: str, asked_by: str) -> Payment:
        """Make a payment and return it; a decline is a result. The same key gives the same payment.

        Raise InvalidInput, KeyReused for a key of another payment, LeaseHeld while another process makes it,
        OutcomeUnknown when the answer was lost and the processor cannot be asked, or what the processor raises.
        """
        now = self._now()
        wanted = PaymentRequest.model_validate(payment.model_dump(exclude={"processor"}))
        row = await store.ask(
            self._db,
            CheckoutPayment(
                key=key,
                vendor=self.processor_for(payment.amount.currency, payment.processor),
                reference=payment.reference,
                currency=payment.amount.currency,
                amount=payment.amount.amount,
                status="asked",
                asked_by=asked_by,
                created_at=now,
                changed_at=now,
            ),
        )
        if (row.reference, row.currency, row.amount) != (
            payment.reference,
            payment.amount.currency,
            payment.amount.amount,
        ):
            raise KeyReused(
                "This Idempotency-Key belongs to another payment; use a new one for each.", field="Idempotency-Key"
            )
        if payment.processor and payment.processor != row.vendor:
            raise InvalidInput(f"This key belongs to a payment at {row.vendor}.", field="processor")
        if row.payment_id and now - row.created_at >= ANSWER_KEPT:
            return await self.get(row.payment_id, processor=row.vendor)
        try:
            called = await self._ask(row.vendor, "create_payment", wanted, key)
        except OutcomeUnknown:
            await store.note_unmade(self._db, key, status="unknown", now=self._now())
            raise
        except (KeyReused, LeaseHeld, StoreIsUnavailable):
            raise  # says nothing of the payment that has the key
        except QuaysideError as error:
            await store.note_unmade(self._db, key, status=error.error_type[:24], now=self._now())
            raise
        made: Payment = called.value
        await store.note(self._db, key, status=made.status, payment_id=made.payment_id, now=self._now())
        if called.replayed and made.payment_id and now - row.created_at >= ANSWER_KEPT:
            # Whoever made it died before the note: it may stand otherwise by now.
            return await self.get(made.payment_id, processor=row.vendor)
        return made

    async def get(self, payment_id: str, *, processor: str = "") -> Payment:
        """Return a payment as its processor has it now."""
        row, vendor = await self._where(payment_id, processor)
        payment = await self._call(vendor, "get_payment", PaymentQuery(payment_id=payment_id), None)
        await self._note(row, payment)
        return payment

    async def capture(self, payment_id: str, capture: Capture, *, key: str) -> Payment:
        """Capture an authorized payment, once for each key."""
        row, vendor = await self._where(payment_id, capture.processor)
        reference = row.reference if row else key[:64]
        value = CaptureRequest(reference=reference, payment_id=payment_id, amount=capture.amount)
        payment = await self._call(vendor, "capture_payment", value, key)
        await self._note(row, payment)
        return payment

    async def refund(self, payment_id: str, refund: Refund, *, key: str) -> Payment:
        """Refund a captured payment, wholly or in part, once for each key."""
        row, vendor = await self._where(payment_id, refund.processor)
        value = RefundRequest(
            reference=refund.reference or key[:64],
            payment_id=payment_id,
            amount=refund.amount,
            reason=refund.reason,
        )
        payment = await self._call(vendor, "refund_payment", value, key)
        await self._note(row, payment)
        return payment

    async def cancel(self, payment_id: str, *, key: str, processor: str = "") -> Payment:
        """Let go of a payment that is not captured, once for each key: what was authorized is voided.

        Raise AlreadyCaptured for one that can only be refunded, Unsupported where the processor only lets it lapse.
        """
        row, vendor = await self._where(payment_id, processor)
        if row is not None and row.status in TAKEN:
            raise AlreadyCaptured("The payment is captured; refund it.", field="path.payment_id")
        try:
            payment = await self._call(vendor, "cancel_payment", PaymentQuery(payment_id=payment_id), key)
        except (AlreadyCaptured, Unsupported) as error:
            error.field = "path.payment_id"
            raise
        await self._note(row, payment)
        return payment

    def processor_for(self, currency: str, named: str = "") -> str:
        """Return who takes payments in a currency. Raise InvalidInput for one that is not set up, Unsupported for none."""
        if named:
            if named not in self._processors:
                raise InvalidInput(
                    f'"{named}" is no processor that is set up; there are {", ".join(self._processors) or "none"}.',
                    field="processor",
                )
            return named
        wanted = (self._options.processors.get(currency) or AT_HOME.get(currency, ""), *EVERYWHERE)
        chosen = next((vendor for vendor in wanted if vendor in self._processors), None)
        if chosen is None:
            raise Unsupported(
                f"No processor that takes {currency} is set up; name one in checkout.processors.",
                field="amount.currency",
            )
        return chosen

    async def _where(self, payment_id: str, named: str) -> tuple[CheckoutPayment | None, str]:
        """Return the payment as we know it and where it is. Raise InvalidInput when neither we nor the caller know."""
        row = await store.of_payment(self._db, payment_id)
        if row is not None and named in ("", row.vendor):
            return row, row.vendor
        if named:
            return None, self.processor_for("", named)
        raise InvalidInput("This payment was not made here; name its processor.", field="processor")

    async def _call(self, vendor: str, operation: str, value: Model, key: str | None) -> Payment:
        payment: Payment = (await self._ask(vendor, operation, value, key)).value
        return payment

    async def _ask(self, vendor: str, operation: str, value: Model, key: str | None) -> CallResult:
        kept = KEPT_LONGER.get(operation, KEPT)
        return await self._gateway.call(
            vendor, operation, value, priority="interactive", idempotency_key=key, claimed=key is not None, kept=kept
        )

    async def _note(self, row: CheckoutPayment | None, payment: Payment) -> None:
        if row is not None and row.status != payment.status:
            await store.note(self._db, row.key, status=payment.status, now=self._now())
