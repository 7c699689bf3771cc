"""The part of the Admin API that is played, held against the whole as it was published, and every field of it asked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
    is_specified_directive,
)

from integrations.sandbox.ledger import Ledger
from integrations.sandbox.shopify import ShopifyTwin
from integrations.sandbox.shopify.engine import load_schema
from integrations.sandbox.shopify.gid import gid
from integrations.sandbox.twin import World
from tests.contracts import contract
from tests.integrations.sandbox.conftest import START
from tests.integrations.sandbox.shopify_requests import ask

ORDER = 6_100_000_000_000
PLAYED = [name for name in sorted(load_schema().type_map) if not name.startswith("__")]


@lru_cache(maxsize=1)
def published() -> GraphQLSchema:
    """The whole API of this version, as a shop told it of itself."""
    return build_schema(contract("shopify/admin_2026-07.graphql").read_text(encoding="utf-8"), assume_valid=True)


def differences(ours: GraphQLNamedType, theirs: GraphQLNamedType | None) -> Iterator[str]:
    """Yield where a type of ours says something else than theirs of the same name; less is allowed where it may be."""
    if type(theirs) is not type(ours):
        yield f"{ours} is {type(theirs).__name__}"
    elif isinstance(ours, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
        if set(ours.values) != set(theirs.values):
            yield f"{ours}: {sorted(set(ours.values) ^ set(theirs.values))}"
    elif isinstance(ours, GraphQLUnionType) and isinstance(theirs, GraphQLUnionType):
        yield from (f"{ours} | {one}" for one in ours.types if one.name not in [each.name for each in theirs.types])
    elif isinstance(ours, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
        yield from arguments_differ(str(ours), ours.fields, theirs.fields)
    elif isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
        assert isinstance(theirs, GraphQLObjectType | GraphQLInterfaceType)
        names = [one.name for one in theirs.interfaces]
        yield from (f"{ours} implements {one}" for one in ours.interfaces if one.name not in names)
        for name, field in ours.fields.items():
            known = theirs.fields.get(name)
            if known is None or str(known.type) != str(field.type):
                yield f"{ours}.{name}: {field.type} is {known and known.type}"
            else:
                yield from arguments_differ(f"{ours}.{name}", field.args, known.args)


def arguments_differ(where: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    """Yield the arguments of ours that are not theirs, and theirs that must be given but cannot be here."""
    for name, argument in ours.items():
        known: GraphQLArgument | None = theirs.get(name)
        if known is None or str(known.type) != str(argument.type) or default(known) != default(argument):
            yield f"{where}({name}: {argument.type} = {default(argument)})"
    for name, known in theirs.items():
        if is_non_null_type(known.type) and name not in ours and default(known) == ("none",):
            yield f"{where} lacks {name}: {known.type}"


def default(argument: Any) -> tuple[Any, ...]:
    """The default as text, told from there being none."""
    given = argument.default
    if given is None:
        return ("none",)
    return ("literal", given.literal and str(given.literal.to_dict()), given.value)


def test_every_type_played_is_the_published_one_or_a_part_of_it() -> None:
    found = [text for name in PLAYED for text in differences(load_schema().type_map[name], published().get_type(name))]

    assert found == []


def test_the_comparison_sees_a_difference() -> None:
    changed = build_schema("type Shop { id: ID!, name: String, nick: String! }")
    found = list(differences(changed.type_map["Shop"], published().get_type("Shop")))

    assert found == ["Shop.name: String is String!", "Shop.nick: String! is None"]


def test_the_idempotent_directive_is_the_published_one() -> None:
    (ours,) = (one for one in load_schema().directives if not is_specified_directive(one))
    theirs = published().get_directive(ours.name)

    assert theirs is not None
    assert (ours.name, ours.locations) == ("idempotent", theirs.locations)
    assert {name: str(one.type) for name, one in ours.args.items()} == {
        name: str(one.type) for name, one in theirs.args.items()
    }


# --- every field ----------------------------------------------------------------------------------------------------


def selection(kind: GraphQLNamedType, depth: int, above: tuple[str, ...] = ()) -> str:
    """Everything of a type, so many objects deep; a list's page is of one."""
    schema = load_schema()
    if isinstance(kind, GraphQLUnionType):
        return " ".join(f"... on {one} {{ {selection(one, depth, above)} }}" for one in kind.types)
    if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        return ""
    parts = ["__typename"]
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        given = ", ".join(
            f"{argument}: {GIVEN[argument]}"
            for argument, one in field.args.items()
            if argument == "first" or (is_non_null_type(one.type) and default(one) == ("none",))
        )
        called = f"{name}({given})" if given else name
        if is_leaf_type(inner):
            parts.append(called)
            continue
        carrier = inner.name.endswith(("Connection", "Edge")) or inner.name in ("MoneyBag", "MoneyV2", "PageInfo")
        if depth > 0 or carrier:
            within = selection(schema.type_map[inner.name], depth if carrier else depth - 1, (*above, kind.name))
            parts.append(f"{called} {{ {within} }}")
    return " ".join(parts)


