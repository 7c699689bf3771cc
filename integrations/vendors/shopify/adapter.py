"""Shopify's operations, all of them GraphQL documents posted to one address.

Stock is set under Shopify's own idempotency keys. Marking an order as sent knows none: what the order has been sent with
is read first, and again when an answer was lost.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import BusinessFailed, InvalidInput, SchemaDrift
from integrations.oauth import BearerToken
from integrations.outcome import QuotaSeen, Request, Response, Verdict
from integrations.reading import read
from integrations.types.erp import StockLevel, StockPage, StockQuery
from integrations.types.store import (
    Fulfilled,
    Fulfilment,
    OrderQuery,
    StockRefusal,
    StockSet,
    StockSetResult,
    StoreOrder,
    StoreOrderPage,
    StoreOrderQuery,
)
from integrations.vendors.shopify import answers, documents, events, stock, verdicts
from integrations.vendors.shopify.answers import Item, Items, Order, Orders, Shipping
from integrations.vendors.shopify.declaration import NAME, PATH, TOKEN_PATH, VENDOR, VERSION
from integrations.vendors.shopify.documents import Document
from integrations.vendors.shopify.stock import Row

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=5)  # the search behind updated_at is a little late
MOST_PAGES = 20
MOST_TURNS = 10
Step = Literal["", "look_up", "poll"]


class Shopify(Adapter):
    """Shopify's Admin API over GraphQL."""

    vendor: ClassVar[Vendor] = VENDOR

    def __init__(self, settings: Mapping[str, str]) -> None:
        super().__init__(settings)
        self._told_of = ""  # the version that answered instead of ours

    async def list_orders(self, exchange: Exchange, value: OrderQuery) -> StoreOrderPage:
        """Return a page of orders, oldest change first, from a little before ``modified_since``.

        A cursor goes with the same ``modified_since``. Shopify pages no deeper than 25,000 orders: begin again from the
        last change then.
        """
        variables = {"first": value.limit, "after": value.cursor or None, "query": None}
        if value.modified_since is not None:
            since = (value.modified_since - OVERLAP).astimezone(UTC)
            variables["query"] = f"updated_at:>='{since:%Y-%m-%dT%H:%M:%SZ}'"
        page = read(Orders, await self._ask(exchange, documents.ORDERS, variables, "orders"))
        orders = [await self._whole(exchange, order) for order in page.nodes]
        return StoreOrderPage(orders=tuple(orders), next_cursor=page.page_info.next)

    async def get_order(self, exchange: Exchange, value: StoreOrderQuery) -> StoreOrder:
        """Return one order. Raise BusinessFailed (not_found)."""
        found = await self._ask(exchange, documents.ORDER, {"id": _order(value.order_id)}, "order")
        if found is None:
            raise _not_found()
        return await self._whole(exchange, read(Order, found))

    async def list_stock(self, exchange: Exchange, value: StockQuery) -> StockPage:
        """Return what can be sold, by SKU and location; the warehouse is the location's number.

        With ``modified_since`` the levels that changed since are left; Shopify cannot search by it, so all are read.
        """
        wanted = _location(value.warehouse or self.setting("LOCATION"), "warehouse")
        page = await self._items(exchange, value.skus, wanted, value.cursor, limit=value.limit)
        levels = [
            StockLevel(
                sku=item.sku or "",
                warehouse=level.location.legacy_resource_id,
                quantity=Decimal(level.available),
                modified_at=level.updated_at,
            )
            for item in page.nodes
            if item.tracked and item.sku and (not value.skus or item.sku in value.skus)
            for level in item.levels
            if (value.modified_since is None or level.updated_at >= value.modified_since)
        ]
        return StockPage(levels=tuple(levels), next_cursor=page.page_info.next)

    async def set_stock(self, exchange: Exchange, value: StockSet) -> StockSetResult:
        """Set levels, absolute; what is so already is not sent. Shopify takes all rows or none, so those it refuses are
        left out and the rest is sent again."""
        stock.refuse_unfit(value)
        places = [_location(level.warehouse or self.setting("LOCATION"), "warehouse") for level in value.levels]
        wanted = list(zip(value.levels, places, strict=True))
        items = {
            place: stock.by_sku(
                await self._all_items(exchange, sorted({level.sku for level, at in wanted if at == place}), place)
            )
            for place in dict.fromkeys(places)
        }
        made = [stock.row(level, items[place].get(level.sku, ()), place) for level, place in wanted]
        refused = [one for one in made if isinstance(one, StockRefusal)]
        rows = [one for one in made if isinstance(one, Row)]
        same = sum(one is None for one in made)
        for turn in range(MOST_TURNS):
            if not rows:
                break
            variables = stock.variables(value.reference, exchange.idempotency_key, rows, turn)
            payload = await self._ask(exchange, documents.SET_QUANTITIES, variables, "inventorySetQuantities")
            errors = answers.user_errors(payload)
            if not errors:
                break
            gone = stock.refused_rows(errors, rows)
            if not gone and verdicts.PREVIOUS_FAILED not in [error.code for error in errors]:
                raise _refused(f"Shopify refuses to set the stock ({errors[0].code or 'no code'}).")
            refused += gone.values()
            rows = [one for place, one in enumerate(rows) if place not in gone]
        else:
            raise _refused(f"Shopify refused the stock {MOST_TURNS} times over; nothing of the rest was set.")
        return StockSetResult(vendor=NAME, reference=value.reference, written=same + len(rows), refused=tuple(refused))

    async def mark_fulfilled(self, exchange: Exchange, value: Fulfilment) -> Fulfilled:
        """Mark all that is still to be sent as sent with this tracking number. The buyer is told once.

        Raise BusinessFailed: not_found, or nothing_to_send when the order is on hold, cancelled or sent already.
        """
        found = await self._shipping(exchange, value.order_id)
        noted = found.sent_with(value.tracking_number)
        if not found.open:
            if noted is not None:
                return _fulfilled(found, noted.legacy_resource_id, already=True)
            raise BusinessFailed(
                "Nothing of the order is to be sent: it is on hold, cancelled, or sent under another number.",
                error_type="nothing_to_send",
                fault="ours",
            )
        first = noted.legacy_resource_id if noted else ""
        at: dict[str, list[str]] = {}
        for one in found.open:  # Shopify takes what lies at one location in one fulfilment
            where = one.assigned_location.location
            at.setdefault(where.id if where else one.id, []).append(one.id)
        for parts in at.values():
            variables = {"fulfillment": _fulfilment(value, parts, notify=value.notify and not first)}
            payload = await self._ask(exchange, documents.FULFIL, variables, "fulfillmentCreate")
            made = read(answers.FulfilmentMade, payload).fulfillment.legacy_resource_id
            first = first or made
        return _fulfilled(found, first, already=False)

    async def look_up_mark_fulfilled(self, exchange: Exchange, value: Fulfilment) -> Fulfilled | None:
        """Return the fulfilment with this tracking number when nothing is left to send, None otherwise."""
        found = await self._shipping(exchange, value.order_id)
        noted = found.sent_with(value.tracking_number)
        if noted is None or found.open:
            return None
        return _fulfilled(found, noted.legacy_resource_id, already=False)

    async def sign_in(self, exchange: Exchange) -> Access:
        """Get a token for the app, or take the one that is set."""
        token, expires_in = self.setting("ACCESS_TOKEN"), None
        if not token:
            body = {
                "client_id": self.credential("CLIENT_ID"),
                "client_secret": self.credential("CLIENT_SECRET"),
                "grant_type": "client_credentials",
            }
            request = Request(
                method="POST",
                path=TOKEN_PATH,
                template=TOKEN_PATH,
                headers={"accept": "application/json"},
                json=body,
                step="sign_in",
                signed=False,
                repeatable=True,
                cost=0,
            )
            response = await exchange.send(request)
            found = read(BearerToken, response.json(), status=response.status)
            token, expires_in = found.access_token, found.expires_in
        return Access(headers={"x-shopify-access-token": token}, expires_in=expires_in)

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    def quotas_seen(self, response: Response) -> Sequence[QuotaSeen]:
        """Return what is left of the points, and say once when another version answers than the one we ask."""
        served = response.headers.get("x-shopify-api-version", VERSION)
        if served not in (VERSION, self._told_of):
            self._told_of = served
            log.warning("vendor.version", extra={"vendor": NAME, "asked": VERSION, "served": served})
        return verdicts.points(response)

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the event of a delivery, proven by its signature."""
        return [events.event(delivery, self.setting("CLIENT_SECRET"))]

    async def _ask(
        self, exchange: Exchange, document: Document, variables: Mapping[str, Any], field: str, step: Step = ""
    ) -> Any:
        """Send a document; return one field of its data, None where Shopify has null."""
        body = {"query": document.text, "operationName": document.name, "variables": variables}
        request = Request(
            method="POST",
            path=PATH,
            template=f"{PATH} {document.name}",
            headers={"accept": "application/json"},
            json=body,
            step=step,
            repeatable=None if document.text.startswith("mutation") else True,
            cost=document.cost,
        )
        response = await exchange.send(request)
        return answers.data(response.json(), field)

    async def _whole(self, exchange: Exchange, order: Order) -> StoreOrder:
        """Return an order with all its lines."""
        lines, page = list(order.line_items.nodes), order.line_items.page_info
        while page.next:
            variables = {"id": order.id, "after": page.next}
            found = await self._ask(exchange, documents.MORE_LINES, variables, "order", "look_up")
            if found is None:
                raise SchemaDrift("Shopify knows an order no longer that it has just told of.", field="data.order")
            more = read(answers.Lines, found.get("lineItems"))
            lines += more.nodes
            page = more.page_info
        return answers.store_order(order, lines)

    async def _items(
        self, exchange: Exchange, skus: Sequence[str], place: str, cursor: str, *, limit: int, step: Step = ""
    ) -> Items:
        """Return a page of items with their levels, at one location where it is given."""
        query = stock.search(skus) if skus else None
        variables = {"first": limit, "after": cursor or None, "query": query}
        document = documents.ITEMS
        if place:
            document, variables["location"] = documents.ITEMS_AT, f"gid://shopify/Location/{place}"
        return read(Items, await self._ask(exchange, document, variables, "inventoryItems", step))

    async def _all_items(self, exchange: Exchange, skus: Sequence[str], place: str) -> Sequence[Item]:
        found: list[Item] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            page = await self._items(exchange, skus, place, cursor, limit=100, step="look_up")
            found += page.nodes
            cursor = page.page_info.next
            if not cursor:
                return found
        raise _refused(f"More than {MOST_PAGES * 100} items have these SKUs; give each item a SKU of its own.")

    async def _shipping(self, exchange: Exchange, order_id: str) -> Shipping:
        found = await self._ask(exchange, documents.SHIPPING, {"id": _order(order_id)}, "order", "look_up")
        if found is None:
            raise _not_found()
        return read(Shipping, found)


def _order(order_id: str) -> str:
    """Return the global id of an order. Raise InvalidInput."""
    number = order_id.removeprefix("gid://shopify/Order/")
    if not number.isdecimal():
        raise InvalidInput("An order's id at Shopify is a number, as in its admin's address.", field="order_id")
    return f"gid://shopify/Order/{number}"


def _location(warehouse: str, field: str) -> str:
    """Return the number of a location. Raise InvalidInput."""
    number = warehouse.removeprefix("gid://shopify/Location/")
    if number and not number.isdecimal():
        raise InvalidInput(
            "A warehouse at Shopify is the number of a location, as in its admin's address.", field=field
        )
    return number


def _fulfilment(value: Fulfilment, parts: Sequence[str], *, notify: bool) -> dict[str, Any]:
    tracking = {"number": value.tracking_number}
    if value.carrier:
        tracking["company"] = value.carrier
    if value.tracking_url:
        tracking["url"] = value.tracking_url
    return {
        "notifyCustomer": notify,
        "trackingInfo": tracking,
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part} for part in parts],
    }


def _fulfilled(found: Shipping, fulfilment_id: str, *, already: bool) -> Fulfilled:
    return Fulfilled(vendor=NAME, order_id=found.legacy_resource_id, fulfilment_id=fulfilment_id, already=already)


def _not_found() -> BusinessFailed:
    return BusinessFailed(
        "Shopify knows no such order; one older than 60 days needs the scope read_all_orders.",
        error_type="not_found",
        fault="ours",
    )


def _refused(message: str) -> BusinessFailed:
    return BusinessFailed(message, error_type="refused", fault="ours")
