"""Shipping quotes: every carrier that may serve, asked at once under one deadline, ranked in the buyer's currency.

What a carrier answers in time is in the answer, and every carrier that fails is named. Where it has priced the same parcels
and places before, its last quotes stand in besides, marked stale. A carrier whose circuit is open costs no time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db.engine import Database, StoreUnavailable
from integrations.checkout.carriers import why_not
from integrations.checkout.conversion import RateBook, RateTable
from integrations.checkout.options import CheckoutOptions
from integrations.checkout.turns import AskedCarrier, Turn
from integrations.errors import CallRefused, Fault, InvalidInput, QuaysideError, Unsupported
from integrations.gateway import Gateway
from integrations.outcome import CallResult
from integrations.types.base import Currency, Model, Money, UtcDatetime
from integrations.types.shipping import Address, RateQuote, Shipment

log = logging.getLogger(__name__)
Sort = Literal["price", "speed", "both"]
SPARE = 0.15  # seconds of the deadline that are ours: ranking, converting, answering
_PLACE = {"name": "", "company": "", "phone": "", "email": ""}
_EXAMPLE: JsonDict = {
    "shipment": {
        "reference": "BASKET-4711",
        "origin": {
            "lines": ["3600 Lamar Avenue"],
            "city": "Memphis",
            "state": "TN",
            "postal_code": "38118",
            "country": "US",
        },
        "destination": {"lines": ["Musterweg 5"], "city": "Berlin", "postal_code": "10115", "country": "DE"},
        "parcels": [{"weight_kg": "1.2", "length_cm": "30", "width_cm": "20", "height_cm": "10"}],
        "declared_value": {"amount": "80.00", "currency": "USD"},
    },
    "currency": "EUR",
    "sort": "price",
}


_ANSWER: JsonDict = {
    "quotes": [
        {
            "vendor": "ups",
            "service_code": "65",
            "service_name": "UPS Worldwide Saver",
            "price": {"amount": "61.20", "currency": "EUR"},
            "original_price": {"amount": "68.00", "currency": "USD"},
            "transit_days": 3,
            "delivery_date": None,
            "as_of": "2026-10-01T12:00:00Z",
            "rate_as_of": "2026-10-01T06:00:00Z",
        },
        {
            "vendor": "fedex",
            "service_code": "INTERNATIONAL_ECONOMY",
            "service_name": "FedEx International Economy",
            "price": {"amount": "64.80", "currency": "EUR"},
            "original_price": {"amount": "72.00", "currency": "USD"},
            "transit_days": 5,
            "delivery_date": None,
            "stale": True,
            "as_of": "2026-10-01T11:18:00Z",
            "age": 2520.0,
            "rate_as_of": "2026-10-01T06:00:00Z",
        },
    ],
    "failures": [
        {
            "vendor": "aramex",
            "error_type": "timeout",
            "fault": "theirs",
            "message": "Aramex did not answer in time.",
            "retryable": True,
        },
        {
            "vendor": "fedex",
            "error_type": "circuit_open",
            "fault": "theirs",
            "message": "The circuit of FedEx is open (5 failures in a row); the next probe is in 24 s.",
            "retryable": True,
            "stood_in": True,
        },
    ],
    "correlation_id": "basket-77",
}


class QuoteRequest(Model):
    """What is to be sent, the currency the buyer thinks in, and what the answer is ranked by.

    ``carriers`` left out asks all that are set up and serve the route.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    shipment: Shipment
    currency: Currency
    sort: Sort = "price"
    carriers: tuple[str, ...] = Field(default=(), max_length=20)


class Quote(RateQuote):
    """A carrier's quote with its ``price`` in the buyer's currency, and in the carrier's own as ``original_price``.

    ``age`` is the quote's in seconds where it is ``stale``; ``rate_as_of`` the moment of the exchange rate, None where
    nothing was converted.
    """

    original_price: Money
    age: float = 0.0
    rate_as_of: UtcDatetime | None = None


class QuoteFailure(Model):
    """A carrier that gave no quote now, and why. ``stood_in``: its last quotes are in the answer, marked stale."""

    vendor: str
    error_type: str
    fault: Fault
    message: str
    retryable: bool = False
    stood_in: bool = False


