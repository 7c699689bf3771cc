"""The WSDL of each service, made from the table of types, with the address the caller reached the service at."""

from __future__ import annotations

from lxml import etree

from integrations.sandbox.aramex.schema import ARAMEX, ARRAYS, SERVICES, TYPES, namespace

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_XS = "http://www.w3.org/2001/XMLSchema"
_WSAW = "http://www.w3.org/2006/05/addressing/wsdl"
_SERIALIZATION = "http://schemas.microsoft.com/2003/10/Serialization/"
_PREFIXES = {
    "wsdl": _WSDL,
    "soap": _SOAP,
    "xs": _XS,
    "tns": ARAMEX,
    "arr": ARRAYS,
    "ser": _SERIALIZATION,
    "wsaw": _WSAW,
}


def wsdl(service: str, address: str) -> bytes:
    """Return the WSDL of a service with this address in its ports."""
    document: bytes = etree.tostring(_made(service, address), xml_declaration=True, encoding="utf-8")
    return document


def _made(service: str, address: str) -> etree._Element:
    operations = SERVICES[service]
    binding_name = "Service_1_0" if service == "Shipping" else "BasicHttpBinding_Service_1_0"
    root = etree.Element(f"{{{_WSDL}}}definitions", nsmap=_PREFIXES, name="Service_1_0", targetNamespace=ARAMEX)
    types = etree.SubElement(root, f"{{{_WSDL}}}types")
    messages = [name for pair in operations.values() for name in pair]
    reached = _reached(messages)
    types.append(_schema(ARAMEX, [name for name in reached if namespace(name) == ARAMEX], messages))
    types.append(_schema(ARRAYS, [name for name in reached if namespace(name) == ARRAYS], []))
    types.append(_guid())
    for name in messages:
        message = etree.SubElement(root, f"{{{_WSDL}}}message", name=name)
        etree.SubElement(message, f"{{{_WSDL}}}part", name="parameters", element=f"tns:{name}")
    port_type = etree.SubElement(root, f"{{{_WSDL}}}portType", name="Service_1_0")
    binding = etree.SubElement(root, f"{{{_WSDL}}}binding", name=binding_name, type="tns:Service_1_0")
    etree.SubElement(binding, f"{{{_SOAP}}}binding", transport="http://schemas.xmlsoap.org/soap/http")
    for operation, pair in operations.items():
        action = f"{ARAMEX}Service_1_0/{operation}"
        abstract = etree.SubElement(port_type, f"{{{_WSDL}}}operation", name=operation)
        concrete = etree.SubElement(binding, f"{{{_WSDL}}}operation", name=operation)
        etree.SubElement(concrete, f"{{{_SOAP}}}operation", soapAction=action, style="document")
        for kind, name, suffix in (("input", pair[0], ""), ("output", pair[1], "Response")):
            side = etree.SubElement(abstract, f"{{{_WSDL}}}{kind}", name=name, message=f"tns:{name}")
            side.set(f"{{{_WSAW}}}Action", action + suffix)
            body = etree.SubElement(concrete, f"{{{_WSDL}}}{kind}", name=name)
            etree.SubElement(body, f"{{{_SOAP}}}body", use="literal")
    served = etree.SubElement(root, f"{{{_WSDL}}}service", name="Service_1_0")
    port = etree.SubElement(served, f"{{{_WSDL}}}port", name=binding_name, binding=f"tns:{binding_name}")
    etree.SubElement(port, f"{{{_SOAP}}}address", location=address)
    return root


def _reached(messages: list[str]) -> list[str]:
    """Return the messages and every type they lead to, each once."""
    reached: dict[str, None] = {}
    waiting = list(messages)
    while waiting:
        name = waiting.pop(0)
        if name not in reached:
            reached[name] = None
            waiting.extend(item.type for item in TYPES[name] if item.type in TYPES)
    return list(reached)


def _schema(target: str, names: list[str], messages: list[str]) -> etree._Element:
    schema = etree.Element(f"{{{_XS}}}schema", targetNamespace=target, elementFormDefault="qualified")
    for other in (ARAMEX, ARRAYS, _SERIALIZATION):
        if other != target:
            etree.SubElement(schema, f"{{{_XS}}}import", namespace=other)
    for name in names:
        if name in messages:
            holder = etree.SubElement(schema, f"{{{_XS}}}element", name=name)
            complex_type = etree.SubElement(holder, f"{{{_XS}}}complexType")
        else:
            complex_type = etree.SubElement(schema, f"{{{_XS}}}complexType", name=name)
        sequence = etree.SubElement(complex_type, f"{{{_XS}}}sequence")
        for item in TYPES[name]:
            element = etree.SubElement(sequence, f"{{{_XS}}}element", name=item.name, type=_type(item.type))
            if item.optional:
                element.set("minOccurs", "0")
            if item.repeated:
                element.set("maxOccurs", "unbounded")
            if item.nillable:
                element.set("nillable", "true")
    return schema


def _type(name: str) -> str:
    if name in TYPES:
        return f"{'arr' if namespace(name) == ARRAYS else 'tns'}:{name}"
    return "ser:guid" if name == "guid" else f"xs:{name}"


def _guid() -> etree._Element:
    schema = etree.Element(f"{{{_XS}}}schema", targetNamespace=_SERIALIZATION, elementFormDefault="qualified")
    simple = etree.SubElement(schema, f"{{{_XS}}}simpleType", name="guid")
    limit = etree.SubElement(simple, f"{{{_XS}}}restriction", base="xs:string")
    groups = "-".join(f"[\\da-fA-F]{{{length}}}" for length in (8, 4, 4, 4, 12))
    etree.SubElement(limit, f"{{{_XS}}}pattern", value=groups)
    return schema
