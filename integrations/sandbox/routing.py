"""Which route of a twin a request belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from integrations.sandbox.twin import Route

_PARAMETER = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})+))?\}")
_NOTHING: Mapping[str, str] = {}


class RouteTable:
    """Finds a route by method and path: literal paths at once, the others in the order they were given."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._literal: dict[tuple[str, str], Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for route in routes:
            if "{" in route.path:
                self._patterns.append((_pattern(route.path), route))
            else:
                self._literal[route.method, route.path] = route

    def __repr__(self) -> str:
        return f"<RouteTable {len(self._literal)} literal, {len(self._patterns)} patterns>"

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route and its path parameters; None when no route fits."""
        literal = self._literal.get((method, path))
        if literal is not None:
            return literal, _NOTHING
        for pattern, route in self._patterns:
            if route.method == method and (match := pattern.fullmatch(path)):
                return route, match.groupdict()
        return None

    def knows(self, path: str) -> bool:
        """Say whether the path exists under some other method (405 rather than 404)."""
        return any(known == path for _, known in self._literal) or any(
            pattern.fullmatch(path) for pattern, _ in self._patterns
        )


def _pattern(template: str) -> re.Pattern[str]:
    parts, end = [], 0
    for parameter in _PARAMETER.finditer(template):
        parts.append(re.escape(template[end : parameter.start()]))
        parts.append(f"(?P<{parameter[1]}>{parameter[2] or '[^/]+'})")
        end = parameter.end()
    return re.compile("".join(parts) + re.escape(template[end:]))
