"""SOAP on our own road: zeep writes and reads the envelopes, the exchange's ``send`` carries them.

A WSDL is loaded once from the bytes shipped beside the adapter, in a thread (it is slow and synchronous), and nothing
is ever fetched for it. Each call goes: message -> zeep -> envelope -> ``send`` -> envelope -> zeep -> object; the answer
is parsed once, for whoever judged it on the way and for zeep. zeep's errors end here: what cannot be written is
InvalidInput, what cannot be read is SchemaDrift, a Fault is BusinessFailed.
"""

from __future__ import annotations

import asyncio
import copy
import io
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from threading import Lock
from typing import Any

from zeep import AsyncClient, Settings
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import ValidationError as ZeepValidationError
from zeep.proxy import AsyncServiceProxy
from zeep.transports import AsyncTransport

from integrations.adapter import SoapService
from integrations.errors import BusinessFailed, InvalidInput, SchemaDrift
from integrations.outcome import Request, Response
from integrations.soap_fault import SoapFault, soap_body, soap_fault, verdict_of

Send = Callable[[Request], Awaitable[Response]]

_MISSING = re.compile(r"Missing element (\w+)")
_UNEXPECTED = re.compile(r"unexpected keyword argument '(\w+)'")
# strict=False lets a vendor add elements we do not know. The answer comes back raw, because zeep would parse it again, and
# repair broken XML at that.
_SETTINGS = Settings(strict=False, forbid_dtd=True, forbid_external=True, raw_response=True)
_documents: dict[bytes, AsyncClient] = {}
_loading = Lock()  # guards _documents while a WSDL is loaded


class _SendTransport(AsyncTransport):
    """zeep's transport over one call's ``send``; it can fetch nothing."""

    def __init__(self, send: Send | None, service: SoapService) -> None:
        # Not super().__init__(): it would open two HTTP clients of its own.
        self._close_session = False
        self.cache = None
        self.logger = logging.getLogger(__name__)
        self.posted = False
        self._send = send
        self._service = service

    def _load_remote_data(self, url: str) -> bytes:
        raise RuntimeError(f"The WSDL of {self._service.name} refers to {url}; ship it whole, nothing is fetched.")

    async def aclose(self) -> None:
        """Close nothing: the connection is not zeep's."""

    async def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> Response:
        assert self._send is not None  # noqa: S101 - the transport that only loads a WSDL never posts
        self.posted = True
        path = self._service.path
        return await self._send(
            Request(method="POST", path=path, template=path, headers=dict(headers), content=message)
        )

    def new_response(self, response: Response) -> Response:
        return response


async def soap_call(send: Send, service: SoapService, base_url: str, operation: str, message: Mapping[str, Any]) -> Any:
    """Send one SOAP request through ``send`` and return zeep's object of the answer.

    ``base_url`` stands in a WS-Addressing header where the WSDL asks for one; the request itself carries only the
    service's path. Raises InvalidInput naming the element when the message does not fit the WSDL, SchemaDrift when the
    answer is no envelope or does not fit, BusinessFailed for a Fault that ``send`` let pass, and whatever ``send``
    raises.
    """
    document = await _document(service)
    client = copy.copy(document)  # the schema is shared, the transport is this call's own
    binding = document.wsdl.bindings[service.binding]
    transport = client.transport = _SendTransport(send, service)
    proxy = AsyncServiceProxy(client, binding, address=base_url.rstrip("/") + service.path)
    try:
        response = await proxy[operation](**message)
    except (ZeepError, TypeError, ValueError, AttributeError, LookupError) as error:
        if transport.posted:
            raise
        raise _unwritable(service, operation, error) from error
    return _answer(service, binding.get(operation), response)


def _answer(service: SoapService, operation: Any, response: Response) -> Any:
    body, expected = soap_body(response), operation.output.body.qname.text
    if body is None:
        raise SchemaDrift(f"The answer of {service.name} is not a SOAP envelope.", field="body", status=response.status)
    fault = soap_fault(response)
    if fault is not None:
        raise _failed(service, fault)
    if body.find(expected) is None:  # zeep would read a stranger as an answer with everything left out
        name = expected.rpartition("}")[2]
        raise SchemaDrift(f"The answer of {service.name} holds no {name}.", field=name, status=response.status)
    try:
        return operation.process_reply(body.getroottree().getroot())
    except (ZeepError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise SchemaDrift(
            f"The answer of {service.name} to {operation.name} does not fit its WSDL.", field=operation.name
        ) from error


async def _document(service: SoapService) -> AsyncClient:
    found = _documents.get(service.wsdl)
    return found if found is not None else await asyncio.to_thread(_load, service)


def _load(service: SoapService) -> AsyncClient:
    with _loading:
        if service.wsdl not in _documents:
            _documents[service.wsdl] = AsyncClient(
                io.BytesIO(service.wsdl), transport=_SendTransport(None, service), settings=_SETTINGS
            )
        return _documents[service.wsdl]


def _failed(service: SoapService, fault: SoapFault) -> BusinessFailed:
    verdict = verdict_of(service.name, fault)
    return BusinessFailed(
        verdict.message,
        error_type=verdict.error_type,
        fault=verdict.fault,
        retryable=verdict.retryable,
        sent=not verdict.untouched,
    )


def _unwritable(service: SoapService, operation: str, error: Exception) -> InvalidInput:
    missing = _MISSING.search(str(error))
    if isinstance(error, ZeepValidationError):
        path = [part for part in getattr(error, "path", None) or [] if part]
        field = ".".join([*path, missing.group(1)] if missing else path)
        return InvalidInput(f"{service.name} needs {field or 'an element'} in {operation}.", field=field)
    unexpected = _UNEXPECTED.search(str(error))
    field = unexpected.group(1) if unexpected else ""
    return InvalidInput(
        f"{service.name} cannot be told this in {operation}: {field or 'a value'} does not fit.", field=field
    )
