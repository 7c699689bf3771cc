"""The facts of Razorpay: operations with their examples, credentials, and what may stand in a record.

Sources: the official client 2.0.1 with its documents, razorpay.com/docs/api (orders, payments, refunds, settlements),
razorpay.com/docs/webhooks. No rate limit is published.
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, Vendor, Webhook
from integrations.types.payments import (
    CaptureRequest,
    Payment,
    PaymentQuery,
    PaymentRequest,
    RefundRequest,
    TransactionPage,
    TransactionQuery,
)

NAME, LABEL = "razorpay", "Razorpay"
EVENTS = ("payment.authorized", "payment.captured", "payment.failed", "order.paid", "refund.processed")

# No e-mail address, telephone number, UPI address, card or notes, and no text of theirs that may quote one.
_KEPT = (
    "id entity amount amount_paid amount_due currency receipt status attempts created_at count items order_id method "
    "captured amount_refunded refund_status fee tax international error_code error_source error_step error_reason "
    "payment_id speed speed_processed speed_requested batch_id entity_id type debit credit on_hold settled settled_at "
    "settlement_id payment_capture error code source step reason field year month skip"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="payments",
    region="asia_pacific",
    base_url="https://api.razorpay.com",
    docs_url="https://razorpay.com/docs/api/",
    check="get_payment",
    credentials=(
        Credential(name="KEY_ID", sandbox="rzp_test_quayside", secret=False),
        Credential(name="KEY_SECRET", sandbox="quayside-key-secret"),
        Credential(name="WEBHOOK_SECRET", sandbox="razorpay-webhook-secret", required=False),
    ),
    quotas=(QuotaPolicy(name="politeness", limit=10, seconds=1),),
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=8.0,
    key_kept=24 * 3600.0,  # of refunds; not stated, so no more than is usual
    webhook=Webhook(credential="WEBHOOK_SECRET", events=EVENTS),
    operations=(
        Operation(
            name="create_payment",
            input=PaymentRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3301",
                "amount": {"amount": "1099.00", "currency": "INR"},
                "capture": True,
                "description": "Order EXAMPLE-3301",
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=45.0,
            attempt_timeout=15.0,
        ),
        Operation(
            name="capture_payment",
            input=CaptureRequest,
            result=Payment,
            example={"reference": "EXAMPLE-3302", "payment_id": "pay_SandboxAuthzd1"},
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=60.0,
            attempt_timeout=20.0,
        ),
        Operation(
            name="cancel_payment",
            input=PaymentQuery,
            result=Payment,
            example={"payment_id": "pay_SandboxAuthzd1"},
            idempotency=Idempotency.OURS,
            reference="payment_id",
            deadline=45.0,
            attempt_timeout=15.0,
            supported=False,
        ),
        Operation(
            name="get_payment",
            input=PaymentQuery,
            result=Payment,
            example={"payment_id": "pay_SandboxCapturd"},
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="refund_payment",
            input=RefundRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3303",
                "payment_id": "pay_SandboxCapturd",
                "amount": {"amount": "50.00", "currency": "INR"},
                "reason": "Too small",
            },
            idempotency=Idempotency.NATIVE,
            reference="reference",
            deadline=60.0,
            attempt_timeout=20.0,
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
