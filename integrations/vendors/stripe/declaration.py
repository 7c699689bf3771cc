"""The facts of Stripe: operations with their examples, quota, credential, and what may stand in a record.

Sources: docs.stripe.com/rate-limits, docs.stripe.com/api/idempotent_requests, Stripe's OpenAPI file of 2023-08-16, and
the version the official Python client 16.1.0 pins.
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

# The events we use, and what each makes of a payment. A refund says only that something was paid back: how much of it
# stands in the charge.
EVENT_STATUSES: dict[str, PaymentStatus | None] = {
    "payment_intent.succeeded": "captured",
    "payment_intent.amount_capturable_updated": "authorized",
    "payment_intent.payment_failed": "declined",
    "payment_intent.canceled": "failed",
    "payment_intent.requires_action": "requires_action",
    "charge.refunded": None,
}
API_VERSION = "2026-10-28.endive"

# No names, e-mail addresses, descriptions, client secrets or texts that may quote what we sent.
_KEPT = (
    "id object amount amount_capturable amount_received amount_refunded amount_captured amount_to_capture currency "
    "status capture_method confirm livemode created latest_charge payment_intent charge code decline_code type param "
    "reference metadata[reference] has_more limit starting_after fee net reporting_category source available_on "
    "captured refunded reason payment_method expand[0]"
)

VENDOR = Vendor(
    name="stripe",
    label="Stripe",
    kind="payments",
    base_url="https://api.stripe.com",
    docs_url="https://docs.stripe.com/api",
    check="list_transactions",
    credentials=(
        Credential(name="SECRET_KEY", sandbox="sk_test_quayside"),
        Credential(name="WEBHOOK_SECRET", sandbox="whsec_quayside", required=False),
    ),
    webhook=Webhook(credential="WEBHOOK_SECRET", events=tuple(EVENT_STATUSES)),
    # 100/s for a live account, but 25/s for a sandbox account and for any one end point: the lower bound holds always.
    quotas=(QuotaPolicy(name="endpoint", limit=25, seconds=1),),
    kept_fields=frozenset(_KEPT.split()),
    request_id_header="request-id",
    version_headers=("stripe-version",),
    slow_call_duration=8.0,
    key_kept=24 * 3600.0,  # at least; docs.stripe.com/api/idempotent_requests
    operations=(
        Operation(
            name="create_payment",
            input=PaymentRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3001",
                "amount": {"amount": "109.90", "currency": "USD"},
                "payment_method": "pm_card_visa",
                "capture": True,
                "description": "Order EXAMPLE-3001",
            },
            idempotency=Idempotency.NATIVE,
            reference="reference",
            deadline=60.0,
            attempt_timeout=20.0,
            max_attempts=4,
        ),
        Operation(
            name="capture_payment",
            input=CaptureRequest,
            result=Payment,
            example={"reference": "EXAMPLE-3002", "payment_id": "pi_sandbox_authorized"},
            idempotency=Idempotency.NATIVE,
            reference="reference",
            deadline=60.0,
            attempt_timeout=20.0,
            max_attempts=4,
        ),
        Operation(
            name="cancel_payment",
            input=PaymentQuery,
            result=Payment,
            example={"payment_id": "pi_sandbox_held"},
            idempotency=Idempotency.NATIVE,
            reference="payment_id",
            deadline=60.0,
            attempt_timeout=20.0,
            looks_first=True,
            max_attempts=4,
        ),
        Operation(
            name="get_payment",
            input=PaymentQuery,
            result=Payment,
            example={"payment_id": "pi_sandbox_captured"},
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="refund_payment",
            input=RefundRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3003",
                "payment_id": "pi_sandbox_captured",
                "amount": {"amount": "5.00", "currency": "USD"},
                "reason": "requested_by_customer",
            },
            idempotency=Idempotency.NATIVE,
            reference="reference",
            deadline=60.0,
            attempt_timeout=20.0,
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
