"""Tap's adapter against the sandbox: payments from the page to the refund, lost answers, and what Tap refuses."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from integrations.errors import BusinessFailed, HttpFailed
from integrations.vendors.tap.declaration import VENDOR
from tests.integrations.vendors.exchange import WireExchange, run
from tests.integrations.vendors.wire import Wire, on_the_wire

CREATE, CAPTURE, CANCEL, GET, REFUND, LIST = (dict(operation.example) for operation in VENDOR.operations)
AT_ONCE = {**CREATE, "payment_method": "tok_sandboxCaptured"}
DAY = 86_400


async def pay(wire: Wire, url: str, outcome: str = "APPROVED") -> None:
    """Play the buyer on Tap's page."""
    async with wire.client.post(url, data={"outcome": outcome}, allow_redirects=False) as answered:
        assert answered.status == 302


async def kinds(wire: Wire) -> list[str]:
    return [effect["kind"] for effect in await wire.effects()]


async def lose_the_answer(wire: Wire, operation: str, value: Any, key: str) -> None:
    """Call an operation whose effect happens and whose answer does not come."""
    await wire.control("POST", "faults", [{"vendor": "tap", "operation": operation, "fault": "lost_answer"}])
    with pytest.raises(aiohttp.ClientError):
        await wire.call(operation, value, key)
    await wire.control("DELETE", "faults")


@pytest.mark.parametrize("operation", [operation.name for operation in VENDOR.operations])
async def test_every_example_succeeds(operation: str) -> None:
    found = VENDOR.operation(operation)
    assert found is not None
    async with on_the_wire("tap") as wire:
        assert await wire.call(operation, found.example)


async def test_the_buyer_pays_on_the_page_and_we_refund_each_part_once() -> None:
    async with on_the_wire("tap") as wire:
        made = await wire.call("create_payment", CREATE)
        await pay(wire, made.next_action.url)
        paid = await wire.call("get_payment", {"payment_id": made.payment_id})
        some = {"reference": "r-1", "payment_id": made.payment_id, "amount": {"amount": "4.125", "currency": "KWD"}}
        pending = await wire.call("refund_payment", some, "k-2")
        wire.time += 61
        partly = await wire.call("refund_payment", some, "k-2")
        await wire.call("refund_payment", {"reference": "r-2", "payment_id": made.payment_id}, "k-3")
        wire.time += 61
        wholly = await wire.call("get_payment", {"payment_id": made.payment_id})
        effects = await wire.effects()

    assert [(one.status, str(one.refunded.amount)) for one in (made, paid, pending, partly, wholly)] == [
        ("requires_action", "0"),
        ("captured", "0"),
        ("captured", "0"),
        ("partially_refunded", "4.125"),
        ("refunded", "10.500"),
    ]
    assert [(one["reference"], one["amount"]) for one in effects if one["kind"] == "refund"] == [
        ("r-1", "4.125 KWD"),
        ("r-2", "6.375 KWD"),
    ]


async def test_a_card_is_authorized_captured_once_and_refunded_by_either_id() -> None:
    async with on_the_wire("tap") as wire:
        held = await wire.call("create_payment", {**AT_ONCE, "capture": False})
        asked = {"reference": "c-1", "payment_id": held.payment_id}
        taken = await wire.call("capture_payment", asked, "k-2")
        again = await wire.call("capture_payment", {**asked, "reference": "c-2"}, "k-3")
        found = await wire.call("get_payment", {"payment_id": held.payment_id})
        await wire.call("refund_payment", {"reference": "r-1", "payment_id": held.payment_id}, "k-4")
        wire.time += 61
        back = await wire.call("get_payment", {"payment_id": taken.payment_id})
        done = await kinds(wire)

    assert (held.status, held.payment_id[:5], taken.payment_id[:4]) == ("authorized", "auth_", "chg_")
    assert taken.payment_id == again.payment_id == found.payment_id == back.payment_id
    assert (taken.status, back.status, taken.reference) == ("captured", "refunded", "EXAMPLE-3401")
    assert done == ["order", "payment", "capture", "refund"]


async def test_an_authorization_nobody_captures_is_released_after_a_week() -> None:
    async with on_the_wire("tap") as wire:
        held = await wire.call("create_payment", {**AT_ONCE, "capture": False})
        wire.time += 7 * DAY
        found = await wire.call("get_payment", {"payment_id": held.payment_id})

    assert (found.status, found.message) == ("failed", "The money was released again.")


