"""Australia Post's twin: keys, accounts and limits around prices, shipments, labels, orders and tracking.

Played is an eParcel contract; StarTrack accounts (eight digits) are not known here. Paths may start with
``/shipping/v1`` or ``/test/shipping/v1`` as the vendor's do, or leave that to the base URL.

Settings of its own, beside those of the services: ``products`` (all of them: the product ids the contract has),
``lodgement_postcode`` (unset: shipments must come from there), ``limit_headers`` (true: the headers are known from a
secondary source only).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from integrations.sandbox.australia_post import errors, places, prices, reading
from integrations.sandbox.australia_post.errors import Refused, shipping
from integrations.sandbox.australia_post.orders import Orders
from integrations.sandbox.australia_post.papers import Papers
from integrations.sandbox.australia_post.products import CUBING_FACTOR, PRODUCTS
from integrations.sandbox.australia_post.reading import Reader
from integrations.sandbox.australia_post.shipments import Kept, Shipments, local_day
from integrations.sandbox.australia_post.tracking import track
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, Standing, World

_ROOT = "{root:(?:(?:/test)?/shipping/v1)?}"
_ACCOUNT = 10
_WINDOWS = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86_400.0: "day"}
_CREATED = 201

Handler = Callable[[Ask, str], Answer]  # the request and the account


class AustraliaPostTwin:
    """The shipping and tracking API, for any key, password and account of ten digits."""

    name = "australia_post"
    latency = Latency(median=0.5, p95=1.9)
    # Per credential. Ten a minute is the reference's; that the other two are limited is too, their numbers are ours.
    quotas: Sequence[Quota] = (
        Quota(name="tracking", limit=10, seconds=60.0, operations=("track_shipment",)),
        Quota(name="shipments", limit=120, seconds=60.0, operations=("look_up",)),
        Quota(name="labels", limit=60, seconds=60.0, operations=("poll",)),
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self._shipments = Shipments(world)
        self._papers = Papers(world, self._shipments)
        self._orders = Orders(world, self._shipments)

    def __repr__(self) -> str:
        return f"<AustraliaPostTwin {self._shipments!r} {self._orders!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the routes; a label's link is opened without a key."""
        link = Route(
            method="GET",
            path=f"{_ROOT}/lodgement4/labels/{{file}}",
            operation="get_label",
            answer=self._document,
            counts=False,
        )
        summary = "/accounts/{account}/orders/{id}/summary"
        return (
            self._route("POST", "/prices/items", "quote_rates", self._price_items),
            self._route("POST", "/prices/shipments", "quote_rates", self._price_shipments),
            self._route("POST", "/shipments/validation", "validate_shipment", self._validate),
            self._route("POST", "/shipments", "create_shipment", self._create),
            self._route("GET", "/shipments", "look_up", self._list),
            self._route("DELETE", "/shipments", "cancel_shipment", self._delete),
            self._route("DELETE", "/shipments/{id}", "cancel_shipment", self._delete),
            self._route("POST", "/labels", "get_label", self._make_labels),
            self._route("GET", "/labels/{id}", "poll", self._look_at_labels),
            self._route("PUT", "/orders", "create_order", self._order),
            self._route("POST", "/orders", "create_order", self._order_with_shipments),
            self._route("GET", "/orders/{id}", "get_order", self._show_order),
            self._route("GET", summary, "get_order", self._show_summary),
            self._route("GET", "/accounts/{account}", "get_account", self._show_account),
            self._route("GET", "/address", "validate_suburb", self._suburbs),
            self._route("GET", "/track", "track_shipment", self._track),
            link,
        )

    def credential(self, ask: Ask) -> str:
        """Return the API key; all accounts it opens are counted together."""
        return _key(ask) or ""

    def announce(self, answer: Answer, standings: Sequence[Standing]) -> Answer:
        """Return the answer with ``X-RateLimit-Limit-minute`` and its like for every window of a known length."""
        if not self._world.setting("australia_post", "limit_headers", True):
            return answer
        told = [
            header
            for standing in standings
            if (window := _WINDOWS.get(standing.quota.seconds)) is not None
            for header in (
                (f"X-RateLimit-Limit-{window}", str(standing.quota.limit)),
                (f"X-RateLimit-Remaining-{window}", str(standing.remaining)),
            )
        ]
        return replace(answer, headers=(*answer.headers, *told))

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return the gateway's 429; nothing says how long to wait."""
        refused = errors.refusal(Refused(429, errors.gateway(429)))
        return self.announce(refused, [Standing(quota=quota, remaining=0, reset=retry_after)])

    def unavailable(self, status: int) -> Answer:
        """Return the vendor's body for a status."""
        return errors.plain(status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without the ids and results it is about, and words where a price was."""
        value = orjson.loads(answer.body) if answer.body[:1] == b"{" else {}
        value.pop("tracking_results", None)
        for shipment in value.get("shipments", []):
            shipment.pop("shipment_id", None)
        for item in value.get("items", []):
            for price in item.get("prices", []):
                price["calculated_price"] = "not a number"
        for label in value.get("labels", []):
            label.pop("status", None)
        return replace(answer, body=orjson.dumps(value))

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def answer(ask: Ask) -> Answer:
            try:
                return handler(ask, _account(ask))
            except Refused as refused:
                return errors.refusal(refused)

        return Route(method=method, path=f"{_ROOT}{path}", operation=operation, answer=answer)

    @property
    def _allowed(self) -> Sequence[str]:
        named: Sequence[str] = self._world.setting("australia_post", "products", tuple(PRODUCTS))
        return named

    def _price_items(self, ask: Ask, account: str) -> Answer:
        asked = reading.body(ask.body)
        self._check_origin(asked)
        return Answer.json(prices.of_items(asked, self._allowed))

    def _price_shipments(self, ask: Ask, account: str) -> Answer:
        return Answer.json(prices.of_shipments(reading.body(ask.body), self._allowed))

    def _validate(self, ask: Ask, account: str) -> Answer:
        reading.wishes(reading.body(ask.body), self._allowed)
        return Answer()  # nothing in it: all is well

    def _create(self, ask: Ask, account: str) -> Answer:
        asked = reading.body(ask.body)
        wishes = reading.wishes(asked, self._allowed)
        for one in asked.objects("shipments"):
            self._check_origin(one)
        reading.done(asked)
        made = [self._shipments.create(wish, account) for wish in wishes]
        return Answer.json({"shipments": [self._shipments.told(kept) for kept in made]}, _CREATED)

    def _list(self, ask: Ask, account: str) -> Answer:
        named = _list_of(ask.query.get("shipment_ids"))
        found = [self._shipments.find(id, account) for id in named] if named else self._page(ask, account)
        return Answer.json({"shipments": [self._shipments.told(kept, whole=True) for kept in found]})

    def _page(self, ask: Ask, account: str) -> list[Kept]:
        """Return one page of the shipments that pass the filters; both its start and its length are needed."""
        numbers = {}
        for name in ("offset", "number_of_shipments"):
            text = ask.query.get(name, "")
            if not text.isdigit():
                raise Refused(400, shipping("40002", name, field=name))
            numbers[name] = int(text)
        speed = float(self._world.setting("australia_post", "tracking_speed", 1))
        statuses = [status.lower() for status in _list_of(ask.query.get("status"))]
        days, references = _list_of(ask.query.get("despatch_date")), _list_of(ask.query.get("sender_reference"))
        found = [
            kept
            for kept in self._shipments.owned(account)
            if (not statuses or kept.status(self._world.now(), speed).lower() in statuses)
            and (not days or (kept.ordered is not None and local_day(kept.ordered) in days))
            and (not references or any(name in references for name in kept.wish.references))
        ]
        return found[numbers["offset"] : numbers["offset"] + numbers["number_of_shipments"]]

    def _delete(self, ask: Ask, account: str) -> Answer:
        ids = [ask.match["id"]] if "id" in ask.match else _list_of(ask.query.get("shipment_ids"))
        self._shipments.delete(ids, account)
        return Answer()  # 200 with no payload

    def _make_labels(self, ask: Ask, account: str) -> Answer:
        return Answer.json(self._papers.request(reading.body(ask.body), account, _host(ask)))

    def _look_at_labels(self, ask: Ask, account: str) -> Answer:
        return Answer.json(self._papers.look(ask.match["id"], account, _host(ask)))

    async def _document(self, ask: Ask) -> Answer:
        return self._papers.document(ask.match["file"], ask.query.get("Expires", ""), ask.query.get("Signature", ""))

    def _order(self, ask: Ask, account: str) -> Answer:
        return Answer.json(self._orders.from_shipments(reading.body(ask.body), account), _CREATED)

    def _order_with_shipments(self, ask: Ask, account: str) -> Answer:
        made = self._orders.with_shipments(reading.body(ask.body), account, self._allowed)
        return Answer.json(made, _CREATED)

    def _show_order(self, ask: Ask, account: str) -> Answer:
        return Answer.json(self._orders.told(self._orders.find(ask.match["id"], account), whole=True))

    def _show_summary(self, ask: Ask, account: str) -> Answer:
        _check_same(ask.match["account"], account)
        order = self._orders.find(ask.match["id"], account, status=400)  # the reference's own example has 400 here
        return Answer(headers=(("Content-Type", "application/pdf"),), body=self._orders.summary(order))

    def _show_account(self, ask: Ask, account: str) -> Answer:
        _check_same(ask.match["account"], account)
        return Answer.json(_told_account(account, self._allowed))

    def _suburbs(self, ask: Ask, account: str) -> Answer:
        suburb, state, postcode = (ask.query.get(name, "") for name in ("suburb", "state", "postcode"))
        if not suburb or state.upper() not in places.STATES or places.state(postcode) is None:
            raise Refused(400, errors.wrong_suburb(suburb or None))
        found = places.fits(suburb, state, postcode)
        known = places.suburbs(state, postcode)
        return Answer.json({"found": found, "results": list(known) or ([suburb.title()] if found else [])})

    def _track(self, ask: Ask, account: str) -> Answer:
        return Answer.json(track(self._world, self._shipments, ask.query.get("tracking_ids")))

    def _check_origin(self, asked: Reader) -> None:
        """Note a sender that is not where the contract's parcels are lodged."""
        lodged = self._world.setting("australia_post", "lodgement_postcode", None)
        origin = asked.value.get("from")
        postcode = origin.get("postcode") if isinstance(origin, dict) else None
        if lodged is not None and postcode is not None and str(postcode) != str(lodged):
            asked.problems.append(shipping("41007", str(postcode), field=asked.at("from.postcode")))


def _key(ask: Ask) -> str | None:
    """Return the key of well-formed Basic credentials; None for others, and for those that say they are invalid."""
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    key, colon, password = text.partition(":")
    if scheme.lower() != "basic" or not (key and colon and password) or "invalid" in text.lower():
        return None
    return key


def _account(ask: Ask) -> str:
    """Return the account; raises Refused without good credentials, without an account, or for one whose zeros are lost."""
    if _key(ask) is None:
        raise Refused(401, errors.gateway(401))
    account = ask.headers.get("Account-Number", "").strip()
    if not account:
        raise Refused(400, shipping("40001"))
    if not (account.isascii() and account.isdigit() and len(account) == _ACCOUNT):
        raise Refused(400, shipping("41001", account))
    return account


def _check_same(named: str, account: str) -> None:
    if named != account:
        raise Refused(404, shipping("41002", named))


def _host(ask: Ask) -> str:
    return ask.base_url.rstrip("/") + ask.match.get("root", "")


def _list_of(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _told_account(account: str, allowed: Sequence[str]) -> dict[str, Any]:
    """Return an account with the products of its contract."""
    return {
        "account_number": account,
        "name": "Quayside Sandbox",
        "valid_from": "2014-02-24",
        "valid_to": "2999-12-31",
        "expired": False,
        "addresses": [
            {
                "type": "MERCHANT_LOCATION",
                "lines": ["1 Quay St"],
                "suburb": "MELBOURNE",
                "postcode": "3000",
                "state": "VIC",
            }
        ],
        "details": {"contact_number": "0355500100", "email_address": "shop@example.com", "lodgement_postcode": "3000"},
        "postage_products": [
            {
                "type": product.type,
                "group": product.group,
                "product_id": product.id,
                "contract": {
                    "valid_from": "2014-02-24",
                    "valid_to": "2999-12-31",
                    "expired": False,
                    "volumetric_pricing": True,
                    "max_item_count": 20,
                    "cubing_factor": int(CUBING_FACTOR),
                },
                "options": {
                    "signature_on_delivery_option": product.signature,
                    "authority_to_leave_option": not product.abroad,
                },
            }
            for product in PRODUCTS.values()
            if product.id in allowed
        ],
        "merchant_location_id": "QSB",
        "credit_blocked": False,
    }
