"""Search parameters of a request, compiled to conditions on the index tables.

FHIR: http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from fhir_backpain.fhir.date_range import (
    PREFIXES,
    DateRange,
    Prefix,
    approximate,
    matches,
    parse_date,
)
from fhir_backpain.outcome import Issue
from fhir_backpain.sandbox.exchange import Parameters
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import INVALID_PARAMETER, UNKNOWN_PARAMETER
from fhir_backpain.sandbox.search_index import ID_PATTERN, parse_reference
from fhir_backpain.sandbox.search_parameters import (
    RESOURCE_TYPES,
    SEARCH_PARAMETERS,
    SearchParameter,
)

_NAME = re.compile(r"(?P<name>[A-Za-z_\-]+)(?::(?P<modifier>[A-Za-z]+))?(?:\.(?P<chain>.+))?")
_SYSTEM_WIDE = {
    "_id": SearchParameter("_id", "token", ("id",)),
    "_lastUpdated": SearchParameter("_lastUpdated", "date", ("meta.lastUpdated",)),
}
_VISIBLE = "{v}.instant <= ? AND {v}.superseded > ? AND {v}.method <> 'DELETE'"


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL and the arguments of its placeholders."""

    sql: str
    arguments: tuple[Any, ...] = ()

    @classmethod
    def any_of(cls, conditions: list[Condition]) -> Condition:
        """Return the condition that one of `conditions` holds."""
        sql = " OR ".join(f"({one.sql})" for one in conditions)
        return cls(f"({sql})", tuple(item for one in conditions for item in one.arguments))


@dataclass(frozen=True, slots=True)
class View:
    """What a search looks at: the state `as_of` an instant, the base URL, the clock (ms)."""

    as_of: int
    now: int
    base: str


@dataclass(slots=True)
class Criteria:
    """The compiled parameters; `applied` are those that took part, `ignored` the others."""

    resource_type: str
    view: View
    conditions: list[Condition] = field(default_factory=list)
    applied: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[Issue] = field(default_factory=list)

    def where(self) -> Condition:
        """Return the whole condition on rows ``v`` of the version table."""
        visible = _visible("v", self.resource_type, self.view)
        parts = [visible, *self.conditions]
        return Condition(
            " AND ".join(part.sql for part in parts),
            tuple(item for part in parts for item in part.arguments),
        )


def compile_criteria(
    resource_type: str,
    parameters: Parameters,
    view: View,
    skipped: frozenset[str] = frozenset(),
) -> Criteria:
    """Compile search parameters, result parameters left out beforehand.

    Unknown parameters are collected in `ignored`; names in `skipped` (or ``*``) are dropped in
    silence. Raises InteractionError 400 for a wrong value or a modifier that is not supported.
    """
    criteria = Criteria(resource_type, view)
    for name, value in parameters:
        if "*" in skipped or name.partition(":")[0] in skipped:
            continue
        condition = _condition(resource_type, name, value, view, "v")
        if condition is None:
            criteria.ignored.append(_unknown(resource_type, name))
        else:
            criteria.conditions.append(condition)
            criteria.applied.append((name, value))
    return criteria


def find_parameter(resource_type: str, name: str) -> SearchParameter | None:
    """Return the row of a search parameter, None where the type has no such parameter."""
    return _SYSTEM_WIDE.get(name) or SEARCH_PARAMETERS[resource_type].get(name)


def split_value(text: str, separator: str) -> list[str]:
    """Split at `separator` unless a backslash stands before it; escapes stay as they are."""
    parts: list[str] = []
    current = ""
    characters = iter(text)
    for character in characters:
        if character == "\\":
            current += character + next(characters, "")
        elif character == separator:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


def _visible(row: str, resource_type: str, view: View) -> Condition:
    sql = f"{row}.type = ? AND " + _VISIBLE.format(v=row)
    return Condition(sql, (resource_type, view.as_of, view.as_of))


