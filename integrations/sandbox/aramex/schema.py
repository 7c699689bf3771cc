"""The messages of Aramex's services: which element holds what, in which order, required or not.

One table for all published versions: what an older WSDL lacks is optional here, and answers hold only what every
version knows, so that a client of any of them reads them. A line is ``Name:type`` with ``?`` for an element that may be
missing, ``~`` for one that may be nil and ``*`` for one that may repeat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ARAMEX = "http://ws.aramex.net/ShippingAPI/v1/"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"

SIMPLE = frozenset(("string", "int", "double", "decimal", "boolean", "dateTime", "base64Binary", "guid"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element of a sequence."""

    name: str
    type: str
    optional: bool
    nillable: bool
    repeated: bool


_ASK = "ClientInfo:ClientInfo?~ Transaction:Transaction?~ "
_TELL = "Transaction:Transaction?~ Notifications:ArrayOfNotification?~ HasErrors:boolean? "
_ADDRESS_V2 = (
    " Longitude:decimal? Latitude:decimal? BuildingNumber:string?~ BuildingName:string?~ Floor:string?~"
    " Apartment:string?~ POBox:string?~ Description:string?~"
)

_TYPES = {
    "ClientInfo": "UserName:string~ Password:string~ Version:string~ AccountNumber:string~ AccountPin:string~"
    " AccountEntity:string~ AccountCountryCode:string~ Source:int?~ PreferredLanguageCode:string?~",
    "Transaction": "Reference1:string~ Reference2:string~ Reference3:string~ Reference4:string~ Reference5:string~",
    "ArrayOfNotification": "Notification:Notification?~*",
    "Notification": "Code:string~ Message:string~",
    "Address": "Line1:string~ Line2:string~ Line3:string~ City:string~ StateOrProvinceCode:string?~ PostCode:string~"
    " CountryCode:string~" + _ADDRESS_V2,
    "Contact": "Department:string?~ PersonName:string~ Title:string?~ CompanyName:string?~ PhoneNumber1:string~"
    " PhoneNumber1Ext:string?~ PhoneNumber2:string~ PhoneNumber2Ext:string?~ FaxNumber:string?~ CellPhone:string?~"
    " EmailAddress:string?~ Type:string~",
    "Party": "Reference1:string?~ Reference2:string?~ AccountNumber:string?~ PartyAddress:Address~ Contact:Contact~",
    "Dimensions": "Length:double Width:double Height:double Unit:string~",
    "Weight": "Unit:string~ Value:double",
    "Volume": "Unit:string~ Value:double",
    "Money": "CurrencyCode:string~ Value:double",
    "ArrayOfShipmentItem": "ShipmentItem:ShipmentItem?~*",
    "ShipmentItem": "PackageType:string~ Quantity:int Weight:Weight~ Comments:string?~ Reference:string?~"
    " PiecesDimensions:ArrayOfDimensions?~ CommodityCode:string?~ GoodsDescription:string?~ CountryOfOrigin:string?~"
    " CustomsValue:Money?~ ContainerNumber:string?~",
    "ArrayOfDimensions": "Dimensions:Dimensions?~*",
    "DeliveryInstructions": "Option:string~ Reference:string~",
    "ArrayOfAdditionalProperty": "AdditionalProperty:AdditionalProperty?~*",
    "AdditionalProperty": "CategoryName:string~ Name:string~ Value:string~",
    "ShipmentDetails": "Dimensions:Dimensions~ ActualWeight:Weight~ ChargeableWeight:Weight~"
    " DescriptionOfGoods:string~ GoodsOriginCountry:string~ NumberOfPieces:int ProductGroup:string~"
    " ProductType:string~ PaymentType:string~ PaymentOptions:string~ CustomsValueAmount:Money?~"
    " CashOnDeliveryAmount:Money?~ InsuranceAmount:Money?~ CashAdditionalAmount:Money?~"
    " CashAdditionalAmountDescription:string?~ CollectAmount:Money?~ Services:string?~ Items:ArrayOfShipmentItem?~"
    " DeliveryInstructions:DeliveryInstructions?~ AdditionalProperties:ArrayOfAdditionalProperty?~"
    " ContainsDangerousGoods:boolean?",
    "ArrayOfAttachment": "Attachment:Attachment?~*",
    "Attachment": "FileName:string~ FileExtension:string~ FileContents:base64Binary~",
    "ScheduledDelivery": "PreferredDeliveryDate:dateTime?~ PreferredDeliveryTimeFrame_x0020_:string?~"
    " PreferredDeliveryTime:string?~",
    "ArrayOfShipment": "Shipment:Shipment?~*",
    "Shipment": "Reference1:string?~ Reference2:string?~ Reference3:string?~ Shipper:Party~ Consignee:Party~"
    " ThirdParty:Party?~ ShippingDateTime:dateTime DueDate:dateTime? Comments:string?~ PickupLocation:string?~"
    " OperationsInstructions:string?~ AccountingInstrcutions:string?~ Details:ShipmentDetails?~"
    " Attachments:ArrayOfAttachment?~ ForeignHAWB:string?~ TransportType_x0020_:int? PickupGUID:string?~"
    " Number:string?~ ScheduledDelivery:ScheduledDelivery?~",
    "LabelInfo": "ReportID:int ReportType:string~",
    "ShipmentLabel": "LabelURL:string~ LabelFileContents:base64Binary~",
    "ArrayOfProcessedShipment": "ProcessedShipment:ProcessedShipment?~*",
    "ProcessedShipment": "ID:string~ Reference1:string~ Reference2:string~ Reference3:string~ ForeignHAWB:string~"
    " HasErrors:boolean Notifications:ArrayOfNotification~ ShipmentLabel:ShipmentLabel~",
    "Pickup": "PickupAddress:Address~ PickupContact:Contact~ PickupLocation:string~ PickupDate:dateTime"
    " ReadyTime:dateTime LastPickupTime:dateTime ClosingTime:dateTime Comments:string~ Reference1:string?~"
    " Reference2:string?~ Vehicle:string~ Shipments:ArrayOfShipment?~ PickupItems:ArrayOfPickupItemDetail~"
    " Status:string?~ ExistingShipments:ArrayOfExistingShipment?~ Branch:string?~ RouteCode:string?~ Dispatcher:int?",
    "ArrayOfPickupItemDetail": "PickupItemDetail:PickupItemDetail?~*",
    "PickupItemDetail": "ProductGroup:string~ ProductType:string~ NumberOfShipments:int PackageType:string~"
    " Payment:string~ ShipmentWeight:Weight~ ShipmentVolume:Volume~ NumberOfPieces:int CashAmount:Money~"
    " ExtraCharges:Money~ ShipmentDimensions:Dimensions~ Comments:string~",
    "ArrayOfExistingShipment": "ExistingShipment:ExistingShipment?~*",
    "ExistingShipment": "Number:string~ OriginEntity:string~ ProductGroup:string~",
    "ProcessedPickup": "ID:string~ GUID:guid Reference1:string~ Reference2:string~"
    " ProcessedShipments:ArrayOfProcessedShipment~",
    "ArrayOfstring": "string:string?~*",
    "ArrayOfKeyValueOfstringArrayOfTrackingResultmFAkxlpY": "KeyValueOfstringArrayOfTrackingResultmFAkxlpY:"
    "KeyValueOfstringArrayOfTrackingResultmFAkxlpY?*",
    "KeyValueOfstringArrayOfTrackingResultmFAkxlpY": "Key:string~ Value:ArrayOfTrackingResult~",
    "ArrayOfTrackingResult": "TrackingResult:TrackingResult?~*",
    "TrackingResult": "WaybillNumber:string~ UpdateCode:string~ UpdateDescription:string~ UpdateDateTime:dateTime"
    " UpdateLocation:string~ Comments:string~ ProblemCode:string~ GrossWeight:string~ ChargeableWeight:string~"
    " WeightUnit:string~",
    "ArrayOfAddress": "Address:Address?~*",
    "ArrayOfCountry": "Country:Country?~*",
    "Country": "Code:string~ Name:string~ IsoCode:string~ StateRequired:boolean PostCodeRequired:boolean"
    " PostCodeRegex:ArrayOfstring~ InternationalCallingNumber:string~",
    "ArrayOfOffice": "Office:Office?~*",
    "Office": "Entity:string~ EntityDescription:string~ OfficeType:string~ Address:Address~ Telephone:string~"
    " WorkingDays:string~ WorkingHours:string~ Longtitude:decimal Latitude:decimal",
    "RateCalculatorRequest": _ASK + "OriginAddress:Address?~ DestinationAddress:Address?~"
    " ShipmentDetails:ShipmentDetails?~ PreferredCurrencyCode:string?~",
    "RateCalculatorResponse": _TELL + "TotalAmount:Money?~",
    "ShipmentCreationRequest": _ASK + "Shipments:ArrayOfShipment?~ LabelInfo:LabelInfo?~",
    "ShipmentCreationResponse": _TELL + "Shipments:ArrayOfProcessedShipment?~",
    "LabelPrintingRequest": _ASK + "ShipmentNumber:string?~ ProductGroup:string?~ OriginEntity:string?~"
    " LabelInfo:LabelInfo?~",
    "LabelPrintingResponse": _TELL + "ShipmentNumber:string?~ ShipmentLabel:ShipmentLabel?~",
    "PickupCreationRequest": _ASK + "Pickup:Pickup?~ LabelInfo:LabelInfo?~",
    "PickupCreationResponse": _TELL + "ProcessedPickup:ProcessedPickup?~",
    "PickupCancelationRequest": _ASK + "PickupGUID:string?~ Comments:string?~",
    "PickupCancelationResponse": _TELL,
    "ReserveRangeRequest": _ASK + "Entity:string?~ ProductGroup:string?~ Count:int?",
    "ReserveRangeResponse": _TELL + "FromWaybill:string?~ ToWaybill:string?~",
    "ShipmentTrackingRequest": _ASK + "Shipments:ArrayOfstring?~ GetLastTrackingUpdateOnly:boolean?",
    "ShipmentTrackingResponse": _TELL + "TrackingResults:ArrayOfKeyValueOfstringArrayOfTrackingResultmFAkxlpY?~"
    " NonExistingWaybills:ArrayOfstring?~",
    "PickupTrackingRequest": _ASK + "Reference:string?~",
    "PickupTrackingResponse": _TELL + "Entity:string?~ Reference:string?~ CollectionDate:dateTime?~"
    " PickupDate:dateTime?~ LastStatus:string?~ LastStatusDescription:string?~",
    "AddressValidationRequest": _ASK + "Address:Address?~",
    "AddressValidationResponse": _TELL + "SuggestedAddresses:ArrayOfAddress?~",
    "CountriesFetchingRequest": _ASK,
    "CountriesFetchingResponse": _TELL + "Countries:ArrayOfCountry?~",
    "CountryFetchingRequest": _ASK + "Code:string?~",
    "CountryFetchingResponse": _TELL + "Country:Country?~",
    "CitiesFetchingRequest": _ASK + "CountryCode:string?~ State:string?~ NameStartsWith:string?~",
    "CitiesFetchingResponse": _TELL + "Cities:ArrayOfstring?~",
    "OfficesFetchingRequest": _ASK + "CountryCode:string?~",
    "OfficesFetchingResponse": _TELL + "Offices:ArrayOfOffice?~",
}

