from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from jsonschema import Draft4Validator
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start

CHANNEL, TOKEN = "C0ALERTS01", "xoxb-test"
METADATA = {"event_type": "ops_alert", "event_payload": {"alert_key": "circuit-fedex-1"}}
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*FedEx* is down"}}]


def check(value: dict[str, Any], method: str) -> None:
    """Hold a good answer against the published OpenAPI file."""
    document = json.loads(contract("slack/slack_web_openapi_v2.json").read_bytes())
    (operation,) = document["paths"][f"/{method}"].values()
    schema = operation["responses"]["200"]["schema"]
    Draft4Validator({**schema, "definitions": document["definitions"]}).validate(value)


@pytest.fixture
async def slack(start: Start) -> Sandbox:
    return await start("slack")


@pytest.fixture
def web(slack: Sandbox) -> AsyncWebClient:
    return AsyncWebClient("xoxb-test", base_url=f"{slack.url}/slack/api/")


async def call(slack: Sandbox, method: str, body: Any, token: str | None = TOKEN, **rest: Any) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with slack.client.post(f"{slack.url}/slack/api/{method}", json=body, headers=headers, **rest) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_official_client_posts_updates_and_reads_unchanged(slack: Sandbox, web: AsyncWebClient) -> None:
    assert (await web.auth_test())["team"] == "Quayside Sandbox"
    posted = await web.chat_postMessage(channel=CHANNEL, text="FedEx is down", blocks=BLOCKS, metadata=METADATA)
    updated = await web.chat_update(channel=posted["channel"], ts=posted["ts"], text="FedEx is back", metadata=METADATA)
    history = await web.conversations_history(channel=CHANNEL, oldest="0", include_all_metadata=True)

    assert isinstance(posted["ts"], str)
    assert updated["ts"] == posted["ts"]
    (message,) = history["messages"]
    assert (message["text"], message["metadata"]) == ("FedEx is back", METADATA)
    assert "blocks" not in message
    assert [(effect["kind"], effect["reference"], effect["id"]) for effect in await slack.effects("slack")] == [
        ("message", "circuit-fedex-1", posted["ts"]),
        ("message_update", "circuit-fedex-1", posted["ts"]),
    ]
    (shown,) = await slack.control("GET", "slack/messages")
    assert (shown["channel"], shown["text"]) == (CHANNEL, "FedEx is back")
    operations = [seen["operation"] for seen in await slack.requests("slack")]
    assert operations == ["look_up", "post_message", "update_message", "look_up"]


async def test_official_synchronous_client_works_too(slack: Sandbox) -> None:
    web = WebClient("xoxb-test", base_url=f"{slack.url}/slack/api/")
    posted = await asyncio.to_thread(web.chat_postMessage, channel="#alerts", text="hello", blocks=BLOCKS)

    assert posted["channel"] == "CALERTS"