async def test_a_decline_is_repeated_under_its_key_and_a_new_key_is_a_new_try() -> None:
    async with on_the_wire("tap") as wire:
        first = await wire.call("create_payment", {**CREATE, "payment_method": "tok_sandboxDeclined"}, "try-1")
        replayed = await wire.call("create_payment", AT_ONCE, "try-1")
        fresh = await wire.call("create_payment", AT_ONCE, "try-2")

    assert [one.status for one in (first, replayed, fresh)] == ["declined", "declined", "captured"]
    assert (first.payment_id, first.decline_code) == (replayed.payment_id, "501")


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        ("INSUFFICIENT_FUNDS", "declined", "505"),
        ("RESTRICTED", "declined", "701"),
        ("EXPIRED_CARD", "failed", ""),
        ("CANCELLED", "failed", ""),
        ("TIMED_OUT", "failed", ""),
        ("UNKNOWN", "failed", ""),
    ],
)
async def test_a_payment_that_comes_to_nothing_is_a_result(outcome: str, status: str, code: str) -> None:
    async with on_the_wire("tap") as wire:
        made = await wire.call("create_payment", CREATE)
        await pay(wire, made.next_action.url, outcome)
        found = await wire.call("get_payment", {"payment_id": made.payment_id})

    assert (found.status, found.decline_code) == (status, code)


async def test_a_page_nobody_uses_closes() -> None:
    async with on_the_wire("tap") as wire:
        made = await wire.call("create_payment", CREATE)
        wire.time += 30 * 60
        found = await wire.call("get_payment", {"payment_id": made.payment_id})

    assert (found.status, found.next_action) == ("failed", None)


async def test_a_cash_payment_in_progress_says_where_the_buyer_goes() -> None:
    async with on_the_wire("tap") as wire:
        cash = {"payment_method": "src_eg.fawry", "amount": {"amount": "100", "currency": "EGP"}}
        made = await wire.call("create_payment", {**CREATE, **cash})

    assert (made.status, made.next_action is not None) == ("pending", True)


# --- lost answers --------------------------------------------------------------------------------------------------------


async def test_a_lost_answer_is_settled_by_the_same_key_with_one_effect() -> None:
    async with on_the_wire("tap") as wire:
        await lose_the_answer(wire, "create_payment", {**AT_ONCE, "capture": False}, "k-1")
        held = await wire.call("create_payment", {**AT_ONCE, "capture": False}, "k-1")
        asked = {"reference": "c-1", "payment_id": held.payment_id}
        await lose_the_answer(wire, "capture_payment", asked, "k-2")
        taken = await wire.call("capture_payment", asked, "k-2")
        back = {"reference": "r-1", "payment_id": taken.payment_id}
        await lose_the_answer(wire, "refund_payment", back, "k-3")
        await wire.call("refund_payment", back, "k-3")
        done = await kinds(wire)

    assert (held.status, taken.status) == ("authorized", "captured")
    assert done == ["order", "payment", "capture", "refund"]


async def test_captures_and_refunds_are_made_once_even_when_their_key_is_forgotten() -> None:
    async with on_the_wire("tap") as wire:
        held = await wire.call("create_payment", {**AT_ONCE, "capture": False}, "k-1")
        part = {"reference": "c-1", "payment_id": held.payment_id, "amount": {"amount": "5.000", "currency": "KWD"}}
        await lose_the_answer(wire, "capture_payment", part, "k-2")
        wire.time += 2 * DAY
        taken = await wire.call("capture_payment", part, "k-2")
        some = {"reference": "r-1", "payment_id": taken.payment_id, "amount": {"amount": "2.000", "currency": "KWD"}}
        await lose_the_answer(wire, "refund_payment", some, "k-3")
        wire.time += 2 * DAY
        back = await wire.call("refund_payment", some, "k-3")
        done = await kinds(wire)

    assert (str(back.captured.amount), str(back.refunded.amount)) == ("5.000", "2.000")
    assert done == ["order", "payment", "capture", "refund"]


async def test_a_key_that_belongs_to_another_payment_does_nothing() -> None:
    async with on_the_wire("tap") as wire:
        await wire.call("create_payment", AT_ONCE, "same")
        with pytest.raises(BusinessFailed) as caught:
            await wire.call("create_payment", {**AT_ONCE, "reference": "EXAMPLE-9999"}, "same")
        done = await kinds(wire)

    assert caught.value.error_type == "idempotency_error"
    assert done == ["order", "payment"]


# --- refunds -------------------------------------------------------------------------------------------------------------


async def test_a_refund_stays_pending_while_the_balance_is_short() -> None:
    async with on_the_wire("tap", wallet_short=True) as wire:
        await wire.call("refund_payment", REFUND)
        wire.time += DAY
        found = await wire.call("get_payment", GET)

    assert (found.status, found.refunded.amount) == ("captured", 0)
    assert "is PENDING" in found.message


