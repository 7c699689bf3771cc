from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import jsonschema
import pytest
import yaml

from integrations.sandbox.tap import money, samples
from integrations.sandbox.tap.sources import OUTCOMES
from tests.contracts import contract
from tests.integrations.sandbox.conftest import START, Sandbox, Start

KEY = "sk_test_quayside"
BUYER: dict[str, Any] = {
    "first_name": "Noor",
    "last_name": "Saleh",
    "email": "noor@example.com",
    "phone": {"country_code": 965, "number": 50000000},
}
CHARGE: dict[str, Any] = {
    "amount": 10.5,
    "currency": "KWD",
    "customer": BUYER,
    "source": {"id": "src_all"},
    "reference": {"transaction": "txn_A-1", "order": "A-1"},
    "redirect": {"url": "https://shop.example/back?o=1"},
    "post": {"url": "https://shop.example/hook"},
}
DIRECT = {**CHARGE, "source": {"id": "tok_sandboxCaptured"}}
MINUTE, HOUR, DAY = 60, 3_600, 86_400

Call = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("tap")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one request; the answer is status and JSON, its fractions as decimals."""

    async def send(method: str, path: str, body: Any = None, key: str = KEY) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        url = f"{sandbox.url}/tap/v2/{path}"
        async with sandbox.client.request(method, url, data=data, headers=headers) as answer:
            return answer.status, json.loads(await answer.text(), parse_float=Decimal)

    return send


async def setting(sandbox: Sandbox, **values: Any) -> None:
    await sandbox.control("PUT", "settings", {"tap": values})


async def decide(sandbox: Sandbox, made: Any, outcome: str = "APPROVED") -> str:
    """Play the customer on Tap's page; return where the browser is sent."""
    url = made["transaction"]["url"]
    async with sandbox.client.post(url, data={"outcome": outcome}, allow_redirects=False) as answer:
        assert answer.status == 302
        return answer.headers["Location"]


async def captured(call: Call, **change: Any) -> Any:
    status, made = await call("POST", "charges", {**DIRECT, **change})

    assert (status, made.get("status")) == (200, "CAPTURED"), made
    return made


async def authorized(call: Call, **change: Any) -> Any:
    status, made = await call("POST", "authorize", {**DIRECT, **change})

    assert (status, made.get("status")) == (200, "AUTHORIZED"), made
    return made


async def effects(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["reference"], one["amount"]) for one in await sandbox.effects("tap")]


def capture_of(held: Any, amount: float) -> dict[str, Any]:
    return {
        "amount": amount,
        "currency": held["currency"],
        "customer": {"id": held["customer"]["id"]},
        "source": {"id": held["id"]},
        "reference": {"order": "A-1"},
    }


# --- the contract ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def document() -> Any:
    return yaml.safe_load(contract("tap/thirdparty-tap-payments-openapi.yml").read_bytes())


def check(schema: str, value: Any) -> None:
    """Raise AssertionError unless the value is a good one with every member the contract names."""
    whole = document()
    plain = json.loads(json.dumps(value, default=float))
    validator = jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": whole["components"]}
    )

    assert [error.message for error in validator.iter_errors(plain)] == []
    assert set(whole["components"]["schemas"][schema]["properties"]) - set(plain) == set()


async def test_every_answer_is_as_the_contract_has_it(sandbox: Sandbox, call: Call) -> None:
    waiting = (await call("POST", "charges", CHARGE))[1]
    taken = await captured(call)
    held = await authorized(call)
    refund_body = {"charge_id": taken["id"], "amount": 1, "currency": "KWD", "reason": "requested_by_customer"}
    refund = (await call("POST", "refunds", refund_body))[1]
    card = {"number": "5123450000000008", "exp_month": 1, "exp_year": 39, "cvc": "100"}

    for charge in (waiting, taken, held):
        check("Charge", charge)
    check("Charge", (await call("GET", f"charges/{taken['id']}"))[1])
    check("Charge", (await call("PUT", f"charges/{taken['id']}", {"description": "x"}))[1])
    check("Charge", (await call("GET", f"authorize/{held['id']}"))[1])
    check("Charge", (await call("PUT", f"authorize/{held['id']}", {"description": "x"}))[1])
    check("ChargeList", (await call("POST", "charges/list", {}))[1])
    check("Refund", refund)
    check("Refund", (await call("GET", f"refunds/{refund['id']}"))[1])
    check("Token", (await call("POST", "tokens", {"card": card}))[1])
    check("Error", (await call("GET", "charges/chg_nothing"))[1])


