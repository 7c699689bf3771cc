"""How Australia Post's errors are judged: by the code where the answer has one, else by status.

``errors`` comes in three shapes under one name: of the service (``code``, ``name``, ``message``, ``field``), of the
gateway before it (``error_code``, ``error_name``) and of its framework (``error``, ``error_description``). Messages
quote what we sent, so only codes and fields reach ours. With HTTP 200 come: warnings and errors of a single item
asked about, errors of a single tracking number, and the status ERROR of a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.classify import by_status, number_in, rate_limited, retry_after
from integrations.error_body import objects, told
from integrations.errors import Fault, SchemaDrift
from integrations.outcome import QuotaSeen, Request, Response, Verdict

LABEL = "Australia Post"
PRICES = "/prices/items"
SHIPMENTS = "/shipments"
LABELS = "/labels"
TRACK = "/track"
WINDOWS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
# The parcel is not known, not of a trackable product, or not ours: an answer, not an error.
UNKNOWN_NUMBER = frozenset({"ESB-10001", "ESB-10002", "51104"})
_FIELD = re.compile(r"[\w.\[\]-]{1,80}")
_CODE = re.compile(r"[\w-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One entry of ``errors``."""

    code: str
    field: str = ""


_Known = tuple[str, Fault, str]
_ACCOUNT: _Known = (
    "account_not_allowed",
    "configuration",
    "Australia Post does not know the account; check QUAYSIDE_AUSTRALIA_POST_ACCOUNT_NUMBER, leading zeros included.",
)
_CONTRACT: _Known = (
    "contract_not_valid",
    "configuration",
    "The contract with Australia Post has expired or has not begun; ask the account manager.",
)
_NOT_SERVED: _Known = (
    "not_served",
    "ours",
    "The contract with Australia Post has no such product between these places for this parcel; ask for its prices.",
)
_PARCEL: _Known = (
    "parcel_not_accepted",
    "ours",
    "Australia Post does not take a parcel of this size or weight; pack it otherwise or send it with another vendor.",
)
_PLACE: _Known = (
    "address_not_accepted",
    "ours",
    "The suburb, state and postal code of an address do not belong together for Australia Post; correct the address.",
)
_NOT_FOUND: _Known = ("not_found", "ours", "Australia Post has nothing under the id we asked for.")
ORDERED: _Known = (
    "already_ordered",
    "ours",
    "The shipment is in an order already and cannot be changed; stop the parcel with Australia Post's customer service.",
)
_KNOWN: dict[str, _Known] = {
    "41001": _ACCOUNT,
    "41002": _ACCOUNT,
    "44038": _ACCOUNT,
    "41003": _CONTRACT,
    # The reference gives 41007 twice: not the contract's place of lodgement, and no contract to be found.
    "41007": _NOT_SERVED,
    "42001": _NOT_SERVED,
    "42002": _NOT_SERVED,
    "42012": _NOT_SERVED,
    "43003": _NOT_SERVED,
    "43004": _NOT_SERVED,
    "66004": _NOT_SERVED,
    **dict.fromkeys(("42006", "42007", "42008", "42009", "42010", "42011", "44043"), _PARCEL),
    "suburb": _PLACE,
    "44013": _NOT_FOUND,
    "51020": _NOT_FOUND,
    "44016": ORDERED,
    "44017": ORDERED,
}
_SYSTEM = frozenset({"ESB-20010", "ESB-20050"})


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success. Raise SchemaDrift when a success is no JSON object."""
    if request.link:
        return _file(response)
    if response.status < 300:
        return _inside(request, response)
    found = problems(told(response))
    if request.path == TRACK and found and all(one.code in UNKNOWN_NUMBER for one in found):
        return None
    if any(one.code == "API_002" for one in found):
        return _rate_limited(response)
    by_code = _by_code(found)
    if by_code is not None and response.status < 500:
        error_type, fault, message = by_code
        return Verdict(error_type=error_type, fault=fault, message=message, counts=False, untouched=True)
    if response.status in (400, 422) and found:
        return Verdict(
            error_type="invalid_request", fault="ours", message=_what_is_wrong(found), counts=False, untouched=True
        )
    return by_status(LABEL, response)


def problems(body: Any) -> list[Problem]:
    """Return what ``errors`` of an object lists, whatever shape its entries have; [] where there is none."""
    return [_problem(entry) for entry in objects(body.get("errors") if isinstance(body, dict) else None)]


def quotas_seen(response: Response) -> Sequence[QuotaSeen]:
    """Return what the headers say of each window, as a secondary source names them (unconfirmed)."""
    seen = []
    for window in WINDOWS:
        limit = number_in(response, f"x-ratelimit-limit-{window}")
        remaining = number_in(response, f"x-ratelimit-remaining-{window}")
        if limit is not None or remaining is not None:
            seen.append(QuotaSeen(quota=window, limit=limit, remaining=remaining))
    return seen


def _problem(entry: Mapping[str, Any]) -> Problem:
    code = next((str(entry[name]) for name in ("code", "error_code", "error") if entry.get(name)), "")
    field = str(entry.get("field") or "")
    if code == "400" and "suburb" in f"{field} {entry.get('message')}".lower():
        code = "suburb"  # its own code is the status alone
    return Problem(code=code if _CODE.fullmatch(code) else "", field=field if _FIELD.fullmatch(field) else "")


def _inside(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer whose status says yes."""
    if request.method == "DELETE":
        return None  # it has no body
    body = response.json()
    if not isinstance(body, dict):
        raise SchemaDrift("Australia Post's answer is not an object.", field="body", status=response.status)
    if request.path == TRACK:
        codes = {one.code for result in objects(body.get("tracking_results")) for one in problems(result)}
        if codes & _SYSTEM:
            return Verdict(
                error_type="tracking_failed",
                fault="theirs",
                message="Australia Post's tracking has trouble on its side.",
                retryable=True,
                business=True,
            )
        return None
    if request.path.startswith(LABELS):
        if any(label.get("status") == "ERROR" for label in objects(body.get("labels"))):
            message = "Australia Post could not make the label; print it in its portal or ask for the shipment again."
            return Verdict(error_type="label_failed", fault="theirs", message=message, business=True)
        return None
    asked = objects(body.get("items" if request.path == PRICES else "shipments"))
    refused = [one for item in asked if not item.get("prices") for one in problems(item)]
    refused = refused or (problems(body) if not asked else [])
    if not refused:
        return None
    error_type, fault, message = _by_code(refused) or ("invalid_request", "ours", _what_is_wrong(refused))
    # A write that was refused this way has done nothing as far as we can tell, and yet it says so with a 200.
    untouched = request.path == PRICES
    return Verdict(
        error_type=error_type, fault=fault, message=message, counts=False, untouched=untouched, business=True
    )


def _file(response: Response) -> Verdict | None:
    """Return the verdict on the file behind a signed link: the storage's answer, not the service's."""
    if response.status in (401, 403, 404, 410):
        message = "The link to the label no longer works; ask for the label again."
        return Verdict(error_type="link_expired", fault="theirs", message=message, counts=False, untouched=True)
    return by_status(LABEL, response)


def _rate_limited(response: Response) -> Verdict:
    return rate_limited(f"{LABEL} says we send too much; we wait and go on.", retry_after(response))


def _by_code(found: Iterable[Problem]) -> _Known | None:
    return next((_KNOWN[one.code] for one in found if one.code in _KNOWN), None)


def _what_is_wrong(found: Sequence[Problem]) -> str:
    fields, codes = [[getattr(one, name) for one in found] for name in ("field", "code")]
    named = ", ".join(dict.fromkeys(filter(None, fields)))
    coded = ", ".join(dict.fromkeys(filter(None, codes)))
    at = f" at {named}" if named else ""
    return f"{LABEL} does not accept what we sent{at}{f' ({coded})' if coded else ''}; sending it again will not help."
