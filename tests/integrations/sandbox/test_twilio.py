from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
import pytest
from lxml import etree
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from yarl import URL

from integrations.sandbox.twilio import segments
from integrations.sandbox.twilio.outbox import DELIVERED, FAILED, SENT, UNDELIVERED
from tests.integrations.sandbox.conftest import Sandbox, Start
from tests.integrations.sandbox.published import Published, published

SID, TOKEN, SERVICE = "AC" + "0a" * 16, "quayside-test-token", "MG" + "0b" * 16
ROOT = f"/2010-04-01/Accounts/{SID}"
FROM, TO = "+15005550006", "+14155550100"
MESSAGES, MESSAGE = (
    "/2010-04-01/Accounts/{AccountSid}/Messages.json",
    "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json",
)
TEXT = {"From": FROM, "To": TO, "Body": "Order A-1 has shipped"}

Send = Callable[..., Awaitable[tuple[int, Any, Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("twilio")


@pytest.fixture
def sdk(sandbox: Sandbox) -> Any:
    return connect(sandbox, TOKEN)


@pytest.fixture
def spec() -> Published:
    return published("twilio/twilio_api_v2010.json")


@pytest.fixture
def send(sandbox: Sandbox) -> Send:
    """Send one plain request; the answer is status, JSON (None without a body) and headers."""

    async def send_one(
        method: str, path: str, form: Any = None, auth: tuple[str, str] | None = (SID, TOKEN), **rest: Any
    ) -> tuple[int, Any, Any]:
        headers = {**rest.pop("headers", {}), **({} if auth is None else basic(*auth))}
        url = URL(f"{sandbox.url}/twilio{path}", encoded=True)
        async with sandbox.client.request(method, url, data=form, headers=headers, **rest) as answer:
            body = await answer.read()
            return answer.status, await answer.json() if body else None, answer.headers

    return send_one


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def connect(sandbox: Sandbox, token: str) -> Any:
    """Make the official client, told only the address; typed Any, because its properties are untyped."""
    client: Any = Client(SID, token)
    client.api.base_url = f"{sandbox.url}/twilio"
    return client


async def settle(sandbox: Sandbox, **settings: Any) -> None:
    """Change the twin's settings."""
    await sandbox.control("PUT", "settings", {"twilio": settings})


async def callbacks(sandbox: Sandbox, url: str = "https://ops.example/webhooks/twilio") -> list[dict[str, Any]]:
    answer = await sandbox.control("POST", "twilio/deliveries", {"url": url, "secret": TOKEN})
    made: list[dict[str, Any]] = answer["deliveries"]
    return made


async def test_official_client_sends_follows_and_redacts_a_message(sandbox: Sandbox, sdk: Any) -> None:
    sent = await asyncio.to_thread(sdk.messages.create, to=TO, from_=FROM, body="Order A-1 has shipped")
    sandbox.clock.move(10)
    seen = await asyncio.to_thread(sdk.messages(sent.sid).fetch)
    bare = await asyncio.to_thread(sdk.messages(sent.sid).update, body="")
    gone = await asyncio.to_thread(sdk.messages(sent.sid).delete)

    assert (sent.status, sent.price, sent.date_sent, sent.num_segments) == ("queued", None, None, "1")
    assert (seen.status, seen.price, seen.error_code) == ("delivered", "-0.00790", None)
    assert seen.date_sent >= seen.date_created
    assert (bare.body, gone) == ("", True)
    assert [(one["kind"], one["reference"], one["id"]) for one in await sandbox.effects("twilio")] == [
        ("message", "Order A-1 has shipped", sent.sid)
    ]
    operations = [seen["operation"] for seen in await sandbox.requests("twilio")]
    assert operations == ["send_sms", "get_sms", "update_sms", "delete_sms"]


async def test_official_client_looks_a_message_up_by_number_and_day(sandbox: Sandbox, sdk: Any) -> None:
    for number in range(3):
        await asyncio.to_thread(sdk.messages.create, to=TO, from_=FROM, body=f"Order A-{number}")
        sandbox.clock.move(1)
    await asyncio.to_thread(sdk.messages.create, to="+14155550199", from_=FROM, body="another's")
    day = datetime.fromtimestamp(sandbox.clock.time, UTC).replace(hour=0, minute=0, second=0)

    def found(**wanted: Any) -> list[str]:
        return [message.body for message in sdk.messages.list(**wanted)]

    assert await asyncio.to_thread(found, to=TO, date_sent_after=day, page_size=2) == [
        "Order A-2",
        "Order A-1",
        "Order A-0",
    ]
    assert await asyncio.to_thread(found, to=TO, date_sent_before=day) == []
    assert await asyncio.to_thread(found, from_="+15005550010") == []
    assert len(await sandbox.requests("twilio")) == 4 + 2 + 1 + 1  # the first look-up took two pages


async def test_official_client_raises_with_twilios_code(sandbox: Sandbox, sdk: Any) -> None:
    with pytest.raises(TwilioRestException) as stopped:
        await asyncio.to_thread(sdk.messages.create, to="+15005550004", from_=FROM, body="x")
    with pytest.raises(TwilioRestException) as unknown:
        await asyncio.to_thread(connect(sandbox, "invalid").messages.create, to=TO, from_=FROM, body="x")
    with pytest.raises(TwilioRestException) as missing:
        await asyncio.to_thread(sdk.messages("SM" + "0" * 32).fetch)

    assert (stopped.value.status, stopped.value.code) == (400, 21610)
    assert (unknown.value.status, unknown.value.code) == (401, 20003)
    assert (missing.value.status, missing.value.code) == (404, 20404)
    assert await sandbox.effects("twilio") == []


async def test_official_client_reads_the_account(sdk: Any) -> None:
    account = await asyncio.to_thread(sdk.api.accounts(SID).fetch)

    assert (account.sid, account.status) == (SID, "active")


async def test_answers_and_requests_hold_to_the_published_contract(
    sandbox: Sandbox, send: Send, spec: Published
) -> None:
    for form in (TEXT, {"MessagingServiceSid": SERVICE, "To": TO, "Body": "x", "ValidityPeriod": 3600}):
        spec.check_request("POST", MESSAGES, form)
        status, made, _ = await send("POST", f"{ROOT}/Messages.json", form)
        assert status == 201
        spec.check_answer("POST", MESSAGES, 201, made)
        for seconds in (0, 0.25, 0.35, 0.5, 10):
            sandbox.clock.move(seconds)
            _, seen, _ = await send("GET", f"{ROOT}/Messages/{made['sid']}.json")
            spec.check_answer("GET", MESSAGE, 200, seen)
            for name in ("date_created", "date_updated", "date_sent"):
                assert seen[name] is None or re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000", seen[name])
    for sid in (DELIVERED, UNDELIVERED, FAILED, SENT):
        spec.check_answer("GET", MESSAGE, 200, (await send("GET", f"{ROOT}/Messages/{sid}.json"))[1])
    spec.check_answer("GET", MESSAGES, 200, (await send("GET", f"{ROOT}/Messages.json?PageSize=2"))[1])
    spec.check_answer("POST", MESSAGE, 200, (await send("POST", f"{ROOT}/Messages/{SENT}.json", {"Body": ""}))[1])
    spec.check_answer("GET", "/2010-04-01/Accounts/{Sid}.json", 200, (await send("GET", f"{ROOT}.json"))[1])


async def test_the_status_goes_on_with_the_clock(sandbox: Sandbox, send: Send) -> None:
    _, made, _ = await send("POST", f"{ROOT}/Messages.json", TEXT)
    seen = [made["status"]]
    for _ in range(60):
        sandbox.clock.move(0.1)
        _, shown, _ = await send("GET", f"{ROOT}/Messages/{made['sid']}.json")
        if shown["status"] != seen[-1]:
            seen.append(shown["status"])

    assert seen == ["queued", "sending", "sent", "delivered"]


async def test_through_a_messaging_service_sender_and_segments_are_known_later(sandbox: Sandbox, send: Send) -> None:
    form = {"MessagingServiceSid": SERVICE, "To": TO, "Body": "x" * 161}
    _, made, _ = await send("POST", f"{ROOT}/Messages.json", form)
    sandbox.clock.move(10)
    _, seen, _ = await send("GET", f"{ROOT}/Messages/{made['sid']}.json")

    assert (made["status"], made["from"], made["num_segments"]) == ("accepted", None, "0")
    assert (seen["status"], seen["num_segments"], seen["price"]) == ("delivered", "2", "-0.01580")
    assert seen["from"].startswith("+1500555")
    assert seen["messaging_service_sid"] == SERVICE


@pytest.mark.parametrize(
    ("outcome", "status", "code", "priced"),
    [
        ("undelivered:30003", "undelivered", 30003, True),
        ("undelivered:30007", "undelivered", 30007, True),
        ("failed:30001", "failed", 30001, False),
        ("sent", "sent", None, True),
    ],
)
async def test_how_a_message_ends_can_be_set_by_number(
    sandbox: Sandbox, send: Send, outcome: str, status: str, code: int | None, priced: bool
) -> None:
    await settle(sandbox, outcomes={TO: outcome})
    _, made, _ = await send("POST", f"{ROOT}/Messages.json", TEXT)
    sandbox.clock.move(3600)
    _, seen, _ = await send("GET", f"{ROOT}/Messages/{made['sid']}.json")

    assert made["error_code"] is None  # 201 says taken, no more
    assert (seen["status"], seen["error_code"], seen["price"] is not None) == (status, code, priced)
    assert (seen["error_message"] is None) == (code is None)


async def test_a_sender_puts_out_a_segment_a_second_and_what_waits_too_long_fails(sandbox: Sandbox, send: Send) -> None:
    sids = []
    for _ in range(5):
        _, made, _ = await send("POST", f"{ROOT}/Messages.json", {**TEXT, "ValidityPeriod": 3})
        sids.append(made["sid"])
    sandbox.clock.move(1)
    early = [(await send("GET", f"{ROOT}/Messages/{sid}.json"))[1]["status"] for sid in sids]
    sandbox.clock.move(60)
    late = [(await send("GET", f"{ROOT}/Messages/{sid}.json"))[1] for sid in sids]

    assert early == ["sent", "queued", "queued", "queued", "queued"]
    assert [one["status"] for one in late] == ["delivered"] * 3 + ["failed"] * 2
    assert late[-1]["error_code"] == 30036


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"From": "+15005550001"}, 400, 21212),
        ({"From": "+15005550007"}, 400, 21606),
        ({"From": "+14155550000"}, 400, 21606),
        ({"From": "+15005550008"}, 429, 21611),
        ({"From": None}, 400, 21603),
        ({"To": None}, 400, 21604),
        ({"To": "+15005550001"}, 400, 21211),
        ({"To": "+15005550002"}, 400, 21612),
        ({"To": "+15005550003"}, 400, 21408),
        ({"To": "+15005550004"}, 400, 21610),
        ({"To": "+15005550009"}, 400, 21614),
        ({"To": "123"}, 400, 21211),
        ({"To": "+1415555010"}, 400, 21211),
        ({"To": FROM}, 400, 21266),
        ({"Body": ""}, 400, 21619),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"MessagingServiceSid": "MG1"}, 400, 21705),
        ({"ContentSid": "HX1"}, 400, 21655),
        ({"ValidityPeriod": "36001"}, 400, 21624),
        ({"ValidityPeriod": "0"}, 400, 21624),
        ({"StatusCallback": "ops.example/hook"}, 400, 21609),
        ({"StatusCallback": "https://my_ops.example/hook"}, 400, 21609),
        ({"ContentRetention": "burn"}, 400, 30029),
        ({"RiskCheck": "maybe"}, 400, 20001),
        ({"ScheduleType": "fixed", "SendAt": "2026-10-02T12:00:00Z"}, 400, 35118),
        ({"ScheduleType": "fixed", "MessagingServiceSid": SERVICE}, 400, 35111),
        ({"ScheduleType": "fixed", "MessagingServiceSid": SERVICE, "SendAt": "2026-10-01T12:04:59Z"}, 400, 35114),
        ({"ScheduleType": "fixed", "MessagingServiceSid": SERVICE, "SendAt": "tomorrow"}, 400, 35114),
    ],
    ids=str,
)
async def test_refusals_and_magic_numbers_are_twilios(
    sandbox: Sandbox, send: Send, change: dict[str, str | None], status: int, code: int
) -> None:
    form = {name: value for name, value in {**TEXT, **change}.items() if value is not None}
    answered, body, headers = await send("POST", f"{ROOT}/Messages.json", form)

    assert (answered, body["code"], body["status"]) == (status, code, status)
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert "Retry-After" not in headers
    assert await sandbox.effects("twilio") == []