async def test_requests_are_good_ones_by_the_contract() -> None:
    schema = {"$ref": "#/components/schemas/ChargeInput", "components": document()["components"]}
    text = {**CHARGE, "customer": {**BUYER, "phone": {"country_code": "965", "number": "50000000"}}}

    assert list(jsonschema.Draft202012Validator(schema).iter_errors(text)) == []


# --- keys and errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "2107"),
        ("nonsense", "2104"),
        ("sk_test_invalid", "2104"),
        ("sk_live_quayside", "1101"),
        ("pk_test_quayside", "2106"),
    ],
)
async def test_a_bad_key_is_a_401_with_a_code_of_its_own(call: Call, key: str, code: str) -> None:
    status, answer = await call("POST", "charges/list", {}, key)

    assert (status, [one["code"] for one in answer["errors"]]) == (401, [code])


async def test_only_the_scheme_bearer_in_its_own_letters_will_do(sandbox: Sandbox) -> None:
    url, headers = f"{sandbox.url}/tap/v2/charges/list", {"Authorization": f"basic {KEY}"}
    async with sandbox.client.post(url, json={}, headers=headers) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": None}, "1117"),
        ({"amount": 0}, "1117"),
        ({"amount": -1}, "1117"),
        ({"amount": "10.5"}, "1117"),
        ({"amount": True}, "1117"),
        ({"amount": 10.1234}, "1117"),
        ({"amount": 10.123, "currency": "SAR"}, "1117"),
        ({"currency": None}, "1118"),
        ({"currency": "kwd"}, "1118"),
        ({"currency": "XXX"}, "1119"),
        ({"source": None}, "1124"),
        ({"source": {"id": "src_nobody"}}, "1125"),
        ({"source": {"id": "tok_nobody"}}, "1125"),
        ({"source": {"id": "src_sa.mada"}}, "1119"),
        ({"source": {"id": "auth_nobody"}}, "1115"),
        ({"customer": None}, "1129"),
        ({"customer": {"email": "a@example.com"}}, "1130"),
        ({"customer": {"first_name": "Noor"}}, "1139"),
        ({"customer": {"first_name": "Noor", "email": "noor"}}, "1138"),
        ({"customer": {"first_name": "N", "phone": {"country_code": "x", "number": "5"}}}, "1136"),
        ({"customer": {"first_name": "N", "phone": {"country_code": "965", "number": "five"}}}, "1137"),
        ({"customer": {"id": "x"}}, "1105"),
        ({"customer": {"id": "cus_nobody"}}, "1106"),
        ({"redirect": None}, "1110"),
        ({"redirect": {"url": "shop"}}, "1111"),
        ({"redirect": {"url": "http://localhost:8050/back"}}, "1111"),
        ({"reference": {"order": "x" * 101}}, "1122"),
        ({"reference": {"transaction": "x" * 101}}, "1123"),
        ({"description": "x" * 1_001}, "1121"),
        ({"statement_descriptor": "x" * 61}, "1120"),
        ({"metadata": {"x" * 251: "y"}}, "1127"),
        ({"metadata": {"x": "y" * 1_001}}, "1128"),
        ({"transaction": {"expiry": {"period": 61}}}, "1103"),
        ({"threeDSecure": "yes"}, "1103"),
    ],
)
async def test_bad_input_is_refused_with_its_code(sandbox: Sandbox, call: Call, change: Any, code: str) -> None:
    status, answer = await call("POST", "charges", {**CHARGE, **change})

    assert (status, answer["errors"][0]["code"]) == (404 if code in ("1115", "1106") else 400, code)
    assert await effects(sandbox) == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
async def test_what_is_no_json_object_is_refused(call: Call, body: bytes) -> None:
    status, answer = await call("POST", "charges", body)

    assert (status, answer) == (400, {"errors": [{"code": "2100", "description": "Invalid JSON request"}]})


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("charges/chg_nobody", 404, "1144"),
        ("charges/x", 400, "1143"),
        ("authorize/auth_nobody", 404, "1115"),
        ("authorize/x", 400, "1113"),
        ("refunds/re_nobody", 404, "1160"),
        ("refunds/x", 400, "1159"),
        ("nonsense", 404, "2102"),
    ],
)
async def test_what_is_not_there_is_a_404(call: Call, path: str, status: int, code: str) -> None:
    found, answer = await call("GET", path)

    assert (found, answer["errors"][0]["code"]) == (status, code)


