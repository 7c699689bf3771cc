from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
import pytest

from integrations.sandbox.google_ads import messages, shapes
from integrations.sandbox.google_ads.conversions import CLICKS, RECENT_ACTION, SAME_CLICK, SAME_ORDER, TOO_OLD
from integrations.sandbox.google_ads.event_checks import MOST_EVENTS
from integrations.sandbox.google_ads.fields import FIELDS, camel
from tests.contracts import contract
from tests.integrations.sandbox.conftest import START, Clock, Sandbox, Start

CUSTOMER, ACTION, DEVELOPER_TOKEN = "1234567890", "987", "QuaysideDeveloperToken"
STREAM = f"/v25/customers/{CUSTOMER}/googleAds:searchStream"
SEARCH = f"/v25/customers/{CUSTOMER}/googleAds:search"
UPLOAD = f"/v25/customers/{CUSTOMER}:uploadClickConversions"
INGEST, STATUS = "/v1/events:ingest", "/v1/requestStatus:retrieve"
DAILY = (
    "SELECT campaign.id, campaign.name, campaign.status, segments.date, metrics.cost_micros, metrics.impressions, "
    "metrics.clicks, metrics.conversions, metrics.conversions_value, customer.currency_code FROM campaign "
    "WHERE segments.date BETWEEN '2026-09-24' AND '2026-09-30'"
)
DAY = 86_400
HASH = hashlib.sha256(b"ada@example.com").hexdigest()
GRANT = {
    "client_id": "quayside",
    "client_secret": "secret",
    "refresh_token": "1//quayside",
    "grant_type": "refresh_token",
}

Send = Callable[..., Awaitable[tuple[int, Any, Any]]]
Sign = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("google_ads")


@pytest.fixture
def sign_in(sandbox: Sandbox) -> Sign:
    """Ask for a token; the answer is status and JSON."""

    async def ask(path: str = "/token", **changed: str) -> tuple[int, Any]:
        async with sandbox.client.post(f"{sandbox.url}/google_ads{path}", data=GRANT | changed) as answer:
            return answer.status, await answer.json()

    return ask


@pytest.fixture
async def send(sandbox: Sandbox, sign_in: Sign) -> Send:
    """Send one request with a token just given out; the answer is status, JSON and headers."""
    _, given = await sign_in()

    async def send_one(method: str, path: str, body: Any = None, **headers: str | None) -> tuple[int, Any, Any]:
        named: dict[str, str | None] = {"developer-token": DEVELOPER_TOKEN}
        named["Authorization"] = f"Bearer {given['access_token']}"
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in named.items() if value is not None}
        data = body if isinstance(body, bytes | None) else orjson.dumps(body)
        url = f"{sandbox.url}/google_ads{path}"
        async with sandbox.client.request(method, url, data=data, headers=sent) as answer:
            return answer.status, await answer.json(), answer.headers

    return send_one


@pytest.fixture
def ask(send: Send) -> Callable[[str], Awaitable[list[dict[str, Any]]]]:
    """Stream a query and return all its rows."""

    async def ask_one(query: str, path: str = STREAM) -> list[dict[str, Any]]:
        status, chunks, _ = await send("POST", path, {"query": query})

        assert status == 200, chunks
        return [row for chunk in chunks for row in chunk.get("results", [])]

    return ask_one


@lru_cache(maxsize=4)
def spec(name: str) -> Any:
    return orjson.loads(contract(f"google_ads/{name}.json").read_bytes())


async def settle(sandbox: Sandbox, **settings: Any) -> None:
    """Change the twin's settings."""
    await sandbox.control("PUT", "settings", {"google_ads": settings})


def failure(answer: Any) -> dict[str, Any]:
    """Return the one error of a GoogleAdsFailure, whatever it is wrapped in."""
    error = (answer[0] if isinstance(answer, list) else answer)["error"]
    details: dict[str, Any] = error["details"][0]
    assert details["@type"] == "type.googleapis.com/google.ads.googleads.v25.errors.GoogleAdsFailure"
    check("errors.GoogleAdsFailure", {name: value for name, value in details.items() if name != "@type"})
    found: dict[str, Any] = details["errors"][0]
    return found


def check(message: str, value: Any) -> None:
    """Raise AssertionError unless a value is a good JSON form of a message of the Ads API."""
    fields = {one["json"]: one for one in spec("googleads_v25_rest_subset")["messages"][message]}
    for name, item in value.items():
        one = fields[name]
        for each in item if one.get("repeated") else [item]:
            _check_kind(one["type"], each)


def _check_kind(kind: str, value: Any) -> None:
    contracts = spec("googleads_v25_rest_subset")
    plain: dict[str, Any] = {"string": str, "int64": str, "int32": int, "bool": bool, "double": int | float}
    if kind in plain:
        assert isinstance(value, plain[kind]), (kind, value)
    elif kind.startswith("enum "):
        words = contracts["enums"].get(kind.removeprefix("enum errors."))
        assert isinstance(value, str)
        assert words is None or value in words, (kind, value)
    elif kind in contracts["messages"]:
        check(kind, value)


def event(number: int = 1, **changed: Any) -> dict[str, Any]:
    made = {
        "eventTimestamp": "2026-10-01T10:00:00Z",
        "transactionId": f"order-{number}",
        "eventSource": "WEB",
        "conversionValue": 49.9,
        "currency": "USD",
        "adIdentifiers": {"gclid": f"EAIa{number}"},
        "userData": {"userIdentifiers": [{"emailAddress": HASH}]},
    }
    return {name: value for name, value in (made | changed).items() if value is not None}


def ingest(*events: dict[str, Any], **changed: Any) -> dict[str, Any]:
    account = {"accountType": "GOOGLE_ADS", "accountId": CUSTOMER}
    made = {
        "destinations": [{"operatingAccount": account, "productDestinationId": ACTION}],
        "events": list(events) or [event()],
        "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
        "encoding": "HEX",
    }
    return {name: value for name, value in (made | changed).items() if value is not None}


def conversion(number: int = 1, **changed: Any) -> dict[str, Any]:
    made = {
        "conversionAction": f"customers/{CUSTOMER}/conversionActions/{ACTION}",
        "gclid": f"EAIa{number}",
        "conversionDateTime": "2026-10-01 10:00:00+00:00",
        "conversionValue": 49.9,
        "currencyCode": "USD",
        "orderId": f"order-{number}",
    }
    return {name: value for name, value in (made | changed).items() if value is not None}


