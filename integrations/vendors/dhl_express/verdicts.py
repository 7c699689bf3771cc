"""How DHL's errors are judged: by the process code where ``detail`` has one, else by status.

The body of an error is ``{"instance", "detail", "title", "message", "status", "additionalDetails"}``; a sentence of
``detail`` begins with its process code (``998: …``) or with the field it is about (``#/content/packages/0: …``). The
sentences quote what we sent, so only codes and fields reach a message. ``status`` is text, and a 500 calls it ``code``.
"""

from __future__ import annotations

import re

from integrations.classify import by_status
from integrations.error_body import told
from integrations.errors import Fault, SchemaDrift
from integrations.outcome import Request, Response, Verdict

LABEL = "DHL Express"
_PROCESS_CODE = re.compile(r"\s*(\d{3,6}):")
_FIELD = re.compile(r"#((?:/\w{1,40}){1,12})")
_ACCOUNT = re.compile(r"account.{0,20}(not found|invalid)", re.IGNORECASE)

_NOT_SERVED = "DHL Express does not sell this product between these places on this day; ask for its rates."
_NOT_ALLOWED = "DHL Express does not let this user or account do this; ask the DHL representative to enable it."
_BAD_ACCOUNT = "DHL Express does not know the account number; check QUAYSIDE_DHL_EXPRESS_ACCOUNT_NUMBER."
_CODES: dict[str, tuple[str, Fault, str]] = {
    # 996, 1001, 1004 and 4101xx are seen in the field and in no published list.
    "996": ("not_served", "ours", _NOT_SERVED),
    "1001": ("not_served", "ours", _NOT_SERVED),
    "1004": ("not_served", "ours", _NOT_SERVED),
    "410135": ("not_served", "ours", _NOT_SERVED),
    "3501": ("not_allowed", "configuration", _NOT_ALLOWED),
    "5032": ("not_allowed", "configuration", _NOT_ALLOWED),
    "8003": ("not_allowed", "configuration", _NOT_ALLOWED),
    "8007": ("account_not_allowed", "configuration", _BAD_ACCOUNT),
}


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success. Raise SchemaDrift when a success is no JSON object."""
    if response.status < 300:
        if not isinstance(response.json(), dict):
            raise SchemaDrift("DHL's answer is not an object.", field="body", status=response.status)
        return None
    details = problem(response)
    if response.status == 404 and request.path.endswith("/tracking") and details:
        return None  # DHL has nothing on this number or reference: an answer, not an error
    if response.status not in (400, 422) or not details:
        return by_status(LABEL, response)
    codes = [match[1] for detail in details if (match := _PROCESS_CODE.match(detail))]
    known = next((_CODES[code] for code in codes if code in _CODES), None)
    if known is None and any(_ACCOUNT.search(detail) for detail in details):
        known = _CODES["8007"]
    error_type, fault, message = known or ("invalid_request", "ours", _what_is_wrong(details, codes))
    return Verdict(error_type=error_type, fault=fault, message=message, counts=False, untouched=True)


def problem(response: Response) -> list[str]:
    """Return what an error says, sentence by sentence; [] when the body is not of DHL's shape."""
    body = told(response)
    if not isinstance(body.get("detail"), str):
        return []
    more = body.get("additionalDetails")
    return [body["detail"], *(str(detail) for detail in (more if isinstance(more, list) else []))]


def _what_is_wrong(details: list[str], codes: list[str]) -> str:
    fields = [match[1].strip("/").replace("/", ".") for detail in details for match in _FIELD.finditer(detail)]
    at = f" at {', '.join(dict.fromkeys(fields))}" if fields else ""
    code = f" ({', '.join(dict.fromkeys(codes))})" if codes else ""
    return f"DHL Express does not accept what we sent{at}{code}; sending it again will not help."
