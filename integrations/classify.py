"""The default judgement of an answer: by status, by Retry-After, by the RateLimit headers.

Sources: RFC 9110 §15 (statuses), §10.2.3 (Retry-After: seconds or an HTTP date), RFC 6585 (429), and the IETF draft
"RateLimit header fields for HTTP" (``RateLimit: "name";r=50;t=30``; a malformed field is ignored).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from integrations.errors import Fault
from integrations.outcome import QuotaSeen, Response, Verdict

RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_RATELIMIT_ITEM = re.compile(r'"?([\w.-]+)"?((?:\s*;\s*[a-z]+=[^;,]+)*)')


def retry_after(response: Response, now: datetime | None = None) -> float | None:
    """Return the seconds the answer asks us to wait, None when it does not say or says nonsense."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())


def by_status(label: str, response: Response) -> Verdict | None:
    """Return the verdict of the status alone; None below 400."""
    status = response.status
    if status < 300 or status == 304:
        return None
    wait = retry_after(response)
    if status < 400:
        return _verdict("http_redirect", "theirs", f"{label} redirects where it should answer; check the base URL.")
    if status == 401:
        return Verdict(
            error_type="unauthorized",
            fault="configuration",
            message=f"{label} refuses our credential; check that it is set, valid and for this environment.",
            counts=False,
            untouched=True,
            expired=True,
        )
    if status == 403:
        message = f"{label} knows us but does not allow this; check the permissions of the credential."
        return Verdict(error_type="forbidden", fault="configuration", message=message, counts=False, untouched=True)
    if status == 429:
        return rate_limited(f"{label} says we send too much; we wait and go on.", wait)
    if status < 500 and status != 408:
        message = f"{label} does not accept what we sent (HTTP {status}); sending it again will not help."
        return Verdict(
            error_type=f"http_{status}", fault="ours", message=message, counts=False, untouched=status != 409
        )
    return Verdict(
        error_type=f"http_{status}",
        fault="theirs",
        message=f"{label} has trouble on its side (HTTP {status}).",
        retryable=status in RETRYABLE_STATUSES,
        retry_after=wait,
    )


def rate_limited(message: str, wait: float | None) -> Verdict:
    """Return the verdict on a request the vendor did not take because there were too many; it is sent again."""
    return Verdict(
        error_type="rate_limited",
        fault="ours",
        message=message,
        retryable=True,
        retry_after=wait,
        counts=False,
        untouched=True,
    )


def not_found(label: str, verdict: Verdict) -> Verdict:
    """Return a verdict of the status as one on something the vendor does not have."""
    return replace(verdict, error_type="not_found", message=f"{label} does not know what was asked for.")


def invalid_request(label: str, verdict: Verdict, at: str = "") -> Verdict:
    """Return a verdict of the status as one on a request that is wrong; ``at`` names the field, where it is known."""
    where = f" at {at}" if at else ""
    message = f"{label} does not accept what we sent{where}; sending it again will not help."
    return replace(verdict, error_type="invalid_request", message=message)


def answered_at(response: Response) -> datetime:
    """Return when the vendor answered, by its own clock (Date); by ours where it does not say."""
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)


def number_in(response: Response, header: str) -> float | None:
    """Return the whole number a header holds, None for anything else."""
    value = response.headers.get(header, "").strip()
    return float(value) if value.isdecimal() else None


def _verdict(error_type: str, fault: Fault, message: str) -> Verdict:
    return Verdict(error_type=error_type, fault=fault, message=message)


def ratelimit_headers(response: Response) -> Sequence[QuotaSeen]:
    """Return the quotas named in ``RateLimit`` and ``RateLimit-Policy``."""
    limits = {name: params.get("q") for name, params in _items(response.headers.get("ratelimit-policy", ""))}
    return [
        QuotaSeen(quota=name, limit=limits.get(name), remaining=params.get("r"), reset=params.get("t"))
        for name, params in _items(response.headers.get("ratelimit", ""))
    ]


def _items(value: str) -> list[tuple[str, dict[str, float]]]:
    items = []
    for name, params in _RATELIMIT_ITEM.findall(value):
        numbers = {}
        for part in params.split(";"):
            key, _, number = part.strip().partition("=")
            if re.fullmatch(r"\d+(\.\d+)?", number):
                numbers[key] = float(number)
        if numbers:
            items.append((name, numbers))
    return items
