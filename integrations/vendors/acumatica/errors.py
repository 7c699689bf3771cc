"""The ERP's errors: the licence's limits, a session that is over, and records refused field by field.

Sources: the responses of the endpoint's OpenAPI file (HttpError; 422 carries the record itself with ``error`` beside
the values); Integration Development Guide, "License Restrictions for API Users".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from integrations.classify import by_status, retry_after
from integrations.error_body import told
from integrations.errors import SchemaDrift
from integrations.outcome import Request, Response, Verdict

LABEL = "Acumatica"
LOGIN_LIMIT_TEXT = "API Login Limit"  # the official client looks for it in any refusal, whatever the status
_MOST_FIELDS = 5
# What the ERP says of a field may quote it, and these fields are about people: then only the field is named.
_PERSONAL = re.compile(r"Contact|Address|Email|Phone|Attention|Description|note", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\S+@\S+|\+?\d[\d ()-]{6,}\d")
_CLASS_NAME = re.compile(r"[A-Za-z_][\w.]{0,120}")


def judged(request: Request, response: Response, *, login_limit_wait: float) -> Verdict | None:
    """Return the verdict of an answer, None for a success. ``login_limit_wait`` in seconds, when it names none."""
    verdict = by_status(LABEL, response)
    if verdict is None:
        return None
    signing_in = request.step == "sign_in"
    if LOGIN_LIMIT_TEXT.encode() in response.body or (signing_in and response.status == 429):
        return Verdict(
            error_type="login_limit",
            fault="ours",
            message="Acumatica has no free API session under our licence; a session left open frees its place after "
            "10 minutes.",
            retryable=True,
            retry_after=retry_after(response) or login_limit_wait,
            counts=False,
            untouched=True,
        )
    if signing_in and (response.status in (400, 401, 403) or b"credentials" in response.body.lower()):
        return Verdict(
            error_type="login_refused",
            fault="configuration",
            message="Acumatica refuses our sign-in; check QUAYSIDE_ACUMATICA_USERNAME, _PASSWORD and _TENANT.",
            counts=False,
            untouched=True,
        )
    if response.status == 422:
        return _refused(response)
    if response.status == 412:
        return Verdict(
            error_type="precondition_failed",
            fault="ours",
            message="Acumatica has, or lacks, a record that our condition said otherwise of.",
            counts=False,
            untouched=True,
        )
    if response.status in (400, 500) and (kind := _exception_type(response)):
        return Verdict(
            error_type=verdict.error_type,
            fault=verdict.fault,
            message=f"{verdict.message.rstrip('.')}: {kind}.",
            retryable=verdict.retryable,
            retry_after=verdict.retry_after,
            counts=verdict.counts,
            untouched=verdict.untouched,
        )
    return verdict


def field_errors(record: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Walk a refused record; give the path of each field with an error, and the error."""
    if isinstance(record, list):
        for index, item in enumerate(record):
            yield from field_errors(item, f"{path}[{index}]")
    elif isinstance(record, dict):
        error = record.get("error")
        if isinstance(error, str) and error:
            yield path or "record", error
        for name, value in record.items():
            if name != "error":
                yield from field_errors(value, f"{path}.{name}" if path else name)


def without_values(text: str) -> str:
    """Return what the ERP says with quoted values, mail addresses and long numbers left out."""
    return _QUOTED.sub("…", text).strip()[:160]


def _refused(response: Response) -> Verdict:
    try:
        found = list(field_errors(response.json()))
    except SchemaDrift:
        found = []
    said = [path if _PERSONAL.search(path) else f"{path} ({without_values(error)})" for path, error in found]
    listed = ", ".join(said[:_MOST_FIELDS]) + (", …" if len(said) > _MOST_FIELDS else "")
    return Verdict(
        error_type="record_refused",
        fault="ours",
        message=f"Acumatica does not accept the record: {listed or 'it does not say why'}.",
        counts=False,
        untouched=True,
    )


def _exception_type(response: Response) -> str:
    kind = told(response).get("exceptionType")
    return kind if isinstance(kind, str) and _CLASS_NAME.fullmatch(kind) else ""
