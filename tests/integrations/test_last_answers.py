"""The last answers stand in from the moment they are kept, and are stored together a little later."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from db.engine import Database, StoreUnavailable
from integrations.last_answers import LastAnswers
from integrations.resilience.clock import Clock
from tests.conftest import NOON, MovableClock
from tests.integrations.acme import Thing
from tests.waiting import until

A, B = Thing(reference="A"), Thing(reference="B")


def last_answers(db: Database, clock: MovableClock) -> LastAnswers:
    return LastAnswers(db, Clock(time=clock.time, sleep=clock.sleep))


async def test_an_answer_stands_in_before_it_is_stored_and_after(database: Database, clock: MovableClock) -> None:
    kept = last_answers(database, clock)
    kept.keep("acme", "quote", A, {"price": "1"})
    at_once = await kept.last("acme", "quote", A)
    await kept.close()
    elsewhere = last_answers(database, clock)

    assert at_once == ({"price": "1"}, NOON)
    assert repr(kept) == "<LastAnswers 0 not stored yet>"
    assert await elsewhere.last("acme", "quote", A) == at_once
    assert await elsewhere.last("acme", "quote", B) is None
    assert await elsewhere.last("other", "quote", A) is None


async def test_the_newest_answer_stands(database: Database, clock: MovableClock) -> None:
    kept = last_answers(database, clock)
    for price in ("1", "2"):
        kept.keep("acme", "quote", A, {"price": price})
        await kept.close()
        clock.move(60)
    kept.keep("acme", "quote", A, {"price": "3"})
    kept.keep("acme", "quote", A, {"price": "4"})
    await kept.close()
    found = await last_answers(database, clock).last("acme", "quote", A)

    assert found is not None
    assert found[0] == {"price": "4"}


async def test_the_answers_of_one_moment_are_stored_by_themselves_in_one_transaction(
    database: Database, clock: MovableClock
) -> None:
    commits: list[Any] = []
    event.listen(database.engine.sync_engine, "commit", commits.append)
    kept = last_answers(database, clock)
    for vendor in ("acme", "other", "third"):
        kept.keep(vendor, "quote", A, {"price": vendor})

    async def all_stored() -> bool:
        return repr(kept) == "<LastAnswers 0 not stored yet>"

    await until(all_stored, seconds=10)
    elsewhere = last_answers(database, clock)
    found = [await elsewhere.last(vendor, "quote", A) for vendor in ("acme", "other", "third")]

    assert len(commits) == 1
    assert [one and one[0]["price"] for one in found] == ["acme", "other", "third"]


async def test_while_the_database_is_away_answers_do_not_pile_up(
    database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        raise StoreUnavailable("the database does not answer")

    kept = last_answers(database, clock)
    kept.keep("acme", "quote", A, {"price": "1"})
    with monkeypatch.context() as patch:
        patch.setattr(database, "write", away)
        await kept.close()

    assert repr(kept) == "<LastAnswers 0 not stored yet>"
    assert [record.message for record in caplog.records] == ["answers.not_stored"]
