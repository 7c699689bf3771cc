from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from tests.integrations.sandbox.conftest import START, Sandbox, Start
from tests.integrations.sandbox.woocommerce_requests import (
    COUNTED,
    HELD,
    KEY,
    PAID,
    SECRET,
    Ask,
    asking,
    basic,
    effects,
    operations,
    setting,
    signed,
)


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("woocommerce")


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    return asking(sandbox)


# --- who may ask ----------------------------------------------------------------------------------------------------


async def test_a_stranger_is_told_that_they_cannot_list(ask: Ask) -> None:
    nobody = await ask("GET", "orders", auth=None)
    unknown = await ask("GET", "orders", auth=("ck_invalid", SECRET))

    assert (nobody[0], unknown[0]) == (401, 401)
    assert nobody[1] == unknown[1]
    assert nobody[1] == {
        "code": "woocommerce_rest_cannot_view",
        "message": "Sorry, you cannot list resources.",
        "data": {"status": 401},
    }


async def test_a_wrong_secret_of_a_known_key_is_an_error_of_its_own(ask: Ask) -> None:
    status, body, headers = await ask("GET", "orders", auth=(KEY, "cs_invalid"))

    assert (status, body["code"]) == (401, "woocommerce_rest_authentication_error")
    assert body["message"] == "Consumer secret is invalid."
    assert headers["WWW-Authenticate"].startswith('Basic realm="WooCommerce API.')


async def test_the_pair_in_the_query_wins_over_the_header(ask: Ask) -> None:
    good, bad = f"consumer_key={KEY}&consumer_secret={SECRET}", f"consumer_key={KEY}&consumer_secret=cs_invalid"

    assert (await ask("GET", f"orders?{good}", auth=None))[0] == 200
    assert (await ask("GET", f"orders?{good}", auth=(KEY, "cs_invalid")))[0] == 200
    assert (await ask("GET", f"orders?{bad}"))[0] == 401


async def test_a_proxy_that_strips_the_header_leaves_only_the_query(sandbox: Sandbox, ask: Ask) -> None:
    await setting(sandbox, strip_authorization=True)
    stripped = await ask("GET", "orders")
    status, _, _ = await ask("GET", f"orders?consumer_key={KEY}&consumer_secret={SECRET}")

    assert (stripped[0], stripped[1]["message"]) == (401, "Sorry, you cannot list resources.")
    assert status == 200


async def test_a_store_over_plain_http_takes_no_password(sandbox: Sandbox, ask: Ask) -> None:
    await setting(sandbox, https=False)
    plain = await ask("GET", "orders")
    url = f"{sandbox.url}/woocommerce/wp-json/wc/v3/orders"
    async with sandbox.client.get(url, params=signed("GET", url, {}, at=START, nonce="n1")) as answer:
        status = answer.status

    assert (plain[0], status) == (401, 200)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"secret": "cs_other"}, "Invalid signature - provided signature does not match."),
        ({"at": START - 901}, "Invalid timestamp."),
        ({"at": START + 901}, "Invalid timestamp."),
        ({"oauth_consumer_key": "ck_invalid"}, "Consumer key is invalid."),
        ({"oauth_signature_method": "PLAINTEXT"}, "Invalid signature - signature method is invalid."),
        ({"oauth_nonce": ""}, "Missing OAuth parameter oauth_nonce"),
    ],
)
async def test_a_signature_that_does_not_hold_is_refused(
    sandbox: Sandbox, changed: dict[str, Any], message: str
) -> None:
    url = f"{sandbox.url}/woocommerce/wp-json/wc/v3/orders"
    given = signed("GET", url, {"per_page": "1"}, **{"at": START, "nonce": "n1", **changed})
    async with sandbox.client.get(url, params=given) as answer:
        status, body = answer.status, await answer.json()

    assert (status, body["message"]) == (401, message)


