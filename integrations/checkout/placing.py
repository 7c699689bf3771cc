"""Placing an order: fraud screening, tax, payment, the stored order while the shopper waits; all else from a durable row.

A request does the first four steps and answers. What follows (the tax document, the shipment, mail, text message, event)
is worked off by a duty of the scheduler, and so is what a process left behind that died: before the payment is asked for
such an order is given up, from then on it is brought to its end. One process holds an order at a time (``holding.py``); a
step that is done twice all the same goes out under the same key.

What a step's error means is decided in ``sentence_on``: try again later, take the order back, or ask a person.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from db import dead_letters, orders, placements
from db.engine import Connection, Database
from db.placements import Placement
from integrations.checkout.carriers import too_many, why_not
from integrations.checkout.holding import HOLD, HoldLost, Holds
from integrations.checkout.new_order import NewOrder
from integrations.checkout.placing_steps import Steps
from integrations.checkout.progress import (
    LEAVES_A_TRACE,
    MESSAGES,
    Moved,
    next_step,
    noted,
    tries_of,
    turned_round,
)
from integrations.correlation import current_origin, origin
from integrations.errors import (
    AlreadyHappened,
    InvalidInput,
    KeyReused,
    LeaseHeld,
    OrderKnown,
    OutcomeUnknown,
    QuaysideError,
    UnknownOrder,
    Unsupported,
    is_final,
)
from integrations.resilience.idempotency import input_hash

log = logging.getLogger(__name__)

SYNC = "checkout"  # whose dead letters they are
GIVEN_UP = timedelta(minutes=15)  # after which nobody comes back for an order that is not paid
AT_ONCE = 8
MOST_TRIES = 12
FIRST_WAIT, LONGEST_WAIT = 15.0, 3600.0  # seconds
BY_REQUEST = ("new", "paying")  # the states a request works in; GET looks at a payment as well
FINAL = ("complete", "declined", "failed")
GO_ON_WITHOUT = frozenset({"commit_tax", "mail", "sms", "event", "cancel_order", "cancel_shipment", "void_tax"})
LOOKS = frozenset({"look", "review"})  # their tries count how often nothing had changed
TURN_ROUND = frozenset({"capture", "shipment"})
Sentence = Literal["later", "for_good", "person"]


def sentence_on(error: QuaysideError, tries: int) -> Sentence:
    """Return what a step's error means; ``tries`` are those before this one."""
    if isinstance(error, AlreadyHappened):
        return "later" if error.retryable and tries + 1 < MOST_TRIES else "person"
    if isinstance(error, InvalidInput) or is_final(error):
        return "for_good"
    return "person" if tries + 1 >= MOST_TRIES else "later"


def backoff(tries: int, first: float = FIRST_WAIT) -> float:
    """Return the seconds until the next try, ``first`` before the second."""
    return float(min(LONGEST_WAIT, first * 2 ** min(tries, 30)))


