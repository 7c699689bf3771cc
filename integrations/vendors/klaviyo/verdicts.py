"""How Klaviyo's refusals are judged: ``{"errors": [{"status", "code", "detail", "source", "meta"}]}``, and its quotas.

The RateLimit headers tell the window of a minute, on every answer but 429, and nothing of the window of a second. A 429
says how long to wait in ``Retry-After`` or, as older ones did, in its text alone. Other texts may quote what we sent, so
none is passed on. Sources: the published contract; klaviyo-api-node issue 75 and klaviyo-api-php issue 63
(duplicate_profile from profile-import); klaviyo-api-python src/klaviyo_api/wrapper.py (524).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from integrations.classify import by_status, invalid_request, number_in
from integrations.error_body import objects, told
from integrations.outcome import QuotaSeen, Response, Verdict
from integrations.vendors.klaviyo.declaration import (
    ACCOUNTS_A_MINUTE,
    EVENTS_A_MINUTE,
    LABEL,
    PROFILES_A_MINUTE,
    REVISION,
)

# Which quota an answer speaks of is told by its size alone; an account of another tier has other sizes, all shown as one.
_BY_LIMIT = {
    ACCOUNTS_A_MINUTE: "accounts_minute",
    EVENTS_A_MINUTE: "events_minute",
    PROFILES_A_MINUTE: "profiles_minute",
    700.0: "profiles_minute",  # what the guide still prints for the same tier
}
_WAIT = re.compile(r"in (\d+) seconds?\b")
_FIELD = re.compile(r"[\w/.\[\]-]{1,80}")


def judge(response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    verdict = by_status(LABEL, response)
    if verdict is None:
        return None
    status, errors = response.status, _errors(response)
    codes = {str(error.get("code") or "") for error in errors}
    if status == 401:
        return replace(verdict, message=f"{LABEL} refuses the key; check QUAYSIDE_KLAVIYO_PRIVATE_KEY.")
    if status == 403:
        message = (
            f"{LABEL} knows us but does not allow this; the key needs accounts:read, profiles:write, events:write."
        )
        return replace(verdict, message=message)
    if status == 429:
        return replace(verdict, retry_after=verdict.retry_after or _wait(errors))
    if status == 524:  # Cloudflare's: the vendor did not answer it in time
        return replace(verdict, retryable=True)
    if status in (400, 404, 410) and _blames_revision(errors):
        message = f"{LABEL} does not serve revision {REVISION} of its API; Quayside has to be updated."
        return replace(verdict, error_type="revision_refused", message=message)
    if status == 409 and "duplicate_profile" in codes:
        message = (
            f"{LABEL} has the e-mail address, telephone number or external id given on different profiles; "
            "merge them there, or send one of them."
        )
        return replace(verdict, error_type="duplicate_profile", message=message, untouched=True)
    if status == 404:
        message = f"{LABEL} knows no such profile or address; check QUAYSIDE_KLAVIYO_BASE_URL."
        return replace(verdict, error_type="not_found", message=message)
    if status == 413:
        return replace(verdict, error_type="too_large", message=f"{LABEL} takes nothing this large; send less of it.")
    if status == 400:
        return _refused(verdict, errors)
    return verdict


def quotas(response: Response) -> Sequence[QuotaSeen]:
    """Return what an answer says of the window of a minute; a 429 says nothing."""
    limit, remaining, reset = (number_in(response, f"ratelimit-{name}") for name in ("limit", "remaining", "reset"))
    if limit is None or remaining is None:
        return ()
    return [QuotaSeen(quota=_BY_LIMIT.get(limit, "minute"), limit=limit, remaining=remaining, reset=reset)]


def _refused(verdict: Verdict, errors: Sequence[Mapping[str, Any]]) -> Verdict:
    fields = sorted({field for error in errors if (field := _field(error))})
    return invalid_request(LABEL, verdict, ", ".join(fields[:3]))


def _blames_revision(errors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an error is about the revision and no field of ours: a withdrawn one is 404 "No valid revisions found …"."""
    return any(
        _field(error).rstrip("/") in ("", "/data")
        and re.search(r"\brevisions?\b", str(error.get("detail") or "").lower())
        for error in errors
    )


def _field(error: Mapping[str, Any]) -> str:
    """Return the field an error blames, '' when it names none or something that does not look like one."""
    source = error.get("source")
    named = (source.get("pointer") or source.get("parameter")) if isinstance(source, dict) else None
    return named if isinstance(named, str) and _FIELD.fullmatch(named) else ""


def _wait(errors: Sequence[Mapping[str, Any]]) -> float | None:
    told = [_WAIT.search(str(error.get("detail") or "")) for error in errors]
    return max((float(found[1]) for found in told if found), default=None)


def _errors(response: Response) -> Sequence[Mapping[str, Any]]:
    return objects(told(response).get("errors"))
