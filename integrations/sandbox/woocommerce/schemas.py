"""What each resource may be sent: the writable fields with their types, and the filters of the lists.

Read-only fields are not here: a client may send them, and they are passed over. Names and types are those of the
published tables and of the controllers' schemas (woocommerce/woocommerce, includes/rest-api/Controllers/Version3).
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.woocommerce.rest_schema import Schema

ORDER_STATUSES = (
    *("auto-draft", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"),
    "checkout-draft",
)
PRODUCT_TYPES = ("simple", "grouped", "external", "variable")
STOCK_STATUSES = ("instock", "outofstock", "onbackorder")
WEBHOOK_STATUSES = ("active", "paused", "disabled")
_POST_STATUSES = ("draft", "pending", "private", "publish", "future", "auto-draft", "trash")
CURRENCIES = tuple(
    """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTC BTN BWP BYR BZD CAD CDF
    CHF CLP CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GGP GHS GIP GMD GNF GTQ GYD HKD
    HNL HRK HTG HUF IDR ILS IMP INR IQD IRR IRT ISK JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
    LSL LYD MAD MDL MGA MKD MMK MNT MOP MRO MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
    PRB PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLL SOS SRD SSP STD SYP SZL THB TJS TMT TND TOP TRY TTD TWD
    TZS UAH UGX USD UYU UZS VEF VND VUV WST XAF XCD XOF XPF YER ZAR ZMW""".split()  # noqa: SIM905 - reads better
)
_ANYTHING = ("null", "object", "string", "number", "boolean", "integer", "array")


def _of(kind: str, *names: str) -> dict[str, dict[str, Any]]:
    return {name: {"type": kind} for name in names}


_META: dict[str, dict[str, Any]] = {
    "meta_data": {
        "type": "array",
        "items": {"type": "object", "properties": {"key": {"type": "string"}, "value": {"type": _ANYTHING}}},
    }
}
_ADDRESS = _of(
    "string",
    *("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country", "phone"),
)
_LINE: dict[str, dict[str, Any]] = {
    **{name: {"type": _ANYTHING} for name in ("name", "product_id", "sku")},
    **_of("integer", "variation_id", "quantity"),
    **_of("string", "tax_class", "subtotal", "total"),
    **_META,
}


def _lines(properties: Schema) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


ORDER: Schema = {
    "status": {"type": "string", "enum": ORDER_STATUSES},
    "currency": {"type": "string", "enum": CURRENCIES},
    **_of("integer", "parent_id", "customer_id"),
    **_of("string", "customer_note", "payment_method", "payment_method_title", "transaction_id", "created_via"),
    **_of("boolean", "set_paid", "manual_update"),
    "billing": {
        "type": "object",
        "properties": {**_ADDRESS, "email": {"type": ("string", "null"), "format": "email"}},
    },
    "shipping": {"type": "object", "properties": _ADDRESS},
    "line_items": _lines(_LINE),
    "shipping_lines": _lines({"method_id": {"type": _ANYTHING}, **_of("string", "total")}),
    "fee_lines": _lines({"name": {"type": _ANYTHING}, **_of("string", "total", "tax_class")}),
    "coupon_lines": _lines({"code": {"type": _ANYTHING}}),
    **_META,
}
NOTE: Schema = {
    "note": {"type": "string", "required": True},
    "customer_note": {"type": "boolean", "default": False},
    "added_by_user": {"type": "boolean", "default": False},
}
REFUND: Schema = {
    **_of("string", "amount", "reason"),
    **_of("integer", "refunded_by"),
    **_of("boolean", "api_refund", "api_restock"),
    **_META,
}
_STOCK: dict[str, dict[str, Any]] = {
    "stock_quantity": {"type": "integer"},
    "stock_status": {"type": "string", "enum": STOCK_STATUSES},
    "backorders": {"type": "string", "enum": ("no", "notify", "yes")},
    "low_stock_amount": {"type": ("integer", "null")},
}
_GOODS: dict[str, dict[str, Any]] = {
    "status": {"type": "string", "enum": _POST_STATUSES},
    **_of("string", "sku", "description", "regular_price", "sale_price", "tax_class", "weight", "shipping_class"),
    **_of("boolean", "virtual", "downloadable"),
    **_of("integer", "menu_order"),
    "tax_status": {"type": "string", "enum": ("taxable", "shipping", "none")},
    "dimensions": {"type": "object", "properties": _of("string", "length", "width", "height")},
    "attributes": {"type": "array"},
    **_STOCK,
    **_META,
}
PRODUCT: Schema = {
    **_GOODS,
    "type": {"type": "string", "enum": PRODUCT_TYPES},
    "catalog_visibility": {"type": "string", "enum": ("visible", "catalog", "search", "hidden")},
    **_of("string", "name", "slug", "short_description", "purchase_note", "external_url", "button_text"),
    **_of("boolean", "manage_stock", "featured", "sold_individually", "reviews_allowed"),
    **_of("integer", "parent_id"),
}
VARIATION: Schema = {**_GOODS, "manage_stock": {"type": _ANYTHING}}
WEBHOOK: Schema = {
    "status": {"type": "string", "enum": WEBHOOK_STATUSES},
    **_of("string", "name", "topic", "secret"),
}
NEW_WEBHOOK: Schema = {
    **WEBHOOK,
    "topic": {"type": "string", "required": True},
    "delivery_url": {"type": "string", "required": True},
}
DELETE: Schema = {"force": {"type": "boolean", "default": False}}
DELETE_REFUND: Schema = {"force": {"type": "boolean", "default": True}}
VIEW: Schema = {"context": {"type": "string", "enum": ("view", "edit"), "default": "view"}}

_DATES = {name: {"type": "string", "format": "date-time"} for name in ("after", "before")}
_PAGED: Schema = {
    **VIEW,
    "page": {"type": "integer", "default": 1, "minimum": 1},
    "per_page": {"type": "integer", "default": 10, "minimum": 1, "maximum": 100},
    "search": {"type": "string"},
    **_DATES,
    "offset": {"type": "integer"},
    "order": {"type": "string", "enum": ("asc", "desc"), "default": "desc"},
}
_ORDERBY = ("date", "id", "include", "title", "slug", "modified")
_LIST: Schema = {
    **_PAGED,
    **{name: {"type": "string", "format": "date-time"} for name in ("modified_after", "modified_before")},
    "dates_are_gmt": {"type": "boolean", "default": False},
    "orderby": {"type": "string", "enum": _ORDERBY, "default": "date"},
}
LIST_ORDERS: Schema = {
    **_LIST,
    "status": {
        "type": "array",
        "items": {"type": "string", "enum": ("any", "trash", *ORDER_STATUSES)},
        "default": ["any"],
    },
    **_of("integer", "customer", "product", "dp"),
}
LIST_REFUNDS: Schema = {**_LIST, **_of("integer", "dp")}
LIST_NOTES: Schema = {**VIEW, "type": {"type": "string", "enum": ("any", "customer", "internal"), "default": "any"}}
_LIST_GOODS: Schema = {
    **_LIST,
    "status": {"type": "string", "enum": ("any", *_POST_STATUSES), "default": "any"},
    "stock_status": {"type": "string", "enum": STOCK_STATUSES},
    **_of("boolean", "on_sale"),
    **_of("string", "sku", "slug", "min_price", "max_price"),
}
LIST_PRODUCTS: Schema = {
    **_LIST_GOODS,
    "orderby": {"type": "string", "enum": (*_ORDERBY, "price", "popularity", "rating"), "default": "date"},
    "type": {"type": "string", "enum": PRODUCT_TYPES},
    **_of("boolean", "featured"),
    **_of("string", "search_sku", "category", "tag"),
}
LIST_VARIATIONS: Schema = _LIST_GOODS
LIST_WEBHOOKS: Schema = {
    **_PAGED,
    "orderby": {"type": "string", "enum": ("date", "id", "title"), "default": "date"},
    "status": {"type": "string", "enum": ("all", *WEBHOOK_STATUSES), "default": "all"},
}
