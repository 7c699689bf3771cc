"""How SMSA's answers are judged: by status, and by the fields an error names.

A refused field comes as ``{"errors": {"ConsigneeAddress.City": ["…"]}, "title", "status": 400}``, anything else may be
plain text. The sentences may quote what we sent, so only names of fields reach a message. SMSA publishes no errors; the
shapes are those public integrations cope with.
"""

from __future__ import annotations

import re
from typing import Any

from integrations.classify import by_status
from integrations.errors import SchemaDrift
from integrations.outcome import Request, Response, Verdict

LABEL = "SMSA Express"
RETURNS = "/api/c2b/"
RETURN = "/api/c2b/query/"
CANCEL = "/api/c2b/cancel/"
_FIELD = re.compile(r"[A-Za-z0-9_.\[\]$]{1,60}")
_HTML = re.compile(rb"\s*<(?:!doctype|html)", re.IGNORECASE)
# "Wrong service code" is seen in the field; that and how a repeated reference is refused, if it is, are unconfirmed.
_REPEATED = re.compile(r"already exist|duplicate", re.IGNORECASE)
_WRONG_SERVICE = re.compile(r"service\s*code", re.IGNORECASE)


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success. Raise SchemaDrift when JSON is due and none came."""
    status = response.status
    if status < 300:
        return _inside_a_success(request, response)
    if _is_an_answer(request, response):
        return None
    if status == 401 and request.path.startswith(RETURNS):
        return Verdict(
            error_type="unauthorized",
            fault="configuration",
            message="SMSA Express does not let our key use pickup returns, or does not know it; check "
            "QUAYSIDE_SMSA_API_KEY and ask SMSA to enable C2B for it.",
            counts=False,
            untouched=True,
        )
    if status in (400, 422):
        return _refused(response, business=False)
    return by_status(LABEL, response)


def _is_an_answer(request: Request, response: Response) -> bool:
    """Return whether a status of refusal says what we asked: not known, or not to be cancelled any more.

    A page of HTML is no answer of the API's: it comes from a proxy, or the base URL is wrong.
    """
    if _HTML.match(response.body):
        return False
    if request.path.startswith(CANCEL):
        return response.status in (400, 404, 409)
    if request.path.startswith(RETURN) and response.status == 400:
        return True  # a number, but not of a pickup return; whether SMSA says 400 or 404 then is unconfirmed
    return request.method == "GET" and response.status == 404


def _inside_a_success(request: Request, response: Response) -> Verdict | None:
    if request.path.startswith(CANCEL):
        return None  # plain text
    if not response.body.strip():
        return None
    body = response.json()
    if isinstance(body, dict) and body.get("errors"):
        return _refused(response, business=True)
    return None


def _refused(response: Response, *, business: bool) -> Verdict:
    fields, text = _said(response)
    if "ServiceCode" in fields or (not fields and _WRONG_SERVICE.search(text)):
        return Verdict(
            error_type="service_not_allowed",
            fault="configuration",
            message="SMSA Express does not sell us this service; use a service code of our contract.",
            counts=False,
            untouched=not business,
            business=business,
        )
    if _REPEATED.search(text):
        return Verdict(
            error_type="reference_taken",
            fault="ours",
            message="SMSA Express already has a shipment under this reference; look for it before another is made.",
            counts=False,
            untouched=not business,
            business=business,
        )
    at = f" at {', '.join(fields)}" if fields else f" (HTTP {response.status})"
    city = any(field.endswith("City") for field in fields)
    advice = "write the city as SMSA's own list has it" if city else "sending it again will not help"
    return Verdict(
        error_type="invalid_request",
        fault="ours",
        message=f"SMSA Express does not accept what we sent{at}; {advice}.",
        counts=False,
        untouched=not business,  # words of refusal under a status of success: who knows what was done
        business=business,
    )


def _said(response: Response) -> tuple[list[str], str]:
    """Return the fields an error names, and its text for a look at what it is about."""
    text = response.body.decode("utf-8", "replace")[:2000]
    try:
        body: Any = response.json()
    except SchemaDrift:
        return [], text
    errors = body.get("errors") if isinstance(body, dict) else None
    names = list(errors) if isinstance(errors, dict) else []
    return [name for name in names if isinstance(name, str) and _FIELD.fullmatch(name)][:5], text
