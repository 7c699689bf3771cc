"""The facts of Mollie: operations with their examples, credentials, and what may stand in a record.

Sources: mollie/openapi at cfbba47 (1.0.0), the official clients 1.10.20 and 4.0.0, docs.mollie.com (idempotency,
webhooks, multicurrency). No rate limit is published.
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, Vendor, Webhook
from integrations.types.payments import (
    CaptureRequest,
    Payment,
    PaymentQuery,
    PaymentRequest,
    PaymentStatus,
    RefundRequest,
    TransactionPage,
    TransactionQuery,
)

NAME, LABEL = "mollie", "Mollie"
# What Mollie calls it -> what we call it. ``paid`` is told further by what was paid back.
STATUSES: dict[str, PaymentStatus] = {
    "open": "requires_action",
    "pending": "pending",
    "authorized": "authorized",
    "paid": "captured",
    "canceled": "failed",
    "expired": "failed",
    "failed": "failed",
}

# No link (they carry tokens), no consumer, no address, no text that may quote one.
_KEPT = (
    "resource id mode amount currency value status statusReason method captureMode captureBefore sequenceType "
    "amountRefunded amountRemaining amountCaptured amountChargedBack createdAt paidAt authorizedAt expiresAt paymentId "
    "reference count balance_transactions type resultAmount initialAmount deductions context title field limit from "
    "testmode"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="payments",
    region="europe",
    base_url="https://api.mollie.com",
    docs_url="https://docs.mollie.com/reference/overview",
    check="get_payment",
    credentials=(
        Credential(name="API_KEY", sandbox="test_quayside0123456789012345678901234"),
        # An API key belongs to one website and is kept out of the balance: an organisation's token reads it.
        Credential(name="ACCESS_TOKEN", sandbox="access_quayside0123456789", required=False),
        # Where Mollie tells that a payment has changed: https://…/webhooks/mollie.
        Credential(name="WEBHOOK_URL", sandbox="", required=False, secret=False),
        # Of a webhook made in the dashboard, whose deliveries are signed.
        Credential(name="WEBHOOK_SECRET", sandbox="mollie-webhook-secret", required=False),
    ),
    quotas=(QuotaPolicy(name="politeness", limit=10, seconds=1),),
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=8.0,
    key_kept=3600.0,  # docs.mollie.com/reference/api-idempotency
    webhook=Webhook(credential="API_KEY", events=tuple(f"payment.{status}" for status in STATUSES)),
    operations=(
        Operation(
            name="create_payment",
            input=PaymentRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3201",
                "amount": {"amount": "109.90", "currency": "EUR"},
                "capture": True,
                "description": "Order EXAMPLE-3201",
                "return_url": "https://shop.example/back",
            },
            idempotency=Idempotency.NATIVE,
            reference="reference",
            deadline=45.0,
            attempt_timeout=15.0,
            max_attempts=4,
        ),
        Operation(
            name="capture_payment",
            input=CaptureRequest,
            result=Payment,
            example={"reference": "EXAMPLE-3202", "payment_id": "tr_sandboxauthorized"},
            idempotency=Idempotency.NATIVE,
            reference="reference",
            deadline=45.0,
            attempt_timeout=15.0,
            looks_first=True,
            max_attempts=4,
        ),
        Operation(
            name="cancel_payment",
            input=PaymentQuery,
            result=Payment,
            example={"payment_id": "tr_sandboxheld"},
            idempotency=Idempotency.NATIVE,
            reference="payment_id",
            deadline=45.0,
            attempt_timeout=15.0,
            max_attempts=4,
        ),
        Operation(
            name="get_payment",
            input=PaymentQuery,
            result=Payment,
            example={"payment_id": "tr_sandboxpaid"},
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="refund_payment",
            input=RefundRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3203",
                "payment_id": "tr_sandboxpaid",
                "amount": {"amount": "5.00", "currency": "EUR"},
                "reason": "Too small",
            },
            idempotency=Idempotency.NATIVE,
            reference="reference",
            deadline=45.0,
            attempt_timeout=15.0,
            looks_first=True,
            max_attempts=4,
        ),
        Operation(
            name="list_transactions",
            input=TransactionQuery,
            result=TransactionPage,
            example={"limit": 10},
            deadline=30.0,
            attempt_timeout=10.0,
        ),
    ),
)
