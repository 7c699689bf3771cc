from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException
from yarl import URL

from integrations.sandbox.klaviyo import shapes
from tests.contracts import contract
from tests.integrations.sandbox.conftest import START, Sandbox, Start
from tests.integrations.sandbox.published import published

KEY = "pk_sandbox_0123456789"
ANN = "ann@example.com"
IMPORT, PROFILES, EVENTS, MANY = "/api/profile-import", "/api/profiles", "/api/events", "/api/event-bulk-create-jobs"
LISTS, SUBSCRIBE, HOOKS = "/api/lists", "/api/profile-subscription-bulk-create-jobs", "/api/webhooks"
MEMBERS = "/api/lists/{id}/relationships/profiles"

Call = Callable[..., Awaitable[tuple[int, Any, Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("klaviyo")


@pytest.fixture
def sdk(sandbox: Sandbox) -> Any:
    return connect(sandbox)


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one plain request; the answer is status, JSON (None without a body) and headers."""

    async def send_one(
        method: str, path: str, value: Any = None, *, auth: str = f"Klaviyo-API-Key {KEY}", **rest: Any
    ) -> tuple[int, Any, Any]:
        headers = {
            "Authorization": auth,
            "revision": "2026-07-15",
            "Accept": "application/vnd.api+json",
            "Content-Type": "application/vnd.api+json",
            **rest.pop("headers", {}),
        }
        headers = {name: text for name, text in headers.items() if text}
        body = rest.pop("data", None if value is None else orjson.dumps(value))
        url = URL(path if path.startswith("http") else f"{sandbox.url}/klaviyo{path}", encoded=True)
        async with sandbox.client.request(
            method, url, data=None if body is None else io.BytesIO(body), headers=headers, **rest
        ) as answer:
            raw = await answer.read()
            return answer.status, orjson.loads(raw) if raw else None, answer.headers

    return send_one


def connect(sandbox: Sandbox, key: str = KEY) -> Any:
    """Make the official client, told only the address; it asks once and leaves the waiting to us."""
    return KlaviyoAPI(key, max_retries=1, test_host=f"{sandbox.url}/klaviyo")


def person(email: str | None = ANN, *, id: str | None = None, **rest: Any) -> dict[str, Any]:
    """Return the body of a profile."""
    attributes = {**({} if email is None else {"email": email}), **rest}
    return {"data": {"type": "profile", "attributes": attributes, **({} if id is None else {"id": id})}}


def event(unique_id: str | None = "order-1001:placed", email: str = ANN, **change: Any) -> dict[str, Any]:
    """Return the body of an event, an attribute replaced or, with None, left out."""
    attributes = {
        "time": "2026-10-01T11:59:30+00:00",
        "value": 49.90,
        "value_currency": "USD",
        "unique_id": unique_id,
        "properties": {"OrderId": "1001"},
        "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
        "profile": person(email),
        **change,
    }
    kept = {name: value for name, value in attributes.items() if value is not None}
    return {"data": {"type": "event", "attributes": kept}}


def many(*events: dict[str, Any], email: str = ANN) -> dict[str, Any]:
    """Return the body of a bulk of one person's events."""
    rest = [{**one["data"], "attributes": {**one["data"]["attributes"]}} for one in events]
    for one in rest:
        one["attributes"].pop("profile")
    group = {"type": "event-bulk-create", "attributes": {"profile": person(email), "events": {"data": rest}}}
    return {"data": {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": {"data": [group]}}}}


def subscription(*people: dict[str, Any], list_id: str | None = None, **rest: Any) -> dict[str, Any]:
    """Return the body of a bulk subscription."""
    profiles = [{"type": "profile", "attributes": one} for one in people]
    data = {"type": "profile-subscription-bulk-create-job", "attributes": {"profiles": {"data": profiles}, **rest}}
    named = {} if list_id is None else {"relationships": {"list": {"data": {"type": "list", "id": list_id}}}}
    return {"data": {**data, **named}}


def agreed(*channels: str, **rest: Any) -> dict[str, Any]:
    """Return the subscriptions of somebody who said yes."""
    return {channel: {"marketing": {"consent": "SUBSCRIBED", **rest}} for channel in channels}


def webhook(*topics: str, **change: Any) -> dict[str, Any]:
    """Return the body of a webhook."""
    attributes = {
        "name": "Ours",
        "endpoint_url": "https://ops.example/webhooks/klaviyo",
        "secret_key": "s3cret",
        **change,
    }
    named = [{"type": "webhook-topic", "id": topic} for topic in topics]
    return {"data": {"type": "webhook", "attributes": attributes, "relationships": {"webhook-topics": {"data": named}}}}


def members(*ids: str) -> dict[str, Any]:
    return {"data": [{"type": "profile", "id": id} for id in ids]}


def filtered(path: str, text: str, **rest: str) -> str:
    """Return a path with a filter, percent-encoded as it has to be."""
    query = {"filter": text, **rest}
    return f"{path}?" + "&".join(f"{quote(name)}={quote(value)}" for name, value in query.items())


async def settle(sandbox: Sandbox, **settings: Any) -> None:
    """Change the twin's settings."""
    await sandbox.control("PUT", "settings", {"klaviyo": settings})


async def stored(call: Call, profile: str) -> list[dict[str, Any]]:
    _, found, _ = await call("GET", filtered(EVENTS, f'equals(profile_id,"{profile}")', sort="datetime"))
    return [one["attributes"] for one in found["data"]]


async def profile_id(call: Call, email: str = ANN) -> str:
    _, found, _ = await call("GET", filtered(PROFILES, f'equals(email,"{email}")'))
    (one,) = found["data"]
    return str(one["id"])


async def list_named(call: Call, name: str) -> str:
    _, found, _ = await call("GET", filtered(LISTS, f"equals(name,'{name}')"))
    (one,) = found["data"]
    return str(one["id"])


async def deliveries(sandbox: Sandbox) -> list[dict[str, Any]]:
    answer = await sandbox.control(
        "POST", "klaviyo/deliveries", {"url": "https://ops.example/webhooks/klaviyo", "secret": "s3cret"}
    )
    made: list[dict[str, Any]] = answer["deliveries"]
    return made


def without_nulls(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document without the links that lead nowhere: they are null, which the contract's type does not say."""
    links = {name: link for name, link in document["links"].items() if link is not None}
    return {**document, "links": links}


def bare(document: dict[str, Any]) -> dict[str, Any]:
    """Return errors without what recorded ones have over and above the contract."""
    extra = ("status", "links", "meta")
    return {"errors": [{key: one[key] for key in one if key not in extra} for one in document["errors"]]}


# The official client


async def test_official_client_imports_finds_and_updates_a_profile(sandbox: Sandbox, sdk: Any) -> None:
    body = person(external_id="c-1", first_name="Ann", properties={"tier": "gold"})
    made = await asyncio.to_thread(sdk.Profiles.create_or_update_profile, body)
    sandbox.clock.move(60)
    again = await asyncio.to_thread(sdk.Profiles.create_or_update_profile, person(first_name="Anna"))
    found = await asyncio.to_thread(sdk.Profiles.get_profiles, filter=f'equals(email,"{ANN}")')
    patched = await asyncio.to_thread(
        sdk.Profiles.update_profile, made.data.id, person(None, id=made.data.id, title="Dr")
    )
    one = await asyncio.to_thread(
        sdk.Profiles.get_profile, made.data.id, additional_fields_profile=["subscriptions", "predictive_analytics"]
    )

    assert (made.data.attributes.first_name, again.data.attributes.first_name) == ("Ann", "Anna")
    assert again.data.attributes.properties == {"tier": "gold"}  # left out is kept
    assert again.data.attributes.updated > made.data.attributes.updated
    assert [profile.id for profile in found.data] == [made.data.id] == [again.data.id]
    assert patched.data.attributes.title == "Dr"
    assert one.data.attributes.subscriptions.email.marketing.consent == "NEVER_SUBSCRIBED"
    assert [(effect["kind"], effect["reference"]) for effect in await sandbox.effects("klaviyo")] == [
        ("profile", "c-1")
    ] * 3
    operations = [seen["operation"] for seen in await sandbox.requests("klaviyo")]
    assert operations == ["upsert_profile", "upsert_profile", "look_up", "update_profile", "look_up_analytics"]


async def test_official_client_tracks_events_that_show_a_moment_later(sandbox: Sandbox, sdk: Any) -> None:
    sent = await asyncio.to_thread(sdk.Events.create_event, event())
    bulk = await asyncio.to_thread(sdk.Events.bulk_create_events, many(event("a"), event("b")))
    profile = (await asyncio.to_thread(sdk.Profiles.get_profiles, filter=f'equals(email,"{ANN}")')).data[0]
    wanted = {"filter": f'equals(profile_id,"{profile.id}")', "include": ["metric", "profile"]}
    at_once = await asyncio.to_thread(sdk.Events.get_events, **wanted)
    sandbox.clock.move(2)
    later = await asyncio.to_thread(sdk.Events.get_events, **wanted)
    one = await asyncio.to_thread(sdk.Events.get_event, later.data[0].id)
    metrics = await asyncio.to_thread(sdk.Metrics.get_metrics)
    metric = await asyncio.to_thread(sdk.Metrics.get_metric, one.data.relationships.metric.data.id)

    assert (sent, bulk) == (None, None)  # 202 has no body
    assert at_once.data == []
    assert {seen.attributes.event_properties["$event_id"] for seen in later.data} == {"order-1001:placed", "a", "b"}
    assert len(later.included) == 2
    assert one.data.attributes.event_properties["$value"] == 49.9
    assert metric.data.attributes.name == "Placed Order"
    assert metric.data.id in [seen.id for seen in metrics.data]
    effects = [seen for seen in await sandbox.effects("klaviyo") if seen["kind"] == "event"]
    assert [(seen["reference"], seen["amount"]) for seen in effects] == [
        ("order-1001:placed", "49.9 USD"),
        ("a", "49.9 USD"),
        ("b", "49.9 USD"),
    ]


async def test_official_client_makes_lists_fills_them_and_subscribes(sandbox: Sandbox, sdk: Any) -> None:
    made = await asyncio.to_thread(
        sdk.Lists.create_list, {"data": {"type": "list", "attributes": {"name": "Autumn", "opt_in_process": None}}}
    )
    profile = await asyncio.to_thread(sdk.Profiles.create_profile, person())
    await asyncio.to_thread(sdk.Lists.add_profiles_to_list, made.data.id, members(profile.data.id))
    on_it = await asyncio.to_thread(sdk.Lists.get_profiles_for_list, made.data.id)
    ids = await asyncio.to_thread(sdk.Lists.get_profile_ids_for_list, made.data.id)
    await asyncio.to_thread(sdk.Lists.remove_profiles_from_list, made.data.id, members(profile.data.id))
    emptied = await asyncio.to_thread(sdk.Lists.get_profile_ids_for_list, made.data.id)
    body = subscription({"email": ANN, "subscriptions": agreed("email")}, list_id=made.data.id)
    await asyncio.to_thread(sdk.Profiles.bulk_subscribe_profiles, body)
    subscribed = await asyncio.to_thread(
        sdk.Profiles.get_profile, profile.data.id, additional_fields_profile=["subscriptions"], include=["lists"]
    )
    await asyncio.to_thread(sdk.Lists.delete_list, made.data.id)

    assert made.data.attributes.opt_in_process == "single_opt_in"
    assert [one.id for one in on_it.data] == [one.id for one in ids.data] == [profile.data.id]
    assert on_it.data[0].attributes.joined_group_at is not None
    assert emptied.data == []
    marketing = subscribed.data.attributes.subscriptions.email.marketing
    assert (marketing.consent, marketing.method_detail) == ("SUBSCRIBED", made.data.id)


async def test_official_client_manages_webhooks(sandbox: Sandbox, sdk: Any) -> None:
    topics = await asyncio.to_thread(sdk.Webhooks.get_webhook_topics)
    made = await asyncio.to_thread(sdk.Webhooks.create_webhook, webhook("event:klaviyo.sent_sms"))
    sandbox.clock.move(60)
    changed = {"data": {"type": "webhook", "id": made.data.id, "attributes": {"enabled": False}}}
    await asyncio.to_thread(sdk.Webhooks.update_webhook, made.data.id, changed)
    sandbox.clock.move(60)
    one = await asyncio.to_thread(sdk.Webhooks.get_webhook, made.data.id)
    topic = "event:klaviyo.sent_sms"
    sandbox.clock.move(60)
    known = await asyncio.to_thread(sdk.Webhooks.get_webhook_topic, topic)
    sandbox.clock.move(60)
    await asyncio.to_thread(sdk.Webhooks.delete_webhook, made.data.id)
    sandbox.clock.move(60)
    left = await asyncio.to_thread(sdk.Webhooks.get_webhooks)

    assert topic in [seen.id for seen in topics.data]
    assert (one.data.attributes.enabled, known.data.id, left.data) == (False, topic, [])


async def test_official_client_reads_whose_key_it_is(sandbox: Sandbox, sdk: Any, call: Call) -> None:
    found = await asyncio.to_thread(sdk.Accounts.get_accounts)
    sandbox.clock.move(1)
    _, sparse, _ = await call("GET", "/api/accounts?fields%5Baccount%5D=public_api_key")

    assert [one.id for one in found.data] == [found.data[0].attributes.public_api_key]
    assert sparse["data"][0]["attributes"] == {"public_api_key": found.data[0].id}


async def test_official_client_raises_klaviyos_errors(sandbox: Sandbox, sdk: Any) -> None:
    async def refused(client: Any, body: Any) -> tuple[int, str]:
        with pytest.raises(ApiException) as caught:
            await asyncio.to_thread(client.Profiles.create_or_update_profile, body)
        return caught.value.status, json.loads(caught.value.body or "")["errors"][0]["code"]

    bad = await refused(sdk, person("not an address"))
    unknown = await refused(connect(sandbox, "pk_invalid"), person())
    await sandbox.fault("klaviyo", "rate_limit:60")
    throttled = await refused(sdk, person())

    assert bad == (400, "invalid")
    assert unknown == (401, "authentication_failed")
    assert throttled == (429, "throttled")
    assert await sandbox.effects("klaviyo") == []


# The contract


@pytest.mark.parametrize(
    ("file", "method", "path", "shape"),
    [
        ("profiles", "post", PROFILES, shapes.CREATE_PROFILE),
        ("profiles", "patch", f"{PROFILES}/{{id}}", shapes.UPDATE_PROFILE),
        ("profiles", "post", IMPORT, shapes.IMPORT_PROFILE),
        ("profiles", "post", SUBSCRIBE, shapes.SUBSCRIBE),
        ("events", "post", EVENTS, shapes.CREATE_EVENT),
        ("events", "post", MANY, shapes.CREATE_EVENTS),
        ("lists", "post", LISTS, shapes.CREATE_LIST),
        ("lists", "post", MEMBERS, shapes.MEMBERS),
        ("lists", "delete", MEMBERS, shapes.MEMBERS),
        ("webhooks", "post", HOOKS, shapes.CREATE_WEBHOOK),
        ("webhooks", "patch", f"{HOOKS}/{{id}}", shapes.UPDATE_WEBHOOK),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" in value else "",
)
def test_a_body_has_the_fields_the_contract_gives_it(file: str, method: str, path: str, shape: Any) -> None:
    document = orjson.loads(contract(f"klaviyo/{file}.json").read_bytes())
    body = document["paths"][path][method]["requestBody"]["content"]["application/vnd.api+json"]["schema"]

    assert dict(sorted(leaves(shape))) == dict(sorted(described(document, body)))


def leaves(shape: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield the places of one of our shapes with their kind; what must be there ends in "!"."""
    if isinstance(shape, dict):
        for name, inner in shape.items():
            yield from leaves(inner, f"{at}/{name}")
    elif isinstance(shape, list):
        yield from leaves(shape[0], f"{at}/*")
    else:
        yield at, shape


def described(document: dict[str, Any], schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    """Yield the places of a schema of the contract in the words of our shapes."""
    null = "?" if schema.get("nullable") else ""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        null = "?" if schema.get("nullable") else null
    if "properties" in schema:
        for name, inner in schema["properties"].items():
            needed = "!" if name in schema.get("required", ()) else ""
            yield from described(document, inner, f"{at}/{name}{needed}")
    elif schema.get("type") == "array":
        yield from described(document, schema["items"], f"{at}/*")
    elif "enum" in schema:
        yield at, f"={'|'.join(schema['enum'])}{null}"
    elif "oneOf" in schema:
        kinds = [one["type"] for one in schema["oneOf"]]
        yield at, "any" if "array" in kinds else f"text|number{null}"
    else:
        words = {"string": "moment" if schema.get("format") == "date-time" else "text"}
        yield at, f"{words.get(schema['type'], schema['type'])}{null}"


async def test_answers_hold_to_the_published_contract(sandbox: Sandbox, call: Call) -> None:
    specs = {name: published(f"klaviyo/{name}.json") for name in ("profiles", "events", "lists", "metrics", "webhooks")}

    async def check(file: str, method: str, template: str, status: int, path: str, value: Any = None) -> Any:
        answered, body, headers = await call(method, path, value)
        assert (answered, headers["Content-Type"]) == (status, "application/vnd.api+json"), body
        if value is not None:
            specs[file].check_request(method, template, value)
        specs[file].check_answer(method, template, status, without_nulls(body))
        return body["data"]

    made = await check("profiles", "POST", IMPORT, 201, IMPORT, person(phone_number="+15005550006"))
    await check("profiles", "POST", IMPORT, 200, IMPORT, person(location={"latitude": 1.5}))
    await check("profiles", "POST", PROFILES, 201, PROFILES, person("bob@example.com"))
    one, path = f"{PROFILES}/{{id}}", f"{PROFILES}/{made['id']}"
    await check("profiles", "PATCH", one, 200, path, person(None, id=made["id"], locale="en-GB"))
    more = "additional-fields%5Bprofile%5D=subscriptions,predictive_analytics"
    await check("profiles", "GET", one, 200, f"{path}?{more}")
    await check("profiles", "GET", one, 200, f"{path}?include=lists")
    await check("profiles", "GET", PROFILES, 200, f"{PROFILES}?{more}&page%5Bsize%5D=5")
    await check("profiles", "GET", PROFILES, 200, f"{PROFILES}?fields%5Bprofile%5D=email,location.city")

    specs["events"].check_request("POST", EVENTS, event())
    specs["events"].check_request("POST", MANY, many(event("a")))
    seen = await check("events", "GET", EVENTS, 200, f"{EVENTS}?include=metric,profile")
    await check("events", "GET", f"{EVENTS}/{{id}}", 200, f"{EVENTS}/{seen[0]['id']}")
    metrics = await check("metrics", "GET", "/api/metrics", 200, "/api/metrics")
    await check("metrics", "GET", "/api/metrics/{id}", 200, f"/api/metrics/{metrics[0]['id']}")

    fresh = {"data": {"type": "list", "attributes": {"name": "Autumn"}}}
    added = await check("lists", "POST", LISTS, 201, LISTS, fresh)
    specs["lists"].check_request("POST", MEMBERS, members(made["id"]))
    path = f"{LISTS}/{added['id']}"
    assert (await call("POST", f"{path}/relationships/profiles", members(made["id"])))[:2] == (204, None)
    await check("lists", "GET", LISTS, 200, LISTS)
    await check("lists", "GET", f"{LISTS}/{{id}}", 200, f"{path}?additional-fields%5Blist%5D=profile_count")
    await check("lists", "GET", f"{LISTS}/{{id}}/profiles", 200, f"{path}/profiles")
    await check("lists", "GET", MEMBERS, 200, f"{path}/relationships/profiles")

    hook = await check("webhooks", "POST", HOOKS, 201, HOOKS, webhook("event:klaviyo.sent_sms"))
    sandbox.clock.move(60)
    await check("webhooks", "GET", HOOKS, 200, HOOKS)
    sandbox.clock.move(60)
    await check("webhooks", "GET", f"{HOOKS}/{{id}}", 200, f"{HOOKS}/{hook['id']}")
    sandbox.clock.move(60)
    await check("webhooks", "GET", "/api/webhook-topics", 200, "/api/webhook-topics")


async def test_errors_hold_to_the_published_contract(call: Call) -> None:
    spec = published("klaviyo/profiles.json")
    for status, answer in (
        (400, await call("POST", IMPORT, person("no address"))),
        (401, await call("POST", IMPORT, person(), auth="")),
        (404, await call("POST", IMPORT, person(id="01NOBODY"))),
        (413, await call("POST", IMPORT, person(properties={"note": "x" * 100_000}))),
        (415, await call("POST", IMPORT, person(), headers={"Content-Type": "text/plain"})),
    ):
        assert answer[0] == status
        assert [one["status"] for one in answer[1]["errors"]] == [status]
        spec.check_answer("POST", IMPORT, status, bare(answer[1]))


# Profiles


async def test_an_import_creates_then_updates_and_null_clears(sandbox: Sandbox, call: Call) -> None:
    first = await call("POST", IMPORT, person(first_name="Ann", properties={"tier": "gold", "size": "M"}))
    second = await call("POST", IMPORT, person("ANN@example.com", first_name=None, properties={"tier": "silver"}))
    third = await call("POST", IMPORT, person(properties=None))

    assert (first[0], second[0], third[0]) == (201, 200, 200)
    assert first[1]["data"]["id"] == second[1]["data"]["id"]
    attributes = second[1]["data"]["attributes"]
    assert (attributes["first_name"], attributes["properties"]) == (None, {"tier": "silver", "size": "M"})
    assert third[1]["data"]["attributes"]["properties"] == {}
    assert first[1]["data"]["attributes"]["created"] == "2026-10-01T12:00:00+00:00"


async def test_the_same_import_once_more_is_no_second_effect(sandbox: Sandbox, call: Call) -> None:
    for _ in range(3):
        status, _, _ = await call("POST", IMPORT, person(external_id="c-1", first_name="Ann"))

    assert status == 200
    assert [(one["kind"], one["reference"]) for one in await sandbox.effects("klaviyo")] == [("profile", "c-1")]


async def test_properties_can_be_patched(call: Call) -> None:
    await call("POST", IMPORT, person(properties={"skus": ["a", "b"], "old": 1}))
    body = person()
    body["data"]["meta"] = {"patch_properties": {"append": {"skus": "c"}, "unappend": {"skus": "a"}, "unset": "old"}}
    _, found, _ = await call("POST", IMPORT, body)

    assert found["data"]["attributes"]["properties"] == {"skus": ["b", "c"]}


async def test_an_existing_profile_is_a_conflict_that_names_it(call: Call) -> None:
    _, made, _ = await call("POST", PROFILES, person(phone_number="+15005550006"))
    status, body, _ = await call("POST", PROFILES, person("other@example.com", phone_number="+15005550006"))

    (problem,) = body["errors"]
    assert (status, problem["code"]) == (409, "duplicate_profile")
    assert problem["meta"] == {"duplicate_profile_id": made["data"]["id"]}


async def test_an_import_whose_identifiers_are_two_peoples_is_a_conflict(sandbox: Sandbox, call: Call) -> None:
    await call("POST", PROFILES, person())
    _, other, _ = await call("POST", PROFILES, person(None, phone_number="+15005550006"))
    status, body, _ = await call("POST", IMPORT, person(phone_number="+15005550006"))
    patched, _, _ = await call("PATCH", f"{PROFILES}/{other['data']['id']}", person(id=other["data"]["id"]))

    assert (status, patched) == (409, 409)
    assert body["errors"][0]["meta"] == {"duplicate_profile_id": other["data"]["id"]}


async def test_an_import_with_an_id_and_anothers_address_is_not_found_rather_than_a_conflict(call: Call) -> None:
    await call("POST", PROFILES, person())
    _, other, _ = await call("POST", PROFILES, person("other@example.com"))
    status, body, _ = await call("POST", IMPORT, person(id=other["data"]["id"]))
    own, _, _ = await call("POST", IMPORT, person("other@example.com", id=other["data"]["id"]))

    assert (status, body["errors"][0]["code"], own) == (404, "not_found", 200)


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        (person("ann"), "/data/attributes/email", "Invalid email address"),
        (person(phone_number="5005550006"), "/data/attributes/phone_number", "Invalid phone number format"),
        (person(phone_number="+1 500 555 0006"), "/data/attributes/phone_number", "+12345678901"),
        (person(None, first_name="Ann"), "/data/attributes", "At least one identifier is required"),
        (
            person(nickname="Ann"),
            "/data/attributes/nickname",
            "'nickname' is not a valid field for the resource 'profile'.",
        ),
        (person(first_name=1), "/data/attributes/first_name", "Invalid type"),
        (person(location="Boston"), "/data/attributes/location", "Expected an object"),
        ({"data": {"type": "person", "attributes": {}}}, "/data/type", "'person' is not a valid choice for 'type'."),
        ({"data": {"type": "profile"}}, "/data/attributes", "'attributes' is a required field."),
        ({}, "/data", "'data' is a required field."),
        ([], "/data", "Expected an object"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_bad_profile_is_refused_with_its_place(
    sandbox: Sandbox, call: Call, body: Any, pointer: str, said: str
) -> None:
    status, answer, _ = await call("POST", IMPORT, body)

    (problem,) = answer["errors"]
    assert (status, problem["code"], problem["source"]) == (400, "invalid", {"pointer": pointer})
    assert said in problem["detail"]
    assert await sandbox.effects("klaviyo") == []


async def test_all_that_is_wrong_is_told_at_once(call: Call) -> None:
    _, body, _ = await call("POST", IMPORT, person(first_name=1, nickname="Ann", properties=[]))

    assert len(body["errors"]) == 3
    assert len({one["id"] for one in body["errors"]}) == 3


@pytest.mark.parametrize("raw", [b"{", b"", b'{"data": NaN}', b"\xff"])
async def test_a_body_that_is_no_json_is_refused(call: Call, raw: bytes) -> None:
    status, body, _ = await call("POST", IMPORT, data=raw)

    assert (status, body["errors"][0]["code"]) == (400, "parse_error")


async def test_profiles_are_found_by_filters_and_sorted(sandbox: Sandbox, call: Call) -> None:
    for number in range(3):
        await call("POST", PROFILES, person(f"p{number}+x@example.com", external_id=f"c-{number}"))
        sandbox.clock.move(60)

    async def found(text: str, **rest: str) -> list[str]:
        _, body, _ = await call("GET", filtered(PROFILES, text, **rest))
        return [one["attributes"]["email"] for one in body["data"]]

    assert await found('equals(email,"p1+x@example.com")') == ["p1+x@example.com"]
    assert await found("equals(external_id,'c-2')") == ["p2+x@example.com"]
    assert await found('any(external_id,["c-0","c-2"])', sort="-created") == ["p2+x@example.com", "p0+x@example.com"]
    after = "greater-than(created,2026-10-01T12:00:30Z)"
    assert await found(after) == ["p1+x@example.com", "p2+x@example.com"]
    assert await found(f'{after},equals(external_id,"c-2")') == ["p2+x@example.com"]
    assert await found(f"and({after},less-than(created,2026-10-01T12:01:30+00:00))") == ["p1+x@example.com"]
    assert await found('equals(email,"nobody@example.com")') == []


async def test_a_plus_sign_that_is_not_encoded_finds_nobody(call: Call) -> None:
    await call("POST", PROFILES, person("p1+x@example.com"))
    _, body, _ = await call("GET", f"{PROFILES}?filter=equals(email,%22p1+x@example.com%22)")

    assert body["data"] == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("filter=equals(email,ann)", "filter"),
        ("filter=equals(first_name,%22Ann%22)", "filter"),
        ("filter=greater-than(email,%22a%22)", "filter"),
        ("filter=greater-than(created,yesterday)", "filter"),
        ("filter=email", "filter"),
        ("filter=any(email,%22a%22)", "filter"),
        ("filter=equals(email,%22a%22)equals(id,%22b%22)", "filter"),
        ("sort=first_name", "sort"),
        ("page%5Bsize%5D=101", "page[size]"),
        ("page%5Bsize%5D=0", "page[size]"),
        ("page%5Bcursor%5D=nonsense", "page[cursor]"),
        ("fields%5Bprofile%5D=nickname", "fields[profile]"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(call: Call, query: str, parameter: str) -> None:
    status, body, _ = await call("GET", f"{PROFILES}?{query}")

    assert (status, body["errors"][0]["source"]) == (400, {"parameter": parameter})


async def test_pages_are_followed_by_their_links_to_a_null(sandbox: Sandbox, call: Call) -> None:
    link: str | None = f"{PROFILES}?page%5Bsize%5D=20"
    back, seen, sizes = "", [], []
    while link is not None:
        _, body, _ = await call("GET", link)
        seen += [one["id"] for one in body["data"]]
        sizes.append(len(body["data"]))
        link, back = body["links"]["next"], body["links"]["prev"]
        assert link is None or link.startswith(
            f"{sandbox.url}/klaviyo/api/profiles?page%5Bsize%5D=20&page%5Bcursor%5D="
        )
    _, before, _ = await call("GET", back)
    _, first, _ = await call("GET", f"{PROFILES}?page%5Bsize%5D=20")

    assert sizes == [20, 20, len(seen) - 40]
    assert len(set(seen)) == len(seen)
    assert [one["id"] for one in before["data"]] == seen[20:40]
    assert first["links"]["prev"] is None


async def test_sparse_fields_bring_only_what_is_asked(call: Call) -> None:
    _, body, _ = await call("GET", f"{PROFILES}?fields%5Bprofile%5D=email,location.city,id&page%5Bsize%5D=1")

    (one,) = body["data"]
    assert set(one["attributes"]) == {"email", "location"}
    assert set(one["attributes"]["location"]) == {"city"}


# Events


async def test_of_events_with_one_unique_id_the_first_stays(sandbox: Sandbox, call: Call) -> None:
    statuses = [
        (await call("POST", EVENTS, event()))[0],
        (await call("POST", EVENTS, event(value=10)))[0],
        (await call("POST", EVENTS, event(metric={"data": {"type": "metric", "attributes": {"name": "Shipped"}}})))[0],
        (await call("POST", EVENTS, event(email="bob@example.com")))[0],
    ]
    sandbox.clock.move(2)
    anns = await stored(call, await profile_id(call))

    assert statuses == [202, 202, 202, 202]  # the repeat is taken and not stored
    assert [one["event_properties"]["$value"] for one in anns] == [49.9, 49.9]
    effects = [one for one in await sandbox.effects("klaviyo") if one["kind"] == "event"]
    assert len(effects) == 3  # another metric and another person are other events


async def test_without_a_unique_id_two_events_of_a_second_become_one(sandbox: Sandbox, call: Call) -> None:
    for at in ("11:00:00.1", "11:00:00.9", "11:00:01"):
        await call("POST", EVENTS, event(None, time=f"2026-10-01T{at}+00:00"))
    sandbox.clock.move(2)
    seen = await stored(call, await profile_id(call))

    assert [one["datetime"] for one in seen] == ["2026-10-01T11:00:00+00:00", "2026-10-01T11:00:01+00:00"]
    assert [one["event_properties"]["$event_id"] for one in seen] == [str(one["timestamp"]) for one in seen]


async def test_an_event_is_accepted_and_may_yet_come_to_nothing(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, lost_events=["Placed Order"])
    status, body, headers = await call("POST", EVENTS, event())
    sandbox.clock.move(60)

    assert (status, body, headers.get("Content-Length")) == (202, None, "0")
    assert await stored(call, await profile_id(call)) == []
    assert [one["kind"] for one in await sandbox.effects("klaviyo")] == ["profile"]


async def test_a_lost_answer_is_found_again_by_the_unique_id(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("klaviyo", "lost_answer", operation="track_event")
    with pytest.raises(aiohttp.ClientError):
        await call("POST", EVENTS, event())
    await sandbox.control("DELETE", "faults")
    sandbox.clock.move(2)
    (one,) = await stored(call, await profile_id(call))

    assert one["event_properties"]["$event_id"] == "order-1001:placed"
    assert one["timestamp"] == int(START) - 30
    (effect,) = [seen for seen in await sandbox.effects("klaviyo") if seen["kind"] == "event"]
    assert (effect["reference"], effect["amount"]) == ("order-1001:placed", "49.9 USD")


async def test_an_event_updates_the_profile_it_belongs_to(sandbox: Sandbox, call: Call) -> None:
    await call("POST", EVENTS, event(profile=person(first_name="Ann", external_id="c-1")))
    status, _, _ = await call("POST", EVENTS, event("second", profile=person("else@example.com", external_id="c-1")))
    id = await profile_id(call, "else@example.com")
    _, body, _ = await call("GET", f"{PROFILES}/{id}")

    assert (status, body["data"]["attributes"]["first_name"]) == (202, "Ann")
    assert body["data"]["attributes"]["last_event_date"] == "2026-10-01T11:59:30+00:00"


def metric(name: str) -> dict[str, Any]:
    return {"data": {"type": "metric", "attributes": {"name": name}}}


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        ({"properties": None}, "/data/attributes/properties", "'properties' is a required field."),
        ({"properties": {str(n): n for n in range(401)}}, "/data/attributes/properties", "at most 400"),
        ({"properties": {"note": ["x" * 100_001]}}, "/data/attributes/properties", "100KB"),
        ({"metric": None}, "/data/attributes/metric", "'metric' is a required field."),
        ({"metric": metric("x" * 128)}, "/data/attributes/metric/data/attributes/name", "127"),
        ({"metric": metric("")}, "/data/attributes/metric/data/attributes/name", "from 1"),
        ({"metric": {"name": "Placed Order"}}, "/data/attributes/metric", "'data' key missing in relationship"),
        ({"profile": {"email": ANN}}, "/data/attributes/profile", "'data' key missing in relationship"),
        ({"profile": person(None)}, "/data/attributes/profile", "At least one identifier is required"),
        ({"profile": person("ann")}, "/data/attributes/profile/data/attributes/email", "Invalid email address"),
        ({"time": "1989-12-31T00:00:00+00:00"}, "/data/attributes/time", "after 1990"),
        ({"time": "2027-11-01T00:00:00+00:00"}, "/data/attributes/time", "one year in the future"),
        ({"time": "yesterday"}, "/data/attributes/time", "ISO 8601"),
        ({"time": 1790856000}, "/data/attributes/time", "ISO 8601"),
        ({"value": "49.90"}, "/data/attributes/value", "Invalid type"),
        ({"value_currency": "usd"}, "/data/attributes/value_currency", "not a valid choice"),
        ({"currency": "USD"}, "/data/attributes/currency", "'currency' is not a valid field for the resource 'event'."),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_bad_event_is_refused_with_its_place(
    sandbox: Sandbox, call: Call, change: dict[str, Any], pointer: str, said: str
) -> None:
    status, body, _ = await call("POST", EVENTS, event(**change))

    (problem,) = [one for one in body["errors"] if said in one["detail"]]
    assert (status, problem["source"]) == (400, {"pointer": pointer})
    assert await sandbox.effects("klaviyo") == []


async def test_an_event_over_five_megabytes_is_too_large(call: Call) -> None:
    texts = {str(number): "x" * 99_000 for number in range(51)}
    status, body, _ = await call("POST", EVENTS, event(properties=texts))

    assert (status, body["errors"][0]["detail"]) == (413, "The maximum allowed payload size is 5MB.")


@pytest.mark.parametrize(
    "body",
    [
        many(event("a"), event("b"), event("a")),
        many(*(event(str(number)) for number in range(1001))),
        many(event("a"), event("b", time="yesterday")),
    ],
    ids=["a unique id twice", "1001", "one is wrong"],
)
async def test_one_bad_event_spoils_the_whole_bulk(sandbox: Sandbox, call: Call, body: Any) -> None:
    status, _, _ = await call("POST", MANY, body)

    assert status == 400
    assert await sandbox.effects("klaviyo") == []


async def test_a_bulk_takes_a_thousand_events(sandbox: Sandbox, call: Call) -> None:
    status, body, _ = await call("POST", MANY, many(*(event(str(number)) for number in range(1000))))

    assert (status, body) == (202, None)
    assert len([one for one in await sandbox.effects("klaviyo") if one["kind"] == "event"]) == 1000


async def test_events_are_filtered_by_metric_and_time(sandbox: Sandbox, call: Call) -> None:
    for hour in ("08", "09", "10"):
        await call("POST", EVENTS, event(hour, time=f"2026-10-01T{hour}:00:00Z"))
    sandbox.clock.move(2)
    id = await profile_id(call)
    whose = f'equals(profile_id,"{id}")'
    _, body, _ = await call("GET", filtered(EVENTS, f"{whose},greater-or-equal(datetime,2026-10-01T09:00:00Z)"))
    at = int(datetime(2026, 10, 1, 9, tzinfo=UTC).timestamp())
    _, less, _ = await call("GET", filtered(EVENTS, f"{whose},less-than(timestamp,{at})"))
    other, _, _ = await call("GET", filtered(EVENTS, 'equals(metric_id,"none")'))

    assert [one["attributes"]["event_properties"]["$event_id"] for one in body["data"]] == ["10", "09"]
    assert [one["attributes"]["timestamp"] for one in less["data"]] == [at - 3600]
    assert other == 200


# Lists and consent


async def test_lists_come_ten_at_a_time(call: Call) -> None:
    _, first, _ = await call("GET", LISTS)
    _, second, _ = await call("GET", first["links"]["next"])
    refused, _, _ = await call("GET", f"{LISTS}?page%5Bsize%5D=11")

    assert (len(first["data"]), len(second["data"]), refused) == (10, 2, 400)


async def test_a_list_takes_up_to_a_thousand_known_profiles_as_a_set(call: Call) -> None:
    _, made, _ = await call("POST", PROFILES, person())
    path = f"{LISTS}/{await list_named(call, 'VIP')}"
    before = (await call("GET", f"{path}?additional-fields%5Blist%5D=profile_count"))[1]["data"]["attributes"]
    added = [(await call("POST", f"{path}/relationships/profiles", members(made["data"]["id"])))[0] for _ in range(2)]
    unknown, _, _ = await call("POST", f"{path}/relationships/profiles", members("01NOBODY"))
    crowd, _, _ = await call("POST", f"{path}/relationships/profiles", members(*["01X"] * 1001))
    _, ids, _ = await call("GET", filtered(f"{path}/relationships/profiles", f'equals(email,"{ANN}")'))
    nowhere, _, _ = await call("POST", f"{LISTS}/none/relationships/profiles", members(made["data"]["id"]))

    assert (added, unknown, crowd, nowhere) == ([204, 204], 404, 400, 404)
    assert [one["id"] for one in ids["data"]] == [made["data"]["id"]]
    assert before["profile_count"] > 0


async def test_a_double_opt_in_list_waits_for_a_yes_and_an_import_of_old_consent_does_not(
    sandbox: Sandbox, call: Call
) -> None:
    newsletter = await list_named(call, "Newsletter")

    async def consent(email: str, **rest: Any) -> tuple[str, str | None]:
        given = rest.pop("given", {})
        body = subscription({"email": email, "subscriptions": agreed("email", **given)}, **rest)
        status, answer, _ = await call("POST", SUBSCRIBE, body)
        assert (status, answer) == (202, None)
        path = f"{PROFILES}/{await profile_id(call, email)}?additional-fields%5Bprofile%5D=subscriptions"
        marketing = (await call("GET", path))[1]["data"]["attributes"]["subscriptions"]["email"]["marketing"]
        return marketing["consent"], marketing["consent_timestamp"]

    old = {"consented_at": "2025-01-02T03:04:05+00:00"}
    assert await consent("a@example.com", list_id=newsletter) == ("NEVER_SUBSCRIBED", None)
    assert await consent("b@example.com", list_id=newsletter, historical_import=True, given=old) == (
        "SUBSCRIBED",
        "2025-01-02T03:04:05+00:00",
    )
    assert await consent("c@example.com") == ("SUBSCRIBED", "2026-10-01T12:00:00+00:00")
    await settle(sandbox, double_opt_in=True)
    assert await consent("d@example.com") == ("NEVER_SUBSCRIBED", None)


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        (
            subscription({"email": ANN, "last_name": "B", "subscriptions": agreed("email")}),
            "/0/attributes/last_name",
            "'last_name' is not a valid field for the resource 'profile'.",
        ),
        (
            subscription({"email": ANN, "subscriptions": agreed("email", "sms")}),
            "/0/attributes/phone_number",
            "'phone_number' must not be empty when the sms channel is included in 'subscriptions'.",
        ),
        (
            subscription({"email": ANN, "subscriptions": agreed("email")}, historical_import=True),
            "/0/attributes/subscriptions/email/marketing/consented_at",
            "must be in the past",
        ),
        (
            subscription(*[{"email": ANN, "subscriptions": agreed("email")}] * 1001),
            "",
            "more than 1000",
        ),
        (subscription({"email": ANN}), "/0/attributes/subscriptions", "'subscriptions' is a required field."),
        (subscription({"email": ANN, "subscriptions": {"email": {"marketing": {"consent": "NO"}}}}), "", "'NO'"),
    ],
    ids=["field", "phone", "historical", "crowd", "nothing", "consent"],
)
async def test_a_bad_subscription_is_refused(sandbox: Sandbox, call: Call, body: Any, pointer: str, said: str) -> None:
    status, answer, _ = await call("POST", SUBSCRIBE, body)

    assert status == 400
    (problem,) = [one for one in answer["errors"] if said in one["detail"]]
    assert problem["source"]["pointer"].startswith(f"/data/attributes/profiles/data{pointer}")
    assert await sandbox.effects("klaviyo") == []


# Keys, revisions, tokens


@pytest.mark.parametrize(
    ("auth", "status", "code"),
    [
        ("", 401, "not_authenticated"),
        ("Klaviyo-API-Key", 401, "not_authenticated"),
        ("Klaviyo-API-Key pk_invalid", 401, "authentication_failed"),
        ("Klaviyo-API-Key sk_test_1", 401, "authentication_failed"),
        ("Basic cGtfMTo=", 401, "authentication_failed"),
        ("Bearer never-given", 401, "authentication_failed"),
        ("Klaviyo-API-Key pk_readonly_1", 403, "permission_denied"),
        (f"klaviyo-api-key {KEY}", 201, None),
    ],
)
async def test_credentials_are_looked_at(call: Call, auth: str, status: int, code: str | None) -> None:
    answered, body, _ = await call("POST", IMPORT, person(), auth=auth)

    assert answered == status
    assert code is None or body["errors"][0]["code"] == code


async def test_a_key_that_only_reads_reads(call: Call) -> None:
    assert (await call("GET", PROFILES, auth="Klaviyo-API-Key pk_readonly_1"))[0] == 200


@pytest.mark.parametrize(
    ("revision", "status"),
    [
        ("", 400),
        ("latest", 400),
        ("2026-13-01", 400),
        ("2022-10-17", 404),
        ("2026-10-15", 200),
        ("2026-07-15.pre", 200),
    ],
)
async def test_a_revision_must_be_named_and_still_kept(call: Call, revision: str, status: int) -> None:
    answered, body, _ = await call("GET", LISTS, headers={"revision": revision})

    assert answered == status
    if status == 404:
        assert body["errors"][0]["detail"] == "No valid revisions found for method"


async def test_a_slash_at_the_end_changes_nothing_and_an_unknown_path_is_404(call: Call) -> None:
    assert (await call("POST", f"{EVENTS}/", event()))[0] == 202
    assert (await call("GET", "/api/elsewhere"))[0] == 404
    assert (await call("DELETE", EVENTS))[0] == 405


def token_request(call: Call, pair: str = "client:secret", **form: str) -> Awaitable[tuple[int, Any, Any]]:
    body = "&".join(f"{name}={quote(value)}" for name, value in form.items())
    headers = {"Content-Type": "application/x-www-form-urlencoded", "revision": ""}
    basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return call("POST", "/oauth/token", data=body.encode(), headers=headers, auth=basic)


async def test_a_refresh_token_gives_an_hour_of_access(sandbox: Sandbox, call: Call) -> None:
    status, token, headers = await token_request(call, grant_type="refresh_token", refresh_token="r-1")
    auth = f"Bearer {token['access_token']}"
    taken, _, _ = await call("POST", IMPORT, person(), auth=auth)
    sandbox.clock.move(token["expires_in"])
    ended, body, _ = await call("POST", IMPORT, person(), auth=auth)

    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert (token["token_type"], token["expires_in"], token["refresh_token"]) == ("Bearer", 3600, "r-1")
    assert "profiles:write" in token["scope"].split()
    assert (taken, ended, body["errors"][0]["code"]) == (201, 401, "authentication_failed")
    assert next(one["operation"] for one in await sandbox.requests("klaviyo")) == "sign_in"


async def test_a_token_opens_what_the_shop_agreed_to(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, scopes=["events:write"])
    form = {
        "grant_type": "authorization_code",
        "code": "c-1",
        "code_verifier": "v",
        "redirect_uri": "https://ops.example",
    }
    _, token, _ = await token_request(call, **form)
    auth = f"Bearer {token['access_token']}"
    profile, body, _ = await call("POST", IMPORT, person(), auth=auth)
    tracked, _, _ = await call("POST", EVENTS, event(), auth=auth)

    assert (profile, body["errors"][0]["code"], tracked) == (403, "permission_denied", 202)


@pytest.mark.parametrize(
    ("pair", "form", "status", "error"),
    [
        ("client:invalid", {"grant_type": "refresh_token", "refresh_token": "r"}, 401, "invalid_client"),
        ("client", {"grant_type": "refresh_token", "refresh_token": "r"}, 401, "invalid_client"),
        ("client:secret", {"grant_type": "refresh_token", "refresh_token": "revoked"}, 400, "invalid_grant"),
        ("client:secret", {"grant_type": "refresh_token"}, 400, "invalid_grant"),
        ("client:secret", {"grant_type": "authorization_code", "code": "c"}, 400, "invalid_request"),
        ("client:secret", {"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_bad_token_request_is_refused(
    call: Call, pair: str, form: dict[str, str], status: int, error: str
) -> None:
    answered, body, _ = await token_request(call, pair, **form)

    assert (answered, body["error"]) == (status, error)


# Quotas


async def test_the_steady_window_is_told_and_a_429_tells_its_wait_instead(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, quotas=[["upsert_profile.burst", 2, 1], ["upsert_profile.steady", 3, 60]])
    first = await call("POST", IMPORT, person())
    await call("POST", IMPORT, person())
    burst = await call("POST", IMPORT, person())
    sandbox.clock.move(1)
    third = await call("POST", IMPORT, person())
    sandbox.clock.move(1)
    steady = await call("POST", IMPORT, person(), auth="Klaviyo-API-Key pk_another_of_the_account")
    other, _, _ = await call("POST", EVENTS, event())
    sandbox.clock.move(58)
    after = await call("POST", IMPORT, person())

    assert [first[2][f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")] == ["3", "2", "60"]
    assert [third[2][f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")] == ["3", "0", "59"]
    for refused, wait, unit in ((burst, "1", "second"), (steady, "58", "seconds")):
        status, body, headers = refused
        assert (status, headers["Retry-After"]) == (429, wait)
        assert [name for name in headers if name.lower().startswith("ratelimit")] == []
        (problem,) = body["errors"]
        assert problem["code"] == "throttled"
        assert problem["detail"] == f"Request was throttled. Expected available in {wait} {unit}."
    assert (other, after[0]) == (202, 200)


async def test_a_429_may_tell_its_wait_in_words_alone(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, without_retry_after=True)
    await sandbox.fault("klaviyo", "rate_limit:60")
    status, body, headers = await call("POST", IMPORT, person())

    assert (status, headers.get("Retry-After")) == (429, None)
    assert "Expected available in 60 seconds." in body["errors"][0]["detail"]


async def test_an_apps_installation_has_a_quota_of_its_own(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, quotas=[["upsert_profile.steady", 1, 60]])
    _, token, _ = await token_request(call, grant_type="refresh_token", refresh_token="r-1")
    await call("POST", IMPORT, person())
    by_key, _, _ = await call("POST", IMPORT, person())
    by_app, _, _ = await call("POST", IMPORT, person(), auth=f"Bearer {token['access_token']}")

    assert (by_key, by_app) == (429, 200)


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("GET", PROFILES, 750),
        ("GET", f"{PROFILES}?additional-fields%5Bprofile%5D=predictive_analytics", 150),
        ("GET", f"{PROFILES}?include=lists", 15),
        ("GET", EVENTS, 3500),
        ("GET", "/api/metrics", 150),
        ("GET", LISTS, 750),
        ("GET", HOOKS, 15),
        ("GET", "/api/accounts", 15),
        ("POST", IMPORT, 750),
        ("POST", EVENTS, 3500),
        ("POST", MANY, 150),
        ("POST", LISTS, 150),
        ("POST", SUBSCRIBE, 750),
    ],
)
async def test_each_operation_has_the_limit_of_its_tier(call: Call, method: str, path: str, limit: int) -> None:
    _, _, headers = await call(method, path, None if method == "GET" else {})

    assert headers["RateLimit-Limit"] == str(limit)


def test_tiers_are_those_of_the_contract() -> None:
    documents = {
        name: orjson.loads(contract(f"klaviyo/{name}.json").read_bytes()) for name in ("profiles", "events", "lists")
    }
    told = [
        documents["profiles"]["paths"][IMPORT]["post"],
        documents["events"]["paths"][EVENTS]["post"],
        documents["lists"]["paths"][LISTS]["post"],
    ]

    assert [one["x-klaviyo-ratelimit"] for one in told] == [
        {"burst": "75/s", "steady": "750/m"},
        {"burst": "350/s", "steady": "3500/m"},
        {"burst": "10/s", "steady": "150/m", "daily": "150/d"},
    ]


async def test_endpoints_do_not_spend_each_others_quota(sandbox: Sandbox, call: Call) -> None:
    _, found, _ = await call("GET", f"{LISTS}?page%5Bsize%5D=2")
    one, two = (f"{LISTS}/{item['id']}?additional-fields%5Blist%5D=profile_count" for item in found["data"])
    statuses = [(await call("GET", path))[0] for path in (f"{PROFILES}?include=lists", one, two)]

    assert statuses == [200, 200, 429]  # two lists are one endpoint


async def test_lists_are_made_150_times_a_day(sandbox: Sandbox, call: Call) -> None:
    fresh = {"data": {"type": "list", "attributes": {"name": "x"}}}
    statuses = []
    for _ in range(151):
        statuses.append((await call("POST", LISTS, fresh))[0])
        sandbox.clock.move(1)

    assert statuses == [201] * 150 + [429]


# Webhooks


async def test_system_webhooks_are_signed_over_the_raw_body_and_the_stamp(sandbox: Sandbox, call: Call) -> None:
    at_first = await deliveries(sandbox)
    _, hook, _ = await call("POST", HOOKS, webhook("event:api.placed_order"))
    await call("POST", EVENTS, event())
    sandbox.clock.move(5)
    body = subscription({"email": ANN, "subscriptions": agreed("email")})
    await call("POST", SUBSCRIBE, body)
    sandbox.clock.move(5)
    made = await deliveries(sandbox)

    assert at_first == []  # the samples were there before
    assert [one["type"] for one in made] == ["event:api.placed_order", "event:klaviyo.subscribed_to_email_marketing"]
    for one in made:
        headers, raw = one["headers"], one["body"]
        stamp = headers["Klaviyo-Timestamp"]
        signature = hmac.new(b"s3cret", raw.encode() + stamp.encode(), hashlib.sha256).hexdigest()
        assert headers["Klaviyo-Signature"] == signature
        assert START <= parsedate_to_datetime(stamp).timestamp() <= sandbox.clock.time
        sent = orjson.loads(raw)
        assert sent["meta"]["klaviyo_webhook_id"] == headers["Klaviyo-Webhook-Id"] == hook["data"]["id"]
        assert [item["topic"] for item in sent["data"]] == [one["type"]]
    (first,) = orjson.loads(made[0]["body"])["data"]
    _, shown, _ = await call("GET", f"{EVENTS}/{first['external_id']}")
    assert first["payload"]["data"]["attributes"] == shown["data"]["attributes"]
    published("klaviyo/events.json").check_answer("GET", f"{EVENTS}/{{id}}", 200, first["payload"])


async def test_a_delivery_may_come_twice(sandbox: Sandbox, call: Call) -> None:
    await settle(sandbox, repeat_webhooks=True)
    await call("POST", EVENTS, event())
    sandbox.clock.move(5)
    made = await deliveries(sandbox)

    assert len(made) == 2
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (webhook("event:klaviyo.sent_sms", endpoint_url="http://ops.example"), "must use HTTPS"),
        (webhook("event:klaviyo.sent_sms", secret_key=""), "'secret_key' may not be blank."),
        (webhook("event:klaviyo.nothing"), "is not a valid webhook topic"),
        (webhook(), "At least one webhook topic"),
    ],
)
async def test_a_bad_webhook_is_refused(call: Call, body: Any, said: str) -> None:
    status, answer, _ = await call("POST", HOOKS, body)

    assert status == 400
    assert said in answer["errors"][0]["detail"]


async def test_samples_are_no_effects_and_hold_three_weeks_of_orders(sandbox: Sandbox, call: Call) -> None:
    _, found, _ = await call("GET", filtered(PROFILES, "equals(external_id,'sandbox-customer-1')"))
    _, placed, _ = await call("GET", f"{EVENTS}?page%5Bsize%5D=1000")
    currencies = {
        one["attributes"]["event_properties"]["$value_currency"]
        for one in placed["data"]
        if "$value_currency" in one["attributes"]["event_properties"]
    }

    assert len(found["data"]) == 1
    assert len(currencies) > 2
    assert min(one["attributes"]["timestamp"] for one in placed["data"]) == int(START) - 21 * 86_400
    assert await sandbox.effects("klaviyo") == []


async def test_faults_speak_klaviyos_language(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("klaviyo", "status:503")
    broken, problem, headers = await call("POST", IMPORT, person())
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("klaviyo", "schema")
    _, drifted, _ = await call("POST", IMPORT, person())
    _, page, _ = await call("GET", LISTS)

    assert (broken, problem["errors"][0]["status"], headers["Content-Type"]) == (503, 503, "application/vnd.api+json")
    assert "id" not in drifted["data"]
    assert "data" not in page
