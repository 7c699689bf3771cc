"""Changes to an order: a JSON patch whose paths name a purchase unit by its ``reference_id``.

A unit without one is ``default``: ``/purchase_units/@reference_id=='default'/amount``. Nothing is changed unless all can be.
"""

from __future__ import annotations

import re
from typing import Any

from integrations.sandbox.paypal.checks import Reader
from integrations.sandbox.paypal.errors import malformed, unprocessable
from integrations.sandbox.paypal.records import Order, Unit
from integrations.sandbox.paypal.units import check_units, read_unit

_UNIT = re.compile(r"/purchase_units/@reference_id=='([^']*)'(/.+)?")
_ADD, _REPLACE, _REMOVE = "add", "replace", "remove"
_ALL = frozenset({_ADD, _REPLACE, _REMOVE})
_CHANGEABLE: dict[str, frozenset[str]] = {
    "": frozenset({_ADD, _REPLACE}),
    "amount": frozenset({_REPLACE}),
    "custom_id": _ALL,
    "description": _ALL,
    "invoice_id": _ALL,
    "items": _ALL,
    "shipping/address": frozenset({_ADD, _REPLACE}),
    "shipping/name": frozenset({_ADD, _REPLACE}),
    "shipping/type": frozenset({_ADD, _REPLACE}),
    "soft_descriptor": frozenset({_REPLACE, _REMOVE}),
}


def apply(order: Order, patches: Any, *, changed_after_approval: bool) -> None:
    """Apply all patches or none; raises ``Refused``. An approved order's amount may not rise (ours: PayPal's own rule
    is not published)."""
    if not isinstance(patches, list) or not patches:
        raise malformed("INVALID_PARAMETER_SYNTAX", "/")
    intent = order.intent
    sent = {unit.reference_id: dict(unit.facts) for unit in order.units}
    for index, raw in enumerate(patches):
        patch = Reader(raw, f"/{index}")
        op = patch.required_text("op")
        path = patch.text("path")
        if path is None:
            raise unprocessable("PATCH_PATH_REQUIRED", patch.at("path"))
        if op not in _ALL:
            raise malformed("INVALID_PARAMETER_VALUE", patch.at("op"), op)
        if op != _REMOVE and "value" not in patch:
            raise unprocessable("PATCH_VALUE_REQUIRED", patch.at("value"))
        if path == "/intent":
            intent = _intent(patch, op)
        else:
            _change(sent, patch, op, path)
    units = [read_unit(Reader(facts, "/purchase_units"), alone=len(sent) == 1) for facts in sent.values()]
    check_units(units, intent)
    if changed_after_approval and sum(unit.amount.amount for unit in units) > order.amount.amount:
        raise unprocessable("AMOUNT_CHANGE_NOT_ALLOWED", "/purchase_units")
    order.intent = intent
    order.units = [Unit(amount=unit.amount, facts=unit.facts) for unit in units]


def _intent(patch: Reader, op: str) -> str:
    if op != _REPLACE:
        raise malformed("INVALID_PATCH_OPERATION", patch.at("op"), op)
    return patch.choice("value", ("CAPTURE", "AUTHORIZE")) or patch.required_text("value")


def _change(sent: dict[str, dict[str, Any]], patch: Reader, op: str, path: str) -> None:
    found = _UNIT.fullmatch(path)
    if found is None:
        issue = "NOT_PATCHABLE" if path.startswith("/") else "INVALID_JSON_POINTER_FORMAT"
        raise unprocessable(issue, patch.at("path"), path)
    reference, name = found[1], (found[2] or "").removeprefix("/")
    if name not in _CHANGEABLE:
        raise unprocessable("NOT_PATCHABLE", patch.at("path"), path)
    if op not in _CHANGEABLE[name]:
        raise malformed("INVALID_PATCH_OPERATION", patch.at("op"), op)
    if not name:
        if (op == _ADD) == (reference in sent):
            raise malformed("INVALID_PATCH_OPERATION", patch.at("op"), op)
        sent[reference] = {**patch.required_object("value").raw, "reference_id": reference}
        return
    if reference not in sent:
        raise unprocessable("REFERENCE_ID_NOT_FOUND", patch.at("path"), path)
    unit = sent[reference]
    *parents, leaf = name.split("/")
    for parent in parents:
        unit[parent] = dict(unit.get(parent) or {})
        unit = unit[parent]
    if (op == _ADD) == (leaf in unit):
        raise malformed("INVALID_PATCH_OPERATION", patch.at("op"), op)
    if op == _REMOVE:
        del unit[leaf]
    else:
        unit[leaf] = patch.raw["value"]
