"""What the bodies of MyDHL's requests may hold, from its document of version 3.1.1.

Where the document was damaged by its own YAML (the unit ``NO`` reads as ``false`` there), the meant value stands here.
"""

from __future__ import annotations

from integrations.sandbox.dhl_express.validation import Fields, Flag, Many, Number, Shape, Text


def words(text: str) -> list[str]:
    """Return the words of a list that reads better as a line of text."""
    return text.split()


MONEY = Number("0", "999999999999999", "0.001")
COUNTRY = Text(2, 2)
CURRENCY = Text(3, 3)
UNITS = Text(values=("metric", "imperial"))
CLOSING = Text(0, 5, pattern="([0-1][0-9]|2[0-3]):([0-5][0-9])")
MOMENT = Text(1, 29)
BOXES = (
    "1CE", "2BC", "2BP", "2BX", "3BX", "4BX", "5BX", "6BX", "7BX", "8BX", "CE1", "TBL", "TBS", "WB1", "WB2", "WB3",
    "WB6", "XPD",
)  # fmt: skip
ACCOUNT = Fields({"typeCode*": Text(1, 15, ("shipper", "payer", "duties-taxes")), "number*": Text(1, 12)})
STREET: dict[str, Shape] = {
    "postalCode*": Text(0, 12),
    "cityName*": Text(1, 45),
    "countryCode*": COUNTRY,
    "provinceCode": Text(2, 35),
    "addressLine1*": Text(1, 45),
    "addressLine2": Text(1, 45),
    "addressLine3": Text(1, 45),
    "countyName": Text(1, 45),
}
_RATED_PLACE = Fields({name.replace("Line1*", "Line1"): shape for name, shape in STREET.items()})
CONTACT = Fields(
    {
        "email": Text(1, 70),
        "phone*": Text(1, 70),
        "mobilePhone": Text(1, 70),
        "companyName*": Text(1, 100),
        "fullName*": Text(1, 255),
    }
)
# Unlike a shipment's, these addresses know no countryName.
_PICKUP_PARTY = Fields({"postalAddress*": Fields(STREET), "contactInformation*": CONTACT})
_PICKUP_CONTACT = Fields({"postalAddress": Fields(STREET), "contactInformation*": CONTACT})

_SIDE = Number("0.001", "9999999", "0.001")
DIMENSIONS = Fields({"length*": _SIDE, "width*": _SIDE, "height*": _SIDE})
WEIGHT = Number("0.001", "999999999999", "0.001")
_RATED_PACKAGE = Fields({"typeCode": Text(3, 3, BOXES), "weight*": WEIGHT, "dimensions": DIMENSIONS})
_RATED_SERVICE = Fields(
    {
        "serviceCode*": Text(1, 6),
        "localServiceCode": Text(1, 3),
        "value": MONEY,
        "currency": CURRENCY,
        "method": Text(values=("cash",)),
    }
)
INSTRUCTION = Fields({"value*": Text(0, 80), "typeCode": Text(2, 3)})
DELIVERY_DATE: dict[str, Shape] = {"isRequested": Flag(), "typeCode": Text(0, 4, ("QDDC", "QDDF"))}
RATES = Fields(
    {
        "customerDetails*": Fields({"shipperDetails*": _RATED_PLACE, "receiverDetails*": _RATED_PLACE}),
        "accounts": Many(ACCOUNT, 0, 2),
        "productCode": Text(1, 6),
        "localProductCode": Text(1, 3),
        "valueAddedServices": Many(_RATED_SERVICE, 0, 99),
        "productsAndServices": Many(
            Fields(
                {
                    "productCode*": Text(1, 6),
                    "localProductCode": Text(1, 3),
                    "valueAddedServices": Many(_RATED_SERVICE, 0, 99),
                }
            )
        ),
        "payerCountryCode": COUNTRY,
        "plannedShippingDateAndTime*": MOMENT,
        "unitOfMeasurement*": UNITS,
        "isCustomsDeclarable*": Flag(),
        "monetaryAmount": Many(
            Fields(
                {
                    "typeCode*": Text(values=("declaredValue", "insuredValue")),
                    "value*": Number(high="999999999999999", step="0.001"),
                    "currency*": CURRENCY,
                }
            )
        ),
        "requestAllValueAddedServices": Flag(),
        "estimatedDeliveryDate": Fields(DELIVERY_DATE),
        "getAdditionalInformation": Many(
            Fields(
                {
                    "typeCode": Text(
                        values=("allValueAddedServices", "allValueAddedServicesAndRuleGroups", "sortCodes")
                    ),
                    "isRequested*": Flag(),
                }
            ),
            0,
            3,
        ),
        "returnStandardProductsOnly": Flag(),
        "nextBusinessDay": Flag(),
        "productTypeCode": Text(values=("all", "dayDefinite", "timeDefinite")),
        "packages*": Many(_RATED_PACKAGE, 1, 999),
    }
)

PICKUP = Fields(
    {
        "plannedPickupDateAndTime*": MOMENT,
        "closeTime": CLOSING,
        "location": Text(0, 80),
        "locationType": Text(values=("business", "residence")),
        "accounts*": Many(ACCOUNT, 1, 5, unique=True),
        "specialInstructions": Many(INSTRUCTION, 0, 4, unique=True),
        "remark": Text(),
        "customerDetails*": Fields(
            {
                "shipperDetails*": _PICKUP_PARTY,
                "receiverDetails": _PICKUP_PARTY,
                "bookingRequestorDetails": _PICKUP_CONTACT,
                "pickupDetails": _PICKUP_PARTY,
            }
        ),
        "shipmentDetails*": Many(
            Fields(
                {
                    "productCode*": Text(1, 6),
                    "localProductCode": Text(1, 3),
                    "accounts": Many(ACCOUNT, 0, 5),
                    "valueAddedServices": Many(_RATED_SERVICE, 0, 99),
                    "isCustomsDeclarable*": Flag(),
                    "declaredValue": MONEY,
                    "declaredValueCurrency": CURRENCY,
                    "unitOfMeasurement*": UNITS,
                    "shipmentTrackingNumber": Text(),
                    "packages*": Many(_RATED_PACKAGE, 1, 999),
                }
            ),
            1,
            999,
        ),
    }
)
