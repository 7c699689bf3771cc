"""How Tap's refusals are judged: ``{"errors": [{"code": "1108", "description": "…"}]}``, the code in a string.

The code tells more than the status: a timeout of the bank's gateway and a wrong key come under a 400 as well. The
description may quote what we sent and is not passed on. A declined charge is no error: it is an answer with status
DECLINED, and the adapter makes a Payment of it. A declined refund is one: nothing of what was asked for happened.
Source: developers.tap.company/reference/charge-response-codes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from integrations.classify import by_status, invalid_request, not_found
from integrations.error_body import told
from integrations.outcome import Request, Response, Verdict
from integrations.vendors.tap.declaration import CHARGE_LIST, LABEL, REFUND_LIST, REFUND_REFUSED, REFUNDS

NOTHING_FOUND = "nothing_found"
KEY_CODES = frozenset({"1101", "2104", "2105", "2106", "2107"})
THEIR_CODES = frozenset({"1151", "2101", "9999"})  # a gateway timed out, overloaded, an internal error
UNKNOWN_CODES = frozenset({"1106", "1115", "1144", "1160", "2102"})
FIELDS = {
    "1104": "customer.id",
    "1105": "customer.id",
    "1107": "customer.id",
    "1110": "redirect.url",
    "1111": "redirect.url",
    "1113": "source.id",
    "1117": "amount",
    "1118": "currency",
    "1121": "description",
    "1122": "reference.order",
    "1123": "reference.transaction",
    "1124": "source.id",
    "1125": "source.id",
    "1129": "customer",
    "1130": "customer.first_name",
    "1131": "customer.first_name",
    "1132": "customer.last_name",
    "1133": "customer.last_name",
    "1135": "customer.phone",
    "1136": "customer.phone.country_code",
    "1137": "customer.phone.number",
    "1138": "customer.email",
    "1139": "customer.email",
    "1142": "charge_id",
    "1143": "charge_id",
    "1156": "reason",
    "1157": "reason",
}
# Code -> error_type, whose fault, what to do.
KNOWN = {
    "1109": ("three_d_secure_required", "configuration", "the account may not charge without 3-D Secure"),
    "1114": ("wrong_state", "ours", "the authorization is not in a state to be captured or voided"),
    "1119": ("currency_not_supported", "configuration", "the account, or this way to pay, takes no such currency"),
    "1126": ("token_used", "ours", "the card's token was used before; get a new one from the buyer"),
    "1149": ("currency_mismatch", "ours", "the payment is in another currency"),
    "1150": ("amount_too_large", "ours", "more than what is authorized"),
    "1161": ("amount_too_large", "ours", "more than what is left to refund"),
    "2103": ("forbidden", "configuration", "the key needs an application; see Tap's dashboard"),
    "2108": ("forbidden", "configuration", "the key lacks a permission; see Tap's dashboard"),
}
# What the answer to a refund says under ``response.code``.
REFUND_CODES = {
    "502": ("insufficient_balance", "configuration", "the balance does not cover it; wait for payments or add funds"),
    "503": ("refund_not_supported", "ours", "this kind of payment cannot be refunded; pay it back another way"),
    "504": ("refund_not_supported", "ours", "this kind of payment can only be refunded whole"),
}


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success."""
    verdict = by_status(LABEL, response)
    if verdict is None:
        return _refused_refund(response) if request.template == REFUNDS else None
    code = _code(response)
    if response.status == 401 or code in KEY_CODES:
        return Verdict(
            error_type="unauthorized",
            fault="configuration",
            message=f"{LABEL} refuses the key; check that QUAYSIDE_TAP_SECRET_KEY is the secret one (sk_…) and valid.",
            counts=False,
            untouched=True,
        )
    if response.status >= 500 or response.status in (403, 408, 429):
        return verdict
    if code in THEIR_CODES:
        return Verdict(
            error_type="gateway_timeout" if code == "1151" else "internal_error",
            fault="theirs",
            message=f"{LABEL} or the bank behind it has trouble (code {code}); the same key is asked again.",
            retryable=True,
        )
    if response.status == 409:
        return Verdict(
            error_type="conflict",
            fault="theirs",
            message=f"{LABEL} is still busy with the same payment; the same key is asked again.",
            retryable=True,
            counts=False,
        )
    return _our_fault(request, response, verdict, code)


def _our_fault(request: Request, response: Response, verdict: Verdict, code: str) -> Verdict:
    if request.template in (CHARGE_LIST, REFUND_LIST) and response.status == 400 and _is_empty(response, code):
        return replace(verdict, error_type=NOTHING_FOUND, message=f"{LABEL} has nothing to list.")
    if response.status == 404 or code in UNKNOWN_CODES:
        return not_found(LABEL, verdict)
    if code in KNOWN:
        return _known(KNOWN[code], verdict)
    field = FIELDS.get(code, "")
    if field or not code:
        return invalid_request(LABEL, verdict, field)
    message = f"{LABEL} does not accept what we sent (code {code}); sending it again will not help."
    return replace(verdict, error_type="invalid_request", message=message)


def _known(entry: tuple[str, Any, str], verdict: Verdict) -> Verdict:
    error_type, fault, why = entry
    return replace(verdict, error_type=error_type, fault=fault, message=f"{LABEL} refuses it: {why}.")


def _refused_refund(response: Response) -> Verdict | None:
    body = response.json()
    if not isinstance(body, dict) or body.get("status") not in REFUND_REFUSED:
        return None
    told = body.get("response")
    code = str(told.get("code") or "") if isinstance(told, dict) else ""
    base = Verdict(
        error_type="refund_declined",
        fault="ours",
        message=f"{LABEL} refused the refund{f' (code {code[:8]})' if code else ''}; a new try needs a new reference.",
        counts=False,
        untouched=True,
        business=True,
    )
    return _known(REFUND_CODES[code], base) if code in REFUND_CODES else base


def _code(response: Response) -> str:
    body = told(response)
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    code = str(first.get("code") or "") if isinstance(first, dict) else ""
    return code if code.isdigit() and len(code) <= 6 else ""


def _is_empty(response: Response, code: str) -> bool:
    """Whether a refusal means that there is nothing to list; some shops have seen it without a code."""
    said = str(told(response).get("message") or "").strip().lower()
    return code in ("1144", "1160") or (not code and said.endswith("s not found"))
