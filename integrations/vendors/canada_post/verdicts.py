"""How Canada Post's errors are judged: by code where there is one, else by status.

The body of an error is ``<messages><message><code/><description/></message></messages>``. Code ``Server`` stands for
throttling as well as for a body that its schema refuses, so throttling is known by its description; at which status it
comes is documented nowhere. Descriptions may quote what we sent, so only codes reach a message. Sources: "Messages and
code tables", "Void shipment", "Request shipment refund" of the developer program.
"""

from __future__ import annotations

import re

from integrations.classify import by_status, retry_after
from integrations.errors import Fault, SchemaDrift
from integrations.outcome import Request, Response, Verdict
from integrations.soap_fault import parse_xml
from integrations.vendors.canada_post import xml

LABEL = "Canada Post"
# Throttling lasts until the minute behind the last request has room again.
THROTTLED_FOR = 60.0
NO_HISTORY = "004"  # of tracking
REFUND_ASKED_FOR = "7292"
TRANSMITTED = "8064"
_THROTTLED = "rejected by slm monitor"
_SHOWN_CODE = re.compile(r"[A-Za-z0-9.-]{1,16}")  # anything else is left out of a message

_CODES: dict[str, tuple[str, Fault, str]] = {
    "AA001": (
        "unauthorized",
        "configuration",
        "Canada Post has deactivated this user; rejoin its developer program and set the new API key.",
    ),
    "AA002": (
        "wrong_environment",
        "configuration",
        "Canada Post says the API key is not for this address; development and production have keys of their own, "
        "check QUAYSIDE_CANADA_POST_USERNAME, …_PASSWORD and …_BASE_URL.",
    ),
    "AA003": (
        "account_not_allowed",
        "configuration",
        "Canada Post says the API key does not belong to the customer; check QUAYSIDE_CANADA_POST_CUSTOMER_NUMBER.",
    ),
    "AA004": (
        "account_not_allowed",
        "configuration",
        "Canada Post does not let us mail on behalf of this customer; check QUAYSIDE_CANADA_POST_MAILED_ON_BEHALF_OF.",
    ),
    "AA005": (
        "account_not_allowed",
        "configuration",
        "Canada Post takes this API key for a platform's; set the merchant's own key.",
    ),
    "AA006": (
        "account_not_allowed",
        "configuration",
        "Canada Post no longer lets a platform send for this merchant; set the merchant's own API key.",
    ),
    "E002": (
        "unauthorized",
        "configuration",
        "Canada Post refuses our API key; check QUAYSIDE_CANADA_POST_USERNAME and QUAYSIDE_CANADA_POST_PASSWORD.",
    ),
    REFUND_ASKED_FOR: ("refund_asked_for", "ours", "A refund was asked for before; Canada Post takes a few days."),
    TRANSMITTED: (
        "already_transmitted",
        "ours",
        "Canada Post has transmitted this shipment in the meantime; cancel it once more and a refund is asked for.",
    ),
}


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success. Raise SchemaDrift when XML was asked for and none came."""
    found = xml.messages(response.body)
    codes = [message.code for message in found or ()]
    if any(_THROTTLED in message.description.lower() for message in found or ()):
        return _throttled(response)
    if response.status < 300:
        if found is None:
            _must_be_xml(request, response)
            return None
        return _refused(codes, business=True)
    if found is not None and _is_an_answer(request, response.status, codes):
        return None
    known = next((_CODES[code] for code in codes if code in _CODES), None)
    if known is not None:
        error_type, fault, message = known
        return Verdict(error_type=error_type, fault=fault, message=message, counts=False, untouched=True)
    if codes and 400 <= response.status < 500 and response.status not in (401, 403, 408, 429):
        return _refused(codes, business=False)
    return by_status(LABEL, response)


def _is_an_answer(request: Request, status: int, codes: list[str]) -> bool:
    """Return whether an error says something we asked about: no scans yet, a refund on its way, no such shipment."""
    if request.method == "DELETE" or request.step == "look_up":
        return status == 404  # usually with an empty list of messages
    if request.method == "POST":
        return request.path.endswith("/refund") and REFUND_ASKED_FOR in codes
    return request.path.startswith("/vis/track/") and NO_HISTORY in codes


def _must_be_xml(request: Request, response: Response) -> None:
    asked = response.status not in (202, 204) and "+xml" in request.headers.get("accept", "")
    if asked and parse_xml(response.body) is None:
        raise SchemaDrift("Canada Post's answer is not XML.", field="body", status=response.status)


def _throttled(response: Response) -> Verdict:
    return Verdict(
        error_type="rate_limited",
        fault="ours",
        message="Canada Post holds our API key back for a minute: too many requests, or maintenance on its side.",
        retryable=True,
        retry_after=retry_after(response) or THROTTLED_FOR,
        counts=False,
        untouched=True,
    )


def _refused(codes: list[str], *, business: bool) -> Verdict:
    shown = ", ".join(dict.fromkeys(code for code in codes if _SHOWN_CODE.fullmatch(code)))
    return Verdict(
        error_type="invalid_request",
        fault="ours",
        message=f"Canada Post does not accept what we sent{f' ({shown})' if shown else ''}; "
        "sending it again will not help.",
        counts=False,
        untouched=True,
        business=business,
    )
