"""Whether customs see a parcel: across a border, unless both its ends are in the European Union's customs union.

Source: Regulation (EU) 952/2013, article 4 (Monaco counts as France), and Directive 2006/112/EC, article 6, for the
places that belong to a member state but are outside its customs or its tax territory: those want a declaration too.
"""

from __future__ import annotations

from integrations.types.shipping import Address, Shipment

_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MC MT NL PL PT RO SE SI SK"
CUSTOMS_UNION = frozenset(_MEMBERS.split())
_OUTSIDE = {  # country -> how the postal codes of its places outside begin
    "DE": ("27498", "78266"),  # Heligoland, Buesingen
    "ES": ("35", "38", "51", "52"),  # the Canary Islands, Ceuta, Melilla
    "FI": ("22",),  # Aland
    "IT": ("23041",),  # Livigno
}


def crosses_customs(shipment: Shipment) -> bool:
    """Return True when customs want a declaration of what is inside."""
    ends = (shipment.origin, shipment.destination)
    if not shipment.international:
        return _is_outside(shipment.origin) is not _is_outside(shipment.destination)
    return not all(end.country in CUSTOMS_UNION and not _is_outside(end) for end in ends)


def _is_outside(address: Address) -> bool:
    return address.postal_code.startswith(_OUTSIDE.get(address.country, ()))