async def test_a_plus_sign_that_is_not_encoded_is_no_number(send: Send) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    raw = f"From=%2B15005550006&To={TO}&Body=x"
    status, body, _ = await send("POST", f"{ROOT}/Messages.json", raw, headers=form)

    assert (status, body["code"]) == (400, 21211)
    assert body["message"] == "The 'To' number  14155550100 is not a valid phone number."


async def test_a_json_body_holds_no_parameters(send: Send) -> None:
    status, body, _ = await send("POST", f"{ROOT}/Messages.json", json=TEXT)

    assert (status, body["code"]) == (400, 21603)


async def test_a_number_that_said_stop_stays_refused(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, opted_out=[TO])
    _, body, _ = await send("POST", f"{ROOT}/Messages.json", TEXT)

    assert (body["code"], body["message"]) == (21610, "Attempt to send to unsubscribed recipient")


async def test_a_second_post_is_a_second_message(sandbox: Sandbox, send: Send) -> None:
    first = await send("POST", f"{ROOT}/Messages.json", TEXT, headers={"Idempotency-Key": "k"})
    second = await send("POST", f"{ROOT}/Messages.json", TEXT, headers={"Idempotency-Key": "k"})

    assert first[1]["sid"] != second[1]["sid"]
    assert len(await sandbox.effects("twilio")) == 2