class PlacingDesk:
    """Places orders. ``carriers`` are those that are set up; ``patience`` (seconds, None: any) is for ``work_off``."""

    def __init__(
        self,
        db: Database,
        steps: Steps,
        *,
        carriers: Sequence[str],
        now: Callable[[], datetime],
        patience: float | None = None,
        first_wait: float = FIRST_WAIT,
        holds: Holds | None = None,
    ) -> None:
        self._db = db
        self._steps = steps
        self._holds = holds or Holds(db, now)
        self._carriers = carriers
        self._now = now
        self._patience = patience
        self._first_wait = first_wait
        self._under_way: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<PlacingDesk {', '.join(self._carriers)}>"

    async def place(self, order: NewOrder, *, key: str, correlation_id: str, asked_by: str) -> Placement:
        """Place an order as far as the shopper has to wait, once for each key, and return how far it is.

        A decline, a refusal by the fraud screening and an answer that was lost are results. Raise InvalidInput naming
        the field, KeyReused, OrderKnown, LeaseHeld while another request places it, or what a vendor raises before
        anything is paid: the same key then tries again.
        """
        self._check(order)
        found = await self._begun(order, key, correlation_id, asked_by)
        if found.state not in BY_REQUEST:
            return found
        held = await self._holds.take(found.reference)
        if held is None:
            raise LeaseHeld(f"Order {found.reference} is being placed this moment; ask for it again.", retry_after=2.0)
        return await self._work(held, asked=True)

    async def get(self, reference: str) -> Placement:
        """Return how far an order is; a payment that waits for its shopper is looked at. Raise UnknownOrder."""
        found = await placements.get(self._db, reference)
        if found is None:
            raise UnknownOrder(f'No order "{reference}" was placed here.', field="path.reference")
        if found.state != "action":
            return found
        held = await self._holds.take(reference)
        return found if held is None else await self._work(held, asked=False, till="placed")

    async def cancel(self, reference: str, *, reason: str) -> Placement:
        """Have an order taken back. Raise UnknownOrder, or OrderKnown in a state where that cannot be."""
        note = {"state": "done", "end": "failed", "reason": reason or "It was cancelled."}
        await self._holds.free(reference)
        done = await placements.cancel(self._db, reference, note=note, now=self._now())
        found = await self.get(reference)
        if not done and found.state not in ("undoing", "failed"):
            raise OrderKnown(f"Order {reference} cannot be cancelled while it is {found.state}; see it again soon.")
        return found

    async def work_off(self) -> int:
        """Go on with the orders that are due; return how many ended their turn or are still at it. A duty of the
        scheduler: one that a slow vendor keeps longer than ``patience`` holds up no other."""
        await self._holds.release_the_dead(due_by=self._now() + GIVEN_UP)
        room = AT_ONCE - len(self._under_way)
        for reference in await placements.due(self._db, now=self._now(), limit=room) if room else ():
            self._under_way.add(asyncio.create_task(self._go_on(reference)))
        if not self._under_way:
            return 0
        ended, self._under_way = await asyncio.wait(self._under_way, timeout=self._patience)
        errors = [error for task in ended if (error := task.exception()) is not None]
        if errors:
            raise errors[0]  # what nobody foresaw is the scheduler's to log
        return len(ended) + len(self._under_way)

    async def close(self) -> None:
        """Let go of what is under way; another process goes on with it."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _go_on(self, reference: str) -> None:
        held = await self._holds.take(reference)
        if held is None:
            return
        with suppress(HoldLost):
            if held.state == "new":
                reason = "Nobody came back for it before anything was paid."
                await self._keep(held, Moved(placement=replace(held, state="failed", message=reason)))
                return
            with origin("api"):
                await self._work(held, asked=False)

    def _check(self, order: NewOrder) -> None:
        order.check()
        if order.shipping is None:
            return
        if order.shipping.vendor not in self._carriers:
            there = ", ".join(self._carriers) or "none"
            raise InvalidInput(f"This carrier is not set up; there are {there}.", field="shipping.vendor")
        reason = why_not(order.shipping.vendor, order.shipment(order.reference))
        if reason is not None:
            raise Unsupported(f"{order.shipping.vendor} {reason}.", field="shipping.vendor")
        reason = too_many(order.shipping.vendor, order.shipment(order.reference))
        if reason is not None:
            raise Unsupported(f"{order.shipping.vendor} {reason}.", field="parcels")

    async def _begun(self, order: NewOrder, key: str, correlation_id: str, asked_by: str) -> Placement:
        now = self._now()
        before = await placements.get(self._db, order.reference)
        anew = before is None or (before.key != key and before.state in placements.UNPAID)
        if anew and await orders.get(self._db, order.reference) is not None:
            raise OrderKnown(f"There is an order {order.reference} already.", field="reference")
        new = Placement(
            reference=order.reference,
            key=key,
            input_hash=input_hash(order),
            attempt=1,
            state="new",
            steps={},
            papers={"request": order.model_dump(mode="json")},
            currency=order.currency,
            due_at=now + GIVEN_UP,
            correlation_id=correlation_id,
            asked_by=asked_by,
            created_at=now,
            changed_at=now,
        )
        found = await placements.begin(self._db, new)
        if found.key != key:
            raise OrderKnown(f"The order {order.reference} was asked for under another key.", field="reference")
        if (found.reference, found.input_hash) != (new.reference, new.input_hash):
            raise KeyReused(
                "This Idempotency-Key belongs to another order; use a new one for each.", field="Idempotency-Key"
            )
        return found

    async def _work(self, held: Placement, *, asked: bool, till: str = "") -> Placement:
        """Take step after step until nothing can be done now; ``asked`` is by a request. Return how far it is."""
        trigger = current_origin().trigger
        with origin(trigger, correlation_id=held.correlation_id, user_name=held.asked_by):
            try:
                async with self._holds.kept(held):
                    return await self._steps_of(held, asked, till)
            except HoldLost:
                found = await placements.get(self._db, held.reference)
                assert found is not None  # noqa: S101 - no order is ever deleted
                return found

    async def _steps_of(self, held: Placement, asked: bool, till: str) -> Placement:
        placement, begun_here = held, held.state == "new"
        while (step := next_step(placement)) is not None:
            if (asked and placement.state not in BY_REQUEST) or placement.state == till:
                break
            try:
                if step in LEAVES_A_TRACE and step not in placement.steps:
                    tries = placement.tries
                    placement = await self._keep(
                        placement, Moved(placement=replace(noted(placement, step, "asked"), tries=tries))
                    )
                moved = await self._steps.take(step, placement)
            except QuaysideError as error:
                if asked and self._raises(step, error, begun_here):
                    await self._failed_before_paid(placement, step, error)
                    raise
                moved = self._troubled(placement, step, error)
            placement = await self._keep(placement, moved)
            if moved.wait is not None or placement.due_at is None:
                break
        await placements.let_go(self._db, placement)
        return placement

    def _raises(self, step: str, error: QuaysideError, begun_here: bool) -> bool:
        """Whether the shopper hears of the error: nothing is paid, and that is certain."""
        if step in ("screening", "tax"):
            return True
        if step != "payment":
            return False
        uncertain = isinstance(error, OutcomeUnknown | AlreadyHappened | LeaseHeld)
        return sentence_on(error, 0) == "for_good" or (begun_here and not uncertain)

    async def _failed_before_paid(self, placement: Placement, step: str, error: QuaysideError) -> None:
        final = step == "payment" and sentence_on(error, 0) == "for_good"
        back = replace(
            placement,
            state="failed" if final else "new",
            steps={name: facts for name, facts in placement.steps.items() if name == "screening" or final},
            error_type=error.error_type,
            message=error.message,
        )
        with suppress(HoldLost):
            kept = await self._keep(placement, Moved(placement=back, wait=GIVEN_UP.total_seconds()))
            await placements.let_go(self._db, kept)

    def _troubled(self, placement: Placement, step: str, error: QuaysideError) -> Moved:
        """Return what becomes of an order whose step failed."""
        tries = tries_of(placement, step) if step in MESSAGES else 0 if step in LOOKS else placement.tries
        sentence = sentence_on(error, tries)
        facts = {"error_type": error.error_type, "message": error.message}
        tried = replace(placement, tries=placement.tries + 1, **facts)  # type: ignore[arg-type]
        log.warning("placing.step_failed", extra={"order": placement.reference, "step": step, "sentence": sentence})
        if sentence == "later" and step in MESSAGES:
            put_off = noted(placement, step, "later", tries=tries + 1, **facts)
            others = tries_of(put_off, next_step(put_off) or step) == 0
            return Moved(placement=put_off, wait=None if others else backoff(tries, self._first_wait))
        if sentence == "later":
            return Moved(placement=tried, wait=backoff(tries, self._first_wait))
        if sentence == "for_good" and step == "payment":
            return Moved(placement=replace(tried, state="failed"))
        if step in GO_ON_WITHOUT and isinstance(error, AlreadyHappened):
            return Moved(placement=noted(placement, step, "done", settled="by hand"))
        if step in GO_ON_WITHOUT:
            return Moved(placement=noted(placement, step, "failed", **facts), letter=error.message)
        if sentence == "for_good" and step in TURN_ROUND:
            back = turned_round(noted(placement, step, "failed", **facts), error.message)
            return Moved(placement=back, letter=f"The order is taken back. {error.message}")
        return Moved(placement=tried, letter=error.message, stuck=True)

    async def _keep(self, before: Placement, moved: Moved) -> Placement:
        """Store how far an order is, with what belongs to the same moment. Raise HoldLost."""
        now = self._now()
        async with self._db.write() as connection:
            if moved.within is not None:
                moved = await moved.within(connection, moved)
            placement = self._ended(moved.placement)
            over = moved.stuck or placement.state in FINAL
            due_at = None if over else now + timedelta(seconds=moved.wait or 0)
            placement = replace(placement, due_at=due_at, held_until=now + HOLD, changed_at=now)
            if not await placements.keep(connection, placement, seal=self._db.seal):
                raise HoldLost(f"{before.reference} is held by another process")
            if moved.letter:
                await self._bury(connection, before, placement, moved.letter)
        return placement

    def _ended(self, placement: Placement) -> Placement:
        """Return the order at its end when nothing is left to do; the request goes then, unless a step may be retried:
        of an order that is complete, until its letters are dealt with (``db.placements.forget_requests``)."""
        if next_step(placement) is None:
            if placement.state == "placed":
                placement = replace(placement, state="complete")
            elif placement.state == "undoing":
                undo = placement.steps["undo"]
                placement = replace(placement, state=undo["end"], message=undo["reason"])
        failed = any(facts["state"] == "failed" for facts in placement.steps.values())
        if placement.state not in FINAL or (failed and placement.state == "complete"):
            return placement
        papers = {name: paper for name, paper in placement.papers.items() if name != "request"}
        return replace(placement, papers=papers)

    async def _bury(self, connection: Connection, before: Placement, after: Placement, letter: str) -> None:
        step = next_step(before) or before.state
        await dead_letters.bury(
            connection,
            run_id=before.correlation_id[:32],
            sync=SYNC,
            item=f"{before.reference}:{step}",
            error_type=after.error_type or after.steps.get(step, {}).get("error_type") or "left_to_a_person",
            reason=letter,
            now=self._now(),
        )
