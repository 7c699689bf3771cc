"""How Stripe's answers are judged: ``{"error": {"type", "code", "decline_code", "param", "message"}}``.

A card that is declined (402, card_error) is no failure of a call: the adapter makes a Payment of it. Stripe's own word,
``Stripe-Should-Retry``, wins over the table. Its texts may quote what we sent, so only codes reach a message.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from integrations.classify import by_status, rate_limited, retry_after
from integrations.error_body import told
from integrations.errors import SchemaDrift
from integrations.outcome import Response, Verdict

LABEL = "Stripe"
STORED_ERROR = "stored_error"

_KNOWN_CODES = {
    "amount_too_large": "the amount is above what Stripe takes",
    "amount_too_small": "the amount is below what Stripe takes",
    "charge_already_captured": "the payment is already captured",
    "charge_already_refunded": "the payment is already refunded in full",
    "payment_intent_unexpected_state": "the payment is in a state that does not allow it",
    "resource_missing": "Stripe does not know what was asked for; check the id and whether the key is test or live",
    "balance_insufficient": "the balance at Stripe does not cover it",
    "parameter_missing": "a parameter is missing",
    "parameter_unknown": "a parameter is unknown to the pinned version",
}


def judge(response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success and for a declined card. Raise SchemaDrift for no JSON."""
    if response.status < 300:
        if not isinstance(response.json(), dict):
            raise SchemaDrift("Stripe's answer is not an object.", field="body", status=response.status)
        return None
    error = error_of(response)
    if is_decline(response):
        return None
    verdict = _verdict(response, error)
    said = response.headers.get("stripe-should-retry", "").lower()
    if verdict is not None and said in ("true", "false") and verdict.error_type != STORED_ERROR:
        return replace(verdict, retryable=said == "true")
    return verdict


def is_decline(response: Response) -> bool:
    """Whether the answer is a declined card with the payment it belongs to."""
    error = error_of(response)
    return (
        response.status == 402 and error.get("type") == "card_error" and isinstance(error.get("payment_intent"), dict)
    )


def error_of(response: Response) -> dict[str, Any]:
    """Return the error object of a body, {} when there is none to be read."""
    error = told(response).get("error")
    return error if isinstance(error, dict) else {}


def _verdict(response: Response, error: dict[str, Any]) -> Verdict | None:
    status, code = response.status, str(error.get("code") or "")
    if status == 401:
        return Verdict(
            error_type="unauthorized",
            fault="configuration",
            message="Stripe refuses the key; check QUAYSIDE_STRIPE_SECRET_KEY and whether it was rolled.",
            counts=False,
            untouched=True,
        )
    if status == 409:
        return Verdict(
            error_type="conflict",
            fault="theirs",
            message="Stripe is still busy with the same payment; the same key is asked again.",
            retryable=True,
            counts=False,
        )
    if status == 429 and code == "lock_timeout":
        return Verdict(
            error_type="lock_timeout",
            fault="ours",
            message="Stripe is changing this payment for another request of ours; we try again.",
            retryable=True,
            retry_after=retry_after(response),
            counts=False,
            untouched=True,
        )
    if status == 429 or (status == 400 and code == "rate_limit"):
        reason = response.headers.get("stripe-rate-limited-reason", "")[:40]
        message = f"Stripe says we send too much{f' ({reason})' if reason else ''}; we wait and go on."
        return rate_limited(message, retry_after(response))
    if status >= 500 and _is_stored(response):
        return Verdict(
            error_type=STORED_ERROR,
            fault="theirs",
            message=f"Stripe failed (HTTP {status}) and will repeat that for this key; the payment is looked up.",
            counts=False,
        )
    if status >= 500 or not error:
        return by_status(LABEL, response)
    if error.get("type") == "idempotency_error":
        return Verdict(
            error_type="idempotency_error",
            fault="ours",
            message="Stripe knows this idempotency key with other parameters; use a new key for a new payment.",
            counts=False,
            untouched=True,
        )
    if status == 403:
        return by_status(LABEL, response)
    return _refusal(status, code, str(error.get("param") or ""))


def _is_stored(response: Response) -> bool:
    """Whether a failure is what this key will be answered with from now on: a replay, or one not to be sent again."""
    headers = response.headers
    return "true" in headers.get("idempotent-replayed", "").lower() or headers.get("stripe-should-retry") == "false"


def _refusal(status: int, code: str, param: str) -> Verdict:
    where = f" at {param[:60]}" if param else ""
    why = _KNOWN_CODES.get(code, f"HTTP {status}")
    kind = "declined" if status == 402 else "invalid_request"
    return Verdict(
        error_type=code if code in _KNOWN_CODES else kind,
        fault="ours",
        message=f"Stripe does not accept what we sent{where}: {why}. Sending it again will not help.",
        counts=False,
        untouched=True,
    )
