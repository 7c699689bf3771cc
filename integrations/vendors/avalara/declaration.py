"""The facts of AvaTax's REST API, version 2: operations, credentials, and what may stand in a record.

Avalara publishes no limits; ours is politeness. Sources: the vendor's OpenAPI (see the fact sheet), the official client
26.10.0, developer.avalara.com/avatax/errors.
"""

from __future__ import annotations

from typing import Any

from integrations.adapter import Credential, Idempotency, Operation, QuotaPolicy, Vendor
from integrations.types.messages import TokenCheck, TokenQuery
from integrations.types.shipping import Address
from integrations.types.tax import ResolvedAddress, TaxDocument, TaxDocumentQuery, TaxQuote, TaxRequest

NAME, LABEL = "avalara", "Avalara"

# No street, no name, no number of a person's.
_KEPT = (
    "id code companyCode companyId type date status commit customerCode currencyCode totalAmount totalTax totalTaxable "
    "totalTaxCalculated totalExempt locked version lines number lineNumber quantity amount lineAmount tax taxableAmount "
    "exemptAmount isItemTaxable taxCode itemCode taxIncluded details summary jurisName jurisType jurisCode taxName rate "
    "taxCalculated country region error number faultCode severity refersTo target authenticated authenticationType "
    "resolutionQuality messages source addressType deliveryTerms"
)
_ADDRESS: dict[str, Any] = {
    "lines": ["600 Congress Ave"],
    "city": "Austin",
    "state": "TX",
    "postal_code": "78701",
    "country": "US",
}
_SALE: dict[str, Any] = {
    "reference": "EXAMPLE-7001",
    "currency": "USD",
    "origin": {
        "lines": ["2000 Main Street"],
        "city": "Irvine",
        "state": "CA",
        "postal_code": "92614",
        "country": "US",
    },
    "destination": _ADDRESS,
    "customer": {"code": "CUST-1"},
    "lines": [{"sku": "SKU1", "quantity": "2", "amount": {"amount": "100.00", "currency": "USD"}}],
}

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="tax",
    region="north_america",
    base_url="https://rest.avatax.com",
    docs_url="https://developer.avalara.com/api-reference/avatax/rest/v2/",
    check="check_token",
    credentials=(
        Credential(name="ACCOUNT_ID", sandbox="1100000001", secret=False),
        Credential(name="LICENSE_KEY", sandbox="quayside-license-key"),
        Credential(name="COMPANY_CODE", sandbox="DEFAULT", required=False, secret=False, default="DEFAULT"),
    ),
    quotas=(QuotaPolicy(name="politeness", limit=20, seconds=1),),
    kept_fields=frozenset(_KEPT.split()),
    request_id_header="x-correlation-id",
    slow_call_duration=5.0,
    operations=(
        Operation(
            name="quote_tax",
            input=TaxRequest,
            result=TaxQuote,
            example=_SALE,
            deadline=20.0,
            attempt_timeout=8.0,
        ),
        Operation(
            name="commit_tax",
            input=TaxRequest,
            result=TaxDocument,
            example={**_SALE, "reference": "EXAMPLE-7002"},
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=45.0,
            attempt_timeout=15.0,
        ),
        Operation(
            name="void_tax",
            input=TaxDocumentQuery,
            result=TaxDocument,
            example={"reference": "EXAMPLE-7002"},
            idempotency=Idempotency.NATURAL,
            reference="reference",
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="resolve_address",
            input=Address,
            result=ResolvedAddress,
            example=_ADDRESS,
            deadline=20.0,
            attempt_timeout=8.0,
        ),
        Operation(
            name="check_token",
            input=TokenQuery,
            result=TokenCheck,
            example={},
            deadline=15.0,
            attempt_timeout=6.0,
        ),
    ),
)
