from __future__ import annotations

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from integrations.sandbox.deliveries import Delivery, control
from integrations.sandbox.twin import Ask


def ask(body: bytes) -> Ask:
    return Ask(
        method="POST",
        path="/deliveries",
        match={},
        query=MultiDict(),
        headers=CIMultiDictProxy(CIMultiDict()),
        body=body,
        base_url="http://127.0.0.1:8060/till",
    )


def sold(url: str, secret: str) -> list[Delivery]:
    return [Delivery(type="sale", headers={"X-Signature": f"{secret}@{url}"}, body="{}")]


async def test_deliveries_are_made_for_the_address_and_the_secret() -> None:
    wanted = ask(b'{"url": "https://ops.example/hook", "secret": "s"}')
    plain = await control(sold).answer(wanted)
    keyed = await control(sold, lambda: "MFkw").answer(wanted)

    made = {"type": "sale", "headers": {"X-Signature": "s@https://ops.example/hook"}, "body": "{}"}
    assert (plain.status, orjson.loads(plain.body)) == (200, {"deliveries": [made]})
    assert orjson.loads(keyed.body) == {"deliveries": [made], "public_key": "MFkw"}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"url": "https://ops.example/hook"}', b'{"url": 1, "secret": "s"}'])
async def test_a_request_without_address_or_secret_is_refused_with_the_form(body: bytes) -> None:
    answer = await control(sold).answer(ask(body))

    assert (answer.status, b"url and secret" in answer.body) == (400, True)
