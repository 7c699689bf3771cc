"""Twilio's adapter against its contract and official client, its recorded errors, its callbacks and its traps."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response as TwilioResponse
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from integrations.adapter import Delivery
from integrations.errors import BusinessFailed, DeliveryRefused, Fault, HttpFailed, InvalidInput, MissingCredential
from integrations.outcome import Response
from integrations.types.messages import TextMessage
from integrations.vendors.twilio import Twilio
from integrations.vendors.twilio.declaration import STATUSES, VENDOR
from integrations.vendors.twilio.events import event
from tests.contracts import contract
from tests.integrations.vendors.exchange import (
    NOON,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)
from tests.integrations.vendors.openapi import problems, unpublished
from tests.integrations.vendors.wire import Wire, on_the_wire

ACCOUNT = "AC" + "0" * 32
SEND = dict(VENDOR.operations[0].example)
TOKEN = "quayside-auth-token"
URL = "https://shop.example/webhooks/twilio?reference=EXAMPLE-6001%3Ashipped"
MADE: dict[str, Any] = {
    "sid": "SM" + "1" * 32,
    "account_sid": ACCOUNT,
    "to": SEND["to"],
    "from": "+15005550006",
    "body": SEND["text"],
    "status": "queued",
    "num_segments": "1",
    "price": None,
    "price_unit": "USD",
    "error_code": None,
    "date_created": "Thu, 01 Oct 2026 12:00:00 +0000",
    "date_sent": None,
}


@pytest.fixture
def adapter() -> Twilio:
    made = adapter_with_sandbox_credentials(Twilio)
    assert isinstance(made, Twilio)
    return made


def with_settings(**changed: str) -> Twilio:
    kept = {one.name: one.sandbox or one.default for one in VENDOR.credentials}
    return Twilio({**kept, **changed})


@lru_cache(maxsize=1)
def specification(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_bytes())
    return loaded


# --- what we send ------------------------------------------------------------------------------------------------------


async def test_form_keeps_to_the_published_contract(adapter: Twilio) -> None:
    published = specification(contract("twilio/twilio_api_v2010.json"))
    exchange = FakeExchange(with_settings(STATUS_CALLBACK="https://shop.example/c"), "send_sms", [answer(MADE, 201)])
    await run(with_settings(STATUS_CALLBACK="https://shop.example/c"), exchange, SEND)
    operation = published["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    form: dict[str, Any] = dict(exchange.last.form or ())
    form["ValidityPeriod"] = int(form["ValidityPeriod"])

    assert set(form) <= set(schema["properties"])
    assert problems(published, schema, form) == []


async def test_the_look_up_asks_with_published_parameters(adapter: Twilio) -> None:
    published = specification(contract("twilio/twilio_api_v2010.json"))
    exchange = FakeExchange(adapter, "send_sms", [answer({"messages": [MADE], "next_page_uri": None})])
    await adapter.look_up_send_sms(exchange, TextMessage.model_validate(SEND))
    operation = published["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["get"]

    assert {name for name, _ in exchange.last.query} <= {one["name"] for one in operation["parameters"]}


async def test_a_message_is_read_at_the_published_path(adapter: Twilio) -> None:
    exchange = FakeExchange(adapter, "get_sms", [answer(MADE)])
    await run(adapter, exchange, dict(VENDOR.operations[1].example))

    assert unpublished(specification(contract("twilio/twilio_api_v2010.json")), exchange.last) == []


class Recording(HttpClient):  # type: ignore[misc]  # the client ships no types
    """Notes what the official client would send."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> TwilioResponse:
        names = ("params", "data", "headers", "auth")
        self.sent = {"method": method, "url": url, **dict(zip(names, args, strict=False)), **kwargs}
        return TwilioResponse(201, json.dumps(MADE))


async def test_send_is_what_the_official_client_sends(adapter: Twilio) -> None:
    recording = Recording(None, False, None)
    Client(ACCOUNT, TOKEN, http_client=recording).messages.create(
        to=SEND["to"], from_="+15005550006", body=SEND["text"], validity_period=14_400
    )
    exchange = FakeExchange(adapter, "send_sms", [answer(MADE, 201)])
    await run(adapter, exchange, SEND)
    theirs = {name: str(value) for name, value in recording.sent["data"].items() if value is not None}

    assert exchange.last.method == recording.sent["method"].upper()
    assert f"https://api.twilio.com{exchange.last.path}" == recording.sent["url"]
    assert recording.sent["auth"] == (ACCOUNT, TOKEN)
    assert b64decode(exchange.authorised[0]["authorization"].removeprefix("Basic ")).decode() == f"{ACCOUNT}:{TOKEN}"
    assert dict(exchange.last.form or ()) == theirs