async def test_a_lost_answer_is_found_again_by_number_day_and_text(sandbox: Sandbox, send: Send) -> None:
    await sandbox.fault("twilio", "lost_answer", operation="send_sms")
    with pytest.raises(aiohttp.ClientError):
        await send("POST", f"{ROOT}/Messages.json", TEXT)
    await sandbox.control("DELETE", "faults")
    query = urlencode({"To": TO, "DateSent>": "2026-10-01"})
    _, found, _ = await send("GET", f"{ROOT}/Messages.json?{query}")
    _, before, _ = await send("GET", f"{ROOT}/Messages.json?{urlencode({'To': TO, 'DateSent': '2026-09-30'})}")

    (message,) = found["messages"]
    (effect,) = await sandbox.effects("twilio")
    assert (message["body"], message["sid"], message["status"]) == (TEXT["Body"], effect["id"], "queued")
    assert before["messages"] == []


async def test_a_list_is_newest_first_in_pages_that_are_followed_by_uri(sandbox: Sandbox, send: Send) -> None:
    for number in range(5):
        await send("POST", f"{ROOT}/Messages.json", {**TEXT, "Body": str(number)})
        sandbox.clock.move(1)
    path: str | None = f"{ROOT}/Messages.json?{urlencode({'To': TO, 'DateSent>': '2026-10-01', 'PageSize': 2})}"
    bodies, pages = [], []
    while path is not None:
        _, page, _ = await send("GET", path)
        bodies += [message["body"] for message in page["messages"]]
        pages.append((page["page"], page["start"], page["end"], page["page_size"]))
        path = page["next_page_uri"]
    _, third_to_second, _ = await send("GET", page["previous_page_uri"])

    assert bodies == ["4", "3", "2", "1", "0"]
    assert pages == [(0, 0, 1, 2), (1, 2, 3, 2), (2, 4, 4, 2)]
    assert [message["body"] for message in third_to_second["messages"]] == ["2", "1"]


