"""The test payment methods and what each does when it is charged (docs.stripe.com/testing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One test card: how it looks on a charge, and whether it pays, is declined or asks for authentication."""

    brand: str = "visa"
    last4: str = "4242"
    country: str = "US"
    code: str | None = None  # error code of the decline
    decline_code: str | None = None
    message: str = ""
    authenticate: bool = False


_DECLINED = "Your card was declined."

CARDS: dict[str, Card] = {
    "pm_card_visa": Card(),
    "pm_card_visa_debit": Card(last4="5556"),
    "pm_card_mastercard": Card(brand="mastercard", last4="4444"),
    "pm_card_amex": Card(brand="amex", last4="8431"),
    "pm_card_discover": Card(brand="discover", last4="1117"),
    "pm_card_gb": Card(last4="0000", country="GB"),
    "pm_card_de": Card(last4="0003", country="DE"),
    "pm_card_ae": Card(last4="0000", country="AE"),
    "pm_card_authenticationRequired": Card(last4="3184", authenticate=True),
    "pm_card_authenticationRequiredOnSetup": Card(last4="3155", authenticate=True),
    "pm_card_threeDSecure2Required": Card(last4="3220", authenticate=True),
    "pm_card_threeDSecureRequired": Card(last4="3063", authenticate=True),
    "pm_card_chargeDeclined": Card(
        last4="0002", code="card_declined", decline_code="generic_decline", message=_DECLINED
    ),
    "pm_card_visa_chargeDeclined": Card(
        last4="0002", code="card_declined", decline_code="generic_decline", message=_DECLINED
    ),
    "pm_card_chargeDeclinedInsufficientFunds": Card(
        last4="9995",
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
    ),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Card(
        last4="9995",
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
    ),
    "pm_card_chargeDeclinedLostCard": Card(
        last4="9987", code="card_declined", decline_code="lost_card", message=_DECLINED
    ),
    "pm_card_chargeDeclinedStolenCard": Card(
        last4="9979", code="card_declined", decline_code="stolen_card", message=_DECLINED
    ),
    "pm_card_chargeDeclinedFraudulent": Card(
        last4="0019", code="card_declined", decline_code="fraudulent", message=_DECLINED
    ),
    "pm_card_chargeDeclinedExpiredCard": Card(last4="0069", code="expired_card", message="Your card has expired."),
    "pm_card_chargeDeclinedIncorrectCvc": Card(
        last4="0127", code="incorrect_cvc", message="Your card's security code is incorrect."
    ),
    "pm_card_chargeDeclinedProcessingError": Card(
        last4="0119",
        code="processing_error",
        message="An error occurred while processing your card. Try again in a little bit.",
    ),
}


def details(card: Card) -> dict[str, Any]:
    """Return ``payment_method_details`` of a charge."""
    return {
        "type": "card",
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": card.country,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": f"sandbox{card.last4}{card.brand}",
            "funding": "credit",
            "installments": None,
            "last4": card.last4,
            "mandate": None,
            "network": card.brand,
            "three_d_secure": None,
            "wallet": None,
        },
    }


def outcome(card: Card) -> dict[str, Any]:
    """Return ``outcome`` of a charge on this card."""
    if card.code is None:
        return {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 17,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "network_status": "declined_by_network",
        "reason": card.decline_code or card.code,
        "risk_level": "normal",
        "risk_score": 17,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }
