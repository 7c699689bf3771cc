"""Where an address is: country and region as AvaTax normalises them, and the state a US postal code belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from integrations.sandbox.geography import COUNTRIES

# name, first three digits of its postal codes; the middle of it (latitude, longitude)
_STATES = """\
AL|ALABAMA|350-352 354-369|32.8 -86.8
AK|ALASKA|995-999|64.0 -152.0
AZ|ARIZONA|850-853 855-857 859-860 863-865|34.3 -111.7
AR|ARKANSAS|716-729|34.8 -92.4
CA|CALIFORNIA|900-908 910-928 930-961|37.2 -119.3
CO|COLORADO|800-816|39.0 -105.5
CT|CONNECTICUT|060-069|41.6 -72.7
DC|DISTRICT OF COLUMBIA|200-205 569|38.9 -77.0
DE|DELAWARE|197-199|39.0 -75.5
FL|FLORIDA|320-339 341-342 344 346-347 349|28.6 -82.4
GA|GEORGIA|300-319 398-399|32.6 -83.4
HI|HAWAII|967-968|20.3 -156.4
ID|IDAHO|832-838|44.4 -114.6
IL|ILLINOIS|600-620 622-629|40.0 -89.2
IN|INDIANA|460-479|39.9 -86.3
IA|IOWA|500-516 520-528|42.1 -93.5
KS|KANSAS|660-662 664-679|38.5 -98.4
KY|KENTUCKY|400-418 420-427|37.5 -85.3
LA|LOUISIANA|700-701 703-708 710-714|31.1 -92.0
ME|MAINE|039-049|45.4 -69.2
MD|MARYLAND|206-212 214-219|39.0 -76.8
MA|MASSACHUSETTS|010-027 055|42.3 -71.8
MI|MICHIGAN|480-499|44.3 -85.4
MN|MINNESOTA|550-551 553-567|46.3 -94.3
MS|MISSISSIPPI|386-397|32.7 -89.7
MO|MISSOURI|630-631 633-641 644-658|38.4 -92.5
MT|MONTANA|590-599|47.0 -109.6
NE|NEBRASKA|680-681 683-693|41.5 -99.8
NV|NEVADA|889-891 893-895 897-898|39.3 -116.6
NH|NEW HAMPSHIRE|030-038|43.7 -71.6
NJ|NEW JERSEY|070-089|40.2 -74.7
NM|NEW MEXICO|870-871 873-875 877-884|34.4 -106.1
NY|NEW YORK|005 100-149|42.9 -75.5
NC|NORTH CAROLINA|270-289|35.5 -79.4
ND|NORTH DAKOTA|580-588|47.5 -100.5
OH|OHIO|430-459|40.3 -82.8
OK|OKLAHOMA|730-731 734-741 743-749|35.6 -97.5
OR|OREGON|970-979|43.9 -120.6
PA|PENNSYLVANIA|150-196|40.9 -77.8
RI|RHODE ISLAND|028-029|41.6 -71.5
SC|SOUTH CAROLINA|290-299|33.9 -80.9
SD|SOUTH DAKOTA|570-577|44.4 -100.2
TN|TENNESSEE|370-385|35.9 -86.4
TX|TEXAS|750-799 885|31.5 -99.3
UT|UTAH|840-847|39.3 -111.7
VT|VERMONT|050-054 056-059|44.1 -72.7
VA|VIRGINIA|201 220-246|37.5 -78.8
WA|WASHINGTON|980-986 988-994|47.4 -120.5
WV|WEST VIRGINIA|247-268|38.6 -80.6
WI|WISCONSIN|530-532 534-535 537-549|44.6 -89.9
WY|WYOMING|820-831 834|43.0 -107.6"""
_PROVINCES = """\
AB|ALBERTA|T|55.0 -115.0
BC|BRITISH COLUMBIA|V|54.0 -125.0
MB|MANITOBA|R|55.0 -97.0
NB|NEW BRUNSWICK|E|46.5 -66.4
NL|NEWFOUNDLAND AND LABRADOR|A|53.0 -60.0
NS|NOVA SCOTIA|B|45.0 -63.0
NT|NORTHWEST TERRITORIES|X|65.0 -119.0
NU|NUNAVUT|X|70.0 -90.0
ON|ONTARIO|K L M N P|50.0 -86.0
PE|PRINCE EDWARD ISLAND|C|46.4 -63.2
QC|QUEBEC|G H J|52.0 -72.0
SK|SASKATCHEWAN|S|54.0 -106.0
YT|YUKON|Y|63.0 -136.0"""
_ALPHA_3 = (
    "AE:ARE AT:AUT AU:AUS BE:BEL BG:BGR BH:BHR BR:BRA CA:CAN CH:CHE CN:CHN CZ:CZE DE:DEU DK:DNK EG:EGY ES:ESP FI:FIN "
    "FR:FRA GB:GBR GR:GRC HK:HKG HU:HUN IE:IRL IL:ISR IN:IND IT:ITA JO:JOR JP:JPN KR:KOR KW:KWT MX:MEX MY:MYS NL:NLD "
    "NO:NOR NZ:NZL OM:OMN PH:PHL PL:POL PT:PRT QA:QAT RO:ROU SA:SAU SE:SWE SG:SGP TH:THA TR:TUR US:USA ZA:ZAF"
)
_OTHER_NAMES = {"UK": "GB", "UNITED STATES OF AMERICA": "US", "U.S.A.": "US", "GREAT BRITAIN": "GB", "CZECHIA": "CZ"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A state of the US or a province of Canada. ``codes`` begin its postal codes; ``middle``: latitude, longitude."""

    code: str
    name: str
    codes: frozenset[str]
    middle: tuple[float, float]