# Published messages


def _names(kind: Any) -> Any:
    """Return the names a shape takes, nested as they are."""
    if isinstance(kind, messages.ListOf):
        return _names(kind.item)
    if isinstance(kind, messages.Enum):
        return sorted(kind.words)
    return {name: _names(item) for name, item in kind.items()} if isinstance(kind, dict) else None


def test_events_are_read_as_the_discovery_document_publishes_them() -> None:
    schemas = spec("datamanager.v1")["schemas"]

    def published(one: dict[str, Any]) -> Any:
        if "$ref" in one:
            return {name: published(item) for name, item in schemas[one["$ref"]]["properties"].items()}
        if "items" in one:
            return published(one["items"])
        return sorted(one["enum"]) if "enum" in one else None

    assert _names(shapes.INGEST) == published({"$ref": "IngestEventsRequest"})


@pytest.mark.parametrize("version", ["v25", "v26"])
def test_ads_messages_are_read_as_published(version: str) -> None:
    contracts = spec(f"googleads_{version}_rest_subset")["messages"]

    def published(message: str) -> set[str]:
        return {one["json"] for one in contracts[message]}

    assert set(shapes.STREAM) == published("services.SearchGoogleAdsStreamRequest") - {"customerId"}
    assert set(shapes.SEARCH) == published("services.SearchGoogleAdsRequest") - {"customerId"}
    assert set(shapes.UPLOAD) == published("services.UploadClickConversionsRequest") - {"customerId"}
    assert set(shapes.CLICK_CONVERSION) == published("services.ClickConversion")
    assert set(shapes.ADS_USER_IDENTIFIER) == published("common.UserIdentifier")


def test_fields_and_outcomes_that_are_played_are_published() -> None:
    contracts = spec("googleads_v25_rest_subset")
    homes = {"customer": "resources.Customer", "campaign": "resources.Campaign"}
    homes |= {"segments": "common.Segments", "metrics": "common.Metrics"}
    kinds = {"date": "string"}
    for name, one in FIELDS.items():
        resource, _, member = name.partition(".")
        found = next(item for item in contracts["messages"][homes[resource]] if item["name"] == member)

        assert found["json"] == camel(member)
        assert isinstance(one.kind, tuple) or found["type"] == kinds.get(one.kind, one.kind)
    outcomes = [*CLICKS.values(), TOO_OLD, RECENT_ACTION, SAME_ORDER, SAME_CLICK]
    processing = spec("datamanager.v1")["schemas"]["ErrorCount"]["properties"]["reason"]["enum"]
    assert {one.upload for one in outcomes} <= set(
        contracts["enums"]["ConversionUploadErrorEnum.ConversionUploadError"]
    )
    assert {one.processing for one in outcomes} <= set(processing)


# Tokens


