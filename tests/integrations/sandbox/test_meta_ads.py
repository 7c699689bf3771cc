from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from integrations.sandbox.meta_ads.events import ACTION_SOURCES, HASHED, PLAIN
from integrations.sandbox.meta_ads.insights import FIELDS, LEVELS
from tests.contracts import contract
from tests.integrations.sandbox.conftest import START, Clock, Sandbox, Start

TOKEN, SECRET = "EAAQuaysideSystemUser1", "quayside-app-secret"
INSIGHTS, EVENTS = "/v25.0/act_1001/insights", "/v25.0/5551/events"
DAY = 86_400
WEEK = {"since": "2026-09-24", "until": "2026-09-30"}
DAILY = {
    "level": "campaign",
    "fields": "campaign_id,campaign_name,spend,impressions,clicks,actions,account_currency",
    "time_range": orjson.dumps(WEEK).decode(),
    "time_increment": "1",
}
EMAIL = hashlib.sha256(b"ada@example.com").hexdigest()

Send = Callable[..., Awaitable[tuple[int, Any, Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("meta_ads")


@pytest.fixture
def send(sandbox: Sandbox) -> Send:
    """Send one plain request; the answer is status, JSON and headers."""

    async def send_one(
        method: str, path: str, token: str | None = TOKEN, headers: Any = None, **rest: Any
    ) -> tuple[int, Any, Any]:
        auth = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = path if path.startswith("http") else f"{sandbox.url}/meta_ads{path}"
        async with sandbox.client.request(method, url, headers=auth | (headers or {}), **rest) as answer:
            return answer.status, await answer.json(), answer.headers

    return send_one


@pytest.fixture
def sdk(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> FacebookAdsApi:
    """The official client, told only the address."""
    monkeypatch.setattr(FacebookSession, "GRAPH", f"{sandbox.url}/meta_ads")
    monkeypatch.setattr(FacebookAdsApi, "_default_api", None)
    return FacebookAdsApi.init("1", SECRET, TOKEN, crash_log=False)


@lru_cache(maxsize=8)
def spec(name: str) -> dict[str, Any]:
    found: Any = orjson.loads(contract(f"meta_ads/{name}.json").read_bytes())
    return {"enums": {one["name"]: set(one["values"]) for one in found}} if isinstance(found, list) else found


def check(name: str, value: dict[str, Any]) -> None:
    """Raise AssertionError unless every member of a node is a field of its specification, and of the type there."""
    types = {field["name"]: field["type"] for field in spec(name)["fields"]}
    plain: dict[str, type] = {"string": str, "unsigned int": int, "int": int, "bool": bool}
    for member, content in value.items():
        kind = types[member]
        if kind == "list<AdsActionStats>":
            assert isinstance(content, list)
            for item in content:
                check("AdsActionStats", item)
        elif kind in plain:
            assert type(content) is plain[kind], (member, content)
        else:
            values = spec("enum_types")["enums"].get(kind) or spec("enum_types")["enums"][kind.removesuffix("_enum")]
            assert content in values


async def settle(sandbox: Sandbox, **settings: Any) -> None:
    """Change the twin's settings."""
    await sandbox.control("PUT", "settings", {"meta_ads": settings})


def purchase(number: int = 1, **changed: Any) -> dict[str, Any]:
    event = {
        "event_name": "Purchase",
        "event_time": int(START) - 60,
        "event_id": f"order-{number}",
        "action_source": "website",
        "event_source_url": "https://shop.example/thanks",
        "user_data": {"em": [EMAIL], "client_ip_address": "203.0.113.5"},
        "custom_data": {"currency": "USD", "value": 49.90, "order_id": str(number)},
    }
    return {name: value for name, value in (event | changed).items() if value is not None}


# The official client


async def test_official_client_reads_every_page_of_daily_spend(sandbox: Sandbox, sdk: FacebookAdsApi) -> None:
    def read() -> list[Any]:
        params = {"level": "campaign", "time_range": WEEK, "time_increment": 1, "limit": 20}
        return list(AdAccount("act_1001", api=sdk).get_insights(["campaign_id", "spend", "impressions"], params))

    rows = await asyncio.to_thread(read)
    requests = await sandbox.requests("meta_ads")

    assert len({(row["campaign_id"], row["date_start"]) for row in rows}) == len(rows) > 40
    assert all(row["date_start"] == row["date_stop"] for row in rows)
    assert {seen["operation"] for seen in requests} == {"daily_spend"}
    assert len(requests) == -(-len(rows) // 20)


async def test_official_client_waits_for_a_report_and_reads_it(sandbox: Sandbox, sdk: FacebookAdsApi) -> None:
    def begin() -> AdReportRun:
        params = {"level": "campaign", "time_range": WEEK, "time_increment": 1}
        return AdAccount("act_1001", api=sdk).get_insights_async(["campaign_id", "spend"], params)

    run = await asyncio.to_thread(begin)
    seen = []
    for _ in range(5):
        await asyncio.to_thread(run.api_get)
        seen.append((run["async_status"], run["async_percent_completion"]))
        sandbox.clock.move(5)
    rows = await asyncio.to_thread(lambda: list(run.get_result()))

    assert seen == [
        ("Job Not Started", 0),
        ("Job Running", 31),
        ("Job Running", 62),
        ("Job Running", 93),
        ("Job Completed", 100),
    ]
    assert len(rows) > 40
    operations = [one["operation"] for one in await sandbox.requests("meta_ads")]
    assert operations[:6] == ["daily_spend", *["poll"] * 5]
    assert set(operations[6:]) == {"daily_spend"}


async def test_official_client_reads_the_account_and_its_campaigns(sdk: FacebookAdsApi) -> None:
    account = await asyncio.to_thread(AdAccount("act_1001", api=sdk).api_get, ["currency", "timezone_name"])
    found = await asyncio.to_thread(
        lambda: list(AdAccount("act_1001", api=sdk).get_campaigns(["name", "status"], {"effective_status": ["ACTIVE"]}))
    )

    assert (account["currency"], account["timezone_name"]) == ("USD", "America/Los_Angeles")
    assert len(found) == 10


async def test_official_client_sends_a_purchase(sandbox: Sandbox, sdk: FacebookAdsApi) -> None:
    person = UserData(
        emails=["Ada@Example.com "],
        phones=["+1 (415) 555-0100"],
        external_id="c-1",
        country_code="us",
        fbc="fb.1.1.x",
        f5first="ada",
    )
    event = Event(
        event_name="Purchase",
        event_time=int(START) - 5,
        event_id="order-1001",
        event_source_url="https://shop.example/thanks",
        action_source=ActionSource.WEBSITE,
        user_data=person,
        custom_data=CustomData(value=49.9, currency="usd", order_id="1001"),
    )
    answer = await asyncio.to_thread(
        EventRequest(pixel_id="5551", events=[event], test_event_code="TEST1", access_token=TOKEN).execute
    )

    assert (answer.events_received, answer.messages) == (1, [])
    effects = await sandbox.effects("meta_ads")
    assert [(one["kind"], one["reference"], one["amount"]) for one in effects] == [
        ("conversion", "order-1001", "49.9 USD")
    ]
    assert [one["operation"] for one in await sandbox.requests("meta_ads")] == ["send_conversion"]


async def test_official_client_takes_an_error_at_status_200_for_one(sandbox: Sandbox, sdk: FacebookAdsApi) -> None:
    await settle(sandbox, next_answer={"status": 200, "body": {"error": {"message": "An unknown error", "code": 1}}})
    with pytest.raises(FacebookRequestError) as caught:
        await asyncio.to_thread(AdAccount("act_1001", api=sdk).api_get, ["currency"])
    account = await asyncio.to_thread(AdAccount("act_1001", api=sdk).api_get, ["currency"])

    assert (caught.value.http_status(), caught.value.api_error_code()) == (200, 1)
    assert account["currency"] == "USD"


# The published specification


def test_what_is_played_is_what_is_published() -> None:
    enums = spec("enum_types")["enums"]
    fields = {field["name"] for field in spec("AdsInsights")["fields"]}

    assert set(FIELDS) <= fields
    assert set(LEVELS) == enums["adaccountinsights_level_enum_param"]
    assert {source.value for source in ActionSource} == ACTION_SOURCES
    assert HASHED.isdisjoint(PLAIN)


async def test_every_published_preset_is_answered(send: Send) -> None:
    for preset in sorted(spec("enum_types")["enums"]["adaccountinsights_date_preset_enum_param"]):
        status, answer, _ = await send("GET", INSIGHTS, params={"date_preset": preset})

        assert status == 200, (preset, answer)


@pytest.mark.parametrize(
    ("preset", "since", "until"),
    [
        ("today", "2026-10-01", "2026-10-01"),
        ("last_7d", "2026-09-24", "2026-09-30"),
        ("last_month", "2026-09-01", "2026-09-30"),
        ("last_quarter", "2026-07-01", "2026-09-30"),
        ("last_week_sun_sat", "2026-09-20", "2026-09-26"),
    ],
)
async def test_preset_spans_its_days(send: Send, preset: str, since: str, until: str) -> None:
    _, answer, _ = await send("GET", INSIGHTS, params={"date_preset": preset})

    assert [(row["date_start"], row["date_stop"]) for row in answer["data"]] == [(since, until)]


async def test_answers_are_as_published(sandbox: Sandbox, send: Send) -> None:
    for level in LEVELS:
        params = DAILY | {"level": level, "fields": ",".join(FIELDS), "limit": "500"}
        status, answer, _ = await send("GET", INSIGHTS, params=params)

        assert (status, bool(answer["data"])) == (200, True)
        for row in answer["data"]:
            check("AdsInsights", row)
    _, started, _ = await send("POST", INSIGHTS, data=DAILY)
    for seconds in (0, 30):
        sandbox.clock.move(seconds)
        _, run, _ = await send("GET", f"/v25.0/{started['report_run_id']}")
        check("AdReportRun", run)
    names = "id,account_id,name,account_status,currency,timezone_name"
    _, account, _ = await send("GET", "/v25.0/act_1001", params={"fields": names})
    check("AdAccount", account)
    names = "id,account_id,name,objective,status,effective_status,daily_budget"
    _, campaigns, _ = await send("GET", "/v25.0/act_1001/campaigns", params={"fields": names})
    for campaign in campaigns["data"]:
        check("Campaign", campaign)
        assert (await send("GET", f"/v25.0/{campaign['id']}", params={"fields": names}))[1] == campaign


# Insights


async def test_numbers_are_text_and_money_has_the_currencys_decimals(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, accounts={"2002": {"currency": "JPY"}, "3003": {"currency": "KWD"}})
    decimals = {}
    for account in ("1001", "2002", "3003"):
        _, answer, _ = await send("GET", f"/v25.0/act_{account}/insights", params=DAILY)
        row = answer["data"][0]
        decimals[row["account_currency"]] = Decimal(row["spend"]).as_tuple().exponent

        assert all(isinstance(row[name], str) for name in ("spend", "impressions", "clicks"))
        assert all(isinstance(action["value"], str) for action in row["actions"])
    assert decimals == {"USD": -2, "JPY": 0, "KWD": -3}


async def test_days_without_delivery_have_no_row(send: Send) -> None:
    _, answer, _ = await send("GET", INSIGHTS, params=DAILY | {"limit": "500"})
    rows = answer["data"]

    assert 0 < len(rows) < 12 * 7
    assert all(Decimal(row["spend"]) > 0 for row in rows)
    _, ahead, _ = await send("GET", INSIGHTS, params={"time_range": '{"since":"2026-10-05","until":"2026-10-06"}'})
    assert ahead == {"data": []}


async def test_days_add_up_to_the_range_and_parts_to_the_whole(send: Send) -> None:
    sums = {}
    for level in LEVELS:
        _, answer, _ = await send("GET", INSIGHTS, params=DAILY | {"level": level, "limit": "900"})
        sums[level] = sum(Decimal(row["spend"]) for row in answer["data"])
    _, whole, _ = await send("GET", INSIGHTS, params={"time_range": DAILY["time_range"]})

    assert set(sums.values()) == {Decimal(whole["data"][0]["spend"])}


async def test_recent_days_are_restated_and_old_ones_are_not(sandbox: Sandbox, send: Send) -> None:
    params = DAILY | {"level": "account", "time_range": '{"since":"2026-09-20","until":"2026-09-30"}'}
    _, before, _ = await send("GET", INSIGHTS, params=params)
    sandbox.clock.move(2 * DAY)
    _, after, _ = await send("GET", INSIGHTS, params=params)

    spend = [
        (one["date_start"], one["spend"], two["spend"]) for one, two in zip(before["data"], after["data"], strict=True)
    ]
    changed = [day for day, one, two in spend if one != two]
    assert changed == ["2026-09-28", "2026-09-29", "2026-09-30"]
    assert all(Decimal(one) <= Decimal(two) for _, one, two in spend)


async def test_today_is_the_accounts_own_day(start: Start, clock: Clock) -> None:
    clock.move(-8 * 3600)  # 04:00 UTC is still the day before in Los Angeles
    accounts = {"2002": {"time_zone": "Asia/Dubai"}}
    sandbox = await start("meta_ads", settings={"meta_ads": {"accounts": accounts}})
    days = []
    for account in ("1001", "2002"):
        url = f"{sandbox.url}/meta_ads/v25.0/act_{account}/insights?date_preset=today&access_token={TOKEN}"
        async with sandbox.client.get(url) as answer:
            days.append((await answer.json())["data"][0]["date_start"])

    assert days == ["2026-09-30", "2026-10-01"]


async def test_link_to_the_next_page_bears_the_token(send: Send) -> None:
    _, first, _ = await send("GET", INSIGHTS, params=DAILY | {"limit": "30"})
    query = dict(parse_qsl(urlsplit(first["paging"]["next"]).query))
    status, second, _ = await send("GET", first["paging"]["next"], token=None)
    _, same, _ = await send(
        "GET", INSIGHTS, params=DAILY | {"limit": "30", "after": first["paging"]["cursors"]["after"]}
    )

    assert query["access_token"] == TOKEN
    assert (status, second["data"]) == (200, same["data"])
    assert first["data"][-1] not in second["data"]


async def test_last_page_has_cursors_but_no_next(send: Send) -> None:
    _, answer, _ = await send("GET", INSIGHTS, params=DAILY | {"limit": "500"})

    assert set(answer["paging"]) == {"cursors"}


async def test_page_is_25_rows_unless_another_limit_is_asked_for(send: Send) -> None:
    _, answer, _ = await send("GET", INSIGHTS, params=DAILY)

    assert len(answer["data"]) == 25


async def test_only_a_campaign_is_reported_when_it_is_asked_for(send: Send) -> None:
    _, all_rows, _ = await send("GET", INSIGHTS, params=DAILY | {"limit": "500"})
    id = all_rows["data"][0]["campaign_id"]
    _, own, _ = await send("GET", f"/v25.0/{id}/insights", params=DAILY)
    wanted = orjson.dumps([{"field": "campaign.id", "operator": "IN", "value": [id]}]).decode()
    _, filtered, _ = await send("GET", INSIGHTS, params=DAILY | {"filtering": wanted})

    assert own["data"] == filtered["data"] == [row for row in all_rows["data"] if row["campaign_id"] == id]


async def test_rows_are_sorted_as_asked(send: Send) -> None:
    _, answer, _ = await send("GET", INSIGHTS, params=DAILY | {"sort": '["spend_descending"]', "limit": "500"})
    spend = [Decimal(row["spend"]) for row in answer["data"]]

    assert spend == sorted(spend, reverse=True)


async def test_several_ranges_are_a_row_each(send: Send) -> None:
    ranges = orjson.dumps([WEEK, {"since": "2026-09-01", "until": "2026-09-01"}]).decode()
    _, answer, _ = await send("GET", INSIGHTS, params={"time_ranges": ranges})

    assert [row["date_start"] for row in answer["data"]] == ["2026-09-24", "2026-09-01"]


@pytest.mark.parametrize(
    ("changed", "code", "subcode"),
    [
        ({"fields": "spend,profit"}, 100, None),
        ({"level": "keyword"}, 100, None),
        ({"time_range": "yesterday"}, 100, None),
        ({"time_range": '{"since":"2026-10-02","until":"2026-10-01"}'}, 100, None),
        ({"time_range": '{"since":"2023-01-01","until":"2023-01-02"}'}, 3018, None),
        ({"time_increment": "91"}, 100, None),
        ({"breakdowns": "country"}, 100, None),
        ({"filtering": '[{"field":"spend","operator":"GREATER_THAN","value":"much"}]'}, 100, None),
        ({"sort": "spend"}, 100, None),
        ({"limit": "0"}, 100, None),
        ({"after": "nowhere"}, 100, None),
    ],
)
async def test_bad_parameter_is_refused_by_code(send: Send, changed: Any, code: int, subcode: int | None) -> None:
    status, answer, _ = await send("GET", INSIGHTS, params=DAILY | changed)
    error = answer["error"]

    assert (status, error["code"], error.get("error_subcode")) == (400, code, subcode)
    assert error["type"] == "OAuthException"
    assert error["fbtrace_id"]


async def test_too_wide_a_report_is_refused_at_once_but_made_in_the_background(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, most_rows=50)
    status, refused, _ = await send("GET", INSIGHTS, params=DAILY)
    narrow = DAILY | {"time_range": '{"since":"2026-09-29","until":"2026-09-30"}'}
    halved, _, _ = await send("GET", INSIGHTS, params=narrow)
    form = DAILY | {"fields": '["campaign_id","spend"]'}
    _, started, _ = await send("POST", INSIGHTS, data=form)
    sandbox.clock.move(30)
    _, answer, _ = await send("GET", f"/v25.0/{started['report_run_id']}/insights", params={"limit": "500"})

    assert (status, refused["error"]["code"], refused["error"]["error_subcode"]) == (400, 100, 1487534)
    assert halved == 200
    assert len(answer["data"]) > 50


async def test_too_large_a_page_is_a_500(send: Send) -> None:
    status, answer, _ = await send("GET", INSIGHTS, params=DAILY | {"limit": "5000"})

    assert (status, answer["error"]["code"]) == (500, 1)
    assert answer["error"]["message"].startswith("Please reduce the amount of data you're asking for")


async def test_hundred_per_cent_is_not_yet_done(sandbox: Sandbox, send: Send) -> None:
    _, started, _ = await send("POST", INSIGHTS, data=DAILY)
    path = f"/v25.0/{started['report_run_id']}"
    sandbox.clock.move(17)
    _, run, _ = await send("GET", path)
    status, early, _ = await send("GET", f"{path}/insights")

    assert (run["async_status"], run["async_percent_completion"]) == ("Job Running", 100)
    assert (status, early["error"]["code"]) == (400, 100)


async def test_report_can_fail_and_two_starts_are_two_reports(sandbox: Sandbox, send: Send) -> None:
    _, one, _ = await send("POST", INSIGHTS, data=DAILY)
    _, two, _ = await send("POST", INSIGHTS, data=DAILY)
    await settle(sandbox, report_fails=True)
    sandbox.clock.move(30)
    _, run, _ = await send("GET", f"/v25.0/{one['report_run_id']}", params={"fields": "async_status,error_code"})

    assert one != two
    assert run == {"id": one["report_run_id"], "async_status": "Job Failed", "error_code": 1}


@pytest.mark.parametrize("path", ["/v25.0/act_x/insights", "/v25.0/77/insights", "/v25.0/6123456789012"])
async def test_what_is_not_there_is_subcode_33(send: Send, path: str) -> None:
    status, answer, _ = await send("GET", path)

    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)
    assert answer["error"]["type"] == "GraphMethodException"


async def test_old_version_and_unknown_path_are_refused(send: Send) -> None:
    _, old, _ = await send("GET", "/v19.0/act_1001/insights")
    _, ahead, _ = await send("GET", "/v99.0/act_1001/insights")
    _, strange, _ = await send("GET", "/v25.0/act_1001/insight")

    assert [one["error"]["code"] for one in (old, ahead, strange)] == [2635, 2500, 2500]


# Tokens


async def test_token_may_stand_in_the_query_the_form_or_the_header(send: Send) -> None:
    statuses = [
        (await send("GET", INSIGHTS, token=None, params={"access_token": TOKEN}))[0],
        (await send("POST", INSIGHTS, token=None, data={"access_token": TOKEN}))[0],
        (await send("GET", INSIGHTS))[0],
        (await send("GET", INSIGHTS, token=None))[0],
    ]

    assert statuses == [200, 200, 200, 400]


@pytest.mark.parametrize(
    ("token", "code", "subcode", "status"),
    [
        ("EAAinvalidtoken", 190, None, 401),
        ("short", 190, None, 401),
        ("EAAexpiredtoken", 190, 463, 400),
        ("EAArevokedtoken", 190, 460, 400),
        (None, 104, None, 400),
    ],
)
async def test_bad_token_is_refused(send: Send, token: str | None, code: int, subcode: int | None, status: int) -> None:
    got, answer, headers = await send("GET", INSIGHTS, token=token)

    assert (got, answer["error"]["code"], answer["error"].get("error_subcode")) == (status, code, subcode)
    assert answer["error"]["type"] == "OAuthException"
    assert ("WWW-Authenticate" in headers) is (code == 190)


async def test_long_lived_token_ends_after_sixty_days_and_cannot_be_exchanged_then(
    sandbox: Sandbox, send: Send
) -> None:
    form = {"grant_type": "fb_exchange_token", "client_id": "1", "client_secret": SECRET, "fb_exchange_token": TOKEN}
    path = "/v25.0/oauth/access_token"
    _, given, _ = await send("GET", path, token=None, params=form)
    long_lived = given["access_token"]
    good = (await send("GET", INSIGHTS, token=long_lived))[0]
    sandbox.clock.move(given["expires_in"])
    ended, answer, _ = await send("GET", INSIGHTS, token=long_lived)
    refused, again, _ = await send("GET", path, token=None, params=form | {"fb_exchange_token": long_lived})

    assert given == {"access_token": long_lived, "token_type": "bearer", "expires_in": 5_183_944}
    assert (good, ended, refused) == (200, 400, 400)
    assert answer["error"]["error_subcode"] == again["error"]["error_subcode"] == 463
    assert [one["operation"] for one in await sandbox.requests("meta_ads")].count("sign_in") == 2


@pytest.mark.parametrize(
    "changed",
    [{"grant_type": "refresh_token"}, {"client_secret": "invalid"}, {"client_id": ""}, {"fb_exchange_token": ""}],
)
async def test_exchange_that_is_not_right_is_refused(send: Send, changed: Any) -> None:
    form = {"grant_type": "fb_exchange_token", "client_id": "1", "client_secret": SECRET, "fb_exchange_token": TOKEN}
    status, answer, _ = await send("GET", "/v25.0/oauth/access_token", token=None, params=form | changed)

    assert (status, answer["error"]["type"]) == (400, "OAuthException")


async def test_app_that_demands_proofs_gets_them(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, app_secret=SECRET)
    proof = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
    answers = [
        (await send("GET", INSIGHTS, params=params))[0]
        for params in ({}, {"appsecret_proof": "0" * 64}, {"appsecret_proof": proof})
    ]

    assert answers == [400, 400, 200]


async def test_missing_permission_is_said_by_code(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, permissions=["ads_read"])
    read, _, _ = await send("GET", INSIGHTS)
    status, answer, _ = await send("POST", EVENTS, json={"data": [purchase()]})

    assert read == 200
    assert (status, answer["error"]["code"]) == (403, 200)
    assert await sandbox.effects("meta_ads") == []


# Events


async def test_events_come_as_json_or_as_a_form(sandbox: Sandbox, send: Send) -> None:
    _, one, _ = await send("POST", EVENTS, json={"data": [purchase(1), purchase(2)], "test_event_code": "TEST1"})
    _, two, _ = await send("POST", EVENTS, data={"data": orjson.dumps([purchase(3)]).decode()})
    text = orjson.dumps([orjson.dumps(purchase(4)).decode()]).decode()
    _, three, _ = await send("POST", EVENTS, data={"data": text})

    assert [one["events_received"], two["events_received"], three["events_received"]] == [2, 1, 1]
    assert set(one) == {"events_received", "messages", "fbtrace_id"}
    assert [one["reference"] for one in await sandbox.effects("meta_ads")] == [f"order-{n}" for n in range(1, 5)]


async def test_same_event_counts_once_within_48_hours_and_again_after(sandbox: Sandbox, send: Send) -> None:
    counted = []
    for hours in (0, 1, 46, 2):
        sandbox.clock.move(hours * 3600)
        _, answer, _ = await send("POST", EVENTS, json={"data": [purchase()]})
        counted.append((answer["events_received"], len(await sandbox.effects("meta_ads"))))

    assert counted == [(1, 1), (1, 1), (1, 1), (1, 2)]


async def test_other_name_or_no_id_is_another_event(sandbox: Sandbox, send: Send) -> None:
    events = [purchase(), purchase(event_name="Lead"), purchase(event_id=None), purchase(event_id=None)]
    await send("POST", EVENTS, json={"data": events})

    assert len(await sandbox.effects("meta_ads")) == 4


@pytest.mark.parametrize(
    ("changed", "subcode"),
    [
        ({"event_name": None}, None),
        ({"event_time": None}, None),
        ({"event_time": int(START) - 8 * DAY}, 2804003),
        ({"event_time": int(START) - 63 * DAY, "action_source": "physical_store"}, 2804003),
        ({"event_time": int(START) + DAY}, None),
        ({"user_data": None}, 2804050),
        ({"user_data": {"client_user_agent": "x", "country": [EMAIL]}}, 2804050),
        ({"user_data": {"em": ["ada@example.com"]}}, None),
        ({"user_data": {"em": [EMAIL], "email": "x"}}, None),
        ({"action_source": "shop"}, None),
        ({"event_source_url": None}, None),
        ({"custom_data": {"value": 1}}, None),
        ({"custom_data": {"currency": "USD"}}, None),
        ({"custom_data": {"currency": "USD", "value": "much"}}, None),
        ({"order": 1}, None),
    ],
)
async def test_one_bad_event_refuses_them_all(
    sandbox: Sandbox, send: Send, changed: dict[str, Any], subcode: int | None
) -> None:
    status, answer, _ = await send("POST", EVENTS, json={"data": [purchase(1), purchase(2, **changed), purchase(3)]})
    error = answer["error"]

    assert (status, error["code"], error.get("error_subcode")) == (400, 100, subcode)
    assert await sandbox.effects("meta_ads") == []


@pytest.mark.parametrize(
    "changed",
    [
        {"event_time": int(START) - 61 * DAY, "action_source": "physical_store", "event_source_url": None},
        {"event_time": int(START) - 7 * DAY},
        {"user_data": {"external_id": ["c-1"]}},
        {"event_name": "Lead", "custom_data": None},
    ],
)
async def test_event_just_within_the_rules_is_taken(send: Send, changed: dict[str, Any]) -> None:
    status, answer, _ = await send("POST", EVENTS, json={"data": [purchase(**changed)]})

    assert (status, answer["events_received"]) == (200, 1)


async def test_at_most_a_thousand_events_are_taken_at_once(send: Send) -> None:
    full, _, _ = await send("POST", EVENTS, json={"data": [purchase(number) for number in range(1000)]})
    over, _, _ = await send("POST", EVENTS, json={"data": [purchase(number) for number in range(1001)]})
    none, _, _ = await send("POST", EVENTS, json={"data": []})

    assert (full, over, none) == (200, 400, 400)


# Limits


async def test_full_quota_is_a_400_that_tells_minutes_in_a_header(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, quotas=[["ads_insights", 2, 3600]])
    _, _, half = await send("GET", INSIGHTS)
    await send("GET", INSIGHTS)
    sandbox.clock.move(90)
    status, answer, headers = await send("GET", INSIGHTS)
    other, _, _ = await send("GET", "/v25.0/act_2002/insights")
    events, _, _ = await send("POST", EVENTS, json={"data": [purchase()]})
    sandbox.clock.move(3600)
    after, _, _ = await send("GET", INSIGHTS)

    usage = orjson.loads(headers["X-Business-Use-Case-Usage"])["1001"][0]
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 80000, 2446079)
    assert (usage["type"], usage["call_count"], usage["estimated_time_to_regain_access"]) == ("ads_insights", 100, 59)
    assert orjson.loads(half["X-Business-Use-Case-Usage"])["1001"][0]["call_count"] == 50
    assert "Retry-After" not in headers
    assert (other, events, after) == (200, 200, 200)


async def test_score_of_an_account_is_blocked_in_seconds(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, tier="development_access")
    seen = []
    for _ in range(20):
        status, _, headers = await send("POST", INSIGHTS, data=DAILY)
        seen.append((status, orjson.loads(headers["X-Ad-Account-Usage"])["acc_id_util_pct"]))
    status, answer, headers = await send("GET", INSIGHTS)
    blocked = orjson.loads(headers["X-Ad-Account-Usage"])
    sandbox.clock.move(299)
    still, _, _ = await send("GET", INSIGHTS)
    sandbox.clock.move(1)
    free, _, _ = await send("GET", INSIGHTS)

    assert seen[0] == (200, 5.0)
    assert seen[-1] == (200, 100.0)
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 17, 2446079)
    assert (blocked["acc_id_util_pct"], blocked["reset_time_duration"]) == (100.0, 300)
    assert (still, free) == (400, 200)


async def test_usage_headers_are_absent_until_there_is_something_to_say(sandbox: Sandbox, send: Send) -> None:
    _, _, headers = await send("GET", INSIGHTS)
    await settle(sandbox, usage={"call_count": 28, "total_time": 95, "total_cputime": 25}, quotas=[["app", 200, 3600]])
    _, _, forced = await send("GET", INSIGHTS)

    assert [name for name in headers if "usage" in name.lower() or "throttle" in name.lower()] == []
    assert orjson.loads(forced["X-App-Usage"]) == {"call_count": 28, "total_time": 95, "total_cputime": 25}


async def test_ordered_faults_are_told_the_vendors_way(sandbox: Sandbox, send: Send) -> None:
    await sandbox.fault("meta_ads", "rate_limit:120")
    status, limited, headers = await send("GET", INSIGHTS)
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("meta_ads", "status:503")
    down, answer, _ = await send("GET", INSIGHTS)
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("meta_ads", "schema")
    _, rows, _ = await send("GET", INSIGHTS)
    _, events, _ = await send("POST", EVENTS, json={"data": [purchase()]})
    _, account, _ = await send("GET", "/v25.0/act_1001", params={"fields": "currency"})

    usage = next(iter(orjson.loads(headers["X-Business-Use-Case-Usage"]).values()))[0]
    assert (status, limited["error"]["code"], usage["estimated_time_to_regain_access"]) == (400, 80000, 2)
    assert (down, answer["error"]["code"], answer["error"]["is_transient"]) == (503, 2, True)
    assert not isinstance(rows["data"], list)
    assert "events_received" not in events
    assert "currency" not in account
