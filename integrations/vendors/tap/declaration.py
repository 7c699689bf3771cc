"""The facts of Tap: operations with their examples, credentials, and what may stand in a record.

Sources: the official client gosell-sdk-php at d3537b1, developers.tap.company (charges, authorize, refunds, list all
charges, list all refunds, charge response codes, idempotency, webhook). No rate limit is published.
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

NAME, LABEL = "tap", "Tap"
CHARGES, CHARGE = "/v2/charges", "/v2/charges/{id}"
AUTHORIZES, AUTHORIZE, VOID = "/v2/authorize", "/v2/authorize/{id}", "/v2/authorize/{id}/void"
REFUNDS, REFUND = "/v2/refunds", "/v2/refunds/{id}"
CHARGE_LIST, REFUND_LIST = "/v2/charges/list", "/v2/refunds/list"
# What Tap calls it -> what we call it. INITIATED with a page to go to is requires_action.
STATUSES: dict[str, PaymentStatus] = {
    "INITIATED": "pending",
    "IN_PROGRESS": "pending",
    "AUTHORIZED": "authorized",
    "CAPTURED": "captured",
    "DECLINED": "declined",
    "RESTRICTED": "declined",
    "FAILED": "failed",
    "ABANDONED": "failed",
    "CANCELLED": "failed",
    "TIMEDOUT": "failed",
    "VOID": "failed",
    "UNKNOWN": "failed",
}
REFUND_DONE = "REFUNDED"
# Refunds of which nothing will come. TIMED_OUT and UNKNOWN are not among them: their money may have moved.
REFUND_REFUSED = frozenset({"DECLINED", "FAILED", "RESTRICTED", "CANCELLED"})
REFUND_STATUSES = (REFUND_DONE, "PENDING", "ACCEPTED", "IN_PROGRESS", "TIMED_OUT", "UNKNOWN", *sorted(REFUND_REFUSED))
EVENTS = (
    *(f"charge.{status.lower()}" for status in STATUSES),
    *(f"authorize.{status.lower()}" for status in STATUSES),
    *(f"refund.{status.lower()}" for status in REFUND_STATUSES),
)

# No link, no customer, no card, no text of theirs that may quote one.
_KEPT = (
    "id object live_mode api_version method status amount currency code charge_id created order merchant idempotent "
    "timezone period type time asynchronous threeDSecure customer_initiated save_card auto_reversed has_more count "
    "limit starting_after charges refunds sources attempt"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="payments",
    region="middle_east",
    base_url="https://api.tap.company",
    docs_url="https://developers.tap.company/reference",
    check="list_transactions",
    credentials=(
        Credential(name="SECRET_KEY", sandbox="sk_test_quayside0123456789"),
        # Where Tap tells that a payment has changed: https://…/webhooks/tap. It goes out with every payment.
        Credential(name="WEBHOOK_URL", sandbox="", required=False, secret=False),
    ),
    quotas=(QuotaPolicy(name="politeness", limit=10, seconds=1),),
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=8.0,
    key_kept=24 * 3600.0,  # developers.tap.company/docs/idempotency
    webhook=Webhook(credential="SECRET_KEY", events=EVENTS),
    operations=(
        Operation(
            name="create_payment",
            input=PaymentRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3401",
                "amount": {"amount": "10.500", "currency": "KWD"},
                "capture": True,
                "description": "Order EXAMPLE-3401",
                "return_url": "https://shop.example/back",
                "customer": {"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+96550000000"},
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
            example={"reference": "EXAMPLE-3402", "payment_id": "auth_SandboxAuthorized"},
            idempotency=Idempotency.NATIVE,
            reference="reference",
            deadline=60.0,
            attempt_timeout=20.0,
            looks_first=True,
            max_attempts=4,
        ),
        Operation(
            name="cancel_payment",
            input=PaymentQuery,
            result=Payment,
            example={"payment_id": "auth_SandboxHeld"},
            idempotency=Idempotency.NATURAL,
            reference="payment_id",
            deadline=60.0,
            attempt_timeout=20.0,
            max_attempts=4,
        ),
        Operation(
            name="get_payment",
            input=PaymentQuery,
            result=Payment,
            example={"payment_id": "chg_SandboxCaptured"},
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="refund_payment",
            input=RefundRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3403",
                "payment_id": "chg_SandboxCaptured",
                "amount": {"amount": "1.500", "currency": "KWD"},
                "reason": "requested_by_customer",
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
            deadline=45.0,
            attempt_timeout=15.0,
        ),
    ),
)
