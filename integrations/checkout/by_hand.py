"""The checkout asked by a person: the body of an API call in, its answer out, with what a page says about it besides.

The same desks answer as over the API, in the interactive lane. What is wrong with the body, and what went wrong with the
asking, is in the answer as well: nothing a vendor does raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from integrations.checkout.api import Checkout
from integrations.checkout.conversion import RateTable, rate_table
from integrations.checkout.quotes import QuoteRequest
from integrations.checkout.tax import ENGINE
from integrations.correlation import new_id, origin
from integrations.errors import CallRefused, InvalidInput, QuaysideError
from integrations.types.base import Currency, Model, Money, minor_units
from integrations.types.tax import TaxQuote, TaxRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it. ``answer`` is what the API would have answered, None where it would have refused: ``wrong`` are
    then the fields it names (path -> sentence), ``problem`` the sentence where it is no field's fault. ``beside`` is what
    the API leaves out. ``reached``: a vendor was asked, so a trace and calls exist. ``seconds`` is the whole."""

    correlation_id: str
    seconds: float
    answer: Mapping[str, Any] | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    error_type: str = ""
    reached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a desk answered."""

    answer: Model
    beside: Mapping[str, Any] = field(default_factory=dict)
    reached: bool = True


class _Conversion(Model):
    """What is to be converted."""

    amount: Money
    to: Currency


class ByHand:
    """The desks of a checkout as a person asks them. ``user`` is who asks; nothing here is for a shopper."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    def __repr__(self) -> str:
        return f"<ByHand {self._checkout.quotes!r}>"

    async def quote(self, body: Mapping[str, Any], user: str) -> Tried:
        """Ask for shipping quotes. ``beside``: ``deadline`` in seconds; ``asked``, for each carrier whose turn it was its
        ``vendor``, ``call_id``, ``seconds`` and whether we ``refused`` the call; ``not_asked``, carrier -> why it does not
        serve; ``set_up``, the carriers there are."""
        checkout = self._checkout

        async def ask(correlation_id: str) -> _Found:
            request = QuoteRequest.model_validate(body)
            found = await checkout.quotes.round(request, correlation_id=correlation_id)
            beside = {
                "deadline": checkout.options.quote_deadline,
                "asked": [asdict(one) for one in found.asked],
                "not_asked": dict(found.not_asked),
                "set_up": list(checkout.quotes.carriers),
            }
            return _Found(answer=found.answer, beside=beside, reached=bool(found.asked))

        return await self._tried(ask, user)

    async def tax(self, body: Mapping[str, Any], user: str, currency: str) -> Tried:
        """Ask for the tax of a sale. ``beside``: ``net`` and ``gross`` in the currency of the sale, and ``gross`` in the
        buyer's ``currency`` ("" for the same) as ``converted`` where that is another one."""
        checkout = self._checkout

        async def ask(_correlation_id: str) -> _Found:
            request = TaxRequest.model_validate(body)
            _refuse_unless_currency(currency or request.currency, "buyer")
            answer = await checkout.tax.quote(request)
            asked = answer.vat_check is not None and answer.vat_check.checked_at is not None
            beside = await self._sums(request, answer, currency or request.currency)
            return _Found(answer=answer, beside=beside, reached=asked or answer.source == ENGINE)

        return await self._tried(ask, user)

    async def convert(self, body: Mapping[str, Any], user: str) -> Tried:
        """Convert the ``amount`` of ``body``, a money, ``to`` another currency. ``beside``: ``decimals`` of that currency.
        No vendor is asked."""

        async def ask(_correlation_id: str) -> _Found:
            request = _Conversion.model_validate(body)
            answer = (await self._rates()).convert(request.amount, request.to)
            return _Found(answer=answer, beside={"decimals": minor_units(request.to)}, reached=False)

        return await self._tried(ask, user)

    async def _tried(self, ask: Callable[[str], Awaitable[_Found]], user: str) -> Tried:
        correlation_id, began = new_id(), self._checkout.now()
        facts: dict[str, Any] = {}
        with origin("user", correlation_id=correlation_id, user_name=user):
            try:
                found = await ask(correlation_id)
                facts = {
                    "answer": found.answer.model_dump(mode="json"),
                    "beside": found.beside,
                    "reached": found.reached,
                }
            except ValidationError as error:
                facts = {"wrong": _wrong(error), "error_type": "invalid_input"}
            except InvalidInput as error:
                named = {"wrong": {error.field: error.message}} if error.field else {"problem": error.message}
                facts = {**named, "error_type": error.error_type}
            except QuaysideError as error:
                reached = not isinstance(error, CallRefused)
                facts = {"problem": error.message, "error_type": error.error_type, "reached": reached}
        seconds = max(0.0, (self._checkout.now() - began).total_seconds())
        return Tried(correlation_id=correlation_id, seconds=seconds, **facts)

    async def _rates(self) -> RateTable:
        checkout = self._checkout
        return await rate_table(checkout.db, now=checkout.now(), max_age=checkout.options.max_rate_age)

    async def _sums(self, request: TaxRequest, answer: TaxQuote, currency: str) -> Mapping[str, Any]:
        given = sum((line.amount.amount for line in request.lines), Decimal(0))
        tax = answer.total_tax.amount
        net = Money(amount=given - tax if request.tax_included else given, currency=request.currency).rounded()
        gross = Money(amount=given if request.tax_included else given + tax, currency=request.currency).rounded()
        found: dict[str, Any] = {"net": net.model_dump(mode="json"), "gross": gross.model_dump(mode="json")}
        if currency != gross.currency:
            try:
                found["converted"] = (await self._rates()).convert(gross, currency).model_dump(mode="json")
            except QuaysideError as error:  # the tax stands all the same
                found["not_converted"] = error.message
        return found


def _wrong(error: ValidationError) -> dict[str, str]:
    return {
        ".".join(str(part) for part in one["loc"]): _sentence(one["msg"])
        for one in error.errors(include_url=False, include_input=False)
    }


def _sentence(text: str) -> str:
    text = text.removeprefix("Value error, ")
    return text if text.endswith(".") else f"{text[:1].upper()}{text[1:]}."


def _refuse_unless_currency(currency: str, field: str) -> None:
    try:
        Money(amount=Decimal(0), currency=currency)
    except ValidationError as error:
        raise InvalidInput(_sentence(error.errors()[0]["msg"]), field=field) from None
