"""How Google's refusals are judged.

The Google Ads API answers ``{"error": {"code", "status", "details": [{"errors": [{"errorCode": {kind: code}}]}]}}``, from
a stream also as the element of a list, even the last one after good chunks at 200. The Data Manager API has the same
outer shape with ``google.rpc`` details (ErrorInfo, BadRequest, RetryInfo). The token endpoint answers ``{"error": word}``
(RFC 6749 §5.2). Their texts may quote what we sent, so none is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from integrations.classify import by_status, rate_limited
from integrations.error_body import objects, told
from integrations.errors import Fault, SchemaDrift
from integrations.outcome import Request, Response, Verdict
from integrations.vendors.google_ads.declaration import DATA_MANAGER, LABEL, TOKEN_PATH, VERSION

LEAST_WAIT = 5.0  # seconds after a refusal for speed that names no time
QUERY_WAIT = 300.0  # after queries that cost Google too much; our allowance
DAY_WAIT = 3600.0  # after what a day allows is spent, where no time is named; our allowance
_BAD_TOKENS = frozenset({"OAUTH_TOKEN_EXPIRED", "OAUTH_TOKEN_INVALID", "OAUTH_TOKEN_REVOKED", "OAUTH_TOKEN_DISABLED"})
_HINTS = {
    "DEVELOPER_TOKEN_INVALID": "check QUAYSIDE_GOOGLE_ADS_DEVELOPER_TOKEN",
    "DEVELOPER_TOKEN_NOT_APPROVED": "the developer token is for test accounts alone; apply for basic access",
    "DEVELOPER_TOKEN_PROHIBITED": "the developer token belongs to another project of Google Cloud",
    "DEVELOPER_TOKEN_PARAMETER_MISSING": "check QUAYSIDE_GOOGLE_ADS_DEVELOPER_TOKEN",
    "USER_PERMISSION_DENIED": "an account below a manager needs QUAYSIDE_GOOGLE_ADS_LOGIN_CUSTOMER_ID",
    "INVALID_LOGIN_CUSTOMER_ID": "check QUAYSIDE_GOOGLE_ADS_LOGIN_CUSTOMER_ID",
    "CUSTOMER_NOT_ENABLED": "the account is not enabled or was closed",
    "CUSTOMER_NOT_FOUND": "check QUAYSIDE_GOOGLE_ADS_CUSTOMER_ID",
    "CLIENT_CUSTOMER_ID_INVALID": "check QUAYSIDE_GOOGLE_ADS_CUSTOMER_ID",
    "INVALID_CUSTOMER_ID": "check QUAYSIDE_GOOGLE_ADS_CUSTOMER_ID",
    "NOT_ADS_USER": "whoever signed in has no Google Ads account",
    "REQUESTED_METRICS_FOR_MANAGER": "QUAYSIDE_GOOGLE_ADS_CUSTOMER_ID is a manager account; name the one that advertises",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "sign in anew for both scopes, adwords and datamanager",
    "SERVICE_DISABLED": "enable the API in the project of Google Cloud",
}
_KINDS_OF_ACCESS = ("authenticationError", "authorizationError", "headerError", "notAllowlistedError")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """What an error object says: Google's word for it, the kind and code of the first error inside, a time to wait."""

    status: str = ""
    kind: str = ""
    code: str = ""
    wait: float | None = None
    field: str = ""


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    if request.path == TOKEN_PATH:
        return _of_token(response)
    body = _body(response)
    error = _error(body)
    plain = by_status(LABEL, response)
    if error is None:
        return plain
    verdict = _of(_read(error), plain, request)
    return replace(verdict, business=True) if plain is None else verdict


def _of(refusal: _Refusal, plain: Verdict | None, request: Request) -> Verdict:
    code, status = refusal.code, refusal.status
    if refusal.kind == "quotaError":
        return _of_quota(refusal)
    if refusal.kind == "internalError":
        return _trouble(code)
    if code in _BAD_TOKENS or (status == "UNAUTHENTICATED" and not refusal.kind):
        return Verdict(
            error_type="unauthorized",
            fault="configuration",
            message=f"{LABEL} does not take our token, not even a new one; sign in anew and set the refresh token.",
            counts=False,
            untouched=True,
            expired=True,
        )
    if refusal.kind in _KINDS_OF_ACCESS or code in _HINTS or status == "PERMISSION_DENIED":
        where = "conversions" if request.host == DATA_MANAGER else "reports"
        hint = _HINTS.get(code, "look at the account and at what it was allowed")
        error_type = "unauthorized" if refusal.kind == "authenticationError" else "forbidden"
        named = f" ({code[:60]})" if code else ""
        return _no(error_type, "configuration", f"{LABEL} does not let us at {where}{named}; {hint}.")
    if status == "RESOURCE_EXHAUSTED":
        return _too_fast(refusal.wait)
    if code == "UNSUPPORTED_VERSION":
        return _no("version_ended", "ours", f"{LABEL} no longer serves version {VERSION}; Quayside has to be updated.")
    if status in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "ABORTED", "UNKNOWN"):
        return plain if plain is not None and plain.fault == "theirs" else _trouble(code)
    if status == "NOT_FOUND" or code in ("RESOURCE_NOT_FOUND", "BAD_RESOURCE_ID"):
        return _no("not_found", "ours", f"{LABEL} does not know what was asked for.")
    if status in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE") or refusal.kind:
        where = f" at {refusal.field[:80]}" if refusal.field else f" ({code[:60]})" if code else ""
        message = f"{LABEL} does not accept what we sent{where}; sending it again will not help."
        return _no("invalid_request", "ours", message)
    return plain or _trouble(code)


