"""The bodies AvaTax takes: names in any case, unknown members ignored, values converted as its JSON reader does.

Recorded: ``ShipFrom`` for ``shipFrom``, an amount and a discount as text, a customer code as a number. What cannot be
converted is a body that is "no valid JSON"; what is too long is named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations.sandbox.avalara.errors import Refused, bad_json, required

DOCUMENT_TYPES = (
    *("SalesOrder", "SalesInvoice", "PurchaseOrder", "PurchaseInvoice", "ReturnOrder", "ReturnInvoice"),
    *("InventoryTransferOrder", "InventoryTransferInvoice", "ReverseChargeOrder", "ReverseChargeInvoice"),
    *("CustomsInvoice", "CustomsOrder"),
)
ADJUSTMENT_REASONS = (
    *("NotAdjusted", "SourcingIssue", "ReconciledWithGeneralLedger", "ExemptCertApplied", "PriceAdjusted"),
    *("ProductReturned", "ProductExchanged", "BadDebt", "Other", "Offline"),
)
VOID_REASONS = ("Unspecified", "PostFailed", "DocDeleted", "DocVoided", "AdjustmentCancelled")
REFUND_TYPES = ("Full", "Partial", "TaxOnly", "Percentage")
OVERRIDES = (
    *("None", "TaxAmount", "Exemption", "TaxDate", "AccruedTaxAmount", "DeriveTaxable", "OutOfHarbor"),
    "TaxAmountByTaxType",
)

_TOO_MUCH = Decimal(10) ** 14

Model = dict[str, Any]
Kind = int | str | tuple[str, ...] | Callable[[Any, str], Any]  # a length of text, a type, the values of an enumeration


def decode(body: bytes) -> Model:
    """Return the object of a body; raises ``Refused`` for none, for no JSON and for JSON of another kind."""
    if not body.strip():
        raise _no_model()
    try:
        value = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as problem:
        where = (
            f"At line {problem.lineno} position {problem.colno}: " if isinstance(problem, json.JSONDecodeError) else ""
        )
        raise bad_json(f"{where}the text is not JSON.") from None
    if value is None:
        raise _no_model()
    if not isinstance(value, dict):
        raise bad_json("At line 1 position 1: the text is no JSON object.")
    return value


def read(fields: Mapping[str, Kind], value: Any, path: str = "") -> Model:
    """Return the members a model has, converted; absent and null ones are None."""
    if not isinstance(value, dict):
        raise _bad(value, "an object", path)
    given = {str(name).lower(): member for name, member in value.items()}
    return {
        name: _convert(kind, given.get(name.lower()), name, f"{path}.{name}" if path else name)
        for name, kind in fields.items()
    }


def read_transaction(value: Any, path: str = "") -> Model:
    """Return the model of a transaction to create; raises ``Refused`` for what cannot be computed.

    A document without a code is given none here. The order of the checks is unconfirmed.
    """
    sale = read(TRANSACTION, value, path)
    if not sale["lines"]:
        raise Refused(
            "MissingLine",
            "Transactions must have at least one line.",
            "The CreateTransactionModel object must have an element called 'lines', with at least one valid line record.",
            target="HttpRequestHeaders",
        )
    for name in ("date", "customerCode"):
        if not sale[name]:
            raise required(name)
    for index, line in enumerate(sale["lines"]):
        if line["amount"] is None:
            raise required(f"lines[{index}].amount")
    sale["type"] = sale["type"] or "SalesOrder"
    return sale


def _convert(kind: Kind, value: Any, name: str, path: str) -> Any:
    if value is None:
        return None
    if callable(kind):
        return kind(value, path)
    if isinstance(kind, tuple):
        return _one_of(kind, value, path)
    if isinstance(kind, int):
        return _text(kind, value, name, path)
    return _SCALARS[kind](value, path)


def _text(longest: int, value: Any, name: str, path: str) -> str:
    if isinstance(value, dict | list):
        raise _bad(value, "System.String", path)
    text = str(value).lower() if isinstance(value, bool) else str(value).encode(errors="replace").decode()
    if longest and len(text) > longest:
        raise Refused(
            "StringLengthError",
            f"Field '{name}' has an invalid length.",
            f"Field '{name}' must be between 0 and {longest} characters in length.",
        )
    return text


def _number(value: Any, path: str) -> Decimal:
    try:
        number = Decimal(str(value)) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= _TOO_MUCH:
        raise _bad(value, "System.Decimal", path)
    return number


def _boolean(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _bad(value, "System.Boolean", path)


def _date(value: Any, path: str) -> date:
    try:
        return datetime.fromisoformat(value).date()
    except (TypeError, ValueError):
        raise _bad(value, "System.DateTime", path) from None


def _one_of(values: tuple[str, ...], value: Any, path: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(values):
        return values[value]
    found = next((one for one in values if isinstance(value, str) and one.lower() == value.lower()), None)
    if found is None:
        raise _bad(value, "an enumeration", path)
    return found


def _texts(value: Any, path: str) -> list[str]:
    if not isinstance(value, list):
        raise _bad(value, "System.Collections.Generic.List", path)
    return [_text(0, item, path, path) for item in value]


def _lines(value: Any, path: str) -> list[Model]:
    if not isinstance(value, list):
        raise _bad(value, "System.Collections.Generic.List", path)
    return [read(LINE, item, f"{path}[{index}]") for index, item in enumerate(value)]


def _part(fields: Mapping[str, Kind]) -> Callable[[Any, str], Model]:
    return lambda value, path: read(fields, value, path)


def _bad(value: Any, wanted: str, path: str) -> Refused:
    shown = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else f'"{value}"'
    return bad_json(f"At line 1 position 1: Error converting value {shown} to type '{wanted}'. Path '{path}'")


def _no_model() -> Refused:
    return Refused(
        "ModelRequiredException",
        "A required model was not provided.",
        "Please verify that your request included a request body in valid JSON format.",
        severity="Exception",
    )


_SCALARS: dict[str, Callable[[Any, str], Any]] = {"number": _number, "boolean": _boolean, "date": _date}

# A number is the longest text allowed, 0 any length.
ADDRESS: dict[str, Kind] = {
    "locationCode": 0,
    "line1": 100,
    "line2": 100,
    "line3": 100,
    "city": 50,
    "region": 0,
    "country": 0,
    "postalCode": 11,
    "latitude": "number",
    "longitude": "number",
}
ADDRESSES: dict[str, Kind] = dict.fromkeys(
    (
        *("singleLocation", "shipFrom", "shipTo", "pointOfOrderOrigin", "pointOfOrderAcceptance"),
        *("goodsPlaceOrServiceRendered", "import", "billTo"),
    ),
    _part(ADDRESS),
)
OVERRIDE: dict[str, Kind] = {"type": OVERRIDES, "taxAmount": "number", "taxDate": "date", "reason": 0}
LINE: dict[str, Kind] = {
    "number": 50,
    "quantity": "number",
    "amount": "number",
    "addresses": _part(ADDRESSES),
    "taxCode": 25,
    "customerUsageType": 25,
    "entityUseCode": 25,
    "itemCode": 50,
    "exemptionCode": 0,
    "discounted": "boolean",
    "taxIncluded": "boolean",
    "revenueAccount": 50,
    "ref1": 250,
    "ref2": 250,
    "description": 2096,
    "businessIdentificationNo": 25,
    "taxOverride": _part(OVERRIDE),
    "hsCode": 25,
}
TRANSACTION: dict[str, Kind] = {
    "code": 50,
    "lines": _lines,
    "type": DOCUMENT_TYPES,
    "companyCode": 50,
    "date": "date",
    "salespersonCode": 25,
    "customerCode": 50,
    "customerUsageType": 25,
    "entityUseCode": 25,
    "discount": "number",
    "purchaseOrderNo": 50,
    "exemptionNo": 25,
    "addresses": _part(ADDRESSES),
    "referenceCode": 1024,
    "reportingLocationCode": 50,
    "commit": "boolean",
    "batchCode": 25,
    "taxOverride": _part(OVERRIDE),
    "currencyCode": 3,
    "exchangeRate": "number",
    "exchangeRateEffectiveDate": "date",
    "exchangeRateCurrencyCode": 3,
    "businessIdentificationNo": 25,
    "isSellerImporterOfRecord": "boolean",
    "description": 2048,
    "email": 50,
    "customerSupplierName": 200,
    "deliveryTerms": ("DAP", "DDP"),
}
COMMIT: dict[str, Kind] = {"commit": "boolean"}
VOID: dict[str, Kind] = {"code": VOID_REASONS}
ADJUST: dict[str, Kind] = {
    "adjustmentReason": ADJUSTMENT_REASONS,
    "adjustmentDescription": 0,
    "newTransaction": read_transaction,
}
CREATE_OR_ADJUST: dict[str, Kind] = {
    "adjustmentReason": ADJUSTMENT_REASONS,
    "adjustmentDescription": 0,
    "createTransactionModel": read_transaction,
}
REFUND: dict[str, Kind] = {
    "refundTransactionCode": 50,
    "refundDate": "date",
    "refundType": REFUND_TYPES,
    "refundPercentage": "number",
    "refundLines": _texts,
    "referenceCode": 0,
}
RESOLVE: dict[str, Kind] = {**ADDRESS, "line1": 50, "textCase": ("Upper", "Mixed")}
