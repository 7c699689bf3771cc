"""How payments, captures and refunds are shown."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.mollie.account import ORGANIZATION_ID, PROFILE_ID, Body, time_text
from integrations.sandbox.mollie.records import Capture, Payment, Refund

HAL, HTML = "application/hal+json", "text/html"
DOCS = "https://docs.mollie.com/reference"
_MOMENTS = {
    "authorized": "authorizedAt",
    "paid": "paidAt",
    "canceled": "canceledAt",
    "expired": "expiredAt",
    "failed": "failedAt",
}
_MESSAGES = {
    "insufficient_funds": "The account has insufficient funds.",
    "card_expired": "The card has expired.",
    "invalid_cvv": "The card verification code is not right.",
}


def link(href: str, type: str = HAL) -> dict[str, str]:
    """Return one URL object."""
    return {"href": href, "type": type}


def payment_body(payment: Payment, base_url: str) -> Body:
    """Return a payment. Amounts of refunds and captures are there only where there can be any."""
    body: Body = {
        "resource": "payment",
        "id": payment.id,
        "mode": "test",
        "createdAt": time_text(payment.at),
        "amount": payment.amount.json(),
        "description": payment.description,
        "metadata": payment.metadata,
        "status": payment.status,
        "profileId": PROFILE_ID,
        "sequenceType": "oneoff",
        "redirectUrl": payment.redirect_url,
    }
    optional: Body = {
        "method": payment.method,  # left out until one is chosen: the contract's list of methods knows no null
        "cancelUrl": payment.cancel_url,
        "webhookUrl": payment.webhook_url,
        "locale": payment.locale,
        "restrictPaymentMethodsToCountry": payment.country,
        "captureMode": payment.capture_mode,
        "lines": payment.lines,
        "details": _details(payment),
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    body |= {_MOMENTS[status]: time_text(at) for status, at in payment.moments.items()}
    if payment.status in ("open", "pending", "authorized"):
        body["isCancelable"] = cancelable(payment)
    if payment.status == "open":
        body["expiresAt"] = time_text(payment.expires_at)
    if payment.status == "authorized" and payment.capture_before is not None:
        body["captureBefore"] = time_text(payment.capture_before)
    if payment.taken.amount > 0:
        body["amountRefunded"] = payment.refunded.json()
        body["amountRemaining"] = (payment.taken - payment.refunded).json()
    if payment.captures or payment.status == "authorized":
        body["amountCaptured"] = payment.taken.json()
    return {**body, "_links": _payment_links(payment, base_url)}


def cancelable(payment: Payment) -> bool:
    """Return True while a payment can be cancelled: a bank transfer the buyer has not made yet."""
    return payment.status == "open" and payment.method == "banktransfer"


def capture_body(capture: Capture, base_url: str) -> Body:
    """Return a capture."""
    payment = f"{base_url}/v2/payments/{capture.payment.id}"
    return {
        "resource": "capture",
        "id": capture.id,
        "mode": "test",
        "description": capture.description,
        "amount": capture.amount.json(),
        "status": capture.status,
        "metadata": capture.metadata,
        "paymentId": capture.payment.id,
        "createdAt": time_text(capture.at),
        "_links": {
            "self": link(f"{payment}/captures/{capture.id}"),
            "payment": link(payment),
            "documentation": link(f"{DOCS}/get-capture", HTML),
        },
    }


def refund_body(refund: Refund, base_url: str) -> Body:
    """Return a refund."""
    payment = f"{base_url}/v2/payments/{refund.payment.id}"
    return {
        "resource": "refund",
        "id": refund.id,
        "mode": "test",
        "description": refund.description,
        "amount": refund.amount.json(),
        "status": refund.status,
        "metadata": refund.metadata,
        "paymentId": refund.payment.id,
        "createdAt": time_text(refund.at),
        "_links": {
            "self": link(f"{payment}/refunds/{refund.id}"),
            "payment": link(payment),
            "documentation": link(f"{DOCS}/get-refund", HTML),
        },
    }


def checkout_page(payment: Payment, base_url: str) -> str:
    """Return the address where the buyer pays."""
    return f"{base_url}/checkout/{payment.id.removeprefix('tr_')}"


def _payment_links(payment: Payment, base_url: str) -> dict[str, Any]:
    own = f"{base_url}/v2/payments/{payment.id}"
    links = {"self": link(own)}
    if payment.status == "open":
        links["checkout"] = link(checkout_page(payment, base_url), HTML)
    dashboard = f"https://my.mollie.com/dashboard/{ORGANIZATION_ID}/payments/{payment.id}"
    links["dashboard"] = link(dashboard, HTML)
    if payment.refunds:
        links["refunds"] = link(f"{own}/refunds")
    if payment.captures:
        links["captures"] = link(f"{own}/captures")
    return {**links, "documentation": link(f"{DOCS}/get-payment", HTML)}


def _details(payment: Payment) -> Body | None:
    """Return what the method tells once the buyer has used it."""
    if payment.status in ("open", "canceled", "expired") and not payment.moments.keys() & {"authorized", "paid"}:
        return None
    if payment.method == "creditcard":
        card: Body = {
            "cardNumber": "9996",
            "cardHolder": "S. Buyer",
            "cardLabel": "Visa",
            "cardAudience": "consumer",
            "cardCountryCode": "NL",
            "cardSecurity": "3dsecure",
            "feeRegion": "intra-eu",
        }
        if payment.failure is not None:
            card["failureReason"] = payment.failure
            card["failureMessage"] = _MESSAGES.get(payment.failure, "The card was refused.")
        return card
    if payment.method == "ideal" and payment.status != "failed":
        return {"consumerName": "S. Buyer", "consumerAccount": "NL55INGB0000000000", "consumerBic": "INGBNL2A"}
    return None