async def test_refresh_token_gives_a_token_for_an_hour(sandbox: Sandbox, sign_in: Sign, send: Send) -> None:
    status, given = await sign_in()
    old, alias = await sign_in("/o/oauth2/token")
    before, _, _ = await send("POST", STREAM, {"query": DAILY})
    sandbox.clock.move(3599)
    after, answer, _ = await send("POST", STREAM, {"query": DAILY})
    other, events, _ = await send("POST", INGEST, ingest())

    assert (status, old) == (200, 200)
    assert set(given) == set(alias) == {"access_token", "expires_in", "scope", "token_type"}
    assert (given["expires_in"], given["token_type"]) == (3599, "Bearer")
    assert (before, after, other) == (200, 401, 401)
    assert failure(answer)["errorCode"] == {"authenticationError": "OAUTH_TOKEN_EXPIRED"}
    assert events["error"]["details"][0]["reason"] == "ACCESS_TOKEN_EXPIRED"
    assert [one["operation"] for one in await sandbox.requests("google_ads")].count("sign_in") == 3


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"refresh_token": "1//invalid"}, 400, "invalid_grant"),
        ({"refresh_token": "1//revoked"}, 400, "invalid_grant"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"client_id": "invalid"}, 401, "invalid_client"),
        ({"client_secret": "invalid"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_token_is_refused_in_oauths_form(sign_in: Sign, changed: dict[str, str], status: int, error: str) -> None:
    got, answer = await sign_in(**changed)

    assert (got, answer["error"]) == (status, error)
    assert set(answer) == {"error", "error_description"}


@pytest.mark.parametrize(
    ("authorization", "ads", "events"),
    [
        (None, "AUTHENTICATION_ERROR", "CREDENTIALS_MISSING"),
        ("Bearer ya29.unknown", "OAUTH_TOKEN_INVALID", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    ],
)
async def test_each_api_tells_of_a_bad_token_in_its_own_form(
    send: Send, authorization: str | None, ads: str, events: str
) -> None:
    one, answer, _ = await send("POST", STREAM, {"query": DAILY}, Authorization=authorization)
    two, other, _ = await send("POST", INGEST, ingest(), Authorization=authorization)

    assert (one, two) == (401, 401)
    assert failure(answer)["errorCode"] == {"authenticationError": ads}
    assert (other["error"]["status"], other["error"]["details"][0]["reason"]) == ("UNAUTHENTICATED", events)


async def test_scope_is_needed_for_each_api(sandbox: Sandbox, sign_in: Sign, send: Send) -> None:
    await settle(sandbox, scopes=["https://www.googleapis.com/auth/adwords"])
    _, given = await sign_in()
    bearer = f"Bearer {given['access_token']}"
    ads, _, _ = await send("POST", STREAM, {"query": DAILY}, Authorization=bearer)
    status, answer, _ = await send("POST", INGEST, ingest(), Authorization=bearer)

    assert (ads, status) == (200, 403)
    assert answer["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


async def test_events_need_no_developer_token_and_reports_do(send: Send) -> None:
    events, _, _ = await send("POST", INGEST, ingest(), developer_token=None)
    missing, one, _ = await send("POST", STREAM, {"query": DAILY}, developer_token=None)
    wrong, two, _ = await send("POST", STREAM, {"query": DAILY}, developer_token="short")

    assert (events, missing, wrong) == (200, 400, 401)
    assert failure(one)["errorCode"] == {"requestError": "DEVELOPER_TOKEN_PARAMETER_MISSING"}
    assert failure(two)["errorCode"] == {"authenticationError": "DEVELOPER_TOKEN_INVALID"}


async def test_service_that_is_not_enabled_says_so(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, data_manager_enabled=False)
    status, answer, _ = await send("POST", INGEST, ingest())

    assert (status, answer["error"]["details"][0]["reason"]) == (403, "SERVICE_DISABLED")


# Accounts


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (STREAM.replace(CUSTOMER, "123-456-7890"), {}, 400, {"requestError": "INVALID_CUSTOMER_ID"}),
        (STREAM, {"login_customer_id": "123-456-7890"}, 400, {"headerError": "INVALID_LOGIN_CUSTOMER_ID"}),
        (STREAM, {"linked_customer_id": "me"}, 400, {"headerError": "INVALID_LINKED_CUSTOMER_ID"}),
        (STREAM.replace(CUSTOMER, "5550000001"), {}, 403, {"authorizationError": "CUSTOMER_NOT_ENABLED"}),
        (STREAM.replace("v25", "v19"), {}, 400, {"requestError": "UNSUPPORTED_VERSION"}),
    ],
)
async def test_account_and_version_are_checked(
    sandbox: Sandbox, send: Send, path: str, headers: dict[str, str], status: int, code: dict[str, str]
) -> None:
    await settle(sandbox, customers={"5550000001": {"problem": "CUSTOMER_NOT_ENABLED"}})
    got, answer, _ = await send("POST", path, {"query": DAILY}, **headers)

    assert (got, failure(answer)["errorCode"]) == (status, code)


async def test_client_of_a_manager_is_reached_through_it_alone(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, manager="9990000001")
    alone, answer, _ = await send("POST", STREAM, {"query": DAILY})
    through, _, _ = await send("POST", STREAM, {"query": DAILY}, login_customer_id="9990000001")
    own = STREAM.replace(CUSTOMER, "9990000001")
    status, refused, _ = await send("POST", own, {"query": DAILY}, login_customer_id="9990000001")

    assert (alone, through, status) == (403, 200, 400)
    assert failure(answer)["errorCode"] == {"authorizationError": "USER_PERMISSION_DENIED"}
    assert failure(refused)["errorCode"] == {"queryError": "REQUESTED_METRICS_FOR_MANAGER"}


# Reports


async def test_stream_is_an_array_of_chunks(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, chunk_rows=20)
    status, chunks, _ = await send("POST", STREAM, {"query": DAILY})

    assert (status, len(chunks) > 2) == (200, True)
    assert [len(chunk["results"]) for chunk in chunks[:-1]] == [20] * (len(chunks) - 1)
    assert len({chunk["requestId"] for chunk in chunks}) == 1
    assert chunks[0]["fieldMask"].startswith(
        "campaign.id,campaign.name,campaign.status,segments.date,metrics.costMicros"
    )
    for chunk in chunks:
        check("services.SearchGoogleAdsStreamResponse", chunk)
        for row in chunk["results"]:
            for resource, message in (("campaign", "resources.Campaign"), ("customer", "resources.Customer")):
                check(message, row[resource])
            check("common.Segments", row["segments"])
            check("common.Metrics", row["metrics"])
    assert [one["operation"] for one in await sandbox.requests("google_ads")][-1] == "daily_spend"


async def test_int64_is_text_a_double_a_number_and_an_enum_its_word(ask: Any) -> None:
    row = (await ask(DAILY))[0]

    assert set(row) == {"campaign", "customer", "metrics", "segments"}
    assert row["campaign"]["resourceName"] == f"customers/{CUSTOMER}/campaigns/{row['campaign']['id']}"
    assert row["customer"] == {"resourceName": f"customers/{CUSTOMER}", "currencyCode": "USD"}
    assert (row["campaign"]["status"], row["campaign"]["id"].isdigit()) == ("ENABLED", True)
    assert all(row["metrics"][name].isdigit() for name in ("costMicros", "impressions", "clicks"))
    assert isinstance(row["metrics"]["conversions"], float)


async def test_nought_is_left_out(ask: Any) -> None:
    rows = await ask(
        "SELECT campaign.id, metrics.cost_micros, metrics.clicks FROM campaign WHERE segments.date DURING TODAY"
    )

    assert len(rows) == 12
    assert [row for row in rows if "metrics" not in row] != []
    assert all(set(row) == {"campaign"} or "costMicros" in row["metrics"] for row in rows)


async def test_days_add_up_to_the_range_and_campaigns_to_the_customer(ask: Any) -> None:
    span = "WHERE segments.date BETWEEN '2026-09-24' AND '2026-09-30'"
    daily = await ask(DAILY)
    whole = await ask(f"SELECT campaign.id, metrics.cost_micros FROM campaign {span}")
    customer = await ask(f"SELECT customer.id, metrics.cost_micros FROM customer {span}")

    sums = [sum(int(row.get("metrics", {}).get("costMicros", 0)) for row in rows) for rows in (daily, whole, customer)]
    assert sums[0] == sums[1] == sums[2] > 0
    assert (len(customer), customer[0]["customer"]["id"]) == (1, CUSTOMER)


async def test_days_without_delivery_have_no_row(ask: Any) -> None:
    rows = await ask(DAILY)

    assert 0 < len(rows) < 12 * 7
    assert await ask(DAILY.replace("'2026-09-24' AND '2026-09-30'", "'2027-01-01' AND '2027-01-02'")) == []


async def test_recent_days_are_restated(sandbox: Sandbox, ask: Any) -> None:
    span = "segments.date BETWEEN '2026-09-20' AND '2026-09-30'"
    query = f"SELECT segments.date, metrics.cost_micros FROM customer WHERE {span}"
    before = await ask(query)
    sandbox.clock.move(1800)
    again = await ask(query)

    changed = [
        one["segments"]["date"] for one, two in zip(before, again, strict=True) if one["metrics"] != two["metrics"]
    ]
    assert changed == ["2026-09-28", "2026-09-29", "2026-09-30"]


async def test_micros_are_the_accounts_currency_and_days_its_own(sandbox: Sandbox, ask: Any, clock: Clock) -> None:
    clock.move(-9 * 3600)  # 03:00 UTC: still the day before in New York
    await settle(sandbox, customers={"2000000001": {"currency": "JPY", "time_zone": "Asia/Tokyo"}})
    query = "SELECT segments.date, metrics.cost_micros, customer.currency_code, customer.time_zone FROM customer {}"
    today = "WHERE segments.date DURING TODAY"
    yen = (await ask(query.format(today), STREAM.replace(CUSTOMER, "2000000001")))[0]
    dollars = (await ask(query.format(today)))[0]

    assert (yen["segments"]["date"], dollars["segments"]["date"]) == ("2026-10-01", "2026-09-30")
    assert yen["customer"]["currencyCode"] == "JPY"
    assert int(yen["metrics"]["costMicros"]) % 1_000_000 == 0
    assert Decimal(dollars["metrics"]["costMicros"]) / 1_000_000 % Decimal("0.01") == 0


@pytest.mark.parametrize(
    ("condition", "days"),
    [
        ("segments.date DURING LAST_7_DAYS", ("2026-09-24", "2026-09-30")),
        ("segments.date DURING YESTERDAY", ("2026-09-30", "2026-09-30")),
        ("segments.date DURING LAST_MONTH", ("2026-09-01", "2026-09-30")),
        ("segments.date DURING LAST_WEEK_MON_SUN", ("2026-09-21", "2026-09-27")),
        ("segments.date DURING LAST_BUSINESS_WEEK", ("2026-09-21", "2026-09-25")),
        ("segments.date >= '20260901' AND segments.date < '2026-09-03'", ("2026-09-01", "2026-09-02")),
        ("segments.date = '2026-09-05'", ("2026-09-05", "2026-09-05")),
        ("segments.month = '2026-08-01'", ("2026-08-01", "2026-08-31")),
        ("segments.week = '2026-09-07'", ("2026-09-07", "2026-09-13")),
    ],
)
async def test_range_is_read(ask: Any, condition: str, days: tuple[str, str]) -> None:
    rows = await ask(f"SELECT segments.date, metrics.clicks FROM customer WHERE {condition}")
    found = [row["segments"]["date"] for row in rows]

    assert (min(found), max(found)) == days


async def test_rows_are_filtered_ordered_and_limited(ask: Any) -> None:
    tail = (
        "AND campaign.status = 'ENABLED' AND metrics.clicks > 5 ORDER BY metrics.cost_micros DESC, campaign.id LIMIT 5"
    )
    rows = await ask(f"{DAILY} {tail} PARAMETERS include_drafts = false")
    named = await ask("SELECT campaign.id FROM campaign WHERE campaign.status IN ('PAUSED', 'REMOVED')")
    liked = await ask("SELECT campaign.name FROM campaign WHERE campaign.name LIKE '%01'")

    costs = [int(row["metrics"]["costMicros"]) for row in rows]
    assert (len(costs), costs) == (5, sorted(costs, reverse=True))
    assert len(named) == 2
    assert [row["campaign"]["name"][-2:] for row in liked] == ["01"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "UNEXPECTED_END_OF_QUERY"),
        ("UPDATE campaign", "EXPECTED_SELECT"),
        ("SELECT campaign.id", "EXPECTED_FROM"),
        ("SELECT spend FROM campaign", "BAD_FIELD_NAME"),
        ("SELECT campaign.profit FROM campaign", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaigns", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("SELECT campaign.id FROM customer", "PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"),
        ("SELECT customer.id FROM customer WHERE campaign.id = 1", "PROHIBITED_RESOURCE_TYPE_IN_WHERE_CLAUSE"),
        ("SELECT segments.date FROM campaign", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT segments.date FROM campaign WHERE segments.date > '2026-09-01'", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        (
            "SELECT campaign.id FROM campaign WHERE segments.date DURING LAST_3_DAYS",
            "INVALID_VALUE_WITH_DURING_OPERATOR",
        ),
        (
            "SELECT campaign.id FROM campaign WHERE segments.date BETWEEN '1' AND '2'",
            "INVALID_VALUE_WITH_BETWEEN_OPERATOR",
        ),
        ("SELECT campaign.id FROM campaign WHERE segments.date BETWEEN '2026-09-01'", "EXPECTED_AND"),
        ("SELECT campaign.id FROM campaign WHERE segments.month = '2026-09-02'", "MISALIGNED_DATE_FOR_FILTER"),
        (
            "SELECT campaign.id FROM campaign WHERE segments.day_of_week = MONDAY",
            "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE",
        ),
        ("SELECT campaign.id FROM campaign ORDER BY metrics.clicks", "EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.status = 'ON'", "BAD_ENUM_CONSTANT"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id = 'x'", "BAD_NUMBER"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id ~ 1", "BAD_SYMBOL"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name = 'x", "STRING_NOT_TERMINATED"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id NEAR 1", "BAD_OPERATOR"),
        ("SELECT campaign.id FROM campaign WHERE campaign.name > 'a'", "OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id IN ()", "PROHIBITED_EMPTY_LIST_IN_CONDITION"),
        ("SELECT campaign.id FROM campaign LIMIT 0", "LIMIT_VALUE_TOO_LOW"),
        ("SELECT campaign.id FROM campaign LIMIT many", "BAD_LIMIT_VALUE"),
        ("SELECT campaign.id FROM campaign ORDER campaign.id", "EXPECTED_BY"),
        ("SELECT campaign.id FROM campaign PARAMETERS verbose = true", "BAD_PARAMETER_NAME"),
        ("SELECT campaign.id FROM campaign OFFSET 10", "UNEXPECTED_INPUT"),
    ],
)
async def test_bad_query_is_refused_by_code(send: Send, query: str, code: str) -> None:
    status, answer, headers = await send("POST", STREAM, {"query": query})

    assert (status, failure(answer)["errorCode"]) == (400, {"queryError": code})
    assert headers["request-id"] == answer[0]["error"]["details"][0]["requestId"]


async def test_error_of_a_stream_may_be_wrapped_in_an_array_or_not(sandbox: Sandbox, send: Send) -> None:
    _, wrapped, _ = await send("POST", STREAM, {"query": ""})
    await settle(sandbox, stream_errors="object")
    _, bare, _ = await send("POST", STREAM, {"query": ""})
    _, paged, _ = await send("POST", SEARCH, {"query": ""})

    assert (isinstance(wrapped, list), isinstance(bare, dict), isinstance(paged, dict)) == (True, True, True)
    assert wrapped[0]["error"]["status"] == bare["error"]["status"] == "INVALID_ARGUMENT"


async def test_stream_can_break_after_good_chunks_at_status_200(sandbox: Sandbox, send: Send) -> None:
    broken = {"after": 1, "error": "authenticationError.OAUTH_TOKEN_EXPIRED"}
    await settle(sandbox, chunk_rows=20, break_stream=broken)
    status, chunks, _ = await send("POST", STREAM, {"query": DAILY})
    _, whole, _ = await send("POST", STREAM, {"query": DAILY})

    assert (status, len(chunks), len(chunks[0]["results"])) == (200, 2, 20)
    assert failure(chunks[1:])["errorCode"] == {"authenticationError": "OAUTH_TOKEN_EXPIRED"}
    assert len(whole) > 2


async def test_answer_without_rows_is_a_chunk_without_results(send: Send) -> None:
    query = "SELECT campaign.id FROM campaign WHERE campaign.id = 1"
    _, chunks, _ = await send("POST", STREAM, {"query": query})

    assert len(chunks) == 1
    assert "results" not in chunks[0]


async def test_search_turns_pages_and_refuses_a_page_size(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, page_rows=30, operations_a_day=2)
    body = {"query": DAILY, "searchSettings": {"returnTotalResultsCount": True}}
    _, first, _ = await send("POST", SEARCH, body)
    rows, page = first["results"], first
    while token := page.get("nextPageToken"):
        _, page, _ = await send("POST", SEARCH, body | {"pageToken": token})
        check("services.SearchGoogleAdsResponse", page)
        rows = rows + page["results"]
    status, sized, _ = await send("POST", SEARCH, {"query": DAILY, "pageSize": 10})
    _, lost, _ = await send("POST", SEARCH, {"query": DAILY, "pageToken": "nowhere"})

    assert str(len(rows)) == first["totalResultsCount"]
    assert (status, failure(sized)["errorCode"]) == (400, {"requestError": "PAGE_SIZE_NOT_SUPPORTED"})
    assert failure(lost)["errorCode"] == {"requestError": "INVALID_PAGE_TOKEN"}


async def test_query_without_metrics_is_a_look_up(sandbox: Sandbox, send: Send) -> None:
    await send("POST", SEARCH, {"query": "SELECT customer.id FROM customer LIMIT 1"})
    await send("POST", SEARCH, {"query": DAILY})
    await send("POST", SEARCH, b"\xff")

    operations = [one["operation"] for one in await sandbox.requests("google_ads")]
    assert operations == ["sign_in", "look_up", "daily_spend", "look_up"]


@pytest.mark.parametrize("path", [STREAM, SEARCH, UPLOAD, INGEST])
async def test_unknown_name_refuses_the_body(send: Send, path: str) -> None:
    status, answer, _ = await send("POST", path, {"querry": "x"})
    error = (answer[0] if isinstance(answer, list) else answer)["error"]

    assert (status, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["message"] == 'Invalid JSON payload received. Unknown name "querry": Cannot find field.'
    assert error["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"


# Limits of the Google Ads API


async def test_operations_are_counted_in_a_sliding_day(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, operations_a_day=2)
    await send("POST", STREAM, {"query": DAILY})
    sandbox.clock.move(1800)
    await send("POST", STREAM, {"query": DAILY})
    status, answer, headers = await send("POST", STREAM, {"query": DAILY})
    other, _, _ = await send("POST", STREAM, {"query": DAILY}, developer_token="AnotherDeveloperToken1")
    await settle(sandbox, access_level="standard")
    unlimited, _, _ = await send("POST", STREAM, {"query": DAILY})

    error = failure(answer)
    assert (status, error["errorCode"]) == (429, {"quotaError": "RESOURCE_EXHAUSTED"})
    assert error["details"]["quotaErrorDetails"] == {
        "rateScope": "DEVELOPER",
        "rateName": "Number of operations for basic access",
        "retryDelay": f"{DAY - 1800}s",
    }
    assert [name for name in headers if "retry" in name.lower() or "limit" in name.lower()] == []
    assert (other, unlimited) == (200, 200)


async def test_requests_a_second_are_limited_for_each_customer(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, requests_a_second=2)
    statuses = [(await send("POST", STREAM, {"query": DAILY}))[0] for _ in range(2)]
    status, answer, _ = await send("POST", STREAM, {"query": DAILY}, developer_token="AnotherDeveloperToken1")
    sandbox.clock.move(1)
    after, _, _ = await send("POST", STREAM, {"query": DAILY})

    error = failure(answer)
    assert (statuses, status, after) == ([200, 200], 429, 200)
    assert error["errorCode"] == {"quotaError": "RESOURCE_TEMPORARILY_EXHAUSTED"}
    assert (
        error["details"]["quotaErrorDetails"]["rateScope"],
        error["details"]["quotaErrorDetails"]["retryDelay"],
    ) == (
        "ACCOUNT",
        "1s",
    )


async def test_next_request_can_be_made_to_fail(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, fail_next="quotaError.EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION")
    quota, one, _ = await send("POST", STREAM, {"query": DAILY})
    await settle(sandbox, fail_next="internalError.TRANSIENT_ERROR")
    internal, two, _ = await send("POST", STREAM, {"query": DAILY})
    after, _, _ = await send("POST", STREAM, {"query": DAILY})

    assert (quota, internal, after) == (429, 500, 200)
    assert failure(one)["errorCode"] == {"quotaError": "EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION"}
    assert failure(two)["errorCode"] == {"internalError": "TRANSIENT_ERROR"}


async def test_ordered_faults_are_told_googles_way(sandbox: Sandbox, send: Send) -> None:
    await sandbox.fault("google_ads", "rate_limit:30")
    status, limited, _ = await send("POST", SEARCH, {"query": DAILY})
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("google_ads", "status:503")
    down, answer, _ = await send("POST", SEARCH, {"query": DAILY})
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("google_ads", "schema")
    _, chunks, _ = await send("POST", STREAM, {"query": DAILY})
    _, accepted, _ = await send("POST", INGEST, ingest())

    assert (status, failure(limited)["details"]["quotaErrorDetails"]["retryDelay"]) == (429, "30s")
    assert (down, answer["error"]["status"]) == (503, "UNAVAILABLE")
    assert isinstance(chunks[0]["results"], dict)
    assert accepted == {}


# Uploads of click conversions


async def test_upload_is_closed_to_new_developer_tokens(sandbox: Sandbox, send: Send) -> None:
    status, answer, _ = await send("POST", UPLOAD, {"conversions": [conversion()], "partialFailure": True})

    assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert failure(answer)["errorCode"] == {"notAllowlistedError": "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"}
    assert await sandbox.effects("google_ads") == []


async def test_rows_fail_alone_at_status_200(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, offline_import=True)
    rows = [
        conversion(1),
        conversion(2, gclid="sandbox_expired"),
        conversion(3, conversionDateTime="2026-10-01T10:00:00Z"),
    ]
    status, answer, _ = await send("POST", UPLOAD, {"conversions": rows, "partialFailure": True, "jobId": 12})

    check("services.UploadClickConversionsResponse", answer)
    partial = answer["partialFailureError"]
    errors = partial["details"][0]["errors"]
    assert (status, partial["code"], answer["jobId"]) == (200, 3, "12")
    assert [bool(result) for result in answer["results"]] == [True, False, False]
    assert set(answer["results"][0]) == {"gclid", "conversionAction", "conversionDateTime"}
    assert [one["location"]["fieldPathElements"][0] for one in errors] == [
        {"fieldName": "conversions", "index": 1},
        {"fieldName": "conversions", "index": 2},
    ]
    assert [one["errorCode"] for one in errors] == [
        {"conversionUploadError": "EXPIRED_EVENT"},
        {"dateError": "INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"},
    ]
    effects = await sandbox.effects("google_ads")
    assert [(one["kind"], one["reference"], one["amount"]) for one in effects] == [
        ("conversion", "order-1", "49.9 USD")
    ]
    assert [one["operation"] for one in await sandbox.requests("google_ads")][-1] == "send_conversion"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"conversionAction": None}, {"fieldError": "REQUIRED"}),
        ({"conversionAction": "987"}, {"requestError": "RESOURCE_NAME_MALFORMED"}),
        (
            {"conversionAction": "customers/1/conversionActions/987"},
            {"conversionUploadError": "NO_CONVERSION_ACTION_FOUND"},
        ),
        ({"gclid": None}, {"fieldError": "REQUIRED"}),
        ({"wbraid": "x"}, {"fieldError": "VALUE_MUST_BE_UNSET"}),
        ({"gclid": None, "wbraid": "x", "gbraid": "y"}, {"conversionUploadError": "GBRAID_WBRAID_BOTH_SET"}),
        ({"userIdentifiers": [{"hashedEmail": HASH}] * 6}, {"collectionSizeError": "TOO_MANY"}),
        ({"userIdentifiers": [{"mobileId": "x"}]}, {"conversionUploadError": "UNSUPPORTED_USER_IDENTIFIER"}),
        (
            {"userIdentifiers": [{"hashedEmail": "ada@example.com"}]},
            {"conversionUploadError": "INVALID_USER_IDENTIFIER"},
        ),
        ({"conversionDateTime": "2026-06-01 10:00:00+00:00"}, {"conversionUploadError": "EXPIRED_EVENT"}),
        ({"conversionDateTime": "2026-10-02 10:00:00+00:00"}, {"dateError": "LATER_THAN_MAXIMUM_DATE"}),
        *(({"gclid": f"sandbox_{name}"}, {"conversionUploadError": one.upload}) for name, one in CLICKS.items()),
    ],
)
async def test_row_is_refused_by_code(sandbox: Sandbox, send: Send, changed: Any, code: dict[str, str]) -> None:
    await settle(sandbox, offline_import=True)
    _, answer, _ = await send("POST", UPLOAD, {"conversions": [conversion(**changed)], "partialFailure": True})

    error = answer["partialFailureError"]["details"][0]["errors"][0]
    check("errors.GoogleAdsError", error)
    assert (error["errorCode"], answer["results"]) == (code, [{}])
    assert await sandbox.effects("google_ads") == []


