"""The countries the carriers' twins serve: currency, clock, main city, and how far apart two of them are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from integrations.sandbox.rates import dollar_rate

_DECIMALS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3}
# Regions that trade much with each other are nearer than others.
_NEAR = ({"EU", "ME"}, {"NA", "EU"}, {"ME", "AS"}, {"EU", "AF"})
_UNION = frozenset("AT BE BG CZ DE DK ES FI FR GR HU IE IT NL PL PT RO SE".split())  # noqa: SIM905 - reads better


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """One country. ``city`` and ``airport`` (three letters) are its gateway, ``zone`` the clock there."""

    code: str
    name: str
    currency: str
    region: str
    zone: str
    city: str
    airport: str
    postcodes: bool = True  # whether addresses have them


def _country(line: str) -> Country:
    code, currency, region, zone, airport, city, name, *without = (part.strip() for part in line.split("|"))
    return Country(
        code=code,
        name=name,
        currency=currency,
        region=region,
        zone=zone,
        city=city,
        airport=airport,
        postcodes=not without,
    )


COUNTRIES = {
    country.code: country
    for country in map(
        _country,
        """\
        AE|AED|ME|Asia/Dubai|DXB|Dubai|United Arab Emirates|no postcodes
        AT|EUR|EU|Europe/Vienna|VIE|Vienna|Austria
        AU|AUD|AS|Australia/Sydney|SYD|Sydney|Australia
        BE|EUR|EU|Europe/Brussels|BRU|Brussels|Belgium
        BG|EUR|EU|Europe/Sofia|SOF|Sofia|Bulgaria
        BH|BHD|ME|Asia/Bahrain|BAH|Manama|Bahrain|no postcodes
        BR|BRL|SA|America/Sao_Paulo|GRU|Sao Paulo|Brazil
        CA|CAD|NA|America/Toronto|YYZ|Toronto|Canada
        CH|CHF|EU|Europe/Zurich|ZRH|Zurich|Switzerland
        CN|CNY|AS|Asia/Shanghai|PVG|Shanghai|China
        CZ|CZK|EU|Europe/Prague|PRG|Prague|Czech Republic
        DE|EUR|EU|Europe/Berlin|FRA|Frankfurt|Germany
        DK|DKK|EU|Europe/Copenhagen|CPH|Copenhagen|Denmark
        EG|EGP|ME|Africa/Cairo|CAI|Cairo|Egypt
        ES|EUR|EU|Europe/Madrid|MAD|Madrid|Spain
        FI|EUR|EU|Europe/Helsinki|HEL|Helsinki|Finland
        FR|EUR|EU|Europe/Paris|CDG|Paris|France
        GB|GBP|EU|Europe/London|LHR|London|United Kingdom
        GR|EUR|EU|Europe/Athens|ATH|Athens|Greece
        HK|HKD|AS|Asia/Hong_Kong|HKG|Hong Kong|Hong Kong SAR|no postcodes
        HU|HUF|EU|Europe/Budapest|BUD|Budapest|Hungary
        IE|EUR|EU|Europe/Dublin|DUB|Dublin|Ireland
        IL|ILS|ME|Asia/Jerusalem|TLV|Tel Aviv|Israel
        IN|INR|AS|Asia/Kolkata|BOM|Mumbai|India
        IT|EUR|EU|Europe/Rome|MXP|Milan|Italy
        JO|JOD|ME|Asia/Amman|AMM|Amman|Jordan
        JP|JPY|AS|Asia/Tokyo|NRT|Tokyo|Japan
        KR|KRW|AS|Asia/Seoul|ICN|Seoul|South Korea
        KW|KWD|ME|Asia/Kuwait|KWI|Kuwait City|Kuwait
        MX|MXN|NA|America/Mexico_City|MEX|Mexico City|Mexico
        MY|MYR|AS|Asia/Kuala_Lumpur|KUL|Kuala Lumpur|Malaysia
        NL|EUR|EU|Europe/Amsterdam|AMS|Amsterdam|Netherlands
        NO|NOK|EU|Europe/Oslo|OSL|Oslo|Norway
        NZ|NZD|AS|Pacific/Auckland|AKL|Auckland|New Zealand
        OM|OMR|ME|Asia/Muscat|MCT|Muscat|Oman
        PH|PHP|AS|Asia/Manila|MNL|Manila|Philippines
        PL|PLN|EU|Europe/Warsaw|WAW|Warsaw|Poland
        PT|EUR|EU|Europe/Lisbon|LIS|Lisbon|Portugal
        QA|QAR|ME|Asia/Qatar|DOH|Doha|Qatar|no postcodes
        RO|RON|EU|Europe/Bucharest|OTP|Bucharest|Romania
        SA|SAR|ME|Asia/Riyadh|RUH|Riyadh|Saudi Arabia
        SE|SEK|EU|Europe/Stockholm|ARN|Stockholm|Sweden
        SG|SGD|AS|Asia/Singapore|SIN|Singapore|Singapore
        TH|THB|AS|Asia/Bangkok|BKK|Bangkok|Thailand
        TR|TRY|ME|Europe/Istanbul|IST|Istanbul|Turkey
        US|USD|NA|America/New_York|JFK|New York|United States
        ZA|ZAR|AF|Africa/Johannesburg|JNB|Johannesburg|South Africa""".splitlines(),
    )
}


def unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency: 0.001 for dinars and Omani rials, 1 for yen and won, else 0.01."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency, 2))


def dollars_in(seed: int, currency: str, at: float, dollars: Decimal) -> Decimal:
    """Return an amount of US dollars in a currency at a moment (Unix seconds), rounded to its unit."""
    value = dollars * Decimal(str(dollar_rate(seed, currency, at)))
    return value.quantize(unit(currency), rounding=ROUND_HALF_UP)


def same_customs_territory(origin: str, destination: str) -> bool:
    """Return True when goods need no customs declaration: the same country, or both in the European Union."""
    return origin == destination or (origin in _UNION and destination in _UNION)


def distance(origin: str, destination: str) -> int:
    """Return 0 (the same region) to 3 (the far side of the world) between two countries."""
    regions = COUNTRIES[origin].region, COUNTRIES[destination].region
    if regions[0] == regions[1]:
        return 0
    return 1 if set(regions) in _NEAR else 2 + ("SA" in regions)


def local(country: str, at: float) -> datetime:
    """Return a moment (Unix seconds) as the aware time on the clock of a country's gateway."""
    return datetime.fromtimestamp(at, ZoneInfo(COUNTRIES[country].zone))


def business_days_after(day: date, days: int) -> date:
    """Return the day so many working days (Monday to Friday) after another."""
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day