async def test_one_request_too_many_is_a_429_without_any_header(start: Start) -> None:
    sandbox = await start("tap", settings={"tap": {"quotas": [["requests", 1, 60]]}})
    url, key = f"{sandbox.url}/tap/v2/charges/list", {"Authorization": f"Bearer {KEY}"}
    other = {"Authorization": "Bearer sk_test_other"}
    async with sandbox.client.post(url, headers=key) as first, sandbox.client.post(url, headers=key) as second:
        statuses = first.status, second.status
        told = [name for name in second.headers if "retry" in name.lower() or "limit" in name.lower()]
    async with sandbox.client.post(url, headers=other) as apart:
        assert apart.status == 200

    assert (statuses, told) == ((200, 429), [])


async def test_a_broken_schema_loses_what_a_reader_needs(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("tap", "schema")
    _, charge = await call("POST", "charges", DIRECT)
    _, found = await call("POST", "charges/list", {})

    assert ("status" in charge, charge["amount"], "charges" in found) == (False, "10.5 KWD", False)


# --- charges --------------------------------------------------------------------------------------------------------


async def test_a_charge_succeeds_without_being_paid(sandbox: Sandbox, call: Call) -> None:
    status, made = await call("POST", "charges", CHARGE)

    assert (status, made["status"], made["response"]) == (200, "INITIATED", {"code": "100", "message": "Initiated"})
    assert made["transaction"]["created"] == str(int(START) * 1_000)
    assert made["activities"][0]["created"] == int(START) * 1_000
    assert made["reference"] == {"transaction": "txn_A-1", "order": "A-1"}
    assert await effects(sandbox) == [("order", "A-1", "10.500 KWD")]


async def test_the_customer_comes_back_with_the_id_and_the_charge_tells_the_rest(sandbox: Sandbox, call: Call) -> None:
    made = (await call("POST", "charges", CHARGE))[1]
    async with sandbox.client.get(made["transaction"]["url"]) as page:
        shown = page.status
    back = await decide(sandbox, made)
    async with sandbox.client.get(made["transaction"]["url"]) as page:
        again = page.status
    _, paid = await call("GET", f"charges/{made['id']}")

    assert (shown, again, back) == (200, 404, f"https://shop.example/back?o=1&tap_id={made['id']}")
    assert (paid["status"], paid["response"]["code"], "url" in paid["transaction"]) == ("CAPTURED", "000", False)
    assert [one["remarks"] for one in paid["activities"]] == ["charge - created", "charge - captured"]
    assert paid["customer"]["id"].startswith("cus_TS")
    assert await effects(sandbox) == [("order", "A-1", "10.500 KWD"), ("payment", "A-1", "10.500 KWD")]


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_payment_that_fails_is_a_200_with_a_status(sandbox: Sandbox, call: Call, outcome: str) -> None:
    made = (await call("POST", "charges", CHARGE))[1]
    back = await decide(sandbox, made, outcome)
    status, found = await call("GET", f"charges/{made['id']}")
    wanted = OUTCOMES[outcome]

    assert (status, found["status"], found["response"]["code"]) == (200, wanted.status, wanted.code)
    assert back.endswith(f"tap_id={made['id']}")
    assert [kind for kind, _, _ in await effects(sandbox)] == ["order"]


async def test_a_declined_token_is_a_200_at_once(call: Call) -> None:
    status, made = await call("POST", "charges", {**CHARGE, "source": {"id": "tok_sandboxDeclined"}})

    assert (status, made["status"], made["response"]) == (200, "DECLINED", {"code": "501", "message": "Declined"})


async def test_amounts_keep_the_digits_of_their_currency_in_one_place_only(sandbox: Sandbox, call: Call) -> None:
    made = await captured(call)
    whole = await captured(call, amount=1_000, currency="SAR")

    assert (str(made["amount"]), str(made["transaction"]["amount"])) == ("10.500", "10.5")
    assert (str(whole["amount"]), str(whole["transaction"]["amount"])) == ("1000.00", "1000")
    assert ("payment", "A-1", "1000.00 SAR") in await effects(sandbox)


@pytest.mark.parametrize(("amount", "short"), [("10.500", "10.5"), ("100.00", "100"), ("0.10", "0.1")])
def test_the_short_form_has_no_powers_of_ten(amount: str, short: str) -> None:
    assert str(money.short(Decimal(amount))) == short


async def test_phone_numbers_go_out_as_numbers_and_come_back_as_text(call: Call) -> None:
    made = (await call("POST", "charges", CHARGE))[1]

    assert made["customer"]["phone"] == {"country_code": "965", "number": "50000000"}


async def test_a_page_nobody_uses_closes(sandbox: Sandbox, call: Call) -> None:
    made = (await call("POST", "charges", {**CHARGE, "transaction": {"expiry": {"period": 5, "type": "MINUTE"}}}))[1]
    sandbox.clock.move(5 * MINUTE)
    _, found = await call("GET", f"charges/{made['id']}")
    async with sandbox.client.post(made["transaction"]["url"], data={"outcome": "APPROVED"}) as answer:
        page = answer.status

    assert (found["status"], found["response"]["code"], page) == ("ABANDONED", "301", 404)


async def test_a_card_in_3d_secure_needs_its_bearer_and_any_other_does_not(sandbox: Sandbox, call: Call) -> None:
    secured = {**CHARGE, "source": {"id": "tok_sandboxSecured"}}
    sent = (await call("POST", "charges", secured))[1]
    unasked = (await call("POST", "charges", {**secured, "threeDSecure": False}))[1]
    await setting(sandbox, allow_non_3ds=False)
    status, refused = await call("POST", "charges", {**secured, "threeDSecure": False})
    await decide(sandbox, sent)

    assert (sent["status"], unasked["status"]) == ("INITIATED", "CAPTURED")
    assert (status, refused["errors"][0]["code"]) == (400, "1109")
    assert (await call("GET", f"charges/{sent['id']}"))[1]["card"]["last_four"] == "1019"


@pytest.mark.parametrize(
    ("month", "year", "status"),
    [(1, 39, "CAPTURED"), (5, 22, "DECLINED"), (4, 2027, "FAILED"), (8, 28, "TIMEDOUT"), (5, 37, "UNKNOWN")],
)
async def test_the_expiry_date_of_a_test_card_decides(call: Call, month: int, year: int, status: str) -> None:
    card = {"number": "4012000033330026", "exp_month": month, "exp_year": year, "cvc": "100"}
    token = (await call("POST", "tokens", {"card": card}, "pk_test_quayside"))[1]
    made = (await call("POST", "charges", {**CHARGE, "source": {"id": token["id"]}}))[1]
    again = await call("POST", "charges", {**CHARGE, "source": {"id": token["id"]}})

    assert made["status"] == status
    assert (again[0], again[1]["errors"][0]["code"]) == (400, "1126")


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424242", "exp_month": 1, "exp_year": 39}, "1140"),
        ({"exp_month": 1, "exp_year": 39}, "1140"),
        ({"number": "4012000033330026", "exp_month": 13, "exp_year": 39}, "1141"),
        ({"number": "4012000033330026", "exp_month": "x", "exp_year": 39}, "1141"),
    ],
)
async def test_a_card_that_is_none_makes_no_token(call: Call, card: Any, code: str) -> None:
    status, answer = await call("POST", "tokens", {"card": card})

    assert (status, answer["errors"][0]["code"]) == (400, code)


