"""The key that seals what is personal: given by a setting, or made once beside the database of one machine."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def made_once(path: Path) -> str:
    """Return the key kept in a file, made at the first call and readable by its owner alone.

    Several processes may call at once: the file appears whole, and only the first one's stays.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text(encoding="utf-8").strip()
