"""The checkout over HTTP, below ``/api/v1``. Every refusal is raised as an error of ``integrations/errors.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from db.engine import Database
from integrations.checkout.caller import Caller, Key
from integrations.checkout.conversion import Conversion, rate_table
from integrations.checkout.options import CheckoutOptions
from integrations.checkout.payments import Capture, LetGo, NewPayment, PaymentDesk, Refund
from integrations.checkout.placing import PlacingDesk
from integrations.checkout.placing_api import add_routes
from integrations.checkout.quotes import QuoteDesk, QuoteRequest, Quotes
from integrations.checkout.tax import TaxDesk
from integrations.correlation import origin
from integrations.outcome import Trigger
from integrations.types.base import Money
from integrations.types.payments import Payment
from integrations.types.tax import TaxDocument, TaxQuote, TaxRequest

PaymentId = Annotated[
    str, Path(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$", description="the processor's id of the payment")
]
SaleReference = Annotated[
    str, Path(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$", description="yours, of the sale")
]
Processor = Annotated[str, Query(max_length=32, description="for a payment that was not made here")]
CurrencyCode = Annotated[str, Query(pattern=r"^[A-Z]{3}$", description="ISO 4217", examples=["EUR"])]
SourceCode = Annotated[str, Query(alias="from", pattern=r"^[A-Z]{3}$", description="ISO 4217", examples=["USD"])]
Amount = Annotated[str, Query(pattern=r"^-?\d{1,15}(\.\d{1,6})?$", description="decimal text", examples=["19.90"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What the web process lends: who may (a dependency for a scope), the correlation id, the documented problems."""

    allowed: Callable[..., Callable[..., Awaitable[Caller]]]
    correlation_id: Callable[[], str]
    problems: Callable[..., dict[int | str, dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The desks of the checkout."""

    db: Database
    options: CheckoutOptions
    quotes: QuoteDesk
    tax: TaxDesk
    payments: PaymentDesk
    placing: PlacingDesk
    now: Callable[[], datetime]


def router(checkout: Checkout, front: Front) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1")
    quoting = Depends(front.allowed("quotes"))
    paying = Depends(front.allowed("payments"))

    @contextmanager
    def asked_by(caller: Caller) -> Iterator[str]:
        trigger: Trigger = "user" if caller.role is not None else "api"
        correlation_id = front.correlation_id()
        with origin(trigger, correlation_id=correlation_id, user_name=caller.label):
            yield correlation_id

    @routes.post("/shipping/quotes", tags=["shipping"], responses=front.problems(502, 504))
    async def quote_shipping(request: QuoteRequest, caller: Caller = quoting) -> Quotes:
        """Ask every carrier that serves the route, at once; the best quote first, failures by name."""
        with asked_by(caller) as correlation_id:
            return await checkout.quotes.quote(request, correlation_id=correlation_id)

    @routes.post("/tax/quotes", tags=["tax"], responses=front.problems(404, 502, 504))
    async def quote_tax(request: TaxRequest, caller: Caller = quoting) -> TaxQuote:
        """Say what a sale owes, where, and by which rule."""
        with asked_by(caller):
            return await checkout.tax.quote(request)

    @routes.post("/tax/documents", tags=["tax"], status_code=201, responses=front.problems(404, 409, 502, 504))
    async def commit_tax(request: TaxRequest, key: Key, caller: Caller = paying) -> TaxDocument:
        """Store a sale with the tax engine, when its payment is captured. Countries taxed by a table store nothing."""
        with asked_by(caller):
            return await checkout.tax.commit(request, key=key)

    @routes.post("/tax/documents/{reference}/void", tags=["tax"], responses=front.problems(404, 409, 502, 504))
    async def void_tax(reference: SaleReference, key: Key, caller: Caller = paying) -> TaxDocument:
        """Void a stored sale, when it is cancelled."""
        with asked_by(caller):
            return await checkout.tax.void(reference, key=key)

    @routes.get("/currency/convert", tags=["currency"], responses=front.problems())
    async def convert(
        amount: Amount,
        source: SourceCode,
        to: CurrencyCode,
        caller: Caller = quoting,
    ) -> Conversion:
        """Convert an amount with the last stored rates; their age is in the answer."""
        table = await rate_table(checkout.db, now=checkout.now(), max_age=checkout.options.max_rate_age)
        return table.convert(Money(amount=Decimal(amount), currency=source), to)

    @routes.post("/payments", tags=["payments"], status_code=201, responses=front.problems(404, 409, 502, 504))
    async def create_payment(payment: NewPayment, key: Key, caller: Caller = paying) -> Payment:
        """Make a payment, once for each Idempotency-Key. A decline is an answer, not an error."""
        with asked_by(caller):
            return await checkout.payments.create(payment, key=key, asked_by=caller.label)

    @routes.get("/payments/{payment_id}", tags=["payments"], responses=front.problems(404, 502, 504))
    async def get_payment(payment_id: PaymentId, caller: Caller = paying, processor: Processor = "") -> Payment:
        """Give a payment as its processor has it now."""
        with asked_by(caller):
            return await checkout.payments.get(payment_id, processor=processor)

    @routes.post("/payments/{payment_id}/capture", tags=["payments"], responses=front.problems(404, 409, 502, 504))
    async def capture_payment(payment_id: PaymentId, capture: Capture, key: Key, caller: Caller = paying) -> Payment:
        """Capture an authorized payment, all of it or a part."""
        with asked_by(caller):
            return await checkout.payments.capture(payment_id, capture, key=key)

    @routes.post("/payments/{payment_id}/refund", tags=["payments"], responses=front.problems(404, 409, 502, 504))
    async def refund_payment(payment_id: PaymentId, refund: Refund, key: Key, caller: Caller = paying) -> Payment:
        """Refund a captured payment, what is left of it or a part."""
        with asked_by(caller):
            return await checkout.payments.refund(payment_id, refund, key=key)

    @routes.post("/payments/{payment_id}/cancel", tags=["payments"], responses=front.problems(404, 409, 502, 504))
    async def cancel_payment(payment_id: PaymentId, let_go: LetGo, key: Key, caller: Caller = paying) -> Payment:
        """Let go of a payment that is not captured: what was authorized is voided, and it is failed then.

        One that is captured is 409 `already_captured`: refund it. One that its processor only lets lapse is 422
        `unsupported`, with what to do instead.
        """
        with asked_by(caller):
            return await checkout.payments.cancel(payment_id, key=key, processor=let_go.processor)

    add_routes(routes, checkout.placing, paying=paying, asked_by=asked_by, problems=front.problems)
    return routes