def _unknown(resource_type: str, name: str) -> Issue:
    text = f"{resource_type} has no search parameter {name}; it was ignored."
    return UNKNOWN_PARAMETER.issue(text, severity="warning")


def _invalid(name: str, text: str) -> InteractionError:
    return InteractionError.of(400, INVALID_PARAMETER, f"Search parameter {name}: {text}")


def _condition(resource_type: str, name: str, value: str, view: View, row: str) -> Condition | None:
    match = _NAME.fullmatch(name)
    parameter = find_parameter(resource_type, match["name"]) if match else None
    if match is None or parameter is None:
        return None
    if value.strip() == "":
        raise _invalid(name, "the value is empty.")
    if match["chain"] is not None:
        return _chained(resource_type, parameter, match, value, view, row)
    modifier = match["modifier"]
    if modifier == "missing" and parameter.name not in _SYSTEM_WIDE:
        return _missing(resource_type, parameter, value, row)
    test = _modified(parameter, modifier)
    if test is None:
        raise _invalid(name, f"the modifier {modifier} is not supported.")
    tests = [test(resource_type, parameter, part, view, row) for part in split_value(value, ",")]
    found = Condition.any_of(tests)
    return Condition(f"NOT {found.sql}", found.arguments) if modifier == "not" else found


_Test = Callable[[str, SearchParameter, str, View, str], Condition]


def _modified(parameter: SearchParameter, modifier: str | None) -> _Test | None:
    """Return the test of one value for a parameter with its modifier, None if unsupported."""
    if parameter.name == "_id":
        return _by_id if modifier in (None, "not") else None
    if parameter.name == "_lastUpdated":
        return _by_last_updated if modifier is None else None
    if parameter.kind in ("token", "uri") and modifier in (None, "not"):
        return _by_token if parameter.kind == "token" else _by_uri
    if parameter.kind == "date" and modifier is None:
        return _by_date
    if parameter.kind == "reference":
        return _reference_test(parameter, modifier)
    return None


def _reference_test(parameter: SearchParameter, modifier: str | None) -> _Test | None:
    if modifier is None:
        return _by_reference
    if modifier == "identifier":
        named = SearchParameter(f"{parameter.name}:identifier", "token", parameter.paths)
        return lambda kind, _, value, view, row: _by_token(kind, named, value, view, row)
    if modifier in RESOURCE_TYPES and parameter.target in (None, modifier):
        typed = SearchParameter(parameter.name, "reference", parameter.paths, modifier)
        return lambda kind, _, value, view, row: _by_reference(kind, typed, value, view, row)
    return None


def _in_index(
    table: str, resource_type: str, name: str, row: str, test: str, arguments: tuple[Any, ...]
) -> Condition:
    sql = (
        f"{row}.instant IN (SELECT instant FROM {table} "  # noqa: S608 - names are our own
        f"WHERE type = ? AND parameter = ? AND {test})"
    )
    return Condition(sql, (resource_type, name, *arguments))


def _by_id(kind: str, parameter: SearchParameter, value: str, view: View, row: str) -> Condition:
    return Condition(f"{row}.id = ?", (unescape(value),))


def _by_token(kind: str, parameter: SearchParameter, value: str, view: View, row: str) -> Condition:
    system, bar, code = _two_parts(value)
    if not bar:
        return _in_index("token", kind, parameter.name, row, "code = ?", (system,))
    if not code:
        if not system:
            raise _invalid(parameter.name, "a system or a code is needed beside the bar.")
        return _in_index("token", kind, parameter.name, row, "system = ?", (system,))
    test = "code = ? AND system = ?"
    return _in_index("token", kind, parameter.name, row, test, (code, system))


def _two_parts(value: str) -> tuple[str, bool, str]:
    parts = [unescape(part) for part in split_value(value, "|")]
    return parts[0], len(parts) > 1, "|".join(parts[1:])


