"""A shopper for the sandbox: quotes, pays, orders, ships, tracks and sometimes returns, a few times a minute.

Only in sandbox mode, and every call says so (trigger ``demo``). At the first start the shop's stock is filled from the
sandbox's catalogue and each sync runs once, so that a first look at the pages shows a shop at work.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from db import orders, runs, stock
from db.engine import Database, StoreUnavailable
from db.orders import NewOrder, OrderLine
from integrations.correlation import new_id, origin
from integrations.errors import QuaysideError
from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.shopper import Basket, shopper
from integrations.types.payments import Payment
from integrations.types.shipping import CreatedShipment, RateQuote
from scheduler.calls import Calls
from scheduler.service import utc_now

log = logging.getLogger(__name__)
WAREHOUSE = "MAIN"  # as the sandbox's ERP calls it
BETWEEN_VISITS = 11.0  # seconds on average
CHANNEL = "C0WELCOME01"
ORDERS = "C0ORDERS001"  # where the shop's orders are announced
PRICES_ASKED = 0.35  # of all visits: two a minute, within the plan the sandbox plays
SHELVES_COUNTED = 0.04  # of all visits: somebody counts a shelf and finds a few more or fewer
CARRIERS_ASKED = 3  # of a visit
EVERYDAY = ("fedex", "aramex")  # the shop's own; the others are compared now and then
SYNCS = ("currency", "inventory", "orders", "payments", "shipments", "spend")
_ORIGINS: dict[str, dict[str, Any]] = {
    "fedex": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["3600 Lamar Avenue"],
        "city": "Memphis",
        "state": "TN",
        "postal_code": "38118",
        "country": "US",
        "phone": "9015550100",
    },
    "aramex": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["Warehouse 12, Al Quoz 3"],
        "city": "Dubai",
        "country": "AE",
        "phone": "+97145550100",
        "email": "dispatch@quayside.example",
    },
    "dhl_express": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["Speicherstadt 4"],
        "city": "Hamburg",
        "postal_code": "20457",
        "country": "DE",
        "phone": "+49405550100",
        "email": "dispatch@quayside.example",
    },
    "ups": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["1000 Central Avenue"],
        "city": "Louisville",
        "state": "KY",
        "postal_code": "40209",
        "country": "US",
        "phone": "5025550100",
    },
    "canada_post": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["111 Wellington St"],
        "city": "Ottawa",
        "state": "ON",
        "postal_code": "K1A0A9",
        "country": "CA",
        "phone": "6135550100",
    },
    "australia_post": {
        "name": "Dispatch",
        "company": "Quayside Outfitters",
        "lines": ["1 Bourke St"],
        "city": "Melbourne",
        "state": "VIC",
        "postal_code": "3000",
        "country": "AU",
        "phone": "0395550100",
    },
}
_TEN_FILS = Decimal("0.010")
_BUSINESSES = (("FR", "FR40300000122"), ("DE", "DE100000008"))  # numbers the sandbox's register knows
_CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_visa_debit")
_DECLINED = ("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A parcel on its way: who carries it and its number."""

    vendor: str
    tracking_number: str