# Members of these types stand in the namespace of serialized arrays, all others in Aramex's own.
_OF_ARRAYS = frozenset(
    (
        "ArrayOfstring",
        "ArrayOfKeyValueOfstringArrayOfTrackingResultmFAkxlpY",
        "KeyValueOfstringArrayOfTrackingResultmFAkxlpY",
    )
)

# Service -> operation -> request and answer.
SERVICES: dict[str, dict[str, tuple[str, str]]] = {
    "RateCalculator": {"CalculateRate": ("RateCalculatorRequest", "RateCalculatorResponse")},
    "Shipping": {
        "CreateShipments": ("ShipmentCreationRequest", "ShipmentCreationResponse"),
        "PrintLabel": ("LabelPrintingRequest", "LabelPrintingResponse"),
        "CreatePickup": ("PickupCreationRequest", "PickupCreationResponse"),
        "CancelPickup": ("PickupCancelationRequest", "PickupCancelationResponse"),
        "ReserveShipmentNumberRange": ("ReserveRangeRequest", "ReserveRangeResponse"),
    },
    "Tracking": {
        "TrackShipments": ("ShipmentTrackingRequest", "ShipmentTrackingResponse"),
        "TrackPickup": ("PickupTrackingRequest", "PickupTrackingResponse"),
    },
    "Location": {
        "ValidateAddress": ("AddressValidationRequest", "AddressValidationResponse"),
        "FetchCountries": ("CountriesFetchingRequest", "CountriesFetchingResponse"),
        "FetchCountry": ("CountryFetchingRequest", "CountryFetchingResponse"),
        "FetchCities": ("CitiesFetchingRequest", "CitiesFetchingResponse"),
        "FetchOffices": ("OfficesFetchingRequest", "OfficesFetchingResponse"),
    },
}

_ELEMENT = re.compile(r"(\w+):(\w+)([?~*]*)")


def _elements(line: str) -> tuple[Element, ...]:
    return tuple(
        Element(name=name, type=kind, optional="?" in marks, nillable="~" in marks, repeated="*" in marks)
        for name, kind, marks in _ELEMENT.findall(line)
    )


TYPES: dict[str, tuple[Element, ...]] = {name: _elements(line) for name, line in _TYPES.items()}


def namespace(type_name: str) -> str:
    """Return the namespace the members of a type stand in."""
    return ARRAYS if type_name in _OF_ARRAYS else ARAMEX
