"""Starts schedulers quickly, for a test that kills them: everything is imported once, each scheduler is a fork.

A fork of a process without threads and without a loop is as good as a fresh ``python app.py scheduler`` in the same
folder, less the seconds of imports. Lines on standard input, each answered by one line on standard output:

start          fork a scheduler -> its process id
wait ID        wait until it has ended -> its exit code, negative for a signal
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from app import main


def serve() -> None:
    """Do what the lines say; at their end kill what still runs."""
    running: set[int] = set()
    for line in iter(sys.stdin.readline, ""):
        match line.split():
            case ["start"]:
                answer = _start()
                running.add(answer)
            case ["wait", text]:
                pid = int(text)
                answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                running.discard(pid)
            case _:
                raise ValueError(f"start or wait ID, not {line!r}")
        print(answer, flush=True)  # noqa: T201 - the answer to the test
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _start() -> int:
    if threading.active_count() > 1:
        raise RuntimeError(f"a fork would leave threads behind: {threading.enumerate()}")
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(2, 1)  # what the scheduler says goes to the log, the answers belong to the server
        code = main(["scheduler"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
