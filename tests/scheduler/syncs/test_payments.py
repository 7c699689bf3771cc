"""Payment reconciliation: a verdict for every movement, in any currency, whatever a processor does meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from db import orders, processor_transactions
from db.orders import NewOrder, OrderLine
from integrations.errors import HttpFailed, MissingCredential
from integrations.types.base import Money
from integrations.types.payments import Transaction, TransactionPage, TransactionQuery
from scheduler.options import PaymentsOptions, SchedulerOptions
from tests.conftest import NOON
from tests.scheduler.fakes import FakeVendors
from tests.scheduler.stage import Stage


def movement(id: str, amount: str, currency: str = "USD", **more: Any) -> Transaction:
    money = {"amount": Money(amount=Decimal(amount), currency=currency)}
    nothing = Money(amount=Decimal(0), currency=currency)
    facts = {"vendor": "stripe", "type": "charge", "fee": nothing, "net": money["amount"], "created_at": NOON}
    return Transaction(transaction_id=id, **{**facts, **money, **more})


def pages(*listed: tuple[Transaction, ...]) -> Any:
    """Return what answers queries with these pages, one after the other, by cursor."""

    def answer(query: TransactionQuery) -> TransactionPage:
        number = int(query.cursor or 0)
        following = str(number + 1) if number + 1 < len(listed) else ""
        return TransactionPage(transactions=listed[number], next_cursor=following)

    return answer


def vendors(stage: Stage, **answers: Any) -> FakeVendors:
    stage.vendors = FakeVendors(answers=answers)
    stage.options = replace(SchedulerOptions(patience=()), payments=PaymentsOptions(vendors=tuple(answers)))
    return stage.vendors


async def place(stage: Stage, reference: str, total: str, *, currency: str = "USD", payment_id: str = "") -> None:
    line = OrderLine(sku="A", quantity=Decimal(1), unit_price=Decimal(total))
    order = NewOrder(
        reference=reference,
        placed_at=stage.clock.now(),
        currency=currency,
        total=Decimal(total),
        country="DE",
        lines=[line],
        customer={},
        payment_id=payment_id or None,
        payment_status="captured",
    )
    assert await orders.place(stage.db, order, now=stage.clock.now())


async def verdicts(stage: Stage) -> dict[str, str]:
    found: dict[str, str] = {}
    for verdict in processor_transactions.VERDICTS:
        rows = await processor_transactions.findings(stage.db, verdict=verdict)
        found |= {row.transaction_id: row.verdict for row in rows}
    return found


async def test_every_movement_gets_its_verdict(stage: Stage) -> None:
    await place(stage, "A-1", "19.90", payment_id="pi_1")
    await place(stage, "A-2", "10.00")
    await place(stage, "A-3", "2500", currency="JPY", payment_id="pi_3")
    await place(stage, "A-4", "7.125", currency="KWD", payment_id="pi_4")
    vendors(
        stage,
        stripe=pages(
            (
                movement("t1", "19.90", payment_id="pi_1"),
                movement("t2", "9.00", reference="A-2"),
                movement("t3", "16.42", payment_id="pi_3"),
                movement("t4", "7.125", "KWD", payment_id="pi_4"),
                movement("t5", "5.00", payment_id="pi_unknown", reference="A-9"),
                movement("t6", "-120.00", type="payout"),
            )
        ),
    )

    run = await stage.sync("payments")

    assert await verdicts(stage) == {
        "t1": "matches",
        "t2": "amount_differs",
        "t3": "other_currency",
        "t4": "matches",
        "t5": "no_order",
        "t6": "unrelated",
    }
    assert (run.outcome, run.read, run.written, run.conflicted) == ("success", 6, 6, 2)
    assert run.message == (
        "6 movements of 1 processors: 1 amount differs, 2 matches, 1 no order, 1 other currency, 1 unrelated."
    )


async def test_the_notes_say_what_differs(stage: Stage) -> None:
    await place(stage, "A-2", "10.00", payment_id="pi_2")
    vendors(stage, stripe=pages((movement("t2", "9.00", payment_id="pi_2"),)))
    await stage.sync("payments")

    [row] = await processor_transactions.findings(stage.db)
    assert row.note == "The processor has 9.00 USD, the order 10.00 USD."


async def test_two_captures_that_make_up_the_order_match_it(stage: Stage) -> None:
    await place(stage, "A-1", "10.00", payment_id="pi_1")
    first, second = movement("t1", "4.00", payment_id="pi_1"), movement("t2", "6.00", payment_id="pi_1")
    vendors(stage, stripe=pages((first,), (second,)))
    await stage.sync("payments")

    assert (await verdicts(stage))["t2"] == "matches"


async def test_a_refund_made_at_the_processor_reaches_the_order(stage: Stage) -> None:
    await place(stage, "A-1", "10.00", payment_id="pi_1")
    paid = movement("t1", "10.00", payment_id="pi_1")
    some, rest = (movement(f"r{part}", "-5.00", payment_id="pi_1", type="refund") for part in (1, 2))
    statuses = []
    for listed in ((paid,), (paid, some), (paid, some, rest)):
        vendors(stage, stripe=pages(listed))
        await stage.sync("payments")
        order = await orders.get(stage.db, "A-1")
        assert order is not None
        statuses.append(order.payment_status)

    assert statuses == ["captured", "partially_refunded", "refunded"]


async def test_the_next_run_reads_from_the_watermark_with_an_overlap(stage: Stage) -> None:
    asked = vendors(stage, stripe=pages(()))
    await stage.sync("payments")
    first_began = stage.clock.now()
    stage.clock.move(3600)
    await stage.sync("payments")

    queries = [query for _, _, query in asked.calls]
    assert queries[0].since == pytest.approx(first_began - timedelta(days=7), abs=timedelta(seconds=5))
    assert queries[1].since == pytest.approx(first_began - timedelta(days=2), abs=timedelta(seconds=5))


async def test_reading_the_same_movements_again_changes_nothing(stage: Stage) -> None:
    await place(stage, "A-1", "10.00", payment_id="pi_1")
    vendors(stage, stripe=pages((movement("t1", "10.00", payment_id="pi_1"),)))
    await stage.sync("payments")
    again = await stage.sync("payments")

    assert (again.written, again.unchanged, again.conflicted) == (0, 1, 0)


async def test_a_processor_in_trouble_does_not_keep_the_others_from_being_asked(stage: Stage) -> None:
    down = HttpFailed("Mollie has trouble on its side (HTTP 503).", error_type="http_503", fault="theirs")
    vendors(stage, mollie=lambda _: down, stripe=pages((movement("t1", "1.00"),)))

    run = await stage.sync("payments")

    assert (run.outcome, run.error_type, run.read) == ("error", "vendors_failed", 1)
    assert run.message == "mollie: Mollie has trouble on its side (HTTP 503). 1 of 2 vendors are done."


async def test_a_processor_that_lacks_a_credential_is_left_out_by_name(stage: Stage) -> None:
    missing = MissingCredential("QUAYSIDE_MOLLIE_ACCESS_TOKEN is not set.")
    vendors(stage, mollie=lambda _: missing, stripe=pages((movement("t1", "1.00"),)))

    run = await stage.sync("payments")

    assert run.outcome == "success"
    assert run.message is not None
    assert run.message.endswith(" mollie is left out: QUAYSIDE_MOLLIE_ACCESS_TOKEN is not set.")


async def test_a_run_that_was_taken_over_asks_only_those_left(stage: Stage) -> None:
    asked = vendors(stage, mollie=pages(()), stripe=pages(()))
    run = await stage.begin("payments")
    async with run.step() as step:
        step.cursor["asked"] = ["mollie"]
    taken = await stage.take_over()
    assert taken is not None
    await stage.work(taken)

    assert [vendor for vendor, _, _ in asked.calls] == ["stripe"]


async def test_a_dry_run_says_what_it_would_read_and_writes_nothing(stage: Stage) -> None:
    vendors(stage, stripe=pages((movement("t1", "1.00"),)))
    run = await stage.sync("payments", dry_run=True)

    assert run.outcome == "success"
    assert await verdicts(stage) == {}


async def test_without_a_processor_a_run_has_nothing_to_do(stage: Stage) -> None:
    vendors(stage)
    run = await stage.sync("payments")

    assert (run.outcome, run.message) == ("success", "0 movements of 0 processors.")
