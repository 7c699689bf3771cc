from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest
from python_http_client.exceptions import (
    BadRequestsError,
    ForbiddenError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnauthorizedError,
)
from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail import Attachment, BatchId, Category, CustomArg, Mail, Personalization, SendAt, To

from integrations.sandbox.sendgrid.mailbox import BOUNCED, UNSUBSCRIBED
from integrations.sandbox.sendgrid.schema import MAIL
from integrations.sandbox.sendgrid.webhook import WEBHOOK_ID
from tests.contracts import contract
from tests.integrations.sandbox.conftest import START, Sandbox, Start
from tests.integrations.sandbox.published import Published, published

KEY = "SG.sandbox-key.0123456789"
SEND, BATCH, SETTINGS = "/v3/mail/send", "/v3/mail/batch", "/v3/user/webhooks/event/settings"
BOUNCES, GLOBAL = "/v3/suppression/bounces", "/v3/asm/suppressions/global"
SIGNATURE, STAMP = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"
ANN = "ann@example.com"
MAIL_TO_ANN: dict[str, Any] = {
    "personalizations": [
        {"to": [{"email": ANN, "name": "Ann"}], "custom_args": {"message_key": "order-1001:shipped"}},
    ],
    "from": {"email": "shop@example.com", "name": "Shop"},
    "subject": "Your order 1001",
    "content": [{"type": "text/plain", "value": "It has left."}, {"type": "text/html", "value": "<p>It has left.</p>"}],
    "categories": ["orders"],
}

