"""What a body must hold. Every fault is found before the answer, each under its field's path.

Signifyd says that few fields are required and that dates, countries, currencies, enumerations, addresses of the internet
and of e-mail must be well formed (developer.signifyd.com/main/docs/preparing-data). Which few is unconfirmed: here it is
what no decision can be made without. A field it does not know is ignored.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

NULL = "must not be null"

CHANNELS = frozenset(
    ("WEB", "PHONE", "MOBILE_APP", "SOCIAL", "MARKETPLACE", "IN_STORE_KIOSK", "SCAN_AND_GO", "SMART_TV", "MIT")
)
COVERAGES = frozenset(("FRAUD", "INR", "SNAD", "ALL", "NONE"))
GATEWAY_STATUSES = frozenset(
    ("SUCCESS", "PENDING", "FAILURE", "INITIAL", "ERROR", "CANCELLED", "EXPIRED", "SOFTDECLINE")
)
PAYMENT_METHODS = frozenset(
    (
        *("ACH", "ALI_PAY", "AMAZON_PAYMENTS", "ANDROID_PAY", "APPLE_PAY", "BITCOIN", "CASH", "CREDIT_CARD"),
        *("DEBIT_CARD", "FREE", "GIFT_CARD", "GOOGLE_PAY", "LOAN", "PAYPAL_ACCOUNT", "PREPAID_CARD"),
        *("REWARD_POINTS", "SAMSUNG_PAY", "SNAP_CARD", "STORE_CREDIT", "VISA_CHECKOUT", "VOUCHER"),
    )
)
FULFILLMENT_METHODS = frozenset(
    (
        *("DELIVERY", "COUNTER_PICKUP", "CURBSIDE_PICKUP", "LOCKER_PICKUP", "STANDARD_SHIPPING"),
        "EXPEDITED_SHIPPING",
    )
)
FULFILLMENT_STATUSES = frozenset(("PARTIAL", "COMPLETE", "REPLACEMENT", "CANCELED"))
SHIPMENT_STATUSES = frozenset(
    ("WAITING_FOR_PICKUP", "IN_TRANSIT", "OUT_FOR_DELIVERY", "FAILED_ATTEMPT", "DELIVERED", "EXCEPTION")
)

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Fields:
    """A JSON object with its path; what is wrong goes into ``errors``, which all objects of a body share."""

    def __init__(self, value: dict[str, Any], errors: dict[str, list[str]], path: str = "") -> None:
        self._value = value
        self.errors = errors
        self._path = path

    def wrong(self, name: str, message: str) -> None:
        """Note a fault of a member."""
        self.errors.setdefault(f"{self._path}.{name}" if self._path else name, []).append(message)

    def required(self, *names: str) -> None:
        """Note every member that is absent, null or an empty text."""
        for name in names:
            if self._value.get(name) in (None, ""):
                self.wrong(name, NULL)

    def text(self, name: str, pattern: str = "", message: str = "must be a string") -> None:
        """Note a member that is no string or does not match."""
        value = self._value.get(name)
        if value is not None and (not isinstance(value, str) or (pattern and not re.fullmatch(pattern, value))):
            self.wrong(name, message)

    def one_of(self, name: str, values: frozenset[str]) -> None:
        """Note a member that is none of the values."""
        value = self._value.get(name)
        if value is not None and (not isinstance(value, str) or value not in values):
            self.wrong(name, f"must be one of {', '.join(sorted(values))}")

    def number(self, name: str) -> None:
        """Note a member that is no number from 0 on; digits in a string are no number."""
        value = self._value.get(name)
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            self.wrong(name, "must be a number")
        elif value < 0:
            self.wrong(name, "must be greater than or equal to 0")

    def moment(self, name: str) -> None:
        """Note a member that is no ISO 8601 moment with an offset."""
        value = self._value.get(name)
        if value is None:
            return
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.wrong(name, "must be a date and time with an offset, such as 2026-10-01T12:00:00Z")

    def currency(self, name: str) -> None:
        """Note a member that is no currency code."""
        self.text(name, "[A-Z]{3}", "must be an ISO 4217 code in upper case")

    def email(self, name: str) -> None:
        """Note a member that is no e-mail address."""
        self.text(name, _EMAIL.pattern, "must be a well-formed email address")

    def ip_address(self, name: str) -> None:
        """Note a member that is no address of IPv4 or IPv6."""
        value = self._value.get(name)
        try:
            if value is not None:
                ipaddress.ip_address(value)
        except ValueError:
            self.wrong(name, "must be an IP address")

    def object(self, name: str) -> Fields:
        """Return a member object; an absent one is empty, one of another kind is noted."""
        value = self._value.get(name)
        if value is not None and not isinstance(value, dict):
            self.wrong(name, "must be an object")
        return Fields(value if isinstance(value, dict) else {}, self.errors, self._at(name))

    def objects(self, name: str) -> list[Fields]:
        """Return the objects of a member list; an absent one is empty, another kind is noted."""
        value = self._value.get(name)
        if value is not None and not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            self.wrong(name, "must be a list of objects")
            return []
        return [Fields(item, self.errors, f"{self._at(name)}[{at}]") for at, item in enumerate(value or [])]

    def texts(self, name: str, values: frozenset[str]) -> None:
        """Note a member that is no list of these values."""
        value = self._value.get(name)
        if value is not None and not (isinstance(value, list) and values.issuperset(map(str, value))):
            self.wrong(name, f"must be a list of {', '.join(sorted(values))}")

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def check_order(order: Fields) -> None:
    """Check what a checkout and a sale have in common."""
    order.required("orderId", "purchase")
    order.text("orderId")
    purchase = order.object("purchase")
    purchase.required("createdAt", "totalPrice", "currency")
    purchase.moment("createdAt")
    purchase.one_of("orderChannel", CHANNELS)
    purchase.email("confirmationEmail")
    check_price(purchase)
    check_shipments(purchase)
    order.object("device").ip_address("clientIpAddress")
    order.object("userAccount").email("email")
    order.texts("coverageRequests", COVERAGES)
    check_transactions(order)


def check_price(purchase: Fields) -> None:
    """Check the amounts and the products of a purchase."""
    purchase.number("totalPrice")
    purchase.number("totalShippingCost")
    purchase.currency("currency")
    for product in purchase.objects("products"):
        product.required("itemName", "itemPrice", "itemQuantity")
        product.number("itemPrice")
        product.number("itemQuantity")


def check_shipments(owner: Fields) -> None:
    """Check where the goods go and how."""
    for shipment in owner.objects("shipments"):
        shipment.one_of("fulfillmentMethod", FULFILLMENT_METHODS)
        destination = shipment.object("destination")
        destination.email("email")
        destination.object("address").text("countryCode", "[A-Z]{2}", "must be an ISO 3166 code of two letters")


def check_transactions(order: Fields) -> None:
    """Check the payments."""
    for transaction in order.objects("transactions"):
        transaction.required("amount", "currency")
        transaction.number("amount")
        transaction.currency("currency")
        transaction.moment("createdAt")
        transaction.one_of("gatewayStatusCode", GATEWAY_STATUSES)
        transaction.one_of("paymentMethod", PAYMENT_METHODS)
        transaction.object("verifications")
        card = transaction.object("checkoutPaymentDetails")
        card.text("cardBin", r"\d{6}|\d{8}", "must be 6 or 8 digits")
        card.text("cardLast4", r"\d{4}", "must be 4 digits")
        card.object("billingAddress").text("countryCode", "[A-Z]{2}", "must be an ISO 3166 code of two letters")


def check_fulfillments(body: Fields) -> None:
    """Check a fulfilment event."""
    body.required("orderId", "fulfillmentStatus")
    body.one_of("fulfillmentStatus", FULFILLMENT_STATUSES)
    for fulfillment in body.objects("fulfillments"):
        fulfillment.required("shipmentId")
        fulfillment.moment("shippedAt")
        fulfillment.one_of("shipmentStatus", SHIPMENT_STATUSES)
        fulfillment.one_of("fulfillmentMethod", FULFILLMENT_METHODS)
