"""Google's adapter against the messages of both its interfaces, recorded errors and the traps it sets."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import aiohttp
import pytest

from integrations.adapter import Access
from integrations.errors import (
    BusinessFailed,
    CallFailed,
    Fault,
    HttpFailed,
    InvalidInput,
    MissingCredential,
    SchemaDrift,
    Unsupported,
)
from integrations.outcome import Request, Response
from integrations.vendors.google_ads import GoogleAds
from integrations.vendors.google_ads.answers import outcome
from integrations.vendors.google_ads.declaration import DATA_MANAGER, OAUTH, VENDOR
from tests.contracts import contract
from tests.integrations.vendors.exchange import FakeExchange, answer, body_of, run
from tests.integrations.vendors.wire import START, Wire, on_the_wire

PROFILE, TRACK, SPEND, SALE = (dict(operation.example) for operation in VENDOR.operations)
TAKEN = {"requestId": "t-1"}
SEARCH = "/v26/customers/1234567890/googleAds:searchStream"


@pytest.fixture
def adapter() -> GoogleAds:
    return with_settings()


def with_settings(**changed: str) -> GoogleAds:
    return GoogleAds({**{one.name: one.sandbox or one.default for one in VENDOR.credentials}, **changed})


def row(**metrics: Any) -> dict[str, Any]:
    return {
        "customer": {"resourceName": "customers/1234567890", "currencyCode": "USD"},
        "campaign": {"resourceName": "customers/1234567890/campaigns/9", "id": "9", "name": "Brand"},
        "metrics": {"costMicros": "12340000", "impressions": "1000", "clicks": "20", "conversions": 2.5, **metrics},
        "segments": {"date": "2026-09-01"},
    }


def chunk(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"results": list(rows), "fieldMask": "campaign.id", "requestId": "r-1", "queryResourceConsumption": "39"}


def failure(kind: str, code: str, status: int = 400, word: str = "INVALID_ARGUMENT", **details: Any) -> dict[str, Any]:
    """Return an error of the Google Ads API."""
    one = {"errorCode": {kind: code}, "message": "ada@example.com is wrong", **details}
    inner = {"@type": "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure", "errors": [one]}
    return {"error": {"code": status, "message": "ada@example.com", "status": word, "details": [inner]}}


def platform(status: int, word: str, *details: dict[str, Any]) -> Response:
    """Return an error as the Data Manager API and Google's front tell it."""
    error = {"code": status, "message": "ada@example.com", "status": word, "details": list(details)}
    return answer({"error": error}, status)


def quota(code: str, delay: str = "") -> Response:
    told = {"quotaErrorDetails": {"rateScope": "DEVELOPER", **({"retryDelay": delay} if delay else {})}}
    return answer([failure("quotaError", code, 429, "RESOURCE_EXHAUSTED", details=told)], 429)


# --- what we send ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def published(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(contract(f"google_ads/{name}.json").read_bytes())
    return found


@pytest.mark.parametrize("version", ["v25", "v26"])
async def test_the_query_names_published_fields_alone(adapter: GoogleAds, version: str) -> None:
    exchange = FakeExchange(adapter, "daily_spend", [answer([chunk()])])
    await run(adapter, exchange, SPEND)
    messages = published(f"googleads_{version}_rest_subset")["messages"]
    homes = {"customer": "resources.Customer", "campaign": "resources.Campaign"}
    homes |= {"segments": "common.Segments", "metrics": "common.Metrics"}
    fields = re.findall(r"(\w+)\.(\w+)", exchange.last.json["query"])

    assert len(fields) == 9
    assert [(at, name) for at, name in fields if name not in {one["name"] for one in messages[homes[at]]}] == []
    assert set(exchange.last.json) <= {one["json"] for one in messages["services.SearchGoogleAdsStreamRequest"]}
    assert "BETWEEN '2026-09-01' AND '2026-09-02'" in exchange.last.json["query"]


async def test_reports_go_to_the_published_path(adapter: GoogleAds) -> None:
    exchange = FakeExchange(adapter, "daily_spend", [answer([chunk()])])
    await run(adapter, exchange, SPEND)
    method = published("googleads_v26_rest_subset")["methods"]["GoogleAdsService.SearchStream"]

    assert (exchange.last.method, exchange.last.path) == (method["http"], SEARCH)
    assert exchange.last.path == method["path"].replace("{customerId}", "1234567890")
    assert exchange.last.host == ""


def unknown(schema: Mapping[str, Any], value: Any, at: str = "") -> list[str]:
    """Return what in a value its discovery schema does not have: names, types, words of an enum."""
    schemas = published("datamanager.v1")["schemas"]
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    if schema["type"] == "object":
        names = schema["properties"]
        return [
            wrong
            for name, inner in value.items()
            for wrong in (unknown(names[name], inner, f"{at}.{name}") if name in names else [f"{at}.{name}"])
        ]
    if schema["type"] == "array":
        return [wrong for inner in value for wrong in unknown(schema["items"], inner, at)]
    kinds: dict[str, type | tuple[type, ...]] = {"string": str, "boolean": bool, "number": (int, float)}
    right = isinstance(value, kinds[schema["type"]]) and value in schema.get("enum", [value])
    return [] if right else [f"{at}: {value!r}"]