async def test_duplicates_are_refused_by_how_they_are_one(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, offline_import=True)
    await send("POST", UPLOAD, {"conversions": [conversion(1)], "partialFailure": True})
    rows = [
        conversion(1),
        conversion(1, orderId=None),
        conversion(2),
        conversion(2, orderId=None),
        conversion(3, orderId="order-2"),
    ]
    _, answer, _ = await send("POST", UPLOAD, {"conversions": rows, "partialFailure": True})

    errors = answer["partialFailureError"]["details"][0]["errors"]
    assert [one["errorCode"]["conversionUploadError"] for one in errors] == [
        "ORDER_ID_ALREADY_IN_USE",
        "CLICK_CONVERSION_ALREADY_EXISTS",
        "DUPLICATE_CLICK_CONVERSION_IN_REQUEST",
        "DUPLICATE_ORDER_ID",
    ]
    assert len(await sandbox.effects("google_ads")) == 2


@pytest.mark.parametrize(
    ("request_body", "code"),
    [
        ({"conversions": [conversion()]}, {"partialFailureError": "PARTIAL_FAILURE_MODE_REQUIRED"}),
        ({"partialFailure": True}, {"requestError": "REQUIRED_FIELD_MISSING"}),
        (
            {"conversions": [conversion()] * 2001, "partialFailure": True},
            {"conversionUploadError": "TOO_MANY_CONVERSIONS_IN_REQUEST"},
        ),
        (
            {"conversions": [conversion()], "partialFailure": True, "jobId": -1},
            {"conversionUploadError": "INVALID_JOB_ID"},
        ),
    ],
)
async def test_upload_is_refused_whole(sandbox: Sandbox, send: Send, request_body: Any, code: dict[str, str]) -> None:
    await settle(sandbox, offline_import=True)
    status, answer, _ = await send("POST", UPLOAD, request_body)

    assert (status, failure(answer)["errorCode"]) == (400, code)


