"""Requests to Shopify's twin, made without a server where only its answers matter."""

from __future__ import annotations

from typing import Any

import orjson
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from integrations.sandbox.routing import RouteTable
from integrations.sandbox.shopify import ShopifyTwin
from integrations.sandbox.twin import Ask

TOKEN = "shpat_quayside"
PATH = "/admin/api/2026-07/graphql.json"


async def ask(twin: ShopifyTwin, query: str, **variables: Any) -> Any:
    """Return the JSON that a query is answered with."""
    headers = CIMultiDict({"X-Shopify-Access-Token": TOKEN, "Content-Type": "application/json"})
    found = RouteTable(twin.routes()).find("POST", PATH)
    assert found is not None
    route, match = found
    answer = await route.answer(
        Ask(
            method="POST",
            path=PATH,
            match=match,
            query=MultiDict(),
            headers=CIMultiDictProxy(headers),
            body=orjson.dumps({"query": query, "variables": variables}),
            base_url="http://127.0.0.1:8060/shopify",
        )
    )
    return orjson.loads(answer.body)
