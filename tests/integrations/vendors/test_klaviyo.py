"""Klaviyo's adapter against its published contract, its official client, recorded errors and the traps of its API."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlencode

import aiohttp
import orjson
import pytest
from klaviyo_api import KlaviyoAPI

from integrations.adapter import Delivery
from integrations.errors import DeliveryRefused, Fault, HttpFailed, InvalidInput, SchemaDrift, Unsupported
from integrations.outcome import Request, Response
from integrations.vendors.klaviyo import Klaviyo
from integrations.vendors.klaviyo.declaration import ACCOUNTS, EVENTS, PROFILE_IMPORT, REVISION, TOPICS, VENDOR
from integrations.vendors.klaviyo.documents import LARGEST_EVENT, LARGEST_PROFILE, LONGEST_TEXT, MOST_PROPERTIES
from tests.contracts import contract
from tests.integrations.vendors.exchange import (
    NOON,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)
from tests.integrations.vendors.openapi import document, problems, unknown_fields
from tests.integrations.vendors.wire import Wire, on_the_wire

PROFILE, TRACK, SPEND, SALE, CHECK = (dict(operation.example) for operation in VENDOR.operations)
KEY, SECRET = (one.sandbox for one in VENDOR.credentials)
JSON_API = "application/vnd.api+json"
SAVED = {"data": {"type": "profile", "id": "01GDDKASAP8TKDDA2GRZDSVP4H", "attributes": {}, "links": {"self": "x"}}}
WHOLE_PROFILE = {
    **PROFILE,
    "phone": "+14155550123",
    "last_name": "Lovelace",
    "region": "MA",
    "postal_code": "02110",
    "properties": {"tier": "gold", "orders": 3, "vip": True, "coupon": None},
}


@pytest.fixture
def adapter() -> Klaviyo:
    made = adapter_with_sandbox_credentials(Klaviyo)
    assert isinstance(made, Klaviyo)
    return made


def refused(status: int, code: str = "invalid", detail: str = "ada@example.com is wrong", **more: Any) -> Response:
    error = {"id": "bf03176f", "status": status, "code": code, "title": "Invalid input.", "detail": detail, **more}
    return answer({"errors": [error]}, status, content_type=JSON_API)


def throttled(detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    return answer({"errors": [{"id": "1", "code": "throttled", "detail": detail}]}, 429, headers, JSON_API)


async def sent(adapter: Klaviyo, operation: str, value: Mapping[str, Any], response: Response) -> Request:
    """Return the request an operation sends."""
    exchange = FakeExchange(adapter, operation, [response])
    await run(adapter, exchange, value)
    return exchange.last


async def profile_sent(adapter: Klaviyo, value: Mapping[str, Any]) -> dict[str, Any]:
    request = await sent(adapter, "upsert_profile", value, answer(SAVED, 201))
    found: dict[str, Any] = request.json["data"]["attributes"]
    return found


async def event_sent(adapter: Klaviyo, value: Mapping[str, Any]) -> dict[str, Any]:
    request = await sent(adapter, "track_event", value, answer(b"", 202))
    found: dict[str, Any] = request.json["data"]["attributes"]
    return found


# --- what we send ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "file", "value", "response"),
    [
        ("upsert_profile", "profiles", PROFILE, answer(SAVED, 201)),
        ("upsert_profile", "profiles", WHOLE_PROFILE, answer(SAVED, 200)),
        ("track_event", "events", TRACK, answer(b"", 202)),
        ("track_event", "events", {**TRACK, "profile": WHOLE_PROFILE, "value": None}, answer(b"", 202)),
    ],
    ids=["profile", "whole-profile", "event", "event-of-a-whole-profile"],
)
async def test_what_is_sent_keeps_to_the_published_contract(
    adapter: Klaviyo, operation: str, file: str, value: dict[str, Any], response: Response
) -> None:
    request = await sent(adapter, operation, value, response)
    whole = document(contract(f"klaviyo/{file}.json"))
    published = whole["paths"][request.path][request.method.lower()]
    schema = published["requestBody"]["content"][JSON_API]["schema"]
    body = orjson.loads(body_of(request))

    assert problems(whole, schema, body) == []
    assert unknown_fields(whole, schema, body) == []
    needed = {one["name"] for one in published["parameters"] if one.get("required")}
    assert needed == {"revision"} <= set(request.headers)
    assert request.headers["content-type"] == JSON_API


def test_the_revision_and_the_quotas_are_those_of_the_contract() -> None:
    quotas = {quota.name: quota.limit for quota in VENDOR.quotas}
    for file, path, name in (("profiles", PROFILE_IMPORT, "profiles"), ("events", EVENTS, "events")):
        whole = document(contract(f"klaviyo/{file}.json"))
        told = whole["paths"][path]["post"]["x-klaviyo-ratelimit"]
        assert whole["info"]["version"] == REVISION
        assert whole["servers"][0]["url"] == VENDOR.base_url
        assert told == {
            "burst": f"{quotas[f'{name}_second']:g}/s",
            "steady": f"{quotas[f'{name}_minute']:g}/m",
        }


class Noted:
    """The official client with a transport that notes what it would send and answers nothing."""

    def __init__(self) -> None:
        self.api = KlaviyoAPI(KEY, max_retries=1)
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.api.api_client.rest_client.pool_manager = self

    def request(self, method: str, url: str, **rest: Any) -> Any:
        self.requests.append((method, url, rest["headers"], rest.get("body")))
        raise ConnectionError("noted")

    def of(self, section: str, call: str, *given: Any, **named: Any) -> tuple[str, str, dict[str, str], Any]:
        with pytest.raises(ConnectionError):
            getattr(getattr(self.api, section), call)(*given, **named)
        method, url, headers, body = self.requests[-1]
        return method, url, {name.lower(): value for name, value in headers.items()}, body


@pytest.mark.parametrize(
    ("operation", "value", "response", "section", "call"),
    [
        ("upsert_profile", WHOLE_PROFILE, answer(SAVED, 201), "Profiles", "create_or_update_profile"),
        ("track_event", TRACK, answer(b"", 202), "Events", "create_event"),
    ],
)
async def test_what_is_sent_is_what_the_official_client_sends(
    adapter: Klaviyo, operation: str, value: dict[str, Any], response: Response, section: str, call: str
) -> None:
    """But for the revision (client 25.0.0 is of 2026-10-15, our contract of 2026-07-15), its own user-agent, and that it
    says of an event that it is no backfill, which is the default."""
    request = await sent(adapter, operation, value, response)
    ours = orjson.loads(body_of(request))
    method, url, headers, body = Noted().of(section, call, ours)
    mine = {**request.headers, **adapter.authorise(request, None)}

    assert (method, url) == (request.method, VENDOR.base_url + request.path)
    theirs = orjson.loads(body)
    assert theirs["data"]["attributes"].pop("backfill", False) is False
    assert theirs == ours
    assert {name: headers.pop(name) for name in mine} | {"revision": REVISION} == mine
    assert set(headers) <= {"user-agent"}


async def test_the_account_is_asked_for_as_the_official_client_asks(adapter: Klaviyo) -> None:
    """But for the brackets, which have to be percent-encoded. The account has no contract file; its client knows it."""
    request = await sent(adapter, "check_token", CHECK, answer({"data": [{"id": "QsNdBx"}]}))
    method, url, headers, body = Noted().of("Accounts", "get_accounts", fields_account=["public_api_key"])

    assert (method, url) == ("GET", unquote(f"{VENDOR.base_url}{ACCOUNTS}?{urlencode(request.query)}"))
    assert headers["authorization"] == adapter.authorise(request, None)["authorization"] == f"Klaviyo-API-Key {KEY}"
    assert (headers["accept"], body) == (request.headers["accept"], None)


async def test_what_is_empty_is_left_out_and_only_a_property_is_cleared(adapter: Klaviyo) -> None:
    assert await profile_sent(adapter, {"external_id": "C-1"}) == {"external_id": "C-1"}
    assert await profile_sent(adapter, {"email": "a@b.co", "country": "DE", "properties": {"coupon": None}}) == {
        "email": "a@b.co",
        "location": {"country": "DE"},
        "properties": {"coupon": None},
    }


async def test_every_event_carries_our_reference_as_its_unique_id(adapter: Klaviyo) -> None:
    """Without one Klaviyo takes the second it happened, and makes one of two events."""
    at = "2026-10-01T09:30:15.987654Z"
    first = await event_sent(adapter, {**TRACK, "at": at})
    second = await event_sent(adapter, {**TRACK, "at": at, "reference": "EXAMPLE-4402:placed"})

    assert (first["unique_id"], second["unique_id"]) == ("EXAMPLE-4401:placed", "EXAMPLE-4402:placed")
    assert first["time"] == second["time"] == "2026-10-01T09:30:15+00:00"


async def test_an_event_without_a_time_has_that_of_the_call_and_not_of_its_last_attempt(adapter: Klaviyo) -> None:
    assert (await event_sent(adapter, TRACK))["time"] == NOON.isoformat()


@pytest.mark.parametrize(
    ("amount", "currency", "digits"),
    [("49.90", "USD", b"49.90"), ("1500", "JPY", b"1500"), ("12.345", "KWD", b"12.345"), ("-5", "EUR", b"-5")],
)
async def test_a_value_is_a_number_in_major_units_with_every_digit(
    adapter: Klaviyo, amount: str, currency: str, digits: bytes
) -> None:
    value = {**TRACK, "value": {"amount": amount, "currency": currency}}
    request = await sent(adapter, "track_event", value, answer(b"", 202))

    assert b'"value":' + digits + b"," in body_of(request)
    assert request.json["data"]["attributes"]["value_currency"] == currency


@pytest.mark.parametrize(
    ("operation", "changed", "field"),
    [
        ("upsert_profile", {"phone": "4155550123"}, "phone"),
        ("upsert_profile", {"phone": "+1 415 555 0123"}, "phone"),
        ("upsert_profile", {"phone": "+04155550123"}, "phone"),
        ("upsert_profile", {"email": "no address"}, "email"),
        ("upsert_profile", {"email": f"{'x' * 100}@example.com"}, "email"),
        ("upsert_profile", {"properties": {"a": "x" * 60_000, "b": "x" * 60_000}}, "properties"),
        ("upsert_profile", {"properties": {"note": "x" * (LONGEST_TEXT + 1)}}, "properties.note"),
        ("track_event", {"profile": {"phone": "0044 20 7946 0000"}}, "profile.phone"),
        ("track_event", {"profile": {"email": "@"}}, "profile.email"),
        ("track_event", {"at": "1990-12-31T00:00:00Z"}, "at"),
        ("track_event", {"at": (NOON + timedelta(days=366)).isoformat()}, "at"),
        ("track_event", {"properties": {str(n): n for n in range(MOST_PROPERTIES + 1)}}, "properties"),
        ("track_event", {"properties": {"note": "é" * LONGEST_TEXT}}, "properties.note"),
        ("track_event", {"properties": {str(n): "x" * 90_000 for n in range(60)}}, "properties"),
    ],
)
async def test_what_klaviyo_would_refuse_is_said_before_it_is_sent(
    adapter: Klaviyo, operation: str, changed: dict[str, Any], field: str
) -> None:
    exchange = FakeExchange(adapter, operation)
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {**(PROFILE if operation == "upsert_profile" else TRACK), **changed})

    assert (caught.value.field, exchange.requests) == (field, [])
    assert "example.com" not in caught.value.message


async def test_what_just_fits_is_sent(adapter: Klaviyo) -> None:
    text = "x" * LONGEST_TEXT
    event = await event_sent(adapter, {**TRACK, "properties": {"note": text}})
    many = await event_sent(adapter, {**TRACK, "properties": {str(n): n for n in range(MOST_PROPERTIES)}})

    assert event["properties"]["note"] == text
    assert len(many["properties"]) == MOST_PROPERTIES
    assert LONGEST_TEXT <= LARGEST_PROFILE < LARGEST_EVENT


@pytest.mark.parametrize(("operation", "value"), [("daily_spend", SPEND), ("send_conversion", SALE)])
async def test_klaviyo_is_no_advertising(adapter: Klaviyo, operation: str, value: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as caught:
        await run(adapter, FakeExchange(adapter, operation), value)

    assert caught.value.field == "operation"


# --- what comes back ---------------------------------------------------------------------------------------------------


async def test_201_made_a_profile_and_200_wrote_over_one(adapter: Klaviyo) -> None:
    made = await run(adapter, FakeExchange(adapter, "upsert_profile", [answer(SAVED, 201)]), PROFILE)
    kept = await run(adapter, FakeExchange(adapter, "upsert_profile", [answer(SAVED, 200)]), PROFILE)

    assert (made.profile_id, made.created, kept.created) == (SAVED["data"]["id"], True, False)


async def test_202_with_an_empty_body_is_not_parsed(adapter: Klaviyo) -> None:
    found = await run(adapter, FakeExchange(adapter, "track_event", [answer(b"", 202)]), TRACK)

    assert found.reference == TRACK["reference"]


@pytest.mark.parametrize(
    ("operation", "response", "field"),
    [
        ("upsert_profile", answer({"data": {"type": "profile", "id": None}}, 200), "data.id"),
        ("upsert_profile", answer(b"", 200), "body"),
        ("upsert_profile", answer(SAVED, 202), "status"),
        ("track_event", answer(b"", 200), "body"),
        ("track_event", answer("<html>", 202), "body"),
        ("check_token", answer({"data": []}), "data"),
        ("check_token", answer({"data": {"id": "1"}}), "data"),
    ],
)
async def test_an_answer_that_is_none_is_drift(
    adapter: Klaviyo, operation: str, response: Response, field: str
) -> None:
    example = VENDOR.operation(operation)
    assert example is not None
    with pytest.raises(SchemaDrift) as caught:
        await run(adapter, FakeExchange(adapter, operation, [response]), example.example)

    assert caught.value.field == field


NO_REVISION: dict[str, Any] = {"detail": "No valid revisions found for method", "source": {"pointer": "/data/"}}


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "retry_after", "untouched"),
    [
        (refused(400, source={"pointer": "/data/attributes/email"}), "invalid_request", "ours", False, None, True),
        (refused(400, detail="The 'revision' header is required."), "revision_refused", "ours", False, None, True),
        (refused(404, "not_found", **NO_REVISION), "revision_refused", "ours", False, None, True),
        (refused(410, "gone", "This revision is gone."), "revision_refused", "ours", False, None, True),
        (refused(401, "authentication_failed"), "unauthorized", "configuration", False, None, True),
        (refused(401, "not_authenticated"), "unauthorized", "configuration", False, None, True),
        (refused(403, "permission_denied"), "forbidden", "configuration", False, None, True),
        (refused(404, "not_found"), "not_found", "ours", False, None, True),
        (refused(409, "duplicate_profile"), "duplicate_profile", "ours", False, None, True),
        (refused(409, "conflict"), "http_409", "ours", False, None, False),
        (refused(413, "request_entity_too_large"), "too_large", "ours", False, None, True),
        (refused(415, "unsupported_media_type"), "http_415", "ours", False, None, True),
        (throttled(headers={"Retry-After": "7"}), "rate_limited", "ours", True, 7.0, True),
        (throttled("Expected available in 12 seconds."), "rate_limited", "ours", True, 12.0, True),
        (throttled("Expected available in 1 second."), "rate_limited", "ours", True, 1.0, True),
        (throttled(), "rate_limited", "ours", True, None, True),
        (answer("<html>", 429, content_type="text/html"), "rate_limited", "ours", True, None, True),
        (answer("[]", 500), "http_500", "theirs", True, None, False),
        (refused(502, "error"), "http_502", "theirs", True, None, False),
        (answer("<html>", 503, {"Retry-After": "30"}, "text/html"), "http_503", "theirs", True, 30.0, False),
        (answer("<html>", 524, content_type="text/html"), "http_524", "theirs", True, None, False),
    ],
)
def test_every_refusal_has_its_class(
    adapter: Klaviyo,
    response: Response,
    error_type: str,
    fault: Fault,
    retryable: bool,
    retry_after: float | None,
    untouched: bool,
) -> None:
    verdict = adapter.classify(Request(method="POST", path=PROFILE_IMPORT), response)

    assert verdict is not None
    assert (verdict.error_type, verdict.fault, verdict.retryable) == (error_type, fault, retryable)
    assert (verdict.retry_after, verdict.untouched) == (retry_after, untouched)
    assert verdict.counts == (fault == "theirs")
    assert "ada@" not in verdict.message


def test_the_field_klaviyo_blames_is_named_and_its_words_are_not_passed_on(adapter: Klaviyo) -> None:
    error = {"code": "invalid", "detail": "ada@example.com is wrong"}
    places = [{"pointer": "/data/attributes/phone_number"}, {"parameter": "page[size]"}, {"pointer": "ada@example.com"}]
    response = answer({"errors": [{**error, "source": source} for source in places]}, 400)
    verdict = adapter.classify(Request(method="POST", path=PROFILE_IMPORT), response)

    assert verdict is not None
    assert " at /data/attributes/phone_number, page[size];" in verdict.message
    assert "ada@" not in verdict.message


def test_a_profile_of_the_shop_that_has_a_revision_is_no_refused_revision(adapter: Klaviyo) -> None:
    response = refused(400, detail="revision is no number", source={"pointer": "/data/attributes/properties/revision"})
    verdict = adapter.classify(Request(method="POST", path=PROFILE_IMPORT), response)

    assert verdict is not None
    assert verdict.error_type == "invalid_request"


@pytest.mark.parametrize(
    ("limit", "quota"),
    [("750", "profiles_minute"), ("700", "profiles_minute"), ("3500", "events_minute"), ("60", "minute")],
)
def test_the_headers_tell_the_window_of_a_minute_alone(adapter: Klaviyo, limit: str, quota: str) -> None:
    headers = {"RateLimit-Limit": limit, "RateLimit-Remaining": "12", "RateLimit-Reset": "41"}
    (seen,) = adapter.quotas_seen(answer(b"", 202, headers))

    assert (seen.quota, seen.limit, seen.remaining, seen.reset) == (quota, float(limit), 12, 41)
    assert adapter.quotas_seen(throttled(headers={"Retry-After": "1"})) == ()
    assert adapter.quotas_seen(answer(b"", 202, {"RateLimit-Limit": "soon", "RateLimit-Remaining": "1"})) == ()


def test_nothing_personal_may_stand_in_a_record() -> None:
    personal = {"email", "phone_number", "external_id", "first_name", "last_name", "name", "title", "location", "zip"}

    assert not VENDOR.kept_fields & (personal | {"city", "region", "detail", "properties", "contact_information"})


# --- against the sandbox -----------------------------------------------------------------------------------------------


def lost(operation: str) -> list[dict[str, Any]]:
    return [{"vendor": "klaviyo", "operation": operation, "fault": "lost_answer"}]


async def asked(wire: Wire, path: str) -> Any:
    """Return what the account holds, asked past the adapter."""
    headers = {"authorization": f"Klaviyo-API-Key {KEY}", "revision": REVISION}
    async with wire.client.get(f"{wire.url}/klaviyo{path}", headers=headers) as found:
        return (await found.json(content_type=None))["data"]


async def test_a_profile_is_made_written_over_and_keeps_what_is_left_out() -> None:
    async with on_the_wire("klaviyo") as wire:
        made = await wire.call("upsert_profile", WHOLE_PROFILE)
        again = await wire.call(
            "upsert_profile", {"email": PROFILE["email"], "city": "Salem", "properties": {"vip": False}}
        )
        profile = (await asked(wire, f"/api/profiles/{made.profile_id}"))["attributes"]

    assert (made.created, again.created, made.profile_id) == (True, False, again.profile_id)
    assert (profile["first_name"], profile["location"]["city"], profile["location"]["country"]) == (
        "Ada",
        "Salem",
        "US",
    )
    assert (profile["properties"]["tier"], profile["properties"]["vip"]) == ("gold", False)


async def test_an_event_reaches_its_profile_once_for_one_reference() -> None:
    async with on_the_wire("klaviyo") as wire:
        first = await wire.call("track_event", {**TRACK, "profile": {**PROFILE, "external_id": "C-9"}})
        await wire.call("track_event", TRACK)
        await wire.call("track_event", {**TRACK, "name": "Fulfilled Order"})
        wire.time += 60
        kept = [one for one in await wire.effects() if one["kind"] == "event"]

    assert first.reference == TRACK["reference"]
    assert [(one["reference"], one["amount"]) for one in kept] == [("EXAMPLE-4401:placed", "49.90 USD")] * 2


async def test_two_events_of_one_second_stay_two() -> None:
    at = "2026-09-30T10:00:00Z"
    async with on_the_wire("klaviyo") as wire:
        await wire.call("track_event", {**TRACK, "at": at})
        await wire.call("track_event", {**TRACK, "at": at, "reference": "EXAMPLE-4402:placed"})
        kept = [one["reference"] for one in await wire.effects() if one["kind"] == "event"]

    assert kept == ["EXAMPLE-4401:placed", "EXAMPLE-4402:placed"]


@pytest.mark.parametrize(("operation", "value"), [("upsert_profile", PROFILE), ("track_event", TRACK)])
async def test_a_lost_answer_is_sent_again_with_one_effect(operation: str, value: dict[str, Any]) -> None:
    kind = "profile" if operation == "upsert_profile" else "event"
    async with on_the_wire("klaviyo") as wire:
        await wire.control("POST", "faults", lost(operation))
        with pytest.raises(aiohttp.ClientError):
            await wire.call(operation, value)
        await wire.control("DELETE", "faults")
        await wire.call(operation, value)
        kept = [one for one in await wire.effects() if one["kind"] == kind]

    assert VENDOR.operation(operation).repeatable  # type: ignore[union-attr]
    assert len(kept) == 1


async def test_identifiers_of_two_profiles_are_a_conflict_that_says_what_to_do() -> None:
    async with on_the_wire("klaviyo") as wire:
        await wire.call("upsert_profile", {"email": "ada@example.com"})
        await wire.call("upsert_profile", {"phone": "+14155550123"})
        with pytest.raises(HttpFailed, match="merge them there") as caught:
            await wire.call("upsert_profile", {"email": "ada@example.com", "phone": "+14155550123"})

    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == ("duplicate_profile", "ours", False)


async def test_the_key_tells_its_account_and_nothing_of_its_owner_is_asked_for() -> None:
    async with on_the_wire("klaviyo") as wire:
        exchange = wire.exchange("check_token")
        found = await run(wire.adapter, exchange, CHECK)
        wire.time += 1
        (shown,) = await asked(wire, f"{ACCOUNTS}?{urlencode(exchange.last.query)}")

    assert found.account == shown["id"]
    assert shown["attributes"] == {"public_api_key": found.account}


async def test_brackets_in_a_query_are_percent_encoded(adapter: Klaviyo) -> None:
    request = await sent(adapter, "check_token", CHECK, answer({"data": [{"id": "QsNdBx"}]}))

    assert urlencode(request.query) == "fields%5Baccount%5D=public_api_key"


@pytest.mark.parametrize(
    ("key", "operation", "value", "error_type", "says"),
    [
        ("pk_invalid", "check_token", CHECK, "unauthorized", "QUAYSIDE_KLAVIYO_PRIVATE_KEY"),
        ("pk_invalid", "track_event", TRACK, "unauthorized", "QUAYSIDE_KLAVIYO_PRIVATE_KEY"),
        ("pk_readonly", "upsert_profile", PROFILE, "forbidden", "profiles:write"),
    ],
)
async def test_a_key_that_will_not_do_is_configuration(
    key: str, operation: str, value: dict[str, Any], error_type: str, says: str
) -> None:
    async with on_the_wire("klaviyo") as wire:
        wire.adapter = Klaviyo({"PRIVATE_KEY": key})
        with pytest.raises(HttpFailed, match=says) as caught:
            await wire.call(operation, value)

    assert (caught.value.error_type, caught.value.fault) == (error_type, "configuration")


@pytest.mark.parametrize("in_words", [False, True], ids=["header", "words"])
async def test_a_429_tells_its_wait_by_a_header_or_in_words_alone(in_words: bool) -> None:
    async with on_the_wire("klaviyo", without_retry_after=in_words) as wire:
        await wire.control("POST", "faults", [{"vendor": "klaviyo", "fault": "rate_limit:42"}])
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_event", TRACK)

    assert (caught.value.error_type, caught.value.retryable, caught.value.sent) == ("rate_limited", True, False)
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 42


async def test_a_withdrawn_revision_is_ours_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.vendors.klaviyo.adapter.REVISION", "2023-02-22")
    async with on_the_wire("klaviyo") as wire:
        with pytest.raises(HttpFailed, match="has to be updated") as caught:
            await wire.call("upsert_profile", PROFILE)

    assert caught.value.error_type == "revision_refused"


# --- webhooks ----------------------------------------------------------------------------------------------------------

URL = "https://shop.example/webhooks/klaviyo"
WEBHOOK = "01KP4928STE8FKCWB6WDHZ4ZB7"
UNSUBSCRIBED = "event:klaviyo.unsubscribed_from_email_marketing"


def batch(*items: Any, webhook: str = WEBHOOK) -> bytes:
    return orjson.dumps({"data": list(items), "meta": {"klaviyo_account_id": "A", "klaviyo_webhook_id": webhook}})


def item(id: str = "e-1", **attributes: Any) -> dict[str, Any]:
    who = {"profile": {"data": {"type": "profile", "id": "01P"}}}
    event = {"attributes": {"event_properties": {"email": "ada@example.com"}, **attributes}, "relationships": who}
    return {"topic": UNSUBSCRIBED, "external_id": id, "payload": {"data": event}}


def signed(body: bytes, stamp: str = format_datetime(NOON, usegmt=True), secret: str = SECRET) -> Delivery:
    headers = {
        "klaviyo-signature": hmac.new(secret.encode(), body + stamp.encode(), hashlib.sha256).hexdigest(),
        "klaviyo-timestamp": stamp,
        "klaviyo-webhook-id": WEBHOOK,
    }
    return Delivery(url=URL, headers=headers, body=body, received_at=NOON)


def changed(delivery: Delivery, body: bytes | None = None, **headers: str) -> Delivery:
    given = {**delivery.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    kept = {name: value for name, value in given.items() if value}
    return Delivery(url=URL, headers=kept, body=delivery.body if body is None else body, received_at=NOON)


async def told(adapter: Klaviyo, delivery: Delivery) -> Any:
    return await adapter.receive(FakeExchange(adapter, "track_event"), delivery)


async def test_every_event_of_a_batch_is_told_and_keeps_nothing_personal(adapter: Klaviyo) -> None:
    happened = int((NOON - timedelta(minutes=5)).timestamp())
    body = batch(item("e-1", datetime="2026-10-01T11:55:00+00:00"), item("e-2", timestamp=happened), item("e-3"))
    first, second, third = await told(adapter, signed(body))

    assert [one.id for one in (first, second, third)] == ["e-1", "e-2", "e-3"]
    assert (first.type, first.resource, first.reference, dict(first.data)) == (UNSUBSCRIBED, "01P", "", {})
    assert first.occurred_at == second.occurred_at == NOON - timedelta(minutes=5)
    assert third.occurred_at is None
    assert UNSUBSCRIBED in TOPICS


async def test_an_event_without_an_id_or_with_another_payload_is_known_again_all_the_same(adapter: Klaviyo) -> None:
    bare = {"topic": "event:klaviyo.sent_sms", "payload": ["something", "else"]}
    (first,) = await told(adapter, signed(batch(bare)))
    (again,) = await told(adapter, signed(batch(bare), stamp=(NOON + timedelta(minutes=1)).isoformat()))

    assert (first.id, first.resource, first.occurred_at) == (again.id, "", None)
    assert len(first.id) == 64


@pytest.mark.parametrize("at", ["never", 10**17], ids=["text", "number"])
async def test_a_moment_that_is_none_is_left_out(adapter: Klaviyo, at: Any) -> None:
    (event,) = await told(adapter, signed(batch(item(**{"datetime" if at == "never" else "timestamp": at}))))

    assert event.occurred_at is None


@pytest.mark.parametrize(
    "stamp",
    [
        format_datetime(NOON, usegmt=True),
        "2026-10-01T12:00:00+00:00",
        "2026-10-01T12:00:00",
        str(int(NOON.timestamp())),
        # Klaviyo has been seen to write a time some hours off; a repeated delivery may be two days old.
        format_datetime(NOON + timedelta(hours=5), usegmt=True),
        format_datetime(NOON - timedelta(hours=48), usegmt=True),
    ],
)
async def test_a_time_stamp_is_read_however_it_is_written(adapter: Klaviyo, stamp: str) -> None:
    assert len(await told(adapter, signed(batch(item()), stamp=stamp))) == 1


GOOD = signed(batch(item()))


@pytest.mark.parametrize(
    ("delivery", "field"),
    [
        (signed(batch(item()), secret="another"), "klaviyo-signature"),
        (changed(GOOD, body=batch(item("e-2"))), "klaviyo-signature"),
        (changed(GOOD, klaviyo_signature=""), "klaviyo-signature"),
        (changed(GOOD, klaviyo_timestamp="2026-10-01T12:00:01+00:00"), "klaviyo-signature"),
        (changed(GOOD, klaviyo_timestamp=""), "klaviyo-signature"),
        (signed(batch(item()), stamp="today"), "timestamp"),
        (signed(batch(item()), stamp=""), "timestamp"),
        (signed(batch(item()), stamp="9" * 30), "timestamp"),
        (signed(batch(item()), stamp=format_datetime(NOON - timedelta(hours=50), usegmt=True)), "timestamp"),
        (changed(GOOD, klaviyo_webhook_id="another"), "klaviyo-webhook-id"),
        (changed(GOOD, klaviyo_webhook_id=""), "klaviyo-webhook-id"),
    ],
    ids=[
        *("forged", "changed", "unsigned", "restamped", "unstamped", "no-time", "no-stamp", "no-moment", "old"),
        *("another-webhook", "no-webhook"),
    ],
)
async def test_a_delivery_that_is_not_proven_is_refused(adapter: Klaviyo, delivery: Delivery, field: str) -> None:
    with pytest.raises(DeliveryRefused) as caught:
        await told(adapter, delivery)

    assert caught.value.field == field


async def test_a_delivery_is_refused_while_no_secret_is_set() -> None:
    with pytest.raises(DeliveryRefused, match="QUAYSIDE_KLAVIYO_WEBHOOK_SECRET"):
        await told(Klaviyo({"PRIVATE_KEY": KEY}), signed(batch(item()), secret=""))


async def test_a_signed_delivery_that_cannot_be_read_is_no_event(adapter: Klaviyo) -> None:
    with pytest.raises(InvalidInput, match="not JSON"):
        await told(adapter, signed(b"{"))
    with pytest.raises(SchemaDrift):
        await told(adapter, signed(b"[]"))
    with pytest.raises(SchemaDrift):
        await told(adapter, signed(batch({"external_id": "e-1"})))


async def test_the_sandboxs_deliveries_are_proven_and_a_repeated_one_is_known_again() -> None:
    async with on_the_wire("klaviyo", repeat_webhooks=True) as wire:
        saved = await wire.call("upsert_profile", PROFILE)
        await wire.call("track_event", {**TRACK, "at": "2026-10-01T11:00:00Z"})
        wire.time += 60
        made = await wire.control("POST", "klaviyo/deliveries", {"url": URL, "secret": SECRET})
        deliveries = [
            Delivery(
                url=URL,
                headers={name.lower(): value for name, value in one["headers"].items()},
                body=one["body"].encode(),
                received_at=datetime.fromtimestamp(wire.time, UTC),
            )
            for one in made["deliveries"]
        ]
        found = [event for one in deliveries for event in await wire.adapter.receive(wire.exchange("track_event"), one)]

    assert len(found) == len(deliveries) == 2 * len({event.id for event in found})
    placed = next(event for event in found if event.type.endswith("placed_order"))
    assert (placed.resource, placed.occurred_at) == (saved.profile_id, datetime(2026, 10, 1, 11, 0, tzinfo=UTC))