@pytest.mark.parametrize(
    ("query", "code"),
    [("PageSize=1001", 20007), ("PageSize=x", 20001), ("DateSent=soon", 20001), ("PageToken=PAnone", 20001)],
)
async def test_a_list_refuses_what_it_cannot_read(send: Send, query: str, code: int) -> None:
    status, body, _ = await send("GET", f"{ROOT}/Messages.json?{query}")

    assert (status, body["code"]) == (400, code)


async def test_a_scheduled_message_can_be_cancelled_and_one_on_its_way_can_not(sandbox: Sandbox, send: Send) -> None:
    later = {"ScheduleType": "fixed", "SendAt": "2026-10-01T13:00:00Z", "MessagingServiceSid": SERVICE}
    form = {**TEXT, **later, "From": FROM}
    _, first, _ = await send("POST", f"{ROOT}/Messages.json", form)
    _, second, _ = await send("POST", f"{ROOT}/Messages.json", form)
    early = await send("DELETE", f"{ROOT}/Messages/{first['sid']}.json")
    _, cancelled, _ = await send("POST", f"{ROOT}/Messages/{first['sid']}.json", {"Status": "canceled"})
    sandbox.clock.move(3700)
    seen = [(await send("GET", f"{ROOT}/Messages/{one['sid']}.json"))[1]["status"] for one in (first, second)]
    status, refused, _ = await send("POST", f"{ROOT}/Messages/{second['sid']}.json", {"Status": "canceled"})

    assert (first["status"], cancelled["status"], seen) == ("scheduled", "canceled", ["canceled", "delivered"])
    assert (early[0], early[1]["code"]) == (409, 20009)
    assert (status, refused["code"]) == (400, 30409)


