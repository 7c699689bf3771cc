"""What the body of ``POST /shipments`` may hold; from the same document."""

from __future__ import annotations

from integrations.sandbox.dhl_express.declaration import DECLARATION
from integrations.sandbox.dhl_express.shapes import (
    ACCOUNT,
    BOXES,
    CLOSING,
    CONTACT,
    COUNTRY,
    CURRENCY,
    DELIVERY_DATE,
    DIMENSIONS,
    INSTRUCTION,
    MOMENT,
    MONEY,
    STREET,
    UNITS,
    WEIGHT,
    words,
)
from integrations.sandbox.dhl_express.validation import Fields, Flag, Many, Number, Shape, Text

_REGISTRATIONS = words(
    """
    VAT EIN GST SSN EOR DUN FED STA CNP IE INN KPP OGR OKP MRN SDT FTZ DAN TAN DTF RGP DLI NID PAS MID IMS EIC
    FTN CIC PEP"""
)
_INCOTERMS = words(
    """
    EXW FCA CPT CIP DPU DAP DDP FAS FOB CFR CIF DAF DAT DDU DEQ DES"""
)
_REGISTRATION = Fields({"typeCode*": Text(1, 3, _REGISTRATIONS), "number*": Text(1, 35), "issuerCountryCode*": COUNTRY})
_BANK = Fields({"name": Text(0, 60), "settlementLocalCurrency": Text(), "settlementForeignCurrency": Text()})
_WHOLE_PARTY: dict[str, Shape] = {
    "postalAddress*": Fields({**STREET, "provinceName": Text(1, 35), "countryName": Text(1, 35)}),
    "contactInformation*": CONTACT,
    "registrationNumbers": Many(_REGISTRATION, 0, 50),
}
_PARTY = Fields(
    {
        **_WHOLE_PARTY,
        "bankDetails": Many(_BANK, 0, 1, unique=True),
        "typeCode": Text(values=("business", "direct_consumer", "government", "other", "private", "reseller")),
    }
)
_FURTHER_PARTY = Fields({**_WHOLE_PARTY, "bankDetails": _REGISTRATION, "typeCode": Text()})
_REFERENCE = Fields(
    {
        "value*": Text(1, 35),
        "typeCode": Text(
            2,
            3,
            ("AAO", "CU", "FF", "FN", "IBC", "LLR", "OBC", "PRN", "ACP", "ACS", "ACR", "CDN", "STD", "CO"),
        ),
    }
)
_IDENTIFIER = Fields(
    {
        "typeCode*": Text(values=("parentId", "shipmentId", "pieceId")),
        "value*": Text(1, 35),
        "dataIdentifier": Text(1, 4),
    }
)
_PACKAGE = Fields(
    {
        "typeCode": Text(2, 3, BOXES),
        "weight*": WEIGHT,
        "dimensions": DIMENSIONS,
        "customerReferences": Many(_REFERENCE, 1, 99),
        "identifiers": Many(_IDENTIFIER, 0, 3, unique=True),
        "description": Text(1, 70),
        "labelBarcodes": Many(
            Fields(
                {
                    "position*": Text(values=("left", "right")),
                    "symbologyCode*": Text(values=("93", "39", "128")),
                    "content*": Text(),
                    "textBelowBarcode*": Text(),
                }
            ),
            0,
            2,
        ),
        "labelText": Many(
            Fields(
                {
                    "position*": Text(values=("left1", "left2", "left3", "right1", "right2", "right3")),
                    "caption*": Text(0, 20),
                    "value*": Text(0, 40),
                }
            ),
            0,
            6,
        ),
        "labelDescription": Text(1, 80),
        "referenceNumber": Number("1", "999"),
    }
)
_DANGEROUS = Fields(
    {
        "contentId*": Text(1, 5),
        "dryIceTotalNetWeight": Number(step="0.001"),
        "customDescription": Text(0, 200),
        "unCodes": Many(Text(1, 10), 1, 10),
    },
    exactly_one=("dryIceTotalNetWeight", "unCodes"),
)
_SERVICE = Fields(
    {
        "serviceCode*": Text(1, 6),
        "value": MONEY,
        "currency": CURRENCY,
        "method": Text(),
        "dangerousGoods": Many(_DANGEROUS, 0, 1),
    }
)
_IMAGE_OPTION = Fields(
    {
        "typeCode*": Text(values=("label", "waybillDoc", "invoice", "qr-code", "shipmentReceipt")),
        "templateName": Text(0, 25),
        "isRequested": Flag(),
        "hideAccountNumber": Flag(),
        "numberOfCopies": Number("1", "2"),
        "invoiceType": Text(values=("commercial", "proforma", "returns")),
        "languageCode": Text(3, 3),
        "languageCountryCode": COUNTRY,
        "languageScriptCode": Text(4, 4),
        "encodingFormat": Text(values=("png",)),
        "renderDHLLogo": Flag(),
        "fitLabelsToA4": Flag(),
        "labelFreeText": Text(0, 150),
        "labelCustomerDataText": Text(1, 250),
        "shipmentReceiptCustomerDataText": Text(1, 700),
    }
)
_IMAGES = Fields(
    {
        "printerDPI": Number(values=(200, 300)),
        "customerBarcodes": Many(
            Fields(
                {
                    "content*": Text(1, 25),
                    "textBelowBarcode": Text(),
                    "symbologyCode*": Text(values=("93", "39", "128")),
                }
            ),
            0,
            1,
        ),
        "customerLogos": Many(
            Fields({"fileFormat*": Text(values=("PNG", "GIF", "JPEG", "JPG")), "content*": Text(0, 1048576)}), 0, 1
        ),
        "encodingFormat": Text(values=("pdf", "zpl", "lp2", "epl")),
        "imageOptions": Many(_IMAGE_OPTION, 0, 20, unique=True),
        "splitTransportAndWaybillDocLabels": Flag(),
        "allDocumentsInOneImage": Flag(),
        "splitDocumentsByPages": Flag(),
        "splitInvoiceAndReceipt": Flag(),
        "receiptAndLabelsInOneImage": Flag(),
    }
)
_PLACES = ("buyer", "importer", "exporter", "seller", "payer")
_FURTHER_PLACES = ("manufacturer", "ultimateConsignee", "broker")

