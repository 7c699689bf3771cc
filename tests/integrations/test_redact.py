from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.guard import MASK
from integrations.redact import LONGEST_BODY, Redactor

KEPT = frozenset({"id", "status", "message", "codes", "Code", "amount", "total"})
SECRET = "hunter2-secret"
redactor = Redactor([SECRET, "k7Q"])


def test_json_keeps_structure_and_names_and_only_listed_values() -> None:
    body = b'{"id":"ch_1","name":"Noor","lines":[{"total":1.50,"sku":"A"},{"total":null}],"ok":true,"codes":["E1",2]}'

    assert json.loads(redactor.body(body, "application/json; charset=utf-8", KEPT) or "") == {
        "id": "ch_1",
        "name": MASK,
        "lines": [{"total": 1.5, "sku": MASK}, {"total": None}],
        "ok": MASK,
        "codes": ["E1", 2],
    }


def test_listed_name_does_not_list_what_is_inside_it() -> None:
    assert redactor.body(b'{"message":{"text":"x","id":"1"}}', "application/json", KEPT) == (
        '{"message":{"text":"•","id":"1"}}'
    )


def test_form_keeps_names_and_listed_values() -> None:
    body = b"amount=100&card%5Bnumber%5D=4242&metadata[id]=o-1&empty="

    assert redactor.body(body, "application/x-www-form-urlencoded", KEPT) == (
        "amount=100&card[number]=•&metadata[id]=o-1&empty="
    )


def test_xml_keeps_elements_and_listed_texts() -> None:
    body = b'<s:E xmlns:s="urn:s"><Code type="x">E1</Code><!-- no --><Name>Noor</Name>tail</s:E>'

    assert redactor.body(body, "text/xml", KEPT) == (
        '<s:E xmlns:s="urn:s"><Code type="•">E1</Code><Name>•</Name>•</s:E>'
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html><body>Noor</body></html>", "text/html"),
        (b"%PDF-1.4 Noor", "application/pdf"),
        (b'{"id": "x"', "application/json"),
        (b'{"id": "\xff"}', "application/json"),
        (b"Noor lives here", "text/plain"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Code>&b;</Code>', "application/xml"),
        (b"<Code>", "application/xml"),
        (b"[" * 5000 + b"]" * 5000, "application/json"),
        (b'{"id":"' + b"x" * 300_000 + b'"}', "application/json"),
    ],
)
def test_what_is_not_understood_is_kept_as_its_size(body: bytes, content_type: str) -> None:
    assert redactor.body(body, content_type, KEPT) == f"({len(body)} bytes of {content_type})"


def test_empty_body_is_none() -> None:
    assert (redactor.body(None, "", KEPT), redactor.body(b"", "application/json", KEPT)) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail jane.doe+x@mail.example.com now", "mail • now"),
        ("mail jane%40example.com", "mail •"),
        ("card 4242 4242 4242 4242.", "card •."),
        ("card 5555-5555-5555-4444", "card •"),
        ("call +44 20 7946 0958 today", "call • today"),
        (f"key {SECRET}!", "key •!"),
        ("short k7Q too", "short k7Q too"),  # shorter than any credential: masking it would mask half of every text
        ("hunter2%2Dsecret stays apart", "hunter2%2Dsecret stays apart"),
        ("Bearer abcdefghijklmnop", "•"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: •"),
        ("sk_live_abcdefghijkl", "•"),
        ("xoxb-1234-5678-abcdef", "•"),
        ("SG.abcdefghijk.lmnopqrstuvw", "•"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "•"),
        ("app_id=0123456789abcdef", "•"),
        ("order 1234567890123 weighs 2.5 kg", "order 1234567890123 weighs 2.5 kg"),
        ("HTTP 503 after 12.5 s at 2026-03-02T12:00:00", "HTTP 503 after 12.5 s at 2026-03-02T12:00:00"),
        ("pi_3MtwBwLkdIwHu7ix28a3tqPa", "pi_3MtwBwLkdIwHu7ix28a3tqPa"),
    ],
)
def test_guards_hold_in_sentences_and_listed_values_alike(text: str, expected: str) -> None:
    assert redactor.text(text) == expected
    assert json.loads(redactor.body(json.dumps({"message": text}).encode(), "application/json", KEPT) or "") == {
        "message": expected
    }


def test_card_number_as_a_number_is_masked_and_so_is_a_personal_name_of_a_field() -> None:
    assert redactor.body(b'{"id":4242424242424242,"jane@example.com":1}', "application/json", KEPT) == (
        '{"id":"•","•":"•"}'
    )


def test_path_keeps_the_query_by_allow_list() -> None:
    assert (
        redactor.path("/customers/jane%40example.com?page=2&email=jane&$top=5") == "/customers/•?page=2&email=•&$top=5"
    )
    assert redactor.path(f"/v1/{SECRET}/x") == "/v1/•/x"
    assert redactor.path("/rate/v1/rates/quotes") == "/rate/v1/rates/quotes"