def _prefixes(text: str) -> frozenset[str]:
    found: set[str] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        found.update([part] if not last else [f"{number:03d}" for number in range(int(first), int(last) + 1)])
    return frozenset(found)


def _regions(table: str) -> dict[str, Region]:
    rows = (line.split("|") for line in table.splitlines())
    return {
        code: Region(
            code=code,
            name=name,
            codes=_prefixes(codes),
            middle=(float(middle.split()[0]), float(middle.split()[1])),
        )
        for code, name, codes, middle in rows
    }


REGIONS = {"US": _regions(_STATES), "CA": _regions(_PROVINCES)}


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    found = dict(_OTHER_NAMES) | {country.name.upper(): code for code, country in COUNTRIES.items()}
    return found | {pair[3:]: pair[:2] for pair in _ALPHA_3.split()}


def country_code(text: str) -> str | None:
    """Return the two letters of a country given as two or three letters or by its name; None when it is none."""
    upper = text.strip().upper()
    if len(upper) == 2 and upper.isalpha() and upper != "UK":
        return upper
    return _names().get(upper)


def region_code(country: str, text: str) -> str | None:
    """Return the code of a region given by code or name; None when the US or Canada have none of that name.

    Other countries' regions are passed on as they are, in upper case when they are codes.
    """
    upper = text.strip().upper()
    known = REGIONS.get(country)
    if known is None:
        return upper if len(upper) <= 3 else text.strip()
    if upper.startswith(f"{country}-"):
        upper = upper[3:]
    if upper in known:
        return upper
    return next((region.code for region in known.values() if region.name == upper), None)


def region_of(country: str, postal_code: str) -> Region | None:
    """Return the region a postal code lies in; None where it is nowhere (or in a country without a table)."""
    digits = postal_code.strip().upper()
    key = digits[:3] if country == "US" else digits[:1]
    return next((region for region in REGIONS.get(country, {}).values() if key in region.codes), None)


def fits(country: str, region: str, postal_code: str) -> bool:
    """Return True when the postal code can be in the region; always, where there is no table or no code."""
    known = REGIONS.get(country, {}).get(region)
    if known is None or not postal_code.strip():
        return True
    key = postal_code.strip().upper()
    return (key[:3] if country == "US" else key[:1]) in known.codes
