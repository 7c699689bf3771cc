"""The journal of a process: every record is on disk, in one write(2), before what it tells of goes on.

A journal is a lock file and segments beside it::

    <id>.lock                        held (flock) while its owner lives; the kernel frees it at death, kill -9 too
    <id>.00000000000000000000.jsonl  the first segment; the number is the position of its first byte
    <id>.00000000000004194304.jsonl  the next

A line is ``<crc32 of the JSON, 8 hex digits> <JSON>\\n``. A position counts bytes over all segments and never goes
back; positions that no file holds are gaps (a write that failed). A line that is torn, or whose sum is wrong, is
passed over: its write never returned, so nothing was built on it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

SEGMENT_BYTES = 16 * 1024 * 1024
_SEGMENT_NAME = re.compile(r"(?P<id>.+)\.(?P<base>\d{20})\.jsonl")


class JournalUnavailable(OSError):
    """The journal cannot be written, so nothing may be sent: it could not be recorded."""


def _unavailable(error: OSError, path: Path) -> JournalUnavailable:
    remedy = "free some space" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "make its folder writable"
    reason = error.strerror or str(error)
    return JournalUnavailable(
        error.errno or errno.EIO, f"The journal cannot be written ({reason}); {remedy}", str(path)
    )


class Lock:
    """The flock of one journal. ``acquire`` returns None when another process holds it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def __repr__(self) -> str:
        return f"<Lock {self.path.name} {'held' if self._descriptor >= 0 else 'released'}>"

    @classmethod
    def acquire(cls, path: Path) -> Lock | None:
        """Take the lock without waiting. Raise OSError when the file cannot be opened."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between our open and our lock its last owner may have removed the file: then we hold a lock nobody sees.
            if os.fstat(descriptor).st_nlink > 0:
                return cls(path, descriptor)
        except BlockingIOError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def release(self, *, remove: bool) -> None:
        """Free the lock; with ``remove`` the file goes first, so that nobody takes over a journal that is finished."""
        if self._descriptor < 0:
            return
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1


class Journal:
    """One journal, held by us: our own, or a dead process's that we took over.

    ``header`` opens each segment and says how to read it. ``carry`` gives the records a new segment repeats, so that
    the ones before it can be removed.
    """

    def __init__(
        self,
        directory: Path,
        lock: Lock,
        header: Iterable[Any],
        *,
        carry: Callable[[], Iterable[bytes]] = tuple,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.id = lock.path.name.removesuffix(".lock")
        self.directory = directory
        self.segment_bytes = segment_bytes
        self._lock = lock
        self._header = orjson.dumps(["H", *header])
        self._carry = carry
        self._descriptor = -1
        self._retired: list[int] = []  # finished segments that are not on the disk yet
        self._base = 0  # position of the first byte of the segment being written
        self._unsynced = False
        segments = self.segments()
        self.end = max((base + path.stat().st_size for base, path in segments), default=0)

    def __repr__(self) -> str:
        return f"<Journal {self.id} at {self.end}{' unsynced' if self._unsynced else ''}>"

    @classmethod
    def create(
        cls,
        directory: Path,
        owner: str,
        header: Iterable[Any],
        *,
        carry: Callable[[], Iterable[bytes]] = tuple,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> Journal:
        """Begin a new journal. Raise JournalUnavailable when the folder cannot be written."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            while True:
                lock = Lock.acquire(directory / f"{owner[:48]}-{secrets.token_hex(6)}.lock")
                if lock is not None:
                    break
            journal = cls(directory, lock, header, carry=carry, segment_bytes=segment_bytes)
        except OSError as error:
            raise _unavailable(error, directory) from error
        try:
            journal._begin_segment()
        except JournalUnavailable:
            lock.release(remove=True)
            raise
        return journal

    def append(self, payload: bytes) -> int:
        """Write one record and return the position after it. Raise JournalUnavailable; then nothing of it counts."""
        if self._descriptor < 0 or self.end - self._base >= self.segment_bytes:
            self._begin_segment()
        return self._write(payload)

    def skip(self, length: int) -> int:
        """Leave a gap of ``length`` bytes and return the position after it; a new segment begins there."""
        self._close_segment()
        self.end = max([self.end, *(base + path.stat().st_size for base, path in self.segments())]) + length
        return self.end

    def sync(self) -> None:
        """Have the kernel put what was written on the disk (blocks; call it in a thread)."""
        retired, self._retired = self._retired, []
        if self._unsynced and self._descriptor >= 0:
            self._unsynced = False
            retired.append(os.dup(self._descriptor))  # ours may be closed meanwhile
        for descriptor in retired:
            os.fsync(descriptor)
            os.close(descriptor)

    def _write(self, payload: bytes) -> int:
        line = b"%08x %b\n" % (crc32(payload), payload)
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.skip(0)
            raise _unavailable(error, self.directory) from error
        self.end += written
        self._unsynced = True
        return self.end

    def _begin_segment(self) -> None:
        self._close_segment()
        path = self.directory / f"{self.id}.{self.end:020d}.jsonl"
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError as error:
            raise _unavailable(error, path) from error
        self._base = self.end
        try:
            self._write(self._header)
            for payload in self._carry():
                self._write(payload)
        except JournalUnavailable:
            path.unlink()  # half a beginning is worth nothing: what it repeats still stands in the segment before
            raise

    def _close_segment(self) -> None:
        if self._descriptor < 0:
            return
        if self._unsynced:
            self._retired.append(self._descriptor)
            self._unsynced = False
        else:
            os.close(self._descriptor)
        self._descriptor = -1

    def segments(self) -> list[tuple[int, Path]]:
        """Return (position, file) of every segment, oldest first."""
        found = []
        for path in self.directory.iterdir():
            match = _SEGMENT_NAME.fullmatch(path.name)
            if match and match["id"] == self.id:
                found.append((int(match["base"]), path))
        return sorted(found)

    def records(self, position: int = 0) -> Iterator[tuple[int, list[Any]]]:
        """Yield (position after it, record) of every whole record that ends after ``position``.

        The header comes first of each segment, however far ``position`` is inside it: it says how to read the others.
        """
        for base, path in self.segments():
            if base + path.stat().st_size <= position:
                continue
            with path.open("rb") as file:
                header = file.readline()
                end = base + len(header)
                record = _parse(header)
                if record is not None:
                    yield end, record
                if position > end:
                    file.seek(position - base)
                    end = position
                for line in file:
                    end += len(line)
                    record = _parse(line)
                    if record is not None:
                        yield end, record

    def drop_before(self, position: int) -> None:
        """Remove the segments that end at or before ``position``, except the one being written."""
        for base, path in self.segments():
            if base != self._base and base + path.stat().st_size <= position:
                path.unlink(missing_ok=True)

    def close(self, *, remove: bool) -> None:
        """Let go of the journal; ``remove`` it when all of it is stored, else the next process takes it over."""
        self._close_segment()
        if remove:
            for _base, path in self.segments():
                path.unlink(missing_ok=True)
        self.sync()
        self._lock.release(remove=remove)


def abandoned(directory: Path, header: Iterable[Any]) -> Iterator[Journal]:
    """Yield the journals whose owners are dead, each locked by us from then on."""
    for path in sorted(directory.glob("*.lock")):
        try:
            lock = Lock.acquire(path)
        except OSError:  # another user's file, or gone again: not ours to take over
            continue
        if lock is not None:
            yield Journal(directory, lock, header)


def _parse(line: bytes) -> list[Any] | None:
    """Return the record of a line, None when it is torn or damaged."""
    if line[-1:] != b"\n" or line[8:9] != b" ":
        return None
    payload = line[9:-1]
    try:
        if int(line[:8], 16) != crc32(payload):
            return None
        record = orjson.loads(payload)
    except ValueError:
        return None
    return record if isinstance(record, list) and record else None