async def test_an_event_keeps_to_the_published_contract() -> None:
    adapter = with_settings(LOGIN_CUSTOMER_ID="111-222-3333")
    exchange = FakeExchange(adapter, "send_conversion", [answer(TAKEN)])
    whole = {
        **SALE,
        "phone": "+1 415 555 0123",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "country": "US",
        "postal_code": "94107",
        "source_url": "https://shop.example/thanks",
        "user_agent": "Mozilla/5.0",
        "ip_address": "203.0.113.5",
    }
    await run(adapter, exchange, whole)
    method = published("datamanager.v1")["resources"]["events"]["methods"]["ingest"]
    sent = json.loads(body_of(exchange.last))

    assert (exchange.last.method, exchange.last.path) == (method["httpMethod"], f"/{method['path']}")
    assert f"{VENDOR.hosts[exchange.last.host]}/" == published("datamanager.v1")["rootUrl"]
    assert unknown({"$ref": "IngestEventsRequest"}, sent) == []
    assert sent["destinations"][0]["loginAccount"]["accountId"] == "1112223333"
    assert len(sent["events"][0]["userData"]["userIdentifiers"]) == 3


def test_the_contract_test_finds_what_is_wrong() -> None:
    bad = {"encoding": "UTF8", "events": [{"gclid": "x", "currency": 1}]}

    assert unknown({"$ref": "IngestEventsRequest"}, bad) == [
        ".encoding: 'UTF8'",
        ".events.gclid",
        ".events.currency: 1",
    ]


async def test_a_status_is_asked_for_as_published() -> None:
    adapter = with_settings(OUTCOME_WAIT="2")
    exchange = FakeExchange(adapter, "send_conversion", [answer(TAKEN), answer({})])
    await run(adapter, exchange, SALE)
    method = published("datamanager.v1")["resources"]["requestStatus"]["methods"]["retrieve"]

    assert (exchange.last.method, exchange.last.path) == (method["httpMethod"], f"/{method['path']}")
    assert (exchange.last.host, exchange.last.step) == (DATA_MANAGER, "poll")
    assert set(dict(exchange.last.query)) == set(method["parameters"])


def test_every_reason_we_know_is_published() -> None:
    from integrations.vendors.google_ads import answers

    words = published("datamanager.v1")["schemas"]["ErrorCount"]["properties"]["reason"]["enum"]
    plain = {answers._plain(word) for word in words}

    assert {*answers._DONE, *answers._LATER, *answers._ABOUT_US, *answers._SAID} <= plain


def test_every_code_we_know_is_published() -> None:
    from integrations.vendors.google_ads import verdicts

    codes = {code for words in published("googleads_v26_rest_subset")["enums"].values() for code in words}
    of_the_front = {"ACCESS_TOKEN_SCOPE_INSUFFICIENT", "SERVICE_DISABLED"}  # google/api/error_reason.proto

    assert {*verdicts._BAD_TOKENS, *verdicts._HINTS} - of_the_front <= codes
    assert of_the_front <= set(verdicts._HINTS)


async def test_only_the_google_ads_api_is_told_who_develops() -> None:
    adapter = with_settings(LOGIN_CUSTOMER_ID="111-222-3333")
    access = Access(headers={"authorization": "Bearer ya29.x"})
    reports = adapter.authorise(Request(method="POST", path=SEARCH), access)
    events = adapter.authorise(Request(method="POST", path="/v1/events:ingest", host=DATA_MANAGER), access)

    assert reports == {
        "authorization": "Bearer ya29.x",
        "developer-token": "quaysideDeveloperToken",
        "login-customer-id": "1112223333",
    }
    assert events == {"authorization": "Bearer ya29.x"}


async def test_a_refresh_token_is_turned_into_a_token_at_its_own_address(adapter: GoogleAds) -> None:
    told = {"access_token": "ya29.x", "expires_in": 3599, "scope": "s", "token_type": "Bearer"}
    exchange = FakeExchange(adapter, "daily_spend", [answer(told)])
    access = await adapter.sign_in(exchange)
    request = exchange.last

    assert (request.method, request.host, request.path) == ("POST", OAUTH, "/token")
    assert VENDOR.hosts[OAUTH] == "https://oauth2.googleapis.com"
    assert dict(request.form or ())["grant_type"] == "refresh_token"
    assert set(dict(request.form or ())) == {"grant_type", "client_id", "client_secret", "refresh_token"}
    assert (request.signed, access.headers, access.expires_in) == (False, {"authorization": "Bearer ya29.x"}, 3599)


# --- personal data -----------------------------------------------------------------------------------------------------


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def identifiers(adapter: GoogleAds, **fields: str) -> list[dict[str, Any]]:
    exchange = FakeExchange(adapter, "send_conversion", [answer(TAKEN)])
    await run(adapter, exchange, {"reference": "r", "value": {"amount": "1", "currency": "USD"}, **fields})
    found: list[dict[str, Any]] = exchange.last.json["events"][0].get("userData", {}).get("userIdentifiers", [])
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # The guide's own examples.
        ({"email": "cloudy.sanfrancisco+shopping@gmail.com"}, {"emailAddress": sha("cloudysanfrancisco@gmail.com")}),
        ({"email": "C.S@GoogleMail.com"}, {"emailAddress": sha("cs@googlemail.com")}),
        ({"email": "user.name+NYC@Example.com"}, {"emailAddress": sha("user.name+nyc@example.com")}),
        ({"phone": "+1 (800)555-0100"}, {"phoneNumber": sha("+18005550100")}),
        ({"phone": "A" * 64}, {"phoneNumber": "a" * 64}),
    ],
)
async def test_personal_data_is_put_into_googles_form_and_hashed(
    adapter: GoogleAds, fields: dict[str, str], expected: dict[str, str]
) -> None:
    assert await identifiers(adapter, **fields) == [expected]


