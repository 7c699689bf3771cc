"""What a SOAP answer says before it is turned into objects: is it SOAP at all, is it a Fault, and whose fault is it.

Sources: SOAP 1.1 §4.4.1 (faultcode Client, Server, MustUnderstand, VersionMismatch; dotted refinements), SOAP 1.2
part 1 §5.4.6 (Sender, Receiver), and WCF's dispatcher codes (InternalServiceFault, DeserializationFailed, …).
A Fault usually comes with HTTP 500, so the status alone would blame the vendor for what we sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from integrations.classify import by_status
from integrations.outcome import Response, Verdict

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
# Codes that mean "what you sent is wrong": sending it again cannot help.
_OUR_CODES = frozenset(
    {
        "Client",
        "Sender",
        "MustUnderstand",
        "VersionMismatch",
        "DataEncodingUnknown",
        "DeserializationFailed",
        "ActionNotSupported",
        "DestinationUnreachable",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoapFault:
    """A Fault: the local part of its code without prefix, and its text."""

    code: str
    text: str

    @property
    def ours(self) -> bool:
        """Whether the fault blames what we sent (``Client.Authentication`` counts as ``Client``)."""
        return self.code.split(".")[0] in _OUR_CODES


def parse_xml(body: bytes) -> etree._Element | None:
    """Return the root of an XML body, None when it is not well-formed. A DTD is not accepted, nothing is fetched.

    Comments and processing instructions are left out: they say nothing, and stand in the way of who walks the elements.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return None if root.getroottree().docinfo.internalDTD is not None else root


def soap_body(response: Response) -> etree._Element | None:
    """Return the ``Body`` element of a SOAP 1.1 or 1.2 answer, None when it is no whole SOAP envelope."""
    return response.read_by(_soap_body)


def _soap_body(body: bytes) -> etree._Element | None:
    root = parse_xml(body)
    if root is None:
        return None
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in (SOAP_11, SOAP_12):
        return None
    return root.find(f"{{{name.namespace}}}Body")


def soap_fault(response: Response) -> SoapFault | None:
    """Return the Fault of a SOAP answer, None when it holds none."""
    found = soap_body(response)
    if found is None:
        return None
    for namespace, code_path, text_path in (
        (SOAP_11, "faultcode", "faultstring"),
        (SOAP_12, f"{{{SOAP_12}}}Code/{{{SOAP_12}}}Value", f"{{{SOAP_12}}}Reason/{{{SOAP_12}}}Text"),
    ):
        fault = found.find(f"{{{namespace}}}Fault")
        if fault is not None:
            code = (fault.findtext(code_path) or "").strip().rpartition(":")[2]
            return SoapFault(code=code, text=" ".join((fault.findtext(text_path) or "").split()))
    return None


def by_soap_fault(label: str, response: Response) -> Verdict | None:
    """Return the verdict on a SOAP answer: of its Fault where it has one, else of the status alone."""
    fault = soap_fault(response)
    return by_status(label, response) if fault is None else verdict_of(label, fault)


def verdict_of(label: str, fault: SoapFault) -> Verdict:
    """Return the verdict on a Fault. Its text stays out of the message: it may quote what we sent."""
    code = fault.code or "without a code"
    if fault.ours:
        return Verdict(
            error_type="soap_client_fault",
            fault="ours",
            message=f"{label} cannot read what we sent (SOAP Fault {code}); sending it again will not help.",
            counts=False,
            untouched=True,
            business=True,
        )
    return Verdict(
        error_type="soap_server_fault",
        fault="theirs",
        message=f"{label} has trouble on its side (SOAP Fault {code}).",
        retryable=True,
        business=True,
    )
