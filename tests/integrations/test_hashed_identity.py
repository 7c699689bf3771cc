from __future__ import annotations

import pytest

from integrations.errors import InvalidInput
from integrations.hashed_identity import email, hashed, is_hash, phone_digits

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4's own example


def test_hash_is_sha_256_in_hexadecimal() -> None:
    assert hashed("abc") == ABC


def test_hash_is_not_hashed_again() -> None:
    assert is_hash(ABC)
    assert hashed(ABC) == ABC
    assert (email(ABC.upper()), phone_digits(ABC.upper())) == (ABC, ABC)


@pytest.mark.parametrize("text", [" Ada@Example.com ", "ada@example.com"])
def test_address_has_one_form(text: str) -> None:
    assert email(text) == "ada@example.com"


@pytest.mark.parametrize("text", ["+1 (415) 555-0123", "0014155550123", "1.415.555.0123", "+1/415/5550123"])
def test_number_has_one_form(text: str) -> None:
    assert phone_digits(text) == "14155550123"


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_stays_nothing(text: str) -> None:
    assert (email(text), phone_digits(text)) == ("", "")


@pytest.mark.parametrize("text", ["ada", "ada@", "@example.com", "ada lovelace@example.com", "a@b@c"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        email(text)

    assert caught.value.field == "email"


@pytest.mark.parametrize("text", ["0151 2345678", "555-012", "+1415555012345678", "call me", "+0415555012"])
def test_number_without_its_country_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        phone_digits(text)

    assert caught.value.field == "phone"
