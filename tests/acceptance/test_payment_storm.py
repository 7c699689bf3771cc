"""A thousand payments over the HTTP API of four web processes, while answers are lost and processes are killed.

A shop asks for each payment as shops do: some of them at several processes at once under the same key, most again when
no answer comes, and some not again, because their shopper has left. Meanwhile two fifths of all requests to the
processors go wrong, and web processes are ended with SIGKILL while payments are under way. Then the sandbox, which saw
every request, is held against what the shop was told and what we believe ourselves. ``QUAYSIDE_STORM=full`` makes it a
thousand; by itself it is a quarter of them, see ``storm.py``.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import func, select

from db.engine import Database
from db.schema import attempts, keys
from tests.acceptance.storm import FULL, Storm, storm, tuned
from tests.waiting import until

PAYMENTS, KILLS = (1000, 20) if FULL else (240, 6)
WEBS = 4
AT_ONCE = 24  # payments the shop asks for at the same time
SEED = 20_261_126
SAME = {
    "description": "An order",
    "return_url": "https://shop.example/back",
    "customer": {"name": "Ada Example", "email": "ada@example.com", "phone": "+4930123456"},
}
# How many of a hundred, who is to take it (the currency decides, or its name), currency, its decimals, how it is paid.
MIX: Sequence[tuple[int, str, bool, str, int, str]] = (
    (30, "stripe", False, "USD", 2, "pm_card_visa"),
    (10, "stripe", True, "JPY", 0, "pm_card_visa"),
    (15, "paypal", False, "JPY", 0, "vault-1"),
    (20, "mollie", False, "EUR", 2, "tkn_sandbox"),
    (10, "razorpay", False, "INR", 2, ""),
    (10, "tap", False, "KWD", 3, "tok_sandboxCaptured"),
    (5, "tap", False, "BHD", 3, "tok_sandboxCaptured"),
)
PROCESSORS = ("mollie", "paypal", "razorpay", "stripe", "tap")
HOLDING = ("paypal", "stripe")  # of these some are authorized first, and captured later
FAULTS = (
    *(("lost_answer", 0.14), ("reset", 0.1), ("timeout", 0.04), ("status:503", 0.08), ("truncate", 0.04)),
    ("slow:0.5", 0.12),  # so that a kill finds requests under way
)
TOML = (
    tuned(PROCESSORS, 1.0)
    + """