async def test_a_customer_who_paid_is_known_by_the_id(call: Call) -> None:
    first = await captured(call)
    second = await captured(call, customer={"id": first["customer"]["id"]})

    assert second["customer"] == first["customer"]


async def test_fawry_is_in_progress_until_somebody_pays_in_a_shop(sandbox: Sandbox, call: Call) -> None:
    body = {**CHARGE, "currency": "EGP", "amount": 100, "source": {"id": "src_eg.fawry"}}
    made = (await call("POST", "charges", body))[1]
    await decide(sandbox, made)

    assert (made["status"], made["response"]["code"]) == ("IN_PROGRESS", "200")
    assert (await call("GET", f"charges/{made['id']}"))[1]["status"] == "CAPTURED"


async def test_only_what_is_said_about_a_charge_can_be_changed(call: Call) -> None:
    made = await captured(call)
    path = f"charges/{made['id']}"
    changes = {"description": "new", "metadata": {"a": "b"}, "receipt": {"email": True}}
    _, changed = await call("PUT", path, changes)
    status, refused = await call("PUT", path, {"amount": 1})

    assert (changed["method"], changed["description"], changed["metadata"]) == ("UPDATE", "new", {"a": "b"})
    assert changed["receipt"]["email"] is True
    assert (status, refused["errors"][0]["code"]) == (400, "1103")


