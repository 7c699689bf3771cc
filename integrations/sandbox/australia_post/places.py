"""Where Australia Post delivers at home: states by postcode, and the suburbs of a few postcodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_RANGES: Mapping[str, Sequence[tuple[int, int]]] = {
    "ACT": ((200, 299), (2600, 2618), (2900, 2920)),
    "NSW": ((1000, 2599), (2619, 2899), (2921, 2999)),
    "NT": ((800, 999),),
    "QLD": ((4000, 4999), (9000, 9999)),
    "SA": ((5000, 5999),),
    "TAS": ((7000, 7999),),
    "VIC": ((3000, 3999), (8000, 8999)),
    "WA": ((6000, 6999),),
}
STATES = tuple(_RANGES)
_FAR = frozenset({"WA", "NT", "TAS"})
# Of a postcode not listed here any suburb is taken for one.
_SUBURBS: Mapping[str, Sequence[str]] = {
    "0800": ("Darwin", "Darwin City"),
    "2000": ("Barangaroo", "Dawes Point", "Haymarket", "Millers Point", "Sydney", "The Rocks"),
    "2001": ("Sydney",),
    "2010": ("Darlinghurst", "Surry Hills"),
    "2150": ("Harris Park", "Parramatta"),
    "2600": ("Barton", "Canberra", "Capital Hill", "Deakin", "Parkes", "Russell", "Yarralumla"),
    "2601": ("Acton", "Black Mountain", "Canberra"),
    "3000": ("Melbourne",),
    "3001": ("Melbourne",),
    "3065": ("Fitzroy",),
    "3088": ("Briar Hill", "Greensborough", "St Helena"),
    "3207": ("Garden City", "Port Melbourne"),
    "4000": ("Brisbane", "Brisbane City", "Petrie Terrace", "Spring Hill"),
    "5000": ("Adelaide", "Halifax Street", "Rundle Mall", "Sturt Street"),
    "6000": ("City Delivery Centre", "Perth"),
    "7000": ("Glebe", "Hobart", "Mount Stuart", "North Hobart", "Queens Domain", "West Hobart"),
}


def state(postcode: str) -> str | None:
    """Return the state of a postcode of four digits, None when it is none."""
    if not (postcode.isascii() and postcode.isdigit() and len(postcode) == 4):
        return None
    number = int(postcode)
    return next((name for name, ranges in _RANGES.items() if any(low <= number <= high for low, high in ranges)), None)


def suburbs(state_name: str, postcode: str) -> Sequence[str]:
    """Return the suburbs known of a postcode, none when it is of another state."""
    return _SUBURBS.get(postcode, ()) if state(postcode) == state_name.upper() else ()


def fits(suburb: str, state_name: str, postcode: str) -> bool:
    """Return True when the three belong together; case does not matter."""
    if state(postcode) != state_name.upper():
        return False
    known = _SUBURBS.get(postcode)
    return bool(suburb) and (known is None or suburb.upper() in (name.upper() for name in known))


def distance(origin: str, destination: str) -> int:
    """Return 0 within a state, 1 between near ones, 2 to or from the west, the north or Tasmania."""
    states = {state(origin), state(destination)}
    return 0 if len(states) == 1 else 2 if states & _FAR else 1
