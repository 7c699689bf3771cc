"""SOAP 1.1 envelopes, as far as every SOAP service reads them alike."""

from __future__ import annotations

from lxml import etree

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


class NotUnderstood(Exception):
    """The message is answered with a fault before its content is looked at; ``code`` is SOAP's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def first_element(body: bytes) -> etree._Element:
    """Return the first element of the SOAP body.

    Raises NotUnderstood for XML that is broken, has a DTD, is no SOAP 1.1 or has a header that must be understood.
    """
    # No entity is ever expanded and nothing is fetched: a DTD alone is reason enough to refuse.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as problem:
        raise NotUnderstood("Client", f"The incoming message is not well-formed XML: {problem}") from None
    if root.getroottree().docinfo.doctype:
        raise NotUnderstood("Client", "Document type declarations are not allowed in a SOAP message.")
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise NotUnderstood("VersionMismatch", "The message is not a SOAP 1.1 envelope.")
    header, content = root.find(f"{{{ENVELOPE}}}Header"), root.find(f"{{{ENVELOPE}}}Body")
    for item in header if header is not None else ():
        if item.get(f"{{{ENVELOPE}}}mustUnderstand") in ("1", "true"):
            raise NotUnderstood("MustUnderstand", f"The header '{etree.QName(item).localname}' was not understood.")
    first = next((item for item in content if isinstance(item.tag, str)), None) if content is not None else None
    if first is None:
        raise NotUnderstood("Client", "The message has no body.")
    return first
