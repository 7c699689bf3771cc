"""VIES' twin: the paths of both interfaces below the Commission's host. Nobody signs in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson
from lxml import etree

from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World
from integrations.sandbox.vies.checks import VENDOR, Checks
from integrations.sandbox.vies.rest import Rest, refusal
from integrations.sandbox.vies.soap import TYPES, Soap
from integrations.sandbox.vies.wsdl import wsdl

_ROOT = "/taxation_customs/vies"
_API = f"{_ROOT}/rest-api"
_SERVICE, _TEST_SERVICE = f"{_ROOT}/services/checkVatService", f"{_ROOT}/test-services/checkVatTestService"
_CODES = {
    400: "INVALID_INPUT",
    408: "TIMEOUT",
    429: "GLOBAL_MAX_CONCURRENT_REQ",
    503: "SERVICE_UNAVAILABLE",
    504: "TIMEOUT",
}


class ViesTwin:
    """The settings are those of ``Checks``, ``Rest`` and ``Soap``."""

    name = VENDOR
    latency = Latency(median=0.5, p95=2.2)
    quotas: Sequence[Quota] = ()  # what is limited is how much is asked at once, not how often

    def __init__(self, world: World) -> None:
        self._checks = Checks(world)
        self._rest = Rest(world, self._checks)
        self._soap = Soap(world, self._checks)

    def __repr__(self) -> str:
        return f"<ViesTwin {self._checks!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the routes of both interfaces, of their test services, and of the WSDL."""
        check, rest, soap = "check_vat_number", self._rest, self._soap
        return (
            Route(method="POST", path=f"{_API}/check-vat-number", operation=check, answer=rest.check),
            Route(method="POST", path=f"{_API}/check-vat-test-service", operation=check, answer=rest.test),
            Route(method="GET", path=f"{_API}/check-status", operation="look_up", answer=rest.status),
            Route(method="GET", path=f"{_API}/ms/{{state}}/vat/{{number}}", operation=check, answer=rest.look),
            Route(method="POST", path=_SERVICE, operation=check, answer=soap.check),
            Route(method="POST", path=_TEST_SERVICE, operation=check, answer=soap.test),
            *(
                Route(method="GET", path=path, operation="get_wsdl", answer=self._describe, counts=False)
                for path in (f"{_ROOT}/checkVatService.wsdl", f"{_SERVICE}.wsdl")
            ),
        )

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return the throttle of the service as a whole: an error within a 200, which names no wait."""
        return refusal("GLOBAL_MAX_CONCURRENT_REQ", 200)

    def unavailable(self, status: int) -> Answer:
        """Return REST's error body; which status comes with which code is unconfirmed."""
        return refusal(_CODES.get(status, "SERVICE_UNAVAILABLE"), status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without its ``valid``."""
        if answer.body.startswith(b"{"):
            value = orjson.loads(answer.body)
            value.pop("valid", None)
            return replace(answer, body=orjson.dumps(value))
        root = etree.fromstring(answer.body)
        for element in list(root.iter(f"{{{TYPES}}}valid")):
            element.getparent().remove(element)
        return replace(answer, body=etree.tostring(root))

    async def _describe(self, ask: Ask) -> Answer:
        return Answer(headers=(("Content-Type", "text/xml"),), body=wsdl(f"{ask.base_url}{_SERVICE}"))
