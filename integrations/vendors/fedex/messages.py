"""What we send to FedEx: our types in FedEx's words, checked before anything goes out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from integrations.errors import InvalidInput, Unsupported
from integrations.postal_codes import needs_postal_code
from integrations.types.base import Money
from integrations.types.shipping import Address, ContentLine, Parcel, Shipment, ShipmentOrder

MOST_PARCELS = 40  # above it FedEx answers later, by job (Ship API, processingOptionType)
LONGEST_POSTAL_CODE = 10
LONGEST_CITY = 35
LOOK_BACK = timedelta(days=2)  # a label may be dated a day off ours: the ship date is the origin's local date

_STATES = {("CA", "QC"): "PQ"}  # FedEx keeps the old code of Quebec


def rate_body(account: str, shipment: Shipment, today: date) -> dict[str, Any]:
    """Return the body of a rate request. Raise InvalidInput or Unsupported naming the field."""
    _check_parcels(shipment, "parcels")
    requested = {
        "shipper": {"address": _place(shipment.origin, "origin")},
        "recipient": {"address": _place(shipment.destination, "destination")},
        "shipDateStamp": (shipment.ship_date or today).isoformat(),
        "pickupType": "USE_SCHEDULED_PICKUP",
        "packagingType": "YOUR_PACKAGING",
        "rateRequestType": ["ACCOUNT", "LIST"],
        "totalPackageCount": len(shipment.parcels),
        "requestedPackageLineItems": [_parcel(parcel) for parcel in shipment.parcels],
    }
    if shipment.international and (shipment.contents or shipment.declared_value):
        requested["customsClearanceDetail"] = {
            "dutiesPayment": {"paymentType": "SENDER"},
            "commodities": [_commodity(line, shipment) for line in _contents(shipment)],
        }
    return {
        "accountNumber": {"value": account},
        "rateRequestControlParameters": {"returnTransitTimes": True},
        "requestedShipment": requested,
    }


def ship_body(account: str, order: ShipmentOrder, today: date) -> dict[str, Any]:
    """Return the body that creates a shipment. Raise InvalidInput or Unsupported naming the field."""
    shipment = order.shipment
    _check_parcels(shipment, "shipment.parcels")
    reference = [{"customerReferenceType": "CUSTOMER_REFERENCE", "value": shipment.reference}]
    requested: dict[str, Any] = {
        "shipDatestamp": (shipment.ship_date or today).isoformat(),
        "shipper": _party(shipment.origin, "shipment.origin"),
        "recipients": [_party(shipment.destination, "shipment.destination")],
        "pickupType": "USE_SCHEDULED_PICKUP",
        "serviceType": order.service_code,
        "packagingType": "YOUR_PACKAGING",
        "totalWeight": float(sum((parcel.weight_kg for parcel in shipment.parcels), Decimal(0))),
        "shippingChargesPayment": {"paymentType": "SENDER"},
        "labelSpecification": {"imageType": "PDF", "labelStockType": "PAPER_4X6"},
        "rateRequestType": ["ACCOUNT"],
        "totalPackageCount": len(shipment.parcels),
        "requestedPackageLineItems": [
            # Our reference stands on every piece: it is what a look-up after a lost answer finds.
            {**_parcel(parcel), "sequenceNumber": number, "customerReferences": reference}
            for number, parcel in enumerate(shipment.parcels, start=1)
        ],
    }
    if shipment.international:
        if not shipment.contents and shipment.declared_value is None:
            raise InvalidInput(
                "FedEx needs to know for customs what is inside; give contents or declared_value.",
                field="shipment.contents",
            )
        requested["customsClearanceDetail"] = {
            "commercialInvoice": {"shipmentPurpose": "SOLD"},
            "dutiesPayment": {"paymentType": "SENDER"},
            "totalCustomsValue": _total(shipment),
            "commodities": [_commodity(line, shipment) for line in _contents(shipment)],
        }
    return {
        "accountNumber": {"value": account},
        "labelResponseOptions": "LABEL",
        "requestedShipment": requested,
    }


def track_body(tracking_number: str) -> dict[str, Any]:
    """Return the body that tracks one number."""
    return {
        "includeDetailedScans": True,
        "trackingInfo": [{"trackingNumberInfo": {"trackingNumber": tracking_number}}],
    }


def cancel_body(account: str, tracking_number: str) -> dict[str, Any]:
    """Return the body that cancels a whole shipment."""
    return {
        "accountNumber": {"value": account},
        "trackingNumber": tracking_number,
        "deletionControl": "DELETE_ALL_PACKAGES",
    }


def reference_body(account: str, shipment: Shipment, today: date) -> dict[str, Any]:
    """Return the body that looks a shipment up by our reference, around its ship date."""
    day = shipment.ship_date or today
    return {
        "includeDetailedScans": False,
        "referencesInformation": {
            "type": "CUSTOMER_REFERENCE",
            "value": shipment.reference,
            "accountNumber": account,
            "shipDateBegin": (day - LOOK_BACK).isoformat(),
            "shipDateEndDate": (day + LOOK_BACK).isoformat(),
        },
    }


def _check_parcels(shipment: Shipment, field: str) -> None:
    if len(shipment.parcels) > MOST_PARCELS:
        raise Unsupported(
            f"FedEx takes at most {MOST_PARCELS} parcels at once; split the shipment.",
            field=field,
        )


def _place(address: Address, field: str) -> dict[str, Any]:
    if not address.postal_code and needs_postal_code(address.country):
        raise InvalidInput(f"FedEx needs a postal code in {address.country}.", field=f"{field}.postal_code")
    if len(address.postal_code) > LONGEST_POSTAL_CODE:
        raise InvalidInput(
            f"FedEx takes postal codes of at most {LONGEST_POSTAL_CODE} characters.", field=f"{field}.postal_code"
        )
    place: dict[str, Any] = {
        # The contract wants the field even where the country has none.
        "postalCode": address.postal_code,
        "countryCode": address.country,
        "residential": address.residential,
    }
    if address.city:
        place["city"] = address.city
    if address.state:
        place["stateOrProvinceCode"] = _STATES.get((address.country, address.state), address.state)
    return place


def _party(address: Address, field: str) -> dict[str, Any]:
    if not address.lines:
        raise InvalidInput("FedEx needs at least one address line.", field=f"{field}.lines")
    if not address.city or len(address.city) > LONGEST_CITY:
        raise InvalidInput(f"FedEx needs a city of at most {LONGEST_CITY} characters.", field=f"{field}.city")
    if not address.phone:
        raise InvalidInput("FedEx needs a phone number.", field=f"{field}.phone")
    if not address.name and not address.company:
        raise InvalidInput("FedEx needs a person or a company.", field=f"{field}.name")
    contact = {
        "personName": address.name,
        "companyName": address.company,
        "phoneNumber": address.phone,
        "emailAddress": address.email,
    }
    return {
        "address": {"streetLines": list(address.lines), **_place(address, field)},
        "contact": {name: value for name, value in contact.items() if value},
    }


def _parcel(parcel: Parcel) -> dict[str, Any]:
    item: dict[str, Any] = {"weight": _weight(parcel.weight_kg)}
    sides = (parcel.length_cm, parcel.width_cm, parcel.height_cm)
    if all(side is not None for side in sides):
        # FedEx takes whole centimetres; a parcel is never smaller than we say.
        length, width, height = (int(side.to_integral_value(ROUND_CEILING)) for side in sides if side is not None)
        item["dimensions"] = {"length": length, "width": width, "height": height, "units": "CM"}
    return item


def _weight(kilograms: Decimal) -> dict[str, Any]:
    return {"units": "KG", "value": float(kilograms)}


def _money(money: Money) -> dict[str, Any]:
    return {"amount": float(money.amount), "currency": money.currency}


def _contents(shipment: Shipment) -> Iterable[ContentLine]:
    if shipment.contents or shipment.declared_value is None:
        return shipment.contents
    return (ContentLine(description="Merchandise", quantity=1, value=shipment.declared_value),)


def _total(shipment: Shipment) -> dict[str, Any]:
    lines = list(_contents(shipment))
    currencies = {line.value.currency for line in lines}
    if len(currencies) > 1:
        raise InvalidInput("FedEx needs all contents valued in one currency.", field="shipment.contents")
    total = sum((line.value.amount for line in lines), Decimal(0))
    return _money(Money(amount=total, currency=currencies.pop()))


def _commodity(line: ContentLine, shipment: Shipment) -> dict[str, Any]:
    total = sum((parcel.weight_kg for parcel in shipment.parcels), Decimal(0))
    weight = line.weight_kg if line.weight_kg is not None else total / max(1, len(shipment.contents))
    commodity: dict[str, Any] = {
        "description": line.description,
        "quantity": line.quantity,
        "quantityUnits": "PCS",
        "numberOfPieces": line.quantity,
        "countryOfManufacture": line.origin_country or shipment.origin.country,
        "customsValue": _money(line.value),
        "unitPrice": _money(Money(amount=line.value.amount / line.quantity, currency=line.value.currency).rounded()),
        "weight": _weight(weight.quantize(Decimal("0.01"), ROUND_CEILING)),
    }
    if line.hs_code:
        commodity["harmonizedCode"] = line.hs_code
    if line.sku:
        commodity["partNumber"] = line.sku
    return commodity
