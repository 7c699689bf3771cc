"""A lost answer through the gateway: it is listed, a person settles it, and the same key then does as was said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from db import outcomes
from db.calls import search
from db.engine import Database
from db.keys import KeyRow, find
from integrations.correlation import origin
from integrations.errors import AlreadyHappened, HttpFailed, KeyReused, OutcomeUnknown
from integrations.http_status import retry_after_of, status_of
from integrations.resilience.clock import Clock
from tests.integrations.acme import AcmeServer, Made, Process, acme_server, process


class Shift:
    """The real time, moved on by hand."""

    moved = timedelta()

    def time(self) -> float:
        return time.time() + self.moved.total_seconds()


@pytest.fixture
async def acme() -> AsyncIterator[tuple[AcmeServer, str]]:
    async with acme_server() as running:
        yield running


@pytest.fixture
async def one(database: Database, acme: tuple[AcmeServer, str], tmp_path: Path) -> AsyncIterator[Process]:
    async with process(database, acme[1], tmp_path) as opened:
        yield opened


async def lose(one: Process, server: AcmeServer, operation: str, *tricks: str) -> OutcomeUnknown:
    """Make a write whose answer is lost."""
    server.tricks = [*tricks]
    with pytest.raises(OutcomeUnknown) as caught:
        await one.gateway.call("acme", operation, {"reference": "A"})
    assert server.tricks == []
    return caught.value


async def settle(db: Database, operation: str, found: outcomes.Found) -> None:
    settled = await outcomes.settle(
        db, "acme", operation, f"{operation}-A", found=found, reason="Seen there", by="mira", now=Clock().now()
    )
    assert settled is not None


async def unknown(db: Database) -> list[KeyRow]:
    return await outcomes.listed(db, state="unknown", now=Clock().now())


async def test_a_lost_answer_is_listed_with_its_reference_and_what_the_look_up_said(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    with origin("api", correlation_id="order-77"):
        await lose(one, acme[0], "make", "lost", "status:500", "status:500", "status:500")
    await one.recorder.flush()
    (call,) = await search(database, correlation_id="order-77")
    (row,) = await unknown(database)

    assert (row.vendor, row.operation, row.key, row.reference) == ("acme", "make", "make-A", "A")
    assert (row.correlation_id, row.call_id) == ("order-77", call.id)
    looked_up = [attempt for attempt in call.sent if attempt.operation == "look_up"]
    assert (row.look_up_error, len(looked_up)) == (looked_up[-1].error_type, 3)
    assert row.look_up_said is not None
    assert row.look_up_said.startswith("Acme")
    assert row.note == call.message
    assert str(row.note).endswith(f"the look-up failed too: {row.look_up_said}")


async def test_a_vendor_without_a_look_up_says_so(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    await lose(one, acme[0], "make_blind", "lost")
    (row,) = await unknown(database)

    assert (row.look_up_error, row.look_up_said) == ("unsupported", "Acme has no look-up for make_blind.")


async def test_a_write_cancelled_under_way_is_listed_without_a_look_up(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    acme[0].tricks = ["hold"]
    call = asyncio.create_task(one.gateway.call("acme", "make", {"reference": "A"}))
    while not acme[0].requests:
        await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    (row,) = await unknown(database)

    assert (row.look_up_error, row.note) == (None, "The call to Acme was cancelled before it ended.")


async def test_found_not_to_have_happened_the_same_key_is_sent_and_its_result_kept(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    await lose(one, acme[0], "make_blind", "reset")
    await settle(database, "make_blind", "did_not_happen")

    sent = await one.gateway.call("acme", "make_blind", {"reference": "A"})
    again = await one.gateway.call("acme", "make_blind", {"reference": "A"})

    assert (sent.value, sent.replayed) == (Made(number=1, reference="A"), False)
    assert (again.value, again.replayed) == (sent.value, True)
    assert acme[0].requests == ["POST /things", "POST /things"]
    assert await outcomes.listed(database, state="settled", now=Clock().now()) == []


async def test_found_not_to_have_happened_it_is_sent_without_another_look_up(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    await lose(one, acme[0], "make", "reset", "status:500", "status:500", "status:500")
    await settle(database, "make", "did_not_happen")
    acme[0].requests.clear()

    await one.gateway.call("acme", "make", {"reference": "A"})

    assert acme[0].requests == ["POST /things"]


async def test_found_not_to_have_happened_other_parameters_are_still_refused(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    await lose(one, acme[0], "make_blind", "reset")
    await settle(database, "make_blind", "did_not_happen")

    with pytest.raises(KeyReused):
        await one.gateway.call("acme", "make_blind", {"reference": "A", "size": 2})

    assert acme[0].made == 0


async def test_a_second_lost_answer_after_settling_is_a_new_doubt(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    await lose(one, acme[0], "make_blind", "reset")
    await settle(database, "make_blind", "did_not_happen")
    settled = await find(database, "acme", "make_blind", "make_blind-A")
    await lose(one, acme[0], "make_blind", "lost")
    (row,) = await unknown(database)

    assert settled is not None
    assert (row.found, row.settled_by, row.reason) == (None, None, None)
    assert row.created_at > settled.changed_at


async def test_found_to_have_happened_it_is_never_sent_again_and_says_so(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    await lose(one, acme[0], "make_blind", "lost")
    await settle(database, "make_blind", "happened")
    for _ in range(2):
        with (
            origin("api", correlation_id="again"),
            pytest.raises(
                AlreadyHappened, match='make_blind under the key "make_blind-A" has happened: mira'
            ) as caught,
        ):
            await one.gateway.call("acme", "make_blind", {"reference": "A"})
    await one.recorder.flush()
    stored = await search(database, correlation_id="again")

    assert acme[0].requests == ["POST /things"]
    assert "It is not sent again; use a new key for another one." in caught.value.message
    assert "Its answer is lost, as this vendor has no look-up." in caught.value.message
    assert "Seen there" not in caught.value.message  # a person's words are not passed around
    assert (caught.value.field, caught.value.exit_code, caught.value.retryable) == ("idempotency_key", 2, False)
    assert (status_of(caught.value), retry_after_of(caught.value)) == (409, None)
    assert [(call.outcome, call.error_type, call.attempts) for call in stored] == [
        ("refused", "already_happened", 0)
    ] * 2


async def test_found_to_have_happened_the_look_up_still_gives_the_answer(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    await lose(one, acme[0], "make", "lost", "status:500", "status:500", "status:500")
    await settle(database, "make", "happened")
    acme[0].requests.clear()

    found = await one.gateway.call("acme", "make", {"reference": "A"})

    assert found.value.number == 1
    assert acme[0].requests == ["GET /things/A"]
    row = await find(database, "acme", "make", "make-A")
    assert row is not None
    assert (row.state, row.found) == ("settled", "happened")


async def test_found_to_have_happened_a_failed_look_up_sends_nothing_and_may_be_tried_again(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    await lose(one, acme[0], "make", "lost", "status:500", "status:500", "status:500")
    await settle(database, "make", "happened")
    acme[0].requests.clear()
    acme[0].tricks = ["status:500", "status:500", "status:500"]

    with pytest.raises(AlreadyHappened, match="The look-up for its answer failed: Acme") as caught:
        await one.gateway.call("acme", "make", {"reference": "A"})

    assert caught.value.retryable
    assert isinstance(caught.value.__cause__, HttpFailed)
    assert set(acme[0].requests) == {"GET /things/A"}


async def test_found_to_have_happened_nothing_is_sent_even_where_the_look_up_finds_nothing(
    one: Process, acme: tuple[AcmeServer, str], database: Database
) -> None:
    await lose(one, acme[0], "make", "reset", "status:500", "status:500", "status:500")
    await settle(database, "make", "happened")

    with pytest.raises(AlreadyHappened, match="The look-up does not find it, though"):
        await one.gateway.call("acme", "make", {"reference": "A"})

    assert acme[0].made == 0
    assert acme[0].requests.count("POST /things") == 1


@pytest.mark.parametrize("days", [2, 400])
async def test_found_to_have_happened_holds_however_long_ago(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path, days: int
) -> None:
    shift = Shift()
    async with process(database, acme[1], tmp_path, clock=Clock(time=shift.time)) as one:
        await lose(one, acme[0], "make_blind", "lost")
        await settle(database, "make_blind", "happened")
        shift.moved = timedelta(days=days)
        with pytest.raises(AlreadyHappened):
            await one.gateway.call("acme", "make_blind", {"reference": "A"})

    assert acme[0].made == 1


async def test_an_answer_found_out_after_days_is_kept_as_long_as_any_other(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    shift = Shift()
    async with process(database, acme[1], tmp_path, clock=Clock(time=shift.time)) as one:
        await lose(one, acme[0], "make", "lost", "status:500", "status:500", "status:500")
        shift.moved = timedelta(days=3)
        found = await one.gateway.call("acme", "make", {"reference": "A"})
        shift.moved += timedelta(hours=23)
        again = await one.gateway.call("acme", "make", {"reference": "A"})

    assert (again.value, again.replayed) == (found.value, True)
    assert acme[0].requests.count("POST /things") == 1
