"""WooCommerce's twin: WordPress around the endpoints, what stands before a store, and what tests may order.

There from the start: 48 orders (5001 is the oldest; 5048 is twenty minutes old, paid and to be sent; one failed, one on
hold, some of every other status), 60 products and variations with the SKUs of the catalogue (the n-th item is 10000 +
n; the first three of every twenty are variations of 1000, 1001 …), and beside them a Gift Box (901) that counts for its
variations, a Gift Card without a SKU (904) and an Engraving whose stock is not counted (905). Accounts 26 to 32 exist.

The walk of a request is WordPress's: who it is from, whether the key may read or write, the path, the parameters (400
goes before 401), the rights, the endpoint. No rate limit and no header of one: those are its hosts' (``quotas``).

Settings: ``https`` (true; false is a store over plain HTTP, which knows OAuth alone), ``strip_authorization`` (false; a
proxy that takes the header away), ``permissions`` (read_write, read or write, of every key), ``forbidden`` ([]; the
resources that the key's user has no rights to), ``time_zone`` (America/New_York), ``decimals`` (2), ``number_prefix``
(""), ``meta_adds`` (false), ``blocked_methods`` ([]; answered 501 by the host), ``php_warnings`` (false; a warning before
the JSON), ``challenge`` (false; a proxy's page for everybody), ``retry_after`` (true; whether the host's 429 tells),
``order_seconds`` (0; demo 90); read when the state is made: ``catalogue_size`` (60).

Not played: customers, coupons, reports, settings, the Store API, images and categories as resources of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from integrations.sandbox import deliveries
from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.storefront import Arrivals, Sales, json_object, ordered
from integrations.sandbox.twin import Answer, Ask, BodyTells, Latency, Quota, Route, World
from integrations.sandbox.woocommerce import errors
from integrations.sandbox.woocommerce.call import Call, Reply, body_of, method_of, query_of, route_of
from integrations.sandbox.woocommerce.endpoint import Endpoint
from integrations.sandbox.woocommerce.endpoints import Endpoints
from integrations.sandbox.woocommerce.errors import Refused, no_route, refused
from integrations.sandbox.woocommerce.keys import Keys
from integrations.sandbox.woocommerce.opening import open_shop
from integrations.sandbox.woocommerce.order_views import zone_of
from integrations.sandbox.woocommerce.php import php_json, texts
from integrations.sandbox.woocommerce.rest_schema import checked
from integrations.sandbox.woocommerce.shop import VENDOR, Shop

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_STOCK_FIELDS = {"manage_stock", "stock_quantity", "stock_status", "inventory_delta", "backorders"}
_CANNOT = {
    "list": ("view", "Sorry, you cannot list resources."),
    "view": ("view", "Sorry, you cannot view this resource."),
    "create": ("create", "Sorry, you are not allowed to create resources."),
    "edit": ("edit", "Sorry, you are not allowed to edit this resource."),
    "delete": ("delete", "Sorry, you are not allowed to delete this resource."),
    "batch": ("batch", "Sorry, you are not allowed to batch manipulate this resource."),
}
_WARNING = b'<br />\n<b>Warning</b>:  Undefined array key "total" in <b>/var/www/html/wp-content/plugins</b><br />\n'
_NAMESPACES = ("oembed/1.0", "wc/v1", "wc/v2", "wc/v3", "wc-analytics", "wp/v2")


class WooCommerceTwin:
    """One store."""

    name = VENDOR
    latency = Latency(median=0.35, p95=1.2)
    quotas: Sequence[Quota] = ()  # the software has none; a host's may be set

    def __init__(self, world: World) -> None:
        items = catalogue(world.seed, int(world.setting(VENDOR, "catalogue_size", 60)))
        self._sales = Sales(world, VENDOR, items)
        self._arrivals = Arrivals(world, VENDOR)
        self._shop = Shop(world, items)
        open_shop(self._shop, self._sales)
        self._keys = Keys(world.now)
        self._endpoints = Endpoints(self._shop)
        self._home = "https://shop.example.com"  # until somebody addresses it

    def __repr__(self) -> str:
        return f"<WooCommerceTwin {self._shop!r}, {self._keys!r}, {self._endpoints.webhooks!r}>"

    def routes(self) -> Sequence[Route]:
        """Return one route a method: WordPress finds the rest by itself, from the path or from the query."""
        named = {endpoint.operation for endpoint in self._endpoints.all}
        tells = BodyTells(
            operations=tuple(sorted({*named, "mark_fulfilled", "update_product", "unknown"})),
            operation=self._operation,
        )
        return [
            Route(method=method, path="/{path:.*}", operation="unknown", answer=self._serve, body=tells)
            for method in _METHODS
        ]

    def controls(self) -> Sequence[Route]:
        """Return what a test may look into or order: sales, stock, failing webhooks, deliveries."""
        return (
            Route(method="POST", path="/orders", operation="control", answer=self._place),
            Route(method="GET", path="/stock", operation="control", answer=self._show_stock),
            Route(method="PUT", path="/stock", operation="control", answer=self._count_stock),
            Route(method="POST", path="/failures", operation="control", answer=self._fail),
            deliveries.control(self._deliveries),
        )

    def credential(self, ask: Ask) -> str:
        """Return the consumer key, the empty text for a stranger."""
        return self._keys.claimed(ask, query_of(ask))

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return a host's 429: a page, and a wait only where the host tells one."""
        told = self._shop.setting("retry_after", True)
        return errors.page(429, *((("Retry-After", str(max(1, math.ceil(retry_after)))),) if told else ()))

    def unavailable(self, status: int) -> Answer:
        """Return what a store answers with a status: WordPress's words where it has any, else its host's page."""
        return errors.unavailable(status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with the id gone from its first object; a list becomes an object, as some plug-ins do."""
        value = orjson.loads(answer.body)
        if isinstance(value, list) and value:
            value[0].pop("id", None)
        elif isinstance(value, list):
            value = {"data": value}
        elif "id" in value:
            value["id"] = str(value.pop("id")) + "-broken"
        else:
            value = [value]
        return replace(answer, body=php_json(value))

    # The walk of a request

    async def _serve(self, ask: Ask) -> Answer:
        self._home = ask.base_url
        if self._shop.setting("challenge", False):
            return errors.challenge()
        if ask.method in self._shop.setting("blocked_methods", ()):
            return errors.page(501)
        route = route_of(ask)
        if route is None:
            return errors.page(404)
        self._catch_up()
        try:
            reply = self._dispatch(ask, method_of(ask), route)
            answer = self._answer(ask, reply)
        except Refused as problem:
            answer = self._answer(ask, Reply(value=problem.json(), status=problem.status, headers=self._told(problem)))
        self._endpoints.webhooks.collect(self._home)
        if self._shop.setting("php_warnings", False):
            return replace(answer, body=_WARNING + answer.body)
        return answer

    def _dispatch(self, ask: Ask, method: str, route: str) -> Reply:
        query = query_of(ask)
        key = self._user(ask)
        if key is not None:
            self._check_permissions(method)
        if method == "OPTIONS":
            return self._described(route)
        if route in ("", "/wc/v3"):
            return Reply(value=self._index(route))
        found = self._endpoints.find(method, route)
        if found is None:
            raise no_route()
        endpoint, path = found
        params = {**path, **query, **body_of(ask)}
        call = Call(
            params=checked(params, endpoint.schema), query=query, home=ask.base_url, key=key, given=frozenset(params)
        )
        self._permit(endpoint, call)
        reply = endpoint.answer(call)
        if "_fields" in query:
            wanted = {name.partition(".")[0] for name in texts(query["_fields"])}
            return replace(reply, value=_only(reply.value, wanted))
        return reply

    def _user(self, ask: Ask) -> str | None:
        return self._keys.user(
            ask,
            query_of(ask),
            https=self._shop.setting("https", True),
            stripped=self._shop.setting("strip_authorization", False),
        )

    def _check_permissions(self, method: str) -> None:
        """Refuse what the key is not for; it is asked before the path is looked at."""
        has = self._shop.setting("permissions", "read_write")
        needs = "read" if method in ("GET", "HEAD") else "write"
        if method != "OPTIONS" and has not in (needs, "read_write"):
            raise refused(
                "woocommerce_rest_authentication_error",
                f"The API key provided does not have {needs} permissions.",
                401,
            )

    def _permit(self, endpoint: Endpoint, call: Call) -> None:
        """Refuse what the user of the key has no right to: 401 for a stranger, 403 for anybody else."""
        lacking = endpoint.resource in self._shop.setting("forbidden", ())
        if (call.key is None or lacking) and self._endpoints.exists(endpoint, call):
            code, message = _CANNOT[endpoint.action]
            raise refused(f"woocommerce_rest_cannot_{code}", message, 401 if call.key is None else 403)

    def _told(self, problem: Refused) -> Sequence[tuple[str, str]]:
        if problem.message != "Consumer secret is invalid.":
            return ()
        realm = "WooCommerce API. Use a consumer key in the username field and a consumer secret in the password field."
        return (("WWW-Authenticate", f'Basic realm="{realm}"'),)

    def _answer(self, ask: Ask, reply: Reply) -> Answer:
        root = () if any(name == "Link" for name, _ in reply.headers) else (self._root_link(ask),)
        return Answer(
            status=reply.status,
            headers=(
                ("Content-Type", "application/json; charset=UTF-8"),
                ("X-Robots-Tag", "noindex"),
                ("X-Content-Type-Options", "nosniff"),
                ("Access-Control-Expose-Headers", "X-WP-Total, X-WP-TotalPages, Link"),
                *root,
                *reply.headers,
            ),
            body=php_json(reply.value),
        )

    def _root_link(self, ask: Ask) -> tuple[str, str]:
        return "Link", f'<{ask.base_url}/wp-json/>; rel="https://api.w.org/"'

    def _described(self, route: str) -> Reply:
        methods = self._endpoints.methods(route)
        if not methods:
            raise no_route()
        described = [{"methods": [name], "args": {}} for name in methods]
        allowed = ("Allow", ", ".join(dict.fromkeys(methods)))
        return Reply(
            value={"namespace": "wc/v3", "methods": methods, "endpoints": described},
            headers=(allowed,),
        )

    def _index(self, route: str) -> dict[str, Any]:
        """Return what a store tells everybody of itself."""
        if route:
            return {"namespace": "wc/v3", "routes": {}}
        return {
            "name": "Quayside Sandbox",
            "description": "",
            "url": self._home,
            "home": self._home,
            "gmt_offset": "",
            "timezone_string": zone_of(self._shop).key,
            "namespaces": list(_NAMESPACES),
            "authentication": [],
        }

    def _operation(self, ask: Ask) -> str | None:
        """Return the ledger's name for a request, by its method and route, and of a change by what it changes."""
        route = route_of(ask)
        found = self._endpoints.find(method_of(ask), route) if route is not None else None
        if found is None:
            return None
        endpoint, _ = found
        try:
            body = body_of(ask) if endpoint.action == "edit" else {}
        except Refused:
            return endpoint.operation
        if endpoint.operation == "update_order":
            return "mark_fulfilled" if body.get("status") == "completed" else "update_order"
        if endpoint.operation == "set_stock" and endpoint.action == "edit" and not _STOCK_FIELDS & body.keys():
            return "update_product"
        return endpoint.operation

    def _catch_up(self) -> None:
        """Take the orders that have come in."""
        for _ in range(self._arrivals.due()):
            sale = self._sales.next()
            if sale is not None:
                self._shop.place(sale, self._shop.now())
        self._endpoints.webhooks.collect(self._home)

    # What tests may order

    async def _place(self, ask: Ask) -> Answer:
        self._home = ask.base_url
        self._catch_up()
        try:
            sales = ordered(self._sales, ask.body)
        except ValueError as error:
            return Answer.json({"error": str(error)}, 400)
        placed = []
        for sale in sales:
            order = self._shop.place(sale, self._shop.now())
            placed.append({"id": order.id, "number": order.number})
        self._endpoints.webhooks.collect(self._home)
        return Answer.json({"orders": placed})

    async def _show_stock(self, ask: Ask) -> Answer:
        self._catch_up()
        return Answer.json(
            [
                {"sku": one.sku, "id": one.id, "managed": one.holder is not None, "quantity": holder.quantity}
                if (holder := one.holder)
                else {"sku": one.sku, "id": one.id, "managed": False, "quantity": None}
                for one in self._shop.products.values()
            ]
        )

    async def _count_stock(self, ask: Ask) -> Answer:
        """Set the stock of SKUs, as a person at the store's own screen would."""
        wanted = json_object(ask.body)
        skus = {one.sku: one.holder for one in self._shop.products.values() if one.sku}
        if wanted is None or not all(skus.get(sku) and isinstance(number, int) for sku, number in wanted.items()):
            return Answer.json({"error": "the body must be a JSON object of counted SKUs and whole numbers"}, 400)
        for sku, number in wanted.items():
            holder = skus[sku]
            if holder is not None:
                holder.quantity = number
                self._shop.saved(holder, self._shop.now())
        self._endpoints.webhooks.collect(self._home)
        return Answer.json({"set": len(wanted)})

    async def _fail(self, ask: Ask) -> Answer:
        """Let deliveries of a webhook fail in a row (``{"id": 1, "count": 7}``), as a receiver that is down would."""
        wanted = json_object(ask.body) or {}
        found = self._endpoints.webhooks.all.get(wanted.get("id", 0))
        count = wanted.get("count", 1)
        if found is None or not isinstance(count, int):
            return Answer.json({"error": "id must be that of a webhook and count a whole number"}, 400)
        self._endpoints.webhooks.fail(found, count)
        return Answer.json({"status": found.status})

    def _deliveries(self, url: str, secret: str) -> Sequence[deliveries.Delivery]:
        self._catch_up()
        return self._endpoints.webhooks.deliveries(url, secret)


def _only(value: Any, wanted: set[str]) -> Any:
    """Return the fields that ``_fields`` names, the first part of each name."""
    if isinstance(value, list):
        return [_only(one, wanted) for one in value]
    return {name: inner for name, inner in value.items() if name in wanted} if isinstance(value, dict) else value
