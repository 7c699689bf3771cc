"""The facts of Google's advertising: operations with their examples, credentials, quotas, and what may stand in a record.

Three addresses: reports come from the Google Ads API, conversions go to the Data Manager API, tokens come from Google's
own. The Google Ads API's upload of conversions is closed to whoever did not use it before June 2026, so it is not used.

Sources: the messages of google-ads 34.0.0 (v25 and v26, alike here), the discovery document of the Data Manager API
(revision 20261106), developers.google.com/google-ads/api/docs/rate-sheet, developers.google.com/data-manager/api
(devguides/limits, concepts/formatting, concepts/understand-errors, events/google-ads/conversion-adjustments).
"""

from __future__ import annotations

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, SignIn, Vendor
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

NAME, LABEL = "google_ads", "Google Ads"
VERSION = "v26"
DATA_MANAGER, OAUTH = "data_manager", "oauth"  # names of hosts
TOKEN_PATH = "/token"  # noqa: S105  # a path
ACTIONS = {  # what a conversion is called -> the setting with the number of its conversion action
    "Purchase": "CONVERSION_ACTION",
    "Lead": "LEAD_CONVERSION_ACTION",
    "CompleteRegistration": "REGISTRATION_CONVERSION_ACTION",
}

# No hash of anybody's address, no click, no name, and no text of theirs that may quote one.
_KEPT = (
    "results customer currencyCode campaign id metrics costMicros impressions clicks conversions segments date fieldMask "
    "requestId queryResourceConsumption query error code status details errors errorCode authenticationError "
    "authorizationError headerError internalError notAllowlistedError queryError quotaError requestError rateScope "
    "rateName retryDelay reason domain field destinations operatingAccount loginAccount accountType accountId "
    "productDestinationId events eventTimestamp transactionId eventSource conversionValue currency consent adUserData "
    "adPersonalization encoding validateOnly requestStatusPerDestination requestStatus errorInfo errorCounts recordCount "
    "recordIndices eventsIngestionStatus fieldWarnings grant_type expires_in scope token_type"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="marketing",
    base_url="https://googleads.googleapis.com",
    hosts={DATA_MANAGER: "https://datamanager.googleapis.com", OAUTH: "https://oauth2.googleapis.com"},
    docs_url="https://developers.google.com/google-ads/api/docs/start",
    check="daily_spend",
    credentials=(
        Credential(name="DEVELOPER_TOKEN", sandbox="quaysideDeveloperToken"),
        Credential(name="CLIENT_ID", sandbox="quayside.apps.googleusercontent.com", secret=False),
        Credential(name="CLIENT_SECRET", sandbox="GOCSPX-quayside-sandbox"),
        # Given for both scopes, …/auth/adwords and …/auth/datamanager.
        Credential(name="REFRESH_TOKEN", sandbox="1//quayside-refresh-token"),
        Credential(name="CUSTOMER_ID", sandbox="123-456-7890", secret=False),
        Credential(name="LOGIN_CUSTOMER_ID", sandbox="", required=False, secret=False),  # a manager account
        Credential(name="CONVERSION_ACTION", sandbox="987654321", required=False, secret=False),
        Credential(name="LEAD_CONVERSION_ACTION", sandbox="987654322", required=False, secret=False),
        Credential(name="REGISTRATION_CONVERSION_ACTION", sandbox="987654323", required=False, secret=False),
        # Whose conversion actions they are, where a manager account keeps them for several.
        Credential(name="CONVERSION_CUSTOMER_ID", sandbox="", required=False, secret=False),
        # GRANTED or DENIED: what the shop's visitors said to ads; without it Google is told nothing.
        Credential(name="CONSENT", sandbox="GRANTED", required=False, secret=False),
        # Seconds a call stays to hear what became of its conversion, at most the call's own time. Google mostly takes
        # half an hour, so it is for trying things out.
        Credential(name="OUTCOME_WAIT", sandbox="0", required=False, secret=False, default="0"),
    ),
    quotas=(
        # Of a developer token with basic access; a query is one operation however much it brings.
        QuotaPolicy(name="operations", limit=15_000, seconds=86_400, paced=False, operations=("daily_spend",)),
        QuotaPolicy(name="ingestion", limit=300, seconds=60, operations=("send_conversion",)),
        QuotaPolicy(name="status", limit=300, seconds=60, operations=("poll",)),
        QuotaPolicy(name="ingestion_day", limit=100_000, seconds=86_400, paced=False, operations=("send_conversion",)),
    ),
    sign_in=SignIn(kind="token"),
    kept_fields=frozenset(_KEPT.split()),
    request_id_header="request-id",
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
                "reference": "EXAMPLE-4301",
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
            deadline=120.0,
            attempt_timeout=50.0,
        ),
        Operation(
            name="send_conversion",
            input=Conversion,
            result=SentConversion,
            example={
                "reference": "EXAMPLE-4302",
                "value": {"amount": "49.90", "currency": "USD"},
                "email": "ada@example.com",
                "click_id": "EAIaIQobChMIexample",
            },
            idempotency=Idempotency.NATURAL,
            reference="reference",
            deadline=60.0,
            attempt_timeout=15.0,
        ),
    ),
)