def _by_uri(kind: str, parameter: SearchParameter, value: str, view: View, row: str) -> Condition:
    return _in_index("token", kind, parameter.name, row, "code = ?", (unescape(value),))


def _by_date(kind: str, parameter: SearchParameter, value: str, view: View, row: str) -> Condition:
    prefix, span = _searched(parameter.name, value, view)
    test, arguments = matches(prefix, span, "low", "high")
    return _in_index("date", kind, parameter.name, row, test, tuple(arguments))


def _by_last_updated(
    kind: str, parameter: SearchParameter, value: str, view: View, row: str
) -> Condition:
    prefix, span = _searched(parameter.name, value, view)
    low = f"{row}.instant * 1000"
    test, arguments = matches(prefix, span, low, f"({low} + 1000)")
    return Condition(test, tuple(arguments))


def _searched(name: str, value: str, view: View) -> tuple[Prefix, DateRange]:
    text = unescape(value)
    prefix = cast(Prefix, text[:2]) if text[:2] in PREFIXES else None
    span = parse_date(text[2:] if prefix else text)
    if span is None:
        raise _invalid(name, "the value is not a FHIR date or dateTime.")
    if prefix == "ap":
        return prefix, approximate(span, view.now * 1000)
    return prefix or "eq", span


def _by_reference(
    kind: str, parameter: SearchParameter, value: str, view: View, row: str
) -> Condition:
    text = unescape(value)
    test, arguments = "target_id = ? AND target_type = ?", [text, parameter.target]
    if re.fullmatch(ID_PATTERN, text):
        if parameter.target is None:
            test, arguments = "target_id = ? AND url = ''", [text]
    else:
        target = parse_reference(text, view.base)
        if target is None:
            raise _invalid(parameter.name, "the value is not a reference.")
        arguments = [target.id, target.type]
        if target.url:
            test, arguments = "target_id = '' AND target_type = '' AND url = ?", [target.url]
    return _in_index("reference", kind, parameter.name, row, test, tuple(arguments))


def _missing(resource_type: str, parameter: SearchParameter, value: str, row: str) -> Condition:
    if value not in ("true", "false"):
        raise _invalid(f"{parameter.name}:missing", "the value is neither true nor false.")
    table = "token" if parameter.kind == "uri" else parameter.kind
    found = _in_index(table, resource_type, parameter.name, row, "1", ())
    return Condition(f"NOT {found.sql}", found.arguments) if value == "true" else found


def _chained(
    resource_type: str,
    parameter: SearchParameter,
    match: re.Match[str],
    value: str,
    view: View,
    row: str,
) -> Condition:
    """Return the condition that a referenced resource fulfils a condition of its own."""
    name = match.string
    only = match["modifier"] or parameter.target
    if parameter.kind != "reference" or "." in match["chain"]:
        raise _invalid(name, "only one step from a reference is supported.")
    conditions = []
    for target in RESOURCE_TYPES if only is None else (only,):
        inner = _condition(target, match["chain"], value, view, "t") if _known(target) else None
        if inner is not None:
            conditions.append(_chain_step(resource_type, parameter.name, target, inner, view, row))
    if not conditions:
        raise _invalid(name, "no referenced type has this search parameter.")
    return Condition.any_of(conditions)


def _known(resource_type: str) -> bool:
    return resource_type in SEARCH_PARAMETERS


def _chain_step(
    resource_type: str, name: str, target: str, inner: Condition, view: View, row: str
) -> Condition:
    visible = _visible("t", target, view)
    test = (
        "target_type = ? AND target_id IN (SELECT t.id FROM version t "  # noqa: S608
        f"WHERE {visible.sql} AND {inner.sql})"
    )
    arguments = (target, *visible.arguments, *inner.arguments)
    return _in_index("reference", resource_type, name, row, test, arguments)


def unescape(text: str) -> str:
    r"""Return a search value without the escapes ``\,``, ``\|``, ``\$`` and ``\\``."""
    return re.sub(r"\\([,|$\\])", r"\1", text)
