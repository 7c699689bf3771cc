"""The steps of placing an order, forward and back, in the order they are done.

Each is told how far the order has come and returns how far it is then. Every write goes out under a key made of the
order's reference, its attempt and the step, so a step that is done again after its process died finds what it did.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from db import orders
from db.engine import Connection, Database
from db.placements import Placement, State
from integrations.checkout.new_order import NewOrder
from integrations.checkout.payments import Capture, PaymentDesk, Refund
from integrations.checkout.progress import Moved, is_accepted, key_of, name_of, noted, total_of, turned_round
from integrations.checkout.tax import ENGINE, TaxDesk
from integrations.errors import AlreadyCaptured, HttpFailed, InvalidInput, QuaysideError, Unsupported
from integrations.gateway import Gateway
from integrations.outcome import Priority
from integrations.types.fraud import DecisionQuery, ScreeningDecision
from integrations.types.messages import SentEmail, SentTextMessage
from integrations.types.payments import Payment
from integrations.types.shipping import CancelledShipment, CreatedShipment, TrackingRequest
from integrations.types.tax import TaxDocument, TaxDocumentQuery, TaxQuote

FRAUD, MAIL, SMS, MARKETING = "signifyd", "sendgrid", "twilio", "klaviyo"
SCREENING_DEADLINE = 6.0  # seconds; a shopper waits
FIRST_LOOK = 60.0  # seconds until a payment or a decision that is waited for is looked at; then later and later
REVIEW_LIMIT = timedelta(days=6)  # then the authorization is about to lapse
UNPAID = frozenset({"pending", "requires_action"})
HELD = UNPAID | {"authorized"}  # a payment that may still take the buyer's money
LAPSES_WITHIN = timedelta(days=8)  # nobody keeps what is not captured for longer, where it cannot be let go
_STATE_OF_PAYMENT: Mapping[str, State] = {
    "pending": "action",
    "requires_action": "action",
    "declined": "declined",
    "failed": "declined",
    "refunded": "failed",
}
_FIELD_OF_ORDER = {"amount.currency": "currency", "amount.amount": "lines", "amount": "lines"}  # of a payment's


class Steps:
    """The steps. ``ready`` are the vendors that are set up, ``first_look`` is in seconds."""

    def __init__(
        self,
        db: Database,
        gateway: Gateway,
        *,
        tax: TaxDesk,
        payments: PaymentDesk,
        ready: Sequence[str],
        now: Callable[[], datetime],
        first_look: float = FIRST_LOOK,
    ) -> None:
        self._db = db
        self._gateway = gateway
        self._tax = tax
        self._payments = payments
        self._ready = frozenset(ready)
        self._now = now
        self._first_look = first_look

    def __repr__(self) -> str:
        return f"<Steps {', '.join(sorted(self._ready))}>"

    async def take(self, step: str, placement: Placement) -> Moved:
        """Take a step by name. Raise what its vendor raises."""
        method: Callable[[Placement], Awaitable[Moved]] = getattr(self, step)
        return await method(placement)

    # --- while the shopper waits ---------------------------------------------------------------------------------------

    async def screening(self, placement: Placement) -> Moved:
        """Have the order screened. Without a word from the screening, a person's or none, the order waits for one."""
        if FRAUD not in self._ready:
            return Moved(placement=noted(placement, "screening", "skipped"))
        await self._check_total(placement)
        try:
            decision = await self._screen(placement, "interactive", SCREENING_DEADLINE)
        except InvalidInput:
            raise
        except QuaysideError as error:
            facts = {"decision": "pending", "asked": False, "error_type": error.error_type}
            return Moved(placement=noted(placement, "screening", "waiting", **facts))
        return Moved(placement=self._decided(placement, decision))

    async def tax(self, placement: Placement) -> Moved:
        """Say what is owed; with that the total is known, and the payment may be asked for."""
        quote = await self._taxed(placement)
        total = _order(placement).total(quote)
        papers = {**placement.papers, "tax": quote.model_dump(mode="json")}
        taxed = noted(placement, "tax", "done", source=quote.source)
        return Moved(placement=replace(taxed, papers=papers, total=total.amount, state="paying"))

    async def payment(self, placement: Placement) -> Moved:
        """Ask for the payment; an order that is not accepted yet is only authorized."""
        charge = _order(placement).charge(name_of(placement), total_of(placement), capture=is_accepted(placement))
        key = key_of(placement, "payment")
        try:
            payment = await self._payments.create(charge, key=key, asked_by=placement.asked_by)
        except InvalidInput as error:
            error.field = _FIELD_OF_ORDER.get(error.field, f"payment.{error.field}")
            raise
        return self._paid(placement, payment)

    async def look(self, placement: Placement) -> Moved:
        """See whether the shopper has done what the payment waits for."""
        before = _payment(placement)
        payment = await self._stands(placement)
        if payment.status == before.status:
            return Moved(placement=replace(placement, tries=placement.tries + 1), wait=self._wait(placement, 6 * 3600))
        return self._paid(placement, payment)

    async def capture(self, placement: Placement) -> Moved:
        """Capture what was only authorized."""
        payment = _payment(placement)
        if payment.status != "authorized":
            return Moved(placement=noted(placement, "capture", "skipped"))
        payment = await self._payments.capture(payment.payment_id, Capture(), key=key_of(placement, "capture"))
        return Moved(placement=noted(_with_payment(placement, payment), "capture", "done"))

    async def order(self, placement: Placement) -> Moved:
        """Store the order with its errand to the ERP and its promise of stock."""
        payment = _payment(placement)
        new = _order(placement).stored(
            placement.created_at, total_of(placement), payment.payment_id, payment.status, _quote(placement)
        )

        async def store(connection: Connection, moved: Moved) -> Moved:
            if await orders.place_within(connection, new, seal=self._db.seal, now=self._now()):
                return moved
            reason = "Another order of this reference was stored meanwhile."
            return Moved(placement=turned_round(placement, reason), letter=f"The order is taken back. {reason}")

        return Moved(placement=replace(noted(placement, "order", "done"), state="placed"), within=store)

    async def review(self, placement: Placement) -> Moved:
        """Ask for the decision on an order that is held."""
        if self._now() - placement.created_at > REVIEW_LIMIT:
            return Moved(placement=turned_round(placement, "No decision came before the authorization lapses."))
        if placement.steps["screening"]["asked"]:
            query = DecisionQuery(reference=name_of(placement))
            decision = (await self._gateway.call(FRAUD, "get_decision", query)).value
        else:
            decision = await self._screen(placement, "batch", None)
        decided = self._decided(placement, decision)
        if is_accepted(decided):
            return Moved(placement=replace(decided, state="paying"))
        if decision.decision == "reject":
            reason = "The fraud screening refused the order."
            return Moved(placement=turned_round(replace(decided, state="review"), reason, end="declined"))
        return Moved(placement=replace(decided, tries=placement.tries + 1), wait=self._wait(placement, 3600))

    # --- what follows ----------------------------------------------------------------------------------------------------

    async def commit_tax(self, placement: Placement) -> Moved:
        """Commit the sale where a tax engine computed it; a table keeps no books."""
        if placement.steps["tax"]["source"] != ENGINE:
            return Moved(placement=noted(placement, "commit_tax", "skipped"))
        sale = _order(placement).tax(name_of(placement), placement.created_at)
        key = key_of(placement, "commit_tax")
        document: TaxDocument = (await self._gateway.call(ENGINE, "commit_tax", sale, idempotency_key=key)).value
        return Moved(placement=noted(placement, "commit_tax", "done", document_id=document.document_id))

    async def shipment(self, placement: Placement) -> Moved:
        """Buy the label of the service that was chosen."""
        if _order(placement).shipping is None:
            return Moved(placement=noted(placement, "shipment", "skipped"))
        made = await self._ship(placement)
        await orders.note_tracking(self._db, placement.reference, tracking_number=made.tracking_number, now=self._now())
        facts = {"vendor": made.vendor, "tracking_number": made.tracking_number}
        return Moved(placement=noted(placement, "shipment", "done", **facts))

    async def mail(self, placement: Placement) -> Moved:
        """Confirm the order by mail."""
        order, quote = _order(placement), _quote(placement)
        if MAIL not in self._ready or not order.customer.email:
            return Moved(placement=noted(placement, "mail", "skipped"))
        mail = order.mail(total_of(placement), quote.total_tax, _tracking_number(placement))
        key = key_of(placement, "mail")
        sent: SentEmail = (await self._gateway.call(MAIL, "send_email", mail, idempotency_key=key)).value
        return Moved(placement=noted(placement, "mail", "done", message_id=sent.message_id))

    async def sms(self, placement: Placement) -> Moved:
        """Confirm the order by text message."""
        order = _order(placement)
        if SMS not in self._ready or not order.customer.phone:
            return Moved(placement=noted(placement, "sms", "skipped"))
        text = order.text_message(total_of(placement), _tracking_number(placement))
        key = key_of(placement, "sms")
        sent: SentTextMessage = (await self._gateway.call(SMS, "send_sms", text, idempotency_key=key)).value
        return Moved(placement=noted(placement, "sms", "done", message_id=sent.message_id))

    async def event(self, placement: Placement) -> Moved:
        """Tell the marketing tool."""
        order = _order(placement)
        if MARKETING not in self._ready or not (order.customer.email or order.customer.phone):
            return Moved(placement=noted(placement, "event", "skipped"))
        event = order.event(placement.created_at, total_of(placement))
        await self._gateway.call(MARKETING, "track_event", event, idempotency_key=key_of(placement, "event"))
        return Moved(placement=noted(placement, "event", "done"))

    # --- the way back ----------------------------------------------------------------------------------------------------

    async def cancel_order(self, placement: Placement) -> Moved:
        """Cancel the stored order, unless the ERP has it."""
        if "order" not in placement.steps:
            return Moved(placement=noted(placement, "cancel_order", "skipped"))
        reason = "The order may be in the ERP already; see whether it can still be stopped, and cancel it there."
        failed = Moved(placement=noted(placement, "cancel_order", "failed"), letter=reason)

        async def cancel(connection: Connection, moved: Moved) -> Moved:
            if await orders.cancel_unsent(connection, placement.reference, now=self._now()):
                return Moved(placement=noted(placement, "cancel_order", "done"))
            return moved

        return replace(failed, within=cancel)

    async def cancel_shipment(self, placement: Placement) -> Moved:
        """Cancel the shipment; one whose answer was lost is found under its key first."""
        shipment = placement.steps.get("shipment", {})
        if shipment.get("state") not in ("asked", "done"):
            return Moved(placement=noted(placement, "cancel_shipment", "skipped"))
        if shipment["state"] == "asked":
            made = await self._ship(placement)
            shipment = {"vendor": made.vendor, "tracking_number": made.tracking_number}
        query = TrackingRequest(tracking_number=shipment["tracking_number"])
        called = await self._gateway.call(shipment["vendor"], "cancel_shipment", query)
        answer: CancelledShipment = called.value
        if answer.cancelled:
            return Moved(placement=noted(placement, "cancel_shipment", "done"))
        reason = f"{shipment['vendor']} did not cancel shipment {query.tracking_number}; stop it by hand."
        return Moved(placement=noted(placement, "cancel_shipment", "failed"), letter=reason)

    async def void_tax(self, placement: Placement) -> Moved:
        """Void the tax document, if there is one."""
        committed = placement.steps.get("commit_tax", {}).get("state")
        if placement.steps["tax"]["source"] != ENGINE or committed not in ("asked", "done", "failed", "given_up"):
            return Moved(placement=noted(placement, "void_tax", "skipped"))
        try:
            await self._gateway.call(ENGINE, "void_tax", TaxDocumentQuery(reference=name_of(placement)))
        except HttpFailed as error:
            if error.error_type != "not_found":
                raise
        return Moved(placement=noted(placement, "void_tax", "done"))

    async def give_back(self, placement: Placement) -> Moved:
        """Refund what was captured, or let go of what is only authorized, as the processor says how it stands.

        Where it cannot be let go it lapses by itself, which is waited for: captured in spite of that it is refunded.
        """
        before = placement.steps.get("give_back", {})
        since, looks = before.get("since", self._now().isoformat()), before.get("looks", 0)
        age = self._now() - datetime.fromisoformat(since)
        payment = await self._stands(placement)
        if payment.status in ("captured", "partially_refunded"):
            refund = Refund(reference=f"{name_of(placement)}-back", reason="requested_by_customer")
            payment = await self._payments.refund(payment.payment_id, refund, key=key_of(placement, "give_back"))
        elif payment.status in HELD:
            # A key of its own for each look: it may stand otherwise by now, and the same key gives the same answer.
            key = key_of(placement, f"let_go_{looks}")
            with suppress(AlreadyCaptured, Unsupported):  # captured this moment: the next look refunds it
                payment = await self._payments.cancel(payment.payment_id, key=key)
        letter = ""
        if payment.status in HELD:
            if age < LAPSES_WITHIN:
                lapsing = noted(placement, "give_back", "lapsing", since=since, looks=looks + 1)
                return Moved(placement=lapsing, wait=min(3600.0, max(self._first_look, age.total_seconds())))
            letter = f"The payment still stands at {payment.vendor} as {payment.status}; release it there by hand."
        status = payment.status

        async def note(connection: Connection, moved: Moved) -> Moved:
            await orders.note_payment_status(connection, placement.reference, status=status, now=self._now())
            return moved

        given = noted(_with_payment(placement, payment), "give_back", "failed" if letter else "done")
        return Moved(placement=given, letter=letter, within=note if "order" in placement.steps else None)

    # --- in several of them ------------------------------------------------------------------------------------------------

    async def _check_total(self, placement: Placement) -> None:
        """See that the order costs what its shopper was shown, before anybody is told of it. Raise TotalDiffers."""
        if _order(placement).expected_total is not None:
            _order(placement).total(await self._taxed(placement))

    async def _taxed(self, placement: Placement) -> TaxQuote:
        """Return what is owed. Raise what the tax desk raises, naming the order's field."""
        try:
            return await self._tax.quote(_order(placement).tax(name_of(placement), placement.created_at))
        except InvalidInput as error:
            error.field = error.field.replace("destination.", "ship_to.", 1)
            raise

    async def _screen(self, placement: Placement, priority: Priority, deadline: float | None) -> ScreeningDecision:
        order = _order(placement).screening(name_of(placement), placement.created_at)
        key = key_of(placement, "screening")
        called = await self._gateway.call(
            FRAUD, "screen_order", order, priority=priority, idempotency_key=key, deadline=deadline
        )
        decision: ScreeningDecision = called.value
        return decision

    async def _stands(self, placement: Placement) -> Payment:
        """Return how the payment stands; one that was never paid and that the processor has forgotten has failed."""
        before = _payment(placement)
        try:
            return await self._payments.get(before.payment_id, processor=before.vendor)
        except HttpFailed as error:
            if error.error_type != "not_found" or before.status not in UNPAID:
                raise
        return before.model_copy(update={"status": "failed", "next_action": None})

    def _decided(self, placement: Placement, decision: ScreeningDecision) -> Placement:
        """Return the order with the screening's word; one that is refused before it is paid ends here."""
        state = {"accept": "done", "reject": "refused"}.get(decision.decision, "waiting")
        facts = {"decision": decision.decision, "asked": True, "reasons": list(decision.reasons)}
        found = noted(placement, "screening", state, vendor=decision.vendor, case_id=decision.case_id, **facts)
        return replace(found, state="declined") if state == "refused" else found

    def _paid(self, placement: Placement, payment: Payment) -> Moved:
        """Return how far the order is with its payment in this state."""
        paid = _with_payment(placement, payment)
        state: State = "paying" if is_accepted(placement) else "review"
        state = _STATE_OF_PAYMENT.get(payment.status, state)
        paid = noted(
            paid, "payment", {"action": "waiting"}.get(state, "done"), vendor=payment.vendor, status=payment.status
        )
        return Moved(
            placement=replace(paid, state=state), wait=self._first_look if state in ("action", "review") else None
        )

    def _wait(self, placement: Placement, most: float) -> float:
        return float(min(most, self._first_look * 2 ** min(placement.tries, 30)))

    async def _ship(self, placement: Placement) -> CreatedShipment:
        order = _order(placement)
        assert order.shipping is not None  # noqa: S101 - asked by the caller
        label = order.label(name_of(placement), order.shipping.service_code, _quote(placement))
        key = key_of(placement, "shipment")
        called = await self._gateway.call(order.shipping.vendor, "create_shipment", label, idempotency_key=key)
        made: CreatedShipment = called.value
        return made


def _order(placement: Placement) -> NewOrder:
    return NewOrder.model_validate(placement.papers["request"])


def _quote(placement: Placement) -> TaxQuote:
    return TaxQuote.model_validate(placement.papers["tax"])


def _payment(placement: Placement) -> Payment:
    return Payment.model_validate(placement.papers["payment"])


def _with_payment(placement: Placement, payment: Payment) -> Placement:
    papers = {**placement.papers, "payment": payment.model_dump(mode="json")}
    return replace(placement, papers=papers, payment_id=payment.payment_id or placement.payment_id)


def _tracking_number(placement: Placement) -> str:
    return str(placement.steps.get("shipment", {}).get("tracking_number", ""))
