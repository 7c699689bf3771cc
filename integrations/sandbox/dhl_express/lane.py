"""Between which two places something goes, and whose account pays: read from either form of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integrations.sandbox.dhl_express.errors import Refused
from integrations.sandbox.geography import COUNTRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place as DHL knows it."""

    country: str
    city: str
    postal_code: str

    @property
    def area(self) -> dict[str, str]:
        """Return the service area: its code and DHL's description."""
        country = COUNTRIES[self.country]
        return {"code": country.airport, "description": f"{country.city.upper()}-{country.code}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Two places."""

    origin: Place
    destination: Place


def lane(shipper: dict[str, Any], receiver: dict[str, Any], *, strict: bool) -> Lane:
    """Return the lane between two addresses; raises Refused 400 naming the first thing DHL does not know of each.

    A city called Nowhere is known nowhere. ``strict`` also asks for a postcode where the country has them.
    """
    problems = []
    for address, side, country_code, city_code in (
        (shipper, "origin", "420501", "420504"),
        (receiver, "destination", "420502", "420505"),
    ):
        country = COUNTRIES.get(address["countryCode"])
        if country is None:
            problems.append(f"{country_code}: The {side} country code is invalid. Please check and retry.")
        elif address["cityName"].strip().lower() == "nowhere":
            problems.append(f"{city_code}: The {side} location is invalid. Please verify city name and postcode.")
        elif strict and country.postcodes and not address.get("postalCode"):
            problems.append(f"420506: The {side} postcode is invalid. Please check and retry.")
    if problems:
        raise Refused(400, *problems)
    return Lane(origin=_place(shipper), destination=_place(receiver))


def account_number(accounts: list[dict[str, Any]], sentence: str) -> str:
    """Return the account that ships (``typeCode`` shipper, else the first); nine digits, or refused with the sentence."""
    number = next((item["number"] for item in accounts if item["typeCode"] == "shipper"), accounts[0]["number"])
    if len(number) != 9 or not number.isalnum():
        raise Refused(400, sentence)
    return str(number)


def _place(address: dict[str, Any]) -> Place:
    return Place(country=address["countryCode"], city=address["cityName"], postal_code=address.get("postalCode", ""))
