"""Slack against its method pages, its (old) OpenAPI file and its own Python client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from integrations.errors import BusinessFailed, CallFailed, HttpFailed, InvalidInput, OutcomeUnknown, SchemaDrift
from integrations.outcome import Request, Response
from integrations.types.messages import ChatMessage
from integrations.vendors.slack import Slack
from integrations.vendors.slack.adapter import clipped
from integrations.vendors.slack.declaration import VENDOR
from integrations.vendors.slack.errors import ERRORS
from tests.contracts import contract
from tests.integrations.vendors.exchange import (
    Answer,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)

BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Order 1001* failed"}}]
MESSAGE = {"channel": "C0123456789", "text": "Order 1001 failed", "blocks": BLOCKS, "alert_key": "incident-7"}
POSTED = {"ok": True, "channel": "C0123456789", "ts": "1767312000.000200", "message": {"type": "message"}}
OPERATIONS = tuple(operation.name for operation in VENDOR.operations)


async def _run(operation: str, value: dict[str, Any], *answers: Answer) -> tuple[Any, FakeExchange]:
    adapter = adapter_with_sandbox_credentials(Slack)
    exchange = FakeExchange(adapter, operation, answers)
    return await run(adapter, exchange, value), exchange


def _refused(name: str, status: int = 200, **headers: str) -> Response:
    return answer(
        {"ok": False, "error": name}, status, {key.replace("_", "-"): value for key, value in headers.items()}
    )


async def test_a_message_is_posted_with_text_blocks_and_its_key_as_metadata() -> None:
    posted, exchange = await _run("post_message", MESSAGE, answer(POSTED))

    assert json.loads(body_of(exchange.last)) == {
        "channel": "C0123456789",
        "text": "Order 1001 failed",
        "blocks": BLOCKS,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": "quayside_alert", "event_payload": {"alert_key": "incident-7"}},
    }
    assert (posted.channel, posted.message_id) == ("C0123456789", "1767312000.000200")


async def test_a_message_without_a_channel_goes_to_the_configured_one() -> None:
    _, exchange = await _run("post_message", {"text": "hello"}, answer(POSTED))

    assert exchange.last.json["channel"] == "C0123456789"


async def test_without_any_channel_nothing_is_sent_and_the_setting_is_named() -> None:
    adapter = Slack({"BOT_TOKEN": "xoxb-1"})
    exchange = FakeExchange(adapter, "post_message")

    with pytest.raises(InvalidInput, match="QUAYSIDE_SLACK_CHANNEL"):
        await run(adapter, exchange, {"text": "hello"})


async def test_a_reply_names_the_parent_of_its_thread() -> None:
    _, exchange = await _run("post_message", {**MESSAGE, "thread_id": "1767312000.000100"}, answer(POSTED))

    assert exchange.last.json["thread_ts"] == "1767312000.000100"


@pytest.mark.parametrize("name", sorted({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}))
async def test_refused_blocks_are_sent_once_more_as_plain_text(name: str) -> None:
    posted, exchange = await _run("post_message", MESSAGE, _refused(name), answer(POSTED))

    assert posted.message_id == "1767312000.000200"
    assert "blocks" in exchange.requests[0].json
    assert "blocks" not in exchange.requests[1].json
    assert exchange.requests[1].json["metadata"] == exchange.requests[0].json["metadata"]


async def test_refused_blocks_are_not_sent_a_third_time() -> None:
    with pytest.raises(BusinessFailed):
        await _run("post_message", MESSAGE, _refused("invalid_blocks"), _refused("invalid_blocks"))


async def test_another_error_is_not_answered_with_plain_text() -> None:
    with pytest.raises(BusinessFailed, match="channel_not_found"):
        await _run("post_message", MESSAGE, _refused("channel_not_found"))


async def test_a_ts_that_is_not_text_is_schema_drift_because_a_float_loses_digits() -> None:
    with pytest.raises(SchemaDrift) as caught:
        await _run("post_message", MESSAGE, answer(b'{"ok":true,"channel":"C0123456789","ts":1767312000.0002}'))

    assert caught.value.field == "ts"


@pytest.mark.parametrize("body", [b"ok", b"[]", b"{}", b"<html></html>"])
async def test_an_answer_without_ok_is_schema_drift(body: bytes) -> None:
    with pytest.raises(SchemaDrift):
        await _run("post_message", MESSAGE, answer(body))


# --- update ------------------------------------------------------------------------------------------------------------


async def test_an_update_writes_the_message_of_channel_and_ts_anew() -> None:
    value = {"channel": "C0123456789", "message_id": "1767312000.000200", "text": "Resolved", "blocks": BLOCKS}
    _, exchange = await _run("update_message", value, answer({**POSTED, "text": "Resolved"}))

    assert exchange.last.path == "/api/chat.update"
    assert exchange.last.json == {
        "channel": "C0123456789",
        "ts": "1767312000.000200",
        "text": "Resolved",
        "blocks": BLOCKS,
    }


async def test_an_update_with_only_text_sends_no_blocks_so_slack_drops_the_old_ones() -> None:
    value = {"channel": "C0123456789", "message_id": "1767312000.000200", "text": "Resolved"}
    _, exchange = await _run("update_message", value, answer({**POSTED, "text": "Resolved"}))

    assert "blocks" not in exchange.last.json


async def test_an_updates_text_is_cut_to_4000_bytes_of_utf8() -> None:
    value = {"channel": "C0123456789", "message_id": "1767312000.000200", "text": "é" * 4000}
    _, exchange = await _run("update_message", value, answer({**POSTED, "text": "x"}))

    assert len(exchange.last.json["text"].encode()) <= 4000
    assert exchange.last.json["text"].endswith("é…")
    assert clipped("short", 4000) == "short"


async def test_an_update_is_natural_and_a_post_is_not_repeated_blindly() -> None:
    post, update, _ = VENDOR.operations

    assert update.repeatable
    assert not post.repeatable


# --- look-up -----------------------------------------------------------------------------------------------------------


def _history(*keys: str, cursor: str = "") -> Response:
    messages: list[dict[str, Any]] = [
        {"type": "message", "ts": f"1767312000.{n:06}", "metadata": {"event_payload": {"alert_key": key}}}
        for n, key in enumerate(keys)
    ]
    messages.append({"type": "message", "ts": "1767311999.000000", "text": "a person's"})
    return answer({"ok": True, "messages": messages, "response_metadata": {"next_cursor": cursor}})


async def _look_up(value: dict[str, Any], *answers: Answer) -> tuple[Any, FakeExchange]:
    adapter = adapter_with_sandbox_credentials(Slack)
    assert isinstance(adapter, Slack)
    exchange = FakeExchange(adapter, "post_message", answers)
    return await adapter.look_up_post_message(exchange, ChatMessage.model_validate(value)), exchange


async def test_a_lost_message_is_found_by_its_key_in_the_channels_history() -> None:
    found, exchange = await _look_up(MESSAGE, _history("incident-6", "incident-7"))

    assert found.message_id == "1767312000.000001"
    assert exchange.last.step == "look_up"
    assert exchange.last.path == "/api/conversations.history"
    assert dict(exchange.last.query) == {
        "channel": "C0123456789",
        "include_all_metadata": "1",
        "limit": "200",
        "oldest": "1790769600.000000",
    }


async def test_a_message_that_is_nowhere_in_the_history_was_not_posted() -> None:
    found, exchange = await _look_up(MESSAGE, _history("incident-6", cursor="more"), _history())

    assert found is None
    assert dict(exchange.last.query)["cursor"] == "more"


async def test_a_lost_reply_is_looked_for_in_its_thread() -> None:
    found, exchange = await _look_up({**MESSAGE, "thread_id": "1767312000.000100"}, _history("incident-7"))

    assert found is not None
    assert exchange.last.path == "/api/conversations.replies"
    assert dict(exchange.last.query)["ts"] == "1767312000.000100"


async def test_a_message_without_a_key_cannot_be_looked_up() -> None:
    with pytest.raises(OutcomeUnknown, match="alert_key"):
        await _look_up({"channel": "C0123456789", "text": "hello"})


async def test_a_channel_with_too_much_in_it_leaves_the_outcome_unknown() -> None:
    with pytest.raises(OutcomeUnknown, match="1000 messages"):
        await _look_up(MESSAGE, *(_history("other", cursor="more") for _ in range(5)))


# --- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        # error_type, fault, retryable, retry_after, counts, untouched
        (_refused("ratelimited", 429, Retry_After="30"), ("rate_limited", "ours", True, 30.0, False, True)),
        (_refused("rate_limited"), ("rate_limited", "ours", True, 1.0, False, True)),
        (answer(b"slow down", 429, {"Retry-After": "2"}), ("rate_limited", "ours", True, 2.0, False, True)),
        (_refused("internal_error"), ("internal_error", "theirs", True, None, True, False)),
        (_refused("fatal_error"), ("fatal_error", "theirs", True, None, True, False)),
        (_refused("service_unavailable"), ("service_unavailable", "theirs", True, None, True, False)),
        (_refused("update_failed"), ("update_failed", "theirs", True, None, True, False)),
        (_refused("request_timeout"), ("request_timeout", "network", True, None, True, False)),
        (_refused("invalid_auth"), ("invalid_auth", "configuration", False, None, False, True)),
        (_refused("token_revoked"), ("token_revoked", "configuration", False, None, False, True)),
        (_refused("missing_scope"), ("missing_scope", "configuration", False, None, False, True)),
        (_refused("channel_not_found"), ("channel_not_found", "configuration", False, None, False, True)),
        (_refused("is_archived"), ("is_archived", "configuration", False, None, False, True)),
        (_refused("msg_too_long"), ("msg_too_long", "ours", False, None, False, True)),
        (_refused("no_text"), ("no_text", "ours", False, None, False, True)),
        (_refused("message_not_found"), ("message_not_found", "ours", False, None, False, True)),
        (_refused("edit_window_closed"), ("edit_window_closed", "ours", False, None, False, True)),
        (_refused("message_limit_exceeded"), ("message_limit_exceeded", "configuration", False, None, False, True)),
        (_refused("something_new_in_2027"), ("slack_error", "theirs", False, None, True, False)),
        (_refused("something_new", 503), ("slack_error", "theirs", True, None, True, False)),
        (answer(b"<html>", 502), ("http_502", "theirs", True, None, True, False)),
    ],
)
def test_each_error_is_judged_by_its_name(
    response: Response, expected: tuple[str, str, bool, float | None, bool, bool]
) -> None:
    judged = adapter_with_sandbox_credentials(Slack).classify(Request(method="POST", path="/"), response)

    assert judged is not None
    assert (
        judged.error_type,
        judged.fault,
        judged.retryable,
        judged.retry_after,
        judged.counts,
        judged.untouched,
    ) == expected
    assert judged.message.startswith("Slack ")
    assert judged.business is (response.status == 200)


async def test_ok_false_at_200_is_a_business_error() -> None:
    with pytest.raises(BusinessFailed, match="invite the app"):
        await _run("post_message", MESSAGE, _refused("not_in_channel"))
    with pytest.raises(HttpFailed):
        await _run("post_message", MESSAGE, _refused("ratelimited", 429))


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "conversations.history"])
def test_every_error_slack_lists_for_a_method_is_in_the_table(method: str) -> None:
    listed = set(json.loads(contract(f"slack/method_{method}.json").read_text())["errors"])

    assert listed - set(ERRORS) - {"rate_limited", "ratelimited"} == set()


def test_every_error_of_the_openapi_file_is_in_the_table() -> None:
    spec = json.loads(contract("slack/slack_web_openapi_v2.json").read_text())
    for method in ("chat.postMessage", "chat.update", "conversations.history", "conversations.replies", "auth.test"):
        shown = next(iter(spec["paths"][f"/{method}"].values()))["responses"]["default"]["schema"]
        names = set(shown["properties"]["error"]["enum"])
        assert names - set(ERRORS) - {"rate_limited", "ratelimited"} == set(), method


# --- against Slack's own contract and client -----------------------------------------------------------------------------


async def _request_of(operation: str, value: dict[str, Any]) -> tuple[Request, dict[str, str]]:
    reply = {**POSTED, "team_id": "T1", "messages": []}
    if operation == "look_up":
        _, exchange = await _look_up(value, answer(reply))
    else:
        _, exchange = await _run(operation, value, answer(reply))
    return exchange.last, dict(exchange.authorised[-1])


@pytest.mark.parametrize(
    ("operation", "method"), [("post_message", "chat.postMessage"), ("update_message", "chat.update")]
)
async def test_a_request_sends_only_arguments_the_method_has(operation: str, method: str) -> None:
    arguments = json.loads(contract(f"slack/method_{method}.json").read_text())["args"]
    example = next(item.example for item in VENDOR.operations if item.name == operation)
    request, _ = await _request_of(operation, dict(example))

    assert request.path == f"/api/{method}"
    assert set(request.json) <= set(arguments)
    assert {name for name, spec in arguments.items() if spec["required"]} <= set(request.json)
    types = {"string": str, "boolean": bool}
    for name, value in request.json.items():
        expected = types.get(arguments[name].get("type", ""))
        assert expected is None or isinstance(value, expected), name


async def test_the_look_up_sends_only_arguments_the_method_has() -> None:
    arguments = json.loads(contract("slack/method_conversations.history.json").read_text())["args"]
    request, _ = await _request_of("look_up", MESSAGE)

    assert {name for name, _ in request.query} <= set(arguments)
    assert int(dict(request.query)["limit"]) <= 999


class _Capturing(AsyncWebClient):
    """Slack's own client, which hands over its request instead of sending it."""

    captured: dict[str, Any]

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        self.captured = {"verb": http_verb, "url": api_url, **req_args}
        return {"data": {"ok": True}, "headers": {}, "status_code": 200}


