"""Purchase units: what a shop sends of one is read, held against itself, and kept as it will be shown."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from integrations.sandbox.paypal.checks import Reader
from integrations.sandbox.paypal.errors import malformed, unprocessable
from integrations.sandbox.paypal.money import Money, read_money
from integrations.sandbox.paypal.records import Unit

_ADDED = ("item_total", "tax_total", "shipping", "handling", "insurance")
_TAKEN_OFF = ("shipping_discount", "discount")
_CATEGORIES = ("DIGITAL_GOODS", "PHYSICAL_GOODS", "DONATION")
_SHIPPING_TYPES = ("SHIPPING", "PICKUP_IN_PERSON", "PICKUP_IN_STORE", "PICKUP_FROM_PERSON")
_TEXTS = {"description": 127, "custom_id": 127, "invoice_id": 127, "soft_descriptor": 22}
_ADDRESS = {
    "address_line_1": 300,
    "address_line_2": 300,
    "admin_area_2": 120,
    "admin_area_1": 300,
    "postal_code": 60,
}
_MOST = 10


def read_units(body: Reader, intent: str) -> list[Unit]:
    """Return the units of an order; raises ``Refused`` 400 or 422 for what PayPal would not take."""
    readers = body.objects("purchase_units", low=1, high=_MOST)
    if not readers:
        raise malformed("MISSING_REQUIRED_PARAMETER", body.at("purchase_units"))
    units = [read_unit(reader, alone=len(readers) == 1) for reader in readers]
    check_units(units, intent)
    return units


def check_units(units: Sequence[Unit], intent: str) -> None:
    """Raise ``Refused`` 422 unless the units go together in one order."""
    if len({unit.reference_id for unit in units}) < len(units):
        raise unprocessable("DUPLICATE_REFERENCE_ID", "/purchase_units")
    if len({unit.amount.currency for unit in units}) > 1:
        raise unprocessable("MULTI_CURRENCY_ORDER", "/purchase_units")
    if intent == "AUTHORIZE" and len(units) > 1:
        raise unprocessable("UNSUPPORTED_INTENT", "/intent", intent)


def read_unit(unit: Reader, *, alone: bool) -> Unit:
    """Return one unit; only a unit that is ``alone`` may go without a ``reference_id``."""
    reference = unit.text("reference_id", high=256)
    if reference is None and not alone:
        raise unprocessable("REFERENCE_ID_REQUIRED", unit.at("reference_id"))
    facts: dict[str, Any] = {"reference_id": reference or "default"}
    total, facts["amount"] = _amount(unit.required_object("amount"))
    for name, longest in _TEXTS.items():
        text = unit.text(name, high=longest)
        if text is not None:
            facts[name] = text
    items = [_item(item, total.currency) for item in unit.objects("items")]
    if items:
        _check_items(unit, items, facts["amount"].get("breakdown", {}))
        facts["items"] = items
    shipping = unit.object("shipping")
    if shipping is not None:
        facts["shipping"] = _shipping(shipping)
    return Unit(amount=total, facts=facts)


def _amount(reader: Reader) -> tuple[Money, dict[str, Any]]:
    total = read_money(reader)
    shown: dict[str, Any] = total.json()
    breakdown = reader.object("breakdown")
    if breakdown is None:
        return total, shown
    parts = {
        name: read_money(part, positive=False)
        for name in (*_ADDED, *_TAKEN_OFF)
        if (part := breakdown.object(name)) is not None
    }
    if any(part.currency != total.currency for part in parts.values()):
        raise unprocessable("MULTI_CURRENCY_ORDER", breakdown.pointer)
    added = sum((parts[name].amount for name in _ADDED if name in parts), Decimal(0))
    taken_off = sum((parts[name].amount for name in _TAKEN_OFF if name in parts), Decimal(0))
    if parts and added - taken_off != total.amount:
        raise unprocessable("AMOUNT_MISMATCH", reader.at("value"), total.value)
    return total, {**shown, "breakdown": {name: part.json() for name, part in parts.items()}}


def _item(reader: Reader, currency: str) -> dict[str, Any]:
    amounts = {
        name: read_money(part, positive=False)
        for name in ("unit_amount", "tax")
        if (part := (reader.required_object(name) if name == "unit_amount" else reader.object(name))) is not None
    }
    if any(amount.currency != currency for amount in amounts.values()):
        raise unprocessable("MULTI_CURRENCY_ORDER", reader.pointer)
    shown: dict[str, Any] = {
        "name": reader.required_text("name", high=127),
        **{name: amount.json() for name, amount in amounts.items()},
        "quantity": reader.required_text("quantity", high=10, pattern="[1-9][0-9]{0,9}"),
    }
    for name in ("description", "sku"):
        text = reader.text(name, low=0, high=127)
        if text:
            shown[name] = text
    category = reader.choice("category", _CATEGORIES)
    return shown if category is None else {**shown, "category": category}


def _check_items(unit: Reader, items: list[dict[str, Any]], breakdown: dict[str, Any]) -> None:
    """Hold the items against the breakdown: the totals are demanded as soon as there are items."""
    for total, part, issue in (("item_total", "unit_amount", "ITEM_TOTAL"), ("tax_total", "tax", "TAX_TOTAL")):
        priced = [item for item in items if part in item]
        if not priced:
            continue
        if total not in breakdown:
            raise unprocessable(f"{issue}_REQUIRED", f"{unit.pointer}/amount/breakdown/{total}")
        added = sum((Decimal(item[part]["value"]) * int(item["quantity"]) for item in priced), Decimal(0))
        if added != Decimal(breakdown[total]["value"]):
            raise unprocessable(f"{issue}_MISMATCH", f"{unit.pointer}/amount/breakdown/{total}/value")


def _shipping(reader: Reader) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    name = reader.object("name")
    if name is not None and (full_name := name.text("full_name", high=300)):
        shown["name"] = {"full_name": full_name}
    kind = reader.choice("type", _SHIPPING_TYPES)
    if kind is not None:
        shown["type"] = kind
    address = reader.object("address")
    if address is not None:
        lines = {field: text for field, most in _ADDRESS.items() if (text := address.text(field, low=0, high=most))}
        country = address.required_text("country_code", low=2, high=2, pattern="[A-Z]{2}|C2")
        shown["address"] = {**lines, "country_code": country}
    return shown