async def test_a_plus_in_a_number_is_encoded_and_the_body_is_a_form(adapter: Twilio) -> None:
    exchange = FakeExchange(adapter, "send_sms", [answer(MADE, 201)])
    await run(adapter, exchange, SEND)

    assert b"To=%2B14155550123" in body_of(exchange.last)
    assert exchange.last.json is None


async def test_a_messaging_service_goes_before_a_number() -> None:
    adapter = with_settings(MESSAGING_SERVICE_SID="MG" + "2" * 32)
    exchange = FakeExchange(adapter, "send_sms", [answer({**MADE, "from": None, "num_segments": "0"}, 201)])
    found = await run(adapter, exchange, SEND)

    assert ("MessagingServiceSid", "MG" + "2" * 32) in (exchange.last.form or ())
    assert found.segments is None


async def test_without_a_sender_the_settings_are_named() -> None:
    with pytest.raises(MissingCredential, match="Neither QUAYSIDE_TWILIO_FROM nor"):
        await run(with_settings(FROM=""), FakeExchange(with_settings(FROM=""), "send_sms"), SEND)


async def test_our_reference_comes_back_with_every_callback() -> None:
    adapter = with_settings(STATUS_CALLBACK="https://shop.example/webhooks/twilio")
    exchange = FakeExchange(adapter, "send_sms", [answer(MADE, 201)])
    await run(adapter, exchange, SEND)

    assert dict(exchange.last.form or ())["StatusCallback"] == URL


async def test_an_id_that_is_none_is_refused(adapter: Twilio) -> None:
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, FakeExchange(adapter, "get_sms"), {"message_id": "../Calls"})

    assert caught.value.field == "message_id"


@pytest.mark.parametrize("to", ["4155550123", "+0155550123", "+1 415 555 0123"])
def test_a_number_that_is_not_e164_is_refused(to: str) -> None:
    with pytest.raises(ValueError, match="to"):
        TextMessage.model_validate({**SEND, "to": to})


# --- what comes back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("theirs", "ours"), STATUSES.items())
async def test_every_status_has_its_word(adapter: Twilio, theirs: str, ours: str) -> None:
    exchange = FakeExchange(adapter, "get_sms", [answer({**MADE, "status": theirs})])

    assert (await run(adapter, exchange, {"message_id": MADE["sid"]})).status == ours


async def test_a_price_comes_negative_and_a_date_as_in_mail(adapter: Twilio) -> None:
    told = {**MADE, "price": "-0.00750", "date_sent": "Thu, 01 Oct 2026 12:00:01 +0000", "status": "delivered"}
    exchange = FakeExchange(adapter, "get_sms", [answer(told)])
    found = await run(adapter, exchange, {"message_id": MADE["sid"]})

    assert (str(found.price.amount), found.price.currency) == ("0.00750", "USD")
    assert found.sent_at == NOON + timedelta(seconds=1)


def refusal(code: int, status: int = 400) -> Response:
    return answer({"code": code, "message": f"+14155550123 {code}", "more_info": "…", "status": status}, status)


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable", "sent"),
    [
        (refusal(21211), "invalid_recipient", "ours", False, False),
        (refusal(21408, 403), "region_not_enabled", "configuration", False, False),
        (refusal(21606), "sender_not_usable", "configuration", False, False),
        (refusal(21610), "opted_out", "ours", False, False),
        (refusal(21614), "not_a_mobile", "ours", False, False),
        (refusal(21617), "too_long", "ours", False, False),
        (refusal(21659), "sender_not_usable", "configuration", False, False),
        (refusal(21611, 429), "queue_full", "ours", False, False),
        (refusal(20003, 401), "unauthorized", "configuration", False, False),
        (refusal(20429, 429), "rate_limited", "ours", True, False),
        (refusal(20404, 404), "not_found", "ours", False, False),
        (refusal(99999), "http_400", "ours", False, False),
        (refusal(20500, 500), "http_500", "theirs", True, True),
        (answer("<html>", 503, content_type="text/html"), "http_503", "theirs", True, True),
    ],
)
async def test_recorded_errors_have_their_class(
    adapter: Twilio, response: Response, error_type: str, fault: Fault, retryable: bool, sent: bool
) -> None:
    with pytest.raises(HttpFailed) as caught:
        await run(adapter, FakeExchange(adapter, "send_sms", [response]), SEND)
    error = caught.value

    assert (error.error_type, error.fault, error.retryable, error.sent) == (error_type, fault, retryable, sent)
    assert "4155550123" not in error.message


