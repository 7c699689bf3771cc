"""Who holds a lease: one id per process, from which another process of the same machine can tell that it is dead.

A process id means something only where it was given: two containers may share the host's name and not its processes. So
an id names the space of process ids it was given in, and is judged only by a process of the same one.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from contextlib import suppress

NAME = 28  # characters of the host's name that stand in an owner


def new_owner(kind: str) -> str:
    """Return an id for this process, at most 64 characters: ``web@host:4711:c0ffee12-9f3c21aa``."""
    return f"{kind}@{socket.gethostname()[:NAME]}:{os.getpid()}:{_place()}-{secrets.token_hex(4)}"


def new_holder() -> str:
    """Return an id for one hold of this process, at most 32 characters: the machine stands in it as a hash."""
    return f"h@{_place()}:{os.getpid()}:{secrets.token_hex(6)}"


def is_dead(owner: str) -> bool:
    """Return True when the owner was a process of this machine and that process is gone.

    False proves nothing (another machine or container, or a process id used again): a lease still ends by its time.
    """
    try:
        _, rest = owner.split("@", 1)
        host, pid, token = rest.rsplit(":", 2)
        if _place() not in (host, token.partition("-")[0]):
            return False
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError):
        return False
    return False


def _place() -> str:
    """Return a hash of this machine's name and of the space its process ids are given in."""
    space = ""
    with suppress(OSError):  # only Linux has such spaces
        space = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]
