"""What we send to UPS: our types in UPS's words, checked before anything goes out.

UPS's OpenAPI file marks more as required than UPS's own examples give, and some of its lengths are wrong ("03" is too
short a service code for it), so it is followed in its names and shape. Dates are YYYYMMDD, numbers are texts.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from integrations.customs import CUSTOMS_UNION
from integrations.errors import InvalidInput
from integrations.types.shipping import Shipment, ShipmentOrder
from integrations.vendors.ups import invoice, parcels, parties

LONGEST_REFERENCE = 35
LONGEST_DESCRIPTION = 35  # of a shipment; Shipping.yaml allows 50, error 120503 does not
EARLIEST, LATEST = timedelta(days=-35), timedelta(days=60)  # of a ship date that is quoted
# Of one that is sent; a place may be a day behind its country.
SOONEST, FURTHEST = timedelta(days=-1), timedelta(days=7)
NEXT_DAY_AIR_EARLY = "14"  # wants a phone number at home too
STANDARD = "11"
_ON_PACKAGES = ({"US"}, {"PR"})  # where our reference stands on each package and may not stand on the shipment
_LABEL = {"LabelImageFormat": {"Code": "ZPL"}, "LabelStockSize": {"Height": "6", "Width": "4"}}
_OWN_PRICES = {"NegotiatedRatesIndicator": "Y"}
_ONE_Z = re.compile(r"1Z[0-9A-Z]{16}")


def rate_option(shipment: Shipment) -> str:
    """Return how UPS is asked for rates: with times in transit, except abroad without the value those depend on."""
    priced = shipment.declared_value is not None or shipment.contents
    return "Shoptimeintransit" if priced or not shipment.international else "Shop"


def rate_body(account: str, shipment: Shipment, today: date) -> dict[str, Any]:
    """Return the body that asks for the rates of all services. Raise InvalidInput or Unsupported naming the field."""
    _check_account(account)
    destination = parties.rated(shipment.destination, "destination")
    if shipment.destination.residential:
        destination["Address"]["ResidentialAddressIndicator"] = "Y"
    asked: dict[str, Any] = {
        "Shipper": {**parties.rated(shipment.origin, "origin"), "ShipperNumber": account},
        "ShipTo": destination,
        "PaymentDetails": {"ShipmentCharge": [_billed(account)]},
        "Package": parcels.packages(shipment, "parcels", "PackagingType"),
        "ShipmentRatingOptions": _OWN_PRICES,
    }
    if rate_option(shipment) != "Shop":
        asked["DeliveryTimeInformation"] = _delivery_time(shipment, today)
        asked["ShipmentTotalWeight"] = parcels.total_weight(shipment)
        value = invoice.declared(shipment, "contents") if shipment.international else None
        if value is not None:
            asked["InvoiceLineTotal"] = invoice.line_total(value, "declared_value")
    return {"RateRequest": {"Request": _context(shipment), "Shipment": asked}}


def ship_body(account: str, order: ShipmentOrder, today: date) -> dict[str, Any]:
    """Return the body that creates a shipment. Raise InvalidInput or Unsupported naming the field."""
    shipment = order.shipment
    _check_account(account)
    if len(order.service_code) != 2:
        raise InvalidInput("UPS needs the service code of a quote, such as 03.", field="service_code")
    if len(shipment.reference) > LONGEST_REFERENCE:
        raise InvalidInput(
            f"UPS takes references of at most {LONGEST_REFERENCE} characters.", field="shipment.reference"
        )
    phone_needed = shipment.international or order.service_code == NEXT_DAY_AIR_EARLY
    origin = parties.labelled(shipment.origin, "shipment.origin", phone_needed=phone_needed)
    destination = parties.labelled(shipment.destination, "shipment.destination", phone_needed=phone_needed)
    sent: dict[str, Any] = {
        "Shipper": {**origin, "ShipperNumber": account},
        "ShipTo": _flagged(destination, shipment.destination.residential),
        "PaymentInformation": {"ShipmentCharge": [_billed(account)]},
        "ShipmentRatingOptions": _OWN_PRICES,
        "Service": {"Code": order.service_code},
        "Package": parcels.packages(shipment, "shipment.parcels", "Packaging"),
    }
    _refer(sent, shipment)
    if _wants_description(order):
        sent["Description"] = _description(shipment)
    if shipment.ship_date is not None:
        if not today + SOONEST <= shipment.ship_date <= today + FURTHEST:
            raise InvalidInput(
                f"UPS takes a ship date from today to {FURTHEST.days} days ahead.", field="shipment.ship_date"
            )
        sent["ShipmentDate"] = f"{shipment.ship_date:%Y%m%d}"
    _declare(sent, shipment, destination, today)
    # Postal code and state are checked against each other, the city is not.
    request = {"RequestOption": "nonvalidate", **_context(shipment)}
    return {"ShipmentRequest": {"Request": request, "Shipment": sent, "LabelSpecification": _LABEL}}


def recovery_body(account: str, reference: str) -> dict[str, Any]:
    """Return the body that asks for the labels of the shipment with our reference."""
    return {
        "LabelRecoveryRequest": {
            "Request": {"TransactionReference": {"CustomerContext": f"look-up {reference}"}},
            "LabelSpecification": _LABEL,
            "ReferenceValues": {"ReferenceNumber": {"Value": reference}, "ShipperNumber": account},
        }
    }


def one_z(tracking_number: str) -> str:
    """Return a number of a shipment as UPS writes it. Raise InvalidInput where it is none."""
    number = re.sub(r"\s", "", tracking_number).upper()
    if not _ONE_Z.fullmatch(number):
        raise InvalidInput(
            "UPS cancels shipments by their number of 18 characters that begins with 1Z.", field="tracking_number"
        )
    return number


def inquiry_number(tracking_number: str) -> str:
    """Return a number that can be tracked. Raise InvalidInput where UPS would take none of that length."""
    number = re.sub(r"\s", "", tracking_number)
    if not 7 <= len(number) <= 34:
        raise InvalidInput("UPS tracks numbers of 7 to 34 characters.", field="tracking_number")
    return number


def _check_account(account: str) -> None:
    if not re.fullmatch(r"[0-9A-Za-z]{6}", account):
        raise InvalidInput(
            "QUAYSIDE_UPS_ACCOUNT_NUMBER is not one of UPS's six letters and digits; check it.", field="ACCOUNT_NUMBER"
        )


def _context(shipment: Shipment) -> dict[str, Any]:
    """Return our reference as UPS echoes it; UPS does nothing else with it."""
    return {"TransactionReference": {"CustomerContext": shipment.reference}}


def _billed(account: str) -> dict[str, Any]:
    return {"Type": "01", "BillShipper": {"AccountNumber": account}}  # transportation; duties are the receiver's


def _delivery_time(shipment: Shipment, today: date) -> dict[str, Any]:
    asked: dict[str, Any] = {"PackageBillType": "03"}  # no documents
    if shipment.ship_date is not None:
        if not today + EARLIEST <= shipment.ship_date <= today + LATEST:
            raise InvalidInput(f"UPS quotes a ship date up to {LATEST.days} days ahead.", field="ship_date")
        asked["Pickup"] = {"Date": f"{shipment.ship_date:%Y%m%d}"}
    return asked


def _flagged(party: dict[str, Any], residential: bool) -> dict[str, Any]:
    if not residential:
        return party
    return {**party, "Address": {**party["Address"], "ResidentialAddressIndicator": "Y"}}


def _refer(sent: dict[str, Any], shipment: Shipment) -> None:
    """Put our reference where UPS takes it: it is what a look-up after a lost answer finds.

    Inside the US and inside Puerto Rico that is each package, and a shipment's is refused (error 120541); elsewhere it
    is the other way round (120542).
    """
    reference = [{"Value": shipment.reference}]
    if {shipment.origin.country, shipment.destination.country} in _ON_PACKAGES:
        for package in sent["Package"]:
            package["ReferenceNumber"] = reference
    else:
        sent["ReferenceNumber"] = reference


def _wants_description(order: ShipmentOrder) -> bool:
    """Whether the goods are described: abroad, except by UPS Standard inside the Union; in the Emirates always."""
    ends = {order.shipment.origin.country, order.shipment.destination.country}
    return "AE" in ends or (len(ends) == 2 and not (ends <= CUSTOMS_UNION and order.service_code == STANDARD))


def _description(shipment: Shipment) -> str:
    text = ", ".join(line.description.strip() for line in shipment.contents).strip(", ")
    return text[:LONGEST_DESCRIPTION].strip() or "Merchandise"


def _declare(sent: dict[str, Any], shipment: Shipment, destination: dict[str, Any], today: date) -> None:
    value = invoice.declared(shipment, "shipment.contents")
    declaring, totalling = invoice.is_declared(shipment), invoice.wants_total(shipment)
    if not declaring and not totalling:
        return
    if value is None:
        raise InvalidInput(
            "UPS needs to know for customs what is inside; give contents or declared_value.", field="shipment.contents"
        )
    if totalling:
        sent["InvoiceLineTotal"] = invoice.line_total(value, "shipment.declared_value")
    if declaring:
        form = invoice.form(shipment, value, destination, shipment.ship_date or today)
        sent["ShipmentServiceOptions"] = {"InternationalForms": form}
