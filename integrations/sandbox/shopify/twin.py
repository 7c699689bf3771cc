"""Shopify's twin: tokens, versions and headers around the GraphQL engine, and what tests may order.

There from the start: 48 orders (``gid://shopify/Order/6100000000001`` is #1001, the oldest; …048 is #1048, twenty
minutes old, paid and to be sent), 63 products with the SKUs of the catalogue, two locations
(``gid://shopify/Location/68000000001`` keeps all of it). Three orders are older than the 60 days that a token without
``read_all_orders`` sees; one is a test order, one on hold, one unpaid; some are to be sent from two locations.

Settings: ``scopes`` (what tokens may), ``bucket_points`` (2000), ``restore_rate`` (100), ``token_seconds`` (86399),
``search_lag_seconds`` (0; how late searches are), ``job_seconds`` (1), ``processing_seconds`` (0; how long a mutation
runs, so that two requests can meet under one key), ``time_zone`` (America/New_York), ``order_seconds`` (0; demo 90);
read when the state is made: ``catalogue_size`` (60).

Not played: REST, bulk operations, OAuth's redirects, the cost of each field (``Shopify-GraphQL-Cost-Debug``).
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import orjson
from graphql import FieldNode, GraphQLError, StringValueNode, VariableNode, parse

from integrations.sandbox import deliveries
from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.shopify.access import SCOPES, served_version
from integrations.sandbox.shopify.bucket import Buckets
from integrations.sandbox.shopify.engine import Call, Unfit, answer, choose, plan, throttled
from integrations.sandbox.shopify.gid import gid
from integrations.sandbox.shopify.idempotency import Keys
from integrations.sandbox.shopify.jobs import Jobs
from integrations.sandbox.shopify.mutations import Mutations
from integrations.sandbox.shopify.opening import open_shop
from integrations.sandbox.shopify.queries import Queries
from integrations.sandbox.shopify.shop import VENDOR, Shop
from integrations.sandbox.shopify.tokens import TokenRefused, Tokens
from integrations.sandbox.shopify.webhooks import Webhooks
from integrations.sandbox.storefront import Arrivals, Sales, json_object, ordered
from integrations.sandbox.twin import Answer, Ask, BodyTells, Latency, Quota, Route, World

_TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105  # the name of a header
_UNAUTHORISED = "[API] Invalid API key or access token (unrecognized login or wrong password)"
_TEXTS = {
    401: _UNAUTHORISED,
    402: "Unavailable Shop",
    403: "Forbidden",
    404: "Not Found",
    423: "Locked",
    429: "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.",
}
# The operation of a request by the first field it asks for.
_OPERATIONS = {
    "orders": "list_orders",
    "ordersCount": "list_orders",
    "order": "get_order",
    **dict.fromkeys(("products", "product", "productVariants", "productVariant", "productVariantsCount"), "list_stock"),
    **dict.fromkeys(("inventoryItems", "inventoryItem", "inventoryLevel"), "list_stock"),
    **dict.fromkeys(("inventorySetQuantities", "inventoryAdjustQuantities"), "set_stock"),
    **dict.fromkeys(("fulfillmentCreate", "fulfillmentTrackingInfoUpdate"), "mark_fulfilled"),
    "refundCreate": "refund_order",
    "orderCancel": "cancel_order",
    "fulfillmentCancel": "cancel_fulfilment",
    **dict.fromkeys(
        ("orderUpdate", "orderClose", "orderOpen", "orderMarkAsPaid", "tagsAdd", "tagsRemove"), "update_order"
    ),
    **dict.fromkeys(
        ("webhookSubscriptionCreate", "webhookSubscriptionUpdate", "webhookSubscriptionDelete"), "subscribe"
    ),
    "job": "poll",
}


class ShopifyTwin:
    """One shop; every well-formed token opens it."""

    name = VENDOR
    latency = Latency(median=0.12, p95=0.4)
    quotas: Sequence[Quota] = ()  # points, not requests: the bucket is the twin's own

    def __init__(self, world: World) -> None:
        self._world = world
        items = catalogue(world.seed, int(world.setting(VENDOR, "catalogue_size", 60)))
        self._sales = Sales(world, VENDOR, items)
        self._arrivals = Arrivals(world, VENDOR)
        self._shop = Shop(world, items)
        open_shop(self._shop, self._sales)
        self._jobs = Jobs(self._shop)
        self._webhooks = Webhooks(self._shop)
        self._keys = Keys(world.now)
        self._tokens = Tokens(world)
        self._draw = world.chance(f"{VENDOR} requests {world.now():.0f}")
        self._buckets = Buckets(
            world.now,
            lambda: float(self._setting("bucket_points", 2000)),
            lambda: float(self._setting("restore_rate", 100)),
        )

    def __repr__(self) -> str:
        return f"<ShopifyTwin {self._shop!r}, {self._tokens!r}, {self._keys!r}, {self._buckets!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the token endpoint and the one address of the API."""
        return (
            Route(method="POST", path="/admin/oauth/access_token", operation="sign_in", answer=self._sign_in),
            Route(
                method="POST",
                path="/admin/api/{version}/graphql.json",
                operation="look_up",
                answer=self._graphql,
                body=BodyTells(
                    operations=tuple(sorted({*_OPERATIONS.values(), "look_up"})),
                    operation=operation_of,
                    idempotency_key=key_of,
                ),
            ),
        )

    def controls(self) -> Sequence[Route]:
        """Return what a test may look into or order: sales, stock, an empty bucket, webhooks."""
        return (
            Route(method="POST", path="/orders", operation="control", answer=self._place),
            Route(method="GET", path="/stock", operation="control", answer=self._show_stock),
            Route(method="PUT", path="/stock", operation="control", answer=self._count_stock),
            Route(method="POST", path="/drain", operation="control", answer=self._drain),
            deliveries.control(self._deliveries),
        )

    def credential(self, ask: Ask) -> str:
        """Return the app a token belongs to, a static token itself."""
        token = ask.headers.get(_TOKEN_HEADER, "")
        return self._tokens.owner(token) or token

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return THROTTLED at 200: as many points are missing as the wait brings, at most what a query may cost."""
        rate = float(self._setting("restore_rate", 100))
        missing = min(1_000, max(1, math.ceil(retry_after * rate)))
        status = {
            "maximumAvailable": int(self._setting("bucket_points", 2000)),
            "currentlyAvailable": 0,
            "restoreRate": int(rate),
        }
        return self._answer(throttled(missing, status))

    def unavailable(self, status: int) -> Answer:
        """Return the API's own body for a status: ``errors`` is a text, not a list."""
        text = _TEXTS.get(status, "Internal Server Error" if status >= 500 else "Bad Request")
        wait = (("Retry-After", "2.0"),) if status == 429 else ()
        return self._answer({"errors": text}, status, *wait)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with the first list of nodes (or the first object) gone from under its first field."""
        value = orjson.loads(answer.body)
        data = value.get("data") if isinstance(value, dict) else None
        for name, found in list((data or {}).items()):
            if isinstance(found, dict) and found:
                found.pop(
                    next((key for key in ("nodes", "edges", "id", "userErrors") if key in found), next(iter(found)))
                )
            else:
                value["data"][name] = "broken"
            break
        else:
            value.pop("access_token", None)
        return replace(answer, body=orjson.dumps(value))

    # The token endpoint

    async def _sign_in(self, ask: Ask) -> Answer:
        try:
            return self._answer(self._tokens.issue(_fields(ask), ",".join(sorted(self._scopes()))))
        except TokenRefused as refused:
            return self._answer({"error": refused.error, "error_description": refused.description}, 400)

    # GraphQL

    async def _graphql(self, ask: Ask) -> Answer:
        owner = self._tokens.owner(ask.headers.get(_TOKEN_HEADER, ""))
        if owner is None:
            return self.unavailable(401)
        version = served_version(ask.match["version"], self._world.now())
        if version is None:
            return self.unavailable(404)
        served = ("X-Shopify-API-Version", version)
        if "json" not in ask.headers.get("Content-Type", ""):
            return self._answer({"errors": {"query": "Required parameter missing or invalid"}}, 400, served)
        wanted = json_object(ask.body)
        if wanted is None or not isinstance(wanted.get("query"), str) or not wanted["query"].strip():
            return self._answer({"errors": {"query": "Required parameter missing or invalid"}}, 400, served)
        variables = wanted.get("variables")
        try:
            made = plan(wanted["query"], variables if isinstance(variables, dict) else {}, wanted.get("operationName"))
        except Unfit as unfit:
            return self._answer({"errors": unfit.errors}, 200, served)
        self._catch_up()
        keys = self._keys_of(ask, owner) if made.is_mutation else set()
        busy = frozenset(key for name, key in keys & self._keys.running if name == owner)
        call = Call(credential=owner, scopes=self._scopes(), busy=busy)
        mine = keys - self._keys.running
        self._keys.running |= mine
        try:
            if made.is_mutation and not busy:
                await self._work()
            roots = (
                Mutations(self._shop, self._jobs, self._webhooks, self._keys, call)
                if made.is_mutation
                else Queries(self._shop, self._jobs, self._webhooks, call)
            )
            body = answer(made, call, roots.root(), self._buckets)
        finally:
            self._keys.running -= mine
        self._webhooks.collect()
        return self._answer(body, 200, served)

    def _keys_of(self, ask: Ask, owner: str) -> set[tuple[str, str]]:
        key = key_of(ask)
        return set() if key is None else {(owner, key)}

    async def _work(self) -> None:
        seconds = float(self._setting("processing_seconds", 0))
        if seconds > 0:
            await asyncio.sleep(seconds)

    def _catch_up(self) -> None:
        """Do the jobs that are due and take the orders that have come in."""
        self._jobs.run()
        for _ in range(self._arrivals.due()):
            sale = self._sales.next()
            if sale is not None:
                self._shop.place(sale, self._world.now())
        self._webhooks.collect()

    def _scopes(self) -> frozenset[str]:
        return frozenset(self._setting("scopes", SCOPES))

    def _setting(self, name: str, usual: Any) -> Any:
        return self._world.setting(VENDOR, name, usual)

    def _answer(self, body: Mapping[str, Any], status: int = 200, *headers: tuple[str, str]) -> Answer:
        request_id = str(uuid.UUID(int=self._draw.getrandbits(128), version=4))
        return Answer(
            status=status,
            headers=(("Content-Type", "application/json; charset=utf-8"), ("X-Request-Id", request_id), *headers),
            body=orjson.dumps(body),
        )

    # What tests may order

    async def _place(self, ask: Ask) -> Answer:
        self._catch_up()
        try:
            sales = ordered(self._sales, ask.body)
        except ValueError as error:
            return Answer.json({"error": str(error)}, 400)
        placed = []
        for sale in sales:
            order = self._shop.place(sale, self._world.now())
            placed.append({"id": gid("Order", order.id), "name": order.name})
        self._webhooks.collect()
        return Answer.json({"orders": placed})

    async def _show_stock(self, ask: Ask) -> Answer:
        self._catch_up()
        return Answer.json(
            [
                {
                    "sku": variant.sku,
                    "inventory_item_id": gid("InventoryItem", variant.inventory_item_id),
                    "location_id": gid("Location", level.location.id),
                    "available": level.available,
                    "on_hand": level.on_hand,
                }
                for variant in self._shop.variants.values()
                for level in variant.levels.values()
            ]
        )

    async def _count_stock(self, ask: Ask) -> Answer:
        """Set what can be sold of SKUs at the first location, as a person at the shop's own screen would."""
        wanted = json_object(ask.body)
        skus = {variant.sku: variant for variant in reversed(self._shop.variants.values()) if variant.levels}
        if wanted is None or not all(sku in skus and isinstance(number, int) for sku, number in wanted.items()):
            return Answer.json({"error": "the body must be a JSON object of known SKUs and whole numbers"}, 400)
        for sku, number in wanted.items():
            level = next(iter(skus[sku].levels.values()))
            level.available = number
            self._shop.moved(level)
        self._webhooks.collect()
        return Answer.json({"set": len(wanted)})

    async def _drain(self, ask: Ask) -> Answer:
        """Empty the bucket of a token (``{"token": …}``), as another process of the same app would."""
        wanted = json_object(ask.body) or {}
        token = wanted.get("token")
        owner = self._tokens.owner(token) if isinstance(token, str) else None
        if owner is None:
            return Answer.json({"error": "token must be an access token that is accepted"}, 400)
        self._buckets.drain(owner)
        return Answer.json({"status": "ok"})

    def _deliveries(self, url: str, secret: str) -> Sequence[deliveries.Delivery]:
        self._catch_up()
        return self._webhooks.deliveries(url, secret)


