"""The facts of PayPal: operations with their examples, credentials, and what may stand in a record.

Sources: paypal-rest-api-specifications at ec4d8f3 (Orders 2.13, Payments 2.5, Transaction Search 1.9, Webhooks 1.11), the
official client 2.4.0 and developer.paypal.com. No rate limit is published; what is known is that a token for each
transaction is one of the reasons for a 429, so one token serves all processes.
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, SignIn, Vendor, Webhook
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

NAME, LABEL = "paypal", "PayPal"
# The events we use, and what each makes of a payment.
EVENT_STATUSES: dict[str, PaymentStatus] = {
    "CHECKOUT.ORDER.APPROVED": "pending",
    "PAYMENT.AUTHORIZATION.CREATED": "authorized",
    "PAYMENT.AUTHORIZATION.VOIDED": "failed",
    "PAYMENT.CAPTURE.COMPLETED": "captured",
    "PAYMENT.CAPTURE.DENIED": "declined",
    "PAYMENT.CAPTURE.PENDING": "pending",
    "PAYMENT.CAPTURE.REFUNDED": "partially_refunded",
    "PAYMENT.CAPTURE.REVERSED": "refunded",
}

# No payer, address, e-mail, card, link (they carry tokens) or text that may quote one.
_KEPT = (
    "id status intent reference_id invoice_id custom_id amount currency_code value create_time update_time "
    "final_capture captures authorizations refunds payments purchase_units name debug_id issue field location details "
    "transaction_id transaction_event_code transaction_status transaction_amount fee_amount transaction_info "
    "transaction_details transaction_initiation_date page total_items total_pages last_refreshed_datetime "
    "start_date end_date page_size verification_status error grant_type token_type expires_in response_code"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="payments",
    base_url="https://api-m.paypal.com",
    docs_url="https://developer.paypal.com/api/rest/",
    check="list_transactions",
    credentials=(
        Credential(name="CLIENT_ID", sandbox="quayside-paypal-client", secret=False),
        Credential(name="CLIENT_SECRET", sandbox="quayside-paypal-secret"),
        Credential(name="WEBHOOK_ID", sandbox="8PT597110X687430LKGECATA", required=False, secret=False),
    ),
    # Politeness: PayPal publishes no numbers.
    quotas=(QuotaPolicy(name="politeness", limit=8, seconds=1),),
    sign_in=SignIn(kind="token"),
    kept_fields=frozenset(_KEPT.split()),
    request_id_header="paypal-debug-id",
    slow_call_duration=8.0,
    key_kept=6 * 3600.0,  # of orders; payments keep it longer
    happened_before=frozenset({"duplicate_invoice_id"}),
    webhook=Webhook(credential="WEBHOOK_ID", events=tuple(EVENT_STATUSES)),
    operations=(
        Operation(
            name="create_payment",
            input=PaymentRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3101",
                "amount": {"amount": "109.90", "currency": "USD"},
                "capture": True,
                "description": "Order EXAMPLE-3101",
                "return_url": "https://shop.example/back",
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
            example={"reference": "EXAMPLE-3102", "payment_id": "SANDBOXAUTHORIZED"},
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
            example={"payment_id": "SANDBOXHELD000000"},
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
            example={"payment_id": "SANDBOXCAPTURED00"},
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="refund_payment",
            input=RefundRequest,
            result=Payment,
            example={
                "reference": "EXAMPLE-3103",
                "payment_id": "SANDBOXCAPTURED00",
                "amount": {"amount": "5.00", "currency": "USD"},
                "reason": "Too small",
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
            deadline=45.0,
            attempt_timeout=15.0,
        ),
    ),
)
