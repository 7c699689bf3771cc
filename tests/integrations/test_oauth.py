"""Bearer tokens: what a token endpoint answers, and what of it is used."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.errors import SchemaDrift
from integrations.oauth import basic, bearer
from integrations.outcome import Request
from tests.integrations.acme import Acme
from tests.integrations.vendors.exchange import FakeExchange, answer

ASK = Request(method="POST", path="/token", signed=False, step="sign_in")


def exchange(body: Any) -> FakeExchange:
    return FakeExchange(Acme({}), "read", [answer(body)])


def test_basic_is_the_pair_in_base64() -> None:
    assert basic("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


async def test_the_vendors_own_life_of_a_token_wins() -> None:
    access = await bearer(exchange({"access_token": "t", "expires_in": 14399}), ASK, expires_in=60.0)

    assert (access.headers, access.expires_in) == ({"authorization": "Bearer t"}, 14399)


async def test_a_life_that_is_not_told_is_the_documented_one() -> None:
    access = await bearer(exchange({"access_token": "t", "token_type": "Bearer"}), ASK, expires_in=60.0)

    assert access.expires_in == 60.0


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, {"access_token": "t", "expires_in": "soon"}])
async def test_an_answer_without_a_token_is_drift(body: Any) -> None:
    with pytest.raises(SchemaDrift):
        await bearer(exchange(body), ASK)
