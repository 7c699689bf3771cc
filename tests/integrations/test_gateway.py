"""The walk of a call, against a real server that loses answers, on both databases."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from db.calls import search
from db.engine import Database
from db.keys import find
from db.owner import new_owner
from integrations.adapter import Exchange, Fallback, Operation, QuotaPolicy
from integrations.correlation import origin, trace_id
from integrations.errors import (
    CircuitIsOpen,
    HttpFailed,
    InvalidInput,
    KeyReused,
    LinkRefused,
    NoPermit,
    OutcomeUnknown,
    QuaysideError,
    SchemaDrift,
    TransportFailed,
    UnknownOperation,
    UnknownVendor,
)
from integrations.outcome import Request
from integrations.resilience.circuit_breaker import BreakerOptions
from tests.integrations.acme import ACME, Acme, AcmeServer, Made, Process, Session, Thing, Token, acme_server, process


@pytest.fixture
async def acme() -> AsyncIterator[tuple[AcmeServer, str]]:
    async with acme_server() as running:
        yield running


@pytest.fixture
async def one(database: Database, acme: tuple[AcmeServer, str], tmp_path: Path) -> AsyncIterator[Process]:
    async with process(database, acme[1], tmp_path) as opened:
        yield opened


async def test_a_read_is_repeated_after_an_error_of_the_vendor(one: Process, acme: tuple[AcmeServer, str]) -> None:
    acme[0].tricks = ["status:503", "reset", None]

    found = await one.gateway.call("acme", "read", {"reference": "A"})

    assert found.value == Made(number=1, reference="A")
    assert len(acme[0].requests) == 3


async def test_each_attempt_is_recorded_with_its_own_span(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    acme[0].tricks = ["status:503", None]
    with origin("api", correlation_id="order-77"):
        await one.gateway.call("acme", "read", {"reference": "A"})
    await one.recorder.flush()

    (call,) = await search(database, correlation_id="order-77")

    assert (call.outcome, call.trigger, len(call.sent)) == ("success", "api", 2)
    sent = [f"00-{trace_id('order-77')}-{attempt.span_id}-01" for attempt in call.sent]
    assert sent == acme[0].traceparents
    assert [attempt.status for attempt in call.sent] == [503, 200]
    assert [attempt.number for attempt in call.sent] == [1, 2]


async def test_what_will_not_help_is_not_repeated(one: Process, acme: tuple[AcmeServer, str]) -> None:
    acme[0].tricks = ["status:400"]

    with pytest.raises(HttpFailed) as caught:
        await one.gateway.call("acme", "read", {"reference": "A"})

    assert (caught.value.error_type, caught.value.fault, len(acme[0].requests)) == ("http_400", "ours", 1)


async def test_an_answer_that_is_no_json_is_schema_drift(one: Process, acme: tuple[AcmeServer, str]) -> None:
    acme[0].tricks = ["html"]

    with pytest.raises(SchemaDrift, match="not JSON"):
        await one.gateway.call("acme", "read", {"reference": "A"})


async def test_a_lost_answer_of_a_write_is_looked_up_and_not_sent_again(
    one: Process, acme: tuple[AcmeServer, str]
) -> None:
    acme[0].tricks = ["lost"]

    found = await one.gateway.call("acme", "make", {"reference": "A"})

    assert found.value.number == 1
    assert acme[0].requests == ["POST /things", "GET /things/A"]
    assert acme[0].made == 1


async def test_a_write_that_proved_not_to_have_happened_is_sent_again(
    one: Process, acme: tuple[AcmeServer, str]
) -> None:
    acme[0].tricks = ["reset"]

    await one.gateway.call("acme", "make", {"reference": "A"})

    assert acme[0].requests == ["POST /things", "GET /things/A", "POST /things"]
    assert acme[0].made == 1


async def test_without_a_look_up_a_lost_answer_stays_unknown(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    acme[0].tricks = ["lost"]

    with pytest.raises(OutcomeUnknown, match="settle it by hand"):
        await one.gateway.call("acme", "make_blind", {"reference": "A"})
    row = await find(database, "acme", "make_blind", "make_blind-A")

    assert row is not None
    assert row.state == "unknown"
    assert acme[0].requests == ["POST /things"]


async def test_a_lost_look_up_stays_unknown_and_is_looked_up_next_time(
    one: Process, acme: tuple[AcmeServer, str]
) -> None:
    acme[0].tricks = ["lost", "status:500", "status:500", "status:500"]
    with pytest.raises(OutcomeUnknown):
        await one.gateway.call("acme", "make", {"reference": "A"})

    found = await one.gateway.call("acme", "make", {"reference": "A"})

    assert found.value.number == 1
    assert acme[0].made == 1


async def test_a_native_key_goes_out_the_same_with_each_attempt(one: Process, acme: tuple[AcmeServer, str]) -> None:
    acme[0].tricks = ["lost", None]

    await one.gateway.call("acme", "pay", {"reference": "A"}, idempotency_key="k1")

    assert acme[0].paid == {"k1": 1}
    assert len(acme[0].requests) == 2


async def test_the_same_key_gives_the_stored_result(one: Process, acme: tuple[AcmeServer, str]) -> None:
    first = await one.gateway.call("acme", "make", {"reference": "A"}, idempotency_key="k1")

    again = await one.gateway.call("acme", "make", {"reference": "A"}, idempotency_key="k1")

    assert (again.value, again.replayed) == (first.value, True)
    assert acme[0].made == 1


async def test_the_same_key_with_other_parameters_is_refused(one: Process, acme: tuple[AcmeServer, str]) -> None:
    await one.gateway.call("acme", "make", {"reference": "A"}, idempotency_key="k1")

    with pytest.raises(KeyReused):
        await one.gateway.call("acme", "make", {"reference": "A", "size": 2}, idempotency_key="k1")

    assert acme[0].made == 1


async def test_callers_of_two_processes_with_one_key_get_one_result(
    one: Process, acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    async with process(database, acme[1], tmp_path) as two:
        results = await asyncio.gather(
            *(each.gateway.call("acme", "make", {"reference": "A"}) for each in (one, two, one, two))
        )

    assert {result.value.number for result in results} == {1}
    assert acme[0].made == 1


async def test_a_claim_of_a_dead_process_is_looked_up_before_anything_is_sent(
    one: Process, acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    dead = new_owner("test").replace(f":{os.getpid()}:", ":999999:")
    acme[0].tricks = ["hold"]
    async with process(database, acme[1], tmp_path, owner=dead) as gone:
        doomed = asyncio.create_task(gone.gateway.call("acme", "make", {"reference": "A"}))
        while not acme[0].requests:
            await asyncio.sleep(0.01)
        acme[0].things["A"] = 41
        found = await one.gateway.call("acme", "make", {"reference": "A"})
        acme[0].hold.set()
        await asyncio.gather(doomed, return_exceptions=True)

    assert found.value.number == 41
    assert acme[0].requests[1] == "GET /things/A"


async def test_five_failures_open_the_circuit_for_all_processes_and_probes_close_it(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    quick = BreakerOptions(wait_duration_in_open_state=0.2)
    async with (
        process(database, acme[1], tmp_path, breaker=quick) as one,
        process(database, acme[1], tmp_path, breaker=quick) as two,
    ):
        acme[0].tricks = ["status:500"] * 5
        for each in (one, two):
            with pytest.raises((HttpFailed, CircuitIsOpen)):
                await each.gateway.call("acme", "read", {"reference": "A"})
        sent = len(acme[0].requests)
        await asyncio.sleep(0.6)  # the states are read again every half second
        for each in (one, one, one):
            await each.gateway.call("acme", "read", {"reference": "A"})
        await asyncio.sleep(0.6)

        assert sent == 5
        assert one.board.state_of("acme") == "closed"
        assert two.board.state_of("acme") == "closed"


async def test_only_one_probe_goes_out_from_all_processes(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    quick = BreakerOptions(wait_duration_in_open_state=0.1)
    async with (
        process(database, acme[1], tmp_path, breaker=quick) as one,
        process(database, acme[1], tmp_path, breaker=quick) as two,
    ):
        acme[0].tricks = ["status:500"] * 5
        for _ in range(2):
            with pytest.raises((HttpFailed, CircuitIsOpen)):
                await one.gateway.call("acme", "read", {"reference": "A"})
        await asyncio.sleep(0.7)
        acme[0].tricks = ["hold"]
        before = len(acme[0].requests)
        calls = [asyncio.create_task(each.gateway.call("acme", "read", {"reference": "A"})) for each in (one, two) * 4]
        await asyncio.sleep(0.5)
        probes = len(acme[0].requests) - before
        acme[0].hold.set()
        results = await asyncio.gather(*calls, return_exceptions=True)

    assert probes == 1
    assert sum(isinstance(result, CircuitIsOpen) for result in results) == 7


async def test_what_the_vendor_refuses_of_ours_never_opens_the_circuit(
    one: Process, acme: tuple[AcmeServer, str]
) -> None:
    acme[0].tricks = ["status:400"] * 12
    for _ in range(12):
        with pytest.raises(HttpFailed):
            await one.gateway.call("acme", "read", {"reference": "A"})

    assert one.board.state_of("acme") == "closed"


async def test_retry_after_beyond_the_deadline_is_not_waited_for(one: Process, acme: tuple[AcmeServer, str]) -> None:
    acme[0].tricks = ["limit:30"]

    with pytest.raises(HttpFailed) as caught:
        await one.gateway.call("acme", "read", {"reference": "A"}, deadline=5.0)

    assert (caught.value.error_type, caught.value.retry_after) == ("rate_limited", 30.0)


async def test_after_a_429_no_process_asks_until_its_time(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    from integrations.adapter import QuotaPolicy

    quotas = (QuotaPolicy(name="all", limit=100, seconds=1),)
    async with (
        process(database, acme[1], tmp_path, quotas=quotas) as one,
        process(database, acme[1], tmp_path, quotas=quotas) as two,
    ):
        await one.gateway.call("acme", "read", {"reference": "A"})
        acme[0].tricks = ["limit:30"]
        with pytest.raises(HttpFailed):
            await one.gateway.call("acme", "read", {"reference": "A"}, deadline=5.0)
        with pytest.raises(NoPermit) as caught:
            await two.gateway.call("acme", "read", {"reference": "A"}, deadline=5.0)

    assert caught.value.retry_after == pytest.approx(30, abs=3)


async def test_a_cached_answer_stands_in_and_says_so(one: Process, acme: tuple[AcmeServer, str]) -> None:
    await one.gateway.call("acme", "quote", {"reference": "A"})
    await one.gateway.close()
    acme[0].tricks = ["status:503"]

    found = await one.gateway.call("acme", "quote", {"reference": "A"})

    assert (found.stale, found.value.stale) == (True, True)
    assert isinstance(found.cause, HttpFailed)
    assert found.cause.error_type == "http_503"


async def test_an_operation_may_say_itself_that_nobody_answered(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    class Honest(Acme):
        def unanswered(self, operation: Operation, asked: Any, error: QuaysideError, now: datetime) -> Made:
            return Made(number=0, reference=f"{operation.name} of {asked.reference}: {error.error_type}")

    acme[0].tricks = ["status:503", "status:400"]
    async with process(database, acme[1], tmp_path, kind=Honest) as one:
        found = await one.gateway.call("acme", "quote", {"reference": "A"})
        with pytest.raises(HttpFailed):  # our fault: no fallback, and no answer either
            await one.gateway.call("acme", "quote", {"reference": "A"})
        await one.recorder.flush()
        first, _ = reversed(await search(database, vendor="acme"))

    assert found.value == Made(number=0, reference="quote of A: http_503")
    assert (found.answered, found.stale, found.vendor) == (False, False, "acme")
    assert (first.outcome, first.error_type, first.stale) == ("error", "http_503", False)


async def test_a_call_that_never_ends_ends_at_its_deadline(one: Process, acme: tuple[AcmeServer, str]) -> None:
    acme[0].tricks = ["hold"] * 3

    with pytest.raises(TransportFailed) as caught:
        await one.gateway.call("acme", "read", {"reference": "A"}, deadline=0.3)

    assert caught.value.error_type in ("timeout", "deadline")


async def test_a_session_is_shared_inside_and_closed_at_the_end(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    acme[0].needs_session = True
    async with process(database, acme[1], tmp_path, kind=Session) as one:
        async with one.gateway.session("acme"):
            await one.gateway.call("acme", "read", {"reference": "A"})
            await one.gateway.call("acme", "read", {"reference": "B"})
        await one.gateway.call("acme", "read", {"reference": "C"})

    assert acme[0].logins == 2
    assert acme[0].sessions == set()


async def test_a_session_is_closed_when_the_run_is_cancelled(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    acme[0].tricks = [None, "hold"]
    async with process(database, acme[1], tmp_path, kind=Session) as one:
        call = asyncio.create_task(one.gateway.call("acme", "read", {"reference": "A"}))
        while len(acme[0].requests) < 2:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    assert acme[0].sessions == set()


async def test_the_session_of_a_dead_process_is_closed_by_the_next(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    from datetime import UTC, datetime, timedelta

    from db.sign_ins import acquire_slot, open_session

    now = datetime.now(UTC)
    dead = new_owner("test").replace(f":{os.getpid()}:", ":999999:")
    acme[0].sessions.add("left")
    await acquire_slot(database, "acme:sessions", 1, dead, now=now, until=now + timedelta(minutes=10))
    await open_session(database, "x", "acme", dead, {"x-session": "left"}, now=now, until=now + timedelta(minutes=10))

    async with process(database, acme[1], tmp_path, kind=Session) as one:
        await one.gateway.call("acme", "read", {"reference": "A"})

    assert acme[0].sessions == set()


async def test_two_processes_fetch_one_token(acme: tuple[AcmeServer, str], database: Database, tmp_path: Path) -> None:
    acme[0].needs_session = True
    async with (
        process(database, acme[1], tmp_path, kind=Token) as one,
        process(database, acme[1], tmp_path, kind=Token) as two,
    ):
        await asyncio.gather(*(each.gateway.call("acme", "read", {"reference": "A"}) for each in (one, two) * 3))

    assert acme[0].logins == 1


async def test_a_token_the_vendor_dropped_is_fetched_anew_once(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    acme[0].needs_session = True
    async with process(database, acme[1], tmp_path, kind=Token) as one:
        await one.gateway.call("acme", "read", {"reference": "A"})
        acme[0].sessions.clear()
        await one.gateway.call("acme", "read", {"reference": "A"})

    assert acme[0].logins == 2


async def test_a_token_that_is_never_accepted_ends_as_unauthorized(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    acme[0].tricks = [None, "status:401", None, "status:401"]
    async with process(database, acme[1], tmp_path, kind=Token) as one:
        with pytest.raises(HttpFailed) as caught:
            await one.gateway.call("acme", "read", {"reference": "A"})

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


@pytest.mark.parametrize(
    ("vendor", "operation", "value", "error", "field"),
    [
        ("acmee", "read", {"reference": "A"}, UnknownVendor, "vendor"),
        ("acme", "reed", {"reference": "A"}, UnknownOperation, "operation"),
        ("acme", "read", {}, InvalidInput, "reference"),
        ("acme", "read", {"reference": "A", "sice": 1}, InvalidInput, "sice"),
    ],
)
async def test_bad_input_is_refused_by_name_and_nothing_is_sent(
    one: Process,
    acme: tuple[AcmeServer, str],
    vendor: str,
    operation: str,
    value: dict[str, object],
    error: type[InvalidInput],
    field: str,
) -> None:
    with pytest.raises(error) as caught:
        await one.gateway.call(vendor, operation, value)

    assert caught.value.field == field
    assert acme[0].requests == []


async def test_a_cancelled_write_is_recorded_as_unknown(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    acme[0].tricks = ["hold"]
    with origin("api", correlation_id="c-1"):
        call = asyncio.create_task(one.gateway.call("acme", "make", Thing(reference="A")))
    while not acme[0].requests:
        await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await one.recorder.flush()
    row = await find(database, "acme", "make", "make-A")
    (stored,) = await search(database, correlation_id="c-1")

    assert row is not None
    assert (row.state, stored.outcome, stored.error_type) == ("unknown", "unknown", "cancelled")


async def test_a_call_whose_retry_meets_an_open_circuit_ends_with_the_vendors_own_error(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    quick = BreakerOptions(consecutive_failures=1)
    async with process(database, acme[1], tmp_path, breaker=quick) as one:
        acme[0].tricks = ["status:503"]
        with pytest.raises(HttpFailed) as caught:
            await one.gateway.call("acme", "read", {"reference": "A"})

    assert caught.value.error_type == "http_503"


async def test_a_quota_of_one_operation_holds_back_no_other(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    reads = QuotaPolicy(name="reads", limit=1, seconds=86_400, paced=False, operations=("read",))
    async with process(database, acme[1], tmp_path, quotas=(reads,)) as one:
        await one.gateway.call("acme", "read", {"reference": "A"}, priority="interactive")
        with pytest.raises(NoPermit):
            await one.gateway.call("acme", "read", {"reference": "B"}, priority="interactive")
        made = await one.gateway.call("acme", "make", {"reference": "C"}, priority="interactive")

    assert made.value.number == 1
    assert acme[0].requests == ["GET /things", "POST /things"]


@pytest.mark.parametrize(("moved", "asked"), [(False, "GET /aside/things"), (True, "GET /things")])
async def test_a_second_address_of_a_vendor_is_asked_unless_its_base_url_was_moved(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path, moved: bool, asked: str
) -> None:
    class TwoAddresses(Acme):
        vendor = replace(
            ACME, base_url="https://moved.example" if moved else acme[1], hosts={"aside": f"{acme[1]}/aside"}
        )

        async def read(self, exchange: Exchange, thing: Thing) -> Made:
            request = Request(method="GET", host="aside", path="/things", json={"reference": thing.reference})
            return Made.model_validate((await exchange.send(request)).json())

    async with process(database, acme[1], tmp_path, kind=TwoAddresses) as one:
        await one.gateway.call("acme", "read", {"reference": "A"})

    assert acme[0].requests == [asked]


@pytest.mark.parametrize(("host", "followed"), [("", True), ("elsewhere.example", False)])
async def test_a_link_is_followed_as_it_is_where_it_stays_with_the_vendor(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path, host: str, followed: bool
) -> None:
    home = f"https://{host}" if host else acme[1]

    class Linked(Acme):
        async def read(self, exchange: Exchange, thing: Thing) -> Made:
            link = f"{home}/things/file?Signature=se%2Fcret"
            request = Request(method="GET", path="/things/file", link=link, signed=False)
            return Made.model_validate((await exchange.send(request)).json())

    acme[0].things["file"] = 7
    async with process(database, acme[1], tmp_path, kind=Linked) as one:
        with nullcontext() if followed else pytest.raises(LinkRefused, match="leads away from it"):
            await one.gateway.call("acme", "read", {"reference": "A"})
        await one.recorder.flush()

    (row,) = await search(database, vendor="acme")
    assert acme[0].requests == (["GET /things/file"] if followed else [])
    assert [attempt.path for attempt in row.sent] == (["/things/file"] if followed else [])


async def test_a_cached_answer_stands_in_when_the_other_vendor_cannot_answer_either(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    other = Fallback(kind="vendor", vendor="nobody", then_cached=True, max_age=60.0)
    quote = replace(ACME.operations[1], fallback=other)

    class WithOther(Acme):
        vendor = replace(ACME, operations=(quote,))

    async with process(database, acme[1], tmp_path, kind=WithOther) as one:
        await one.gateway.call("acme", "quote", {"reference": "A"})
        await one.gateway.close()  # the answer is kept
        acme[0].tricks = ["status:503"]
        found = await one.gateway.call("acme", "quote", {"reference": "A"})

    assert (found.stale, found.vendor, found.value.stale) == (True, "acme", True)