async def test_a_name_goes_out_with_the_place_or_not_at_all(adapter: GoogleAds) -> None:
    name = {"click_id": "EAIa-1", "first_name": " Ada", "last_name": "LOVELACE ", "country": "GB"}
    alone = await identifiers(adapter, **name)
    placed = await identifiers(adapter, **name, postal_code=" SW1A 1AA ")
    address = {"givenName": sha("ada"), "familyName": sha("lovelace"), "regionCode": "GB", "postalCode": "SW1A 1AA"}

    assert alone == []
    assert placed == [{"address": address}]


@pytest.mark.parametrize(
    ("changed", "kind", "field"),
    [
        ({"email": "ada"}, InvalidInput, "email"),
        ({"phone": "0151 234567"}, InvalidInput, "phone"),
        ({"click_id": "fb.1.1767312000000.AbC"}, InvalidInput, "click_id"),
        ({"click_id": "a b"}, InvalidInput, "click_id"),
        ({"click_id": "", "email": "", "first_name": "Ada", "last_name": "L"}, InvalidInput, "click_id"),
        ({"value": {"amount": "-1.00", "currency": "USD"}}, InvalidInput, "value.amount"),
        ({"name": "Refund"}, Unsupported, "name"),
    ],
)
async def test_what_google_would_refuse_is_said_before_it_is_sent(
    adapter: GoogleAds, changed: dict[str, Any], kind: type[InvalidInput], field: str
) -> None:
    exchange = FakeExchange(adapter, "send_conversion")
    with pytest.raises(kind) as caught:
        await run(adapter, exchange, {**SALE, **changed})

    assert (caught.value.field, exchange.requests) == (field, [])


@pytest.mark.parametrize(("operation", "value"), [("upsert_profile", PROFILE), ("track_event", TRACK)])
async def test_google_keeps_no_shoppers(adapter: GoogleAds, operation: str, value: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="Google Ads"):
        await run(adapter, FakeExchange(adapter, operation), value)


@pytest.mark.parametrize(
    ("changed", "operation", "value", "says"),
    [
        ({"CONVERSION_ACTION": ""}, "send_conversion", SALE, "QUAYSIDE_GOOGLE_ADS_CONVERSION_ACTION is not set"),
        ({"LEAD_CONVERSION_ACTION": ""}, "send_conversion", {**SALE, "name": "Lead"}, "_LEAD_CONVERSION_ACTION is not"),
        ({"CUSTOMER_ID": "customers/1"}, "daily_spend", SPEND, "QUAYSIDE_GOOGLE_ADS_CUSTOMER_ID is not a number"),
        ({"CONSENT": "yes"}, "send_conversion", SALE, "QUAYSIDE_GOOGLE_ADS_CONSENT is GRANTED or DENIED"),
        ({"OUTCOME_WAIT": "long"}, "send_conversion", SALE, "QUAYSIDE_GOOGLE_ADS_OUTCOME_WAIT is a number"),
    ],
)
async def test_a_setting_that_is_missing_or_wrong_is_named(
    changed: dict[str, str], operation: str, value: dict[str, Any], says: str
) -> None:
    adapter = with_settings(**changed)
    exchange = FakeExchange(adapter, operation)
    with pytest.raises(MissingCredential, match=says):
        await run(adapter, exchange, value)

    assert exchange.requests == []


@pytest.mark.parametrize(
    ("name", "action"), [("Purchase", "987654321"), ("Lead", "987654322"), ("CompleteRegistration", "987654323")]
)
async def test_each_conversion_has_its_action(adapter: GoogleAds, name: str, action: str) -> None:
    exchange = FakeExchange(adapter, "send_conversion", [answer(TAKEN)])
    await run(adapter, exchange, {**SALE, "name": name})

    assert exchange.last.json["destinations"][0]["productDestinationId"] == action


@pytest.mark.parametrize(("word", "told"), [("", None), ("granted", "CONSENT_GRANTED"), ("DENIED", "CONSENT_DENIED")])
async def test_consent_is_what_the_shop_says_and_nothing_where_it_says_nothing(word: str, told: str | None) -> None:
    adapter = with_settings(CONSENT=word)
    exchange = FakeExchange(adapter, "send_conversion", [answer(TAKEN)])
    await run(adapter, exchange, SALE)

    assert exchange.last.json.get("consent") == (told and {"adUserData": told, "adPersonalization": told})


# --- the traps ---------------------------------------------------------------------------------------------------------


async def test_the_answer_is_a_list_of_chunks(adapter: GoogleAds) -> None:
    exchange = FakeExchange(adapter, "daily_spend", [answer([chunk(row()), chunk(row(), row())])])

    assert len((await run(adapter, exchange, SPEND)).rows) == 3


