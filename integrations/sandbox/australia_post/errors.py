"""What Australia Post answers when it refuses: always ``errors``, whose members come in three styles.

The shipping service has ``code``, ``name``, ``message``, ``field`` and ``context`` (a list when it is empty, else an
object); the gateway before it has ``error_code`` and ``error_name``; a body that cannot be processed at all has
``error``, ``error_description`` and ``messages``. Codes and names are the vendor's reference's, the sentences ours
where the reference shows none.
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.twin import Answer

_SHIPPING = {
    "40001": ("JSON_NO_CONTRACT_ID", "The request has no account number."),
    "40002": (
        "JSON_MANDATORY_FIELD_MISSING",
        "The input request is missing the mandatory field with the name {name}. Please resubmit the request including"
        " the required fields and values.",
    ),
    "41001": (
        "CUSTOMER_NOT_FOUND",
        "Customer information for the submitted customer identifier {name} could not be found.",
    ),
    "41002": ("ACCOUNT_NOT_FOUND", "An account with the id {name} cannot be found."),
    "41007": (
        "FROM_POSTCODE_DOES_NOT_MATCH_CONTRACT",
        "The from postcode {name} does not match the postcode of the contract.",
    ),
    "42001": ("NO_PRODUCTS_FOUND", "No products were found for the origin and destination {name}."),
    "42002": ("NO_PRICES_FOR_PRODUCT", "The service {name} is not available based upon the information submitted."),
    "42006": ("MAX_WIDTH", "The width {name} cm exceeds the maximum of 105 cm."),
    "42007": ("MAX_HEIGHT", "The height {name} cm exceeds the maximum of 105 cm."),
    "42008": ("MAX_LENGTH", "The length {name} cm exceeds the maximum of 105 cm."),
    "42009": ("MAX_VOLUME", "The volume {name} m3 exceeds the maximum of 0.25 m3."),
    "42010": ("MAX_WEIGHT", "The weight {name} kg exceeds the maximum of the service."),
    "42011": ("TWO_DIMENSIONS_LESS_THAN_5CM", "At least two of the dimensions must be 5 cm or more."),
    "42012": (
        "PRODUCT_NOT_SUPPORTED_BY_CONTRACT_ERROR",
        "The product {name} is not available under the contract of the account.",
    ),
    "43003": (
        "NO_PRICE_SCALE_FOUND_FOR_QUANTITY",
        "The service {name} is not available based upon the submitted weight of {weight} kg.",
    ),
    "44003": (
        "DANGEROUS_GOODS_NOT_SUPPORTED_BY_PRODUCT_ERROR",
        "The product {name} does not allow dangerous goods to be sent using the service.",
    ),
    "44010": ("MAX_LENGTH_MERCHANT_REFERENCE_TEXT", "The reference {name} exceeds {most} characters."),
    "44013": (
        "SHIPMENT_NOT_FOUND_ERROR",
        "The shipment with shipment id {name} you requested can not be found. Please check the shipment id requested"
        " and submit the request again.",
    ),
    "44015": ("NO_SHIPMENT_TO_DISPATCH", "The request contains no shipment to dispatch."),
    "44016": ("SHIPMENT_INITIATED", "The shipment {name} is part of an existing order."),
    "44023": ("NO_SHIPMENT_TO_DELETE", "The request contains no shipment to delete."),
    "44026": (
        "ORDER_NOT_FOUND",
        "An order with order id {name} cannot be found. Please check that the identifier is correct and submit the"
        " request again.",
    ),
    "44031": ("MAX_ITEM_COUNT_ERROR", "The number of items exceeds the maximum of {name}."),
    "44033": ("NO_SHIPMENT_IN_REQUEST_ERROR", "The request contains no shipment."),
    "44038": ("SHIPMENT_NOT_WITH_CONTRACT_ERROR", "The shipment {name} does not belong to the account."),
    "46000": ("TRANSIT_WARRANTY_MAX_COVER_EXCEEDED", "The transit cover {name} is above the contract's maximum."),
    "51008": (
        "CREATE_LABEL_ERROR_ZPL_LABELS_EXCEEDED",
        "At most {name} parcels can be labelled in ZPL by one request.",
    ),
    "51020": ("LABEL_REQUEST_NOT_FOUND_ERROR", "A label request with the id {name} cannot be found."),
    "51100": ("TRACKING_IDS_MISSING", "The request must contain at least one tracking id."),
    "51101": (
        "TOO_MANY_AP_TRACKING_IDS",
        "The request must contain 10 or less AP article ids, consignment ids, or barcode ids.",
    ),
    "99999": (
        "INTERNAL_ERROR",
        "An internal system error has occurred when processing your request. Please attempt the request again at a"
        " later time.",
    ),
}
_GATEWAY = {
    401: ("API_001", "Unauthorised"),
    403: ("API_003", "Forbidden"),
    404: ("API_004", "Resource not found"),
    405: ("API_005", "Method not allowed"),
    429: ("API_002", "Too many requests"),
}


class Refused(Exception):
    """The request is answered with these ``errors``."""

    def __init__(self, status: int, *errors: dict[str, Any]) -> None:
        super().__init__(str(errors))
        self.status = status
        self.errors = errors


def shipping(code: str, name: str = "", *, field: str = "", **context: str) -> dict[str, Any]:
    """Return one member of ``errors`` or ``warnings`` of the shipping service; ``name`` is what its sentence is about."""
    title, message = _SHIPPING[code]
    told: dict[str, Any] = {"code": code, "name": title, "message": message.format(name=name, **context)}
    if field:
        told["field"] = field
    return {**told, "context": context or []}


def wrong_suburb(suburb: str | None, field: str = "") -> dict[str, Any]:
    """Return the error of a suburb that is not in its state and postcode; its ``code`` is a status."""
    message = f"Unable to find a match for provided suburb: {'null' if suburb is None else suburb}"
    told = {"code": "400", "name": "Bad Request", "message": message}
    return {**told, "field": field} if field else told


def gateway(status: int) -> dict[str, Any]:
    """Return the gateway's error for a status; only 401 and 429 are known to be its own (the codes of others are ours)."""
    code, name = _GATEWAY.get(status, (f"API_{status}", "Service unavailable"))
    return {"message": name, "error_code": code, "error_name": name}


def unprocessable(*messages: str) -> dict[str, Any]:
    """Return the error of a body that is no request."""
    return {
        "error": "unprocessable_entity",
        "error_description": "The data you supplied is invalid. Please fix it and try again.",
        "messages": list(messages),
    }


def refusal(refused: Refused) -> Answer:
    """Return the vendor's answer for a refusal."""
    return Answer.json({"errors": list(refused.errors)}, refused.status)


def plain(status: int) -> Answer:
    """Return the vendor's body for a status that no request of its own caused."""
    if status == 422:
        return refusal(Refused(status, unprocessable("The request cannot be processed.")))
    own = status == 500 or status in (400, 409, 413)
    return refusal(Refused(status, shipping("99999") if own else gateway(status)))
