"""Meta's adapter against its specification, its official client, recorded errors and the traps of its interface."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp
import pytest
import requests
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from integrations.errors import (
    BusinessFailed,
    CallFailed,
    Fault,
    HttpFailed,
    InvalidInput,
    MissingCredential,
    SchemaDrift,
    TransportFailed,
    Unsupported,
)
from integrations.outcome import Request, Response
from integrations.types.marketing import Conversion
from integrations.vendors.meta_ads import MetaAds
from integrations.vendors.meta_ads.declaration import VENDOR, VERSION
from integrations.vendors.meta_ads.insights import FIELDS
from tests.contracts import contract
from tests.integrations.vendors.exchange import (
    NOON,
    FakeExchange,
    answer,
    body_of,
    run,
)
from tests.integrations.vendors.wire import START, Wire, on_the_wire

PROFILE, TRACK, SPEND, SALE = (dict(operation.example) for operation in VENDOR.operations)
TOKEN, ACCOUNT, PIXEL = (one.sandbox for one in VENDOR.credentials[:3])
WIDE = {"since": "2026-07-01", "until": "2026-09-30"}
RECEIVED = {"events_received": 1, "messages": [], "fbtrace_id": "A1"}
ROW = {
    "account_id": ACCOUNT,
    "account_currency": "USD",
    "campaign_id": "120",
    "campaign_name": "Brand | US",
    "spend": "12.34",
    "impressions": "1000",
    "clicks": "20",
    "actions": [{"action_type": "link_click", "value": "19"}, {"action_type": "purchase", "value": "2"}],
    "date_start": "2026-09-01",
    "date_stop": "2026-09-01",
}


@pytest.fixture
def adapter() -> MetaAds:
    return with_settings()


def with_settings(**changed: str) -> MetaAds:
    return MetaAds({**{one.name: one.sandbox for one in VENDOR.credentials}, **changed})


def rows(*found: Mapping[str, Any], after: str = "") -> dict[str, Any]:
    paging: dict[str, Any] = {"cursors": {"before": "MAZDZD", "after": after or "MjQZD"}}
    if after:
        paging["next"] = f"https://graph.facebook.com/{VERSION}/act_1/insights?access_token={TOKEN}&after={after}"
    return {"data": list(found), "paging": paging}


def refused(code: int, subcode: int = 0, status: int = 400, headers: Any = None, **more: Any) -> Response:
    error = {"message": "ada@example.com is wrong", "type": "OAuthException", "code": code, "fbtrace_id": "A1", **more}
    return answer({"error": {**error, "error_subcode": subcode} if subcode else error}, status, headers)


# --- what we send ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def parameters(node: str, method: str, endpoint: str) -> dict[str, str]:
    """Return what an edge takes: name -> type."""
    published = json.loads(contract(f"meta_ads/{node}.json").read_bytes())
    edge = next(one for one in published["apis"] if (one["method"], one.get("endpoint")) == (method, endpoint))
    return {one["name"]: one["type"] for one in edge["params"]}


def fits(kind: str, text: str) -> bool:
    """Whether a parameter's text reads as the type the specification gives it."""
    if kind == "map":
        return isinstance(json.loads(text), dict)
    if kind == "int":
        return text.isdecimal()
    if kind.endswith("_enum_param"):
        enums = json.loads(contract("meta_ads/enum_types.json").read_bytes())
        return text in next(one["values"] for one in enums if one["name"] == kind)
    return kind in ("string", "list<string>")


async def test_insights_are_asked_for_with_published_parameters(adapter: MetaAds) -> None:
    exchange = FakeExchange(adapter, "daily_spend", [answer(rows(ROW))])
    await run(adapter, exchange, SPEND)
    published = parameters("AdAccount", "GET", "insights")

    assert exchange.last.path == f"/v25.0/act_{ACCOUNT}/insights"
    assert [name for name, text in exchange.last.query if not fits(published[name], text)] == []
    assert dict(exchange.last.query)["time_range"] == '{"since":"2026-09-01","until":"2026-09-02"}'
    assert dict(exchange.last.query)["fields"] == ",".join(FIELDS)


