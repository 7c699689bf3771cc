"""How Razorpay's refusals are judged: ``{"error": {"code", "description", "field", …}}``.

Nearly all of them are 400, an id that names nothing too, so the sentence decides; it is never passed on, for it may quote
what we sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.classify import by_status, invalid_request, not_found
from integrations.error_body import told
from integrations.outcome import Request, Response, Verdict
from integrations.vendors.razorpay.declaration import LABEL

CAPTURED = "already_captured"


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    verdict = by_status(LABEL, response)
    if verdict is None:
        return None
    status, error = response.status, _error(response)
    if status == 401:
        return replace(
            verdict,
            message=f"{LABEL} refuses the key; check QUAYSIDE_RAZORPAY_KEY_ID and QUAYSIDE_RAZORPAY_KEY_SECRET.",
        )
    if status == 409:
        return replace(_busy(), message=f"{LABEL} is still busy with the same refund; the same key is asked again.")
    if status == 404:
        return not_found(LABEL, verdict)
    if status == 400:
        return _bad_request(verdict, error)
    return verdict


def _bad_request(verdict: Verdict, error: Mapping[str, Any]) -> Verdict:
    said = str(error.get("description") or "").lower()
    if "id provided does not exist" in said or "is not a valid id" in said:
        return not_found(LABEL, verdict)
    if "another payment operation is in progress" in said:
        return _busy()
    if "already been captured" in said:
        return replace(verdict, error_type=CAPTURED, message="The payment is captured already.")
    if "enough balance" in said:
        return replace(
            verdict,
            error_type="insufficient_balance",
            fault="configuration",
            message=f"The balance at {LABEL} does not cover the refund; add funds there, or wait for new payments.",
        )
    field = str(error.get("field") or "")[:60]
    return invalid_request(LABEL, verdict, "" if field == "NA" else field)


def _busy() -> Verdict:
    return Verdict(
        error_type="conflict",
        fault="theirs",
        message=f"{LABEL} is working on the same payment; it is asked again in a moment.",
        retryable=True,
        counts=False,
        untouched=True,
    )


def _error(response: Response) -> Mapping[str, Any]:
    error = told(response).get("error")
    return error if isinstance(error, dict) else {}
