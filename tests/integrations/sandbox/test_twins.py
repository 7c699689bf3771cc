from __future__ import annotations

import re

import pytest

from integrations.sandbox.ledger import Ledger
from integrations.sandbox.routing import RouteTable
from integrations.sandbox.twin import Answer, Quota, Twin, World
from integrations.sandbox.twins import TWINS, load

SHIPPING = {"quote_rates", "create_shipment", "track_shipment"}
OPERATIONS = {
    "acumatica": {
        *("list_stock", "adjust_stock", "put_sales_order", "find_sales_order", "put_purchase_order"),
        *("list_purchase_orders", "put_payment", "put_invoice", "sign_in", "sign_out", "poll", "look_up"),
    },
    "aramex": set(),  # named by the SOAPAction of the request: its own tests see to it
    "australia_post": {*SHIPPING, "cancel_shipment", "look_up", "get_label", "poll", "create_order"},
    "avalara": {"quote_tax", "commit_tax", "void_tax", "resolve_address", "look_up", "adjust_tax", "refund_tax"},
    "canada_post": {*SHIPPING, "cancel_shipment", "look_up"},
    "dhl_express": {*SHIPPING, "get_label", "reserve_numbers", "create_pickup", "cancel_pickup"},
    "ecb": {"latest_rates", "historical_rates"},
    "fedex": {*SHIPPING, "cancel_shipment", "sign_in"},
    "frankfurter": {"latest_rates", "historical_rates", "look_up"},
    "google_ads": {"daily_spend", "send_conversion", "poll", "look_up", "sign_in"},
    "klaviyo": {"upsert_profile", "track_event", "look_up"},
    "meta_ads": {"daily_spend", "send_conversion", "poll", "look_up", "sign_in"},
    "mollie": {"create_payment", "capture_payment", "get_payment", "refund_payment", "list_transactions", "look_up"},
    "open_exchange_rates": {"latest_rates", "historical_rates", "look_up"},
    "paypal": {
        *(
            "create_payment",
            "capture_payment",
            "get_payment",
            "refund_payment",
            "list_transactions",
            "sign_in",
            "look_up",
        ),
    },
    "razorpay": {"create_payment", "capture_payment", "get_payment", "refund_payment", "list_transactions", "look_up"},
    "sendgrid": {"send_email", "look_up"},
    "shopify": {"list_orders", "get_order", "list_stock", "set_stock", "mark_fulfilled", "sign_in", "look_up", "poll"},
    "signifyd": {"screen_order", "get_decision"},
    "slack": {"post_message", "update_message", "look_up"},
    "smsa": {"create_shipment", "track_shipment", "cancel_shipment", "look_up", "get_label"},
    "stripe": {"create_payment", "capture_payment", "get_payment", "refund_payment", "list_transactions"},
    "tap": {"create_payment", "capture_payment", "get_payment", "refund_payment", "list_transactions", "look_up"},
    "twilio": {"send_sms", "get_sms", "look_up"},
    "ups": {*SHIPPING, "cancel_shipment", "sign_in", "look_up"},
    "vies": {"check_vat_number", "look_up"},
    "woocommerce": {"list_orders", "get_order", "list_stock", "set_stock", "mark_fulfilled", "look_up"},
}


@pytest.fixture(params=TWINS)
def twin(request: pytest.FixtureRequest) -> Twin:
    settings = {"acumatica": {"catalogue_size": 3}}
    world = World(now=lambda: 0.0, seed=7, ledger=Ledger(lambda: 0.0, 10), settings=settings)
    return load(request.param)(world)


def test_registry_is_sorted() -> None:
    assert list(TWINS) == sorted(TWINS)


def test_twin_goes_by_its_registered_name(twin: Twin, request: pytest.FixtureRequest) -> None:
    assert request.node.callspec.params["twin"] == twin.name


def test_twin_plays_the_operations_of_its_kind_by_their_fixed_names(twin: Twin) -> None:
    played = {route.operation for route in twin.routes() if isinstance(route.operation, str)}
    played |= {name for route in twin.routes() if route.body is not None for name in route.body.operations}

    assert OPERATIONS[twin.name] - played == set()


def test_every_route_can_be_found(twin: Twin) -> None:
    table = RouteTable(twin.routes())
    for route in twin.routes():
        path = re.sub(r"\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", "2026-10-01", route.path)

        assert table.find(route.method, path) is not None or ":" in route.path


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 502, 503, 504])
def test_twin_has_a_body_for_every_status(twin: Twin, status: int) -> None:
    answer = twin.unavailable(status)

    assert (answer.status, bool(answer.body)) == (status, True)


def test_twin_has_an_answer_to_one_request_too_many(twin: Twin) -> None:
    assert isinstance(twin.rate_limited(Quota(name="x", limit=1, seconds=60.0), 12.3), Answer)
    assert twin.latency.median <= twin.latency.p95
