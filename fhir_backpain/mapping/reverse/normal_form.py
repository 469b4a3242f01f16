"""The normal form of a record: two records that mean the same and map to the same, look the same.

Where a mapping fills in what a record leaves out (a default status, the assessment's time for a
questionnaire without one), the way back cannot tell whether the record had said it. The normal
form leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fhir_backpain.mapping.clause import read_clauses
from fhir_backpain.mapping.declaration import Declaration, Fragments
from fhir_backpain.mapping.functions.arguments import argument, option
from fhir_backpain.mapping.template import (
    Each,
    FirstOf,
    ListTemplate,
    ObjectTemplate,
    Slot,
    Template,
    Use,
    When,
)

Steps = tuple[str, ...]
LIST = "[]"


@dataclass(frozen=True, slots=True)
class Redundancy:
    """A path whose value says nothing: where it is `value`, or the same as at `other`."""

    path: Steps
    value: Any = None
    other: Steps | None = None


class NormalForm:
    """Brings the records of one type into normal form, by what their mappings fill in."""

    def __init__(self, declarations: Iterable[Declaration], fragments: Fragments) -> None:
        found: list[Redundancy] = []
        for declaration in declarations:
            names: dict[str, Steps] = {}
            if declaration.repetition:
                path, name = declaration.repetition
                names[name] = (*path.split("."), LIST)
            found += _Walk(fragments).redundancies(declaration.template, names)
        self.redundancies = tuple(dict.fromkeys(found))

    def of(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of a record in normal form; empty objects are gone too."""
        copy: dict[str, Any] = _copy(record)
        for redundancy in self.redundancies:
            _drop(copy, redundancy.path, _test(redundancy, copy))
        return copy


def _test(redundancy: Redundancy, record: dict[str, Any]) -> Callable[[Any], bool]:
    expected = redundancy.value if redundancy.other is None else _at(record, redundancy.other)
    return lambda value: value == expected


@dataclass(frozen=True, slots=True)
class _Walk:
    fragments: Fragments

    def redundancies(self, node: Template, names: dict[str, Steps]) -> Iterator[Redundancy]:
        if isinstance(node, Slot):
            instead = option(node, "else")
            if node.function in ("copy", "code") and instead is not None:
                yield Redundancy(_steps(argument(node), names), instead)
        elif isinstance(node, ObjectTemplate | ListTemplate):
            inside = node.members.values() if isinstance(node, ObjectTemplate) else node.items
            for part in inside:
                yield from self.redundancies(part, names)
        elif isinstance(node, Each):
            inner = {**names, node.name: (*_steps(node.path, names), LIST)}
            yield from self.redundancies(node.body, inner)
        elif isinstance(node, When):
            yield from self._when(node, names)
        elif isinstance(node, Use):
            fragment = self.fragments[node.fragment]
            places = {name: _steps(path, names) for name, path in node.arguments.items()}
            yield from self.redundancies(fragment.template, places)
        elif isinstance(node, FirstOf):
            yield from self._first_of(node, names)

    def _when(self, node: When, names: dict[str, Steps]) -> Iterator[Redundancy]:
        for clause in read_clauses(node.condition):
            if clause.word == "true" and not clause.is_negated:
                yield Redundancy(_steps(clause.path, names), False)
        yield from self.redundancies(node.body, names)

    def _first_of(self, node: FirstOf, names: dict[str, Steps]) -> Iterator[Redundancy]:
        first, last = node.alternatives[0], node.alternatives[-1]
        if _is_copy(first) and _is_copy(last):
            assert isinstance(first, Slot)
            assert isinstance(last, Slot)
            yield Redundancy(_steps(argument(first), names), other=_steps(argument(last), names))
        for alternative in node.alternatives:
            yield from self.redundancies(alternative, names)


def _is_copy(node: Template) -> bool:
    return isinstance(node, Slot) and node.function == "copy" and not node.options


def _steps(path: str, names: dict[str, Steps]) -> Steps:
    first, *rest = path.removeprefix("=").strip().split(".")
    return (*names[first], *rest) if first in names else (first, *rest)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _drop(owner: Any, steps: Steps, is_redundant: Callable[[Any], bool]) -> None:
    step, *rest = steps
    if step == LIST:
        for item in owner if isinstance(owner, list) else ():
            _drop(item, tuple(rest), is_redundant)
        return
    if not isinstance(owner, dict) or step not in owner:
        return
    if rest:
        _drop(owner[step], tuple(rest), is_redundant)
    elif is_redundant(owner[step]):
        del owner[step]