async def test_uploaded_rows_are_an_operation_each_and_a_trial_counts_nothing(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, offline_import=True, operations_a_day=3, recent_actions=["55"])
    recent = conversion(9, conversionAction=f"customers/{CUSTOMER}/conversionActions/55")
    body = {"conversions": [conversion(1), recent], "partialFailure": True}
    _, trial, _ = await send("POST", UPLOAD, body | {"validateOnly": True})
    status, answer, _ = await send("POST", UPLOAD, body)

    errors = trial["partialFailureError"]["details"][0]["errors"]
    assert set(trial) == {"partialFailureError"}
    assert errors[0]["errorCode"] == {"conversionUploadError": "TOO_RECENT_CONVERSION_ACTION"}
    assert (status, failure(answer)["errorCode"]) == (429, {"quotaError": "RESOURCE_EXHAUSTED"})
    assert await sandbox.effects("google_ads") == []


# Events of the Data Manager API


async def test_accepted_is_not_processed(sandbox: Sandbox, send: Send) -> None:
    status, accepted, _ = await send("POST", INGEST, ingest(event(1), event(2)))
    path = f"{STATUS}?requestId={accepted['requestId']}"
    _, early, _ = await send("GET", path)
    sandbox.clock.move(1800)
    _, late, _ = await send("GET", path)

    destination = ingest()["destinations"][0]
    assert (status, set(accepted)) == (200, {"requestId"})
    assert early == {"requestStatusPerDestination": [{"destination": destination, "requestStatus": "PROCESSING"}]}
    assert late == {
        "requestStatusPerDestination": [
            {
                "destination": destination,
                "requestStatus": "SUCCESS",
                "eventsIngestionStatus": {"recordCount": "2"},
            }
        ]
    }
    assert [one["reference"] for one in await sandbox.effects("google_ads")] == ["order-1", "order-2"]
    assert [one["operation"] for one in await sandbox.requests("google_ads")] == [
        "sign_in",
        "send_conversion",
        "poll",
        "poll",
    ]


