"""How SendGrid's refusals are judged: ``{"errors": [{"message", "field", "help"}]}``, and what its limit headers say.

``X-RateLimit-Reset`` is a moment in Unix seconds, not a wait. A mail that is too large is refused by a proxy, in HTML.
Their texts quote what we sent, so none is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from integrations.classify import answered_at, by_status, invalid_request, number_in
from integrations.error_body import objects, told
from integrations.outcome import QuotaSeen, Response, Verdict
from integrations.vendors.sendgrid.declaration import LABEL


def judge(response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    verdict = by_status(LABEL, response)
    if verdict is None:
        return None
    status, errors = response.status, _errors(response)
    said = " ".join(str(error.get("message") or "") for error in errors).lower()
    field = next((str(error["field"])[:80] for error in errors if error.get("field") not in (None, "", "null")), "")
    if status in (401, 403) and "maximum credits exceeded" in said:
        return replace(
            verdict,
            error_type="credits_exhausted",
            fault="configuration",
            message=f"{LABEL}'s credits for this month are used up; buy more, or wait for the next month.",
            counts=True,
            expired=False,
        )
    if status in (401, 403) and "review" in said:
        return replace(
            verdict,
            error_type="account_under_review",
            fault="configuration",
            message=f"{LABEL} is reviewing the account and sends nothing meanwhile; ask its support.",
            counts=True,
            expired=False,
        )
    if status == 401:
        return replace(verdict, message=f"{LABEL} refuses the key; check QUAYSIDE_SENDGRID_API_KEY.")
    if status == 403 and (field.startswith("from") or "sender identity" in said):
        return replace(
            verdict,
            error_type="sender_not_verified",
            message=f"{LABEL} does not know our sender; verify QUAYSIDE_SENDGRID_FROM there.",
        )
    if status == 413:
        return replace(verdict, error_type="too_large", message=f"{LABEL} takes no mail this large; shorten it.")
    if status == 429:
        return replace(verdict, retry_after=_reset(response))
    if status == 400:
        return invalid_request(LABEL, verdict, field)
    return verdict


def quotas(response: Response) -> Sequence[QuotaSeen]:
    """Return what an answer says of the quota; answers of mail/send often say nothing."""
    limit, remaining = (number_in(response, name) for name in ("x-ratelimit-limit", "x-ratelimit-remaining"))
    if remaining is None:
        return ()
    return [QuotaSeen(quota="requests", limit=limit, remaining=remaining, reset=_reset(response))]


def _reset(response: Response) -> float | None:
    """Return the seconds until the quota begins anew, by the clock of the answer where it tells its time."""
    at = number_in(response, "x-ratelimit-reset")
    if at is None:
        return None
    return max(0.0, at - answered_at(response).timestamp())


def _errors(response: Response) -> Sequence[Mapping[str, Any]]:
    if "json" not in response.headers.get("content-type", ""):
        return ()
    return objects(told(response).get("errors"))
