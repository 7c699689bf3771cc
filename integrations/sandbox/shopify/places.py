"""Names of the countries and provinces that the shop's customers live in."""

from __future__ import annotations

_COUNTRIES = {
    "AE": "United Arab Emirates",
    "AU": "Australia",
    "CA": "Canada",
    "DE": "Germany",
    "FR": "France",
    "GB": "United Kingdom",
    "JP": "Japan",
    "KW": "Kuwait",
    "SA": "Saudi Arabia",
    "US": "United States",
}
# The shopper's own spelling of a state to the code and the name that addresses have.
_PROVINCES = {
    ("AE", "AZ"): ("AZ", "Abu Dhabi"),
    ("AE", "DU"): ("DU", "Dubai"),
    ("AE", "SH"): ("SH", "Sharjah"),
    ("AU", "NSW"): ("NSW", "New South Wales"),
    ("AU", "QLD"): ("QLD", "Queensland"),
    ("AU", "VIC"): ("VIC", "Victoria"),
    ("CA", "BC"): ("BC", "British Columbia"),
    ("CA", "ON"): ("ON", "Ontario"),
    ("CA", "QC"): ("QC", "Quebec"),
    ("JP", "Aichi"): ("JP-23", "Aichi"),
    ("JP", "Osaka"): ("JP-27", "Osaka"),
    ("JP", "Tokyo"): ("JP-13", "Tokyo"),
    ("US", "CA"): ("CA", "California"),
    ("US", "IL"): ("IL", "Illinois"),
    ("US", "NY"): ("NY", "New York"),
    ("US", "TX"): ("TX", "Texas"),
    ("US", "WA"): ("WA", "Washington"),
}


def country_name(code: str) -> str:
    """Return the English name of a country the shop sells to."""
    return _COUNTRIES[code]


def province(country: str, state: str) -> tuple[str, str] | tuple[None, None]:
    """Return code and name of a province; two Nones where the address has none."""
    return _PROVINCES.get((country, state), (None, None))
