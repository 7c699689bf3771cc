"""The WSDL of the SOAP interface, with the address the caller reached the service at."""

from __future__ import annotations

from lxml import etree

from integrations.sandbox.vies.soap import REQUESTS, TYPES

SERVICE = "urn:ec.europa.eu:taxud:vies:services:checkVat"
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_XS = "http://www.w3.org/2001/XMLSchema"
_PREFIXES = {"wsdl": _WSDL, "wsdlsoap": _SOAP, "xsd": _XS, "impl": SERVICE, "tns1": TYPES}
_FOUND = ("countryCode", "vatNumber", "requestDate", "valid")
_ELEMENTS = {
    **REQUESTS,
    "checkVatResponse": (*_FOUND, "name", "address"),
    "checkVatApproxResponse": (
        *(*_FOUND, "traderName", "traderCompanyType", "traderAddress", "traderStreet", "traderPostcode", "traderCity"),
        *("traderNameMatch", "traderCompanyTypeMatch", "traderStreetMatch", "traderPostcodeMatch", "traderCityMatch"),
        "requestIdentifier",
    ),
}
_REQUIRED = frozenset((*_FOUND, "requestIdentifier"))
_OF_TYPE = {"requestDate": "xsd:date", "valid": "xsd:boolean", "traderCompanyType": "tns1:companyTypeCode"}
_NILLABLE = {"checkVatResponse": ("name", "address"), "checkVatApproxResponse": ("traderName", "traderCompanyType")}


def wsdl(address: str) -> bytes:
    """Return the WSDL with this address in its port."""
    root = etree.Element(f"{{{_WSDL}}}definitions", nsmap=_PREFIXES, targetNamespace=SERVICE)
    types = etree.SubElement(root, f"{{{_WSDL}}}types")
    types.append(_schema())
    for operation in REQUESTS:
        for kind, element in (("Request", operation), ("Response", f"{operation}Response")):
            message = etree.SubElement(root, f"{{{_WSDL}}}message", name=f"{operation}{kind}")
            etree.SubElement(message, f"{{{_WSDL}}}part", name="parameters", element=f"tns1:{element}")
    port_type = etree.SubElement(root, f"{{{_WSDL}}}portType", name="checkVatPortType")
    binding = etree.SubElement(root, f"{{{_WSDL}}}binding", name="checkVatBinding", type="impl:checkVatPortType")
    etree.SubElement(binding, f"{{{_SOAP}}}binding", style="document", transport="http://schemas.xmlsoap.org/soap/http")
    for operation in REQUESTS:
        abstract = etree.SubElement(port_type, f"{{{_WSDL}}}operation", name=operation)
        concrete = etree.SubElement(binding, f"{{{_WSDL}}}operation", name=operation)
        etree.SubElement(concrete, f"{{{_SOAP}}}operation", soapAction="")
        for side, kind in (("input", "Request"), ("output", "Response")):
            name = f"{operation}{kind}"
            etree.SubElement(abstract, f"{{{_WSDL}}}{side}", name=name, message=f"impl:{name}")
            held = etree.SubElement(concrete, f"{{{_WSDL}}}{side}", name=name)
            etree.SubElement(held, f"{{{_SOAP}}}body", use="literal")
    service = etree.SubElement(root, f"{{{_WSDL}}}service", name="checkVatService")
    port = etree.SubElement(service, f"{{{_WSDL}}}port", name="checkVatPort", binding="impl:checkVatBinding")
    etree.SubElement(port, f"{{{_SOAP}}}address", location=address)
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return document


def _schema() -> etree._Element:
    schema = etree.Element(
        f"{{{_XS}}}schema", targetNamespace=TYPES, elementFormDefault="qualified", attributeFormDefault="qualified"
    )
    for name, members in _ELEMENTS.items():
        holder = etree.SubElement(schema, f"{{{_XS}}}element", name=name)
        sequence = etree.SubElement(etree.SubElement(holder, f"{{{_XS}}}complexType"), f"{{{_XS}}}sequence")
        for member in members:
            type_name = "tns1:matchCode" if member.endswith("Match") else _OF_TYPE.get(member, "xsd:string")
            element = etree.SubElement(sequence, f"{{{_XS}}}element", name=member, type=type_name)
            if member not in _REQUIRED:
                element.set("minOccurs", "0")
            if member in _NILLABLE.get(name, ()):
                element.set("nillable", "true")
    code = etree.SubElement(schema, f"{{{_XS}}}simpleType", name="companyTypeCode")
    limit = etree.SubElement(code, f"{{{_XS}}}restriction", base="xsd:string")
    etree.SubElement(limit, f"{{{_XS}}}pattern", value=r"[A-Z]{2}\-[1-9][0-9]?")
    match = etree.SubElement(schema, f"{{{_XS}}}simpleType", name="matchCode")
    choice = etree.SubElement(match, f"{{{_XS}}}restriction", base="xsd:string")
    for value in ("1", "2", "3"):
        etree.SubElement(choice, f"{{{_XS}}}enumeration", value=value)
    return schema
