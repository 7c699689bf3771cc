"""Texts as Canada Post's schemas take them: one line, of a length, without control characters."""

from __future__ import annotations

import re

from integrations.errors import InvalidInput

NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, section 2.2


def text(value: str, longest: int, what: str, field: str) -> str:
    """Return the value on one line. Raise InvalidInput naming the field when it is empty, too long or no XML."""
    line = " ".join(value.split())
    if not 1 <= len(line) <= longest:
        raise InvalidInput(f"Canada Post takes {what} of 1 to {longest} characters.", field=field)
    if NOT_XML.search(line):
        raise InvalidInput("A control character cannot be sent in XML; remove it.", field=field)
    return line
