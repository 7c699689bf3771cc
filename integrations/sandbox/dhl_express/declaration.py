"""What a shipment's customs declaration may hold; from the same document."""

from __future__ import annotations

from integrations.sandbox.dhl_express.shapes import COUNTRY, MONEY, words
from integrations.sandbox.dhl_express.validation import Fields, Flag, Many, Number, Text

_TOTAL = Number("0", "999999999999999")
_GRAMS = Number("0", "999999999999", "0.001")
_REASONS = (
    "permanent", "temporary", "return", "used_exhibition_goods_to_origin", "intercompany_use",
    "commercial_purpose_or_sale", "personal_belongings_or_personal_use", "sample", "gift", "return_to_origin",
    "warranty_replacement", "diplomatic_goods", "defence_material",
)  # fmt: skip
_QUANTITIES = words(
    """
    BOX 2GM M3 DPR DOZ PCS GM GRS KG M 3GM X NO PRS CM2 2M2 3M2 M2 4M2 CM CONE CT EA LBS RILL ROLL SET TU KM
    IN FT YD MI LTR MMQ CM3 DMQ MLT CLT DLT INQ FT3 YD3 GLI GLL PT PTI QTI PTL QTL PTD OZI J57 NM3 SM3 TNE LB
    ONZ CEL"""
)
_ITEM_REFERENCES = words(
    """
    AFE BRD DGC AAJ INB MAK ALX PAN PON ABW SE SON OID DTC DTM DTQ DTR ITR MID OED OET OOR SME USM AAM CFR DOM
    FOR USG MAT NLR DDS ARN OP OSC TAR TCO AEI EXN AFK AEA PTA"""
)
_INVOICE_REFERENCES = words(
    """
    ACL CID CN CU ITN UCN MRN OID PON RMA AAM ABT ADA AES AFD ANT BKN BOL CDN COD DSC FF FN FTR HWB IBC IPP
    LLR MAB MWB OBC PD PRN RTL SID SS SWN TAR TCO PX PTA"""
)
_CUSTOMS_PAPERS = words(
    """
    972 AHC ALC ATA ATR BEX CHA CHD CHP CIT CIV CI2 COO CPA CRL CSD DEX DGD DLI DOV ELP EU1 EU2 EUS EXL FMA
    HLC HWB INV IPA JLC LIC LNP NID PAS PFI PHY PLI POA PCH ROD T2M TAD TCS VET VEX ORD OEI RGR CHA CP2"""
)
_CHARGES = words(
    """
    admin delivery documentation expedite export freight fuel_surcharge logistic other packaging pickup
    handling vat insurance reverse_charge"""
)

_PAPER = Fields({"typeCode*": Text(1, 3, _CUSTOMS_PAPERS), "value*": Text(1, 35)})
_ITEM = Fields(
    {
        "number*": Number("1", "999", whole=True),
        "description*": Text(1, 512),
        "price*": MONEY,
        "quantity*": Fields(
            {"value*": Number("1", "1000000000", whole=True), "unitOfMeasurement*": Text(0, 8, _QUANTITIES)}
        ),
        "commodityCodes": Many(
            Fields({"typeCode*": Text(values=("outbound", "inbound")), "value*": Text(2, 18)}), 0, 2, unique=True
        ),
        "exportReasonType": Text(values=_REASONS),
        "manufacturerCountry*": COUNTRY,
        "weight*": Fields({"netValue": _GRAMS, "grossValue": _GRAMS}),
        "isTaxesPaid": Flag(),
        "additionalInformation": Many(Text(), 1, 8),
        "customerReferences": Many(
            Fields({"typeCode*": Text(1, 3, _ITEM_REFERENCES), "value*": Text(1, 35)}), 0, 100, unique=True
        ),
        "customsDocuments": Many(_PAPER, 0, 50, unique=True),
        "preCalculatedLineItemTotalValue": _TOTAL,
    }
)
_INVOICE = Fields(
    {
        "number*": Text(1, 35),
        "date*": Text(1, 35),
        "signatureName": Text(0, 35),
        "signatureTitle": Text(0, 35),
        "signatureImage": Text(0, 1048576),
        "instructions": Many(Text(1, 300), 1, 1),
        "customerDataTextEntries": Many(Text(0, 45), 1, 6),
        "totalNetWeight": _GRAMS,
        "totalGrossWeight": _GRAMS,
        "customerReferences": Many(
            Fields({"typeCode*": Text(2, 3, _INVOICE_REFERENCES), "value*": Text(1, 35)}), 0, 100, unique=True
        ),
        "termsOfPayment": Text(),
        "indicativeCustomsValues": Fields(
            {"importCustomsDutyValue": _TOTAL, "importTaxesValue": _TOTAL, "totalWithImportDutiesAndTaxes": _TOTAL},
            loose=True,
        ),
        "preCalculatedTotalValues": Fields(
            {"preCalculatedTotalGoodsValue*": _TOTAL, "preCalculatedTotalInvoiceValue*": _TOTAL}
        ),
    }
)
DECLARATION = Fields(
    {
        "lineItems*": Many(_ITEM, 1, 999),
        "invoice": _INVOICE,
        "remarks": Many(Fields({"value*": Text()}), 0, 3),
        "additionalCharges": Many(
            Fields(
                {
                    "value*": Number("0.001", "999999999999999", "0.001"),
                    "caption": Text(),
                    "typeCode*": Text(values=_CHARGES),
                }
            ),
            0,
            5,
        ),
        "destinationPortName": Text(),
        "placeOfIncoterm": Text(1, 256),
        "payerVATNumber": Text(),
        "recipientReference": Text(),
        "exporter": Fields({"id": Text(), "code": Text()}),
        "packageMarks": Text(),
        "declarationNotes": Many(Fields({"value*": Text(0, 700)}), 0, 3),
        "exportReference": Text(0, 40),
        "exportReason": Text(1, 30),
        "exportReasonType": Text(values=_REASONS),
        "licenses": Many(
            Fields({"typeCode*": Text(values=("export", "import")), "value*": Text(0, 16)}), 0, 2, unique=True
        ),
        "shipmentType": Text(values=("personal", "commercial")),
        "customsDocuments": Many(_PAPER, 0, 50, unique=True),
    }
)
