"""What the lookups know: countries with their currencies, cities, offices and services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integrations.sandbox.geography import COUNTRIES

# City -> code, as the lookup has them; a city of these countries must be written so.
_CITIES = {
    "AE": {"Abu Dhabi": "AUH", "Ajman": "AJM", "Al Ain": "AAN", "Dubai": "DXB", "Sharjah": "SHJ"},
    "BH": {"Manama": "BAH", "Muharraq": "MHQ", "Riffa": "RIF"},
    "EG": {"Alexandria": "ALX", "Cairo": "CAI", "Giza": "GIZ", "Mansoura": "MNS", "Tanta": "TNT"},
    "JO": {"Amman": "AMM", "Aqaba": "AQJ", "Irbid": "IRB"},
    "KW": {"Hawalli": "HAW", "Kuwait City": "KWI", "Salmiya": "SLM"},
    "OM": {"Muscat": "MCT", "Salalah": "SLL", "Sohar": "OHS"},
    "QA": {"Al Wakrah": "WAK", "Doha": "DOH"},
    "SA": {
        "Abha": "AHB", "Buraydah": "BUR", "Dammam": "DMM", "Hail": "HAS", "Jazan": "GIZ", "Jeddah": "JED",
        "Jubail": "JUB", "Khamis Mushait": "KMX", "Khubar": "KHB", "Madinah": "MED", "Makkah": "MAK", "Najran": "EAM",
        "Riyadh": "RUH", "Tabuk": "TUU", "Taif": "TIF", "Yanbu": "YNB",
    },
}  # fmt: skip
_CURRENCIES = {
    "AED": "UAE Dirham",
    "BHD": "Bahraini Dinar",
    "EGP": "Egyptian Pound",
    "EUR": "Euro",
    "GBP": "Pound Sterling",
    "JOD": "Jordanian Dinar",
    "KWD": "Kuwaiti Dinar",
    "OMR": "Omani Rial",
    "QAR": "Qatari Rial",
    "SAR": "Saudi Riyal",
    "USD": "US Dollar",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One kind of service; ``kind`` is B2C or C2B, ``abroad`` whether it leaves the country."""

    code: str
    description: str
    kind: str = "B2C"
    abroad: bool = False


SERVICES = {
    service.code: service
    for service in (
        Service(code="EDDL", description="ECOM Delivery Lite"),
        Service(code="EDDH", description="ECOM Delivery Heavy"),
        Service(code="EIDL", description="ECOM International Delivery Lite", abroad=True),
        Service(code="EDCR", description="ECOM Customer Return", kind="C2B"),
    )
}
OFFICES = (
    {
        "code": "1",
        "address": "Al Sawidi Dist. Al Suwaidi Main St.",
        "cityName": "Riyadh",
        "addressAR": "حي السويدي - طريق السويدي العام",
        "coordinates": "24.598472,46.687158",
        "firstShift": "08:00 - 23:00",
        "secondShift": "",
        "weekendShift": "OFF",
    },
    {
        "code": "13",
        "address": "AlRawdhah, Madinah Rd.",
        "cityName": "Jeddah",
        "addressAR": "الروضة - طريق المدينة",
        "coordinates": "21.5689,39.1688",
        "firstShift": "08:00 - 23:00",
        "secondShift": "",
        "weekendShift": "16:00 - 20:00",
    },
)


def known_country(code: str) -> bool:
    """Return True for a country of the lookup."""
    return code in COUNTRIES


def known_city(country: str, city: str) -> bool:
    """Return True for a city the lookup has, whatever its case; of countries further off any city is one."""
    known = _CITIES.get(country)
    return known is None or city.strip().lower() in (name.lower() for name in known)


def known_currency(code: str) -> bool:
    """Return True for a currency of the lookup."""
    return code in _CURRENCIES or any(country.currency == code for country in COUNTRIES.values())


def cities(country: str) -> list[dict[str, Any]]:
    """Return a country's cities as the lookup tells them, none for a country there is not."""
    found = COUNTRIES.get(country)
    if found is None:
        return []
    return [
        {
            "cityName": name,
            "cityCode": code,
            "countryCode": country,
            "currencyCode": found.currency,
            "currencyName": _CURRENCIES.get(found.currency, found.currency),
        }
        for name, code in _CITIES.get(country, {found.city: found.airport}).items()
    ]


def currencies() -> list[dict[str, str]]:
    """Return the countries with their currencies as the lookup tells them."""
    return [
        {
            "countryName": country.name,
            "countryCode": country.code,
            "currency": _CURRENCIES.get(country.currency, country.currency),
            "currencyCode": country.currency,
        }
        for country in COUNTRIES.values()
    ]
