"""Slack, Open Exchange Rates and the European Central Bank against their stand-ins, over a real connection."""

from __future__ import annotations

import pytest

from integrations.errors import BusinessFailed, HttpFailed, QuaysideError, SchemaDrift
from integrations.registry import adapter_class
from integrations.types.messages import ChatMessage
from integrations.vendors.slack import Slack
from tests.integrations.vendors.wire import on_the_wire


@pytest.mark.parametrize("vendor", ["ecb", "open_exchange_rates", "slack"])
async def test_every_example_succeeds_as_it_stands(vendor: str) -> None:
    async with on_the_wire(vendor) as wire:
        for operation in adapter_class(vendor).vendor.operations:
            assert await wire.call(operation.name, operation.example)


@pytest.mark.parametrize("vendor", ["ecb", "open_exchange_rates"])
@pytest.mark.parametrize("fault", ["garbage", "schema", "status:503"])
async def test_a_broken_answer_is_an_error_of_ours_and_never_a_rate(vendor: str, fault: str) -> None:
    async with on_the_wire(vendor) as wire:
        await wire.control("POST", "faults", [{"vendor": vendor, "fault": fault, "rate": 1.0}])
        with pytest.raises(QuaysideError) as caught:
            await wire.call("latest_rates", {})

        assert isinstance(caught.value, HttpFailed if fault.startswith("status") else SchemaDrift)


async def test_both_sources_agree_on_what_a_euro_buys() -> None:
    async with on_the_wire("ecb") as ecb, on_the_wire("open_exchange_rates") as oxr:
        one = await ecb.call("latest_rates", {"base": "EUR", "symbols": ["USD"]})
        other = await oxr.call("latest_rates", {"base": "EUR", "symbols": ["USD"]})

        assert abs(one.rates["USD"] / other.rates["USD"] - 1) < 0.05


async def test_a_weekend_day_has_the_rates_of_the_friday_before() -> None:
    async with on_the_wire("ecb") as wire:
        rates = await wire.call("historical_rates", {"date": "2026-09-27", "base": "EUR"})

        assert rates.as_of.isoformat() == "2026-09-25T14:00:00+00:00"


async def test_a_posted_message_is_found_by_its_key_and_another_is_not() -> None:
    async with on_the_wire("slack") as wire:
        assert isinstance(wire.adapter, Slack)
        sent = ChatMessage(channel="C0123456789", text="Order 1001 failed", alert_key="incident-7")
        posted = await wire.call("post_message", sent)
        other = sent.model_copy(update={"alert_key": "incident-8"})

        assert await wire.adapter.look_up_post_message(wire.exchange("post_message"), sent) == posted
        assert await wire.adapter.look_up_post_message(wire.exchange("post_message"), other) is None


async def test_a_reply_is_found_in_its_thread() -> None:
    async with on_the_wire("slack") as wire:
        assert isinstance(wire.adapter, Slack)
        parent = await wire.call("post_message", {"channel": "C0123456789", "text": "Order 1001 failed"})
        wire.time += 2
        reply = ChatMessage(channel="C0123456789", text="again", alert_key="i-9", thread_id=parent.message_id)
        posted = await wire.call("post_message", reply)

        assert await wire.adapter.look_up_post_message(wire.exchange("post_message"), reply) == posted


async def test_a_message_is_updated_and_its_old_blocks_are_gone() -> None:
    async with on_the_wire("slack") as wire:
        block = {"type": "section", "text": {"type": "mrkdwn", "text": "*failed*"}}
        posted = await wire.call("post_message", {"channel": "C0123456789", "text": "failed", "blocks": [block]})
        value = {"channel": posted.channel, "message_id": posted.message_id, "text": "resolved"}
        updated = await wire.call("update_message", value)
        (shown,) = await wire.control("GET", "slack/messages")

        assert updated == posted
        assert shown["text"] == "resolved"
        assert not shown.get("blocks")


async def test_blocks_slack_refuses_are_posted_as_text() -> None:
    async with on_the_wire("slack") as wire:
        broken = {"type": "no_such_block"}
        await wire.call("post_message", {"channel": "C0123456789", "text": "failed", "blocks": [broken]})
        (shown,) = await wire.control("GET", "slack/messages")

        assert shown["text"] == "failed"
        assert not shown.get("blocks")


async def test_a_second_post_within_a_second_is_rate_limited_with_its_wait() -> None:
    async with on_the_wire("slack") as wire:
        message = {"channel": "C0123456789", "text": "one"}
        await wire.call("post_message", message)
        with pytest.raises(HttpFailed) as caught:
            await wire.call("post_message", message)

        assert caught.value.error_type == "rate_limited"
        assert caught.value.retry_after == 1.0


async def test_a_channel_that_is_missing_is_named_by_slacks_own_word() -> None:
    async with on_the_wire("slack") as wire:
        with pytest.raises(BusinessFailed, match="channel_not_found"):
            await wire.call("post_message", {"channel": "C0MISSING", "text": "x"})