@pytest.mark.parametrize("body", [[], [{"fieldMask": "campaign.id", "requestId": "r-1"}]])
async def test_an_answer_without_rows_has_none(adapter: GoogleAds, body: Any) -> None:
    page = await run(adapter, FakeExchange(adapter, "daily_spend", [answer(body)]), SPEND)

    assert (page.rows, page.next_cursor) == ((), "")


@pytest.mark.parametrize("wrapped", [True, False])
async def test_an_error_may_come_in_a_list_or_alone(adapter: GoogleAds, wrapped: bool) -> None:
    error = failure("queryError", "UNRECOGNIZED_FIELD")
    exchange = FakeExchange(adapter, "daily_spend", [answer([error] if wrapped else error, 400)])
    with pytest.raises(HttpFailed, match="UNRECOGNIZED_FIELD") as caught:
        await run(adapter, exchange, SPEND)

    assert (caught.value.error_type, caught.value.fault) == ("invalid_request", "ours")


async def test_an_error_after_good_chunks_at_200_fails_the_whole(adapter: GoogleAds) -> None:
    body = [chunk(row()), failure("internalError", "TRANSIENT_ERROR", 500, "INTERNAL")]
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "daily_spend", [answer(body)]), SPEND)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == ("internal_error", "theirs", True)


def test_a_token_that_ends_in_the_middle_of_a_stream_is_renewed(adapter: GoogleAds) -> None:
    body = [chunk(row()), failure("authenticationError", "OAUTH_TOKEN_EXPIRED", 401, "UNAUTHENTICATED")]
    verdict = adapter.classify(Request(method="POST", path=SEARCH), answer(body))

    assert verdict is not None
    assert (verdict.expired, verdict.untouched, verdict.business) == (True, True, True)


async def test_int64_are_texts_and_micros_millionths(adapter: GoogleAds) -> None:
    others = [row(costMicros="12345678", conversions=0.1), row(costMicros="9007199254740993000000")]
    page = await run(adapter, FakeExchange(adapter, "daily_spend", [answer([chunk(row(), *others)])]), SPEND)
    first, second, third = page.rows

    assert (str(first.spend.amount), first.spend.currency) == ("12.34", "USD")
    assert (first.account_id, first.campaign_id, first.date.isoformat()) == ("1234567890", "9", "2026-09-01")
    assert (first.impressions, first.clicks, first.conversions) == (1000, 20, Decimal("2.5"))
    assert (str(second.spend.amount), str(second.conversions)) == ("12.345678", "0.1")
    assert str(third.spend.amount) == "9007199254740993.00"


async def test_a_currency_without_decimals_has_none(adapter: GoogleAds) -> None:
    yen = {**row(costMicros="12000000"), "customer": {"currencyCode": "JPY"}}
    page = await run(adapter, FakeExchange(adapter, "daily_spend", [answer([chunk(yen)])]), SPEND)

    assert str(page.rows[0].spend.amount) == "12"


async def test_missing_metrics_are_nought_and_a_day_of_noughts_has_no_row(adapter: GoogleAds) -> None:
    some = {**row(), "metrics": {"impressions": "3"}}
    none = [{**row(), "metrics": {}}, {name: part for name, part in row().items() if name != "metrics"}]
    page = await run(adapter, FakeExchange(adapter, "daily_spend", [answer([chunk(some, *none)])]), SPEND)

    assert [(str(one.spend.amount), one.impressions, one.clicks, one.conversions) for one in page.rows] == [
        ("0.00", 3, 0, 0)
    ]


async def test_ids_go_out_without_dashes() -> None:
    adapter = with_settings(CUSTOMER_ID="987-654-3210", CONVERSION_CUSTOMER_ID="555-666-7777")
    spend = FakeExchange(adapter, "daily_spend", [answer([chunk()])])
    await run(adapter, spend, SPEND)
    sale = FakeExchange(adapter, "send_conversion", [answer(TAKEN)])
    await run(adapter, sale, SALE)

    assert "/customers/9876543210/" in spend.last.path
    assert sale.last.json["destinations"][0]["operatingAccount"] == {
        "accountType": "GOOGLE_ADS",
        "accountId": "5556667777",
    }


async def test_a_long_range_is_read_month_by_month(adapter: GoogleAds) -> None:
    asked, queries, cursor = {"since": "2026-07-01", "until": "2026-09-05"}, [], ""
    while True:
        exchange = FakeExchange(adapter, "daily_spend", [answer([chunk(row())])])
        page = await run(adapter, exchange, {**asked, "cursor": cursor})
        queries.append(re.findall(r"'(.{10})'", exchange.last.json["query"]))
        if not (cursor := page.next_cursor):
            break

    assert queries == [["2026-07-01", "2026-07-31"], ["2026-08-01", "2026-08-31"], ["2026-09-01", "2026-09-05"]]


@pytest.mark.parametrize("cursor", ["next", "2026-08-31", "2026-09-03", "2026-09-01' OR '"])
async def test_a_cursor_that_is_none_of_the_days_is_refused(adapter: GoogleAds, cursor: str) -> None:
    exchange = FakeExchange(adapter, "daily_spend")
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {**SPEND, "cursor": cursor})

    assert (caught.value.field, exchange.requests) == ("cursor", [])


async def test_one_bad_event_takes_no_good_one_with_it_for_each_goes_alone(adapter: GoogleAds) -> None:
    exchange = FakeExchange(adapter, "send_conversion", [answer(TAKEN)])
    found = await run(adapter, exchange, SALE)

    assert len(exchange.last.json["events"]) == 1
    assert exchange.slept == []
    assert (found.accepted, found.message) == (True, "Google Ads has yet to process it (request t-1).")


