"""What is told about a contract shipment: its info with links, its details, its price, its receipt."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from integrations.sandbox.canada_post import rates
from integrations.sandbox.canada_post.errors import not_found
from integrations.sandbox.canada_post.links import Links
from integrations.sandbox.canada_post.parcels import Parcel
from integrations.sandbox.canada_post.places import local
from integrations.sandbox.canada_post.xml import SHIPMENT, Value

_DEPOT = "K1A0B1"  # the shipping point where neither the request nor the sender names one
_KEPT = ("group-id", "transmit-shipment", "quickship-label-requested", "expected-mailing-date", "delivery-spec")


def info(parcel: Parcel, links: Links, *, priced: bool) -> Value:
    """Return ``shipment-info``; the price is in it when it was asked for with ``provide-pricing-info``."""
    own = f"{links.home()}/shipment/{parcel.id}"
    found = {"self": own, "details": f"{own}/details", "price": f"{own}/price"}
    if parcel.group is not None:
        found["group"] = f"{links.home()}/shipment?groupId={parcel.group}"
    if parcel.transmitted is not None:
        found["refund"] = f"{own}/refund"
        if _paid_by_card(parcel):
            found["receipt"] = f"{own}/receipt"
    return {
        "customer-request-id": parcel.request.get("customer-request-id"),
        "shipment-id": parcel.id,
        "shipment-status": parcel.status,
        "tracking-pin": parcel.pin,
        "return-tracking-pin": parcel.return_pin,
        "po-number": parcel.po_number,
        "shipment-price": price(parcel) if priced else None,
        "links": {
            "link": [*(links.to(SHIPMENT, rel, path) for rel, path in found.items()), *links.artifacts(parcel)],
        },
    }


def details(parcel: Parcel) -> Value:
    """Return ``shipment-details``: the request as it was made, less where it is handed over."""
    asked = parcel.request
    return {
        "customer-request-id": asked.get("customer-request-id"),
        "shipment-status": parcel.status,
        "final-shipping-point": parcel.origin or _DEPOT,
        "tracking-pin": parcel.pin,
        "po-number": parcel.po_number,
        "shipping-point-id": asked.get("shipping-point-id"),
        "cpc-pickup-indicator": asked.get("cpc-pickup-indicator"),
        "shipment-detail": {
            **{name: asked[name] for name in _KEPT if name in asked},
            "return-spec": asked.get("return-spec"),
            "refund-request-info": refund(parcel) if parcel.refund else None,
        },
    }


def price(parcel: Parcel) -> Value:
    """Return ``shipment-price``; its days are called ``expected-transmit-time``, as the schema spells them."""
    service = parcel.service
    return {
        "service-code": service.code,
        **charges(parcel),
        "due-amount": parcel.price.due,
        "service-standard": {
            "am-delivery": service.am,
            "guaranteed-delivery": service.guaranteed,
            "expected-transmit-time": rates.transit(service, parcel.origin, parcel.destination),
            "expected-delivery-date": rates.delivery_date(service, parcel.origin, parcel.destination, parcel.mailed),
        },
    }


def charges(parcel: Parcel) -> Value:
    """Return what price and receipts have in common."""
    charge = parcel.price
    return {
        "rated-weight": charge.rated,
        "base-amount": charge.base,
        "pre-tax-amount": charge.before_tax,
        "gst-amount": charge.gst,
        "pst-amount": charge.pst,
        "hst-amount": charge.hst,
        "priced-options": {
            "priced-option": [{"option-code": code, "option-price": amount} for code, amount in charge.options]
        },
        "adjustments": {
            "adjustment": [
                {"adjustment-code": "AUTDISC", "adjustment-amount": charge.discount},
                {"adjustment-code": "FUELSC", "adjustment-amount": charge.fuel},
            ]
        },
    }


def receipt(parcel: Parcel) -> Value:
    """Return ``shipment-receipt``; raises Refused, 404, for what was not paid by card."""
    if not _paid_by_card(parcel) or parcel.transmitted is None:
        raise not_found()
    return {"cc-receipt-details": card_receipt(parcel.price.due, local(parcel.made), parcel.id)}


def card_receipt(amount: Decimal, at: datetime, number: str) -> Value:
    """Return what a card was charged."""
    return {
        "merchant-name": "Canada Post Corporation",
        "merchant-url": "www.canadapost.ca",
        "auth-code": number[-6:],
        "auth-timestamp": at.isoformat(timespec="seconds"),
        "card-type": "VIS",
        "charge-amount": amount,
        "currency": "CAD",
        "transaction-type": "Sale",
    }


def refund(parcel: Parcel) -> Value:
    """Return the ticket of a refund that was asked for."""
    day, ticket = parcel.refund or (None, None)
    return {"service-ticket-date": day, "service-ticket-id": ticket}


def _paid_by_card(parcel: Parcel) -> bool:
    paid: str = parcel.request["delivery-spec"]["settlement-info"]["intended-method-of-payment"]
    return paid == "CreditCard"
