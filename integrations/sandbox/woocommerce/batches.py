"""Batches: up to a hundred objects in one request, which answers 200 whatever became of each.

The parts are handed to the endpoints unchecked: no type is looked at, and only what an endpoint itself refuses is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from integrations.sandbox.woocommerce import php
from integrations.sandbox.woocommerce.call import Call, Reply
from integrations.sandbox.woocommerce.errors import Refused, refused

_MOST = 100
Act = Callable[[Call], Reply]


def batch(call: Call, create: Act, update: Act, delete: Act) -> Reply:
    """Create, update and delete, in this order. Raises Refused when there are too many."""
    parts = {name: _parts(call, name) for name in ("create", "update", "delete")}
    if sum(map(len, parts.values())) > _MOST:
        raise refused(
            "woocommerce_rest_request_entity_too_large",
            f"Unable to accept more than {_MOST} items for this request.",
            413,
        )
    answer: dict[str, list[Any]] = {}
    for name, act in (("create", create), ("update", update), ("delete", delete)):
        for part in parts[name]:
            given = part if isinstance(part, Mapping) else {"id": php.integer(part), "force": True}
            if name == "delete" and not given.get("id"):
                continue
            id = 0 if name == "create" else given.get("id")
            answer.setdefault(name, []).append(_one(call, act, given, id))
    return Reply(value=answer or [])  # an empty array of PHP's, whatever it would have been the keys of


def _parts(call: Call, name: str) -> list[Any]:
    given = call.params.get(name)
    return given if isinstance(given, list) else []


def _one(call: Call, act: Act, given: Mapping[str, Any], id: Any) -> Any:
    outer = {name: value for name, value in call.params.items() if name in ("product_id", "order_id")}
    try:
        return act(replace(call, params={**outer, **given}, given=frozenset(given))).value
    except Refused as problem:
        return {"id": id, "error": problem.json()}
