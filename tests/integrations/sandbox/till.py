"""A vendor of no interest, so that the server can be tested by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from integrations.sandbox.twin import Answer, Ask, BodyTells, Latency, Quota, Route, Standing, World


class TillTwin:
    """Rings up sales: ``POST /sales`` with a reference is the only effect there is."""

    name = "till"
    latency = Latency(median=0.001, p95=0.002)
    quotas: Sequence[Quota] = (
        Quota(name="minute", limit=1000, seconds=60.0),
        Quota(name="sales", limit=900, seconds=60.0, operations=("ring_up",)),
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self.sales: list[str] = []

    def routes(self) -> Sequence[Route]:
        return (
            Route(method="POST", path="/sales", operation="ring_up", answer=self._ring_up),
            Route(method="GET", path="/sales/{number}", operation="get_sale", answer=self._get_sale),
            Route(method="GET", path="/free", operation="look_up", answer=self._list_sales, counts=False),
            Route(
                method="POST",
                path="/counter",
                operation="pay_in",
                answer=self._list_sales,
                body=BodyTells(
                    operations=("pay_out",),
                    operation=lambda ask: "pay_out" if b"out" in ask.body else None,
                    idempotency_key=lambda ask: ask.body.partition(b":")[2].decode() or None,
                ),
            ),
            Route(method="GET", path="/broken", operation="broken", answer=self._broken),
        )

    def controls(self) -> Sequence[Route]:
        return (Route(method="GET", path="/sales", operation="control", answer=self._list_sales),)

    def credential(self, ask: Ask) -> str:
        return ask.headers.get("Authorization", "")

    def announce(self, answer: Answer, standings: Sequence[Standing]) -> Answer:
        told = [("X-Left", f"{at.quota.name} {at.remaining}/{at.quota.limit} for {at.reset:g}") for at in standings]
        return replace(answer, headers=(*answer.headers, *told))

    async def _ring_up(self, ask: Ask) -> Answer:
        reference = orjson.loads(ask.body)["reference"]
        self.sales.append(reference)
        self._world.ledger.effect(
            vendor=self.name, kind="sale", reference=reference, id=str(len(self.sales)), amount="1"
        )
        return Answer.json({"sold": reference, "number": len(self.sales)}, headers=(("X-A", "1"), ("X-A", "2")))

    async def _get_sale(self, ask: Ask) -> Answer:
        return Answer.json({"number": ask.match["number"], "base_url": ask.base_url, "path": ask.path})

    async def _list_sales(self, ask: Ask) -> Answer:
        return Answer.json(self.sales)

    async def _broken(self, ask: Ask) -> Answer:
        raise RuntimeError("a twin with a bug")

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        return Answer.json({"slow_down": quota.name}, status=429, headers=(("Retry-After", f"{retry_after:.0f}"),))

    def unavailable(self, status: int) -> Answer:
        return Answer.json({"till_error": status}, status=status)

    def schema_broken(self, answer: Answer) -> Answer:
        value = orjson.loads(answer.body)
        value.pop("sold", None)
        return Answer.json(value)
