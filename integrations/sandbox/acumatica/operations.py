"""Long operations: started by an action, polled in the same session, done after a while.

The work is done when its time has come, polled or not, as in the ERP.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from integrations.sandbox.acumatica.errors import refused
from integrations.sandbox.acumatica.sessions import Session
from integrations.sandbox.twin import Answer


@dataclass(slots=True, kw_only=True)
class _Operation:
    session: str
    due: float
    work: Callable[[], None]
    failure: str | None = None
    done: bool = False


class Operations:
    """The long operations, by the GUID in their Location."""

    def __init__(self, now: Callable[[], float], seconds: Callable[[], float]) -> None:
        self._now = now
        self._seconds = seconds
        self._operations: dict[str, _Operation] = {}
        self._waiting: list[_Operation] = []
        self._started = 0

    def __repr__(self) -> str:
        return f"<Operations {len(self._waiting)} running, {self._started} started>"

    def start(self, session: Session, form: str, location: str, work: Callable[[], None]) -> Answer:
        """Start ``work`` and return the 202 that says where to poll; ``location`` is the action's path on the host.

        ``work`` raises ValueError when the ERP would fail at it.
        """
        self._started += 1
        guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{session.id}:{self._started}"))
        operation = _Operation(session=session.id, due=self._now() + self._seconds(), work=work)
        self._operations[guid] = operation
        self._waiting.append(operation)
        session.busy[form] = operation.due
        self.catch_up()
        return Answer(status=202, headers=(("Location", f"{location}/status/{guid}"),))

    def poll(self, session: Session, guid: str) -> Answer:
        """Return 202 while it runs, 204 when it is done.

        Raises Refused when it failed, and when another session started it: its state lives in that session.
        """
        operation = self._operations.get(guid)
        if operation is None or operation.session != session.id:
            raise refused(404, "The operation is not known in this session.")
        if operation.failure is not None:
            raise refused(500, operation.failure)
        return Answer(status=204 if operation.done else 202)

    def catch_up(self) -> None:
        """Do the work whose time has come."""
        now = self._now()
        if not any(operation.due <= now for operation in self._waiting):
            return
        due = [operation for operation in self._waiting if operation.due <= now]
        self._waiting = [operation for operation in self._waiting if operation.due > now]
        for operation in due:
            try:
                operation.work()
            except ValueError as problem:
                operation.failure = str(problem)
            operation.done = True

    def check_free(self, session: Session, form: str) -> None:
        """Raise Refused while this session's last operation on the form still runs."""
        if session.busy.get(form, 0.0) > self._now():
            raise refused(500, "The previous operation has not been completed yet.")
