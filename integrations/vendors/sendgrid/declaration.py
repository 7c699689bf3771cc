"""The facts of SendGrid's Mail Send, version 3: operations, credentials, and what may stand in a record.

Sources: sendgrid-oai at dbe0e0d (tsg_mail_v3.json), the official client 6.12.5, twilio.com/docs/sendgrid. How many
requests a second mail/send takes (about 10,000) is from secondary sources; a shop never comes near it.
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, Vendor, Webhook
from integrations.types.messages import EmailMessage, SentEmail, TokenCheck, TokenQuery

NAME, LABEL = "sendgrid", "SendGrid"
SEND = "/v3/mail/send"
REFERENCE = "message_key"  # the custom argument that comes back with every event
EVENTS = ("processed", "deferred", "delivered", "bounce", "dropped", "spamreport", "unsubscribe", "group_unsubscribe")

# No address, no name, no subject, no text.
_KEPT = (
    "personalizations from content type categories template_id custom_args message_key mail_settings sandbox_mode enable "
    "errors field id"
)

# The public key of the sandbox's account.
_SANDBOX_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESsryhM0lx2NluAuT53fX8CY1MTgBOYe6LW3PhVLYzJV3sJWQyV3tU13NFnS0JUk0FusfQX5SMmbGqVQr"
    "8G8abg=="
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="messages",
    base_url="https://api.sendgrid.com",
    docs_url="https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send",
    check="check_token",
    credentials=(
        Credential(name="API_KEY", sandbox="SG.quayside-sandbox.key"),
        Credential(name="FROM", sandbox="shop@quayside.example", secret=False),  # a verified sender
        Credential(name="FROM_NAME", sandbox="Quayside Outfitters", required=False, secret=False),
        Credential(name="REPLY_TO", sandbox="", required=False, secret=False),
        # The public key that the Event Webhook's settings show once signing is switched on.
        Credential(name="WEBHOOK_KEY", sandbox=_SANDBOX_KEY, required=False, secret=False),
    ),
    quotas=(QuotaPolicy(name="requests", limit=600, seconds=60, paced=False),),
    kept_fields=frozenset(_KEPT.split()),
    request_id_header="x-message-id",
    slow_call_duration=5.0,
    webhook=Webhook(credential="WEBHOOK_KEY", events=EVENTS),
    operations=(
        Operation(
            name="send_email",
            input=EmailMessage,
            result=SentEmail,
            example={
                "reference": "EXAMPLE-6101:shipped",
                "to": "erika@example.com",
                "to_name": "Erika Mustermann",
                "subject": "Your order EXAMPLE-6101 has left our house",
                "text": "It is on its way.",
                "html": "<p>It is on its way.</p>",
                "category": "orders",
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=45.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="check_token",
            input=TokenQuery,
            result=TokenCheck,
            example={},
            deadline=20.0,
            attempt_timeout=8.0,
        ),
    ),
)