def operation_of(ask: Ask) -> str | None:
    """Return the ledger's name for a request by the first field it asks for; None for what is looked up besides."""
    field = _first_field(ask)
    return None if field is None else _OPERATIONS.get(field.name.value)


def key_of(ask: Ask) -> str | None:
    """Return the key of ``@idempotent`` on the first field, written out or in a variable."""
    field = _first_field(ask)
    for directive in (field.directives if field is not None else None) or ():
        for argument in (directive.arguments if directive.name.value == "idempotent" else None) or ():
            if isinstance(argument.value, StringValueNode):
                return argument.value.value
            if isinstance(argument.value, VariableNode):
                variables = (json_object(ask.body) or {}).get("variables")
                value = variables.get(argument.value.name.value) if isinstance(variables, dict) else None
                return value if isinstance(value, str) else None
    return None


def _first_field(ask: Ask) -> FieldNode | None:
    wanted = json_object(ask.body) or {}
    text, name = wanted.get("query"), wanted.get("operationName")
    if not isinstance(text, str):
        return None
    try:
        operation = choose(parse(text), name if isinstance(name, str) else None)
    except (GraphQLError, Unfit, RecursionError):
        return None
    fields = (one for one in operation.selection_set.selections if isinstance(one, FieldNode))
    return next((field for field in fields if not field.name.value.startswith("__")), None)


def _fields(ask: Ask) -> dict[str, Any]:
    """Return the fields of the token request, JSON or form alike."""
    if "json" in ask.headers.get("Content-Type", ""):
        return json_object(ask.body) or {}
    return dict(parse_qsl(ask.body.decode("utf-8", "replace")))
