"""The facts of Meta's advertising: operations with their examples, credentials, quotas, and what may stand in a record.

Sources: facebook-business-sdk-codegen at ad2b0b6 (Graph v25.0), the official client 26.0.3, developers.facebook.com/docs
(marketing-api insights, rate-limiting; conversions-api using-the-api, parameters; graph-api error-handling).
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, Vendor
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

NAME, LABEL = "meta_ads", "Meta Ads"
VERSION = "v25.0"
# What the development tier has for an account without active ads; the answers tell how full it is, in per cent.
INSIGHTS_AN_HOUR = 600.0
# Points of an ad account, by kind of request.
SCORE, SCORE_SECONDS = 60.0, 300.0
READ, WRITE = 1.0, 3.0

# No hash of anybody's address, no page's address, and never ``next``: it holds our token.
_KEPT = (
    "data account_id account_currency campaign_id spend impressions clicks actions action_type value date_start date_stop "
    "report_run_id id async_status async_percent_completion event_name event_time event_id action_source custom_data "
    "currency order_id num_items events_received error code error_subcode type is_transient fbtrace_id level fields "
    "time_range time_increment"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="marketing",
    base_url="https://graph.facebook.com",
    docs_url="https://developers.facebook.com/docs/marketing-api/",
    check="daily_spend",
    credentials=(
        # A system user's: a person's token ends after about 60 days, and nothing renews it.
        Credential(name="ACCESS_TOKEN", sandbox="EAAquaysideSandboxToken"),
        Credential(name="AD_ACCOUNT_ID", sandbox="1010101010", secret=False),
        Credential(name="PIXEL_ID", sandbox="2020202020", required=False, secret=False),
        # Where the app demands proof that its server asks.
        Credential(name="APP_SECRET", sandbox="", required=False),
        # Shows events in the Test Events tool, where they count for nothing.
        Credential(name="TEST_EVENT_CODE", sandbox="", required=False, secret=False),
    ),
    quotas=(
        QuotaPolicy(
            name="ads_insights", limit=INSIGHTS_AN_HOUR, seconds=3600, paced=False, operations=("daily_spend", "poll")
        ),
        QuotaPolicy(
            name="account_score", limit=SCORE, seconds=SCORE_SECONDS, paced=False, operations=("daily_spend", "poll")
        ),
        QuotaPolicy(name="events", limit=100, seconds=1, operations=("send_conversion",)),  # unconfirmed
    ),
    kept_fields=frozenset(_KEPT.split()),
    request_id_header="x-fb-trace-id",
    version_headers=("facebook-api-version",),
    slow_call_duration=20.0,
    operations=(
        Operation(
            name="upsert_profile",
            supported=False,
            input=Profile,
            result=SavedProfile,
            example={"email": "ada@example.com"},
            idempotency=Idempotency.NATURAL,
        ),
        Operation(
            name="track_event",
            supported=False,
            input=TrackedEvent,
            result=AcceptedEvent,
            example={
                "reference": "EXAMPLE-4201",
                "name": "Placed Order",
                "profile": {"email": "ada@example.com"},
            },
            idempotency=Idempotency.NATURAL,
        ),
        Operation(
            name="daily_spend",
            input=SpendQuery,
            result=SpendPage,
            example={"since": "2026-09-01", "until": "2026-09-02"},
            deadline=300.0,
            attempt_timeout=60.0,
        ),
        Operation(
            name="send_conversion",
            input=Conversion,
            result=SentConversion,
            example={
                "reference": "EXAMPLE-4202",
                "value": {"amount": "49.90", "currency": "USD"},
                "email": "ada@example.com",
                "country": "US",
                "source_url": "https://shop.example/thanks",
                "user_agent": "Mozilla/5.0",
                "quantity": "2",
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=45.0,
            attempt_timeout=10.0,
            max_attempts=2,
        ),
    ),
)
