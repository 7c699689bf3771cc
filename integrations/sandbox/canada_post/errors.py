"""What Canada Post answers when it refuses: messages of code and description, few or none.

The code ``Server`` alone says little: at status 500 it is either a schema error, which no second attempt mends, or the
throttle, which a minute does. Codes and sentences are from the vendor's table of messages; those above 99 000 are this
sandbox's own, for refusals whose number is not published.
"""

from __future__ import annotations

from integrations.sandbox.canada_post.xml import MESSAGES, document
from integrations.sandbox.twin import Answer

THROTTLED = ("Server", "Rejected by SLM Monitor")
ACCOUNT = {
    "AA001": "The user id for the request has been deactivated.",
    "AA002": "The username and password of the request do not match the endpoint.",
    "AA003": "The API key in the Authorization header does not match the mailed-by customer number in the request.",
    "AA004": "You cannot mail on behalf of the requested customer.",
    "AA005": "Platform id not specified.",
    "AA006": "Platform not authorized.",
}
BUSINESS = {
    "1156": "Address Line 1 is mandatory.",
    "1157": "City is mandatory for Canada or USA.",
    "1159": "Province or State is mandatory for Canada or USA.",
    "1162": "The transaction could not be authorized. Please update the credit card in your profile.",
    "1622": "The expected mailing date must not be in the past.",
    "1711": "Invalid Method of Payment.",
    "2506": "Contract Number is a required field.",
    "2550": "The contract-id is not valid.",
    "2700": "Total Customs Weight must not be greater than the item weight.",
    "3000": "The selected service is not available for the country or contract.",
    "7292": "A refund has already been requested for this shipment. Note that refund requests may take a few days to be "
    "processed.",
    "8064": "A Shipment can only be void if it is in a PROCESSED or PRINTED state. If it has been transmitted, a Refund "
    "request should be submitted.",
    "8718": "A valid value for Non-Delivery Handling is required.",
    "9105": "A required query parameter was not provided.",
    "9111": "No services are appropriate for this shipment.",
    "9113": "Please specify your customer number to receive a commercial rate quote.",
    "9114": "To get counter rates, remove the customer-number and contract-id elements.",
    "9122": "All groups are empty or all their shipments are excluded.",
    "9152": "The customer number format is incorrect.",
    "9153": "The transmit process has not completed. Please try again.",
    "9173": "A commercial customer with a parcel agreement must use Contract Shipping.",
    "9174": "To pay by credit card, a default payment card must be in your profile.",
    "9186": "Only one of shipping-point-id or requested-shipping-point may be provided.",
    "9191": "ZPL is available for thermal printers only.",
    "9196": "Only one of a date range or a tracking PIN may be provided.",
    "10028": "Invalid Product Service ID specified.",
    "10033": "Invalid Country code in destination.",
    "99002": "A refund can only be requested for a shipment that has been transmitted.",
    "99003": "A group id was not found for transmission; please remove or correct it.",
    "99004": "The weight or the size exceeds the limits of the service.",
    "99005": "Customs information is mandatory for this destination.",
    "99006": "The Postal Code or ZIP code of the destination is not valid.",
    "99007": "A date in the query is not valid.",
}
_STATUSES = {"7292": 409}


class Refused(Exception):
    """The request is answered with one message; without a code the messages are empty, as for a 404."""

    def __init__(self, status: int, code: str = "", description: str = "") -> None:
        super().__init__(description)
        self.status = status
        self.messages = [(code, description)] if code else []


def business(code: str) -> Refused:
    """Return the refusal of a request that is well formed but cannot be done; final."""
    return Refused(_STATUSES.get(code, 400), code, BUSINESS[code])


def not_found() -> Refused:
    """Return the refusal of what is not there (any more): status 404 and not one message."""
    return Refused(404)


def refusal(refused: Refused) -> Answer:
    """Return the vendor's answer for a refusal."""
    messages = [{"code": code, "description": description} for code, description in refused.messages]
    return document(MESSAGES, "messages", {"message": messages}, refused.status)
