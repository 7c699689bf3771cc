"""Countries, cities, currencies and offices as Aramex knows them, and what an address must have."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Notification = tuple[str, str]  # code, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """One country. ``cities`` are the only names taken there; where it is empty the post code decides."""

    code: str
    name: str
    iso3: str
    calling: str
    currency: str
    zone: int  # 0 Gulf, 1 Levant and Egypt, 2 Europe and South Asia, 3 the rest
    cities: tuple[str, ...] = ()
    entity: str = ""  # Aramex's own office there


def _country(code: str, name: str, iso3: str, calling: str, currency: str, zone: int, cities: str = "") -> Country:
    names = tuple(city.strip() for city in cities.split(",") if city.strip())
    entity = _ENTITIES.get(code, "")
    return Country(
        code=code, name=name, iso3=iso3, calling=calling, currency=currency, zone=zone, cities=names, entity=entity
    )


_ENTITIES = {"AE": "DXB", "SA": "RUH", "JO": "AMM", "KW": "KWI", "BH": "BAH", "OM": "MCT", "QA": "DOH", "EG": "CAI"}

COUNTRIES = {
    country.code: country
    for country in (
        _country("AE", "United Arab Emirates", "ARE", "971", "AED", 0,
                 "Abu Dhabi, Ajman, Al Ain, Dubai, Fujairah, Ras Al Khaimah, Sharjah, Umm Al Quwain"),
        _country("AT", "Austria", "AUT", "43", "EUR", 2),
        _country("AU", "Australia", "AUS", "61", "AUD", 3),
        _country("BE", "Belgium", "BEL", "32", "EUR", 2),
        _country("BH", "Bahrain", "BHR", "973", "BHD", 0, "Isa Town, Manama, Muharraq, Riffa"),
        _country("CA", "Canada", "CAN", "1", "CAD", 3),
        _country("CH", "Switzerland", "CHE", "41", "CHF", 2),
        _country("CN", "China", "CHN", "86", "CNY", 3),
        _country("DE", "Germany", "DEU", "49", "EUR", 2),
        _country("DK", "Denmark", "DNK", "45", "DKK", 2),
        _country("EG", "Egypt", "EGY", "20", "EGP", 1, "Alexandria, Cairo, Giza, Luxor, Port Said"),
        _country("ES", "Spain", "ESP", "34", "EUR", 2),
        _country("FR", "France", "FRA", "33", "EUR", 2),
        _country("GB", "United Kingdom", "GBR", "44", "GBP", 2),
        _country("HK", "Hong Kong", "HKG", "852", "HKD", 3, "Hong Kong, Kowloon"),
        _country("IN", "India", "IND", "91", "INR", 2),
        _country("IT", "Italy", "ITA", "39", "EUR", 2),
        _country("JO", "Jordan", "JOR", "962", "JOD", 1, "Amman, Aqaba, Irbid, Madaba, Zarqa"),
        _country("JP", "Japan", "JPN", "81", "JPY", 3),
        _country("KR", "South Korea", "KOR", "82", "KRW", 3),
        _country("KW", "Kuwait", "KWT", "965", "KWD", 0, "Ahmadi, Farwaniya, Hawalli, Kuwait City, Salmiya"),
        _country("LB", "Lebanon", "LBN", "961", "USD", 1, "Beirut, Jounieh, Saida, Tripoli"),
        _country("NL", "Netherlands", "NLD", "31", "EUR", 2),
        _country("OM", "Oman", "OMN", "968", "OMR", 0, "Muscat, Nizwa, Salalah, Sohar"),
        _country("PL", "Poland", "POL", "48", "PLN", 2),
        _country("QA", "Qatar", "QAT", "974", "QAR", 0, "Al Khor, Al Rayyan, Al Wakrah, Doha"),
        _country("SA", "Saudi Arabia", "SAU", "966", "SAR", 0,
                 "Abha, Dammam, Dhahran, Jeddah, Khobar, Madinah, Makkah, Riyadh, Tabuk, Taif"),
        _country("SE", "Sweden", "SWE", "46", "SEK", 2),
        _country("SG", "Singapore", "SGP", "65", "SGD", 3),
        _country("TR", "Turkey", "TUR", "90", "TRY", 2),
        _country("US", "United States", "USA", "1", "USD", 3),
        _country("ZA", "South Africa", "ZAF", "27", "ZAR", 3),
    )
}  # fmt: skip

PER_US_DOLLAR = {
    "USD": "1", "AED": "3.6725", "SAR": "3.75", "QAR": "3.64", "KWD": "0.307", "BHD": "0.377", "OMR": "0.385",
    "JOD": "0.709", "EGP": "48.7", "EUR": "0.92", "GBP": "0.79", "CHF": "0.88", "DKK": "6.85", "SEK": "10.5",
    "PLN": "4.0", "TRY": "33", "INR": "83.5", "CNY": "7.25", "HKD": "7.81", "JPY": "152", "KRW": "1370", "SGD": "1.35",
    "AUD": "1.52", "CAD": "1.37", "ZAR": "18.5",
}  # fmt: skip
_DECIMALS = {"KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "JPY": 0, "KRW": 0}


def unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency: 0.001 for dinars and rials, 1 for yen, else 0.01."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency, 2))


def address_problems(address: dict[str, Any] | None, where: str) -> list[Notification]:
    """Return what is wrong with an address. ERR52 is Aramex's; the other codes are this sandbox's own."""
    if address is None:
        return [("ERR20", f"{where} - Address is required")]
    country = COUNTRIES.get((address["CountryCode"] or "").upper())
    if country is None:
        return [("ERR51", f"{where} - Country code is invalid ({address['CountryCode'] or ''})")]
    city = (address["City"] or "").strip()
    if country.cities:
        known = {name.lower() for name in country.cities}
        return [] if city.lower() in known else [("ERR52", f"{where} - City name is invalid ({city})")]
    if not city:
        return [("ERR52", f"{where} - City name is invalid ({city})")]
    if not (address["PostCode"] or "").strip():
        return [("ERR53", f"{where} - Post code is required for {country.name}")]
    return []
