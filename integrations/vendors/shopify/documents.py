"""The GraphQL documents we send, and the points each may cost.

The points are what a document asks of the bucket before it runs (``requestedQueryCost``), for the largest page we ask
for; the answer tells the true figure, and what was not needed is given back. Source: shopify.dev/docs/api/usage/limits.
"""

from __future__ import annotations

from dataclasses import dataclass

LINES = 50  # of one order in a page of orders; the rest is fetched
LEVELS = 10  # locations of one SKU, where none is named
PARTS = 50  # fulfilments and fulfilment orders of one order

_ORDER = f"""
  id legacyResourceId name processedAt updatedAt cancelledAt closed test
  displayFinancialStatus displayFulfillmentStatus currencyCode email
  currentTotalPriceSet {{ shopMoney {{ amount currencyCode }} }}
  shippingAddress {{ name company address1 address2 city provinceCode zip countryCodeV2 phone }}
  lineItems(first: {LINES}) {{ ...Lines }}
"""
_LINES = """
fragment Lines on LineItemConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    id sku name currentQuantity
    discountedUnitPriceAfterAllDiscountsSet { shopMoney { amount currencyCode } }
  }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One GraphQL operation: its name, its text, and the points it may cost."""

    name: str
    text: str
    cost: float


ORDERS = Document(
    name="Orders",
    text=f"""query Orders($first: Int!, $after: String, $query: String) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ {_ORDER} }}
  }}
}}
{_LINES}""",
    cost=101,
)
ORDER = Document(
    name="Order",
    text=f"query Order($id: ID!) {{ order(id: $id) {{ {_ORDER} }} }}\n{_LINES}",
    cost=11,
)
MORE_LINES = Document(
    name="OrderLines",
    text=f"""query OrderLines($id: ID!, $after: String!) {{
  order(id: $id) {{ lineItems(first: {LINES}, after: $after) {{ ...Lines }} }}
}}
{_LINES}""",
    cost=10,
)
_LEVEL = """
fragment Level on InventoryLevel {
  updatedAt location { id legacyResourceId } quantities(names: ["available"]) { quantity }
}
"""
ITEMS = Document(
    name="Items",
    text=f"""query Items($first: Int!, $after: String, $query: String) {{
  inventoryItems(first: $first, after: $after, query: $query) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      id sku tracked
      inventoryLevels(first: {LEVELS}) {{ pageInfo {{ hasNextPage }} nodes {{ ...Level }} }}
    }}
  }}
}}
{_LEVEL}""",
    cost=137,
)
ITEMS_AT = Document(  # where the location is known: a fourth of the points
    name="ItemsAt",
    text=f"""query ItemsAt($first: Int!, $after: String, $query: String, $location: ID!) {{
  inventoryItems(first: $first, after: $after, query: $query) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ id sku tracked inventoryLevel(locationId: $location) {{ ...Level }} }}
  }}
}}
{_LEVEL}""",
    cost=38,
)
SET_QUANTITIES = Document(
    name="SetQuantities",
    text="""mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}""",
    cost=11,
)
SHIPPING = Document(
    name="Shipping",
    text=f"""query Shipping($id: ID!) {{
  order(id: $id) {{
    id legacyResourceId
    fulfillments(first: {PARTS}) {{ legacyResourceId status trackingInfo(first: 20) {{ number }} }}
    fulfillmentOrders(first: {PARTS}) {{
      nodes {{ id status assignedLocation {{ location {{ id }} }} }}
    }}
  }}
}}""",
    cost=30,
)
FULFIL = Document(
    name="Fulfil",
    text="""mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { legacyResourceId }
    userErrors { field message }
  }
}""",
    cost=11,
)