async def test_a_look_up_stops_at_messages_older_than_our_keys(adapter: Twilio) -> None:
    old = {**MADE, "date_created": "Wed, 30 Sep 2026 10:00:00 +0000"}
    pages = [answer({"messages": [old], "next_page_uri": "/next?PageToken=PA1"})] * 3
    exchange = FakeExchange(adapter, "send_sms", pages)

    assert await adapter.look_up_send_sms(exchange, TextMessage.model_validate(SEND)) is None
    assert exchange.slept == [2.0, 4.0]


async def test_the_next_page_is_taken_as_twilio_names_it(adapter: Twilio) -> None:
    other = {**MADE, "body": "something else"}
    following = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?To=%2B14155550123&PageSize=100&Page=1&PageToken=PASM1"
    answers = [answer({"messages": [other], "next_page_uri": following}), answer({"messages": [MADE]})]
    exchange = FakeExchange(adapter, "send_sms", answers)
    found = await adapter.look_up_send_sms(exchange, TextMessage.model_validate(SEND))

    assert found is not None
    assert ("PageToken", "PASM1") in exchange.last.query


async def test_a_look_up_without_an_end_is_for_a_person(adapter: Twilio) -> None:
    other = {**MADE, "body": "something else"}
    exchange = FakeExchange(adapter, "send_sms", [answer({"messages": [other], "next_page_uri": "/n?a=b"})] * 10)
    with pytest.raises(BusinessFailed, match="more than 1000 messages"):
        await adapter.look_up_send_sms(exchange, TextMessage.model_validate(SEND))


# --- callbacks ---------------------------------------------------------------------------------------------------------


async def callbacks(wire: Wire, secret: str = TOKEN) -> list[Delivery]:
    found = await wire.control("POST", "twilio/deliveries", {"url": URL, "secret": secret})
    return [
        Delivery(
            url=URL,
            headers={name.lower(): value for name, value in one["headers"].items()},
            body=one["body"].encode(),
            received_at=datetime.fromtimestamp(wire.time, UTC),
        )
        for one in found["deliveries"]
    ]


@pytest.fixture
async def told() -> list[Delivery]:
    async with on_the_wire("twilio") as wire:
        await wire.call("send_sms", SEND)
        wire.time += 600
        return await callbacks(wire)


async def test_callbacks_tell_how_a_message_fared_with_our_reference(told: list[Delivery]) -> None:
    found = [event(one, TOKEN, "") for one in told]

    assert [one.type for one in found] == ["message.sent", "message.delivered"]
    assert {one.reference for one in found} == {SEND["reference"]}
    assert len({one.id for one in found}) == 2
    assert found[-1].data == {"status": "delivered"}
    assert all(one.type in (VENDOR.webhook.events if VENDOR.webhook else ()) for one in found)


async def test_the_official_client_proves_the_same_callback(told: list[Delivery]) -> None:
    form = dict(parse_qsl(told[0].body.decode(), keep_blank_values=True))

    assert RequestValidator(TOKEN).validate(URL, form, told[0].headers["x-twilio-signature"])


async def test_behind_a_proxy_the_public_address_is_what_was_signed(told: list[Delivery]) -> None:
    inside = replace(told[0], url=URL.replace("https://shop.example", "http://127.0.0.1:8050"))

    assert event(told[0], TOKEN, "").reference == SEND["reference"]
    with pytest.raises(DeliveryRefused):
        event(inside, TOKEN, "")


async def test_an_address_signed_with_its_port_is_the_same(told: list[Delivery]) -> None:
    with_port = replace(told[0], url=URL.replace("shop.example", "shop.example:443"))

    assert event(with_port, TOKEN, "").id == event(told[0], TOKEN, "").id