GIVEN = {
    "first": "1",
    "names": '["available", "on_hand", "committed", "incoming", "reserved", "damaged"]',
    "locationId": f'"{gid("Location", 68_000_000_001)}"',
    "inventoryItemId": f'"{gid("InventoryItem", 43_500_000_000_001)}"',
}
SENT = {  # a thing of each kind, and what it is asked for by
    "order": gid("Order", ORDER + 20),
    "fulfillmentOrder": gid("FulfillmentOrder", ORDER + 20),
    "fulfillment": gid("Fulfillment", ORDER + 1),
    "refund": gid("Refund", ORDER + 1),
    "product": gid("Product", 7_300_000_000_001),
    "productVariant": gid("ProductVariant", 41_200_000_000_001),
    "inventoryItem": gid("InventoryItem", 43_500_000_000_001),
    "inventoryLevel": gid("InventoryLevel", 68_000_001_001) + "?inventory_item_id=43500000000001",
    "location": gid("Location", 68_000_000_001),
}


@pytest.fixture(scope="module")
def twin() -> ShopifyTwin:
    settings = {"shopify": {"bucket_points": 1_000_000}}
    return ShopifyTwin(World(now=lambda: START, seed=7, ledger=Ledger(lambda: START, 10), settings=settings))


@pytest.mark.parametrize("field", SENT)
async def test_every_field_of_a_thing_has_its_value(twin: ShopifyTwin, field: str) -> None:
    query = load_schema().query_type
    assert query is not None
    kind = get_named_type(query.fields[field].type)
    body = await ask(twin, f'{{ {field}(id: "{SENT[field]}") {{ {selection(kind, 1)} }} }}')

    assert body.get("errors") is None
    assert body["data"][field]["id"] == SENT[field]


@pytest.mark.parametrize(
    "field",
    ["shop", "currentAppInstallation", "publicApiVersions", "locationsCount", "ordersCount", "productVariantsCount"],
)
async def test_every_field_of_the_shop_has_its_value(twin: ShopifyTwin, field: str) -> None:
    query = load_schema().query_type
    assert query is not None
    body = await ask(twin, f"{{ {field} {{ {selection(get_named_type(query.fields[field].type), 1)} }} }}")

    assert body.get("errors") is None
    assert body["data"][field]


LISTS = [
    *("orders", "products", "productVariants", "inventoryItems", "locations", "fulfillmentOrders"),
    "webhookSubscriptions",
]


@pytest.mark.parametrize("field", LISTS)
async def test_every_list_can_be_asked(twin: ShopifyTwin, field: str) -> None:
    body = await ask(twin, f"{{ {field}(first: 2) {{ nodes {{ id }} edges {{ cursor node {{ id }} }} }} }}")

    assert body.get("errors") is None
    assert len(body["data"][field]["nodes"]) == (0 if field == "webhookSubscriptions" else 2)
    assert [edge["node"] for edge in body["data"][field]["edges"]] == body["data"][field]["nodes"]


@pytest.mark.parametrize(
    ("field", "keys"), [("orders", "OrderSortKeys"), ("products", "ProductSortKeys"), ("locations", "LocationSortKeys")]
)
async def test_every_sort_key_can_be_asked_for_and_paged_by(twin: ShopifyTwin, field: str, keys: str) -> None:
    kind = load_schema().type_map[keys]
    assert isinstance(kind, GraphQLEnumType)
    for key in kind.values:
        seen: list[str] = []
        after = "null"
        for _ in range(70):
            shown = "nodes { id } pageInfo { hasNextPage endCursor }"
            text = f"{{ {field}(first: 1, after: {after}, sortKey: {key}) {{ {shown} }} }}"
            found = (await ask(twin, text))["data"][field]
            seen += [node["id"] for node in found["nodes"]]
            after = orjson.dumps(found["pageInfo"]["endCursor"]).decode()
            if not found["pageInfo"]["hasNextPage"]:
                break

        assert (key, len(seen)) == (key, len(set(seen)))
        assert len(seen) == {"orders": 45, "products": 63, "locations": 2}[field]
