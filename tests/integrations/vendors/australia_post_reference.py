"""The field tables of Australia Post's reference as JSON schemas: it publishes no machine-readable contract.

Unknown fields are refused. Lengths are the tables'; a number may be sent as a number or as text, as the examples do.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

_NUMBER = {"type": "number", "exclusiveMinimum": 0}
_FLAG = {"type": "boolean"}


def _text(most: int, least: int = 1) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


def _object(needed: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": needed.split(), "properties": fields, "additionalProperties": False}


def _list(item: dict[str, Any], most: int | None = None) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1, **({"maxItems": most} if most else {})}


_SIDE = {**_NUMBER, "maximum": 105, "multipleOf": 0.1}
_SIZES = {"length": _SIDE, "width": _SIDE, "height": _SIDE, "weight": _NUMBER}
_STATES = ("ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA")
_HOME = {
    "name": _text(40),
    "business_name": _text(40),
    "lines": _list(_text(40), 3),
    "suburb": _text(40),
    "state": {"enum": list(_STATES)},
    "postcode": {"type": "string", "pattern": r"^\d{4}$"},
    "phone": _text(20),
    "email": _text(50),
}
_ABROAD = {**_HOME, "state": _text(40), "postcode": _text(10), "country": {"type": "string", "pattern": "^[A-Z]{2}$"}}
_CONTENT = _object(
    "description quantity value country_of_origin",
    description=_text(40),
    quantity={"type": "integer", "minimum": 1},
    value=_NUMBER,
    country_of_origin=_text(2, 2),
    weight=_NUMBER,
    tariff_code=_text(12),
    sku=_text(50),
)
_ITEM = {
    "item_reference": _text(50),
    "product_id": _text(14),
    **_SIZES,
    "authority_to_leave": _FLAG,
    "allow_partial_delivery": _FLAG,
}
_CUSTOMS = {
    "classification_type": {"enum": ["DOCUMENT", "GIFT", "SAMPLE", "OTHER", "RETURN", "SALE_OF_GOODS"]},
    "commercial_value": _FLAG,
    "description_of_other": _text(40),
    "item_contents": _list(_CONTENT),
}
_AT_HOME = _object("name lines suburb state postcode", **_HOME)


def _shipments(to: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    one = _object(
        "from to items",
        shipment_reference=_text(50),
        customer_reference_1=_text(50),
        customer_reference_2=_text(50),
        **{"from": _AT_HOME, "to": to, "items": _list(item, 20)},
    )
    return _object("shipments", shipments=_list(one))


PRICES = _object(
    "from to items",
    **{
        "from": _object("postcode", postcode=_HOME["postcode"]),
        "to": _object("", postcode=_text(10), country=_text(2, 2)),
        "items": _list(_object("weight", item_reference=_text(50), **_SIZES), 20),
    },
)
SHIPMENTS_AT_HOME = _shipments(_AT_HOME, _object("product_id weight", **_ITEM))
SHIPMENTS_ABROAD = _shipments(
    _object("name lines suburb country", **_ABROAD),
    _object("product_id weight classification_type item_contents", **_ITEM, **_CUSTOMS),
)
_GROUP = _object(
    "group layout branded left_offset top_offset",
    group={
        "enum": ["Parcel Post", "Express Post", "StarTrack", "Startrack Courier", "International", "Commercial"],
    },
    layout={"enum": ["A4-1pp", "A4-3pp", "A4-4pp", "A6-1pp"]},
    branded=_FLAG,
    left_offset={"type": "integer"},
    top_offset={"type": "integer"},
)
LABELS = _object(
    "preferences shipments",
    wait_for_label_url=_FLAG,
    preferences=_list(
        _object("type groups", type={"const": "PRINT"}, format={"enum": ["PDF", "ZPL"]}, groups=_list(_GROUP))
    ),
    shipments=_list(_object("shipment_id", shipment_id=_text(50), items=_list(_object("item_id", item_id=_text(50))))),
)


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    """Return what is wrong with a value, one line each."""
    errors = Draft202012Validator(schema).iter_errors(value)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]
