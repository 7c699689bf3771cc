"""How FedEx's errors are judged: by code where it has one, else by status.

The body of an error is ``{"transactionId", "errors": [{"code", "message", "parameterList"}]}``; a tracking answer has
one error per number inside a 200. The vendor's text may quote what we sent, so only the code reaches a message.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from integrations.classify import answered_at, by_status, rate_limited, retry_after
from integrations.error_body import objects, told
from integrations.errors import Fault, SchemaDrift
from integrations.outcome import Request, Response, Verdict

LABEL = "FedEx"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
TRACK_PATHS = frozenset({"/track/v1/trackingnumbers", "/track/v1/referencenumbers"})
# FedEx bars the address for ten minutes after too many token requests, longer if one goes on. Source: "Rate limits".
TOKEN_PENALTY = 600.0
SHORT_WINDOW = 10.0
_SHORT_BURST = "short duration"  # in the sentence of a 429 that ends with the ten-second window
NOT_FOUND = frozenset(
    {"TRACKING.TRACKINGNUMBER.NOTFOUND", "TRACKING.REFERENCENUMBER.NOTFOUND", "TRACKING.REFERENCE.NOTFOUND"}
)

_CODES: dict[str, tuple[str, Fault, str]] = {
    "ACCOUNT.NUMBER.MISMATCH": (
        "account_not_allowed",
        "configuration",
        "FedEx says the account number does not belong to this credential; check QUAYSIDE_FEDEX_ACCOUNT_NUMBER.",
    ),
    "ACCOUNTNUMBER.REGISTRATION.REQUIRED": (
        "account_not_allowed",
        "configuration",
        "FedEx wants the account number registered for this project; do it in the developer portal.",
    ),
    "SHIPMENT.USER.UNAUTHORIZED": (
        "account_not_allowed",
        "configuration",
        "FedEx does not let this credential ship on this account; check both in the developer portal.",
    ),
    "UNAUTHORIZED.USAGE": (
        "account_not_allowed",
        "configuration",
        "FedEx does not let this credential use the service; check the project in the developer portal.",
    ),
    "TRACKING.TRACKINGNUMBER.EMPTY": ("invalid_tracking_number", "ours", "FedEx was given no tracking number."),
    "TRACKINGNUMBER.ENTERED.INVALID": (
        "invalid_tracking_number",
        "ours",
        "FedEx says this is none of its tracking numbers; check it.",
    ),
    "TRACKING.TRACKINGNUMBER.NOTFOUND": (
        "not_found",
        "ours",
        "FedEx does not know this tracking number (yet); a new label takes a while to appear.",
    ),
    "NOT.FOUND.ERROR": ("not_found", "ours", "FedEx does not know what was asked for; check number and base URL."),
    "FORBIDDEN.ERROR": (
        "forbidden",
        "configuration",
        "FedEx knows us but the project may not do this; add the API to the project in the developer portal.",
    ),
}


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success. Raise SchemaDrift when a success is no JSON object."""
    if response.status < 300:
        if not isinstance(response.json(), dict):
            raise SchemaDrift("FedEx's answer is not an object.", field="body", status=response.status)
        return _judge_tracking(response) if request.path in TRACK_PATHS else None
    code = error_code(response)
    if request.path == TOKEN_PATH:
        return _judge_token(response)
    if response.status == 429:
        return _judge_throttling(response)
    if code == "LOGIN.REAUTHENTICATE.ERROR":
        return by_status(LABEL, Response(status=401, headers=response.headers, body=response.body))
    known = _CODES.get(code) if response.status < 500 else None
    if known is None:
        return by_status(LABEL, response)
    error_type, fault, message = known
    return Verdict(error_type=error_type, fault=fault, message=message, counts=False, untouched=True)


def error_code(response: Response) -> str:
    """Return the code of the first error of a body, '' when there is none to be read."""
    body = told(response)
    errors = objects(body.get("errors"))
    if errors:
        return str(errors[0].get("code", ""))
    # packages/validate documents another body: {"error": "NOT.FOUND.ERROR", "error_detail": "…"}
    return str(body.get("error", ""))


def seconds_to_midnight(response: Response) -> float:
    """Return the seconds from the answer's own Date to 00:00 GMT, when FedEx's daily quota begins anew."""
    now = answered_at(response)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds()


def is_daily(response: Response) -> bool:
    """Whether a 429 is that of the daily quota; the short one speaks of a short duration."""
    text = response.body.decode("utf-8", "replace").lower()
    return _SHORT_BURST not in text and ("daily" in text or "quota" in text)


def _judge_token(response: Response) -> Verdict | None:
    if response.status == 403:
        return Verdict(
            error_type="token_penalty",
            fault="ours",
            message="FedEx bars us for ten minutes after too many token requests; asking again makes it longer.",
            retry_after=TOKEN_PENALTY,
            counts=False,
            untouched=True,
        )
    if response.status == 401:
        return Verdict(
            error_type="unauthorized",
            fault="configuration",
            message=(
                "FedEx refuses our client id and secret; check QUAYSIDE_FEDEX_CLIENT_ID and "
                "QUAYSIDE_FEDEX_CLIENT_SECRET, and that they are for this environment."
            ),
            counts=False,
            untouched=True,
        )
    return by_status(LABEL, response)


def _judge_throttling(response: Response) -> Verdict:
    if is_daily(response):
        return Verdict(
            error_type="daily_quota_spent",
            fault="ours",
            message="FedEx's quota of the day is spent; it begins anew at 00:00 GMT.",
            retry_after=retry_after(response) or seconds_to_midnight(response),
            counts=False,
            untouched=True,
        )
    message = "FedEx says we send too much within ten seconds; we wait and go on."
    return rate_limited(message, retry_after(response) or SHORT_WINDOW)


def _judge_tracking(response: Response) -> Verdict | None:
    """Judge a tracking answer by its per-number errors; a number FedEx does not know is an answer, not an error."""
    codes = [str(result["error"].get("code", "")) for result in _track_results(response) if result.get("error")]
    bad = [code for code in codes if code not in NOT_FOUND]
    if not bad or len(codes) < len(_track_results(response)):
        return None
    error_type, fault, message = _CODES.get(
        bad[0], ("tracking_error", "theirs", "FedEx cannot tell where this shipment is; try again later.")
    )
    return Verdict(
        error_type=error_type, fault=fault, message=message, counts=False, untouched=fault == "ours", business=True
    )


def _track_results(response: Response) -> list[dict[str, Any]]:
    try:
        body = response.json()
        found = [r for complete in body["output"]["completeTrackResults"] for r in complete["trackResults"]]
    except (SchemaDrift, KeyError, TypeError):
        return []  # the reading of the answer will say what is wrong with it
    return [result for result in found if isinstance(result, dict) and isinstance(result.get("error") or {}, dict)]
