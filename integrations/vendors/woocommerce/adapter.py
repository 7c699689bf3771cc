"""WooCommerce's operations. Nothing of it knows an idempotency key, and nothing can be compared and set in one step.

So a level is read right before it is written, at most ``WRITTEN_TOGETHER`` SKUs at a time; a sale that comes in between
the two is written over, and the next comparison of all stock finds it. Whatever is lost is looked up first: levels by
reading them, a shipment by the tracking number noted with its order.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any, ClassVar, Literal

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import BusinessFailed, InvalidInput
from integrations.outcome import Pairs, Request, Response, Verdict
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
from integrations.vendors.woocommerce import answers, events, stock, verdicts
from integrations.vendors.woocommerce.answers import Note, Order, Product, Refund
from integrations.vendors.woocommerce.declaration import BASE, LABEL, NAME, VENDOR

OVERLAP = timedelta(minutes=5)  # a shop with several servers may have several clocks
PAGE = 100
WRITTEN_TOGETHER, READ_TOGETHER = 20, 50  # SKUs; more do not fit an address
MOST_PAGES = 20
MOST_PRODUCTS = 10  # whose variations one call reads
TRACKING, CARRIER, LINK = "quayside_tracking_number", "quayside_carrier", "quayside_tracking_url"
_UNSENDABLE = frozenset({"pending", "on-hold", "failed", "cancelled", "refunded", "trash", "checkout-draft"})
_BY_ID = (("orderby", "id"), ("order", "asc"))  # what comes in meanwhile comes last
Step = Literal["", "look_up"]


class WooCommerce(Adapter):
    """WooCommerce's REST API, version 3."""

    vendor: ClassVar[Vendor] = VENDOR

    async def list_orders(self, exchange: Exchange, value: OrderQuery) -> StoreOrderPage:
        """Return a page of orders from a little before ``modified_since``, oldest change first within the page.

        The pages themselves come by id: no released version documents an order by change. Nothing is missed by that:
        a page begins with the last order of the one before, and where orders have left the list since (the trash) it is
        gone back to where they stood; what changes on the way is in the list of the next time.
        """
        start, last = _numbers(value.cursor, "cursor")
        query: list[tuple[str, str]] = [*_BY_ID]
        if value.modified_since is not None:
            since = (value.modified_since - OVERLAP).astimezone(UTC)
            query += [("modified_after", f"{since:%Y-%m-%dT%H:%M:%S}"), ("dates_are_gmt", "true")]
        size = min(PAGE, value.limit + 1) if start else value.limit
        while True:
            at = max(0, start - 1)
            page = [("per_page", str(size)), *([("offset", str(at))] if at else [])]
            found = [read(Order, one) for one in answers.rows(await self._get(exchange, "/orders", [*query, *page]))]
            if not at or (found and found[0].id <= last):
                break
            start -= value.limit
        new = [order for order in found if order.id > last]
        orders = [await self._whole(exchange, order) for order in new]
        following = f"{at + len(found)}.{max(last, found[-1].id)}" if len(found) >= size else ""
        return StoreOrderPage(orders=tuple(sorted(orders, key=lambda order: order.modified_at)), next_cursor=following)

    async def get_order(self, exchange: Exchange, value: StoreOrderQuery) -> StoreOrder:
        """Return one order. Raise HttpFailed (not_found)."""
        return await self._whole(exchange, await self._order(exchange, value.order_id))

    async def list_stock(self, exchange: Exchange, value: StockQuery) -> StockPage:
        """Return what can be sold by SKU, of products and variations whose stock is kept; there are no warehouses.

        With ``modified_since`` the levels that changed since are left; a variation's change cannot be searched for, so
        all are read. A page may hold more than ``limit``: a product's variations stay together.
        """
        stock.refuse_warehouse(value.warehouse, "warehouse")
        found, following = await (self._named(exchange, value) if value.skus else self._all(exchange, value))
        levels = [
            StockLevel(sku=one.sku, warehouse="", quantity=one.counted, modified_at=one.date_modified_gmt)
            for one in found
            if one.counted is not None and one.sku and (not value.skus or one.sku in value.skus)
            if value.modified_since is None or one.date_modified_gmt >= value.modified_since
        ]
        return StockPage(levels=tuple(levels), next_cursor=following)

    async def set_stock(self, exchange: Exchange, value: StockSet) -> StockSetResult:
        """Set levels, absolute; what is so already is not sent. ``expected`` is compared with what was read just before
        the write, for WooCommerce itself compares nothing: a sale in between is written over."""
        stock.refuse_unfit(value)
        wanted = {level.sku: level for level in value.levels}
        refused: list[StockRefusal] = []
        for part in stock.parts(list(wanted), WRITTEN_TOGETHER):
            found = stock.by_sku(await self._with_skus(exchange, part))
            made = [stock.row(wanted[sku], found.get(sku, ())) for sku in part]
            refused += [one for one in made if isinstance(one, StockRefusal)]
            rows = [one for one in made if isinstance(one, stock.Row)]
            for parent, some in stock.by_parent(rows).items():
                response = await exchange.send(_batch(parent, stock.update(some)))
                refused += stock.refused(some, answers.batch(response))
        written = len(wanted) - len(refused)
        return StockSetResult(vendor=NAME, reference=value.reference, written=written, refused=tuple(refused))

    async def look_up_set_stock(self, exchange: Exchange, value: StockSet) -> StockSetResult | None:
        """Return the result when every level is as asked. None otherwise: then what is so already is not sent again."""
        wanted = {level.sku: level for level in value.levels}
        for part in stock.parts(list(wanted), READ_TOGETHER):
            found = stock.by_sku(await self._with_skus(exchange, part))
            if any(stock.row(wanted[sku], found.get(sku, ())) is not None for sku in part):
                return None
        return StockSetResult(vendor=NAME, reference=value.reference, written=len(wanted))

    async def mark_fulfilled(self, exchange: Exchange, value: Fulfilment) -> Fulfilled:
        """Complete an order and note the tracking number with it; an order the shop completed itself only gets that.

        WooCommerce knows no shipments. With ``notify`` the number is also a note to the buyer, which the shop mails;
        what it mails on completion is the shop's own setting, and cannot be held back from here.
        Raise HttpFailed (not_found) and BusinessFailed (nothing_to_send): unpaid, cancelled, or sent under another number.
        """
        order = await self._order(exchange, value.order_id, "look_up")
        noted = order.noted(TRACKING)
        if any(one.value == value.tracking_number for one in noted):
            return _fulfilled(order, value.tracking_number, already=True)
        if order.status in _UNSENDABLE or noted:
            raise BusinessFailed(
                "Nothing of the order is to be sent: it is not paid, cancelled, or sent under another number.",
                error_type="nothing_to_send",
                fault="ours",
            )
        if value.notify:
            await self._tell_buyer(exchange, order, value)
        body: dict[str, Any] = {"meta_data": _noting(order, value)}
        if order.status != "completed":
            body["status"] = "completed"
        request = Request(
            method="PUT", path=f"{BASE}/orders/{order.id}", template=f"{BASE}/orders/{{id}}", json=body, headers=_ACCEPT
        )
        response = await exchange.send(request)
        done = read(Order, answers.body(response), status=response.status)
        return _fulfilled(done, value.tracking_number, already=False)

    async def look_up_mark_fulfilled(self, exchange: Exchange, value: Fulfilment) -> Fulfilled | None:
        """Return the fulfilment when the tracking number is noted with the order, None otherwise."""
        order = await self._order(exchange, value.order_id, "look_up")
        if not any(one.value == value.tracking_number for one in order.noted(TRACKING)):
            return None
        return _fulfilled(order, value.tracking_number, already=False)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the key and its secret as HTTP Basic. Shops without HTTPS want OAuth 1.0a and are not served."""
        pair = f"{self.credential('CONSUMER_KEY')}:{self.credential('CONSUMER_SECRET')}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(request, response)

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the event of a delivery, proven by its signature; () for the greeting of a new webhook."""
        if events.is_ping(delivery):
            return ()
        return [events.event(delivery, self.setting("WEBHOOK_SECRET"))]

    async def _get(
        self, exchange: Exchange, path: str, query: Pairs = (), *, template: str = "", step: Step = ""
    ) -> Response:
        request = Request(
            method="GET",
            path=BASE + path,
            template=BASE + (template or path),
            query=query,
            headers=_ACCEPT,
            step=step,
        )
        return await exchange.send(request)

    async def _pages(self, exchange: Exchange, path: str, query: Pairs, template: str = "") -> Sequence[Any]:
        """Return the rows of all pages of a list."""
        found: list[Any] = []
        for number in range(1, MOST_PAGES + 1):
            page = [*query, *_BY_ID, ("per_page", str(PAGE)), ("page", str(number))]
            response = await self._get(exchange, path, page, template=template, step="look_up")
            found += answers.rows(response)
            if not _has_next(response):
                return found
        raise BusinessFailed(
            f"{LABEL} has more than {MOST_PAGES * PAGE} entries where a few were expected; look at the shop.",
            error_type="look_up_too_long",
            fault="theirs",
        )

    async def _order(self, exchange: Exchange, order_id: str, step: Step = "") -> Order:
        if not re.fullmatch(r"[1-9][0-9]{0,18}", order_id, re.ASCII):
            raise InvalidInput(f"An order's id at {LABEL} is a number, as in its admin's address.", field="order_id")
        response = await self._get(exchange, f"/orders/{order_id}", template="/orders/{id}", step=step)
        return read(Order, answers.body(response), status=response.status)

    async def _whole(self, exchange: Exchange, order: Order) -> StoreOrder:
        """Return an order less the pieces that were paid back before it was sent."""
        refunds: list[Refund] = []
        if order.refunds and order.known_as in ("open", "paid"):
            response = await self._get(
                exchange,
                f"/orders/{order.id}/refunds",
                [("per_page", str(PAGE))],
                template="/orders/{id}/refunds",
                step="look_up",
            )
            refunds = [read(Refund, one) for one in answers.rows(response)]
        return answers.store_order(order, refunds)

    async def _with_skus(self, exchange: Exchange, skus: Sequence[str]) -> Sequence[Product]:
        """Return products and variations with one of the SKUs; the search by SKU is the only one that finds both."""
        rows = await self._pages(exchange, "/products", [("sku", ",".join(skus))])
        return [read(Product, one) for one in rows]

    async def _named(self, exchange: Exchange, value: StockQuery) -> tuple[Sequence[Product], str]:
        """Return what has the SKUs asked for, a few searches at a time; the cursor is how many were made."""
        made, _ = _numbers(value.cursor, "cursor")
        parts = stock.parts(list(dict.fromkeys(value.skus)), READ_TOGETHER)
        found: list[Product] = []
        for part in parts[made:]:
            found += await self._with_skus(exchange, part)
            made += 1
            if len(found) >= value.limit:
                break
        return found, f"{made}.0" if made < len(parts) else ""

    async def _all(self, exchange: Exchange, value: StockQuery) -> tuple[Sequence[Product], str]:
        """Return products from where the cursor says (page, and place in it), each with its variations."""
        number, place = _numbers(value.cursor, "cursor")
        number = max(1, number)
        page = [*_BY_ID, ("per_page", str(value.limit)), ("page", str(number))]
        response = await self._get(exchange, "/products", page)
        products = [read(Product, one) for one in answers.rows(response)]
        found: list[Product] = []
        asked = 0
        for index, product in enumerate(products[place:], start=place):
            if len(found) >= value.limit or asked >= MOST_PRODUCTS:
                return found, f"{number}.{index}"
            found.append(product)
            if product.type == "variable":
                asked += 1
                path = f"/products/{product.id}/variations"
                rows = await self._pages(exchange, path, (), "/products/{id}/variations")
                found += [read(Product, one) for one in rows]
        return found, f"{number + 1}.0" if _has_next(response) else ""

    async def _tell_buyer(self, exchange: Exchange, order: Order, value: Fulfilment) -> None:
        """Send the buyer a note with the tracking number, unless there is one. Its words are of no language."""
        path, template = f"{BASE}/orders/{order.id}/notes", f"{BASE}/orders/{{id}}/notes"
        response = await self._get(
            exchange, f"/orders/{order.id}/notes", [("type", "customer")], template="/orders/{id}/notes", step="look_up"
        )
        if any(value.tracking_number in read(Note, one).note for one in answers.rows(response)):
            return
        said = " ".join(part for part in (value.carrier, value.tracking_number, value.tracking_url) if part)
        body = {"note": said, "customer_note": True}
        await exchange.send(Request(method="POST", path=path, template=template, json=body, headers=_ACCEPT))


