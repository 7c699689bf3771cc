"""How AvaTax's refusals are judged: by the number of the first detail, and then by the status.

``{"error": {"code", "details": [{"number", "faultCode", "refersTo", …}]}}``; a 404 may have no body. A ping with a wrong
credential is 200 and says ``authenticated: false``. Their texts quote what we sent, so none is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.classify import by_status, not_found, rate_limited, retry_after
from integrations.error_body import objects, told
from integrations.errors import Fault
from integrations.outcome import Request, Response, Verdict
from integrations.vendors.avalara.declaration import LABEL

PING = "/api/v2/utilities/ping"
EXISTS, CANCELLED = "already_exists", "already_cancelled"
_CREDENTIAL = f"{LABEL} refuses the credential; check QUAYSIDE_AVALARA_ACCOUNT_ID and QUAYSIDE_AVALARA_LICENSE_KEY."
# number -> (error_type, fault, sentence)
_FINAL: Mapping[int, tuple[str, Fault, str]] = {
    4: ("not_found", "ours", "does not know what was asked for"),
    31: ("forbidden", "configuration", "does not allow this with our credential; check its role there"),
    198: (CANCELLED, "ours", "has cancelled this document already"),
    303: (EXISTS, "ours", "has a committed document with this code already"),
    309: ("invalid_address", "ours", "cannot place an address of the sale"),
    313: ("not_committed", "ours", "has not committed this document, so it cannot do that with it"),
    1100: ("locked", "ours", "has reported this document, so it cannot be changed any more; refund it instead"),
    1303: (EXISTS, "ours", "has a committed document with this code already"),
    1313: (EXISTS, "ours", "has a committed document with this code already"),
}
_CALCULATION = 300
_THROTTLED = frozenset({1715, 1716, 1723})
_TROUBLE = frozenset({209, 316, 500, 1718, 4015})


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    if response.status < 300:
        return _ping(request, response)
    detail = _detail(response)
    given = detail.get("number")
    number = given if isinstance(given, int) else 0
    if number == 30 or response.status == 401:
        return Verdict(
            error_type="unauthorized",
            fault="configuration",
            message=_CREDENTIAL,
            counts=False,
            untouched=True,
            expired=True,
        )
    if number == _CALCULATION and detail.get("refersTo") == "DocStatus":
        number = 303  # a document that is final is not replaced: the older word for the same
    if number in _FINAL:
        error_type, fault, sentence = _FINAL[number]
        return Verdict(error_type=error_type, fault=fault, message=f"{LABEL} {sentence}.", counts=False, untouched=True)
    verdict = by_status(LABEL, response)
    if number in _THROTTLED or response.status == 429:
        return rate_limited(f"{LABEL} says we send too much; we wait and go on.", retry_after(response))
    if number in _TROUBLE:
        return Verdict(
            error_type=f"trouble_{number}",
            fault="theirs",
            message=f"{LABEL} has trouble on its side ({number}).",
            retryable=True,
            retry_after=retry_after(response),
        )
    if verdict is None:
        return None
    if response.status == 404:
        return not_found(LABEL, verdict)
    if response.status in (400, 409, 422):
        field = str(detail.get("refersTo") or "")
        where = f" at {field}" if re.fullmatch(r"[\w.\[\]]{1,60}", field) else ""
        named = f" ({number})" if number else ""
        return replace(
            verdict,
            error_type="invalid_request",
            message=f"{LABEL} does not accept what we sent{where}{named}; sending it again will not help.",
            untouched=True,
        )
    return verdict


def _ping(request: Request, response: Response) -> Verdict | None:
    if request.path != PING:
        return None
    if told(response).get("authenticated") is not False:
        return None  # where it is no object, the reading of the answer says what is wrong with it
    return Verdict(
        error_type="unauthorized",
        fault="configuration",
        message=_CREDENTIAL,
        counts=False,
        untouched=True,
        expired=True,
        business=True,
    )


def _detail(response: Response) -> Mapping[str, Any]:
    error = told(response).get("error")
    details = objects(error.get("details")) if isinstance(error, dict) else []
    return details[0] if details else {}