async def test_a_report_is_started_and_polled_as_published(adapter: MetaAds) -> None:
    done = {"async_status": "Job Completed", "async_percent_completion": 100}
    exchange = FakeExchange(adapter, "daily_spend", [answer({"report_run_id": "7"}), answer(done), answer(rows(ROW))])
    await run(adapter, exchange, WIDE)
    start, poll, read = exchange.requests
    published = parameters("AdAccount", "POST", "insights")
    report = json.loads(contract("meta_ads/AdReportRun.json").read_bytes())

    assert (start.method, start.path) == ("POST", f"/v25.0/act_{ACCOUNT}/insights")
    assert [name for name, text in start.form or () if not fits(published[name], text)] == []
    assert json.loads(dict(start.form or ())["fields"]) == list(FIELDS)
    assert (poll.path, poll.step) == ("/v25.0/7", "poll")
    assert set(dict(poll.query)["fields"].split(",")) <= {one["name"] for one in report["fields"]}
    assert read.path == "/v25.0/7/insights"


def test_the_fields_we_ask_for_are_published() -> None:
    published = json.loads(contract("meta_ads/AdsInsights.json").read_bytes())

    assert set(FIELDS) <= {one["name"] for one in published["fields"]}


async def test_an_event_is_sent_with_published_parameters(adapter: MetaAds) -> None:
    adapter = with_settings(TEST_EVENT_CODE="TEST123")
    exchange = FakeExchange(adapter, "send_conversion", [answer(RECEIVED)])
    await run(adapter, exchange, SALE)

    assert exchange.last.path == f"/v25.0/{PIXEL}/events"
    assert set(exchange.last.json) <= set(parameters("AdsPixel", "POST", "events"))
    assert exchange.last.json["test_event_code"] == "TEST123"


