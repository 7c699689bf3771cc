"""What Tap answers when it refuses: ``{"errors": [{"code", "description"}]}``, the code always a string.

Codes and descriptions are those of developers.tap.company/reference/charge-response-codes; which check answers with which
of them is the list's own wording, and unconfirmed where two would fit. A payment that fails is no refusal: it is a 200.
"""

from __future__ import annotations

DESCRIPTIONS = {
    "1101": "Secret API Key and Environment are mismatched",
    "1103": "Required inputs are invalid",
    "1105": "Customer id is invalid",
    "1106": "Customer not found",
    "1107": "Customer id is not matching with existing customer",
    "1109": "Non-3D secure transactions are not allowed",
    "1110": "Redirect URL is missing",
    "1111": "Redirect URL is invalid",
    "1113": "Authorize id is invalid",
    "1114": "Please check the Authorize status",
    "1115": "Authorize not found",
    "1117": "Amount is invalid",
    "1118": "Currency code is invalid",
    "1119": "Currency code not supported",
    "1120": "Statement descriptor is invalid or length should be less than 60 characters",
    "1121": "The 'description' should be less than 1000 characters",
    "1122": "Merchant order reference length should be less than 100 characters",
    "1123": "Merchant transaction reference length should be less than 100 characters",
    "1124": "Source id is missing",
    "1125": "Source id is invalid",
    "1126": "Source already used, Please create the new source",
    "1127": "The metadata key length should be less than 250 characters",
    "1128": "Metadata value length should be less than 1000 characters",
    "1129": "Customer id or Customer information is required",
    "1130": "Customer's first name is required",
    "1136": "Phone number country code is invalid",
    "1137": "Phone number is invalid",
    "1138": "Email Address is invalid",
    "1139": "Customer phone number or email address is required",
    "1140": "Card number is invalid",
    "1141": "Card expiry is invalid",
    "1142": "Charge id is missing",
    "1143": "Charge id is invalid",
    "1144": "Charge not found",
    "1149": "Currency code is not matching with existing currency code",
    "1150": "Capture amount exceeds with the outstanding authorized amount",
    "1152": "Invalid authorize auto schedule type",
    "1153": "Invalid authorize auto schedule time",
    "1156": "Refund reason is missing",
    "1157": "Refund reason length should be less than 250 characters",
    "1159": "Refund id is invalid",
    "1160": "Refund not found",
    "1161": "Requested refund amount exceeds",
    "1162": "Invalid row count should be less than or equal to 50",
    "2100": "Invalid JSON request",
    "2101": "The server is currently unavailable (overloaded or down)",
    "2102": "Request not found",
    "2104": "Invalid API Key",
    "2106": "Please use the secret key, the public key given",
    "2107": "Authorization Required",
    "9999": "Internal server error",
}
_UNAUTHORIZED = frozenset({"1101", "2104", "2106", "2107"})
_NOT_FOUND = frozenset({"1106", "1115", "1144", "1160", "2102"})


class Refused(Exception):
    """The request is answered with one error; the status follows from the code unless it is given."""

    def __init__(self, code: str, status: int | None = None, description: str | None = None) -> None:
        self.code = code
        self.description = description or DESCRIPTIONS[code]
        self.status = status or (401 if code in _UNAUTHORIZED else 404 if code in _NOT_FOUND else 400)
        super().__init__(self.description)

    def body(self) -> dict[str, list[dict[str, str]]]:
        """Return the error object."""
        return {"errors": [{"code": self.code, "description": self.description}]}
