"""The facts of Klaviyo's API: operations with their examples, credentials, quotas, and what may stand in a record.

Sources: klaviyo/openapi at f0a30ba (stable, revision 2026-07-15), the official client 25.0.0 (accounts), and
developers.klaviyo.com (rate_limits_and_error_handling, profiles_api_overview, working_with_system_webhooks).
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, Vendor, Webhook
from integrations.types.marketing import (
    AcceptedEvent,
    Conversion,
    Profile,
    SavedProfile,
    SentConversion,
    SpendPage,
    SpendQuery,
    TrackedEvent,
)
from integrations.types.messages import TokenCheck, TokenQuery

NAME, LABEL = "klaviyo", "Klaviyo"
REVISION = "2026-07-15"  # every request names it; another one means other fields
ACCOUNTS, PROFILE_IMPORT, EVENTS = "/api/accounts", "/api/profile-import", "/api/events"
# Windows per account and route, at the tier the published contract prints.
PROFILES_A_MINUTE, EVENTS_A_MINUTE, ACCOUNTS_A_MINUTE = 750.0, 3500.0, 15.0
# What decides whether a shopper may still be written to. The names are those of its guide and of common use; which
# topics an account has depends on what it measures.
TOPICS = tuple(
    f"event:klaviyo.{name}"
    for name in (
        "bounced_email",
        "manually_suppressed_from_email_marketing",
        "manually_unsuppressed_from_email_marketing",
        "marked_email_as_spam",
        "sent_sms",
        "subscribed_to_email_marketing",
        "subscribed_to_sms_marketing",
        "unsubscribed_from_email_marketing",
        "unsubscribed_from_sms_marketing",
    )
)

# No address, no name, no place. ``name`` and ``title`` stay out although they also name metrics and errors: properties
# are free, and one of that name would be a person's.
_KEPT = (
    "data type id attributes metric profile unique_id time value value_currency created updated errors status code "
    "source pointer parameter meta patch_properties links"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="marketing",
    base_url="https://a.klaviyo.com",
    docs_url="https://developers.klaviyo.com/en/reference/api_overview",
    check="check_token",
    credentials=(
        # A private key that may accounts:read, profiles:write and events:write.
        Credential(name="PRIVATE_KEY", sandbox="pk_quayside0sandbox0key"),
        # The secret_key a system webhook was made with.
        Credential(name="WEBHOOK_SECRET", sandbox="quayside-klaviyo-webhook-secret", required=False),
    ),
    # All private keys of an account share them.
    quotas=(
        QuotaPolicy(name="profiles_second", limit=75, seconds=1, operations=("upsert_profile",)),
        QuotaPolicy(
            name="profiles_minute", limit=PROFILES_A_MINUTE, seconds=60, paced=False, operations=("upsert_profile",)
        ),
        QuotaPolicy(name="events_second", limit=350, seconds=1, operations=("track_event",)),
        QuotaPolicy(name="events_minute", limit=EVENTS_A_MINUTE, seconds=60, paced=False, operations=("track_event",)),
        QuotaPolicy(name="accounts_second", limit=1, seconds=1, operations=("check_token",)),
        QuotaPolicy(
            name="accounts_minute", limit=ACCOUNTS_A_MINUTE, seconds=60, paced=False, operations=("check_token",)
        ),
    ),
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=5.0,
    webhook=Webhook(credential="WEBHOOK_SECRET", events=TOPICS),
    operations=(
        Operation(
            name="upsert_profile",
            input=Profile,
            result=SavedProfile,
            example={
                "email": "ada@example.com",
                "external_id": "EXAMPLE-C-44",
                "first_name": "Ada",
                "city": "Boston",
                "country": "US",
                "properties": {"tier": "gold"},
            },
            idempotency=Idempotency.NATURAL,
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="track_event",
            input=TrackedEvent,
            result=AcceptedEvent,
            example={
                "reference": "EXAMPLE-4401:placed",
                "name": "Placed Order",
                "profile": {"email": "ada@example.com"},
                "value": {"amount": "49.90", "currency": "USD"},
                "properties": {"OrderId": "EXAMPLE-4401", "ItemCount": 2},
            },
            idempotency=Idempotency.NATURAL,
            reference="reference",
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="daily_spend",
            supported=False,
            input=SpendQuery,
            result=SpendPage,
            example={"since": "2026-09-01", "until": "2026-09-02"},
        ),
        Operation(
            name="send_conversion",
            supported=False,
            input=Conversion,
            result=SentConversion,
            example={"reference": "EXAMPLE-4402", "value": {"amount": "49.90", "currency": "USD"}},
            idempotency=Idempotency.NATURAL,
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
