"""Charges and authorizes: one object each for a try to take money or to hold it.

INITIATED → CAPTURED or AUTHORIZED, or one of the ways to fail, all of them answered 200. There is no path for a capture:
a charge whose source is an authorize takes what that holds, at once, all of it or part of it (parts until nothing is
left: unconfirmed). Settings: ``allow_non_3ds`` (true), ``merchant_country`` ("KW").
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.sandbox.tap import fields, money
from integrations.sandbox.tap.account import Account, Call, Object, Transaction, milliseconds
from integrations.sandbox.tap.errors import Refused
from integrations.sandbox.tap.sources import FAWRY, OUTCOMES, SOURCES, Card, Outcome

_MINUTE, _HOUR = 60.0, 3_600.0
_CAPTURED = Outcome(status="CAPTURED", code="000", message="Captured")
_AUTHORIZED = Outcome(status="AUTHORIZED", code="001", message="Authorized")
_VOID = Outcome(status="VOID", code="601", message="Void")
_AUTO = ("VOID", "CAPTURE", "AUTO")  # the guide says CAPTURE, the reference AUTO
_LONGEST_AUTO = 168
_MERCHANT = {"KW": "KWD", "SA": "SAR", "AE": "AED", "BH": "BHD", "QA": "QAR", "OM": "OMR", "EG": "EGP"}
_CHANGES = frozenset({"description", "metadata", "receipt"})


class Transactions:
    """``/v2/charges`` and ``/v2/authorize``, and what customers and hours do to them."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def charge(self, call: Call) -> Object:
        """Take money: by a page, by a token, or from an authorize."""
        source = _source(call.body)
        if source.startswith("auth_"):
            return self._capture(call, source).shown
        return self.begin(call, "charge", source).shown

    def authorize(self, call: Call) -> Object:
        """Hold money on a card."""
        return self.begin(call, "authorize", _source(call.body)).shown

    def get_charge(self, call: Call) -> Object:
        """Return one charge."""
        return {**self.find_charge(call.match["id"]).shown, "method": "GET"}

    def get_authorize(self, call: Call) -> Object:
        """Return one authorize."""
        return {**self.find_authorize(call.match["id"]).shown, "method": "GET"}

    def change_charge(self, call: Call) -> Object:
        """Change what is said about a charge."""
        return self._change(self.find_charge(call.match["id"]), call.body)

    def change_authorize(self, call: Call) -> Object:
        """Change what is said about an authorize."""
        return self._change(self.find_authorize(call.match["id"]), call.body)

    def void(self, call: Call) -> Object:
        """Let go of what an authorize holds; raises ``Refused`` 1114 when it holds nothing any more."""
        held = self.find_authorize(call.match["id"])
        if held.shown["status"] != "AUTHORIZED":
            raise Refused("1114")
        self._let_go(held, self._account.now())
        return {**held.shown, "method": "VOID"}

    def find_charge(self, id: str) -> Transaction:
        """Return the charge; raises ``Refused`` 1143 for what is no id, 1144 for one that names nothing."""
        if not id.startswith("chg_"):
            raise Refused("1143")
        found = self._account.charges.get(id)
        if found is None:
            raise Refused("1144")
        return found

    def find_authorize(self, id: str) -> Transaction:
        """Return the authorize; raises ``Refused`` 1113 for what is no id, 1115 for one that names nothing."""
        if not id.startswith("auth_"):
            raise Refused("1113")
        found = self._account.authorizes.get(id)
        if found is None:
            raise Refused("1115")
        return found

    # What customers do

    def waiting(self, id: str) -> Transaction | None:
        """Return the charge or authorize whose page is still open, None for any other."""
        found = self._account.charges.get(id) or self._account.authorizes.get(id)
        return found if found is not None and found.shown["status"] in ("INITIATED", "IN_PROGRESS") else None

    def decide(self, made: Transaction, outcome: str) -> None:
        """End a payment as its customer, or the bank behind the card, had it; "" is an approval."""
        now = self._account.now()
        failure = OUTCOMES.get(outcome or (made.card.outcome if made.card is not None else ""))
        held = made.shown["object"] == "authorize"
        self._end(made, failure or (_AUTHORIZED if held else _CAPTURED), now)
        if failure is not None:
            return
        made.left = made.shown["amount"]
        self._know_customer(made)
        self._effect("payment", made, made.left)
        if held:
            auto = made.shown["auto"]
            auto["status"] = "SCHEDULED"
            self._account.at(now + auto["time"] * _HOUR, lambda moment: self._come_due(made, moment))

    # How they come about

    def begin(self, call: Call, kind: str, source: str, id: str | None = None) -> Transaction:
        """Make a charge or an authorize, and put it through where nobody needs to be sent to a page."""
        body, account = call.body, self._account
        currency = money.read_currency(body)
        amount = money.read_amount(body, currency)
        secure = fields.flag(body, "threeDSecure", default=True)
        card = None
        if source.startswith("tok_"):
            card = self._card(source, secure=secure)
        elif source not in SOURCES or (kind == "authorize" and not SOURCES[source].held):
            raise Refused("1125")
        elif SOURCES[source].currencies and currency not in SOURCES[source].currencies:
            raise Refused("1119")
        paged = card is None or (secure and card.enrolled)
        back = fields.url(body, "redirect", "1110" if paged else None)
        made = self._new(body, kind, amount, currency, source, back)
        made.card = card
        if id is not None:
            made.shown["id"] = id
        if kind == "authorize":
            made.shown["auto"] = _auto(body)
        if card is not None:
            self._spend(source)
        (account.authorizes if kind == "authorize" else account.charges).put(made.id, made)
        self._effect("order", made, amount)
        if not paged:
            self.decide(made, "")
            return made
        made.shown["transaction"]["url"] = f"{call.base_url}/test_gosell/v2/payment/tap_process.aspx?chg={made.id}"
        if source == FAWRY:
            made.shown.update(status="IN_PROGRESS", response={"code": "200", "message": "In Progress"})
        ends = account.now() + made.shown["transaction"]["expiry"]["period"] * _MINUTE
        account.at(ends, lambda moment: self._abandon(made, moment))
        return made

    def _capture(self, call: Call, source: str) -> Transaction:
        body, held = call.body, self.find_authorize(source)
        currency = money.read_currency(body)
        if currency != held.currency:
            raise Refused("1149")
        amount = money.read_amount(body, currency)
        if fields.flag(body, "threeDSecure", default=True) is False:
            raise Refused("1103")
        if fields.flag(body, "customer_initiated", default=True) is False:
            raise Refused("1103")
        if fields.customer(self._account, body).get("id") not in (None, held.shown["customer"].get("id")):
            raise Refused("1107")
        if held.shown["status"] not in ("AUTHORIZED", "CAPTURED"):
            raise Refused("1114")
        if amount > held.left:
            raise Refused("1150")
        made = self._new(body, "charge", amount, currency, source, fields.url(body, "redirect", None))
        return self._take(held, made)

    def _take(self, held: Transaction, made: Transaction) -> Transaction:
        """Put through the capture of an authorize."""
        now, amount = self._account.now(), made.shown["amount"]
        made.card, made.authorize_id, made.left = held.card, held.id, amount
        made.shown["customer"] = held.shown["customer"]
        self._account.charges.put(made.id, made)
        self._end(made, _CAPTURED, now)
        held.left -= amount
        if held.shown["status"] != "CAPTURED":
            self._end(held, _CAPTURED, now)
        self._effect("capture", made, amount)
        return made

    def _come_due(self, held: Transaction, moment: float) -> None:
        """Void or capture what is still held when its hours are over; ``COMPLETED`` is unconfirmed."""
        if held.shown["status"] != "AUTHORIZED":
            return
        held.shown["auto"]["status"] = "COMPLETED"
        if held.shown["auto"]["type"] == "VOID":
            self._let_go(held, moment)
            return
        body = {"reference": held.shown["reference"], "customer": held.shown["customer"]}
        self._take(held, self._new(body, "charge", held.left, held.currency, held.id, ""))

    def _let_go(self, held: Transaction, moment: float) -> None:
        self._end(held, _VOID, moment)
        self._effect("void", held, held.left)
        held.left = Decimal(0)

    def _abandon(self, made: Transaction, moment: float) -> None:
        if self.waiting(made.id) is not None:
            self._end(made, OUTCOMES["ABANDONED"], moment)

    def _card(self, source: str, *, secure: bool) -> Card:
        token = self._account.token(source)
        if token is None:
            raise Refused("1125")
        if token.used:
            raise Refused("1126")
        if not secure and not self._account.setting("allow_non_3ds", True):
            raise Refused("1109")
        return token.card

    def _spend(self, source: str) -> None:
        token = self._account.token(source)
        if token is not None:
            token.used = True

    def _new(self, body: Object, kind: str, amount: Decimal, currency: str, source: str, back: str) -> Transaction:
        account = self._account
        now = account.now()
        country = str(account.setting("merchant_country", "KW"))
        shown: Object = {
            "id": account.new_id("chg" if kind == "charge" else "auth"),
            "object": kind,
            "live_mode": False,
            "customer_initiated": fields.flag(body, "customer_initiated", default=True),
            "api_version": "V2",
            "method": "CREATE",
            "status": "INITIATED",
            "amount": amount,
            "currency": currency,
            "threeDSecure": fields.flag(body, "threeDSecure", default=True),
            "card_threeDSecure": False,
            "save_card": fields.flag(body, "save_card", default=False),
            "merchant_id": "",
            "product": "GOSELL",
            "statement_descriptor": fields.text(body, "statement_descriptor", "1120", 60),
            "description": fields.text(body, "description", "1121", 1_000),
            "metadata": fields.metadata(body),
            "transaction": {
                "timezone": "UTC+03:00",
                "created": str(milliseconds(now)),
                "expiry": {"period": _minutes(body), "type": "MINUTE"},
                "asynchronous": source == FAWRY,
                "amount": money.short(amount),
                "currency": currency,
            },
            "reference": fields.reference(body),
            "response": {"code": "100", "message": "Initiated"},
            "receipt": fields.receipt(body),
            "customer": fields.customer(account, body),
            "merchant": {"country": country, "currency": _MERCHANT.get(country, "KWD"), "id": "599424"},
            "source": {"object": "token" if source.startswith("tok_") else "source", "id": source},
            "redirect": {"status": "PENDING", "url": back},
            "post": {"status": "PENDING", "url": fields.url(body, "post", None)},
            "activities": [],
            "auto_reversed": False,
        }
        made = Transaction(shown=shown, created=now)
        self._note(made, "created", now)
        return made

    def _end(self, made: Transaction, outcome: Outcome, moment: float) -> None:
        """Bring a transaction to a status that tells how it went."""
        account, shown = self._account, made.shown
        first = shown["status"] in ("INITIATED", "IN_PROGRESS")
        shown.update(status=outcome.status, response={"code": outcome.code, "message": outcome.message})
        shown["transaction"].pop("url", None)
        self._note(made, outcome.status.lower(), moment)
        if not first:
            return
        good = outcome in (_CAPTURED, _AUTHORIZED)
        shown["reference"] |= {
            "track": account.new_id("tck"),
            "payment": account.digits(19),
            "gateway": account.digits(15) if good else "00",
        }
        shown["receipt"]["id"] = account.digits(18)
        shown["source"] |= {"type": "CARD_NOT_PRESENT", "channel": "INTERNET", **_method(made)}
        if good:
            shown["reference"]["acquirer"] = account.digits(12)
            shown["transaction"]["authorization_id"] = account.digits(6)
            shown["acquirer"] = {"response": {"code": "00", "message": "Approved"}}
            shown["gateway"] = {"response": {"code": "0", "message": "Transaction Approved"}}
        if made.card is not None:
            shown["card"] = {
                "object": "card",
                "first_six": made.card.number[:6],
                "scheme": made.card.scheme,
                "brand": made.card.scheme,
                "last_four": made.card.number[-4:],
            }

    def _know_customer(self, made: Transaction) -> None:
        """Give the customer of a payment that went well an id, to be sent with the next."""
        customer = made.shown["customer"]
        if "id" not in customer:
            customer = {"id": self._account.new_id("cus"), **customer}
            made.shown["customer"] = self._account.customers.put(customer["id"], customer)

    def _change(self, made: Transaction, body: Object) -> Object:
        if set(body) - _CHANGES:
            raise Refused("1103")
        if "description" in body:
            made.shown["description"] = fields.text(body, "description", "1121", 1_000)
        if "metadata" in body:
            made.shown["metadata"] = fields.metadata(body)
        if "receipt" in body:
            made.shown["receipt"] |= fields.receipt(body)
        return {**made.shown, "method": "UPDATE"}

    def _note(self, made: Transaction, what: str, moment: float) -> None:
        made.shown["activities"].append(
            {
                "id": self._account.new_id("activity"),
                "object": "activity",
                "created": milliseconds(moment),
                "status": made.shown["status"],
                "currency": made.currency,
                "amount": money.short(made.shown["amount"]),
                "remarks": f"{made.shown['object']} - {what}",
            }
        )

    def _effect(self, kind: str, made: Transaction, amount: Decimal) -> None:
        self._account.effect(kind, reference=made.reference, id=made.id, amount=amount, currency=made.currency)


