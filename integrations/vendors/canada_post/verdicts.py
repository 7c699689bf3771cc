"""How Canada Post's errors are judged: by code where there is one, else by status.

The body of an error is ``<messages><message><code/><description/></message></messages>``. Code ``Server`` stands for
throttling, for an outage and for a body that the schema refuses (at status 500, though it is ours to mend), so these are
told apart by the description; at which status throttling comes is documented nowhere. Descriptions may quote what we
sent, so only codes and names of elements reach a message. Sources: "Messages and code tables", "Void shipment",
"Request shipment refund" of the developer program.
"""

from __future__ import annotations

import re

from integrations.classify import by_status, retry_after
from integrations.errors import Fault, SchemaDrift
from integrations.outcome import Request, Response, Verdict
from integrations.soap_fault import parse_xml
from integrations.vendors.canada_post import xml

LABEL = "Canada Post"
RATE_PATH = "/rs/ship/price"
# Throttling lasts until the minute behind the last request has room again.
THROTTLED_FOR = 60.0
NO_HISTORY = "004"  # of tracking
NO_SERVICE = "9111"  # of rating: nothing is sold for this parcel and place
REFUND_ASKED_FOR = "7292"
TRANSMITTED = "8064"
_THROTTLED = "rejected by slm monitor"
_AGAINST_SCHEMA = "cvc-"  # how the rules of XML Schema are called
_ELEMENT = re.compile(r"element \{[^}\s]{0,80}\}([a-z0-9-]{1,40})")
_SHOWN_CODE = re.compile(r"[A-Za-z0-9.-]{1,40}")  # anything else is left out of a message

_NOT_SERVED = "Canada Post does not sell this service to this country under this contract; ask for its rates."
_CARD = "Canada Post cannot charge the credit card of the profile; mend it there."
_CODES: dict[str, tuple[str, Fault, str]] = {
    "1162": ("payment_refused", "configuration", _CARD),
    "1711": (
        "payment_refused",
        "configuration",
        "Canada Post takes Account, CreditCard or SupplierAccount; check QUAYSIDE_CANADA_POST_PAYMENT_METHOD.",
    ),
    "2550": (
        "account_not_allowed",
        "configuration",
        "Canada Post does not know the contract; check QUAYSIDE_CANADA_POST_CONTRACT_ID.",
    ),
    "3000": ("not_served", "ours", _NOT_SERVED),
    "9174": ("payment_refused", "configuration", _CARD),
    "10028": ("not_served", "ours", _NOT_SERVED),
    "10033": ("not_served", "ours", _NOT_SERVED),
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
        return _held_back(response)
    against = [message.description for message in found or () if _AGAINST_SCHEMA in message.description]
    if against:
        return _refused(_elements(against), business=response.status < 300)
    if found is not None and _is_an_answer(request, response.status, codes):
        return None
    if response.status < 300:
        if found is None:
            _must_be_xml(request, response)
            return None
        return _refused(codes, business=True)
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
        return (request.path == RATE_PATH and NO_SERVICE in codes) or (
            request.path.endswith("/refund") and REFUND_ASKED_FOR in codes
        )
    return request.path.startswith("/vis/track/") and NO_HISTORY in codes


def _must_be_xml(request: Request, response: Response) -> None:
    asked = response.status not in (202, 204) and "+xml" in request.headers.get("accept", "")
    if asked and parse_xml(response.body) is None:
        raise SchemaDrift("Canada Post's answer is not XML.", field="body", status=response.status)


def _held_back(response: Response) -> Verdict:
    """Judge what the throttle says. It speaks in outages too, and then with status 503: the circuit sees to those."""
    outage = response.status == 503
    wait = retry_after(response)
    return Verdict(
        error_type="http_503" if outage else "rate_limited",
        fault="theirs" if outage else "ours",
        message="Canada Post is out of service; nothing was done."
        if outage
        else "Canada Post holds our API key back for a minute: too many requests, or maintenance on its side.",
        retryable=True,
        retry_after=wait if outage else wait or THROTTLED_FOR,
        counts=outage,
        untouched=True,
    )


def _elements(descriptions: list[str]) -> list[str]:
    return [match[1] for description in descriptions for match in _ELEMENT.finditer(description)][:3]


def _refused(where: list[str], *, business: bool) -> Verdict:
    shown = ", ".join(dict.fromkeys(word for word in where if _SHOWN_CODE.fullmatch(word)))
    return Verdict(
        error_type="invalid_request",
        fault="ours",
        message=f"Canada Post does not accept what we sent{f' ({shown})' if shown else ''}; "
        "sending it again will not help.",
        counts=False,
        untouched=not business,  # words of refusal under a status of success: who knows what was done
        business=business,
    )
