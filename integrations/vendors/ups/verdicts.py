"""How UPS's errors are judged: by code where it has one, else by status.

The body of an error is ``{"response": {"errors": [{"code", "message"}]}}`` for all of UPS, tokens included. The
messages quote what we sent, so only codes reach ours. Codes: UPS's developer guides "Shipping Package" and "Rating
Package", and api-documentation issues 12, 108 and 123. Rating numbers its errors as Shipping does, with 11 in front
where that has 12. Label Recovery answers with 98010.. now where the guide has 3000.. (seen in public integrations).
"""

from __future__ import annotations

import re
from typing import Any

from integrations.classify import by_status, rate_limited, retry_after
from integrations.errors import Fault, SchemaDrift
from integrations.outcome import Request, Response, Verdict
from integrations.vendors.ups.values import clean

LABEL = "UPS"
TOKEN_PATH = "/security/v1/oauth/token"  # noqa: S105 - a path
TRACK = "/api/track/"
ALREADY_VOIDED = "already_voided"
NOT_CANCELLABLE = "not_cancellable"
NOT_FOUND = "not_found"
_RATING = re.compile(r"^11(?=\d{4}$)")
_CODE = re.compile(r"[0-9A-Za-z.]{2,12}")

_Known = tuple[str, Fault, str]
_ACCOUNT: _Known = (
    "account_not_allowed",
    "configuration",
    "UPS does not let us ship on this account; check QUAYSIDE_UPS_ACCOUNT_NUMBER, that it belongs to the credential, "
    "and that its country is that of the origin.",
)
_NOT_SERVED: _Known = ("not_served", "ours", "UPS does not sell this service between these places; ask for its rates.")
_ADDRESS: _Known = (
    "address_not_accepted",
    "ours",
    "UPS does not accept the address of the sender or the receiver; check postal code, state and city.",
)
_PARCEL: _Known = ("parcel_not_accepted", "ours", "UPS does not accept a parcel's weight or size; check them.")
_REFERENCE: _Known = ("reference_not_accepted", "ours", "UPS does not accept our reference on this shipment.")
_NUMBER: _Known = ("invalid_tracking_number", "ours", "UPS says this is none of its tracking numbers; check it.")
_KEPT: _Known = (
    NOT_CANCELLABLE,
    "ours",
    "UPS has no shipment with this number that it would still cancel; a label that is never scanned is not billed.",
)
_SEVERAL: _Known = (
    "several_found",
    "ours",
    "UPS has several shipments with this reference; look for the right one on ups.com and settle it by hand.",
)
_NO_LABEL: _Known = (
    "label_unavailable",
    "ours",
    "UPS has the shipment with this reference but its label no longer; look for it on ups.com and settle it by hand.",
)


def _same(known: _Known, codes: str) -> dict[str, _Known]:
    return dict.fromkeys(codes.split(), known)


