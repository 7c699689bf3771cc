"""What we send to Tap: our types in its words, checked before anything goes out.

Amounts are JSON numbers in major units with exactly the decimals of their currency: three for KWD, BHD, OMR and JOD.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from integrations.errors import InvalidInput, Unsupported
from integrations.types.base import Money
from integrations.types.payments import CaptureRequest, Customer, PaymentRequest, RefundRequest
from integrations.vendors.tap.answers import Made
from integrations.vendors.tap.phone import parts

# As far as Tap's pages name them; which of them an account takes is for the account to know.
CURRENCIES = frozenset({"AED", "BHD", "EGP", "EUR", "GBP", "JOD", "KWD", "OMR", "QAR", "SAR", "USD"})
ALL_METHODS, ALL_CARDS = "src_all", "src_card"
TOKEN, SOURCE = "tok_", "src_"
ONLY_IN = {"src_kw.knet": "KWD", "src_qa.qpay": "QAR"}  # local schemes with one currency
RELEASE_AFTER = 168  # hours: the longest Tap lets an authorization wait before it releases it by itself
LONGEST_KEY = 64  # Tap publishes no limit; what is longer is hashed to just this
LONGEST_NAME, LONGEST_REASON, LONGEST_DESCRIPTION = 149, 249, 999
REASON = "requested_by_customer"


def number(value: Money, field: str = "amount") -> Decimal:
    """Return an amount with its currency's decimals. Raise Unsupported for a currency."""
    if value.currency not in CURRENCIES:
        raise Unsupported(
            f"Tap takes no payments in {value.currency}; convert it, or use another processor.",
            field=f"{field}.currency",
        )
    return value.rounded().amount


def idempotent(key: str | None) -> str:
    """Return the call's key as Tap gets it in the body."""
    wanted = key or ""
    return wanted if len(wanted) <= LONGEST_KEY else hashlib.sha256(wanted.encode()).hexdigest()


def payment(value: PaymentRequest, key: str | None, webhook_url: str) -> dict[str, Any]:
    """Return the body of a charge, or of an authorization. Raise InvalidInput or Unsupported naming the field."""
    body: dict[str, Any] = {
        "amount": number(value.amount),
        "currency": value.amount.currency,
        "customer_initiated": True,
        "threeDSecure": True,
        "save_card": False,
        "reference": {"transaction": value.reference, "order": value.reference, "idempotent": idempotent(key)},
        "receipt": {"email": False, "sms": False},
        "customer": _customer(value.customer),
        "source": {"id": _source(value)},
        "redirect": {"url": _public(value.return_url)},
    }
    if value.description:
        body["description"] = value.description[:LONGEST_DESCRIPTION]
    if not value.capture:
        body["auto"] = {"type": "VOID", "time": RELEASE_AFTER}
    return _with_post(body, webhook_url)


def capture(value: CaptureRequest, held: Made, key: str | None, webhook_url: str) -> dict[str, Any]:
    """Return the body of the charge that captures an authorization, wholly or in part. Raise InvalidInput."""
    wanted = value.amount or held.money
    if wanted.currency != held.currency:
        raise InvalidInput(f"The authorization is in {held.currency}, and so is its capture.", field="amount.currency")
    if wanted.amount > held.amount:
        raise InvalidInput(
            f"No more than the {held.amount} {held.currency} that are authorized can be captured.",
            field="amount.amount",
        )
    body: dict[str, Any] = {
        "amount": number(wanted),
        "currency": wanted.currency,
        "customer_initiated": True,  # without this and 3-D Secure Tap refuses to capture
        "threeDSecure": True,
        "reference": {
            "transaction": value.reference,
            "order": held.ours or value.reference,
            "idempotent": idempotent(key),
        },
        "receipt": {"email": False, "sms": False},
        "source": {"id": held.id},
    }
    if held.customer and held.customer.id:
        body["customer"] = {"id": held.customer.id}
    return _with_post(body, webhook_url)


def refund(value: RefundRequest, charge_id: str, amount: Money, key: str | None, webhook_url: str) -> dict[str, Any]:
    """Return the body of a refund."""
    body: dict[str, Any] = {
        "charge_id": charge_id,
        "amount": number(amount),
        "currency": amount.currency,
        "reason": (value.reason or REASON)[:LONGEST_REASON],
        "reference": {"merchant": value.reference, "idempotent": idempotent(key)},
    }
    return _with_post(body, webhook_url)


def _with_post(body: dict[str, Any], webhook_url: str) -> dict[str, Any]:
    return {**body, "post": {"url": webhook_url}} if webhook_url else body


def _source(value: PaymentRequest) -> str:
    method, currency = value.payment_method, value.amount.currency
    if not method:
        return ALL_METHODS if value.capture else ALL_CARDS
    if not method.startswith((TOKEN, SOURCE)):
        raise InvalidInput("Tap takes the token of a card (tok_…) or a method's name (src_…).", field="payment_method")
    if not value.capture and not method.startswith(TOKEN) and method not in (ALL_METHODS, ALL_CARDS):
        raise Unsupported("Tap authorizes cards only; take this payment at once.", field="payment_method")
    if ONLY_IN.get(method, currency) != currency:
        raise InvalidInput(f"{method} is paid in {ONLY_IN[method]} only.", field="amount.currency")
    return method


def _customer(value: Customer | None) -> dict[str, Any]:
    if value is None:
        raise InvalidInput("Tap wants to know who pays; give customer.", field="customer")
    first, _, last = value.name.strip().partition(" ")
    if not first:
        raise InvalidInput("Tap wants the buyer's name; give customer.name.", field="customer.name")
    if not value.email and not value.phone:
        raise InvalidInput(
            "Tap wants the buyer's e-mail address or telephone number; give one.", field="customer.email"
        )
    found: dict[str, Any] = {"first_name": first[:LONGEST_NAME]}
    if last.strip():
        found["last_name"] = last.strip()[:LONGEST_NAME]
    if value.email:
        found["email"] = value.email
    if value.phone:
        found["phone"] = parts(value.phone)
    return found


def _public(url: str) -> str:
    """Return the page the buyer comes back to. Raise InvalidInput for one that only this machine can reach."""
    if not url:
        raise InvalidInput("Tap needs a page to send the buyer back to; give return_url.", field="return_url")
    try:
        split = urlsplit(url)
        host = split.hostname or ""
    except ValueError:
        host = ""
    if not host or split.scheme not in ("http", "https") or host == "localhost" or _is_private(host):
        raise InvalidInput(
            "Tap sends the buyer back to a public address only; return_url must be one, with https.", field="return_url"
        )
    return url


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False
