"""Who taxes at a place, and at which rate.

The rates are those in force when this was written, as the states and the European Commission publish them; below the
state only some cities are known. A real account knows many more, and this one is no basis for a tax return.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from integrations.sandbox.avalara.places import REGIONS
from integrations.sandbox.geography import COUNTRIES

# state, FIPS code, percent of the state
_STATE_RATES = (
    "AL:01:4 AK:02:0 AZ:04:5.6 AR:05:6.5 CA:06:6 CO:08:2.9 CT:09:6.35 DE:10:0 DC:11:6 FL:12:6 GA:13:4 HI:15:4 ID:16:6 "
    "IL:17:6.25 IN:18:7 IA:19:6 KS:20:6.5 KY:21:6 LA:22:5 ME:23:5.5 MD:24:6 MA:25:6.25 MI:26:6 MN:27:6.875 MS:28:7 "
    "MO:29:4.225 MT:30:0 NE:31:5.5 NV:32:4.6 NH:33:0 NJ:34:6.625 NM:35:4.875 NY:36:4 NC:37:4.75 ND:38:5 OH:39:5.75 "
    "OK:40:4.5 OR:41:0 PA:42:6 RI:44:7 SC:45:6 SD:46:4.2 TN:47:7 TX:48:6.25 UT:49:4.85 VT:50:6 VA:51:4.3 WA:53:6.5 "
    "WV:54:6 WI:55:5 WY:56:4"
)
# first three digits of the postal code: kind, code, name, percent
_LOCAL = {
    "100": ("City 51000 NEW YORK CITY:4.5", "Special 359071 METROPOLITAN COMMUTER TRANSPORTATION DISTRICT:0.375"),
    "191": ("County 101 PHILADELPHIA:2",),
    "331": ("County 086 MIAMI-DADE:1",),
    "606": ("County 031 COOK:1.75", "City 14000 CHICAGO:1.25", "Special AQOF REGIONAL TRANSPORTATION AUTHORITY:1"),
    "787": ("City 05000 AUSTIN:1", "Special 6000656 AUSTIN METROPOLITAN TRANSIT AUTHORITY:1"),
    "802": ("City 20000 DENVER:5.15", "Special 001 REGIONAL TRANSPORTATION DISTRICT:1.1"),
    "900": ("County 037 LOS ANGELES:0.25", "Special EMAN LOS ANGELES CO LOCAL TAX SL:3.25"),
    "926": (
        "County 059 ORANGE:0.25",
        "Special EMTV ORANGE CO LOCAL TAX SL:1",
        "Special EMAZ ORANGE COUNTY DISTRICT:0.5",
    ),
    "941": ("County 075 SAN FRANCISCO:0.25", "Special EMUA SAN FRANCISCO CO LOCAL TAX SL:2.375"),
    "981": ("City 0063000 SEATTLE:3.85",),
}
_PROVINCIAL = {"BC": ("PST", "7"), "MB": ("RST", "7"), "QC": ("QST/TVQ", "9.975"), "SK": ("PST", "6")}
_HARMONISED = {"NB": "15", "NL": "15", "NS": "14", "ON": "13", "PE": "15"}
_VAT = (
    "AE:5 AT:20 AU:10 BE:21 BG:20 BH:10 CH:8.1 CN:13 CY:19 CZ:21 DE:19 DK:25 EE:24 EG:14 ES:21 FI:25.5 FR:20 GB:20 GR:24 "
    "HR:25 HU:27 IE:23 IL:18 IN:18 IT:22 JO:16 JP:10 KR:10 LT:21 LU:17 LV:21 MT:18 MX:16 NL:21 NO:25 NZ:15 OM:5 PH:12 "
    "PL:23 PT:23 RO:21 SA:15 SE:25 SG:9 SI:22 SK:23 TH:7 TR:20 ZA:15"
)
UNION = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())  # noqa: SIM905 - reads better
_MORE_NAMES = {"CY": "Cyprus", "EE": "Estonia", "HR": "Croatia", "LT": "Lithuania", "LU": "Luxembourg", "LV": "Latvia"}
_MORE_NAMES |= {"MT": "Malta", "SI": "Slovenia", "SK": "Slovakia"}
_SHORT = {"Country": "CNT", "State": "STA", "County": "CTY", "City": "CIT", "Special": "STJ"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Jurisdiction:
    """One authority. ``rate`` is a fraction; ``kind`` Country, State, County, City or Special."""

    country: str
    region: str
    kind: str
    code: str
    name: str
    rate: Decimal
    tax_name: str
    value_added: bool = False
    state_fips: str = ""

    @property
    def short_kind(self) -> str:
        """Return the old three-letter type."""
        return _SHORT[self.kind]

    @property
    def id(self) -> int:
        """Return a number that stays the same."""
        return sum(ord(letter) * (index + 7) for index, letter in enumerate(self.country + self.code + self.name))

    @property
    def signature(self) -> str:
        """Return the four letters Avalara signs it with (ours are made up)."""
        return "".join(chr(65 + self.id // 26**place % 26) for place in range(4))

    def zero(self) -> Jurisdiction:
        """Return the same authority asking for nothing."""
        return replace(self, rate=Decimal(0))


def _percent(text: str) -> Decimal:
    return Decimal(text) / 100


_STATES = {row.split(":")[0]: (row.split(":")[1], _percent(row.split(":")[2])) for row in _STATE_RATES.split()}
VAT_RATES = {row.split(":")[0]: _percent(row.split(":")[1]) for row in _VAT.split()}


def authorities(country: str, region: str, postal_code: str) -> tuple[Jurisdiction, ...]:
    """Return who taxes at a place, the widest first; none where there is no tax on sales (Kuwait, Hong Kong)."""
    if country == "US":
        return _in_the_us(region, postal_code) if region in _STATES else ()
    if country == "CA":
        return _in_canada(region)
    if country not in VAT_RATES:
        return ()
    name = COUNTRIES[country].name if country in COUNTRIES else _MORE_NAMES[country]
    vat = Jurisdiction(
        country=country,
        region=country,
        kind="Country",
        code=country,
        name=name.upper(),
        rate=VAT_RATES[country],
        tax_name=f"{country} VAT",
        value_added=True,
    )
    return (vat,)


def _in_the_us(region: str, postal_code: str) -> tuple[Jurisdiction, ...]:
    fips, rate = _STATES[region]
    state = Jurisdiction(
        country="US",
        region=region,
        kind="State",
        code=fips,
        name=REGIONS["US"][region].name,
        rate=rate,
        tax_name=f"{region} STATE TAX",
        state_fips=fips,
    )
    found = [state]
    for row in _LOCAL.get(postal_code.strip()[:3], ()):
        what, percent = row.rsplit(":", 1)
        kind, code, name = what.split(" ", 2)
        tax_name = f"{region} {kind.upper()} TAX"
        found.append(replace(state, kind=kind, code=code, name=name, rate=_percent(percent), tax_name=tax_name))
    return tuple(found)


def _in_canada(region: str) -> tuple[Jurisdiction, ...]:
    harmonised = region in _HARMONISED
    country = Jurisdiction(
        country="CA",
        region="CA",
        kind="Country",
        code="CA",
        name="CANADA",
        rate=_percent(_HARMONISED.get(region, "5")),
        tax_name="CANADA HST/TVH" if harmonised else "CANADA GST/TPS",
        value_added=True,
    )
    if region not in _PROVINCIAL:
        return (country,)
    tax, percent = _PROVINCIAL[region]
    province = replace(
        country,
        region=region,
        kind="State",
        code=region,
        name=REGIONS["CA"][region].name,
        rate=_percent(percent),
        tax_name=f"{REGIONS['CA'][region].name} {tax}",
    )
    return country, province
