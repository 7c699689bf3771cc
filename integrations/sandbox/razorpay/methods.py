"""What a customer pays with: the test cards and addresses of the docs, and how a payment with them goes wrong.

Cards: razorpay.com/docs/payments/payments/test-card-details. The number of an error card tells which error comes of it
when the customer presses Failure on the page of the test bank; with Success it pays like any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.razorpay.errors import invalid

_NUMBER = re.compile(r"\d{13,19}")
_VPA = re.compile(r"[A-Za-z0-9.\-_]{2,256}@[A-Za-z]{2,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a payment failed, as the payment's ``error_*`` tell it."""

    code: str
    description: str
    source: str
    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What is paid with. ``failure`` is what comes of it when it fails; ``fails`` when it does so by itself."""

    method: str  # card, upi, netbanking, wallet
    card: Mapping[str, Any] | None = None
    bank: str | None = None
    wallet: str | None = None
    vpa: str | None = None
    international: bool = False
    failure: Failure
    fails: bool = False


def _bad(description: str, source: str, step: str, reason: str) -> Failure:
    return Failure(code="BAD_REQUEST_ERROR", description=description, source=source, step=step, reason=reason)


def _gateway(description: str, step: str, reason: str) -> Failure:
    return Failure(code="GATEWAY_ERROR", description=description, source="gateway", step=step, reason=reason)


PAYMENT_FAILED = _bad("Payment failed", "gateway", "payment_authorization", "payment_failed")
CANCELLED = _bad(
    "Your payment has been cancelled. Try again or complete the payment later.",
    "customer",
    "payment_authentication",
    "payment_cancelled",
)
NO_FUNDS = _bad(
    "Your payment could not be completed due to insufficient account balance. Try another card or payment method.",
    "customer",
    "payment_authorization",
    "insufficient_fund",
)
DECLINED = _bad(
    "Your payment did not go through as it was declined by the bank. Try another payment method or contact your bank.",
    "issuer_bank",
    "payment_authorization",
    "card_declined",
)
TECHNICAL = _gateway(
    "Your payment did not go through due to a temporary issue. Any debited amount will be refunded in 4-5 business "
    "days.",
    "payment_authorization",
    "gateway_technical_error",
)
_TIMED_OUT = _bad(
    "Your payment could not be completed due to a temporary issue. Try again later.",
    "customer",
    "payment_authentication",
    "payment_timed_out",
)
_DISABLED = _bad(
    "Your card is disabled for online payments. Please reach to your bank or try with another card.",
    "issuer_bank",
    "payment_authorization",
    "card_disabled_for_online_payments",
)
_WRONG_NUMBER = _bad(
    "You have entered an incorrect card number. Try again.", "customer", "payment_initiation", "card_number_invalid"
)
_WRONG_OTP = _gateway(
    "Your payment could not be completed due to incorrect OTP or verification details. Try another payment method or "
    "contact your bank for details.",
    "payment_authentication",
    "authentication_failed",
)

FAILURES: Mapping[str, Failure] = {
    **dict.fromkeys(("4100280000090000", "5305620000060000"), _TIMED_OUT),
    **dict.fromkeys(("4100280000080001", "5305620000050001"), NO_FUNDS),
    **dict.fromkeys(("4100280000070002", "5305620000040002"), CANCELLED),
    **dict.fromkeys(("4100280000060003", "5305620000030003", "4100280000050004", "5305620000020004"), DECLINED),
    **dict.fromkeys(("4100280000040005", "5305620000010005"), DECLINED),
    **dict.fromkeys(("4100280000030006", "5305620000000006"), _DISABLED),
    **dict.fromkeys(("4100280000010008", "5305620000080008"), _WRONG_NUMBER),
    **dict.fromkeys(("4100280000020007", "5305620000090007"), TECHNICAL),
    **dict.fromkeys(("4100280000000009", "5305620000070009"), _WRONG_OTP),
}
# number -> network, issued outside India
_CARDS: Mapping[str, tuple[str, bool]] = {
    "4100280000001007": ("Visa", False),
    "5500670000001002": ("MasterCard", False),
    "6527658900001005": ("RuPay", False),
    "36082800091007": ("Diners Club", False),
    "340256000401007": ("American Express", False),
    "4718609108204366": ("Visa", False),
    "5241810000000000": ("MasterCard", False),
    "5555555555554444": ("MasterCard", True),
    "5105105105105100": ("MasterCard", True),
    "5104060000000008": ("MasterCard", True),
    "5104015555555558": ("MasterCard", True),
    "4012888888881881": ("Visa", True),
    **{number: ("Visa" if number.startswith("4") else "MasterCard", False) for number in FAILURES},
}


def card(number: str, name: str, *, fails: bool = False) -> Instrument:
    """Return what a test card is; raises ``Refused`` for any other number, as test mode does."""
    digits = number.replace(" ", "")
    if digits not in _CARDS or not _NUMBER.fullmatch(digits):
        raise invalid("Card issuer is invalid", "number")
    network, international = _CARDS[digits]
    about = {
        "entity": "card",
        "name": name,
        "last4": digits[-4:],
        "network": network,
        "type": "credit",
        "issuer": None if international else "HDFC",
        "international": international,
        "emi": not international,
        "sub_type": "consumer",
        "token_iin": None,
    }
    return Instrument(
        method="card",
        card=about,
        international=international,
        failure=FAILURES.get(digits, PAYMENT_FAILED),
        fails=fails,
    )


def upi(address: str) -> Instrument:
    """Return a UPI address; ``failure@razorpay`` fails by itself, every other pays."""
    if not _VPA.fullmatch(address):
        raise invalid("Invalid VPA. Please enter a valid Virtual Payment Address", "vpa")
    return Instrument(method="upi", vpa=address, failure=PAYMENT_FAILED, fails=address == "failure@razorpay")


def netbanking(bank: str) -> Instrument:
    """Return an account at a bank."""
    return Instrument(method="netbanking", bank=bank, failure=PAYMENT_FAILED)


def named(what: str) -> Instrument:
    """Return an instrument by the one word a page or a test has for it: a card number, an address, a bank's code."""
    if "@" in what:
        return upi(what)
    if any(sign.isdigit() for sign in what):
        return card(what, "Test Buyer")
    return netbanking(what)