class Noted(requests.adapters.BaseAdapter):
    """Notes what the official client sends, and answers it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.sent.append(request)
        told = requests.Response()
        told.status_code = 200
        told._content = json.dumps({**RECEIVED, "data": [], "report_run_id": "7", "id": "7"}).encode()
        return told

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """What the official client sends, told the secret that makes it prove itself."""
    found = Noted()
    session = FacebookSession("1", "app-secret", TOKEN)
    session.requests.mount("https://", found)
    monkeypatch.setattr(FacebookAdsApi, "_default_api", FacebookAdsApi(session, api_version=VERSION))
    return found


def seen(request: Request, authorised: Mapping[str, str]) -> tuple[str, str, dict[str, str], dict[str, str]]:
    """Return method, path, parameters and body fields of ours, the token where the official client has it."""
    token = authorised["authorization"].removeprefix("Bearer ")
    form = dict(parse_qsl(body_of(request).decode())) if request.form is not None else {}
    return request.method, request.path, dict(request.query) | {"access_token": token}, form


async def test_questions_are_what_the_official_client_sends(noted: Noted) -> None:
    """But for the token, which it puts into the address and we into a header."""
    asked = {
        "level": "campaign",
        "time_range": {"since": "2026-09-01", "until": "2026-09-02"},
        "time_increment": 1,
        "limit": 200,
    }
    list(AdAccount(f"act_{ACCOUNT}").get_insights(list(FIELDS), asked))
    adapter = with_settings(APP_SECRET="app-secret")
    exchange = FakeExchange(adapter, "daily_spend", [answer(rows(ROW))])
    await run(adapter, exchange, SPEND)
    method, path, query, _ = seen(exchange.last, exchange.authorised[0])
    theirs = urlsplit(str(noted.sent[0].url))

    assert (method, path) == (noted.sent[0].method, theirs.path)
    assert {name: unspaced(text) for name, text in query.items()} == {
        name: unspaced(text) for name, (text,) in parse_qs(theirs.query).items()
    }


async def test_a_report_is_what_the_official_client_starts(noted: Noted) -> None:
    asked = {"level": "campaign", "time_range": WIDE, "time_increment": 1}
    AdAccount(f"act_{ACCOUNT}").get_insights_async(list(FIELDS), asked)
    adapter = with_settings(APP_SECRET="app-secret")
    done = {"async_status": "Job Completed", "async_percent_completion": 100}
    exchange = FakeExchange(adapter, "daily_spend", [answer({"report_run_id": "7"}), answer(done), answer(rows())])
    await run(adapter, exchange, WIDE)
    method, path, query, form = seen(exchange.requests[0], exchange.authorised[0])
    theirs = urlsplit(str(noted.sent[0].url))
    sent = dict(parse_qsl(str(noted.sent[0].body)))

    assert (method, path) == (noted.sent[0].method, theirs.path)
    assert query == dict(parse_qsl(theirs.query))
    assert {name: unspaced(text) for name, text in form.items()} == {
        name: unspaced(text) for name, text in sent.items()
    }


async def test_an_event_is_what_the_official_client_sends(noted: Noted) -> None:
    """But for the encoding: it sends a form whose ``data`` are texts of JSON, we the JSON itself, which Meta takes too
    and of which a record can keep what may be kept."""
    sale = {
        **SALE,
        "at": "2026-10-01T11:00:00Z",
        "email": " Ada@Example.com ",
        "phone": "+1 (415) 555-0123",
        "first_name": "Ada",
        "last_name": " LOVELACE",
        "postal_code": "94107-1234",
        "click_id": "fb.1.1767312000000.AbC",
        "browser_id": "fb.1.1767312000000.123",
        "ip_address": "203.0.113.5",
    }
    shopper = UserData(
        emails=[sale["email"]],
        phones=[sale["phone"]],
        first_names=[sale["first_name"]],
        last_names=[sale["last_name"]],
        zip_codes=[sale["postal_code"]],
        country_codes=["US"],
        client_ip_address="203.0.113.5",
        client_user_agent="Mozilla/5.0",
        fbc=sale["click_id"],
        fbp=sale["browser_id"],
    )
    event = Event(
        event_name="Purchase",
        event_time=int((NOON - timedelta(hours=1)).timestamp()),
        event_id="EXAMPLE-4202",
        event_source_url="https://shop.example/thanks",
        action_source=ActionSource.WEBSITE,
        user_data=shopper,
        custom_data=CustomData(value=49.9, currency="USD", order_id="EXAMPLE-4202", num_items=2),
    )
    EventRequest(pixel_id=PIXEL, events=[event], access_token=TOKEN).execute()
    adapter = with_settings(APP_SECRET="app-secret")
    exchange = FakeExchange(adapter, "send_conversion", [answer(RECEIVED)])
    await run(adapter, exchange, sale)
    method, path, query, _ = seen(exchange.last, exchange.authorised[0])
    theirs = urlsplit(str(noted.sent[0].url))
    texts = json.loads(dict(parse_qsl(str(noted.sent[0].body)))["data"])

    assert (method, path) == (noted.sent[0].method, theirs.path)
    assert query == dict(parse_qsl(theirs.query))
    assert json.loads(body_of(exchange.last))["data"] == [json.loads(text) for text in texts]


def unspaced(text: str) -> str:
    return text.replace(" ", "")


# --- personal data -----------------------------------------------------------------------------------------------------


async def shopper(adapter: MetaAds, **fields: str) -> dict[str, Any]:
    exchange = FakeExchange(adapter, "send_conversion", [answer(RECEIVED)])
    await run(adapter, exchange, {"reference": "r", "value": {"amount": "1", "currency": "USD"}, **fields})
    found: dict[str, Any] = exchange.last.json["data"][0]["user_data"]
    return found


@pytest.mark.parametrize(
    ("fields", "name", "hashed"),
    [
        # Meta's own examples, from the page of the parameters.
        (
            {"email": "John_Smith@gmail.com"},
            "em",
            "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
        ),
        ({"phone": "+1 (650)555-1212"}, "ph", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
        ({"phone": "001 650 555 1212"}, "ph", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
        (
            {"first_name": "Mary", "last_name": "x"},
            "fn",
            "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
        ),
        (
            {"last_name": " Valéry ", "first_name": "x"},
            "ln",
            "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
        ),
        ({"email": "A" * 64}, "em", "a" * 64),
    ],
)
async def test_personal_data_is_hashed_as_meta_shows_it(
    adapter: MetaAds, fields: dict[str, str], name: str, hashed: str
) -> None:
    assert (await shopper(adapter, **fields))[name] == [hashed]


async def test_nothing_that_names_a_person_goes_out_in_clear(adapter: MetaAds) -> None:
    fields = {"email": "ada@example.com", "phone": "+14155550123", "first_name": "Ada", "last_name": "Lovelace"}
    found = json.dumps(await shopper(adapter, **fields, postal_code="SW1A 1AA")).lower()

    assert [text for text in ("ada", "lovelace", "4155550123", "sw1a", "@") if text in found] == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "ada at example"}, "email"),
        ({"phone": "0151 234567"}, "phone"),
        ({"click_id": "EAIaIQobChMI"}, "click_id"),
        ({"browser_id": "GA1.2.3"}, "browser_id"),
        ({"user_agent": ""}, "user_agent"),
        ({"email": "", "country": "US"}, "email"),
        ({"email": "", "first_name": "Ada"}, "email"),
        ({"value": {"amount": "-1.00", "currency": "USD"}}, "value.amount"),
        ({"at": (NOON - timedelta(days=7, seconds=1)).isoformat()}, "at"),
        ({"at": (NOON + timedelta(minutes=2)).isoformat()}, "at"),
    ],
)
async def test_what_meta_would_refuse_is_said_before_it_is_sent(
    adapter: MetaAds, changed: dict[str, Any], field: str
) -> None:
    exchange = FakeExchange(adapter, "send_conversion")
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {**SALE, **changed})

    assert (caught.value.field, exchange.requests) == (field, [])


@pytest.mark.parametrize(("operation", "value"), [("upsert_profile", PROFILE), ("track_event", TRACK)])
async def test_meta_keeps_no_shoppers(adapter: MetaAds, operation: str, value: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="Meta Ads"):
        await run(adapter, FakeExchange(adapter, operation), value)


async def test_a_sale_outside_the_shops_pages_happened_elsewhere(adapter: MetaAds) -> None:
    exchange = FakeExchange(adapter, "send_conversion", [answer(RECEIVED)])
    await run(
        adapter, exchange, {**SALE, "source_url": "", "user_agent": "", "value": {"amount": "5000", "currency": "JPY"}}
    )
    event = exchange.last.json["data"][0]

    assert (event["action_source"], "event_source_url" in event) == ("other", False)
    assert b'"value":5000,' in body_of(exchange.last)


async def test_without_a_pixel_the_setting_is_named() -> None:
    adapter = with_settings(PIXEL_ID="")
    with pytest.raises(MissingCredential, match="QUAYSIDE_META_ADS_PIXEL_ID"):
        await run(adapter, FakeExchange(adapter, "send_conversion"), SALE)


# --- the traps ---------------------------------------------------------------------------------------------------------


async def test_the_token_stands_in_no_address_and_no_cursor() -> None:
    adapter = with_settings(APP_SECRET="app-secret", AD_ACCOUNT_ID=f"act_{ACCOUNT}")
    answers = [answer(rows(ROW, after="MjUZD")), answer(rows(ROW))]
    exchange = FakeExchange(adapter, "daily_spend", answers)
    first = await run(adapter, exchange, SPEND)
    last = await run(adapter, exchange, {**SPEND, "cursor": first.next_cursor})
    proof = hmac.new(b"app-secret", TOKEN.encode(), hashlib.sha256).hexdigest()

    assert (first.next_cursor, last.next_cursor) == ("MjUZD", "")
    assert dict(exchange.last.query)["after"] == "MjUZD"
    assert dict(exchange.last.query)["appsecret_proof"] == proof
    assert all(TOKEN not in f"{one.path}{one.query}" for one in exchange.requests)
    assert {one["authorization"] for one in exchange.authorised} == {f"Bearer {TOKEN}"}
    assert "next" not in VENDOR.kept_fields


@pytest.mark.parametrize(
    ("body", "error_type", "fault", "retryable"),
    [
        ({"error": {"message": "An unknown error", "code": 1}}, "temporary_error", "theirs", True),
        ({"error": {"message": "no", "code": 17}}, "rate_limited", "ours", True),
        ({"error": {"message": "no", "code": 190}}, "unauthorized", "configuration", False),
        ({"error": {"message": "no", "code": 100}}, "invalid_request", "ours", False),
        ({"success": False}, "rejected", "ours", False),
        (b"Service Unavailable", "service_unavailable", "theirs", True),
    ],
)
async def test_a_200_may_hold_a_failure(
    adapter: MetaAds, body: Any, error_type: str, fault: Fault, retryable: bool
) -> None:
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, FakeExchange(adapter, "send_conversion", [answer(body)]), SALE)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == (error_type, fault, retryable)


USE = {"type": "ads_insights", "call_count": 95, "total_cputime": 20, "total_time": 30}
BUSINESS = "X-Business-Use-Case-Usage"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({BUSINESS: json.dumps({"9": [{**USE, "estimated_time_to_regain_access": 3}]})}, 180.0),  # minutes
        ({"X-Ad-Account-Usage": '{"acc_id_util_pct":100,"reset_time_duration":45}'}, 45.0),  # seconds
        ({"X-Ad-Account-Usage": '{"acc_id_util_pct":9.67,"reset_time_duration":100}'}, 60.0),  # it is not this one
        ({BUSINESS: '{"9":[{"type":"ads_insights","ads_api_access_tier":"development_access"}]}'}, 300.0),
        ({BUSINESS: "[1]", "X-App-Usage": "<html>", "X-Ad-Account-Usage": '{"acc_id_util_pct":"much"}'}, 60.0),
        ({}, 60.0),
    ],
)
async def test_one_header_tells_minutes_and_another_seconds(
    adapter: MetaAds, headers: dict[str, str], wait: float
) -> None:
    with pytest.raises(HttpFailed) as caught:
        await run(adapter, FakeExchange(adapter, "daily_spend", [refused(80000, 2446079, headers=headers)]), SPEND)

    assert (caught.value.error_type, caught.value.retry_after, caught.value.sent) == ("rate_limited", wait, False)


def test_the_highest_of_three_percentages_counts_and_silence_means_nothing(adapter: MetaAds) -> None:
    headers = {
        BUSINESS: json.dumps({"9": [{**USE, "estimated_time_to_regain_access": 0}, {"type": "ads_management"}]}),
        "X-Ad-Account-Usage": '{"acc_id_util_pct":50,"reset_time_duration":100}',
        "X-App-Usage": '{"call_count":28,"total_time":25,"total_cputime":40}',
        "X-FB-Ads-Insights-Throttle": '{"app_id_util_pct":0,"acc_id_util_pct":12.5}',
    }
    found = [(one.quota, one.limit, one.remaining, one.reset) for one in adapter.quotas_seen(answer({}, 200, headers))]

    assert found == [
        ("ads_insights", 600.0, pytest.approx(30.0), None),
        ("account_score", 60.0, 30.0, 100.0),
        ("app", 100.0, 60.0, None),
        ("ads_insights", 600.0, 525.0, None),
    ]
    assert adapter.quotas_seen(answer({})) == []


async def test_one_bad_event_takes_no_good_one_with_it_for_each_goes_alone(adapter: MetaAds) -> None:
    exchange = FakeExchange(adapter, "send_conversion", [answer(RECEIVED)])
    await run(adapter, exchange, SALE)

    assert len(exchange.last.json["data"]) == 1


async def test_spend_is_text_in_the_accounts_currency_and_its_own_day(adapter: MetaAds) -> None:
    row = {**ROW, "account_currency": "KWD", "spend": "0.105", "actions": [{"action_type": "link_click", "value": "1"}]}
    page = await run(adapter, FakeExchange(adapter, "daily_spend", [answer(rows(ROW, row))]), SPEND)
    first, second = page.rows

    assert (str(first.spend.amount), first.spend.currency, first.date.isoformat()) == ("12.34", "USD", "2026-09-01")
    assert (first.impressions, first.clicks, first.conversions) == (1000, 20, Decimal(2))
    assert (str(second.spend.amount), second.spend.currency, second.conversions) == ("0.105", "KWD", Decimal(0))


async def test_a_purchase_that_stands_under_several_names_counts_once(adapter: MetaAds) -> None:
    names = ("offsite_conversion.fb_pixel_purchase", "purchase", "omni_purchase")
    row = {**ROW, "actions": [{"action_type": name, "value": "3"} for name in names]}
    page = await run(adapter, FakeExchange(adapter, "daily_spend", [answer(rows(row))]), SPEND)

    assert page.rows[0].conversions == 3


@pytest.mark.parametrize(
    "refusal",
    [
        refused(100, 1487534),
        refused(1, status=500, message="Please reduce the amount of data you're asking for, then retry your request"),
    ],
)
async def test_too_much_at_once_is_asked_for_in_smaller_pages(adapter: MetaAds, refusal: Response) -> None:
    exchange = FakeExchange(adapter, "daily_spend", [refusal, refusal, answer(rows(ROW))])
    page = await run(adapter, exchange, SPEND)

    assert [dict(one.query)["limit"] for one in exchange.requests] == ["200", "100", "50"]
    assert len(page.rows) == 1


async def test_too_much_even_in_small_pages_becomes_a_report(adapter: MetaAds) -> None:
    hundred = {"async_status": "Job Running", "async_percent_completion": 100}
    done = {"async_status": "Job Completed", "async_percent_completion": 100}
    asked = [answer({"report_run_id": "7"}), answer(hundred), answer(done), answer(rows(ROW, after="MjUZD"))]
    exchange = FakeExchange(adapter, "daily_spend", [refused(100, 1487534)] * 4 + asked)
    page = await run(adapter, exchange, {**SPEND, "cursor": "MTAZD"})
    following = FakeExchange(adapter, "daily_spend", [answer(rows(ROW))])
    last = await run(adapter, following, {**SPEND, "cursor": page.next_cursor})

    assert exchange.slept == [2.0, 4.0]  # a hundred per cent alone is not done
    assert (page.next_cursor, last.next_cursor) == ("report:7:MjUZD", "")
    assert (following.last.path, dict(following.last.query)["after"]) == ("/v25.0/7/insights", "MjUZD")


@pytest.mark.parametrize("status", ["Job Failed", "Job Skipped"])
async def test_a_report_that_was_given_up_is_not_waited_for(adapter: MetaAds, status: str) -> None:
    told = {"async_status": status, "async_percent_completion": 40}
    exchange = FakeExchange(adapter, "daily_spend", [answer({"report_run_id": "7"}), answer(told)])
    with pytest.raises(BusinessFailed) as caught:
        await run(adapter, exchange, WIDE)

    assert (caught.value.error_type, caught.value.retryable) == ("report_failed", True)


async def test_a_report_that_never_ends_stops_at_the_deadline(adapter: MetaAds) -> None:
    told = {"async_status": "Job Running", "async_percent_completion": 40}
    exchange = FakeExchange(adapter, "daily_spend", [answer({"report_run_id": "7"}), *[answer(told)] * 20])
    with pytest.raises(TransportFailed):
        await run(adapter, exchange, WIDE)


@pytest.mark.parametrize("cursor", ["report:", "report:7", "report:../me:x"])
async def test_a_cursor_that_is_none_is_refused(adapter: MetaAds, cursor: str) -> None:
    exchange = FakeExchange(adapter, "daily_spend")
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {**SPEND, "cursor": cursor})

    assert (caught.value.field, exchange.requests) == ("cursor", [])


@pytest.mark.parametrize("age", [timedelta(hours=47), timedelta(hours=48), None])
async def test_an_event_is_known_again_for_48_hours_and_never_sent_anew_after(
    adapter: MetaAds, age: timedelta | None
) -> None:
    at = {} if age is None else {"at": NOON - age}
    value = Conversion.model_validate({**SALE, **at})
    exchange = FakeExchange(adapter, "send_conversion")
    if age == timedelta(hours=47):
        assert await adapter.look_up_send_conversion(exchange, value) is None
        return

    with pytest.raises(BusinessFailed, match="48 hours only"):
        await adapter.look_up_send_conversion(exchange, value)


# --- what comes back ---------------------------------------------------------------------------------------------------

BLAMED = {"blame_field_specs": [["data", 0]]}


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "sent", "says"),
    [
        (refused(2, is_transient=True), "temporary_error", "theirs", True, True, "trouble"),
        (refused(1, 99), "temporary_error", "theirs", True, True, "trouble"),
        (refused(100, is_transient=True), "temporary_error", "theirs", True, True, "trouble"),
        (refused(104), "temporary_error", "theirs", True, True, "trouble"),
        (refused(960), "temporary_error", "theirs", True, True, "trouble"),
        (refused(960, status=403), "invalid_request", "ours", False, False, "what we sent"),
        (refused(5, status=500), "temporary_error", "theirs", True, True, "trouble"),
        (refused(4, 1504022, 403, is_transient=True), "rate_limited", "ours", True, False, "with this app"),
        (refused(17, 2446079, is_transient=True), "rate_limited", "ours", True, False, "of this ad account"),
        (refused(32), "rate_limited", "ours", True, False, "too much;"),
        (refused(613, 1487742), "rate_limited", "ours", True, False, "of this ad account"),
        (refused(80000), "rate_limited", "ours", True, False, "too much"),
        (refused(80004), "rate_limited", "ours", True, False, "too much"),
        (refused(80008), "rate_limited", "ours", True, False, "too much"),
        (refused(4, status=429), "rate_limited", "ours", True, False, "with this app"),
        (refused(102), "unauthorized", "configuration", False, False, "nothing renews it"),
        (refused(190, 463), "unauthorized", "configuration", False, False, "it has expired"),
        (refused(190, 460, 401), "unauthorized", "configuration", False, False, "the password was changed"),
        (
            refused(100, message="Invalid appsecret_proof provided"),
            *("unauthorized", "configuration", False, False, "QUAYSIDE_META_ADS_APP_SECRET"),
        ),
        (refused(3), "forbidden", "configuration", False, False, "ads_read"),
        (refused(10, status=403), "forbidden", "configuration", False, False, "ads_read"),
        (refused(200, status=403), "forbidden", "configuration", False, False, "ads_management"),
        (refused(299), "forbidden", "configuration", False, False, "ads_management"),
        (refused(100, 33), "not_found", "configuration", False, False, "QUAYSIDE_META_ADS_AD_ACCOUNT_ID"),
        (refused(100, 1487534), "too_much_data", "ours", False, False, "fewer days"),
        (refused(100, 2804003), "invalid_request", "ours", False, False, "the event is too old"),
        (refused(100, error_data=BLAMED), "invalid_request", "ours", False, False, "sent at data "),
        (refused(100, error_data=json.dumps(BLAMED)), "invalid_request", "ours", False, False, "sent at data "),
        (refused(100, error_data="{"), "invalid_request", "ours", False, False, r"sent \(code 100"),
        (refused(2635), "version_ended", "ours", False, False, "updated"),
        (answer("<html>", 502, content_type="text/html"), "http_502", "theirs", True, True, "trouble"),
        (answer({"error": "no"}, 404), "http_404", "ours", False, False, "does not accept"),
    ],
)
async def test_recorded_errors_have_their_class(
    adapter: MetaAds, response: Response, error_type: str, fault: Fault, retryable: bool, sent: bool, says: str
) -> None:
    with pytest.raises(HttpFailed, match=says) as caught:
        await run(adapter, FakeExchange(adapter, "send_conversion", [response]), SALE)
    error = caught.value

    assert (error.error_type, error.fault, error.retryable, error.sent) == (error_type, fault, retryable, sent)
    assert "ada@example.com" not in error.message


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"<html>", "body"),
        ({"rows": []}, "data"),
        ({"data": [{**ROW, "spend": "much"}]}, "data.0.spend"),
        ({"data": [ROW], "paging": {"next": "https://graph.facebook.com/"}}, "paging.cursors.after"),
    ],
)
async def test_an_answer_that_is_no_page_is_drift(adapter: MetaAds, body: Any, field: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(adapter, FakeExchange(adapter, "daily_spend", [answer(body)]), SPEND)

    assert caught.value.field == field


async def test_what_meta_remarks_is_passed_on(adapter: MetaAds) -> None:
    told = {"events_received": 0, "messages": ["one", "two"], "fbtrace_id": "A1"}
    found = await run(adapter, FakeExchange(adapter, "send_conversion", [answer(told)]), SALE)

    assert (found.accepted, found.message) == (False, "one two")


# --- against the sandbox -----------------------------------------------------------------------------------------------


async def all_rows(wire: Wire, asked: Mapping[str, Any]) -> list[Any]:
    found, cursor = [], ""
    while True:
        page = await wire.call("daily_spend", {**asked, "cursor": cursor})
        found += page.rows
        if not (cursor := page.next_cursor):
            return found


async def test_a_report_reads_the_same_as_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.vendors.meta_ads.adapter.PAGE", 50)
    two_weeks = {"since": "2026-09-01", "until": "2026-09-14"}
    async with on_the_wire("meta_ads") as wire:
        direct = await all_rows(wire, two_weeks)
        paths = len(wire.sent)
        await wire.control("PUT", "settings", {"meta_ads": {"most_rows": 10}})
        reported = await all_rows(wire, two_weeks)

    assert paths > 1
    assert ("POST", f"/v25.0/act_{ACCOUNT}/insights") in wire.sent[paths:]
    assert reported == direct
    assert len({(row.campaign_id, row.date) for row in direct}) == len(direct) > 100


async def test_a_failed_report_is_said_to_be_that() -> None:
    async with on_the_wire("meta_ads", report_fails=True) as wire:
        with pytest.raises(BusinessFailed) as caught:
            await wire.call("daily_spend", WIDE)

    assert caught.value.error_type == "report_failed"


async def test_the_same_sale_counts_once_and_its_refund_apart() -> None:
    async with on_the_wire("meta_ads") as wire:
        first = await wire.call("send_conversion", SALE)
        await wire.call("send_conversion", SALE)
        await wire.call("send_conversion", {**SALE, "name": "Refund"}, "key-2")
        effects = await wire.effects()

    assert first.accepted
    assert [(one["reference"], one["amount"]) for one in effects] == [("EXAMPLE-4202", "49.9 USD")] * 2


async def test_a_lost_answer_is_sent_again_and_counted_once() -> None:
    sale = {**SALE, "at": datetime.fromtimestamp(START - 3600, UTC).isoformat()}
    value = Conversion.model_validate(sale)
    async with on_the_wire("meta_ads") as wire:
        adapter = wire.adapter
        assert isinstance(adapter, MetaAds)
        lost = {"vendor": "meta_ads", "operation": "send_conversion", "fault": "lost_answer"}
        await wire.control("POST", "faults", [lost])
        with pytest.raises(aiohttp.ClientError):
            await wire.call("send_conversion", sale)
        await wire.control("DELETE", "faults")
        found = await adapter.look_up_send_conversion(wire.exchange("send_conversion"), value)
        again = await wire.call("send_conversion", sale)
        effects = await wire.effects()

    assert found is None
    assert again.accepted
    assert len(effects) == 1


@pytest.mark.parametrize(
    ("settings", "token", "error_type", "says"),
    [
        ({}, "EAAinvalid", "unauthorized", "QUAYSIDE_META_ADS_ACCESS_TOKEN"),
        ({}, "EAAexpired", "unauthorized", "it has expired"),
        ({}, "EAArevoked", "unauthorized", "the password was changed"),
        ({"app_secret": "s3cret-of-app"}, TOKEN, "unauthorized", "QUAYSIDE_META_ADS_APP_SECRET"),
        ({"permissions": ["ads_management"]}, TOKEN, "forbidden", "ads_read"),
    ],
)
async def test_a_token_that_will_not_do_is_configuration(
    settings: dict[str, Any], token: str, error_type: str, says: str
) -> None:
    async with on_the_wire("meta_ads", **settings) as wire:
        wire.adapter = with_settings(ACCESS_TOKEN=token)
        with pytest.raises(HttpFailed, match=says) as caught:
            await wire.call("daily_spend", SPEND)

    assert (caught.value.error_type, caught.value.fault) == (error_type, "configuration")


async def test_an_app_that_demands_proof_gets_it() -> None:
    async with on_the_wire("meta_ads", app_secret="s3cret-of-app") as wire:
        wire.adapter = with_settings(APP_SECRET="s3cret-of-app")
        page = await wire.call("daily_spend", SPEND)
        sent = await wire.call("send_conversion", SALE)

    assert page.rows
    assert sent.accepted


async def test_a_400_that_is_a_throttle_is_waited_out() -> None:
    async with on_the_wire("meta_ads") as wire:
        await wire.control("POST", "faults", [{"vendor": "meta_ads", "fault": "rate_limit:90"}])
        with pytest.raises(HttpFailed) as caught:
            await wire.call("daily_spend", SPEND)

    assert (caught.value.status, caught.value.error_type, caught.value.retry_after) == (400, "rate_limited", 120.0)


async def test_an_error_inside_a_200_of_the_sandbox_is_one() -> None:
    refusal = {"status": 200, "body": {"error": {"message": "m", "code": 100, "error_subcode": 33}}}
    async with on_the_wire("meta_ads", next_answer=refusal) as wire:
        with pytest.raises(CallFailed) as caught:
            await wire.call("daily_spend", SPEND)
        page = await wire.call("daily_spend", SPEND)

    assert isinstance(caught.value, BusinessFailed)
    assert caught.value.error_type == "not_found"
    assert page.rows


async def test_an_account_that_is_not_there_is_configuration() -> None:
    async with on_the_wire("meta_ads") as wire:
        wire.adapter = with_settings(AD_ACCOUNT_ID="12")
        with pytest.raises(HttpFailed) as caught:
            await wire.call("daily_spend", SPEND)

    assert (caught.value.error_type, caught.value.fault) == ("not_found", "configuration")