def _of_quota(refusal: _Refusal) -> Verdict:
    if refusal.code == "RESOURCE_EXHAUSTED":
        return rate_limited(
            f"{LABEL}'s operations of the day are spent; a developer token with standard access has no such limit.",
            refusal.wait or DAY_WAIT,
        )
    if refusal.code.startswith("EXCESSIVE_"):
        message = f"{LABEL} finds our queries too costly; ask for fewer days at once, and later."
        return replace(_no("query_too_costly", "ours", message), retry_after=refusal.wait or QUERY_WAIT)
    if refusal.code == "ACCESS_PROHIBITED":
        return _no(
            "forbidden", "configuration", f"{LABEL} lets this developer token ask for nothing; look at its status."
        )
    return _too_fast(refusal.wait)


def _of_token(response: Response) -> Verdict | None:
    verdict = by_status(LABEL, response)
    if verdict is None or response.status not in (400, 401, 403):
        return verdict
    if told(response).get("error") == "invalid_grant":
        why = "the refresh token was taken back or has ended; sign in anew and set QUAYSIDE_GOOGLE_ADS_REFRESH_TOKEN"
    else:
        why = "check QUAYSIDE_GOOGLE_ADS_CLIENT_ID and QUAYSIDE_GOOGLE_ADS_CLIENT_SECRET"
    return _no("unauthorized", "configuration", f"{LABEL} gives no token: {why}.")


def _too_fast(wait: float | None) -> Verdict:
    return rate_limited(f"{LABEL} says we ask too fast; we wait and go on.", wait or LEAST_WAIT)


def _trouble(code: str) -> Verdict:
    named = f" ({code[:60]})" if code else ""
    message = f"{LABEL} has trouble on its side{named}."
    return Verdict(error_type="internal_error", fault="theirs", message=message, retryable=True)


def _no(error_type: str, fault: Fault, message: str) -> Verdict:
    return Verdict(error_type=error_type, fault=fault, message=message, counts=False, untouched=True)


def _read(error: Mapping[str, Any]) -> _Refusal:
    kind, code, field = "", "", ""
    wait: float | None = None
    for detail in objects(error.get("details")):
        for one in objects(detail.get("errors")):
            named = one.get("errorCode")
            if not kind and isinstance(named, dict) and named:
                kind, code = next((str(key), str(value)) for key, value in named.items())
            inner = one.get("details")
            quota = inner.get("quotaErrorDetails") if isinstance(inner, dict) else None
            wait = wait or (_seconds(quota.get("retryDelay")) if isinstance(quota, dict) else None)
        wait = wait or _seconds(detail.get("retryDelay"))
        metadata = detail.get("metadata")
        if isinstance(metadata, dict) and "PerDay" in str(metadata.get("quota_limit")):
            wait = wait or DAY_WAIT
        if not kind and isinstance(detail.get("reason"), str):
            code = code or detail["reason"]
        for one in objects(detail.get("fieldViolations")):
            field = field or str(one.get("field") or "")
    return _Refusal(status=str(error.get("status") or ""), kind=kind, code=code, wait=wait, field=field)


def _error(body: Any) -> Mapping[str, Any] | None:
    """Return the error object of an answer, alone or in a list of chunks; None when there is none."""
    for one in body if isinstance(body, list) else [body]:
        error = one.get("error") if isinstance(one, dict) else None
        if isinstance(error, dict):
            return error
    return None


def _seconds(duration: Any) -> float | None:
    """Return the seconds of a Duration as JSON has it: "30s", "1.5s"."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s", duration) if isinstance(duration, str) else None
    return float(found[1]) if found else None


def _body(response: Response) -> Any:
    try:
        return response.json()
    except SchemaDrift:
        return None
