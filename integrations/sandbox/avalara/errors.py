"""What AvaTax answers when it refuses.

Refused            status; becomes {"error": {"code", "message", "target", "details": [{"code", "number", ...}]}}

Names and numbers are those of the vendor's list of error codes, the sentences those of developer.avalara.com/avatax/errors.
``target`` and status are as recorded from the vendor's sandbox where a recording is published (not found, a length, a
missing line or model, a timeout asked for, a failed calculation), else unconfirmed: 400 and ``IncorrectData``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_HELP = "https://developer.avalara.com/avatax/errors/"

NUMBERS = {
    "AuthorizationException": 31,
    "CannotAdjustDocumentType": 195,
    "CannotModifyLockedTransaction": 1100,
    "ConcurrentRequestLimitExceeded": 1716,
    "EntityNotFoundError": 4,
    "ExpectedConjunctionError": 183,
    "FieldNotOrderableError": 1411,
    "FieldNotQueryableError": 1408,
    "GetTaxError": 300,
    "InternalServerError": 209,
    "InvalidAddress": 309,
    "InvalidDocumentStatus": 1314,
    "InvalidDocumentTypeForRefund": 702,
    "InvalidEnumValue": 164,
    "JsonFormatError": 47,
    "LineNoOutOfRange": 707,
    "MalformedFilterException": 182,
    "MissingAddress": 304,
    "MissingLine": 311,
    "ModelRequiredException": 38,
    "NoLinesDiscounted": 190,
    "QueryParameterOutOfRange": 199,
    "RateLimitExceededError": 1723,
    "RefundLinesRequired": 704,
    "RefundPercentageForTaxOnly": 706,
    "RefundPercentageMissing": 709,
    "RefundPercentageOutOfRange": 708,
    "RefundTypeAndLineMismatch": 703,
    "RefundTypeAndPercentageMismatch": 701,
    "ServerUnreachable": 500,
    "ServiceNotReady": 1718,
    "ServiceTimeout": 4015,
    "StringLengthError": 13,
    "TimeoutRequested": 316,
    "TransactionAlreadyCancelled": 198,
    "TransactionAlreadyExists": 1303,
    "UnhandledException": 50,
    "ValidationException": 32,
    "ValueRequiredError": 5,
}

Detail = dict[str, Any]


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(
        self,
        code: str,
        message: str,
        description: str = "",
        *,
        status: int = 400,
        target: str = "IncorrectData",
        fault: str = "Client",
        severity: str = "Error",
        refers_to: str | None = None,
        details: Sequence[Detail] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self._code, self._message, self._target = code, message, target
        refers = {} if refers_to is None else {"refersTo": refers_to}
        self._details = list(details) or [
            _detail(code, message, description, faultCode=fault) | refers | {"severity": severity}
        ]

    def body(self) -> dict[str, Any]:
        """Return the error object."""
        return {
            "error": {
                "code": self._code,
                "message": self._message,
                "target": self._target,
                "details": self._details,
            }
        }


class Unauthenticated(Refused):
    """401, answered before AvaTax itself: its detail has neither number nor severity, the error no target."""

    def __init__(self) -> None:
        super().__init__("AuthenticationException", "Authentication failed.", status=401, details=({"code": ""},))

    def body(self) -> dict[str, Any]:
        """Return the error object as the gateway writes it (recorded in 2024)."""
        detail = {
            "code": "AuthenticationException",
            "message": "Authentication failed.",
            "description": "Missing authentication or unable to authenticate the user or the account.",
            "faultCode": "Client",
            "helpLink": "http://developer.avalara.com/avatax/errors/AuthenticationException",
        }
        return {"error": {"code": detail["code"], "message": detail["message"], "details": [detail]}}


class Nowhere(Exception):
    """No operation has this path: 404 without any body, as for an empty company or transaction code."""


def _detail(code: str, message: str, description: str, **fault: str) -> Detail:
    named = {"code": code, "number": NUMBERS[code], "message": message, "description": description}
    return {**named, **fault, "helpLink": f"{_HELP}{code}"}


def calculation_failed(sub_code: str, message: str, description: str, *refers_to: str) -> Refused:
    """Return a refusal of the tax engine: always GetTaxError, one detail for each thing it refers to.

    What it is about stands in ``faultSubCode`` alone; ``faultCode`` is neither Client nor Server.
    """
    common = _detail("GetTaxError", message, description, faultCode="GetTaxError", faultSubCode=sub_code)
    details = [{**common, "refersTo": one, "severity": "Error"} for one in refers_to]
    return Refused("GetTaxError", message, target="Unknown", details=details)


def required(name: str) -> Refused:
    """Return the refusal of a model without a value it needs."""
    return Refused(
        "ValueRequiredError",
        f"Field {name} is required.",
        f"Please provide a value for field {name}.",
        refers_to="model",
    )


def bad_json(description: str) -> Refused:
    """Return the refusal of a body that does not become a model; the error is named unlike its detail."""
    message = "The request body did not contain valid JSON."
    detail = _detail("JsonFormatError", message, description, faultCode="Client") | {"severity": "Error"}
    return Refused("ModelStateInvalid", message, target="HttpRequest", details=(detail,))


def bad_enum(name: str, value: str, values: Sequence[str]) -> Refused:
    """Return the refusal of a query parameter that is none of its values."""
    return Refused(
        "InvalidEnumValue",
        f"The field '{name}' has an incorrect value.",
        f"The value '{value}' for the field '{name}' is invalid.  Acceptable values are: {', '.join(values)}.",
        target="HttpRequest",
    )


def not_found(kind: str, code: str) -> Refused:
    """Return 404 for a transaction, a document (the same, where it is to be changed) or a company."""
    return Refused(
        "EntityNotFoundError",
        f"{kind} not found.",
        f"The {kind} with code '{code}' was not found.",
        status=404,
        target="HttpRequest",
    )


def locked(code: str) -> Refused:
    """Return the refusal to touch a document that was reported to an authority."""
    return Refused(
        "CannotModifyLockedTransaction",
        "Modifying a locked document is not allowed.",
        f"Document {code} is locked. Modification is not allowed.",
    )


def wrong_status(expected: str) -> Refused:
    """Return the refusal to replace a document that is final."""
    return calculation_failed(
        "DocStatusError", "DocStatus is invalid for this operation.", f"Expected {expected}", "DocStatus"
    )


_OUTAGES = {
    400: ("ValidationException", "The request is not valid.", "Client"),
    403: ("AuthorizationException", "Authorization failed.", "Client"),
    409: ("TransactionAlreadyExists", "A transaction with this code and type already exists.", "Client"),
    429: ("RateLimitExceededError", "The rate limit of this account is exceeded.", "Client"),
    502: ("ServerUnreachable", "AvaTax server unable to reach data services", "Client"),
    503: ("ServiceNotReady", "The service is not ready to take requests.", "Server"),
    504: ("ServiceTimeout", "The service did not answer in time.", "Server"),
}


def unavailable(status: int) -> Refused:
    """Return a refusal with the code that goes with a status; 404 has a body here, as for an unknown transaction."""
    if status == 401:
        return Unauthenticated()
    if status == 404:
        return not_found("Transaction", "")
    other = ("InternalServerError", "An internal server error occurred.", "Server") if status >= 500 else _OUTAGES[400]
    code, message, fault = _OUTAGES.get(status, other)
    return Refused(code, message, message, status=status, target="Unknown", fault=fault)