@pytest.mark.parametrize(
    "changed",
    [
        {"url": URL.replace("6001", "6002")},
        {"url": URL.replace("shop", "other")},
        {"body": b"MessageSid=SM1&MessageStatus=delivered"},
        {"headers": {}},
        {"headers": {"x-twilio-signature": "AAAA"}},
    ],
)
async def test_a_callback_that_is_not_proven_is_refused(told: list[Delivery], changed: Mapping[str, Any]) -> None:
    with pytest.raises(DeliveryRefused):
        event(replace(told[0], **changed), TOKEN, "")


async def test_a_key_of_its_own_is_used_where_twilio_says_so() -> None:
    async with on_the_wire("twilio", shared_key="key-1") as wire:
        await wire.call("send_sms", SEND)
        wire.time += 600
        found = await callbacks(wire, "a-shared-key")

    assert event(found[0], TOKEN, "a-shared-key").type == "message.sent"
    with pytest.raises(DeliveryRefused, match="set QUAYSIDE_TWILIO_SIGNING_KEY"):
        event(found[0], TOKEN, "")


# --- against the sandbox -----------------------------------------------------------------------------------------------


async def test_a_message_goes_its_way() -> None:
    async with on_the_wire("twilio") as wire:
        made = await wire.call("send_sms", SEND)
        wire.time += 600
        found = await wire.call("get_sms", {"message_id": made.message_id})

    assert (made.status, made.reference, found.status) == ("queued", SEND["reference"], "delivered")
    assert found.sent_at is not None


async def test_a_lost_answer_is_looked_up_and_the_message_sent_once() -> None:
    value = TextMessage.model_validate(SEND)
    async with on_the_wire("twilio") as wire:
        adapter = wire.adapter
        assert isinstance(adapter, Twilio)
        before = await adapter.look_up_send_sms(wire.exchange("send_sms"), value)
        lost = {"vendor": "twilio", "operation": "send_sms", "fault": "lost_answer"}
        await wire.control("POST", "faults", [lost])
        with pytest.raises(aiohttp.ClientError):
            await wire.call("send_sms", SEND)
        await wire.control("DELETE", "faults")
        found = await adapter.look_up_send_sms(wire.exchange("send_sms"), value)
        effects = await wire.effects()

    assert before is None
    assert found is not None
    assert [effect["id"] for effect in effects] == [found.message_id]


@pytest.mark.parametrize(
    ("to", "error_type"),
    [
        ("+15005550001", "invalid_recipient"),
        ("+15005550003", "region_not_enabled"),
        ("+15005550004", "opted_out"),
        ("+15005550009", "not_a_mobile"),
    ],
)
async def test_twilios_magic_numbers_fail_as_they_say(to: str, error_type: str) -> None:
    async with on_the_wire("twilio") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("send_sms", {**SEND, "to": to})

    assert caught.value.error_type == error_type


async def test_a_bad_token_is_configuration() -> None:
    async with on_the_wire("twilio") as wire:
        wire.adapter = with_settings(AUTH_TOKEN="invalid")
        with pytest.raises(HttpFailed) as caught:
            await wire.call("get_sms", {"message_id": MADE["sid"]})

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_too_many_at_once_is_ours_to_wait_for() -> None:
    async with on_the_wire("twilio") as wire:
        await wire.control("POST", "faults", [{"vendor": "twilio", "fault": "rate_limit:5"}])
        with pytest.raises(HttpFailed) as caught:
            await wire.call("send_sms", SEND)

    assert (caught.value.error_type, caught.value.retryable) == ("rate_limited", True)


def test_the_official_client_is_refused_as_we_are(adapter: Twilio) -> None:
    class Refusing(Recording):
        def request(self, *args: Any, **kwargs: Any) -> TwilioResponse:
            return TwilioResponse(400, json.dumps({"code": 21610, "message": "m", "status": 400}))

    with pytest.raises(TwilioRestException) as caught:
        Client(ACCOUNT, TOKEN, http_client=Refusing(None, False, None)).messages.create(to="+1", from_="+1", body="b")

    verdict = adapter.classify(FakeExchange(adapter, "send_sms").requests, refusal(21610))  # type: ignore[arg-type]
    assert (caught.value.code, verdict.error_type if verdict else "") == (21610, "opted_out")