async def test_a_retry_must_be_signed_afresh(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/woocommerce/wp-json/wc/v3/orders"
    statuses = []
    for nonce, method in (("n1", "HMAC-SHA256"), ("n1", "HMAC-SHA256"), ("n2", "HMAC-SHA1")):
        given = signed(
            "GET", url, {"after": "2026-09-01T00:00:00"}, at=START, nonce=nonce, oauth_signature_method=method
        )
        async with sandbox.client.get(url, params=given) as answer:
            statuses.append((answer.status, (await answer.json())["message"] if answer.status == 401 else ""))

    assert statuses == [(200, ""), (401, "Invalid nonce - nonce has already been used."), (200, "")]


@pytest.mark.parametrize(
    ("permissions", "method", "word"), [("read", "PUT", "write"), ("write", "GET", "read")], ids=["read", "write"]
)
async def test_a_key_is_held_to_what_it_is_for(
    sandbox: Sandbox, ask: Ask, permissions: str, method: str, word: str
) -> None:
    await setting(sandbox, permissions=permissions)
    status, body, _ = await ask(method, f"orders/{PAID}", {} if method == "PUT" else None)

    assert (status, body["code"]) == (401, "woocommerce_rest_authentication_error")
    assert body["message"] == f"The API key provided does not have {word} permissions."


async def test_rights_that_a_keys_user_lacks_are_403(sandbox: Sandbox, ask: Ask) -> None:
    await setting(sandbox, forbidden=["products"])
    status, body, _ = await ask("PUT", f"products/{COUNTED}", {"stock_quantity": 3})

    assert (status, body["code"]) == (403, "woocommerce_rest_cannot_edit")
    assert (await ask("GET", "orders"))[0] == 200


async def test_of_goods_that_are_not_there_even_a_stranger_is_told(ask: Ask) -> None:
    order = await ask("GET", "orders/1", auth=None)
    product = await ask("GET", "products/1", auth=None)

    assert (order[0], order[1]["code"]) == (401, "woocommerce_rest_cannot_view")
    assert (product[0], product[1]["code"]) == (404, "woocommerce_rest_product_invalid_id")


# --- paths, methods and parameters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("GET", "order"), ("DELETE", "orders"), ("POST", "products/x")])
async def test_a_path_and_a_method_that_are_not_there_are_both_404(ask: Ask, method: str, path: str) -> None:
    status, body, _ = await ask(method, path, {})

    assert (status, body["code"]) == (404, "rest_no_route")
    assert body["message"] == "No route was found matching the URL and request method."


async def test_a_store_answers_without_pretty_links_too(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/woocommerce/?rest_route=/wc/v3/orders/{PAID}"
    async with sandbox.client.get(url, headers=basic()) as answer:
        body = await answer.json()

    assert body["id"] == PAID
    assert await operations(sandbox) == ["get_order"]


async def test_everybody_sees_what_the_store_is(sandbox: Sandbox) -> None:
    async with sandbox.client.get(f"{sandbox.url}/woocommerce/wp-json/") as answer:
        body = await answer.json()
    async with sandbox.client.get(f"{sandbox.url}/woocommerce/shop/") as page:
        kind = page.content_type

    assert ("wc/v3" in body["namespaces"], body["timezone_string"]) == (True, "America/New_York")
    assert (page.status, kind) == (404, "text/html")


@pytest.mark.parametrize("how", ["query", "header"])
async def test_a_method_may_be_overridden_where_a_host_blocks_it(sandbox: Sandbox, ask: Ask, how: str) -> None:
    await setting(sandbox, blocked_methods=["PUT", "DELETE"])
    blocked = await ask("PUT", f"orders/{PAID}", {"status": "completed"})
    path = f"orders/{PAID}?_method=PUT" if how == "query" else f"orders/{PAID}"
    headers = {"X-HTTP-Method-Override": "PUT"} if how == "header" else {}
    status, body, _ = await ask("POST", path, {"status": "completed"}, headers=headers)

    assert blocked[0] == 501
    assert "<html>" in blocked[1]
    assert (status, body["status"]) == (200, "completed")
    assert await operations(sandbox) == ["mark_fulfilled", "mark_fulfilled"]


async def test_parameters_are_looked_at_before_the_key(ask: Ask) -> None:
    status, body, _ = await ask("GET", "orders?per_page=101&orderby=total&after=2026-10-01", auth=None)

    assert (status, body["code"]) == (400, "rest_invalid_param")
    assert body["message"] == "Invalid parameter(s): per_page, after, orderby"
    assert body["data"]["params"] == {
        "per_page": "per_page must be between 1 (inclusive) and 100 (inclusive)",
        "after": "Invalid date.",
        "orderby": "orderby is not one of date, id, include, title, slug, and modified.",
    }
    assert body["data"]["details"]["per_page"]["code"] == "rest_out_of_bounds"


@pytest.mark.parametrize(
    ("path", "sent", "name", "problem"),
    [
        ("orders/5048", {"status": "shipped"}, "status", "status is not one of auto-draft, pending"),
        ("orders/5048", {"status": "trash"}, "status", "status is not one of auto-draft, pending"),
        ("orders/5048", {"transaction_id": 7}, "transaction_id", "transaction_id is not of type string."),
        ("orders/5048", {"billing": {"email": "nobody"}}, "billing", "Invalid email address."),
        ("orders/5048", {"line_items": [{"quantity": "two"}]}, "line_items", "line_items[0][quantity] is not of type"),
        ("products/10034", {"stock_quantity": "few"}, "stock_quantity", "stock_quantity is not of type integer."),
        ("products/10034", {"stock_quantity": 2.5}, "stock_quantity", "stock_quantity is not of type integer."),
        ("products/10034", {"manage_stock": "yes"}, "manage_stock", "manage_stock is not of type boolean."),
        ("products/10034", {"regular_price": 9.99}, "regular_price", "regular_price is not of type string."),
        ("products/10034", {"stock_status": "gone"}, "stock_status", "stock_status is not one of instock, outofstock"),
    ],
)
async def test_a_field_of_the_wrong_kind_is_named(
    sandbox: Sandbox, ask: Ask, path: str, sent: Any, name: str, problem: str
) -> None:
    status, body, _ = await ask("PUT", path, sent)

    assert (status, body["code"]) == (400, "rest_invalid_param")
    assert body["message"] == f"Invalid parameter(s): {name}"
    assert body["data"]["params"][name].startswith(problem)
    assert await effects(sandbox) == []


async def test_a_body_that_is_no_json_is_refused_and_one_of_no_type_is_ignored(ask: Ask) -> None:
    broken = await ask("PUT", f"orders/{PAID}", data="{", headers={"Content-Type": "application/json"})
    plain = await ask("PUT", f"orders/{PAID}", data='{"status":"completed"}', headers={"Content-Type": "text/plain"})

    assert (broken[0], broken[1]["code"]) == (400, "rest_invalid_json")
    assert (plain[0], plain[1]["status"]) == (200, "processing")


async def test_an_id_in_the_body_goes_before_the_one_in_the_path(ask: Ask) -> None:
    status, body, _ = await ask("PUT", f"orders/{PAID}", {"id": HELD, "customer_note": "Ring twice"})

    assert (status, body["id"], body["customer_note"]) == (200, HELD, "Ring twice")


async def test_an_unknown_id_is_404_to_a_look_and_400_to_a_change(ask: Ask) -> None:
    look, change = await ask("GET", "orders/9"), await ask("PUT", "orders/9", {"status": "completed"})
    webhook = await ask("GET", "webhooks/9")

    assert [(one[0], one[1]["code"]) for one in (look, change, webhook)] == [
        (404, "woocommerce_rest_shop_order_invalid_id"),
        (400, "woocommerce_rest_shop_order_invalid_id"),
        (400, "woocommerce_rest_shop_webhook_invalid_id"),
    ]


# --- what stands before the store -----------------------------------------------------------------------------------


async def test_the_store_has_no_limit_and_its_host_may(sandbox: Sandbox, ask: Ask) -> None:
    free = await ask("GET", "orders?per_page=1")
    await setting(sandbox, quotas=[["host", 2, 60]])
    answers = [await ask("GET", "orders?per_page=1") for _ in range(3)]
    other = await ask("GET", "orders?per_page=1", auth=("ck_other", "cs_other"))
    await setting(sandbox, retry_after=False)
    silent = await ask("GET", "orders?per_page=1")
    sandbox.clock.move(61)
    later = await ask("GET", "orders?per_page=1")

    assert not [name for name in free[2] if "limit" in name.lower()]
    assert [one[0] for one in answers] == [200, 200, 429]
    assert (answers[2][2]["Retry-After"], answers[2][2]["Content-Type"]) == ("60", "text/html; charset=UTF-8")
    assert (other[0], silent[0], "Retry-After" in silent[2], later[0]) == (200, 429, False, 200)


async def test_a_quota_does_not_use_up_a_nonce(sandbox: Sandbox) -> None:
    await setting(sandbox, quotas=[["host", 5, 60]])
    url = f"{sandbox.url}/woocommerce/wp-json/wc/v3/orders"
    async with sandbox.client.get(url, params=signed("GET", url, {}, at=START, nonce="n1")) as answer:
        status = answer.status

    assert status == 200


@pytest.mark.parametrize(
    ("name", "status", "word"),
    [("status:503", 503, "scheduled maintenance"), ("status:500", 500, "critical error"), ("status:502", 502, "nginx")],
)
async def test_an_outage_is_a_page_and_no_json(sandbox: Sandbox, ask: Ask, name: str, status: int, word: str) -> None:
    await sandbox.fault("woocommerce", name, operation="list_orders")
    answer = await ask("GET", "orders")
    other = await ask("GET", f"orders/{PAID}")

    assert answer[0] == status
    assert word in answer[1]
    assert answer[2].get("Retry-After") == ("600" if status == 503 else None)
    assert other[0] == 200


async def test_a_proxy_may_challenge_and_php_may_warn_before_the_json(sandbox: Sandbox, ask: Ask) -> None:
    await setting(sandbox, challenge=True)
    challenged = await ask("GET", "orders")
    await setting(sandbox, challenge=None, php_warnings=True)
    url = f"{sandbox.url}/woocommerce/wp-json/wc/v3/orders/{PAID}"
    async with sandbox.client.get(url, headers=basic()) as answer:
        kind, text = answer.content_type, await answer.text()

    assert (challenged[0], challenged[2]["cf-mitigated"]) == (403, "challenge")
    assert (answer.status, kind) == (200, "application/json")
    assert text.startswith("<br />\n<b>Warning</b>")
    assert json.loads(text[text.index("{") :])["id"] == PAID


async def test_a_broken_schema_loses_the_id(sandbox: Sandbox, ask: Ask) -> None:
    await sandbox.fault("woocommerce", "schema")
    _, listed, _ = await ask("GET", "orders")
    _, one, _ = await ask("GET", f"orders/{PAID}")
    _, empty, _ = await ask("GET", "orders?page=99")
    _, part, _ = await ask("POST", "products/batch", {"update": [{"id": COUNTED}]})

    assert "id" not in listed[0]
    assert one["id"] == f"{PAID}-broken"
    assert empty == {"data": []}
    assert isinstance(part, list)


async def test_a_lost_answer_has_had_its_effect(sandbox: Sandbox, ask: Ask) -> None:
    await sandbox.fault("woocommerce", "lost_answer", operation="mark_fulfilled")
    with pytest.raises(aiohttp.ClientError):
        await ask("PUT", f"orders/{PAID}", {"status": "completed"})

    assert (await ask("GET", f"orders/{PAID}"))[1]["status"] == "completed"
    assert [kind for kind, *_ in await effects(sandbox)] == ["fulfilment"]