@pytest.mark.parametrize("form", [{}, {"Body": "new"}, {"Status": "delivered"}, {"Body": "", "Status": "canceled"}])
async def test_an_update_only_redacts_or_cancels(send: Send, form: dict[str, str]) -> None:
    status, body, _ = await send("POST", f"{ROOT}/Messages/{DELIVERED}.json", form)

    assert (status, body["code"]) == (400, 30400)


@pytest.mark.parametrize(
    ("path", "auth", "status", "code"),
    [
        (ROOT, None, 401, 20003),
        (ROOT, (SID, ""), 401, 20003),
        (ROOT, (SID, "invalid-token"), 401, 20003),
        (ROOT, ("AC" + "0c" * 16, TOKEN), 401, 20003),
        (ROOT, ("somebody", TOKEN), 401, 20003),
        (ROOT, ("SK" + "0d" * 16, "secret"), 200, None),
        ("/2010-04-01/Accounts/invalid", ("invalid", TOKEN), 404, 20404),
        ("/2010-04-01/Elsewhere", (SID, TOKEN), 404, 20404),
    ],
)
async def test_credentials_are_looked_at(send: Send, path: str, auth: Any, status: int, code: int | None) -> None:
    answered, body, headers = await send("GET", f"{path}/Messages.json", auth=auth)

    assert (answered, body.get("code")) == (status, code)
    assert ("WWW-Authenticate" in headers) == (status == 401)
    if status == 404:
        assert body["message"] == f"The requested resource {path}/Messages.json was not found"


async def test_one_account_does_not_see_the_messages_of_another(send: Send) -> None:
    other = "AC" + "0c" * 16
    _, made, _ = await send("POST", f"{ROOT}/Messages.json", TEXT)
    status, _, _ = await send("GET", f"/2010-04-01/Accounts/{other}/Messages/{made['sid']}.json", auth=(other, TOKEN))

    assert status == 404


async def test_without_the_json_suffix_the_answer_is_xml(sandbox: Sandbox) -> None:
    answers = []
    for form in (TEXT, {**TEXT, "To": "123"}):
        async with sandbox.client.post(
            f"{sandbox.url}/twilio{ROOT}/Messages", data=form, headers=basic(SID, TOKEN)
        ) as answer:
            answers.append((answer.status, answer.content_type, etree.fromstring(await answer.read())))

    (made, kind, message), (refused, _, error) = answers
    assert (made, kind, message.findtext("Message/To"), message.findtext("Message/Price")) == (
        201,
        "application/xml",
        TO,
        "",
    )
    assert (refused, error.findtext("RestException/Code")) == (400, "21211")


async def test_requests_under_way_are_told_and_limited_per_account(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, concurrent_requests=3, processing_seconds=0.2)
    answers = await asyncio.gather(*(send("POST", f"{ROOT}/Messages.json", TEXT) for _ in range(5)))
    after = await send("GET", f"{ROOT}/Messages.json")

    refused = [(body, headers) for status, body, headers in answers if status == 429]
    taken = sorted(int(headers["Twilio-Concurrent-Requests"]) for status, _, headers in answers if status == 201)
    assert taken == [1, 2, 3]
    assert all(int(headers["Twilio-Concurrent-Requests"]) > 3 for _, headers in refused)
    assert [body["code"] for body, _ in refused] == [20429, 20429]
    assert all("Retry-After" not in headers for _, headers in refused)
    assert len(await sandbox.effects("twilio")) == 3  # 20429 was not processed
    assert (after[0], after[2]["Twilio-Concurrent-Requests"]) == (200, "1")


