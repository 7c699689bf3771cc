"""SendGrid's adapter against its published contract, its official client, its errors and its traps."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sendgrid.helpers.mail import Category, Content, CustomArg, DynamicTemplateData, From, Mail, Subject, To

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import (
    BusinessFailed,
    DeliveryRefused,
    Fault,
    HttpFailed,
    InvalidInput,
    SchemaDrift,
    Unsupported,
)
from integrations.outcome import Request, Response
from integrations.types.messages import EmailMessage
from integrations.vendors.sendgrid import SendGrid, verdicts
from integrations.vendors.sendgrid.adapter import LOOK_UP_WAITS
from integrations.vendors.sendgrid.declaration import SEND, VENDOR
from integrations.vendors.sendgrid.messages import LARGEST
from tests.contracts import contract
from tests.integrations.vendors.exchange import NOON, FakeExchange, adapter_with_sandbox_credentials, answer, run
from tests.integrations.vendors.openapi import document, problems, unknown_fields
from tests.integrations.vendors.wire import Wire, on_the_wire

MAIL, CHECK = (dict(operation.example) for operation in VENDOR.operations)
TAKEN = answer(b"", 202, {"X-Message-Id": "abc123"})
TEMPLATE = {"reference": "S-1:paid", "to": "ada@example.com", "template": "d-1", "data": {"order": "S-1"}}


@pytest.fixture
def adapter() -> SendGrid:
    made = adapter_with_sandbox_credentials(SendGrid)
    assert isinstance(made, SendGrid)
    return made


def refused(status: int, message: str = "ada@example.com is wrong", **more: Any) -> Response:
    return answer({"errors": [{"message": message, "field": None, "help": None, **more}]}, status)


# --- what we send ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [MAIL, TEMPLATE], ids=["text", "template"])
async def test_a_mail_keeps_to_the_published_contract(adapter: SendGrid, value: dict[str, Any]) -> None:
    whole = document(contract("sendgrid/tsg_mail_v3.json"))
    schema = whole["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    exchange = FakeExchange(adapter, "send_email", [TAKEN])
    await run(adapter, exchange, value)
    trial = FakeExchange(adapter, "check_token", [answer(b"", 200)])
    await run(adapter, trial, CHECK)

    for request in (exchange.last, trial.last):
        assert (request.method, request.path) == ("POST", "/v3/mail/send")
        assert problems(whole, schema, request.json) == []
        assert [name for name in unknown_fields(whole, schema, request.json) if "message_key" not in name] == []


async def test_a_mail_is_what_the_official_client_sends(adapter: SendGrid) -> None:
    exchange = FakeExchange(adapter, "send_email", [TAKEN])
    await run(adapter, exchange, MAIL)
    theirs = Mail()
    theirs.from_email = From("shop@quayside.example", "Quayside Outfitters")
    theirs.subject = Subject(MAIL["subject"])
    theirs.add_to(To(MAIL["to"], MAIL["to_name"]))
    theirs.add_custom_arg(CustomArg("message_key", MAIL["reference"], p=0))
    theirs.add_content(Content("text/plain", MAIL["text"]))
    theirs.add_content(Content("text/html", MAIL["html"]))
    theirs.add_category(Category("orders"))

    assert exchange.last.json == theirs.get()
    assert exchange.authorised == [{"authorization": "Bearer SG.quayside-sandbox.key"}]


async def test_a_template_is_what_the_official_client_sends(adapter: SendGrid) -> None:
    exchange = FakeExchange(adapter, "send_email", [TAKEN])
    await run(adapter, exchange, TEMPLATE)
    theirs = Mail(from_email=From("shop@quayside.example", "Quayside Outfitters"))
    theirs.template_id = "d-1"
    theirs.add_to(To("ada@example.com"))
    theirs.add_custom_arg(CustomArg("message_key", "S-1:paid", p=0))
    theirs.dynamic_template_data = DynamicTemplateData({"order": "S-1"})

    assert exchange.last.json == theirs.get()


async def test_plain_text_stands_before_html_and_an_empty_part_is_left_out(adapter: SendGrid) -> None:
    both, html = FakeExchange(adapter, "send_email", [TAKEN]), FakeExchange(adapter, "send_email", [TAKEN])
    await run(adapter, both, MAIL)
    await run(adapter, html, {**MAIL, "text": ""})

    assert [part["type"] for part in both.last.json["content"]] == ["text/plain", "text/html"]
    assert [part["type"] for part in html.last.json["content"]] == ["text/html"]


async def test_an_answer_goes_where_it_is_wanted() -> None:
    settings = {"API_KEY": "SG.x", "FROM": "shop@example.com", "REPLY_TO": "help@example.com"}
    adapter = SendGrid(settings)
    exchange = FakeExchange(adapter, "send_email", [TAKEN])
    await run(adapter, exchange, MAIL)

    assert exchange.last.json["reply_to"] == {"email": "help@example.com"}
    assert exchange.last.json["from"] == {"email": "shop@example.com"}


@pytest.mark.parametrize(
    ("changed", "kind", "field"),
    [
        ({"subject": ""}, InvalidInput, "subject"),
        ({"text": "", "html": ""}, InvalidInput, "text"),
        ({"template": "d-1"}, InvalidInput, "template"),
        ({"template": "legacy"}, Unsupported, "template"),
        ({"data": {"a": "b"}}, InvalidInput, "data"),
        ({"html": "x" * LARGEST}, InvalidInput, "html"),
    ],
)
async def test_what_sendgrid_cannot_take_is_said_before_it_is_sent(
    adapter: SendGrid, changed: dict[str, Any], kind: type[InvalidInput], field: str
) -> None:
    exchange = FakeExchange(adapter, "send_email")
    with pytest.raises(kind) as caught:
        await run(adapter, exchange, {**MAIL, **changed})

    assert (type(caught.value), caught.value.field, exchange.requests) == (kind, field, [])


# --- what comes back ---------------------------------------------------------------------------------------------------


async def test_202_with_an_empty_body_is_not_parsed(adapter: SendGrid) -> None:
    found = await run(adapter, FakeExchange(adapter, "send_email", [TAKEN]), MAIL)

    assert (found.message_id, found.reference) == ("abc123", "EXAMPLE-6101:shipped")


@pytest.mark.parametrize("response", [answer(b"", 200), answer(b"", 202), answer("<html>", 200, {"X-Message-Id": "a"})])
async def test_200_or_an_answer_without_an_id_took_no_mail(adapter: SendGrid, response: Response) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(adapter, FakeExchange(adapter, "send_email", [response]), MAIL)

    assert caught.value.field == "x-message-id"


async def test_a_trial_is_200_and_sends_nothing(adapter: SendGrid) -> None:
    exchange = FakeExchange(adapter, "check_token", [answer(b"", 200)])
    found = await run(adapter, exchange, CHECK)

    assert found.account == "shop@quayside.example"
    assert exchange.last.json["mail_settings"] == {"sandbox_mode": {"enable": True}}
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "check_token", [answer(b"", 202)]), CHECK)


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable"),
    [
        (refused(400, field="personalizations.0.to"), "invalid_request", "ours", False),
        (refused(400, field="null"), "invalid_request", "ours", False),
        (refused(401, "authorization required"), "unauthorized", "configuration", False),
        (refused(401, "Maximum credits exceeded"), "credits_exhausted", "configuration", False),
        (refused(403, "access forbidden"), "forbidden", "configuration", False),
        (
            refused(403, "The from address does not match a verified Sender Identity.", field="from"),
            "sender_not_verified",
            "configuration",
            False,
        ),
        (refused(403, "Your account is under review"), "account_under_review", "configuration", False),
        (refused(404), "http_404", "ours", False),
        (refused(405), "http_405", "ours", False),
        (answer("<html>413</html>", 413, content_type="text/html"), "too_large", "ours", False),
        (refused(413), "too_large", "ours", False),
        (refused(429, "too many requests"), "rate_limited", "ours", True),
        (refused(500), "http_500", "theirs", True),
        (refused(503), "http_503", "theirs", True),
    ],
)
def test_every_refusal_has_its_class(
    adapter: SendGrid, response: Response, error_type: str, fault: Fault, retryable: bool
) -> None:
    verdict = adapter.classify(Request(method="POST", path=SEND), response)

    assert verdict is not None
    assert (verdict.error_type, verdict.fault, verdict.retryable) == (error_type, fault, retryable)
    assert "ada@" not in verdict.message


@pytest.mark.parametrize("status", [401, 403])
def test_used_up_credits_open_the_circuit_and_are_no_bad_key(adapter: SendGrid, status: int) -> None:
    verdict = adapter.classify(Request(method="POST", path=SEND), refused(status, "Maximum credits exceeded"))

    assert verdict is not None
    assert (verdict.counts, verdict.expired) == (True, False)


def test_the_reset_header_is_a_moment_and_not_a_wait(adapter: SendGrid) -> None:
    at = int((NOON + timedelta(seconds=42)).timestamp())
    headers = {
        "X-Ratelimit-Limit": "600",
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": str(at),
        "Date": format_datetime(NOON, usegmt=True),
    }
    response = answer({"errors": [{"field": None, "message": "too many requests"}]}, 429, headers)
    verdict = adapter.classify(Request(method="POST", path=SEND), response)
    (seen,) = adapter.quotas_seen(response)

    assert verdict is not None
    assert verdict.retry_after == 42
    assert (seen.quota, seen.limit, seen.remaining, seen.reset) == ("requests", 600, 0, 42)


def test_a_reset_by_our_own_clock_where_the_answer_tells_no_time() -> None:
    at = int(datetime.now(UTC).timestamp()) + 30
    (seen,) = verdicts.quotas(answer(b"", 202, {"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": str(at)}))

    assert seen.reset is not None
    assert 20 < seen.reset <= 30
    assert verdicts.quotas(answer(b"", 202)) == ()


# --- lost answers ------------------------------------------------------------------------------------------------------


def heard(reference: str = MAIL["reference"]) -> VendorEvent:
    return VendorEvent(id="e-1", type="processed", resource="abc123.recvd-7f-1-65-0", reference=reference)


async def test_an_event_with_our_reference_proves_that_the_mail_was_taken(adapter: SendGrid) -> None:
    exchange = FakeExchange(adapter, "send_email", heard=[heard()])
    found = await adapter.look_up_send_email(exchange, EmailMessage.model_validate(MAIL))

    assert found is not None
    assert (found.message_id, exchange.requests, exchange.slept) == ("abc123", [], [])


async def test_silence_proves_nothing_so_nothing_is_sent_again(adapter: SendGrid) -> None:
    exchange = FakeExchange(adapter, "send_email")
    with pytest.raises(BusinessFailed) as caught:
        await adapter.look_up_send_email(exchange, EmailMessage.model_validate(MAIL))

    assert caught.value.error_type == "not_heard"
    assert exchange.slept == list(LOOK_UP_WAITS[1:])


async def test_without_a_webhook_nobody_waits_for_an_event() -> None:
    adapter = SendGrid({"API_KEY": "SG.x", "FROM": "shop@example.com"})
    exchange = FakeExchange(adapter, "send_email")
    with pytest.raises(BusinessFailed):
        await adapter.look_up_send_email(exchange, EmailMessage.model_validate(MAIL))

    assert exchange.slept == []


# --- against the sandbox -----------------------------------------------------------------------------------------------


async def test_a_mail_is_sent_once_and_its_events_carry_our_reference() -> None:
    async with on_the_wire("sendgrid") as wire:
        sent = await wire.call("send_email", MAIL)
        await wire.call("check_token", CHECK)
        wire.time += 300
        deliveries = await delivered(wire)
        found = [event for one in deliveries for event in await receive(wire, one)]
        effects = await wire.effects()

    assert [(one["kind"], one["reference"]) for one in effects] == [("message", MAIL["reference"])]
    assert {event.type for event in found} == {"processed", "delivered"}
    assert {event.reference for event in found} == {MAIL["reference"]}
    assert all(event.resource.startswith(sent.message_id) for event in found)
    assert len({event.id for event in found}) == len(found)


async def test_a_bad_key_and_an_unverified_sender_are_told_apart() -> None:
    async with on_the_wire("sendgrid") as wire:
        wire.adapter = SendGrid({"API_KEY": "SG.invalid", "FROM": "shop@quayside.example"})
        with pytest.raises(HttpFailed) as key:
            await wire.call("check_token", CHECK)
        wire.adapter = SendGrid({"API_KEY": "SG.good.key", "FROM": "unverified@quayside.example"})
        with pytest.raises(HttpFailed) as sender:
            await wire.call("send_email", MAIL)

    assert (key.value.error_type, sender.value.error_type) == ("unauthorized", "sender_not_verified")


async def test_an_account_without_credits_says_so() -> None:
    async with on_the_wire("sendgrid", credits_exhausted=True) as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("send_email", MAIL)

    assert caught.value.error_type == "credits_exhausted"


# --- webhooks ----------------------------------------------------------------------------------------------------------

URL = "https://shop.example/webhooks/sendgrid"
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
BODY = orjson.dumps(
    [{"event": "bounce", "type": "blocked", "timestamp": 1, "sg_event_id": "e-1", "email": "a@b.example"}]
)


def signed(body: bytes = BODY, at: datetime = NOON, key: ec.EllipticCurvePrivateKey = KEY) -> Delivery:
    stamp = str(int(at.timestamp()))
    signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    headers = {
        "x-twilio-email-event-webhook-signature": signature,
        "x-twilio-email-event-webhook-timestamp": stamp,
    }
    return Delivery(url=URL, headers=headers, body=body, received_at=NOON)


def listening(key: str = PUBLIC) -> SendGrid:
    return SendGrid({"API_KEY": "SG.x", "FROM": "shop@example.com", "WEBHOOK_KEY": key})


async def told(delivery: Delivery, adapter: SendGrid | None = None) -> Any:
    chosen = adapter or listening()
    return await chosen.receive(FakeExchange(chosen, "send_email"), delivery)


async def delivered(wire: Wire) -> list[Delivery]:
    found = await wire.control("POST", "sendgrid/deliveries", {"url": URL, "secret": ""})
    return [
        Delivery(
            url=URL,
            headers={name.lower(): value for name, value in one["headers"].items()},
            body=one["body"].encode(),
            received_at=datetime.fromtimestamp(wire.time, UTC),
        )
        for one in found["deliveries"]
    ]


async def receive(wire: Wire, delivery: Delivery) -> Any:
    return await wire.adapter.receive(wire.exchange("send_email"), delivery)


async def test_an_event_keeps_nothing_personal() -> None:
    (event,) = await told(signed())

    assert (event.id, event.type, dict(event.data)) == ("e-1", "bounce", {"status": "bounce", "bounce": "blocked"})


@pytest.mark.parametrize(
    "delivery",
    [
        signed(key=ec.generate_private_key(ec.SECP256R1())),
        Delivery(url=URL, headers=signed().headers, body=BODY + b" ", received_at=NOON),
        Delivery(url=URL, headers={}, body=BODY, received_at=NOON),
        Delivery(
            url=URL,
            headers={**signed().headers, "x-twilio-email-event-webhook-signature": "?"},
            body=BODY,
            received_at=NOON,
        ),
    ],
    ids=["forged", "changed", "unsigned", "garbled"],
)
async def test_a_delivery_that_is_not_proven_is_refused(delivery: Delivery) -> None:
    with pytest.raises(DeliveryRefused):
        await told(delivery)


async def test_a_delivery_older_than_their_day_of_repeats_is_refused() -> None:
    assert await told(signed(at=NOON - timedelta(hours=24)))
    with pytest.raises(DeliveryRefused) as caught:
        await told(signed(at=NOON - timedelta(hours=26)))

    assert caught.value.field == "timestamp"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "not base64!",
        base64.b64encode(b"no key").decode(),
        base64.b64encode(
            rsa.generate_private_key(65537, 2048)
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).decode(),
    ],
    ids=["none", "no-base64", "no-key", "another-kind"],
)
async def test_a_key_that_is_none_refuses_everything_and_says_so(key: str) -> None:
    with pytest.raises(DeliveryRefused, match="key"):
        await told(signed(), listening(key))


@pytest.mark.parametrize(("body", "kind"), [(b"{}", InvalidInput), (b"[", InvalidInput), (b"[{}]", SchemaDrift)])
async def test_a_body_that_holds_no_events_is_named(body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await told(signed(body))


async def test_an_event_without_an_id_is_told_by_its_content() -> None:
    body = orjson.dumps([{"event": "open", "timestamp": 1}, {"event": "open", "timestamp": 2}])
    first, second = await told(signed(body))
    again, _ = await told(signed(body))

    assert first.id == again.id != second.id
