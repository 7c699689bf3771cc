"""How Meta's refusals are judged: ``{"error": {"code", "error_subcode", "is_transient", …}}``, by code and not by status.

Throttling mostly comes as 400 or 403, and a 200 may hold an error, ``{"success": false}`` or the words "Service
Unavailable" in place of an answer (the official client looks for all three). Its texts may quote what we sent, so none
is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from integrations.classify import by_status, rate_limited
from integrations.error_body import told
from integrations.errors import Fault
from integrations.outcome import Response, Verdict
from integrations.vendors.meta_ads import usage
from integrations.vendors.meta_ads.declaration import LABEL, VERSION

TOO_MUCH = "too_much_data"
_TOO_MUCH_SUBCODE = 1487534
_THROTTLED = frozenset({4, 17, 32, 613, *range(80000, 80015)})
_TEMPORARY = frozenset({1, 2, 104})
_TIMED_OUT = 99  # as a subcode
_TOKEN = {102, 190}
_WHY = {458: "the app was removed", 460: "the password was changed", 463: "it has expired", 467: "it was revoked"}
_NO_SUCH_THING = 33  # as a subcode of 100; from common use, unconfirmed
_OLD_VERSION = 2635
_EVENT = {2804003: ": the event is too old", 2804050: ": nobody can be found by what the event says of the shopper"}


def judge(response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    body = told(response)
    error = body.get("error")
    if isinstance(error, dict):
        return _by_code(error, response)
    verdict = by_status(LABEL, response)
    if verdict is not None:
        return verdict
    if not body and b"Service Unavailable" in response.body:
        return Verdict(
            error_type="service_unavailable",
            fault="theirs",
            message=f"{LABEL} has trouble on its side, told inside a 200.",
            retryable=True,
            business=True,
        )
    if body.get("success") is False:
        return _no("rejected", "ours", f"{LABEL} says that it did not do this, and not why.", response)
    return None


def _by_code(error: Mapping[str, Any], response: Response) -> Verdict:
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = str(error.get("message") or "").lower()
    if subcode == _TOO_MUCH_SUBCODE or "reduce the amount of data" in said:
        return _no(TOO_MUCH, "ours", f"{LABEL} will not answer so much at once; ask for fewer days.", response)
    if code in _THROTTLED or response.status == 429:
        message = f"{LABEL} says we ask too much{_of_whom(code)}; we wait and go on."
        return replace(rate_limited(message, usage.wait(response)), business=response.status < 300)
    if code in _TOKEN:
        why = f" ({_WHY[subcode]})" if subcode in _WHY else ""
        message = (
            f"{LABEL} refuses the access token{why}; nothing renews it. "
            "Make a new one, best a system user's, and set QUAYSIDE_META_ADS_ACCESS_TOKEN."
        )
        return _no("unauthorized", "configuration", message, response)
    if "appsecret_proof" in said:
        message = f"{LABEL} wants proof of the app, or another one; check QUAYSIDE_META_ADS_APP_SECRET."
        return _no("unauthorized", "configuration", message, response)
    if code in (3, 10) or 200 <= code <= 299:
        message = (
            f"{LABEL} knows us but does not allow this; the token needs ads_read for spend and "
            "ads_management for conversions."
        )
        return _no("forbidden", "configuration", message, response)
    if _is_temporary(error, code, subcode, response.status):
        return Verdict(
            error_type="temporary_error",
            fault="theirs",
            message=f"{LABEL} has trouble on its side (code {code}).",
            retryable=True,
            business=response.status < 300,
        )
    if code == 100 and subcode == _NO_SUCH_THING:
        message = (
            f"{LABEL} shows us no such ad account, pixel or report; check QUAYSIDE_META_ADS_AD_ACCOUNT_ID and "
            "QUAYSIDE_META_ADS_PIXEL_ID, and what the token may see."
        )
        return _no("not_found", "configuration", message, response)
    if code == _OLD_VERSION:
        message = f"{LABEL} no longer serves version {VERSION}; Quayside has to be updated."
        return _no("version_ended", "ours", message, response)
    where = _EVENT.get(subcode) or _blamed(error)
    message = f"{LABEL} does not accept what we sent{where} (code {code}, {subcode}); sending it again will not help."
    return _no("invalid_request", "ours", message, response)


def _is_temporary(error: Mapping[str, Any], code: int, subcode: int, status: int) -> bool:
    if error.get("is_transient") is True or code in _TEMPORARY or subcode == _TIMED_OUT:
        return True
    return (code == 960 and status == 400) or status >= 500


def _of_whom(code: int) -> str:
    return {4: " with this app", 17: " of this ad account", 613: " of this ad account"}.get(code, "")


def _no(error_type: str, fault: Fault, message: str, response: Response) -> Verdict:
    return Verdict(
        error_type=error_type,
        fault=fault,
        message=message,
        counts=False,
        untouched=True,
        business=response.status < 300,
    )


def _blamed(error: Mapping[str, Any]) -> str:
    """Return " at" the first field Meta blames, '' when it names none. The list of names may be JSON inside the JSON."""
    told = error.get("error_data")
    if isinstance(told, str):
        try:
            told = orjson.loads(told)
        except orjson.JSONDecodeError:
            return ""
    names = told.get("blame_field_specs") if isinstance(told, dict) else None
    while isinstance(names, list) and names:
        names = names[0]
    return f" at {names[:60]}" if isinstance(names, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