[checkout]
processors = { EUR = "mollie", JPY = "paypal" }
"""
)


@dataclass(kw_only=True)
class Payment:
    """One payment of the shop, and all it was told of it: (status, what the answer says)."""

    key: str
    processor: str
    body: dict[str, Any]
    copies: int  # requests at once under the key
    leaves: bool  # the shopper does not come back when no answer came
    told: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    captured: list[dict[str, Any]] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return str(self.body["reference"])

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [answer for status, answer in self.told if status == 201]


def payments(draw: random.Random) -> list[Payment]:
    """Return the payments the shop asks for, in a random order."""
    found: list[Payment] = []
    for share, processor, named, currency, decimals, method in MIX:
        for _ in range(share * PAYMENTS // 100):
            number = len(found)
            amount = Decimal(draw.randint(100, 99_999)).scaleb(-decimals)
            body: dict[str, Any] = {
                **SAME,
                "reference": f"P-{number:04}",
                "amount": {"amount": str(amount), "currency": currency},
            }
            body |= {"payment_method": method, "capture": not (processor in HOLDING and number % 4 == 0)}
            if processor == "stripe" and number % 20 == 1:
                body["payment_method"] = "pm_card_visa_chargeDeclined"
            body |= {"processor": processor} if named else {}
            copies = draw.randint(2, WEBS) if draw.random() < 0.4 else 1
            leaves = draw.random() < 0.15
            found.append(Payment(key=f"key-{number:04}", processor=processor, body=body, copies=copies, leaves=leaves))
    draw.shuffle(found)
    return found


@pytest.mark.timeout(1800)
async def test_payments_in_a_storm_happen_once_each_and_nothing_unknown_is_forgotten(
    database_url: str, tmp_path: Path
) -> None:
    async with storm(database_url, tmp_path, toml=TOML, webs=WEBS, seed=SEED) as at:
        wanted = payments(at.draw)
        begun = monotonic()
        await at.control("POST", "/faults", faults())
        await pay_them_all(at, wanted)
        at.figures["seconds of the storm"] = round(monotonic() - begun)
        await at.control("DELETE", "/faults")
        await what_happened_is_known_or_listed(at, wanted)
        await another_body_is_refused(at, wanted)
        await the_same_key_finds_each_out(at, wanted)
        await each_happened_once(at, wanted)
        await every_request_is_in_our_record(at)
        at.figures["seconds in all"] = round(monotonic() - begun)


def faults() -> list[dict[str, Any]]:
    """Return the faults, each with a seed of its own."""
    return [
        {"vendor": vendor, "fault": fault, "rate": rate, "seed": SEED + 10 * number + place}
        for number, vendor in enumerate(PROCESSORS)
        for place, (fault, rate) in enumerate(FAULTS)
    ]


async def pay_them_all(at: Storm, wanted: Sequence[Payment]) -> None:
    """Ask for all payments, and kill a process whenever as many of them again are through."""
    todo, through = iter(wanted), 0

    async def shop() -> None:
        nonlocal through
        for payment in todo:
            await pay(at, payment)
            through += 1

    async def killer() -> None:
        for number in range(KILLS):
            threshold = (number + 1) * len(wanted) // (KILLS + 2)
            while through < threshold:
                await asyncio.sleep(0.02)
            await at.kill_the_busiest_web()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(killer())
        for _ in range(AT_ONCE):
            tasks.create_task(shop())


async def pay(at: Storm, payment: Payment) -> None:
    """Ask for a payment until there is an answer, or once; capture what is only authorized."""
    ports = at.draw.sample(list(at.webs), min(payment.copies, len(at.webs)))
    at.figures["duplicates at once"] += len(ports) - 1
    payment.told += await asyncio.gather(*(at.post("/payments", payment.key, payment.body, port) for port in ports))
    for _ in range(0 if payment.leaves else 40):
        if payment.answers:
            break
        await asyncio.sleep(0.1)
        payment.told.append(await at.post("/payments", payment.key, payment.body))
    if payment.answers and payment.answers[0]["status"] == "authorized":
        await capture(at, payment, tries=1 if payment.leaves else 40)


async def capture(at: Storm, payment: Payment, *, tries: int) -> None:
    path = f"/payments/{payment.answers[0]['payment_id']}/capture"
    for _ in range(tries):
        answers = await asyncio.gather(*(at.post(path, f"{payment.key}-capture", {}) for _ in range(payment.copies)))
        payment.captured += [answer for status, answer in answers if status == 200]
        if payment.captured:
            return
        await asyncio.sleep(0.1)


async def what_happened_is_known_or_listed(at: Storm, wanted: Sequence[Payment]) -> None:
    """Nothing that happened is believed not to have happened, and what nobody knows is listed."""
    listed, states = {row.key: row.vendor for row in await at.unknown()}, await states_of(at.db)
    made = {effect["reference"] for effect in await at.effects("P-") if effect["kind"] in ("payment", "order")}
    never_asked = {payment.key for payment in wanted if payment.key not in states}
    at.figures["answers the shop got twice"] = sum(max(0, len(payment.answers) - 1) for payment in wanted)
    at.figures["shoppers who left without an answer"] = sum(not payment.answers for payment in wanted)
    at.figures["told that it is unknown"] = sum(
        answer.get("type") == "urn:quayside:problem:outcome_unknown" for payment in wanted for _, answer in payment.told
    )
    at.figures["unknown and listed after the storm"] = len(listed)
    at.figures["of those really made"] = len(
        {payment.key for payment in wanted if payment.reference in made} & set(listed)
    )

    for payment in wanted:
        if payment.answers:
            assert states[payment.key] == "done"
        elif payment.reference in made:
            assert payment.key in listed or states[payment.key] == "done", (payment, states.get(payment.key))
        if payment.key in listed:
            assert listed[payment.key] == payment.processor
    assert {payment.reference for payment in wanted if payment.key in never_asked} & made == set()
    assert set(states.values()) <= {"done", "failed", "unknown", "claimed"}
    assert {key for key, state in states.items() if state in ("unknown", "claimed")} <= set(listed)


async def another_body_is_refused(at: Storm, wanted: Sequence[Payment]) -> None:
    """The same key with another payment is a conflict, in whichever field it differs."""
    asked = len((await at.control("GET", "/ledger"))["requests"])
    some = [payment for payment in wanted if payment.answers][:60]
    changes: Sequence[dict[str, Any]] = (
        {"capture": None},
        {"description": "Another order"},
        {"reference": "P-other"},
        {"amount": None},
    )
    for number, payment in enumerate(some):
        change = dict(changes[number % len(changes)])
        if "capture" in change:
            change["capture"] = not payment.body["capture"]
        if "amount" in change:
            amount = payment.body["amount"]
            change["amount"] = {**amount, "amount": str(Decimal(amount["amount"]) + 1)}
        status, answer = await at.post("/payments", payment.key, {**payment.body, **change})
        at.figures["other bodies refused"] += 1
        assert (status, answer["type"]) == (409, "urn:quayside:problem:key_reused"), (change, answer)

    assert len((await at.control("GET", "/ledger"))["requests"]) == asked


async def the_same_key_finds_each_out(at: Storm, wanted: Sequence[Payment]) -> None:
    """Those who left come back with their key; then nothing is unknown any more."""
    for payment in wanted:
        if not payment.answers:
            payment.told.append(await at.post("/payments", payment.key, payment.body))
            assert payment.told[-1][0] == 201, payment.told[-1]
        if payment.answers[0]["status"] == "authorized" and not payment.captured:
            await capture(at, payment, tries=1)

    assert await at.unknown() == []
    assert set((await states_of(at.db)).values()) == {"done"}


async def each_happened_once(at: Storm, wanted: Sequence[Payment]) -> None:
    """The sandbox has each payment at most once, and exactly once what we called captured or authorized."""
    found = await at.effects("P-")
    happened = Counter((effect["vendor"], effect["kind"], effect["reference"]) for effect in found)
    charged = {effect["reference"]: effect["amount"] for effect in found if effect["kind"] == "payment"}
    called = {payment.reference for payment in wanted if payment.answers[0]["status"] in ("captured", "authorized")}
    held = {payment.reference for payment in wanted if payment.answers[0]["status"] == "authorized"}
    declined = {payment.reference for payment in wanted if payment.answers[0]["status"] == "declined"}
    captures = {effect["reference"] for effect in found if effect["kind"] == "capture"}
    at.figures["captured or authorized"] = len(called)
    at.figures["captured later"] = len(held)
    at.figures["declined"] = len(declined)

    assert {effect: count for effect, count in happened.items() if count > 1} == {}
    assert set(charged) == called
    assert captures == held
    assert declined == {p.reference for p in wanted if p.body["payment_method"].endswith("Declined")}
    for payment in wanted:
        # Whoever asks, whenever, at whichever process: the same key is the same payment.
        assert {answer["payment_id"] for answer in payment.answers} == {payment.answers[0]["payment_id"]}
        assert {answer["vendor"] for answer in payment.answers} == {payment.processor}
        if payment.reference in called:
            amount, _, currency = str(charged[payment.reference]).partition(" ")
            wanted_amount = payment.body["amount"]
            assert (Decimal(amount), currency or wanted_amount["currency"]) == (
                Decimal(wanted_amount["amount"]),
                wanted_amount["currency"],
            )
    for answer in (answer for payment in wanted for answer in payment.captured):
        assert (answer["status"], answer["captured"]) == ("captured", answer["amount"])
    at.figures["payments"] = len(wanted)


async def every_request_is_in_our_record(at: Storm) -> None:
    """Each request the sandbox saw is one attempt recorded; those of killed processes have no known end."""
    await at.stop_all()
    # The journals of the killed are stored by whoever lives; one more process stores what the last ones left.
    await at.start_web(at.ports[0])
    await until(lambda: no_journal_is_left(at), seconds=60, said=at.ships.said)
    seen = [request["traceparent"].split("-")[2] for request in (await at.control("GET", "/ledger"))["requests"]]
    async with at.db.read() as connection:
        ours = (await connection.execute(select(attempts.c.span_id, attempts.c.error_type))).all()
        claims = (await connection.execute(select(func.count()).select_from(keys))).scalar()
    died = {row.span_id for row in ours if row.error_type == "process_died"}
    at.figures["requests to processors"] = len(seen)
    at.figures["of those lost on the way"] = sum(row.error_type is not None for row in ours)
    at.figures["under way at a kill"] = len(died)
    at.figures["keys"] = int(claims or 0)

    assert len(set(seen)) == len(seen)
    assert len({row.span_id for row in ours}) == len(ours)
    assert set(seen) <= {row.span_id for row in ours}
    assert len(died) >= KILLS // 4


async def no_journal_is_left(at: Storm) -> bool:
    return len(list((at.folder / "var" / "journal").glob("*.jsonl"))) <= 1  # the living one's own


async def states_of(db: Database) -> dict[str, str]:
    """Return how each key of a payment stands with us."""
    query = select(keys.c.key, keys.c.state).where(keys.c.operation == "create_payment")
    async with db.read() as connection:
        return {row.key: row.state for row in await connection.execute(query)}
