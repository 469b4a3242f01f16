"""Faults on request: rules that say which requests go wrong, and how.

A rule in JSON, as the control endpoint takes it::

    {"match": {"method": "POST", "path": "^/fhir/?$", "nth": 2}, "times": 1,
     "action": {"kind": "status", "status": 503, "headers": {"Retry-After": "2"}}}

`match` may hold method, path (a regular expression searched in path and query), nth (only the
nth matching request, from 1) or probability (with seed); `times` limits how often the rule acts.
The kinds of action and their settings are in `ACTIONS`.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import INVALID_FAULT

# kind -> setting -> (types, default); a default of ... makes the setting required.
ACTIONS: dict[str, dict[str, tuple[tuple[type, ...], Any]]] = {
    # Answer with this instead; `apply` carries the request out first.
    "status": {
        "status": ((int,), ...),
        "headers": ((dict,), {}),
        "body": ((str,), ""),
        "apply": ((bool,), False),
    },
    # Close the connection without a byte of response: before, or after the request is applied.
    "drop-before": {},
    "drop-after": {},
    # Apply, announce the whole length, send only so many bytes, close.
    "truncate": {"bytes": ((int,), 20)},
    # Wait before the request is applied.
    "delay": {"seconds": ((int, float), ...)},
    # Apply, then send so many bytes at a time with a pause before each.
    "drip": {"bytes": ((int,), 1), "seconds": ((int, float), 0.1)},
    # Within a bundle: this entry is not processed and answers with the status.
    "entry": {"index": ((int,), ...), "status": ((int,), 429), "headers": ((dict,), {})},
    # A batch or transaction response without these entries, or in reverse order.
    "omit-entries": {"indexes": ((list,), ...)},
    "reverse-entries": {},
    # Search parameters passed over in silence; "*" for all.
    "ignore-search-parameters": {"names": ((list,), ["*"])},
    # Searches see the server as it was so many seconds ago.
    "stale-search": {"seconds": ((int, float), ...)},
    # The status of a failed If-Match.
    "conflict-status": {"status": ((int,), 409)},
    # Bundles with more entries are refused.
    "bundle-limit": {"entries": ((int,), ...), "status": ((int,), 413)},
    # The next link of a search or history that has more pages.
    "next-link": {"url": ((str,), ...)},
}
WIRE_KINDS = frozenset(("status", "drop-before", "drop-after", "truncate", "delay", "drip"))


@dataclass(slots=True)
class FaultRule:
    """Which requests go wrong and how; see the module for the settings."""

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    method: str | None = None
    path: str | None = None
    nth: int | None = None
    probability: float | None = None
    seed: int = 0
    times: int | None = None
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)
    _random: random.Random = field(init=False, repr=False)
    _pattern: re.Pattern[str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.settings = _settings(self.kind, self.settings)
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose
        try:
            self._pattern = re.compile(self.path) if self.path is not None else None
        except re.error as error:
            raise _invalid("match.path is not a regular expression.") from error

    def fires(self, method: str, path: str) -> bool:
        """Count a request and tell whether this rule acts on it; not thread safe."""
        if self.method is not None and method != self.method:
            return False
        if self._pattern is not None and not self._pattern.search(path):
            return False
        self.seen += 1
        if self.times is not None and self.fired >= self.times:
            return False
        if self.nth is not None and self.seen != self.nth:
            return False
        if self.probability is not None and self._random.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def to_json(self) -> dict[str, Any]:
        """Return the rule as the control endpoint shows it, with how often it acted."""
        match = {
            name: getattr(self, name)
            for name in ("method", "path", "nth", "probability")
            if getattr(self, name) is not None
        }
        return {
            "match": {**match, "seed": self.seed},
            "times": self.times,
            "action": {"kind": self.kind, **self.settings},
            "seen": self.seen,
            "fired": self.fired,
        }


class FaultPlan:
    """The fault rules in force; may be changed while the server runs."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self._lock = threading.Lock()
        self._rules = list(rules)
        self.closing = threading.Event()

    def add(self, rule: FaultRule) -> None:
        """Put a rule behind the others."""
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """Take all rules away."""
        with self._lock:
            self._rules.clear()

    def choose(self, method: str, path: str) -> list[FaultRule]:
        """Count one request with every rule and return the rules that act on it."""
        with self._lock:
            return [rule for rule in self._rules if rule.fires(method, path)]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the rules in their order."""
        with self._lock:
            return [rule.to_json() for rule in self._rules]

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than the server runs."""
        self.closing.wait(seconds)


def parse_rule(data: Any) -> FaultRule:
    """Return the rule in `data`; InteractionError 400 names the member that is wrong."""
    if not isinstance(data, dict):
        raise _invalid("it is not an object.")
    _check_members(data, "the rule", {"match": (dict,), "times": (int, _NONE), "action": (dict,)})
    match, action = _with_floats(data.get("match", {})), _with_floats(data.get("action", {}))
    _check_members(match, "match", _MATCH)
    kind = action.pop("kind", None)
    if not isinstance(kind, str):
        raise _invalid("action.kind is missing.")
    return FaultRule(kind, action, times=data.get("times"), **match)


def _with_floats(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members with each Decimal of the JSON text as the float that a clock takes."""
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in members.items()
    }


_NONE = type(None)
_MATCH: dict[str, tuple[type, ...]] = {
    "method": (str,),
    "path": (str,),
    "nth": (int,),
    "probability": (int, float),
    "seed": (int,),
}


def _settings(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in ACTIONS:
        raise _invalid(f"action.kind is not one of {', '.join(ACTIONS)}.")
    known = ACTIONS[kind]
    _check_members(given, "action", {name: types for name, (types, _) in known.items()})
    missing = [name for name, (_, default) in known.items() if default is ... and name not in given]
    if missing:
        raise _invalid(f"action.{missing[0]} is missing.")
    settings = {name: default for name, (_, default) in known.items()} | dict(given)
    if not 100 <= settings.get("status", 200) <= 599:
        raise _invalid("action.status is not an HTTP status.")
    return settings


def _check_members(
    data: Mapping[str, Any], where: str, allowed: Mapping[str, tuple[type, ...]]
) -> None:
    for name, value in data.items():
        if name not in allowed:
            raise _invalid(f"{where} has a member other than {', '.join(allowed) or 'kind'}.")
        if not isinstance(value, allowed[name]) or (
            isinstance(value, bool) and bool not in allowed[name]
        ):
            raise _invalid(f"{where}.{name} has the wrong type.")


def _invalid(text: str) -> InteractionError:
    return InteractionError.of(400, INVALID_FAULT, f"The fault rule cannot be used: {text}")