class Quotes(Model):
    """The best quote first, and every carrier that failed by name."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER]})

    quotes: tuple[Quote, ...]
    failures: tuple[QuoteFailure, ...]
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRound:
    """An answer and how it came about: who was asked, and who of those set up does not serve it (carrier -> why)."""

    answer: Quotes
    asked: Sequence[AskedCarrier]
    not_asked: Mapping[str, str]


class QuoteDesk:
    """Asks carriers. ``carriers`` are those that are set up."""

    def __init__(
        self,
        db: Database,
        gateway: Gateway,
        options: CheckoutOptions,
        *,
        carriers: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._rates = RateBook(db, now)
        self._gateway = gateway
        self._options = options
        self._carriers = carriers
        self._now = now

    def __repr__(self) -> str:
        return f"<QuoteDesk {', '.join(self._carriers)}>"

    @property
    def carriers(self) -> Sequence[str]:
        """The carriers that are set up."""
        return self._carriers

    async def quote(self, request: QuoteRequest, *, correlation_id: str) -> Quotes:
        """Return the quotes there are within the deadline.

        Raise InvalidInput for a carrier that is not set up, or a shipment every carrier refuses for the same field.
        """
        return (await self.round(request, correlation_id=correlation_id)).answer

    async def round(self, request: QuoteRequest, *, correlation_id: str) -> QuoteRound:
        """Return the quotes there are within the deadline, and how they came about. Raise as ``quote`` does."""
        chosen, failures = self._chosen(request)
        shipment = _without_people(request.shipment)
        asked = {vendor: Turn(self._now) for vendor in chosen}
        results = await self._ask(asked, shipment) if chosen else {}
        table = await self._table(request, results)
        quotes: list[Quote] = []
        for vendor in chosen:
            found = results.get(vendor)
            if isinstance(found, CallResult):
                try:
                    priced = [_converted(one, found, request.currency, table) for one in found.value]
                except QuaysideError as error:
                    failures.append(_failure(vendor, found.cause or error))
                    continue
                quotes += priced
                if found.cause is not None:
                    failures.append(_failure(vendor, found.cause, stood_in=bool(priced)))
            else:
                failures.append(_failure(vendor, found))
        _refuse_what_all_refuse(chosen, results)
        answer = Quotes(
            quotes=tuple(ranked(quotes, request.sort)),
            failures=tuple(sorted(failures, key=lambda failure: failure.vendor)),
            correlation_id=correlation_id,
        )
        return QuoteRound(
            answer=answer,
            asked=[turn.told(vendor, results.get(vendor)) for vendor, turn in asked.items()],
            not_asked={vendor: why for vendor in self._carriers if (why := why_not(vendor, request.shipment))},
        )

    def _chosen(self, request: QuoteRequest) -> tuple[list[str], list[QuoteFailure]]:
        """Return who is asked, and who was named but does not serve."""
        for index, vendor in enumerate(request.carriers):
            if vendor not in self._carriers:
                raise InvalidInput(
                    f'"{vendor}" is no carrier that is set up; there are {", ".join(self._carriers) or "none"}.',
                    field=f"carriers.{index}",
                )
        chosen: list[str] = []
        failures: list[QuoteFailure] = []
        for vendor in dict.fromkeys(request.carriers or self._carriers):
            reason = why_not(vendor, request.shipment)
            if reason is None:
                chosen.append(vendor)
            elif request.carriers:
                label = self._gateway.adapter(vendor).vendor.label
                failures.append(
                    QuoteFailure(vendor=vendor, error_type="unsupported", fault="ours", message=f"{label} {reason}.")
                )
        return chosen, failures

    async def _ask(self, turns: Mapping[str, Turn], shipment: Shipment) -> dict[str, CallResult | BaseException | None]:
        """Return what each carrier answered or raised; None for one that did not answer in time."""
        deadline = self._options.quote_deadline

        async def ask(vendor: str, turn: Turn) -> CallResult:
            try:
                return await self._gateway.call(
                    vendor,
                    "quote_rates",
                    shipment,
                    priority="interactive",
                    deadline=max(0.1, deadline - SPARE),
                    call_id=turn.call_id,
                )
            finally:
                turn.end()

        tasks = {
            vendor: asyncio.create_task(ask(vendor, turn), name=f"quote {vendor}") for vendor, turn in turns.items()
        }
        try:
            await asyncio.wait(tasks.values(), timeout=deadline)
        finally:
            for task in tasks.values():
                task.cancel()  # no-op for one that is done
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        return {
            vendor: None if task.cancelled() else task.exception() or task.result() for vendor, task in tasks.items()
        }

    async def _table(
        self, request: QuoteRequest, results: dict[str, CallResult | BaseException | None]
    ) -> RateTable | None:
        """Return the rates where a quote needs them; None where none are to be had, which only those quotes suffer."""
        priced = [one for found in results.values() if isinstance(found, CallResult) for one in found.value]
        if all(one.price.currency == request.currency for one in priced):
            return None
        try:
            return await self._rates.table(max_age=self._options.max_rate_age)
        except (CallRefused, StoreUnavailable) as error:
            log.warning("quotes.no_rates", extra={"reason": str(error)})
            return None


def ranked(quotes: Sequence[Quote], sort: Sort) -> list[Quote]:
    """Return the quotes, best first: the cheapest, the fastest, or those that are near both.

    For both, a quote's price and days are taken as multiples of the lowest there are, and added. What has no transit time
    counts as slowest; of two that are as good a fresh one goes before a stale one.
    """
    if not quotes:
        return []
    known = [quote.transit_days for quote in quotes if quote.transit_days is not None]
    fewest, slowest = max(min(known, default=1), 1), max(known, default=1) + 1
    lowest = max(min(quote.price.amount for quote in quotes), Decimal("0.01"))

    def key(quote: Quote) -> tuple[object, ...]:
        days = quote.transit_days if quote.transit_days is not None else slowest
        price = quote.price.amount
        first: tuple[object, ...] = (price,)
        if sort == "speed":
            first = (days, price)
        elif sort == "both":
            first = (price / lowest + Decimal(max(days, 1)) / fewest, price)
        return (*first, quote.stale, quote.vendor, quote.service_code)

    return sorted(quotes, key=key)


def _converted(quote: RateQuote, found: CallResult, currency: str, table: RateTable | None) -> Quote:
    price, as_of = quote.price, None
    if price.currency != currency:
        try:
            conversion = table.convert(price, currency) if table is not None else None
        except InvalidInput:
            conversion = None
        if conversion is None:
            raise Unsupported(f"The quote is in {price.currency} and there is no exchange rate to {currency} now.")
        price, as_of = conversion.converted, conversion.as_of
    facts = {name: getattr(quote, name) for name in RateQuote.model_fields}
    return Quote(
        **{**facts, "price": price, "stale": quote.stale or found.stale},
        original_price=quote.price,
        age=round(found.age, 1),
        rate_as_of=as_of,
    )


def _failure(vendor: str, error: BaseException | None, *, stood_in: bool = False) -> QuoteFailure:
    if isinstance(error, QuaysideError):
        return QuoteFailure(
            vendor=vendor,
            error_type=error.error_type,
            fault=error.fault,
            message=error.message,
            retryable=error.retryable,
            stood_in=stood_in,
        )
    if error is None:
        message = "It did not answer before the deadline of the whole."
        return QuoteFailure(vendor=vendor, error_type="deadline", fault="theirs", message=message, retryable=True)
    log.error("quote.failed", exc_info=error, extra={"vendor": vendor})
    return QuoteFailure(
        vendor=vendor, error_type="internal_error", fault="ours", message="Something failed here; the log has it."
    )


def _refuse_what_all_refuse(chosen: Sequence[str], results: dict[str, CallResult | BaseException | None]) -> None:
    """Raise InvalidInput where every carrier refuses the same field: then it is the input, and the caller can mend it."""
    errors = [results[vendor] for vendor in chosen]
    bad = [one for one in errors if isinstance(one, InvalidInput) and not isinstance(one, Unsupported) and one.field]
    if bad and len(bad) == len(errors) and len({one.field for one in bad}) == 1:
        raise InvalidInput(bad[0].message, field=f"shipment.{bad[0].field}")


def _without_people(shipment: Shipment) -> Shipment:
    """Return what a price depends on: two baskets alike share the last quotes, and nobody learns who buys."""
    return shipment.model_copy(
        update={
            "reference": "QUOTE",
            "origin": _place(shipment.origin),
            "destination": _place(shipment.destination),
        }
    )


def _place(address: Address) -> Address:
    return address.model_copy(update=_PLACE)
