"""The release of a document: an action that may run in the background, asked after in the same session until it ends."""

from __future__ import annotations

from urllib.parse import urlsplit

from integrations.errors import BusinessFailed, CallFailed, SchemaDrift
from integrations.outcome import Request, Response
from integrations.types.erp import PostedDocument
from integrations.vendors.acumatica.documents import JSON, Endpoint, Kind, posted
from integrations.vendors.acumatica.values import Record, text, wrapped

_FIRST_POLL, _SLOWEST_POLL, _SLOWER = 1.0, 5.0, 1.5  # seconds, seconds, factor


async def released(endpoint: Endpoint, document: Record, kind: Kind, reference: str) -> PostedDocument:
    """Release a document and wait until it is. Raise BusinessFailed (not_released) when the ERP leaves it as it was."""
    if text(document, "Status") in kind.in_effect:
        return posted(document, kind, reference)
    failure: CallFailed | None = None
    try:
        await _release(endpoint, kind, text(document, kind.number))
    except CallFailed as error:
        failure = error  # an earlier release may still have been under way, or its answer was lost: the document knows
    now = await endpoint.find(kind, reference)
    if now is not None and text(now, "Status") in kind.in_effect:
        return posted(now, kind, reference)
    raise failure or BusinessFailed(
        f"Acumatica says it released {kind.entity} {reference}, but the document is not released; open it in the ERP.",
        error_type="not_released",
        fault="theirs",
    )


async def _release(endpoint: Endpoint, kind: Kind, name: str) -> None:
    keys = {kind.type_field: kind.type} if kind.type else {}
    response = await endpoint.act(kind.entity, kind.release, wrapped(**keys, **{kind.number: name}))
    if response.status != 202:
        return
    path = status_path(response)
    template = f"{endpoint.path}/{kind.entity}/{kind.release}/status/{{id}}"
    pause = _FIRST_POLL
    while response.status == 202:
        await endpoint.exchange.sleep(pause)
        pause = min(pause * _SLOWER, _SLOWEST_POLL)
        response = await endpoint.exchange.send(
            Request(method="GET", path=path, template=template, headers=JSON, step="poll")
        )


def status_path(response: Response) -> str:
    """Return the path below our base URL of where an operation's status is. Raise SchemaDrift without one.

    The Location is relative to the host and holds the site's name, which our base URL holds too; only its path is
    used, so no answer can send us to another host.
    """
    path = urlsplit(response.headers.get("location", "")).path
    start = path.find("/entity/")
    if start < 0:
        raise SchemaDrift("Acumatica: 202 without a Location to ask.", field="Location", status=response.status)
    return path[start:]
