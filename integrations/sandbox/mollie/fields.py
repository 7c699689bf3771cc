"""The fields of a request: none is taken that the contract does not name, none of another kind than it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from integrations.sandbox.mollie.errors import Refused, invalid, missing

CREATE = frozenset(
    {
        *("amount", "applePayPaymentToken", "applicationFee", "billingAddress", "cancelUrl", "captureDelay"),
        *("captureMode", "cardToken", "company", "consumerDateOfBirth", "customerId", "customerReference"),
        *("description", "digitalGoods", "dueDate", "extraMerchantData", "googlePayPaymentToken", "issuer", "lines"),
        *("locale", "mandateId", "metadata", "method", "redirectUrl", "restrictPaymentMethodsToCountry", "routing"),
        *("sequenceType", "sessionId", "shippingAddress", "storeCredentials", "terminalId", "voucherNumber"),
        *("voucherPin", "webhookUrl"),
    }
)
UPDATE = frozenset(
    {
        *("billingAddress", "billingEmail", "cancelUrl", "description", "dueDate", "issuer", "locale", "metadata"),
        *("method", "redirectUrl", "restrictPaymentMethodsToCountry", "shippingAddress", "webhookUrl"),
    }
)
CAPTURE = frozenset({"amount", "description", "metadata"})
REFUND = frozenset({"amount", "description", "externalReference", "metadata", "reverseRouting", "routingReversals"})
NONE: frozenset[str] = frozenset()

_LONGEST = 255
_MOST_METADATA = 1024
_HERE = re.compile(r"localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|.*\.(local|test)")


def allow(body: dict[str, Any], names: frozenset[str]) -> None:
    """Raise ``Refused`` 422 naming the first field the endpoint does not know."""
    for name in body:
        if name not in names:
            raise Refused(422, f'Non-existent body parameter "{name}" for this API call.', name)


def text(body: dict[str, Any], name: str, *, required: bool = False) -> str | None:
    """Return a string of at most 255 characters, None when absent."""
    value = body.get(name)
    if value is None or value == "":
        if required:
            raise missing(name)
        return None
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise invalid(name, name)
    return value


def choice(body: dict[str, Any], name: str, values: Sequence[str]) -> str | None:
    """Return one of the values, None when absent."""
    value = body.get(name)
    if value is not None and value not in values:
        raise invalid(name, name)
    return value


def url(body: dict[str, Any], name: str, label: str, *, required: bool = False) -> str | None:
    """Return an address, None when absent."""
    value = body.get(name)
    if value is None or value == "":
        if required:
            raise missing(name)
        return None
    if not isinstance(value, str) or not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://.", value):
        raise invalid(label, name)
    return value


def webhook_url(body: dict[str, Any]) -> str | None:
    """Return the address of the webhook; one that Mollie cannot reach is refused."""
    value = url(body, "webhookUrl", "webhook URL")
    if value is not None and _HERE.fullmatch(urlsplit(value).hostname or ""):
        raise Refused(
            422, "The webhook URL is invalid because it is unreachable from Mollie's point of view", "webhookUrl"
        )
    return value


def metadata(body: dict[str, Any]) -> Any:
    """Return what the shop wants to have kept, as it was sent: text or JSON, about a kilobyte at most."""
    value = body.get("metadata")
    if len(orjson.dumps(value)) > _MOST_METADATA:
        raise invalid("metadata", "metadata")
    return value