async def test_a_trailing_slash_leads_to_the_same_place(call: Call) -> None:
    status, made = await call("POST", "charges/", DIRECT)

    assert (status, (await call("GET", f"charges/{made['id']}/"))[1]["id"]) == (200, made["id"])


# --- authorize, capture, void ---------------------------------------------------------------------------------------


async def test_a_charge_with_an_authorize_as_its_source_is_the_capture(sandbox: Sandbox, call: Call) -> None:
    held = await authorized(call)
    status, taken = await call("POST", "charges", capture_of(held, 10.5))
    _, after = await call("GET", f"authorize/{held['id']}")
    operations = [one["operation"] for one in await sandbox.requests("tap")]

    assert (held["response"]["code"], held["auto"]) == ("001", {"status": "SCHEDULED", "type": "VOID", "time": 168})
    assert (status, taken["status"], taken["id"].startswith("chg_")) == (200, "CAPTURED", True)
    assert after["status"] == "CAPTURED"
    assert operations == ["create_payment", "capture_payment", "get_payment"]
    assert [kind for kind, _, _ in await effects(sandbox)] == ["order", "payment", "capture"]


async def test_a_capture_may_take_less_but_never_more_than_is_held(call: Call) -> None:
    held = await authorized(call)
    too_much = await call("POST", "charges", capture_of(held, 10.501))
    part = await call("POST", "charges", capture_of(held, 4))
    rest_and_more = await call("POST", "charges", capture_of(held, 6.501))

    assert [one[1]["errors"][0]["code"] for one in (too_much, rest_and_more)] == ["1150", "1150"]
    assert (part[0], str(part[1]["amount"])) == (200, "4.000")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"currency": "SAR"}, "1149"),
        ({"customer": None}, "1129"),
        ({"threeDSecure": False}, "1103"),
        ({"customer_initiated": False}, "1103"),
    ],
)
async def test_a_capture_must_fit_its_authorize(call: Call, change: Any, code: str) -> None:
    held = await authorized(call)
    status, answer = await call("POST", "charges", {**capture_of(held, 1), **change})

    assert (status, answer["errors"][0]["code"]) == (400, code)


async def test_another_customer_cannot_be_captured_from(call: Call) -> None:
    held, other = await authorized(call), await captured(call)
    body = {**capture_of(held, 1), "customer": {"id": other["customer"]["id"]}}
    status, answer = await call("POST", "charges", body)

    assert (status, answer["errors"][0]["code"]) == (400, "1107")


async def test_a_void_lets_go_once_and_nothing_can_be_captured_then(sandbox: Sandbox, call: Call) -> None:
    held = await authorized(call)
    status, void = await call("POST", f"authorize/{held['id']}/void", {})
    again = await call("POST", f"authorize/{held['id']}/void", {})
    late = await call("POST", "charges", capture_of(held, 1))

    assert (status, void["status"], void["response"]) == (200, "VOID", {"code": "601", "message": "Void"})
    assert [(one[0], one[1]["errors"][0]["code"]) for one in (again, late)] == [(400, "1114")] * 2
    assert (await effects(sandbox))[-1] == ("void", "A-1", "10.500 KWD")


@pytest.mark.parametrize(("kind", "status", "effect"), [("VOID", "VOID", "void"), ("CAPTURE", "CAPTURED", "capture")])
async def test_an_authorize_comes_due_after_its_hours(
    sandbox: Sandbox, call: Call, kind: str, status: str, effect: str
) -> None:
    held = await authorized(call, auto={"type": kind, "time": 2})
    sandbox.clock.move(2 * HOUR - 1)
    before = (await call("GET", f"authorize/{held['id']}"))[1]
    sandbox.clock.move(1)
    after = (await call("GET", f"authorize/{held['id']}"))[1]

    assert (before["status"], after["status"]) == ("AUTHORIZED", status)
    assert (await effects(sandbox))[-1] == (effect, "A-1", "10.500 KWD")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"auto": {"type": "LATER"}}, "1152"),
        ({"auto": {"type": "VOID", "time": 0}}, "1153"),
        ({"auto": {"type": "VOID", "time": 169}}, "1153"),
        ({"source": {"id": "src_kw.knet"}}, "1125"),
    ],
)
async def test_a_bad_authorize_is_refused_with_its_code(call: Call, change: Any, code: str) -> None:
    status, answer = await call("POST", "authorize", {**DIRECT, **change})

    assert (status, answer["errors"][0]["code"]) == (400, code)


