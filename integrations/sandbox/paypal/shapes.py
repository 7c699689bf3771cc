"""How orders, authorisations, captures and refunds are shown.

Orders show the objects below them without ``supplementary_data`` and ``payee``; the endpoints of Payments v2 show both.
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.paypal.account import (
    BUYER_EMAIL,
    BUYER_ID,
    MERCHANT_EMAIL,
    MERCHANT_ID,
    Body,
    time_text,
)
from integrations.sandbox.paypal.errors import Link
from integrations.sandbox.paypal.records import Authorization, Capture, Order, Refund, Unit

_BUYER = {
    "name": {"given_name": "Sandy", "surname": "Buyer"},
    "email_address": BUYER_EMAIL,
    "payer_id": BUYER_ID,
    "address": {"country_code": "US"},
}
_PAYEE = {"email_address": MERCHANT_EMAIL, "merchant_id": MERCHANT_ID}
_PROTECTED = {"status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"]}
_UNPROTECTED = {"status": "NOT_ELIGIBLE"}


def link(href: str, rel: str, method: str) -> Link:
    """Return one link object."""
    return {"href": href, "rel": rel, "method": method}


def buyers_page(order: Order, base_url: str) -> str:
    """Return the address where the buyer agrees to pay."""
    return f"{base_url}/checkoutnow?token={order.id}"


def order_body(order: Order, base_url: str, full: bool) -> Body:
    """Return an order: id, status and links, or all of it."""
    links = _order_links(order, base_url)
    if not full:
        return {"id": order.id, "status": order.status, "links": links}
    body: Body = {"id": order.id, "intent": order.intent, "status": order.status}
    source = _source_shown(order)
    if source is not None:
        body["payment_source"] = source
    body["purchase_units"] = [_unit_body(unit, base_url) for unit in order.units]
    if order.approved and (order.source is None or order.source.kind == "paypal"):
        body["payer"] = _BUYER
    body["create_time"] = time_text(order.at)
    if order.updated > order.at or order.status == "COMPLETED":
        body["update_time"] = time_text(order.updated)
    return {**body, "links": links}


def authorization_body(authorization: Authorization, base_url: str, full: bool) -> Body:
    """Return an authorisation as Payments v2 shows it."""
    body = _authorization(authorization, base_url)
    if not full:
        return {name: body[name] for name in ("id", "status", "links")}
    return {
        **body,
        "supplementary_data": {"related_ids": {"order_id": authorization.order.id}},
        "payee": _PAYEE,
    }


def capture_body(capture: Capture, base_url: str, full: bool) -> Body:
    """Return a capture as Payments v2 shows it."""
    body = _capture(capture, base_url)
    if not full:
        return {name: body[name] for name in ("id", "status", "links")}
    related = {"order_id": capture.order.id}
    if capture.authorization is not None:
        related["authorization_id"] = capture.authorization.id
    return {**body, "supplementary_data": {"related_ids": related}, "payee": _PAYEE}


def refund_body(refund: Refund, base_url: str, full: bool) -> Body:
    """Return a refund."""
    body = _refund(refund, base_url)
    return body if full else {name: body[name] for name in ("id", "status", "links")}


def _order_links(order: Order, base_url: str) -> list[Link]:
    own = f"{base_url}/v2/checkout/orders/{order.id}"
    links = [link(own, "self", "GET")]
    action = order.intent.lower()
    match order.status:
        case "CREATED":
            links.append(link(buyers_page(order, base_url), "approve", "GET"))
            links += [link(own, "update", "PATCH"), link(f"{own}/{action}", action, "POST")]
        case "PAYER_ACTION_REQUIRED":
            links.append(link(buyers_page(order, base_url), "payer-action", "GET"))
        case "APPROVED":
            links += [link(own, "update", "PATCH"), link(f"{own}/{action}", action, "POST")]
    return links


def _source_shown(order: Order) -> Body | None:
    if order.source is not None and order.source.kind == "card":
        return {"card": order.source.shown}
    if order.approved or order.source is not None:
        known = order.approved
        wallet = {
            "email_address": BUYER_EMAIL,
            "account_id": BUYER_ID,
            "account_status": "VERIFIED",
            "name": _BUYER["name"],
            "address": _BUYER["address"],
        }
        return {"paypal": wallet if known else {}}
    return None


def _unit_body(unit: Unit, base_url: str) -> Body:
    body: Body = {**unit.facts, "payee": _PAYEE}
    refunds = [refund for capture in unit.captures for refund in capture.refunds]
    payments = {
        "authorizations": [_authorization(one, base_url) for one in unit.authorizations],
        "captures": [_capture(one, base_url) for one in unit.captures],
        "refunds": [_refund(one, base_url) for one in refunds],
    }
    shown = {name: items for name, items in payments.items() if items}
    return {**body, "payments": shown} if shown else body


def _named(invoice_id: str | None, custom_id: str | None) -> Body:
    named = {"invoice_id": invoice_id, "custom_id": custom_id}
    return {name: value for name, value in named.items() if value is not None}


def _processor(code: str | None, kind: str) -> Body:
    """Return the card processor's answer; nothing for what was not paid by card."""
    if kind != "card":
        return {}
    return {"processor_response": {"avs_code": "Y", "cvv_code": "N" if code == "00N7" else "M", "response_code": code}}