async def test_same_transaction_counts_once_and_the_status_tells(sandbox: Sandbox, send: Send) -> None:
    await send("POST", INGEST, ingest(event(1)))
    status, again, _ = await send("POST", INGEST, ingest(event(1), event(2)))
    _, only, _ = await send("POST", INGEST, ingest(event(1)))
    sandbox.clock.move(1800)
    _, partial, _ = await send("GET", f"{STATUS}?requestId={again['requestId']}")
    _, failed, _ = await send("GET", f"{STATUS}?requestId={only['requestId']}")

    found = partial["requestStatusPerDestination"][0]
    assert (status, found["requestStatus"]) == (200, "PARTIAL_SUCCESS")
    assert found["errorInfo"] == {
        "errorCounts": [
            {"recordCount": "1", "reason": "PROCESSING_ERROR_REASON_DUPLICATE_TRANSACTION_ID", "recordIndices": [0]}
        ]
    }
    assert failed["requestStatusPerDestination"][0]["requestStatus"] == "FAILED"
    assert len(await sandbox.effects("google_ads")) == 2


async def test_both_apis_count_one_order_once(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, offline_import=True)
    await send("POST", INGEST, ingest(event(1)))
    _, answer, _ = await send("POST", UPLOAD, {"conversions": [conversion(1)], "partialFailure": True})

    error = answer["partialFailureError"]["details"][0]["errors"][0]
    assert error["errorCode"] == {"conversionUploadError": "ORDER_ID_ALREADY_IN_USE"}
    assert len(await sandbox.effects("google_ads")) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"eventTimestamp": "2026-06-01T00:00:00Z"}, "PROCESSING_ERROR_REASON_EVENT_TOO_OLD"),
        ({"consent": {"adUserData": "CONSENT_DENIED"}}, "PROCESSING_ERROR_REASON_DENIED_CONSENT"),
        *(({"adIdentifiers": {"gclid": f"sandbox_{name}"}}, one.processing) for name, one in CLICKS.items()),
    ],
)
async def test_what_processing_finds_is_told_by_the_status(
    sandbox: Sandbox, send: Send, changed: Any, reason: str
) -> None:
    status, accepted, _ = await send("POST", INGEST, ingest(event(**changed)))
    sandbox.clock.move(1800)
    _, answer, _ = await send("GET", f"{STATUS}?requestId={accepted['requestId']}")

    counts = answer["requestStatusPerDestination"][0]["errorInfo"]["errorCounts"]
    assert (status, [one["reason"] for one in counts]) == (200, [reason])
    assert await sandbox.effects("google_ads") == []


