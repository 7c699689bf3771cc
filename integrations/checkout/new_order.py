"""An order as the shop's backend asks for it, and what each vendor is told of it.

Whatever is sent to a vendor twice is the same both times: it is made of the stored request and the moment the order was
asked for, never of the present.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db import orders
from integrations.checkout.payments import NewPayment
from integrations.errors import InvalidInput, TotalDiffers
from integrations.types.base import Country, Currency, Exact, Model, Money, PositiveMoney
from integrations.types.fraud import FraudScreening, ScreenedItem
from integrations.types.marketing import Profile, TrackedEvent
from integrations.types.messages import EmailMessage, TextMessage
from integrations.types.payments import Customer
from integrations.types.shipping import Address, ContentLine, Parcel, Shipment, ShipmentOrder
from integrations.types.tax import TaxCustomer, TaxLine, TaxQuote, TaxRequest

_PLACE: JsonDict = {
    "name": "Erika Mustermann",
    "lines": ["Musterweg 5"],
    "city": "Köln",
    "postal_code": "50667",
    "country": "DE",
}
_EXAMPLE: JsonDict = {
    "reference": "S-10042",
    "currency": "EUR",
    "lines": [
        {"sku": "SKU-00017", "quantity": 2, "unit_price": "19.90", "description": "Canvas bag", "weight_kg": "0.6"}
    ],
    "tax_included": True,
    "expected_total": {"amount": "52.30", "currency": "EUR"},
    "ship_to": _PLACE,
    "origin": {**_PLACE, "name": "Dispatch", "company": "Quayside Outfitters"},
    "payment": {"payment_method": "pm_card_visa"},
    "shipping": {
        "vendor": "fedex",
        "service_code": "FEDEX_INTERNATIONAL_PRIORITY",
        "price": {"amount": "12.50", "currency": "EUR"},
    },
    "customer": {"email": "erika@example.com", "phone": "+49221000000"},
}
OrderReference = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", examples=["S-10042"])]


class Place(Address):
    """A person or company at a place. ``state`` and ``postal_code`` where the country has them."""

    name: str = Field(default="", max_length=200)
    company: str = Field(default="", max_length=200)
    lines: tuple[Annotated[str, Field(max_length=200)], ...] = Field(default=(), max_length=5)
    city: str = Field(default="", max_length=100)
    state: str = Field(default="", max_length=100)
    postal_code: str = Field(default="", max_length=20)
    phone: str = Field(default="", max_length=40)
    email: str = Field(default="", max_length=254)


class OrderedLine(Model):
    """So many of a SKU at a price each, in the order's currency. ``weight_kg`` is of one.

    ``hs_code`` and ``origin_country`` (where it was made) are what tax and customs are told across a border.
    """

    sku: str = Field(min_length=1, max_length=50)
    quantity: int = Field(ge=1, le=10_000)
    unit_price: Exact = Field(ge=0, lt=10**9)
    description: str = Field(default="", max_length=250)
    weight_kg: Exact | None = Field(default=None, gt=0, le=10_000)
    hs_code: str = Field(default="", pattern=r"^([0-9]{4}[0-9. ]{0,14})?$", description="Harmonized System")
    origin_country: Country | None = None


class Package(Parcel):
    """One parcel, in kilograms and centimetres."""

    weight_kg: Exact = Field(gt=0, le=10_000)
    length_cm: Exact | None = Field(default=None, gt=0, le=1000)
    width_cm: Exact | None = Field(default=None, gt=0, le=1000)
    height_cm: Exact | None = Field(default=None, gt=0, le=1000)


class PaymentChoice(Model):
    """How the shopper pays. ``payment_method`` is the processor's token, never a card number."""

    payment_method: str = Field(default="", max_length=255)
    processor: str = Field(default="", max_length=32)
    return_url: str = Field(default="", max_length=2000)


class ShippingChoice(Model):
    """One of the quotes: who carries it, with which service, at what price in the order's currency."""

    vendor: str = Field(min_length=1, max_length=32)
    service_code: str = Field(min_length=1, max_length=64)
    price: Money


