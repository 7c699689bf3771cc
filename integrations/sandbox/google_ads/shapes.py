"""The messages that are sent: as the Google Ads API v25 and the Data Manager API v1 publish them.

What is not played is taken where the message has it, and has no consequence.
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.google_ads.messages import BOOL, BYTES, DOUBLE, INT32, INT64, STRING, TIMESTAMP, Enum, ListOf

_V = "google.ads.googleads.v25.enums."
_DM = "google.ads.datamanager.v1."

# Google Ads API

STREAM: dict[str, Any] = {
    "query": STRING,
    "summaryRowSetting": Enum(
        f"{_V}SummaryRowSettingEnum.SummaryRowSetting",
        ("UNSPECIFIED", "UNKNOWN", "NO_SUMMARY_ROW", "SUMMARY_ROW_WITH_RESULTS", "SUMMARY_ROW_ONLY"),
    ),
}
SEARCH: dict[str, Any] = {
    "query": STRING,
    "pageToken": STRING,
    "pageSize": INT32,
    "validateOnly": BOOL,
    "searchSettings": {
        "omitResults": BOOL,
        "returnSummaryRow": BOOL,
        "returnTotalResultsCount": BOOL,
    },
}
_ADS_CONSENT = Enum(f"{_V}ConsentStatusEnum.ConsentStatus", ("UNSPECIFIED", "UNKNOWN", "GRANTED", "DENIED"))
ADS_USER_IDENTIFIER: dict[str, Any] = {
    "userIdentifierSource": Enum(
        f"{_V}UserIdentifierSourceEnum.UserIdentifierSource", ("UNSPECIFIED", "UNKNOWN", "FIRST_PARTY", "THIRD_PARTY")
    ),
    "hashedEmail": STRING,
    "hashedPhoneNumber": STRING,
    "mobileId": STRING,
    "thirdPartyUserId": STRING,
    "addressInfo": {
        "hashedFirstName": STRING,
        "hashedLastName": STRING,
        "city": STRING,
        "state": STRING,
        "countryCode": STRING,
        "postalCode": STRING,
        "hashedStreetAddress": STRING,
    },
}
CLICK_CONVERSION: dict[str, Any] = {
    "gclid": STRING,
    "gbraid": STRING,
    "wbraid": STRING,
    "conversionAction": STRING,
    "conversionDateTime": STRING,
    "conversionValue": DOUBLE,
    "currencyCode": STRING,
    "orderId": STRING,
    "externalAttributionData": {"externalAttributionCredit": DOUBLE, "externalAttributionModel": STRING},
    "customVariables": ListOf({"conversionCustomVariable": STRING, "value": STRING}),
    "cartData": {
        "merchantId": INT64,
        "feedCountryCode": STRING,
        "feedLanguageCode": STRING,
        "localTransactionCost": DOUBLE,
        "items": ListOf({"productId": STRING, "quantity": INT32, "unitPrice": DOUBLE}),
    },
    "userIdentifiers": ListOf(ADS_USER_IDENTIFIER),
    "conversionEnvironment": Enum(
        f"{_V}ConversionEnvironmentEnum.ConversionEnvironment", ("UNSPECIFIED", "UNKNOWN", "APP", "WEB")
    ),
    "consent": {"adUserData": _ADS_CONSENT, "adPersonalization": _ADS_CONSENT},
    "customerType": Enum(
        f"{_V}ConversionCustomerTypeEnum.ConversionCustomerType", ("UNSPECIFIED", "UNKNOWN", "NEW", "RETURNING")
    ),
    "userIpAddress": STRING,
    "sessionAttributesEncoded": BYTES,
    "sessionAttributesKeyValuePairs": {
        "keyValuePairs": ListOf({"sessionAttributeKey": STRING, "sessionAttributeValue": STRING})
    },
}
UPLOAD: dict[str, Any] = {
    "conversions": ListOf(CLICK_CONVERSION),
    "partialFailure": BOOL,
    "validateOnly": BOOL,
    "jobId": INT32,
}

# Data Manager API

_STATUS = Enum(f"{_DM}ConsentStatus", ("CONSENT_STATUS_UNSPECIFIED", "CONSENT_GRANTED", "CONSENT_DENIED"))
_CONSENT = {"adUserData": _STATUS, "adPersonalization": _STATUS}
_ACCOUNT = {
    "accountId": STRING,
    "accountType": Enum(
        f"{_DM}ProductAccount.AccountType",
        (
            *("ACCOUNT_TYPE_UNSPECIFIED", "GOOGLE_ADS", "DISPLAY_VIDEO_PARTNER", "DISPLAY_VIDEO_ADVERTISER"),
            *("DATA_PARTNER", "GOOGLE_ANALYTICS_PROPERTY", "GOOGLE_AD_MANAGER_AUDIENCE_LINK", "FLOODLIGHT_CONFIG"),
            "GOOGLE_AD_MANAGER",
        ),
    ),
    "product": Enum(
        f"{_DM}Product",
        (
            *("PRODUCT_UNSPECIFIED", "GOOGLE_ADS", "DISPLAY_VIDEO_PARTNER", "DISPLAY_VIDEO_ADVERTISER"),
            "DATA_PARTNER",
        ),
    ),
}
_DESTINATION = {
    "reference": STRING,
    "loginAccount": _ACCOUNT,
    "linkedAccount": _ACCOUNT,
    "operatingAccount": _ACCOUNT,
    "productDestinationId": STRING,
}
_USER_IDENTIFIER = {
    "emailAddress": STRING,
    "phoneNumber": STRING,
    "address": dict.fromkeys(
        ("givenName", "familyName", "regionCode", "postalCode", "addressLine", "administrativeArea", "city"), STRING
    ),
}
_USER_DATA = {"userIdentifiers": ListOf(_USER_IDENTIFIER)}
_DEVICE = {
    **dict.fromkeys(
        (
            *("userAgent", "ipAddress", "category", "languageCode", "operatingSystem", "operatingSystemVersion"),
            *("brand", "model", "browser", "browserVersion"),
        ),
        STRING,
    ),
    "screenHeight": INT32,
    "screenWidth": INT32,
}
_CLICK = {
    **dict.fromkeys(
        (
            *("sessionAttributes", "gclid", "gbraid", "wbraid", "dclid", "impressionId", "leadId", "matchId"),
            *("mobileDeviceId", "ppid", "visitorPpid"),
        ),
        STRING,
    ),
    "landingPageDeviceInfo": _DEVICE,
    "encryptedUserIds": ListOf(
        {
            "encryptedId": STRING,
            "entityId": INT64,
            "entityType": Enum(
                f"{_DM}EncryptedUserId.EntityType",
                (
                    *("ENCRYPTION_ENTITY_TYPE_UNSPECIFIED", "CAMPAIGN_MANAGER_ACCOUNT", "CAMPAIGN_MANAGER_ADVERTISER"),
                    *("DISPLAY_VIDEO_PARTNER", "DISPLAY_VIDEO_ADVERTISER", "GOOGLE_ADS_CUSTOMER"),
                    "GOOGLE_AD_MANAGER_NETWORK_CODE",
                ),
            ),
            "source": Enum(
                f"{_DM}EncryptedUserId.Source", ("ENCRYPTION_SOURCE_UNSPECIFIED", "AD_SERVING", "DATA_TRANSFER")
            ),
        }
    ),
}
_VARIABLE = {"variable": STRING, "value": STRING, "destinationReferences": ListOf(STRING)}
_NAMED = {"parameterName": STRING, "value": STRING}
_CART = {
    "merchantId": STRING,
    "merchantFeedLabel": STRING,
    "merchantFeedLanguageCode": STRING,
    "transactionDiscount": DOUBLE,
    "couponCodes": ListOf(STRING),
    "items": ListOf(
        {
            "merchantProductId": STRING,
            "quantity": INT64,
            "unitPrice": DOUBLE,
            "itemId": STRING,
            "conversionValue": DOUBLE,
            "merchantId": STRING,
            "merchantFeedLabel": STRING,
            "merchantFeedLanguageCode": STRING,
            "additionalItemParameters": ListOf(_NAMED),
            "customVariables": ListOf(_VARIABLE),
        }
    ),
}
_EVENT = {
    **dict.fromkeys(("transactionId", "currency", "clientId", "userId", "eventName", "appInstanceId"), STRING),
    "destinationReferences": ListOf(STRING),
    "eventTimestamp": TIMESTAMP,
    "lastUpdatedTimestamp": TIMESTAMP,
    "userData": _USER_DATA,
    "thirdPartyUserData": _USER_DATA,
    "consent": _CONSENT,
    "adIdentifiers": _CLICK,
    "conversionValue": DOUBLE,
    "conversionCount": DOUBLE,
    "eventSource": Enum(
        f"{_DM}EventSource", ("EVENT_SOURCE_UNSPECIFIED", "WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER")
    ),
    "eventDeviceInfo": _DEVICE,
    "eventLocation": dict.fromkeys(
        ("storeId", "city", "regionCode", "subdivisionCode", "subcontinentCode", "continentCode"), STRING
    ),
    "callInfo": {"startTimestamp": TIMESTAMP},
    "cartData": _CART,
    "customVariables": ListOf(_VARIABLE),
    "experimentalFields": ListOf({"field": STRING, "value": STRING}),
    "additionalEventParameters": ListOf(_NAMED),
    "userProperties": {
        "customerType": Enum(f"{_DM}CustomerType", ("CUSTOMER_TYPE_UNSPECIFIED", "NEW", "RETURNING", "REENGAGED")),
        "customerValueBucket": Enum(
            f"{_DM}CustomerValueBucket", ("CUSTOMER_VALUE_BUCKET_UNSPECIFIED", "LOW", "MEDIUM", "HIGH")
        ),
        "additionalUserProperties": ListOf({"propertyName": STRING, "value": STRING}),
    },
}
_KEY_TYPE = Enum(f"{_DM}KeyType", ("KEY_TYPE_UNSPECIFIED", "XCHACHA20_POLY1305"))
INGEST: dict[str, Any] = {
    "destinations": ListOf(_DESTINATION),
    "events": ListOf(_EVENT),
    "consent": _CONSENT,
    "validateOnly": BOOL,
    "encoding": Enum(f"{_DM}Encoding", ("ENCODING_UNSPECIFIED", "HEX", "BASE64")),
    "encryptionInfo": {
        "gcpWrappedKeyInfo": {
            "keyType": _KEY_TYPE,
            "wipProvider": STRING,
            "kekUri": STRING,
            "encryptedDek": STRING,
        },
        "awsWrappedKeyInfo": {"keyType": _KEY_TYPE, "roleArn": STRING, "kekUri": STRING, "encryptedDek": STRING},
        "coordinatorKeyInfo": {"keyId": STRING},
    },
}