Call = Callable[..., Awaitable[tuple[int, Any, Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("sendgrid")


@pytest.fixture
def sdk(sandbox: Sandbox) -> Any:
    return connect(sandbox)


@pytest.fixture
def mail_spec() -> Published:
    return published("sendgrid/tsg_mail_v3.json")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one plain request; the answer is status, body (JSON, text, or None when empty) and headers."""

    async def send_one(method: str, path: str, value: Any = None, key: str | None = KEY, **rest: Any) -> Any:
        headers = {**({} if key is None else {"Authorization": f"Bearer {key}"}), **rest.pop("headers", {})}
        url = f"{sandbox.url}/sendgrid{path}"
        async with sandbox.client.request(method, url, json=value, headers=headers, **rest) as answer:
            body: Any = await answer.read()
            if answer.content_type == "application/json" and body:
                return answer.status, orjson.loads(body), answer.headers
            return answer.status, body.decode() or None, answer.headers

    return send_one


def connect(sandbox: Sandbox, key: str = KEY) -> Any:
    """Make the official client, told only the address."""
    return SendGridAPIClient(key, host=f"{sandbox.url}/sendgrid")


def mail(**change: Any) -> dict[str, Any]:
    """Return the good mail with fields replaced; None takes one away."""
    return {name: value for name, value in {**MAIL_TO_ANN, **change}.items() if value is not None}


def to(*emails: str, **rest: Any) -> dict[str, Any]:
    """Return one personalization."""
    return {"to": [{"email": email} for email in emails], **rest}


async def settle(sandbox: Sandbox, **settings: Any) -> None:
    """Change the twin's settings."""
    await sandbox.control("PUT", "settings", {"sendgrid": settings})


async def deliveries(sandbox: Sandbox) -> tuple[list[dict[str, Any]], str]:
    answer = await sandbox.control(
        "POST", "sendgrid/deliveries", {"url": "https://ops.example/webhooks/sendgrid", "secret": ""}
    )
    return answer["deliveries"], answer["public_key"]


async def events(sandbox: Sandbox) -> list[dict[str, Any]]:
    made, _ = await deliveries(sandbox)
    return [event for one in made for event in orjson.loads(one["body"])]


async def test_official_client_sends_and_the_accepted_mail_has_an_id_and_no_body(sandbox: Sandbox, sdk: Any) -> None:
    message = Mail("shop@example.com", ANN, "Your order 1001", "It has left.", "<p>It has left.</p>")
    message.custom_arg = CustomArg("message_key", "order-1001:shipped")
    message.category = Category("orders")
    message.attachment = Attachment(base64.b64encode(b"label").decode(), "label.pdf", "application/pdf", "attachment")
    sent = await asyncio.to_thread(sdk.send, message)

    assert (sent.status_code, sent.body) == (202, b"")
    assert "Content-Type" not in sent.headers or sent.headers["Content-Type"] != "application/json"
    assert [(one["kind"], one["reference"], one["id"]) for one in await sandbox.effects("sendgrid")] == [
        ("message", "order-1001:shipped", sent.headers["X-Message-Id"])
    ]
    assert [one["operation"] for one in await sandbox.requests("sendgrid")] == ["send_email"]


async def test_official_client_sends_by_template_one_personalization_a_person_in_a_batch(
    sandbox: Sandbox, sdk: Any
) -> None:
    made = await asyncio.to_thread(sdk.client.mail.batch.post)
    batch = orjson.loads(made.body)["batch_id"]
    seen = await asyncio.to_thread(sdk.client.mail.batch._(batch).get)
    message = Mail("shop@example.com")
    message.template_id = "d-" + "0a" * 16
    message.batch_id = BatchId(batch)
    message.send_at = SendAt(int(START) + 3600)
    for number, email in enumerate((ANN, "bob@example.com")):
        person = Personalization()
        person.add_email(To(email))
        person.dynamic_template_data = {"order": str(number)}
        person.add_custom_arg(CustomArg("message_key", f"order-{number}"))
        message.add_personalization(person)
    sent = await asyncio.to_thread(sdk.send, message)
    sandbox.clock.move(3500)
    early = await events(sandbox)
    sandbox.clock.move(120)
    late = await events(sandbox)

    assert (made.status_code, seen.status_code, orjson.loads(seen.body)) == (201, 200, {"batch_id": batch})
    assert sent.status_code == 202
    assert {one["reference"] for one in await sandbox.effects("sendgrid")} == {"order-0", "order-1"}
    assert early == []
    assert {(one["event"], one["email"], one["message_key"]) for one in late if one["event"] == "delivered"} == {
        ("delivered", ANN, "order-0"),
        ("delivered", "bob@example.com", "order-1"),
    }


async def test_official_client_raises_sendgrids_errors(sandbox: Sandbox, sdk: Any) -> None:
    unsent = Mail("shop@example.com", ANN, "", "It has left.")
    with pytest.raises(BadRequestsError) as bad:
        await asyncio.to_thread(sdk.send, unsent)
    with pytest.raises(UnauthorizedError) as unknown:
        await asyncio.to_thread(connect(sandbox, "SG.invalid").send, mail())
    with pytest.raises(ForbiddenError) as forbidden:
        await asyncio.to_thread(connect(sandbox, "SG.readonly.key").send, mail())
    await sandbox.fault("sendgrid", "rate_limit:60")
    with pytest.raises(TooManyRequestsError) as throttled:
        await asyncio.to_thread(sdk.send, mail())

    assert bad.value.to_dict["errors"][0]["field"] in ("subject", "content.0.value")
    assert unknown.value.to_dict["errors"][0]["message"].startswith("The provided authorization grant is invalid")
    assert forbidden.value.to_dict["errors"][0]["message"] == "access forbidden"
    assert throttled.value.to_dict == {"errors": [{"field": None, "message": "too many requests"}]}
    assert await sandbox.effects("sendgrid") == []


async def test_official_client_reads_suppressions_scopes_and_the_webhooks_key(sandbox: Sandbox, sdk: Any) -> None:
    client = sdk.client
    bounces = await asyncio.to_thread(client.suppression.bounces.get)
    scopes = await asyncio.to_thread(client.scopes.get)
    key = await asyncio.to_thread(client.user.webhooks.event.settings.signed._(WEBHOOK_ID).get)
    await asyncio.to_thread(client.suppression.bounces._(BOUNCED).delete)
    after = await asyncio.to_thread(client.suppression.bounces.get)

    assert [one["email"] for one in orjson.loads(bounces.body)] == [BOUNCED]
    assert orjson.loads(after.body) == []
    assert "mail.send" in orjson.loads(scopes.body)["scopes"]
    assert orjson.loads(key.body)["public_key"] == (await deliveries(sandbox))[1]


async def test_answers_hold_to_the_published_contract(call: Call, mail_spec: Published) -> None:
    suppressions, hooks = published("sendgrid/tsg_suppressions_v3.json"), published("sendgrid/tsg_webhooks_v3.json")
    _, batch, _ = await call("POST", BATCH)
    mail_spec.check_answer("POST", BATCH, 201, batch)
    one = f"{BATCH}/{{batch_id}}"
    mail_spec.check_answer("GET", one, 200, (await call("GET", f"{BATCH}/{batch['batch_id']}"))[1])
    mail_spec.check_answer("GET", one, 400, (await call("GET", f"{BATCH}/none"))[1])
    mail_spec.check_answer("POST", SEND, 401, (await call("POST", SEND, mail(), key=None))[1])
    mail_spec.check_answer("POST", SEND, 403, (await call("POST", SEND, mail(), key="SG.readonly.key"))[1])
    mail_spec.check_answer("POST", SEND, 405, (await call("GET", SEND))[1])
    mail_spec.check_answer("POST", SEND, 404, (await call("GET", "/v3/mail/elsewhere"))[1])
    for path in (BOUNCES, f"{BOUNCES}/{BOUNCED}"):
        described = path.replace(BOUNCED, "{email}")
        suppressions.check_answer("GET", described, 200, (await call("GET", path))[1])
    suppressions.check_answer("GET", BOUNCES, 401, (await call("GET", BOUNCES, key=None))[1])
    unsubscribes = "/v3/suppression/unsubscribes"
    suppressions.check_answer("GET", unsubscribes, 200, (await call("GET", unsubscribes))[1])
    added = {"recipient_emails": [ANN]}
    suppressions.check_request("POST", GLOBAL, added)
    suppressions.check_answer("POST", GLOBAL, 201, (await call("POST", GLOBAL, added))[1])
    suppressions.check_answer("GET", f"{GLOBAL}/{{email}}", 200, (await call("GET", f"{GLOBAL}/{ANN}"))[1])
    hooks.check_answer("GET", f"{SETTINGS}/all", 200, (await call("GET", f"{SETTINGS}/all"))[1])
    signed = f"{SETTINGS}/signed/{{id}}"
    hooks.check_answer("GET", signed, 200, (await call("GET", f"{SETTINGS}/signed/{WEBHOOK_ID}"))[1])
    hooks.check_answer("GET", signed, 404, (await call("GET", f"{SETTINGS}/signed/none"))[1])


def test_a_mail_has_the_fields_the_contract_gives_it() -> None:
    document = orjson.loads(contract("sendgrid/tsg_mail_v3.json").read_bytes())
    components = document["components"]
    body = components["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]

    def shape(schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return shape(components["schemas"][schema["$ref"].rpartition("/")[2]])
        if schema["type"] == "array":
            return [shape(schema["items"])]
        if "properties" in schema:
            return {name: shape(inner) for name, inner in schema["properties"].items()}
        return schema["type"]

    # The clients send an object, and so say the vendor's own samples.
    assert {**shape(body), "custom_args": "object"} == MAIL


def test_the_good_mail_of_these_tests_is_one_by_the_contract(mail_spec: Published) -> None:
    mail_spec.check_request("POST", SEND, MAIL_TO_ANN)


async def test_sandbox_mode_answers_200_and_sends_nothing(sandbox: Sandbox, call: Call) -> None:
    switched = {"sandbox_mode": {"enable": True}}
    status, body, headers = await call("POST", SEND, mail(mail_settings=switched))
    refused, _, _ = await call("POST", SEND, mail(mail_settings=switched, subject=None))
    sandbox.clock.move(60)

    assert (status, body, refused) == (200, None, 400)
    assert "X-Message-Id" not in headers
    assert await sandbox.effects("sendgrid") == []
    assert await events(sandbox) == []


async def test_a_second_post_is_a_second_mail(sandbox: Sandbox, call: Call) -> None:
    first = await call("POST", SEND, mail(), headers={"Idempotency-Key": "k"})
    second = await call("POST", SEND, mail(), headers={"Idempotency-Key": "k"})

    assert first[2]["X-Message-Id"] != second[2]["X-Message-Id"]
    assert len(await sandbox.effects("sendgrid")) == 2


async def test_a_lost_answer_is_told_by_the_events_custom_argument(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("sendgrid", "lost_answer", operation="send_email")
    with pytest.raises(aiohttp.ClientError):
        await call("POST", SEND, mail(custom_args={"shop": "1", "message_key": "of the whole mail"}))
    sandbox.clock.move(5)
    seen = await events(sandbox)
    (effect,) = await sandbox.effects("sendgrid")

    assert [one["event"] for one in seen] == ["processed", "delivered"]
    for one in seen:
        assert (one["message_key"], one["shop"], one["category"]) == ("order-1001:shipped", "1", ["orders"])
        assert one["sg_message_id"].startswith(f"{effect['id']}.recvd-")
        assert len(one["sg_message_id"]) > len(effect["id"])
        assert isinstance(one["timestamp"], int)
        assert len(one["sg_event_id"]) <= 100
    assert len({one["sg_event_id"] for one in seen}) == 2


async def test_events_are_signed_over_stamp_and_raw_body_as_the_official_client_checks_them(
    sandbox: Sandbox, call: Call
) -> None:
    for _ in range(2):
        await call("POST", SEND, mail())
        sandbox.clock.move(20)
    made, key = await deliveries(sandbox)

    checker = EventWebhook(key)
    assert len(made) > 1
    for one in made:
        signature, stamp = one["headers"][SIGNATURE], one["headers"][STAMP]
        anew = orjson.dumps(orjson.loads(one["body"])).decode()
        assert checker.verify_signature(one["body"], signature, stamp)
        assert not checker.verify_signature(anew, signature, stamp)
        assert not checker.verify_signature(one["body"], signature, str(int(stamp) + 1))
        assert all(event["timestamp"] <= int(stamp) <= sandbox.clock.time for event in orjson.loads(one["body"]))
    stamps = [int(one["headers"][STAMP]) for one in made]
    assert stamps == sorted(stamps)


async def test_a_batch_of_events_may_come_twice_with_the_same_event_ids(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, repeat_events=True)
    await call("POST", SEND, mail())
    sandbox.clock.move(10)
    ids = [one["sg_event_id"] for one in await events(sandbox)]

    assert len(ids) == 2 * len(set(ids)) == 4


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("delivered", ["processed", "delivered"]),
        ("deferred,delivered", ["processed", "deferred", "delivered"]),
        ("delivered,open,click", ["processed", "delivered", "open", "click"]),
        ("delivered,spamreport", ["processed", "delivered", "spamreport"]),
        ("delivered,group_unsubscribe,group_resubscribe", None),
        ("bounce", ["processed", "bounce"]),
        ("blocked", ["processed", "bounce"]),
    ],
)
async def test_what_becomes_of_a_mail_can_be_set_by_address(
    sandbox: Sandbox, call: Call, outcome: str, expected: list[str] | None
) -> None:
    await settle(sandbox, outcomes={ANN: outcome})
    status, _, _ = await call("POST", SEND, mail(personalizations=[to("Ann@example.com", cc=[{"email": "c@d.co"}])]))
    sandbox.clock.move(300)
    seen = await events(sandbox)
    anns = [one for one in seen if one["email"] == "Ann@example.com"]

    assert status == 202  # taken says nothing of delivered
    assert [one["event"] for one in anns] == (expected or ["processed", *outcome.split(",")])
    assert [one["event"] for one in seen if one["email"] == "c@d.co"] == ["processed", "delivered"]
    bounces = [one for one in anns if one["event"] == "bounce"]
    assert all(one["type"] == {"bounce": "bounce", "blocked": "blocked"}[outcome] for one in bounces)
    assert all(one["reason"].startswith("55") and one["status"].startswith("5.") for one in bounces)


@pytest.mark.parametrize("steps", ["bounce", "delivered,unsubscribe"])
async def test_mail_to_an_address_that_bounced_or_unsubscribed_is_taken_and_dropped(
    sandbox: Sandbox, call: Call, steps: str
) -> None:
    await settle(sandbox, outcomes={ANN: steps})
    await call("POST", SEND, mail())
    await call("POST", SEND, mail())  # before the first has failed
    sandbox.clock.move(300)
    before = len(await events(sandbox))
    status, _, _ = await call("POST", SEND, mail())
    bypassed, _, _ = await call("POST", SEND, mail(mail_settings={"bypass_list_management": {"enable": True}}))
    again, _, _ = await call("POST", SEND, mail())
    sandbox.clock.move(300)
    seen = (await events(sandbox))[before:]

    assert (status, bypassed, again) == (202, 202, 202)
    dropped = [one for one in seen if one["event"] == "dropped"]
    reason = "Bounced Address" if steps == "bounce" else "Unsubscribed Address"
    assert [one["reason"] for one in dropped] == [reason, reason]
    assert [one["event"] for one in seen if one["event"] != "dropped"] == ["processed", *steps.split(",")]


async def test_a_suppressed_address_is_mailed_again_once_taken_off_its_list(sandbox: Sandbox, call: Call) -> None:
    removed = [
        await call("DELETE", f"{BOUNCES}/{BOUNCED}"),
        await call("DELETE", f"{BOUNCES}/{BOUNCED}"),
        await call("DELETE", f"{GLOBAL}/{UNSUBSCRIBED}"),
    ]
    looked, nobody, _ = await call("GET", f"{GLOBAL}/{UNSUBSCRIBED}")
    await call("POST", GLOBAL, {"recipient_emails": ["Carol@example.com"]})
    await call("POST", SEND, mail(personalizations=[to(BOUNCED), to(UNSUBSCRIBED), to("carol@example.com")]))
    sandbox.clock.move(60)
    ends = {one["email"]: one["event"] for one in await events(sandbox)}

    assert [one[0] for one in removed] == [204, 404, 204]
    assert (looked, nobody) == (200, {})
    assert ends == {BOUNCED: "delivered", UNSUBSCRIBED: "delivered", "carol@example.com": "dropped"}


async def test_bounces_are_listed_by_time_address_and_page(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, outcome="bounce")
    for number in range(3):
        await call("POST", SEND, mail(personalizations=[to(f"b{number}@shop.example")]))
        sandbox.clock.move(10)

    async def listed(query: str) -> list[str]:
        return [one["email"] for one in (await call("GET", f"{BOUNCES}?{query}"))[1]]

    assert await listed("") == [BOUNCED, "b0@shop.example", "b1@shop.example", "b2@shop.example"]
    assert await listed("limit=2&offset=1") == ["b0@shop.example", "b1@shop.example"]
    assert await listed(f"end_time={int(START)}") == [BOUNCED]
    assert await listed(f"start_time={int(START) + 15}") == ["b2@shop.example"]
    assert await listed("email=b1") == ["b1@shop.example"]
    assert await listed("email=%25shop") == ["b0@shop.example", "b1@shop.example", "b2@shop.example"]
    assert (await call("GET", f"{BOUNCES}?limit=many"))[0] == 400


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"personalizations": None}, "personalizations", "at least one personalization"),
        ({"personalizations": [to(ANN)] * 1001}, "personalizations", "limited to 1000"),
        ({"personalizations": [to(*(f"a{n}@b.co" for n in range(1001)))]}, "personalizations", "1000 total recipients"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to", "to array is required"),
        ({"personalizations": [to("ann")]}, "personalizations.0.to.0.email", "valid address"),
        ({"personalizations": [to(ANN, cc=[{"email": "ANN@example.com"}])]}, "personalizations.0", "should be unique"),
        ({"personalizations": [to(ANN, bcc=[{"email": ANN}])]}, "personalizations.0", "should be unique"),
        ({"personalizations": [to(ANN, custom_args={"n": 1})]}, "personalizations.0.custom_args", "must be strings"),
        ({"personalizations": [to(ANN, send_at=int(START) * 1000)]}, "personalizations.0.send_at", "72 hours"),
        ({"personalizations": [to(ANN, substitutions={"n": 1})]}, "personalizations.0.substitutions", "all strings"),
        ({"from": None}, "from.email", "from object must be provided"),
        ({"from": {"email": "shop"}}, "from.email", "valid address"),
        ({"from": "shop@example.com"}, "from", "Invalid type. Expected: object, given: string."),
        ({"reply_to": {"email": "help"}}, "reply_to.email", "valid address"),
        ({"reply_to": {"email": ANN}, "reply_to_list": [{"email": ANN}]}, "reply_to_list", "Only one"),
        ({"reply_to_list": [{"email": "help"}]}, "reply_to_list.0.email", "valid address"),
        ({"subject": None}, "subject", "The subject is required."),
        ({"content": None}, "content", "the content parameter is required"),
        ({"content": MAIL_TO_ANN["content"][::-1]}, "content", "text/plain needs to be first"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value", "at least one character"),
        ({"content": MAIL_TO_ANN["content"] * 2}, "content", "only be provided once"),
        ({"template_id": "welcome"}, "template_id", "valid GUID"),
        ({"categories": ["x"] * 2}, "categories", "more than once"),
        ({"categories": [str(n) for n in range(11)]}, "categories", "limit of 10 categories"),
        ({"categories": ["x" * 256]}, "categories", "longer than 255"),
        ({"custom_args": {"order": 1001}}, "custom_args", "must be strings"),
        ({"custom_args": {"order": "x" * 10_000}}, "custom_args", "may not exceed 10000 bytes"),
        ({"send_at": int(START) + 72 * 3600 + 1}, "send_at", "72 hours"),
        ({"send_at": int(START) * 1000}, "send_at", "72 hours"),
        ({"send_at": "now"}, "send_at", "Expected: integer, given: string."),
        ({"batch_id": "never made"}, None, "invalid batch id"),
        ({"asm": {"groups_to_display": [1]}}, "asm.group_id", "required"),
        ({"asm": {"group_id": 1, "groups_to_display": [1] * 26}}, "asm.groups_to_display", "limit of 25"),
        ({"ip_pool_name": "x"}, "ip_pool_name", "between 2 and 64"),
        ({"headers": {"Subject": "other"}}, "headers.Subject", "reserved"),
        ({"headers": {"X Order": "1"}}, "headers.X Order", "empty spaces"),
        ({"headers": {"X-Order": 1}}, "headers", "must be strings"),
        ({"attachments": [{"content": "?", "filename": "a"}]}, "attachments.0.content", "base64"),
        ({"attachments": [{"content": "", "filename": "a"}]}, "attachments.0.content", "at least one character"),
        ({"attachments": [{"content": "YQ=="}]}, "attachments.0.filename", "required"),
        ({"message_key": "k"}, "message_key", "Additional property message_key is not allowed."),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_bad_mail_is_refused_in_sendgrids_words(
    sandbox: Sandbox, call: Call, change: dict[str, Any], field: str | None, said: str
) -> None:
    status, body, headers = await call("POST", SEND, mail(**change))

    assert (status, list(body)) == (400, ["errors"])
    (problem,) = [one for one in body["errors"] if said in one["message"]]
    assert (problem["field"], "help" in problem) == (field, field is not None)
    assert "X-Message-Id" not in headers
    assert await sandbox.effects("sendgrid") == []


@pytest.mark.parametrize(
    "change",
    [
        {"personalizations": [to(ANN), to(ANN)]},  # unique within one personalization, not over all
        {"subject": None, "personalizations": [to(ANN, subject="Hello")]},
        {"subject": None, "content": None, "template_id": "d-" + "0a" * 16},
        {"send_at": int(START) + 72 * 3600},
        {"content": MAIL_TO_ANN["content"][1:]},
        {"reply_to": {"email": "help@example.com"}, "asm": {"group_id": 1}, "ip_pool_name": "main"},
    ],
    ids=lambda value: str(value)[:40],
)
async def test_an_unusual_mail_is_taken(call: Call, change: dict[str, Any]) -> None:
    assert (await call("POST", SEND, mail(**change)))[0] == 202


async def test_everything_wrong_with_a_mail_is_told_at_once(call: Call) -> None:
    _, body, _ = await call("POST", SEND, mail(subject=None, content=None, personalizations=[to("ann")]))

    assert [one["field"] for one in body["errors"]] == ["personalizations.0.to.0.email", "subject", "content"]


async def test_a_body_must_be_json_and_may_be_compressed(sandbox: Sandbox, call: Call) -> None:
    packed = gzip.compress(orjson.dumps(mail()))
    kind = {"Content-Type": "application/json"}
    taken = await call("POST", SEND, data=packed, headers={**kind, "Content-Encoding": "gzip"})
    broken = await call("POST", SEND, data=b"{", headers=kind)
    form = await call("POST", SEND, data=b"{}", headers={"Content-Type": "text/plain"})

    assert [one[0] for one in (taken, broken, form)] == [202, 400, 415]
    assert broken[1]["errors"][0]["message"] == "Bad Request"
    assert len(await sandbox.effects("sendgrid")) == 1


async def test_a_mail_too_large_is_refused_by_the_proxy_with_a_page(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, largest_message=1000)
    status, body, headers = await call("POST", SEND, mail(custom_args={"filling": "x" * 1000}))

    assert (status, headers["Content-Type"]) == (413, "text/html")
    assert body.startswith("<html>")
    assert await sandbox.effects("sendgrid") == []


@pytest.mark.parametrize(
    ("key", "status"),
    [(None, 401), ("", 401), ("SG.", 401), ("sk_test_1", 401), ("SG.invalid.key", 401), (KEY, 200)],
)
async def test_keys_are_looked_at(call: Call, key: str | None, status: int) -> None:
    assert (await call("GET", "/v3/scopes", key=key))[0] == status


@pytest.mark.parametrize(
    ("settings", "change", "status", "said"),
    [
        ({}, {"from": {"email": "unverified@example.com"}}, 403, "verified Sender Identity"),
        ({"credits_exhausted": True}, {}, 401, "Maximum credits exceeded"),
        ({"under_review": True}, {}, 403, "under review"),
    ],
)
async def test_an_account_that_may_not_send_is_told_why(
    sandbox: Sandbox, call: Call, settings: dict[str, Any], change: dict[str, Any], status: int, said: str
) -> None:
    await settle(sandbox, **settings)
    answered, body, _ = await call("POST", SEND, mail(**change))

    assert answered == status
    assert said in body["errors"][0]["message"]
    assert await sandbox.effects("sendgrid") == []


async def test_a_key_without_the_scope_reads_and_does_not_change(call: Call) -> None:
    statuses = [
        (await call(method, path, value, key="SG.readonly.key"))[0]
        for method, path, value in (
            ("GET", BOUNCES, None),
            ("DELETE", f"{BOUNCES}/{BOUNCED}", None),
            ("POST", SEND, {}),
        )
    ]

    assert statuses == [200, 403, 403]


async def test_quotas_are_told_with_the_moment_of_their_end_but_not_by_mail_send(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, quotas=[["route", 2, 60], ["mail_send", 1, 60]])
    sandbox.clock.move(10)
    _, _, first = await call("GET", "/v3/scopes")
    await call("GET", "/v3/scopes")
    status, body, refused = await call("GET", "/v3/scopes")
    other, _, _ = await call("GET", "/v3/scopes", key="SG.another.key")
    sent, _, silent = await call("POST", SEND, mail())
    throttled, _, _ = await call("POST", SEND, mail())
    sandbox.clock.move(60)
    after, _, _ = await call("GET", "/v3/scopes")

    assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("2", "1")
    assert sandbox.clock.time - 60 < int(first["X-RateLimit-Reset"]) <= sandbox.clock.time  # a time, not a wait
    assert (status, body) == (429, {"errors": [{"field": None, "message": "too many requests"}]})
    assert (refused["X-RateLimit-Remaining"], "Retry-After" in refused) == ("0", False)
    assert refused["X-RateLimit-Reset"] == first["X-RateLimit-Reset"]
    assert (other, sent, throttled, after) == (200, 202, 429, 200)
    assert [name for name in silent if name.lower().startswith("x-ratelimit")] == []
    assert len(await sandbox.effects("sendgrid")) == 1


async def test_faults_speak_sendgrids_language(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("sendgrid", "status:503")
    broken, problem, _ = await call("POST", SEND, mail())
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("sendgrid", "schema")
    status, _, headers = await call("POST", SEND, mail())
    _, scopes, _ = await call("GET", "/v3/scopes")

    assert (broken, problem["errors"][0]["message"]) == (503, "service unavailable")
    assert (status, "X-Message-Id" in headers) == (202, False)
    assert scopes == {}


async def test_the_demo_lets_some_people_open_and_few_addresses_fail(start: Start) -> None:
    sandbox = await start("sendgrid", demo=True)
    await sandbox.control("PUT", "settings", {"sendgrid": {"speed": 10}})
    client = connect(sandbox)
    people = [to(f"p{number}@example.com") for number in range(200)]
    sent = None
    while sent is None:
        try:
            sent = await asyncio.to_thread(client.send, mail(personalizations=people))
        except ServiceUnavailableError:  # the demo's weather
            continue
    sandbox.clock.move(300)
    counted = [one["event"] for one in await events(sandbox)]

    assert counted.count("processed") == 200
    assert 50 < counted.count("open") < 150
    assert 0 < counted.count("bounce") < 20
