"""One request as WordPress sees it: its real method, its route, and its parameters from body, query and path.

A method may be overridden (``?_method=PUT``, ``X-HTTP-Method-Override``), a route may stand in the query
(``?rest_route=/wc/v3/orders``, for stores without pretty links), and a parameter of the body goes before one of the
query or of the path: ``PUT orders/5`` with ``{"id": 6}`` changes order 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from integrations.sandbox.twin import Ask
from integrations.sandbox.woocommerce import php
from integrations.sandbox.woocommerce.errors import refused

_PREFIX = "/wp-json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an endpoint is asked. ``params`` are checked and cast, except within a batch, where nothing is."""

    params: Mapping[str, Any]
    query: Mapping[str, Any]
    home: str  # the store's address without a slash at its end
    key: str | None = None  # whose consumer key it came with; None for a stranger
    given: frozenset[str] = frozenset()  # the parameters that came, those that are null too

    def has(self, name: str) -> bool:
        """Say whether a parameter came and is not null."""
        return self.params.get(name) is not None

    def link(self, path: str) -> str:
        """Return the address of a resource, such as ``orders/5``."""
        return f"{self.home}{_PREFIX}/wc/v3/{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an endpoint answers."""

    value: Any
    status: int = 200
    headers: Sequence[tuple[str, str]] = field(default=())


def method_of(ask: Ask) -> str:
    """Return the method that is meant."""
    return (ask.query.get("_method") or ask.headers.get("X-HTTP-Method-Override") or ask.method).upper()


def route_of(ask: Ask) -> str | None:
    """Return the route without a slash at its end, ``/wc/v3/orders``; None when the address is none of the API's."""
    route = ask.query.get("rest_route")
    if route is None:
        if ask.path != _PREFIX and not ask.path.startswith(f"{_PREFIX}/"):
            return None
        route = ask.path.removeprefix(_PREFIX)
    return route.rstrip("/")


def query_of(ask: Ask) -> dict[str, Any]:
    """Return the query as PHP has it."""
    return php.query(ask.query.items())


def body_of(ask: Ask) -> dict[str, Any]:
    """Return the parameters of the body, JSON or a form by its type; any other body is as good as none.

    Raises Refused when it is no JSON though it says so.
    """
    kind = ask.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return php.query(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
    if kind != "application/json" or not ask.body:
        return {}
    try:
        found = orjson.loads(ask.body)
    except orjson.JSONDecodeError:
        raise refused(
            "rest_invalid_json",
            "Invalid JSON body passed.",
            400,
            json_error_code=4,
            json_error_message="Syntax error",
        ) from None
    return found if isinstance(found, dict) else {}
