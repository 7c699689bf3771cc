"""SMSA's services, as far as their codes are known.

Which of them an account may use is a matter of its contract; ``GET /api/lookUp/ServiceTypes`` lists them. Names and
destinations are those of SMSA's sample of that list; a code that is not here is sent as it is.
"""

from __future__ import annotations

PICKUP_RETURN = "EDCR"  # a parcel fetched from the consumer and brought back to the shop: another interface
NAMES = {
    "EDDL": "ECOM Delivery Lite",
    "EDDH": "ECOM Delivery Heavy",
    "EIDL": "ECOM International Delivery Lite",
    PICKUP_RETURN: "ECOM Pickup Return",
}
DOMESTIC = frozenset({"EDDL", "EDDH"})
INTERNATIONAL = frozenset({"EIDL"})