@pytest.mark.parametrize("operation", ["post_message", "update_message", "check_token", "look_up"])
async def test_the_request_is_the_one_slacks_own_client_makes(operation: str) -> None:
    token = VENDOR.credentials[0].sandbox
    client = _Capturing(token=token, base_url=f"{VENDOR.base_url}/api/")
    metadata = {"event_type": "quayside_alert", "event_payload": {"alert_key": "incident-7"}}
    value: dict[str, Any] = MESSAGE
    if operation == "post_message":
        await client.chat_postMessage(
            channel="C0123456789",
            text="Order 1001 failed",
            blocks=BLOCKS,
            unfurl_links=False,
            unfurl_media=False,
            metadata=metadata,
        )
    elif operation == "update_message":
        value = {"channel": "C0123456789", "message_id": "1767312000.000200", "text": "Done", "blocks": BLOCKS}
        await client.chat_update(channel="C0123456789", ts="1767312000.000200", text="Done", blocks=BLOCKS)
    elif operation == "check_token":
        value = {}
        await client.auth_test()
    else:
        await client.conversations_history(
            channel="C0123456789", include_all_metadata=True, limit=200, oldest="1790769600.000000"
        )
    theirs = client.captured
    request, authorised = await _request_of(operation, value)

    assert request.method == theirs["verb"]
    assert VENDOR.base_url + request.path == theirs["url"]
    assert authorised["Authorization"] == theirs["headers"]["Authorization"]
    if request.json is not None:
        assert request.json == theirs["json"]
        assert request.headers["Content-Type"].replace(" ", "") == theirs["headers"]["Content-Type"].replace(" ", "")
    else:
        assert {k: str(v) for k, v in dict(request.query).items()} == {
            k: str(v) for k, v in (theirs["params"] or {}).items()
        }


async def test_the_token_check_names_the_workspace_and_posts_nothing() -> None:
    checked, exchange = await _run("check_token", {}, answer({"ok": True, "team_id": "T12345678", "user": "grace"}))

    assert checked.account == "T12345678"
    assert [request.path for request in exchange.requests] == ["/api/auth.test"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_text_of_a_message_may_stand_in_a_record(operation: str) -> None:
    assert not VENDOR.kept_fields & {"text", "blocks", "user", "username", "email", "name"}


async def test_a_failed_call_says_nothing_of_the_token() -> None:
    with pytest.raises(CallFailed) as caught:
        await _run("post_message", MESSAGE, _refused("invalid_auth"))

    assert VENDOR.credentials[0].sandbox not in str(caught.value)
