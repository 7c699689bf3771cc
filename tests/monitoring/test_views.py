"""What a saved view may be called, and which address it may open."""

from __future__ import annotations

import pytest

from monitoring.pages.views import address_problem, name_problem


@pytest.mark.parametrize("address", ["/", "/calls?vendor=fedex&range=24h", "/traces/a-b.c:1", "/x?text=a%20b%3Cc"])
def test_the_address_of_a_page_can_be_kept(address: str) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize(
    "address",
    ["", "calls", "//evil.example/x", "/\\evil.example", "javascript:alert(1)", "/calls\n", "/a b", "/x" * 1001],
)
def test_what_leads_elsewhere_cannot(address: str) -> None:
    assert address_problem(address) is not None


@pytest.mark.parametrize("name", ["", "x" * 61, "two\nlines"])
def test_a_name_is_one_short_line(name: str) -> None:
    assert name_problem(name) == "Give it a name of up to 60 characters."
