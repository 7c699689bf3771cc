"""The facts of Twilio: operations with their examples, credentials, concurrency, and what may stand in a record.

Sources: twilio-oai at d50069b (api v2010), the official client 9.13.0, twilio.com/docs/api/errors and the messaging
guides. What is limited is how many requests are under way at once for an account (100 by default, unconfirmed).
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, Vendor, Webhook
from integrations.types.messages import SentTextMessage, TextMessage, TextMessageQuery

NAME, LABEL = "twilio", "Twilio"
VERSION = "2010-04-01"
# Twilio's word -> ours. ``sent`` is not the end: the network may still say that it was not delivered.
STATUSES = {
    "accepted": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "sending": "queued",
    "sent": "sent",
    "partially_delivered": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "cancelled",
}

# No number, no text of a message, and no link that holds one.
_KEPT = (
    "sid status direction num_segments num_media price price_unit error_code date_created date_sent date_updated "
    "api_version code more_info messaging_service_sid ValidityPeriod page page_size MessagingServiceSid PageSize"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="messages",
    base_url="https://api.twilio.com",
    docs_url="https://www.twilio.com/docs/messaging/api/message-resource",
    check="get_sms",
    credentials=(
        Credential(name="ACCOUNT_SID", sandbox="AC" + "0" * 32, secret=False),
        Credential(name="AUTH_TOKEN", sandbox="quayside-auth-token"),
        Credential(name="FROM", sandbox="+15005550006", required=False, secret=False),
        Credential(name="MESSAGING_SERVICE_SID", sandbox="", required=False, secret=False),
        # Where Twilio tells how a message fares: https://…/webhooks/twilio. Without it nobody hears of it unasked.
        Credential(name="STATUS_CALLBACK", sandbox="", required=False, secret=False),
        # Only where the account signs with a key of its own (HMAC_SHA256) instead of the Auth Token.
        Credential(name="SIGNING_KEY", sandbox="", required=False),
    ),
    concurrency=20,
    kept_fields=frozenset(_KEPT.split()),
    request_id_header="twilio-request-id",
    slow_call_duration=5.0,
    webhook=Webhook(
        credential="AUTH_TOKEN", events=tuple(f"message.{word}" for word in STATUSES if word != "scheduled")
    ),
    operations=(
        Operation(
            name="send_sms",
            input=TextMessage,
            result=SentTextMessage,
            example={
                "reference": "EXAMPLE-6001:shipped",
                "to": "+14155550123",
                "text": "Your order EXAMPLE-6001 has left our house.",
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=45.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="get_sms",
            input=TextMessageQuery,
            result=SentTextMessage,
            example={"message_id": f"SM{0x5A01:032x}"},
            deadline=20.0,
            attempt_timeout=8.0,
        ),
    ),
)