@pytest.mark.parametrize(
    ("changed", "at", "reason"),
    [
        ({"eventTimestamp": None}, ".event_timestamp", "REQUIRED_FIELD_MISSING"),
        ({"adIdentifiers": None, "userData": None}, "", "NO_IDENTIFIERS_PROVIDED"),
        ({"currency": "usd"}, ".currency", "INVALID_CURRENCY_CODE"),
        ({"destinationReferences": ["x"]}, ".destination_references[0]", "INVALID_DESTINATION"),
        (
            {"userData": {"userIdentifiers": [{"emailAddress": HASH}] * 11}},
            ".user_data.user_identifiers",
            "TOO_MANY_USER_IDENTIFIERS",
        ),
        *(
            ({"userData": {"userIdentifiers": [identifier]}}, ".user_data.user_identifiers[0]", reason)
            for identifier, reason in [
                ({"emailAddress": "ada@example.com"}, "INVALID_HEX_ENCODING"),
                ({"phoneNumber": "abcd"}, "INVALID_SHA256_FORMAT"),
                ({"address": {"givenName": HASH, "regionCode": "USA"}}, "INVALID_COUNTRY_CODE"),
                ({"address": {"city": "Boston"}}, "REQUIRED_FIELD_MISSING"),
            ]
        ),
    ],
)
async def test_one_bad_event_refuses_the_request(
    sandbox: Sandbox, send: Send, changed: Any, at: str, reason: str
) -> None:
    status, answer, _ = await send("POST", INGEST, ingest(event(1), event(2, **changed)))

    info, request, bad = answer["error"]["details"]
    violation = bad["fieldViolations"][0]
    assert (status, answer["error"]["status"], info["reason"]) == (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert info["metadata"]["requestId"] == request["requestId"]
    assert (len(bad["fieldViolations"]), violation["field"], violation["reason"]) == (
        1,
        f"events.events[1]{at}",
        reason,
    )
    assert await sandbox.effects("google_ads") == []


@pytest.mark.parametrize(
    ("changed", "at", "reason"),
    [
        ({"destinations": None}, "destinations", "REQUIRED_FIELD_MISSING"),
        ({"destinations": ingest()["destinations"] * 11}, "destinations", "TOO_MANY_DESTINATIONS"),
        ({"events": None}, "events", "REQUIRED_FIELD_MISSING"),
        ({"events": [event()] * (MOST_EVENTS + 1)}, "events.events", "TOO_MANY_EVENTS"),
        ({"encoding": None}, "encoding", "REQUIRED_FIELD_MISSING"),
        *(
            ({"destinations": [ingest()["destinations"][0] | changed]}, f"destinations[0].{at}", reason)
            for changed, at, reason in [
                ({"operatingAccount": None}, "operating_account", "REQUIRED_FIELD_MISSING"),
                (
                    {"operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "123-456-7890"}},
                    "operating_account.account_id",
                    "INVALID_NUMBER_FORMAT",
                ),
                (
                    {"operatingAccount": {"accountType": "DATA_PARTNER", "accountId": "1"}},
                    "operating_account.account_type",
                    "INVALID_DESTINATION",
                ),
                ({"productDestinationId": "sale"}, "product_destination_id", "INVALID_CONVERSION_ACTION_ID"),
                ({"productDestinationId": None}, "product_destination_id", "REQUIRED_FIELD_MISSING"),
            ]
        ),
    ],
)
async def test_request_is_refused_by_its_own_fields(send: Send, changed: Any, at: str, reason: str) -> None:
    status, answer, _ = await send("POST", INGEST, ingest(**changed))

    violations = [(one["field"], one["reason"]) for one in answer["error"]["details"][2]["fieldViolations"]]
    assert (status, violations) == (400, [(at, reason)])


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"eventTimestamp": "2026-10-01 10:00:00"},
            "Invalid value at 'events[0].event_timestamp' (type.googleapis.com/",
        ),
        ({"eventSource": "SHOP"}, "Invalid value at 'events[0].event_source' (type.googleapis.com/"),
        ({"conversionValue": "much"}, "Invalid value at 'events[0].conversion_value' (TYPE_DOUBLE), \"much\""),
        (
            {"orderId": "1"},
            "Invalid JSON payload received. Unknown name \"orderId\" at 'events[0]': Cannot find field.",
        ),
    ],
)
async def test_body_of_another_form_is_refused_before_it_is_checked(send: Send, changed: Any, sentence: str) -> None:
    status, answer, _ = await send("POST", INGEST, ingest(event(**changed)))

    assert status == 400
    assert answer["error"]["details"][0]["fieldViolations"][0]["description"].startswith(sentence)


