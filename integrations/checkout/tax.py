"""The tax of a sale: by dated VAT tables where the law allows one, by the tax engine where it does not.

A buyer's VAT number is checked with VIES; unknown is not invalid, and ``unknown_number`` says what is owed meanwhile.
Where neither a table nor the engine knows the destination, the answer is a refusal and never nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from db.engine import Database
from integrations.checkout.conversion import rate_table
from integrations.checkout.options import CheckoutOptions
from integrations.errors import CallRefused, InvalidInput, QuaysideError, RatesTooOld, Unsupported
from integrations.gateway import Gateway
from integrations.types.tax import (
    TaxDocument,
    TaxDocumentQuery,
    TaxQuote,
    TaxRequest,
    VatCheck,
    VatNumberCheck,
    VatNumberQuery,
)
from integrations.vat import rules
from integrations.vat.rules import UNION

ENGINE = "avalara"
REGISTER = "vies"
DEADLINE = 6.0  # seconds; a shopper waits
REGISTER_DEADLINE = 3.0


class TaxDesk:
    """Says what a sale owes. ``ready`` are the vendors of kind tax that are set up."""

    def __init__(
        self,
        db: Database,
        gateway: Gateway,
        options: CheckoutOptions,
        *,
        ready: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._gateway = gateway
        self._options = options
        self._ready = frozenset(ready)
        self._now = now

    def __repr__(self) -> str:
        return f"<TaxDesk {', '.join(sorted(self._ready))}>"

    async def quote(self, request: TaxRequest) -> TaxQuote:
        """Return the tax of a sale and the rule that applied.

        Raise InvalidInput naming the field, Unsupported for a destination nobody here can tax, or what the engine raises.
        """
        if rules.serves(request):
            check = await self._vat_check(request)
            ruled = rules.quote(
                request,
                now=self._now(),
                seller=self._options.seller,
                number=check.status if check is not None else None,
                value_in_eur=await self._value_in_eur(request),
            )
            return ruled.model_copy(update={"vat_check": check})
        if ENGINE in self._ready:
            result = await self._gateway.call(ENGINE, "quote_tax", request, priority="interactive", deadline=DEADLINE)
            quote: TaxQuote = result.value
            return quote.model_copy(update={"stale": quote.stale or result.stale})
        raise Unsupported(
            f"There is no VAT table for {request.destination.country}, and no tax engine is set up that knows it; "
            "set QUAYSIDE_AVALARA_*.",
            field="destination.country",
        )

    async def commit(self, request: TaxRequest, *, key: str) -> TaxDocument:
        """Store a sale with the tax engine, on capture. Raise Unsupported where a table answers: it stores nothing."""
        self._refuse_table(request.destination.country)
        result = await self._gateway.call(ENGINE, "commit_tax", request, priority="interactive", idempotency_key=key)
        document: TaxDocument = result.value
        return document

    async def void(self, reference: str, *, key: str) -> TaxDocument:
        """Void a sale the tax engine has stored, on cancel. Raise Unsupported without an engine."""
        if ENGINE not in self._ready:
            raise Unsupported("No tax engine is set up, so no sale is stored; set QUAYSIDE_AVALARA_*.")
        query = TaxDocumentQuery(reference=reference)
        result = await self._gateway.call(ENGINE, "void_tax", query, priority="interactive", idempotency_key=key)
        document: TaxDocument = result.value
        return document

    def stores(self, country: str) -> bool:
        """Return whether sales to a country are stored by the tax engine."""
        return country not in rules.COUNTRIES and ENGINE in self._ready

    def _refuse_table(self, country: str) -> None:
        if not self.stores(country):
            raise Unsupported(
                f"Sales to {country} are taxed by a table, which stores nothing; the order itself is the record.",
                field="destination.country",
            )

    async def _vat_check(self, request: TaxRequest) -> VatCheck | None:
        """Return VIES' word on the buyer's number, None where there is none or it cannot matter."""
        number = request.customer.vat_number.strip().upper()
        if not number or request.destination.country not in UNION or request.origin.country not in UNION:
            return None
        if REGISTER not in self._ready:
            return VatCheck(status="unknown", reason="VIES is not set up, so nobody was asked.")
        prefix = {"EL": "GR"}.get(number[:2], number[:2])
        country = prefix if prefix in UNION else request.destination.country
        try:
            query = VatNumberQuery(country=country, number=number)
            result = await self._gateway.call(
                REGISTER, "check_vat_number", query, priority="interactive", deadline=REGISTER_DEADLINE
            )
        except (InvalidInput, ValueError):
            return VatCheck(status="invalid", reason="It has not the form of a VAT number, so nobody was asked.")
        except QuaysideError as error:
            return VatCheck(status="unknown", reason=error.message)
        check: VatNumberCheck = result.value
        return VatCheck(
            status=check.status,
            reason=check.reason,
            consultation=check.consultation,
            checked_at=check.checked_at,
            stale=check.stale or result.stale,
        )

    async def _value_in_eur(self, request: TaxRequest) -> Decimal | None:
        """Return what a consignment from outside the Union is worth in EUR, None where that is not known or needed."""
        if request.destination.country not in UNION or request.origin.country in UNION:
            return None
        total = sum((line.amount.amount for line in request.lines), Decimal(0))
        if request.currency == "EUR":
            return total
        try:
            table = await rate_table(self._db, now=self._now(), max_age=self._options.max_rate_age)
            return total * table.rate(request.currency, "EUR")
        except (RatesTooOld, CallRefused):
            return None