def test_long_lists_and_bodies_are_cut() -> None:
    listed = redactor.body(json.dumps({"codes": list(range(50))}).encode(), "application/json", KEPT)
    long = redactor.body(json.dumps({f"field_{n}": n for n in range(199)} | {"message": "y" * 9000}).encode(), "", KEPT)

    assert listed is not None
    assert json.loads(listed)["codes"][-1] == "… 30 more"
    assert long is not None
    assert len(long) <= LONGEST_BODY


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from(["application/json", "text/xml", "application/x-www-form-urlencoded", ""])
)
def test_no_bytes_break_it(body: bytes, content_type: str) -> None:
    found = redactor.body(body, content_type, KEPT)

    assert found is None if not body else isinstance(found, str)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=100, deadline=None)
@given(_values, st.integers(0, 3))
def test_secret_planted_anywhere_never_comes_out(value: object, place: int) -> None:
    planted = {"id": [f"a{SECRET}b"], "x": {SECRET: value}, "message": {"status": f"jane@example.com {SECRET}"}}
    names = list(planted)
    planted["y"] = {"codes": [value, planted[names[place % 3]]]}
    try:
        body = json.dumps(planted).encode()
    except ValueError:
        return

    found = redactor.body(body, "application/json", KEPT) or ""

    assert SECRET not in found
    assert "jane@example.com" not in found


def test_repr_shows_no_secret() -> None:
    assert re.fullmatch(r"<Redactor with <Guard knows \d+ forms of secrets>>", repr(redactor))


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "key-7"])
def test_secret_is_found_in_basic_credentials_whatever_the_user(user: str) -> None:
    encoded = base64.b64encode(f"{user}:{SECRET}".encode()).decode()

    shown = redactor.text(f"You sent {encoded} to us")

    assert encoded[-8:-2] not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "written", [quote('p&s"w/rd +é', safe=""), quote_plus('p&s"w/rd +é'), "p&amp;s&quot;w/rd +é", 'p&s\\"w/rd +\\u00e9']
)
def test_secret_is_found_as_others_write_it(written: str) -> None:
    assert Redactor(['p&s"w/rd +é']).text(f"<{written}>") == f"<{MASK}>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order 12 4111 1111 1111 1111 paid", "order 12 • paid"),
        ("4111 1111 1111 1111 12/29", "• 12/29"),
        ("pan4111111111111111x", "pan•x"),
        ("3782-822463-10005", "•"),
        ("4111\u00a01111\u00a01111\u00a01111", "•"),
        ("rate 0.4111111111111111", "rate 0.4111111111111111"),
        ("4111111111111112", "4111111111111112"),  # the sum does not fit
        ("1700000000003", "1700000000003"),  # milliseconds: no card begins with 1
        ("96110209876543210987", "96110209876543210987"),  # a tracking number, too long for a card
    ],
)
def test_card_numbers_go_and_other_numbers_stay(text: str, expected: str) -> None:
    assert redactor.text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Basic authentication failed", "Basic authentication failed"),
        ("Bearer authentication is required", "Bearer authentication is required"),
        ("the risk_assessment of re_3MmlLrLkdIwHu7ix", "the risk_assessment of re_3MmlLrLkdIwHu7ix"),
        ("phone: 020 7946 0958", "•"),
        ("at 2026-03-02T12:00:00+01:00", "at 2026-03-02T12:00:00+01:00"),
        ("o'brien%2540example.com", "o'•"),
    ],
)
def test_shapes_are_told_from_plain_words(text: str, expected: str) -> None:
    assert redactor.text(text) == expected


@pytest.mark.parametrize("at", range(1985, 2020, 5))
def test_what_is_cut_leaves_no_half_of_a_secret(at: int) -> None:
    long = Redactor([SECRET * 3])
    text = "jane.doe@example.com " * 60  # shrinks when it is masked, so the cut comes near
    text = text[:at].ljust(at, ".") + SECRET * 3 + "." * 3000

    assert "hunter2" not in long.text(text)


def test_an_own_entity_in_another_encoding_is_not_read() -> None:
    body = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><a><Code>E</Code>&b;Noor</a>'.encode(
        "utf-16"
    )

    assert redactor.body(body, "text/xml", KEPT) == f"({len(body)} bytes of text/xml)"


def test_a_very_long_name_is_masked() -> None:
    assert redactor.body(b'{"' + b"n" * 65 + b'":{"id":1}}', "application/json", KEPT) == '{"•":{"id":1}}'


def test_a_size_says_nothing_of_an_odd_content_type() -> None:
    assert redactor.body(b"%PDF", "jane@example.com", KEPT) == "(4 bytes)"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_no_text_and_no_path_break_it(text: str) -> None:
    assert len(redactor.text(text)) <= 1000
    assert len(redactor.path(text)) <= 1024


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab1 .-@%/:=", max_size=40), st.text(alphabet="ab1 .-@%/:=", max_size=40))
def test_planted_between_anything_nothing_comes_out(before: str, after: str) -> None:
    for planted in (SECRET, "sk_live_4eC39HqLyjWDarjtT1zdp7dc"):
        shown = redactor.text(f"{before} {planted} {after}") + redactor.path(f"/{before}/{planted}/{after}")

        assert planted not in shown
