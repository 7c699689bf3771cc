"""What is paid with: the sources Tap names, its test cards, and what comes of a payment.

Cards and expiry dates: developers.tap.company/reference/testing-cards. The expiry date a tester types decides the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.sandbox.tap.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a payment ends: its status, its response code and message. None of these stands for success."""

    status: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a customer is sent; ``currencies`` empty takes any, ``held`` says that it can be authorized."""

    method: str
    payment_type: str
    currencies: frozenset[str] = frozenset()
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A test card as it was typed. ``outcome`` names one of ``OUTCOMES``, "" for an approval."""

    number: str
    month: int
    year: int
    scheme: str
    payment_type: str
    enrolled: bool  # in 3D Secure, so that its bearer must be sent to the bank
    outcome: str


OUTCOMES: Mapping[str, Outcome] = {
    "DECLINED": Outcome(status="DECLINED", code="501", message="Declined"),
    "INSUFFICIENT_FUNDS": Outcome(status="DECLINED", code="505", message="Declined, Insufficient Funds"),
    "ACQUIRER_SYSTEM_ERROR": Outcome(status="DECLINED", code="513", message="Declined, Card Acquirer - Error"),
    "EXPIRED_CARD": Outcome(status="FAILED", code="407", message="Failed, Expired Card"),
    "UNSPECIFIED_FAILURE": Outcome(status="FAILED", code="408", message="Failed, Unspecified Failure"),
    "TIMED_OUT": Outcome(status="TIMEDOUT", code="801", message="Timed Out"),
    "UNKNOWN": Outcome(status="UNKNOWN", code="901", message="Unknown"),
    "CANCELLED": Outcome(status="CANCELLED", code="302", message="Cancelled"),
    "ABANDONED": Outcome(status="ABANDONED", code="301", message="Abandoned"),
    "RESTRICTED": Outcome(status="RESTRICTED", code="701", message="Restricted"),
}
SOURCES: Mapping[str, Source] = {
    "src_all": Source(method="VISA", payment_type="CREDIT", held=True),
    "src_card": Source(method="VISA", payment_type="CREDIT", held=True),
    "src_kw.knet": Source(method="KNET", payment_type="DEBIT", currencies=frozenset({"KWD"})),
    "src_sa.mada": Source(method="MADA", payment_type="DEBIT", currencies=frozenset({"SAR"})),
    "src_bh.benefit": Source(method="BENEFIT", payment_type="DEBIT", currencies=frozenset({"BHD"})),
    "src_qa.qpay": Source(method="NAPS", payment_type="DEBIT", currencies=frozenset({"QAR"})),
    "src_om.omannet": Source(method="OMANNET", payment_type="DEBIT", currencies=frozenset({"OMR"})),
    "src_eg.fawry": Source(method="FAWRY", payment_type="CASH_WALLET", currencies=frozenset({"EGP"})),
}
FAWRY = "src_eg.fawry"  # paid in a shop around the corner, so the charge is in progress and not just initiated

_CARDS: Mapping[str, tuple[str, str, bool]] = {
    "5123450000000008": ("MASTERCARD", "CREDIT", True),
    "5111111111111118": ("MASTERCARD", "CREDIT", False),
    "4508750015741019": ("VISA", "CREDIT", True),
    "4012000033330026": ("VISA", "CREDIT", False),
    "345678901234564": ("AMERICAN_EXPRESS", "CREDIT", True),
    "371449635398431": ("AMERICAN_EXPRESS", "CREDIT", False),
    "4464040000000007": ("MADA", "DEBIT", True),
    "5588480000000003": ("MADA", "DEBIT", False),
    "4228230000000001": ("OMANNET", "DEBIT", True),
}
_EXPIRIES = {
    (5, 2022): "DECLINED",
    (4, 2027): "EXPIRED_CARD",
    (8, 2028): "TIMED_OUT",
    (1, 2037): "ACQUIRER_SYSTEM_ERROR",
    (2, 2037): "UNSPECIFIED_FAILURE",
    (5, 2037): "UNKNOWN",
}


def card(number: str, month: int, year: int) -> Card:
    """Return a test card; raises ``Refused`` 1140 for any other number, 1141 for what is no month of this century."""
    digits = number.replace(" ", "")
    if digits not in _CARDS:
        raise Refused("1140")
    year += 2000 if year < 100 else 0
    if not (1 <= month <= 12 and 2000 <= year < 2100):
        raise Refused("1141")
    scheme, payment_type, enrolled = _CARDS[digits]
    return Card(
        number=digits,
        month=month,
        year=year,
        scheme=scheme,
        payment_type=payment_type,
        enrolled=enrolled,
        outcome=_EXPIRIES.get((month, year), ""),
    )


# Real tokens are made by the browser and die with their first use; these stand ready and do not.
READY: Mapping[str, Card] = {
    "tok_sandboxCaptured": card("4012000033330026", 1, 39),
    "tok_sandboxSecured": card("4508750015741019", 1, 39),
    "tok_sandboxDeclined": card("4012000033330026", 5, 22),
    "tok_sandboxUnknown": card("4012000033330026", 5, 37),
}
