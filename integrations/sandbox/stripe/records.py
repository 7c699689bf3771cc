"""What is only read: balance transactions, the balance, events."""

from __future__ import annotations

from integrations.sandbox.stripe import form, listing
from integrations.sandbox.stripe.account import Account, Call, Object
from integrations.sandbox.stripe.errors import Refused, no_such


class Records:
    """What is only read: balance transactions, the balance, events."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def transactions(self, call: Call) -> Object:
        """Return balance transactions, newest first."""
        form.allow(call.params, listing.PAGING | {"currency", "payout", "source", "type"})
        wanted = {name: form.text(call.params, name) for name in ("currency", "source", "type")}
        if call.params.get("payout"):
            raise no_such("payout", str(call.params["payout"]), param="payout", status=400)
        found = [
            item
            for item in self._account.transactions.newest_first()
            if all(value is None or item[name] == value for name, value in wanted.items())
        ]
        for item in found:
            self._account.look_up(item["id"])
        return listing.page(found, call.params, url="/v1/balance_transactions")

    def transaction(self, call: Call) -> Object:
        """Return one balance transaction."""
        form.allow(call.params, frozenset({"expand"}))
        found = self._account.look_up(call.match["id"]) if call.match["id"].startswith("txn_") else None
        if found is None:
            raise no_such("balance transaction", call.match["id"], param="id")
        return found

    def balance(self, call: Call) -> Object:
        """Return the balance."""
        form.allow(call.params, frozenset({"expand"}))
        return self._account.balance()

    def events(self, call: Call) -> Object:
        """Return events of the last 30 days, newest first."""
        form.allow(call.params, listing.PAGING | {"type", "types", "delivery_success"})
        type_, types = form.text(call.params, "type"), call.params.get("types")
        if types is not None and not isinstance(types, list):
            raise Refused(400, "Invalid array", param="types")
        found = [
            event
            for event in self._account.events.newest_first()
            if (type_ is None or event["type"] == type_) and (types is None or event["type"] in types)
        ]
        return listing.page(found, call.params, url="/v1/events")

    def event(self, call: Call) -> Object:
        """Return one event."""
        found = self._account.events.get(call.match["id"])
        if found is None:
            raise no_such("event", call.match["id"], param="id")
        return found
