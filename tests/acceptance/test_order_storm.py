"""Five hundred orders placed over HTTP while vendors fail at random and processes are killed.

Two web processes take the orders, one of them on another machine as far as the others can tell; a scheduler works off what
follows and brings them to the ERP; and all three are ended with SIGKILL again and again in the middle of it. A shop asks
again where no answer came, at times twice at once, and takes some orders back. When the storm is over a person does what
only a person can: says of a mail whose answer was lost whether it went out. Then every order must have come to an end, and
the sandbox's ledger, our orders and the ERP must agree to the last decimal in every currency. ``QUAYSIDE_STORM=full``
makes it five hundred; by itself it is an eighth of them, see ``storm.py``.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import func, select

from db import dead_letters, orders, outbox, outcomes
from db.orders import OrderRow
from db.schema import placements
from integrations.checkout.holding import HOLD
from integrations.checkout.placing import FINAL
from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.options import SandboxOptions
from tests.acceptance.storm import FULL, Storm, storm, tuned
from tests.acceptance.test_placing import BERLIN, DISPATCH, HOME
from tests.integrations.checkout.conftest import save_rates
from tests.waiting import until

ORDERS, KILLS = (500, 16) if FULL else (60, 5)
WEBS, AT_ONCE, SKUS = 2, 10, 200
SEED = 20_261_127
VENDORS = ("acumatica", "avalara", "fedex", "klaviyo", "sendgrid", "signifyd", "stripe", "twilio")
FAULTS = (("lost_answer", 0.08), ("reset", 0.06), ("status:503", 0.06), ("timeout", 0.01))
DUBAI = {"name": "Aisha Example", "lines": ["Sheikh Zayed Road 1"], "city": "Dubai", "country": "AE"}
PATH = "/checkout/orders"
TOML = (
    tuned(
        VENDORS,
        1.5,
        acumatica=f"slot_seconds = 4.0\ncatalogue_size = {SKUS}",
        signifyd="review_seconds = 3.0",
    )
    + """
[checkout]
backoff = 0.2

[syncs]
poll_every = 0.1

