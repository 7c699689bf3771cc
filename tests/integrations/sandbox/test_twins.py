from __future__ import annotations

import re

import pytest

from integrations.registry import VENDORS, adapter_class
from integrations.sandbox.ledger import Ledger
from integrations.sandbox.routing import RouteTable
from integrations.sandbox.twin import Answer, Quota, Twin, World
from integrations.sandbox.twins import TWINS, load

# What a vendor is asked without a route of that name, and why.
ELSEWHERE = {
    "aramex": {"quote_rates", "create_shipment", "track_shipment"},  # named by the SOAPAction: its own tests see to it
    "avalara": {"check_token"},  # any request proves it
    "klaviyo": {"check_token"},  # any request proves it
    "sendgrid": {"check_token"},  # any request proves it
    "slack": {"check_token"},  # any request proves it
    "smsa": {"quote_rates"},  # answered from the prices of the contract
}


def world() -> World:
    settings = {"acumatica": {"catalogue_size": 3}}
    return World(now=lambda: 0.0, seed=7, ledger=Ledger(lambda: 0.0, 10), settings=settings)


@pytest.fixture(params=TWINS)
def twin(request: pytest.FixtureRequest) -> Twin:
    return load(request.param)(world())


def test_registry_is_sorted() -> None:
    assert list(VENDORS) == sorted(VENDORS)


def test_twin_goes_by_its_registered_name(twin: Twin, request: pytest.FixtureRequest) -> None:
    assert request.node.callspec.params["twin"] == twin.name


@pytest.mark.parametrize("vendor", VENDORS)
def test_twin_plays_what_its_vendor_declares_by_the_same_names(vendor: str) -> None:
    declared = adapter_class(vendor).vendor
    wanted = {operation.name for operation in declared.operations if operation.supported}
    wanted |= {"sign_in"} if declared.sign_in else set()
    twin = load(vendor)(world())
    played = {route.operation for route in twin.routes() if isinstance(route.operation, str)}
    played |= {name for route in twin.routes() if route.body is not None for name in route.body.operations}

    assert wanted - played == ELSEWHERE.get(vendor, set())


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