# --- idempotency ----------------------------------------------------------------------------------------------------


async def test_the_same_string_returns_the_first_answer_and_makes_nothing(sandbox: Sandbox, call: Call) -> None:
    body = {**CHARGE, "reference": {"order": "A-1", "idempotent": "A-1-1"}}
    first = (await call("POST", "charges", body))[1]
    await decide(sandbox, first)
    second = (await call("POST", "charges", {**body, "amount": 99}))[1]
    other_key = (await call("POST", "charges", body, "sk_test_other"))[1]

    assert second == first
    assert (second["status"], "idempotent" in second["reference"]) == ("INITIATED", False)
    assert other_key["id"] != first["id"]
    keys = [one["idempotency_key"] for one in await sandbox.requests("tap") if one["operation"] == "create_payment"]
    assert keys == ["A-1-1"] * 3
    assert [kind for kind, _, _ in await effects(sandbox)] == ["order", "payment", "order"]


async def test_a_string_is_forgotten_after_a_day(sandbox: Sandbox, call: Call) -> None:
    body = {**CHARGE, "reference": {"idempotent": "A-1-1"}}
    first = (await call("POST", "charges", body))[1]
    sandbox.clock.move(DAY - 1)
    within = (await call("POST", "charges", body))[1]
    sandbox.clock.move(1)
    after = (await call("POST", "charges", body))[1]

    assert (within["id"], after["id"] == first["id"]) == (first["id"], False)


async def test_a_decline_is_replayed_so_that_a_second_try_needs_a_new_string(call: Call) -> None:
    declined = {
        **CHARGE,
        "source": {"id": "tok_sandboxDeclined"},
        "reference": {"order": "A-1", "idempotent": "A-1-1"},
    }
    first = (await call("POST", "charges", declined))[1]
    better = {**declined, "source": {"id": "tok_sandboxCaptured"}}
    replayed = (await call("POST", "charges", better))[1]
    fresh = (await call("POST", "charges", {**better, "reference": {"order": "A-1", "idempotent": "A-1-2"}}))[1]

    assert (first["status"], replayed["id"], fresh["status"]) == ("DECLINED", first["id"], "CAPTURED")


async def test_a_refusal_is_not_kept(call: Call) -> None:
    body = {**CHARGE, "reference": {"idempotent": "A-1-1"}}
    refused = await call("POST", "charges", {**body, "amount": 0})
    taken = await call("POST", "charges", body)

    assert (refused[0], taken[0]) == (400, 200)


async def test_refunds_captures_and_authorizes_know_the_string_too(sandbox: Sandbox, call: Call) -> None:
    key = {"reference": {"order": "A-1", "idempotent": "same"}}
    held = [await authorized(call, **key) for _ in range(2)]
    taken = [(await call("POST", "charges", {**capture_of(held[0], 5), **key}))[1] for _ in range(2)]
    body = {"charge_id": taken[0]["id"], "amount": 1, "currency": "KWD", "reason": "returned", **key}
    refunds = [(await call("POST", "refunds", body))[1] for _ in range(2)]

    assert [pair[0]["id"] == pair[1]["id"] for pair in (held, taken, refunds)] == [True] * 3
    assert [kind for kind, _, _ in await effects(sandbox)] == ["order", "payment", "capture", "refund"]


# --- refunds --------------------------------------------------------------------------------------------------------


def refund_of(charge: Any, amount: float, **change: Any) -> dict[str, Any]:
    body = {"charge_id": charge["id"], "amount": amount, "currency": charge["currency"], "reason": "returned"}
    return {**body, "reference": {"merchant": "R-1"}, **change}


async def test_a_refund_is_pending_first_and_the_charge_never_tells(sandbox: Sandbox, call: Call) -> None:
    charge = await captured(call)
    status, refund = await call("POST", "refunds", refund_of(charge, 4.25))
    sandbox.clock.move(60)
    _, later = await call("GET", f"refunds/{refund['id']}")

    assert (status, refund["status"], refund["response"]["code"]) == (200, "PENDING", "100")
    assert (later["status"], later["response"], str(later["amount"])) == (
        "REFUNDED",
        {"code": "000", "message": "Refunded"},
        "4.250",
    )
    assert (await call("GET", f"charges/{charge['id']}"))[1]["status"] == "CAPTURED"
    assert (await effects(sandbox))[-1] == ("refund", "R-1", "4.250 KWD")


