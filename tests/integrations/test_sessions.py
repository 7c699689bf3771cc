"""Sessions under a licence that is full, and a quota that is spent: what is open goes on, and can always be closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from db import sign_ins
from db.calls import search
from db.engine import Database, StoreUnavailable
from integrations.adapter import QuotaPolicy, SignIn
from integrations.classify import by_status
from integrations.errors import CallFailed, CircuitIsOpen, StoreIsUnavailable
from integrations.outcome import Request, Response, Verdict
from integrations.resilience.circuit_breaker import BreakerOptions
from integrations.resilience.clock import Clock
from integrations.sign_in import CLOSE_AGAIN
from tests.conftest import MovableClock
from tests.integrations.acme import ACME, Acme, AcmeServer, Session, Token, acme_server, process
from tests.waiting import until


class FullLicence(Session):
    """Two sessions by our count; 409 says that the licence has none left."""

    vendor = replace(ACME, sign_in=SignIn(kind="session", slots=2, slot_seconds=5.0))

    def classify(self, request: Request, response: Response) -> Verdict | None:
        verdict = by_status("Acme", response)
        if verdict is None or response.status != 409:
            return verdict
        return replace(verdict, error_type="login_limit", retryable=True, retry_after=30.0, untouched=True)


class Patient(Session):
    """Dropped by the vendor after ten minutes, as Acumatica does."""

    vendor = replace(ACME, sign_in=SignIn(kind="session", slots=1, slot_seconds=600.0))


OUT = ["status:503"] * 2  # as often as a sign-out is sent in one go


def moved_by(clock: MovableClock) -> Clock:
    return Clock(time=lambda: clock.now().timestamp())


@pytest.fixture
async def acme() -> AsyncIterator[tuple[AcmeServer, str]]:
    async with acme_server() as running:
        yield running


async def test_signing_out_takes_no_permit(acme: tuple[AcmeServer, str], database: Database, tmp_path: Path) -> None:
    quotas = (QuotaPolicy(name="day", limit=2, seconds=86_400, paced=False),)
    async with process(database, acme[1], tmp_path, kind=Session, quotas=quotas) as one:
        await one.gateway.call("acme", "read", {"reference": "A"}, priority="interactive")

    assert acme[0].requests == ["POST /login", "GET /things", "POST /logout"]
    assert acme[0].sessions == set()


async def test_a_full_licence_holds_back_nobody_who_is_signed_in(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    quotas = (QuotaPolicy(name="minute", limit=600, seconds=60, paced=False),)
    async with (
        process(database, acme[1], tmp_path, kind=FullLicence, quotas=quotas) as one,
        process(database, acme[1], tmp_path, kind=FullLicence, quotas=quotas) as two,
        one.gateway.session("acme"),
    ):
        await one.gateway.call("acme", "read", {"reference": "A"})
        acme[0].tricks = ["status:409"]
        with pytest.raises(CallFailed) as caught:
            await two.gateway.call("acme", "read", {"reference": "B"})
        found = await one.gateway.call("acme", "read", {"reference": "C"})

    assert caught.value.error_type == "login_limit"
    assert found.value.reference == "C"
    assert acme[0].sessions == set()


@pytest.mark.parametrize("kind", [Session, Token])
async def test_a_circuit_closes_again_for_who_has_to_sign_in_first(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path, kind: type[Acme]
) -> None:
    quick = BreakerOptions(wait_duration_in_open_state=0.05)
    async with process(database, acme[1], tmp_path, kind=kind, breaker=quick) as one:

        async def answered() -> bool:
            try:
                await one.gateway.call("acme", "read", {"reference": "A"})
            except (CallFailed, CircuitIsOpen):
                return False
            return True

        async def closed() -> bool:
            return await answered() and one.board.state_of("acme") == "closed"

        acme[0].tricks = ["status:500"] * 6
        for _ in range(2):
            assert not await answered()
        assert one.board.state_of("acme") == "open"
        await until(closed)

    assert acme[0].tricks == []  # the last one failed a probe: a sign-in that fails opens the circuit anew


async def test_a_session_that_cannot_be_noted_is_used_and_closed_all_the_same(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the database is locked")

    monkeypatch.setattr(sign_ins, "open_session", away)
    async with process(database, acme[1], tmp_path, kind=Session) as one:
        found = await one.gateway.call("acme", "read", {"reference": "A"})

    assert found.value.reference == "A"
    assert acme[0].requests == ["POST /login", "GET /things", "POST /logout"]
    assert await sign_ins.slot_owners(database, "acme:sessions") == []


async def test_a_session_that_could_not_be_closed_is_closed_later_by_one_of_all(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path, clock: MovableClock
) -> None:
    server = acme[0]
    async with process(database, acme[1], tmp_path, kind=Patient, clock=moved_by(clock)) as one:
        server.tricks = [None, None, *OUT]
        await one.gateway.call("acme", "read", {"reference": "A"})
        tried = len(server.requests)
        assert server.sessions == {"s1"}

        await one.gateway.close_orphans()
        assert len(server.requests) == tried  # the vendor is given a moment

        clock.move(CLOSE_AGAIN.total_seconds() + 1)
        server.tricks = list(OUT)
        await one.gateway.close_orphans()
        assert server.sessions == {"s1"}

        server.tricks = []
        tried = len(server.requests)
        clock.move(CLOSE_AGAIN.total_seconds() + 1)
        await asyncio.gather(*(one.gateway.close_orphans() for _ in range(3)))
        assert server.sessions == set()
        assert server.requests[tried:] == ["POST /logout"]

    assert await sign_ins.sessions(database, "acme") == []


async def test_a_session_the_vendor_has_dropped_by_itself_is_tried_no_more(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path, clock: MovableClock
) -> None:
    async with process(database, acme[1], tmp_path, kind=Session, clock=moved_by(clock)) as one:
        acme[0].tricks = [None, None, *OUT, *OUT]
        await one.gateway.call("acme", "read", {"reference": "A"})
        clock.move(Session.vendor.sign_in.slot_seconds + CLOSE_AGAIN.total_seconds())  # type: ignore[union-attr]
        await one.gateway.close_orphans()

    assert await sign_ins.sessions(database, "acme") == []


async def test_a_call_that_loses_the_database_under_way_ends_as_such_and_is_recorded(
    acme: tuple[AcmeServer, str], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the database is locked")

    async with process(database, acme[1], tmp_path, kind=Session) as one:
        monkeypatch.setattr("integrations.sign_in.SignInDesk.open_session", away)
        with pytest.raises(StoreIsUnavailable, match="went away under way"):
            await one.gateway.call("acme", "read", {"reference": "A"})
        await one.recorder.flush()

    [row] = await search(database, limit=10)
    assert (row.outcome, row.error_type) == ("refused", "store_unavailable")
