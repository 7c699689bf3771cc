"""Orders v2: create, read, change, authorise, capture, and the buyer's decision."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from integrations.sandbox.paypal import shapes
from integrations.sandbox.paypal.account import BUYER_ID, Account, Call
from integrations.sandbox.paypal.errors import no_such, unprocessable
from integrations.sandbox.paypal.funds import Funds
from integrations.sandbox.paypal.patches import apply
from integrations.sandbox.paypal.records import BALANCE, ECHECK, REFUSED, Order
from integrations.sandbox.paypal.request_ids import View
from integrations.sandbox.paypal.sources import Source, read_source
from integrations.sandbox.paypal.units import read_units

INTENTS = ("CAPTURE", "AUTHORIZE")
_OPEN = frozenset({"CREATED", "PAYER_ACTION_REQUIRED", "APPROVED"})


class Orders:
    """The orders of one account."""

    def __init__(self, account: Account, funds: Funds) -> None:
        self._account = account
        self._funds = funds

    def create(self, call: Call) -> View:
        """Create an order; one with a source that needs no buyer is paid at once, or not created at all."""
        body = call.body
        intent = body.choice("intent", INTENTS) or body.required_text("intent")
        units = read_units(body, intent)
        source = read_source(body.object("payment_source"), self._account.now())
        context = body.object("application_context")
        urls = {name: context.text(name) if context is not None else None for name in ("return_url", "cancel_url")}
        order = Order(
            id=self._account.new_id(),
            intent=intent,
            status="CREATED",
            units=units,
            source=source,
            at=self._account.now(),
            updated=self._account.now(),
            return_url=(source.return_url if source else None) or urls["return_url"],
            cancel_url=(source.cancel_url if source else None) or urls["cancel_url"],
        )
        if source is not None and source.direct:
            order.approved = True
            self._prepare(call, order)
        elif source is not None:
            order.status = "PAYER_ACTION_REQUIRED"
        self._account.orders.put(order.id, order)
        self._account.effect("order", order, id=order.id, amount=order.amount)
        if source is not None and source.direct:
            self._pay(call, order, kind="payment")
        return self._view(order)

    def retrieve(self, call: Call) -> View:
        """Return an order; it is shown whole whatever is preferred."""
        order = self.find(call.id)
        return lambda base_url, _full: shapes.order_body(order, base_url, True)

    def patch(self, id: str, patches: Any) -> None:
        """Change an order that is not completed; raises ``Refused`` for what may not be changed."""
        order = self.find(id)
        if order.status not in _OPEN:
            raise unprocessable("ORDER_ALREADY_COMPLETED")
        apply(order, patches, changed_after_approval=order.approved)
        order.updated = self._account.now()

    def authorize(self, call: Call) -> View:
        """Hold the money of an order with intent AUTHORIZE."""
        return self._complete(call, "AUTHORIZE")

    def capture(self, call: Call) -> View:
        """Take the money of an order with intent CAPTURE."""
        return self._complete(call, "CAPTURE")

    def find(self, id: str) -> Order:
        """Return an order; raises ``Refused`` 404 when there is none."""
        order = self._account.orders.get(id)
        if order is None:
            raise no_such("order_id", id)
        return order

    def waiting(self, id: str) -> Order | None:
        """Return an order the buyer can still decide about, None when there is none."""
        order = self._account.orders.get(id)
        return order if order is not None and order.status in _OPEN else None

    def decide(self, order: Order, outcome: str, base_url: str) -> str | None:
        """Let the buyer decide and return where to send them, None without such an address.

        ``approve`` pays from the balance, ``refused`` with a card that will be declined, ``echeck`` from the bank;
        anything else is a return to the shop without paying.
        """
        fundings = {"approve": BALANCE, "refused": REFUSED, "echeck": ECHECK}
        if outcome not in fundings:
            return _with_query(order.cancel_url, {"token": order.id})
        now = self._account.now()
        order.approved, order.funding, order.status = True, fundings[outcome], "APPROVED"
        order.updated = now
        shown = shapes.order_body(order, base_url, True)
        self._account.note_event("CHECKOUT.ORDER.APPROVED", shown, "An order has been approved by buyer", base_url)
        return _with_query(order.return_url, {"token": order.id, "PayerID": BUYER_ID})

    def _complete(self, call: Call, intent: str) -> View:
        order = self.find(call.id)
        source = read_source(call.body.object("payment_source"), self._account.now())
        if order.intent != intent:
            raise unprocessable("ACTION_DOES_NOT_MATCH_INTENT", "/intent", order.intent)
        if order.status == "COMPLETED":
            raise unprocessable("ORDER_ALREADY_CAPTURED" if intent == "CAPTURE" else "ORDER_ALREADY_AUTHORIZED")
        if source is not None:
            self._use(call, order, source)
        if not order.approved:
            card = order.source is not None and order.source.kind == "card"
            raise unprocessable("PAYER_ACTION_REQUIRED" if card else "ORDER_NOT_APPROVED", links=self._way(call, order))
        self._prepare(call, order)
        self._pay(call, order, kind="capture")
        return self._view(order)

    def _use(self, call: Call, order: Order, source: Source) -> None:
        """Pay with a source sent along; raises ``Refused`` 422 when the buyer is needed for it."""
        order.source = source
        order.approved = source.direct
        if not source.direct:
            order.status = "PAYER_ACTION_REQUIRED"
            raise unprocessable("PAYER_ACTION_REQUIRED", links=self._way(call, order))

    def _way(self, call: Call, order: Order) -> tuple[dict[str, str], ...]:
        rel = "payer-action" if order.status == "PAYER_ACTION_REQUIRED" else "approve"
        return (shapes.link(shapes.buyers_page(order, call.base_url), rel, "GET"),)

    def _prepare(self, call: Call, order: Order) -> None:
        """Refuse what would fail before anything has happened."""
        self._funds.check_wallet(call, order)
        for unit in order.units:
            self._account.claim_invoice(order, unit.invoice_id)

    def _pay(self, call: Call, order: Order, *, kind: str) -> None:
        order.status, order.updated = "COMPLETED", self._account.now()
        for unit in order.units:
            if order.intent == "AUTHORIZE":
                self._funds.hold(call, order, unit)
            else:
                self._funds.take(call, order, unit, kind=kind)

    def _view(self, order: Order) -> View:
        return lambda base_url, full: shapes.order_body(order, base_url, full)


def _with_query(url: str | None, added: dict[str, str]) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *added.items()])))