class Buyer(Model):
    """Whom the confirmation goes to; without an address or number there is no such message."""

    email: str = Field(default="", max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")
    phone: str = Field(default="", pattern=r"^(\+[1-9][0-9]{6,14})?$", description="E.164")
    vat_number: str = Field(default="", max_length=20)


class NewOrder(Model):
    """An order to place. ``shipping`` left out leaves sending it to others.

    ``tax_included``: prices are with their tax, and the shopper pays exactly these. ``expected_total`` is what the shopper
    was shown: an order that costs anything else is refused before a vendor is told of it. ``parcels`` left out sends
    everything in one, as heavy as its lines.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    reference: OrderReference
    currency: Currency
    lines: tuple[OrderedLine, ...] = Field(min_length=1, max_length=100)
    ship_to: Place
    origin: Place
    payment: PaymentChoice
    shipping: ShippingChoice | None = None
    customer: Buyer = Buyer()
    tax_included: bool = False
    expected_total: PositiveMoney | None = None
    parcels: tuple[Package, ...] = Field(default=(), max_length=100)

    def check(self) -> None:
        """Raise InvalidInput naming the field for what no vendor has to be asked about."""
        for index, line in enumerate(self.lines):
            _exact(self._money(line.unit_price), f"lines.{index}.unit_price")
            if self.shipping is not None and line.weight_kg is None and not self.parcels:
                raise InvalidInput("What is shipped has a weight.", field=f"lines.{index}.weight_kg")
        if self.shipping is not None:
            price = self.shipping.price
            if price.currency != self.currency:
                raise InvalidInput(f"The order is in {self.currency}, and so is this.", field="shipping.price.currency")
            if not 0 <= price.amount < 10**9:
                raise InvalidInput("A price is from 0 to below 10^9.", field="shipping.price.amount")
            _exact(price, "shipping.price.amount")
        if self.expected_total is not None and self.expected_total.currency != self.currency:
            raise InvalidInput(f"The order is in {self.currency}, and so is this.", field="expected_total.currency")
        if not 0 < self.goods().amount < 10**11:
            raise InvalidInput("What is to pay is above 0 and below 10^11.", field="lines")

    def goods(self) -> Money:
        """Return what the goods and their shipping cost, as they are priced: with tax where it is included."""
        total = sum((line.quantity * line.unit_price for line in self.lines), Decimal(0))
        return self._money(total + (self.shipping.price.amount if self.shipping else 0))

    def total(self, quote: TaxQuote) -> Money:
        """Return what the shopper pays. Raise TotalDiffers where they were shown anything else."""
        tax = Decimal(0) if self.tax_included else quote.total_tax.amount
        total = self._money(self.goods().amount + tax).rounded()
        shown = self.expected_total
        if shown is not None and shown.amount != total.amount:
            raise TotalDiffers(
                f"The order costs {total.amount} {self.currency}, and the shopper was shown {shown.amount} "
                f"{shown.currency}; show them the new total, and place it again with another Idempotency-Key.",
                field="expected_total",
            )
        return total

    def net(self, quote: TaxQuote | None) -> list[Money]:
        """Return what each line costs, without tax as far as the quote says it."""
        if quote is not None and self.tax_included and len(quote.lines) >= len(self.lines):
            return [line.taxable for line, _ in zip(quote.lines, self.lines, strict=False)]
        return [self._money(line.quantity * line.unit_price) for line in self.lines]

    def screening(self, name: str, at: datetime) -> FraudScreening:
        """Return what the fraud screening is told; ``name`` is this attempt's."""
        return FraudScreening(
            reference=name,
            total=self.goods(),
            placed_at=at,
            email=self.customer.email,
            phone=self.customer.phone,
            shipping=self._address(),
            billing=self._address(),
            items=tuple(
                ScreenedItem(
                    sku=line.sku,
                    name=line.description or line.sku,
                    quantity=line.quantity,
                    price=self._money(line.unit_price),
                )
                for line in self.lines
            ),
            processor=self.payment.processor,
        )

    def tax(self, name: str, at: datetime) -> TaxRequest:
        """Return the sale as it is taxed; shipping is a line of it."""
        lines = [
            TaxLine(
                sku=line.sku,
                quantity=Decimal(line.quantity),
                amount=self._money(line.quantity * line.unit_price),
                description=line.description,
                hs_code=line.hs_code,
            )
            for line in self.lines
        ]
        if self.shipping is not None and self.shipping.price.amount:
            lines.append(TaxLine(quantity=Decimal(1), amount=self.shipping.price, description="Shipping"))
        return TaxRequest(
            reference=name,
            currency=self.currency,
            origin=self._address(self.origin),
            destination=self._address(),
            customer=TaxCustomer(code=name, vat_number=self.customer.vat_number),
            lines=tuple(lines),
            date=at.date(),
            tax_included=self.tax_included,
        )

    def charge(self, name: str, total: Money, *, capture: bool) -> NewPayment:
        """Return the payment."""
        return NewPayment(
            reference=name,
            amount=PositiveMoney(amount=total.amount, currency=total.currency),
            payment_method=self.payment.payment_method,
            capture=capture,
            description=f"Order {self.reference}",
            return_url=self.payment.return_url,
            customer=Customer(name=self.ship_to.name, email=self.customer.email, phone=self.customer.phone),
            processor=self.payment.processor,
        )

    def stored(
        self, at: datetime, total: Money, payment_id: str, payment_status: str, quote: TaxQuote | None = None
    ) -> orders.NewOrder:
        """Return the order as we keep it, its prices without tax as far as the quote says them."""
        net = self.net(quote)
        person = self.ship_to.model_dump(mode="json")
        return orders.NewOrder(
            reference=self.reference,
            placed_at=at,
            currency=self.currency,
            total=total.amount,
            country=self.ship_to.country,
            lines=[
                orders.OrderLine(
                    sku=line.sku,
                    quantity=Decimal(line.quantity),
                    unit_price=_each(money.amount, line.quantity) if self.tax_included and quote else line.unit_price,
                    description=line.description,
                )
                for line, money in zip(self.lines, net, strict=True)
            ],
            customer=person
            | {"email": person["email"] or self.customer.email, "phone": person["phone"] or self.customer.phone},
            payment_id=payment_id,
            payment_status=payment_status,
        )

    def shipment(self, name: str, quote: TaxQuote | None = None) -> Shipment:
        """Return the shipment; customs are told values without tax, as far as the quote says them."""
        values = self.net(quote)
        weight = sum((line.quantity * (line.weight_kg or Decimal(0)) for line in self.lines), Decimal(0))
        return Shipment(
            reference=name,
            origin=self._address(self.origin),
            destination=self._address(),
            parcels=tuple(Parcel.model_validate(one.model_dump()) for one in self.parcels)
            or (Parcel(weight_kg=weight),),
            declared_value=self._money(sum((value.amount for value in values), Decimal(0))),
            contents=tuple(
                ContentLine(
                    description=line.description or line.sku,
                    quantity=line.quantity,
                    value=value,
                    sku=line.sku,
                    hs_code=line.hs_code,
                    origin_country=line.origin_country,
                    weight_kg=line.weight_kg * line.quantity if line.weight_kg is not None else None,
                )
                for line, value in zip(self.lines, values, strict=True)
            ),
        )

    def label(self, name: str, service_code: str, quote: TaxQuote) -> ShipmentOrder:
        """Return the shipment with the service that was chosen."""
        return ShipmentOrder(shipment=self.shipment(name, quote), service_code=service_code)

    def mail(self, total: Money, tax: Money, tracking_number: str) -> EmailMessage:
        """Return the confirmation."""
        lines = [f"{line.quantity} x {line.description or line.sku}" for line in self.lines]
        way = [f"It travels under the number {tracking_number}."] if tracking_number else []
        whole = f"Total {total.amount} {total.currency}, of which tax {tax.amount} {tax.currency}."
        return EmailMessage(
            reference=f"{self.reference}-confirmation",
            to=self.customer.email,
            to_name=self.ship_to.name,
            subject=f"Your order {self.reference}",
            text="\n".join([f"Thank you for your order {self.reference}.", "", *lines, "", whole, *way]),
            category="order-confirmation",
        )

    def text_message(self, total: Money, tracking_number: str) -> TextMessage:
        """Return the confirmation in one line."""
        way = f" Tracking {tracking_number}." if tracking_number else ""
        return TextMessage(
            reference=f"{self.reference}-confirmation",
            to=self.customer.phone,
            text=f"Thank you! Your order {self.reference} ({total.amount} {total.currency}) is placed.{way}",
        )

    def event(self, at: datetime, total: Money) -> TrackedEvent:
        """Return what the marketing tool is told."""
        return TrackedEvent(
            reference=self.reference,
            name="Placed Order",
            profile=Profile(email=self.customer.email, phone=self.customer.phone, country=self.ship_to.country),
            at=at,
            value=total,
            properties={"order": self.reference, "items": sum(line.quantity for line in self.lines)},
        )

    def _money(self, amount: Decimal) -> Money:
        return Money(amount=amount, currency=self.currency)

    def _address(self, place: Place | None = None) -> Address:
        """Return a place for a vendor; the buyer's number and mail go with the destination."""
        found: dict[str, Any] = (place or self.ship_to).model_dump()
        if place is None:
            found |= {name: found[name] or getattr(self.customer, name) for name in ("email", "phone")}
        return Address.model_validate(found)


def _each(amount: Decimal, quantity: int) -> Decimal:
    """Return the price of one piece of a line, so fine that all of them come to the line's amount again."""
    return (amount / quantity).quantize(Decimal("0.000001")).normalize() + Decimal(0)


def _exact(money: Money, field: str) -> None:
    try:
        money.in_minor_units()
    except ValueError as error:
        raise InvalidInput(f"{error}.", field=field) from None
