"""How PayPal's answers are judged: ``{"name", "message", "debug_id", "details": [{"field", "issue", …}]}``, by issue.

A buyer's instrument that is refused is no failure of a call. PayPal's descriptions may quote what we sent, so only the
name of an issue and of a field reach a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.classify import by_status, not_found, retry_after
from integrations.error_body import objects, told
from integrations.outcome import Request, Response, Verdict
from integrations.vendors.paypal.declaration import LABEL

TOKEN = "/v1/oauth2/token"  # noqa: S105 - a path
# A refusal of the buyer's instrument, as the Orders contract names them.
DECLINES = frozenset(
    {
        "INSTRUMENT_DECLINED",
        "CARD_EXPIRED",
        "PAYER_CANNOT_PAY",
        "TRANSACTION_REFUSED",
        "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
    }
)
DONE_ALREADY = frozenset(
    {
        "ORDER_ALREADY_CAPTURED",
        "ORDER_ALREADY_AUTHORIZED",
        "AUTHORIZATION_ALREADY_CAPTURED",
        "PREVIOUSLY_VOIDED",
    }
)
DONE = "done_already"
_BUSY = frozenset({"ORDER_COMPLETION_IN_PROGRESS", "PREVIOUS_REQUEST_IN_PROGRESS"})
_ISSUES: Mapping[str, str] = {
    "ORDER_NOT_APPROVED": "the buyer has not approved the order yet",
    "PAYER_ACTION_REQUIRED": "the buyer has to act first",
    "DUPLICATE_INVOICE_ID": "this reference was paid before; look the first payment up",
    "CAPTURE_FULLY_REFUNDED": "the payment is refunded in full already",
    "REFUND_AMOUNT_EXCEEDED": "more would be paid back than was paid",
    "REFUND_FAILED_INSUFFICIENT_FUNDS": "the balance at PayPal does not cover the refund",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": "the buyer has tried too often",
    "AUTHORIZATION_EXPIRED": "the authorization has expired",
    "AUTHORIZATION_VOIDED": "the authorization was voided",
    "PREVIOUSLY_CAPTURED": "the authorization was captured, so it cannot be voided; refund the payment",
    "CANNOT_BE_VOIDED": "it was authorized anew; void the first authorization",
    "MAX_CAPTURE_AMOUNT_EXCEEDED": "more would be captured than was authorized",
    "DECIMAL_PRECISION": "the amount has too many decimals",
    "CURRENCY_NOT_SUPPORTED": "PayPal does not take the currency",
    "PERMISSION_DENIED": "the account may not do this",
    "RESULTSET_TOO_LARGE": "the report is too large; ask for a shorter time",
}
CONFIGURATION = frozenset({"PERMISSION_DENIED", "PAYEE_ACCOUNT_RESTRICTED", "PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING"})


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success and for a refused instrument."""
    if response.status < 300:
        return None
    if decline_of(response):
        return None
    issue = issue_of(response)
    if request.path == TOKEN and response.status in (400, 401):
        return Verdict(
            error_type="unauthorized",
            fault="configuration",
            message=f"{LABEL} refuses our client; check QUAYSIDE_PAYPAL_CLIENT_ID and QUAYSIDE_PAYPAL_CLIENT_SECRET.",
            counts=False,
            untouched=True,
        )
    if issue in DONE_ALREADY:
        return Verdict(
            error_type=DONE,
            fault="ours",
            message=f"{LABEL} has done this before; the payment is read as it is.",
            counts=False,
            untouched=True,
        )
    if issue in _BUSY or response.status == 409:
        return Verdict(
            error_type="conflict",
            fault="theirs",
            message=f"{LABEL} is still busy with the same payment; the same id is asked again.",
            retryable=True,
            retry_after=retry_after(response) or 2.0,
            counts=False,
        )
    if response.status in (400, 403, 422) and issue:
        return _refusal(issue, _field(response), response.status)
    verdict = by_status(LABEL, response)
    if verdict is not None and response.status == 404:
        return not_found(LABEL, verdict)
    return verdict


def decline_of(response: Response) -> str:
    """Return the issue of an instrument that was refused, "" for any other answer."""
    if response.status != 422:
        return ""
    issue = issue_of(response)
    return issue if issue in DECLINES else ""


def issue_of(response: Response) -> str:
    """Return the first issue of an error body, its name where it has none, "" when it cannot be read."""
    return str(_first(response).get("issue") or told(response).get("name") or "")[:60]


def _refusal(issue: str, field: str, status: int) -> Verdict:
    where = f" at {field}" if field else ""
    why = _ISSUES.get(issue, issue.lower().replace("_", " "))
    ours = issue in CONFIGURATION or status == 403
    return Verdict(
        error_type=issue.lower() if issue in _ISSUES else "invalid_request",
        fault="configuration" if ours else "ours",
        message=f"{LABEL} does not accept what we sent{where}: {why}. Sending it again will not help.",
        counts=False,
        untouched=True,
    )


def _field(response: Response) -> str:
    return str(_first(response).get("field") or "")[:80]


def _first(response: Response) -> Mapping[str, Any]:
    details = objects(told(response).get("details"))
    return details[0] if details else {}
