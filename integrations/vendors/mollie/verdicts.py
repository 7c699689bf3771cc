"""How Mollie's refusals are judged: ``{"status", "title", "detail", "field"}``. ``detail`` may quote what we sent."""

from __future__ import annotations

from dataclasses import replace

from integrations.classify import by_status, invalid_request, not_found
from integrations.error_body import told
from integrations.outcome import Request, Response, Verdict
from integrations.vendors.mollie.declaration import LABEL

DUPLICATE_REFUND = "duplicate_refund"


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    verdict = by_status(LABEL, response)
    if verdict is None:
        return None
    status = response.status
    if status == 409 and request.template.endswith("/refunds"):
        return Verdict(
            error_type=DUPLICATE_REFUND,
            fault="ours",
            message=f"{LABEL} takes this for a second time the same refund; the refunds are looked through.",
            counts=False,
            untouched=True,
        )
    if status == 409:
        return Verdict(
            error_type="conflict",
            fault="theirs",
            message=f"{LABEL} is still busy with the same request; the same key is asked again.",
            retryable=True,
            counts=False,
        )
    if status == 401:
        return replace(
            verdict, message=f"{LABEL} refuses the key; check QUAYSIDE_MOLLIE_API_KEY and QUAYSIDE_MOLLIE_ACCESS_TOKEN."
        )
    if status in (404, 410):
        return not_found(LABEL, verdict)
    if status in (400, 422):
        return invalid_request(LABEL, verdict, _field(response))
    if status == 503 and request.method == "POST":
        return replace(verdict, message=f"{LABEL} or the supplier of the payment method is down (HTTP 503).")
    return verdict


def _field(response: Response) -> str:
    field = told(response).get("field")
    return str(field)[:60] if field else ""
