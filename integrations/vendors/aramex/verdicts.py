"""How Aramex's answers are judged: a Fault, the status, or ``HasErrors`` inside a 200.

Aramex says no with HTTP 200, ``HasErrors`` true and ``Notifications/Notification{Code, Message}``; a creation also has
``HasErrors`` per shipment. ``HasErrors`` false with notifications is a success with warnings. The text may quote what
we sent, so only codes and the name of the element it speaks of reach a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from integrations.classify import by_status
from integrations.errors import SchemaDrift
from integrations.outcome import Response, Verdict
from integrations.soap_fault import by_soap_fault, soap_body
from integrations.vendors.aramex.declaration import NAMESPACE

LABEL = "Aramex"
# Repeated bad logins block the account (ERR03), so nothing is sent for a while after the first.
AUTH_PAUSE = 900.0
_BLOCKED = "ERR03"
_AUTH = {
    "ERR01": "the user name or password",
    "ERR75": "the login",
    "ERR82": "the account number, PIN or entity",
    _BLOCKED: "the account: it is blocked",
}
_ELEMENT = re.compile(r"(\w{1,40}) - ")
_NS = f"{{{NAMESPACE}}}"


def judge(response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success. Raise SchemaDrift when a success is not Aramex's SOAP."""
    body = soap_body(response)
    if body is None:
        if response.status < 300:
            raise SchemaDrift("Aramex's answer is not a SOAP envelope.", field="body", status=response.status)
        return by_status(LABEL, response)
    verdict = by_soap_fault(LABEL, response)
    if verdict is not None:
        return verdict
    flags = list(body.iter(f"{_NS}HasErrors"))
    if not flags:
        # The WSDL lets it be left out, Aramex never does; without it a refusal would pass for a success.
        raise SchemaDrift("Aramex's answer says nothing of errors.", field="HasErrors", status=response.status)
    if not any(_is_true(flag) for flag in flags) or _was_created(body):
        return None
    return _refusal(list(_notifications(body)))


def _refusal(notifications: list[tuple[str, str]]) -> Verdict:
    codes = [code for code, _ in notifications]
    bad_login = next((code for code in codes if code in _AUTH), None)
    if bad_login is not None:
        return Verdict(
            error_type="account_blocked" if bad_login == _BLOCKED else "unauthorized",
            fault="configuration",
            message=(
                f"Aramex refuses {_AUTH[bad_login]} ({bad_login}); we stop asking for a while, because repeated bad "
                "logins block the account. Check QUAYSIDE_ARAMEX_* before going on."
            ),
            retry_after=AUTH_PAUSE,
            counts=False,
            untouched=True,
            business=True,
        )
    element = next((match[1] for _, text in notifications if (match := _ELEMENT.match(text))), "")
    where = f" at {element}" if element else ""
    named = ", ".join(dict.fromkeys(code for code in codes if code)) or "no code"
    return Verdict(
        error_type="rejected",
        fault="ours",
        message=f"Aramex does not accept what we sent{where} ({named}); sending it again will not help.",
        counts=False,
        untouched=True,
        business=True,
    )


def _notifications(body: etree._Element) -> Iterator[tuple[str, str]]:
    for notification in body.iter(f"{_NS}Notification"):
        code = (notification.findtext(f"{_NS}Code") or "").strip()
        yield code[:20], notification.findtext(f"{_NS}Message") or ""


def _was_created(body: etree._Element) -> bool:
    """Whether a shipment got its number although errors are flagged: then it exists and must not be sent again."""
    created = body.iterfind(f".//{_NS}ProcessedShipment/{_NS}ID")
    return any((number.text or "").strip() for number in created)


def _is_true(flag: etree._Element) -> bool:
    return (flag.text or "").strip() in ("true", "1")