_CODES: dict[str, _Known] = {
    **_same(_ACCOUNT, "120100 120113 120120 120121 120122 120412 120413 120415 300031"),
    **_same(_NOT_SERVED, "120124 121100 121106 121185 121208 121210 121214 121215"),
    **_same(_ADDRESS, "120105 120106 120107 120108 120205 120206 120207 120208 120801 120802 121285 121286"),
    **_same(_PARCEL, "120601 120602 120606 120609 120616 121035 121036 121050 121055 121056"),
    **_same(_REFERENCE, "120501 120541 120542 120603"),
    **_same(_NUMBER, "190100 190109 300014 TV1002"),
    **_same(_KEPT, "190101 190102 190103 190104 190118 190121"),
    **_same(_SEVERAL, "300001 300035"),
    **_same(_NO_LABEL, "300002 300006 300032"),
    "190117": (ALREADY_VOIDED, "ours", "UPS has cancelled this shipment before."),
    # A voided shipment is one nobody can send with, so for a look-up it is not there.
    **_same((NOT_FOUND, "ours", "UPS has no shipment with this reference (yet)."), "300007 300033 9801031 9801040"),
}
_TRANSIENT = frozenset({"20001", "120001", "190001", "250050", "300000"})
_CREDENTIAL = re.compile(r"25000\d|10401")


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success. Raise SchemaDrift when a success is no JSON object."""
    if response.status < 300:
        return _judge_success(response)
    code = error_code(response)
    if response.status == 404 and request.path.startswith(TRACK) and code:
        return None  # UPS has nothing on this number: an answer, not an error
    if request.path == TOKEN_PATH:
        return _judge_token(response, code)
    if response.status == 429 or response.status >= 500:
        return _judge_status(response)
    if response.status == 401 or _CREDENTIAL.fullmatch(code):
        return by_status(LABEL, Response(status=401, headers=response.headers, body=response.body))
    if response.status == 403:
        return _blocked()
    return _by_code(code) if code else by_status(LABEL, response)


def error_code(response: Response) -> str:
    """Return the code of the first error of a body, '' when there is none to be read."""
    try:
        errors: Any = response.json()["response"]["errors"]
        code = clean(str(errors[0]["code"]))
    except (SchemaDrift, KeyError, IndexError, TypeError):
        return ""
    return code if _CODE.fullmatch(code) else ""


def _judge_success(response: Response) -> Verdict | None:
    """Judge the status inside a 200. Alerts beside it are warnings of something that was done."""
    body = response.json()
    if not isinstance(body, dict):
        raise SchemaDrift("UPS's answer is not an object.", field="body", status=response.status)
    code = error_code(response)
    if code:
        return _by_code(code, business=True)
    for part in body.values():
        try:
            said = clean(str(part["Response"]["ResponseStatus"]["Code"]))
        except (KeyError, TypeError):
            continue
        if said != "1":
            message = f"UPS answers that the request failed (status {said if said.isdecimal() else 'unreadable'})."
            return Verdict(error_type="rejected", fault="theirs", message=message, counts=False, business=True)
    return None


def _by_code(code: str, *, business: bool = False) -> Verdict:
    if code in _TRANSIENT:
        message = f"UPS has trouble on its side ({code}) and says it will pass."
        return Verdict(error_type="unavailable", fault="theirs", message=message, retryable=True, business=business)
    unknown: _Known = (
        "invalid_request",
        "ours",
        f"UPS does not accept what we sent ({code}); sending it again will not help.",
    )
    error_type, fault, message = _CODES.get(_RATING.sub("12", code), unknown)
    # A shipment that is said to exist already (120021) may be the one whose answer was lost.
    return Verdict(
        error_type=error_type,
        fault=fault,
        message=message,
        counts=False,
        untouched=code != "120021",
        business=business,
    )


def _judge_token(response: Response, code: str) -> Verdict | None:
    if response.status == 401 or _CREDENTIAL.fullmatch(code):
        return Verdict(
            error_type="unauthorized",
            fault="configuration",
            message=(
                "UPS refuses our client id and secret; check QUAYSIDE_UPS_CLIENT_ID and QUAYSIDE_UPS_CLIENT_SECRET, "
                "and that they are for this environment."
            ),
            counts=False,
            untouched=True,
        )
    if response.status == 403:
        return _blocked()
    if response.status == 429 or response.status >= 500:
        return _judge_status(response)
    return by_status(LABEL, response)


def _judge_status(response: Response) -> Verdict | None:
    if response.status != 429:
        return by_status(LABEL, response)
    return rate_limited(
        "UPS says we send too much, and not how much is allowed; we wait and go on. UPS raises limits on request.",
        retry_after(response),
    )


def _blocked() -> Verdict:
    return Verdict(
        error_type="forbidden",
        fault="configuration",
        message="UPS has blocked this credential or account; check both in the developer portal, then call UPS.",
        counts=False,
        untouched=True,
    )
