"""What we send to Aramex: our types in Aramex's words, checked before anything goes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from integrations.errors import InvalidInput
from integrations.types.base import Money
from integrations.types.shipping import Address, Shipment, ShipmentOrder
from integrations.vendors.aramex.declaration import PRODUCTS

VERSION = "v1.0"
SOURCE = 24  # what Aramex's own samples send
LABEL_REPORT = 9729
LONGEST_DESCRIPTION = 100


def client_info(credentials: Mapping[str, str]) -> dict[str, Any]:
    """Return the credentials as every Aramex body carries them."""
    return {
        "UserName": credentials["USERNAME"],
        "Password": credentials["PASSWORD"],
        "Version": VERSION,
        "AccountNumber": credentials["ACCOUNT_NUMBER"],
        "AccountPin": credentials["ACCOUNT_PIN"],
        "AccountEntity": credentials["ACCOUNT_ENTITY"],
        "AccountCountryCode": credentials["ACCOUNT_COUNTRY_CODE"],
        "Source": SOURCE,
    }


def product_group(shipment: Shipment) -> str:
    """Return EXP across a border, DOM within a country."""
    return "EXP" if shipment.international else "DOM"


def rate_message(info: Mapping[str, Any], shipment: Shipment, product_type: str) -> dict[str, Any]:
    """Return the request for the price of one product. Raise InvalidInput naming the field."""
    return {
        "ClientInfo": info,
        "Transaction": {"Reference1": shipment.reference},
        "OriginAddress": _address(shipment.origin, "origin"),
        "DestinationAddress": _address(shipment.destination, "destination"),
        "ShipmentDetails": _details(shipment, product_type),
        "PreferredCurrencyCode": shipment.declared_value.currency if shipment.declared_value else None,
    }


def creation_message(info: Mapping[str, Any], order: ShipmentOrder, today: date) -> dict[str, Any]:
    """Return the request that creates one shipment. Raise InvalidInput naming the field."""
    shipment = order.shipment
    known = PRODUCTS[product_group(shipment)]
    if order.service_code not in known:
        raise InvalidInput(f"Aramex has no {order.service_code} here; it has {', '.join(known)}.", field="service_code")
    details = _details(shipment, order.service_code)
    if shipment.contents:
        details["Items"] = {"ShipmentItem": [_item(shipment, number) for number in range(len(shipment.contents))]}
    return {
        "ClientInfo": info,
        "Transaction": {"Reference1": shipment.reference},
        "Shipments": {
            "Shipment": [
                {
                    "Reference1": shipment.reference,
                    "Shipper": _party(shipment.origin, "shipment.origin", info["AccountNumber"]),
                    "Consignee": _party(shipment.destination, "shipment.destination", None),
                    # Aramex takes times without a zone, local to the origin; noon is the same day everywhere.
                    "ShippingDateTime": datetime.combine(shipment.ship_date or today, time(12)),
                    "Details": details,
                    # Aramex may refuse a second shipment with the same number; our reference is what a person finds.
                    "ForeignHAWB": shipment.reference,
                }
            ]
        },
        "LabelInfo": {"ReportID": LABEL_REPORT, "ReportType": "RPT"},
    }


def tracking_message(info: Mapping[str, Any], tracking_number: str) -> dict[str, Any]:
    """Return the request for all updates of one waybill."""
    return {
        "ClientInfo": info,
        "Transaction": {},
        "Shipments": {"string": [tracking_number]},
        "GetLastTrackingUpdateOnly": False,
    }


def _details(shipment: Shipment, product_type: str) -> dict[str, Any]:
    total = sum((parcel.weight_kg for parcel in shipment.parcels), Decimal(0))
    description = ", ".join(line.description for line in shipment.contents) or "Merchandise"
    first = shipment.contents[0].origin_country if shipment.contents else None
    return {
        "Dimensions": _dimensions(shipment),
        "ActualWeight": {"Unit": "KG", "Value": total},
        "ChargeableWeight": None,
        "DescriptionOfGoods": description[:LONGEST_DESCRIPTION],
        "GoodsOriginCountry": first or shipment.origin.country,
        "NumberOfPieces": len(shipment.parcels),
        "ProductGroup": product_group(shipment),
        "ProductType": product_type,
        "PaymentType": "P",
        "PaymentOptions": "",
        "CustomsValueAmount": _money(_customs_value(shipment)) if shipment.international else None,
    }


def _customs_value(shipment: Shipment) -> Money | None:
    if shipment.declared_value is not None or not shipment.contents:
        return shipment.declared_value
    currencies = {line.value.currency for line in shipment.contents}
    if len(currencies) > 1:
        raise InvalidInput("Aramex needs all contents valued in one currency.", field="contents")
    total = sum((line.value.amount for line in shipment.contents), Decimal(0))
    return Money(amount=total, currency=currencies.pop())


def _dimensions(shipment: Shipment) -> dict[str, Any] | None:
    """Return the size of a single parcel; of several there is no one size to state."""
    parcel = shipment.parcels[0]
    if len(shipment.parcels) > 1 or None in (parcel.length_cm, parcel.width_cm, parcel.height_cm):
        return None
    return {"Length": parcel.length_cm, "Width": parcel.width_cm, "Height": parcel.height_cm, "Unit": "CM"}


def _item(shipment: Shipment, number: int) -> dict[str, Any]:
    line = shipment.contents[number]
    return {
        "PackageType": "Box",
        "Quantity": line.quantity,
        "Weight": {"Unit": "KG", "Value": line.weight_kg} if line.weight_kg is not None else None,
        "Reference": line.sku or None,
        "GoodsDescription": line.description,
        "CustomsValue": _money(line.value),
    }


def _money(money: Money | None) -> dict[str, Any] | None:
    return None if money is None else {"CurrencyCode": money.currency, "Value": money.amount}


def _address(address: Address, field: str) -> dict[str, Any]:
    if not address.city:
        raise InvalidInput("Aramex needs a city, by the name Aramex has for it.", field=f"{field}.city")
    lines = [*address.lines, "", "", ""]
    return {
        "Line1": lines[0],
        "Line2": lines[1],
        "Line3": ", ".join(line for line in lines[2:] if line),
        "City": address.city,
        "StateOrProvinceCode": address.state,
        "PostCode": address.postal_code,
        "CountryCode": address.country,
    }


def _party(address: Address, field: str, account_number: str | None) -> dict[str, Any]:
    if not address.lines:
        raise InvalidInput("Aramex needs at least one address line.", field=f"{field}.lines")
    if not address.name and not address.company:
        raise InvalidInput("Aramex needs a person or a company.", field=f"{field}.name")
    if not address.phone:
        raise InvalidInput("Aramex needs a phone number.", field=f"{field}.phone")
    return {
        "AccountNumber": account_number,
        "PartyAddress": _address(address, field),
        "Contact": {
            "PersonName": address.name or address.company,
            "CompanyName": address.company or address.name,
            "PhoneNumber1": address.phone,
            "PhoneNumber2": "",
            "CellPhone": address.phone,
            "EmailAddress": address.email,
            "Type": "",
        },
    }
