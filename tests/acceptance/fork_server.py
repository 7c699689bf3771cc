"""Starts processes of the product quickly, for tests that kill them: everything is imported once, each is a fork.

A fork of a process without threads and without a loop is as good as a fresh ``python app.py scheduler`` in the same
folder, less the seconds of imports. Lines on standard input, each answered by one line on standard output:

start COMMAND [PORT [HOST]]   fork a process that runs the command, a web one on that port, as if on a machine of that
                              name, from which nobody sees whether it lives -> its process id
wait ID                       wait until it has ended -> its exit code, negative for a signal
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from importlib import import_module
from unittest.mock import patch

from app import main

# What a command imports when it runs; here it is imported once, before the first fork that needs it.
NEEDS = {
    "web": (
        "integrations.checkout.api",
        "integrations.webhooks.receiver",
        "monitoring.alerts.incidents",
        "monitoring.web",
    ),
    "scheduler": ("integrations.checkout.api", "monitoring.alerts.incidents", "scheduler.commands", "scheduler.worker"),
    "sandbox": ("integrations.sandbox.commands",),
}


def serve() -> None:
    """Do what the lines say; at their end kill what still runs."""
    running: set[int] = set()
    for line in iter(sys.stdin.readline, ""):
        match line.split():
            case ["start", command, *more]:
                answer = _start(command, *more)
                running.add(answer)
            case ["wait", text]:
                pid = int(text)
                answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                running.discard(pid)
            case _:
                raise ValueError(f"start COMMAND [PORT [HOST]] or wait ID, not {line!r}")
        print(answer, flush=True)  # noqa: T201 - the answer to the test
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _start(command: str, port: str = "", host: str = "") -> int:
    for name in NEEDS[command]:
        import_module(name)
    if threading.active_count() > 1:
        raise RuntimeError(f"a fork would leave threads behind: {threading.enumerate()}")
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(2, 1)  # what the process says goes to the log, the answers belong to the server
        if port:
            os.environ["QUAYSIDE_PORT"] = port
        if host:
            patch("socket.gethostname", lambda: host).start()
        code = main([command])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