async def test_refunds_add_up_to_the_charge_and_no_further(call: Call) -> None:
    charge = await captured(call)
    await call("POST", "refunds", refund_of(charge, 10))
    status, refused = await call("POST", "refunds", refund_of(charge, 0.501))
    last = await call("POST", "refunds", refund_of(charge, 0.5))

    assert (status, refused["errors"][0]["code"], last[0]) == (400, "1161", 200)


@pytest.mark.parametrize("outcome", ["DECLINED", "FAILED", "RESTRICTED"])
async def test_a_refund_that_comes_to_nothing_can_be_tried_again(sandbox: Sandbox, call: Call, outcome: str) -> None:
    await setting(sandbox, refund_outcome=outcome)
    charge = await captured(call)
    refund = (await call("POST", "refunds", refund_of(charge, 10.5)))[1]
    sandbox.clock.move(60)
    later = (await call("GET", f"refunds/{refund['id']}"))[1]

    assert later["status"] == outcome
    assert (await call("POST", "refunds", refund_of(charge, 10.5)))[0] == 200


async def test_a_refund_stays_pending_while_the_wallet_is_short(sandbox: Sandbox, call: Call) -> None:
    await setting(sandbox, wallet_short=True)
    charge = await captured(call)
    refund = (await call("POST", "refunds", refund_of(charge, 1)))[1]
    sandbox.clock.move(DAY)
    waiting = (await call("GET", f"refunds/{refund['id']}"))[1]["status"]
    await setting(sandbox, wallet_short=False)
    sandbox.clock.move(60)

    assert waiting == "PENDING"
    assert (await call("GET", f"refunds/{refund['id']}"))[1]["status"] == "REFUNDED"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"charge_id": None}, "1142"),
        ({"charge_id": "x"}, "1143"),
        ({"charge_id": "chg_nobody"}, "1144"),
        ({"charge_id": samples.DECLINED}, "1103"),
        ({"currency": "SAR"}, "1149"),
        ({"amount": 0}, "1117"),
        ({"reason": None}, "1156"),
        ({"reason": "x" * 251}, "1157"),
    ],
)
async def test_a_bad_refund_is_refused_with_its_code(call: Call, change: Any, code: str) -> None:
    charge = await captured(call)
    status, answer = await call("POST", "refunds", {**refund_of(charge, 1), **change})

    assert (status, answer["errors"][0]["code"]) == (404 if code == "1144" else 400, code)


async def test_only_the_metadata_of_a_refund_can_be_changed(call: Call) -> None:
    charge = await captured(call)
    refund = (await call("POST", "refunds", refund_of(charge, 1)))[1]
    changed = (await call("PUT", f"refunds/{refund['id']}", {"metadata": {"a": "b"}}))[1]
    refused = await call("PUT", f"refunds/{refund['id']}", {"amount": 2})

    assert (changed["metadata"], refused[0]) == ({"a": "b"}, 400)


# --- lists ----------------------------------------------------------------------------------------------------------


async def test_pages_go_on_after_the_last_id(call: Call) -> None:
    first = (await call("POST", "charges/list", {}))[1]
    second = (await call("POST", "charges/list", {"starting_after": first["charges"][-1]["id"], "limit": "25"}))[1]
    created = [int(one["transaction"]["created"]) for one in first["charges"] + second["charges"]]

    assert (first["count"], first["has_more"], second["count"], second["has_more"]) == (25, True, 15, False)
    assert created == sorted(created, reverse=True)
    assert first["object_type"] == "list"


@pytest.mark.parametrize("factor", [1, 1_000])
async def test_a_period_may_be_in_seconds_or_in_milliseconds(call: Call, factor: int) -> None:
    made = await captured(call)
    date = {"from": int(START) * factor, "to": str((int(START) + 1) * factor)}
    _, found = await call("POST", "charges/list", {"period": {"date": date, "type": "1"}})

    assert [one["id"] for one in found["charges"]] == [made["id"]]


