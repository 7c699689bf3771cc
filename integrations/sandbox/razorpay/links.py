"""Payment links: a page of Razorpay's where the customer pays, for shops without a checkout of their own.

``reference_id`` is the one thing here that Razorpay keeps unique, for good: a second link with it is a 400, after the
first was cancelled or has expired too. What is paid over a link is captured at once (unconfirmed). The list can be asked
for a ``reference_id``; shops report that it is not always heeded, which the setting ``reference_filter`` (true) plays.
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.razorpay import fields, listing, money
from integrations.sandbox.razorpay.account import Account, Call, Object, Terms
from integrations.sandbox.razorpay.errors import invalid
from integrations.sandbox.razorpay.methods import Instrument
from integrations.sandbox.razorpay.orders import Orders
from integrations.sandbox.razorpay.payments import Payments

_CREATE = fields.names(
    """amount currency accept_partial first_min_partial_amount description customer expire_by reference_id notify notes
    callback_url callback_method reminder_enable upi_link options"""
)
_CHANGE = fields.names("accept_partial reference_id expire_by reminder_enable notes")
_SOONEST = 15 * 60
_HALF_A_YEAR = 184 * 86_400
_OPEN = ("created", "partially_paid")


class Links:
    """``/v1/payment_links``, and what the customer does on the page of one."""

    def __init__(self, account: Account, orders: Orders, payments: Payments) -> None:
        self._account = account
        self._orders = orders
        self._payments = payments
        self._references: set[str] = set()
        self._secrets: dict[str, str] = {}  # link id -> the secret of the key that made it

    def create(self, call: Call) -> Object:
        """Make a link whose page is open until ``expire_by``, half a year where the request names none."""
        params = call.params
        fields.allow(params, _CREATE)
        amount = fields.needed(params, "amount")
        currency = fields.text(params, "currency") or "INR"
        money.check_currency(currency, international=bool(self._account.setting("international", True)))
        money.check_amount(amount, currency)
        partial = fields.flag(params, "accept_partial")
        first = fields.integer(params, "first_min_partial_amount") or 0
        if first and not (partial and first < amount):
            raise invalid("The first min partial amount is invalid.", "first_min_partial_amount")
        customer = {name: str(value) for name, value in fields.nested(params, "customer").items()}
        callback, method = fields.text(params, "callback_url"), params.get("callback_method")
        if callback and method != "get":
            raise invalid("The callback method must be get when a callback url is sent.", "callback_method")
        reference = self._unused(params)
        notify = fields.nested(params, "notify")
        expire_by, now = self._expiry(params), self._account.now()
        link: Object = {
            "accept_partial": partial,
            "amount": amount,
            "amount_paid": 0,
            "callback_method": method or "",
            "callback_url": callback or "",
            "cancelled_at": 0,
            "created_at": now,
            "currency": currency,
            "customer": customer,
            "description": fields.text(params, "description", longest=2048) or "",
            "expire_by": expire_by,
            "expired_at": 0,
            "first_min_partial_amount": first,
            "id": self._account.new_id("plink"),
            "notes": fields.notes(params) or None,
            "notify": {way: fields.flag(notify, way) for way in ("email", "sms")},
            "payments": None,
            "reference_id": reference,
            "reminder_enable": fields.flag(params, "reminder_enable"),
            "reminders": [],
            "status": "created",
            "updated_at": now,
            "upi_link": fields.flag(params, "upi_link"),
            "user_id": "",
        }
        link["short_url"] = f"{call.base_url}/l/{link['id']}"
        self._account.links.put(link)
        self._references.add(reference)
        self._secrets[link["id"]] = call.secret
        self._expire_later(link)
        self._account.effect("order", reference=reference, id=link["id"], amount=amount, currency=currency)
        return link

    def retrieve(self, call: Call) -> Object:
        """Return one link."""
        return self._account.links.get(call.match["id"])

    def page(self, call: Call) -> Object:
        """Return links under a name of their own: newest first, all, those of a reference or of a payment."""
        asked = listing.query(call)
        fields.allow(asked, listing.PAGING | {"payment_id", "reference_id"})
        reference, payment = fields.text(asked, "reference_id"), fields.text(asked, "payment_id")
        if not self._account.setting("reference_filter", True):
            reference = None
        found = [
            link
            for link in self._account.links.newest_first()
            if reference in (None, link["reference_id"])
            and (payment is None or any(one["payment_id"] == payment for one in link["payments"] or ()))
        ]
        return {"payment_links": listing.page(call, found)["items"]}

    def update(self, call: Call) -> Object:
        """Change a link that can still be paid."""
        link = self._open(call.match["id"], "updated")
        params = call.params
        fields.allow(params, _CHANGE)
        changes: Object = {}
        if "reference_id" in params and params["reference_id"] != link["reference_id"]:
            changes["reference_id"] = self._unused(params)
        if "expire_by" in params:
            changes["expire_by"] = self._expiry(params)
        if "notes" in params:
            changes["notes"] = fields.notes(params) or None
        for name in ("accept_partial", "reminder_enable"):
            if name in params:
                changes[name] = fields.flag(params, name)
        link.update(changes, updated_at=self._account.now())
        self._references.add(link["reference_id"])
        self._expire_later(link)
        return link

    def cancel(self, call: Call) -> Object:
        """Close a link nobody has paid."""
        link = self._open(call.match["id"], "cancelled")
        now = self._account.now()
        link.update(status="cancelled", cancelled_at=now, updated_at=now)
        self._account.effect(
            "void", reference=link["reference_id"], id=link["id"], amount=link["amount"], currency=link["currency"]
        )
        return link

    # What the customer does

    def payable(self, id: str) -> Object | None:
        """Return a link whose page still takes money, None for any other."""
        link = self._account.links.find(id)
        return link if link is not None and link["status"] in _OPEN else None

    def pay(self, link: Object, instrument: Instrument, *, success: bool, amount: int | None = None) -> Object:
        """Let the customer pay, all that is due unless an amount is said; a payment that fails leaves the page open."""
        order = self._order(link)
        payment = self._payments.begin(
            order,
            instrument,
            amount=order["amount_due"] if amount is None else amount,
            currency=link["currency"],
            email=link["customer"].get("email", ""),
            contact=link["customer"].get("contact", ""),
            description=f"#{link['id'].removeprefix('plink_')}",
            notes=link["notes"] or [],
        )
        if not success or instrument.fails:
            self._payments.fail(payment, instrument.failure)
            return payment
        self._payments.succeed(payment)
        link["amount_paid"] = order["amount_paid"]
        link["status"] = "paid" if order["status"] == "paid" else "partially_paid"
        link["updated_at"] = payment["created_at"]
        link["payments"] = [
            *(link["payments"] or ()),
            {
                "amount": payment["amount"],
                "created_at": payment["created_at"],
                "method": payment["method"],
                "payment_id": payment["id"],
                "plink_id": link["id"],
                "status": payment["status"],
                "updated_at": payment["created_at"],
            },
        ]
        return payment

    def secret(self, link: Object) -> str:
        """Return what signs the way back from the page of the link."""
        return self._secrets[link["id"]]

    def _order(self, link: Object) -> Object:
        """Return the order behind a link, made when somebody first tries to pay and shown from then on."""
        if "order_id" in link:
            return self._account.orders.get(link["order_id"])
        order = self._orders.make(
            amount=link["amount"],
            currency=link["currency"],
            receipt=link["reference_id"] or None,
            notes=link["notes"] or [],
            terms=Terms(automatic=True, partial=link["accept_partial"]),
        )
        link["order_id"] = order["id"]
        return order

    def _open(self, id: str, done: str) -> Object:
        link = self._account.links.get(id)
        if link["status"] not in _OPEN or (done == "cancelled" and link["status"] != "created"):
            raise invalid(f"Payment Link in {link['status']} state cannot be {done}.")
        return link

    def _unused(self, params: dict[str, Any]) -> str:
        reference = fields.text(params, "reference_id", longest=40) or ""
        if reference and reference in self._references:
            raise invalid(
                f"payment link with given reference_id: {reference} already exists. Please create a payment link with a "
                "different reference_id",
                "reference_id",
            )
        return reference

    def _expiry(self, params: dict[str, Any]) -> int:
        """Return when the page closes, 0 for half a year on."""
        wanted = fields.integer(params, "expire_by") or 0
        if wanted and wanted < self._account.now() + _SOONEST:
            raise invalid("expire_by should be at least 15 minutes after current time", "expire_by")
        if wanted > self._account.now() + _HALF_A_YEAR:
            raise invalid("expire_by should be within six months of current time", "expire_by")
        return wanted

    def _expire_later(self, link: Object) -> None:
        ends = link["expire_by"]

        def expire(moment: float) -> None:
            if link["status"] in _OPEN and link["expire_by"] == ends:
                link.update(status="expired", expired_at=int(moment), updated_at=int(moment))

        self._account.at(ends or link["created_at"] + _HALF_A_YEAR, expire)
