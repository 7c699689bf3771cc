"""Addresses resolved. That one cannot be is no error: a 200 whose ``messages`` say so (recorded, as are the messages).

What is not found out about an address of the US or Canada:

- a street without a number, or with "invalid" in it, has no exact match;
- 123 Main Street, Irvine, CA 92615 exists and cannot be delivered to (the vendor's own example);
- a city whose postal code is none of its state's cannot be determined, nor can one with "non existent" in its name.

One of another country is given back as it came (unconfirmed). A resolved one has no ``messages`` at all.
"""

from __future__ import annotations

import random
from typing import Any

from integrations.sandbox.avalara.errors import Refused
from integrations.sandbox.avalara.jurisdictions import authorities
from integrations.sandbox.avalara.models import Model
from integrations.sandbox.avalara.places import REGIONS, country_code, fits, region_code, region_of

_SERVICE, _COMMON = "Avalara.AvaTax.Services.Address", "Avalara.AvaTax.Common"
_TEXTS = ("line1", "line2", "line3", "city", "region", "country", "postalCode")


def resolve(asked: Model) -> dict[str, Any]:
    """Return what is known of an address; raises ``Refused`` for one that is too little to begin with."""
    given = {name: (asked[name] or "").strip() for name in _TEXTS}
    street, town = given["line1"], given["city"] and given["region"]
    if not (given["postalCode"] or (street and town)):
        raise Refused(
            "InvalidAddress",
            "The address value was incomplete.",
            "The address value NULL was incomplete.  You must provide either a valid postal code, line1 + city + region, "
            "or line1 + postal code.",
        )
    country = country_code(given["country"] or "US")
    if country is None:
        raise Refused("InvalidAddress", "The address value was incomplete.", f"{given['country']} is no country.")
    region = region_code(country, given["region"]) or given["region"]
    found = region_of(country, given["postalCode"])
    if not region and found is not None:
        region = found.code
    shown = {name: value for name, value in given.items() if value} | {"region": region, "country": country}
    answer: dict[str, Any] = {"address": {name: value for name, value in shown.items() if value}}
    if country not in REGIONS:
        return answer | {"validatedAddresses": [_as_given(given, region, country)], "resolutionQuality": "NotCoded"}
    wrong = _wrong(given, country, region)
    if wrong:
        quality = "External" if wrong[0]["source"] == _COMMON else "NotCoded"
        validated = _as_given(given, region, country)
        if quality == "NotCoded":
            answer["coordinates"] = _coordinates(country, region, given["postalCode"])
            validated |= answer["coordinates"]
        return answer | {"validatedAddresses": [validated], "resolutionQuality": quality, "messages": wrong}
    return answer | _resolved(given, country, region, asked["textCase"] or "Upper")


def _resolved(given: dict[str, str], country: str, region: str, case: str) -> dict[str, Any]:
    write = str.upper if case == "Upper" else str.title
    draw = random.Random("|".join(given.values()).lower())
    postal_code = given["postalCode"].upper()
    if country == "US":
        postal_code = postal_code[:5] or f"{min(REGIONS['US'][region].codes)}{draw.randrange(1, 99):02d}"
        postal_code = f"{postal_code}-{draw.randrange(1000, 9999)}"
    coordinates = _coordinates(country, region, postal_code[:5])
    validated = {
        "addressType": "StreetOrResidentialAddress",
        "line1": write(given["line1"]),
        "line2": write(given["line2"]),
        "line3": write(given["line3"]),
        "city": write(given["city"]),
        "region": region,
        "country": country,
        "postalCode": postal_code,
        **coordinates,
    }
    taxing = [
        {
            "avalaraId": str(one.id),
            "jurisdictionName": one.name,
            "jurisdictionType": one.kind,
            "signatureCode": one.signature,
        }
        for one in authorities(country, region, postal_code)
    ]
    quality = "Intersection" if given["line1"] else "PostalCentroidGood"
    return {
        "validatedAddresses": [validated],
        "coordinates": coordinates,
        "resolutionQuality": quality,
        "taxAuthorities": taxing,
    }


def _as_given(given: dict[str, str], region: str, country: str) -> dict[str, Any]:
    names = ("line1", "line2", "line3", "city")
    texts = {name: given[name] for name in names}
    kind = {"addressType": "UnknownAddressType"}
    return {**kind, **texts, "region": region, "country": country, "postalCode": given["postalCode"]}


def _coordinates(country: str, region: str, postal_code: str) -> dict[str, float]:
    latitude, longitude = REGIONS[country][region].middle
    draw = random.Random(f"{country}{region}{postal_code}")
    return {
        "latitude": round(latitude + draw.uniform(-0.9, 0.9), 6),
        "longitude": round(longitude + draw.uniform(-0.9, 0.9), 6),
    }


def _wrong(given: dict[str, str], country: str, region: str) -> list[dict[str, str]]:
    street, city, postal_code = given["line1"].lower(), given["city"].lower(), given["postalCode"]
    placed = region in REGIONS[country] and fits(country, region, postal_code)
    if not placed or "non existent" in city:
        return [
            _message("Address not geocoded.", "Address cannot be geocoded.", "Address", _COMMON),
            _message(
                "The city could not be determined.",
                "The city could not be found or determined from postal code.",
                "Address.City",
                _COMMON,
            ),
        ]
    if street.startswith("123 main st") and city == "irvine" and postal_code[:5] == "92615":
        return [
            _message(
                "The address is not deliverable.",
                "The physical location exists but there are no homes on this street. One reason might be railroad tracks "
                "or rivers running alongside this street, as they would prevent construction of homes in this location.",
                "Address",
                _SERVICE,
            )
        ]
    if street and ("invalid" in street or not any(letter.isdigit() for letter in street)):
        return [
            _message(
                "An exact street name match could not be found",
                "An exact street name match could not be found and phonetically matching the street name resulted in "
                "either no matches or matches to more than one street name.",
                "Address.Line0",
                _SERVICE,
            )
        ]
    return []


def _message(summary: str, details: str, refers_to: str, source: str) -> dict[str, str]:
    return {"summary": summary, "details": details, "refersTo": refers_to, "severity": "Error", "source": source}
