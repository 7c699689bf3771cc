from __future__ import annotations

from dataclasses import dataclass

import pytest
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from integrations.sandbox.retention import forget_before
from integrations.sandbox.tokens import Issued, Token, bearer
from integrations.sandbox.twin import Ask


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic YTpi", ""), ("abc", ""), ("Bearer", ""), (None, "")],
)
def test_a_token_stands_behind_bearer_in_any_case(header: str | None, token: str) -> None:
    headers = CIMultiDictProxy(CIMultiDict({} if header is None else {"authorization": header}))
    ask = Ask(method="GET", path="/", match={}, query=MultiDict(), headers=headers, body=b"", base_url="")

    assert bearer(ask) == token


def test_the_oldest_tokens_are_forgotten() -> None:
    issued = Issued()
    for number in range(10_001):
        issued.add(str(number), Token(client_id="a", ends=float(number)))

    assert (len(issued), issued.get("0"), issued.get("10000")) == (10_000, None, Token(client_id="a", ends=10_000.0))


@dataclass
class Noted:
    at: float


def test_what_was_kept_up_to_a_moment_is_forgotten() -> None:
    kept = {"a": Noted(1.0), "b": Noted(2.0), "c": Noted(3.0)}
    forget_before(kept, 2.0)

    assert list(kept) == ["c"]
