"""How WooCommerce's refusals are judged: ``{"code", "message", "data": {"status"}}``, or a page of what stands before it.

Proxies, security plug-ins and PHP itself answer in HTML, so a status without a code is not WooCommerce's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.classify import by_status
from integrations.errors import Fault, SchemaDrift
from integrations.outcome import Request, Response, Verdict
from integrations.vendors.woocommerce import answers
from integrations.vendors.woocommerce.declaration import LABEL

_PAST_THE_END = "rest_post_invalid_page_number"
_GONE = re.compile(r"woocommerce_rest_(\w+_)?invalid(_\w+)?_id")
_KEYS = (
    f"{LABEL} refuses our key; check QUAYSIDE_WOOCOMMERCE_CONSUMER_KEY and _CONSUMER_SECRET, that the key may read and "
    "write and its user manage the shop, and that no proxy takes the Authorization header away."
)
_BLOCKED = (
    "Something before the shop (a firewall, a security plug-in, its host) turns our request away; let our address and "
    "the methods PUT and POST through to /wp-json/."
)
_NO_ROUTE = (
    f"There is no {LABEL} at this address; check QUAYSIDE_WOOCOMMERCE_BASE_URL, that {LABEL} is active, and that the "
    'permalinks of the site are not "plain".'
)


def judge(request: Request, response: Response) -> Verdict | None:
    """Return the verdict on an answer, None for a success. A page past the end of a list is one."""
    verdict = by_status(LABEL, response)
    if verdict is None:
        return None
    status, told = response.status, _told(response)
    code = str(told.get("code") or "")
    if code == _PAST_THE_END and request.method == "GET":
        return None
    if status < 400:
        return _untouched(verdict, "http_redirect", "configuration", verdict.message)
    if status == 401:
        return _untouched(verdict, "unauthorized", "configuration", _KEYS)
    if status in (403, 405, 406, 501) and not code:
        return _untouched(verdict, "blocked", "configuration", _BLOCKED)
    if status == 403:
        return _untouched(verdict, "forbidden", "configuration", _KEYS)
    if status == 404 and (not code or code == "rest_no_route"):
        return _untouched(verdict, "no_route", "configuration", _NO_ROUTE)
    if status in (400, 404) and _GONE.fullmatch(code):
        return _untouched(verdict, "not_found", "ours", f"{LABEL} has nothing under this id; it may be deleted.")
    if code in ("rest_invalid_param", "rest_missing_callback_param"):
        message = f"{LABEL} does not accept what we sent{_named(told)}; sending it again will not help."
        return _untouched(verdict, "invalid_param", "ours", message)
    if 520 <= status <= 530:  # Cloudflare could not reach the shop, or not understand it
        return replace(verdict, retryable=True)
    return verdict


def _untouched(verdict: Verdict, error_type: str, fault: Fault, message: str) -> Verdict:
    return replace(
        verdict, error_type=error_type, fault=fault, message=message, counts=False, untouched=True, expired=False
    )


def _named(told: Mapping[str, Any]) -> str:
    data = told.get("data")
    params = data.get("params") if isinstance(data, dict) else None
    names = [str(name) for name in params] if isinstance(params, dict | list) else []
    fit = [name for name in names if re.fullmatch(r"[a-z_]{1,40}", name)]
    return f" ({', '.join(fit[:5])})" if fit else ""


def _told(response: Response) -> Mapping[str, Any]:
    try:
        found = answers.body(response)
    except SchemaDrift:
        return {}
    return found if isinstance(found, dict) else {}
