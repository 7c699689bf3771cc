"""What we send to Razorpay: our types in its words, checked before anything goes out."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from integrations.errors import InvalidInput, Unsupported
from integrations.types.base import Money, minor_units
from integrations.types.payments import PaymentRequest, RefundRequest

LONGEST_RECEIPT = 40
LONGEST_NOTE = 256
_KEY = re.compile(r"[A-Za-z0-9_-]{10,64}")


def refund_key(key: str | None) -> str:
    """Return the call's key as X-Refund-Idempotency takes it: 10 characters or more of letters, digits, - and _."""
    wanted = key or ""
    return wanted if _KEY.fullmatch(wanted) else hashlib.sha256(wanted.encode()).hexdigest()


def units(value: Money) -> int:
    """Return whole minor units. Raise InvalidInput for a third decimal that is not 0: Razorpay takes none."""
    found = value.in_minor_units()
    if minor_units(value.currency) == 3 and found % 10:
        raise InvalidInput(
            f"Razorpay takes {value.currency} only in steps of 0.010; round the amount.", field="amount.amount"
        )
    return found


def receipt(reference: str) -> str:
    """Return our reference as a receipt, by which everything is found again. Raise InvalidInput when it is too long."""
    if len(reference) > LONGEST_RECEIPT:
        raise InvalidInput(
            f"Razorpay keeps references of up to {LONGEST_RECEIPT} characters; shorten it.", field="reference"
        )
    return reference


def order(value: PaymentRequest) -> dict[str, Any]:
    """Return the body that makes an order. Raise InvalidInput or Unsupported naming the field."""
    if value.payment_method:
        raise Unsupported(
            "Razorpay is paid in its own checkout, never by our server; leave payment_method out.",
            field="payment_method",
        )
    notes = {"reference": value.reference}
    if value.description:
        notes["description"] = value.description[:LONGEST_NOTE]
    return {
        "amount": units(value.amount),
        "currency": value.amount.currency,
        "receipt": receipt(value.reference),
        "notes": notes,
        "payment_capture": value.capture,
    }


def refund(value: RefundRequest) -> dict[str, Any]:
    """Return the body that refunds, by the road that costs nothing; without an amount it is what is left."""
    body: dict[str, Any] = {"speed": "normal", "receipt": receipt(value.reference)}
    if value.amount is not None:
        body["amount"] = units(value.amount)
    if value.reason:
        body["notes"] = {"reason": value.reason[:LONGEST_NOTE]}
    return body