_ACCEPT = {"accept": "application/json"}


def _numbers(cursor: str, field: str) -> tuple[int, int]:
    """Return the two numbers of a cursor, 0 and 0 for the first page. Raise InvalidInput."""
    if not cursor:
        return 0, 0
    found = re.fullmatch(r"([0-9]{1,18})\.([0-9]{1,18})", cursor, re.ASCII)
    if found is None:
        raise InvalidInput("The cursor is not one of ours; begin without one.", field=field)
    return int(found[1]), int(found[2])


def _has_next(response: Response) -> bool:
    return 'rel="next"' in response.headers.get("link", "")


def _batch(parent: int, body: Mapping[str, Any]) -> Request:
    """Return the request that writes some products, or some variations of one."""
    of, template = (f"/products/{parent}/variations", "/products/{id}/variations") if parent else ("/products",) * 2
    path, template = f"{BASE}{of}/batch", f"{BASE}{template}/batch"
    return Request(method="POST", path=path, template=template, json=body, headers=_ACCEPT)


def _noting(order: Order, value: Fulfilment) -> Sequence[Mapping[str, Any]]:
    """Return what is noted with the order. An entry without the id it has already would be a second one."""
    wanted = {TRACKING: value.tracking_number, CARRIER: value.carrier, LINK: value.tracking_url}
    found: list[dict[str, Any]] = []
    for key, text in wanted.items():
        known = order.noted(key)
        if text:
            found.append({**({"id": known[0].id} if known else {}), "key": key, "value": text})
    return found


def _fulfilled(order: Order, tracking_number: str, *, already: bool) -> Fulfilled:
    noted = next((one for one in order.noted(TRACKING) if one.value == tracking_number), None)
    if noted is None:
        raise BusinessFailed(
            f"{LABEL} completed the order but did not keep its tracking number; a plug-in may take it away.",
            error_type="not_kept",
            fault="theirs",
        )
    return Fulfilled(vendor=NAME, order_id=str(order.id), fulfilment_id=str(noted.id), already=already)
