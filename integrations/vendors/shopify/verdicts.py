"""How Shopify's refusals are judged: by status, in ``errors`` at 200, and in a mutation's ``userErrors`` at 200.

``errors`` is a list of objects with ``extensions.code``, or beside some statuses a plain text. Partial ``data`` beside
errors is not taken: what is missing in it cannot be told from what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from integrations.classify import by_status, rate_limited
from integrations.error_body import told
from integrations.outcome import QuotaSeen, Request, Response, Verdict
from integrations.vendors.shopify.declaration import LABEL, TOKEN_PATH

PREVIOUS_FAILED = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
_CONCURRENT = "IDEMPOTENCY_CONCURRENT_REQUEST"
_SHOP = {
    402: ("shop_frozen", "The shop is frozen for want of payment to Shopify; its owner has to settle that."),
    404: ("shop_not_found", "There is no such shop; check QUAYSIDE_SHOPIFY_BASE_URL."),
    423: ("shop_locked", "Shopify has locked the shop; its owner has to ask Shopify why."),
}
_TROUBLE = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    verdict = by_status(LABEL, response)
    if verdict is not None:
        return _by_status(verdict, request, response)
    if request.path == TOKEN_PATH:
        return None
    body = told(response)
    errors = body.get("errors")
    if errors:
        return _errors(errors, body)
    return _user_errors(body.get("data"))


def points(response: Response) -> Sequence[QuotaSeen]:
    """Return what an answer says of the bucket; answers to what could not be parsed say nothing."""
    status = _cost(told(response)).get("throttleStatus")
    if not isinstance(status, dict):
        return ()
    try:
        most, left, rate = (float(status[name]) for name in ("maximumAvailable", "currentlyAvailable", "restoreRate"))
    except (KeyError, TypeError, ValueError):
        return ()
    reset = (most - left) / rate if rate > 0 else None
    return [QuotaSeen(quota="points", limit=most, remaining=max(0.0, left), reset=reset)]


def _by_status(verdict: Verdict, request: Request, response: Response) -> Verdict:
    status = response.status
    if request.path == TOKEN_PATH and status in (400, 401, 403):
        return replace(
            verdict,
            error_type="unauthorized",
            fault="configuration",
            message=(
                f"{LABEL} gives no token for this client; check QUAYSIDE_SHOPIFY_CLIENT_ID and "
                "QUAYSIDE_SHOPIFY_CLIENT_SECRET, and that the app is installed in the shop."
            ),
            counts=False,
            untouched=True,
        )
    if status in _SHOP:
        error_type, message = _SHOP[status]
        return replace(
            verdict, error_type=error_type, fault="configuration", message=message, counts=False, untouched=True
        )
    return verdict


def _errors(errors: Any, body: Mapping[str, Any]) -> Verdict:
    codes = [_code(one) for one in errors] if isinstance(errors, list) else []
    if "THROTTLED" in codes:
        message = f"{LABEL}'s points are spent; we wait until there are enough and go on."
        return replace(rate_limited(message, _wait(body)), business=True)
    if _TROUBLE.intersection(codes):
        return Verdict(
            error_type="internal_error",
            fault="theirs",
            message=f"{LABEL} has trouble on its side, told inside a 200.",
            retryable=True,
            business=True,
        )
    if "ACCESS_DENIED" in codes:
        return _ours(
            "access_denied",
            "configuration",
            f"{LABEL} knows us but does not allow this; give the app the scope it needs (orders, inventory, "
            "fulfilment orders; read_all_orders for what is older than 60 days).",
        )
    if "SHOP_INACTIVE" in codes:
        return _ours("shop_inactive", "configuration", "The shop is not active; its owner has to open it again.")
    if "MAX_COST_EXCEEDED" in codes:
        return _ours("query_too_costly", "ours", "The query may cost more than Shopify allows; ask for smaller pages.")
    named = next((code for code in codes if code), "")
    where = f" ({named[:60]})" if named else ""
    return _ours(
        "invalid_request", "ours", f"{LABEL} does not accept what we sent{where}; sending it again will not help."
    )


def _user_errors(data: Any) -> Verdict | None:
    """Judge a mutation's refusal. Which levels were refused is for the adapter to read; it sends the rest again."""
    if not isinstance(data, dict):
        return None
    for mutation, payload in data.items():
        errors = payload.get("userErrors") if isinstance(payload, dict) else None
        if not isinstance(errors, list) or not errors:
            continue
        if _CONCURRENT in [one.get("code") for one in errors if isinstance(one, dict)]:
            return Verdict(
                error_type="conflict",
                fault="ours",
                message=f"{LABEL} is still busy with the same request; the same key is asked again.",
                retryable=True,
                counts=False,
                untouched=True,
                business=True,
            )
        if mutation == "fulfillmentCreate":
            return Verdict(
                error_type="refused",
                fault="ours",
                message=f"{LABEL} refuses to mark this as sent; look at the order in its admin.",
                counts=False,
                untouched=True,
                business=True,
            )
    return None


def _ours(error_type: str, fault: Any, message: str) -> Verdict:
    return Verdict(error_type=error_type, fault=fault, message=message, counts=False, untouched=True, business=True)


def _wait(body: Mapping[str, Any]) -> float | None:
    """Return the seconds until the bucket holds what the query may cost."""
    cost = _cost(body)
    status = cost.get("throttleStatus")
    try:
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])  # type: ignore[index]
        rate = float(status["restoreRate"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, missing / rate) if rate > 0 else None


def _cost(body: Mapping[str, Any]) -> Mapping[str, Any]:
    extensions = body.get("extensions")
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    return cost if isinstance(cost, dict) else {}


def _code(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return str(extensions.get("code") or "") if isinstance(extensions, dict) else ""