async def test_a_sale_is_told_with_its_time_and_our_reference_for_its_transaction(adapter: GoogleAds) -> None:
    exchange = FakeExchange(adapter, "send_conversion", [answer(TAKEN)])
    await run(adapter, exchange, {**SALE, "at": "2026-10-01T11:00:00+02:00"})
    event = exchange.last.json["events"][0]

    assert (event["eventTimestamp"], event["transactionId"]) == ("2026-10-01T09:00:00Z", "EXAMPLE-4302")
    assert (event["eventSource"], event["adIdentifiers"]) == ("WEB", {"gclid": "EAIaIQobChMIexample"})
    assert b'"conversionValue":49.90,' in body_of(exchange.last)


# --- what comes back ---------------------------------------------------------------------------------------------------


def status(word: str, *reasons: str) -> Response:
    counts = [{"reason": reason, "recordCount": "1", "recordIndices": [0]} for reason in reasons]
    one = {"requestStatus": word, "errorInfo": {"errorCounts": counts}} if reasons else {"requestStatus": word}
    return answer({"requestStatusPerDestination": [one]})


async def test_a_call_stays_to_hear_the_outcome_where_it_is_told_to() -> None:
    adapter = with_settings(OUTCOME_WAIT="20")
    answers = [answer(TAKEN), status("PROCESSING"), answer({}, 503), status("SUCCESS")]
    exchange = FakeExchange(adapter, "send_conversion", answers)
    found = await run(adapter, exchange, SALE)

    assert exchange.slept == [2.0, 4.0, 8.0]  # a status that does not come is no failure of the event
    assert (found.accepted, found.message) == (True, "")


@pytest.mark.parametrize(("wait", "slept"), [("1", 0.0), ("5", 5.0), ("300", 30.0)])
async def test_it_stays_no_longer_than_it_was_told_or_has(wait: str, slept: float) -> None:
    adapter = with_settings(OUTCOME_WAIT=wait)
    exchange = FakeExchange(adapter, "send_conversion", [answer(TAKEN), *[status("PROCESSING")] * 9])
    found = await run(adapter, exchange, SALE)

    assert sum(exchange.slept) == slept
    assert found.accepted


@pytest.mark.parametrize(
    ("word", "reasons", "accepted", "says"),
    [
        ("FAILED", ["PROCESSING_ERROR_REASON_DUPLICATE_TRANSACTION_ID"], True, "has it already"),
        ("FAILED", ["PROCESSING_ERROR_REASON_DUPLICATE_GCLID"], True, "has it already"),
        ("FAILED", ["PROCESSING_ERROR_REASON_EXPIRED_CLICK"], False, "older than the conversion action looks back"),
        ("FAILED", ["PROCESSING_ERROR_REASON_CLICK_NOT_FOUND"], False, "no such click"),
        ("FAILED", ["PROCESSING_ERROR_OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER"], False, "another account"),
        ("PARTIAL_SUCCESS", ["PROCESSING_ERROR_REASON_SOMETHING_NEW"], False, "SOMETHING_NEW"),
        ("FAILED", [], False, "does not say why"),
    ],
)
async def test_what_google_finds_of_a_sale_is_a_result(
    word: str, reasons: list[str], accepted: bool, says: str
) -> None:
    adapter = with_settings(OUTCOME_WAIT="2")
    exchange = FakeExchange(adapter, "send_conversion", [answer(TAKEN), status(word, *reasons)])
    found = await run(adapter, exchange, SALE)

    assert found.accepted is accepted
    assert says in found.message


@pytest.mark.parametrize(
    ("reason", "error_type", "fault", "retry_after"),
    [
        ("TOO_RECENT_CLICK", "too_recent", "ours", 21_600.0),
        ("DESTINATION_TOO_RECENTLY_CREATED", "too_recent", "ours", 21_600.0),
        ("INTERNAL_ERROR", "internal_error", "theirs", None),
        ("NO_CONSENT", "conversion_refused", "configuration", None),
        (
            "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED",
            *("conversion_refused", "configuration", None),
        ),
    ],
)
def test_what_is_not_about_the_sale_is_an_error(
    reason: str, error_type: str, fault: Fault, retry_after: float | None
) -> None:
    with pytest.raises(BusinessFailed) as caught:
        outcome([reason])
    error = caught.value

    assert (error.error_type, error.fault, error.retry_after) == (error_type, fault, retry_after)
    assert error.retryable is (fault != "configuration")


UNAUTHENTICATED, DENIED = (401, "UNAUTHENTICATED"), (403, "PERMISSION_DENIED")
FIELD = {"@type": "…BadRequest", "fieldViolations": [{"field": "events.events[0].currency", "description": "ada@…"}]}


