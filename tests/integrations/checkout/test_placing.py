"""Placing an order step by step, whatever fails or dies; on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from db import dead_letters, orders, outbox, placements, stock
from db.engine import Database
from db.owner import new_holder
from db.placements import Placement
from integrations.checkout.holding import HOLD
from integrations.checkout.new_order import NewOrder
from integrations.checkout.options import CheckoutOptions
from integrations.checkout.payments import PaymentDesk
from integrations.checkout.placing import (
    FINAL,
    GIVEN_UP,
    LONGEST_WAIT,
    MOST_TRIES,
    PlacingDesk,
    backoff,
    sentence_on,
)
from integrations.checkout.placing_steps import LAPSES_WITHIN, REVIEW_LIMIT, Steps
from integrations.checkout.tax import TaxDesk
from integrations.errors import (
    AlreadyHappened,
    BusinessFailed,
    CircuitIsOpen,
    HttpFailed,
    InvalidInput,
    KeyReused,
    LeaseHeld,
    MissingCredential,
    OrderKnown,
    OutcomeUnknown,
    QuaysideError,
    TotalDiffers,
    UnknownOrder,
    Unsupported,
)
from integrations.types.base import Money
from integrations.types.tax import TaxQuote
from tests.conftest import MovableClock
from tests.integrations.checkout.fake_vendors import FakeCheckoutVendors, as_status
from tests.scheduler.fakes import Fate, Killed, MortalDatabase

AWAY = HttpFailed("It is away.", error_type="http_503", fault="theirs", retryable=True, status=503)
REFUSED = HttpFailed("It does not accept that.", error_type="invalid_request", fault="ours", status=422)
LOST = OutcomeUnknown("The answer was lost.")
ALL = ("signifyd", "sendgrid", "twilio", "klaviyo")


def wanted(reference: str = "S-1", method: str = "visa", **more: Any) -> NewOrder:
    home = {"name": "Ada Example", "lines": ["1 Main Street"], "city": "Austin", "state": "TX", "country": "US"}
    line = {"sku": "BAG", "quantity": 2, "unit_price": "19.95", "description": "Canvas bag", "weight_kg": "0.6"}
    body = {
        "reference": reference,
        "currency": "USD",
        "lines": [line],
        "ship_to": home,
        "origin": home,
        "payment": {"payment_method": method},
        "shipping": {
            "vendor": "fedex",
            "service_code": "FEDEX_GROUND",
            "price": {"amount": "9.05", "currency": "USD"},
        },
        "customer": {"email": "ada@example.com", "phone": "+15125550100"},
    }
    return NewOrder.model_validate({**body, **more})


@dataclass(kw_only=True)
class Shop:
    """The desk over fake vendors, and short ways to use it."""

    db: Database
    clock: MovableClock
    vendors: FakeCheckoutVendors = field(default_factory=FakeCheckoutVendors)
    ready: tuple[str, ...] = ALL

    def desk(self, fate: Fate | None = None, **more: Any) -> PlacingDesk:
        """Return a process' desk; with a fate it dies. ``more`` is the desk's own."""
        self.vendors.fate = fate or Fate()
        db = MortalDatabase(self.db, fate) if fate is not None else self.db
        gateway: Any = self.vendors
        options, now = CheckoutOptions(), self.clock.now
        tax = TaxDesk(db, gateway, options, ready=("avalara",), now=now)
        payments = PaymentDesk(db, gateway, options, processors=("stripe",), now=now)
        steps = Steps(db, gateway, tax=tax, payments=payments, ready=self.ready, now=now)
        return PlacingDesk(db, steps, carriers=("fedex",), now=now, **more)

    async def place(self, order: NewOrder | None = None, key: str = "k-1", fate: Fate | None = None) -> Placement:
        return await self.desk(fate).place(order or wanted(), key=key, correlation_id="c" * 32, asked_by="shop")

    async def settle(self, fate: Fate | None = None, *, finish: str = "") -> None:
        """Let the duty work until nothing is due within a week; ``finish``: the shopper does what is asked of them."""
        for _ in range(60):
            if f"pi-{finish}" in self.vendors.payments:
                self.vendors.finish(finish)
            while await self.desk(fate).work_off():
                pass
            if not await placements.due(self.db, now=self.clock.now() + timedelta(days=7), limit=1):
                return
            self.clock.move(LONGEST_WAIT + HOLD.total_seconds())
        raise AssertionError("it never ends")

    async def row(self, reference: str = "S-1") -> Placement:
        found = await placements.get(self.db, reference)
        assert found is not None
        return found

    async def letters(self) -> list[tuple[str, str]]:
        return [(letter.item, letter.error_type) for letter in await dead_letters.unresolved(self.db)]

    def fails(self, operation: str, error: QuaysideError, times: int = 10**6) -> None:
        """Let an operation fail so many times."""
        left = [times]

        def trouble(asked: str, _value: Any) -> QuaysideError | None:
            if asked != operation or left[0] == 0:
                return None
            left[0] -= 1
            return error

        self.vendors.trouble = trouble


@pytest.fixture
def shop(database: Database, clock: MovableClock) -> Shop:
    return Shop(db=database, clock=clock)


async def test_where_the_tax_is_included_the_shopper_pays_the_prices_and_the_order_is_kept_without_it(
    shop: Shop,
) -> None:
    placed = await shop.place(wanted(tax_included=True, expected_total={"amount": "48.95", "currency": "USD"}))
    await shop.settle()
    stored = await orders.get(shop.db, "S-1")

    assert placed.total == Decimal("48.95")
    assert shop.vendors.taken("S-1") == Decimal("48.95")
    assert stored is not None
    assert stored.total == Decimal("48.95")
    assert stored.lines[0].unit_price * 2 == Decimal("35.91")  # 39.90 less a tenth of the whole, as the fake taxes


@pytest.mark.parametrize("shown", ["53.84", "53.86", "5385.00"])
async def test_an_order_that_costs_anything_else_than_was_shown_reaches_no_vendor(shop: Shop, shown: str) -> None:
    with pytest.raises(TotalDiffers, match=r"costs 53\.85 USD") as caught:
        await shop.place(wanted(expected_total={"amount": shown, "currency": "USD"}))

    assert caught.value.field == "expected_total"
    assert shown in caught.value.message
    assert set(shop.vendors.asked) == {"quote_tax"}
    assert not shop.vendors.sent


async def test_an_order_shown_anew_is_placed_under_another_key(shop: Shop) -> None:
    with contextlib.suppress(TotalDiffers):
        await shop.place(wanted(expected_total={"amount": "1.00", "currency": "USD"}))
    right = await shop.place(wanted(expected_total={"amount": "53.85", "currency": "USD"}), key="k-2")

    assert right.state == "placed"


def test_what_customs_are_told_is_of_the_whole_line_and_without_tax() -> None:
    line = {"sku": "BAG", "quantity": 2, "unit_price": "11.90", "weight_kg": "0.6", "hs_code": "420292"}
    order = wanted(lines=[{**line, "origin_country": "PT"}], parcels=[{"weight_kg": "1"}, {"weight_kg": "0.4"}])
    gross = order.model_copy(update={"tax_included": True})
    net = Money.model_validate({"amount": "20.00", "currency": "USD"})
    quote = TaxQuote.model_validate(
        {
            "source": "table",
            "reference": "S-1",
            "total_tax": {"amount": "3.80", "currency": "USD"},
            "lines": [{"taxable": net, "tax": {"amount": "3.80", "currency": "USD"}, "rate": "19"}],
            "as_of": "2026-10-01T12:00:00Z",
        }
    )
    plain, told = order.shipment("S-1", quote), gross.shipment("S-1", quote)

    assert [parcel.weight_kg for parcel in plain.parcels] == [Decimal(1), Decimal("0.4")]
    (content,) = plain.contents
    assert (content.hs_code, content.origin_country, content.weight_kg) == ("420292", "PT", Decimal("1.2"))
    assert content.value.amount == plain.declared_value.amount == Decimal("23.80")  # type: ignore[union-attr]
    assert told.contents[0].value == told.declared_value == net


async def test_more_parcels_than_the_carrier_takes_are_refused_before_anybody_is_asked(shop: Shop) -> None:
    with pytest.raises(Unsupported, match="takes 40 parcels at once") as caught:
        await shop.place(wanted(parcels=[{"weight_kg": "1"}] * 41))

    assert (caught.value.field, shop.vendors.asked) == ("parcels", [])


def states(placement: Placement) -> dict[str, str]:
    return {name: facts["state"] for name, facts in placement.steps.items()}


async def test_the_request_does_what_the_shopper_waits_for_and_the_duty_the_rest(shop: Shop) -> None:
    await stock.put(shop.db, "BAG", "MAIN", Decimal(5), by="test", now=shop.clock.now())
    placed = await shop.place()
    asked = list(shop.vendors.asked)
    errand = await outbox.get(shop.db, "erp_order", "S-1")
    (level,) = await stock.levels_of(shop.db, "BAG")
    await shop.settle()
    ended = await shop.row()
    order = await orders.get(shop.db, "S-1", with_customer=True)

    assert (placed.state, asked) == ("placed", ["screen_order", "quote_tax", "create_payment"])
    assert errand is not None
    assert level.available == Decimal(3)
    assert shop.vendors.asked[3:] == ["commit_tax", "create_shipment", "send_email", "send_sms", "track_event"]
    assert (ended.state, ended.due_at, await shop.letters()) == ("complete", None, [])
    assert shop.vendors.taken("S-1") == Decimal("53.85")  # 48.95 and a tenth of each line
    assert order is not None
    assert (order.total, order.payment_status, order.tracking_number) == (Decimal("53.85"), "captured", "T1")
    assert order.customer is not None
    assert order.customer["email"] == "ada@example.com"
    assert shop.vendors.origins == {"c" * 32}
    assert "request" not in ended.papers


async def test_the_same_key_gives_the_same_order_and_charges_once(shop: Shop) -> None:
    first = await shop.place()
    second = await shop.place()
    await shop.settle()
    third = await shop.place()

    assert (first.state, second.state, third.state) == ("placed", "placed", "complete")
    assert shop.vendors.sent["payment", "S-1"] == 1


async def test_a_key_of_another_order_and_a_reference_that_is_taken_are_refused(shop: Shop) -> None:
    await shop.place()
    with pytest.raises(KeyReused):
        await shop.place(wanted("S-2"))
    with pytest.raises(KeyReused):
        await shop.place(wanted(method="amex"))
    with pytest.raises(OrderKnown):
        await shop.place(key="k-2")
    await orders.place(
        shop.db,
        wanted("S-3").stored(shop.clock.now(), Money(amount=Decimal(1), currency="USD"), "pi", "captured"),
        now=shop.clock.now(),
    )
    with pytest.raises(OrderKnown) as known:
        await shop.place(wanted("S-3"), key="k-3")
    with pytest.raises(UnknownOrder):
        await shop.desk().get("S-9")

    assert known.value.field == "reference"
    assert [key for key in shop.vendors.sent if key[0] == "payment"] == [("payment", "S-1")]


async def test_ten_at_once_under_one_key_charge_once(shop: Shop) -> None:
    async def attempt() -> str:
        try:
            return (await shop.place()).state
        except LeaseHeld as error:
            return error.error_type

    found = await asyncio.gather(*(attempt() for _ in range(10)))
    await shop.settle()

    assert set(found) <= {"placed", "lease_held"}
    assert (shop.vendors.sent["payment", "S-1"], (await shop.row()).state) == (1, "complete")


async def test_a_decline_is_a_result_and_the_order_may_be_paid_another_way(shop: Shop) -> None:
    declined = await shop.place(wanted(method="declined"))
    again = await shop.place(wanted(method="declined"))
    paid = await shop.place(key="k-2")
    await shop.settle()

    assert (declined.state, again.state, paid.state, paid.attempt) == ("declined", "declined", "placed", 2)
    assert (shop.vendors.taken("S-1"), shop.vendors.taken("S-1-2")) == (Decimal(0), Decimal("53.85"))
    assert (await shop.row()).state == "complete"


async def test_a_refusal_by_the_screening_costs_nothing(shop: Shop) -> None:
    shop.vendors.decision = "reject"
    found = await shop.place()

    assert (found.state, states(found)) == ("declined", {"screening": "refused"})
    assert shop.vendors.asked == ["screen_order"]


@pytest.mark.parametrize("decision", ["hold", "pending"])
async def test_a_held_order_is_authorized_only_and_captured_when_it_is_accepted(shop: Shop, decision: str) -> None:
    shop.vendors.decision = decision
    held = await shop.place()
    authorized = shop.vendors.payments["pi-S-1"].status
    shop.clock.move(120)
    await shop.desk().work_off()
    still = await shop.row()
    shop.vendors.decision = "accept"
    await shop.settle()

    assert (held.state, authorized, still.state, await orders.get(shop.db, "S-1") is None) == (
        *("review", "authorized", "review"),
        False,
    )
    assert (await shop.row()).state == "complete"
    assert shop.vendors.taken("S-1") == Decimal("53.85")


async def test_a_held_order_that_is_refused_is_let_go(shop: Shop) -> None:
    shop.vendors.decision = "hold"
    await shop.place()
    shop.vendors.decision = "reject"
    await shop.settle()

    assert (await shop.row()).state == "declined"
    assert shop.vendors.payments["pi-S-1"].status == "failed"
    assert (await orders.get(shop.db, "S-1"), await shop.letters()) == (None, [])


async def refused_and_held(shop: Shop) -> None:
    """Place an order whose authorization cannot be let go, have it refused, and look a first time."""
    shop.vendors.decision, shop.vendors.can_release = "hold", False
    await shop.place()
    shop.vendors.decision = "reject"
    shop.clock.move(120)
    await shop.desk().work_off()


@pytest.mark.parametrize(("becomes", "taken"), [("failed", "0"), ("captured", "0")])
async def test_an_authorization_that_cannot_be_let_go_is_waited_for_and_refunded_if_captured(
    shop: Shop, becomes: str, taken: str
) -> None:
    await refused_and_held(shop)
    waiting = await shop.row()
    shop.vendors.payments["pi-S-1"] = as_status(shop.vendors.payments["pi-S-1"], becomes)
    await shop.settle()

    assert (waiting.state, states(waiting)["give_back"]) == ("undoing", "lapsing")
    assert ((await shop.row()).state, await shop.letters()) == ("declined", [])
    assert shop.vendors.taken("S-1") == Decimal(taken)


async def test_an_authorization_that_does_not_lapse_is_left_to_a_person(shop: Shop) -> None:
    await refused_and_held(shop)
    shop.clock.move(LAPSES_WITHIN.total_seconds() - 600)
    await shop.desk().work_off()
    before = await shop.letters()
    shop.clock.move(3600)
    await shop.settle()

    assert ((await shop.row()).state, before) == ("declined", [])
    assert await shop.letters() == [("S-1:give_back", "left_to_a_person")]


async def test_a_payment_the_processor_has_forgotten_is_no_longer_waited_for(shop: Shop) -> None:
    await shop.place(wanted(method="challenged"))
    gone = HttpFailed("No such payment.", error_type="not_found", fault="ours", status=404)
    shop.fails("get_payment", gone, times=1)
    await shop.settle()

    assert ((await shop.row()).state, await shop.letters()) == ("declined", [])


async def test_looking_in_vain_for_long_makes_one_failed_look_no_case_for_a_person(shop: Shop) -> None:
    await shop.place(wanted(method="challenged"))
    for _ in range(MOST_TRIES + 2):
        shop.clock.move(6 * 3600)
        await shop.desk().work_off()
    shop.fails("get_payment", AWAY, times=1)
    shop.clock.move(6 * 3600)
    await shop.desk().work_off()
    shop.vendors.finish("S-1")
    await shop.settle()

    assert ((await shop.row()).state, await shop.letters()) == ("complete", [])


async def test_a_decision_that_never_comes_ends_before_the_authorization_lapses(shop: Shop) -> None:
    shop.vendors.decision = "hold"
    await shop.place()
    shop.clock.move(REVIEW_LIMIT.total_seconds() + 1)
    await shop.settle()

    assert ((await shop.row()).state, shop.vendors.payments["pi-S-1"].status) == ("failed", "failed")


async def test_without_the_screenings_answer_the_order_is_held_and_screened_later(shop: Shop) -> None:
    shop.fails("screen_order", AWAY, times=1)
    held = await shop.place()
    await shop.settle()

    assert (held.state, shop.vendors.payments["pi-S-1"].status) == ("review", "captured")
    assert ((await shop.row()).state, shop.vendors.sent["screening", "S-1"]) == ("complete", 1)


async def test_a_shopper_who_has_to_act_is_waited_for_and_seen_by_a_later_get(shop: Shop) -> None:
    waiting = await shop.place(wanted(method="challenged"))
    before = await shop.desk().get("S-1")
    shop.vendors.finish("S-1")
    after = await shop.desk().get("S-1")

    assert (waiting.state, before.state, after.state) == ("action", "action", "placed")
    assert waiting.papers["payment"]["next_action"]["url"] == "https://bank.example"


async def test_an_event_of_the_payment_lets_the_duty_look_at_once(shop: Shop) -> None:
    await shop.place(wanted(method="challenged"))
    shop.vendors.finish("S-1")
    at_once = await shop.desk().work_off()
    heard = await placements.heard(shop.db, "pi-S-1", now=shop.clock.now())
    await shop.settle()

    assert (at_once, heard, (await shop.row()).state) == (0, "S-1", "complete")


async def test_a_shopper_who_does_not_pay_ends_declined(shop: Shop) -> None:
    await shop.place(wanted(method="challenged"))
    shop.vendors.finish("S-1", "failed")
    await shop.settle()

    assert ((await shop.row()).state, await orders.get(shop.db, "S-1")) == ("declined", None)


@pytest.mark.parametrize(
    ("operation", "error"),
    [("quote_tax", AWAY), ("create_payment", AWAY), ("create_payment", CircuitIsOpen("It is open."))],
)
async def test_trouble_before_anything_is_paid_is_told_and_the_same_key_tries_again(
    shop: Shop, operation: str, error: QuaysideError
) -> None:
    shop.fails(operation, error, times=1)
    with pytest.raises(type(error)):
        await shop.place()
    placed = await shop.place()

    assert (placed.state, shop.vendors.sent["payment", "S-1"]) == ("placed", 1)


async def test_what_nobody_comes_back_for_is_given_up_unpaid(shop: Shop) -> None:
    shop.fails("quote_tax", AWAY)
    with pytest.raises(HttpFailed):
        await shop.place()
    shop.clock.move(GIVEN_UP.total_seconds() + 1)
    await shop.settle()

    assert ((await shop.row()).state, shop.vendors.payments) == ("failed", {})


async def test_a_payment_that_cannot_be_asked_for_ends_the_order_and_names_the_field(shop: Shop) -> None:
    shop.fails("create_payment", InvalidInput("No such method.", field="payment_method"), times=1)
    with pytest.raises(InvalidInput) as caught:
        await shop.place()

    assert (caught.value.field, (await shop.row()).state) == ("payment.payment_method", "failed")


async def test_a_payment_whose_answer_was_lost_is_settled_by_the_duty(shop: Shop) -> None:
    shop.fails("create_payment", LOST, times=2)
    answered = await shop.place()
    await shop.settle()

    assert (answered.state, answered.error_type) == ("paying", "outcome_unknown")
    assert ((await shop.row()).state, shop.vendors.sent["payment", "S-1"]) == ("complete", 1)


async def test_a_payment_that_stays_unknown_is_left_to_a_person_who_may_retry(shop: Shop) -> None:
    shop.fails("create_payment", LOST)
    await shop.place()
    await shop.settle()
    stuck = await shop.row()
    (letter,) = await dead_letters.unresolved(shop.db)
    shop.vendors.trouble = lambda operation, value: None
    await dead_letters.retry(shop.db, letter.id, by="ada", now=shop.clock.now())
    await shop.settle()

    assert (stuck.state, stuck.due_at, letter.item) == ("paying", None, "S-1:payment")
    assert ((await shop.row()).state, shop.vendors.sent["payment", "S-1"]) == ("complete", 1)


async def test_a_shipment_that_fails_for_good_takes_everything_back(shop: Shop) -> None:
    await stock.put(shop.db, "BAG", "MAIN", Decimal(5), by="test", now=shop.clock.now())
    shop.fails("create_shipment", REFUSED)
    await shop.place()
    await shop.settle()
    order = await orders.get(shop.db, "S-1")
    (level,) = await stock.levels_of(shop.db, "BAG")

    assert (await shop.row()).state == "failed"
    assert (shop.vendors.taken("S-1"), shop.vendors.documents) == (Decimal(0), {"S-1": "voided"})
    assert order is not None
    assert (order.fulfilment_status, order.payment_status, level.available) == ("cancelled", "refunded", Decimal(5))
    assert await shop.letters() == [("S-1:shipment", "invalid_request")]
    assert shop.vendors.sent["mail", "S-1-confirmation"] == 0


async def test_a_message_that_cannot_be_sent_stops_nothing_and_may_be_retried(shop: Shop) -> None:
    shop.fails("send_email", REFUSED, times=1)
    await shop.place()
    await shop.settle()
    ended = await shop.row()
    (letter,) = await dead_letters.unresolved(shop.db)
    await dead_letters.retry(shop.db, letter.id, by="ada", now=shop.clock.now())
    await shop.settle()

    assert (ended.state, states(ended)["mail"], states(ended)["sms"]) == ("complete", "failed", "done")
    assert (letter.item, shop.vendors.sent["mail", "S-1-confirmation"]) == ("S-1:mail", 1)
    assert "request" not in (await shop.row()).papers


async def test_vendors_that_are_away_are_tried_again_until_they_are_back(shop: Shop) -> None:
    for operation in ("commit_tax", "create_shipment", "send_sms"):
        shop.fails(operation, AWAY, times=MOST_TRIES - 1)
        reference = f"S-{operation}"
        await shop.place(wanted(reference), key=reference)
        await shop.settle()
        assert (await shop.row(reference)).state == "complete"


async def test_a_message_whose_vendor_is_away_lets_the_others_by(shop: Shop) -> None:
    shop.fails("send_email", AWAY)
    await shop.place()
    await shop.desk().work_off()
    meanwhile = await shop.row()
    await shop.settle()

    assert states(meanwhile) | {"mail": "later", "sms": "done", "event": "done"} == states(meanwhile)
    assert ((await shop.row()).state, await shop.letters()) == ("complete", [("S-1:mail", "http_503")])
    assert shop.vendors.asked.count("send_email") == MOST_TRIES


async def test_what_a_person_found_to_have_happened_is_not_done_again(shop: Shop) -> None:
    shop.fails("send_email", AlreadyHappened("A person found it."))
    await shop.place()
    await shop.settle()

    assert states(await shop.row())["mail"] == "done"
    assert (shop.vendors.sent["mail", "S-1-confirmation"], await shop.letters()) == (0, [])


async def test_two_duties_at_once_do_each_step_once(shop: Shop) -> None:
    for number in range(6):
        await shop.place(wanted(f"S-{number}"), key=f"k-{number}")
    await asyncio.gather(*(shop.desk().work_off() for _ in range(4)))
    await shop.settle()

    assert {(await shop.row(f"S-{number}")).state for number in range(6)} == {"complete"}
    assert set(shop.vendors.sent.values()) == {1}
    assert shop.vendors.asked.count("create_shipment") == 6


async def test_a_process_that_held_an_order_too_long_writes_nothing_more(shop: Shop) -> None:
    await shop.place()
    start = shop.clock.now()
    first = await placements.hold(shop.db, "S-1", holder="a", now=start, until=start + HOLD)
    shop.clock.move(HOLD.total_seconds())
    second = await placements.hold(shop.db, "S-1", holder="b", now=shop.clock.now(), until=shop.clock.now() + HOLD)
    third = await placements.hold(shop.db, "S-1", holder="c", now=shop.clock.now(), until=shop.clock.now() + HOLD)
    assert first is not None
    assert second is not None
    async with shop.db.write() as connection:
        late = await placements.keep(connection, first, seal=shop.db.seal)
        in_time = await placements.keep(connection, second, seal=shop.db.seal)

    assert (third, late, in_time) == (None, False, True)


async def test_a_cancelled_order_is_taken_back_wherever_it_is(shop: Shop) -> None:
    await shop.place()
    await shop.settle()
    turning = await shop.desk().cancel("S-1", reason="The shopper changed their mind.")
    await shop.settle()
    ended = await shop.row()

    assert (turning.state, ended.state, ended.message) == ("undoing", "failed", "The shopper changed their mind.")
    assert (shop.vendors.taken("S-1"), shop.vendors.documents) == (Decimal(0), {"S-1": "voided"})
    assert (shop.vendors.shipments, await shop.letters()) == ({"T1": "cancelled"}, [])


async def test_an_order_the_erp_may_have_is_left_to_a_person(shop: Shop) -> None:
    await shop.place()
    errand = await outbox.get(shop.db, "erp_order", "S-1")
    assert errand is not None
    async with shop.db.write() as connection:  # it was tried once, and who knows what came of it
        await outbox.put_off(connection, errand.id, due_at=shop.clock.now(), error_type="timeout", message="")
    await shop.desk().cancel("S-1", reason="")
    await shop.settle()

    assert await shop.letters() == [("S-1:cancel_order", "left_to_a_person")]
    assert ((await shop.row()).state, shop.vendors.taken("S-1")) == ("failed", Decimal(0))


@pytest.mark.parametrize(
    ("error", "tries", "sentence"),
    [
        (AWAY, 0, "later"),
        (AWAY, MOST_TRIES - 1, "person"),
        (LOST, 0, "later"),
        (LOST, MOST_TRIES - 1, "person"),
        (REFUSED, 0, "for_good"),
        (InvalidInput("No.", field="x"), 0, "for_good"),
        (MissingCredential("It is not set."), 0, "later"),
        (BusinessFailed("No.", error_type="x", fault="ours"), 0, "for_good"),
        (CircuitIsOpen("It is open."), 0, "later"),
        (AlreadyHappened("A person found it.", retryable=True), 0, "later"),
        (AlreadyHappened("A person found it."), 0, "person"),
    ],
)
def test_an_error_is_waited_out_or_for_good_or_for_a_person(error: QuaysideError, tries: int, sentence: str) -> None:
    assert sentence_on(error, tries) == sentence


def test_waits_grow_to_an_hour() -> None:
    assert [backoff(tries) for tries in (0, 1, 2, 40)] == [15.0, 30.0, 60.0, LONGEST_WAIT]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (
            {"shipping": {"vendor": "x", "service_code": "y", "price": {"amount": "1", "currency": "USD"}}},
            "shipping.vendor",
        ),
        (
            {"shipping": {"vendor": "fedex", "service_code": "y", "price": {"amount": "1", "currency": "EUR"}}},
            "shipping.price.currency",
        ),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "1.999", "weight_kg": "1"}]}, "lines.0.unit_price"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "1"}]}, "lines.0.weight_kg"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "1", "weight_kg": "99"}]}, "shipping.vendor"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "0"}], "shipping": None}, "lines"),
    ],
)
async def test_what_we_can_refuse_ourselves_is_refused_by_name(shop: Shop, change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await shop.place(wanted(**change))

    assert (caught.value.field, shop.vendors.asked, await placements.get(shop.db, "S-1")) == (field, [], None)


# --- dying ---------------------------------------------------------------------------------------------------------------


async def plain(shop: Shop, reference: str, fate: Fate) -> None:
    await shop.place(wanted(reference), key=reference, fate=fate)


async def held(shop: Shop, reference: str, fate: Fate) -> None:
    shop.vendors.decision = "hold"
    await plain(shop, reference, fate)


async def refused(shop: Shop, reference: str, fate: Fate) -> None:
    shop.fails("create_shipment", REFUSED)
    await plain(shop, reference, fate)


async def challenged(shop: Shop, reference: str, fate: Fate) -> None:
    await shop.place(wanted(reference, "challenged"), key=reference, fate=fate)
    shop.vendors.finish(reference)
    await shop.desk(fate).get(reference)


async def cancelled(shop: Shop, reference: str, fate: Fate) -> None:
    await plain(shop, reference, fate)
    await shop.desk().work_off()
    await shop.desk(fate).cancel(reference, reason="")
    await shop.desk(fate).work_off()


WALKS = {"plain": plain, "held": held, "refused": refused, "challenged": challenged, "cancelled": cancelled}


@pytest.mark.parametrize("walk", WALKS)
async def test_an_order_whose_process_dies_anywhere_ends_complete_or_taken_back(shop: Shop, walk: str) -> None:
    died = 0
    for point in range(1, 400, 2):  # with the deaths after it, every second point is enough
        reference = f"{walk}-{point}"
        fate = Fate(die_at=point)
        shop.vendors.decision = "accept"
        shop.vendors.trouble = lambda operation, value: None
        with contextlib.suppress(Killed):
            await WALKS[walk](shop, reference, fate)
            with contextlib.suppress(HttpFailed):
                await shop.desk(fate).work_off()
        shop.clock.move(HOLD.total_seconds() + 1)
        shop.vendors.decision = "accept" if point % 3 else "reject"
        if point % 4 == 1 and (begun := await placements.get(shop.db, reference)) is not None and begun.state == "new":
            with contextlib.suppress(QuaysideError):
                await shop.place(wanted(reference, "challenged" if walk == "challenged" else "visa"), key=reference)
        for again in (Fate(die_at=point), Fate()):
            with contextlib.suppress(Killed):
                await shop.settle(again, finish=reference)
            shop.clock.move(HOLD.total_seconds() + 1)
        await _agrees(shop, reference)
        if fate.passed < point:
            break
        died += 1

    assert died > 12, died
    assert fate.passed < point  # the last one lived: there are no more points


async def _agrees(shop: Shop, reference: str) -> None:
    """Everything there is of an order says the same."""
    found = await placements.get(shop.db, reference)
    order = await orders.get(shop.db, reference)
    taken, vendors = shop.vendors.taken(reference), shop.vendors
    confirmation = f"{reference}-confirmation"
    parcels = [name for name in vendors.shipments.values() if name == reference]
    assert vendors.sent["payment", reference] <= 1
    assert vendors.sent["shipment", reference] <= 1
    assert vendors.sent["mail", confirmation] <= 1
    assert vendors.sent["sms", confirmation] <= 1
    if found is None:
        assert (order, taken, parcels) == (None, Decimal(0), [])
        return
    assert found.state in FINAL, found
    if found.state == "complete":
        assert order is not None
        assert order.fulfilment_status == "new"
        assert (taken, order.total, found.total) == (order.total, Decimal("53.85"), Decimal("53.85"))
        assert (vendors.documents[reference], len(parcels)) == ("committed", 1)
        assert (vendors.sent["mail", confirmation], vendors.sent["sms", confirmation]) == (1, 1)
        return
    assert (taken, parcels, vendors.documents.get(reference, "voided")) == (Decimal(0), [], "voided")
    assert order is None or order.fulfilment_status == "cancelled"
    payment = vendors.payments.get(f"pi-{reference}")
    assert payment is None or payment.status in ("refunded", "failed")


async def hold_of_the_dead(shop: Shop) -> None:
    """Leave the order in the hands of a process of this machine that has ended."""
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await ended.wait()
    kind, _, number = new_holder().split(":")
    holder, now = f"{kind}:{ended.pid}:{number}", shop.clock.now()

    assert len(holder) <= 32
    assert await placements.hold(shop.db, "S-1", holder=holder, now=now, until=now + HOLD) is not None


async def test_what_a_dead_process_held_is_gone_on_with_at_once(shop: Shop) -> None:
    await shop.place()
    await hold_of_the_dead(shop)
    while await shop.desk().work_off():
        pass

    assert (await shop.row()).state == "complete"


async def test_a_shopper_need_not_wait_for_the_hold_of_a_dead_process(shop: Shop) -> None:
    shop.fails("quote_tax", AWAY, times=1)
    with pytest.raises(HttpFailed):
        await shop.place()
    await hold_of_the_dead(shop)
    placed = await shop.place()

    assert placed.state == "placed"


async def test_what_a_living_process_holds_is_left_to_it(shop: Shop) -> None:
    await shop.place()
    now = shop.clock.now()
    await placements.hold(shop.db, "S-1", holder=new_holder(), now=now, until=now + HOLD)
    await shop.desk().work_off()

    assert (await shop.row()).state == "placed"


def test_a_setting_makes_the_first_wait_shorter() -> None:
    assert [backoff(tries, 0.5) for tries in (0, 1, 2)] == [0.5, 1.0, 2.0]
