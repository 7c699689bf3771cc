"""PayPal's issues and their sentences, from the published contract.

Endpoints are named ``create``, ``patch``, ``authorize`` and ``capture`` (orders), ``payment`` (captures of
authorisations), ``reauthorize``, ``void`` and ``refund``. What stands under an endpoint goes before what all share.
"""

from __future__ import annotations

_DUPLICATE = (
    "Duplicate Invoice ID detected. To avoid a potential duplicate transaction your account setting requires that "
    "Invoice Id be unique for each transaction."
)
_CURRENCY = "Currency code is invalid or is not currently supported. Please refer https://developer.paypal.com/"
_APPROVE = (
    "Payer has not yet approved the Order for payment. Please redirect the payer to the 'rel':'approve' url returned as "
    "part of the HATEOAS links within the Create Order call"
)
_CANNOT_PAY = (
    "Payer cannot pay for this transaction. Please contact the payer to find other ways to pay for this transaction."
)
_REFUSED = "PayPal's internal controls prevent authorization from being captured."

_SHARED: dict[str, str] = {
    "ACTION_DOES_NOT_MATCH_INTENT": "Order was created with an intent to 'CAPTURE'. Please use "
    "v2/checkout/orders/order_id/capture to complete the transaction or alternately Create an order with an intent of "
    "'AUTHORIZE'.",
    "AMOUNT_MISMATCH": "Should equal item_total + tax_total + shipping + handling + insurance - shipping_discount - "
    "discount.",
    "AUTHORIZATION_ALREADY_CAPTURED": "Authorization has previously been captured.",
    "AUTHORIZATION_DENIED": "An denied authorization cannot be captured.",
    "AUTHORIZATION_EXPIRED": "An expired authorization cannot be captured.",
    "AUTHORIZATION_VOIDED": "A voided authorization cannot be captured or reauthorized. ",
    "AUTH_CAPTURE_CURRENCY_MISMATCH": "Currency of capture must be the same as currency of authorization.",
    "AUTH_CURRENCY_MISMATCH": "The currency specified during reauthorization should be the same as the currency specified "
    "in the original authorization. Please check the currency of the authorization for which you are trying to "
    "reauthorize and try again.",
    "CANNOT_BE_NEGATIVE": "Must be greater than or equal to 0. If the currency supports decimals, only two decimal place "
    "precision is supported.",
    "CANNOT_BE_VOIDED": "A reauthorization cannot be voided. Please void the original parent authorization.",
    "CANNOT_BE_ZERO_OR_NEGATIVE": "Must be greater than zero. If the currency supports decimals, only two decimal place "
    "precision is supported.",
    "CAPTURE_FULLY_REFUNDED": "The capture has already been fully refunded",
    "CARD_EXPIRED": "The card is expired",
    "COMPLIANCE_VIOLATION": "Transaction is declined due to compliance violation.",
    "DECIMALS_NOT_SUPPORTED": "Currency does not support decimals. Please refer to "
    "https://developer.paypal.com/docs/api/reference/currency-codes/ for more information.",
    "DECIMAL_PRECISION": "If the currency supports decimals, only two decimal place precision is supported.",
    "DUPLICATE_INVOICE_ID": _DUPLICATE,
    "DUPLICATE_REFERENCE_ID": "`reference_id` must be unique if multiple `purchase_unit` are provided.",
    "INSTRUMENT_DECLINED": "The instrument presented  was either declined by the processor or bank, or it can't be used "
    "for this payment.",
    "INVALID_ARRAY_MAX_ITEMS": "The number of items in an array parameter is too large.",
    "INVALID_ARRAY_MIN_ITEMS": "The number of items in an array parameter is too small.",
    "INVALID_CURRENCY_CODE": _CURRENCY + "api/rest/reference/currency-codes/ for list of supported currency codes.",
    "INVALID_JSON_POINTER_FORMAT": "Path should be a valid JSON Pointer https://tools.ietf.org/html/rfc6901 that "
    "references a location within the request where the operation is performed.",
    "INVALID_PARAMETER_SYNTAX": "The value of a field does not conform to the expected format.",
    "INVALID_PARAMETER_VALUE": "A parameter value is not valid.",
    "INVALID_PATCH_OPERATION": "The operation cannot be honored. Cannot add a property that's already present, use "
    "replace. Cannot remove a property thats not present, use add. Cannot replace a property thats not present, use add.",
    "INVALID_RESOURCE_ID": "Specified resource ID does not exist. Please check the resource ID and try again.",
    "INVALID_STRING_LENGTH": "The value of a field is either too short or too long",
    "ITEM_TOTAL_MISMATCH": "Should equal sum of (unit_amount * quantity) across all items for a given purchase_unit.",
    "ITEM_TOTAL_REQUIRED": "If item details are specified (items.unit_amount and items.quantity) corresponding "
    "amount.breakdown.item_total is required.",
    "MALFORMED_REQUEST_JSON": "The request JSON is not well formed.",
    "MAX_CAPTURE_AMOUNT_EXCEEDED": "Capture amount exceeds allowable limit. Please contact customer service or your "
    "account manager to request the change to your overage limit. The default overage limit is 115%, which allows the sum "
    "of all captures to be up to 115% of the order amount. The ability to over capture is subjected to regulatory "
    "approvals.",
    "MAX_CAPTURE_COUNT_EXCEEDED": "Maxmimum number of allowable captures has been reached. No additional captures are "
    "possible for this authorization. Contact Customer Service or your account manager to change the number of captures "
    "for a given authorization.",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": "You have exceeded the maximum number of payment attempts.",
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": "You have exceeded the maximum number of refund attempts for this capture.",
    "MAX_VALUE_EXCEEDED": "Should be less than or equal to 999999999999999.99.",
    "MISSING_REQUIRED_PARAMETER": "A required parameter is missing.",
    "MULTI_CURRENCY_ORDER": "Multiple differing values of currency_code are not supported. Entire Order request must have "
    "the same currency_code.",
    "NOT_PATCHABLE": "Cannot be patched.",
    "ORDER_ALREADY_AUTHORIZED": "Order already authorized.If 'intent=AUTHORIZE' only one authorization per order is "
    "allowed.",
    "ORDER_ALREADY_CAPTURED": "Order already captured.If 'intent=CAPTURE' only one capture per order is allowed.",
    "ORDER_ALREADY_COMPLETED": "The order cannot be patched after it is completed.",
    "ORDER_COMPLETION_IN_PROGRESS": "The order was created with processing_instruction of "
    "ORDER_COMPLETE_ON_PAYMENT_APPROVAL. The customer has approved the payment and PayPal is still in the process of "
    "capturing the order on your behalf as instructed. Please try your request again.",
    "ORDER_NOT_APPROVED": f"{_APPROVE} or provide a valid `payment_source` in the request.",
    "PARTIAL_REFUND_NOT_ALLOWED": "You cannot do a refund less than the original capture amount.",
    "PATCH_PATH_REQUIRED": "Please specify a 'path' for the field for which the operation needs to be performed.",
    "PATCH_VALUE_REQUIRED": "Please specify a 'value' to for the field that is being patched.",
    "PAYEE_ACCOUNT_RESTRICTED": "The merchant account is restricted.",
    "PAYEE_BLOCKED_TRANSACTION": "The Fraud settings for this seller are such that this payment cannot be executed.",
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": "The payer account cannot be used for this transaction.",
    "PAYER_ACCOUNT_RESTRICTED": "PAYER_ACCOUNT_RESTRICTED",
    "PAYER_ACTION_REQUIRED": "Transaction cannot complete successfully, instruct the buyer to return to PayPal.",
    "PAYER_CANNOT_PAY": _CANNOT_PAY,
    "PAYMENT_SOURCE_CANNOT_BE_USED": "The provided payment source cannot be used to pay for the order. Please try again "
    "with a different payment source by creating a new order.",
    "PAYPAL_REQUEST_ID_REQUIRED": "A PayPal-Request-Id is required if you are trying to process payment for an Order. "
    "Please specify a PayPal-Request-Id or Create the Order without a 'payment_source' specified.",
    "PENDING_CAPTURE": "Cannot initiate a refund as the capture is pending. Capture is typically pending when the payer "
    "has funded the transaction using e-check/bank funded.",
    "PERMISSION_DENIED": "You do not have permission to access or perform operations on this resource.",
    "PREVIOUSLY_CAPTURED": "Authorization has been previously captured and hence cannot be voided.",
    "PREVIOUSLY_VOIDED": "Authorization has been previously voided and hence cannot be voided again.",
    "PREVIOUS_REQUEST_IN_PROGRESS": "A previous request on this resource is currently in progress. Please wait for "
    "sometime and try again. It is best to space out the initial and the subsequent request(s) to avoid receiving this "
    "error.",
    "REAUTHORIZATION_NOT_SUPPORTED": "A reauthorize cannot be attempted on an authorization_id that is the result of a "
    "prior reauthorization or on an authorization made on an Order saved using the `v2/orders/id/save` API.",
    "REFERENCE_ID_NOT_FOUND": "Filter expression value is incorrect. Please check the value of the reference_id and try "
    "again.",
    "REFERENCE_ID_REQUIRED": "'reference_id' is required for each 'purchase_unit' if multiple 'purchase_unit' are "
    "provided.",
    "REFUND_AMOUNT_EXCEEDED": "The refund amount must be less than or equal to the capture amount that has not yet been "
    "refunded.",
    "REFUND_CAPTURE_CURRENCY_MISMATCH": "Refund must be in the same currency as the capture",
    "REFUND_FAILED_INSUFFICIENT_FUNDS": "Capture could not be refunded due to insufficient funds. Please check to see if "
    "you have sufficient funds in your PayPal account or if the bank account linked to your PayPal account is verified "
    "and has sufficient funds.",
    "REFUND_NOT_ALLOWED": "Capture cannot be refunded.",
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": "Refunds are not allowed on this capture due to a chargeback on the card or "
    "bank. Please contact the payee to resolve the chargeback.",
    "REFUND_TIME_LIMIT_EXCEEDED": "You are over the time limit to perform a refund on this capture",
    "TAX_TOTAL_MISMATCH": "Should equal sum of (tax * quantity) across all items for a given purchase_unit.",
    "TAX_TOTAL_REQUIRED": "If item details are specified (items.tax_total and items.quantity) corresponding "
    "amount.breakdown.tax_total is required.",
    "TOKEN_ID_NOT_FOUND": "Specified token was not found. Verify the token and try the request again.",
    "TRANSACTION_DISPUTED": "Partial refunds cannot be offered at this time because there is an open case on this "
    "transaction. Visit the PayPal Resolution Center to review this case.",
    "TRANSACTION_LIMIT_EXCEEDED": "Total payment amount exceeded transaction limit.",
    "TRANSACTION_REFUSED": "The request was refused.",
    "UNSUPPORTED_INTENT": "`intent=AUTHORIZE` is not supported for multiple purchase units. Only `intent=CAPTURE` is "
    "supported.",
}

