"""Whether a shipment that is well formed can be sent: the vendor's business validation, each refusal with its number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from integrations.sandbox.canada_post import rates
from integrations.sandbox.canada_post.errors import business
from integrations.sandbox.canada_post.places import COUNTRIES
from integrations.sandbox.canada_post.rates import Service

_CODES = {"CA": re.compile(r"[A-Z]\d[A-Z]\d[A-Z]\d"), "US": re.compile(r"\d{5}(-\d{4})?")}
_PAYMENTS = ("Account", "CreditCard", "SupplierAccount")


def check_destination(spec: Mapping[str, Any]) -> tuple[str, str]:
    """Return country and postal code; raises Refused for an address that lacks what its country needs."""
    address = spec["destination"]["address-details"]
    country = address["country-code"].upper()
    if country not in COUNTRIES:
        raise business("10033")
    if not address.get("address-line-1", "").strip():
        raise business("1156")
    code = address.get("postal-zip-code", "")
    if country in _CODES:
        if not address.get("city", "").strip():
            raise business("1157")
        if not address.get("prov-state", "").strip():
            raise business("1159")
        if not _CODES[country].fullmatch(code):
            raise business("99006")
    return country, code


def check_service(spec: Mapping[str, Any], country: str) -> Service:
    """Return the service; raises Refused for one that there is not, that does not go there or takes no such parcel."""
    service = rates.SERVICES.get(spec["service-code"])
    if service is None:
        raise business("10028")
    if service not in rates.services_to(country):
        raise business("3000")
    if not rates.fits(service, spec["parcel-characteristics"]):
        raise business("99004")
    return service


def check_abroad(spec: Mapping[str, Any], country: str) -> None:
    """Raise Refused for a parcel that leaves Canada without customs information or word on its return."""
    if country == "CA":
        return
    options = {option["option-code"] for option in spec.get("options", {}).get("option", [])}
    if not options & rates.NON_DELIVERY:
        raise business("8718")
    if "customs" not in spec:
        raise business("99005")
    items = spec["customs"]["sku-list"]["item"]
    together = sum(Decimal(item["unit-weight"]) * int(item["customs-number-of-units"]) for item in items)
    if together > Decimal(spec["parcel-characteristics"]["weight"]):
        raise business("2700")


def check_payment(settlement: Mapping[str, Any]) -> None:
    """Raise Refused for a contract shipment without a contract or with a payment that there is not."""
    if settlement["intended-method-of-payment"] not in _PAYMENTS:
        raise business("1711")
    if "contract-id" not in settlement:
        raise business("2506")


def check_printing(spec: Mapping[str, Any]) -> None:
    """Raise Refused for a ZPL label that is not four by six inches."""
    printing = spec.get("print-preferences", {})
    if printing.get("encoding") == "ZPL" and printing.get("output-format", "8.5x11") != "4x6":
        raise business("9191")