SHIPMENT = Fields(
    {
        "plannedShippingDateAndTime*": MOMENT,
        "pickup*": Fields(
            {
                "isRequested*": Flag(),
                "closeTime": CLOSING,
                "location": Text(0, 80),
                "specialInstructions": Many(INSTRUCTION, 0, 4),
                "pickupDetails": _PARTY,
                "pickupRequestorDetails": _PARTY,
            }
        ),
        "productCode*": Text(1, 6),
        "localProductCode": Text(1, 3),
        "getRateEstimates": Flag(),
        "accounts*": Many(ACCOUNT, 1, 3),
        "valueAddedServices": Many(_SERVICE, 0, 99),
        "outputImageProperties": _IMAGES,
        "customerReferences": Many(_REFERENCE, 0, 999),
        "identifiers": Many(_IDENTIFIER, 0, 5, unique=True),
        "customerDetails*": Fields(
            {
                "shipperDetails*": _PARTY,
                "receiverDetails*": _PARTY,
                **{f"{place}Details": _PARTY for place in _PLACES},
                **{f"{place}Details": _FURTHER_PARTY for place in _FURTHER_PLACES},
            }
        ),
        "content*": Fields(
            {
                "packages*": Many(_PACKAGE, 1, 999),
                "areMorePackagesToBeAddedLater": Flag(),
                "isCustomsDeclarable*": Flag(),
                "declaredValue": MONEY,
                "declaredValueCurrency": CURRENCY,
                "exportDeclaration": DECLARATION,
                "description*": Text(1, 70, pattern=r"^[^\s]"),
                "USFilingTypeValue": Text(1, 20),
                "incoterm*": Text(values=_INCOTERMS),
                "unitOfMeasurement*": UNITS,
            }
        ),
        "documentImages": Many(
            Fields(
                {
                    "typeCode": Text(values=("INV", "PNV", "COO", "CIN", "DCL", "AWB", "NAF")),
                    "imageFormat": Text(values=("PDF", "PNG", "GIF", "TIFF", "JPEG")),
                    "content*": Text(),
                }
            ),
            1,
            999,
        ),
        "onDemandDelivery": Fields(
            {
                "deliveryOption*": Text(values=("servicepoint", "neighbour", "signatureRelease")),
                "location": Text(1, 15),
                "specialInstructions": Text(1, 110),
                "gateCode": Text(1, 10),
                "whereToLeave": Text(values=("concierge", "neighbour")),
                "neighbourName": Text(1, 20),
                "neighbourHouseNumber": Text(1, 20),
                "authorizerName": Text(1, 20),
                "servicePointId": Text(1, 6),
                "requestedDeliveryDate": Text(1, 29),
            }
        ),
        "requestOndemandDeliveryURL": Flag(),
        "shipmentNotification": Many(
            Fields(
                {
                    "typeCode*": Text(values=("email",)),
                    "receiverId*": Text(1, 50),
                    "languageCode": Text(3, 3),
                    "languageCountryCode": COUNTRY,
                    "bespokeMessage": Text(0, 250),
                }
            ),
            0,
            5,
        ),
        "prepaidCharges": Many(
            Fields(
                {
                    "typeCode*": Text(values=("freight",)),
                    "currency*": CURRENCY,
                    "value*": Number("0.01", "9999999999", "0.01"),
                    "method*": Text(values=("cash",)),
                }
            ),
            0,
            1,
        ),
        "getTransliteratedResponse": Flag(),
        "estimatedDeliveryDate": Fields({"isRequested*": Flag(), "typeCode": DELIVERY_DATE["typeCode"]}),
        "getAdditionalInformation": Many(
            Fields(
                {
                    "typeCode": Text(
                        values=("pickupDetails", "optionalShipmentData", "barcodeInformation", "linkLabelsByPieces")
                    ),
                    "isRequested*": Flag(),
                }
            ),
            0,
            5,
        ),
        "parentShipment": Fields({"productCode": Text(1, 1), "packagesCount": Number("1", step="1")}),
    }
)