class Demo:
    """The shopper. ``run`` is its day; ``visit`` one visit."""

    def __init__(
        self,
        db: Database,
        calls: Calls,
        *,
        seed: int = 7,
        channel: str = CHANNEL,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.db = db
        self.calls = calls
        self.channel = channel
        self.now = now
        self.sleep = sleep
        self._seed = seed
        # A new day, a new shopper: references and baskets differ from those of the last start.
        self._draw = random.Random(f"{seed}:{now().isoformat()}")
        self._baskets: Iterator[Basket] = shopper(self._draw.randrange(10**9), catalogue(seed))
        self._under_way: deque[Parcel] = deque(maxlen=20)

    def __repr__(self) -> str:
        return f"<Demo seed={self._seed} under_way={len(self._under_way)}>"

    async def run(self) -> None:
        """Open the shop, then let shoppers come until cancelled."""
        opened = False
        while True:
            try:
                if not opened:
                    await self.open_shop()
                    opened = True
                await self.visit()
            except StoreUnavailable:
                log.warning("demo.store_unavailable")
            except Exception:  # the shopper is a guest: whatever happens to it, the scheduler goes on
                log.exception("demo.failed")
            await self.sleep(min(60.0, self._draw.expovariate(1 / BETWEEN_VISITS)))

    async def open_shop(self) -> None:
        """Fill the shelves, say hello in Slack, and ask for each sync's first run."""
        if await stock.count(self.db) == 0:
            levels = [(item.sku, WAREHOUSE, Decimal(item.quantity)) for item in catalogue(self._seed)]
            await stock.seed(self.db, levels, by="demo", now=self.now())
        for sync in SYNCS:
            await runs.queue_first(self.db, sync, now=self.now())
        with origin("demo"):
            await self._ask(
                "slack",
                "post_message",
                {
                    "channel": self.channel,
                    "text": "Quayside is watching the sandbox. Alerts come here.",
                    "alert_key": f"hello-{new_id()[:12]}",
                },
            )

    async def visit(self) -> None:
        """Let one shopper come: quotes, payment, order, and now and then a shipment, a look at one, a return."""
        # Card networks take dinars in steps of ten fils; a basket that is no such sum is left standing.
        basket = next(basket for basket in self._baskets if basket.currency != "KWD" or basket.total % _TEN_FILS == 0)
        reference = f"QS-{self.now():%y%m%d}-{new_id()[:8].upper()}"
        with origin("demo"):
            if self._draw.random() < SHELVES_COUNTED:
                await self._count_shelf(basket.lines[0].sku)
            if self._draw.random() < PRICES_ASKED:
                await self._ask("open_exchange_rates", "latest_rates", {"base": "USD"})
            quotes = await self._quotes(reference, basket)
            if not await self._in_stock(basket):
                return  # the shopper leaves
            payment = await self._pay(reference, basket)
            if payment is None or payment.status != "captured":
                return
            await self._order(reference, basket, payment)
            await self._tell(reference, basket)
            await self._after_sale(reference, basket, payment)
            if quotes and self._draw.random() < 0.4:
                await self._ship(reference, basket, self._draw.choice(quotes))
            if self._under_way and self._draw.random() < 0.6:
                parcel = self._draw.choice(self._under_way)
                await self._ask(parcel.vendor, "track_shipment", {"tracking_number": parcel.tracking_number})
            if self._draw.random() < 0.08:
                await self._give_back(reference, payment)

    async def _quotes(self, reference: str, basket: Basket) -> list[RateQuote]:
        others = [vendor for vendor in _ORIGINS if vendor not in EVERYDAY]
        carriers = (*EVERYDAY, *self._draw.sample(others, CARRIERS_ASKED - len(EVERYDAY)))
        answers = await asyncio.gather(
            *(self._ask(vendor, "quote_rates", _shipment(reference, basket, vendor)) for vendor in carriers)
        )
        return [quote for quotes in answers for quote in quotes or () if quote.vendor in EVERYDAY]

    async def _in_stock(self, basket: Basket) -> bool:
        for line in basket.lines:
            rows = await stock.levels_of(self.db, line.sku)
            if sum((row.available for row in rows if row.warehouse == WAREHOUSE), Decimal(0)) < line.quantity:
                return False
        return True

    async def _count_shelf(self, sku: str) -> None:
        """Correct a level as a stock-take does; the inventory sync brings it to the ERP."""
        found = Decimal(self._draw.choice((-3, -2, -1, 1, 2, 3)))
        for row in await stock.levels_of(self.db, sku):
            if row.warehouse == WAREHOUSE:
                difference = max(found, -row.quantity)
                await stock.adjust(self.db, sku, WAREHOUSE, difference, by="demo", now=self.now())

    async def _pay(self, reference: str, basket: Basket) -> Payment | None:
        card = self._draw.choice(_DECLINED if self._draw.random() < 0.07 else _CARDS)
        payment: Payment | None = await self._ask(
            "stripe",
            "create_payment",
            {
                "reference": reference,
                "amount": {"amount": format(basket.total, "f"), "currency": basket.currency},
                "payment_method": card,
                "description": f"Order {reference}",
            },
            key=f"payment-{reference}-1",
        )
        return payment

    async def _order(self, reference: str, basket: Basket, payment: Payment) -> None:
        now = self.now()
        customer = asdict(basket.customer)
        order = NewOrder(
            reference=reference,
            placed_at=now,
            currency=basket.currency,
            total=basket.total,
            country=basket.customer.country,
            lines=[
                OrderLine(
                    sku=line.sku,
                    quantity=Decimal(line.quantity),
                    unit_price=line.unit_price,
                    description=line.name,
                    warehouse=WAREHOUSE,
                )
                for line in basket.lines
            ],
            customer={**customer, "lines": list(customer["lines"])},
            payment_id=payment.payment_id,
            payment_status=payment.status,
        )
        await orders.place(self.db, order, now=now)

    async def _tell(self, reference: str, basket: Basket) -> None:
        text = f"Order {reference}: {len(basket.lines)} lines, {basket.total} {basket.currency}."
        await self._ask("slack", "post_message", {"channel": ORDERS, "text": text, "alert_key": reference})

    async def _after_sale(self, reference: str, basket: Basket, payment: Payment) -> None:
        """Have the order screened, write to the buyer, and now and then look up a business's VAT number."""
        customer = asdict(basket.customer)
        address = {**customer, "lines": list(customer["lines"])}
        if self._draw.random() < 0.5:
            items = [
                {
                    "sku": line.sku,
                    "name": line.name,
                    "quantity": line.quantity,
                    "price": {"amount": format(line.unit_price, "f"), "currency": basket.currency},
                }
                for line in basket.lines
            ]
            screening = {
                "reference": reference,
                "total": {"amount": format(basket.total, "f"), "currency": basket.currency},
                "placed_at": self.now(),
                "email": customer["email"],
                "ip_address": "203.0.113.9",
                "shipping": address,
                "items": items,
                "processor": "stripe",
                "payment_id": payment.payment_id,
            }
            await self._ask("signifyd", "screen_order", screening, key=f"screening-{reference}")
        mail = {
            "reference": f"{reference}:paid",
            "to": customer["email"],
            "subject": f"Your order {reference}",
            "text": f"Thank you. Your order {reference} is paid and on its way to our warehouse.",
            "category": "orders",
        }
        await self._ask("sendgrid", "send_email", mail, key=f"mail-{reference}")
        if self._draw.random() < 0.3:
            text = f"Your order {reference} is paid."
            sms = {"reference": f"{reference}:paid", "to": customer["phone"], "text": text}
            await self._ask("twilio", "send_sms", sms, key=f"sms-{reference}")
        event = {
            "reference": reference,
            "name": "Placed Order",
            "profile": {"email": customer["email"]},
            "value": {"amount": format(basket.total, "f"), "currency": basket.currency},
            "at": self.now(),
        }
        await self._ask("klaviyo", "track_event", event, key=f"event-{reference}")
        if self._draw.random() < 0.15:
            country, number = self._draw.choice(_BUSINESSES)
            await self._ask("vies", "check_vat_number", {"country": country, "number": number})

    async def _ship(self, reference: str, basket: Basket, quote: RateQuote) -> None:
        sent: CreatedShipment | None = await self._ask(
            quote.vendor,
            "create_shipment",
            {"shipment": _shipment(reference, basket, quote.vendor), "service_code": quote.service_code},
            key=f"shipment-{reference}",
        )
        if sent is not None:
            self._under_way.append(Parcel(vendor=quote.vendor, tracking_number=sent.tracking_number))
            await orders.note_tracking(self.db, reference, tracking_number=sent.tracking_number, now=self.now())

    async def _give_back(self, reference: str, payment: Payment) -> None:
        refunded: Payment | None = await self._ask(
            "stripe",
            "refund_payment",
            {"reference": f"{reference}-return", "payment_id": payment.payment_id},
            key=f"refund-{reference}",
        )
        if refunded is not None:
            await orders.note_payment(
                self.db, reference, payment_id=None, payment_status=refunded.status, now=self.now()
            )

    async def _ask(self, vendor: str, operation: str, value: dict[str, Any], *, key: str | None = None) -> Any:
        """Make a call as a shopper would; return None when it fails, which the record shows."""
        try:
            result = await self.calls.call(vendor, operation, value, priority="interactive", idempotency_key=key)
        except QuaysideError as error:
            log.info("demo.call_failed", extra={"vendor": vendor, "operation": operation, "reason": error.error_type})
            return None
        return result.value


def _shipment(reference: str, basket: Basket, vendor: str) -> dict[str, Any]:
    customer = asdict(basket.customer)
    return {
        "reference": reference,
        "origin": _ORIGINS[vendor],
        "destination": {**customer, "lines": list(customer["lines"])},
        "parcels": [
            {
                "weight_kg": format(max(basket.weight_kg, Decimal("0.1")), "f"),
                "length_cm": "35",
                "width_cm": "25",
                "height_cm": "12",
            }
        ],
        "declared_value": {"amount": format(basket.total, "f"), "currency": basket.currency},
        "contents": [
            {
                "description": line.name,
                "quantity": line.quantity,
                "value": {"amount": format(line.unit_price * line.quantity, "f"), "currency": basket.currency},
                "sku": line.sku,
                "hs_code": line.hs_code,
                "origin_country": line.country_of_origin,
                "weight_kg": format(line.weight_kg * line.quantity, "f"),
            }
            for line in basket.lines
        ],
    }
