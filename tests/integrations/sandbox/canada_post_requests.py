"""Requests to Canada Post that are as full as its schemas allow, and what a test may do to them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

from tests.contracts import contract

NS = "http://www.canadapost.ca/ws"

SENDER = """
<sender><name>Sam Sender</name><company>Quay Ltd</company><contact-phone>613-555-0100</contact-phone>
  <address-details><address-line-1>1 Quay St</address-line-1><address-line-2>Unit 2</address-line-2>
    <city>OTTAWA</city><prov-state>ON</prov-state>{country}<postal-zip-code>K2B8J6</postal-zip-code></address-details>
</sender>"""
VANCOUVER = """
<destination><name>Jo Buyer</name><company>Pier Inc</company><additional-address-info>Back door</additional-address-info>
  <client-voice-number>604-555-0100</client-voice-number>
  <address-details><address-line-1>2 Pier Rd</address-line-1><address-line-2>Floor 3</address-line-2>
    <city>VANCOUVER</city><prov-state>BC</prov-state><country-code>CA</country-code>
    <postal-zip-code>V6B1A1</postal-zip-code></address-details></destination>"""
LISBON = """
<destination><name>Ana Buyer</name><client-voice-number>+351210000000</client-voice-number>
  <address-details><address-line-1>Rua 3</address-line-1><city>LISBOA</city><country-code>PT</country-code>
    <postal-zip-code>1100-148</postal-zip-code></address-details></destination>"""
CUSTOMS = """
<customs><currency>CAD</currency><conversion-from-cad>1</conversion-from-cad>
  <reason-for-export>SOG</reason-for-export><other-reason>none</other-reason>
  <sku-list><item><customs-number-of-units>2</customs-number-of-units>
    <customs-description>Shirt</customs-description><sku>TS-1</sku><hs-tariff-code>6109.10.00</hs-tariff-code>
    <unit-weight>0.4</unit-weight><customs-value-per-unit>20.00</customs-value-per-unit>
    <customs-unit-of-measure>PCE</customs-unit-of-measure><country-of-origin>CA</country-of-origin>
    <province-of-origin>ON</province-of-origin></item></sku-list>
  <duties-and-taxes-prepaid>5.00</duties-and-taxes-prepaid><certificate-number>1</certificate-number>
  <licence-number>2</licence-number><invoice-number>A-1</invoice-number></customs>"""
SIZE = "<dimensions><length>20</length><width>15.5</width><height>10</height></dimensions>"

RATE = f"""
<mailing-scenario xmlns="{NS}/ship/rate-v4"><customer-number>1111111</customer-number><contract-id>42708517</contract-id>
  <promo-code>AUTUMN</promo-code><quote-type>commercial</quote-type>
  <expected-mailing-date>2026-10-02</expected-mailing-date>
  <options><option><option-code>COV</option-code><option-amount>250.00</option-amount></option></options>
  <parcel-characteristics><weight>1.5</weight>{SIZE}<unpackaged>false</unpackaged><mailing-tube>0</mailing-tube>
    <oversized>false</oversized></parcel-characteristics>
  <services><service-code>DOM.EP</service-code><service-code>DOM.XP</service-code></services>
  <origin-postal-code>K2B8J6</origin-postal-code>
  <destination><domestic><postal-code>V6B1A1</postal-code></domestic></destination></mailing-scenario>"""
SHIPMENT = f"""
<shipment xmlns="{NS}/shipment-v8"><customer-request-id>A-1</customer-request-id><group-id>monday</group-id>
  <quickship-label-requested>false</quickship-label-requested><cpc-pickup-indicator>true</cpc-pickup-indicator>
  <requested-shipping-point>K2B8J6</requested-shipping-point><expected-mailing-date>2026-10-02</expected-mailing-date>
  <provide-pricing-info>true</provide-pricing-info><provide-receipt-info>true</provide-receipt-info>
  <delivery-spec><service-code>DOM.EP</service-code>{SENDER.format(country="<country-code>CA</country-code>")}{VANCOUVER}
    <options><option><option-code>SO</option-code></option>
      <option><option-code>COV</option-code><option-amount>250</option-amount>
        <option-qualifier-1>true</option-qualifier-1><option-qualifier-2>none</option-qualifier-2></option></options>
    <parcel-characteristics><weight>1.5</weight>{SIZE}<unpackaged>false</unpackaged><mailing-tube>false</mailing-tube>
      <oversized>false</oversized></parcel-characteristics>
    <notification><email>buyer@example.com</email><on-shipment>true</on-shipment><on-exception>false</on-exception>
      <on-delivery>true</on-delivery></notification>
    <print-preferences><output-format>4x6</output-format><encoding>PDF</encoding></print-preferences>
    <preferences><show-packing-instructions>true</show-packing-instructions>
      <show-postage-rate>false</show-postage-rate><show-insured-value>true</show-insured-value></preferences>
    <references><cost-centre>web</cost-centre><customer-ref-1>A-1</customer-ref-1><customer-ref-2>B</customer-ref-2></references>
    {CUSTOMS}
    <settlement-info><paid-by-customer>1111111</paid-by-customer><contract-id>42708517</contract-id>
      <intended-method-of-payment>Account</intended-method-of-payment></settlement-info></delivery-spec>
  <return-spec><service-code>DOM.EP</service-code><return-recipient><name>Sam</name><company>Quay Ltd</company>
    <address-details><address-line-1>1 Quay St</address-line-1><city>OTTAWA</city><prov-state>ON</prov-state>
      <postal-zip-code>K2B8J6</postal-zip-code></address-details></return-recipient>
    <return-notification>shop@example.com</return-notification></return-spec></shipment>"""
NCSHIPMENT = f"""
<non-contract-shipment xmlns="{NS}/ncshipment-v4"><requested-shipping-point>K2B8J6</requested-shipping-point>
  <delivery-spec><service-code>INT.XP</service-code>{SENDER.format(country="")}{LISBON}
    <options><option><option-code>RASE</option-code></option></options>
    <parcel-characteristics><weight>1.5</weight>{SIZE}<document>false</document><unpackaged>false</unpackaged>
      <mailing-tube>false</mailing-tube></parcel-characteristics>
    <notification><email>buyer@example.com</email><on-shipment>true</on-shipment><on-exception>false</on-exception>
      <on-delivery>true</on-delivery></notification>
    <preferences><show-packing-instructions>true</show-packing-instructions></preferences>
    <references><cost-centre>web</cost-centre><customer-ref-1>A-1</customer-ref-1></references>
    {CUSTOMS}<settlement-info><promo-code>AUTUMN</promo-code></settlement-info></delivery-spec></non-contract-shipment>"""
TRANSMIT = f"""
<transmit-set xmlns="{NS}/manifest-v8"><customer-request-id>T-1</customer-request-id>
  <group-ids><group-id>monday</group-id></group-ids><cpc-pickup-indicator>true</cpc-pickup-indicator>
  <requested-shipping-point>K2B8J6</requested-shipping-point><detailed-manifests>true</detailed-manifests>
  <method-of-payment>Account</method-of-payment>
  <manifest-address><manifest-company>Quay Ltd</manifest-company><manifest-name>Sam</manifest-name>
    <phone-number>6135550100</phone-number><address-details><address-line-1>1 Quay St</address-line-1>
      <address-line-2>Unit 2</address-line-2><city>OTTAWA</city><prov-state>ON</prov-state>
      <country-code>CA</country-code><postal-zip-code>K2B8J6</postal-zip-code></address-details></manifest-address>
  <customer-reference>run-1</customer-reference></transmit-set>"""
REFUND = f'<shipment-refund-request xmlns="{NS}/shipment-v8"><email>shop@example.com</email></shipment-refund-request>'
NC_REFUND = (
    f'<non-contract-shipment-refund-request xmlns="{NS}/ncshipment-v4"><email>shop@example.com</email>'
    "</non-contract-shipment-refund-request>"
)

SCHEMA_FILES = {
    f"{NS}/ship/rate-v4": ("rating.xsd", "discovery.xsd"),
    f"{NS}/shipment-v8": ("shipment.xsd",),
    f"{NS}/ncshipment-v4": ("ncshipment.xsd",),
    f"{NS}/manifest-v8": ("manifest.xsd",),
    f"{NS}/track": ("track.xsd",),
    f"{NS}/messages": ("messages.xsd",),
}
_TEXTS = ("", " ", "x", "A1A1A1", "a1a1a1", "12345", "CA", "0", "1", "-1", "1.5", "1.2345", "99.9991", "100000", "true")
_MORE_TEXTS = ("yes", "2026-02-30", "a@b.co", "no mail", "é" * 10, "y" * 36, "z" * 45, "12345678901", "PDF", "8.5x11")


@lru_cache
def schemas(namespace: str) -> tuple[etree.XMLSchema, ...]:
    """Return the published schemas of a namespace."""
    folder = contract("canada_post/xsd")
    return tuple(etree.XMLSchema(etree.parse(folder / name)) for name in SCHEMA_FILES[namespace])


def fits(root: etree._Element) -> bool:
    """Return True when a published schema knows the root element and finds nothing wrong with it."""
    return any(schema.validate(root) for schema in schemas(etree.QName(root).namespace or ""))


def element(text: str) -> etree._Element:
    """Return the root element of a request."""
    return etree.fromstring(text.strip())


def changed(text: str, **values: str | None) -> str:
    """Return the request with the first element of each name (``_`` for ``-``) filled anew, or gone for None."""
    root = element(text)
    for name, value in values.items():
        found = next(root.iter(f"{{*}}{name.strip('_').replace('_', '-')}"))
        parent = found.getparent()
        assert parent is not None
        if value is None:
            parent.remove(found)
        else:
            filled = etree.fromstring(f'<x xmlns="{etree.QName(root).namespace}">{value}</x>')
            found.text = filled.text
            found[:] = list(filled)
    return str(etree.tostring(root, encoding="unicode"))


def mutations(text: str) -> Iterator[etree._Element]:
    """Yield the request over and over, each time with one thing about one element changed."""
    original = element(text)
    places = list(original.iter())
    for place, node in enumerate(places):
        for change in range(5 + len(_TEXTS) + len(_MORE_TEXTS)):
            root = copy.deepcopy(original)
            twin = list(root.iter())[place]
            if _change(twin, node, change):
                yield etree.fromstring(etree.tostring(root))  # read anew: an empty text is no text


def _change(twin: etree._Element, node: etree._Element, change: int) -> bool:
    parent = twin.getparent()
    match change:
        case 0 | 1 if parent is None:
            return False
        case 0 if parent is not None:
            parent.remove(twin)
        case 1 if parent is not None:
            parent.append(copy.deepcopy(twin))
        case 2:
            twin.append(etree.Element(f"{{{etree.QName(node).namespace}}}stranger"))
        case 3:
            twin.set("stranger", "1")
        case 4:
            twin[:] = list(reversed(twin))
            return len(twin) > 1
        case _:
            twin.text = (*_TEXTS, *_MORE_TEXTS)[change - 5]
            return not len(twin)
    return True