def reason(word: str, **metadata: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": word, "metadata": metadata}


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retry_after", "sent", "says"),
    [
        (quota("RESOURCE_TEMPORARILY_EXHAUSTED", "30s"), "rate_limited", "ours", 30.0, False, "too fast"),
        (quota("RESOURCE_TEMPORARILY_EXHAUSTED", "1.5s"), "rate_limited", "ours", 1.5, False, "too fast"),
        (quota("RESOURCE_TEMPORARILY_EXHAUSTED"), "rate_limited", "ours", 5.0, False, "too fast"),
        (quota("RESOURCE_EXHAUSTED", "soon"), "rate_limited", "ours", 3600.0, False, "of the day are spent"),
        (quota("RESOURCE_EXHAUSTED", "86s"), "rate_limited", "ours", 86.0, False, "of the day are spent"),
        (
            quota("EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION"),
            *("query_too_costly", "ours", 300.0, False, "fewer days"),
        ),
        (quota("ACCESS_PROHIBITED"), "forbidden", "configuration", None, False, "look at its status"),
        (
            platform(
                429, "RESOURCE_EXHAUSTED", reason("RATE_LIMIT_EXCEEDED", quota_limit="RequestsPerMinutePerProject")
            ),
            *("rate_limited", "ours", 5.0, False, "too fast"),
        ),
        (
            platform(429, "RESOURCE_EXHAUSTED", reason("RATE_LIMIT_EXCEEDED", quota_limit="RequestsPerDayPerProject")),
            *("rate_limited", "ours", 3600.0, False, "too fast"),
        ),
        (
            platform(429, "RESOURCE_EXHAUSTED", {"@type": "…RetryInfo", "retryDelay": "7s"}),
            *("rate_limited", "ours", 7.0, False, "too fast"),
        ),
        (
            answer(failure("internalError", "TRANSIENT_ERROR", 500, "INTERNAL"), 500),
            *("internal_error", "theirs", None, True, "TRANSIENT_ERROR"),
        ),
        (platform(503, "UNAVAILABLE"), "http_503", "theirs", None, True, "trouble"),
        (platform(504, "DEADLINE_EXCEEDED"), "http_504", "theirs", None, True, "trouble"),
        (answer("<html>", 502, content_type="text/html"), "http_502", "theirs", None, True, "trouble"),
        (
            answer(failure("authenticationError", "OAUTH_TOKEN_INVALID", *UNAUTHENTICATED), 401),
            *("unauthorized", "configuration", None, False, "sign in anew"),
        ),
        (
            platform(*UNAUTHENTICATED, reason("ACCESS_TOKEN_EXPIRED")),
            *("unauthorized", "configuration", None, False, "sign in anew"),
        ),
        (
            answer(failure("authenticationError", "DEVELOPER_TOKEN_INVALID", *UNAUTHENTICATED), 401),
            *("unauthorized", "configuration", None, False, "QUAYSIDE_GOOGLE_ADS_DEVELOPER_TOKEN"),
        ),
        (
            answer(failure("authenticationError", "NOT_ADS_USER", *UNAUTHENTICATED), 401),
            *("unauthorized", "configuration", None, False, "no Google Ads account"),
        ),
        (
            answer(failure("authorizationError", "USER_PERMISSION_DENIED", *DENIED), 403),
            *("forbidden", "configuration", None, False, "QUAYSIDE_GOOGLE_ADS_LOGIN_CUSTOMER_ID"),
        ),
        (
            answer(failure("authorizationError", "CUSTOMER_NOT_ENABLED", *DENIED), 403),
            *("forbidden", "configuration", None, False, "not enabled"),
        ),
        (
            answer(failure("authorizationError", "SOMETHING_NEW", *DENIED), 403),
            *("forbidden", "configuration", None, False, r"\(SOMETHING_NEW\); look at the account"),
        ),
        (
            answer(failure("notAllowlistedError", "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE", *DENIED), 403),
            *("forbidden", "configuration", None, False, "CUSTOMER_NOT_ALLOWLISTED"),
        ),
        (
            platform(*DENIED, reason("ACCESS_TOKEN_SCOPE_INSUFFICIENT")),
            *("forbidden", "configuration", None, False, "both scopes"),
        ),
        (platform(*DENIED, reason("SERVICE_DISABLED")), "forbidden", "configuration", None, False, "enable the API"),
        (
            answer(failure("headerError", "INVALID_LOGIN_CUSTOMER_ID"), 400),
            *("forbidden", "configuration", None, False, "QUAYSIDE_GOOGLE_ADS_LOGIN_CUSTOMER_ID"),
        ),
        (
            answer(failure("queryError", "REQUESTED_METRICS_FOR_MANAGER"), 400),
            *("forbidden", "configuration", None, False, "is a manager account"),
        ),
        (answer(failure("requestError", "UNSUPPORTED_VERSION"), 400), "version_ended", "ours", None, False, "updated"),
        (answer(failure("newError", "NEW"), 400), "invalid_request", "ours", None, False, r"\(NEW\)"),
        (
            platform(400, "INVALID_ARGUMENT", reason("INVALID_ARGUMENT"), FIELD),
            *("invalid_request", "ours", None, False, r"at events.events\[0\].currency;"),
        ),
        (platform(404, "NOT_FOUND"), "not_found", "ours", None, False, "does not know"),
        (
            answer({"error": {"details": [{"errors": [{"errorCode": "x"}, 1]}, 2]}}, 400),
            "http_400",
            "ours",
            None,
            False,
            "HTTP 400",
        ),
    ],
)
async def test_recorded_errors_have_their_class(
    adapter: GoogleAds,
    response: Response,
    error_type: str,
    fault: Fault,
    retry_after: float | None,
    sent: bool,
    says: str,
) -> None:
    with pytest.raises(HttpFailed, match=says) as caught:
        await run(adapter, FakeExchange(adapter, "send_conversion", [response]), SALE)
    error = caught.value

    assert (error.error_type, error.fault, error.retry_after, error.sent) == (error_type, fault, retry_after, sent)
    assert error.retryable is (error_type in ("rate_limited", "internal_error") or error_type.startswith("http_5"))
    assert "ada@" not in error.message


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "says"),
    [
        (answer({"error": "invalid_grant"}, 400), "unauthorized", "configuration", "QUAYSIDE_GOOGLE_ADS_REFRESH_TOKEN"),
        (
            answer({"error": "invalid_client"}, 401),
            "unauthorized",
            "configuration",
            "QUAYSIDE_GOOGLE_ADS_CLIENT_SECRET",
        ),
        (answer("<html>", 400), "unauthorized", "configuration", "QUAYSIDE_GOOGLE_ADS_CLIENT_ID"),
        (answer({}, 503), "http_503", "theirs", "trouble"),
    ],
)
async def test_a_token_that_is_not_given_is_configuration_and_not_asked_for_again(
    adapter: GoogleAds, response: Response, error_type: str, fault: Fault, says: str
) -> None:
    with pytest.raises(HttpFailed, match=says) as caught:
        await adapter.sign_in(FakeExchange(adapter, "daily_spend", [response]))

    assert (caught.value.error_type, caught.value.fault) == (error_type, fault)
    assert caught.value.retryable is (fault == "theirs")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"<html>", "body"),
        ({"results": []}, "chunks"),
        ([{"results": {"rows": []}}], "chunks.0.results"),
        ([chunk(row(costMicros="much"))], "chunks.0.results.0.metrics.costMicros"),
    ],
)
async def test_an_answer_that_is_no_stream_is_drift(adapter: GoogleAds, body: Any, field: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(adapter, FakeExchange(adapter, "daily_spend", [answer(body)]), SPEND)

    assert caught.value.field == field


# --- against the sandbox -----------------------------------------------------------------------------------------------


async def all_rows(wire: Wire, asked: Mapping[str, Any]) -> list[Any]:
    found, cursor = [], ""
    while True:
        page = await wire.call("daily_spend", {**asked, "cursor": cursor})
        found += page.rows
        if not (cursor := page.next_cursor):
            return found


async def test_two_months_are_read_once_each_day() -> None:
    async with on_the_wire("google_ads") as wire:
        rows = await all_rows(wire, {"since": "2026-08-01", "until": "2026-09-30"})

    days = {one.date for one in rows}
    assert len({(one.campaign_id, one.date) for one in rows}) == len(rows) > 400
    assert max(days) - min(days) == timedelta(days=60)
    assert all(one.spend.currency == "USD" and one.spend.amount > 0 for one in rows)


async def test_a_yen_account_is_read_in_yen() -> None:
    async with on_the_wire("google_ads", currency="JPY") as wire:
        page = await wire.call("daily_spend", SPEND)

    assert {one.spend.currency for one in page.rows} == {"JPY"}


async def test_a_stream_that_breaks_at_200_is_read_again() -> None:
    async with on_the_wire("google_ads", break_stream={"after": 1, "error": "internalError.TRANSIENT_ERROR"}) as wire:
        with pytest.raises(BusinessFailed) as caught:
            await wire.call("daily_spend", SPEND)
        page = await wire.call("daily_spend", SPEND)

    assert (caught.value.status, caught.value.error_type, caught.value.retryable) == (200, "internal_error", True)
    assert page.rows


async def test_a_token_that_ended_is_said_to_have() -> None:
    async with on_the_wire("google_ads") as wire:
        await wire.call("daily_spend", SPEND)
        wire.time += 3600
        for operation, value in (("daily_spend", SPEND), ("send_conversion", SALE)):
            with pytest.raises(HttpFailed) as caught:
                await wire.call(operation, value)
            assert (caught.value.error_type, caught.value.sent) == ("unauthorized", False)
        wire.access = None
        page = await wire.call("daily_spend", SPEND)

    assert page.rows


async def test_the_same_sale_counts_once() -> None:
    async with on_the_wire("google_ads") as wire:
        first = await wire.call("send_conversion", SALE)
        again = await wire.call("send_conversion", SALE)
        effects = await wire.effects()

    assert first.accepted
    assert again.accepted
    assert [(one["reference"], one["amount"]) for one in effects] == [("EXAMPLE-4302", "49.9 USD")]


async def test_a_lost_answer_is_sent_again_and_counted_once() -> None:
    async with on_the_wire("google_ads", processing_seconds=5) as wire:
        wire.adapter = with_settings(OUTCOME_WAIT="30")
        lost = {"vendor": "google_ads", "operation": "send_conversion", "fault": "lost_answer"}
        await wire.control("POST", "faults", [lost])
        with pytest.raises(aiohttp.ClientError):
            await wire.call("send_conversion", SALE)
        await wire.control("DELETE", "faults")
        again = await wire.call("send_conversion", SALE)
        effects = await wire.effects()

    assert (again.accepted, again.message) == (True, "Google Ads has it already.")
    assert len(effects) == 1


@pytest.mark.parametrize(
    ("click", "says"),
    [
        ("sandbox_expired", "looks back"),
        ("sandbox_not_found", "no such click"),
        ("sandbox_unparseable", "not one of Google's"),
        ("sandbox_precedes", "after the sale"),
        ("sandbox_foreign", "another account"),
    ],
)
async def test_a_click_that_leads_nowhere_is_a_result_and_no_effect(click: str, says: str) -> None:
    async with on_the_wire("google_ads", processing_seconds=5) as wire:
        wire.adapter = with_settings(OUTCOME_WAIT="30")
        found = await wire.call("send_conversion", {**SALE, "click_id": click})
        effects = await wire.effects()

    assert (found.accepted, effects) == (False, [])
    assert says in found.message


async def test_a_click_too_fresh_is_for_later() -> None:
    async with on_the_wire("google_ads", processing_seconds=5) as wire:
        wire.adapter = with_settings(OUTCOME_WAIT="30")
        with pytest.raises(BusinessFailed, match="in 6 hours") as caught:
            await wire.call("send_conversion", {**SALE, "click_id": "sandbox_too_recent"})

    assert (caught.value.error_type, caught.value.retry_after, caught.value.retryable) == ("too_recent", 21_600.0, True)


async def test_a_sale_without_consent_is_a_result() -> None:
    async with on_the_wire("google_ads", processing_seconds=5) as wire:
        wire.adapter = with_settings(OUTCOME_WAIT="30", CONSENT="DENIED")
        found = await wire.call("send_conversion", SALE)

    assert (found.accepted, found.message) == (False, "Google Ads does not count it: the shopper did not consent.")


@pytest.mark.parametrize(
    ("changed", "settings", "operation", "error_type", "says"),
    [
        ({"REFRESH_TOKEN": "1//revoked"}, {}, "daily_spend", "unauthorized", "QUAYSIDE_GOOGLE_ADS_REFRESH_TOKEN"),
        ({"CLIENT_SECRET": "invalid"}, {}, "daily_spend", "unauthorized", "QUAYSIDE_GOOGLE_ADS_CLIENT_SECRET"),
        ({"DEVELOPER_TOKEN": "short"}, {}, "daily_spend", "unauthorized", "QUAYSIDE_GOOGLE_ADS_DEVELOPER_TOKEN"),
        ({}, {"manager": "1112223333"}, "daily_spend", "forbidden", "QUAYSIDE_GOOGLE_ADS_LOGIN_CUSTOMER_ID"),
        ({}, {"scopes": ["https://www.googleapis.com/auth/adwords"]}, "send_conversion", "forbidden", "both scopes"),
        ({}, {"data_manager_enabled": False}, "send_conversion", "forbidden", "enable the API"),
    ],
)
async def test_what_is_set_up_wrong_is_configuration(
    changed: dict[str, str], settings: dict[str, Any], operation: str, error_type: str, says: str
) -> None:
    async with on_the_wire("google_ads", **settings) as wire:
        wire.adapter = with_settings(**changed)
        with pytest.raises(HttpFailed, match=says) as caught:
            await wire.call(operation, SALE if operation == "send_conversion" else SPEND)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == (error_type, "configuration", False)


async def test_an_account_below_a_manager_is_reached_through_it() -> None:
    async with on_the_wire("google_ads", manager="1112223333") as wire:
        wire.adapter = with_settings(LOGIN_CUSTOMER_ID="111-222-3333")
        page = await wire.call("daily_spend", SPEND)
        sent = await wire.call("send_conversion", SALE)

    assert page.rows
    assert sent.accepted


@pytest.mark.parametrize(("operation", "value"), [("daily_spend", SPEND), ("send_conversion", SALE)])
async def test_too_many_requests_are_waited_out(operation: str, value: dict[str, Any]) -> None:
    async with on_the_wire("google_ads") as wire:
        await wire.call(operation, value)
        await wire.control(
            "POST", "faults", [{"vendor": "google_ads", "operation": operation, "fault": "rate_limit:12"}]
        )
        with pytest.raises(HttpFailed) as caught:
            await wire.call(operation, value)

    assert (caught.value.status, caught.value.error_type, caught.value.retry_after) == (429, "rate_limited", 12.0)


async def test_a_field_google_refuses_is_named() -> None:
    async with on_the_wire("google_ads", conversion_actions=["1"]) as wire:
        with pytest.raises(CallFailed, match="product_destination_id") as caught:
            await wire.call("send_conversion", SALE)

    assert (caught.value.error_type, caught.value.fault) == ("invalid_request", "ours")


async def test_a_sale_of_three_months_ago_is_too_long_ago() -> None:
    old = datetime.fromtimestamp(START, UTC) - timedelta(days=91)
    async with on_the_wire("google_ads", processing_seconds=1) as wire:
        wire.adapter = with_settings(OUTCOME_WAIT="5")
        found = await wire.call("send_conversion", {**SALE, "at": old.isoformat()})

    assert (found.accepted, found.message) == (False, "Google Ads does not count it: the sale is too long ago.")


def test_nothing_personal_is_kept_of_an_event() -> None:
    event = published("datamanager.v1")["schemas"]
    private = {
        "userData",
        "userIdentifiers",
        "emailAddress",
        "phoneNumber",
        "gclid",
        "userAgent",
        "ipAddress",
        "message",
    }
    private |= set(event["AddressInfo"]["properties"]) | {"access_token", "refresh_token", "client_secret", "name"}

    assert VENDOR.kept_fields & private == set()
