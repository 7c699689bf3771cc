"""Who holds a lease: one id per process, from which another process of the same machine can tell that it is dead."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket


def new_owner(kind: str) -> str:
    """Return an id for this process, at most 64 characters: ``web@host:4711:9f3c21aa``."""
    return f"{kind}@{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"


def new_holder() -> str:
    """Return an id for one hold of this process, at most 32 characters: the machine stands in it as a hash."""
    return f"h@{_hashed(socket.gethostname())}:{os.getpid()}:{secrets.token_hex(6)}"


def is_dead(owner: str) -> bool:
    """Return True when the owner was a process of this machine and that process is gone.

    False proves nothing (another machine, or a process id used again): a lease still ends by its time.
    """
    try:
        _, rest = owner.split("@", 1)
        host, pid, _ = rest.rsplit(":", 2)
        name = socket.gethostname()
        if host not in (name[:30], _hashed(name)):
            return False
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError):
        return False
    return False


def _hashed(host: str) -> str:
    return hashlib.sha256(host.encode()).hexdigest()[:8]