[syncs.orders]
schedule = "every 2s"
batch_size = 20
pause = 0.05
checks = 0
backoff = 0.3
"""
)


@dataclass(kw_only=True)
class Order:
    """One order of the shop, and what it was told: (status, what the answer says)."""

    body: dict[str, Any]
    copies: int  # requests at once under the key
    told: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return str(self.body["reference"])

    @property
    def key(self) -> str:
        return f"key-{self.reference}"

    @property
    def is_taken(self) -> bool:
        return any(status == 201 for status, _ in self.told)


def wanted_orders(draw: random.Random, count: int) -> list[Order]:
    """Return orders: US dollars with Avalara and a label, euros, yen and dinars with tables and without one."""
    skus = [item.sku for item in catalogue(SandboxOptions().seed, SKUS)]
    found: list[Order] = []
    for number in range(count):
        kind = draw.choices(("USD", "EUR", "JPY", "KWD"), (55, 20, 10, 15))[0]
        price = str(draw.randint(100, 9_000)) if kind == "JPY" else f"{draw.randint(500, 9_000)}e-2"
        unit_price = format(Decimal(price), "f")
        body: dict[str, Any] = {
            "reference": f"O-{number:04}",
            "currency": kind,
            "lines": [
                {"sku": sku, "quantity": draw.randint(1, 3), "unit_price": unit_price, "weight_kg": "0.4"}
                for sku in draw.sample(skus, draw.randint(1, 2))
            ],
            "ship_to": {"USD": HOME, "EUR": BERLIN, "JPY": BERLIN, "KWD": DUBAI}[kind],
            "origin": DISPATCH,
            "payment": {"payment_method": "pm_card_visa", "processor": "stripe"},
            "customer": {"email": f"shopper{number}@example.com", "phone": "+15125550100"},
        }
        if kind in ("USD", "EUR"):
            service = "FEDEX_GROUND" if kind == "USD" else "FEDEX_INTERNATIONAL_PRIORITY"
            service = "NO_SUCH_SERVICE" if number % 17 == 5 else service
            body["shipping"] = {
                "vendor": "fedex",
                "service_code": service,
                "price": {"amount": "9.05", "currency": kind},
            }
        if number % 23 == 7:
            body["payment"] = {"payment_method": "pm_card_visa_chargeDeclined", "processor": "stripe"}
        found.append(Order(body=body, copies=2 if draw.random() < 0.25 else 1))
    return found


@pytest.mark.timeout(2400)
async def test_every_order_ends_complete_or_taken_back_and_the_sums_agree(database_url: str, tmp_path: Path) -> None:
    async with storm(database_url, tmp_path, toml=TOML, webs=WEBS, seed=SEED, elsewhere=1) as at:
        await save_rates(at.db)
        wanted = wanted_orders(at.draw, ORDERS)
        held = {order.reference: "HOLD" for order in wanted[11::29]}
        refused = {order.reference: "REJECT" for order in wanted[13::41]}
        await at.control("PUT", "/settings", {"signifyd": {"decisions": {**held, **refused}}})
        await at.start_scheduler()
        begun = monotonic()
        await at.control("POST", "/faults", faults())
        await place_them_all(at, wanted)
        at.figures["seconds of the storm"] = round(monotonic() - begun)
        await at.control("DELETE", "/faults")
        await those_who_left_come_back(at, wanted)
        await until(lambda: all_ended(at, len(wanted)), seconds=900 if FULL else 300, every=0.5, said=lambda: told(at))
        await the_sums_agree(at, wanted)
        await nothing_was_done_twice(at)
        at.figures["seconds in all"] = round(monotonic() - begun)


def faults() -> list[dict[str, Any]]:
    """Return the faults, each with a seed of its own."""
    return [
        {"vendor": vendor, "fault": fault, "rate": rate, "seed": SEED + 10 * number + place}
        for number, vendor in enumerate(VENDORS)
        for place, (fault, rate) in enumerate(FAULTS)
    ]


async def place_them_all(at: Storm, wanted: Sequence[Order]) -> None:
    """Place all orders; now and then kill a process, the scheduler and the busiest web process in turn."""
    todo, through = iter(wanted), 0

    async def shop() -> None:
        nonlocal through
        for order in todo:
            await place(at, order)
            through += 1

    async def killer() -> None:
        for number in range(KILLS):
            while through < (number + 1) * len(wanted) // (KILLS + 2):
                await asyncio.sleep(0.02)
            await (at.kill_the_scheduler() if number % 2 else at.kill_the_busiest_web())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(killer())
        for _ in range(AT_ONCE):
            tasks.create_task(shop())


async def place(at: Storm, order: Order) -> None:
    """Ask for an order, again where no answer came; take one in twenty back."""
    for _ in range(at.draw.choice((1, 6))):
        asked = (at.post(PATH, order.key, order.body) for _ in range(order.copies))
        order.told += await asyncio.gather(*asked)
        if order.is_taken:
            break
        await asyncio.sleep(0.1)
    if at.draw.random() < 0.05:
        await at.post(f"{PATH}/{order.reference}/cancel", "unused", {"reason": "Ordered twice"})
        at.figures["taken back by the shop"] += 1


async def those_who_left_come_back(at: Storm, wanted: Sequence[Order]) -> None:
    """Whoever had no answer asks again, so that each order is known to the shop."""
    for order in wanted:
        # Who died on another machine while it held the order cannot be seen to be dead: that hold is waited for, and whoever
        # takes it up then may need a while on a laden machine.
        patience = monotonic() + HOLD.total_seconds() + 60
        while not order.is_taken and monotonic() < patience:
            order.told.append(await at.post(PATH, order.key, order.body))
            if not order.is_taken:
                await asyncio.sleep(0.1)
        assert order.is_taken, order.told[-1]
    at.figures["answers the shop got twice"] = sum(
        max(0, sum(status == 201 for status, _ in order.told) - 1) for order in wanted
    )


async def all_ended(at: Storm, count: int) -> bool:
    """Whether each order is at its end and in the ERP; a person says meanwhile what became of mails."""
    await settle_mails(at)
    found = await states(at)
    return (
        sum(found.values()) == count and set(found) <= set(FINAL) and not await outbox.count_waiting(at.db, "erp_order")
    )


async def settle_mails(at: Storm) -> None:
    """Say of each mail nobody knows about whether it went out: the one thing no look-up can tell here."""
    rows = [row for row in await at.unknown() if row.vendor == "sendgrid" and row.state == "unknown"]
    sent = (
        {effect["reference"] for effect in await at.effects("O-") if effect["vendor"] == "sendgrid"} if rows else set()
    )
    for row in rows:
        found: outcomes.Found = "happened" if row.reference in sent else "did_not_happen"
        settled = await outcomes.settle(
            at.db,
            row.vendor,
            row.operation,
            row.key,
            found=found,
            reason="Seen in the vendor's activity feed",
            by="ada",
            now=datetime.now(UTC),
        )
        at.figures["mails settled by hand"] += settled is not None


async def states(at: Storm) -> Mapping[str, int]:
    query = select(placements.c.state, func.count()).group_by(placements.c.state)
    async with at.db.read() as connection:
        return {row[0]: row[1] for row in await connection.execute(query)}


def told(at: Storm) -> str:
    return f"{dict(at.figures)}\n{at.ships.said()}"


async def the_sums_agree(at: Storm, wanted: Sequence[Order]) -> None:
    """Ledger, orders and ERP agree order by order, and so in sum, in every currency."""
    async with at.db.read() as connection:
        query = select(placements.c.reference, placements.c.state, placements.c.steps)
        ended = {row.reference: row for row in await connection.execute(query)}
    stored = {order.reference: order for order in await orders.listed(at.db, limit=len(wanted) + 1)}
    letters = {letter.item: letter for letter in await dead_letters.unresolved(at.db, limit=1000)}
    in_erp = {
        effect["reference"]: Decimal(effect["amount"])
        for effect in await at.effects("O-")
        if (effect["vendor"], effect["kind"]) == ("acumatica", "order")
    }
    taken = await taken_at_the_processor(at)
    complete = {reference for reference, row in ended.items() if row.state == "complete"}
    # Taken back when the ERP had it already: a person was told to cancel it there.
    too_late = {item.partition(":")[0] for item in letters if item.endswith(":cancel_order")}
    at.figures |= Counter(f"ended {row.state}" for row in ended.values())
    at.figures["taken back when the ERP had it"] = len(too_late)
    at.figures["orders in the ERP"] = len(in_erp)

    assert set(ended) == {order.reference for order in wanted}
    assert {reference for reference, amount in taken.items() if amount} == complete
    assert {reference: taken[reference] for reference in complete} == {
        reference: stored[reference].total for reference in complete
    }
    assert {reference for reference in complete if stored[reference].fulfilment_status == "cancelled"} == set()
    assert complete <= set(in_erp)
    assert set(in_erp) - complete == too_late
    assert {reference: in_erp[reference] for reference in complete} == {
        reference: goods(stored[reference]) for reference in complete
    }
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    for reference in complete:
        order = stored[reference]
        figures = (taken[reference], order.total, in_erp[reference], goods(order))
        sums[order.currency] = [one + more for one, more in zip(sums[order.currency], figures, strict=True)]
    for currency, (ledger, ours, erp, of_goods) in sums.items():
        at.figures[f"{currency} {ledger} in ledger and orders, {erp} of goods in the ERP and orders"] = 1
        assert (ledger, erp) == (ours, of_goods)
    assert set(sums) == {"USD", "EUR", "JPY", "KWD"}
    assert len(complete) > 0.7 * len(wanted)
    assert {"failed", "declined"} <= {row.state for row in ended.values()}
    others = {item for item in letters if item.rpartition(":")[2] not in ("cancel_order", "shipment")}
    assert others == set()


async def taken_at_the_processor(at: Storm) -> dict[str, Decimal]:
    """Return what Stripe has of each order: what was paid, less what went back or was let go."""
    taken: dict[str, Decimal] = defaultdict(Decimal)
    for effect in await at.effects("O-"):
        if effect["vendor"] == "stripe":
            amount = Decimal(str(effect["amount"]).split()[0])
            # What was authorized first is in the ledger as a payment, and its capture once more.
            signed = {"payment": amount, "capture": Decimal(0)}.get(effect["kind"], -amount)
            taken[effect["reference"].removesuffix("-back")] += signed
    return taken


def goods(order: OrderRow) -> Decimal:
    """Return what the ERP is told of an order: its lines, without shipping and tax."""
    return sum((line.quantity * line.unit_price for line in order.lines), Decimal(0))


async def nothing_was_done_twice(at: Storm) -> None:
    """Each effect happened once, and what is complete was sent, told and committed once."""
    found = Counter((effect["vendor"], effect["kind"], effect["reference"]) for effect in await at.effects("O-"))
    once = {"payment", "capture", "refund", "shipment", "order", "message", "tax"}

    assert {effect: count for effect, count in found.items() if effect[1] in once and count > 1} == {}