async def test_names_of_the_proto_and_base64_are_taken_too(sandbox: Sandbox, send: Send) -> None:
    hashed = base64.b64encode(bytes.fromhex(HASH)).decode()
    one = event(1, userData={"user_identifiers": [{"email_address": hashed}]})
    one["event_timestamp"] = one.pop("eventTimestamp")
    status, _, _ = await send("POST", INGEST, ingest(one, encoding="BASE64"))
    wrong, answer, _ = await send("POST", INGEST, ingest(event(2), encoding="BASE64"))

    assert (status, wrong) == (200, 400)
    assert answer["error"]["details"][2]["fieldViolations"][0]["reason"] == "INVALID_SHA256_FORMAT"
    assert len(await sandbox.effects("google_ads")) == 1


async def test_event_goes_to_the_destinations_it_names(sandbox: Sandbox, send: Send) -> None:
    first = ingest()["destinations"][0]
    destinations = [first | {"reference": "a"}, first | {"reference": "b", "productDestinationId": "988"}]
    body = ingest(event(1), event(2, destinationReferences=["b"]), destinations=destinations)
    _, accepted, _ = await send("POST", INGEST, body)
    sandbox.clock.move(1800)
    _, answer, _ = await send("GET", f"{STATUS}?requestId={accepted['requestId']}")
    _, same, _ = await send("POST", INGEST, ingest(destinations=[destinations[0]] * 2))

    counts = [one["eventsIngestionStatus"]["recordCount"] for one in answer["requestStatusPerDestination"]]
    assert counts == ["1", "2"]
    assert [one["id"].split(":")[1] for one in await sandbox.effects("google_ads")] == ["987", "988", "988"]
    reasons = [one["reason"] for one in same["error"]["details"][2]["fieldViolations"]]
    assert reasons == ["DUPLICATE_DESTINATION_REFERENCE"]


async def test_status_is_there_for_what_was_accepted_alone(sandbox: Sandbox, send: Send) -> None:
    _, trial, _ = await send("POST", INGEST, ingest(validateOnly=True))
    answers = [await send("GET", f"{STATUS}?requestId={id}") for id in (trial["requestId"], "t-unknown", "")]

    assert [status for status, _, _ in answers] == [400, 400, 400]
    reasons = [answer["error"]["details"][2]["fieldViolations"][0]["reason"] for _, answer, _ in answers]
    assert reasons == ["INVALID_REQUEST_ID", "INVALID_REQUEST_ID", "REQUIRED_FIELD_MISSING"]
    assert await sandbox.effects("google_ads") == []


async def test_quota_of_the_project_names_itself(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, quotas=[["IngestionMutateRequestsPerMinutePerProject", 1, 60]])
    await send("POST", INGEST, ingest(event(1)))
    status, answer, headers = await send("POST", INGEST, ingest(event(2)))
    poll, _, _ = await send("GET", f"{STATUS}?requestId=t-unknown")
    report, _, _ = await send("POST", STREAM, {"query": DAILY})
    sandbox.clock.move(60)
    after, _, _ = await send("POST", INGEST, ingest(event(2)))

    info = answer["error"]["details"][0]
    assert (status, answer["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert info["metadata"]["quota_limit"] == "IngestionMutateRequestsPerMinutePerProject"
    assert "Retry-After" not in headers
    assert (poll, report, after) == (400, 200, 200)


def test_times_keep_their_offset_and_their_microseconds() -> None:
    nine = messages.moment("2026-10-01T10:00:00.123456789+02:00")

    assert nine == datetime(2026, 10, 1, 8, 0, 0, 123456, tzinfo=UTC)
    assert nine is not None
    assert nine.utcoffset() == timedelta(hours=2)
    assert messages.moment("2026-13-01T10:00:00Z") is None
    assert datetime.fromtimestamp(START, UTC).day == 1