async def test_samples_stand_for_each_end_and_are_no_effect(sandbox: Sandbox, send: Send) -> None:
    seen = [(await send("GET", f"{ROOT}/Messages/{sid}.json"))[1] for sid in (DELIVERED, UNDELIVERED, FAILED, SENT)]

    assert [(one["status"], one["error_code"]) for one in seen] == [
        ("delivered", None),
        ("undelivered", 30003),
        ("failed", 30007),
        ("sent", None),
    ]
    assert await sandbox.effects("twilio") == []


async def test_status_callbacks_are_signed_as_the_official_client_checks_them(sandbox: Sandbox, send: Send) -> None:
    url = "https://ops.example/webhooks/twilio?shop=1"
    await settle(sandbox, outcomes={TO: "undelivered:30005"})
    await send("POST", f"{ROOT}/Messages.json", {**TEXT, "StatusCallback": f"{url}#rc=3"})
    at_once = await callbacks(sandbox)
    sandbox.clock.move(10)
    made = await callbacks(sandbox, f"{url}#rc=3&rp=ct,rt")

    assert at_once == []  # the first status calls nobody
    assert [one["type"] for one in made] == ["sent", "undelivered"]
    validator = RequestValidator(TOKEN)
    for one in made:
        form = dict(parse_qsl(one["body"]))
        assert validator.validate(url, form, one["headers"]["X-Twilio-Signature"])
        assert not validator.validate(url, {**form, "To": "+1"}, one["headers"]["X-Twilio-Signature"])
        assert (form["MessageStatus"], form["AccountSid"], form["To"]) == (one["type"], SID, TO)
    last = dict(parse_qsl(made[-1]["body"]))
    assert (last["ErrorCode"], last["RawDlrDoneDate"]) == ("30005", "2610011200")
    assert len({one["headers"]["I-Twilio-Idempotency-Token"] for one in made}) == 2


async def test_through_a_service_the_callbacks_begin_with_queued(sandbox: Sandbox, send: Send) -> None:
    await send("POST", f"{ROOT}/Messages.json", {"MessagingServiceSid": SERVICE, "To": TO, "Body": "x"})
    sandbox.clock.move(10)

    assert [one["type"] for one in await callbacks(sandbox)] == ["queued", "sent", "delivered"]


async def test_callbacks_may_come_twice_and_the_wrong_way_round(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, repeat_callbacks=True)
    await send("POST", f"{ROOT}/Messages.json", TEXT)
    sandbox.clock.move(10)
    made = await callbacks(sandbox)

    assert [one["type"] for one in made] == ["delivered", "sent", "sent", "delivered"]
    tokens = [one["headers"]["I-Twilio-Idempotency-Token"] for one in made]
    assert (tokens[0], tokens[1]) == (tokens[3], tokens[2])


async def test_a_shared_key_signs_with_sha_256_and_says_so(sandbox: Sandbox, send: Send) -> None:
    await settle(sandbox, shared_key="WK1")
    await send("POST", f"{ROOT}/Messages.json", TEXT)
    sandbox.clock.move(10)
    (one, *_) = await callbacks(sandbox)

    assert one["headers"]["X-Twilio-Webhooks-Signature-Settings"] == "key=WK1,algorithm=HMAC_SHA256"
    url, signature = "https://ops.example/webhooks/twilio", one["headers"]["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate(url, dict(parse_qsl(one["body"])), signature, "HMAC_SHA256")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 153 * 3, 3),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("😀" * 36, 2),
    ],
    ids=lambda value: str(value)[:3],
)
def test_segments_are_counted_as_they_are_billed(text: str, expected: int) -> None:
    assert segments.count(text) == expected


async def test_faults_speak_twilios_language(sandbox: Sandbox, send: Send) -> None:
    await sandbox.fault("twilio", "rate_limit:60")
    status, body, headers = await send("GET", f"{ROOT}/Messages.json")
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("twilio", "status:503")
    broken, problem, _ = await send("GET", f"{ROOT}/Messages.json")
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("twilio", "schema")
    _, drifted, _ = await send("GET", f"{ROOT}/Messages/{SENT}.json")

    assert (status, body["code"], headers.get("Retry-After")) == (429, 20429, None)
    assert (broken, problem["code"], problem["status"]) == (503, 20503, 503)
    assert "sid" not in drifted