@pytest.mark.parametrize("outcome", ["DECLINED", "FAILED", "RESTRICTED"])
async def test_a_refund_that_comes_to_nothing_is_made_anew_under_a_new_key(outcome: str) -> None:
    async with on_the_wire("tap", refund_outcome=outcome) as wire:
        await wire.call("refund_payment", REFUND, "k-1")
        wire.time += 61
        await wire.control("PUT", "settings", {"tap": {"refund_outcome": "REFUNDED"}})
        await wire.call("refund_payment", REFUND, "k-2")
        wire.time += 61
        found = await wire.call("get_payment", GET)

    assert (found.status, str(found.refunded.amount)) == ("partially_refunded", "1.500")


async def test_nothing_to_list_may_be_refused() -> None:
    async with on_the_wire("tap", empty_refused=True) as wire:
        found = await wire.call("get_payment", GET)
        page = await wire.call("list_transactions", LIST)

    assert (found.status, len(page.transactions)) == ("captured", 10)


# --- transactions --------------------------------------------------------------------------------------------------------


async def test_three_weeks_of_trade_and_a_refund_are_read_in_pages_newest_first() -> None:
    async with on_the_wire("tap") as wire:
        await wire.call("refund_payment", REFUND)
        rows, cursor = [], ""
        while True:
            page = await wire.call("list_transactions", {"limit": 7, "cursor": cursor})
            rows += page.transactions
            if not (cursor := page.next_cursor):
                break

    times = [row.created_at for row in rows]
    assert times == sorted(times, reverse=True)
    assert len({row.transaction_id for row in rows}) == len(rows) > 25
    assert [(row.type, str(row.amount.amount)) for row in rows if row.amount.amount < 0] == [("refund", "-1.500")]
    assert {row.status for row in rows} == {"captured", "pending"}


async def test_a_stretch_of_a_week_is_read_to_its_end() -> None:
    async with on_the_wire("tap") as wire:
        everything, week, cursor = await wire.call("list_transactions", {"limit": 100}), [], ""
        times = sorted(row.created_at for row in everything.transactions)
        since, until = times[3], times[-3]
        while True:
            asked = {"since": since.isoformat(), "until": until.isoformat(), "limit": 5, "cursor": cursor}
            page = await wire.call("list_transactions", asked)
            week += page.transactions
            if not (cursor := page.next_cursor):
                break

    assert sorted(row.created_at for row in week) == [one for one in times if since <= one < until]


# --- refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["sk_test_invalid", "pk_test_quayside", "sk_live_quayside", "nonsense"])
async def test_a_bad_credential_is_said_to_be_that(key: str) -> None:
    async with on_the_wire("tap") as wire:
        adapter = type(wire.adapter)({"SECRET_KEY": key})
        exchange = WireExchange(adapter, "list_transactions", wire.client, f"{wire.url}/tap")
        with pytest.raises(HttpFailed) as caught:
            await run(adapter, exchange, LIST)

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")
    assert key not in caught.value.message


async def test_too_many_requests_name_no_time_to_wait() -> None:
    async with on_the_wire("tap", quotas=[["requests", 1, 60]]) as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("list_transactions", LIST)

    assert (caught.value.error_type, caught.value.retryable, caught.value.retry_after) == ("rate_limited", True, None)


@pytest.mark.parametrize(
    ("value", "error_type"),
    [
        ({"payment_method": "tok_nobody"}, "invalid_request"),
        ({"payment_method": "src_sa.mada"}, "currency_not_supported"),
    ],
)
async def test_what_only_tap_can_know_is_refused_with_its_class(value: dict[str, Any], error_type: str) -> None:
    async with on_the_wire("tap") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_payment", {**CREATE, **value})
        done = await kinds(wire)

    assert (caught.value.error_type, done) == (error_type, [])


@pytest.mark.parametrize("id", ["chg_nobody", "auth_nobody"])
async def test_an_id_that_names_nothing_is_not_found(id: str) -> None:
    async with on_the_wire("tap") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("get_payment", {"payment_id": id})

    assert caught.value.error_type == "not_found"


async def test_a_token_serves_once() -> None:
    async with on_the_wire("tap") as wire:
        card = {"number": "4012000033330026", "exp_month": 1, "exp_year": 39, "cvc": "100"}
        key = {"Authorization": "Bearer pk_test_quayside"}
        async with wire.client.post(f"{wire.url}/tap/v2/tokens", json={"card": card}, headers=key) as answered:
            token = (await answered.json())["id"]
        made = await wire.call("create_payment", {**CREATE, "payment_method": token}, "k-1")
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_payment", {**CREATE, "payment_method": token}, "k-2")

    assert (made.status, caught.value.error_type) == ("captured", "token_used")


async def test_a_lost_answer_to_a_void_is_settled_by_asking_again() -> None:
    async with on_the_wire("tap") as wire:
        await lose_the_answer(wire, "cancel_payment", CANCEL, "k-1")
        done = await wire.call("cancel_payment", CANCEL, "k-1")
        effects = await kinds(wire)

    assert (done.status, done.captured.amount) == ("failed", 0)
    assert effects.count("void") == 1
