"""searchStream and search: a query's rows as chunks of an array, or as pages.

Settings: ``chunk_rows`` (100; rows of a chunk of searchStream), ``page_rows`` (10000; rows of a page of search),
``break_stream`` ({"after", "error"}: the next stream ends with that error after so many chunks, at status 200).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from integrations.sandbox.google_ads.accounts import customer
from integrations.sandbox.google_ads.errors import query_error, request_error, wished
from integrations.sandbox.google_ads.fields import camel
from integrations.sandbox.google_ads.grammar import Query, parse
from integrations.sandbox.google_ads.messages import read
from integrations.sandbox.google_ads.meters import Meters
from integrations.sandbox.google_ads.report import rows
from integrations.sandbox.google_ads.shapes import SEARCH, STREAM
from integrations.sandbox.google_ads.tokens import VENDOR
from integrations.sandbox.twin import Ask, World


class Searches:
    """Answers queries."""

    def __init__(self, world: World, meters: Meters) -> None:
        self._world = world
        self._meters = meters

    def __repr__(self) -> str:
        return f"<Searches {self._meters!r}>"

    def stream(self, ask: Ask, id: str) -> list[dict[str, Any]]:
        """Return the chunks of an answer, one at least; raises ``Refused``."""
        request = read(ask.body, STREAM)
        query, found = self._report(ask, request.get("query", ""))
        size = int(self._world.setting(VENDOR, "chunk_rows", 100))
        chunks: list[dict[str, Any]] = [
            {
                **({"results": found[start : start + size]} if found else {}),
                "fieldMask": _mask(query),
                "requestId": id,
                "queryResourceConsumption": str(37 + 2 * len(found)),
            }
            for start in range(0, max(1, len(found)), size)
        ]
        broken = self._world.settings.get(VENDOR, {}).pop("break_stream", None)
        if broken:
            return [*chunks[: int(broken["after"])], wished(str(broken["error"])).body(ask.match["version"], id)]
        return chunks

    def search(self, ask: Ask, id: str) -> dict[str, Any]:
        """Return a page of an answer; raises ``Refused``."""
        request = read(ask.body, SEARCH)
        if int(request.get("pageSize", 0)):
            raise request_error("PAGE_SIZE_NOT_SUPPORTED", "Setting the page size is not supported.", "page_size")
        settings, token = request.get("searchSettings", {}), request.get("pageToken", "")
        if request.get("validateOnly") and token:
            raise request_error("VALIDATE_ONLY_REQUEST_HAS_PAGE_TOKEN", "A page token cannot be validated.")
        query, found = self._report(ask, request.get("query", ""), counts=not token)
        if request.get("validateOnly"):
            return {}
        size = int(self._world.setting(VENDOR, "page_rows", 10_000))
        start = _page_start(token) if token else 0
        page = found[start : start + size]
        answer: dict[str, Any] = {
            **({"results": page} if page and not settings.get("omitResults") else {}),
            "fieldMask": _mask(query),
            "queryResourceConsumption": str(37 + 2 * len(page)),
        }
        if start + size < len(found):
            answer["nextPageToken"] = _page_token(start + size)
        if settings.get("returnTotalResultsCount"):
            answer["totalResultsCount"] = str(len(found))
        return answer

    def _report(self, ask: Ask, text: str, *, counts: bool = True) -> tuple[Query, list[dict[str, Any]]]:
        """Return a query and its rows; a further page of one is not another operation."""
        owner = customer(self._world, ask.match["id"])
        self._meters.spend(ask.headers["developer-token"], owner.id, 1 if counts else 0)
        if not text.strip():
            raise query_error("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
        query = parse(text)
        return query, rows(self._world, owner, query)


def _mask(query: Query) -> str:
    return ",".join(".".join(camel(part) for part in name.split(".")) for name in query.fields)


def _page_token(start: int) -> str:
    return base64.urlsafe_b64encode(f"page:{start}".encode()).decode()


def _page_start(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not re.fullmatch(r"page:\d+", text):
        raise request_error("INVALID_PAGE_TOKEN", "Page token is invalid.", "page_token")
    return int(text[5:])
