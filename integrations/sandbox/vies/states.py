"""The member states' registers: what a number looks like in each, who holds it, and what the state tells about them."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

NOTHING = "---"  # what stands where a state discloses nothing
# Northern Ireland (XI) is served beside the 27; Greece is EL, and GB, CH and GR are not served at all.
NUMBERS = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z]\d{7}[A-Z0-9]|\d{8}[A-Z]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-W]|\d{7}[A-W][A-IW]",
    "IT": r"\d{11}",
    "LT": r"\d{9}|\d{12}",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[0-9]{9}B\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"\d{9}|\d{12}|GD\d{3}|HA\d{3}",
}
SILENT = frozenset(("DE", "ES"))  # names and addresses are not told
COMPARING = frozenset(("ES",))  # what is sent of a trader is compared; the other states do not process it
_PLACES = {
    "AT": ("1010", "WIEN", "GMBH"),
    "BE": ("1000", "BRUXELLES", "SRL"),
    "BG": ("1000", "SOFIA", "EOOD"),
    "CY": ("1010", "NICOSIA", "LTD"),
    "CZ": ("110 00", "PRAHA", "S.R.O."),
    "DE": ("10115", "BERLIN", "GMBH"),
    "DK": ("1050", "KØBENHAVN", "APS"),
    "EE": ("10111", "TALLINN", "OÜ"),
    "EL": ("10431", "ΑΘΗΝΑ", "ΑΕ"),
    "ES": ("28013", "MADRID", "SL"),
    "FI": ("00100", "HELSINKI", "OY"),
    "FR": ("75009", "PARIS", "SARL"),
    "HR": ("10000", "ZAGREB", "D.O.O."),
    "HU": ("1011", "BUDAPEST", "KFT"),
    "IE": ("D02 X285", "DUBLIN", "LIMITED"),
    "IT": ("20121", "MILANO", "SRL"),
    "LT": ("01100", "VILNIUS", "UAB"),
    "LU": ("1009", "LUXEMBOURG", "SARL"),
    "LV": ("1010", "RIGA", "SIA"),
    "MT": ("VLT 1010", "VALLETTA", "LTD"),
    "NL": ("1012 JS", "AMSTERDAM", "B.V."),
    "PL": ("00-001", "WARSZAWA", "SP. Z O.O."),
    "PT": ("1100-148", "LISBOA", "LDA"),
    "RO": ("010011", "BUCUREȘTI", "SRL"),
    "SE": ("111 20", "STOCKHOLM", "AB"),
    "SI": ("1000", "LJUBLJANA", "D.O.O."),
    "SK": ("811 01", "BRATISLAVA", "S.R.O."),
    "XI": ("BT1 5GS", "BELFAST", "LTD"),
}
_WORDS = (
    "HARBOUR",
    "QUAY",
    "BEACON",
    "TIDAL",
    "MERIDIAN",
    "LANTERN",
    "COMPASS",
    "DRIFT",
    "ANCHOR",
    "LAGOON",
    "MISTRAL",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """Who holds a number."""

    name: str
    street: str
    postal_code: str
    city: str
    company_type: str

    @property
    def address(self) -> str:
        return f"{self.street}\n{self.postal_code} {self.city}"


def trader_of(seed: int, state: str, number: str) -> Trader | None:
    """Return who holds a number, None when it is nobody's.

    Every number of its state's form is somebody's, but for those whose digits end in 00.
    """
    number = number.upper()
    if not re.fullmatch(NUMBERS[state], number) or re.sub(r"\D", "", number).endswith("00"):
        return None
    draw = random.Random(f"{seed}:vies:{state}{number}")
    postal_code, city, form = _PLACES[state]
    return Trader(
        name=f"{draw.choice(_WORDS)} {draw.choice(_WORDS)} {form}",
        street=f"{draw.choice(_WORDS)} {draw.randint(1, 140)}",
        postal_code=postal_code,
        city=city,
        company_type=f"{state}-{draw.randint(1, 9)}",
    )