async def test_official_client_raises_for_an_error_at_200_and_for_429(slack: Sandbox, web: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as missing:
        await web.chat_postMessage(channel="CMISSING1", text="x")
    await web.chat_postMessage(channel=CHANNEL, text="x")
    with pytest.raises(SlackApiError) as limited:
        await web.chat_postMessage(channel=CHANNEL, text="y")

    assert (missing.value.response.status_code, missing.value.response["error"]) == (200, "channel_not_found")
    assert (limited.value.response.status_code, limited.value.response["error"]) == (429, "ratelimited")
    assert limited.value.response.headers["Retry-After"] == "1"


async def test_each_channel_takes_one_post_a_second(slack: Sandbox) -> None:
    statuses = []
    for channel, seconds in (("C1", 0), ("C2", 0), ("C1", 0.5), ("C1", 0.5)):
        slack.clock.move(seconds)
        body, headers = {"channel": channel, "text": "x"}, {"Authorization": "Bearer xoxb-1"}
        url = f"{slack.url}/slack/api/chat.postMessage"
        async with slack.client.post(url, json=body, headers=headers) as answer:
            statuses.append(answer.status)

    assert statuses == [200, 200, 429, 200]
    assert len(await slack.effects("slack")) == 3


async def test_answers_hold_to_the_published_schema(slack: Sandbox) -> None:
    posted = await call(slack, "chat.postMessage", {"channel": CHANNEL, "text": "x"})
    check(posted, "chat.postMessage")
    check(await call(slack, "chat.update", {"channel": CHANNEL, "ts": posted["ts"], "text": "y"}), "chat.update")
    check(await call(slack, "auth.test", {}), "auth.test")
    slack.clock.move(1)
    await call(slack, "chat.postMessage", {"channel": CHANNEL, "text": "z"})
    history = await call(slack, "conversations.history", {"channel": CHANNEL})
    for message in history["messages"]:
        message.pop("edited", None)  # the file is older than this key
    check(history, "conversations.history")


@pytest.mark.parametrize(
    ("method", "body", "error"),
    [
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "alerts", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "CARCHIVED", "text": "x"}, "is_archived"),
        ("chat.postMessage", {"channel": "CPRIVATE1", "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": CHANNEL}, "no_text"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "blocks": "y"}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "blocks": [{"type": "poem"}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        (
            "chat.postMessage",
            {"channel": CHANNEL, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]},
            "invalid_blocks",
        ),
        (
            "chat.postMessage",
            {"channel": CHANNEL, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5},
            "msg_blocks_too_long",
        ),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "thread_ts": "1.2"}, "thread_not_found"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ("chat.update", {"channel": CHANNEL, "ts": "1.000100", "text": "x"}, "message_not_found"),
        ("chat.update", {"channel": CHANNEL, "ts": 1.0001, "text": "x"}, "invalid_arguments"),
        ("conversations.history", {"channel": CHANNEL, "limit": 1000}, "invalid_limit"),
        ("conversations.history", {"channel": CHANNEL, "oldest": "yesterday"}, "invalid_ts_oldest"),
        ("chat.postMessage", [], "json_not_object"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_mistakes_are_named_at_200(slack: Sandbox, method: str, body: Any, error: str) -> None:
    answer = await call(slack, method, body)

    assert (answer["ok"], answer["error"]) == (False, error)
    assert await slack.effects("slack") == []


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (None, "not_authed"),
        ("xoxb-invalid", "invalid_auth"),
        ("secret", "invalid_auth"),
        ("xoxb-revoked", "token_revoked"),
        ("xoxb-expired", "token_expired"),
    ],
)
async def test_token_is_looked_at(slack: Sandbox, token: str | None, error: str) -> None:
    assert (await call(slack, "auth.test", {}, token=token))["error"] == error


async def test_update_is_limited_to_4000_bytes(slack: Sandbox) -> None:
    posted = await call(slack, "chat.postMessage", {"channel": CHANNEL, "text": "x"})

    answer = await call(slack, "chat.update", {"channel": CHANNEL, "ts": posted["ts"], "text": "é" * 2001})

    assert answer["error"] == "msg_too_long"


async def test_form_bodies_carry_json_as_text(slack: Sandbox) -> None:
    form = {"channel": CHANNEL, "text": "x", "blocks": json.dumps(BLOCKS), "metadata": json.dumps(METADATA)}
    headers = {"Authorization": "Bearer xoxb-test"}
    async with slack.client.post(f"{slack.url}/slack/api/chat.postMessage", data=form, headers=headers) as answer:
        message = (await answer.json())["message"]

    assert message["blocks"][0]["text"] == BLOCKS[0]["text"]
    assert message["metadata"] == METADATA


async def test_history_is_newest_first_in_pages_and_leaves_replies_out(slack: Sandbox) -> None:
    first = await call(slack, "chat.postMessage", {"channel": CHANNEL, "text": "0"})
    for number in range(1, 4):
        slack.clock.move(1)
        await call(slack, "chat.postMessage", {"channel": CHANNEL, "text": str(number)})
    slack.clock.move(1)
    await call(slack, "chat.postMessage", {"channel": CHANNEL, "text": "reply", "thread_ts": first["ts"]})
    page = await call(slack, "conversations.history", {"channel": CHANNEL, "limit": 3})
    rest = await call(
        slack, "conversations.history", {"channel": CHANNEL, "cursor": page["response_metadata"]["next_cursor"]}
    )
    since = await call(slack, "conversations.history", {"channel": CHANNEL, "oldest": page["messages"][1]["ts"]})

    assert [message["text"] for message in page["messages"]] == ["3", "2", "1"]
    assert (page["has_more"], rest["has_more"]) == (True, False)
    assert [message["text"] for message in rest["messages"]] == ["0"]
    assert [message["text"] for message in since["messages"]] == ["3"]


async def test_faults_speak_slacks_words(slack: Sandbox) -> None:
    url = f"{slack.url}/slack/api/auth.test"
    await slack.fault("slack", "status:503")
    async with slack.client.post(url) as answer:
        assert (answer.status, await answer.json()) == (503, {"ok": False, "error": "service_unavailable"})
    await slack.control("DELETE", "faults")
    await slack.fault("slack", "rate_limit:30")
    async with slack.client.post(url) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "30")
    await slack.control("DELETE", "faults")
    await slack.fault("slack", "schema")

    assert "ts" not in await call(slack, "chat.postMessage", {"channel": CHANNEL, "text": "x"})