def _source(body: Object) -> str:
    id = fields.nested(body, "source").get("id")
    if not id:
        raise Refused("1124")
    if not isinstance(id, str):
        raise Refused("1125")
    return id


def _minutes(body: Object) -> int:
    """Return how long the page is open: 30 minutes, or 5 to 60 where the request says so."""
    period = fields.nested(fields.nested(body, "transaction"), "expiry").get("period", 30)
    if isinstance(period, bool) or not isinstance(period, int) or not 5 <= period <= 60:
        raise Refused("1103")
    return period


def _auto(body: Object) -> Object:
    """Return what becomes of an authorize by itself; without a wish it is let go after a week (unconfirmed)."""
    given = fields.nested(body, "auto")
    what, hours = given.get("type", "VOID"), given.get("time", _LONGEST_AUTO)
    if what not in _AUTO:
        raise Refused("1152")
    if isinstance(hours, bool) or not isinstance(hours, int) or not 1 <= hours <= _LONGEST_AUTO:
        raise Refused("1153")
    return {"status": "PENDING", "type": what, "time": hours}


def _method(made: Transaction) -> dict[str, Any]:
    if made.card is not None:
        return {"payment_type": made.card.payment_type, "payment_method": made.card.scheme}
    source = SOURCES.get(made.shown["source"]["id"], SOURCES["src_card"])
    return {"payment_type": source.payment_type, "payment_method": source.method}