def _authorization(one: Authorization, base_url: str) -> Body:
    own = f"{base_url}/v2/payments/authorizations/{one.id}"
    body: Body = {
        "status": one.shown_status,
        "id": one.id,
        "amount": one.amount.json(),
        **_named(one.unit.invoice_id, one.unit.custom_id),
        "seller_protection": _UNPROTECTED if one.status == "DENIED" else _PROTECTED,
        **_processor(one.processor, one.order.paid_by),
        "expiration_time": time_text(one.expires_at),
        "links": [
            link(own, "self", "GET"),
            link(f"{own}/capture", "capture", "POST"),
            link(f"{own}/void", "void", "POST"),
            link(f"{own}/reauthorize", "reauthorize", "POST"),
            link(f"{base_url}/v2/checkout/orders/{one.order.id}", "up", "GET"),
        ],
    }
    return {**body, "create_time": time_text(one.at), "update_time": time_text(one.updated)}


def _capture(one: Capture, base_url: str) -> Body:
    own = f"{base_url}/v2/payments/captures/{one.id}"
    up = f"{base_url}/v2/checkout/orders/{one.order.id}"
    if one.authorization is not None:
        up = f"{base_url}/v2/payments/authorizations/{one.authorization.id}"
    body: Body = {"id": one.id, "amount": one.amount.json(), "final_capture": one.final}
    if one.reason is not None:
        body["status_details"] = {"reason": one.reason}
    body["seller_protection"] = _UNPROTECTED if one.status == "DECLINED" else _PROTECTED
    if one.status != "DECLINED":
        body["seller_receivable_breakdown"] = _received(one)
    return {
        **body,
        **_named(one.invoice_id, one.custom_id),
        **_processor(one.processor, one.order.paid_by),
        "status": one.shown_status,
        "create_time": time_text(one.at),
        "update_time": time_text(one.updated),
        "links": [link(own, "self", "GET"), link(f"{own}/refund", "refund", "POST"), link(up, "up", "GET")],
    }


def _received(one: Capture) -> dict[str, Any]:
    gross: dict[str, Any] = {"gross_amount": one.amount.json()}
    if one.status == "PENDING":  # what it will cost is known once the money has come
        return gross
    return {**gross, "paypal_fee": one.fee.json(), "net_amount": (one.amount - one.fee).json()}


def _refund(one: Refund, base_url: str) -> Body:
    captures = f"{base_url}/v2/payments/captures/{one.capture.id}"
    given = one.capture.refunds
    so_far = sum((refund.amount for refund in given[: given.index(one) + 1]), one.amount.nought())
    body: Body = {
        "id": one.id,
        "amount": one.amount.json(),
        "seller_payable_breakdown": {
            "gross_amount": one.amount.json(),
            "paypal_fee": one.amount.nought().json(),  # the fee of the sale is not given back
            "net_amount": one.amount.json(),
            "total_refunded_amount": so_far.json(),
        },
        **_named(one.invoice_id, one.custom_id),
    }
    if one.note is not None:
        body["note_to_payer"] = one.note
    return {
        **body,
        "status": "COMPLETED",
        "create_time": time_text(one.at),
        "update_time": time_text(one.at),
        "links": [
            link(f"{base_url}/v2/payments/refunds/{one.id}", "self", "GET"),
            link(captures, "up", "GET"),
        ],
    }