_PAYMENTS = {
    "INVALID_CURRENCY_CODE": _CURRENCY + "docs/api/reference/currency-codes/ for list of supported currency codes.",
    "INVALID_PARAMETER_VALUE": "The value of a field is invalid.",
    "INVALID_STRING_LENGTH": "The value of a field is either too short or too long.",
    "MISSING_REQUIRED_PARAMETER": "A required field / parameter is missing.",
    "PAYEE_ACCOUNT_RESTRICTED": "Payee account is restricted.",
    "TRANSACTION_REFUSED": _REFUSED,
}

_BY_ENDPOINT: dict[str, dict[str, str]] = {
    "create": {
        "PAYER_CANNOT_PAY": "Combination of payer and payee settings mean that this buyer cannot pay this seller.",
    },
    "patch": {
        "INVALID_PARAMETER_VALUE": "The value of a field is invalid.",
        "MISSING_REQUIRED_PARAMETER": "A required field / parameter is missing.",
    },
    "authorize": {
        "MISSING_REQUIRED_PARAMETER": "A required field / parameter is missing",
        "ORDER_NOT_APPROVED": f"{_APPROVE}.",
    },
    "capture": {
        "ACTION_DOES_NOT_MATCH_INTENT": "Order was created with an intent to 'AUTHORIZE'. Please use "
        "v2/checkout/orders/order_id/authorize to authorize the transaction.",
        "MISSING_REQUIRED_PARAMETER": "A required field / parameter is missing",
    },
    "payment": {
        **_PAYMENTS,
        "DUPLICATE_INVOICE_ID": "Requested invoice_id has been previously captured. Possible duplicate transaction.",
    },
    "reauthorize": _PAYMENTS,
    "void": _PAYMENTS,
    "refund": {
        **_PAYMENTS,
        "DUPLICATE_INVOICE_ID": "Invoice ID was previously used to refund a capture.",
    },
}

# What the sandbox's negative testing can be asked for; each is answered with 422 unless it is one of the others.
_NOT_422 = {
    "INVALID_RESOURCE_ID": 404,
    "MALFORMED_REQUEST_JSON": 400,
    "MISSING_REQUIRED_PARAMETER": 400,
    "INVALID_PARAMETER_SYNTAX": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "INVALID_STRING_LENGTH": 400,
    "PAYPAL_REQUEST_ID_REQUIRED": 400,
    "PERMISSION_DENIED": 403,
    "PREVIOUS_REQUEST_IN_PROGRESS": 409,
}


def text_of(endpoint: str, issue: str) -> str | None:
    """Return the sentence of an issue at an endpoint, None for one that has none here."""
    return _BY_ENDPOINT.get(endpoint, {}).get(issue) or _SHARED.get(issue)


def status_of(issue: str) -> int | None:
    """Return the status that carries an issue, None for one that is not known."""
    return _NOT_422.get(issue, 422) if issue in _SHARED else None
