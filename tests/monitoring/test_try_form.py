"""The forms of the try-outs: what a link holds and never holds, whose fault a refusal is, what the API is asked."""

from __future__ import annotations

import json
import re
import subprocess
from urllib.parse import parse_qs

import pytest
from dash import no_update

from db.engine import Database
from monitoring.context import DashboardContext
from monitoring.pages.try_curl import as_curl
from monitoring.pages.try_form import Form, blamed, from_url, strange_codes, to_url, typed
from monitoring.pages.try_out import FORMS, changes, frame, refused
from monitoring.pages.try_shipping import FORM as SHIPPING
from monitoring.pages.try_tax import FORM as TAX
from monitoring.sale_lines import sale_lines


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_link_brings_back_every_example_as_it_was(form: Form) -> None:
    for differs in form.examples.values():
        values = {**form.example, **differs}
        search = to_url(form, values, "?range=7d")
        found = from_url(form, search)

        assert found == {name: values[name] for name in found}
        assert "range=7d" in search


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_every_example_can_be_asked(form: Form) -> None:
    for differs in form.examples.values():
        body, wrong = form.body({**form.example, **differs})

        assert wrong == {}
        assert body


def test_no_link_holds_a_street_or_a_vat_number() -> None:
    shipping = {**SHIPPING.example, "to_street": "Olaya Street 5", "at_city": "Boston"}
    tax = {**TAX.example, "number": "FR40300000122", "to_street": "Rue de Rivoli 10", "to_city": "Lyon"}

    assert parse_qs(to_url(SHIPPING, shipping, "")).keys().isdisjoint({"to_street", "at_street"})
    assert "FR40300000122" not in to_url(TAX, tax, "")
    assert "Rivoli" not in to_url(TAX, tax, "")
    assert to_url(TAX, {**TAX.example, "number": "FR40300000122"}, "") == ""
    assert "number" not in from_url(TAX, "?number=FR40300000122&to_city=Lyon")


def test_the_first_example_stands_in_no_link_and_a_field_left_empty_stays_empty() -> None:
    emptied = {**SHIPPING.example, "at_state": "", "value": ""}

    assert to_url(SHIPPING, SHIPPING.example, "?range=1h") == "?range=1h"
    assert from_url(SHIPPING, "?range=1h")["at_state"] == "TN"
    assert from_url(SHIPPING, to_url(SHIPPING, emptied, ""))["at_state"] == ""
    assert from_url(SHIPPING, to_url(SHIPPING, emptied, ""))["sort"] == "price"


def test_a_refusal_of_the_api_is_told_at_its_field() -> None:
    by_field, rest = blamed(
        SHIPPING,
        {
            "shipment.destination.country": "no country",
            "shipment.destination.postal_code": "no code",
            "shipment.destination": "a place",
            "shipment.parcels.1.weight_kg": "too heavy",
            "shipment.declared_value.currency": "no currency",
            "carriers.0": "no carrier",
            "nowhere": "strange",
        },
    )

    assert by_field == {
        "to_country": "no country",
        "to_postal": "no code",
        "to_street": "a place",
        "parcels": "Line 2, weight_kg: too heavy",
        "value_in": "no currency",
        "carriers": "no carrier",
    }
    assert rest == ["nowhere: strange"]


def test_a_refusal_marks_its_field_and_says_that_nobody_was_asked() -> None:
    ids = [{"field": "parcels"}, {"field": "pays"}]
    notice, errors, toasts = refused(SHIPPING, {"shipment.parcels": "Line 1: no", "elsewhere": "What?"}, ids)
    text = json.dumps(notice.to_plotly_json(), default=lambda part: part.to_plotly_json())

    assert errors == ["Line 1: no", None]
    assert "Nothing was asked." in text
    assert "What?" in text
    assert toasts is no_update


def test_a_code_of_the_wrong_form_is_told_at_its_field_and_an_empty_one_is_left_to_the_api() -> None:
    values = {**SHIPPING.example, "at_country": "usa", "to_country": "", "value_in": "dollars", "pays": "eur"}

    assert strange_codes(SHIPPING, values) == {
        "shipment.origin.country": "“USA” is no country; write two letters, such as DE.",
        "shipment.declared_value.currency": "“DOLLARS” is no currency; write three letters, such as USD.",
    }


@pytest.mark.parametrize(("sandbox", "real"), [(True, False), (False, True)])
async def test_a_page_says_that_asking_has_no_effects_and_whether_it_is_real(
    database: Database, sandbox: bool, real: bool
) -> None:
    context = DashboardContext(db=database, vendors=[], syncs=[], sandbox=sandbox)
    text = json.dumps(frame(SHIPPING, context), default=lambda part: part.to_plotly_json())

    assert "A quote has no effects: no label is made and nothing is booked." in text
    assert ("Real vendors are asked." in text) == real


def test_only_what_differs_is_written_into_the_fields() -> None:
    ids = [{"field": "at_country"}, {"field": "to_street"}, {"field": "carriers"}]
    found = changes(SHIPPING, {"at_country": "DE", "carriers": "ups,fedex"}, ids, ["US", "mine", None])

    assert found == ["DE", no_update, ["ups", "fedex"]]
    assert changes(SHIPPING, {"at_country": "US"}, ids, ["US", "mine", []]) == [no_update] * 3


def test_several_carriers_and_a_home_reach_the_api() -> None:
    values = typed(SHIPPING, [{"field": "carriers"}, {"field": "home"}], [["ups", "fedex"], "yes"])
    body, _wrong = SHIPPING.body(values)

    assert body["carriers"] == ["ups", "fedex"]
    assert body["shipment"]["destination"]["residential"] is True
    assert body["shipment"]["origin"]["lines"] == ["Main Street 1"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Give at least one line; write it as 100.00; 1; standard; BAG."),
        ("a bag", "Line 1: “a bag” is no line of a sale; write it as 100.00; 1; standard; BAG."),
        ("1\n1;2;3;4;5", "Line 2: “1;2;3;4;5” is no line of a sale"),
        ("1\n" * 51, "That are more than 50 lines; ask for a few of them."),
    ],
)
def test_a_line_of_a_sale_that_cannot_be_read_is_said(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as said:
        sale_lines(text, "EUR")

    assert str(said.value).startswith(sentence)


def test_a_line_of_a_sale_needs_only_its_amount() -> None:
    assert sale_lines("-10.50\n100; 2; zero; BOOK", "EUR") == [
        {"amount": {"amount": "-10.50", "currency": "EUR"}, "quantity": "1"},
        {"amount": {"amount": "100", "currency": "EUR"}, "quantity": "2", "tax_code": "zero", "sku": "BOOK"},
    ]


def test_the_command_survives_a_shell_with_quotes_in_it_and_holds_no_token() -> None:
    body = {"city": "Sana'a", "note": 'a "$HOME" `date`'}
    command = as_curl("https://quayside.example/try/tax?to_country=YE", "/api/v1/tax/quotes", body)
    script = command.replace("curl ", "printf '%s\\n' ", 1)
    said = subprocess.run(
        ["/bin/sh", "-c", script], env={"TOKEN": "qs_1"}, capture_output=True, text=True, check=True
    ).stdout

    assert said.startswith("https://quayside.example/api/v1/tax/quotes\n-H\nAuthorization: Bearer qs_1\n")
    assert json.loads(said.partition("--data-raw\n")[2]) == body
    assert "Bearer $TOKEN" in command