async def test_charges_are_found_by_reference_status_currency_customer_and_id(call: Call) -> None:
    made = await captured(call, reference={"order": "A-77"})
    await captured(call, reference={"order": "A-78"}, currency="SAR")
    filters: list[dict[str, Any]] = [
        {"reference": {"order": "A-77"}},
        {"charges": [made["id"]]},
        {"customers": [made["customer"]["id"]]},
        {"status": "CAPTURED", "currency": "KWD", "sources": ["tok_sandboxCaptured"]},
        {"payment_methods": ["VISA"], "reference": {"order": "A-77"}},
    ]
    found = [(await call("POST", "charges/list", one))[1]["charges"] for one in filters]

    assert [[one["id"] for one in charges] for charges in found] == [[made["id"]]] * len(filters)


async def test_refunds_are_found_by_their_charge_oldest_first_where_asked(call: Call) -> None:
    charge, other = await captured(call), await captured(call)
    ids = [(await call("POST", "refunds", refund_of(one, 1)))[1]["id"] for one in (charge, charge, other)]
    body = {"charges": [charge["id"]], "order": "chronological"}

    assert [one["id"] for one in (await call("POST", "refunds/list", body))[1]["refunds"]] == ids[:2]


async def test_where_there_is_nothing_to_list_a_refusal_can_come(sandbox: Sandbox, call: Call) -> None:
    empty = await call("POST", "refunds/list", {})
    await setting(sandbox, empty_refused=True)
    refused = await call("POST", "refunds/list", {})

    assert (empty[0], empty[1]["refunds"], empty[1]["has_more"]) == (200, [], False)
    assert (refused[0], refused[1]["errors"][0]["code"]) == (400, "1160")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"limit": 51}, "1162"),
        ({"limit": 0}, "1162"),
        ({"limit": "many"}, "1162"),
        ({"starting_after": "chg_nobody"}, "1144"),
        ({"order": "sideways"}, "1103"),
        ({"period": {"date": {"from": 1_790_000_000, "to": 1_793_000_000}}}, "1103"),
        ({"period": {"date": {"from": 1_790_000_000}}}, "1103"),
        ({"charges": "chg_1"}, "1103"),
    ],
)
async def test_a_bad_list_is_refused_with_its_code(call: Call, body: Any, code: str) -> None:
    status, answer = await call("POST", "charges/list", body)

    assert (status, answer["errors"][0]["code"]) == (404 if code == "1144" else 400, code)


async def test_charges_are_not_listed_by_get(call: Call) -> None:
    assert (await call("GET", "charges"))[0] == 405


# --- what is there already ------------------------------------------------------------------------------------------


async def test_samples_of_known_names_can_be_paid_captured_voided_and_refunded(sandbox: Sandbox, call: Call) -> None:
    waiting = (await call("GET", f"charges/{samples.INITIATED}"))[1]
    await decide(sandbox, waiting)
    held = (await call("GET", f"authorize/{samples.AUTHORIZED}"))[1]
    taken = await call("POST", "charges", capture_of(held, 10.5))
    refund = await call("POST", "refunds", refund_of({"id": samples.CAPTURED, "currency": "KWD"}, 1))
    declined = (await call("GET", f"charges/{samples.DECLINED}"))[1]

    assert (taken[0], refund[0], declined["status"]) == (200, 200, "DECLINED")
    assert [kind for kind, _, _ in await effects(sandbox)] == ["payment", "capture", "refund"]


async def test_a_sample_can_be_voided_unseen(sandbox: Sandbox, call: Call) -> None:
    status, void = await call("POST", f"authorize/{samples.AUTHORIZED}/void")

    assert (status, void["status"]) == (200, "VOID")
    assert await effects(sandbox) == [("void", "SAMPLE-AUTHORIZED", "10.500 KWD")]


async def test_the_past_is_no_effect_and_the_same_for_the_same_seed(start: Start) -> None:
    seen = []
    for _ in range(2):
        sandbox = await start("tap")
        url, key = f"{sandbox.url}/tap/v2/charges/list", {"Authorization": f"Bearer {KEY}"}
        async with sandbox.client.post(url, json={"limit": 50}, headers=key) as answer:
            seen.append(await answer.json())

        assert await sandbox.effects("tap") == []
    statuses = {one["status"] for one in seen[0]["charges"]}
    assert seen[0] == seen[1]
    assert (len(seen[0]["charges"]), statuses >= {"CAPTURED", "DECLINED"}) == (40, True)
